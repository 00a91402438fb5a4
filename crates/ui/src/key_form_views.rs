//! What a key's form shows around its state.

use crate::activity_words;
use crate::app::{app, with_stock};
use crate::dom;
use crate::el::{El, all, el, live};
use crate::key_ends::{differs, verdict_view};
use crate::key_field_views::{
    Line, addresses_field, auto_fields, denied_field, expires_field, group_field, labelled_choice,
    name_field, quota_field, text_box, windows_field,
};
use crate::key_fields::account_label;
use crate::key_form::{EXHAUSTED, EXPIRED, MOST_AT_ONCE, State};
use crate::kit::{Btn, Tone, note, tick};
use crate::model_picker::models_field;
use crate::troubles::site_trouble;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_core::form::names;
use relaykeep_protocol::{AccountId, KeyForm, KeyPatch};
use web_sys::Event;

/// The form itself.
pub(crate) fn form_view(state: State) -> AnyView {
    let new = state.is_new();
    el("form")
        .class("plain keyform")
        .a("novalidate", true)
        .on("submit", move |event: Event| {
            event.prevent_default();
            state.save();
        })
        .kid(whose(state))
        .kid(
            el("fieldset")
                .class("stack")
                .flag("disabled", move || state.busy.get())
                .kid(live(move || match state.form.get() {
                    Some(form) => inputs(state, &form, new),
                    None if state.verdict.with(Option::is_none) => {
                        el("p").class("muted").kid(t("opening", &[])).into_any()
                    }
                    None => ().into_any(),
                })),
        )
        .kid(live(move || progress(state)))
        .kid(live(move || state.past.get().then(|| ask_past(state))))
        .kid(live(move || {
            state
                .verdict
                .get()
                .map(|verdict| verdict_view(state, verdict))
        }))
        .kid(buttons(state, new))
        .into_any()
}

/// Whose key it is; a new one's account is chosen where there are several.
fn whose(state: State) -> AnyView {
    let accounts: Vec<AccountId> = with_stock(|stock| {
        stock
            .accounts
            .iter()
            .map(|account| account.view.id.clone())
            .collect()
    });
    if !state.is_new() || accounts.len() < 2 {
        return live(move || {
            state
                .account
                .get()
                .map(|account| el("p").class("muted whose").kid(account_label(&account)))
        });
    }
    let labels = accounts.iter().map(account_label).collect();
    let places = accounts.clone();
    let chosen = Signal::derive(move || {
        let account = state.account.get();
        places
            .iter()
            .position(|one| Some(one) == account.as_ref())
            .unwrap_or(0)
    });
    let set = move |place: usize| {
        if let Some(account) = accounts.get(place) {
            state.account.set(Some(account.clone()));
            state.ask(true);
        }
    };
    labelled_choice("account", labels, chosen, Box::new(set)).into_any()
}

fn inputs(state: State, form: &KeyForm, new: bool) -> AnyView {
    let f = state.fields;
    let can = &form.can;
    let again = move || {
        let mends = !new && matches!(state.wish(), Some(Ok(wish)) if state.mends(&wish));
        mends.then(|| {
            tick(
                t("enable_again", &[]),
                t("enable_again_hint", &[]),
                state.again.into(),
                move |on| state.again.set(on),
            )
        })
    };
    let stopped = !new && matches!(form.status, EXPIRED | EXHAUSTED);
    let why = stopped.then(|| {
        let word = if form.status == EXPIRED {
            "was_expired"
        } else {
            "was_exhausted"
        };
        note(Tone::Warn, t(word, &[]), Vec::new())
    });
    let trouble = form.trouble.as_ref().map(|trouble| {
        let words = t("offers_missing", &[&site_trouble(trouble)]);
        note(Tone::Warn, words, Vec::new())
    });
    all![
        trouble,
        why,
        if new {
            all![
                el("div")
                    .class("name-many")
                    .kid(name_field(f, can.name_bytes))
                    .kid(how_many(state))
                    .into_any(),
                preview(state)
            ]
        } else {
            name_field(f, can.name_bytes)
        },
        quota_field(
            f,
            if new { "key_quota" } else { "quota_left" },
            Some(form.unit.clone())
        ),
        expires_field(f),
        can.groups.then(|| group_field(f, form)),
        can.groups.then(|| auto_fields(f, form)),
        can.models.then(|| models_field(f, form.models.clone())),
        addresses_field(f, can.addresses),
        can.denied.then(|| denied_field(f)),
        can.windows.then(|| windows_field(f)),
        (!new && !stopped).then(|| tick(
            t("key_enabled", &[]),
            String::new(),
            f.enabled.into(),
            move |on| f.enabled.set(on),
        )),
        live(again),
    ]
}

fn how_many(state: State) -> AnyView {
    let input: El = text_box(
        state.how_many,
        Box::new(move |text| state.how_many.set(text)),
    )
    .a("type", "number")
    .a("min", "1")
    .a("max", MOST_AT_ONCE);
    Line {
        label: t("how_many", &[]),
        input,
        hint: Signal::stored(String::new()),
        wrong: Signal::stored(None),
    }
    .view()
}

/// The names, where there are several.
fn preview(state: State) -> AnyView {
    live(move || {
        let count = state.count();
        (count > 1).then(|| {
            let names = names(&state.fields.name.get(), count).join(", ");
            el("p")
                .class("muted small")
                .kid(t("names_preview", &[&names]))
        })
    })
}

fn ask_past(state: State) -> AnyView {
    let ask = note(
        Tone::Warn,
        t("expiry_past_ask", &[]),
        vec![
            Btn::new("expiry_past_back")
                .class("small")
                .on(move || state.past.set(false)),
            Btn::new("expiry_past_yes")
                .class("small")
                .on(move || state.go_on(true)),
        ],
    );
    el("div")
        .class("verdict")
        .born(|asked| dom::after(0, move || asked.scroll_into_view_with_bool(false)))
        .kid(ask)
        .into_any()
}

/// The job under way, as Activity shows it too.
fn progress(state: State) -> AnyView {
    if !state.busy.get() {
        return ().into_any();
    }
    let words = state
        .job
        .get()
        .and_then(|id| {
            app().jobs.with(|jobs| {
                jobs.iter()
                    .find(|job| job.id == id)
                    .map(activity_words::summary)
            })
        })
        .unwrap_or_else(|| t("saving", &[]));
    el("div")
        .class("stack")
        .kid(
            el("div")
                .class("row")
                .kid(el("span").class("muted").kid(words.clone()))
                .kid(el("progress").a("aria-label", words)),
        )
        .kid(el("p").class("faint small").kid(t("goes_on_behind", &[])))
        .into_any()
}

fn buttons(state: State, new: bool) -> AnyView {
    let word = Signal::derive(move || {
        if new {
            tn("create_keys", state.count(), &[])
        } else {
            t("save_changes", &[])
        }
    });
    let off = Signal::derive(move || {
        if state.busy.get() {
            return true;
        }
        match state.wish() {
            None => true,
            // Pressing it says what is wrong.
            Some(Err(_)) => false,
            Some(Ok(wish)) => !new && state.patch(&wish) == KeyPatch::default(),
        }
    });
    let close = Signal::derive(move || t(if state.busy.get() { "close" } else { "cancel" }, &[]));
    el("div")
        .class("acts")
        .kid(Btn::saying(close).on(move || state.open.set(false)))
        .kid(live(move || {
            state
                .verdict
                .with(|verdict| differs(verdict.as_ref()).is_none())
                .then(|| Btn::saying(word).primary().off(off).submit())
        }))
        .into_any()
}
