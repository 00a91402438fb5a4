//! What open pages are told.

use crate::worker::{Open, Worker};
use relaykeep_core::book::{Account, Book};
use relaykeep_core::json;
use relaykeep_protocol::{
    AccountView, AppState, ErrorCode, Event, JobView, KeyRow, RemoteId, Settings, VaultState,
};
use relaykeep_webext::runtime::Port;
use std::cell::RefCell;
use std::rc::Rc;

/// Rows per message: the first paint waits for one of these only.
pub(crate) const CHUNK: usize = 500;

/// The open pages.
#[derive(Default)]
pub(crate) struct Pages(RefCell<Vec<Port>>);

impl Pages {
    pub(crate) fn add(&self, port: Port) {
        self.0.borrow_mut().push(port);
    }

    /// Tells every page; those that have gone are forgotten.
    pub(crate) fn tell(&self, event: &Event) {
        let says_state = matches!(event, Event::State { .. });
        if !says_state && crate::worker::the_worker().is_silent() {
            // A task that was under way at the lock: locked pages are told nothing of it.
            return;
        }
        crate::glimpse::soon();
        // A sync by alarm has nobody listening: nothing is written then.
        if self.0.borrow().is_empty() {
            return;
        }
        let text = json::write(event);
        self.0.borrow_mut().retain(|port| port.post(&text).is_ok());
    }

    pub(crate) fn tell_locked(&self, waiting: u32) {
        self.tell(&Event::State {
            vault: VaultState::Locked,
            settings: Settings::default(),
            jobs: Vec::new(),
            notices: Vec::new(),
            waiting,
        });
    }

    pub(crate) fn account(&self, view: AccountView) {
        self.tell(&Event::Account(view));
    }

    pub(crate) fn job(&self, view: &JobView) {
        self.tell(&Event::Job(view.clone()));
    }

    pub(crate) fn keys(&self, account: &Account, rows: Vec<KeyRow>, removed: Vec<RemoteId>) {
        if rows.is_empty() && removed.is_empty() {
            return;
        }
        let mut removed = Some(removed);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() || removed.is_some() {
            self.tell(&Event::KeysChanged {
                account: account.id(),
                rows: rows.by_ref().take(CHUNK).collect(),
                removed: removed.take().unwrap_or_default(),
            });
        }
    }
}

/// Where things stand, and the open vault, if it is open.
pub(crate) async fn app_state(worker: &Rc<Worker>) -> (AppState, Option<Rc<Open>>) {
    let vault = worker.state().await;
    let open = match vault {
        VaultState::Unlocked { .. } => worker.open().await.ok(),
        VaultState::New | VaultState::Locked | VaultState::Recovery(_) | VaultState::Newer => None,
    };
    let waiting = u32::from(open.is_none() && crate::session::is_due().await);
    let state = AppState {
        vault,
        settings: open
            .as_ref()
            .map(|open| open.settings())
            .unwrap_or_default(),
        jobs: open
            .as_ref()
            .map(|open| crate::jobs::all_views(open))
            .unwrap_or_default(),
        notices: worker.notices.borrow().clone(),
        waiting,
    };
    (state, open)
}

/// The state as one event; it still holds when this returns.
async fn state_event(worker: &Rc<Worker>) -> (Event, Option<Rc<Open>>) {
    let (state, open) = loop {
        let turns = worker.turns();
        let found = app_state(worker).await;
        if worker.turns() == turns {
            break found;
        }
    };
    let AppState {
        vault,
        settings,
        jobs,
        notices,
        waiting,
    } = state;
    let event = Event::State {
        vault,
        settings,
        jobs,
        notices,
        waiting,
    };
    (event, open)
}

/// Tells every page where things stand, and, if the vault is open, the whole inventory.
pub(crate) async fn tell_state(worker: &Rc<Worker>) {
    let (event, open) = state_event(worker).await;
    worker.pages.tell(&event);
    if let Some(open) = open {
        inventory(&open, |event| {
            worker.pages.tell(event);
            Ok(())
        });
    }
}

/// Greets a page that has just connected.
pub(crate) async fn greet(worker: &Rc<Worker>, port: Port) {
    let (event, open) = state_event(worker).await;
    if port.post(&json::write(&event)).is_err() {
        return;
    }
    if let Some(open) = open {
        inventory(&open, |event| {
            port.post(&json::write(event))
                .map_err(|_| ErrorCode::TabClosed)
        });
    }
    worker.pages.add(port);
    // After an update or a restore it may be another's.
    crate::glimpse::soon();
}

/// The accounts, as views and as they are, in the order in which pages show them.
pub(crate) fn in_order(book: &Book) -> (Vec<AccountView>, Vec<&Account>) {
    let order = book.settings().account_order;
    let mut all: Vec<_> = book
        .accounts()
        .map(|account| (book.view(account), account))
        .collect();
    all.sort_by_cached_key(|(view, _)| view.rank(order));
    all.into_iter().unzip()
}

/// The inventory in chunks. No await in here: a page that was greeted misses nothing.
fn inventory(open: &Open, mut post: impl FnMut(&Event) -> Result<(), ErrorCode>) {
    let book = open.book.borrow();
    let (views, accounts) = in_order(&book);
    if post(&Event::Accounts(views)).is_err() {
        return;
    }
    for account in accounts {
        let mut rows = account.rows().peekable();
        while rows.peek().is_some() {
            let chunk = Event::Keys {
                account: account.id(),
                rows: rows.by_ref().take(CHUNK).collect(),
            };
            if post(&chunk).is_err() {
                return;
            }
        }
    }
    let _ = post(&Event::InventoryDone);
}
