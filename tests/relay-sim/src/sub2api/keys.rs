//! Keys as their owner manages them [internal/handler/api_key_handler.go,
//! internal/service/api_key_service.go].

use std::net::IpAddr;

use serde_json::{Value, json};

use super::session::person;
use super::{GROUPS, Row, done, group, number, refused, slow_down, stamp, take, unstamp, user};
use crate::answer::Answer;
use crate::ask::Ask;
use crate::state::State;

/// The column's width, in bytes of HTML.
const NAME_BYTES: usize = 100;

/// A row with the database's defaults; its name as stored.
pub(super) fn insert(state: &mut State, user: i64, name: &str) -> i64 {
    let id = state.sub2api.next_key.max(1);
    state.sub2api.next_key = id + 1;
    let key = format!("sk-{}", state.dice.hex(64));
    let at = stamp(state.now());
    let row = json!({
        "id": id, "user_id": user, "key": key, "name": name, "group_id": null,
        "status": "active", "ip_whitelist": null, "ip_blacklist": null, "last_used_at": null,
        "last_used_ip": null, "quota": 0, "quota_used": 0, "expires_at": null,
        "created_at": at, "updated_at": at, "current_concurrency": 0,
        "rate_limit_5h": 0, "rate_limit_1d": 0, "rate_limit_7d": 0,
        "usage_5h": 0, "usage_1d": 0, "usage_7d": 0,
        "window_5h_start": null, "window_1d_start": null, "window_7d_start": null,
    });
    if let Value::Object(row) = row {
        state.sub2api.keys.insert(id, row);
    }
    id
}

/// Go's `html.EscapeString`.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The windows of time, and how many seconds each lasts.
pub(super) const WINDOWS: [(&str, i64); 3] = [("5h", 18_000), ("1d", 86_400), ("7d", 604_800)];

/// When a window that has begun ends.
pub(super) fn reset_at(row: &Row, window: &str, lasts: i64) -> Option<String> {
    let start = row[&format!("window_{window}_start")].as_str()?;
    let end = stamp(unstamp(start)? + lasts);
    Some(if on_the_day(start) { day(&end) } else { end })
}

fn on_the_day(at: &str) -> bool {
    at.ends_with("T00:00:00Z")
}

/// The beginning of its day.
fn day(at: &str) -> String {
    format!("{}T00:00:00Z", &at[..10])
}

fn with_group(row: &Row) -> Value {
    let mut row = row.clone();
    if let Some(id) = row["group_id"].as_i64() {
        row.insert("group".to_owned(), group(id));
    }
    for (name, lasts) in WINDOWS {
        if let Some(at) = reset_at(&row, name, lasts) {
            row.insert(format!("reset_{name}_at"), json!(at));
        }
    }
    Value::Object(row)
}

fn whole(state: &State, row: &Row) -> Value {
    let mut told = with_group(row);
    told["user"] = person(state, row["user_id"].as_i64().unwrap_or(0));
    told
}

pub(super) fn list(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    let own = user(state, ask)?;
    let asked = |name: &str| ask.query(name);
    let size = [asked("page_size"), asked("limit")]
        .iter()
        .find_map(|text| text.parse::<usize>().ok())
        .filter(|size| (1..=1_000).contains(size))
        .unwrap_or(20);
    let page = asked("page").parse::<usize>().unwrap_or(1).max(1);
    let (search, status) = (asked("search"), asked("status"));
    let group_id: Option<i64> = asked("group_id").parse().ok();
    let fits = |row: &&Row| {
        let text = |name: &str| row[name].as_str().unwrap_or("");
        let found =
            search.is_empty() || text("name").contains(&search) || text("key").starts_with(&search);
        let group_fits = group_id.is_none_or(|id| row["group_id"].as_i64().unwrap_or(0) == id);
        row["user_id"] == own
            && found
            && group_fits
            && (status.is_empty() || text("status") == status)
    };
    let mut rows: Vec<&Row> = state.sub2api.keys.values().filter(fits).collect();
    // By id as good as by time: they are made one after the other.
    if asked("sort_by") == "name" {
        rows.sort_by_key(|row| row["name"].as_str().unwrap_or("").to_owned());
    }
    let ascending = asked("sort_order") == "asc";
    if !ascending {
        rows.reverse();
    }
    let total = rows.len();
    let items: Vec<Value> = rows
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|row| with_group(row))
        .collect();
    Ok(done(json!({
        "items": items, "total": total, "page": page, "page_size": size,
        "pages": total.div_ceil(size).max(1),
    })))
}

fn find(state: &State, own: i64, id: &str) -> Result<i64, Answer> {
    let Ok(id) = id.parse::<i64>() else {
        return Err(refused(400, "Invalid key ID", ""));
    };
    match state.sub2api.keys.get(&id) {
        None => Err(refused(404, "api key not found", "API_KEY_NOT_FOUND")),
        Some(row) if row["user_id"] != own => Err(refused(404, "API key not found", "")),
        Some(_) => Ok(id),
    }
}

pub(super) fn read(state: &mut State, ask: &Ask, id: &str) -> Result<Answer, Answer> {
    let own = user(state, ask)?;
    let id = find(state, own, id)?;
    Ok(done(whole(state, &state.sub2api.keys[&id])))
}

pub(super) fn delete(state: &mut State, ask: &Ask, id: &str) -> Result<Answer, Answer> {
    let own = user(state, ask)?;
    let id = find(state, own, id)?;
    state.sub2api.keys.remove(&id);
    Ok(done(json!({"message": "API key deleted successfully"})))
}

fn invalid(words: &str) -> Answer {
    refused(400, &format!("Invalid request: {words}"), "")
}

/// Amounts of the body that are there, none below zero.
fn amounts(body: &Value, what: &str, words: &str) -> Result<Vec<(&'static str, f64)>, Answer> {
    let mut found = Vec::new();
    for name in ["quota", "rate_limit_5h", "rate_limit_1d", "rate_limit_7d"] {
        match &body[name] {
            Value::Null => {}
            Value::Number(amount) => {
                let amount = amount.as_f64().unwrap_or(-1.0);
                if amount < 0.0 {
                    return Err(invalid(words));
                }
                found.push((name, amount));
            }
            other @ (Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                let kind = if other.is_string() { "string" } else { "value" };
                return Err(invalid(&format!(
                    "json: cannot unmarshal {kind} into Go struct field {what}.{name} of type float64"
                )));
            }
        }
    }
    Ok(found)
}

fn lists(body: &Value) -> Result<Vec<(&'static str, Value)>, Answer> {
    let mut found = Vec::new();
    for name in ["ip_whitelist", "ip_blacklist"] {
        let Some(list) = body[name].as_array() else {
            continue;
        };
        let fits = |item: &Value| {
            let text = item.as_str().unwrap_or("");
            let (plain, bits) = text.split_once('/').unwrap_or((text, "0"));
            plain.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 128)
        };
        if !list.iter().all(fits) {
            return Err(refused(
                400,
                "invalid IP or CIDR pattern",
                "INVALID_IP_PATTERN",
            ));
        }
        found.push((name, Value::Array(list.clone())));
    }
    Ok(found)
}

fn group_id(body: &Value) -> Result<Option<i64>, Answer> {
    let Some(id) = body["group_id"].as_i64() else {
        return Ok(None);
    };
    match GROUPS.iter().find(|group| group.0 == id) {
        None => Err(refused(404, "group not found", "GROUP_NOT_FOUND")),
        Some(group) if group.4 => Err(refused(
            403,
            "user is not allowed to bind this group",
            "GROUP_NOT_ALLOWED",
        )),
        Some(_) => Ok(Some(id)),
    }
}

fn parsed(ask: &Ask) -> Result<Value, Answer> {
    ask.json().map_err(|error| {
        let first = ask.body.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') && error.starts_with("invalid character") {
            let next = ask.body.get(1).map_or('?', |byte| char::from(*byte));
            let at = "looking for beginning of object key string";
            return invalid(&format!("invalid character '{next}' {at}"));
        }
        invalid(&error)
    })
}

pub(super) fn create(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    let own = user(state, ask)?;
    let Some(mark) = ask.header("idempotency-key").map(str::to_owned) else {
        return make(state, ask, own);
    };
    if mark.len() > 128 {
        return Err(refused(
            400,
            "idempotency key is invalid",
            "IDEMPOTENCY_KEY_INVALID",
        ));
    }
    let now = state.now();
    let known = state.sub2api.marked.get(&(own, mark.clone())).cloned();
    match known {
        Some((body, _, _)) if body != ask.body => Err(refused(
            409,
            "idempotency key reused with different payload",
            "IDEMPOTENCY_KEY_CONFLICT",
        )),
        Some((_, Some(answer), _)) => Ok(answer.with("X-Idempotency-Replayed", "true")),
        Some((_, None, at)) if now < at + 5 => {
            let after = (at + 5 - now).clamp(1, 4).to_string();
            let words = "idempotent request is in retry backoff window";
            let mut body = json!({
                "code": 409, "message": words, "reason": "IDEMPOTENCY_RETRY_BACKOFF",
            });
            body["metadata"] = json!({"retry_after": after});
            Err(Answer::json(409, &body).with("Retry-After", after))
        }
        _ => {
            let made = make(state, ask, own);
            let answer = made.as_ref().ok().cloned();
            let kept = (ask.body.clone(), answer, now);
            state.sub2api.marked.insert((own, mark), kept);
            made
        }
    }
}

fn make(state: &mut State, ask: &Ask, own: i64) -> Result<Answer, Answer> {
    let body = parsed(ask)?;
    let numeric = "numeric limits must be finite and non-negative, and expires_in_days must be greater than zero";
    let amounts = amounts(&body, "CreateAPIKeyRequest", numeric)?;
    let name = body["name"].as_str().unwrap_or("");
    if name.is_empty() {
        return Err(invalid(
            "Key: 'CreateAPIKeyRequest.Name' Error:Field validation for 'Name' failed on the 'required' tag",
        ));
    }
    let days = body["expires_in_days"].as_i64();
    if days.is_some_and(|days| days <= 0) {
        return Err(invalid(numeric));
    }
    let lists = lists(&body)?;
    let group = group_id(&body)?;
    let custom = body["custom_key"].as_str().map(str::to_owned);
    if let Some(custom) = &custom {
        if custom.len() < 16 {
            let words = "api key must be at least 16 characters";
            return Err(refused(400, words, "API_KEY_TOO_SHORT"));
        }
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !custom.bytes().all(letter) {
            let words = "api key can only contain letters, numbers, underscores, and hyphens";
            return Err(refused(400, words, "API_KEY_INVALID_CHARS"));
        }
        if state
            .sub2api
            .keys
            .values()
            .any(|row| row["key"] == **custom)
        {
            return Err(refused(409, "api key already exists", "API_KEY_EXISTS"));
        }
    }
    let name = escaped(name);
    if name.len() > NAME_BYTES {
        return Err(refused(500, "internal error", ""));
    }
    let now = state.now();
    let id = insert(state, own, &name);
    let row = state.sub2api.keys.get_mut(&id).expect("made just now");
    if let Some(custom) = custom {
        row.insert("key".to_owned(), json!(custom));
    }
    if let Some(group) = group {
        row.insert("group_id".to_owned(), json!(group));
    }
    if let Some(days) = days {
        row.insert("expires_at".to_owned(), json!(stamp(now + days * 86_400)));
    }
    for (name, amount) in amounts {
        row.insert(name.to_owned(), number(amount));
    }
    for (name, list) in lists {
        row.insert(name.to_owned(), list);
    }
    let told = Value::Object(row.clone());
    settle(row);
    Ok(done(told))
}

/// What the next reading shows of what was just stored: an empty list is none.
fn settle(row: &mut Row) {
    for name in ["ip_whitelist", "ip_blacklist"] {
        if row[name].as_array().is_some_and(Vec::is_empty) {
            row.insert(name.to_owned(), Value::Null);
        }
    }
}

pub(super) fn write(state: &mut State, ask: &Ask, id: &str) -> Result<Answer, Answer> {
    let own = user(state, ask)?;
    let body = if ask.body.is_empty() {
        json!({})
    } else {
        parsed(ask)?
    };
    let words = "numeric limits must be finite and non-negative";
    let amounts = amounts(&body, "UpdateAPIKeyRequest", words)?;
    let status = body["status"].as_str();
    if status.is_some_and(|status| !matches!(status, "active" | "inactive")) {
        return Err(invalid(
            "Key: 'UpdateAPIKeyRequest.Status' Error:Field validation for 'Status' failed on the 'oneof' tag",
        ));
    }
    let expires = body["expires_at"].as_str();
    if let Some(text) = expires.filter(|text| !text.is_empty())
        && unstamp(text).is_none()
    {
        let layout = "2006-01-02T15:04:05Z07:00";
        let (rest, part) = if text.len() == 19 {
            ("", "Z07:00")
        } else {
            (text, "2006")
        };
        return Err(refused(
            400,
            &format!(
                "Invalid expires_at format: parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \"{part}\""
            ),
            "",
        ));
    }
    let id = find(state, own, id)?;
    let lists = lists(&body)?;
    let group = group_id(&body)?;
    let name = body["name"]
        .as_str()
        .filter(|name| !name.is_empty())
        .map(escaped);
    if name.as_ref().is_some_and(|name| name.len() > NAME_BYTES) {
        return Err(refused(500, "internal error", ""));
    }
    let at = stamp(state.now());
    let had = state.sub2api.keys[&id]["group_id"]
        .as_i64()
        .map(super::group);
    let row = state.sub2api.keys.get_mut(&id).expect("found just now");
    let mut set = |name: &str, value: Value| {
        row.insert(name.to_owned(), value);
    };
    if let Some(name) = name {
        set("name", json!(name));
    }
    if let Some(status) = status {
        set("status", json!(status));
    }
    match expires {
        None => {}
        Some("") => set("expires_at", Value::Null),
        // Echoed as sent, fractions of zero left out.
        Some(text) => set("expires_at", json!(text.replace(".000", ""))),
    }
    if let Some(group) = group {
        set("group_id", json!(group));
    }
    for (name, amount) in &amounts {
        set(name, number(*amount));
    }
    for (name, list) in lists {
        set(name, list);
    }
    if body["reset_quota"] == true {
        set("quota_used", json!(0));
    }
    if body["reset_rate_limit_usage"] == true {
        for name in ["usage_5h", "usage_1d", "usage_7d"] {
            set(name, json!(0));
        }
    }
    set("updated_at", json!(at));
    let amount = |name: &str| row[name].as_f64().unwrap_or(0.0);
    let room = amount("quota") == 0.0 || amount("quota_used") < amount("quota");
    if row["status"] == "quota_exhausted" && room {
        row.insert("status".to_owned(), json!("active"));
    }
    let told = row.clone();
    settle(row);
    let mut told = whole(state, &told);
    // The answer still holds the group the key had (62-put-group-other); a later reading has the
    // right one (the object sent back in 65-put-roundtrip).
    if let Some(group) = had {
        told["group"] = group;
    }
    Ok(done(told))
}

/// A call that cost so much.
pub(super) fn spend(state: &mut State, id: i64, usd: f64) {
    let at = stamp(state.now());
    let Some(row) = state.sub2api.keys.get_mut(&id) else {
        return;
    };
    let user = row["user_id"].as_i64().unwrap_or(0);
    for name in ["quota_used", "usage_5h", "usage_1d", "usage_7d"] {
        let sum = ((row[name].as_f64().unwrap_or(0.0) + usd) * 1e8).round() / 1e8;
        row.insert(name.to_owned(), number(sum));
    }
    // The short window begins with its first use, the others with that day (seen live).
    for (name, _) in WINDOWS {
        let start = format!("window_{name}_start");
        if row[&start].is_null() {
            let begun = if name == "5h" { at.clone() } else { day(&at) };
            row.insert(start, json!(begun));
        }
    }
    row.insert("last_used_at".to_owned(), json!(at));
    let amount = |name: &str| row[name].as_f64().unwrap_or(0.0);
    if amount("quota") > 0.0 && amount("quota_used") >= amount("quota") {
        row.insert("status".to_owned(), json!("quota_exhausted"));
    }
    let line = json!({
        "id": state.sub2api.usage.len() + 1, "user_id": user, "api_key_id": id,
        "model": "claude-sonnet-4-5", "input_tokens": 11, "output_tokens": 5,
        "total_cost": usd, "actual_cost": usd, "rate_multiplier": 1, "stream": false,
        "request_type": "sync", "duration_ms": 43, "created_at": at,
    });
    if let Value::Object(line) = line {
        state.sub2api.usage.push(line);
    }
    *state.sub2api.balances.entry(user).or_insert(100.0) -= usd;
}

pub(super) fn usage(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    let own = user(state, ask)?;
    take(state, "heavy", &own.to_string(), 60).map_err(slow_down)?;
    let size = ask
        .query("page_size")
        .parse()
        .unwrap_or(20_usize)
        .clamp(1, 1_000);
    let page = ask.query("page").parse().unwrap_or(1_usize).max(1);
    let key: Option<i64> = ask.query("api_key_id").parse().ok();
    let from = ask.query("start_date");
    let fits = |line: &&Row| {
        line["user_id"] == own
            && key.is_none_or(|key| line["api_key_id"] == key)
            && line["created_at"].as_str().unwrap_or("") >= from.as_str()
    };
    let lines: Vec<&Row> = state.sub2api.usage.iter().rev().filter(fits).collect();
    let items: Vec<&&Row> = lines.iter().skip((page - 1) * size).take(size).collect();
    Ok(done(json!({
        "items": items, "total": lines.len(), "page": page, "page_size": size,
        "pages": lines.len().div_ceil(size).max(1),
    })))
}
