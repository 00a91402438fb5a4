//! Backup files, and putting a vault aside.

use super::begin::{WORKS, write_marker};
use super::change::{Fresh, State, Texts, install, remove_old_epochs, seal_anew};
use super::disk::{
    ASIDE, FILLER, Held, LAST_ROOT, MARKER, OBJECTS, Slots, read_each, root_names, slot_names,
};
use super::journal::job_names;
use super::keys::Keys;
use super::manifest::{Root, Row, SHARDS, Shard, read_record, shard_of};
use super::object::{Body, Damaged, RecordId, claimed_epoch, object_name};
use super::open::Vault;
use super::slot::{Opener, Slot, SlotFor, SlotKind, Work};
use super::start::{Start, look};
use super::text::{decode_array, encode, unhex};
use super::unlock::try_slots;
use super::{Unlocked, VaultError, World};
use crate::ports::{Clock, Store};
use crate::secret::Secret;
use crate::sorted::{SortedMap, SortedSet, by_rank};
use relaykeep_protocol::{Millis, Notice};
use serde::{Deserialize, Serialize};

/// The file: the vault's own sealed texts under their own names.
#[derive(Serialize, Deserialize)]
struct File {
    #[serde(rename = "relaykeep-backup")]
    format: u32,
    vault_id: String,
    written: Millis,
    slots: Vec<String>,
    root: String,
    objects: SortedMap<String, String>,
}

const FORMAT: u32 = 1;

impl Vault {
    /// A backup file's text. Without a passphrase it opens with the vault's own. With one (needed
    /// in device mode) everything in it is sealed under a master key of its own.
    ///
    /// # Errors
    /// `PassphraseTooShort` if it is needed; `Storage` when a record could not be read now.
    pub async fn backup(
        &self,
        ports: impl World,
        passphrase: Option<&Secret>,
    ) -> Result<String, VaultError> {
        self.backup_with(ports, passphrase, WORKS).await
    }

    pub(crate) async fn backup_with(
        &self,
        ports: impl World,
        passphrase: Option<&Secret>,
        works: &[Work],
    ) -> Result<String, VaultError> {
        let texts = self.read_texts(ports).await?;
        let state = State {
            keys: &self.keys,
            root: &self.root,
            shards: &self.shards,
        };
        let (slots, manifest, root, objects) = match passphrase {
            Some(passphrase) => {
                let opener = Opener::new_passphrase(passphrase)?;
                let which = SlotFor {
                    vault_id: self.keys.vault_id,
                    epoch: self.keys.epoch.checked_add(1).ok_or(VaultError::Unfit)?,
                    generation: 1,
                };
                let fresh = Fresh::for_slot(ports, &opener, &which, works, None)?;
                let mut anew = seal_anew(ports, &state, &texts, fresh.keys)?;
                anew.root.slots = vec![(fresh.slot.id(), fresh.slot.generation())];
                let (manifest, root) = anew.seal_manifest(ports)?;
                (vec![fresh.slot.text()], manifest, root, anew.objects)
            }
            None => {
                let slots = Slots::read(ports).await.sound();
                let ours = slots.iter().filter(|slot| {
                    slot.epoch() == self.keys.epoch && slot.kind() == SlotKind::Passphrase
                });
                let slots: Vec<_> = ours.map(Slot::text).collect();
                if slots.is_empty() {
                    let least = super::LEAST_CHARACTERS;
                    return Err(VaultError::PassphraseTooShort { least });
                }
                let mut same = super::change::Anew {
                    keys: self.keys.clone(),
                    root: self.root.clone(),
                    shards: self.shards.clone(),
                    dice_known: self.shards.iter().flat_map(Shard::objects).collect(),
                    objects: Vec::new(),
                    set_aside: Vec::new(),
                    lost: 0,
                };
                let (manifest, root) = same.seal_manifest(ports)?;
                let objects = texts
                    .iter()
                    .map(|(id, text)| (object_name(id), text.clone()));
                (slots, manifest, root, objects.collect())
            }
        };
        let file = File {
            format: FORMAT,
            vault_id: encode(&self.keys.vault_id),
            written: ports.clock().now(),
            slots,
            root,
            objects: objects.into_iter().chain(manifest).collect(),
        };
        serde_json::to_string_pretty(&file).map_err(|_| VaultError::Unfit)
    }
}

/// An opened backup file.
pub struct Backup {
    written: Millis,
    keys: Keys,
    root: Root,
    shards: Vec<Shard>,
    texts: Texts,
}

impl Backup {
    /// When it says it was written.
    #[must_use]
    pub fn written(&self) -> Millis {
        self.written
    }

    /// Of which vault.
    #[must_use]
    pub fn vault_id(&self) -> [u8; 16] {
        self.keys.vault_id
    }

    /// All records in it.
    pub fn records(&self) -> impl Iterator<Item = RecordId> {
        let rows = self.shards.iter().flat_map(|shard| &shard.rows);
        rows.filter(|(_, row)| row.object.is_some())
            .map(|(id, _)| *id)
    }

    /// One record.
    ///
    /// # Errors
    /// When it is not there or does not open.
    pub fn read(&self, id: RecordId) -> Result<Body, Damaged> {
        let row: Option<&Row> = self.shards[shard_of(&id.group)].rows.get(&id);
        let row = row.ok_or(Damaged::Missing)?;
        let text = row.object.and_then(|object| self.texts.get(&object));
        read_record(&self.keys, &id, row, text.ok_or(Damaged::Missing)?)
    }
}

/// Opens a backup file without changing anything.
///
/// # Errors
/// `WrongPassphrase`, `Newer`, or `BackupUnreadable`.
pub fn preview_backup(text: &str, passphrase: &Secret) -> Result<Backup, VaultError> {
    let unreadable = VaultError::BackupUnreadable;
    let file: File = crate::json::read(text).map_err(|_| unreadable)?;
    if file.format > FORMAT {
        return Err(VaultError::Newer);
    }
    let slots: Vec<_> = file
        .slots
        .iter()
        .filter_map(|text| Slot::read(text))
        .collect();
    let epoch = claimed_epoch(&file.root).ok_or(unreadable)?;
    let opener = Opener::passphrase(passphrase)?;
    let keys = match try_slots(&slots, epoch, SlotKind::Passphrase, &[opener]) {
        Err(VaultError::SlotDamaged) => return Err(unreadable),
        tried => tried?,
    };
    if decode_array(&file.vault_id) != Some(keys.vault_id) {
        return Err(unreadable);
    }
    let root = Root::open(&keys, &file.root).map_err(|_| unreadable)?;
    let mut texts = Texts::new();
    for (name, text) in file.objects {
        let id = name
            .strip_prefix(OBJECTS)
            .and_then(unhex)
            .ok_or(unreadable)?;
        texts.insert(id, text);
    }
    let mut shards = Vec::with_capacity(SHARDS);
    for (index, id) in root.shards.iter().enumerate() {
        shards.push(match id {
            None => Shard::default(),
            Some(id) => {
                let text = texts.get(id).ok_or(unreadable)?;
                Shard::open(&keys, index, id, text).map_err(|_| unreadable)?
            }
        });
    }
    Ok(Backup {
        written: file.written,
        keys,
        root,
        shards,
        texts,
    })
}

/// Sets what is here aside, and puts the backup in its place, under a new master key and the
/// file's passphrase. Cut anywhere, what was here still opens or the backup does. Forget the
/// device key afterwards.
///
/// # Errors
/// As told apart by [`VaultError`].
pub async fn restore_backup(
    ports: impl World,
    text: &str,
    passphrase: &Secret,
) -> Result<Unlocked, VaultError> {
    restore_with(ports, text, passphrase, WORKS).await
}

pub(crate) async fn restore_with(
    ports: impl World,
    text: &str,
    passphrase: &Secret,
    works: &[Work],
) -> Result<Unlocked, VaultError> {
    let backup = preview_backup(text, passphrase)?;
    if look(ports).await == Start::Newer {
        return Err(VaultError::Newer);
    }
    let opener = Opener::passphrase(passphrase)?;
    let vault_id = backup.keys.vault_id;
    let fresh = Fresh::make(ports, &opener, vault_id, backup.keys.epoch, works).await?;
    let state = State {
        keys: &backup.keys,
        root: &backup.root,
        shards: &backup.shards,
    };
    let mut anew = seal_anew(ports, &state, &backup.texts, fresh.keys.clone())?;
    anew.root.seq += 1;
    copy_aside(ports, Unread::StaysBehind).await?;
    // Nobody is to find this device's jobs under another vault's accounts.
    let (_, done) = install(ports, anew, &fresh, Vec::new()).await?;
    write_marker(ports, &vault_id).await?;
    super::disk::remove_each(ports.local(), &job_names()).await;
    remove_old_epochs(ports, fresh.keys.epoch()).await;
    let mut notices = Vec::new();
    if done.set_aside > 0 {
        notices.push(Notice::RecordsSetAside(done.set_aside));
    }
    if fresh.weaker {
        notices.push(Notice::WeakerWorkFactors);
    }
    Ok(Unlocked {
        keys: fresh.keys,
        notices,
    })
}

/// Sets everything aside under other names, deleting nothing: the stores look new then.
/// Forget the device key afterwards.
///
/// # Errors
/// When a store does not list, read or write. Nothing is gone then.
pub async fn start_over(ports: impl World) -> Result<(), VaultError> {
    if look(ports).await == Start::Newer {
        return Err(VaultError::Newer);
    }
    let moved = copy_aside(ports, Unread::Stops).await?;
    remove_moved(ports.local(), moved.local).await?;
    remove_moved(ports.mirror(), moved.mirror).await
}

/// The marker last: until then what is left is known to have been a vault.
async fn remove_moved(store: &impl Store, names: Vec<String>) -> Result<(), VaultError> {
    let names = by_rank(names, |name| (u64::from(name == MARKER), 0));
    for names in names.chunks(64) {
        store.remove(names).await.map_err(|_| VaultError::Storage)?;
    }
    Ok(())
}

struct Moved {
    local: Vec<String>,
    mirror: Vec<String>,
}

/// What to do about names that do not answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unread {
    Stops,
    /// They keep their place. A backup must come back even where half the store is rotten.
    StaysBehind,
}

async fn copy_aside(ports: impl World, unread: Unread) -> Result<Moved, VaultError> {
    let local = names_of(ports.local(), unread).await?;
    let mirror = names_of(ports.mirror(), unread).await?;
    let taken: SortedSet<_> = local
        .iter()
        .chain(&mirror)
        .filter_map(|name| name.strip_prefix(ASIDE)?.split('/').next())
        .collect();
    let number = (0u32..)
        .map(|n| n.to_string())
        .find(|n| !taken.contains(n.as_str()));
    let prefix = format!("{ASIDE}{}/", number.ok_or(VaultError::Unfit)?);
    Ok(Moved {
        local: copy_names(ports.local(), local, &prefix, unread).await?,
        mirror: copy_names(ports.mirror(), mirror, &prefix, unread).await?,
    })
}

async fn names_of(store: &impl Store, unread: Unread) -> Result<Vec<String>, VaultError> {
    match (store.names().await, unread) {
        (Ok(names), _) => Ok(names),
        (Err(_), Unread::Stops) => Err(VaultError::Storage),
        (Err(_), Unread::StaysBehind) => {
            let fixed = [MARKER.to_owned(), LAST_ROOT.to_owned()];
            Ok(fixed
                .into_iter()
                .chain(slot_names())
                .chain(root_names())
                .collect())
        }
    }
}

async fn copy_names(
    store: &impl Store,
    names: Vec<String>,
    prefix: &str,
    unread: Unread,
) -> Result<Vec<String>, VaultError> {
    let (filler, names): (Vec<_>, Vec<_>) = names
        .into_iter()
        .filter(|name| name.starts_with("rk") && !name.starts_with(ASIDE))
        .partition(|name| name.starts_with(FILLER));
    for names in names.chunks(64) {
        let mut items = Vec::with_capacity(names.len());
        for (name, held) in names.iter().zip(read_each(store, names).await) {
            match (held, unread) {
                (Held::Text(text), _) => items.push((format!("{prefix}{name}"), text)),
                (Held::Absent, _) | (Held::Unreadable, Unread::StaysBehind) => {}
                (Held::Unreadable, Unread::Stops) => return Err(VaultError::Storage),
            }
        }
        if !items.is_empty() {
            store.set(&items).await.map_err(|_| VaultError::Storage)?;
        }
    }
    // Filler holds nothing.
    Ok(names.into_iter().chain(filler).collect())
}
