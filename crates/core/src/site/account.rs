use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::fields::fields;
use super::lax;
use super::place::{Login, Place, Quirks};
use super::protocol::{self, Protocol, bad};
use super::words;
use crate::http::{Bucket, Http, HttpResponse};
use crate::ports::Clock;
use crate::secret::Secret;
use relaykeep_protocol::{Generation, SiteKind, SiteTrouble};

/// Who a site says the login is.
#[derive(Clone, Debug, Default)]
pub struct Whoami {
    /// The login's number.
    pub user_id: String,
    /// Its name, cleaned for show.
    pub username: Option<String>,
    /// Its other name, cleaned for show.
    pub display_name: Option<String>,
    /// Its own group.
    pub group: Option<String>,
    /// Quota left.
    pub balance: Option<i64>,
    /// Quota used.
    pub used: Option<i64>,
    /// An administrator's login: role 10 or more, on every member of the family.
    pub admin: bool,
    /// The token in use, where the site shows it (New API until d0d6168e2, 2025-08-31; Veloera
    /// and the hubs always).
    pub access_token_shown: Option<Secret>,
}

/// Asks who the login is, and what was learned of the site by that.
///
/// # Errors
/// When the site does not say, or answers as another user than the login's (`AnsweredAsOther`).
pub async fn whoami(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
) -> Result<(Whoami, Quirks), SiteError> {
    let response = http.send(adapter::self_request(place, Some(login))).await?;
    let (mut who, learned) = read_whoami(&response, place, login.user_id.as_deref(), clock.now())?;
    if let Some(request) = adapter::balance_request(place, login) {
        let response = http.send(request).await?;
        let answer = classify(&response, &asking_of(place, clock.now()))?;
        super::openrouter::balance(answer.data.ok_or_else(bad)?, &mut who);
    }
    Ok((who, learned))
}

/// Checks a login before it is saved: the same question, and the user id it turned out to have.
/// A site that shows the login's token must show this very one.
///
/// # Errors
/// As [`whoami`].
pub async fn verify_account(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
) -> Result<(Whoami, Quirks), SiteError> {
    let (who, learned) = whoami(http, clock, place, login).await?;
    let other = who
        .access_token_shown
        .as_ref()
        .zip(login.token.as_ref())
        .is_some_and(|(shown, held)| !shown.same_as(&held.secret));
    if other {
        Err(SiteTrouble::AnsweredAsOther.into())
    } else {
        Ok((who, learned))
    }
}

fields! {
    struct SelfData {
        id "id",
        username "username",
        display_name "display_name",
        group "group",
        role "role",
        quota "quota",
        used_quota "used_quota",
        access_token "access_token",
    }
}

fn asking_of(place: &Place, now: u64) -> Asking {
    Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: place.quirks.sends_auth_version,
        protocol: protocol::of(place.kind),
        now,
    }
}

pub(super) fn read_whoami(
    response: &HttpResponse,
    place: &Place,
    expected: Option<&str>,
    now: u64,
) -> Result<(Whoami, Quirks), SiteError> {
    let answer = classify(response, &asking_of(place, now))?;
    let raw = answer.data.ok_or_else(bad)?;
    let own = match protocol::of(place.kind) {
        Protocol::Family => None,
        Protocol::Sub2Api => Some(super::sub2api::whoami(raw).ok_or_else(bad)?),
        Protocol::OpenRouter => Some(super::openrouter::whoami(raw)?),
    };
    if let Some(who) = own {
        if expected.is_some_and(|expected| expected != who.user_id) {
            return Err(SiteTrouble::AnsweredAsOther.into());
        }
        return Ok((who, Quirks::default()));
    }
    let data = SelfData::read(raw.get()).map_err(|_| bad())?;
    // AIHubMix's may have no number.
    let name = || lax::text(data.username).filter(|_| place.kind == SiteKind::AiHubMix);
    let user_id = lax::id(data.id).or_else(name).ok_or_else(bad)?;
    // One API answers silently as whoever's cookie came along (seen on 8df4a267).
    if expected.is_some_and(|expected| expected != user_id) {
        return Err(SiteTrouble::AnsweredAsOther.into());
    }
    let shown = |raw| {
        lax::text(raw)
            .map(|text| words::name(&text))
            .filter(|text| !text.is_empty())
    };
    let token = lax::text(data.access_token)
        .filter(|token| !token.is_empty())
        .map(Secret::new);
    let learned = Quirks {
        generation: (place.kind.habits().generations && token.is_some())
            .then_some(Generation::Unmasked),
        sends_auth_version: answer.auth_version,
        ..Quirks::default()
    };
    let who = Whoami {
        user_id,
        username: shown(data.username),
        display_name: shown(data.display_name),
        group: shown(data.group),
        balance: lax::int(data.quota),
        used: lax::int(data.used_quota),
        admin: lax::int(data.role).is_some_and(|role| role >= 10),
        access_token_shown: token,
    };
    Ok((who, learned))
}
