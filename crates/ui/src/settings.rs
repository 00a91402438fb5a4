//! What the user may choose.

use crate::app::app;
use crate::copying::fail;
use crate::el::{el, live};
use crate::kit::{Btn, Tone, alert, choice, note, tick};
use crate::line::{ask, spawn};
use crate::protection::{Protection, current};
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{ChangeProtection, Sensitive, SetSettings, Settings, VaultMode};
use relaykeep_webext::{is_firefox, page};

const LOCK: [Option<u32>; 6] = [Some(15), Some(60), Some(240), Some(480), Some(1440), None];
const SYNC: [Option<u32>; 6] = [Some(30), Some(60), Some(120), Some(360), Some(1440), None];
const REFRESH: [Option<u32>; 5] = [Some(5), Some(30), Some(120), Some(720), None];

/// The section.
pub(crate) fn settings_page() -> AnyView {
    let app = app();
    let is_passphrase = Signal::derive(move || app.mode() == Some(VaultMode::Passphrase));
    el("div")
        .class("page")
        .kid(
            el("div")
                .class("in")
                .kid(
                    el("div")
                        .class("head")
                        .kid(el("h1").kid(t("settings", &[]))),
                )
                .kid(live(move || {
                    is_passphrase.get().then(|| {
                        el("section")
                            .class("card")
                            .kid(el("header").kid(el("h2").kid(t("settings_lock", &[]))))
                            .kid(
                                el("div")
                                    .class("body")
                                    .kid(minutes(
                                        "lock_after",
                                        &LOCK,
                                        "only_on_close",
                                        |settings| settings.lock_after_minutes,
                                        |settings, value| settings.lock_after_minutes = value,
                                    ))
                                    .kid(with_screen()),
                            )
                    })
                }))
                .kid(
                    el("section")
                        .class("card")
                        .kid(el("header").kid(el("h2").kid(t("settings_sync", &[]))))
                        .kid(
                            el("div")
                                .class("body")
                                .kid(minutes(
                                    "sync_every",
                                    &SYNC,
                                    "never_by_itself",
                                    |settings| settings.sync_every_minutes,
                                    |settings, value| settings.sync_every_minutes = value,
                                ))
                                .kid(minutes(
                                    "refresh_after",
                                    &REFRESH,
                                    "never_by_itself",
                                    |settings| settings.refresh_after_minutes,
                                    |settings, value| settings.refresh_after_minutes = value,
                                ))
                                .kid(switch(
                                    "reveal_after_sync",
                                    "reveal_after_sync_hint",
                                    |settings| settings.reveal_after_sync,
                                    |settings, on| settings.reveal_after_sync = on,
                                )),
                        ),
                )
                .kid(crate::watching::watching())
                .kid(
                    el("section")
                        .class("card")
                        .kid(el("header").kid(el("h2").kid(t("clipboard", &[]))))
                        .kid(el("div").class("body").kid(clipboard())),
                )
                .kid(protection()),
        )
        .into_any()
}

pub(crate) fn change(change: impl FnOnce(&mut Settings)) {
    let app = app();
    let mut settings = app.settings.get_untracked();
    change(&mut settings);
    let before = app.settings.get_untracked();
    app.settings.set(settings.clone());
    spawn(async move {
        if let Err(code) = ask(SetSettings { settings }).await {
            app.settings.set(before);
            fail(&troubles::error(&code));
        }
    });
}

fn minutes(
    word: &'static str,
    options: &'static [Option<u32>],
    none: &'static str,
    get: fn(&Settings) -> Option<u32>,
    put: fn(&mut Settings, Option<u32>),
) -> AnyView {
    let app = app();
    let names = options
        .iter()
        .map(|minutes| match minutes {
            None => t(none, &[]),
            Some(minutes) if minutes % 60 == 0 => tn("hours", minutes / 60, &[]),
            Some(minutes) => tn("minutes", *minutes, &[]),
        })
        .collect();
    let chosen = Signal::derive(move || {
        let now = app.settings.with(get);
        options
            .iter()
            .position(|one| *one == now)
            .unwrap_or(options.len() - 1)
    });
    el("div")
        .class("pair")
        .kid(
            el("div")
                .kid(el("div").a("aria-hidden", "true").kid(t(word, &[])))
                .kid(el("div").class("hint").kid(t(&format!("{word}_hint"), &[]))),
        )
        .kid(choice(word, "input", names, chosen, move |place| {
            if let Some(value) = options.get(place) {
                change(|settings| put(settings, *value));
            }
        }))
        .into_any()
}

fn switch(
    word: &str,
    hint: &str,
    get: fn(&Settings) -> bool,
    put: fn(&mut Settings, bool),
) -> AnyView {
    let app = app();
    tick(
        t(word, &[]),
        t(hint, &[]),
        Signal::derive(move || app.settings.with(get)),
        move |on| change(|settings| put(settings, on)),
    )
}

/// Firefox reports idleness, but never that the screen was locked: there it is said, not offered.
fn with_screen() -> AnyView {
    if !is_firefox() {
        return switch(
            "lock_with_screen",
            "lock_with_screen_hint",
            |settings| settings.lock_with_screen,
            |settings, on| settings.lock_with_screen = on,
        );
    }
    el("div")
        .kid(el("div").kid(t("lock_with_screen", &[])))
        .kid(
            el("div")
                .class("hint")
                .kid(t("lock_with_screen_firefox", &[])),
        )
        .into_any()
}

fn clipboard() -> AnyView {
    let app = app();
    let on = Signal::derive(move || {
        app.settings
            .with(|settings| settings.clear_clipboard_seconds.is_some())
    });
    tick(
        t("clear_clipboard", &[]),
        t("clear_clipboard_hint", &[]),
        on,
        move |wanted| {
            let put = |seconds: Option<u32>| {
                change(|settings| {
                    settings.clear_clipboard_seconds = seconds;
                    settings.clipboard_offer_answered = true;
                });
            };
            if wanted {
                // First of all, so that the browser still sees the click.
                let granted = page::ask_for_permissions(&["clipboardRead", "clipboardWrite"]);
                spawn(async move {
                    let granted = granted.await;
                    put(granted.then_some(60));
                    if !granted {
                        // The box was ticked by the click; the setting says no.
                        app.settings.update(|_| {});
                    }
                });
            } else {
                put(None);
            }
        },
    )
}

fn protection() -> AnyView {
    let app = app();
    let answers = Protection::new();
    let in_use = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let done = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let is_passphrase = Signal::derive(move || app.mode() == Some(VaultMode::Passphrase));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        done.set(false);
        let (mode, passphrase) = match answers.read() {
            Ok(read) => read,
            Err(missing) => return wrong.set(Some(missing)),
        };
        let current = is_passphrase
            .get_untracked()
            .then(|| Sensitive(in_use.get_untracked()));
        wrong.set(None);
        busy.set(true);
        spawn(async move {
            match ask(ChangeProtection {
                current,
                mode,
                passphrase,
            })
            .await
            {
                Ok(()) => {
                    done.try_set(true);
                    answers.forget();
                    answers.mode.try_set(None);
                    app.say(t("protection_changed", &[]));
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            in_use.try_set(String::new());
            busy.try_set(false);
        });
    };
    el("section")
        .class("card")
        .kid(el("header").kid(el("h2").kid(t("change_protection_title", &[]))))
        .kid(
            el("form")
                .class("body")
                .a("novalidate", true)
                .on("submit", submit)
                .kid(
                    el("p")
                        .class("muted")
                        .kid(t("change_protection_about", &[])),
                )
                .kid(live(move || {
                    is_passphrase
                        .get()
                        .then(|| current("current_passphrase", in_use))
                }))
                .kid(answers.choices())
                .kid(alert(wrong))
                .kid(live(move || {
                    done.get()
                        .then(|| note(Tone::Good, t("protection_changed_about", &[]), Vec::new()))
                }))
                .kid(
                    el("div")
                        .class("row")
                        .kid(Btn::new("change_protection").primary().off(busy).submit()),
                ),
        )
        .into_any()
}
