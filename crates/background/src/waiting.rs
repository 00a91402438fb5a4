//! Accounts that wait for the person to come to their site: to pass a challenge, to sign in, or
//! only to open it. A tiny script, registered for just these sites, says that somebody came.

use crate::worker::{Open, Worker};
use relaykeep_core::site::BaseUrl;
use relaykeep_protocol::{AccountId, JobKind, Millis};
use relaykeep_webext::worker as browser;
use std::cell::RefCell;
use std::rc::Rc;

const SCRIPT: &str = "arrive";
const FILE: &str = "site/arrive.js";
/// One arrival is one try: what a page tells in a row counts once.
const AT_MOST_EVERY: Millis = 3_000;

/// What is waited for, and who came when.
#[derive(Default)]
pub(crate) struct Waiting {
    /// The patterns the script is registered for, once that is known.
    patterns: RefCell<Option<Vec<String>>>,
    came: RefCell<Vec<(String, Millis)>>,
}

fn waiting(open: &Open) -> Vec<(AccountId, BaseUrl)> {
    let book = open.book.borrow();
    let waiting = book.accounts().filter(|one| one.waits_for_a_visit());
    waiting
        .filter_map(|one| Some((one.id(), BaseUrl::parse(one.base_url()).ok()?)))
        .collect()
}

/// The accounts that wait at an origin. A locked vault does not know what it waits for; unlocking
/// makes up for it.
async fn here(worker: &Rc<Worker>, origin: &str) -> Vec<AccountId> {
    let Ok(open) = worker.open().await else {
        return Vec::new();
    };
    waiting(&open)
        .into_iter()
        .filter(|(_, base)| base.origin() == origin)
        .map(|(id, _)| id)
        .collect()
}

/// Registers the script for the sites that are waited for now.
pub(crate) async fn arrange(worker: &Worker, open: &Open) {
    if open.is_over() {
        return;
    }
    let mut patterns: Vec<String> = waiting(open)
        .iter()
        .map(|(_, base)| base.permission_pattern())
        .collect();
    patterns.sort();
    patterns.dedup();
    if worker.waiting.patterns.borrow().as_ref() == Some(&patterns) {
        return;
    }
    *worker.waiting.patterns.borrow_mut() = Some(patterns.clone());
    browser::register_script(SCRIPT, FILE, &patterns, false).await;
}

/// Somebody came to a site: what waited for that goes on.
pub(crate) async fn arrived(worker: &Rc<Worker>, origin: &str) {
    let now = browser::now();
    let wait = {
        let mut came = worker.waiting.came.borrow_mut();
        came.retain(|(_, at)| now < *at + AT_MOST_EVERY);
        match came.iter_mut().find(|(before, _)| before == origin) {
            // One is on its way already.
            Some((_, at)) if *at > now => return,
            // The first came before the person signed in, perhaps: this one is tried as well.
            Some((_, at)) => {
                *at += AT_MOST_EVERY;
                *at - now
            }
            None => {
                came.push((origin.to_owned(), now));
                0
            }
        }
    };
    let mut here = here(worker, origin).await;
    if wait > 0 {
        browser::sleep(wait).await;
        // Who began to wait after the person came waits for the next time.
        let still = self::here(worker, origin).await;
        here.retain(|id| still.contains(id));
    }
    let Ok(open) = worker.open().await else {
        return;
    };
    if here.is_empty() {
        return;
    }
    // The list is read first: it shows whether the site lets requests through.
    let items = crate::jobs::items_for(&open, &here);
    let _ = crate::jobs::start(&open, JobKind::Sync, items).await;
}

/// An account's sync went through: what of it waited for a person goes on.
pub(crate) async fn through(worker: &Rc<Worker>, open: &Rc<Open>, id: &AccountId) {
    crate::jobs::unblock(worker, open, std::slice::from_ref(id));
    arrange(worker, open).await;
}
