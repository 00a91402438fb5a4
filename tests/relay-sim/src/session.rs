//! Login sessions of the JWT era: QuantumNous/new-api e2c7aa7b service/auth_session.go and
//! controller/auth_session.go; every rule here was also seen on the running server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::auth::{USER, Who};
use crate::jwt::{self, Claims, LIFE, mac};
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::{Session, State, http_date};

const SESSION_LIFE: i64 = 2_592_000;
/// How long a rotated cookie may be sent once more and yields the same successor.
const REPLAY_WINDOW: i64 = 30;
const ACTIVE_CAP: usize = 50;
const ISSUED_PER_DAY: usize = 100;

impl Call<'_> {
    /// A new session for a user who just signed in.
    pub(crate) fn open_session(
        &mut self,
        user_id: i64,
        method: &'static str,
    ) -> Result<Answer, Answer> {
        let now = self.state.now();
        let today = self
            .state
            .issued
            .iter()
            .filter(|(id, at)| *id == user_id && now - at < 86_400)
            .count();
        if today >= ISSUED_PER_DAY {
            return Err(Answer::code(
                429,
                "AUTH_SESSION_ISSUANCE_LIMIT",
                "Too Many Requests",
            ));
        }
        let active = self
            .state
            .sessions
            .iter()
            .filter(|each| each.user_id == user_id && !each.revoked && each.expires_at > now)
            .count();
        if active >= ACTIVE_CAP {
            return Err(Answer::code(409, "AUTH_SESSION_LIMIT", "Conflict"));
        }
        self.state.issued.push((user_id, now));
        let session = Session {
            sid: self.state.dice.uuid(),
            user_id,
            secret: URL_SAFE_NO_PAD.encode(self.state.dice.bytes(43)),
            previous: None,
            version: 1,
            method,
            ip: self.ask.ip.clone(),
            user_agent: self.ask.header("user-agent").unwrap_or("").to_owned(),
            created_at: now,
            last_active_at: now,
            expires_at: now + SESSION_LIFE,
            revoked: false,
        };
        let answer = self.bundle(&session, true);
        self.state.sessions.push(session);
        Ok(answer)
    }

    /// The access bundle: a JWT, and beside it the refresh cookie.
    fn bundle(&mut self, session: &Session, with_user: bool) -> Answer {
        let mut data = self.bundle_data(session);
        let user = self.state.user(session.user_id).cloned();
        if let Some(user) = user.filter(|_| with_user) {
            data["user"] = self.self_dto(&user);
        }
        Answer::data(data)
            .with("Cache-Control", "no-store")
            .with("Set-Cookie", refresh_cookie(self.state, session))
    }

    pub(crate) fn bundle_data(&mut self, session: &Session) -> Value {
        let now = self.state.now();
        let user_version = self
            .state
            .user(session.user_id)
            .map_or(1, |user| user.auth_version);
        let claims = Claims {
            sid: session.sid.clone(),
            user_id: session.user_id,
            user_version,
            session_version: session.version,
            expires_at: now + LIFE,
        };
        let jti = self.state.dice.uuid();
        json!({
            "access_token": jwt::sign(&self.state.secret, &claims, now, &jti),
            "token_type": "Bearer",
            "access_expires_at": now + LIFE,
            "session": shown(session, true),
        })
    }

    /// `POST /api/user/auth/refresh`. Every 401 deletes the browser's cookie.
    pub(crate) fn refresh(&mut self) -> Result<Answer, Answer> {
        self.limit_by_address(Bucket::Critical)?;
        if !self.origin_allowed() {
            return Err(Answer::code(
                403,
                "AUTH_ORIGIN_FORBIDDEN",
                "request origin is not allowed",
            ));
        }
        let now = self.state.now();
        let secure = self.state.options.secure_cookie;
        let gone = |code: &str| {
            Answer::code(401, code, "Unauthorized")
                .with("Cache-Control", "no-store")
                .with("Set-Cookie", deleted_cookie(secure))
        };
        let unknown = || gone("AUTH_UNAUTHORIZED");
        let (sid, secret) = self
            .ask
            .cookie("new_api_refresh")
            .and_then(|value| value.split_once('.'))
            .ok_or_else(unknown)?;
        if self
            .ask
            .header("x-auth-session")
            .is_some_and(|named| named != sid)
        {
            return Err(Answer::code(409, "AUTH_SESSION_MISMATCH", "Conflict")
                .with("Cache-Control", "no-store"));
        }
        let key = self.state.secret.clone();
        let user_off: Vec<i64> = self
            .state
            .users
            .iter()
            .filter(|user| user.status != 1)
            .map(|user| user.id)
            .collect();
        let session = self
            .state
            .sessions
            .iter_mut()
            .find(|session| session.sid == sid && session.expires_at > now)
            .ok_or_else(unknown)?;
        let is_current = session.secret == secret;
        let is_previous = session
            .previous
            .as_ref()
            .is_some_and(|(old, _)| old == secret);
        if !is_current && !is_previous {
            return Err(unknown());
        }
        if session.revoked || user_off.contains(&session.user_id) {
            return Err(gone("AUTH_SESSION_REVOKED"));
        }
        if is_current {
            // Deterministic, so that two tabs racing get the same successor.
            let successor = URL_SAFE_NO_PAD.encode(
                [
                    mac(&key, &format!("{sid}.{secret}")),
                    mac(&key, secret)[..11].to_vec(),
                ]
                .concat(),
            );
            session.previous = Some((std::mem::replace(&mut session.secret, successor), now));
        } else if session
            .previous
            .as_ref()
            .is_some_and(|(_, at)| now - at > REPLAY_WINDOW)
        {
            session.revoked = true;
            return Err(gone("AUTH_SESSION_REVOKED"));
        }
        session.last_active_at = now;
        let session = session.clone();
        Ok(self.bundle(&session, true))
    }

    /// middleware/auth_origin.go: only a station with SESSION_COOKIE_SECURE looks at the origin.
    fn origin_allowed(&self) -> bool {
        if !self.state.options.secure_cookie {
            return true;
        }
        let from = match self.ask.header("origin") {
            Some(origin) => origin.to_owned(),
            None => match self.ask.header("referer") {
                Some(referer) => origin_of(referer),
                None => return false,
            },
        };
        let trusted = self.state.options.trusted_url.as_deref();
        from == self.state.origin || Some(from.as_str()) == trusted
    }

    /// `POST /api/user/auth/logout`: works with anything, or nothing.
    pub(crate) fn session_logout(&mut self) -> Answer {
        let sid = self.auth_session().or_else(|| {
            let value = self.ask.cookie("new_api_refresh")?;
            value.split_once('.').map(|(sid, _)| sid.to_owned())
        });
        let known = sid.filter(|sid| self.revoke(|session| session.sid == *sid) > 0);
        let answer = match known {
            Some(sid) => Answer::data(json!({"revoked_sid": sid, "cookie_cleared": true})),
            None => Answer::done(),
        };
        answer.with("Cache-Control", "no-store").with(
            "Set-Cookie",
            deleted_cookie(self.state.options.secure_cookie),
        )
    }

    fn auth_session(&mut self) -> Option<String> {
        let who = self.auth(USER).ok();
        // Logout is not an authenticated route, so its answer carries no Auth-Version.
        self.passed = false;
        who?.sid
    }

    fn revoke(&mut self, which: impl Fn(&Session) -> bool) -> usize {
        let mut count = 0;
        for session in self
            .state
            .sessions
            .iter_mut()
            .filter(|each| !each.revoked && which(each))
        {
            session.revoked = true;
            count += 1;
        }
        count
    }

    /// Sessions cannot be seen or ended with an access token.
    fn session_caller(&mut self) -> Result<(Who, String), Answer> {
        let who = self.auth(USER)?;
        match who.sid.clone() {
            Some(sid) => Ok((who, sid)),
            None => Err(Answer::code(
                403,
                "AUTH_SESSION_REQUIRED",
                "a dashboard login session is required",
            )
            .no_cache()),
        }
    }

    pub(crate) fn sessions(&mut self) -> Result<Answer, Answer> {
        let (who, current) = self.session_caller()?;
        let now = self.state.now();
        let mut mine: Vec<(usize, &Session)> = self
            .state
            .sessions
            .iter()
            .enumerate()
            .filter(|(_, each)| each.user_id == who.id && !each.revoked && each.expires_at > now)
            .collect();
        mine.sort_by_key(|(at, each)| std::cmp::Reverse((each.last_active_at, *at)));
        let rows: Vec<Value> = mine
            .into_iter()
            .map(|(_, each)| shown(each, each.sid == current))
            .collect();
        Ok(Answer::data(json!(rows)).no_cache())
    }

    pub(crate) fn session_delete(&mut self, sid: &str) -> Result<Answer, Answer> {
        let (who, _) = self.session_caller()?;
        if self.revoke(|session| session.sid == sid && session.user_id == who.id) == 0 {
            return Err(Answer::code(404, "AUTH_SESSION_NOT_FOUND", "Not Found").no_cache());
        }
        Ok(Answer::done().no_cache())
    }

    pub(crate) fn sessions_revoke_others(&mut self) -> Result<Answer, Answer> {
        let (who, current) = self.session_caller()?;
        self.revoke(|session| session.sid != current && session.user_id == who.id);
        Ok(Answer::done().no_cache())
    }
}

fn shown(session: &Session, current: bool) -> Value {
    json!({
        "sid": session.sid, "current": current, "login_method": session.method, "ip": session.ip,
        "user_agent": session.user_agent, "created_at": session.created_at,
        "last_active_at": session.last_active_at, "expires_at": session.expires_at,
    })
}

/// service/auth_session.go WriteRefreshCookie: bound to the refresh path, for what is left of
/// the session.
fn refresh_cookie(state: &State, session: &Session) -> String {
    let left = session.expires_at - state.now();
    let secure = if state.options.secure_cookie {
        "; Secure"
    } else {
        ""
    };
    format!(
        "new_api_refresh={}.{}; Path=/api/user/auth; Expires={}; Max-Age={left}; HttpOnly{secure}; SameSite=Strict",
        session.sid,
        session.secret,
        http_date(session.expires_at),
    )
}

fn deleted_cookie(secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!(
        "new_api_refresh=; Path=/api/user/auth; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly{secure}; SameSite=Strict"
    )
}

fn origin_of(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            format!(
                "{scheme}://{}",
                rest.split(['/', '?', '#']).next().unwrap_or("")
            )
        }
        None => String::new(),
    }
}
