//! Several keys edited together: only what is ticked is changed.

use crate::acts::{by_account, start_and_tell};
use crate::app::{app, with_stock};
use crate::el::{all, el, live};
use crate::key_field_views::{addresses_field, expires_field, group_field, quota_field};
use crate::key_fields::Fields;
use crate::key_words::field_names;
use crate::kit::{Btn, Tone, alert, dialog, note, tick};
use crate::line::{ask, spawn};
use crate::local_time::now_seconds;
use crate::model_picker::models_field;
use crate::plan_dialog::{Planned, plan_into, plan_view, touched};
use crate::stock::count;
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_core::form;
use relaykeep_protocol::{
    AccountId, AddressRule, ErrorCode, Expiry, KeyAbilities, KeyField, KeyForm, KeyPatch, KeyRef,
    ModelLimit, OpenKeyForm, RemoteId, Unit, Work,
};

/// What several keys can be given at once. Names are each key's own.
const TOGETHER: [(KeyField, &str); 5] = [
    (KeyField::Quota, "change_quota"),
    (KeyField::Expires, "change_expiry"),
    (KeyField::Group, "change_group"),
    (KeyField::Models, "change_models"),
    (KeyField::Addresses, "change_addresses"),
];

/// What all chosen sites have in common.
#[derive(Clone)]
struct Common {
    form: KeyForm,
    /// All count quota alike.
    unit: Option<Unit>,
    /// What only some of them can do.
    partly: Vec<KeyField>,
}

#[derive(Clone, Copy)]
struct State {
    fields: Fields,
    ticked: [RwSignal<bool>; 5],
    common: RwSignal<Option<Common>>,
    wrong: RwSignal<Option<String>>,
    planned: Planned,
    open: RwSignal<bool>,
}

/// The window.
pub(crate) fn bulk_dialog() -> AnyView {
    let bulk = app().acts.bulk;
    let open = crate::accounts::flag(bulk);
    dialog(open, "edit_keys", move || {
        bulk_form(bulk.get_untracked().unwrap_or_default(), open)
    })
}

/// One account for each sort of site: what can be set depends on nothing else, and a hundred
/// accounts are not all asked for their groups.
fn examples(keys: &[KeyRef]) -> Vec<AccountId> {
    let mut seen = Vec::new();
    with_stock(|stock| {
        by_account(keys)
            .into_iter()
            .filter(|chosen| {
                let sort = stock
                    .account(&chosen.account)
                    .map(|held| (held.view.kind, held.view.generation));
                let new = sort.is_some() && !seen.contains(&sort);
                seen.push(sort);
                new
            })
            .map(|chosen| chosen.account)
            .collect()
    })
}

fn same_unit(keys: &[KeyRef]) -> Option<Unit> {
    with_stock(|stock| {
        let mut units = by_account(keys)
            .into_iter()
            .filter_map(|chosen| Some(stock.account(&chosen.account)?.view.unit.clone()));
        let first = units.next()?;
        units.all(|unit| unit == first).then_some(first)
    })
}

async fn ask_common(keys: &[KeyRef]) -> Result<Option<Common>, ErrorCode> {
    let mut forms = Vec::new();
    for account in examples(keys) {
        let key: Option<RemoteId> = None;
        forms.push(ask(OpenKeyForm { account, key }).await?);
    }
    let cans: Vec<KeyAbilities> = forms.iter().map(|form| form.can.clone()).collect();
    let Some(can) = form::common(&cans) else {
        return Ok(None);
    };
    let mut partly = Vec::new();
    for (field, all, some) in [
        (
            KeyField::Models,
            can.models,
            cans.iter().any(|can| can.models),
        ),
        (
            KeyField::Group,
            can.groups,
            cans.iter().any(|can| can.groups),
        ),
    ] {
        if some && !all {
            partly.push(field);
        }
    }
    let one_account = by_account(keys).len() == 1;
    let mut common = forms.swap_remove(0);
    for other in forms {
        for model in other.models {
            if !common.models.contains(&model) {
                common.models.push(model);
            }
        }
        for group in other.groups {
            if !common.groups.iter().any(|held| held.name == group.name) {
                common.groups.push(group);
            }
        }
        common.trouble = common.trouble.or(other.trouble);
    }
    if !one_account {
        common.own_group = None;
    }
    common.can = can;
    Ok(Some(Common {
        form: common,
        unit: same_unit(keys),
        partly,
    }))
}

fn bulk_form(keys: Vec<KeyRef>, open: RwSignal<bool>) -> AnyView {
    let state = State {
        fields: Fields::new(),
        ticked: TOGETHER.map(|_| RwSignal::new(false)),
        common: RwSignal::new(None),
        wrong: RwSignal::new(None),
        planned: RwSignal::new(None),
        open,
    };
    let asked = keys.clone();
    spawn(async move {
        match ask_common(&asked).await {
            Ok(common) => {
                state.common.try_set(common);
            }
            Err(code) => {
                state.wrong.try_set(Some(troubles::error(&code)));
            }
        }
    });
    // The plan follows what is ticked and typed.
    let turn = RwSignal::new(0_u32);
    let planned_keys = keys.clone();
    Effect::new(move || {
        let patch = state.patch();
        let mine = turn.get_untracked() + 1;
        turn.set(mine);
        let Some(Ok(patch)) = patch else {
            return state.planned.set(None);
        };
        if patch == KeyPatch::default() {
            return state.planned.set(None);
        }
        let work = Work::Change {
            keys: by_account(&planned_keys),
            patch,
            seen: None,
        };
        plan_into(state.planned, work, move || {
            turn.try_get_untracked() == Some(mine)
        });
    });
    let total = count(keys.len());
    let go = move || {
        state.fields.wrong.set(None);
        match untrack(|| state.patch()) {
            Some(Ok(patch)) => {
                state.open.set(false);
                start_and_tell(Work::Change {
                    keys: by_account(&keys),
                    patch,
                    seen: None,
                });
            }
            Some(Err((field, problem))) => state.fields.wrong.set(Some((field, problem))),
            None => {}
        }
    };
    let any = move || state.ticked.iter().any(|ticked| ticked.get());
    let off = Signal::derive(move || {
        !any() || matches!(state.patch(), Some(Ok(_))) && touched(state.planned) == 0
    });
    let past = move || {
        let on = state.ticked[1].get();
        let past = state
            .fields
            .expires(None)
            .is_ok_and(|at| at.is_some_and(|at| at <= now_seconds()));
        (on && past).then(|| note(Tone::Warn, t("expiry_past_bulk", &[]), Vec::new()))
    };
    all![
        el("p")
            .class("muted")
            .kid(tn("edit_keys_about", total, &[])),
        live(move || match state.common.get() {
            Some(common) => rows(state, &common),
            None if state.wrong.with(Option::is_none) => {
                el("p").class("muted").kid(t("opening", &[])).into_any()
            }
            None => ().into_any(),
        }),
        live(past),
        live(move || any().then(|| plan_view(state.planned, false))),
        alert(state.wrong),
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || state.open.set(false)))
            .kid(
                Btn::saying(Signal::derive(move || tn("change_keys", total, &[])))
                    .primary()
                    .off(off)
                    .on(go)
            )
    ]
}

fn rows(state: State, common: &Common) -> AnyView {
    let can = &common.form.can;
    let trouble = common.form.trouble.as_ref().map(|trouble| {
        let words = t("offers_missing", &[&troubles::site_trouble(trouble)]);
        note(Tone::Warn, words, Vec::new())
    });
    let partly = (!common.partly.is_empty()).then(|| {
        let words = t("partly_offered", &[&field_names(&common.partly)]);
        note(Tone::Plain, words, Vec::new())
    });
    let units = common.unit.is_none().then(|| t("units_differ", &[]));
    let rows: Vec<AnyView> = TOGETHER
        .into_iter()
        .zip(state.ticked)
        .filter(|((field, _), _)| match field {
            KeyField::Models => can.models,
            KeyField::Group => can.groups,
            KeyField::Addresses => can.addresses != AddressRule::None,
            KeyField::Quota
            | KeyField::Expires
            | KeyField::Denied
            | KeyField::Windows
            | KeyField::Name
            | KeyField::CrossGroupRetry
            | KeyField::AutoGroups
            | KeyField::Enabled => true,
        })
        .map(|((field, word), ticked)| {
            let (common, units) = (common.clone(), units.clone());
            let hint = if field == KeyField::Quota {
                units.unwrap_or_default()
            } else {
                String::new()
            };
            el("div")
                .class("stack change")
                .kid(tick(t(word, &[]), hint, ticked.into(), move |on| {
                    ticked.set(on);
                }))
                .kid(live(move || {
                    ticked.get().then(|| {
                        let f = state.fields;
                        el("div").class("inner").kid(match field {
                            KeyField::Quota => quota_field(f, "quota_left", common.unit.clone()),
                            KeyField::Expires => expires_field(f),
                            KeyField::Group => group_field(f, &common.form),
                            KeyField::Models => models_field(f, common.form.models.clone()),
                            KeyField::Addresses => addresses_field(f, typed_rule(&common.form.can)),
                            KeyField::Name
                            | KeyField::Denied
                            | KeyField::Windows
                            | KeyField::CrossGroupRetry
                            | KeyField::AutoGroups
                            | KeyField::Enabled => ().into_any(),
                        })
                    })
                }))
                .into_any()
        })
        .collect();
    el("div")
        .class("stack")
        .kid(trouble)
        .kid(partly)
        .kid(rows)
        .into_any()
}

/// The worker writes addresses for each site in its own way; here only what none can take is
/// refused.
fn typed_rule(can: &KeyAbilities) -> AddressRule {
    match can.addresses {
        AddressRule::PlainOnly => AddressRule::PlainOnly,
        AddressRule::Any | AddressRule::NetworksOnly => AddressRule::Any,
        AddressRule::None => AddressRule::None,
    }
}

impl State {
    /// What is ticked, as a patch. Follows every field.
    fn patch(self) -> Option<Result<KeyPatch, (KeyField, relaykeep_protocol::FieldProblem)>> {
        let Common { form, unit, .. } = self.common.get()?;
        let can = KeyAbilities {
            addresses: typed_rule(&form.can),
            ..form.can
        };
        let [quota, expires, group, models, addresses] = self.ticked.map(|ticked| ticked.get());
        let f = self.fields;
        let read = || {
            let patch = KeyPatch {
                quota: quota
                    .then(|| f.quota(&unit.clone().unwrap_or(crate::key_fields::RAW), None))
                    .transpose()
                    .map_err(|problem| (KeyField::Quota, problem))?,
                expires: expires
                    .then(|| f.expires(None))
                    .transpose()
                    .map_err(|problem| (KeyField::Expires, problem))?
                    .map(|at| at.map_or(Expiry::Never, Expiry::At)),
                models: models.then(|| f.models(None).map_or(ModelLimit::Any, ModelLimit::Only)),
                addresses: addresses
                    .then(|| f.addresses(&can, None))
                    .transpose()
                    .map_err(|problem| (KeyField::Addresses, problem))?,
                group: group.then(|| f.group.get()),
                ..KeyPatch::default()
            };
            form::check_patch(&patch, &can)?;
            Ok(patch)
        };
        Some(read())
    }
}
