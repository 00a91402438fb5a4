//! What a key is set to, read out of a raw object and written back into one without loss.

use super::fields::fields;
use super::lax::{self, Raw};
use super::place::Place;
use super::protocol::{self, Protocol};
use super::{openrouter, sub2api};
use crate::json;
use crate::secret::Secret;
use relaykeep_protocol::{
    AddressRule, Expiry, Generation, KeyAbilities, KeyField, KeyPatch, KeyValues, LimitNames,
    Making, ModelLimit, Quota, SiteKind,
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The highest quota of the cookie era: 10^9 of the usual 500 000 units, and not clamped as later
/// (seen on 5a6c53d4). April 2025 and other kinds check none.
const MOST_QUOTA_COOKIE: i64 = 500_000_000_000_000;

/// A key's states, in the family's numbers: what every kind's are told in.
pub(super) struct Status {
    pub(super) enabled: i64,
    pub(super) disabled: i64,
    pub(super) expired: i64,
    pub(super) exhausted: i64,
}

/// [songquanpeng/one-api 8df4a267 model/token.go]
pub(super) const STATUS: Status = Status {
    enabled: 1,
    disabled: 2,
    expired: 3,
    exhausted: 4,
};

/// A status of the family. AIHubMix writes 0 for disabled.
pub(super) fn status(raw: Raw<'_>) -> i64 {
    match (raw, lax::int(raw)) {
        (Some(_), Some(0)) => STATUS.disabled,
        (_, status) => status.unwrap_or(0),
    }
}

/// What a site's keys can be set to.
#[must_use]
pub fn abilities(place: &Place) -> KeyAbilities {
    match protocol::of(place.kind) {
        Protocol::Family => family_abilities(place),
        Protocol::Sub2Api => sub2api::abilities(),
        Protocol::OpenRouter => openrouter::abilities(),
    }
}

fn family_abilities(place: &Place) -> KeyAbilities {
    let habits = place.kind.habits();
    let mut can = habits.can.clone();
    if !habits.generations {
        return can;
    }
    match place.quirks.generation {
        None => {}
        Some(Generation::Unmasked) => {
            // 30 before 2025-12-04 [e2c7aa7b controller/token.go]. April 2025 drops networks, and
            // a key with no plain address left is open to all.
            can.name_bytes = 30;
            can.most_quota = None;
            can.addresses = AddressRule::PlainOnly;
        }
        Some(Generation::MaskedCookie) => {
            can.most_quota = Some(MOST_QUOTA_COOKIE);
            can.cross_group_retry = true;
        }
        Some(Generation::Jwt) => {
            can.cross_group_retry = true;
            can.auto_groups = true;
        }
    }
    can
}

fields! {
    struct Settable {
        name "name",
        status "status",
        expired_time "expired_time",
        remain_quota "remain_quota",
        unlimited_quota "unlimited_quota",
        model_limits_enabled "model_limits_enabled",
        model_limits "model_limits",
        models "models",
        allow_ips "allow_ips",
        subnet "subnet",
        setting "setting",
        group "group",
        cross_group_retry "cross_group_retry",
        auto_groups "auto_groups",
    }
}

/// What a key is set to. Not cleaned and not cut: only what is really changed may change.
#[must_use]
pub fn values_of(raw: &Secret) -> KeyValues {
    // What a key is set to is no secret, and nothing else leaves this function.
    // Its names tell which protocol it belongs to; nothing of it is kept.
    match protocol::of_text(raw.expose()) {
        Protocol::Family => {}
        Protocol::Sub2Api => return sub2api::values_of(raw.expose()), // likewise
        Protocol::OpenRouter => return openrouter::values_of(raw.expose()), // likewise
    }
    // Likewise.
    let Ok(data) = Settable::read(raw.expose()) else {
        return KeyValues::default();
    };
    let nested = Nested::read(data.setting);
    KeyValues {
        name: lax::text(data.name).unwrap_or_default(),
        quota: if lax::truth(data.unlimited_quota).unwrap_or(false) {
            Quota::Unlimited
        } else {
            Quota::Limited(lax::int(data.remain_quota).unwrap_or(0))
        },
        // Only −1 means never.
        expires: lax::int(data.expired_time).filter(|at| *at != -1),
        models: match lax::truth(data.model_limits_enabled) {
            _ if nested.is_some() => nested.as_ref().and_then(|nested| nested.models.clone()),
            Some(true) => Some(split(data.model_limits, &[','])),
            Some(false) => None,
            None => Some(split(data.models, &[','])).filter(|models| !models.is_empty()),
        },
        addresses: match data.allow_ips {
            _ if nested.is_some() => nested
                .and_then(|nested| nested.addresses)
                .unwrap_or_default(),
            Some(_) => split(data.allow_ips, &['\n', '\r']),
            None => split(data.subnet, &[',']),
        },
        denied: Vec::new(),
        windows: [0; 3],
        group: lax::text(data.group).unwrap_or_default(),
        cross_group_retry: lax::truth(data.cross_group_retry).unwrap_or(false),
        auto_groups: data.auto_groups.and_then(|list| {
            let items = json::items(list.get()).ok()?;
            Some(
                items
                    .into_iter()
                    .filter_map(|item| lax::text(Some(item)))
                    .collect(),
            )
        }),
        enabled: status(data.status) != STATUS.disabled,
    }
}

/// The limits that the hubs keep in `setting.limits`, each behind a switch: a list that is off
/// limits nothing. Lists that were never made are `null` [42841b35 model/token.go, seen live].
#[derive(Clone, Debug, Default)]
pub(super) struct Nested {
    /// Empty: switched on, and allows nothing.
    pub(super) models: Option<Vec<String>>,
    /// An empty list limits nothing (seen live), and counts as none.
    pub(super) addresses: Option<Vec<String>>,
}

impl Nested {
    pub(super) fn read(setting: Raw<'_>) -> Option<Self> {
        fields! {
            struct Setting { limits "limits" }
        }
        fields! {
            struct Limits {
                models "limit_model_setting",
                addresses "limits_ip_setting",
            }
        }
        let of = |raw: Raw<'_>, list: &str| -> Option<Vec<String>> {
            let mut found = [None; 2];
            super::fields::find(raw?.get(), &["enabled", list], &mut found).ok()?;
            let listed = lax::Capped::read(found[1].map_or("null", RawValue::get)).ok()?;
            let texts = listed.items.into_iter().map(Some).filter_map(lax::text);
            (lax::truth(found[0]) == Some(true)).then(|| texts.collect())
        };
        let setting = Setting::read(setting?.get()).ok()?;
        let limits = Limits::read(setting.limits?.get()).ok()?;
        Some(Self {
            models: of(limits.models, "models"),
            addresses: of(limits.addresses, "whitelist").filter(|list| !list.is_empty()),
        })
    }
}

/// An object with one entry put in, in its place if it is there; all else as it was sent.
fn with_entry(object: Option<&str>, name: &str, value: &str) -> String {
    let entries = object.and_then(|text| json::entries(text).ok());
    let mut fields = Vec::new();
    let mut there = false;
    for (one, sent) in entries.unwrap_or_default() {
        let ours = one == name;
        there |= ours;
        let text = if ours { value } else { sent.get() };
        fields.push([&json::write(&one), ":", text].concat());
    }
    if !there {
        fields.push([&json::write(name), ":", value].concat());
    }
    ["{", &fields.join(","), "}"].concat()
}

/// `setting` with one limit set anew; heartbeat, billing tag and what else stands there stay.
fn nested_limit(setting: &str, limit: &str, list: &str, wanted: Option<&[String]>) -> String {
    let inside = |object: Option<&str>, name: &str| -> Option<String> {
        let mut found = [None];
        super::fields::find(object?, &[name], &mut found).ok()?;
        found[0].map(|raw| raw.get().to_owned())
    };
    let limits = inside(Some(setting), "limits");
    let one = inside(limits.as_deref(), limit);
    let on = wanted.is_some();
    let one = with_entry(one.as_deref(), "enabled", &on.to_string());
    let one = with_entry(
        Some(&one),
        list,
        &wanted.map_or_else(|| "null".to_owned(), json::write),
    );
    let limits = with_entry(limits.as_deref(), limit, &one);
    with_entry(Some(setting), "limits", &limits)
}

/// The name in a raw object, to the letter.
pub(super) fn name_of(raw: &Secret) -> String {
    values_of(raw).name
}

/// Status and the numbers that move by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meter {
    pub(super) status: i64,
    pub(super) remaining: Option<i64>,
    pub(super) used: Option<i64>,
}

impl Meter {
    pub(super) fn of(status: i64, quota: Quota, used: i64) -> Self {
        let remaining = match quota {
            Quota::Limited(left) => Some(left),
            Quota::Unlimited => None,
        };
        Self {
            status,
            remaining,
            used: Some(used),
        }
    }
}

pub(super) fn meter_of(raw: &Secret) -> Meter {
    fields! {
        struct Numbers {
            status "status",
            remain_quota "remain_quota",
            used_quota "used_quota",
        }
    }
    // Its names tell which protocol it belongs to; nothing of it is kept.
    match protocol::of_text(raw.expose()) {
        Protocol::Family => {}
        Protocol::Sub2Api => return sub2api::meter_of(raw.expose()), // numbers only
        Protocol::OpenRouter => return openrouter::meter_of(raw.expose()), // numbers only
    }
    // Numbers only.
    Numbers::read(raw.expose()).map_or_else(
        |_| Meter::default(),
        |data| Meter {
            status: status(data.status),
            remaining: lax::int(data.remain_quota),
            used: lax::int(data.used_quota),
        },
    )
}

fn split(raw: Raw<'_>, at: &[char]) -> Vec<String> {
    let text = lax::text(raw).unwrap_or_default();
    text.split(at)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The fields in which two differ.
#[must_use]
pub fn differing(one: &KeyValues, other: &KeyValues) -> Vec<KeyField> {
    let fields = [
        (KeyField::Name, one.name == other.name),
        (KeyField::Quota, one.quota == other.quota),
        (KeyField::Expires, one.expires == other.expires),
        (KeyField::Models, one.models == other.models),
        (KeyField::Addresses, one.addresses == other.addresses),
        (KeyField::Denied, one.denied == other.denied),
        (KeyField::Windows, one.windows == other.windows),
        (KeyField::Group, one.group == other.group),
        (
            KeyField::CrossGroupRetry,
            one.cross_group_retry == other.cross_group_retry,
        ),
        (KeyField::AutoGroups, one.auto_groups == other.auto_groups),
        (KeyField::Enabled, one.enabled == other.enabled),
    ];
    fields
        .into_iter()
        .filter(|(_, same)| !same)
        .map(|(field, _)| field)
        .collect()
}

/// The fields a patch speaks of.
#[must_use]
pub fn fields_of(patch: &KeyPatch) -> Vec<KeyField> {
    let fields = [
        (KeyField::Name, patch.name.is_some()),
        (KeyField::Quota, patch.quota.is_some()),
        (KeyField::Expires, patch.expires.is_some()),
        (KeyField::Models, patch.models.is_some()),
        (KeyField::Addresses, patch.addresses.is_some()),
        (KeyField::Denied, patch.denied.is_some()),
        (KeyField::Windows, patch.windows.is_some()),
        (KeyField::Group, patch.group.is_some()),
        (KeyField::CrossGroupRetry, patch.cross_group_retry.is_some()),
        (KeyField::AutoGroups, patch.auto_groups.is_some()),
        (KeyField::Enabled, patch.enabled.is_some()),
    ];
    fields
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(field, _)| field)
        .collect()
}

/// A patch cut down to these fields.
#[must_use]
pub fn restricted(patch: &KeyPatch, fields: &[KeyField]) -> KeyPatch {
    fn keep<T: Clone>(there: bool, value: &Option<T>) -> Option<T> {
        value.clone().filter(|_| there)
    }
    let has = |field| fields.contains(&field);
    KeyPatch {
        name: keep(has(KeyField::Name), &patch.name),
        quota: keep(has(KeyField::Quota), &patch.quota),
        expires: keep(has(KeyField::Expires), &patch.expires),
        models: keep(has(KeyField::Models), &patch.models),
        addresses: keep(has(KeyField::Addresses), &patch.addresses),
        denied: keep(has(KeyField::Denied), &patch.denied),
        windows: keep(has(KeyField::Windows), &patch.windows),
        group: keep(has(KeyField::Group), &patch.group),
        cross_group_retry: keep(has(KeyField::CrossGroupRetry), &patch.cross_group_retry),
        auto_groups: keep(has(KeyField::AutoGroups), &patch.auto_groups),
        enabled: keep(has(KeyField::Enabled), &patch.enabled),
    }
}

/// The raw object with some fields written anew, as the body of a full replace. All else is sent
/// back as it was sent, fields we do not know included. `key` stays behind: servers ignore it, and
/// it is a mask or a secret. So does `DeletedAt`, which is not ours to set, and `auto_groups`
/// unless it is written anew: a body without it leaves it alone, and one that repeats it is
/// refused as a whole once the login may no longer use one of its groups [e2c7aa7b
/// controller/token.go UpdateToken, setTokenAutoGroups]. The status is the one stored: a replace that enables is refused for what the key is now, not for what it will be.
pub(super) fn replace_body(
    kind: SiteKind,
    raw: &Secret,
    patch: &KeyPatch,
    group: Option<&str>,
) -> Zeroizing<String> {
    match protocol::of(kind) {
        Protocol::Family => {}
        // The fields that change, and nothing of the key.
        Protocol::Sub2Api => return sub2api::write_body(raw.expose(), patch, group).into(),
        Protocol::OpenRouter => return openrouter::write_body(raw.expose(), patch).into(), // likewise
    }
    // No secret is read of it: limits, a heartbeat, tags.
    let written = written(kind, patch, Some(raw.expose()));
    let mut body = Zeroizing::new(String::from("{"));
    let mut put = |name: &str, value: &str| {
        if body.len() > 1 {
            body.push(',');
        }
        body.push_str(&json::write(name));
        body.push(':');
        body.push_str(value);
    };
    // Sent back to the site it came from, without the key.
    let entries = json::entries(raw.expose()).unwrap_or_default();
    for (name, value) in &entries {
        if matches!(&**name, "key" | "DeletedAt" | "auto_groups")
            || written.iter().any(|(one, _)| one == name)
        {
            continue;
        }
        put(name, value.get());
    }
    for (name, value) in &written {
        put(name, value);
    }
    body.push('}');
    body
}

/// Keys of such sites hold what no form shows.
#[must_use]
pub fn has_rest(kind: SiteKind) -> bool {
    kind.habits().limits == LimitNames::Nested
}

/// What of a key no form shows, and its twin is to have too: the hubs' backup group, heartbeat and
/// billing tag. Empty where there is no such thing.
#[must_use]
pub fn rest_of(kind: SiteKind, raw: &Secret) -> String {
    if !has_rest(kind) {
        return String::new();
    }
    let mut found = [None; 2];
    let names = ["backup_group", "setting"];
    // No secret: a group, limits, a heartbeat, tags.
    if super::fields::find(raw.expose(), &names, &mut found).is_err() {
        return String::new();
    }
    let held = names.into_iter().zip(found);
    held.filter_map(|(name, raw)| Some((name, raw?.get())))
        .fold("{}".to_owned(), |object, (name, value)| {
            with_entry(Some(&object), name, value)
        })
}

/// The body of a new key: every field is written, so that no server's default decides.
pub(super) fn create_body(
    kind: SiteKind,
    Making {
        values,
        called: name,
        rest,
        ..
    }: &Making,
    group: Option<&str>,
    now: u64,
) -> String {
    let mut all = whole_patch(values);
    match protocol::of(kind) {
        Protocol::Family => {}
        Protocol::Sub2Api => return sub2api::create_body(&all, name, group, now),
        Protocol::OpenRouter => return openrouter::create_body(&all, name),
    }
    all.name = Some(name.to_owned());
    all.auto_groups.clone_from(&values.auto_groups);
    // What stands in the rest and is wanted otherwise is as it is wanted.
    written(kind, &all, Some(rest))
        .into_iter()
        .fold(rest.clone(), |body, (name, value)| {
            with_entry(Some(&body), name, &value)
        })
}

/// The patch that sets a key to all of this.
#[must_use]
pub fn whole_patch(values: &KeyValues) -> KeyPatch {
    KeyPatch {
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
        denied: Some(values.denied.clone()),
        windows: Some(values.windows),
        group: Some(values.group.clone()),
        cross_group_retry: Some(values.cross_group_retry),
        auto_groups: Some(values.auto_groups.clone().unwrap_or_default()),
        enabled: Some(values.enabled),
    }
}

/// What a patch asks for that this kind cannot hold, and would open the key where it were written:
/// "none of the models" is an empty list, which without a switch means "all of them".
pub(super) fn cannot_hold(
    kind: SiteKind,
    patch: &KeyPatch,
    before: Option<&Secret>,
) -> Vec<KeyField> {
    // Compared with what is wanted, and no more than names of fields leave.
    let before = before.map(Secret::expose);
    match protocol::of(kind) {
        Protocol::Family => {
            let none = matches!(&patch.models, Some(ModelLimit::Only(list)) if list.is_empty());
            let opens = kind.habits().limits == LimitNames::Bare && none;
            opens.then_some(KeyField::Models).into_iter().collect()
        }
        Protocol::Sub2Api => sub2api::cannot_hold(patch, before),
        Protocol::OpenRouter => openrouter::cannot_hold(patch, before),
    }
}

/// A patch in a site's own fields; `held` is the key as it is, of which `setting` is read.
fn written(kind: SiteKind, patch: &KeyPatch, held: Option<&str>) -> Vec<(&'static str, String)> {
    let names = kind.habits().limits;
    let mut setting = None;
    let mut fields = Vec::new();
    if names == LimitNames::Nested && (patch.models.is_some() || patch.addresses.is_some()) {
        let held = held.and_then(|held| Settable::read(held).ok()?.setting);
        setting = Some(held.map_or_else(|| "{}".to_owned(), |held| held.get().to_owned()));
    }
    if let Some(name) = &patch.name {
        fields.push(("name", json::write(name)));
    }
    match patch.quota {
        None => {}
        Some(Quota::Unlimited) => fields.push(("unlimited_quota", "true".to_owned())),
        Some(Quota::Limited(left)) => {
            fields.push(("unlimited_quota", "false".to_owned()));
            fields.push(("remain_quota", left.to_string()));
        }
    }
    match patch.expires {
        None => {}
        Some(Expiry::Never) => fields.push(("expired_time", "-1".to_owned())),
        // 0 is "never" to a create and "over" to a replace; no one means either by it.
        Some(Expiry::At(at)) => fields.push(("expired_time", at.max(1).to_string())),
    }
    if let Some(limit) = &patch.models {
        let list = match limit {
            ModelLimit::Any => String::new(),
            ModelLimit::Only(models) => models.join(","),
        };
        match names {
            LimitNames::Switched => {
                let on = matches!(limit, ModelLimit::Only(_));
                fields.push(("model_limits_enabled", on.to_string()));
                fields.push(("model_limits", json::write(&list)));
            }
            LimitNames::Bare => fields.push(("models", json::write(&list))),
            LimitNames::Nested => {
                let only = match limit {
                    ModelLimit::Any => None,
                    ModelLimit::Only(models) => Some(models.as_slice()),
                };
                let with =
                    |held: String| nested_limit(&held, "limit_model_setting", "models", only);
                setting = setting.map(with);
            }
        }
    }
    if let Some(addresses) = &patch.addresses {
        match names {
            LimitNames::Switched => {
                fields.push(("allow_ips", json::write(&addresses.join("\n"))));
            }
            LimitNames::Bare => fields.push(("subnet", json::write(&addresses.join(",")))),
            LimitNames::Nested => {
                let only = (!addresses.is_empty()).then_some(addresses.as_slice());
                let with =
                    |held: String| nested_limit(&held, "limits_ip_setting", "whitelist", only);
                setting = setting.map(with);
            }
        }
    }
    if let Some(setting) = setting {
        fields.push(("setting", setting));
    }
    if names == LimitNames::Bare {
        // No groups: a field it does not know would be ignored, and the key be unrestricted.
        return fields;
    }
    if let Some(group) = &patch.group {
        fields.push(("group", json::write(group)));
    }
    if names == LimitNames::Nested {
        return fields;
    }
    if let Some(retry) = patch.cross_group_retry {
        fields.push(("cross_group_retry", retry.to_string()));
    }
    if let Some(list) = &patch.auto_groups {
        let list = if list.is_empty() {
            "null".to_owned()
        } else {
            json::write(list)
        };
        fields.push(("auto_groups", list));
    }
    fields
}
