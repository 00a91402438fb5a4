//! A new passphrase, another mode, or a restored backup: a new master key, and everything sealed
//! again under it. The new root is the one step that counts. Cut before it, the old protection
//! opens and the rest is swept away; cut after it, the new one opens, and the next unlock removes
//! what is left of the old.

use super::begin::{Protection, WORKS, write_slot};
use super::commit::{write_mirror, write_root};
use super::disk::{
    FILLER, Held, QUARANTINE, RING, Roots, Slots, read_each, remove_each, slot_name,
};
use super::journal::{Journal, job_names, judge, seal_job};
use super::keys::{Keys, MasterKey};
use super::manifest::{Root, Row, SHARDS, Shard, open_record, shard_of};
use super::object::{Dice, RecordId, SCHEMA, object_name, seal_plain};
use super::open::Vault;
use super::slot::{Opener, Slot, SlotFor, Work, make};
use super::text::{digest16, encode, hex};
use super::unlock::remove_old;
use super::{VaultError, World};
use crate::ports::{Entropy, Store};
use crate::sorted::{SortedMap, SortedSet};
use std::cell::Cell;

/// What a change of protection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Records sealed again.
    pub records: u32,
    /// Records that did not open and were set aside.
    pub set_aside: u32,
    /// Memory was short: weaker work factors were used.
    pub weaker: bool,
}

impl Vault {
    /// New passphrase or mode: a new master key, everything sealed again, the old slots removed,
    /// the browser's logs purged. Cut anywhere, either the old protection opens or the new.
    /// Keep the new `keys()`; after a change away from a device key, forget that.
    ///
    /// # Errors
    /// The old protection opens as before, unless it failed while the new root was read back.
    pub async fn reseal(
        &mut self,
        ports: impl World,
        protection: &Protection,
    ) -> Result<Resealed, VaultError> {
        self.reseal_with(ports, protection, WORKS).await
    }

    pub(crate) async fn reseal_with(
        &mut self,
        ports: impl World,
        protection: &Protection,
        works: &[Work],
    ) -> Result<Resealed, VaultError> {
        let opener = protection.opener()?;
        self.look_for_others(ports).await?;
        let texts = self.read_texts(ports).await?;
        let fresh = Fresh::make(ports, &opener, self.keys.vault_id, self.keys.epoch, works).await?;
        let state = State {
            keys: &self.keys,
            root: &self.root,
            shards: &self.shards,
        };
        let mut anew = seal_anew(ports, &state, &texts, fresh.keys.clone())?;
        anew.root.seq = self.highest_seq.max(anew.root.seq) + 1;
        anew.root.prev = self.root_digest;
        let jobs = self.jobs_anew(ports, &anew).await?;
        let (vault, mut done) = install(ports, anew, &fresh, jobs).await?;
        done.weaker = fresh.weaker;
        let old = std::mem::replace(self, vault);
        self.clean_up(ports, &old).await;
        Ok(done)
    }

    /// The texts of all records. What is not there is left out; what does not answer now may
    /// answer later, so nothing may be concluded from it.
    pub(crate) async fn read_texts(&self, ports: impl World) -> Result<Texts, VaultError> {
        let objects: Vec<_> = self.shards.iter().flat_map(Shard::objects).collect();
        let mut texts = Texts::new();
        for ids in objects.chunks(128) {
            let names: Vec<_> = ids.iter().map(object_name).collect();
            for (id, held) in ids.iter().zip(read_each(ports.local(), &names).await) {
                match held {
                    Held::Text(text) => drop(texts.insert(*id, text)),
                    Held::Absent => {}
                    Held::Unreadable => return Err(VaultError::Storage),
                }
            }
        }
        Ok(texts)
    }

    /// Running jobs under the new keys, each in the half that its latest state is not in: until
    /// the new root is written the old state is the one that opens.
    async fn jobs_anew(
        &self,
        ports: impl World,
        anew: &Anew,
    ) -> Result<Vec<(String, String)>, VaultError> {
        let names = job_names();
        let mut items = Vec::new();
        for (slot, held) in read_each(ports.local(), &names).await.chunks(2).enumerate() {
            if held.contains(&Held::Unreadable) {
                return Err(VaultError::Storage);
            }
            if let Some((half, job)) = judge(&self.keys, slot, held).latest {
                let place = (slot, job.counter + 1, anew.root.writer);
                let text = seal_job(ports, &anew.keys, place, &job.body)?;
                items.push((names[slot * 2 + 1 - half].clone(), text));
            }
        }
        Ok(items)
    }

    /// Everything of the old epoch goes. What stays behind by a cut or a failure goes at the next
    /// unlock and sweep.
    async fn clean_up(&self, ports: impl World, old: &Self) {
        remove_old_epochs(ports, self.keys.epoch).await;
        let shards = old.root.shards.iter().flatten().copied();
        let objects: Vec<_> = old
            .shards
            .iter()
            .flat_map(Shard::objects)
            .chain(shards.clone())
            .map(|id| object_name(&id))
            .collect();
        remove_each(ports.local(), &objects).await;
        let shards: Vec<_> = shards.map(|id| object_name(&id)).collect();
        remove_each(ports.mirror(), &shards).await;
        let names = job_names();
        let held = read_each(ports.local(), &names).await;
        let is_old = |held: &Held| {
            held.text()
                .and_then(super::object::claimed_epoch)
                .is_some_and(|epoch| epoch < self.keys.epoch)
        };
        let jobs: Vec<_> = names
            .into_iter()
            .zip(&held)
            .filter(|(_, h)| is_old(h))
            .map(|(n, _)| n)
            .collect();
        remove_each(ports.local(), &jobs).await;
        purge(ports).await;
        // Older states of records, which the old ring named.
        let _ = self.sweep(ports).await;
    }
}

/// Object texts by id.
pub(crate) type Texts = SortedMap<[u8; 16], String>;

/// A master key of its own, wrapped in a slot.
pub(crate) struct Fresh {
    pub(crate) keys: Keys,
    pub(crate) slot: Slot,
    pub(crate) weaker: bool,
    live: Option<u32>,
}

impl Fresh {
    /// For an epoch above all that any store shows.
    pub(crate) async fn make(
        ports: impl World,
        opener: &Opener,
        vault_id: [u8; 16],
        above: u32,
        works: &[Work],
    ) -> Result<Self, VaultError> {
        let live = Roots::read(ports).await.live_epoch();
        let slots = Slots::read(ports).await.sound();
        let epochs = slots.iter().map(Slot::epoch).chain(live).chain([above]);
        let generations = slots.iter().map(Slot::generation);
        let next = |highest: Option<u32>| highest.unwrap_or(0).checked_add(1);
        let (Some(epoch), Some(generation)) = (next(epochs.max()), next(generations.max())) else {
            return Err(VaultError::Unfit);
        };
        let which = SlotFor {
            vault_id,
            epoch,
            generation,
        };
        Self::for_slot(ports, opener, &which, works, live)
    }

    pub(crate) fn for_slot(
        ports: impl World,
        opener: &Opener,
        which: &SlotFor,
        works: &[Work],
        live: Option<u32>,
    ) -> Result<Self, VaultError> {
        let master = MasterKey::make(ports.entropy())?;
        let made = make(ports.entropy(), opener, &master, which, works)?;
        let keys = Keys::derive(&master, which.vault_id, which.epoch);
        Ok(Self {
            keys,
            slot: made.slot,
            weaker: made.weaker,
            live,
        })
    }
}

/// A state of a vault, and the keys that open it.
pub(crate) struct State<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) root: &'a Root,
    pub(crate) shards: &'a [Shard],
}

/// All of a vault, sealed under other keys; nothing of it written yet.
pub(crate) struct Anew {
    pub(crate) keys: Keys,
    pub(crate) root: Root,
    pub(crate) shards: Vec<Shard>,
    pub(crate) dice_known: SortedSet<[u8; 16]>,
    /// Records.
    pub(crate) objects: Vec<(String, String)>,
    /// What did not open, for the quarantine.
    pub(crate) set_aside: Vec<(String, String)>,
    pub(crate) lost: u32,
}

/// Seals every record again as it is; only ids, nonces, keys and tags change.
pub(crate) fn seal_anew<P: World>(
    ports: P,
    state: &State<'_>,
    texts: &Texts,
    keys: Keys,
) -> Result<Anew, VaultError> {
    let known = state.shards.iter().flat_map(Shard::objects);
    let known: SortedSet<_> = known.chain([keys.vault_id]).collect();
    let mut dice = Dice::new(ports, known.iter().copied());
    let mut anew = Anew {
        keys,
        root: state.root.clone(),
        shards: state.shards.to_vec(),
        dice_known: known,
        objects: Vec::new(),
        set_aside: Vec::new(),
        lost: 0,
    };
    let rows = state.shards.iter().flat_map(|shard| &shard.rows);
    for (id, row) in rows {
        let Some(object) = row.object else { continue };
        let opened = texts
            .get(&object)
            .map(|text| open_record(state.keys, id, row, text));
        let Some(Ok((class, opened))) = opened else {
            if let Some(text) = texts.get(&object) {
                anew.set_aside
                    .push((format!("{QUARANTINE}{}", hex(&object)), text.clone()));
            }
            anew.shards[shard_of(&id.group)].rows.remove(id);
            anew.lost += 1;
            continue;
        };
        let tag = match opened.body() {
            Ok(body) => Some(anew.keys.body_tag(body.as_bytes())),
            Err(_) => None,
        };
        let sealed = seal_plain(&anew.keys, class, dice.draw()?, opened.plain);
        anew.dice_known.insert(sealed.id);
        anew.put_row(
            *id,
            Row {
                object: Some(sealed.id),
                tag,
                ..row.clone()
            },
        );
        anew.objects.push((object_name(&sealed.id), sealed.text));
    }
    debug_assert!(rows_fit(&anew.shards));
    Ok(anew)
}

fn rows_fit(shards: &[Shard]) -> bool {
    shards
        .iter()
        .flat_map(|shard| shard.rows.values())
        .all(|row| row.schema >= SCHEMA)
}

impl Anew {
    fn put_row(&mut self, id: RecordId, row: Row) {
        self.shards[shard_of(&id.group)].rows.insert(id, row);
    }

    /// The shards as objects, and the root's text.
    pub(crate) fn seal_manifest(
        &mut self,
        ports: impl World,
    ) -> Result<(Vec<(String, String)>, String), VaultError> {
        let mut dice = Dice::new(ports, self.dice_known.iter().copied());
        let mut items = Vec::new();
        for index in 0..SHARDS {
            self.root.shards[index] = None;
            if self.shards[index].rows.is_empty() {
                continue;
            }
            let place = (index, self.root.seq, self.root.writer);
            let sealed = self.shards[index].seal(&self.keys, dice.draw()?, place)?;
            self.root.shards[index] = Some(sealed.id);
            items.push((object_name(&sealed.id), sealed.text));
        }
        // Snapshots of the old epoch cannot be opened any more.
        self.root.snapshots.clear();
        let root = self.root.seal(&self.keys, dice.draw()?)?;
        Ok((items, root.text))
    }
}

/// Writes it: slots, records, and then shards and root in one step.
pub(crate) async fn install(
    ports: impl World,
    mut anew: Anew,
    fresh: &Fresh,
    jobs: Vec<(String, String)>,
) -> Result<(Vault, Resealed), VaultError> {
    anew.root.slots = vec![(fresh.slot.id(), fresh.slot.generation())];
    let (shards, root_text) = anew.seal_manifest(ports)?;
    let records = u32::try_from(anew.objects.len()).unwrap_or(u32::MAX);
    let done = Resealed {
        records,
        set_aside: anew.lost,
        weaker: false,
    };
    let objects: Vec<_> = anew.objects.into_iter().chain(anew.set_aside).collect();
    write_slot(ports, &fresh.slot, fresh.live).await?;
    let written = write_all(ports, &objects, jobs, &shards, &root_text).await;
    let (ring_index, mut ring) = match written {
        Ok(written) => written,
        Err(error) => {
            take_back(ports, fresh, &objects).await;
            return Err(error);
        }
    };
    ring[ring_index] = Held::Text(root_text.clone());
    let vault = Vault {
        keys: anew.keys,
        highest_seq: anew.root.seq,
        root: anew.root,
        root_digest: digest16(root_text.as_bytes()),
        shards: anew.shards,
        ring,
        weak: SortedSet::new(),
        unsettled: false,
        mirror_behind: Cell::new(true),
        journal: Journal::default(),
    };
    write_mirror(ports, &vault).await;
    Ok((vault, done))
}

async fn write_all(
    ports: impl World,
    objects: &[(String, String)],
    jobs: Vec<(String, String)>,
    shards: &[(String, String)],
    root_text: &str,
) -> Result<(usize, Vec<Held>), VaultError> {
    for items in objects.chunks(64) {
        ports
            .local()
            .set(items)
            .await
            .map_err(|_| VaultError::Storage)?;
        let names: Vec<_> = items.iter().map(|(name, _)| name.clone()).collect();
        let held = read_each(ports.local(), &names).await;
        // The old ones are about to go.
        if held
            .iter()
            .zip(items)
            .any(|(held, (_, text))| held.text() != Some(text))
        {
            return Err(VaultError::Storage);
        }
    }
    if !jobs.is_empty() {
        ports
            .local()
            .set(&jobs)
            .await
            .map_err(|_| VaultError::Storage)?;
    }
    let ring = Roots::read(ports).await.ring;
    let unused = |index: &usize| ring[*index] == Held::Absent;
    let order: Vec<_> = (0..RING)
        .filter(unused)
        .chain((0..RING).filter(|index| !unused(index)))
        .collect();
    let index = write_root(ports, shards.to_vec(), root_text, order.into_iter()).await?;
    Ok((index, ring))
}

/// The change could not be made: what was written of it opens nothing, and goes.
async fn take_back(ports: impl World, fresh: &Fresh, objects: &[(String, String)]) {
    // Unless the root was written after all, and only could not be read back.
    let roots = Roots::read(ports).await;
    if !roots.all_sound() || roots.live_epoch() >= Some(fresh.keys.epoch()) {
        return;
    }
    let slots = Slots::read(ports).await;
    let is_new = |held: &Held| held.text().and_then(Slot::read).as_ref() == Some(&fresh.slot);
    let names = |held: &[Held]| -> Vec<String> {
        (0..held.len())
            .filter(|index| is_new(&held[*index]))
            .map(slot_name)
            .collect()
    };
    remove_each(ports.local(), &names(&slots.local)).await;
    remove_each(ports.mirror(), &names(&slots.mirror)).await;
    let kept = |name: &String| !name.starts_with(QUARANTINE);
    let objects: Vec<_> = objects
        .iter()
        .map(|(name, _)| name.clone())
        .filter(kept)
        .collect();
    remove_each(ports.local(), &objects).await;
}

/// Slots and roots of the epochs before this.
pub(crate) async fn remove_old_epochs(ports: impl World, epoch: u32) {
    let slots = Slots::read(ports).await;
    let is_old = |held: &Held| {
        held.text()
            .and_then(Slot::read)
            .is_some_and(|slot| slot.epoch() < epoch)
    };
    let names = |held: &[Held]| -> Vec<String> {
        (0..held.len())
            .filter(|index| is_old(&held[*index]))
            .map(slot_name)
            .collect()
    };
    remove_old(ports, epoch, &names(&slots.local), &names(&slots.mirror)).await;
}

/// The browser's logs keep what was overwritten and removed until enough is written after it:
/// measured, three times 4 MiB. In small values, since large ones go into files of their own.
pub(crate) async fn purge(ports: impl World) {
    const ROUNDS: usize = 3;
    const VALUES: usize = 128;
    // Noise, since what compresses would fill less; once, since values are compressed singly.
    let mut noise = vec![0; 24 * 1024];
    if ports.entropy().fill(&mut noise).is_err() {
        return;
    }
    let text = encode(&noise);
    let names: Vec<_> = (0..VALUES).map(|n| format!("{FILLER}{n}")).collect();
    let items: Vec<_> = names
        .iter()
        .map(|name| (name.clone(), text.clone()))
        .collect();
    for round in 1..=ROUNDS {
        // The other store may not be there at all.
        let _ = ports.mirror().set(&items).await;
        let _ = ports.mirror().remove(&names).await;
        // The first name stays until the last round is done: it says that a purge is due.
        let gone = if round == ROUNDS {
            &names[..]
        } else {
            &names[1..]
        };
        if ports.local().set(&items).await.is_err() || ports.local().remove(gone).await.is_err() {
            return;
        }
    }
}
