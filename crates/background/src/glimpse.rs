//! The glimpse: what a page shows first, kept in session memory beside the session's keys, so that
//! rows are on screen before the worker has started. `extension/early.js` reads it. It is never more
//! than a first picture: the page then takes up its line, and hears everything anew.

use crate::events::{CHUNK, in_order};
use crate::session;
use crate::worker::{Open, Worker, the_worker};
use relaykeep_core::book::Account;
use relaykeep_core::json;
use relaykeep_protocol::{Event, JobState, KeyRow, Millis};
use relaykeep_webext::worker as browser;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

/// More than the popup shows at once: so many of those used last.
const LATEST: usize = 40;
/// More than a tall screen shows: so many of the first accounts.
const ROWS: usize = 100;
/// Changes come in bursts.
const AFTER: Millis = 500;

/// What of it is known to this worker.
#[derive(Default)]
pub(crate) struct Kept {
    due: Cell<bool>,
    /// As it was last written.
    written: RefCell<String>,
}

impl Kept {
    /// Locked: the session has dropped it.
    pub(crate) fn forget(&self) {
        self.written.take();
    }
}

#[derive(Serialize)]
struct Glimpse {
    /// Another version may mean other things by the same words.
    version: &'static str,
    /// It serves from then on; a clock that was put back does not bring it back.
    since: Millis,
    /// The vault locks by itself then.
    until: Option<Millis>,
    events: Vec<String>,
}

/// Something that pages show has changed: soon the glimpse shows it as well.
pub(crate) fn soon() {
    let worker = the_worker();
    if worker.glimpse.due.replace(true) {
        return;
    }
    spawn_local(async move {
        browser::sleep(AFTER).await;
        worker.glimpse.due.set(false);
        keep(&worker).await;
    });
}

async fn keep(worker: &Rc<Worker>) {
    let Some(open) = worker.peek() else {
        return;
    };
    let events = events(worker, &open);
    let as_before = events.join("\n");
    if *worker.glimpse.written.borrow() == as_before {
        return;
    }
    let glimpse = Glimpse {
        version: env!("CARGO_PKG_VERSION"),
        since: browser::now(),
        until: open.locks_at(),
        events,
    };
    worker.glimpse.written.replace(as_before);
    // From the look at the vault to the handing over nothing is awaited: a lock's removal comes after.
    session::keep_glimpse(json::write(&glimpse)).await;
}

/// The first of what a page is told on connecting.
fn events(worker: &Worker, open: &Open) -> Vec<String> {
    let mut jobs = crate::jobs::all_views(open);
    jobs.retain(|job| !matches!(job.state, JobState::Done | JobState::Stopped));
    let book = open.book.borrow();
    let (views, accounts) = in_order(&book);
    let mut texts = vec![
        json::write(&Event::State {
            vault: open.state(),
            settings: book.settings().clone(),
            jobs,
            notices: worker.notices.borrow().clone(),
            waiting: 0,
        }),
        json::write(&Event::Accounts(views)),
    ];
    let rows = first_rows(&accounts);
    if rows.iter().all(Vec::is_empty) {
        // Nothing to show early: such a page is better off with its line.
        return Vec::new();
    }
    for (account, rows) in accounts.iter().zip(rows) {
        if !rows.is_empty() {
            texts.push(json::write(&Event::Keys {
                account: account.id(),
                rows,
            }));
        }
    }
    texts
}

/// By account, what stands first on a page: the keys of the first accounts, and of all accounts those
/// used last, which the popup puts on top. What stands there at first must not move afterwards.
fn first_rows(accounts: &[&Account]) -> Vec<Vec<KeyRow>> {
    let mut latest = Vec::with_capacity(LATEST + 1);
    for at in accounts.iter().flat_map(|one| one.last_uses()) {
        latest.insert(latest.partition_point(|one| *one < at), at);
        if latest.len() > LATEST {
            latest.remove(0);
        }
    }
    let since = latest.first().copied().filter(|_| latest.len() == LATEST);
    let newer = latest.iter().filter(|at| Some(**at) > since).count();
    // Of those that were used in the same second, the first.
    let mut as_new = LATEST.saturating_sub(newer);
    let mut held = 0;
    let mut of = |account: &&Account| {
        let mut whole = if held < ROWS { CHUNK } else { 0 };
        let rows = account.rows_by_use(|used| {
            let latest = used.is_some()
                && match used.cmp(&since) {
                    Ordering::Greater => true,
                    Ordering::Equal => {
                        let fits = as_new > 0;
                        as_new = as_new.saturating_sub(1);
                        fits
                    }
                    Ordering::Less => false,
                };
            let first = whole > 0;
            whole = whole.saturating_sub(1);
            first || latest
        });
        held += rows.len();
        rows
    };
    accounts.iter().map(&mut of).collect()
}
