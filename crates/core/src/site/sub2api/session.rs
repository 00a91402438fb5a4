//! A session of our own: begun once with e-mail and password, kept up with a refresh token that
//! the server takes once [internal/handler/auth_handler.go, internal/service/auth_service.go].
//!
//! A refresh token is dead the moment it is used, without a grace (seen on 67380eaf): a second use
//! answers REFRESH_TOKEN_INVALID, ends nothing else, and the access token that came before it lasts
//! until its own end. So a worker that dies between the answer and its commit has lost the session
//! once that access token ends, and the person signs in again; nobody else is signed out by it.

use super::{Settings, settings};
use crate::http::{Bound, Bucket, Http, HttpRequest, Method};
use crate::json;
use crate::ports::Clock;
use crate::secret::Secret;
use crate::site::address::BaseUrl;
use crate::site::answer::{SiteError, classify};
use crate::site::change::Visit;
use crate::site::fields::fields;
use crate::site::lax;
use crate::site::place::{Login, Place};
use crate::site::protocol::{Protocol, bad};
use crate::site::{adapter, protocol};
use relaykeep_protocol::{Millis, SignInProblem, SiteTrouble};
use serde_json::value::RawValue;

/// Both tokens of a session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Signs requests, until `until`.
    pub access: Secret,
    /// When it ends.
    pub until: Millis,
    /// Makes the next pair, once.
    pub refresh: Secret,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// The person has to do something else.
    Problem(SignInProblem),
    /// The site.
    Site(SiteError),
}

impl From<SiteError> for NoSession {
    fn from(error: SiteError) -> Self {
        Self::Site(error)
    }
}

impl Session {
    /// The login it makes.
    #[must_use]
    pub fn login(&self, user_id: Option<String>, base: &BaseUrl) -> Login {
        Login::new(self.access.clone(), user_id, base)
    }
}

fields! {
    struct Answered {
        access_token "access_token",
        refresh_token "refresh_token",
        expires_in "expires_in",
        requires_2fa "requires_2fa",
    }
}

/// Signs in with e-mail and password, and asks before whether that can be done without a page:
/// then the password is not sent.
///
/// # Errors
/// When the site refuses, cannot be asked, or wants more than these two.
pub async fn sign_in(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    email: &str,
    password: &Secret,
) -> Result<Session, NoSession> {
    let nobody = Login {
        token: None,
        with_cookie: false,
        user_id: None,
    };
    let visit = Visit {
        http,
        clock,
        place,
        login: &nobody,
    };
    let told = visit.send(adapter::status_request(place)).await?;
    let told = settings(told.as_deref()).ok_or_else(bad)?;
    if Settings::wants_a_page(&told) {
        return Err(NoSession::Problem(SignInProblem::Puzzle));
    }
    let body = protocol::object(&[
        ("email", json::write(email)),
        // Into the one request it was typed for.
        ("password", json::write(password.expose())),
    ]);
    let request = post(place, "/api/v1/auth/login", body);
    let response = http.send(request).await.map_err(SiteError::from)?;
    let answered = classify(&response, &visit.asking());
    let data = match &answered {
        Ok(answer) => answer.data.ok_or_else(bad)?,
        Err(SiteError::Trouble(SiteTrouble::LoginExpired, _)) => {
            return Err(NoSession::Problem(SignInProblem::NotAccepted));
        }
        Err(error) => return Err(error.clone().into()),
    };
    let answer = Answered::read(data.get()).map_err(|_| bad())?;
    if lax::truth(answer.requires_2fa) == Some(true) {
        return Err(NoSession::Problem(SignInProblem::SecondFactor));
    }
    read(data, clock.now()).ok_or_else(|| {
        // Before 2026-02 there were no refresh tokens [Wei-Shaw/sub2api 49a3c437].
        if answer.access_token.is_some() {
            NoSession::Problem(SignInProblem::TooOld)
        } else {
            bad().into()
        }
    })
}

/// Takes a refresh token to the site and gets the next pair. The old one is dead afterwards,
/// whether the answer comes or not.
///
/// # Errors
/// When the site refuses (`LoginExpired`: it does not know this token any more) or cannot be asked.
pub async fn refresh(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    token: &Bound,
) -> Result<Session, SiteError> {
    if !token.origins.iter().any(|own| own == place.base.origin()) {
        return Err(crate::http::HttpError::ForeignOrigin.into());
    }
    // To its own site, in the body because the protocol has it there.
    let body = protocol::object(&[("refresh_token", json::write(token.secret.expose()))]);
    let request = post(place, "/api/v1/auth/refresh", body);
    let response = http.send(request).await?;
    let asking = super::super::answer::Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: false,
        protocol: Protocol::Sub2Api,
        now: clock.now(),
    };
    let answer = classify(&response, &asking)?;
    answer
        .data
        .and_then(|data| read(data, clock.now()))
        .ok_or_else(bad)
}

/// `expires_in` counts from the server's now.
fn read(data: &RawValue, now: Millis) -> Option<Session> {
    let answer = Answered::read(data.get()).ok()?;
    let token = |raw| {
        lax::text(raw)
            .filter(|text| {
                (8..=8_192).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
            })
            .map(Secret::new)
    };
    let lasts = lax::int(answer.expires_in).and_then(|seconds| u64::try_from(seconds).ok())?;
    Some(Session {
        access: token(answer.access_token)?,
        until: now.saturating_add(lasts.min(90 * 86_400) * 1_000),
        refresh: token(answer.refresh_token)?,
    })
}

fn post(place: &Place, path: &str, body: String) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url: place.base.join(path),
        headers: vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ],
        bearer: None,
        // Passed in a tab, a challenge is kept away by the browser's cookie.
        with_cookie: place.quirks.shielded,
        body: Some(body),
        bucket: Bucket::Ordinary,
    }
}
