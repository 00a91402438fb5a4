//! What chance makes of keys: ordinary values, the edges of every limit, and what no sane person
//! writes.

use relaykeep_differential::{Dice, Row, Rules, no_setting};
use relaykeep_protocol::{Expiry, KeyPatch, KeyValues, ModelLimit, Quota};
use serde_json::{Value, json};

const NAMES: [&str; 12] = [
    "laptop",
    "laptop",
    "公司服务器",
    "\"quoted\" \\ back/slash",
    "emoji 🔑👩‍💻",
    " blanks around ",
    "tab\there",
    "<b>&amp;</b>",
    "line\nbreak",
    "%_%",
    "cursor",
    "ключ",
];
const MODELS: [&str; 6] = [
    "gpt-4o",
    "gpt-4o-mini",
    "claude-3-5-sonnet-20241022",
    "deepseek/deepseek-r1:free",
    "模型-1",
    "gone-since-long",
];

fn name(dice: &mut Dice, rules: Rules) -> String {
    let limit = rules.name_bytes();
    // No two of these are alike: a name that is too long and taken cannot even be tried.
    let own = format!("{:016x}", dice.any());
    match dice.below(12) {
        0 => String::new(),
        1 => format!("{own}{}", "x".repeat(limit - own.len())),
        2 => format!("{own}{}", "x".repeat(limit - own.len() + 1)),
        // As many characters as the limit has bytes, which are too many bytes.
        3 => format!("{own}{}", "é".repeat(limit - own.len())),
        4 | 5 => own,
        _ => (*dice.pick(&NAMES)).to_owned(),
    }
}

fn quota(dice: &mut Dice, rules: Rules) -> Quota {
    let most = rules.most_quota().unwrap_or(1_000_000_000_000_000);
    match dice.below(10) {
        0 | 1 => Quota::Unlimited,
        2 => Quota::Limited(0),
        3 => Quota::Limited(most),
        4 => Quota::Limited(most + 1),
        5 => Quota::Limited(-1),
        6 => Quota::Limited(1),
        _ => Quota::Limited(i64::try_from(dice.below(5_000_000)).expect("small")),
    }
}

/// Moments that are past and to come whenever a seed is played.
const PAST: i64 = 1_700_000_000;
const TO_COME: i64 = 4_000_000_000;

fn expires(dice: &mut Dice) -> Option<i64> {
    match dice.below(6) {
        0 | 1 => None,
        2 => Some(1),
        3 => Some(PAST),
        _ => Some(TO_COME + i64::try_from(dice.below(40_000_000)).expect("small")),
    }
}

fn models(dice: &mut Dice, rules: Rules) -> Option<Vec<String>> {
    match dice.below(8) {
        0..3 => None,
        3 if rules != Rules::OneApi => Some(Vec::new()),
        _ => {
            let mut list: Vec<String> = Vec::new();
            for _ in 0..=dice.below(4) {
                let model = *dice.pick(&MODELS);
                if !list.iter().any(|one| one == model) {
                    list.push(model.to_owned());
                }
            }
            Some(list)
        }
    }
}

fn addresses(dice: &mut Dice, rules: Rules) -> Vec<String> {
    let nets = [
        "10.0.0.0/8",
        "192.168.7.0/24",
        "2001:db8::/32",
        "127.0.0.1/32",
    ];
    let plain = ["127.0.0.1", "203.0.113.9", "2001:db8::7"];
    let choice: Vec<&str> = match rules {
        Rules::OneApi => nets.to_vec(),
        Rules::April2025 | Rules::Veloera => plain.to_vec(),
        Rules::Cookie | Rules::Jwt | Rules::OneHub | Rules::DoneHub => {
            [&nets[..], &plain[..]].concat()
        }
    };
    let count = dice.below(4);
    (0..count)
        .map(|_| (*dice.pick(&choice)).to_owned())
        .collect()
}

fn group(dice: &mut Dice) -> String {
    (*dice.pick(&["", "default", "vip", "auto", "auto", "gone-group"])).to_owned()
}

fn auto_groups(dice: &mut Dice) -> Vec<String> {
    let lists: [&[&str]; 6] = [
        &[],
        &["default"],
        &["vip", "default"],
        &["default", "vip"],
        &["vip", "vip"],
        &["gone-group"],
    ];
    dice.pick(&lists)
        .iter()
        .map(|name| (*name).to_owned())
        .collect()
}

/// What a new key is to be: within what the site's form offers.
pub(super) fn key_values(dice: &mut Dice, rules: Rules) -> KeyValues {
    let group = match rules {
        Rules::OneApi => String::new(),
        Rules::April2025
        | Rules::Cookie
        | Rules::Jwt
        | Rules::Veloera
        | Rules::OneHub
        | Rules::DoneHub => group(dice),
    };
    let auto = group == "auto";
    KeyValues {
        name: name(dice, rules),
        quota: quota(dice, rules),
        expires: expires(dice),
        models: models(dice, rules),
        addresses: addresses(dice, rules),
        denied: Vec::new(),
        windows: Default::default(),
        cross_group_retry: auto && matches!(rules, Rules::Cookie | Rules::Jwt) && dice.once_in(2),
        auto_groups: Some(auto_groups(dice))
            .filter(|list| auto && rules == Rules::Jwt && !list.is_empty()),
        group,
        enabled: !dice.once_in(4),
    }
}

/// What is changed: one field, or some; also fields the site does not have.
pub(super) fn key_patch(dice: &mut Dice, rules: Rules, row: &Row, many: bool) -> KeyPatch {
    let mut patch = KeyPatch::default();
    let count = if many { 2 + dice.below(5) } else { 1 };
    for _ in 0..count {
        match dice.below(10) {
            0 => patch.name = Some(name(dice, rules)),
            1 => patch.quota = Some(quota(dice, rules)),
            2 => patch.expires = Some(expires(dice).map_or(Expiry::Never, Expiry::At)),
            3 => {
                patch.models = Some(match models(dice, rules) {
                    None => ModelLimit::Any,
                    // One API holds no such thing.
                    Some(_) if dice.once_in(20) => ModelLimit::Only(Vec::new()),
                    Some(list) => ModelLimit::Only(list),
                });
            }
            4 => patch.addresses = Some(addresses(dice, rules)),
            5 => patch.group = Some(group(dice)),
            6 => patch.cross_group_retry = Some(dice.once_in(2)),
            7 => patch.auto_groups = Some(auto_groups(dice)),
            8 => patch.enabled = Some(dice.once_in(2)),
            // What it is already.
            _ => patch.name = row.get("name").and_then(Value::as_str).map(str::to_owned),
        }
    }
    patch
}

/// Columns as the site's own page, an operator or another client leaves them.
pub(super) fn foreign_edit(dice: &mut Dice, rules: Rules) -> Row {
    let edit_of = dice.below(12);
    let mut edit = Row::new();
    let mut set = |column: &str, value: Value| {
        edit.insert(column.to_owned(), value);
    };
    let one_api = rules == Rules::OneApi;
    if rules.is_hub() && matches!(edit_of, 3..=6) {
        // What the hub's own page sets and no client of ours knows, and limits as people leave them.
        let mut setting = no_setting();
        setting["heartbeat"] = json!({"enabled": true, "timeout_seconds": 45});
        setting["billing_tag"] = json!("team-b");
        let limits = &mut setting["limits"];
        match edit_of {
            3 => {}
            4 => {
                limits["limit_model_setting"] =
                    json!({"enabled": true, "models": ["gpt-4o", " gpt-4o-mini"]})
            }
            5 => {
                limits["limit_model_setting"] =
                    json!({"enabled": false, "models": ["left", "over"]})
            }
            _ => {
                limits["limits_ip_setting"] =
                    json!({"enabled": dice.once_in(2), "whitelist": [" 1.2.3.4", "nonsense"]})
            }
        }
        set("setting", setting);
        set("backup_group", json!(dice.pick(&["", "vip"])));
        return edit;
    }
    match edit_of {
        0 => set("status", json!(dice.pick(&[1, 2, 3, 4, 7]))),
        1 => set("expired_time", json!(0)),
        2 => set(
            "name",
            json!("this name is longer than any limit of any server allows it to be"),
        ),
        3 if one_api => set("models", Value::Null),
        3 => set("allow_ips", Value::Null),
        4 if one_api => set("models", json!("gpt-4o, gpt-4o-mini")),
        4 => {
            set("model_limits_enabled", json!(true));
            set("model_limits", json!("gpt-4o, gpt-4o-mini"));
        }
        5 if !one_api => {
            set("model_limits_enabled", json!(false));
            set("model_limits", json!("left,over"));
        }
        6 if !one_api => set("allow_ips", json!("1.2.3.4, 5.6.7.8\r\n\r\n 9.9.9.9 ")),
        7 => {
            set("status", json!(3));
            set("expired_time", json!(PAST));
        }
        8 => {
            set("status", json!(4));
            set("unlimited_quota", json!(false));
            set("remain_quota", json!(0));
        }
        9 => {
            set("unlimited_quota", json!(true));
            set("remain_quota", json!(-123_456));
        }
        _ => set(
            "extra",
            json!({"why": "not ours", "deep": [1, null, {"é": 2.5}], "big": 9_007_199_254_740_993_i64, "n": dice.any() >> 1}),
        ),
    }
    edit
}
