//! Reads what the in-page scripts (`extension/site/inpage.js`) report. They decide nothing.

use super::address::BaseUrl;
use super::detect::{Asked, Heard};
use super::fields::fields;
use super::lax;
use super::typed::read_token;
use crate::http::HttpResponse;
use crate::secret::Secret;
use crate::sorted::SortedMap;
use relaykeep_protocol::SiteKind;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Heading {
    base: String,
    what: String,
    failed: bool,
    status: u16,
    headers: SortedMap<String, String>,
    body: String,
}

/// Reads the report of `ask`: a list of answers, at most two.
#[must_use]
pub fn read_asked(json: &str) -> Option<Vec<Asked>> {
    let headings: Vec<Heading> = crate::json::read(json).ok()?;
    let mut asked: Vec<Asked> = Vec::new();
    for heading in headings {
        let base = BaseUrl::parse(&heading.base).ok()?;
        let heard = if heading.failed {
            Heard::Nothing
        } else {
            Heard::Answer(HttpResponse {
                status: heading.status,
                headers: heading.headers.into_iter().collect(),
                body: heading.body.into_bytes(),
            })
        };
        match heading.what.as_str() {
            "status" => asked.push(Asked {
                base,
                status: heard,
                bare_self: None,
                settings: None,
            }),
            "settings" => asked.push(Asked {
                base,
                status: Heard::Nothing,
                bare_self: None,
                settings: Some(heard),
            }),
            "self" => asked.iter_mut().find(|asked| asked.base == base)?.bare_self = Some(heard),
            _ => return None,
        }
    }
    Some(asked)
}

/// What `shownToken` brought.
#[derive(Clone, Debug)]
pub struct ShownToken {
    /// The login the page's session belongs to.
    pub user_id: String,
    /// Its name.
    pub username: Option<String>,
    /// The token in use; `None`: the site shows none, or none was ever made.
    pub token: Option<Secret>,
}

/// Reads the report of `shownToken`.
///
/// # Errors
/// Why the site did not say.
pub fn read_shown_token(json: &str) -> Result<ShownToken, MakeProblem> {
    let report = Report::read(json).map_err(|_| MakeProblem::BadAnswer)?;
    let Some(user_id) = lax::id(report.user_id) else {
        return Err(read_problem(report.problem));
    };
    Ok(ShownToken {
        user_id,
        username: report.name(),
        token: report
            .token
            .and_then(|token| read_token(&lax::text(Some(token))?).ok()),
    })
}

/// How far the making of a token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakeStep {
    /// The page's own lock, without which its session may not be refreshed.
    Lock,
    /// The page's session: its refresh, or with cookies the question whose it is.
    Session,
    /// The request that makes the token and ends the old one.
    Token,
}

/// Why no token was made, or shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakeProblem {
    /// Nobody is signed in on the page.
    SignedOut,
    /// Somebody else than the account's login is. Nothing was changed.
    OtherUser,
    /// The page's script is busy with the same session, or ran ahead of us.
    Busy,
    /// Too many requests.
    Limited,
    /// The site refused.
    Refused,
    /// No answer in time, or none at all.
    NoAnswer,
    /// An answer that does not read.
    BadAnswer,
}

/// What `makeToken` came to.
#[derive(Clone, Debug)]
pub enum MadeToken {
    /// There is a new token, and the old one is dead.
    Made {
        /// Whose, where the page says.
        user_id: Option<String>,
        /// Its name.
        username: Option<String>,
        /// The token.
        token: Secret,
    },
    /// There is none.
    Failed {
        /// How far it came.
        step: MakeStep,
        /// Why.
        problem: MakeProblem,
        /// The old token may be dead nevertheless: the request was sent, and no clear refusal came.
        in_doubt: bool,
    },
}

/// The function that takes a short-lived token from a page of this kind of site, if it has one.
#[must_use]
pub fn page_token(kind: SiteKind) -> Option<&'static str> {
    // The JWT era keeps its login in the page [e2c7aa7b web/src/lib/auth-session.ts].
    kind.habits().generations.then_some("pageToken")
}

/// A token that a page's session gave.
#[derive(Clone, Debug)]
pub struct PageToken {
    /// The login it belongs to.
    pub user_id: String,
    /// The token.
    pub token: Secret,
    /// When it ends, in seconds since 1970 by the site's clock.
    pub expires_at: i64,
}

/// Reads the report of `pageToken`.
///
/// # Errors
/// Why there is none.
pub fn read_page_token(json: &str) -> Result<PageToken, MakeProblem> {
    let report = Report::read(json).map_err(|_| MakeProblem::BadAnswer)?;
    let token = report
        .token
        .and_then(|token| read_token(&lax::text(Some(token))?).ok());
    match (lax::id(report.user_id), token) {
        (Some(user_id), Some(token)) => Ok(PageToken {
            user_id,
            token,
            expires_at: lax::int(report.expires_at).unwrap_or(0),
        }),
        (_, None) | (None, _) => Err(read_problem(report.problem)),
    }
}

fn read_problem(said: lax::Raw<'_>) -> MakeProblem {
    match lax::text(said).as_deref() {
        Some("signed-out") => MakeProblem::SignedOut,
        Some("other-user") => MakeProblem::OtherUser,
        Some("busy") => MakeProblem::Busy,
        Some("limited") => MakeProblem::Limited,
        Some("refused") => MakeProblem::Refused,
        Some("no-answer") => MakeProblem::NoAnswer,
        _ => MakeProblem::BadAnswer,
    }
}

/// Reads the report of `makeToken`. What does not read is a failure in doubt: the script may have
/// been cut off after the site had made the token.
#[must_use]
pub fn read_made_token(json: &str) -> MadeToken {
    let in_doubt = MadeToken::Failed {
        step: MakeStep::Token,
        problem: MakeProblem::BadAnswer,
        in_doubt: true,
    };
    let Ok(report) = Report::read(json) else {
        return in_doubt;
    };
    let username = report.name();
    if let Some(token) = report
        .token
        .and_then(|token| read_token(&lax::text(Some(token))?).ok())
    {
        return MadeToken::Made {
            user_id: lax::id(report.user_id),
            username,
            token,
        };
    }
    let step = match lax::text(report.step).as_deref() {
        Some("lock") => MakeStep::Lock,
        Some("session") => MakeStep::Session,
        Some("token") => MakeStep::Token,
        _ => return in_doubt,
    };
    let problem = read_problem(report.problem);
    let unclear = matches!(problem, MakeProblem::NoAnswer | MakeProblem::BadAnswer);
    MadeToken::Failed {
        step,
        problem,
        in_doubt: step == MakeStep::Token && unclear,
    }
}

fields! {
    struct Report {
        user_id "user_id",
        username "username",
        token "token",
        expires_at "expires_at",
        step "step",
        problem "problem",
    }
}

impl Report<'_> {
    fn name(&self) -> Option<String> {
        lax::text(self.username)
            .map(|name| super::words::name(&name))
            .filter(|name| !name.is_empty())
    }
}
