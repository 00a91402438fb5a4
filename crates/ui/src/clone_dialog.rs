//! A key made once more, at the same account or another.

use crate::acts::start_and_tell;
use crate::app::{app, with_stock};
use crate::el::{all, el, live};
use crate::key_field_views::{Line, labelled_choice, text_box, wrong_in};
use crate::key_fields::{Fields, account_label};
use crate::key_words::{FIELDS, field_names, field_value};
use crate::kit::{Btn, Tone, alert, dialog, note};
use crate::line::{ask, spawn};
use crate::plan_dialog::names_of;
use crate::stock::count;
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_core::form;
use relaykeep_protocol::{
    AccountId, ErrorCode, KeyField, KeyForm, KeyRef, KeyValues, NewKey, OpenKeyForm, Quota, Work,
};

#[derive(Clone, Copy)]
struct State {
    fields: Fields,
    target: RwSignal<AccountId>,
    /// What each key is set to.
    sources: RwSignal<Option<Vec<KeyValues>>>,
    /// What the chosen account can do.
    there: RwSignal<Option<KeyForm>>,
    wrong: RwSignal<Option<String>>,
}

/// The window.
pub(crate) fn clone_dialog() -> AnyView {
    let clone = app().acts.clone;
    let open = crate::accounts::flag(clone);
    dialog(open, "clone_key", move || {
        let keys = clone.get_untracked().unwrap_or_default();
        match keys.first().map(|key| key.account.clone()) {
            Some(account) => clone_form(keys, account, open),
            None => ().into_any(),
        }
    })
}

fn clone_form(keys: Vec<KeyRef>, account: AccountId, open: RwSignal<bool>) -> AnyView {
    let state = State {
        fields: Fields::new(),
        target: RwSignal::new(account),
        sources: RwSignal::new(None),
        there: RwSignal::new(None),
        wrong: RwSignal::new(None),
    };
    let single = keys.len() == 1;
    let about = t("clone_about", &[&names_of(&keys)]);
    let total = count(keys.len());
    let asked = keys.clone();
    spawn(async move {
        match sources(asked).await {
            Ok(values) => {
                if let [only] = values.as_slice() {
                    state.fields.name.try_set(t("copy_of_name", &[&only.name]));
                }
                state.sources.try_set(Some(values));
            }
            Err(code) => {
                state.wrong.try_set(Some(troubles::error(&code)));
            }
        }
    });
    Effect::new(move || state.look(state.target.get()));
    let keys = StoredValue::new(keys);
    let go = move || {
        state.fields.wrong.set(None);
        let Some((sources, there)) = state
            .sources
            .get_untracked()
            .zip(state.there.get_untracked())
        else {
            return;
        };
        let account = state.target.get_untracked();
        let mut made = Vec::new();
        let old = keys.get_value();
        for (mut values, old) in sources.into_iter().zip(old) {
            if single {
                values.name = state.fields.name.get_untracked();
            }
            let (values, _) = settled(values, &there);
            if let Err((field, problem)) = form::check_values(&values, &there.can) {
                if field == KeyField::Name && single {
                    state.fields.wrong.set(Some((field, problem)));
                } else {
                    let words = troubles::error(&ErrorCode::Field(field, problem));
                    state.wrong.set(Some(format!("{}: {words}", values.name)));
                }
                return;
            }
            made.push(NewKey {
                like: (old.account == account).then_some(old.id),
                account: account.clone(),
                values,
            });
        }
        open.set(false);
        start_and_tell(Work::Create { keys: made });
    };
    let ready = Signal::derive(move || {
        state.sources.with(Option::is_none) || state.there.with(Option::is_none)
    });
    let name = single.then(|| {
        Line {
            label: t("key_name", &[]),
            input: text_box(
                state.fields.name,
                Box::new(move |text| state.fields.name.set(text)),
            ),
            hint: Signal::stored(String::new()),
            wrong: wrong_in(state.fields, KeyField::Name),
        }
        .view()
    });
    all![
        el("p").kid(about),
        target(state),
        name,
        live(move || losses(state)),
        live(move || single.then(|| values(state))),
        alert(state.wrong),
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || open.set(false)))
            .kid(
                Btn::saying(Signal::derive(move || tn("create_keys", total, &[])))
                    .primary()
                    .off(ready)
                    .on(go)
            )
    ]
}

async fn sources(keys: Vec<KeyRef>) -> Result<Vec<KeyValues>, ErrorCode> {
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        let form = ask(OpenKeyForm {
            account: key.account,
            key: Some(key.id),
        })
        .await?;
        all.push(form.values.ok_or(ErrorCode::NoSuchKey)?);
    }
    Ok(all)
}

impl State {
    fn look(self, account: AccountId) {
        self.there.set(None);
        spawn(async move {
            let answer = ask(OpenKeyForm {
                account: account.clone(),
                key: None,
            })
            .await;
            if self.target.try_get_untracked() != Some(account) {
                return;
            }
            match answer {
                Ok(form) => {
                    self.wrong.try_set(None);
                    self.there.try_set(Some(form));
                }
                Err(code) => {
                    self.wrong.try_set(Some(troubles::error(&code)));
                }
            }
        });
    }
}

/// What a key can be set to there, and the fields that are lost.
fn settled(mut values: KeyValues, there: &KeyForm) -> (KeyValues, Vec<KeyField>) {
    values.enabled = true;
    if let Quota::Limited(raw) = values.quota {
        values.quota = Quota::Limited(raw.max(0));
    }
    let mut lost = form::fits(&values, &there.can);
    // A name is typed again, and a quota is never lowered unasked.
    lost.retain(|field| !matches!(field, KeyField::Name | KeyField::Quota));
    let offered = there.groups.is_empty()
        || values.group.is_empty()
        || there.groups.iter().any(|group| group.name == values.group);
    if !offered && !lost.contains(&KeyField::Group) {
        lost.push(KeyField::Group);
    }
    if lost.contains(&KeyField::Group) {
        values.group = String::new();
        values.cross_group_retry = false;
        values.auto_groups = None;
    }
    for field in &lost {
        match field {
            KeyField::Models => values.models = None,
            KeyField::Addresses => values.addresses = Vec::new(),
            KeyField::Denied => values.denied = Vec::new(),
            KeyField::Windows => values.windows = [0; 3],
            KeyField::CrossGroupRetry => values.cross_group_retry = false,
            KeyField::AutoGroups => values.auto_groups = None,
            KeyField::Name
            | KeyField::Quota
            | KeyField::Expires
            | KeyField::Group
            | KeyField::Enabled => {}
        }
    }
    if let Ok(addresses) = form::addresses_for(&values.addresses, there.can.addresses) {
        values.addresses = addresses;
    }
    (values, lost)
}

fn losses(state: State) -> AnyView {
    let (Some(sources), Some(there)) = (state.sources.get(), state.there.get()) else {
        return ().into_any();
    };
    let mut lost: Vec<KeyField> = Vec::new();
    for values in sources {
        for field in settled(values, &there).1 {
            if !lost.contains(&field) {
                lost.push(field);
            }
        }
    }
    if lost.is_empty() {
        return ().into_any();
    }
    let limits = [
        KeyField::Models,
        KeyField::Addresses,
        KeyField::Denied,
        KeyField::Windows,
    ];
    let open = limits.iter().any(|field| lost.contains(field));
    note(
        Tone::Warn,
        t(
            if open {
                "clone_loses_limits"
            } else {
                "clone_loses"
            },
            &[&field_names(&lost)],
        ),
        Vec::new(),
    )
}

/// What the new key will be set to.
fn values(state: State) -> AnyView {
    let (Some(sources), Some(there)) = (state.sources.get(), state.there.get()) else {
        return ().into_any();
    };
    let Some(values) = sources.into_iter().next() else {
        return ().into_any();
    };
    let (values, _) = settled(values, &there);
    let lines: Vec<AnyView> = FIELDS
        .into_iter()
        .filter(|field| match field {
            KeyField::Quota | KeyField::Expires => true,
            KeyField::Models => there.can.models,
            KeyField::Addresses => there.can.addresses != relaykeep_protocol::AddressRule::None,
            KeyField::Denied => there.can.denied,
            KeyField::Windows => there.can.windows,
            KeyField::Group => there.can.groups,
            KeyField::Name
            | KeyField::CrossGroupRetry
            | KeyField::AutoGroups
            | KeyField::Enabled => false,
        })
        .map(|field| {
            all![
                el("dt").kid(crate::key_words::field_name(field)),
                el("dd")
                    .class("cut")
                    .kid(field_value(field, &values, &there.unit))
            ]
        })
        .collect();
    el("dl").class("counts").kid(lines).into_any()
}

fn target(state: State) -> AnyView {
    let accounts: Vec<AccountId> = with_stock(|stock| {
        stock
            .accounts
            .iter()
            .map(|account| account.view.id.clone())
            .collect()
    });
    let labels = accounts.iter().map(account_label).collect();
    let places = accounts.clone();
    let chosen = Signal::derive(move || {
        let target = state.target.get();
        places.iter().position(|one| *one == target).unwrap_or(0)
    });
    labelled_choice(
        "account",
        labels,
        chosen,
        Box::new(move |place| {
            if let Some(account) = accounts.get(place) {
                state.target.set(account.clone());
            }
        }),
    )
    .into_any()
}
