//! OpenRouter's management API (openrouter.ai/docs/api: keys, key, credits), by its public
//! documentation; nobody here has a management key to prove it with.

use super::account::Whoami;
use super::facts::SiteFacts;
use super::fields::fields;
use super::key::{Listed, RemoteKey};
use super::lax::{self, Raw};
use super::moment::{self, MOST_QUOTA, moment};
use super::protocol::{Ask, Said, object};
use super::values::{Meter, STATUS};
use super::words;
use crate::http::Method;
use crate::json;
use crate::secret::{ApiKey, MaskedKey};
use relaykeep_protocol::{
    AddressRule, Expiry, KeyAbilities, KeyField, KeyPatch, KeyRow, KeyValues, Quota, RemoteId,
    SiteKind, SiteTrouble, UsageTotals,
};
use serde_json::value::RawValue;

/// A page of the list.
pub(super) const PAGE: u32 = 100;

pub(super) fn said(ask: &Ask<'_>) -> Option<Said> {
    let one = |id: &RemoteId| format!("/api/v1/keys/{}", id.0);
    match ask {
        Ask::Status | Ask::Groups | Ask::Logs(..) => None,
        Ask::Me | Ask::TryKey | Ask::KeyUsage => Said::new(Method::Get, "/api/v1/key"),
        Ask::Balance => Said::new(Method::Get, "/api/v1/credits"),
        Ask::List(page) => Said::new(
            Method::Get,
            format!("/api/v1/keys?include_disabled=true&offset={}", page * PAGE),
        ),
        Ask::Get(id) => Said::new(Method::Get, one(id)),
        Ask::Create(body) => Said::with(Method::Post, "/api/v1/keys", body.clone()),
        Ask::Write(id, body) => Said::with(Method::Patch, one(id), body.clone()),
        Ask::Toggle(id, on) => {
            Said::with(Method::Patch, one(id), format!("{{\"disabled\":{}}}", !on))
        }
        Ask::Delete(id) => Said::new(Method::Delete, one(id)),
    }
}

/// `{"error":{"code":401,"message":"…"}}`
pub(super) fn refusal(status: u16) -> SiteTrouble {
    match status {
        401 => SiteTrouble::LoginExpired,
        405 | 410 => SiteTrouble::Absent,
        500.. => SiteTrouble::ServerError { status },
        _ => SiteTrouble::Refused,
    }
}

pub(super) fn facts() -> SiteFacts {
    SiteFacts {
        unit: super::sub2api::unit(),
        site_name: Some(SiteKind::OpenRouter.name().to_owned()),
        kind: Some(SiteKind::OpenRouter),
        ..SiteFacts::default()
    }
}

/// A key that is no management key can read itself and nothing else.
pub(super) fn whoami(data: &RawValue) -> Result<Whoami, SiteTrouble> {
    fields! {
        struct Me {
            creator_user_id "creator_user_id",
            is_management_key "is_management_key",
            is_provisioning_key "is_provisioning_key",
            label "label",
        }
    }
    let me = Me::read(data.get()).map_err(|_| SiteTrouble::BadAnswer)?;
    let manages = [me.is_management_key, me.is_provisioning_key]
        .into_iter()
        .any(|raw| lax::truth(raw) == Some(true));
    if !manages {
        return Err(SiteTrouble::Refused);
    }
    Ok(Whoami {
        user_id: lax::id(me.creator_user_id)
            .or_else(|| lax::text(me.label).map(|label| words::name(&label)))
            .ok_or(SiteTrouble::BadAnswer)?,
        ..Whoami::default()
    })
}

/// What was bought, and what of it is used.
pub(super) fn balance(data: &RawValue, who: &mut Whoami) {
    fields! {
        struct Credits {
            total_credits "total_credits",
            total_usage "total_usage",
        }
    }
    let Ok(credits) = Credits::read(data.get()) else {
        return;
    };
    who.used = moment::quota(credits.total_usage);
    who.balance = moment::quota(credits.total_credits)
        .zip(who.used)
        .map(|(bought, used)| bought.saturating_sub(used));
}

fields! {
    struct Key {
        hash "hash",
        name "name",
        label "label",
        disabled "disabled",
        limit "limit",
        limit_remaining "limit_remaining",
        usage "usage",
        created_at "created_at",
        expires_at "expires_at",
    }
}

impl Key<'_> {
    fn limit(&self) -> Quota {
        match moment::quota(self.limit) {
            None => Quota::Unlimited,
            Some(all) => Quota::Limited(
                moment::quota(self.limit_remaining)
                    .unwrap_or_else(|| all.saturating_sub(self.used())),
            ),
        }
    }

    /// What counts against the limit: since its last reset, where it has one.
    fn counted(&self) -> i64 {
        match (moment::quota(self.limit), self.limit()) {
            (Some(all), Quota::Limited(left)) => all.saturating_sub(left),
            _ => self.used(),
        }
    }

    fn used(&self) -> i64 {
        moment::quota(self.usage).unwrap_or(0)
    }

    fn status(&self) -> i64 {
        match lax::truth(self.disabled) {
            Some(true) => STATUS.disabled,
            Some(false) => STATUS.enabled,
            None => 0,
        }
    }
}

pub(super) fn read_key(raw: &RawValue) -> Option<RemoteKey> {
    let key = Key::read(raw.get()).ok()?;
    let limit = key.limit();
    let label = lax::text(key.label).unwrap_or_default();
    let row = KeyRow {
        name: words::name(&lax::text(key.name).unwrap_or_default()),
        status: key.status(),
        remaining: match limit {
            Quota::Limited(left) => Some(left),
            Quota::Unlimited => None,
        },
        unlimited: limit == Quota::Unlimited,
        used: Some(key.used()),
        expires: moment(key.expires_at),
        created: moment(key.created_at),
        ..KeyRow::default()
    };
    Listed {
        id: RemoteId(lax::id(key.hash)?),
        full: None,
        // `sk-or-v1-0e6...1c96`
        masked: MaskedKey::read(&label.replace("...", "***")),
        models: None,
        addresses: None,
        row,
    }
    .of(raw)
}

/// The answer to a create is the one place where the key stands: `{"data":{…},"key":"sk-or-v1-…"}`.
pub(super) fn made_key(body: &str) -> Option<ApiKey> {
    fields! {
        struct Made { key "key" }
    }
    ApiKey::read(&lax::text(Made::read(body).ok()?.key)?)
}

pub(super) fn values_of(raw: &str) -> KeyValues {
    let Ok(key) = Key::read(raw) else {
        return KeyValues::default();
    };
    KeyValues {
        name: lax::text(key.name).unwrap_or_default(),
        quota: key.limit(),
        expires: moment(key.expires_at),
        enabled: key.status() != STATUS.disabled,
        ..KeyValues::default()
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
        name_bytes: 255,
        html_names: false,
        zero_is_unlimited: false,
        most_quota: Some(MOST_QUOTA),
        models: false,
        addresses: AddressRule::None,
        denied: false,
        windows: false,
        groups: false,
        cross_group_retry: false,
        auto_groups: false,
    }
}

/// The expiry is set when a key is made, and not changed later (openrouter.ai/docs update-keys).
pub(super) fn cannot_hold(patch: &KeyPatch, before: Option<&str>) -> Vec<KeyField> {
    let Some(now) = before.map(values_of) else {
        return Vec::new();
    };
    let other = match patch.expires {
        None => false,
        Some(Expiry::Never) => now.expires.is_some(),
        Some(Expiry::At(at)) => now.expires != Some(at),
    };
    if other {
        vec![KeyField::Expires]
    } else {
        Vec::new()
    }
}

/// Only what changes: how often a limit starts anew, and all we do not know, stays as it is.
pub(super) fn write_body(raw: &str, patch: &KeyPatch) -> String {
    let counted = Key::read(raw).map_or(0, |key| key.counted());
    let mut patch = patch.clone();
    patch.expires = None;
    object(&fields_of(&patch, counted))
}

pub(super) fn create_body(values: &KeyPatch, name: &str) -> String {
    let mut all = values.clone();
    all.name = Some(name.to_owned());
    let mut fields = fields_of(&all, 0);
    fields.retain(|(_, value)| value != "null");
    object(&fields)
}

fn fields_of(patch: &KeyPatch, counted: i64) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some(name) = &patch.name {
        fields.push(("name", json::write(name)));
    }
    match patch.quota {
        None => {}
        Some(Quota::Unlimited) => fields.push(("limit", "null".to_owned())),
        Some(Quota::Limited(left)) => {
            fields.push(("limit", moment::dollars(left.saturating_add(counted))));
        }
    }
    if let Some(Expiry::At(at)) = patch.expires {
        fields.push(("expires_at", json::write(&moment::written(at.max(1)))));
    }
    fields
}

/// What a key says of itself, asked with it.
pub(super) fn totals(data: Raw<'_>) -> Option<UsageTotals> {
    let key = Key::read(data?.get()).ok()?;
    key.usage?;
    let limit = key.limit();
    Some(UsageTotals {
        granted: moment::quota(key.limit).unwrap_or(0),
        used: key.used(),
        left: match limit {
            Quota::Limited(left) => left,
            Quota::Unlimited => 0,
        },
        unlimited: limit == Quota::Unlimited,
        of_account: false,
    })
}
