//! What sites are recognised as: asked once a day, and again when an answer no longer fits.

use crate::accounts::CallHttp;
use crate::ports::SystemClock;
use crate::session;
use crate::worker::{Open, Worker};
use futures_util::lock::{MappedMutexGuard, MutexGuard};
use relaykeep_core::http::{Http, HttpError, HttpRequest, HttpResponse};
use relaykeep_core::site::{self, BaseUrl, Seen, Sights, detect};
use relaykeep_protocol::{AccountId, Look, Millis, Recognition, Sight, SiteTrouble};
use relaykeep_webext::worker as browser;
use std::cell::Cell;
use std::rc::Rc;

/// A site that keeps failing is not asked again what it is sooner than this.
const ASKED_LASTS: Millis = 60_000;

/// Counts what a look costs.
struct Counting<'a> {
    http: &'a CallHttp<'a>,
    requests: Cell<u32>,
}

impl Http for Counting<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.requests.set(self.requests.get() + 1);
        self.http.send(request).await
    }
}

/// What every place was seen to be. The session is read once, before anything is added to it.
async fn all(worker: &Worker) -> MappedMutexGuard<'_, Option<Sights>, Sights> {
    let mut all = worker.sights.lock().await;
    if all.is_none() {
        *all = Some(session::sights().await);
    }
    MutexGuard::map(all, Option::get_or_insert_default)
}

/// What a place was seen to be, whenever that was.
pub(crate) async fn recall(worker: &Worker, place: &str) -> Option<Seen> {
    all(worker).await.get(place).cloned()
}

/// Keeps what a place was seen to be.
pub(crate) async fn keep(worker: &Rc<Worker>, place: &str, seen: Seen) {
    // A worker that has just started opens what is open first.
    let _ = worker.open().await;
    let mut sights = all(worker).await;
    if worker.peek().is_none() {
        // Locked: the session holds nothing.
        return;
    }
    sights.put(place.to_owned(), seen);
    session::keep_sights(&sights).await;
}

/// An answer no longer fits what the site was seen to be.
pub(crate) async fn forget(worker: &Worker, base_url: &str) {
    let mut sights = all(worker).await;
    if worker.peek().is_none() {
        return;
    }
    sights.forget(base_url);
    session::keep_sights(&sights).await;
}

/// What a site is, without credentials: as it was seen within the last day, unless it shall be
/// asked in any case. What is seen with a closed vault is not kept.
pub(crate) async fn of(
    worker: &Rc<Worker>,
    open: Option<&Rc<Open>>,
    base: &BaseUrl,
    anew: bool,
) -> Sight {
    let now = browser::now();
    let held = match open {
        Some(_) if !anew => recall(worker, base.as_str()).await,
        Some(_) | None => None,
    };
    if let Some(seen) = held.filter(|seen| seen.is_fresh(now)) {
        return Sight {
            recognition: seen.recognition,
            look: seen.look,
        };
    }
    let http = CallHttp { worker, open };
    let counting = Counting {
        http: &http,
        requests: Cell::new(0),
    };
    // Only a stopped probe has no verdict; that says nothing about the site.
    let recognition = detect::probe(&counting, &SystemClock, base)
        .await
        .unwrap_or(Recognition::Unreachable);
    let look = Look {
        at: now,
        requests: counting.requests.get(),
    };
    if open.is_some() {
        let seen = Seen {
            recognition: recognition.clone(),
            look,
            offer: None,
        };
        keep(worker, base.as_str(), seen).await;
    }
    Sight { recognition, look }
}

/// A site's answer to an account does not fit: is it still what it was? What troubles it now, and
/// what was learned of its generation is kept.
pub(crate) async fn retest(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    trouble: SiteTrouble,
) -> SiteTrouble {
    let doubtful = matches!(
        trouble,
        SiteTrouble::LoginExpired
            | SiteTrouble::SignInAtSite
            | SiteTrouble::NotARelay
            | SiteTrouble::BadAnswer
            | SiteTrouble::Absent
            | SiteTrouble::KindChanged { .. }
    );
    let Ok(account) = open.account(id) else {
        return trouble;
    };
    let Ok(base) = BaseUrl::parse(account.base_url()) else {
        return trouble;
    };
    if !doubtful {
        return trouble;
    }
    let now = browser::now();
    let just_asked = recall(worker, base.as_str())
        .await
        .is_some_and(|seen| now.saturating_sub(seen.look.at) < ASKED_LASTS && seen.look.at <= now);
    let sight = of(worker, Some(open), &base, !just_asked).await;
    match sight.recognition {
        Recognition::Relay {
            kind, generation, ..
        } => {
            if kind != account.kind() {
                return SiteTrouble::KindChanged { now: Some(kind) };
            }
            if let Some(generation) = generation {
                let lane = open.lane(id);
                let _one = lane.lock().await;
                if let Ok(mut account) = open.account(id)
                    && account.set_generation(generation)
                    && open.commit(account.changes()).await.is_ok()
                {
                    open.book.borrow_mut().keep(account);
                }
            }
            trouble
        }
        Recognition::NotARelay(clues)
            if clues.iter().any(|clue| clue.what == detect::OTHER_PRODUCT) =>
        {
            SiteTrouble::KindChanged { now: None }
        }
        Recognition::NotARelay(_)
        | Recognition::NoHint
        | Recognition::Unreachable
        | Recognition::Challenge => trouble,
    }
}

/// The account whose site's address this one can be taken for.
pub(crate) fn looks_like(open: &Open, base: &BaseUrl) -> Option<AccountId> {
    let book = open.book.borrow();
    let held = book
        .accounts()
        .filter_map(|account| Some((account.id(), BaseUrl::parse(account.base_url()).ok()?)));
    site::taken_for(base, held)
}
