//! A full key that the user copied from the site, for keys the site does not give to us.

use crate::accounts::flag;
use crate::app::{app, with_stock};
use crate::el::{all, el, live};
use crate::grid_row::mask;
use crate::kit::{Btn, Takes, alert, choice, dialog, field};
use crate::line::{ask, spawn};
use crate::plan_box::site_name;
use crate::troubles;
use crate::words::t;
use leptos::prelude::*;
use relaykeep_protocol::{KeyRef, PasteKey, Sensitive};

/// Asks for the full key of one of these.
pub(crate) fn open_paste(keys: Vec<KeyRef>) {
    if !keys.is_empty() {
        app().windows.paste.set(Some(keys));
    }
}

/// The window.
pub(crate) fn paste_dialog() -> AnyView {
    let wanted = app().windows.paste;
    let open = flag(wanted);
    dialog(open, "paste_title", move || {
        form(wanted.get_untracked().unwrap_or_default(), open)
    })
}

fn form(keys: Vec<KeyRef>, open: RwSignal<bool>) -> AnyView {
    let left = RwSignal::new(keys);
    let place = RwSignal::new(0_usize);
    let text = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let now = move || left.with(|left| left.get(place.get()).or(left.first()).cloned());
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(key) = untrack(now) else {
            return;
        };
        let pasted = Sensitive(text.get_untracked().trim().to_owned());
        busy.set(true);
        wrong.set(None);
        spawn(async move {
            let name = name_of(&key);
            match ask(PasteKey {
                key: key.clone(),
                text: pasted,
            })
            .await
            {
                Ok(()) => {
                    app().say(t("paste_saved", &[&name]));
                    text.try_set(String::new());
                    left.try_update(|left| left.retain(|one| *one != key));
                    place.try_set(0);
                    if left.try_with_untracked(Vec::is_empty).unwrap_or(true) {
                        open.try_set(false);
                    }
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            busy.try_set(false);
        });
    };
    let which = move || {
        let names: Vec<String> = left.with(|left| left.iter().map(name_of).collect());
        (names.len() > 1).then(|| {
            choice(
                "paste_key",
                "input",
                names,
                Signal::derive(move || place.get()),
                move |chosen| place.set(chosen),
            )
        })
    };
    let about = move || {
        now().map(|key| {
            let (site, _) = site_name(&key.account);
            el("p").kid(t("paste_about", &[&name_of(&key), &site, &mask_of(&key)]))
        })
    };
    el("form")
        .class("plain")
        .a("novalidate", true)
        .on("submit", save)
        .kid(live(which))
        .kid(live(about))
        .kid(field(
            "paste_full",
            Takes::Password,
            text,
            Signal::stored(t("paste_hint", &[])),
        ))
        .kid(alert(wrong))
        .kid(all![
            el("div")
                .class("acts")
                .kid(Btn::new("cancel").on(move || open.set(false)))
                .kid(
                    Btn::new("paste_save")
                        .primary()
                        .off(Signal::derive(move || {
                            busy.get() || text.with(|text| text.trim().is_empty())
                        }))
                        .submit()
                )
        ])
        .into_any()
}

/// A key's name as lists show it.
pub(crate) fn name_of(key: &KeyRef) -> String {
    let name = with_stock(|stock| stock.find(key).map(|at| stock.rows[at].key.name.clone()));
    match name {
        Some(name) if !name.is_empty() => name,
        Some(_) => t("no_name", &[]),
        None => key.id.0.clone(),
    }
}

fn mask_of(key: &KeyRef) -> String {
    with_stock(|stock| stock.find(key).map(|at| mask(&stock.rows[at].key.mask))).unwrap_or_default()
}
