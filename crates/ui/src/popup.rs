//! The popup: this tab's site, and any key in two keystrokes.

use crate::activity::{notices, work};
use crate::app::{app, with_stock};
use crate::copying::{hide_when_left, toasts};
use crate::dom;
use crate::el::{all, el, live};
use crate::gate;
use crate::icons::{Icon, icon, mark};
use crate::kit::{Btn, say_soon, status};
use crate::line::spawn;
use crate::options::{Place, lock, opening, refresh_when_shown, touch};
use crate::popup_list;
use crate::reveal::reveal_dialog;
use crate::stock::count;
use crate::tab_site::tab_site;
use crate::words::{number, t};
use leptos::prelude::*;
use relaykeep_protocol::{VaultMode, VaultState};
use relaykeep_webext::page;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;
use web_sys::{Event, MouseEvent};

/// The whole popup.
pub(crate) fn popup() -> AnyView {
    let app = app();
    for name in ["pointerdown", "keydown"] {
        dom::listen_forever(&dom::document(), name, |_| touch());
    }
    dom::listen_forever(&dom::document(), "keydown", |event| {
        if let Ok(event) = event.dyn_into::<KeyboardEvent>()
            && (event.ctrl_key() || event.meta_key())
            && event.key() == "l"
            && crate::app::app().mode_now() == Some(VaultMode::Passphrase)
        {
            event.prevent_default();
            lock();
        }
    });
    hide_when_left();
    refresh_when_shown();
    let place = Memo::new(move |_| match app.vault.get() {
        None => Place::Unknown,
        Some(VaultState::New) => Place::Welcome,
        Some(VaultState::Locked) => Place::Locked,
        Some(VaultState::Unlocked { .. }) => Place::Open,
        Some(VaultState::Recovery(cause)) => Place::Recovery(cause),
        Some(VaultState::Newer) => Place::Newer,
    });
    all![
        live(move || match place.get() {
            Place::Unknown => opening(),
            Place::Welcome => set_up(),
            Place::Locked => gate::locked(),
            Place::Recovery(cause) => gate::recovery(cause),
            Place::Newer => gate::newer(),
            Place::Open => open(),
        }),
        toasts(),
        status()
    ]
    .into_any()
}

fn set_up() -> AnyView {
    el("main")
        .class("gate")
        .kid(el("div").class("brand").kid(mark()).kid(t("app_name", &[])))
        .kid(el("h1").kid(t("welcome", &[])))
        .kid(el("p").class("lead").kid(t("welcome_lead", &[])))
        .kid(
            el("div")
                .class("row")
                .kid(Btn::new("set_up").primary().on(open_options)),
        )
        .into_any()
}

fn open_options() {
    spawn(async {
        page::open_options().await;
        // The tab is in front now; what stays open over it would only be in the way.
        let _ = dom::window().close();
    });
}

fn open() -> AnyView {
    let app = app();
    let typed = RwSignal::new(String::new());
    // While an account is being added, the form is all there is.
    let adding = RwSignal::new(false);
    on_cleanup(popup_list::end);
    Effect::new(move || {
        app.stock.track();
        app.matched.set(popup_list::renew());
    });
    Effect::new(move |before: Option<()>| {
        app.copied.track();
        if before.is_some() {
            popup_list::repaint();
        }
    });
    let focus = |input: web_sys::Element| {
        dom::after(0, move || {
            let _ = input.unchecked_into::<web_sys::HtmlElement>().focus();
        });
    };
    let total = Signal::derive(move || {
        app.stock.track();
        with_stock(|stock| count(stock.rows.len()))
    });
    let tally = Signal::derive(move || {
        t(
            "count_of",
            &[&number(app.matched.get()), &number(total.get())],
        )
    });
    // The footer is built anew when work begins or ends, not whenever it moves.
    let runs = Memo::new(move |_| {
        app.jobs
            .with(|jobs| jobs.iter().any(|job| !crate::activity::is_over(job)))
    });
    // More rows are on their way.
    let busy = move || (!app.complete.get() || app.looking.get()).then_some("true");
    let pressed = move |event: KeyboardEvent| {
        let name = event.key();
        if event.is_composing() {
            return;
        }
        let meant = match name.as_str() {
            "Enter" => {
                popup_list::copy_chosen();
                true
            }
            "Escape" if !typed.with_untracked(String::is_empty) => {
                typed.set(String::new());
                app.matched.set(popup_list::type_in(""));
                true
            }
            name => popup_list::key(name),
        };
        if meant {
            event.prevent_default();
        }
    };
    all![
        el("header")
            .class("top")
            .kid(el("h1").class("brand").kid(mark()).kid(t("app_name", &[])))
            .kid(el("span").class("grow"))
            .kid(
                Btn::new("sync")
                    .silent(Icon::Sync)
                    .on(|| crate::accounts::sync(Vec::new()))
            )
            .kid(
                Btn::new("open_relaykeep")
                    .silent(Icon::Open)
                    .on(open_options)
            )
            .kid(live(move || (app.mode() == Some(VaultMode::Passphrase))
                .then(|| Btn::new("lock").silent(Icon::Lock).on(lock)))),
        el("main")
            .live("class", move || if adding.get() { "adding" } else { "" })
            .kid(el("div").class("strip").kid(notices()))
            .kid(tab_site(adding))
            .kid(
                el("label").class("search").kid(icon(Icon::Search)).kid(
                    el("input")
                        .a("type", "search")
                        .a("aria-controls", "keys")
                        .a("aria-label", t("search_keys", &[]))
                        .a("placeholder", t("search_placeholder", &[]))
                        .a("autocomplete", "off")
                        .a("autocapitalize", "off")
                        .a("spellcheck", "false")
                        .born(focus)
                        .value(move || typed.get())
                        .on("keydown", pressed)
                        .on("input", move |event: Event| {
                            let text = event_target_value(&event);
                            app.matched.set(popup_list::type_in(&text));
                            typed.set(text);
                            say_soon(move || tally.try_get_untracked());
                        })
                )
            )
            .kid(
                el("div")
                    .class("items-box")
                    .kid(
                        el("div")
                            .class("items")
                            .a("id", "keys")
                            .a("role", "listbox")
                            .a("aria-label", t("keys", &[]))
                            .a("tabindex", "0")
                            .live("aria-busy", busy)
                            .born(|list| popup_list::begin(list.unchecked_into()))
                            .on("keydown", pressed)
                            .on("scroll", move |_: Event| popup_list::scroll())
                            .on("click", move |event: MouseEvent| popup_list::click(&event))
                    )
                    .kid(live(move || {
                        if app.complete.get() && app.stock.get() > 0 && total.get() == 0 {
                            Some(
                                el("div")
                                    .class("nothing")
                                    .kid(el("h2").kid(t("no_keys", &[])))
                                    .kid(el("p").kid(t("no_keys_popup", &[])))
                                    .into_any(),
                            )
                        } else if app.complete.get()
                            && app.matched.get() == 0
                            && !typed.with(String::is_empty)
                        {
                            Some(
                                el("div")
                                    .class("nothing")
                                    .kid(el("p").kid(t("none_found", &[])))
                                    .into_any(),
                            )
                        } else {
                            None
                        }
                    }))
            ),
        el("footer").class("foot").kid(live(move || {
            if runs.get() {
                work()
            } else {
                all![
                    el("kbd").kid("↑↓"),
                    t("hint_choose", &[]),
                    el("kbd").kid("Enter"),
                    t("hint_copy", &[]),
                    el("span").class("grow"),
                    live(move || tally.get())
                ]
                .into_any()
            }
        })),
        reveal_dialog()
    ]
    .into_any()
}
