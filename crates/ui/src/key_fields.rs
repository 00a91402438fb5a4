//! What stands in the fields of a key's form, and what it comes to.

use crate::app::with_stock;
use crate::local_time::{local_text, now_seconds, read_local};
use leptos::prelude::*;
use relaykeep_core::form::{self, AUTO_GROUP};
use relaykeep_protocol::{
    AccountId, AddressRule, Expiry, FieldProblem, KeyAbilities, KeyField, KeyPatch, KeyValues,
    ModelLimit, Quota, ShownAs, Unit, Windows,
};

/// When a key ends: choices in days, `Never` before them and `Date and time` after.
pub(crate) const PRESETS: [(&str, i64); 5] = [
    ("expiry_day", 1),
    ("expiry_week", 7),
    ("expiry_month", 30),
    ("expiry_quarter", 90),
    ("expiry_year", 365),
];
/// The place of `Date and time`.
pub(crate) const AT: usize = PRESETS.len() + 1;
const DAY: i64 = 86_400;

/// Raw quota is typed as a whole number.
pub(crate) const RAW: Unit = Unit {
    per_dollar: 1.0,
    shown_as: ShownAs::Tokens,
};

/// The fields, as typed.
#[derive(Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) name: RwSignal<String>,
    pub(crate) unlimited: RwSignal<bool>,
    /// In the site's own unit; follows `raw`, and `raw` it.
    pub(crate) amount: RwSignal<String>,
    pub(crate) raw: RwSignal<String>,
    /// The place of the choice: never, a preset, or [`AT`].
    pub(crate) ends: RwSignal<usize>,
    pub(crate) ends_at: RwSignal<String>,
    pub(crate) limit_models: RwSignal<bool>,
    pub(crate) models: RwSignal<Vec<String>>,
    pub(crate) addresses: RwSignal<String>,
    pub(crate) denied: RwSignal<String>,
    /// Amounts for 5 hours, a day and 7 days; empty: no limit.
    pub(crate) windows: [RwSignal<String>; 3],
    pub(crate) group: RwSignal<String>,
    pub(crate) retry: RwSignal<bool>,
    pub(crate) auto_groups: RwSignal<Vec<String>>,
    pub(crate) enabled: RwSignal<bool>,
    /// The field that does not fit, and why.
    pub(crate) wrong: RwSignal<Option<(KeyField, FieldProblem)>>,
}

impl Fields {
    /// As for a new key.
    pub(crate) fn new() -> Self {
        Self {
            name: RwSignal::new(String::new()),
            unlimited: RwSignal::new(false),
            amount: RwSignal::new(String::new()),
            raw: RwSignal::new(String::new()),
            ends: RwSignal::new(0),
            ends_at: RwSignal::new(String::new()),
            limit_models: RwSignal::new(false),
            models: RwSignal::new(Vec::new()),
            addresses: RwSignal::new(String::new()),
            denied: RwSignal::new(String::new()),
            windows: [(); 3].map(|()| RwSignal::new(String::new())),
            group: RwSignal::new(String::new()),
            retry: RwSignal::new(false),
            auto_groups: RwSignal::new(Vec::new()),
            enabled: RwSignal::new(true),
            wrong: RwSignal::new(None),
        }
    }

    /// Says what a key is set to.
    pub(crate) fn fill(self, values: &KeyValues, unit: &Unit) {
        self.name.set(values.name.clone());
        self.unlimited.set(values.quota == Quota::Unlimited);
        let (amount, raw) = match values.quota {
            Quota::Unlimited => (String::new(), String::new()),
            Quota::Limited(raw) => (form::write_amount(raw, unit), raw.to_string()),
        };
        self.amount.set(amount);
        self.raw.set(raw);
        self.ends.set(if values.expires.is_some() { AT } else { 0 });
        self.ends_at
            .set(values.expires.map(local_text).unwrap_or_default());
        self.limit_models.set(values.models.is_some());
        self.models.set(values.models.clone().unwrap_or_default());
        self.addresses.set(values.addresses.join("\n"));
        self.denied.set(values.denied.join("\n"));
        for (typed, most) in self.windows.into_iter().zip(values.windows) {
            typed.set(window_text(most, unit));
        }
        self.group.set(values.group.clone());
        self.retry.set(values.cross_group_retry);
        self.auto_groups
            .set(values.auto_groups.clone().unwrap_or_default());
        self.enabled.set(values.enabled);
        self.wrong.set(None);
    }

    /// What the fields ask for. What was not touched is exactly as `before` has it, whatever an
    /// input made of it. Whoever calls this in a view follows every field.
    pub(crate) fn read(
        self,
        can: &KeyAbilities,
        unit: &Unit,
        before: Option<&KeyValues>,
    ) -> Result<KeyValues, (KeyField, FieldProblem)> {
        let wrong = |field| move |problem| (field, problem);
        let mut values = KeyValues {
            name: self.name.get(),
            quota: self.quota(unit, before).map_err(wrong(KeyField::Quota))?,
            expires: self.expires(before).map_err(wrong(KeyField::Expires))?,
            models: self.models(before),
            addresses: self
                .addresses(can, before)
                .map_err(wrong(KeyField::Addresses))?,
            denied: self.denied(before).map_err(wrong(KeyField::Denied))?,
            windows: self
                .windows(unit, before)
                .map_err(wrong(KeyField::Windows))?,
            group: self.group.get(),
            cross_group_retry: self.retry.get(),
            auto_groups: Some(self.auto_groups.get()).filter(|groups| !groups.is_empty()),
            enabled: self.enabled.get(),
        };
        if values.group != AUTO_GROUP {
            // Servers keep these for the group `auto` only.
            let stays = before.filter(|before| before.group == values.group);
            values.cross_group_retry = stays.is_some_and(|before| before.cross_group_retry);
            values.auto_groups = stays.and_then(|before| before.auto_groups.clone());
        }
        Ok(values)
    }

    /// The limit.
    pub(crate) fn quota(
        self,
        unit: &Unit,
        before: Option<&KeyValues>,
    ) -> Result<Quota, FieldProblem> {
        let (raw, amount) = (self.raw.get(), self.amount.get());
        if self.unlimited.get() {
            return Ok(Quota::Unlimited);
        }
        if let Some(quota @ Quota::Limited(was)) = before.map(|before| before.quota)
            && was.to_string() == raw
        {
            return Ok(quota);
        }
        if raw.trim().is_empty() && !amount.trim().is_empty() {
            return form::read_amount(&amount, unit).map(Quota::Limited);
        }
        form::read_amount(&raw, &RAW).map(Quota::Limited)
    }

    /// The expiry.
    pub(crate) fn expires(self, before: Option<&KeyValues>) -> Result<Option<i64>, FieldProblem> {
        let (place, text) = (self.ends.get(), self.ends_at.get());
        if place == 0 {
            return Ok(None);
        }
        if let Some((_, days)) = PRESETS.get(place - 1) {
            return Ok(Some(now_seconds() + days * DAY));
        }
        let read = read_local(&text);
        // An hour that the clocks go through twice is written once: what was not touched stays.
        if let Some(was) = before.and_then(|before| before.expires)
            && (read == read_local(&local_text(was)))
        {
            return Ok(Some(was));
        }
        read.map(Some).ok_or(FieldProblem::Unreadable)
    }

    /// The models.
    pub(crate) fn models(self, before: Option<&KeyValues>) -> Option<Vec<String>> {
        let (limited, chosen) = (self.limit_models.get(), self.models.get());
        if !limited {
            return None;
        }
        let was = before.and_then(|before| before.models.as_ref());
        match was {
            Some(was) if same_set(was, &chosen) => Some(was.clone()),
            Some(_) | None => Some(chosen),
        }
    }

    /// The addresses.
    pub(crate) fn addresses(
        self,
        can: &KeyAbilities,
        before: Option<&KeyValues>,
    ) -> Result<Vec<String>, FieldProblem> {
        let typed = self.addresses.get();
        match before {
            Some(before) if before.addresses.join("\n") == typed => Ok(before.addresses.clone()),
            Some(_) | None => form::read_addresses(&typed, can.addresses),
        }
    }
}

impl Fields {
    fn denied(self, before: Option<&KeyValues>) -> Result<Vec<String>, FieldProblem> {
        let typed = self.denied.get();
        match before {
            Some(before) if before.denied.join("\n") == typed => Ok(before.denied.clone()),
            Some(_) | None => form::read_addresses(&typed, AddressRule::Any),
        }
    }

    fn windows(self, unit: &Unit, before: Option<&KeyValues>) -> Result<Windows, FieldProblem> {
        let mut windows = [0; 3];
        for (at, typed) in self.windows.into_iter().enumerate() {
            let typed = typed.get();
            let was = before.map_or(0, |before| before.windows[at]);
            windows[at] = if typed == window_text(was, unit) {
                was
            } else if typed.trim().is_empty() {
                0
            } else {
                form::read_amount(&typed, unit)?
            };
        }
        Ok(windows)
    }
}

fn window_text(most: i64, unit: &Unit) -> String {
    match most {
        0 => String::new(),
        most => form::write_amount(most, unit),
    }
}

fn same_set(one: &[String], two: &[String]) -> bool {
    one.len() == two.len() && one.iter().all(|model| two.contains(model))
}

/// What to change to come from one to the other; nothing else is touched.
pub(crate) fn patch_of(before: &KeyValues, wish: &KeyValues) -> KeyPatch {
    KeyPatch {
        name: (wish.name != before.name).then(|| wish.name.clone()),
        quota: (wish.quota != before.quota).then_some(wish.quota),
        expires: (wish.expires != before.expires)
            .then(|| wish.expires.map_or(Expiry::Never, Expiry::At)),
        models: (wish.models != before.models).then(|| {
            wish.models
                .clone()
                .map_or(ModelLimit::Any, ModelLimit::Only)
        }),
        addresses: (wish.addresses != before.addresses).then(|| wish.addresses.clone()),
        denied: (wish.denied != before.denied).then(|| wish.denied.clone()),
        windows: (wish.windows != before.windows).then_some(wish.windows),
        group: (wish.group != before.group).then(|| wish.group.clone()),
        cross_group_retry: (wish.cross_group_retry != before.cross_group_retry)
            .then_some(wish.cross_group_retry),
        auto_groups: (wish.auto_groups != before.auto_groups)
            .then(|| wish.auto_groups.clone().unwrap_or_default()),
        enabled: (wish.enabled != before.enabled).then_some(wish.enabled),
    }
}

/// An account as a form names it: its name, and its host where that says more.
pub(crate) fn account_label(account: &AccountId) -> String {
    with_stock(|stock| {
        stock.account(account).map_or_else(String::new, |held| {
            if held.view.name == held.host {
                held.host.clone()
            } else {
                format!("{} · {}", held.view.name, held.host)
            }
        })
    })
}
