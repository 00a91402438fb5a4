//! Sign-in, refresh and the tokens [internal/service/auth_service.go, internal/server/middleware].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{done, number, refused, stamp, stopped, take};
use crate::answer::Answer;
use crate::ask::Ask;
use crate::state::State;

/// What an access token says.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    user: i64,
    sid: String,
    agent: String,
    until: i64,
}

/// A pair of tokens, and how long the first lasts.
pub(super) fn issue(state: &mut State, user: i64, agent: &str) -> (String, String, i64) {
    let sid = state.dice.hex(32);
    issue_in(state, user, agent, sid)
}

fn issue_in(state: &mut State, user: i64, agent: &str, sid: String) -> (String, String, i64) {
    let now = state.now();
    let lasts = state.sub2api.lasts.unwrap_or(86_400);
    let role = if state.user(user).is_some_and(|user| user.role >= 10) {
        "admin"
    } else {
        "user"
    };
    let claims = json!({
        "user_id": user, "email": email(state, user), "role": role,
        // 19 digits: no float holds it.
        "token_version": 4_846_981_560_020_063_580_i64,
        "sid": sid, "bnd": state.dice.hex(32), "exp": now + lasts, "nbf": now, "iat": now,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({"alg": "HS256", "typ": "JWT"}));
    let sign = URL_SAFE_NO_PAD.encode(state.dice.bytes(32));
    let access = format!("{head}.{}.{sign}", part(&claims));
    let refresh = format!("rt_{}", state.dice.hex(64));
    let until = now + lasts;
    let told = Access {
        user,
        sid: sid.clone(),
        agent: agent.to_owned(),
        until,
    };
    state.sub2api.access.insert(access.clone(), told);
    state.sub2api.refresh.insert(refresh.clone(), (user, sid));
    (access, refresh, lasts)
}

pub(super) fn email(state: &State, user: i64) -> String {
    let name = state.user(user).map_or("nobody", |user| &user.username);
    format!("{name}@relay.example")
}

/// A user as `GET /auth/me` tells it: with the other logins bound to it, of which there are none,
/// as recorded.
pub(super) fn me(state: &State, id: i64) -> Value {
    const RECORDED: &str = include_str!("../../../fixtures/sites/sub2api/19-me.json");
    let mail = email(state, id);
    let recorded = RECORDED
        .replace("alice@relay.example", &mail)
        .replace("a***e@relay.example", &masked(&mail));
    let recorded: Value = serde_json::from_str(&recorded).expect("a recording is JSON");
    let mut me = recorded["response"]["body"]["data"].clone();
    for (name, value) in person(state, id).as_object().into_iter().flatten() {
        me[name] = value.clone();
    }
    me
}

/// `a***e@relay.example`
fn masked(mail: &str) -> String {
    let name = mail.split('@').next().unwrap_or("");
    let (first, last) = (name.chars().next(), name.chars().next_back());
    let (first, last) = (first.unwrap_or('x'), last.unwrap_or('x'));
    format!("{first}***{last}@relay.example")
}

/// A user as the API tells it everywhere else.
pub(super) fn person(state: &State, id: i64) -> Value {
    let user = state.user(id);
    let at = stamp(state.started);
    let balance = state.sub2api.balances.get(&id).copied().unwrap_or(100.0);
    let admin = user.is_some_and(|user| user.role >= 10);
    json!({
        "id": id, "email": email(state, id),
        "username": user.map_or("", |user| &user.username),
        "role": if admin { "admin" } else { "user" },
        "balance": number(balance), "frozen_balance": 0, "concurrency": 5,
        "status": if user.is_some_and(|user| user.status == 1) { "active" } else { "disabled" },
        "allowed_groups": null, "last_active_at": at, "created_at": at, "updated_at": at,
        "balance_notify_enabled": true, "balance_notify_threshold_type": "fixed",
        "balance_notify_threshold": null, "balance_notify_extra_emails": null,
        "total_recharged": 0, "rpm_limit": 0,
    })
}

/// Its own limiter's words, without a `code` (seen live).
fn own_limit(state: &mut State, bucket: &'static str, ip: &str, most: usize) -> Result<(), Answer> {
    take(state, bucket, ip, most).map_err(|after| {
        let words = "Too many requests, please try again later";
        let body = json!({"error": "rate limit exceeded", "message": words});
        Answer::json(429, &body).with("Retry-After", after.to_string())
    })
}

fn required(what: &str, field: &str) -> Answer {
    let words = format!(
        "Invalid request: Key: '{what}.{field}' Error:Field validation for '{field}' failed on the 'required' tag"
    );
    refused(400, &words, "")
}

fn agent(ask: &Ask) -> String {
    ask.header("user-agent").unwrap_or("").to_owned()
}

pub(super) fn login(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    own_limit(state, "login", &ask.ip.clone(), 20)?;
    let body = ask.json().unwrap_or(Value::Null);
    let text = |name: &str| body[name].as_str().unwrap_or("").to_owned();
    let (mail, password) = (text("email"), text("password"));
    if mail.is_empty() {
        return Err(required("LoginRequest", "Email"));
    }
    if password.is_empty() {
        return Err(required("LoginRequest", "Password"));
    }
    if state.sub2api.turnstile && text("turnstile_token").is_empty() {
        return Err(refused(
            400,
            "turnstile verification failed",
            "TURNSTILE_VERIFICATION_FAILED",
        ));
    }
    let ids: Vec<i64> = state.users.iter().map(|user| user.id).collect();
    let user = ids.into_iter().find(|id| email(state, *id) == mail);
    let user = user.and_then(|id| state.user(id)).cloned();
    let Some(user) = user.filter(|user| user.password == password) else {
        return Err(refused(
            401,
            "invalid email or password",
            "INVALID_CREDENTIALS",
        ));
    };
    if user.status != 1 {
        return Err(refused(403, "user is not active", "USER_NOT_ACTIVE"));
    }
    if let Some(_code) = &user.second_factor {
        let pending = state.dice.hex(64);
        state.sub2api.pending.insert(pending.clone(), user.id);
        return Ok(done(json!({
            "requires_2fa": true, "temp_token": pending, "user_email_masked": masked(&mail),
        })));
    }
    if state.sub2api.backend_mode && user.role < 10 {
        let words = "Backend mode is active. Only admin login is allowed.";
        return Err(refused(403, words, "BACKEND_MODE_ADMIN_ONLY"));
    }
    let mut data = signed_in(state, user.id, &agent(ask));
    data["user"] = person(state, user.id);
    Ok(done(data))
}

fn signed_in(state: &mut State, user: i64, agent: &str) -> Value {
    let (access, refresh, lasts) = issue(state, user, agent);
    let mut data = json!({
        "access_token": access, "refresh_token": refresh, "expires_in": lasts,
        "token_type": "Bearer",
    });
    if state.sub2api.no_refresh
        && let Some(data) = data.as_object_mut()
    {
        data.remove("refresh_token");
        data.remove("expires_in");
    }
    data
}

pub(super) fn second_factor(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    own_limit(state, "login", &ask.ip.clone(), 20)?;
    let body = ask.json().unwrap_or(Value::Null);
    let pending = body["temp_token"].as_str().unwrap_or("").to_owned();
    let Some(user) = state.sub2api.pending.get(&pending).copied() else {
        return Err(refused(400, "Invalid or expired 2FA session", ""));
    };
    let wanted = state.user(user).and_then(|user| user.second_factor.clone());
    if body["totp_code"].as_str() != wanted.as_deref() {
        return Err(refused(400, "invalid totp code", "TOTP_INVALID_CODE"));
    }
    state.sub2api.pending.remove(&pending);
    // Without the user, unlike a sign-in with one factor (seen live).
    Ok(done(signed_in(state, user, &agent(ask))))
}

pub(super) fn refresh(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    own_limit(state, "refresh", &ask.ip.clone(), 30)?;
    let body = ask.json().unwrap_or(Value::Null);
    let token = body["refresh_token"].as_str().unwrap_or("").to_owned();
    if token.is_empty() {
        return Err(required("RefreshTokenRequest", "RefreshToken"));
    }
    // Taken once, without a grace (seen live).
    let Some((user, sid)) = state.sub2api.refresh.remove(&token) else {
        return Err(refused(
            401,
            "invalid refresh token",
            "REFRESH_TOKEN_INVALID",
        ));
    };
    if state.user(user).is_none_or(|user| user.status != 1) {
        return Err(refused(403, "user is not active", "USER_NOT_ACTIVE"));
    }
    let (access, refresh, lasts) = issue_in(state, user, &agent(ask), sid);
    Ok(done(json!({
        "access_token": access, "refresh_token": refresh, "expires_in": lasts,
        "token_type": "Bearer",
    })))
}

pub(super) fn logout(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    let body = ask.json().unwrap_or(Value::Null);
    let token = body["refresh_token"].as_str().unwrap_or("");
    state.sub2api.refresh.remove(token);
    Ok(done(json!({"message": "Logged out successfully"})))
}

/// Whose access token came.
pub(super) fn authenticate(state: &mut State, ask: &Ask) -> Result<i64, Answer> {
    let Some(header) = ask.header("authorization") else {
        return Err(stopped(
            401,
            "UNAUTHORIZED",
            "Authorization header is required",
        ));
    };
    let format = "Authorization header format must be 'Bearer {token}'";
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            token
        }
        _ => return Err(stopped(401, "INVALID_AUTH_HEADER", format)),
    };
    let Some(access) = state.sub2api.access.get(token).cloned() else {
        return Err(stopped(401, "INVALID_TOKEN", "Invalid token"));
    };
    if access.until <= state.now() {
        return Err(stopped(401, "TOKEN_EXPIRED", "Token has expired"));
    }
    if state.sub2api.binding && access.agent != agent(ask) {
        // The session's refresh token dies with it (seen live).
        state
            .sub2api
            .refresh
            .retain(|_, (_, sid)| *sid != access.sid);
        let words = "Session network fingerprint changed, please login again";
        return Err(stopped(401, "SESSION_BINDING_MISMATCH", words));
    }
    match state.user(access.user) {
        None => Err(stopped(401, "USER_NOT_FOUND", "User not found")),
        Some(user) if user.status != 1 => {
            Err(stopped(401, "USER_INACTIVE", "User account is not active"))
        }
        Some(user) => Ok(user.id),
    }
}
