//! When two answers count as the same.

use serde_json::Value;

use crate::Recorded;
use crate::common::Got;
use crate::replay_forks::is_cut;

/// Fields that name one server, one moment or one secret: only their type is compared.
const OWN: [&str; 39] = [
    "created_time",
    "accessed_time",
    "created_at",
    "last_active_at",
    "access_expires_at",
    "access_token",
    "sid",
    "aff_code",
    "start_time",
    "server_address",
    "passkey_origins",
    "passkey_rp_id",
    "chats",
    "pricing_version",
    "quota_awarded",
    "checkin_date",
    "flow_token",
    "request_id",
    "revoked_sid",
    "last_login_at",
    "total_quota",
    "setting",
    "ip",
    "user_agent",
    "other",
    "use_time",
    "content",
    // Of the forks only.
    "SafeKeyWords",
    "last_login_time",
    "last_check_in_time",
    "prompt_tokens",
    "request_time",
    "permission",
    "metadata",
    "owned_by",
    "rpm",
    "tpm",
    "enable_groups",
    // Empty until the price table was read, a minute after the server's start.
    "supported_endpoint_types",
];

/// Headers that must be there, or must not, and with the same value.
const HEADERS: [&str; 12] = [
    "Content-Type",
    "Cache-Control",
    "X-New-Api-Version",
    "Auth-Version",
    "Retry-After",
    "Location",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Max-Age",
    "Content-Encoding",
];

/// What differs, in words; nothing when the answers agree.
pub(crate) fn differences(recorded: &Recorded, got: &Got, fork: bool) -> Vec<String> {
    let response = &recorded.whole["response"];
    let mut found = Vec::new();
    // Whole answers were cut down in these recordings; the plain ones are compared elsewhere.
    let subset = recorded.name == "status-custom-currency" || (fork && is_cut(recorded));
    if response["status"] != got.status {
        found.push(format!("status {} for {}", got.status, response["status"]));
    }
    if !subset {
        compare_headers(response, got, fork, &mut found);
    }
    let expected = &response["body"];
    if let Some(shape) = own_secret(recorded) {
        if !shape(got.json()["data"].as_str().unwrap_or("")) {
            found.push("the secret has another shape".to_owned());
        }
    } else if let (true, Some(text)) = (fork, expected.as_str()) {
        // Pages were left out, and the text of redirects kept.
        if !text.starts_with("<HTML") && text.as_bytes() != got.body {
            found.push("the text differs".to_owned());
        }
    } else if response["body_kind"] == "html" {
        let redirect = matches!(got.status, 301 | 302);
        if redirect && response["body_length"] != got.body.len() {
            found.push(format!(
                "{} bytes for {}",
                got.body.len(),
                response["body_length"]
            ));
        }
    } else if response["body_kind"] == "empty" {
        if !got.body.is_empty() {
            found.push(format!("{} bytes where nothing was", got.body.len()));
        }
    } else if expected.get("…").is_some() {
        let success = got.json().get("success").cloned().unwrap_or(Value::Null);
        if expected["success"] != success {
            found.push("the cut body's success differs".to_owned());
        }
    } else {
        let (mut expected, mut body) = (expected.clone(), got.json());
        let created = recorded.whole["request"]["method"] == "POST"
            && recorded.whole["request"]["path"] == "/api/token/";
        if created
            && body["data"]["key"]
                .as_str()
                .is_some_and(|key| matches!(key.len(), 48 | 59))
        {
            body["data"]["key"] = expected["data"]["key"].clone();
        }
        // The recorder's upstream echoed no model to One API.
        if expected["object"] == "chat.completion" {
            body["model"] = expected["model"].clone();
        }
        // A group's row number is that one server's.
        if fork && recorded.name.contains("group-map") {
            for groups in [&mut expected, &mut body] {
                for (_, group) in groups["data"].as_object_mut().into_iter().flatten() {
                    group["id"] = Value::Null;
                }
            }
        }
        // Go walks this map in any order.
        if recorded.name == "admin-groups" {
            for groups in [&mut expected, &mut body] {
                if let Some(groups) = groups["data"].as_array_mut() {
                    groups.sort_by_key(|each| each.to_string());
                }
            }
        }
        let cut = if fork {
            cut_lists(recorded.whole["note"].as_str().unwrap_or(""))
        } else {
            response["truncated_from"].clone()
        };
        compare(&expected, &body, "", &cut, subset, &mut found);
    }
    found.truncate(6);
    found
}

/// Lists that were cut, as the forks' recorder noted it: `[list cut: data.data 10→3, …]`.
fn cut_lists(note: &str) -> Value {
    let listed = note.split("[list cut: ").nth(1).unwrap_or("");
    let listed = listed.split(']').next().unwrap_or("").split(", ");
    listed
        .filter_map(|one| {
            let (path, counts) = one.split_once(' ')?;
            let whole: u64 = counts.split('→').next()?.parse().ok()?;
            Some((path.to_owned(), Value::from(whole)))
        })
        .collect()
}

/// Answers that are one secret of that server: only its shape can be compared.
fn own_secret(recorded: &Recorded) -> Option<fn(&str) -> bool> {
    let hex = recorded.whole["response"]["body"]["data"]
        .as_str()
        .is_some_and(|data| data.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match recorded.name.as_str() {
        "pat-generate" if hex => {
            Some(|data| data.len() == 32 && data.bytes().all(|byte| byte.is_ascii_hexdigit()))
        }
        "pat-generate" => Some(|data| matches!(data.len(), 28 | 32)),
        "pat-create" | "429-pat-not-limited" if hex => {
            Some(|data| data.len() == 32 && data.bytes().all(|byte| byte.is_ascii_hexdigit()))
        }
        "pat-create" | "429-pat-not-limited" => Some(|data| {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            matches!(data.len(), 28 | 32) && data.bytes().all(letter)
        }),
        "aff" => Some(|data| data.len() == 4),
        _ => None,
    }
}

fn compare_headers(response: &Value, got: &Got, fork: bool, found: &mut Vec<String>) {
    for name in HEADERS {
        let expected = response["headers"][name].as_str();
        if expected != got.header(name) {
            found.push(format!("{name}: {:?} for {expected:?}", got.header(name)));
        }
    }
    let id = "X-Oneapi-Request-Id";
    let expected = response["headers"][id].as_str();
    // Go prints the nanoseconds without leading zeros, so the length may vary a little.
    let near = |a: &str, b: &str| a.len().abs_diff(b.len()) <= 3 && a[..8].len() == b[..8].len();
    match (expected, got.header(id)) {
        (None, None) => {}
        // The forks' recorder did not keep it.
        (None, Some(_)) if fork => {}
        (Some(a), Some(b)) if near(a, b) => {}
        (a, b) => found.push(format!("{id}: {b:?} for {a:?}")),
    }
    let cookies = &response["headers"]["Set-Cookie"];
    let last = cookies.as_array().and_then(|all| all.last());
    let first = last.unwrap_or(cookies).as_str();
    let shape = |cookie: &str| -> Vec<String> {
        cookie
            .split("; ")
            .map(|part| match part.split_once('=') {
                Some((name @ ("Path" | "SameSite"), value)) => format!("{name}={value}"),
                Some(("Max-Age", value)) => {
                    let age: i64 = value.parse().unwrap_or(-1);
                    // What is left of 30 days differs by the seconds that passed.
                    let age = if (2_591_900..=2_592_000).contains(&age) {
                        2_592_000
                    } else {
                        age
                    };
                    format!("Max-Age={age}")
                }
                Some((name, "")) => format!("{name}="),
                Some((name, _)) => name.to_owned(),
                None => part.to_owned(),
            })
            .collect()
    };
    if first.map(shape) != got.header("Set-Cookie").map(shape) {
        found.push(format!(
            "Set-Cookie: {:?} for {first:?}",
            got.header("Set-Cookie")
        ));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn compare(
    expected: &Value,
    got: &Value,
    path: &str,
    cut: &Value,
    subset: bool,
    found: &mut Vec<String>,
) {
    let name = path.rsplit('.').next().unwrap_or(path);
    let whole = cut.get(path).and_then(Value::as_u64);
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            if let Some(count) = whole {
                // The server's static model table is none of our facts: shape only.
                if name == "keys" && b.len() as u64 != count {
                    found.push(format!("{path} has {} entries for {count}", b.len()));
                }
            }
            for (key, value) in a {
                let at = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                match b.get(key) {
                    Some(other) => compare(value, other, &at, cut, subset, found),
                    None => found.push(format!("{at} is missing")),
                }
            }
            if whole.is_none() && !subset {
                for key in b.keys().filter(|key| !a.contains_key(*key)) {
                    found.push(format!("{path}.{key} should not be there"));
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if OWN.contains(&name) || cut.get(path).is_some() && path.starts_with("data.1") {
                return;
            }
            let count = whole.unwrap_or(a.len() as u64);
            if b.len() as u64 != count {
                found.push(format!("{path} has {} items for {count}", b.len()));
            }
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                let at = format!("{path}.{n}");
                compare(a, b, &at, cut, subset, found);
            }
        }
        _ if kind(expected) != kind(got) => {
            found.push(format!("{path} is {} for {}", kind(got), kind(expected)));
        }
        _ if OWN.contains(&name) => {}
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(1.0));
            let moment = name == "expires_at" && a > 1.79e9 && a < 1.85e9 && b > 1.7e9;
            if (a - b).abs() > 1e-9 && !moment {
                found.push(format!("{path} = {b} for {a}"));
            }
        }
        (Value::String(a), Value::String(b)) => {
            let plain = |text: &str| match text.find(" (request id: ") {
                Some(end) => text[..end].to_owned(),
                None => text.to_owned(),
            };
            if plain(a) != plain(b) {
                found.push(format!("{path} = {b:?} for {a:?}"));
            }
        }
        (a, b) => {
            if a != b {
                found.push(format!("{path} = {b} for {a}"));
            }
        }
    }
}
