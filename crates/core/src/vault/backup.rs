//! (signatures first)
use super::*;
use crate::secret::Secret;
use relaykeep_protocol::Millis;

/// An opened backup file.
pub struct Backup {
    written: Millis,
}

impl Backup {
    /// When it was written.
    #[must_use]
    pub fn written(&self) -> Millis {
        self.written
    }
    /// Of which vault.
    #[must_use]
    pub fn vault_id(&self) -> [u8; 16] {
        todo!()
    }
    /// All records in it.
    pub fn records(&self) -> impl Iterator<Item = RecordId> {
        std::iter::empty()
    }
    /// One record.
    ///
    /// # Errors
    /// When it does not open.
    pub fn read(&self, id: RecordId) -> Result<Body, Damaged> {
        let _ = id;
        todo!()
    }
}

/// Opens a backup file without changing anything.
///
/// # Errors
/// `WrongPassphrase`, or `BackupUnreadable`.
pub fn preview_backup(text: &str, passphrase: &Secret) -> Result<Backup, VaultError> {
    let _ = (text, passphrase);
    todo!()
}

/// Sets what is here aside, and puts the backup in its place. Cut anywhere, what was here still
/// opens or the backup does. Forget the device key afterwards.
///
/// # Errors
/// As told apart by [`VaultError`]; what was here still opens.
pub async fn restore_backup(
    ports: impl World,
    text: &str,
    passphrase: &Secret,
) -> Result<Unlocked, VaultError> {
    let _ = (ports, text, passphrase);
    todo!()
}

/// Sets everything aside under other names, deleting nothing: the stores look new then.
/// Forget the device key afterwards.
///
/// # Errors
/// When a store does not list, read or write.
pub async fn start_over(ports: impl World) -> Result<(), VaultError> {
    let _ = ports;
    todo!()
}
