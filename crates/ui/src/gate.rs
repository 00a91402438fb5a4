//! The whole-page states: welcome, locked, recovery, made by a newer version.

use crate::app::app;
use crate::backup::restore_form;
use crate::el::{all, el, live};
use crate::icons::mark;
use crate::kit::{Btn, Takes, Tone, alert, dialog, field, note};
use crate::line::{ask, spawn};
use crate::protection::{Protection, current};
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{CreateVault, GetState, RecoveryCause, Sensitive, StartOver, Unlock};

/// A new user chooses the protection.
pub(crate) fn welcome() -> AnyView {
    let protection = Protection::new();
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        match protection.read() {
            Err(missing) => wrong.set(Some(missing)),
            Ok((mode, passphrase)) => {
                wrong.set(None);
                busy.set(true);
                spawn(async move {
                    if let Err(code) = ask(CreateVault { mode, passphrase }).await {
                        wrong.set(Some(troubles::error(&code)));
                    }
                    protection.forget();
                    busy.set(false);
                });
            }
        }
    };
    el("main")
        .class("gate")
        .kid(el("div").class("brand").kid(mark()).kid(t("app_name", &[])))
        .kid(el("h1").kid(t("welcome", &[])))
        .kid(el("p").class("lead").kid(t("welcome_lead", &[])))
        .kid(
            el("form")
                .on("submit", create)
                .a("novalidate", true)
                .kid(el("h2").kid(t("protection", &[])))
                .kid(protection.choices())
                .kid(alert(wrong))
                .kid(
                    el("div")
                        .class("row")
                        .kid(Btn::new("create_vault").primary().off(busy).submit()),
                ),
        )
        .into_any()
}

/// A passphrase opens it.
pub(crate) fn locked() -> AnyView {
    let passphrase = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let forgotten = RwSignal::new(false);
    let waiting = app().waiting;
    let unlock = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || passphrase.with_untracked(String::is_empty) {
            return;
        }
        wrong.set(None);
        busy.set(true);
        // Read now: by the time the task runs, the page may be another.
        let typed = Sensitive(passphrase.get_untracked());
        spawn(async move {
            let answer = ask(Unlock { passphrase: typed }).await;
            passphrase.try_set(String::new());
            busy.try_set(false);
            if let Err(code) = answer {
                wrong.try_set(Some(troubles::error(&code)));
                focus_first();
            }
        });
    };
    focus_first();
    el("main")
        .class("gate")
        .kid(el("div").class("brand").kid(mark()).kid(t("app_name", &[])))
        .kid(el("h1").kid(t("locked", &[])))
        .kid(live(move || {
            let waiting = waiting.get();
            (waiting > 0).then(|| el("p").class("lead").kid(tn("jobs_wait", waiting, &[])))
        }))
        .kid(
            el("form")
                .on("submit", unlock)
                .a("novalidate", true)
                .kid(current("passphrase", passphrase))
                .kid(alert(wrong))
                .kid(
                    el("div")
                        .class("row wrap")
                        .kid(
                            Btn::saying(Signal::derive(move || {
                                t(if busy.get() { "unlocking" } else { "unlock" }, &[])
                            }))
                            .primary()
                            .off(busy)
                            .submit(),
                        )
                        .kid(
                            Btn::new("forgot")
                                .class("ghost")
                                .on(move || forgotten.update(|shown| *shown = !*shown)),
                        ),
                ),
        )
        .kid(live(move || {
            forgotten.get().then(|| {
                el("section")
                    .class("stack")
                    .kid(el("p").class("lead").kid(t("forgot_about", &[])))
                    .kid(ways_out())
            })
        }))
        .into_any()
}

/// Puts the cursor into the page's first field.
fn focus_first() {
    crate::dom::after(0, || {
        use wasm_bindgen::JsCast;
        if let Ok(Some(first)) = crate::dom::document().query_selector(".gate input")
            && let Ok(first) = first.dyn_into::<web_sys::HtmlElement>()
        {
            let _ = first.focus();
        }
    });
}

/// There was a vault and it does not open.
pub(crate) fn recovery(cause: RecoveryCause) -> AnyView {
    let wrong = RwSignal::new(None);
    let again = move || {
        wrong.set(None);
        spawn(async move {
            match ask(GetState {}).await {
                Ok(state) => app().vault.set(Some(state.vault)),
                Err(code) => wrong.set(Some(troubles::error(&code))),
            }
        });
    };
    el("main")
        .class("gate")
        .kid(el("div").class("brand").kid(mark()).kid(t("app_name", &[])))
        .kid(el("h1").kid(t("recovery", &[])))
        .kid(note(Tone::Bad, troubles::recovery(cause), Vec::new()))
        .kid(el("p").class("lead").kid(t("recovery_lead", &[])))
        .kid(
            el("div")
                .class("row wrap")
                .kid(Btn::new("try_again").on(again))
                .kid(ways_out()),
        )
        .kid(alert(wrong))
        .into_any()
}

/// Nothing is written to what a newer version made.
pub(crate) fn newer() -> AnyView {
    el("main")
        .class("gate")
        .kid(el("div").class("brand").kid(mark()).kid(t("app_name", &[])))
        .kid(el("h1").kid(t("newer", &[])))
        .kid(el("p").class("lead").kid(t("newer_lead", &[])))
        .into_any()
}

/// Restore a backup, or start over.
fn ways_out() -> AnyView {
    let restoring = RwSignal::new(false);
    let starting = RwSignal::new(false);
    all![
        el("div")
            .class("row wrap")
            .kid(Btn::new("restore_backup").on(move || restoring.set(true)))
            .kid(
                Btn::new("start_over")
                    .class("danger")
                    .on(move || starting.set(true))
            ),
        dialog(restoring, "restore_backup", move || restore_form(restoring)),
        dialog(starting, "start_over", move || start_over_form(starting))
    ]
    .into_any()
}

fn start_over_form(open: RwSignal<bool>) -> AnyView {
    let word = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let wanted = t("start_over_word", &[]);
    let matches = {
        let wanted = wanted.clone();
        Signal::derive(move || {
            word.with(|word| word.trim().to_lowercase() == wanted.to_lowercase())
        })
    };
    let start = move || {
        let confirmed = matches.get_untracked();
        spawn(async move {
            match ask(StartOver { confirmed }).await {
                Ok(()) => {
                    open.try_set(false);
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
        });
    };
    all![
        el("p").class("muted").kid(t("start_over_about", &[])),
        field(
            "start_over_type",
            Takes::Text,
            word,
            Signal::stored(t("start_over_hint", &[&wanted]))
        ),
        alert(wrong),
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || open.set(false)))
            .kid(
                Btn::new("start_over")
                    .class("danger primary")
                    .off(Signal::derive(move || !matches.get()))
                    .on(start)
            )
    ]
    .into_any()
}
