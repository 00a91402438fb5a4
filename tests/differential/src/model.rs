//! What the user meant, in the columns of each build, and what a server makes of it: written from
//! the servers' sources alone (controller/token.go of each), not from the core.

use relaykeep_protocol::{Expiry, KeyEnd, KeyField, KeyPatch, KeyValues, ModelLimit, Quota};
use serde_json::{Value, json};

use crate::world::Row;

/// What differs between the builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Calcium-Ion/new-api ef8ae4db.
    April2025,
    /// QuantumNous/new-api 5a6c53d4.
    Cookie,
    /// QuantumNous/new-api e2c7aa7b.
    Jwt,
    /// songquanpeng/one-api 8df4a267.
    OneApi,
    /// Veloera/Veloera 8117f302.
    Veloera,
    /// MartialBE/one-hub 387f8bf1.
    OneHub,
    /// deanxv/done-hub 42841b35.
    DoneHub,
}

impl Rules {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::April2025,
        Self::Cookie,
        Self::Jwt,
        Self::OneApi,
        Self::Veloera,
        Self::OneHub,
        Self::DoneHub,
    ];

    /// One of the two hubs.
    #[must_use]
    pub fn is_hub(self) -> bool {
        matches!(self, Self::OneHub | Self::DoneHub)
    }

    /// Keys and lists as New API had them in April 2025.
    #[must_use]
    pub fn is_april(self) -> bool {
        matches!(self, Self::April2025 | Self::Veloera)
    }

    /// Keys are listed with stars.
    #[must_use]
    pub fn masks(self) -> bool {
        matches!(self, Self::Cookie | Self::Jwt)
    }

    /// How long a new key is, without `sk-`.
    #[must_use]
    pub fn key_length(self) -> usize {
        if self.is_hub() { 59 } else { 48 }
    }

    /// The simulator's word.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::April2025 => "newapi-2025-04",
            Self::Cookie => "newapi-cookie",
            Self::Jwt => "newapi-jwt",
            Self::OneApi => "oneapi",
            Self::Veloera => "veloera",
            Self::OneHub => "onehub",
            Self::DoneHub => "donehub",
        }
    }

    /// The most bytes of a name.
    #[must_use]
    pub fn name_bytes(self) -> usize {
        match self {
            Self::Cookie | Self::Jwt => 50,
            Self::April2025 | Self::OneApi | Self::Veloera | Self::OneHub | Self::DoneHub => 30,
        }
    }

    /// The highest quota, where one is checked: the masked builds say 10^9 dollars, and the JWT
    /// era clamps that to 32 bits.
    #[must_use]
    pub fn most_quota(self) -> Option<i64> {
        match self {
            Self::April2025 | Self::OneApi | Self::Veloera | Self::OneHub | Self::DoneHub => None,
            Self::Cookie => Some(500_000_000_000_000),
            Self::Jwt => Some(2_147_483_647),
        }
    }

    fn has(self, field: KeyField) -> bool {
        match field {
            KeyField::Name
            | KeyField::Quota
            | KeyField::Expires
            | KeyField::Models
            | KeyField::Addresses
            | KeyField::Enabled => true,
            KeyField::Group => self != Self::OneApi,
            KeyField::CrossGroupRetry => matches!(self, Self::Cookie | Self::Jwt),
            KeyField::AutoGroups => self == Self::Jwt,
            KeyField::Denied | KeyField::Windows => false,
        }
    }

    /// The columns in which a row of this build holds a field.
    fn columns(self, field: KeyField) -> &'static [&'static str] {
        match (field, self) {
            (KeyField::Name, _) => &["name"],
            (KeyField::Quota, _) => &["unlimited_quota", "remain_quota"],
            (KeyField::Expires, _) => &["expired_time"],
            (KeyField::Models | KeyField::Addresses, Self::OneHub | Self::DoneHub) => &["setting"],
            (KeyField::Models, Self::OneApi) => &["models"],
            (KeyField::Models, _) => &["model_limits_enabled", "model_limits"],
            (KeyField::Addresses, Self::OneApi) => &["subnet"],
            (KeyField::Addresses, _) => &["allow_ips"],
            (KeyField::Group, _) => &["group"],
            (KeyField::CrossGroupRetry, _) => &["cross_group_retry"],
            (KeyField::AutoGroups, _) => &["auto_groups"],
            (KeyField::Denied | KeyField::Windows, _) => &[],
            (KeyField::Enabled, _) => &["status"],
        }
    }
}

/// What must be so after a step.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The row.
    pub row: Row,
    /// Columns that may also be as they were: what was asked of them means what was there.
    pub or_kept: Vec<&'static str>,
    /// How the core says it ended; `None`: the site refused.
    pub end: Option<KeyEnd>,
    /// Something is to be written at all.
    pub writes: bool,
}

const FIELDS: [KeyField; 8] = [
    KeyField::Name,
    KeyField::Quota,
    KeyField::Expires,
    KeyField::Models,
    KeyField::Addresses,
    KeyField::Group,
    KeyField::CrossGroupRetry,
    KeyField::AutoGroups,
];

fn names(list: &[String]) -> Value {
    if list.is_empty() {
        Value::Null
    } else {
        json!(list)
    }
}

/// A hub's limit: where it stands in `setting`, and the name of its list.
fn nested(field: KeyField) -> (&'static str, &'static str) {
    match field {
        KeyField::Models => ("limit_model_setting", "models"),
        _ => ("limits_ip_setting", "whitelist"),
    }
}

/// What a hub's key is limited to; `None`: the switch is off.
fn hub_limit(row: &Row, field: KeyField) -> Option<Value> {
    let (limit, list) = nested(field);
    let limit = &row.get("setting")?["limits"][limit];
    (limit["enabled"] == true).then(|| limit[list].clone())
}

/// Writes what a patch says of a field into a row; `None`: it says nothing.
fn put(rules: Rules, row: &mut Row, patch: &KeyPatch, field: KeyField) -> Option<()> {
    if rules.is_hub() && matches!(field, KeyField::Models | KeyField::Addresses) {
        let wanted = match field {
            KeyField::Models => match patch.models.as_ref()? {
                ModelLimit::Any => None,
                ModelLimit::Only(list) => Some(list.clone()),
            },
            _ => Some(patch.addresses.clone()?).filter(|list| !list.is_empty()),
        };
        let (limit, list) = nested(field);
        let limit = &mut row.get_mut("setting")?["limits"][limit];
        limit["enabled"] = json!(wanted.is_some());
        limit[list] = json!(wanted);
        return Some(());
    }
    let mut set = |column: &str, value: Value| {
        row.insert(column.to_owned(), value);
    };
    let one_api = rules == Rules::OneApi;
    match field {
        KeyField::Name => set("name", json!(patch.name.as_ref()?)),
        KeyField::Quota => match patch.quota? {
            Quota::Unlimited => set("unlimited_quota", json!(true)),
            Quota::Limited(left) => {
                set("unlimited_quota", json!(false));
                set("remain_quota", json!(left));
            }
        },
        KeyField::Expires => {
            let at = match patch.expires? {
                Expiry::Never => -1,
                Expiry::At(at) => at,
            };
            set("expired_time", json!(at));
        }
        KeyField::Models => {
            let (on, list) = match patch.models.as_ref()? {
                ModelLimit::Any => (false, String::new()),
                ModelLimit::Only(list) => (true, list.join(",")),
            };
            if one_api {
                set("models", json!(list));
            } else {
                set("model_limits_enabled", json!(on));
                set("model_limits", json!(list));
            }
        }
        KeyField::Addresses => {
            let list = patch.addresses.as_ref()?;
            if one_api {
                set("subnet", json!(list.join(",")));
            } else {
                set("allow_ips", json!(list.join("\n")));
            }
        }
        KeyField::Group => set("group", json!(patch.group.as_ref()?)),
        KeyField::CrossGroupRetry => set("cross_group_retry", json!(patch.cross_group_retry?)),
        KeyField::AutoGroups => set("auto_groups", names(patch.auto_groups.as_ref()?)),
        KeyField::Enabled => set("status", json!(if patch.enabled? { 1 } else { 2 })),
        KeyField::Denied | KeyField::Windows => return None,
    }
    Some(())
}

/// What a field of a row means, whatever the letters.
fn meaning(rules: Rules, row: &Row, field: KeyField) -> Value {
    let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or("");
    let list = |column: &str, at: &[char]| -> Vec<String> {
        let parts = text(column).split(at).map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match field {
        KeyField::Name => json!(text("name")),
        KeyField::Quota if row["unlimited_quota"] == true => Value::Null,
        KeyField::Quota => row["remain_quota"].clone(),
        KeyField::Expires => row["expired_time"].clone(),
        KeyField::Models if rules.is_hub() => hub_limit(row, field).unwrap_or(Value::Null),
        KeyField::Addresses if rules.is_hub() => hub_limit(row, field).unwrap_or(json!([])),
        KeyField::Models if rules == Rules::OneApi => names(&list("models", &[','])),
        KeyField::Models if row["model_limits_enabled"] == true => {
            json!(list("model_limits", &[',']))
        }
        KeyField::Models => Value::Null,
        KeyField::Addresses if rules == Rules::OneApi => json!(list("subnet", &[','])),
        KeyField::Addresses => json!(list("allow_ips", &['\n', '\r'])),
        KeyField::Group => json!(text("group")),
        KeyField::CrossGroupRetry => {
            json!(row.get("cross_group_retry") == Some(&Value::Bool(true)))
        }
        KeyField::AutoGroups => row.get("auto_groups").cloned().unwrap_or(Value::Null),
        KeyField::Enabled => row["status"].clone(),
        KeyField::Denied | KeyField::Windows => Value::Null,
    }
}

/// What a server makes of a written row by itself.
fn settle(rules: Rules, row: &mut Row) {
    if rules == Rules::Jwt && row["group"] != "auto" {
        // Both belong to group `auto` (controller/token.go UpdateToken, AddToken).
        row.insert("cross_group_retry".to_owned(), json!(false));
        row.insert("auto_groups".to_owned(), Value::Null);
    }
}

/// Whether the server refuses to store the row.
fn refused(rules: Rules, row: &Row, auto_groups: Option<&Vec<String>>, usable: &[&str]) -> bool {
    let name = row["name"].as_str().unwrap_or("");
    let left = row["remain_quota"].as_i64().unwrap_or(0);
    let limited = row["unlimited_quota"] != true;
    let over = |most: i64| limited && !(0..=most).contains(&left);
    let wrong_groups = rules == Rules::Jwt
        && row["group"] == "auto"
        && auto_groups.is_some_and(|list| {
            list.len() > 5
                || list
                    .iter()
                    .enumerate()
                    .any(|(at, name)| list[..at].contains(name) || !usable.contains(&name.as_str()))
        });
    let wrong_subnet = rules == Rules::OneApi
        && row["subnet"]
            .as_str()
            .unwrap_or("")
            .split(',')
            .any(|net| !net.is_empty() && !net.contains('/'));
    // Both hubs look at the groups of every replace and create.
    let group = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or("");
    let wrong_group = rules.is_hub()
        && [group("group"), group("backup_group")]
            .iter()
            .any(|name| !name.is_empty() && !usable.contains(name));
    name.len() > rules.name_bytes()
        || wrong_group
        || rules.most_quota().is_some_and(over)
        || wrong_groups
        || wrong_subnet
}

/// What a change must do to a row. `usable`: groups the user may select.
#[must_use]
pub fn expected_change(
    rules: Rules,
    row: &Row,
    patch: &KeyPatch,
    now: i64,
    usable: &[&str],
) -> Expected {
    let nothing = |end| Expected {
        row: row.clone(),
        or_kept: Vec::new(),
        end,
        writes: false,
    };
    // "Only these models" with no model means "none", which One API cannot hold: an empty list is
    // no limit there.
    let opens = |models: &ModelLimit| matches!(models, ModelLimit::Only(list) if list.is_empty());
    if rules == Rules::OneApi && patch.models.as_ref().is_some_and(opens) {
        return nothing(Some(KeyEnd::NotTaken(vec![KeyField::Models])));
    }
    // What the user wants to be so, in columns of a build that has them all.
    let mut wanted = row.clone();
    let mut stored = row.clone();
    let mut asked = Vec::new();
    for field in FIELDS {
        if put(rules, &mut wanted, patch, field).is_none() {
            continue;
        }
        asked.push(field);
        if rules.has(field) {
            put(rules, &mut stored, patch, field);
        }
    }
    settle(rules, &mut stored);
    let means = |of: &Row, field| meaning(rules, of, field);
    let (same, differ): (Vec<KeyField>, Vec<KeyField>) = asked
        .iter()
        .partition(|field| means(row, **field) == means(&wanted, **field));

    let status = row["status"].as_i64().unwrap_or(0);
    let target = patch.enabled.map(|on| if on { 1 } else { 2 });
    let toggles = target.is_some_and(|target| target != status);
    if toggles && patch.enabled == Some(true) {
        let expires = wanted["expired_time"].as_i64().unwrap_or(-1);
        if status == 3 && expires != -1 && expires <= now {
            return nothing(Some(KeyEnd::StillExpired));
        }
        let left = wanted["remain_quota"].as_i64().unwrap_or(0);
        if status == 4 && wanted["unlimited_quota"] != true && left <= 0 {
            return nothing(Some(KeyEnd::StillExhausted));
        }
    }
    if differ.is_empty() && !toggles {
        return nothing(Some(KeyEnd::AlreadySo));
    }
    if differ.is_empty() {
        stored = row.clone();
    } else if refused(rules, &stored, patch.auto_groups.as_ref(), usable) {
        return nothing(None);
    }
    if let (true, Some(target)) = (toggles, target) {
        stored.insert("status".to_owned(), json!(target));
    }
    let missed: Vec<KeyField> = asked
        .iter()
        .copied()
        .filter(|field| means(&stored, *field) != means(&wanted, *field))
        .collect();
    let or_kept = same
        .iter()
        .flat_map(|field| rules.columns(*field))
        .copied()
        .collect();
    Expected {
        row: stored,
        or_kept,
        end: Some(if missed.is_empty() {
            KeyEnd::Done
        } else {
            KeyEnd::NotTaken(missed)
        }),
        writes: true,
    }
}

/// The columns of a new key, as far as the user has a say in them; `None`: it is refused.
#[must_use]
pub fn expected_create(rules: Rules, values: &KeyValues, usable: &[&str]) -> Option<Row> {
    let patch = KeyPatch {
        name: Some(values.name.clone()),
        quota: Some(values.quota),
        expires: Some(values.expires.map_or(Expiry::Never, Expiry::At)),
        models: Some(
            values
                .models
                .clone()
                .map_or(ModelLimit::Any, ModelLimit::Only),
        ),
        addresses: Some(values.addresses.clone()),
        group: Some(values.group.clone()),
        cross_group_retry: Some(values.cross_group_retry),
        auto_groups: Some(values.auto_groups.clone().unwrap_or_default()),
        enabled: Some(values.enabled),
        ..KeyPatch::default()
    };
    let mut row = Row::new();
    row.insert("used_quota".to_owned(), json!(0));
    row.insert("remain_quota".to_owned(), json!(0));
    row.insert("user_id".to_owned(), json!(2));
    // A column the client does not know is left to the server.
    row.insert("model_blacklist".to_owned(), Value::Null);
    if rules.is_hub() {
        row.insert("backup_group".to_owned(), json!(""));
        row.insert("setting".to_owned(), no_setting());
    } else if rules != Rules::OneApi {
        row.insert("DeletedAt".to_owned(), Value::Null);
    }
    for field in FIELDS.into_iter().chain([KeyField::Enabled]) {
        if rules.has(field) {
            put(rules, &mut row, &patch, field);
        }
    }
    settle(rules, &mut row);
    (!refused(rules, &row, values.auto_groups.as_ref(), usable)).then_some(row)
}

/// A hub's `setting` with nothing set.
#[must_use]
pub fn no_setting() -> Value {
    json!({
        "heartbeat": {"enabled": false, "timeout_seconds": 0},
        "limits": {
            "limit_model_setting": {"enabled": false, "models": null},
            "limits_ip_setting": {"enabled": false, "whitelist": null},
        },
    })
}

/// A row for a person to read, without its key.
#[must_use]
pub fn row_text(row: &Row) -> String {
    let mut row = row.clone();
    row.remove("key");
    Value::Object(row).to_string()
}
