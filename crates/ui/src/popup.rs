//! The popup: this tab's site, and any key in two keystrokes.

use crate::activity::{notices, work};
use crate::app::{app, with_stock};
use crate::copying::{hide_when_left, toasts};
use crate::dom;
use crate::gate;
use crate::icons::{Icon, icon, mark};
use crate::kit::{Btn, live};
use crate::line::spawn;
use crate::options::{Place, lock, opening, refresh_when_shown, touch};
use crate::popup_list;
use crate::reveal::reveal_dialog;
use crate::stock::count;
use crate::tab_site::tab_site;
use crate::words::{number, t};
use leptos::html;
use leptos::prelude::*;
use relaykeep_protocol::{VaultMode, VaultState};
use relaykeep_webext::page;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

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
    view! {
        {move || match place.get() {
            Place::Unknown => opening(),
            Place::Welcome => set_up(),
            Place::Locked => gate::locked(),
            Place::Recovery(cause) => gate::recovery(cause),
            Place::Newer => gate::newer(),
            Place::Open => open(),
        }}
        {toasts()}
        {live()}
    }
    .into_any()
}

fn set_up() -> AnyView {
    view! {
        <main class="gate">
            <div class="brand">{mark()} {t("app_name", &[])}</div>
            <h1>{t("welcome", &[])}</h1>
            <p class="lead">{t("welcome_lead", &[])}</p>
            <div class="row">{Btn::new("set_up").primary().on(open_options)}</div>
        </main>
    }
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
    let list: NodeRef<html::Div> = NodeRef::new();
    list.on_load(|list| popup_list::begin(list.unchecked_into()));
    on_cleanup(popup_list::end);
    Effect::new(move || {
        app.stock.track();
        if list.get().is_some() {
            app.matched.set(popup_list::renew());
        }
    });
    Effect::new(move |before: Option<()>| {
        app.copied.track();
        if before.is_some() {
            popup_list::repaint();
        }
    });
    let search: NodeRef<html::Input> = NodeRef::new();
    search.on_load(|input| {
        dom::after(0, move || {
            let _ = input.focus();
        });
    });
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
    view! {
        <header class="top">
            <h1 class="brand">{mark()} {t("app_name", &[])}</h1>
            <span class="grow"></span>
            {Btn::new("sync").silent(Icon::Sync).on(|| crate::accounts::sync(Vec::new()))}
            {Btn::new("open_relaykeep").silent(Icon::Open).on(open_options)}
            {move || (app.mode() == Some(VaultMode::Passphrase)).then(|| Btn::new("lock").silent(Icon::Lock).on(lock))}
        </header>
        <main class:adding=move || adding.get()>
            <div class="strip">{notices()}</div>
            {tab_site(adding)}
            <label class="search">
                {icon(Icon::Search)}
                <input
                    type="search"
                    aria-controls="keys"
                    aria-label=t("search_keys", &[])
                    placeholder=t("search_placeholder", &[])
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    node_ref=search
                    prop:value=move || typed.get()
                    on:keydown=pressed
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        app.matched.set(popup_list::type_in(&text));
                        typed.set(text);
                        dom::after(400, move || app.say(tally.get_untracked()));
                    }
                />
            </label>
            <div class="items-box">
                <div
                    class="items"
                    id="keys"
                    role="listbox"
                    aria-label=t("keys", &[])
                    tabindex="0"
                    node_ref=list
                    on:keydown=pressed
                    on:scroll=move |_| popup_list::scroll()
                    on:click=move |event| popup_list::click(&event)
                ></div>
                {move || {
                    if app.complete.get() && app.stock.get() > 0 && total.get() == 0 {
                        Some(view! {
                            <div class="nothing">
                                <h2>{t("no_keys", &[])}</h2>
                                <p>{t("no_keys_popup", &[])}</p>
                            </div>
                        }.into_any())
                    } else if app.matched.get() == 0 && !typed.with(String::is_empty) {
                        Some(view! { <div class="nothing"><p>{t("none_found", &[])}</p></div> }.into_any())
                    } else {
                        None
                    }
                }}
            </div>
        </main>
        <footer class="foot">
            {move || {
                let busy = app.jobs.with(|jobs| jobs.iter().any(|job| !crate::activity::is_over(job)));
                if busy {
                    work()
                } else {
                    view! {
                        <kbd>"↑↓"</kbd> {t("hint_choose", &[])} <kbd>"Enter"</kbd> {t("hint_copy", &[])}
                        <span class="grow"></span>
                        {move || tally.get()}
                    }
                    .into_any()
                }
            }}
        </footer>
        {reveal_dialog()}
    }
    .into_any()
}
