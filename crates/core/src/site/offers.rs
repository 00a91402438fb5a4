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

/// The groups the login may use. Kinds without groups have none. `own` is the login's own group:
/// where the list is the same for anyone, that one may be missing in it, and keys can be put in it
/// all the same (seen on 387f8bf1 and 42841b35).
///
/// # Errors
/// When the site does not say.
pub async fn groups(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
    own: Option<&str>,
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
    let offers = named.take(MOST).filter_map(|(name, raw)| {
        // v-api is said to write a text in place of the object.
        let group = GroupData::read(raw.get()).unwrap_or(GroupData {
            desc: Some(raw),
            ..GroupData::default()
        });
        let text = |raw| lax::text(raw).map(|text| words::name(&text));
        let about = [group.desc, group.description, group.name].map(text);
        let about = about.into_iter().flatten().find(|text| !text.is_empty());
        (lax::truth(group.enable) != Some(false)).then(|| GroupOffer {
            name: name.into_owned(),
            about: about.unwrap_or_default(),
            // For `auto` it is a text.
            ratio: text(group.ratio).filter(|ratio| !ratio.is_empty()),
        })
    });
    let mut offers: Vec<GroupOffer> = offers.collect();
    let own = own.filter(|own| !own.is_empty() && place.kind.habits().groups_for_anyone);
    if let Some(own) = own.filter(|own| offers.iter().all(|offer| offer.name != **own)) {
        offers.push(GroupOffer {
            name: own.to_owned(),
            about: String::new(),
            ratio: None,
        });
    }
    Ok(offers)
}

// `{"<name>": {"ratio": 1, "desc": "…"}}`; the hubs say `name`, and done-hub `description` too.
fields! {
    struct GroupData {
        desc "desc",
        description "description",
        name "name",
        ratio "ratio",
        enable "enable",
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

/// A list of names; the hubs write an object, and what stands beside each name is its price.
fn names(data: &str) -> Result<Vec<String>, SiteError> {
    let bad = |_| SiteError::from(SiteTrouble::BadAnswer);
    let names: Vec<String> = if data.starts_with('{') {
        let entries = crate::json::entries(data).map_err(bad)?;
        entries.into_iter().map(|(name, _)| name.into()).collect()
    } else {
        let listed = Capped::read(data).map_err(bad)?;
        let texts = listed.items.into_iter().map(Some);
        texts.filter_map(lax::text).collect()
    };
    // A name that does not fit a line, or would be cut by the list's commas, is none.
    let fits = |name: &String| !name.is_empty() && words::name(name) == *name;
    Ok(names.into_iter().filter(fits).take(MOST).collect())
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
