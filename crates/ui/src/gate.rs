//! The whole-page states: welcome, locked, recovery, made by a newer version.

use crate::app::app;
use crate::backup::restore_form;
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
    view! {
        <main class="gate">
            <div class="brand">{mark()} {t("app_name", &[])}</div>
            <h1>{t("welcome", &[])}</h1>
            <p class="lead">{t("welcome_lead", &[])}</p>
            <form on:submit=create novalidate>
                <h2>{t("protection", &[])}</h2>
                {protection.choices()}
                {alert(wrong)}
                <div class="row">{Btn::new("create_vault").primary().off(busy).submit()}</div>
            </form>
        </main>
    }
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
        spawn(async move {
            let typed = Sensitive(passphrase.get_untracked());
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
    view! {
        <main class="gate">
            <div class="brand">{mark()} {t("app_name", &[])}</div>
            <h1>{t("locked", &[])}</h1>
            {move || {
                let waiting = waiting.get();
                (waiting > 0).then(|| view! { <p class="lead">{tn("jobs_wait", waiting, &[])}</p> })
            }}
            <form on:submit=unlock novalidate>
                {current("passphrase", passphrase)}
                {alert(wrong)}
                <div class="row wrap">
                    {Btn::saying(Signal::derive(move || t(if busy.get() { "unlocking" } else { "unlock" }, &[])))
                        .primary()
                        .off(busy)
                        .submit()}
                    {Btn::new("forgot").class("ghost").on(move || forgotten.update(|shown| *shown = !*shown))}
                </div>
            </form>
            {move || forgotten.get().then(|| view! {
                <section class="stack">
                    <p class="lead">{t("forgot_about", &[])}</p>
                    {ways_out()}
                </section>
            })}
        </main>
    }
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
    view! {
        <main class="gate">
            <div class="brand">{mark()} {t("app_name", &[])}</div>
            <h1>{t("recovery", &[])}</h1>
            {note(Tone::Bad, troubles::recovery(cause), Vec::new())}
            <p class="lead">{t("recovery_lead", &[])}</p>
            <div class="row wrap">{Btn::new("try_again").on(again)} {ways_out()}</div>
            {alert(wrong)}
        </main>
    }
    .into_any()
}

/// Nothing is written to what a newer version made.
pub(crate) fn newer() -> AnyView {
    view! {
        <main class="gate">
            <div class="brand">{mark()} {t("app_name", &[])}</div>
            <h1>{t("newer", &[])}</h1>
            <p class="lead">{t("newer_lead", &[])}</p>
        </main>
    }
    .into_any()
}

/// Restore a backup, or start over.
fn ways_out() -> AnyView {
    let restoring = RwSignal::new(false);
    let starting = RwSignal::new(false);
    view! {
        <div class="row wrap">
            {Btn::new("restore_backup").on(move || restoring.set(true))}
            {Btn::new("start_over").class("danger").on(move || starting.set(true))}
        </div>
        {dialog(restoring, "restore_backup", move || restore_form(restoring))}
        {dialog(starting, "start_over", move || start_over_form(starting))}
    }
    .into_any()
}

fn start_over_form(open: RwSignal<bool>) -> AnyView {
    let word = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let wanted = t("start_over_word", &[]);
    let matches = {
        let wanted = wanted.clone();
        Signal::derive(move || word.with(|word| word.trim().to_lowercase() == wanted.to_lowercase()))
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
    view! {
        <p class="muted">{t("start_over_about", &[])}</p>
        {field("start_over_type", Takes::Text, word, Signal::stored(t("start_over_hint", &[&wanted])))}
        {alert(wrong)}
        <div class="acts">
            {Btn::new("cancel").on(move || open.set(false))}
            {Btn::new("start_over").class("danger primary").off(Signal::derive(move || !matches.get())).on(start)}
        </div>
    }
    .into_any()
}
