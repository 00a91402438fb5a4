//! Finding the newest state that opens, and reading records from it.

use super::commit::write_mirror;
use super::disk::{Held, OBJECTS, Roots, read_each};
use super::journal::Journal;
use super::keys::{Class, Keys};
use super::manifest::{Root, Row, SHARDS, Shard, read_record, shard_of};
use super::object::{self, Body, Damaged, Kind, RecordId, claimed_epoch, object_name};
use super::text::{digest16, unhex};
use super::{VaultError, World};
use crate::ports::Store;
use crate::sorted::{SortedMap, SortedSet, by_rank_down};
use relaykeep_protocol::{Notice, RecoveryCause};
use std::cell::Cell;

/// An opened vault: which records there are, and where.
pub struct Vault {
    pub(crate) keys: Keys,
    pub(crate) root: Root,
    /// Of the root's text, as it stands in the ring.
    pub(crate) root_digest: [u8; 16],
    pub(crate) shards: Vec<Shard>,
    /// The ring as it was, to notice who wrote in between.
    pub(crate) ring: Vec<Held>,
    /// No root has been numbered higher.
    pub(crate) highest_seq: u64,
    /// Shards that stand nowhere, or only in the mirror.
    pub(crate) weak: SortedSet<usize>,
    /// What was opened is not what was newest: the next commit writes even if nothing changed.
    pub(crate) unsettled: bool,
    /// The other store did not take the last root, or not all shards.
    pub(crate) mirror_behind: Cell<bool>,
    pub(crate) journal: Journal,
}

/// One of the roots that open.
struct Candidate {
    root: Root,
    digest: [u8; 16],
    in_ring: bool,
}

/// A candidate whose shards are all there.
struct Whole {
    shards: Vec<Shard>,
    weak: SortedSet<usize>,
}

impl Vault {
    /// What was opened is not the newest state there was: a commit, even of nothing, makes it so.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// Reads the newest root whose shards all open. Costs root and shards, whatever the size.
    ///
    /// # Errors
    /// `NeedsRecovery` when none opens; `SealedAnew` when these keys are of before that.
    pub async fn open(ports: impl World, keys: Keys) -> Result<(Self, Vec<Notice>), VaultError> {
        let roots = Roots::read(ports).await;
        if roots.live_epoch().is_some_and(|live| live > keys.epoch()) {
            // A root of before may still be there: what was written under it would be lost.
            return Err(VaultError::SealedAnew);
        }
        let candidates = candidates(&keys, &roots);
        let Some(newest) = candidates.first() else {
            return Err(VaultError::NeedsRecovery(RecoveryCause::RootsDamaged));
        };
        let highest_seq = newest.root.seq;
        let best_in_ring = candidates.iter().position(|candidate| candidate.in_ring);
        let mut chosen = None;
        for (index, candidate) in candidates.iter().enumerate() {
            let Some(whole) = read_whole(ports, &keys, &candidate.root).await else {
                continue;
            };
            // The mirror has no records. Its root is worth more than the ring's only if the
            // records it names are still there.
            let lacks_records = !candidate.in_ring
                && match best_in_ring {
                    Some(other) => {
                        let older = read_whole(ports, &keys, &candidates[other].root).await;
                        !has_records_beyond(ports, &whole, older.as_ref()).await
                    }
                    None => false,
                };
            if !lacks_records {
                chosen = Some((index, whole));
                break;
            }
        }
        let (index, whole, rebuilt) = match chosen {
            Some((index, whole)) => (index, whole, false),
            None => (0, rebuild(ports, &keys, &newest.root).await?, true),
        };
        let candidate = &candidates[index];
        let older = candidate.root.seq < highest_seq;
        // With the mirror's word missing, what is unreadable might be the newest.
        let in_doubt = roots
            .last
            .text()
            .is_none_or(|text| Root::open(&keys, text).is_err());
        let doubtful = in_doubt && !roots.ring.iter().all(|held| is_sound(&keys, held));
        let mut notices = Vec::new();
        if older && !newest.in_ring {
            notices.push(Notice::RolledBack);
        } else if older || rebuilt || doubtful {
            notices.push(Notice::OlderStateOpened);
        }
        let vault = Self {
            root: candidate.root.clone(),
            root_digest: candidate.digest,
            unsettled: older || rebuilt || doubtful || !candidate.in_ring,
            shards: whole.shards,
            weak: whole.weak,
            ring: roots.ring,
            highest_seq,
            mirror_behind: Cell::new(true),
            journal: Journal::default(),
            keys,
        };
        if !vault.unsettled && roots.last == vault.newest_held() {
            vault.mirror_behind.set(false);
        } else if !vault.unsettled {
            write_mirror(ports, &vault).await;
        }
        Ok((vault, notices))
    }

    /// The keys it was opened with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// All records, in order of group, kind and part.
    pub fn records(&self) -> impl Iterator<Item = RecordId> {
        let rows = self.shards.iter().flat_map(|shard| &shard.rows);
        rows.filter(|(_, row)| row.object.is_some())
            .map(|(id, _)| *id)
    }

    /// Reads records, in the order asked. One that does not open does not hinder the others; one
    /// that is not in the vault is `Missing`.
    pub async fn read(
        &self,
        ports: impl World,
        ids: &[RecordId],
    ) -> Vec<(RecordId, Result<Body, Damaged>)> {
        let object = |id: &RecordId| self.shards[shard_of(&id.group)].rows.get(id)?.object;
        let names: Vec<_> = ids
            .iter()
            .filter_map(object)
            .map(|id| object_name(&id))
            .collect();
        let mut held = read_each(ports.local(), &names).await.into_iter();
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let body = match self.shards[shard_of(&id.group)].rows.get(id) {
                Some(row) if row.object.is_some() => match held.next() {
                    Some(Held::Text(text)) => read_record(&self.keys, id, row, &text),
                    Some(Held::Unreadable) => Err(Damaged::Unreadable),
                    Some(Held::Absent) | None => Err(Damaged::Missing),
                },
                Some(_) | None => Err(Damaged::Missing),
            };
            read.push((*id, body));
        }
        read
    }

    /// The opened root's own text, from the ring.
    pub(crate) fn newest_held(&self) -> Held {
        let is_it = |held: &&Held| {
            held.text()
                .is_some_and(|text| digest16(text.as_bytes()) == self.root_digest)
        };
        self.ring
            .iter()
            .find(is_it)
            .cloned()
            .unwrap_or(Held::Absent)
    }
}

/// All roots that open, newest first; of equal ones the ring's first.
fn candidates(keys: &Keys, roots: &Roots) -> Vec<Candidate> {
    let ring = roots.ring.iter().map(|held| (held, true));
    let candidates: Vec<_> = ring
        .chain([(&roots.last, false)])
        .filter_map(|(held, in_ring)| {
            let text = held.text()?;
            let root = Root::open(keys, text).ok()?;
            Some(Candidate {
                root,
                digest: digest16(text.as_bytes()),
                in_ring,
            })
        })
        .collect();
    by_rank_down(candidates, |candidate| {
        (candidate.root.seq, u64::from(candidate.in_ring))
    })
}

fn is_sound(keys: &Keys, held: &Held) -> bool {
    match held {
        Held::Absent => true,
        Held::Unreadable => false,
        // Roots of before the last change of protection are no news.
        Held::Text(text) => {
            claimed_epoch(text).is_some_and(|epoch| epoch < keys.epoch)
                || Root::open(keys, text).is_ok()
        }
    }
}

async fn read_whole(ports: impl World, keys: &Keys, root: &Root) -> Option<Whole> {
    let (found, weak) = read_shards(ports, keys, root).await;
    let shards = found.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Whole { shards, weak })
}

/// The shards a root names, those that open; and which of them only the mirror has.
pub(crate) async fn read_shards(
    ports: impl World,
    keys: &Keys,
    root: &Root,
) -> (Vec<Option<Shard>>, SortedSet<usize>) {
    let mut found: Vec<Option<Shard>> = root
        .shards
        .iter()
        .map(|id| id.is_none().then(Shard::default))
        .collect();
    let mut weak = SortedSet::new();
    fill(ports.local(), keys, root, &mut found).await;
    if found.iter().any(Option::is_none) {
        weak = (0..SHARDS)
            .filter(|index| found[*index].is_none())
            .collect();
        fill(ports.mirror(), keys, root, &mut found).await;
    }
    (found, weak)
}

async fn fill(store: &impl Store, keys: &Keys, root: &Root, found: &mut [Option<Shard>]) {
    let wanted: Vec<_> = (0..SHARDS)
        .filter(|index| found[*index].is_none())
        .filter_map(|index| Some((index, root.shards[index]?)))
        .collect();
    let names: Vec<_> = wanted.iter().map(|(_, id)| object_name(id)).collect();
    for ((index, id), held) in wanted.iter().zip(read_each(store, &names).await) {
        if let Held::Text(text) = held {
            found[*index] = Shard::open(keys, *index, id, &text).ok();
        }
    }
}

/// Whether every object that only the first names is there.
async fn has_records_beyond(ports: impl World, whole: &Whole, older: Option<&Whole>) -> bool {
    let objects = |whole: &Whole| -> SortedSet<[u8; 16]> {
        whole.shards.iter().flat_map(Shard::objects).collect()
    };
    let known = older.map(objects).unwrap_or_default();
    let names: Vec<_> = objects(whole).difference(&known).map(object_name).collect();
    read_each(ports.local(), &names)
        .await
        .iter()
        .all(|held| matches!(held, Held::Text(_)))
}

/// When no root has all its shards: takes the newest, and fills the gaps from the records
/// themselves, the highest version of each. Removed ones may come back so; the user is told.
async fn rebuild(ports: impl World, keys: &Keys, root: &Root) -> Result<Whole, VaultError> {
    let gone = VaultError::NeedsRecovery(RecoveryCause::RootsDamaged);
    let (mut found, mut weak) = read_shards(ports, keys, root).await;
    let missing: SortedSet<_> = (0..SHARDS)
        .filter(|index| found[*index].is_none())
        .collect();
    let names = ports.local().names().await.map_err(|_| gone)?;
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| name.starts_with(OBJECTS))
        .collect();
    let mut rows: SortedMap<RecordId, Row> = SortedMap::new();
    for names in names.chunks(64) {
        for (name, held) in names.iter().zip(read_each(ports.local(), names).await) {
            let Some((id, row)) = held.text().and_then(|text| row_of(keys, name, text)) else {
                continue;
            };
            let newer = |known: &Row| (row.counter, row.writer) > (known.counter, known.writer);
            if missing.contains(&shard_of(&id.group)) && rows.get(&id).is_none_or(newer) {
                rows.insert(id, row);
            }
        }
    }
    for index in &missing {
        found[*index] = Some(Shard::default());
    }
    for (id, row) in rows {
        if let Some(Some(shard)) = found.get_mut(shard_of(&id.group)) {
            shard.rows.insert(id, row);
        }
    }
    weak.extend(missing);
    let shards = found.into_iter().collect::<Option<_>>().ok_or(gone)?;
    Ok(Whole { shards, weak })
}

/// What an object says of itself.
fn row_of(keys: &Keys, name: &str, text: &str) -> Option<(RecordId, Row)> {
    let name_id: [u8; 16] = unhex(name.strip_prefix(OBJECTS)?)?;
    let mut opened = Class::OF_RECORDS
        .into_iter()
        .filter_map(|class| Some((class, object::open(keys, class, text).ok()?)));
    let (class, opened) = opened.next()?;
    let head = opened.head;
    let kind = Kind::from_number(head.kind);
    let fits = opened.id == name_id && kind.class().is_none_or(|expected| expected == class);
    let tag = opened
        .body()
        .ok()
        .map(|body| keys.body_tag(body.as_bytes()));
    let row = Row {
        object: Some(opened.id),
        schema: head.schema,
        counter: head.counter,
        writer: head.writer,
        tag,
        removed_at: None,
        extra: crate::body::More::default(),
    };
    fits.then_some((
        RecordId {
            group: head.group,
            kind,
            part: head.part,
        },
        row,
    ))
}
