//! Who is asking: each generation's rules, in its own order.

use crate::answer::Answer;
use crate::ask::Ask;
use crate::cookie;
use crate::jwt;
use crate::kind::{Fork, Generation};
use crate::site::Call;
use crate::state::State;
use crate::text::Say;

/// A request that passed authentication.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) id: i64,
    /// The login session, when it was a JWT and not an access token.
    pub(crate) sid: Option<String>,
}

/// Roles of common/constants.go.
pub(crate) const USER: i64 = 1;
pub(crate) const ADMIN: i64 = 10;

impl Call<'_> {
    /// Lets a request of at least this role through, or says why not.
    pub(crate) fn auth(&mut self, least_role: i64) -> Result<Who, Answer> {
        let who = match self.state.generation {
            Generation::Jwt => self.auth_jwt(least_role),
            Generation::April2025 | Generation::Cookie | Generation::OneApi => {
                self.auth_cookie(least_role)
            }
        }?;
        self.passed = true;
        Ok(who)
    }

    /// QuantumNous/new-api e2c7aa7b middleware/auth.go: one header, JWT first, else access token.
    fn auth_jwt(&self, least_role: i64) -> Result<Who, Answer> {
        let refuse = |code: &str, say: Say| Answer::code(401, code, say.text(self.lang));
        let unauthorized = || refuse("AUTH_UNAUTHORIZED", Say::AccessTokenInvalid);
        let token = bearer_any_case(self.ask).ok_or_else(unauthorized)?;
        let (user, sid) = if let Some(claims) = jwt::read(&self.state.secret, token) {
            if claims.expires_at <= self.state.now() {
                return Err(refuse("AUTH_TOKEN_EXPIRED", Say::NotLoggedIn));
            }
            let revoked = || refuse("AUTH_SESSION_REVOKED", Say::NotLoggedIn);
            let user = self.state.user(claims.user_id).ok_or_else(unauthorized)?;
            let alive = self.state.sessions.iter().any(|session| {
                session.sid == claims.sid
                    && !session.revoked
                    && session.version == claims.session_version
            });
            if !alive || user.auth_version != claims.user_version || user.status != 1 {
                return Err(revoked());
            }
            (user, Some(claims.sid))
        } else {
            (by_pat(self.state, token).ok_or_else(unauthorized)?, None)
        };
        if user.status != 1 {
            return Err(refuse("AUTH_USER_DISABLED", Say::UserBanned));
        }
        if user.role < least_role {
            let text = Say::LowRole.text(self.lang);
            return Err(Answer::code(403, "AUTH_INSUFFICIENT_PRIVILEGE", text));
        }
        Ok(Who { id: user.id, sid })
    }

    /// middleware/auth.go authHelper of the cookie eras and One API: the cookie is looked at
    /// first, and only without one the header; so a cookie shadows the access token.
    fn auth_cookie(&mut self, least_role: i64) -> Result<Who, Answer> {
        let ticket = self
            .ask
            .cookie("session")
            .and_then(|value| cookie::read(self.state, value))
            .filter(|ticket| !ticket.username.is_empty());
        let (id, role, status) = match ticket {
            Some(ticket) => (ticket.id, ticket.role, ticket.status),
            None => {
                let given = self.ask.header("authorization").unwrap_or("");
                if given.is_empty() {
                    return Err(self.refuse(401, Say::NotLoggedIn));
                }
                // Exactly this prefix is stripped, wherever it stands
                // (model/user.go ValidateAccessToken); lower case is not.
                let user = by_pat(self.state, &given.replacen("Bearer ", "", 1))
                    .ok_or_else(|| self.refuse(200, Say::AccessTokenInvalid))?;
                (user.id, user.role, user.status)
            }
        };
        if self.state.generation != Generation::OneApi {
            // Veloera renamed the header, and its texts with it (8117f302 middleware/auth.go).
            let word = if self.state.is(Fork::Veloera) {
                "Veloera-User"
            } else {
                "New-Api-User"
            };
            let refuse = |say: Say| {
                Answer::fail_with(401, say.text(self.lang).replace("New-Api-User", word))
            };
            let header = self.ask.header(&word.to_ascii_lowercase()).unwrap_or("");
            if header.is_empty() {
                return Err(refuse(Say::UserIdMissing));
            }
            let named: i64 = header.parse().map_err(|_| refuse(Say::UserIdFormat))?;
            if named != id {
                return Err(refuse(Say::UserIdMismatch));
            }
        }
        // One API also keeps a list of banned users beside the cookie's own status
        // (songquanpeng/one-api middleware/auth.go, common/blacklist).
        // done-hub reads role and status anew for a cookie, one-hub does not (seen live).
        let watches = match self.state.options.fork {
            None => self.state.generation == Generation::OneApi,
            Some(Fork::DoneHub) => true,
            Some(Fork::Veloera | Fork::OneHub) => false,
        };
        let blacklisted = watches && self.state.user(id).is_none_or(|user| user.status != 1);
        if status == 2 || blacklisted {
            let cleared = cookie::empty(self.state);
            let answer = self.refuse(200, Say::UserBanned);
            let hub = self.state.hub();
            return Err(
                if blacklisted && !hub && self.ask.cookie("session").is_some() {
                    answer.with("Set-Cookie", cleared)
                } else {
                    answer
                },
            );
        }
        if role < least_role {
            return Err(self.refuse(200, Say::LowRole));
        }
        Ok(Who { id, sid: None })
    }

    /// `success:false` in the caller's language.
    pub(crate) fn refuse(&self, status: u16, say: Say) -> Answer {
        Answer::fail_with(status, say.text(self.lang))
    }
}

fn by_pat<'a>(state: &'a State, token: &str) -> Option<&'a crate::state::User> {
    state
        .users
        .iter()
        .find(|user| user.access_token.as_deref() == Some(token))
}

/// `Bearer X` in any case, or a bare `X`; more fields count as nothing
/// (middleware/auth.go authorizationToken).
fn bearer_any_case(ask: &Ask) -> Option<&str> {
    let fields: Vec<&str> = ask.header("authorization")?.split_whitespace().collect();
    match fields[..] {
        [token] => Some(token),
        [word, token] if word.eq_ignore_ascii_case("bearer") => Some(token),
        _ => None,
    }
}
