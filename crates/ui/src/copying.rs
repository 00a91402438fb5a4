//! A key to the clipboard or onto the screen, and away again.

use crate::app::{Copied, Shown, app};
use crate::dom;
use crate::el::{el, live};
use crate::icons::Icon;
use crate::kit::Btn;
use crate::line::{ask, spawn};
use crate::troubles;
use crate::words::{now, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{KeyRef, NoteCopied, Sensitive, SetSettings, TakeKey};
use relaykeep_webext::page;
use std::cell::Cell;
use wasm_bindgen_futures::JsFuture;

/// After this many milliseconds a click no longer lets us write to the clipboard (Chromium's
/// activation lasts five seconds), and a silent late copy would surprise.
const CLICK_LASTS: u64 = 4_000;
/// A key stays on screen this long.
const SHOWN_FOR: i32 = 20_000;

thread_local! {
    static SHOWING: Cell<u32> = const { Cell::new(0) };
}

/// Copies one key, because the user pressed Copy.
pub(crate) fn copy(key: KeyRef) {
    let app = app();
    let pressed = now();
    app.copied.set(Some((key.clone(), Copied::Asked)));
    spawn(async move {
        let taken = ask(TakeKey {
            key: key.clone(),
            to_clipboard: true,
        })
        .await;
        let outcome = match taken {
            // The page may have been locked meanwhile.
            Ok(text)
                if app.is_unlocked()
                    && now().saturating_sub(pressed) <= CLICK_LASTS
                    && write(&text.0).await =>
            {
                Copied::Done
            }
            Ok(_) => Copied::PressAgain,
            Err(code) => {
                app.copied.set(None);
                return fail(&troubles::error(&code));
            }
        };
        match outcome {
            Copied::Done => {
                app.say(t("copied", &[]));
                if !app
                    .settings
                    .with_untracked(|settings| settings.clipboard_offer_answered)
                {
                    app.offer_clearing.set(true);
                }
                let mine = key.clone();
                dom::after(1_800, move || {
                    let still = app
                        .copied
                        .with_untracked(|copied| *copied == Some((mine, Copied::Done)));
                    if still {
                        app.copied.set(None);
                    }
                });
            }
            Copied::PressAgain | Copied::Asked => app.say(t("press_copy", &[])),
        }
        app.copied.set(Some((key, outcome)));
    });
}

/// Copies several keys, one a line.
pub(crate) fn copy_all(keys: Vec<KeyRef>) {
    let app = app();
    let pressed = now();
    spawn(async move {
        let mut lines = Vec::with_capacity(keys.len());
        for key in keys {
            match ask(TakeKey {
                key,
                to_clipboard: false,
            })
            .await
            {
                Ok(text) => lines.push(text.0),
                Err(code) => return fail(&troubles::error(&code)),
            }
        }
        let count = crate::stock::count(lines.len());
        let text = lines.join("\n");
        if app.is_unlocked() && now().saturating_sub(pressed) <= CLICK_LASTS && write(&text).await {
            // Cleared later as the one text it is.
            let text = Sensitive(text);
            let _ = ask(NoteCopied { text }).await;
            app.say(tn("copied_keys", count, &[]));
            if !app
                .settings
                .with_untracked(|settings| settings.clipboard_offer_answered)
            {
                app.offer_clearing.set(true);
            }
        } else {
            fail(&t("press_copy", &[]));
        }
    });
}

async fn write(text: &str) -> bool {
    let clipboard = dom::window().navigator().clipboard();
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// Says a fault where it can be heard and seen.
pub(crate) fn fail(text: &str) {
    let app = app();
    // What a lock cut short: the page says by itself that it is locked.
    if app.is_unlocked() || text != t("error_locked", &[]) {
        app.failed.set(Some(text.to_owned()));
    }
}

/// Shows one key, or hides it if it is the one on screen.
pub(crate) fn show_or_hide(key: KeyRef) {
    let app = app();
    if app
        .shown
        .with_untracked(|shown| shown.as_ref().is_some_and(|shown| shown.key == key))
    {
        return hide();
    }
    spawn(async move {
        match ask(TakeKey {
            key: key.clone(),
            to_clipboard: false,
        })
        .await
        {
            // The page may have been locked or left meanwhile.
            Ok(text) if app.is_unlocked() && dom::is_visible() => {
                let mine = SHOWING.get() + 1;
                SHOWING.set(mine);
                app.shown.set(Some(Shown { key, text: text.0 }));
                dom::after(SHOWN_FOR, move || {
                    if SHOWING.get() == mine {
                        hide();
                    }
                });
            }
            Ok(_) => {}
            Err(code) => fail(&troubles::error(&code)),
        }
    });
}

/// Masks what is on screen again.
pub(crate) fn hide() {
    let app = app();
    if app.shown.with_untracked(Option::is_some) {
        app.shown.set(None);
    }
}

/// Nobody looks: nothing stays on screen.
pub(crate) fn hide_when_left() {
    dom::listen_forever(&dom::window(), "blur", |_| hide());
    dom::listen_forever(&dom::document(), "visibilitychange", |_| {
        if !dom::is_visible() {
            hide();
        }
    });
}

/// After the first copy: shall the clipboard be cleared? And: what went wrong.
pub(crate) fn toasts() -> AnyView {
    let app = app();
    let answer = move |seconds: Option<u32>| {
        app.offer_clearing.set(false);
        let mut settings = app.settings.get_untracked();
        settings.clipboard_offer_answered = true;
        settings.clear_clipboard_seconds = seconds;
        spawn(async move {
            if let Err(code) = ask(SetSettings { settings }).await {
                fail(&troubles::error(&code));
            }
        });
    };
    let clear = move || {
        // First of all, so that the browser still sees the click.
        let granted = page::ask_for_permissions(&["clipboardRead", "clipboardWrite"]);
        spawn(async move {
            let granted = granted.await;
            answer(granted.then_some(60));
        });
    };
    Effect::new(move || {
        if let Some(said) = app.failed.get() {
            dom::after(9_000, move || {
                if app.failed.with_untracked(|now| now.as_ref() == Some(&said)) {
                    app.failed.set(None);
                }
            });
        }
    });
    live(move || {
        if let Some(text) = app.failed.get() {
            return Some(
                el("div")
                    .class("toast")
                    .a("role", "alert")
                    .kid(el("span").class("grow").kid(text))
                    .kid(
                        Btn::new("close")
                            .silent(Icon::Close)
                            .on(move || app.failed.set(None)),
                    )
                    .into_any(),
            );
        }
        app.offer_clearing.get().then(|| {
            el("div")
                .class("toast")
                .a("role", "region")
                .a("aria-label", t("clipboard", &[]))
                .kid(el("span").class("grow").kid(t("clear_offer", &[])))
                .kid(Btn::new("clear_yes").class("small").on(clear))
                .kid(Btn::new("clear_no").class("small").on(move || answer(None)))
                .into_any()
        })
    })
    .into_any()
}
