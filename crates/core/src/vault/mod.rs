//! The vault: everything sealed, nothing overwritten that is good, nothing lost by a cut.
//! `docs/storage.md` says every byte of it.
//!
//! It writes through the ports only and waits for nothing else. Whoever calls holds the browser's
//! lock around everything that writes, so that there is one writer at a time.

mod backup;
mod begin;
mod change;
mod commit;
mod disk;
mod journal;
mod json;
mod keys;
mod lock;
mod manifest;
mod object;
mod open;
mod slot;
mod start;
mod sweep;
mod text;
mod unlock;

#[cfg(test)]
mod tests;

pub use backup::{Backup, preview_backup, restore_backup, start_over};
pub use begin::{Protection, create};
pub use change::Resealed;
pub use commit::{Change, Committed};
pub use journal::JOB_SLOTS;
pub use keys::{Class, Keys, make_device_key};
pub use lock::{Deadline, LockState};
pub use object::{Body, Damaged, Kind, MAX_BODY, RecordId};
pub use open::Vault;
pub use slot::LEAST_CHARACTERS;
pub use start::{Start, look};
pub use unlock::{Unlocked, unlock, unlock_with_device_key};

use crate::ports::{Clock, Entropy, Store};
use relaykeep_protocol::{ErrorCode, RecoveryCause};

/// What the vault needs from the world.
pub struct Ports<'a, L, M, E, C> {
    /// `storage.local`: everything.
    pub local: &'a L,
    /// A database of our own: marker, slots, the last root and its shards once more.
    pub mirror: &'a M,
    /// Good randomness.
    pub entropy: &'a E,
    /// The wall clock.
    pub clock: &'a C,
}

impl<L, M, E, C> Clone for Ports<'_, L, M, E, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L, M, E, C> Copy for Ports<'_, L, M, E, C> {}

/// [`Ports`], whatever they are made of: keeps signatures readable.
pub trait World: Copy {
    /// `storage.local`.
    fn local(&self) -> &impl Store;
    /// The database of our own.
    fn mirror(&self) -> &impl Store;
    /// Good randomness.
    fn entropy(&self) -> &impl Entropy;
    /// The wall clock.
    fn clock(&self) -> &impl Clock;
}

impl<L: Store, M: Store, E: Entropy, C: Clock> World for Ports<'_, L, M, E, C> {
    fn local(&self) -> &impl Store {
        self.local
    }
    fn mirror(&self) -> &impl Store {
        self.mirror
    }
    fn entropy(&self) -> &impl Entropy {
        self.entropy
    }
    fn clock(&self) -> &impl Clock {
        self.clock
    }
}

/// Why the vault did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// Every intact slot says so.
    WrongPassphrase,
    /// No copy of the slot is intact.
    SlotDamaged,
    /// The passphrase's arithmetic needs memory that could not be had.
    NotEnoughMemory,
    /// Made by a newer version: read, never written.
    Newer,
    /// The stored work factors are outside what is sane.
    UnsupportedParameters,
    /// Fewer characters than this asks for.
    PassphraseTooShort {
        /// The least.
        least: u32,
    },
    /// Text no keyboard can repeat.
    PassphraseUnreadable,
    /// The browser's storage failed. What was there is unchanged.
    Storage,
    /// Somebody else wrote in between: open again and repeat.
    Conflict,
    /// Randomness failed; nothing was written.
    Randomness,
    /// There is a vault, or a trace of one, already.
    Exists,
    /// The vault does not open.
    NeedsRecovery(RecoveryCause),
    /// All was sealed anew: these keys open nothing any more.
    SealedAnew,
    /// Not a backup file, or a damaged one.
    BackupUnreadable,
    /// A body over its cap, or no JSON we accept. A fault of ours.
    Unfit,
}

impl From<VaultError> for ErrorCode {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::WrongPassphrase => Self::WrongPassphrase,
            VaultError::SlotDamaged => Self::SlotDamaged,
            VaultError::NotEnoughMemory => Self::NotEnoughMemory,
            VaultError::Newer => Self::NewerVersion,
            VaultError::UnsupportedParameters => Self::UnsupportedParameters,
            VaultError::PassphraseTooShort { least } => Self::PassphraseTooShort { least },
            VaultError::PassphraseUnreadable => Self::PassphraseUnreadable,
            VaultError::Storage => Self::StorageFailed,
            VaultError::Conflict => Self::Conflict,
            VaultError::Randomness => Self::Randomness,
            VaultError::Exists => Self::VaultExists,
            VaultError::NeedsRecovery(_) => Self::NeedsRecovery,
            VaultError::SealedAnew => Self::Locked,
            VaultError::BackupUnreadable => Self::BackupUnreadable,
            VaultError::Unfit => Self::Internal,
        }
    }
}
