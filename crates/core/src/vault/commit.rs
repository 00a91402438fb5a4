//! One atomic step from one state of the vault to the next.

use super::disk::{Held, LAST_ROOT, QUARANTINE, RING, read_each, read_one, root_name, root_names};
use super::keys::Class;
use super::manifest::{Root, Row, SHARDS, shard_of};
use super::object::{
    self, Body, Dice, Head, MAX_RECORD, RecordId, SCHEMA, claimed_epoch, object_name,
};
use super::open::Vault;
use super::text::{digest16, hex};
use super::{VaultError, World};
use crate::ports::{Clock, Store};
use crate::sorted::{SortedMap, SortedSet};
use relaykeep_protocol::Millis;

/// How long it is remembered that a record was removed.
const TOMBSTONES_KEPT: Millis = 180 * 24 * 3_600_000;

/// One change of a commit. The last word about a record counts.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes it.
    Put {
        /// Which.
        id: RecordId,
        /// UTF-8 JSON.
        body: String,
    },
    /// Removes it.
    Delete(RecordId),
    /// It did not open: moves its bytes to the quarantine, and takes it off the list. A `Put`
    /// after it in the same commit writes it anew, even with the same body.
    SetAside(RecordId),
}

/// What a commit wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Objects that lists show.
    pub list: u32,
    /// Logins.
    pub site: u32,
    /// Keys and raw objects.
    pub secret: u32,
    /// Parts of the manifest.
    pub shards: u32,
    /// Records removed or set aside.
    pub removed: u32,
    /// A root was written; if not, nothing was.
    pub root: bool,
}

/// What is to become of one record.
#[derive(Default)]
struct Fate {
    /// `None`: removed.
    body: Option<Body>,
    set_aside: bool,
}

impl Vault {
    /// One atomic step. A body that is as before is dropped; if nothing is left, nothing is
    /// written at all, except to settle what `open` gave a notice about. After `Conflict` open
    /// again.
    ///
    /// # Errors
    /// This vault is unchanged then, and so is the store, unless it failed while the root was
    /// read back: then either state may be found at the next `open`.
    pub async fn commit(
        &mut self,
        ports: impl World,
        changes: Vec<Change>,
    ) -> Result<Committed, VaultError> {
        let fates = self.fates(changes)?;
        if fates.is_empty() && !self.unsettled && self.weak.is_empty() {
            return Ok(Committed::default());
        }
        self.look_for_others(ports).await?;
        let mut step = Step::begin(self, ports)?;
        for (id, fate) in fates {
            step.apply(self, ports, id, fate).await?;
        }
        step.seal_manifest(self, ports)?;
        step.write(self, ports).await
    }

    fn fates(&self, changes: Vec<Change>) -> Result<SortedMap<RecordId, Fate>, VaultError> {
        let mut fates: SortedMap<RecordId, Fate> = SortedMap::new();
        for change in changes {
            match change {
                Change::Put { id, body } => {
                    fates.entry(id).or_default().body = Some(Body::new(body));
                }
                Change::Delete(id) => fates.entry(id).or_default().body = None,
                Change::SetAside(id) => {
                    let fate = fates.entry(id).or_default();
                    *fate = Fate {
                        body: None,
                        set_aside: true,
                    };
                }
            }
        }
        fates.retain(|id, fate| match (self.live_row(id), &fate.body) {
            (None, None) => false,
            (Some(row), Some(body)) => {
                fate.set_aside || row.tag != Some(self.keys.body_tag(body.as_bytes()))
            }
            (Some(_), None) | (None, Some(_)) => true,
        });
        let newer = |id: &RecordId| {
            id.kind.class().is_none()
                || self.shards[shard_of(&id.group)]
                    .rows
                    .get(id)
                    .is_some_and(|r| r.schema > SCHEMA)
        };
        if fates.keys().any(newer) {
            return Err(VaultError::Newer);
        }
        Ok(fates)
    }

    fn live_row(&self, id: &RecordId) -> Option<&Row> {
        self.shards[shard_of(&id.group)]
            .rows
            .get(id)
            .filter(|row| row.object.is_some())
    }

    /// `Conflict` if a root stands there that is not the one started from, and not older. Our own
    /// root gone bad is no conflict: all it says is still known here.
    pub(crate) async fn look_for_others(&mut self, ports: impl World) -> Result<(), VaultError> {
        let ring = read_each(ports.local(), &root_names()).await;
        for (now, before) in ring.iter().zip(&self.ring) {
            let (Some(text), true) = (now.text(), now != before) else {
                continue;
            };
            let newer = Root::open(&self.keys, text).is_ok_and(|root| root.seq >= self.root.seq);
            let same = digest16(text.as_bytes()) == self.root_digest;
            if (newer && !same) || claimed_epoch(text).is_some_and(|e| e > self.keys.epoch) {
                return Err(VaultError::Conflict);
            }
        }
        self.ring = ring;
        if self.newest_held() == Held::Absent {
            // Whatever took the root may have taken shards: they are known here, and written anew.
            self.weak.extend(0..SHARDS);
        }
        Ok(())
    }
}

/// A commit in the making.
struct Step<P> {
    dice: Dice<P>,
    root: Root,
    shards: Vec<super::manifest::Shard>,
    touched: SortedSet<usize>,
    items: Vec<(String, String)>,
    /// Those of the items that are shards.
    shard_items: Vec<(String, String)>,
    root_text: String,
    done: Committed,
}

impl<P: World> Step<P> {
    fn begin(vault: &Vault, ports: P) -> Result<Self, VaultError> {
        let objects = vault
            .shards
            .iter()
            .flat_map(super::manifest::Shard::objects);
        let shards = vault.root.shards.iter().flatten().copied();
        let known = objects.chain(shards).chain([vault.keys.vault_id]);
        let mut root = vault.root.clone();
        root.seq = vault
            .highest_seq
            .checked_add(1)
            .ok_or(VaultError::Conflict)?;
        root.prev = vault.root_digest;
        Ok(Self {
            dice: Dice::new(ports, known),
            root,
            shards: vault.shards.clone(),
            touched: vault.weak.clone(),
            items: Vec::new(),
            shard_items: Vec::new(),
            root_text: String::new(),
            done: Committed::default(),
        })
    }

    async fn apply(
        &mut self,
        vault: &Vault,
        ports: P,
        id: RecordId,
        fate: Fate,
    ) -> Result<(), VaultError> {
        let index = shard_of(&id.group);
        self.touched.insert(index);
        let before = self.shards[index].rows.get(&id).cloned();
        if fate.set_aside
            && let Some(object) = before.as_ref().and_then(|row| row.object)
        {
            // What does not answer cannot be kept, and what does is kept byte for byte.
            if let Held::Text(text) = read_one(ports.local(), &object_name(&object)).await {
                self.items
                    .push((format!("{QUARANTINE}{}", hex(&object)), text));
            }
        }
        let mut row = Row {
            object: None,
            schema: SCHEMA,
            counter: before.as_ref().map_or(0, |row| row.counter) + 1,
            writer: self.root.writer,
            tag: None,
            removed_at: None,
            extra: before.map(|row| row.extra).unwrap_or_default(),
        };
        match (fate.body, id.kind.class()) {
            (Some(body), Some(class)) => {
                let head = Head {
                    schema: SCHEMA,
                    kind: id.kind.number(),
                    part: id.part,
                    group: id.group,
                    counter: row.counter,
                    writer: row.writer,
                };
                let fresh = self.dice.draw()?;
                let sealed = object::seal(&vault.keys, class, fresh, head, &body, MAX_RECORD)?;
                row.object = Some(sealed.id);
                row.tag = Some(vault.keys.body_tag(body.as_bytes()));
                self.items.push((object_name(&sealed.id), sealed.text));
                match class {
                    Class::List => self.done.list += 1,
                    Class::Site => self.done.site += 1,
                    Class::Secret => self.done.secret += 1,
                    Class::Root | Class::Job | Class::Tag => {}
                }
            }
            (None, _) => {
                row.removed_at = Some(ports.clock().now());
                self.done.removed += 1;
            }
            (Some(_), None) => return Err(VaultError::Newer),
        }
        self.shards[index].rows.insert(id, row);
        Ok(())
    }

    fn seal_manifest(&mut self, vault: &Vault, ports: P) -> Result<(), VaultError> {
        let now = ports.clock().now();
        for index in self.touched.clone() {
            let shard = &mut self.shards[index];
            shard.rows.retain(|_, row| {
                row.removed_at
                    .is_none_or(|at| at.saturating_add(TOMBSTONES_KEPT) > now)
            });
            let place = (index, self.root.seq, self.root.writer);
            let sealed = shard.seal(&vault.keys, self.dice.draw()?, place)?;
            self.root.shards[index] = Some(sealed.id);
            self.shard_items
                .push((object_name(&sealed.id), sealed.text));
            self.done.shards += 1;
        }
        self.items.extend(self.shard_items.iter().cloned());
        self.root_text = self.root.seal(&vault.keys, self.dice.draw()?)?.text;
        Ok(())
    }

    async fn write(self, vault: &mut Vault, ports: P) -> Result<Committed, VaultError> {
        // A generator that repeats an earlier id would write over what is good.
        let names: Vec<_> = self.items.iter().map(|(name, _)| name.clone()).collect();
        let there = ports
            .local()
            .get_many(&names)
            .await
            .map_err(|_| VaultError::Storage)?;
        if there.keys().any(|name| !name.starts_with(QUARANTINE)) {
            return Err(VaultError::Randomness);
        }
        // From here on this number may stand somewhere, even if reading it back fails.
        vault.highest_seq = self.root.seq;
        let keep = vault.ring.iter().position(|held| {
            held.text()
                .is_some_and(|text| digest16(text.as_bytes()) == vault.root_digest)
        });
        let first = (self.root.seq % RING as u64) as usize;
        let order = (0..RING)
            .map(|step| (first + step) % RING)
            .filter(|i| Some(*i) != keep);
        let index = write_root(ports, self.items, &self.root_text, order).await?;
        vault.root_digest = digest16(self.root_text.as_bytes());
        vault.root = self.root;
        vault.shards = self.shards;
        vault.ring[index] = Held::Text(self.root_text.clone());
        vault.weak.clear();
        vault.unsettled = false;
        if vault.mirror_behind.get() {
            write_mirror(ports, vault).await;
        } else {
            let mut items = self.shard_items;
            items.push((LAST_ROOT.to_owned(), self.root_text));
            vault
                .mirror_behind
                .set(ports.mirror().set(&items).await.is_err());
        }
        Ok(Committed {
            root: true,
            ..self.done
        })
    }
}

/// Writes everything and the root in one step; where a name of the ring does not take it, under
/// the next. Returns where it was read back.
pub(crate) async fn write_root(
    ports: impl World,
    mut items: Vec<(String, String)>,
    root_text: &str,
    order: impl Iterator<Item = usize>,
) -> Result<usize, VaultError> {
    for index in order {
        let name = root_name(index);
        items.push((name.clone(), root_text.to_owned()));
        if ports.local().set(&items).await.is_err() {
            items.pop();
            continue;
        }
        if read_one(ports.local(), &name).await.text() == Some(root_text) {
            return Ok(index);
        }
        // The rest stands: only the root is tried again.
        items.clear();
    }
    Err(VaultError::Storage)
}

/// The last root and all its shards, for the other store. What it lacks is made up next time.
pub(crate) async fn write_mirror(ports: impl World, vault: &Vault) {
    let Held::Text(root_text) = vault.newest_held() else {
        return;
    };
    let names: Vec<_> = vault
        .root
        .shards
        .iter()
        .flatten()
        .map(object_name)
        .collect();
    let held = read_each(ports.local(), &names).await;
    let mut items: Vec<_> = names
        .into_iter()
        .zip(held)
        .filter_map(|(name, held)| Some((name, held.text()?.to_owned())))
        .collect();
    items.push((LAST_ROOT.to_owned(), root_text));
    vault
        .mirror_behind
        .set(ports.mirror().set(&items).await.is_err());
}
