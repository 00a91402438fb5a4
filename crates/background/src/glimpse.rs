//! The glimpse: what a page shows first, kept in session memory beside the session's keys, so that
//! rows are on screen before the worker has started. `extension/page.js` reads it. It is never more
//! than a first picture: the page then takes up its line, and hears everything anew.

use crate::events::{CHUNK, in_order};
use crate::session;
use crate::worker::{Open, Worker, the_worker};
use relaykeep_core::json;
use relaykeep_protocol::{Event, JobState, Millis};
use relaykeep_webext::worker as browser;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

/// About what a screen shows: the page paints when it has read so many.
const SCREEN: usize = 40;
/// More than a tall screen shows.
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
    let mut held = 0;
    for account in accounts {
        let mut rows = account.rows().take(CHUNK).peekable();
        while rows.peek().is_some() {
            let rows: Vec<_> = rows.by_ref().take(SCREEN).collect();
            held += rows.len();
            texts.push(json::write(&Event::Keys {
                account: account.id(),
                rows,
            }));
        }
        if held >= ROWS {
            break;
        }
    }
    texts
}
