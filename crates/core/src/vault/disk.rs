//! What stands under which name, and reading it when some of it does not answer.

use super::World;
use super::object::claimed_epoch;
use super::slot::Slot;
use super::text::{decode, sum8, without_sum};
use crate::ports::Store;
use crate::sorted::{by_rank, by_rank_down};
use futures_util::future::join;

pub(crate) const MARKER: &str = "rk/m";
pub(crate) const LAST_ROOT: &str = "rk1/r/last";
pub(crate) const OBJECTS: &str = "rk1/o/";
pub(crate) const QUARANTINE: &str = "rk1/q/";
pub(crate) const ASIDE: &str = "rk1/a/";
pub(crate) const FILLER: &str = "rk1/f/";
/// Where whoever keeps the device key keeps one copy of it: in the mirror.
pub(crate) const DEVICE_KEY: &str = "rk1/dk";
pub(crate) const SLOTS: usize = 16;
pub(crate) const RING: usize = 8;

pub(crate) fn slot_name(index: usize) -> String {
    format!("rk1/s/{index}")
}

pub(crate) fn slot_names() -> Vec<String> {
    (0..SLOTS).map(slot_name).collect()
}

pub(crate) fn root_name(index: usize) -> String {
    format!("rk1/r/{index}")
}

pub(crate) fn root_names() -> Vec<String> {
    (0..RING).map(root_name).collect()
}

/// What a store says of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Absent,
    /// It failed: there may be something, or not.
    Unreadable,
    Text(String),
}

impl Held {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

/// All at once; name by name where one rotten block would hide the rest.
pub(crate) async fn read_each(store: &impl Store, names: &[String]) -> Vec<Held> {
    if names.is_empty() {
        return Vec::new();
    }
    if let Ok(mut found) = store.get_many(names).await {
        let held = names
            .iter()
            .map(|name| found.remove(name).map_or(Held::Absent, Held::Text));
        return held.collect();
    }
    let mut held = Vec::with_capacity(names.len());
    for name in names {
        held.push(read_one(store, name).await);
    }
    held
}

pub(crate) async fn read_one(store: &impl Store, name: &str) -> Held {
    match store.get(name).await {
        Ok(Some(text)) => Held::Text(text),
        Ok(None) => Held::Absent,
        Err(_) => Held::Unreadable,
    }
}

/// Removes what it can. A name that cannot be removed does not keep the others.
pub(crate) async fn remove_each(store: &impl Store, names: &[String]) -> u32 {
    let mut removed = 0;
    for names in names.chunks(64) {
        let count = u32::try_from(names.len()).expect("a chunk has at most 64");
        if store.remove(names).await.is_ok() {
            removed += count;
            continue;
        }
        for name in names {
            if store.remove(std::slice::from_ref(name)).await.is_ok() {
                removed += 1;
            }
        }
    }
    removed
}

/// The marker: that there is a vault, and of which format.
pub(crate) struct Marker {
    pub(crate) format: u8,
    pub(crate) intact: bool,
}

const FORMAT: u8 = 1;

impl Marker {
    pub(crate) fn text(vault_id: &[u8; 16]) -> String {
        let mut bytes = [b"RKM1".as_slice(), &[FORMAT, 0], vault_id].concat();
        let sum = sum8(&bytes);
        bytes.extend_from_slice(&sum);
        super::text::encode(&bytes)
    }

    /// The name, the first six bytes and the sum at the end are the same in every format.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = decode(text)?;
        let format = *bytes.strip_prefix(b"RKM1")?.first()?;
        let intact = without_sum(&bytes).is_some() && (format != FORMAT || bytes.len() == 30);
        Some(Self { format, intact })
    }

    pub(crate) fn is_newer(&self) -> bool {
        self.format > FORMAT
    }
}

/// What may be known without any key.
pub(crate) struct Roots {
    pub(crate) ring: Vec<Held>,
    pub(crate) last: Held,
}

impl Roots {
    pub(crate) async fn read(ports: impl World) -> Self {
        let names = root_names();
        let ring = read_each(ports.local(), &names);
        let (ring, last) = join(ring, read_one(ports.mirror(), LAST_ROOT)).await;
        Self { ring, last }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Held> {
        self.ring.iter().chain([&self.last])
    }

    /// The epoch that counts: the highest that any sound root claims. A change of protection is
    /// done when its root is written, not before.
    pub(crate) fn live_epoch(&self) -> Option<u32> {
        self.all()
            .filter_map(|held| claimed_epoch(held.text()?))
            .max()
    }

    /// Whether nothing may hide behind a name that did not answer or does not read.
    pub(crate) fn all_sound(&self) -> bool {
        self.all().all(|held| match held {
            Held::Absent => true,
            Held::Unreadable => false,
            Held::Text(text) => claimed_epoch(text).is_some(),
        })
    }
}

/// The slots of both stores, each with where it stands.
pub(crate) struct Slots {
    pub(crate) local: Vec<Held>,
    pub(crate) mirror: Vec<Held>,
}

impl Slots {
    pub(crate) async fn read(ports: impl World) -> Self {
        let names = slot_names();
        let local = read_each(ports.local(), &names);
        let (local, mirror) = join(local, read_each(ports.mirror(), &names)).await;
        Self { local, mirror }
    }

    /// Each sound one once, newest first.
    pub(crate) fn sound(&self) -> Vec<Slot> {
        let mut sound: Vec<Slot> = Vec::new();
        for held in self.local.iter().chain(&self.mirror) {
            if let Some(slot) = held.text().and_then(Slot::read)
                && !sound.contains(&slot)
            {
                sound.push(slot);
            }
        }
        by_rank_down(sound, |slot| {
            (u64::from(slot.epoch()), u64::from(slot.generation()))
        })
    }

    /// Indices in the order in which a new slot may take them: unused in both stores, then those
    /// that hold no slot of the living epoch.
    pub(crate) fn free(&self, live: Option<u32>) -> Vec<usize> {
        let rank = |index: usize| {
            let both = [&self.local[index], &self.mirror[index]];
            if both.iter().all(|held| **held == Held::Absent) {
                return Some(0);
            }
            let alive = both.iter().any(|held| {
                held.text()
                    .and_then(Slot::read)
                    .is_some_and(|slot| live == Some(slot.epoch()))
            });
            (!alive).then_some(1)
        };
        let free = (0..SLOTS).filter_map(|i| Some((rank(i)?, i))).collect();
        let free: Vec<(u64, usize)> = by_rank(free, |(rank, _)| (*rank, 0));
        free.into_iter().map(|(_, index)| index).collect()
    }
}
