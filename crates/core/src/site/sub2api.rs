//! Sub2API (Wei-Shaw/sub2api), as its version 0.1.179 answers (67380eaf; recorded in
//! tests/fixtures/sites/sub2api), every later field optional (0.1.1: d3e73f12).

use super::account::Whoami;
use super::facts::SiteFacts;
use super::fields::fields;
use super::key::{Listed, RemoteKey};
use super::lax::{self, Capped, Raw};
use super::moment::{self, MOST_QUOTA, PER_DOLLAR, moment};
use super::protocol::{Ask, Said, object};
use super::values::{Meter, STATUS};
use super::words;
use crate::http::Method;
use crate::json;
use crate::secret::ApiKey;
use relaykeep_protocol::{
    AddressRule, Expiry, GroupOffer, KeyAbilities, KeyField, KeyPatch, KeyRow, KeyValues, Quota,
    RemoteId, ShownAs, SiteKind, SiteTrouble, Unit, UsageTotals,
};
use serde_json::value::RawValue;

/// A page of keys: more than 1 000 are taken for 20 [internal/pkg/pagination].
const PAGE: u32 = 100;

/// The three windows of time, as fields.
const WINDOWS: [&str; 3] = ["rate_limit_5h", "rate_limit_1d", "rate_limit_7d"];

/// A request in its words [internal/server/routes/user.go, auth.go, gateway.go].
pub(super) fn said(ask: &Ask<'_>) -> Option<Said> {
    let one = |id: &RemoteId| format!("/api/v1/keys/{}", id.0);
    match ask {
        Ask::Status => Said::new(Method::Get, "/api/v1/settings/public"),
        Ask::Me => Said::new(Method::Get, "/api/v1/auth/me"),
        Ask::Balance => None,
        Ask::Groups => Said::new(Method::Get, "/api/v1/groups/available"),
        Ask::List(page) => Said::new(
            Method::Get,
            format!("/api/v1/keys?page={page}&page_size={PAGE}&sort_by=created_at&sort_order=desc"),
        ),
        Ask::Get(id) => Said::new(Method::Get, one(id)),
        Ask::Create(body) => Said::with(Method::Post, "/api/v1/keys", body.clone()),
        Ask::Write(id, body) => Said::with(Method::Put, one(id), body.clone()),
        Ask::Toggle(id, on) => {
            let status = if *on { "active" } else { "inactive" };
            Said::with(Method::Put, one(id), format!("{{\"status\":\"{status}\"}}"))
        }
        Ask::Delete(id) => Said::new(Method::Delete, one(id)),
        Ask::TryKey => Said::new(Method::Get, "/v1/models"),
        Ask::KeyUsage => Said::new(Method::Get, "/v1/usage"),
        Ask::Logs(id, since, page) => Said::new(
            Method::Get,
            format!(
                "/api/v1/usage?page={}&page_size={PAGE}&api_key_id={id}&start_date={}&timezone=UTC",
                page + 1,
                moment::day(*since)
            ),
        ),
    }
}

/// What a refusal means. Middlewares put a word into `code`, handlers the status there and a word
/// into `reason` [internal/server/middleware, internal/pkg/response].
pub(super) fn refusal(status: u16, code: &str, reason: &str) -> SiteTrouble {
    let word = if reason.is_empty() { code } else { reason };
    match word {
        "USER_INACTIVE" | "USER_NOT_ACTIVE" => SiteTrouble::UserDisabled,
        // The answer to the first of two is lost, and the second says something else: nobody
        // knows which of them was carried out.
        "IDEMPOTENCY_KEY_CONFLICT" => SiteTrouble::BadAnswer,
        "API_KEY_NOT_FOUND" | "GROUP_NOT_FOUND" | "API_KEY_DISABLED" => SiteTrouble::Refused,
        _ => match status {
            // UNAUTHORIZED, TOKEN_EXPIRED, TOKEN_REVOKED, INVALID_TOKEN, USER_NOT_FOUND,
            // SESSION_BINDING_MISMATCH, REFRESH_TOKEN_INVALID and whatever comes: sign in again.
            401 => SiteTrouble::LoginExpired,
            404 | 405 | 410 => SiteTrouble::Absent,
            500.. => SiteTrouble::ServerError { status },
            _ => SiteTrouble::Refused,
        },
    }
}

fields! {
    /// What it says of itself [internal/handler/dto/settings.go PublicSettings].
    pub(super) struct Settings {
        site_name "site_name",
        version "version",
        registration_enabled "registration_enabled",
        email_verify_enabled "email_verify_enabled",
        turnstile_enabled "turnstile_enabled",
        tencent_captcha_enabled "tencent_captcha_enabled",
        aliyun_captcha_enabled "aliyun_captcha_enabled",
        api_base_url "api_base_url" = null,
        quota_per_unit "quota_per_unit",
    }
}

impl Settings<'_> {
    /// Fields that have been there since 0.1.1 and that nobody else sends together.
    pub(super) fn of_sub2api(&self) -> bool {
        self.registration_enabled.is_some()
            && self.email_verify_enabled.is_some()
            && self.turnstile_enabled.is_some()
            && self.api_base_url.is_some()
            && self.quota_per_unit.is_none()
    }

    /// A sign-in must solve a puzzle that only a page can show.
    fn wants_a_page(&self) -> bool {
        [
            self.turnstile_enabled,
            self.tencent_captcha_enabled,
            self.aliyun_captcha_enabled,
        ]
        .into_iter()
        .any(|raw| lax::truth(raw) == Some(true))
    }
}

pub(super) fn settings(data: Option<&RawValue>) -> Option<Settings<'_>> {
    Settings::read(data?.get())
        .ok()
        .filter(Settings::of_sub2api)
}

fn shown(raw: Raw<'_>) -> Option<String> {
    lax::text(raw)
        .map(|text| words::name(&text))
        .filter(|text| !text.is_empty())
}

/// How every amount there is shown.
pub(super) fn unit() -> Unit {
    Unit {
        per_dollar: PER_DOLLAR,
        shown_as: ShownAs::Usd,
    }
}

pub(super) fn facts(data: Option<&RawValue>) -> Option<SiteFacts> {
    let settings = settings(data)?;
    Some(SiteFacts {
        unit: unit(),
        site_name: shown(settings.site_name),
        version: shown(settings.version),
        kind: Some(SiteKind::Sub2Api),
        generation: None,
        look_alike: false,
    })
}

/// [internal/handler/dto/types.go User]
pub(super) fn whoami(data: &RawValue) -> Option<Whoami> {
    fields! {
        struct Me {
            id "id",
            email "email",
            username "username",
            role "role",
            balance "balance",
        }
    }
    let me = Me::read(data.get()).ok()?;
    Some(Whoami {
        user_id: lax::id(me.id)?,
        username: shown(me.username).or_else(|| shown(me.email)),
        display_name: None,
        group: None,
        balance: moment::quota(me.balance),
        used: None,
        admin: lax::text(me.role).is_some_and(|role| role == "admin"),
        access_token_shown: None,
    })
}

fields! {
    /// [internal/handler/dto/types.go APIKey]
    struct Key {
        id "id",
        key "key",
        name "name",
        group_id "group_id",
        status "status",
        ip_whitelist "ip_whitelist",
        ip_blacklist "ip_blacklist",
        last_used_at "last_used_at",
        quota "quota",
        quota_used "quota_used",
        expires_at "expires_at",
        created_at "created_at",
        rate_limit_5h "rate_limit_5h",
        rate_limit_1d "rate_limit_1d",
        rate_limit_7d "rate_limit_7d",
        group "group",
    }
}

fields! {
    struct Group {
        id "id",
        name "name",
        description "description",
        platform "platform",
        rate_multiplier "rate_multiplier",
    }
}

impl Key<'_> {
    /// An expired one keeps "active"; pages see that by its expiry (seen on 67380eaf).
    fn status(&self) -> i64 {
        match lax::text(self.status).as_deref() {
            Some("active") => STATUS.enabled,
            Some("inactive" | "disabled") => STATUS.disabled,
            Some("expired") => STATUS.expired,
            Some("quota_exhausted") => STATUS.exhausted,
            _ => 0,
        }
    }

    fn limit(&self) -> Quota {
        match moment::quota(self.quota).unwrap_or(0) {
            0 => Quota::Unlimited,
            all => Quota::Limited(all.saturating_sub(self.used())),
        }
    }

    fn used(&self) -> i64 {
        moment::quota(self.quota_used).unwrap_or(0)
    }

    /// Its group's name, where the answer has the group: lists and single keys do, the answer to a
    /// create does not.
    fn group(&self) -> String {
        let name = self
            .group
            .and_then(|raw| lax::text(Group::read(raw.get()).ok()?.name));
        name.or_else(|| Some(format!("#{}", lax::id(self.group_id)?)))
            .unwrap_or_default()
    }
}

fn list(raw: Raw<'_>) -> Vec<String> {
    let items = raw.and_then(|raw| Capped::read(raw.get()).ok());
    items
        .into_iter()
        .flat_map(|listed| listed.items)
        .filter_map(|item| lax::text(Some(item)))
        .collect()
}

pub(super) fn read_key(raw: &RawValue) -> Option<RemoteKey> {
    let key = Key::read(raw.get()).ok()?;
    let limit = key.limit();
    let row = KeyRow {
        name: words::name(&plain(&lax::text(key.name).unwrap_or_default())),
        group: words::name(&key.group()),
        status: key.status(),
        remaining: match limit {
            Quota::Limited(left) => Some(left),
            Quota::Unlimited => None,
        },
        unlimited: limit == Quota::Unlimited,
        used: Some(key.used()),
        expires: moment(key.expires_at),
        last_used: moment(key.last_used_at),
        created: moment(key.created_at),
        ..KeyRow::default()
    };
    let only = list(key.ip_whitelist);
    Listed {
        id: RemoteId(lax::id(key.id)?),
        // Never masked, and as tools use it: one's own choice of a key has no `sk-`.
        full: lax::text(key.key).and_then(|text| ApiKey::read(&text)),
        masked: None,
        models: None,
        addresses: (!only.is_empty()).then_some(only),
        row,
    }
    .of(raw)
}

pub(super) fn values_of(raw: &str) -> KeyValues {
    let Ok(key) = Key::read(raw) else {
        return KeyValues::default();
    };
    let window = |raw| moment::quota(raw).unwrap_or(0);
    KeyValues {
        name: plain(&lax::text(key.name).unwrap_or_default()),
        quota: key.limit(),
        expires: moment(key.expires_at),
        models: None,
        addresses: list(key.ip_whitelist),
        denied: list(key.ip_blacklist),
        windows: [
            window(key.rate_limit_5h),
            window(key.rate_limit_1d),
            window(key.rate_limit_7d),
        ],
        group: key.group(),
        cross_group_retry: false,
        auto_groups: None,
        enabled: key.status() != STATUS.disabled,
    }
}

pub(super) fn meter_of(raw: &str) -> Meter {
    Key::read(raw).map_or_else(
        |_| Meter::default(),
        |key| Meter::of(key.status(), key.limit(), key.used()),
    )
}

pub(super) fn abilities() -> KeyAbilities {
    KeyAbilities {
        // The column's width, after the name was made HTML: 101 bytes answer 500 (seen).
        name_bytes: 100,
        html_names: true,
        zero_is_unlimited: true,
        most_quota: Some(MOST_QUOTA),
        models: false,
        addresses: AddressRule::Any,
        denied: true,
        windows: true,
        groups: true,
        cross_group_retry: false,
        auto_groups: false,
    }
}

/// What it cannot hold of a patch: an amount of nothing is no limit there, a key that has a group
/// keeps one (group 0 answers 404), and an empty name means the old one (seen on 67380eaf).
pub(super) fn cannot_hold(patch: &KeyPatch, before: Option<&str>) -> Vec<KeyField> {
    let used = before.map_or(0, |raw| meter_of(raw).used.unwrap_or(0));
    let mut fields = Vec::new();
    if patch.name.as_deref() == Some("") {
        fields.push(KeyField::Name);
    }
    if matches!(patch.quota, Some(Quota::Limited(left)) if left.saturating_add(used) <= 0) {
        fields.push(KeyField::Quota);
    }
    let grouped = before.is_some_and(|raw| !values_of(raw).group.is_empty());
    if grouped && patch.group.as_deref() == Some("") {
        fields.push(KeyField::Group);
    }
    fields
}

/// The body of a change: only what changes, so that nothing else is escaped, rounded or reset.
/// `group` is the id behind the name in the patch.
pub(super) fn write_body(raw: &str, patch: &KeyPatch, group: Option<&str>) -> String {
    let used = meter_of(raw).used.unwrap_or(0);
    object(&fields_of(patch, used, group))
}

/// The body of a new key. Its expiry is counted in days there, so it is given the days that hold
/// it, and the exact second afterwards: it is never open for longer than a day too much.
pub(super) fn create_body(values: &KeyPatch, name: &str, group: Option<&str>, now: u64) -> String {
    let mut all = values.clone();
    all.name = Some(name.to_owned());
    let expires = all.expires.take();
    let mut fields = fields_of(&all, 0, group);
    fields.retain(|(name, value)| {
        *name != "status" && value != "[]" && !(WINDOWS.contains(name) && value == "0")
    });
    if let Some(Expiry::At(at)) = expires {
        let now = i64::try_from(now / 1_000).unwrap_or(i64::MAX);
        let days = at.saturating_sub(now).saturating_add(86_399) / 86_400;
        fields.push(("expires_in_days", days.clamp(1, 36_500).to_string()));
    }
    object(&fields)
}

fn fields_of(patch: &KeyPatch, used: i64, group: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some(name) = &patch.name {
        fields.push(("name", json::write(name)));
    }
    match patch.quota {
        None => {}
        Some(Quota::Unlimited) => fields.push(("quota", "0".to_owned())),
        // Its limit counts from the key's first day, ours is what is left.
        Some(Quota::Limited(left)) => {
            fields.push(("quota", moment::dollars(left.saturating_add(used))));
        }
    }
    match patch.expires {
        None => {}
        Some(Expiry::Never) => fields.push(("expires_at", "\"\"".to_owned())),
        Some(Expiry::At(at)) => {
            fields.push(("expires_at", json::write(&moment::written(at.max(1)))));
        }
    }
    if let Some(addresses) = &patch.addresses {
        fields.push(("ip_whitelist", json::write(addresses)));
    }
    if let Some(denied) = &patch.denied {
        fields.push(("ip_blacklist", json::write(denied)));
    }
    if let Some(windows) = patch.windows {
        for (name, most) in WINDOWS.into_iter().zip(windows) {
            fields.push((name, moment::dollars(most)));
        }
    }
    if let Some(group) = group {
        fields.push(("group_id", group.to_owned()));
    }
    fields
}

/// The id behind a group's name, out of the answer to the question for groups. One that was read
/// off a key without its group carries its id.
pub(super) fn group_id(data: &str, name: &str) -> Option<String> {
    let listed = Capped::read(data).ok()?;
    listed.items.iter().find_map(|raw| {
        let group = Group::read(raw.get()).ok()?;
        (lax::text(group.name)? == name).then(|| lax::id(group.id))?
    })
}

/// The groups on offer. `None`: no such answer.
pub(super) fn groups(data: &str) -> Option<Vec<GroupOffer>> {
    let listed = Capped::read(data).ok()?;
    let offers = listed.items.iter().filter_map(|raw| {
        let group = Group::read(raw.get()).ok()?;
        let name = lax::text(group.name).filter(|name| !name.is_empty())?;
        let about = [shown(group.platform), shown(group.description)];
        Some(GroupOffer {
            name,
            about: about.into_iter().flatten().collect::<Vec<_>>().join(": "),
            ratio: shown(group.rate_multiplier),
        })
    });
    Some(offers.collect())
}

/// One line of a key's log: when, which model, how much.
pub(super) fn log_line(raw: &RawValue) -> Option<(i64, String, i64)> {
    fields! {
        struct Line {
            created_at "created_at",
            model "model",
            actual_cost "actual_cost",
        }
    }
    let line = Line::read(raw.get()).ok()?;
    Some((
        moment(line.created_at)?,
        words::name(&lax::text(line.model).unwrap_or_default()),
        moment::quota(line.actual_cost).unwrap_or(0),
    ))
}

/// What a key says of itself [internal/handler/gateway_handler.go Usage].
pub(super) fn totals(text: &str) -> Option<UsageTotals> {
    fields! {
        struct Whole {
            mode "mode",
            quota "quota",
            usage "usage",
        }
    }
    fields! {
        struct Limit {
            limit "limit",
            used "used",
            remaining "remaining",
        }
    }
    fields! {
        struct Usage { total "total" }
    }
    fields! {
        struct Total { actual_cost "actual_cost" }
    }
    let whole = Whole::read(text).ok()?;
    whole.mode?;
    let number = |raw| moment::quota(raw).unwrap_or(0);
    if let Some(limit) = whole.quota.and_then(|raw| Limit::read(raw.get()).ok()) {
        return Some(UsageTotals {
            granted: number(limit.limit),
            used: number(limit.used),
            left: number(limit.remaining),
            unlimited: false,
            of_account: false,
        });
    }
    let total = whole
        .usage
        .and_then(|raw| Usage::read(raw.get()).ok()?.total);
    let used = total.and_then(|raw| Total::read(raw.get()).ok()?.actual_cost);
    Some(UsageTotals {
        granted: 0,
        used: number(used),
        left: 0,
        unlimited: true,
        of_account: false,
    })
}

/// A name as a person meant it: Go's `html.EscapeString` undone once.
fn plain(name: &str) -> String {
    const ENTITIES: [(&str, char); 5] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&#34;", '"'),
        ("&#39;", '\''),
    ];
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (taken, letter) = entity.map_or((1, '&'), |(entity, letter)| (entity.len(), *letter));
        out.push(letter);
        rest = &rest[taken..];
    }
    out + rest
}

pub(super) mod session;
