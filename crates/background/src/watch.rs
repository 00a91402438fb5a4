//! Watching: recognising relay sites as the user browses, where that was switched on. The script
//! in the page (`extension/site/watch.js`) decides by itself whether a page is worth asking; what
//! it is, is decided here.

use crate::tab;
use crate::worker::{Open, Worker, the_worker};
use relaykeep_core::secret::{ApiKey, MaskedKey};
use relaykeep_core::site::{self, BaseUrl};
use relaykeep_protocol::{
    AccountId, ErrorCode, Event, JobKind, KeyRef, Millis, Recognition, SeenKey, Settings, Watching,
};
use relaykeep_webext::worker as browser;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

const SCRIPT: &str = "watch";
const FILE: &str = "site/watch.js";
/// The patterns of every site.
pub(crate) const EVERYWHERE: [&str; 2] = ["https://*/*", "http://*/*"];
/// What an origin was found to be holds so long: stations upgrade in place, and pages move in.
const RELAY_HOLDS: Millis = 6 * 3600 * 1000;
const OTHER_HOLDS: Millis = 3600 * 1000;
/// A key that a page showed waits for the popup so long, in memory only.
const SEEN_WAITS: Millis = 5 * 60 * 1000;
const MOST_SEEN: usize = 4;
const MOST_ORIGINS: usize = 200;

/// What watching knows.
#[derive(Default)]
pub(crate) struct Watch {
    /// Origin, whether a relay stands there, and when that was found out.
    origins: RefCell<Option<Vec<(String, bool, Millis)>>>,
    seen: RefCell<Vec<Seen>>,
    number: Cell<u32>,
}

struct Seen {
    number: u32,
    origin: String,
    key: ApiKey,
    at: Millis,
}

impl Watch {
    /// The vault is locked: no key stays in memory.
    pub(crate) fn forget(&self) {
        self.seen.borrow_mut().clear();
    }

    async fn known(&self, origin: &str) -> Option<bool> {
        if self.origins.borrow().is_none() {
            let held = crate::session::origins().await;
            self.origins.borrow_mut().get_or_insert(held);
        }
        let now = browser::now();
        let origins = self.origins.borrow();
        let found = origins.as_ref()?.iter().find(|(one, _, _)| one == origin)?;
        let holds = if found.1 { RELAY_HOLDS } else { OTHER_HOLDS };
        (now.saturating_sub(found.2) < holds).then_some(found.1)
    }

    async fn note(&self, origin: &str, relay: bool) {
        let held = {
            let mut origins = self.origins.borrow_mut();
            let origins = origins.get_or_insert_default();
            origins.retain(|(one, _, _)| one != origin);
            if origins.len() >= MOST_ORIGINS {
                origins.remove(0);
            }
            origins.push((origin.to_owned(), relay, browser::now()));
            origins.clone()
        };
        crate::session::keep_origins(&held).await;
    }

    fn still_seen(&self) -> bool {
        let now = browser::now();
        let mut seen = self.seen.borrow_mut();
        seen.retain(|one| now.saturating_sub(one.at) < SEEN_WAITS);
        !seen.is_empty()
    }
}

/// A script of ours in a page has something to tell.
pub(crate) async fn on_page(tab: f64, url: &str, what: &str, text: String) -> String {
    let worker = the_worker();
    let Ok(base) = BaseUrl::parse(url) else {
        return String::new();
    };
    let origin = base.origin();
    match what {
        "arrived" => crate::waiting::arrived(&worker, origin).await,
        "looks" => {
            if looks(&worker, tab, origin).await {
                return "relay".to_owned();
            }
        }
        "key" => shown(&worker, tab, origin, &text).await,
        _ => {}
    }
    String::new()
}

/// A page looks like a relay's: asks it, unless that was done, and marks the icon.
async fn looks(worker: &Rc<Worker>, tab: f64, origin: &str) -> bool {
    let relay = match worker.watch.known(origin).await {
        Some(relay) => relay,
        None => match tab::recognised(tab).await {
            Some(Recognition::Relay { .. }) => {
                worker.watch.note(origin, true).await;
                true
            }
            Some(Recognition::NotARelay(_) | Recognition::NoHint) => {
                worker.watch.note(origin, false).await;
                false
            }
            // Says nothing about what it is; the next page asks again.
            Some(Recognition::Unreachable | Recognition::Challenge) | None => false,
        },
    };
    if relay {
        mark(worker, tab, origin).await;
    }
    relay
}

/// The icon over a relay's tab: a key on offer, an account here, or neither yet.
async fn mark(worker: &Rc<Worker>, tab: f64, origin: &str) {
    let open = worker.open().await.ok();
    let offered = open
        .as_ref()
        .is_some_and(|open| !offers(worker, open, origin).is_empty());
    let held = open.is_some_and(|open| !tab::accounts_at(&open, origin, None).is_empty());
    match (offered, held) {
        (true, _) => browser::mark_tab(tab, "1", "badge_key"),
        (false, true) => browser::mark_tab(tab, "✓", "badge_account"),
        (false, false) => browser::mark_tab(tab, "+", "badge_relay"),
    }
}

/// A relay's page showed a key in full after the person clicked there.
async fn shown(worker: &Rc<Worker>, tab: f64, origin: &str, text: &str) {
    if worker.watch.known(origin).await != Some(true) {
        return;
    }
    let (Ok(open), Some(key)) = (worker.open().await, site::typed_key(text)) else {
        return;
    };
    if open.settings().watching == Watching::Off || offer_of(&open, origin, &key).is_none() {
        return;
    }
    let number = worker.watch.number.get().wrapping_add(1);
    worker.watch.number.set(number);
    let first = !worker.watch.still_seen();
    {
        let mut seen = worker.watch.seen.borrow_mut();
        // The same key again is one offer: compared where it is masked, not in the open.
        let mask = MaskedKey::of(key.expose()); // its visible ends only
        seen.retain(|one| one.origin != origin || !mask.fits(&one.key));
        if seen.len() >= MOST_SEEN {
            seen.remove(0);
        }
        seen.push(Seen {
            number,
            origin: origin.to_owned(),
            key,
            at: browser::now(),
        });
    }
    if first {
        // It exists nowhere but here: the worker stays awake as long as it is on offer.
        spawn_local(async {
            while the_worker().watch.still_seen() {
                browser::stay_awake();
                browser::sleep(20_000).await;
            }
        });
    }
    mark(worker, tab, origin).await;
}

/// What a key may be recorded as: the account, and the masked key it fits. None where it is held,
/// or no account of the site hides keys.
fn offer_of(
    open: &Open,
    origin: &str,
    key: &ApiKey,
) -> Option<(AccountId, Option<KeyRef>, String)> {
    let book = open.book.borrow();
    let mut without = None;
    for id in tab::accounts_at(open, origin, None) {
        let account = book.account(&id)?;
        match account.fitting(key) {
            Some(row) if relaykeep_core::keys::is_masked(&row) => {
                let name = row.name.clone();
                let key = KeyRef {
                    account: id.clone(),
                    id: row.id,
                };
                return Some((id, Some(key), name));
            }
            Some(_) => return None,
            None if site::reveals(account.kind()) => without = without.or(Some(id)),
            None => {}
        }
    }
    Some((without?, None, String::new()))
}

/// The keys on offer at an origin.
pub(crate) fn offers(worker: &Worker, open: &Open, origin: &str) -> Vec<SeenKey> {
    worker.watch.still_seen();
    let seen = worker.watch.seen.borrow();
    let here = seen.iter().filter(|one| one.origin == origin);
    here.filter_map(|one| {
        let (account, key, name) = offer_of(open, origin, &one.key)?;
        Some(SeenKey {
            number: one.number,
            account,
            name: key.map(|_| name),
            // Its ends only, as every list shows them.
            mask: MaskedKey::of(one.key.expose()).shown(),
        })
    })
    .collect()
}

/// Records a key that was shown, or forgets it.
pub(crate) async fn answer(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    number: u32,
    yes: bool,
) -> Result<(), ErrorCode> {
    let taken = {
        let seen = worker.watch.seen.borrow();
        let one = seen.iter().find(|one| one.number == number);
        one.map(|one| (one.origin.clone(), one.key.clone()))
    };
    let (origin, key) = taken.ok_or(ErrorCode::NoSuchKey)?;
    if yes {
        let (account, mut fits, _) = offer_of(open, &origin, &key).ok_or(ErrorCode::NothingToDo)?;
        if fits.is_none() {
            // A key just made there: the list is read first.
            let items = crate::jobs::items_for(open, &[account]);
            let job = crate::jobs::start(open, JobKind::Sync, items).await?;
            crate::jobs::rest_of(open, &job).await;
            fits = offer_of(open, &origin, &key).and_then(|(_, fits, _)| fits);
        }
        let fits = fits.ok_or(ErrorCode::WrongKey)?;
        // Compared with the mask once more, and sealed.
        crate::keys::paste(worker, open, &fits, key.expose()).await?;
    }
    let mut seen = worker.watch.seen.borrow_mut();
    seen.retain(|one| one.number != number);
    drop(seen);
    if let Some(tab) = browser::tab_in_front().await {
        mark(worker, tab.id, &origin).await;
    }
    Ok(())
}

fn patterns(watching: &Watching) -> Vec<String> {
    match watching {
        Watching::Off => Vec::new(),
        Watching::All => EVERYWHERE.map(str::to_owned).to_vec(),
        Watching::Chosen(origins) => {
            let bases = origins.iter().filter_map(|one| BaseUrl::parse(one).ok());
            let mut patterns: Vec<String> = bases.map(|base| base.permission_pattern()).collect();
            patterns.sort();
            patterns.dedup();
            patterns
        }
    }
}

/// Registers the script as the settings say, or takes it away, with every mark on the icon.
pub(crate) async fn arrange(worker: &Rc<Worker>, open: &Rc<Open>) {
    let patterns = patterns(&open.settings().watching);
    let changed = browser::register_script(SCRIPT, FILE, &patterns, true).await;
    if changed && patterns.is_empty() {
        worker.watch.forget();
        browser::clear_marks();
    }
}

/// A permission came or went: what is no longer allowed is no longer watched, and says so.
pub(crate) async fn permissions_changed(worker: &Rc<Worker>, open: &Rc<Open>) {
    let settings = open.settings();
    let watching = match settings.watching.clone() {
        Watching::Off => return,
        Watching::All => {
            let mut all = true;
            for pattern in EVERYWHERE {
                all &= browser::may_reach(pattern).await;
            }
            if all { Watching::All } else { Watching::Off }
        }
        Watching::Chosen(origins) => {
            let mut kept = Vec::new();
            for origin in origins {
                let pattern = BaseUrl::parse(&origin).map(|base| base.permission_pattern());
                if let Ok(pattern) = pattern
                    && browser::may_reach(&pattern).await
                {
                    kept.push(origin);
                }
            }
            Watching::Chosen(kept)
        }
    };
    if watching == settings.watching {
        return;
    }
    let settings = Settings {
        watching,
        ..settings
    };
    let changes = open.book.borrow_mut().set_settings(settings.clone());
    if open.commit(changes).await.is_ok() {
        worker.pages.tell(&Event::Settings(settings));
        arrange(worker, open).await;
    }
}
