//! How a key row looks from outside.

use serde_json::{Value, json};

use crate::kind::{Fork, Generation};
use crate::state::{Options, Token};

/// QuantumNous/new-api model/token.go MaskTokenKey.
pub(crate) fn mask(key: &str) -> String {
    let count = key.len();
    match count {
        0 => String::new(),
        1..=4 => "*".repeat(count),
        5..=8 => format!("{}****{}", &key[..2], &key[count - 2..]),
        _ => format!("{}**********{}", &key[..4], &key[count - 4..]),
    }
}

/// The row as list, search and single get show it.
pub(crate) fn shown(token: &Token, options: &Options, generation: Generation) -> Value {
    let mut row = json!({
        "id": token.id, "user_id": token.user_id, "key": token.key, "status": token.status,
        "name": token.name, "created_time": token.created_time,
        "accessed_time": token.accessed_time, "expired_time": token.expired_time,
        "remain_quota": token.remain_quota, "unlimited_quota": token.unlimited_quota,
        "used_quota": token.used_quota,
    });
    if options.fork.is_some_and(Fork::is_hub) {
        row["group"] = json!(token.group);
        row["backup_group"] = json!(token.backup_group);
        row["setting"] = token.setting.clone();
    } else if generation == Generation::OneApi {
        row["models"] = json!(token.models);
        row["subnet"] = json!(token.subnet);
    } else {
        row["model_limits_enabled"] = json!(token.model_limits_enabled);
        row["model_limits"] = json!(token.model_limits);
        row["allow_ips"] = json!(token.allow_ips);
        row["group"] = json!(token.group);
        row["DeletedAt"] = Value::Null;
    }
    if generation.masks() {
        row["key"] = json!(mask(&token.key));
        row["cross_group_retry"] = json!(token.cross_group_retry);
    }
    if generation == Generation::Jwt {
        row["auto_groups"] = json!(token.auto_groups);
    }
    if let Some(name) = &options.extra_field {
        row[name.as_str()] = token.extra.clone();
    }
    if let (Some(row), Some(Value::Object(odd))) = (row.as_object_mut(), &token.odd) {
        row.extend(odd.clone());
    }
    row
}

/// The row as the database holds it: nothing masked, every column of the build.
pub(crate) fn stored(token: &Token, options: &Options, generation: Generation) -> Value {
    let plain = Token {
        odd: None,
        ..token.clone()
    };
    let mut row = shown(&plain, options, generation);
    row["key"] = json!(token.key);
    row
}
