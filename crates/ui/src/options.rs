//! The options page: menu, sections, the keyboard.

use crate::accounts::{account_dialogs, accounts_page, sync};
use crate::activity::{activity_page, is_over};
use crate::app::{app, with_stock};
use crate::backup::backup_page;
use crate::bulk_edit::bulk_dialog;
use crate::clone_dialog::clone_dialog;
use crate::copying::{hide, hide_when_left, toasts};
use crate::details::shortcuts;
use crate::dom;
use crate::el::{all, el, live};
use crate::gate;
use crate::grid;
use crate::icons::{Icon, icon, mark};
use crate::key_form::key_form_dialogs;
use crate::keys_page::{clear_search, focus_search, keys_page};
use crate::kit::{Btn, dialog, status};
use crate::line::{ask, spawn};
use crate::plan_dialog::plan_dialogs;
use crate::repair::repair_page;
use crate::reveal::reveal_dialog;
use crate::settings::settings_page;
use crate::windows::windows;
use crate::words::{number, t};
use leptos::prelude::*;
use relaykeep_protocol::{ErrorCode, Lock, RefreshStale, Touch, VaultMode, VaultState};
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::Event;
use web_sys::{Element, KeyboardEvent};

/// A section of the page; its hash is the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Keys,
    Repair,
    Accounts,
    Activity,
    Backup,
    Settings,
}

impl Section {
    const ALL: [Self; 6] = [
        Self::Keys,
        Self::Repair,
        Self::Accounts,
        Self::Activity,
        Self::Backup,
        Self::Settings,
    ];

    const fn hash(self) -> &'static str {
        match self {
            Self::Keys => "#/keys",
            Self::Repair => "#/repair",
            Self::Accounts => "#/accounts",
            Self::Activity => "#/activity",
            Self::Backup => "#/backup",
            Self::Settings => "#/settings",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Repair => "repair",
            Self::Accounts => "accounts",
            Self::Activity => "activity",
            Self::Backup => "backup",
            Self::Settings => "settings",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Keys => Icon::Keys,
            Self::Repair => Icon::Repair,
            Self::Accounts => Icon::Accounts,
            Self::Activity => Icon::Activity,
            Self::Backup => Icon::Backup,
            Self::Settings => Icon::Settings,
        }
    }

    fn now() -> Self {
        let hash = dom::window().location().hash().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|section| {
                let rest = hash.strip_prefix(section.hash());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .unwrap_or(Self::Keys)
    }
}

/// Goes to a section.
pub(crate) fn go(section: Section) {
    let _ = dom::window().location().set_hash(section.hash());
}

/// The whole page.
pub(crate) fn options() -> AnyView {
    let app = app();
    let section = RwSignal::new(Section::now());
    let help = RwSignal::new(false);
    dom::listen_forever(&dom::window(), "hashchange", move |_| {
        section.set(Section::now())
    });
    dom::listen_forever(&dom::document(), "keydown", move |event| {
        if let Ok(event) = event.dyn_into::<KeyboardEvent>() {
            pressed(&event, section, help);
        }
    });
    for name in ["pointerdown", "keydown"] {
        dom::listen_forever(&dom::document(), name, |_| touch());
    }
    hide_when_left();
    refresh_when_shown();
    // Written so that a changed lock time does not build the page anew.
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
            Place::Welcome => gate::welcome(),
            Place::Locked => gate::locked(),
            Place::Recovery(cause) => gate::recovery(cause),
            Place::Newer => gate::newer(),
            Place::Open => open(section),
        }),
        live(move || (place.get() != Place::Open).then(crate::activity::notices)),
        toasts(),
        status(),
        dialog(help, "keyboard", move || {
            all![
                el("dl").class("shortcuts").kid(shortcuts()),
                el("div")
                    .class("acts")
                    .kid(Btn::new("close").on(move || help.set(false)))
            ]
            .into_any()
        })
    ]
    .into_any()
}

/// Which whole page stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Unknown,
    Welcome,
    Locked,
    Open,
    Recovery(relaykeep_protocol::RecoveryCause),
    Newer,
}

/// Nothing is known yet: for a moment, nothing is said either.
pub(crate) fn opening() -> AnyView {
    let late = RwSignal::new(false);
    dom::after(700, move || {
        late.try_set(true);
    });
    live(move || {
        late.get().then(|| {
            el("main")
                .class("gate")
                .kid(el("p").class("lead").kid(t("opening", &[])))
        })
    })
    .into_any()
}

fn open(section: RwSignal<Section>) -> AnyView {
    // The list stays built while other sections are looked at.
    all![
        el("div").class("app").kid(menu(section)).kid(
            el("main")
                .class("main")
                .kid(
                    el("div")
                        .live("hidden", move || section.get() != Section::Keys)
                        .kid(keys_page())
                )
                .kid(live(move || match section.get() {
                    Section::Keys => ().into_any(),
                    Section::Repair => repair_page(),
                    Section::Accounts => accounts_page(),
                    Section::Activity => activity_page(),
                    Section::Backup => backup_page(),
                    Section::Settings => settings_page(),
                }))
        ),
        account_dialogs(),
        reveal_dialog(),
        windows(),
        key_form_dialogs(),
        bulk_dialog(),
        clone_dialog(),
        plan_dialogs()
    ]
    .into_any()
}

fn menu(section: RwSignal<Section>) -> AnyView {
    let app = app();
    let count = move |which: Section| {
        app.stock.track();
        let count = match which {
            Section::Keys => with_stock(|stock| crate::stock::count(stock.rows.len())),
            Section::Accounts => with_stock(|stock| crate::stock::count(stock.accounts.len())),
            Section::Activity => app
                .jobs
                .with(|jobs| crate::stock::count(jobs.iter().filter(|job| !is_over(job)).count())),
            Section::Repair | Section::Backup | Section::Settings => 0,
        };
        (count > 0).then(|| number(count))
    };
    let links: Vec<AnyView> = Section::ALL
        .into_iter()
        .map(|which| {
            let word = t(which.word(), &[]);
            let title = word.clone();
            el("a")
                .class("at")
                .a("href", which.hash())
                .a("title", title)
                .live("aria-current", move || {
                    (section.get() == which).then_some("page")
                })
                .kid(icon(which.icon()))
                .kid(el("span").class("w").kid(word))
                .kid(
                    el("span")
                        .class("n")
                        .a("aria-hidden", "true")
                        .kid(live(move || count(which))),
                )
                .into_any()
        })
        .collect();
    el("nav")
        .class("menu")
        .a("aria-label", t("sections", &[]))
        .kid(
            el("div")
                .class("brand")
                .kid(mark())
                .kid(el("span").class("w").kid(t("app_name", &[]))),
        )
        .kid(links)
        .kid(live(move || {
            (app.mode() == Some(VaultMode::Passphrase)).then(|| {
                el("button")
                    .a("type", "button")
                    .class("at foot")
                    .a("title", t("lock", &[]))
                    .on("click", move |_: Event| lock())
                    .kid(icon(Icon::Lock))
                    .kid(el("span").class("w").kid(t("lock", &[])))
                    .kid(
                        el("span")
                            .class("n")
                            .a("aria-hidden", "true")
                            .kid(el("kbd").kid("Ctrl L")),
                    )
            })
        }))
        .into_any()
}

/// Locks now.
pub(crate) fn lock() {
    spawn(async {
        // What the worker says comes as an event, to every page. One that ended before it was done
        // is asked again: locking twice does no harm.
        if let Err(ErrorCode::NoAnswer) = ask(Lock {}).await {
            let _ = ask(Lock {}).await;
        }
    });
}

thread_local! {
    static TOUCHED: Cell<u64> = const { Cell::new(0) };
}

/// A person is here: puts the lock off, at most twice a minute.
pub(crate) fn touch() {
    const EVERY: u64 = 30_000;
    let now = crate::words::now();
    let wanted = matches!(
        app().vault.get_untracked(),
        Some(VaultState::Unlocked {
            locks_at: Some(_),
            ..
        })
    );
    if wanted && now.saturating_sub(TOUCHED.get()) > EVERY {
        TOUCHED.set(now);
        spawn(async {
            let _ = ask(Touch {}).await;
        });
    }
}

/// Once the rows are on screen, what is old may be refreshed behind them.
pub(crate) fn refresh_when_shown() {
    let app = app();
    Effect::new(move |asked: Option<bool>| {
        let shown = app.complete.get() && app.stock.get() > 0;
        let wanted = app
            .settings
            .with_untracked(|settings| settings.refresh_after_minutes.is_some());
        if shown && wanted && asked != Some(true) {
            dom::once_painted(|| {
                spawn(async {
                    let _ = ask(RefreshStale {}).await;
                });
            });
        }
        shown
    });
}

fn pressed(event: &KeyboardEvent, section: RwSignal<Section>, help: RwSignal<bool>) {
    let app = app();
    if event.default_prevented() || event.is_composing() || !app.is_unlocked() {
        return;
    }
    let name = event.key();
    if (event.ctrl_key() || event.meta_key())
        && name == "l"
        && app.mode_now() == Some(VaultMode::Passphrase)
    {
        event.prevent_default();
        return lock();
    }
    let dialog = dom::document()
        .query_selector("dialog[open]")
        .ok()
        .flatten()
        .is_some();
    if dialog {
        return;
    }
    let target: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
    let typing = target.as_ref().is_some_and(|target| {
        target
            .matches("input:not([type=checkbox]):not([type=radio]), select, textarea")
            .unwrap_or(false)
    });
    let searching = target
        .as_ref()
        .is_some_and(|target| target.matches(".search input").unwrap_or(false));
    let on_keys = section.get_untracked() == Section::Keys;
    let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
    match name.as_str() {
        "Escape" if searching => clear_search(),
        "Escape" if app.sheet.get_untracked() => app.sheet.set(false),
        "Escape" if app.shown.with_untracked(Option::is_some) => hide(),
        "Escape" if on_keys && !typing => clear_search(),
        "ArrowDown" if searching => grid::focus(),
        _ if typing => return,
        "/" if plain => {
            go(Section::Keys);
            dom::after(0, focus_search);
        }
        "?" => help.set(true),
        "s" if plain => sync(Vec::new()),
        "n" if plain && on_keys => crate::acts::new_key(None),
        _ => {
            let in_list = target.as_ref().is_none_or(|target| {
                target.closest(".list").ok().flatten().is_some() || target.tag_name() == "BODY"
            });
            if !on_keys || !in_list || !grid::key(event) {
                return;
            }
        }
    }
    event.prevent_default();
}
