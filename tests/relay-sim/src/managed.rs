//! AIHubMix and OpenRouter as their public documentation says: keys that are shown once. Nobody
//! here could record either, so these prove our own consistency and no more.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::state::State;
use crate::sub2api::{number, stamp};

/// The keys of the demo user, by what names them.
#[derive(Debug, Default)]
pub(crate) struct Db {
    pub(crate) rows: BTreeMap<String, Map<String, Value>>,
    next: i64,
}

/// Whoever has the demo user's token.
fn signed_in(state: &State, ask: &Ask, token: &str) -> bool {
    let held = state.user(2).and_then(|user| user.access_token.as_deref());
    !token.is_empty() && held == Some(token) && ask.header("cookie").is_none()
}

fn bearer(ask: &Ask) -> &str {
    let header = ask.header("authorization").unwrap_or("");
    header.strip_prefix("Bearer ").unwrap_or(header)
}

/// docs.aihubmix.com/en/api/Cli and CliEndpoints.
pub(crate) fn aihubmix(state: &mut State, ask: &Ask) -> Answer {
    let parts: Vec<&str> = ask.path.trim_start_matches('/').split('/').collect();
    if !ask.path.starts_with("/api/") {
        return Answer::html(200, "<!doctype html><title>AIHubMix</title>");
    }
    if !signed_in(state, ask, bearer(ask)) {
        return Answer::fail("无权进行此操作，access token 无效");
    }
    let body = ask.json().unwrap_or(Value::Null);
    match (ask.method.as_str(), &parts[..]) {
        ("GET", ["api", "user", "self"]) => {
            let user = state.user(2).expect("seeded");
            Answer::data(json!({
                "username": user.username, "display_name": user.display_name,
                "quota": user.quota, "used_quota": user.used_quota,
                "request_count": 0, "aff_code": user.aff_code,
            }))
        }
        ("GET", ["api", "user", "available_models"]) => Answer::data(json!(state.options.models)),
        ("GET", ["api", "token", ""]) => {
            let page: usize = ask.query("p").parse().unwrap_or(0);
            let size: usize = ask.query("num").parse().unwrap_or(10).clamp(1, 100);
            let rows = state.managed.rows.values().rev();
            let listed: Vec<Value> = rows.skip(page * size).take(size).map(shown).collect();
            Answer::data(json!(listed))
        }
        ("POST", ["api", "token", ""]) => {
            let id = state.managed.next.max(1);
            state.managed.next = id + 1;
            let key = format!("sk-{}", state.dice.alphanumeric(48));
            let mut row = Map::new();
            let now = state.now();
            for (name, value) in [
                ("id", json!(id)),
                ("user_id", json!(2)),
                ("status", json!(1)),
                ("created_time", json!(now)),
                ("accessed_time", json!(now)),
                ("used_quota", json!(0)),
                ("key", json!(key)),
            ] {
                row.insert(name.to_owned(), value);
            }
            put(&mut row, &body);
            let mut told = shown(&row);
            told["full_key"] = json!(key);
            state.managed.rows.insert(format!("{id:08}"), row);
            Answer::data(told)
        }
        ("PUT", ["api", "token", ""]) => {
            let id = body["id"].as_i64().unwrap_or(0);
            let only_status = !ask.query("status_only").is_empty();
            match state.managed.rows.get_mut(&format!("{id:08}")) {
                None => Answer::fail("record not found"),
                Some(row) if only_status => {
                    row.insert("status".to_owned(), body["status"].clone());
                    Answer::data(shown(row))
                }
                Some(row) => {
                    put(row, &body);
                    Answer::data(shown(row))
                }
            }
        }
        (method @ ("GET" | "DELETE"), ["api", "token", id]) => {
            let id = format!("{:08}", id.parse::<i64>().unwrap_or(0));
            let Some(row) = state.managed.rows.get(&id) else {
                return Answer::fail("record not found");
            };
            let told = shown(row);
            if method == "DELETE" {
                state.managed.rows.remove(&id);
            }
            Answer::data(told)
        }
        _ => Answer::json(
            404,
            &json!({"error": {"message": "Invalid URL", "type": "invalid_request_error"}}),
        ),
    }
}

/// As lists and single keys have it: without the key.
fn shown(row: &Map<String, Value>) -> Value {
    let mut row = row.clone();
    row.remove("key");
    Value::Object(row)
}

/// What One API's update writes: all of it, what is missing becomes nothing.
fn put(row: &mut Map<String, Value>, body: &Value) {
    for (name, zero) in [
        ("name", json!("")),
        ("expired_time", json!(0)),
        ("remain_quota", json!(0)),
        ("unlimited_quota", json!(false)),
        ("models", json!("")),
        ("subnet", json!("")),
    ] {
        let value = Some(body[name].clone()).filter(|value| !value.is_null());
        row.insert(name.to_owned(), value.unwrap_or(zero));
    }
}

/// openrouter.ai/docs/api: keys, key, credits.
pub(crate) fn openrouter(state: &mut State, ask: &Ask) -> Answer {
    let parts: Vec<&str> = ask.path.trim_start_matches('/').split('/').collect();
    if !ask.path.starts_with("/api/v1/") {
        return Answer::html(200, "<!doctype html><title>OpenRouter</title>");
    }
    let token = bearer(ask).to_owned();
    let held = state.managed.rows.values().find(|row| row["key"] == *token);
    if let (Some(row), ["api", "v1", "key"]) = (held, &parts[..]) {
        let mut row = row.clone();
        row.remove("key");
        row.insert("is_management_key".to_owned(), json!(false));
        return Answer::json(200, &json!({"data": row}));
    }
    if !signed_in(state, ask, &token) {
        let status = if held.is_some() { 403 } else { 401 };
        return error(status, "Invalid management key");
    }
    let body = ask.json().unwrap_or(Value::Null);
    let missing = || error(404, "API key not found");
    let stamped = stamp(state.now());
    match (ask.method.as_str(), &parts[..]) {
        ("GET", ["api", "v1", "key"]) => Answer::json(
            200,
            &json!({"data": {
                "label": "sk-or-v1-abc...def", "usage": 0, "limit": null, "limit_remaining": null,
                "is_management_key": true, "creator_user_id": "user_2simulated",
            }}),
        ),
        ("GET", ["api", "v1", "credits"]) => Answer::json(
            200,
            &json!({"data": {"total_credits": 100.5, "total_usage": 25.75}}),
        ),
        ("GET", ["api", "v1", "keys"]) => {
            let offset: usize = ask.query("offset").parse().unwrap_or(0);
            let hidden = ask.query("include_disabled") != "true";
            let rows = state
                .managed
                .rows
                .values()
                .filter(|row| !(hidden && row["disabled"] == true));
            let listed: Vec<Value> = rows.skip(offset).take(100).map(shown).collect();
            Answer::json(200, &json!({"data": listed}))
        }
        ("POST", ["api", "v1", "keys"]) => {
            if body["name"].as_str().unwrap_or("").is_empty() {
                return error(400, "name is required");
            }
            let key = format!("sk-or-v1-{}", state.dice.hex(64));
            let hash = state.dice.hex(64);
            let mut row = Map::new();
            for (name, value) in [
                ("hash", json!(hash)),
                ("name", body["name"].clone()),
                (
                    "label",
                    json!(format!("{}...{}", &key[..12], &key[key.len() - 3..])),
                ),
                ("disabled", json!(false)),
                ("limit", body["limit"].clone()),
                ("limit_remaining", body["limit"].clone()),
                ("limit_reset", body["limit_reset"].clone()),
                ("include_byok_in_limit", json!(false)),
                ("usage", json!(0)),
                ("usage_daily", json!(0)),
                ("created_at", json!(stamped)),
                ("updated_at", Value::Null),
                ("expires_at", body["expires_at"].clone()),
                ("key", json!(key)),
            ] {
                row.insert(name.to_owned(), value);
            }
            let told = json!({"data": shown(&row), "key": key});
            state.managed.rows.insert(hash, row);
            Answer::json(201, &told)
        }
        ("GET", ["api", "v1", "keys", hash]) => match state.managed.rows.get(*hash) {
            None => missing(),
            Some(row) => Answer::json(200, &json!({"data": shown(row)})),
        },
        ("PATCH", ["api", "v1", "keys", hash]) => {
            let Some(row) = state.managed.rows.get_mut(*hash) else {
                return missing();
            };
            for name in ["name", "disabled", "limit", "limit_reset"] {
                if let Some(value) = body.get(name) {
                    row.insert(name.to_owned(), value.clone());
                }
            }
            let left = match row["limit"].as_f64() {
                Some(limit) => number(limit - row["usage"].as_f64().unwrap_or(0.0)),
                None => Value::Null,
            };
            row.insert("limit_remaining".to_owned(), left);
            row.insert("updated_at".to_owned(), json!(stamped));
            Answer::json(200, &json!({"data": shown(row)}))
        }
        ("DELETE", ["api", "v1", "keys", hash]) => match state.managed.rows.remove(*hash) {
            None => missing(),
            Some(_) => Answer::json(200, &json!({"deleted": true})),
        },
        _ => error(404, "Not Found"),
    }
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"error": {"code": status, "message": message}}),
    )
}
