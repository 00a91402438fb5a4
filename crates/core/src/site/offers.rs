//! What a login may put on a key: models and groups.

use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::fields::fields;
use super::lax::{self, Capped};
use super::place::{Login, Place};
use super::protocol::{self, Protocol};
use super::words;
use crate::http::{Bucket, Http, HttpRequest};
use crate::ports::Clock;
use relaykeep_protocol::{GroupOffer, SiteTrouble};
use serde_json::value::RawValue;

/// More names than this are not read.
const MOST: usize = 2_000;

/// The groups the login may use. Kinds without groups have none.
///
/// # Errors
/// When the site does not say.
pub async fn groups(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
) -> Result<Vec<GroupOffer>, SiteError> {
    let Some(request) = adapter::groups_request(place, login) else {
        return Ok(Vec::new());
    };
    let data = ask(http, clock, place, request).await?;
    if protocol::of(place.kind) == Protocol::Sub2Api {
        return super::sub2api::groups(&data).ok_or_else(protocol::bad);
    }
    let entries =
        crate::json::entries(&data).map_err(|_| SiteError::from(SiteTrouble::BadAnswer))?;
    // April 2025 lists one group of no name (seen on ef8ae4db).
    let named = entries.into_iter().filter(|(name, _)| !name.is_empty());
    let offers = named.take(MOST).map(|(name, raw)| {
        let group = GroupData::read(raw.get()).unwrap_or_default();
        GroupOffer {
            name: name.into_owned(),
            about: words::name(&lax::text(group.desc).unwrap_or_default()),
            // For `auto` it is a text.
            ratio: lax::text(group.ratio)
                .map(|ratio| words::name(&ratio))
                .filter(|ratio| !ratio.is_empty()),
        }
    });
    Ok(offers.collect())
}

// `{"<name>": {"ratio": 1, "desc": "…"}}`
fields! {
    struct GroupData {
        desc "desc",
        ratio "ratio",
    }
}

/// The models the login may use, as the site names them. Where keys are not limited to models,
/// none.
///
/// # Errors
/// When the site does not say.
pub async fn models(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
) -> Result<Vec<String>, SiteError> {
    match adapter::models_request(place, login) {
        None => Ok(Vec::new()),
        Some(request) => names(&ask(http, clock, place, request).await?),
    }
}

/// The groups that `auto` may go through, in the site's order.
///
/// # Errors
/// When the site does not say.
pub async fn auto_groups(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
) -> Result<Vec<String>, SiteError> {
    fields! {
        struct AutoGroups { groups "groups" = null }
    }
    let request = adapter::auto_groups_request(place, login);
    let data = ask(http, clock, place, request).await?;
    let bad = || SiteError::from(SiteTrouble::BadAnswer);
    let groups = AutoGroups::read(&data).map_err(|_| bad())?.groups;
    names(groups.ok_or_else(bad)?.get())
}

fn names(data: &str) -> Result<Vec<String>, SiteError> {
    let listed = Capped::read(data).map_err(|_| SiteError::from(SiteTrouble::BadAnswer))?;
    let names = listed.items.into_iter().filter_map(|raw| {
        // A name that does not fit a line, or would be cut by the list's commas, is none.
        lax::text(Some(raw)).filter(|name| !name.is_empty() && words::name(name) == *name)
    });
    Ok(names.take(MOST).collect())
}

async fn ask(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    request: HttpRequest,
) -> Result<String, SiteError> {
    let response = http.send(request).await?;
    let asking = Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: place.quirks.sends_auth_version,
        protocol: protocol::of(place.kind),
        now: clock.now(),
    };
    let answer = classify(&response, &asking)?;
    Ok(answer.data.map_or("", RawValue::get).to_owned())
}
