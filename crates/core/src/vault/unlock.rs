//! Opening the vault, and finishing a change of protection that was cut.

use super::disk::{
    FILLER, Held, LAST_ROOT, Roots, SLOTS, Slots, remove_each, root_name, slot_name,
};
use super::keys::Keys;
use super::object::claimed_epoch;
use super::open::Vault;
use super::slot::{Opener, Refusal, Slot, SlotKind};
use super::{VaultError, World};
use crate::ports::Store;
use crate::secret::Secret;
use relaykeep_protocol::{Notice, RecoveryCause};

/// The keys, and what the user should know.
#[derive(Clone, Debug)]
pub struct Unlocked {
    /// What [`super::Vault::open`] takes.
    pub keys: Keys,
    /// Things to say once.
    pub notices: Vec<Notice>,
}

/// Opens with a passphrase. Finishes or takes back an interrupted change.
///
/// # Errors
/// As told apart by [`VaultError`].
pub async fn unlock(ports: impl World, passphrase: &Secret) -> Result<Unlocked, VaultError> {
    let opener = Opener::passphrase(passphrase)?;
    let (slots, live) = living(ports).await?;
    let keys = try_slots(&slots.sound(), live, SlotKind::Passphrase, &[opener])?;
    finish(ports, keys, &slots).await
}

/// Opens with the first copy of the device key that fits.
///
/// # Errors
/// `NeedsRecovery(DeviceKeyGone)` when none does.
pub async fn unlock_with_device_key(
    ports: impl World,
    copies: &[Secret],
) -> Result<Unlocked, VaultError> {
    let openers: Vec<_> = copies.iter().filter_map(Opener::device).collect();
    let (slots, live) = living(ports).await?;
    let keys = match try_slots(&slots.sound(), live, SlotKind::Device, &openers) {
        Err(VaultError::WrongPassphrase) => {
            return Err(VaultError::NeedsRecovery(RecoveryCause::DeviceKeyGone));
        }
        tried => tried?,
    };
    finish(ports, keys, &slots).await
}

async fn living(ports: impl World) -> Result<(Slots, u32), VaultError> {
    let roots = Roots::read(ports).await;
    let live = roots
        .live_epoch()
        .ok_or(VaultError::NeedsRecovery(RecoveryCause::RootsDamaged))?;
    Ok((Slots::read(ports).await, live))
}

/// A slot of another epoch opens nothing: either its change was never finished, or it was, and
/// the slot is about to be removed.
pub(crate) fn try_slots(
    sound: &[Slot],
    live: u32,
    kind: SlotKind,
    openers: &[Opener],
) -> Result<Keys, VaultError> {
    let living = || sound.iter().filter(|slot| slot.epoch() == live);
    let mut refusals = Vec::new();
    for slot in living().filter(|slot| slot.kind() == kind) {
        if openers.is_empty() {
            refusals.push(Refusal::Wrong);
        }
        for opener in openers {
            match slot.open(opener) {
                Ok(master) => return Ok(Keys::derive(&master, slot.vault_id(), slot.epoch())),
                Err(refusal) => refusals.push(refusal),
            }
        }
    }
    // Wrong only if every one of them says so.
    Err(if refusals.contains(&Refusal::NotEnoughMemory) {
        VaultError::NotEnoughMemory
    } else if refusals.contains(&Refusal::Unsupported) {
        VaultError::UnsupportedParameters
    } else if refusals.contains(&Refusal::Damaged) {
        VaultError::SlotDamaged
    } else if refusals.contains(&Refusal::Wrong) {
        VaultError::WrongPassphrase
    } else if living().any(|slot| slot.kind() == SlotKind::Unknown) {
        VaultError::Newer
    } else {
        VaultError::SlotDamaged
    })
}

/// Removes what a cut change left: the old protection if the new root is there, the new one if
/// it is not.
async fn finish(ports: impl World, keys: Keys, slots: &Slots) -> Result<Unlocked, VaultError> {
    let mut notices = Vec::new();
    let other = |held: &[Held], is_left: &dyn Fn(u32) -> bool| -> Vec<String> {
        let left = |index: &usize| {
            held[*index]
                .text()
                .and_then(Slot::read)
                .is_some_and(|slot| is_left(slot.epoch()))
        };
        (0..SLOTS).filter(left).map(slot_name).collect()
    };
    let old = |epoch: u32| epoch < keys.epoch();
    let new = |epoch: u32| epoch > keys.epoch();
    let old_local = other(&slots.local, &old);
    let old_mirror = other(&slots.mirror, &old);
    let new_local = other(&slots.local, &new);
    let new_mirror = other(&slots.mirror, &new);
    // The old state must not go before the new one is seen to open.
    if !(old_local.is_empty() && old_mirror.is_empty())
        && Vault::open(ports, keys.clone()).await.is_ok()
    {
        remove_old(ports, keys.epoch(), &old_local, &old_mirror).await;
        notices.push(Notice::ChangeFinished);
    }
    // A root that does not read might be the new one.
    if !(new_local.is_empty() && new_mirror.is_empty()) && Roots::read(ports).await.all_sound() {
        remove_each(ports.local(), &new_local).await;
        remove_each(ports.mirror(), &new_mirror).await;
    }
    Ok(Unlocked { keys, notices })
}

/// Removes old slots, and the roots of the epochs before. The filler's first name says that the
/// browser's logs are still to be purged; `sweep` does that.
pub(crate) async fn remove_old(
    ports: impl World,
    epoch: u32,
    local_slots: &[String],
    mirror_slots: &[String],
) {
    let pending = [(format!("{FILLER}0"), String::new())];
    let _ = ports.local().set(&pending).await;
    remove_each(ports.local(), local_slots).await;
    remove_each(ports.mirror(), mirror_slots).await;
    let roots = Roots::read(ports).await;
    let is_old = |held: &Held| {
        held.text()
            .and_then(claimed_epoch)
            .is_some_and(|claimed| claimed < epoch)
    };
    let old_roots: Vec<_> = (0..roots.ring.len())
        .filter(|index| is_old(&roots.ring[*index]))
        .map(root_name)
        .collect();
    remove_each(ports.local(), &old_roots).await;
    if is_old(&roots.last) {
        remove_each(ports.mirror(), &[LAST_ROOT.to_owned()]).await;
    }
}
