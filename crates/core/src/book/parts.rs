//! Which part a key stands in. A key stays in its part, and a new one fills the first part with
//! room, so that one changed key rewrites one small record.

use super::records::{KeyEntry, PartBody, RawEntry, SecretEntry, TraceEntry};
use crate::body::Body;
use crate::sorted::{SortedMap, SortedSet};
use crate::vault::{self, Change, Damaged, Kind, RecordId};
use relaykeep_protocol::RemoteId;
use serde::{Serialize, de::DeserializeOwned};

/// At most this many keys in a part.
const MOST_ENTRIES: usize = 128;
/// At most this many bytes of JSON in a part; a sealed object holds 64 KiB with its header.
const MOST_BYTES: usize = 60 * 1024;

/// What stands in parts.
pub(crate) trait Entry: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Which kind of record the parts are.
    const KIND: Kind;
    /// Whose entry it is.
    fn id(&self) -> &RemoteId;
}

impl Entry for KeyEntry {
    const KIND: Kind = Kind::KeyList;
    fn id(&self) -> &RemoteId {
        &self.id
    }
}
impl Entry for SecretEntry {
    const KIND: Kind = Kind::Keys;
    fn id(&self) -> &RemoteId {
        &self.id
    }
}
impl Entry for RawEntry {
    const KIND: Kind = Kind::Raw;
    fn id(&self) -> &RemoteId {
        &self.id
    }
}

impl Entry for TraceEntry {
    const KIND: Kind = Kind::Trace;
    fn id(&self) -> &RemoteId {
        &self.id
    }
}

/// All parts of one kind of one account.
#[derive(Clone)]
pub(crate) struct Parts<E> {
    parts: SortedMap<u16, PartBody<E>>,
    places: SortedMap<RemoteId, (u16, usize)>,
    /// Bytes of each part, measured when first needed.
    sizes: SortedMap<u16, usize>,
    /// Parts of which it is known what they hold: read, or damaged for good.
    known: SortedSet<u16>,
    touched: SortedSet<u16>,
}

impl<E> Default for Parts<E> {
    fn default() -> Self {
        Self {
            parts: SortedMap::new(),
            places: SortedMap::new(),
            sizes: SortedMap::new(),
            known: SortedSet::new(),
            touched: SortedSet::new(),
        }
    }
}

impl<E: Entry> Parts<E> {
    /// Reads one part's body. A body that does not read is left as it is on disk: its number is
    /// taken, so that nothing new is written over it.
    pub(crate) fn load(&mut self, part: u16, body: &str) -> bool {
        let read = PartBody::<E>::read(body);
        let good = read.is_ok();
        let body = read.unwrap_or_default();
        for (at, entry) in body.entries.iter().enumerate() {
            self.places.insert(entry.id().clone(), (part, at));
        }
        self.parts.insert(part, body);
        if good {
            self.known.insert(part);
        } else {
            self.sizes.insert(part, usize::MAX);
        }
        good
    }

    /// Takes in a part as it was read. The number of one that did not open stays taken, so that
    /// nothing is written over it.
    pub(crate) fn read_in(&mut self, part: u16, read: Result<vault::Body, Damaged>) {
        let lost = read.as_ref().is_err_and(|damage| damage.is_final());
        self.load(part, &read.unwrap_or_default());
        if lost {
            self.known.insert(part);
        }
    }

    /// Whether what is said to stand in this part is lost. Not while nobody has looked.
    pub(crate) fn has_lost(&self, id: &RemoteId, part: Option<u16>) -> bool {
        part.is_some_and(|part| self.known.contains(&part)) && self.get(id).is_none()
    }

    pub(crate) fn get(&self, id: &RemoteId) -> Option<&E> {
        let (part, at) = self.places.get(id)?;
        self.parts.get(part)?.entries.get(*at)
    }

    pub(crate) fn place_of(&self, id: &RemoteId) -> Option<u16> {
        self.places.get(id).map(|(part, _)| *part)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.parts.values().flat_map(|part| &part.entries)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Puts an entry in its place, or finds it one. Says which part it stands in, or `None` if
    /// no part can hold it (a raw object of 60 KiB is no token).
    pub(crate) fn put(&mut self, entry: E) -> Option<u16> {
        let bytes = size(&entry);
        if bytes > MOST_BYTES - 64 {
            self.remove(entry.id());
            return None;
        }
        if let Some((part, at)) = self.places.get(entry.id()).copied() {
            let held = &self.parts[&part].entries[at];
            if *held == entry {
                return Some(part);
            }
            let grown = self
                .size_of(part)
                .saturating_sub(size(&self.parts[&part].entries[at]))
                + bytes;
            if grown <= MOST_BYTES {
                self.part_mut(part).entries[at] = entry;
                self.sizes.insert(part, grown);
                self.touched.insert(part);
                return Some(part);
            }
            self.remove(entry.id());
        }
        let numbers: Vec<u16> = self.parts.keys().copied().collect();
        let roomy = numbers.iter().copied().find(|part| {
            self.parts[part].entries.len() < MOST_ENTRIES
                && self.size_of(*part).saturating_add(bytes) <= MOST_BYTES
        });
        let free = (0..=u16::MAX).find(|part| !self.parts.contains_key(part));
        let part = roomy.or(free)?;
        let grown = self.size_of(part) + bytes;
        self.sizes.insert(part, grown);
        let body = self.part_mut(part);
        body.entries.push(entry.clone());
        let at = body.entries.len() - 1;
        self.places.insert(entry.id().clone(), (part, at));
        self.touched.insert(part);
        Some(part)
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, id: &RemoteId) {
        let Some((part, at)) = self.places.remove(id) else {
            return;
        };
        let entry = self.part_mut(part).entries.remove(at);
        if let Some(bytes) = self.sizes.get_mut(&part) {
            *bytes = bytes.saturating_sub(size(&entry));
        }
        for place in self.places.values_mut() {
            if place.0 == part && place.1 > at {
                place.1 -= 1;
            }
        }
        self.touched.insert(part);
    }

    /// The records to write for what was changed since the last call.
    pub(crate) fn changes(&mut self, group: [u8; 16]) -> Vec<Change> {
        std::mem::take(&mut self.touched)
            .into_iter()
            .map(|part| {
                let id = RecordId {
                    group,
                    kind: E::KIND,
                    part,
                };
                let body = &self.parts[&part];
                if body.entries.is_empty() && body.more.is_empty() {
                    self.parts.remove(&part);
                    self.sizes.remove(&part);
                    return Change::Delete(id);
                }
                Change::Put {
                    id,
                    body: crate::json::write(body),
                }
            })
            .collect()
    }

    fn part_mut(&mut self, part: u16) -> &mut PartBody<E> {
        self.parts.entry(part).or_default()
    }

    fn size_of(&mut self, part: u16) -> usize {
        if let Some(bytes) = self.sizes.get(&part) {
            return *bytes;
        }
        let bytes = self.parts.get(&part).map_or(16, size);
        self.sizes.insert(part, bytes);
        bytes
    }
}

/// How many bytes a record takes as JSON, with a comma.
fn size<T: Serialize>(record: &T) -> usize {
    /// Counts instead of keeping.
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(1);
    serde_json::to_writer(&mut count, record).expect("plain records have a JSON form");
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: [u8; 16] = [7; 16];

    fn raw(id: u32, bytes: usize) -> RawEntry {
        RawEntry {
            id: RemoteId(id.to_string()),
            raw: "x".repeat(bytes),
        }
    }

    fn loaded(changes: &[Change]) -> Parts<RawEntry> {
        let mut parts = Parts::default();
        for change in changes {
            match change {
                Change::Put { id, body } => assert!(parts.load(id.part, body)),
                Change::Delete(_) | Change::SetAside(_) => {}
            }
        }
        parts
    }

    #[test]
    fn one_new_key_among_three_hundred_touches_one_part() {
        let mut parts = Parts::default();
        for id in 0..300 {
            parts.put(raw(id, 200));
        }
        assert_eq!(parts.changes(GROUP).len(), 3);
        parts.put(raw(300, 200));
        assert_eq!(parts.changes(GROUP).len(), 1);
        assert_eq!(parts.changes(GROUP).len(), 0, "nothing changed since");
        parts.put(raw(300, 200));
        assert_eq!(parts.changes(GROUP).len(), 0, "the same again is no change");
    }

    #[test]
    fn no_part_ever_outgrows_a_sealed_object() {
        let mut parts = Parts::default();
        for id in 0..200 {
            parts.put(raw(id, 10));
        }
        for id in 0..200 {
            parts.put(raw(id, 5_000));
        }
        assert_eq!(parts.put(raw(999, 70_000)), None, "no part can hold it");
        let changes = parts.changes(GROUP);
        for change in &changes {
            if let Change::Put { body, .. } = change {
                assert!(body.len() <= MOST_BYTES, "{}", body.len());
            }
        }
        let again = loaded(&changes);
        assert_eq!(again.len(), 200);
        assert!((0..200).all(|id| again.get(&RemoteId(id.to_string())) == Some(&raw(id, 5_000))));
    }

    #[test]
    fn a_key_stays_in_its_part_while_others_come_and_go() {
        let mut parts = Parts::default();
        for id in 0..256 {
            parts.put(raw(id, 50));
        }
        parts.changes(GROUP);
        let place = parts.place_of(&RemoteId("200".to_owned()));
        for id in 0..64 {
            parts.remove(&RemoteId(id.to_string()));
        }
        assert_eq!(parts.place_of(&RemoteId("200".to_owned())), place);
        assert!(parts.get(&RemoteId("200".to_owned())) == Some(&raw(200, 50)));
        assert_eq!(
            parts.put(raw(1000, 50)),
            Some(0),
            "the first part has room again"
        );
        for id in 128..256 {
            parts.remove(&RemoteId(id.to_string()));
        }
        assert!(
            parts
                .changes(GROUP)
                .iter()
                .any(|change| matches!(change, Change::Delete(id) if id.part == 1))
        );
    }

    #[test]
    fn a_part_that_does_not_read_is_never_written_over() {
        let mut parts = Parts::<RawEntry>::default();
        assert!(!parts.load(0, "{\"k\":[{\"unknown\":1}]}"));
        assert_eq!(parts.put(raw(1, 10)), Some(1));
        assert!(
            parts
                .changes(GROUP)
                .iter()
                .all(|change| matches!(change, Change::Put { id, .. } if id.part == 1))
        );
    }
}
