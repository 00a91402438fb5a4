//! What the vault promises, against stores that fail, rot and die.

mod carving;
mod cuts;
mod faults;
mod files;
mod history;
mod life;
mod tampering;

use super::begin::create_with;
use super::slot::WEAK;
use super::*;
use crate::ports::{CountingEntropy, StandingClock, Store, StoreError, now};
use crate::secret::Secret;
use crate::sorted::{SortedMap, SortedSet};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// When the program dies, counted in storage operations over both stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// The operation is not carried out.
    Before(u32),
    /// It is, and nobody hears of it.
    After(u32),
}

#[derive(Default)]
pub(super) struct Fate {
    count: Cell<u32>,
    death: Cell<Option<Death>>,
}

impl Fate {
    /// Whether this operation is carried out, and whether it answers.
    fn next(&self) -> (bool, bool) {
        let n = self.count.get();
        self.count.set(n + 1);
        match self.death.get() {
            None => (true, true),
            Some(Death::Before(at)) => (n < at, n < at),
            Some(Death::After(at)) => (n <= at, n < at),
        }
    }
}

/// A store that can rot by name, fail to list, die, and remembers all it was ever given, as a
/// database's log does.
#[derive(Default)]
pub(super) struct TestStore {
    pub(super) held: RefCell<SortedMap<String, String>>,
    pub(super) log: RefCell<Vec<(String, String)>>,
    pub(super) unreadable: RefCell<SortedSet<String>>,
    pub(super) unwritable: RefCell<SortedSet<String>>,
    pub(super) unlistable: Cell<bool>,
    fate: Rc<Fate>,
}

impl TestStore {
    fn with(fate: &Rc<Fate>) -> Self {
        Self {
            fate: Rc::clone(fate),
            ..Self::default()
        }
    }

    fn rotten(set: &RefCell<SortedSet<String>>, name: &str) -> bool {
        set.borrow().contains(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.held.borrow().get(name).cloned()
    }

    pub(super) fn names_with(&self, start: &str) -> Vec<String> {
        self.held
            .borrow()
            .keys()
            .filter(|name| name.starts_with(start))
            .cloned()
            .collect()
    }

    fn act<T>(&self, works: bool, act: impl FnOnce() -> T) -> Result<T, StoreError> {
        let (done, answered) = self.fate.next();
        let result = (works && done).then(act);
        result.filter(|_| answered).ok_or(StoreError)
    }
}

impl Store for TestStore {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.act(!Self::rotten(&self.unreadable, name), || self.text(name))
    }
    async fn get_many(&self, names: &[String]) -> Result<SortedMap<String, String>, StoreError> {
        let works = !names
            .iter()
            .any(|name| Self::rotten(&self.unreadable, name));
        self.act(works, || {
            names
                .iter()
                .filter_map(|name| Some((name.clone(), self.text(name)?)))
                .collect()
        })
    }
    async fn names(&self) -> Result<Vec<String>, StoreError> {
        self.act(!self.unlistable.get(), || {
            self.held.borrow().keys().cloned().collect()
        })
    }
    async fn set(&self, items: &[(String, String)]) -> Result<(), StoreError> {
        let works = !items
            .iter()
            .any(|(name, _)| Self::rotten(&self.unwritable, name));
        self.act(works, || {
            self.log.borrow_mut().extend(items.iter().cloned());
            self.held.borrow_mut().extend(items.iter().cloned());
        })
    }
    async fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        let works = !names
            .iter()
            .any(|name| Self::rotten(&self.unwritable, name));
        self.act(works, || {
            for name in names {
                self.held.borrow_mut().remove(name);
            }
        })
    }
}

pub(super) struct TestWorld {
    pub(super) local: TestStore,
    pub(super) mirror: TestStore,
    pub(super) entropy: CountingEntropy,
    pub(super) clock: StandingClock,
    fate: Rc<Fate>,
}

pub(super) type TestPorts<'a> = Ports<'a, TestStore, TestStore, CountingEntropy, StandingClock>;

pub(super) const TODAY: u64 = 1_795_000_000_000;

impl TestWorld {
    pub(super) fn new() -> Self {
        let fate = Rc::new(Fate::default());
        Self {
            local: TestStore::with(&fate),
            mirror: TestStore::with(&fate),
            entropy: CountingEntropy::default(),
            clock: StandingClock(Cell::new(TODAY)),
            fate,
        }
    }

    pub(super) fn ports(&self) -> TestPorts<'_> {
        let Self {
            local,
            mirror,
            entropy,
            clock,
            ..
        } = self;
        Ports {
            local,
            mirror,
            entropy,
            clock,
        }
    }

    /// A device-mode vault: quick to make and to open.
    pub(super) fn with_device() -> (Self, Vault) {
        let world = Self::new();
        let made = now(create_with(world.ports(), &device(), &[WEAK])).expect("made");
        let vault = world.open(made.keys);
        (world, vault)
    }

    pub(super) fn open(&self, keys: Keys) -> Vault {
        let (vault, notices) = now(Vault::open(self.ports(), keys)).expect("it opens");
        assert_eq!(notices, []);
        vault
    }

    pub(super) fn unlock(&self, protection: &Protection) -> Result<Unlocked, VaultError> {
        match protection {
            Protection::Passphrase(typed) => now(unlock(self.ports(), typed)),
            Protection::Device(key) => now(unlock_with_device_key(
                self.ports(),
                std::slice::from_ref(key),
            )),
        }
    }

    /// Unlocks and opens.
    pub(super) fn enter(
        &self,
        protection: &Protection,
    ) -> (Vault, Vec<relaykeep_protocol::Notice>) {
        let unlocked = self.unlock(protection).expect("it unlocks");
        let (vault, opened) = now(Vault::open(self.ports(), unlocked.keys)).expect("it opens");
        (vault, unlocked.notices.into_iter().chain(opened).collect())
    }

    pub(super) fn write(&self, vault: &mut Vault, changes: Vec<Change>) -> Committed {
        now(vault.commit(self.ports(), changes)).expect("committed")
    }

    /// All that can be read, by record.
    pub(super) fn all(&self, vault: &Vault) -> SortedMap<RecordId, Result<String, Damaged>> {
        let ids: Vec<_> = vault.records().collect();
        let read = now(vault.read(self.ports(), &ids));
        read.into_iter()
            .map(|(id, body)| (id, body.map(|body| body.to_string())))
            .collect()
    }

    /// Another profile with the same bytes in it.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new();
        copy.local.held.replace(self.local.held.borrow().clone());
        copy.mirror.held.replace(self.mirror.held.borrow().clone());
        copy.entropy.0.set(self.entropy.0.get());
        copy
    }

    /// Runs it, and dies on the way. Returns what it would have said.
    pub(super) fn dying<T>(&self, death: Death, run: impl FnOnce() -> T) -> T {
        self.fate.count.set(0);
        self.fate.death.set(Some(death));
        let said = run();
        self.fate.death.set(None);
        said
    }

    /// How many storage operations it takes.
    pub(super) fn cost<T>(&self, run: impl FnOnce() -> T) -> (u32, T) {
        self.fate.count.set(0);
        let said = run();
        (self.fate.count.get(), said)
    }
}

pub(super) fn passphrase(text: &str) -> Protection {
    Protection::Passphrase(Secret::new(text.to_owned()))
}

pub(super) fn device() -> Protection {
    device_key(7)
}

pub(super) fn device_key(byte: u8) -> Protection {
    Protection::Device(Secret::new(text::encode(&[byte; 32])))
}

pub(super) fn id(group: u8, kind: Kind, part: u16) -> RecordId {
    RecordId {
        group: [group; 16],
        kind,
        part,
    }
}

pub(super) fn put(id: RecordId, body: &str) -> Change {
    Change::Put {
        id,
        body: body.to_owned(),
    }
}

/// Flips one bit of what base64url stands for.
pub(super) fn rot(text: &str, bit: usize) -> String {
    let mut bytes = text::decode(text).expect("base64");
    bytes[bit / 8] ^= 1 << (bit % 8);
    text::encode(&bytes)
}
