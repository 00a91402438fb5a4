//! The signed, stateless `session` cookie of the cookie eras.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::jwt::mac;
use crate::kind::Generation;
use crate::state::{State, User, http_date};

/// Thirty days (main.go of all three builds).
const LIFE: i64 = 2_592_000;

/// What login wrote into the cookie; never read from the database again.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) role: i64,
    pub(crate) status: i64,
    /// Waiting for the second factor of this user.
    pub(crate) pending: Option<i64>,
}

/// Reads a cookie this site signed. There is no server-side record, so the old value works until
/// its date whatever happened since (seen live: after logout, password change, ban).
pub(crate) fn read(state: &State, value: &str) -> Option<Ticket> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
    let (body, signature) = text.rsplit_once('|')?;
    if URL_SAFE_NO_PAD.decode(signature).ok()? != mac(&state.secret, body) {
        return None;
    }
    let (time, payload) = body.split_once('|')?;
    if time.parse::<i64>().ok()? + LIFE < state.now() {
        return None;
    }
    let ticket: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(Ticket {
        id: ticket["id"].as_i64().unwrap_or(0),
        username: ticket["username"].as_str().unwrap_or("").to_owned(),
        role: ticket["role"].as_i64().unwrap_or(0),
        status: ticket["status"].as_i64().unwrap_or(0),
        pending: ticket["pending"].as_i64(),
    })
}

/// `Set-Cookie` after a login.
pub(crate) fn login(state: &State, user: &User) -> String {
    write(
        state,
        &json!({
            "id": user.id, "username": user.username, "role": user.role,
            "status": user.status, "group": user.group,
        }),
    )
}

/// `Set-Cookie` of an empty session: logout overwrites, it does not delete.
pub(crate) fn empty(state: &State) -> String {
    write(state, &json!({}))
}

/// `Set-Cookie` while the second factor is awaited.
pub(crate) fn pending(state: &State, user_id: i64) -> String {
    write(state, &json!({"pending": user_id}))
}

fn write(state: &State, ticket: &Value) -> String {
    let now = state.now();
    let body = format!("{now}|{}", URL_SAFE_NO_PAD.encode(ticket.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(mac(&state.secret, &body));
    let value = URL_SAFE_NO_PAD.encode(format!("{body}|{signature}"));
    let expires = http_date(now + LIFE);
    // One API's cookie has neither HttpOnly nor SameSite, so pages can read it (seen live).
    let rest = match state.generation {
        Generation::OneApi if state.hub() => "; HttpOnly; SameSite=Strict",
        Generation::OneApi => "",
        Generation::April2025 => "; HttpOnly; SameSite=Strict",
        Generation::Cookie | Generation::Jwt if state.options.secure_cookie => {
            "; HttpOnly; Secure; SameSite=Strict"
        }
        Generation::Cookie | Generation::Jwt => "; HttpOnly; SameSite=Strict",
    };
    format!("session={value}; Path=/; Expires={expires}; Max-Age={LIFE}{rest}")
}
