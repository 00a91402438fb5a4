//! The worker's one state: closed, or an open vault with its book. All of it can vanish between
//! any two awaits; what matters is in the vault, the journal and the session.

use crate::browser_login::PageTokens;
use crate::egress::Egress;
use crate::events::Pages;
use crate::glimpse::Kept;
use crate::jobs::Running;
use crate::ports::{DATABASE, SystemClock, SystemEntropy, Table};
use crate::repair::AllOffers;
use crate::session::Session;
use crate::waiting::Waiting;
use crate::watch::Watch;
use futures_channel::oneshot;
use futures_util::lock::Mutex;
use relaykeep_core::book::{Account, Book, Keyring, RawObjects, fingerprint, unsealed};
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{RemoteKey, Sights};
use relaykeep_core::sorted::SortedMap;
use relaykeep_core::vault::{
    self, Body, Change, Deadline, Keys, Ports, RecordId, Start, Unlocked, Vault, VaultError,
};
use relaykeep_protocol::{
    AccountId, ErrorCode, JobId, KeyRef, Millis, Notice, RecoveryCause, Settings, VaultMode,
    VaultState,
};
use relaykeep_webext::{load_device_key, locks, worker as browser};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

/// Names on alarms say nothing of what they are for to anyone who reads the profile.
pub(crate) const ALARM_LOCK: &str = "a";
pub(crate) const ALARM_WAKE: &str = "b";
pub(crate) const ALARM_SYNC: &str = "c";
pub(crate) const ALARM_CLIPBOARD: &str = "d";
const WRITE_LOCK: &str = "rk";

/// One writer at a time: all that writes to the vault's stores goes through here.
pub(crate) async fn writing<T: 'static>(
    work: impl Future<Output = Result<T, VaultError>> + 'static,
) -> Result<T, ErrorCode> {
    match locks::exclusively(WRITE_LOCK, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(ErrorCode::Conflict),
    }
}

/// The browser behind the core's ports.
pub(crate) fn ports() -> Ports<'static, Table, Table, SystemEntropy, SystemClock> {
    Ports {
        local: &Table::Local,
        mirror: &Table::Mirror,
        entropy: &SystemEntropy,
        clock: &SystemClock,
    }
}

/// The worker.
pub(crate) struct Worker {
    pub(crate) egress: Egress,
    pub(crate) pages: Pages,
    open: RefCell<Option<Rc<Open>>>,
    /// One opening, unlocking or locking at a time.
    opening: Mutex<()>,
    /// Locks that were asked for and are not done: until then nothing opens.
    locking: Cell<u32>,
    /// The vault was closed, and not opened since: pages hear of the state only.
    silent: Cell<bool>,
    /// How often the vault was opened or closed.
    turns: Cell<u32>,
    pub(crate) notices: RefCell<Vec<Notice>>,
    /// What sites offer, once it was read from the session; one use at a time.
    pub(crate) offers: Mutex<Option<AllOffers>>,
    /// What sites were recognised as, likewise.
    pub(crate) sights: Mutex<Option<Sights>>,
    pub(crate) page_tokens: PageTokens,
    pub(crate) waiting: Waiting,
    pub(crate) watch: Watch,
    pub(crate) glimpse: Kept,
}

thread_local! {
    static WORKER: Rc<Worker> = Rc::new(Worker {
        egress: Egress::new(),
        pages: Pages::default(),
        open: RefCell::new(None),
        opening: Mutex::new(()),
        locking: Cell::new(0),
        silent: Cell::new(false),
        turns: Cell::new(0),
        notices: RefCell::default(),
        offers: Mutex::new(None),
        sights: Mutex::new(None),
        page_tokens: PageTokens::default(),
        waiting: Waiting::default(),
        watch: Watch::default(),
        glimpse: Kept::default(),
    });
}

/// The one worker.
pub(crate) fn the_worker() -> Rc<Worker> {
    WORKER.with(Rc::clone)
}

/// Tells one task how the commit with its changes went.
type Committed = oneshot::Sender<Result<(), ErrorCode>>;
/// Every full key in lower case, with its name.
pub(crate) type Searchable = Rc<Vec<(KeyRef, Secret)>>;

/// An open vault.
pub(crate) struct Open {
    pub(crate) mode: VaultMode,
    pub(crate) vault: Mutex<Vault>,
    pub(crate) book: RefCell<Book>,
    pub(crate) running: RefCell<SortedMap<JobId, Rc<Running>>>,
    /// One piece of work at a time per account, from reading its records to their commit.
    lanes: RefCell<SortedMap<AccountId, Rc<Mutex<()>>>>,
    /// One look at or change of an account's keys at its site at a time, from the reading to the
    /// read-back: a list read meanwhile would be old.
    desks: RefCell<SortedMap<AccountId, Rc<Mutex<()>>>>,
    /// One refresh of an account's own session at a time.
    refreshers: RefCell<SortedMap<AccountId, Rc<Mutex<()>>>>,
    /// The access tokens of such sessions, once they were read.
    pub(crate) access: RefCell<Option<SortedMap<AccountId, crate::session::Access>>>,
    session: RefCell<Session>,
    /// The vault is being locked, or opened anew: nothing new begins.
    closing: Cell<bool>,
    /// It has been: another may be open by now, and nothing is written through this one any more.
    over: Cell<bool>,
    /// Answers under way that cannot be asked for again, or cost a scarce limit.
    precious: Cell<u32>,
    settled: RefCell<Vec<oneshot::Sender<()>>>,
    queue: RefCell<Vec<(Vec<Change>, Committed)>>,
    committing: Cell<bool>,
    /// All full keys, for searching; only between the first search and the lock.
    pub(crate) searchable: RefCell<Option<Searchable>>,
}

impl Worker {
    /// Where things stand, without opening anything that is not open.
    pub(crate) async fn state(self: &Rc<Self>) -> VaultState {
        match self.open().await {
            Ok(open) => open.state(),
            Err(ErrorCode::NoVault) => VaultState::New,
            Err(ErrorCode::NewerVersion) => VaultState::Newer,
            Err(ErrorCode::Locked) => VaultState::Locked,
            Err(_) => match vault::look(ports()).await {
                Start::Recovery(cause) => VaultState::Recovery(cause),
                Start::New => VaultState::New,
                Start::Newer => VaultState::Newer,
                Start::Sealed(_) => VaultState::Recovery(RecoveryCause::RootsDamaged),
            },
        }
    }

    /// The open vault, opened from the session (or the device key) if the worker has just started.
    pub(crate) async fn open(self: &Rc<Self>) -> Result<Rc<Open>, ErrorCode> {
        if let Some(open) = self.opened()? {
            return Ok(open);
        }
        let _one = self.opening.lock().await;
        if let Some(open) = self.opened()? {
            return Ok(open);
        }
        let open = self.open_anew().await?;
        self.admit(open)
    }

    async fn open_anew(self: &Rc<Self>) -> Result<Rc<Open>, ErrorCode> {
        if let Some(mut session) = Session::load().await {
            if session.check(browser::now()).is_none() {
                Session::forget().await;
                return Err(ErrorCode::Locked);
            }
            if let Some(keys) = Keys::from_session(session.keys_text()) {
                // What the check noted of the clock is written while the vault is read.
                let noted = session.clone();
                spawn_local(async move {
                    let _ = noted.save().await;
                });
                match self.take_over(keys, session).await {
                    // All was sealed anew, and the worker ended before the session had the new keys.
                    Err(ErrorCode::Locked) => Session::forget().await,
                    // Set aside, and the worker ended before it forgot.
                    Err(ErrorCode::NeedsRecovery)
                        if matches!(vault::look(ports()).await, Start::New) =>
                    {
                        Session::forget().await;
                    }
                    opened => return opened,
                }
            }
        } else {
            // What a page kept just as it was locked.
            crate::session::forget_looks().await;
        }
        match vault::look(ports()).await {
            Start::New => Err(ErrorCode::NoVault),
            Start::Newer => Err(ErrorCode::NewerVersion),
            Start::Recovery(_) => Err(ErrorCode::NeedsRecovery),
            Start::Sealed(VaultMode::Passphrase) => Err(ErrorCode::Locked),
            Start::Sealed(VaultMode::Device) => {
                let copies: Vec<Secret> = load_device_key(DATABASE)
                    .await
                    .into_iter()
                    .filter_map(|bytes| String::from_utf8(bytes).ok().map(Secret::new))
                    .collect();
                let unlocked = vault::unlock_with_device_key(ports(), &copies).await?;
                self.begin(unlocked, VaultMode::Device).await
            }
        }
    }

    /// The open vault, if this worker holds it and it is not being locked.
    pub(crate) fn peek(&self) -> Option<Rc<Open>> {
        self.opened().ok().flatten()
    }

    /// How often the vault was opened or closed: what was learnt before the last time may be wrong.
    pub(crate) fn turns(&self) -> u32 {
        self.turns.get()
    }

    fn opened(&self) -> Result<Option<Rc<Open>>, ErrorCode> {
        if self.locking.get() > 0 {
            return Err(ErrorCode::Locked);
        }
        let Some(open) = self.open.borrow().clone() else {
            return Ok(None);
        };
        if open.closing.get() {
            // Not for a lock: it is opened anew in a moment, and whoever asks waits for that.
            return Ok(None);
        }
        if open.session.borrow_mut().check(browser::now()).is_none() {
            spawn_local(lock(true));
            return Err(ErrorCode::Locked);
        }
        Ok(Some(open))
    }

    /// What was just opened, unless a lock was asked for meanwhile.
    fn admit(&self, open: Rc<Open>) -> Result<Rc<Open>, ErrorCode> {
        if self.locking.get() > 0 {
            return Err(ErrorCode::Locked);
        }
        Ok(open)
    }

    /// Begins a session with the keys that `unlock` gets, unless one has begun meanwhile. A lock
    /// that is asked for while it gets them comes after, and holds.
    pub(crate) async fn begin_session(
        self: &Rc<Self>,
        mode: VaultMode,
        unlock: impl Future<Output = Result<Unlocked, ErrorCode>>,
    ) -> Result<Rc<Open>, ErrorCode> {
        let _one = self.opening.lock().await;
        if let Some(open) = self.opened()? {
            return Ok(open);
        }
        let open = self.begin(unlock.await?, mode).await?;
        self.admit(open)
    }

    /// Begins a session in the place of the one there is, whose keys open nothing any more once
    /// `change` is done. It begins when that has come to rest, and nobody opens the vault meanwhile.
    pub(crate) async fn replace_session(
        self: &Rc<Self>,
        mode: VaultMode,
        change: impl AsyncFnOnce(Option<Rc<Open>>) -> Result<Unlocked, ErrorCode>,
    ) -> Result<Rc<Open>, ErrorCode> {
        let _one = self.opening.lock().await;
        let old = self.opened()?;
        self.shut().await;
        let open = self.begin(change(old).await?, mode).await?;
        self.admit(open)
    }

    /// Ends the session: `change` sets aside what it was for.
    pub(crate) async fn end_session(
        &self,
        change: impl Future<Output = Result<(), ErrorCode>>,
    ) -> Result<(), ErrorCode> {
        let _one = self.opening.lock().await;
        self.shut().await;
        change.await?;
        Session::forget().await;
        Ok(())
    }

    /// Ends what is open, if anything is: answers that cannot be asked for again are awaited and
    /// sealed, and then nothing is written through it any more. Whoever calls holds `opening`.
    async fn shut(&self) {
        let open = self.open.borrow().clone();
        if let Some(open) = open {
            open.closing.set(true);
            open.settle().await;
            open.over.set(true);
            open.searchable.take();
        }
        self.silent.set(true);
        self.hold(None);
        self.page_tokens.forget();
        self.watch.forget();
        self.glimpse.forget();
        self.offers.lock().await.take();
        self.sights.lock().await.take();
    }

    async fn lock(&self) {
        // A worker that has just started may be opening the vault for somebody: that is locked too.
        let _one = self.opening.lock().await;
        let open = self.open.borrow().clone();
        let mode = match &open {
            Some(open) => open.mode,
            None => Session::load()
                .await
                .map_or(VaultMode::Passphrase, |session| session.mode),
        };
        if mode == VaultMode::Device {
            return;
        }
        if let Some(open) = open {
            open.closing.set(true);
        }
        // First of all: a worker that ends while answers are awaited comes back locked.
        Session::forget().await;
        self.shut().await;
        // What was noted with those answers.
        Session::forget().await;
        browser::clear_alarm(ALARM_LOCK);
    }

    async fn begin(
        self: &Rc<Self>,
        unlocked: Unlocked,
        mode: VaultMode,
    ) -> Result<Rc<Open>, ErrorCode> {
        let Unlocked { keys, notices } = unlocked;
        self.notices.borrow_mut().extend(notices);
        let deadline = Deadline::begin(browser::now(), None);
        let session = Session::new(&keys.to_session(), mode, deadline);
        session
            .begin()
            .await
            .map_err(|_| ErrorCode::StorageFailed)?;
        let open = match self.take_over(keys, session).await {
            Ok(open) => open,
            Err(error) => {
                Session::forget().await;
                return Err(error);
            }
        };
        open.touch().await;
        Ok(open)
    }

    async fn take_over(
        self: &Rc<Self>,
        keys: Keys,
        session: Session,
    ) -> Result<Rc<Open>, ErrorCode> {
        let (mut vault, notices) = Vault::open(ports(), keys.clone()).await?;
        self.notices.borrow_mut().extend(notices);
        let wanted: Vec<RecordId> = vault.records().filter(Book::wants).collect();
        let mut bodies = Vec::with_capacity(wanted.len());
        let mut rotten = Vec::new();
        for (id, body) in vault.read(ports(), &wanted).await {
            match body {
                Ok(body) => bodies.push((id, body)),
                Err(damage) if damage.is_final() => rotten.push(id),
                // The store may answer next time; a newer version's record is not ours to judge.
                Err(_) => {}
            }
        }
        let (book, unreadable) = Book::load(bodies);
        let damaged = u32::try_from(rotten.len())
            .unwrap_or(u32::MAX)
            .saturating_add(unreadable);
        if damaged > 0 {
            self.notices
                .borrow_mut()
                .push(Notice::RecordsSetAside(damaged));
        }
        if vault.is_unsettled() || !rotten.is_empty() {
            // What was opened becomes the newest state, and damaged bytes go to the quarantine. A
            // full disk must not keep the vault shut: then it is tried again at the next opening.
            let changes = rotten.into_iter().map(Change::SetAside).collect();
            let settling = async move { vault.commit(ports(), changes).await.map(|_| vault) };
            vault = match writing(settling).await {
                Ok(vault) => vault,
                Err(_) => Vault::open(ports(), keys).await?.0,
            };
        }
        let open = Rc::new(Open {
            mode: session.mode,
            vault: Mutex::new(vault),
            book: RefCell::new(book),
            running: RefCell::default(),
            lanes: RefCell::default(),
            desks: RefCell::default(),
            refreshers: RefCell::default(),
            access: RefCell::default(),
            session: RefCell::new(session),
            closing: Cell::new(false),
            over: Cell::new(false),
            precious: Cell::new(0),
            settled: RefCell::default(),
            queue: RefCell::default(),
            committing: Cell::new(false),
            searchable: RefCell::default(),
        });
        self.hold(Some(Rc::clone(&open)));
        self.silent.set(false);
        crate::jobs::resume(self, &open).await;
        let scheduled = Rc::clone(&open);
        spawn_local(async move {
            crate::jobs::schedule(&scheduled).await;
            let worker = the_worker();
            crate::waiting::arrange(&worker, &scheduled).await;
            crate::watch::arrange(&worker, &scheduled).await;
        });
        Ok(open)
    }

    /// The same of one open vault, if it is still the one.
    fn forget(&self, one: &Rc<Open>) {
        let same = self
            .open
            .borrow()
            .as_ref()
            .is_some_and(|open| Rc::ptr_eq(open, one));
        if same {
            self.forget_open();
        }
    }

    /// Lets the memory of the vault go, so that the next use reads it anew. Not a lock.
    fn forget_open(&self) {
        if let Some(open) = self.hold(None) {
            open.closing.set(true);
        }
    }

    /// Whether pages may hear of what is in the vault.
    pub(crate) fn is_silent(&self) -> bool {
        self.locking.get() > 0 || self.silent.get()
    }

    fn hold(&self, open: Option<Rc<Open>>) -> Option<Rc<Open>> {
        self.turns.set(self.turns.get().wrapping_add(1));
        self.open.replace(open)
    }
}

/// Locks: pages go blank at once; answers that cannot be asked for again are awaited and sealed;
/// then the keys are forgotten.
pub(crate) async fn lock(tell: bool) {
    let worker = the_worker();
    let open = worker.open.borrow().clone();
    if let Some(open) = open {
        if open.mode == VaultMode::Device {
            return;
        }
        open.closing.set(true);
        if tell {
            worker.pages.tell_locked(open.waiting_jobs());
        }
    }
    worker.locking.set(worker.locking.get() + 1);
    worker.lock().await;
    worker.locking.set(worker.locking.get() - 1);
    if tell {
        crate::events::tell_state(&worker).await;
    }
}

impl Open {
    pub(crate) fn state(&self) -> VaultState {
        VaultState::Unlocked {
            mode: self.mode,
            locks_at: self.locks_at(),
        }
    }

    /// When it locks by itself.
    pub(crate) fn locks_at(&self) -> Option<Millis> {
        self.session.borrow().locks_at()
    }

    /// It was locked, or opened anew: nothing is written through this any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
    }

    /// The vault is being locked.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// A person did something: the deadline moves. Jobs never call this.
    pub(crate) async fn touch(&self) {
        if self.closing.get() {
            // The session has been forgotten, or is about to be.
            return;
        }
        let now = browser::now();
        let minutes = self.book.borrow().settings().lock_after_minutes;
        let idle = match self.mode {
            VaultMode::Passphrase => minutes.map(|minutes| Millis::from(minutes) * 60_000),
            VaultMode::Device => None,
        };
        let (deadline, session) = {
            let mut session = self.session.borrow_mut();
            (session.touch(now, idle), session.clone())
        };
        match deadline.and_then(|deadline| deadline.lock_at) {
            Some(at) => browser::set_alarm(ALARM_LOCK, at),
            None => browser::clear_alarm(ALARM_LOCK),
        }
        let _ = session.save().await;
    }

    /// Holds the lock off until the returned guard is dropped. Whoever holds it never asks for
    /// [`Worker::open`], which may be waiting for just this.
    pub(crate) fn hold_precious(self: &Rc<Self>) -> Precious {
        self.precious.set(self.precious.get() + 1);
        Precious(Rc::clone(self))
    }

    async fn settle(&self) {
        while self.precious.get() > 0 || self.committing.get() {
            let (sender, receiver) = oneshot::channel();
            self.settled.borrow_mut().push(sender);
            let _ = receiver.await;
        }
    }

    fn wake_settled(&self) {
        for sender in self.settled.take() {
            let _ = sender.send(());
        }
    }

    /// One piece of work at a time per account.
    pub(crate) fn lane(&self, account: &AccountId) -> Rc<Mutex<()>> {
        Rc::clone(self.lanes.borrow_mut().entry(account.clone()).or_default())
    }

    /// One look at or change of an account's keys at its site at a time.
    pub(crate) fn desk(&self, account: &AccountId) -> Rc<Mutex<()>> {
        Rc::clone(self.desks.borrow_mut().entry(account.clone()).or_default())
    }

    /// One refresh of an account's own session at a time.
    pub(crate) fn refresher(&self, account: &AccountId) -> Rc<Mutex<()>> {
        Rc::clone(
            self.refreshers
                .borrow_mut()
                .entry(account.clone())
                .or_default(),
        )
    }

    /// Commits changes. Those of many tasks that come while one commit is under way go into the
    /// next one together.
    pub(crate) async fn commit(self: &Rc<Self>, changes: Vec<Change>) -> Result<(), ErrorCode> {
        if changes.is_empty() {
            return Ok(());
        }
        if self.over.get() {
            return Err(ErrorCode::Locked);
        }
        let (sender, receiver) = oneshot::channel();
        self.queue.borrow_mut().push((changes, sender));
        if !self.committing.replace(true) {
            spawn_local(Rc::clone(self).pump());
        }
        receiver.await.unwrap_or(Err(ErrorCode::StorageFailed))
    }

    async fn pump(self: Rc<Self>) {
        loop {
            let batch = self.queue.take();
            if batch.is_empty() {
                break;
            }
            // The last word about a record counts.
            let (changes, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let changes = changes.into_iter().flatten().collect();
            let open = Rc::clone(&self);
            let work = async move { open.vault.lock().await.commit(ports(), changes).await };
            let result = writing(work).await.map(|_| ());
            if result.is_err() {
                // Memory ran ahead of the disk: read it anew.
                the_worker().forget(&self);
            }
            for sender in senders {
                let _ = sender.send(result.clone());
            }
        }
        self.committing.set(false);
        self.wake_settled();
    }

    /// Reads some records' bodies; damaged ones are left out.
    pub(crate) async fn read(&self, ids: &[RecordId]) -> Result<Vec<(RecordId, Body)>, ErrorCode> {
        let vault = self.vault.lock().await;
        let read = vault.read(ports(), ids).await;
        Ok(read
            .into_iter()
            .filter_map(|(id, body)| body.ok().map(|body| (id, body)))
            .collect())
    }

    /// All sealed parts of one account.
    pub(crate) async fn unseal(
        &self,
        account: &Account,
    ) -> Result<(Keyring, RawObjects), ErrorCode> {
        let vault = self.vault.lock().await;
        let group = account.group();
        let sealed = |id: &RecordId| {
            id.group == group && (id.kind == vault::Kind::Keys || id.kind == vault::Kind::Raw)
        };
        // Also what the list names and the vault has not.
        let mut ids = account.sealed_records();
        ids.extend(vault.records().filter(sealed));
        let ids: Vec<RecordId> = ids.into_iter().collect();
        Ok(unsealed(vault.read(ports(), &ids).await))
    }

    /// A copy of one account, to work on.
    pub(crate) fn account(&self, id: &AccountId) -> Result<Account, ErrorCode> {
        let book = self.book.borrow();
        book.account(id).cloned().ok_or(ErrorCode::NoSuchAccount)
    }

    /// Takes the fingerprints of keys' raw objects.
    pub(crate) async fn fingerprint(&self, keys: &mut [RemoteKey]) {
        let vault = self.vault.lock().await;
        fingerprint(keys, |raw| vault.keys().raw_print(raw));
    }

    pub(crate) fn settings(&self) -> Settings {
        self.book.borrow().settings().clone()
    }

    pub(crate) fn waiting_jobs(&self) -> u32 {
        u32::try_from(self.running.borrow().len()).unwrap_or(u32::MAX)
    }
}

/// While this lives, locking waits.
pub(crate) struct Precious(Rc<Open>);

impl Drop for Precious {
    fn drop(&mut self) {
        self.0.precious.set(self.0.precious.get() - 1);
        if self.0.precious.get() == 0 {
            self.0.wake_settled();
        }
    }
}
