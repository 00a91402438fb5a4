//! What programs with a key see [internal/server/middleware/api_key_auth.go,
//! internal/handler/gateway_handler.go].

use serde_json::{Value, json};

use super::keys::{WINDOWS, reset_at};
use super::{GROUPS, Row, number, stopped, take, unstamp};
use crate::answer::Answer;
use crate::ask::Ask;
use crate::state::State;

/// So many unknown keys from one address, and it is refused for a minute (seen live).
const MOST_UNKNOWN: usize = 120;

/// The key that came, if it is one that is let in as far as this endpoint checks.
fn key(state: &mut State, ask: &Ask, asks_only: bool) -> Result<Row, Answer> {
    if !ask.query("key").is_empty() || !ask.query("api_key").is_empty() {
        let words =
            "API key in query parameter is deprecated. Please use Authorization header instead.";
        return Err(stopped(400, "api_key_in_query_deprecated", words));
    }
    let bearer = ask
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let sent = bearer
        .or_else(|| ask.header("x-api-key"))
        .or_else(|| ask.header("x-goog-api-key"));
    let Some(sent) = sent else {
        let words = "API key is required in Authorization header (Bearer scheme), x-api-key header, or x-goog-api-key header";
        return Err(stopped(401, "API_KEY_REQUIRED", words));
    };
    let found = state.sub2api.keys.values().find(|row| row["key"] == sent);
    let Some(row) = found.cloned() else {
        let ip = ask.ip.clone();
        if let Err(after) = take(state, "unknown", &ip, MOST_UNKNOWN) {
            let words = "Too many invalid authentication attempts; retry later";
            return Err(stopped(429, "INVALID_AUTH_RATE_LIMITED", words)
                .with("Retry-After", after.to_string()));
        }
        return Err(stopped(401, "INVALID_API_KEY", "Invalid API key"));
    };
    let text = |name: &str| row[name].as_str().unwrap_or("");
    if text("status") == "inactive" {
        return Err(stopped(401, "API_KEY_DISABLED", "API key is disabled"));
    }
    let named = |name: &str| {
        let list = row[name].as_array();
        list.map(|list| list.iter().any(|item| item == &*ask.ip))
    };
    if named("ip_whitelist") == Some(false) || named("ip_blacklist") == Some(true) {
        let words = format!("Access denied. Your IP is {}", ask.ip);
        return Err(stopped(403, "ACCESS_DENIED", &words));
    }
    let owner = row["user_id"].as_i64().unwrap_or(0);
    if state.user(owner).is_none_or(|user| user.status != 1) {
        return Err(stopped(401, "USER_INACTIVE", "User account is not active"));
    }
    if row["group_id"].is_null() {
        let words = "API Key is not assigned to any group and cannot be used. Please contact the administrator to assign it to a group.";
        let body = json!({
            "error": {"message": words, "type": "permission_error"}, "type": "error",
        });
        return Err(Answer::json(403, &body));
    }
    if asks_only {
        return Ok(row);
    }
    if unstamp(text("expires_at")).is_some_and(|at| at <= state.now()) {
        return Err(stopped(403, "API_KEY_EXPIRED", "API key 已过期"));
    }
    if text("status") == "quota_exhausted" {
        return Err(stopped(
            429,
            "API_KEY_QUOTA_EXHAUSTED",
            "API key 额度已用完",
        ));
    }
    if state
        .sub2api
        .balances
        .get(&owner)
        .is_some_and(|left| *left <= 0.0)
    {
        return Err(stopped(
            403,
            "INSUFFICIENT_BALANCE",
            "Insufficient account balance",
        ));
    }
    Ok(row)
}

pub(super) fn models(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    let row = key(state, ask, false)?;
    let group = GROUPS.iter().find(|group| row["group_id"] == group.0);
    let data = match group.map(|group| group.2) {
        Some("anthropic") => json!([
            {"id": "claude-opus-4-5-20251101", "type": "model",
             "display_name": "Claude Opus 4.5", "created_at": "2025-11-01T00:00:00Z"},
        ]),
        _ => json!([
            {"id": "gpt-5.6-sol", "object": "model", "created": 1_780_876_800, "owned_by": "openai",
             "type": "model", "display_name": "GPT-5.6 Sol"},
            {"id": "gpt-5.6", "object": "model", "created": 1_780_876_800, "owned_by": "openai",
             "type": "model", "display_name": "GPT-5.6 (Sol)"},
        ]),
    };
    Ok(Answer::json(200, &json!({"data": data, "object": "list"})))
}

pub(super) fn usage(state: &mut State, ask: &Ask) -> Result<Answer, Answer> {
    let row = key(state, ask, true)?;
    let amount = |name: &str| row[name].as_f64().unwrap_or(0.0);
    let used = amount("quota_used");
    let sum = |cost: f64, requests: usize| {
        json!({
            "actual_cost": number(cost), "cache_creation_tokens": 0, "cache_read_tokens": 0,
            "cost": number(cost), "input_tokens": 11 * requests, "output_tokens": 5 * requests,
            "requests": requests, "total_tokens": 16 * requests,
        })
    };
    let lines = state.sub2api.usage.iter();
    let requests = lines.filter(|line| line["api_key_id"] == row["id"]).count();
    let mut body = json!({
        "isValid": true, "unit": "USD", "daily_usage": [],
        "usage": {
            "average_duration_ms": 0, "rpm": 0, "tpm": 0,
            "today": sum(used, requests), "total": sum(used, requests),
        },
    });
    let quota = amount("quota");
    let windows: Vec<Value> = WINDOWS
        .into_iter()
        .filter(|(window, _)| amount(&format!("rate_limit_{window}")) > 0.0)
        .map(|(window, lasts)| {
            let (limit, used) = (
                amount(&format!("rate_limit_{window}")),
                amount(&format!("usage_{window}")),
            );
            let mut told = json!({
                "limit": number(limit), "remaining": number((limit - used).max(0.0)),
                "used": number(used), "window": window,
                "window_start": row[&format!("window_{window}_start")],
            });
            if let Some(at) = reset_at(&row, window, lasts) {
                told["reset_at"] = json!(at);
            }
            told
        })
        .collect();
    if quota > 0.0 || !windows.is_empty() {
        let left = number((quota - used).max(0.0));
        body["mode"] = json!("quota_limited");
        body["status"] = row["status"].clone();
        body["remaining"] = left.clone();
        body["quota"] = json!({
            "limit": number(quota), "remaining": left, "unit": "USD", "used": number(used),
        });
        body["rate_limits"] = json!(windows);
    } else {
        let owner = row["user_id"].as_i64().unwrap_or(0);
        let balance = state.sub2api.balances.get(&owner).copied().unwrap_or(0.0);
        body["mode"] = json!("unrestricted");
        body["planName"] = json!("钱包余额");
        body["balance"] = number(balance);
        body["remaining"] = number(balance);
    }
    Ok(Answer::json(200, &body))
}
