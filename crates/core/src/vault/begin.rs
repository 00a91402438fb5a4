//! Making a vault: slots, read back and opened, then the root, then the marker, so that whatever
//! is cut leaves a trace that is no vault, and never a vault that does not open.

use super::commit::write_root;
use super::disk::{Held, LAST_ROOT, MARKER, Marker, RING, Slots, read_one, slot_name};
use super::keys::{Keys, MasterKey, draw};
use super::manifest::Root;
use super::object::Dice;
use super::slot::{Opener, STRONG, Slot, SlotFor, WEAK, Work, make};
use super::start::{Start, look};
use super::{Unlocked, VaultError, World};
use crate::ports::Store;
use crate::secret::Secret;
use relaykeep_protocol::Notice;

/// What a vault opens with.
#[derive(Clone, Debug)]
pub enum Protection {
    /// What the user typed: at least [`super::LEAST_CHARACTERS`].
    Passphrase(Secret),
    /// A key from [`super::make_device_key`], kept already.
    Device(Secret),
}

impl Protection {
    pub(crate) fn opener(&self) -> Result<Opener, VaultError> {
        match self {
            Self::Passphrase(typed) => Opener::new_passphrase(typed),
            Self::Device(key) => Opener::device(key).ok_or(VaultError::Unfit),
        }
    }
}

/// The work factors of new slots; the later ones only if memory is short.
pub(crate) const WORKS: &[Work] = &[STRONG, WEAK];

/// Makes the vault.
///
/// # Errors
/// `Exists` if any store shows a trace of one.
pub async fn create(ports: impl World, protection: &Protection) -> Result<Unlocked, VaultError> {
    create_with(ports, protection, WORKS).await
}

pub(crate) async fn create_with(
    ports: impl World,
    protection: &Protection,
    works: &[Work],
) -> Result<Unlocked, VaultError> {
    let opener = protection.opener()?;
    match look(ports).await {
        Start::New => {}
        Start::Newer => return Err(VaultError::Newer),
        Start::Sealed(_) | Start::Recovery(_) => return Err(VaultError::Exists),
    }
    let master = MasterKey::make(ports.entropy())?;
    let vault_id = draw(ports.entropy())?;
    let which = SlotFor {
        vault_id,
        epoch: 1,
        generation: 1,
    };
    let made = make(ports.entropy(), &opener, &master, &which, works)?;
    let keys = Keys::derive(&master, vault_id, 1);
    let root = Root::first(1, draw(ports.entropy())?, vec![(made.slot.id(), 1)]);
    let root_text = root.seal(&keys, Dice::new(ports, [vault_id]).draw()?)?.text;
    write_slot(ports, &made.slot, None).await?;
    write_root(ports, Vec::new(), &root_text, 1..RING).await?;
    // The other store is made up for later if it does not take these.
    let _ = ports
        .mirror()
        .set(&[(LAST_ROOT.to_owned(), root_text)])
        .await;
    write_marker(ports, &vault_id).await?;
    let notices = made
        .weaker
        .then_some(Notice::WeakerWorkFactors)
        .into_iter()
        .collect();
    Ok(Unlocked { keys, notices })
}

pub(crate) async fn write_marker(ports: impl World, vault_id: &[u8; 16]) -> Result<(), VaultError> {
    let marker = [(MARKER.to_owned(), Marker::text(vault_id))];
    let local = ports.local().set(&marker).await;
    let mirror = ports.mirror().set(&marker).await;
    local.or(mirror).map_err(|_| VaultError::Storage)
}

/// Writes a slot under two names that no living slot uses, in both stores, and reads it back.
/// `make` has seen it open.
pub(crate) async fn write_slot(
    ports: impl World,
    slot: &Slot,
    live: Option<u32>,
) -> Result<(), VaultError> {
    let text = slot.text();
    let free = Slots::read(ports).await.free(live);
    let mut standing = 0;
    for index in free {
        let item = [(slot_name(index), text.clone())];
        if ports.local().set(&item).await.is_err()
            || read_one(ports.local(), &item[0].0).await != Held::Text(text.clone())
        {
            continue;
        }
        let _ = ports.mirror().set(&item).await;
        standing += 1;
        if standing == 2 {
            break;
        }
    }
    // One copy opens as well as two.
    if standing > 0 {
        Ok(())
    } else {
        Err(VaultError::Storage)
    }
}
