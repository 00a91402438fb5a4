//! The models a key is limited to: searched, chosen from what the account offers, or typed.

use crate::dom;
use crate::el::{el, live};
use crate::icons::{Icon, icon};
use crate::key_field_views::{complaint, wrong_in};
use crate::key_fields::Fields;
use crate::kit::{Tone, fresh_id, note, tick};
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_core::text::one_line;
use relaykeep_protocol::KeyField;
use std::sync::Arc;
use web_sys::{Event, KeyboardEvent};

/// As many options are drawn; the search finds the others.
const DRAWN: usize = 80;

/// The box that turns the limit on, and the list.
pub(crate) fn models_field(f: Fields, offered: Vec<String>) -> AnyView {
    let offered: Arc<[String]> = offered.into();
    el("div")
        .class("stack")
        .kid(tick(
            t("limit_models", &[]),
            t("limit_models_hint", &[]),
            f.limit_models.into(),
            move |on| f.limit_models.set(on),
        ))
        .kid(live(move || {
            f.limit_models
                .get()
                .then(|| picker(f, Arc::clone(&offered)))
        }))
        .kid(complaint(fresh_id(), wrong_in(f, KeyField::Models)))
        .into_any()
}

fn picker(f: Fields, offered: Arc<[String]>) -> AnyView {
    let typed = RwSignal::new(String::new());
    let at = RwSignal::new(0_usize);
    let list_id = fresh_id();
    // The chosen ones stand first, as they were when the search last changed: nothing moves away
    // under the pointer.
    let first = RwSignal::new(f.models.get_untracked());
    let all = Arc::clone(&offered);
    let found = Memo::new(move |_| {
        let wanted = typed.with(|text| text.trim().to_lowercase());
        let first = first.get();
        let rest = all.iter().filter(|model| !first.contains(model));
        let mut found: Vec<String> = first
            .iter()
            .chain(rest)
            .filter(|model| model.to_lowercase().contains(&wanted))
            .take(DRAWN + 1)
            .cloned()
            .collect();
        // Anything may be typed, also what the account does not offer.
        let exact = typed.with(|text| text.trim().to_owned());
        if !exact.is_empty() && !exact.contains([',', '，']) && !found.contains(&exact) {
            found.insert(found.len().min(DRAWN), exact);
        }
        found
    });
    let toggle = move |model: String| {
        f.models.update(
            |models| match models.iter().position(|held| *held == model) {
                Some(place) => {
                    models.remove(place);
                }
                None => models.push(model),
            },
        );
        f.wrong.set(None);
    };
    let search = move |text: String| {
        typed.set(text);
        first.set(f.models.get_untracked());
        at.set(0);
    };
    let option_id = {
        let list_id = list_id.clone();
        move |place: usize| format!("{list_id}-{place}")
    };
    let active = {
        let option_id = option_id.clone();
        move || found.with(|found| (at.get() < found.len()).then(|| option_id(at.get())))
    };
    let scroll_id = option_id.clone();
    let pressed = move |event: KeyboardEvent| {
        let last = found.with_untracked(|found| found.len().min(DRAWN).saturating_sub(1));
        let place = at.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => at.set((place + 1).min(last)),
            "ArrowUp" => at.set(place.saturating_sub(1)),
            "Enter" => {
                // Several at once, as they are pasted from elsewhere.
                let text = typed.get_untracked();
                if text.contains([',', '，']) {
                    for model in text.split([',', '，']).map(str::trim) {
                        if !model.is_empty()
                            && !f
                                .models
                                .with_untracked(|m| m.iter().any(|held| held == model))
                        {
                            toggle(model.to_owned());
                        }
                    }
                    search(String::new());
                } else if let Some(model) = found.with_untracked(|found| found.get(place).cloned())
                {
                    toggle(model);
                }
            }
            _ => return,
        }
        event.prevent_default();
        if let Some(option) = dom::document().get_element_by_id(&scroll_id(at.get_untracked())) {
            option.scroll_into_view_with_bool(false);
        }
    };
    let known = Arc::clone(&offered);
    let options = move || {
        let found = found.get();
        let more = found.len() > DRAWN;
        let mut rows: Vec<AnyView> = found
            .into_iter()
            .take(DRAWN)
            .enumerate()
            .map(|(place, model)| {
                let (mine, label) = (model.clone(), one_line(&model, 120));
                let foreign = !known.contains(&model);
                let chosen = {
                    let model = model.clone();
                    Signal::derive(move || f.models.with(|models| models.contains(&model)))
                };
                el("div")
                    .a("role", "option")
                    .a("id", option_id(place))
                    .live(
                        "class",
                        move || if at.get() == place { "opt at" } else { "opt" },
                    )
                    .live(
                        "aria-selected",
                        move || {
                            if chosen.get() { "true" } else { "false" }
                        },
                    )
                    .on("click", move |_: Event| {
                        at.set(place);
                        toggle(mine.clone());
                    })
                    .kid(
                        el("span")
                            .class("mark")
                            .kid(live(move || chosen.get().then(|| icon(Icon::Check)))),
                    )
                    .kid(el("span").class("cut").kid(label))
                    .kid((foreign && !known.is_empty()).then(|| {
                        el("span")
                            .class("tag warn")
                            .kid(t("model_not_offered", &[]))
                    }))
                    .into_any()
            })
            .collect();
        if more {
            rows.push(
                el("div")
                    .class("opt faint")
                    .a("aria-hidden", "true")
                    .kid(t("models_more", &[]))
                    .into_any(),
            );
        }
        rows
    };
    let foreign = move || {
        let offered = Arc::clone(&offered);
        let missing: Vec<String> = f
            .models
            .get()
            .into_iter()
            .filter(|model| !offered.contains(model))
            .collect();
        (!missing.is_empty() && !offered.is_empty()).then(|| {
            let names = one_line(&missing.join(", "), 160);
            note(Tone::Warn, t("models_not_offered", &[&names]), Vec::new())
        })
    };
    el("div")
        .class("picker")
        .kid(
            el("label")
                .class("search")
                .kid(icon(Icon::Search))
                .kid(
                    el("input")
                        .a("type", "search")
                        .a("aria-label", t("search_models", &[]))
                        .a("placeholder", t("search_models_hint", &[]))
                        .a("autocomplete", "off")
                        .a("autocapitalize", "off")
                        .a("spellcheck", "false")
                        .a("aria-controls", list_id.clone())
                        .live("aria-activedescendant", active)
                        .value(move || typed.get())
                        .on("input", move |event: Event| {
                            search(event_target_value(&event))
                        })
                        .on("keydown", pressed),
                )
                .kid(el("span").class("faint small").kid(live(move || {
                    tn(
                        "models_chosen",
                        f.models.with(|models| crate::stock::count(models.len())),
                        &[],
                    )
                }))),
        )
        .kid(
            el("div")
                .class("opts")
                .a("role", "listbox")
                .a("id", list_id)
                .a("aria-label", t("models", &[]))
                .a("aria-multiselectable", "true")
                .kid(live(options)),
        )
        .kid(live(foreign))
        .into_any()
}
