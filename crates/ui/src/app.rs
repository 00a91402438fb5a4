//! What the whole page knows, besides the rows.

use crate::accounts::Asking;
use crate::acts::Acts;
use crate::kit;
use crate::repair::Repair;
use crate::stock::Stock;
use crate::windows::Windows;
use leptos::prelude::*;
use relaykeep_protocol::{ErrorCode, JobView, KeyRef, Notice, Settings, VaultMode, VaultState};
use std::cell::{Cell, RefCell};

/// The signals everything is drawn from.
#[derive(Clone, Copy)]
pub(crate) struct App {
    /// Where the vault stands; `None` until the worker has said so.
    pub(crate) vault: RwSignal<Option<VaultState>>,
    /// What the user chose.
    pub(crate) settings: RwSignal<Settings>,
    /// Running and past jobs, newest first.
    pub(crate) jobs: RwSignal<Vec<JobView>>,
    /// Things to say once.
    pub(crate) notices: RwSignal<Vec<Notice>>,
    /// Jobs that wait for the vault.
    pub(crate) waiting: RwSignal<u32>,
    /// Counts the changes of [`Stock`].
    pub(crate) stock: RwSignal<u32>,
    /// The inventory is complete: nothing more is on its way.
    pub(crate) complete: RwSignal<bool>,
    /// The one full key on screen.
    pub(crate) shown: RwSignal<Option<Shown>>,
    /// What the last copy came to.
    pub(crate) copied: RwSignal<Option<(KeyRef, Copied)>>,
    /// A fault that concerns the whole page.
    pub(crate) fault: RwSignal<Option<ErrorCode>>,
    /// What went wrong with the last act, for a while.
    pub(crate) failed: RwSignal<Option<String>>,
    /// The key the details are about.
    pub(crate) chosen: RwSignal<Option<KeyRef>>,
    /// On narrow pages the details lie over the list.
    pub(crate) sheet: RwSignal<bool>,
    /// Counts the changes of the selection.
    pub(crate) selection: RwSignal<u32>,
    /// How many keys fit what is looked for.
    pub(crate) matched: RwSignal<u32>,
    /// The worker is looking inside the keys for what was typed.
    pub(crate) looking: RwSignal<bool>,
    /// What is being asked about an account.
    pub(crate) asking: Asking,
    /// What is being asked about keys.
    pub(crate) acts: Acts,
    /// Keys about to be revealed, if the user says yes.
    pub(crate) ask_reveal: RwSignal<Option<Vec<KeyRef>>>,
    /// The clearing of the clipboard is on offer.
    pub(crate) offer_clearing: RwSignal<bool>,
    /// Windows about work on keys.
    pub(crate) windows: Windows,
    /// What would bring the inventory into order.
    pub(crate) repair: Repair,
}

/// A full key on screen.
#[derive(Clone, PartialEq)]
pub(crate) struct Shown {
    /// Which.
    pub(crate) key: KeyRef,
    /// The key itself.
    pub(crate) text: String,
}

/// How a copy went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// Asked for.
    Asked,
    /// It is on the clipboard.
    Done,
    /// It came too late for the click: press again.
    PressAgain,
}

thread_local! {
    static APP: Cell<Option<App>> = const { Cell::new(None) };
    static STOCK: RefCell<Stock> = RefCell::new(Stock::default());
    static VERSION: Cell<u64> = const { Cell::new(0) };
    static KEYS_VERSION: Cell<u64> = const { Cell::new(0) };
}

/// Sets the page's state up; once, before mounting.
pub(crate) fn begin() {
    // Held by the page itself: no view owns it, so no unmounting disposes of it.
    let owner = Owner::new();
    owner.set();
    APP.set(Some(App {
        vault: RwSignal::new(None),
        settings: RwSignal::new(Settings::default()),
        jobs: RwSignal::new(Vec::new()),
        notices: RwSignal::new(Vec::new()),
        waiting: RwSignal::new(0),
        stock: RwSignal::new(0),
        complete: RwSignal::new(false),
        shown: RwSignal::new(None),
        copied: RwSignal::new(None),
        fault: RwSignal::new(None),
        failed: RwSignal::new(None),
        chosen: RwSignal::new(None),
        sheet: RwSignal::new(false),
        selection: RwSignal::new(0),
        matched: RwSignal::new(0),
        looking: RwSignal::new(false),
        asking: Asking::new(),
        acts: Acts::new(),
        ask_reveal: RwSignal::new(None),
        offer_clearing: RwSignal::new(false),
        windows: Windows::new(),
        repair: Repair::new(),
    }));
    std::mem::forget(owner);
}

/// The page's state.
pub(crate) fn app() -> App {
    APP.get().expect("begin runs before anything is mounted")
}

/// Looks at the rows.
pub(crate) fn with_stock<T>(look: impl FnOnce(&Stock) -> T) -> T {
    STOCK.with_borrow(look)
}

/// Changes the rows. Whoever draws them hears of it through [`App::stock`]; until then, whoever
/// holds the place of a row must ask [`stock_version`] whether places are still the same.
pub(crate) fn change_stock<T>(change: impl FnOnce(&mut Stock) -> T) -> T {
    VERSION.set(VERSION.get() + 1);
    STOCK.with_borrow_mut(change)
}

/// Changes which rows are selected; every row keeps its place.
pub(crate) fn select_in_stock(change: impl FnOnce(&mut Stock)) {
    STOCK.with_borrow_mut(change);
}

/// Counts the changes after which rows may stand elsewhere.
pub(crate) fn stock_version() -> u64 {
    VERSION.get()
}

/// Keys came, or are other keys than before: a search inside them may find something else.
pub(crate) fn keys_moved() {
    KEYS_VERSION.set(KEYS_VERSION.get() + 1);
}

/// Counts the changes after which a search inside keys may find something else.
pub(crate) fn keys_version() -> u64 {
    KEYS_VERSION.get()
}

impl App {
    /// Open, as far as the page knows.
    pub(crate) fn is_unlocked(self) -> bool {
        matches!(
            self.vault.get_untracked(),
            Some(VaultState::Unlocked { .. })
        )
    }

    /// The protection of the open vault.
    pub(crate) fn mode(self) -> Option<VaultMode> {
        self.vault.with(|vault| match vault {
            Some(VaultState::Unlocked { mode, .. }) => Some(*mode),
            Some(
                VaultState::New | VaultState::Locked | VaultState::Recovery(_) | VaultState::Newer,
            )
            | None => None,
        })
    }

    /// The same, for a handler.
    pub(crate) fn mode_now(self) -> Option<VaultMode> {
        untrack(|| self.mode())
    }

    /// Tells a screen reader, once.
    pub(crate) fn say(self, text: String) {
        kit::say(&text);
    }

    /// Drops everything that only an open vault may show.
    pub(crate) fn drop_all(self) {
        change_stock(|stock| *stock = Stock::default());
        self.shown.set(None);
        self.copied.set(None);
        self.chosen.set(None);
        self.sheet.set(false);
        self.selection.set(0);
        self.failed.set(None);
        self.complete.set(false);
        self.offer_clearing.set(false);
        self.ask_reveal.set(None);
        self.acts.shut();
        self.looking.set(false);
        self.windows.close();
        self.repair.forget();
        kit::unsay();
        self.stock.update(|count| *count += 1);
    }
}
