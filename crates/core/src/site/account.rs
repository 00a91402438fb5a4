use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::fields::fields;
use super::lax;
use super::place::{Login, Place, Quirks};
use super::words;
use crate::http::{Bucket, Http, HttpResponse};
use crate::ports::Clock;
use crate::secret::Secret;
use relaykeep_protocol::{Generation, SiteTrouble};

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
    read_whoami(&response, place, login.user_id.as_deref(), clock.now())
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

pub(super) fn read_whoami(
    response: &HttpResponse,
    place: &Place,
    expected: Option<&str>,
    now: u64,
) -> Result<(Whoami, Quirks), SiteError> {
    let asking = Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: place.quirks.sends_auth_version,
        now,
    };
    let answer = classify(response, &asking)?;
    let bad = || SiteError::from(SiteTrouble::BadAnswer);
    let data = SelfData::read(answer.data.ok_or_else(bad)?.get()).map_err(|_| bad())?;
    let user_id = lax::id(data.id).ok_or_else(bad)?;
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
