//! Jobs: long work that is journaled, can be stopped, and goes on after any death of the worker.
//!
//! What is written when: a job's journal before its first request, before every request that
//! costs a scarce limit or changes something at a site, and when it waits or ends. Requests that
//! only read are written together, at most every half second: repeating one does no harm.

use crate::ports::SystemEntropy;
use crate::sync::{note_trouble, reveal, sync};
use crate::worker::{ALARM_SYNC, ALARM_WAKE, Open, Worker, ports, the_worker, writing};
use futures_channel::oneshot;
use futures_util::future::join_all;
use relaykeep_core::book::{Account, Trace, close_job, fitted};
use relaykeep_core::http::{Bucket, Http, HttpError, HttpRequest, HttpResponse, Method};
use relaykeep_core::site::SiteError;
use relaykeep_core::sorted::by_rank_down;
use relaykeep_core::vault::Change;
use relaykeep_protocol::{
    AccountId, ErrorCode, ItemState, JobId, JobItem, JobKind, JobState, JobView, KeyRef, Millis,
    Outcome, RemoteId, SiteTrouble, Step, Task, VaultMode, Wait,
};
use relaykeep_webext::worker as browser;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

const SLOTS: u8 = 16;
const JOURNAL_EVERY: Millis = 500;
/// How long an answer to "who is signed in" serves requests that only read.
const WHO_HOLDS: Millis = 2_000;
/// A job that changes keys begins no larger than this: its journal and its record hold 64 KiB, and
/// results come on top.
const MOST_BYTES: usize = 24 * 1024;

/// A job that has not ended.
pub(crate) struct Running {
    pub(crate) view: RefCell<JobView>,
    slot: u8,
    pub(crate) stop: Cell<bool>,
    at_work: Cell<bool>,
    journaled_at: Cell<Millis>,
    journaling: futures_util::lock::Mutex<()>,
    told_at: Cell<Millis>,
    ended: RefCell<Vec<oneshot::Sender<()>>>,
    /// What it found and left, once it has read or written any of it.
    pub(crate) trace: futures_util::lock::Mutex<Option<Trace>>,
}

/// The HTTP port of one job: the worker's egress, which stops when the job does.
pub(crate) struct JobHttp {
    pub(crate) worker: Rc<Worker>,
    pub(crate) open: Rc<Open>,
    pub(crate) job: Rc<Running>,
    pub(crate) account: AccountId,
    /// When the site last said whom the browser's cookies belong to.
    asked_who: Cell<Millis>,
}

impl Http for JobHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let stopped = || self.open.is_closing() || self.job.stop.get();
        if stopped() {
            return Err(HttpError::Stopped);
        }
        // A request that is scarce or changes something is written down before it is made, and its
        // answer is awaited by a lock.
        let harmless = request.bucket == Bucket::Ordinary && request.method == Method::Get;
        if !self.job.journal(&self.open, !harmless).await && !harmless {
            // What is not written down does not leave: after a death it would be done twice.
            return Err(HttpError::Stopped);
        }
        let _precious = (!harmless).then(|| self.open.hold_precious());
        // A question that a key itself signs is not the login's.
        let by_key = request.method == Method::Get && request.url.ends_with("/v1/models");
        if request.with_cookie && !by_key {
            // Read as somebody else, a key of ours would be "gone": work asks before it reads, too.
            let works = self.job.view.borrow().kind.is_work();
            let fresh = browser::now().saturating_sub(self.asked_who.get()) < WHO_HOLDS;
            if !harmless || works && !fresh {
                let JobHttp { worker, open, .. } = self;
                crate::browser_login::same_login(worker, open, &self.account, &request).await?;
                self.asked_who.set(browser::now());
            }
        }
        self.worker.egress.send(request, stopped).await
    }
}

/// Starts a job over these items. Accounts that a running job of the same kind still has before
/// it are not taken up twice; if none is left, that job's id is the answer.
pub(crate) async fn start(
    open: &Rc<Open>,
    kind: JobKind,
    mut items: Vec<JobItem>,
) -> Result<JobId, ErrorCode> {
    let syncs = |kind| {
        matches!(
            kind,
            JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen
        )
    };
    if syncs(kind) {
        let mut covering = None;
        for (id, job) in open.running.borrow().iter() {
            let view = job.view.borrow();
            if !syncs(view.kind) {
                continue;
            }
            items.retain(|item| {
                let covered = view.items.iter().any(|held| {
                    held.account == item.account && !matches!(held.state, ItemState::Ended(_))
                });
                if covered {
                    covering = Some(id.clone());
                }
                !covered
            });
        }
        if let (true, Some(id)) = (items.is_empty(), covering) {
            return Ok(id);
        }
    }
    let view = new_view(kind, items)?;
    if kind.is_work() && relaykeep_core::json::write(&view).len() > MOST_BYTES {
        let keys: usize = view.items.iter().map(keys_in).sum();
        return Err(ErrorCode::TooMany {
            most: u32::try_from(keys / 2).unwrap_or(u32::MAX).max(1),
        });
    }
    if open.is_closing() {
        return Err(ErrorCode::Locked);
    }
    let job = admit(open, view).ok_or(ErrorCode::Conflict)?;
    job.journal(open, true).await;
    let id = job.view.borrow().id.clone();
    spawn_local(run(the_worker(), Rc::clone(open), job));
    Ok(id)
}

/// The job that is fetching just this key, if one is.
pub(crate) fn revealing(open: &Open, key: &KeyRef) -> Option<JobId> {
    let running = open.running.borrow();
    let found = running.iter().find(|(_, job)| {
        let view = job.view.borrow();
        view.kind == JobKind::Reveal
            && !job.stop.get()
            && view.items.iter().any(|item| {
                item.account == key.account
                    && item.keys == [key.id.clone()]
                    && !matches!(item.state, ItemState::Ended(_) | ItemState::Blocked(_))
            })
    });
    found.map(|(id, _)| id.clone())
}

/// How many keys an item is about.
pub(crate) fn keys_in(item: &JobItem) -> usize {
    match item.task.as_deref() {
        Some(Task::Create(making)) => making.len(),
        Some(
            Task::Change { .. } | Task::Delete | Task::Remove | Task::Replace(_) | Task::Undo(..),
        )
        | None => item.keys.len(),
    }
}

/// Finds a job a place in the journal.
fn admit(open: &Rc<Open>, view: JobView) -> Option<Rc<Running>> {
    let mut running = open.running.borrow_mut();
    let slot = (0..SLOTS).find(|slot| running.values().all(|job| job.slot != *slot))?;
    let job = Rc::new(Running::new(view, slot));
    let id = job.view.borrow().id.clone();
    running.insert(id, Rc::clone(&job));
    Some(job)
}

/// Journals that a site is about to be asked for a new token, which ends the old one. If the
/// worker dies before [`end_token`], the job says that the old one was probably replaced.
pub(crate) async fn begin_token(
    open: &Rc<Open>,
    account: Option<AccountId>,
    name: String,
) -> Result<Rc<Running>, ErrorCode> {
    let item = JobItem {
        account: account.unwrap_or(AccountId(String::new())),
        name,
        keys: Vec::new(),
        state: ItemState::Running(Step::MakingToken),
        goal: 0,
        said: None,
        task: None,
        over: 0,
        bad: 0,
        failed: Vec::new(),
        results: Vec::new(),
        sent: None,
        unsure: Vec::new(),
    };
    let job = admit(open, new_view(JobKind::MakeToken, vec![item])?).ok_or(ErrorCode::Conflict)?;
    job.journal(open, true).await;
    Ok(job)
}

/// How it went.
pub(crate) async fn end_token(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    job: &Rc<Running>,
    outcome: Outcome,
) {
    job.set(0, ItemState::Ended(outcome));
    rest(worker, open, job).await;
}

fn new_view(kind: JobKind, items: Vec<JobItem>) -> Result<JobView, ErrorCode> {
    let mut id = [0; 16];
    relaykeep_core::ports::Entropy::fill(&SystemEntropy, &mut id)
        .map_err(|_| ErrorCode::Randomness)?;
    Ok(JobView {
        id: JobId(relaykeep_core::book::account_id(id).0),
        kind,
        state: JobState::Running,
        started: browser::now(),
        ended: None,
        items,
        retried: false,
    })
}

/// After the vault was opened: takes up what the journal says was under way.
pub(crate) async fn resume(worker: &Rc<Worker>, open: &Rc<Open>) {
    let journal = open.vault.lock().await.read_jobs(ports()).await;
    for (slot, body) in journal {
        let Some(mut view) = body
            .ok()
            .and_then(|body| relaykeep_core::json::read::<JobView>(&body).ok())
        else {
            continue;
        };
        for item in &mut view.items {
            match (&item.state, view.kind) {
                (ItemState::Running(_), JobKind::MakeToken) => {
                    // The site may have replaced the token; asking again would replace it again.
                    item.state = ItemState::Ended(Outcome::TokenInDoubt);
                }
                // It may have been seen to meanwhile; asking costs one request at most.
                (ItemState::Running(_) | ItemState::Blocked(_), _) => {
                    item.state = ItemState::Pending;
                }
                (ItemState::Pending | ItemState::Waiting { .. } | ItemState::Ended(_), _) => {}
            }
        }
        let stopping = view.state == JobState::Stopping;
        let job = Rc::new(Running::new(view, slot));
        job.stop.set(stopping);
        let id = job.view.borrow().id.clone();
        open.running.borrow_mut().insert(id, Rc::clone(&job));
        spawn_local(run(Rc::clone(worker), Rc::clone(open), job));
    }
}

/// An alarm rang: takes up what waited, if its time has come.
pub(crate) fn wake(worker: &Rc<Worker>, open: &Rc<Open>) {
    for job in open.running.borrow().values() {
        if !job.at_work.get() {
            spawn_local(run(Rc::clone(worker), Rc::clone(open), Rc::clone(job)));
        }
    }
}

/// A person has seen to these accounts: what waited for that goes on.
pub(crate) fn unblock(worker: &Rc<Worker>, open: &Rc<Open>, accounts: &[AccountId]) {
    let jobs: Vec<Rc<Running>> = open.running.borrow().values().cloned().collect();
    for job in jobs {
        let mut any = false;
        for item in &mut job.view.borrow_mut().items {
            if matches!(item.state, ItemState::Blocked(_)) && accounts.contains(&item.account) {
                item.state = ItemState::Pending;
                any = true;
            }
        }
        if any && !job.at_work.get() {
            spawn_local(run(Rc::clone(worker), Rc::clone(open), job));
        }
    }
}

/// Only a person can bring this about, and then the work can go on where it stood.
pub(crate) fn is_a_persons(trouble: &SiteTrouble) -> bool {
    matches!(
        trouble,
        SiteTrouble::PermissionMissing
            | SiteTrouble::Challenge
            | SiteTrouble::SignInAtSite
            | SiteTrouble::TabNeeded
    )
}

/// Sets the repeating alarm as the settings say, without touching one that is right already.
pub(crate) async fn schedule(open: &Rc<Open>) {
    let Some(minutes) = open.settings().sync_every_minutes else {
        browser::clear_alarm(ALARM_SYNC);
        return;
    };
    let period = f64::from(minutes.max(1));
    let set = browser::alarm_period(ALARM_SYNC).await;
    if set.is_none_or(|set| (set - period).abs() > period * 0.2) {
        // A fifth of the period at random, so that no station sees all its users at once.
        let mut dice = [0; 1];
        let _ = getrandom::fill(&mut dice);
        let jitter = 1.0 - f64::from(dice[0]) / 255.0 * 0.2;
        browser::set_repeating_alarm(ALARM_SYNC, period * jitter, period);
    }
}

/// Everything a page shows under Activity.
pub(crate) fn all_views(open: &Open) -> Vec<JobView> {
    let running: Vec<JobView> = open
        .running
        .borrow()
        .values()
        .map(|job| job.view.borrow().clone())
        .collect();
    let mut views = by_rank_down(running, |view| (view.started, 0));
    views.extend(open.book.borrow().jobs.newest_first());
    views
}

/// Items for a sync of these accounts, or of all. Disabled ones are left out.
pub(crate) fn items_for(open: &Open, accounts: &[AccountId]) -> Vec<JobItem> {
    open.book
        .borrow()
        .accounts()
        .filter(|account| accounts.is_empty() || accounts.contains(&account.id()))
        .filter(|account| !account.is_disabled())
        .map(|account| item(account, Vec::new()))
        .collect()
}

pub(crate) fn item(account: &Account, keys: Vec<RemoteId>) -> JobItem {
    JobItem {
        account: account.id(),
        name: account.name(),
        keys,
        state: ItemState::Pending,
        goal: 0,
        said: None,
        task: None,
        over: 0,
        bad: 0,
        failed: Vec::new(),
        results: Vec::new(),
        sent: None,
        unsure: Vec::new(),
    }
}

/// Asks a job to stop after the request under way.
pub(crate) async fn stop(open: &Rc<Open>, id: &JobId) -> Result<(), ErrorCode> {
    let job = open
        .running
        .borrow()
        .get(id)
        .cloned()
        .ok_or(ErrorCode::NoSuchJob)?;
    job.stop.set(true);
    job.view.borrow_mut().state = JobState::Stopping;
    job.journal(open, true).await;
    the_worker().pages.job(&job.view.borrow());
    if !job.at_work.get() {
        spawn_local(run(the_worker(), Rc::clone(open), job));
    }
    Ok(())
}

/// Waits for a job to end, or to wait for something itself.
pub(crate) async fn rest_of(open: &Rc<Open>, id: &JobId) {
    let receiver = {
        let running = open.running.borrow();
        let Some(job) = running.get(id) else { return };
        if !job.at_work.get() && !matches!(job.view.borrow().state, JobState::Running) {
            return;
        }
        let (sender, receiver) = oneshot::channel();
        job.ended.borrow_mut().push(sender);
        receiver
    };
    let _ = receiver.await;
}

/// How one account's item in a job stands, wherever the job is now.
pub(crate) fn item_state(open: &Open, id: &JobId, account: &AccountId) -> Option<ItemState> {
    let of = |view: &JobView| {
        view.items
            .iter()
            .find(|item| item.account == *account)
            .map(|item| item.state.clone())
    };
    if let Some(job) = open.running.borrow().get(id) {
        return of(&job.view.borrow());
    }
    let finished = open.book.borrow().jobs.newest_first();
    finished.iter().find(|view| view.id == *id).and_then(of)
}

impl Running {
    fn new(view: JobView, slot: u8) -> Self {
        Self {
            view: RefCell::new(view),
            slot,
            stop: Cell::new(false),
            at_work: Cell::new(false),
            journaled_at: Cell::new(0),
            journaling: futures_util::lock::Mutex::new(()),
            told_at: Cell::new(0),
            ended: RefCell::default(),
            trace: futures_util::lock::Mutex::new(None),
        }
    }

    /// Writes the journal: at once if it must be on disk before going on, else now and then.
    /// Says whether it is on disk, where it had to be.
    pub(crate) async fn journal(&self, open: &Rc<Open>, must: bool) -> bool {
        let now = browser::now();
        if !must && now.saturating_sub(self.journaled_at.get()) < JOURNAL_EVERY {
            return true;
        }
        self.journaled_at.set(now);
        // A lock waits for what must be on disk.
        let _precious = must.then(|| open.hold_precious());
        let _one = self.journaling.lock().await;
        let view = fitted(self.view.borrow().clone());
        let body = relaykeep_core::json::write(&view);
        let vault = open.vault.lock().await;
        if open.is_over() {
            // The place in the ring may be another's by now.
            return false;
        }
        vault.write_job(ports(), self.slot, &body).await.is_ok()
    }

    pub(crate) fn set(&self, at: usize, state: ItemState) {
        let mut view = self.view.borrow_mut();
        view.items[at].state = state;
        let ended = view
            .items
            .iter()
            .all(|item| matches!(item.state, ItemState::Ended(_)));
        let now = browser::now();
        // A hundred accounts move at once: pages hear of it ten times a second, and of the end.
        if ended || now.saturating_sub(self.told_at.get()) >= 100 {
            self.told_at.set(now);
            the_worker().pages.job(&view);
        }
    }
}

/// Works a job off. Called again whenever something it waited for may have come.
async fn run(worker: Rc<Worker>, open: Rc<Open>, job: Rc<Running>) {
    if job.at_work.replace(true) {
        return;
    }
    if !job.stop.get() {
        job.view.borrow_mut().state = JobState::Running;
    }
    // If the worker dies meanwhile, this brings it back; it is put off as long as the job runs.
    browser::set_repeating_alarm(ALARM_WAKE, 0.5, 0.5);
    let (over, awake) = oneshot::channel::<()>();
    spawn_local(keep_awake(awake));
    let now = browser::now();
    let due: Vec<usize> = (0..job.view.borrow().items.len())
        .filter(|at| match job.view.borrow().items[*at].state {
            ItemState::Pending => true,
            ItemState::Waiting { until } => until <= now || job.stop.get(),
            ItemState::Blocked(_) => job.stop.get(),
            ItemState::Running(_) | ItemState::Ended(_) => false,
        })
        .collect();
    worker.pages.job(&job.view.borrow());
    join_all(due.into_iter().map(|at| run_item(&worker, &open, &job, at))).await;
    drop(over);
    job.at_work.set(false);
    if open.is_closing() {
        // Locked in the middle: the journal has it, and unlocking takes it up again.
        job.journal(&open, true).await;
        for sender in job.ended.take() {
            let _ = sender.send(());
        }
        return;
    }
    rest(&worker, &open, &job).await;
    for sender in job.ended.take() {
        let _ = sender.send(());
    }
    let idle = open.running.borrow().values().all(|job| !job.at_work.get());
    if idle {
        wake_at_the_earliest(&open);
    }
}

/// Sets the alarm to the earliest time any job waits for.
fn wake_at_the_earliest(open: &Open) {
    let waits = open.running.borrow();
    let earliest = waits
        .values()
        .filter_map(|job| match job.view.borrow().state {
            JobState::Waiting(Wait::Until(until)) => Some(until),
            JobState::Running
            | JobState::Waiting(Wait::Unlock | Wait::Person)
            | JobState::Stopping
            | JobState::Done
            | JobState::Stopped => None,
        });
    match earliest.min() {
        Some(at) => browser::set_alarm(ALARM_WAKE, at),
        None => browser::clear_alarm(ALARM_WAKE),
    }
}

/// What a job's items wait for, the earliest time first.
fn waits_for(items: &[JobItem]) -> Option<Wait> {
    let mut blocked = None;
    let mut earliest = None;
    for item in items {
        match item.state {
            ItemState::Waiting { until } => {
                earliest = Some(earliest.map_or(until, |at: Millis| at.min(until)));
            }
            ItemState::Blocked(_) => blocked = Some(Wait::Person),
            ItemState::Pending | ItemState::Running(_) | ItemState::Ended(_) => {}
        }
    }
    earliest.map(Wait::Until).or(blocked)
}

/// Every item has ended or waits: the job ends, or waits with them.
async fn rest(worker: &Rc<Worker>, open: &Rc<Open>, job: &Rc<Running>) {
    // To the end: a job whose record is kept must not be found in the journal again.
    let _precious = open.hold_precious();
    let wait = waits_for(&job.view.borrow().items);
    if let (Some(wait), false) = (wait, job.stop.get()) {
        job.view.borrow_mut().state = JobState::Waiting(wait);
        job.journal(open, true).await;
        worker.pages.job(&job.view.borrow());
        return;
    }
    let now = browser::now();
    close_job(&mut job.view.borrow_mut(), now);
    let view = job.view.borrow().clone();
    let (mut changes, dropped) = {
        let mut book = open.book.borrow_mut();
        let (mut changes, dropped) = book.jobs.add(&view, now);
        changes.push(book.ledger_change());
        (changes, dropped)
    };
    {
        let vault = open.vault.lock().await;
        let traces = vault
            .records()
            .filter(|id| dropped.iter().any(|job| Trace::is_of(job, id)));
        changes.extend(traces.map(Change::Delete));
    }
    if open.commit(changes).await.is_ok() {
        let (open, slot) = (Rc::clone(open), job.slot);
        let _ = writing(async move {
            let vault = open.vault.lock().await;
            if !open.is_over() {
                vault.clear_job(ports(), slot).await?;
                vault.sweep(ports()).await?;
            }
            Ok(())
        })
        .await;
    }
    open.running.borrow_mut().remove(&view.id);
    worker.pages.job(&view);
}

async fn keep_awake(mut over: oneshot::Receiver<()>) {
    // The sender is dropped when the job rests.
    while matches!(over.try_recv(), Ok(None)) {
        browser::stay_awake();
        browser::sleep(20_000).await;
    }
}

async fn run_item(worker: &Rc<Worker>, open: &Rc<Open>, job: &Rc<Running>, at: usize) {
    let (id, kind, keys) = {
        let view = job.view.borrow();
        (
            view.items[at].account.clone(),
            view.kind,
            view.items[at].keys.clone(),
        )
    };
    if open.book.borrow().account(&id).is_none() {
        return job.set(at, ItemState::Ended(Outcome::Removed));
    }
    let http = JobHttp {
        worker: Rc::clone(worker),
        open: Rc::clone(open),
        job: Rc::clone(job),
        account: id.clone(),
        asked_who: Cell::new(0),
    };
    let done = match kind {
        JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen => {
            let synced = sync(&http, at, &id).await;
            if let (Ok(_), true) = (&synced, open.settings().reveal_after_sync) {
                let _ = reveal(&http, at, &id, &[]).await;
            }
            synced
        }
        JobKind::Reveal => reveal(&http, at, &id, &keys).await,
        JobKind::Create
        | JobKind::Edit
        | JobKind::Enable
        | JobKind::Disable
        | JobKind::Delete
        | JobKind::Remove
        | JobKind::Replace
        | JobKind::Undo => crate::work_run::carry_out(&http, at, &id).await,
        // Carried out by the call that journaled it; a job found here was cut.
        JobKind::MakeToken => Ok(Outcome::TokenInDoubt),
    };
    let done = match done {
        Ok(outcome) => Ok(outcome),
        Err(ending) => Err(crate::browser_login::read_ending(worker, open, &id, ending).await),
    };
    if open.is_over() {
        // The journal has it; another vault may be on the pages.
        return;
    }
    match done {
        Ok(outcome) => job.set(at, ItemState::Ended(outcome)),
        Err(Ending::Stopped) if open.is_closing() => job.set(at, ItemState::Pending),
        Err(Ending::Stopped) => job.set(at, ItemState::Ended(Outcome::Stopped)),
        Err(Ending::Waits(until)) if kind == JobKind::Reveal || kind.is_work() => {
            job.set(at, ItemState::Waiting { until })
        }
        Err(Ending::Waits(until)) => {
            let trouble = SiteTrouble::RateLimited { until };
            note_trouble(worker, open, &id, trouble.clone()).await;
            job.set(at, ItemState::Ended(Outcome::Failed(trouble)));
        }
        // One key to be copied is not waited for: whoever asked is told.
        Err(Ending::Failed(trouble, said))
            if is_a_persons(&trouble)
                && !job.stop.get()
                && (kind.is_work() || kind == JobKind::Reveal && keys.len() != 1) =>
        {
            note_trouble(worker, open, &id, trouble.clone()).await;
            job.view.borrow_mut().items[at].said = said;
            job.set(at, ItemState::Blocked(trouble));
        }
        Err(Ending::Failed(trouble, said)) => {
            let syncs = matches!(
                kind,
                JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen
            );
            let trouble = if syncs {
                crate::sight::retest(worker, open, &id, trouble).await
            } else {
                trouble
            };
            note_trouble(worker, open, &id, trouble.clone()).await;
            job.view.borrow_mut().items[at].said = said;
            job.set(at, ItemState::Ended(Outcome::Failed(trouble)));
        }
        Err(Ending::Ours(error)) => job.set(at, ItemState::Ended(Outcome::NotSaved(error))),
    }
}

/// Why an item did not come to its end.
pub(crate) enum Ending {
    Stopped,
    Waits(Millis),
    Failed(SiteTrouble, Option<String>),
    /// A fault on our side, the vault's most likely.
    Ours(ErrorCode),
}

impl Ending {
    /// In the words the user is told.
    pub(crate) fn trouble(self) -> SiteTrouble {
        match self {
            Self::Failed(trouble, _) => trouble,
            Self::Waits(until) => SiteTrouble::RateLimited { until },
            Self::Stopped => SiteTrouble::Unreachable,
            // The login's record does not read.
            Self::Ours(_) => SiteTrouble::LoginExpired,
        }
    }
}

impl From<SiteError> for Ending {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::Http(HttpError::Stopped) => Self::Stopped,
            SiteError::Http(HttpError::NotBefore(until)) => Self::Waits(until),
            SiteError::Http(error) => Self::Failed(error.trouble(), None),
            SiteError::Trouble(SiteTrouble::RateLimited { until }, _) => Self::Waits(until),
            SiteError::Trouble(trouble, said) => Self::Failed(trouble, said),
        }
    }
}

impl From<ErrorCode> for Ending {
    fn from(error: ErrorCode) -> Self {
        Self::Ours(error)
    }
}

/// The sync alarm rang.
pub(crate) async fn sync_by_alarm(worker: &Rc<Worker>) {
    match worker.open().await {
        Ok(open) => {
            let items = items_for(&open, &[]);
            if !items.is_empty() {
                let _ = start(&open, JobKind::SyncByAlarm, items).await;
            }
        }
        Err(ErrorCode::Locked) => {
            crate::session::note_due().await;
            crate::events::tell_state(worker).await;
        }
        Err(_) => {}
    }
}

/// After an unlock: what came due meanwhile is done once.
pub(crate) async fn catch_up(open: &Rc<Open>) {
    if crate::session::is_due().await {
        crate::session::settle_due().await;
        let items = items_for(open, &[]);
        if !items.is_empty() {
            let _ = start(open, JobKind::SyncByAlarm, items).await;
        }
    }
    debug_assert!(matches!(
        open.mode,
        VaultMode::Passphrase | VaultMode::Device
    ));
}
