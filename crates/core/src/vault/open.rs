//! (signatures first)
use super::*;
use relaykeep_protocol::Notice;

/// An opened vault: which records there are, and where.
pub struct Vault {
    keys: Keys,
}

impl Vault {
    /// Reads the newest root whose shards all open. Costs root and shards, whatever the size.
    ///
    /// # Errors
    /// `NeedsRecovery` when none opens.
    pub async fn open(ports: impl World, keys: Keys) -> Result<(Self, Vec<Notice>), VaultError> {
        let _ = (ports, keys);
        todo!()
    }

    /// The keys it was opened with.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// All records, in order of group, kind and part.
    pub fn records(&self) -> impl Iterator<Item = RecordId> {
        std::iter::empty()
    }

    /// Reads records, in the order asked. One that does not open does not hinder the others; one
    /// that is not in the vault is `Missing`.
    pub async fn read(
        &self,
        ports: impl World,
        ids: &[RecordId],
    ) -> Vec<(RecordId, Result<Body, Damaged>)> {
        let _ = (ports, ids);
        todo!()
    }

    /// One atomic step. A body that is as before is dropped; if nothing is left, nothing is
    /// written at all. After `Conflict` open again.
    ///
    /// # Errors
    /// Nothing changed then, in the store and here.
    pub async fn commit(
        &mut self,
        ports: impl World,
        changes: Vec<Change>,
    ) -> Result<Committed, VaultError> {
        let _ = (ports, changes);
        todo!()
    }

    /// Removes objects that nothing names any more. Returns how many.
    ///
    /// # Errors
    /// When the store does not list its names. Unreadable roots are no error: nothing is removed.
    pub async fn sweep(&self, ports: impl World) -> Result<u32, VaultError> {
        let _ = ports;
        todo!()
    }

    /// Keeps the state of a running job. No commit.
    ///
    /// # Errors
    /// When it could not be written; the state before is still there.
    pub async fn write_job(
        &self,
        ports: impl World,
        slot: u8,
        body: &str,
    ) -> Result<(), VaultError> {
        let _ = (ports, slot, body);
        todo!()
    }

    /// All running jobs.
    pub async fn read_jobs(&self, ports: impl World) -> Vec<(u8, Result<Body, Damaged>)> {
        let _ = ports;
        todo!()
    }

    /// Ends one: after this it is not read again, whatever fails.
    ///
    /// # Errors
    /// When it would be.
    pub async fn clear_job(&self, ports: impl World, slot: u8) -> Result<(), VaultError> {
        let _ = (ports, slot);
        todo!()
    }

    /// New passphrase or mode: a new master key, everything sealed again, the old slots removed.
    /// Cut anywhere, either the old protection opens or the new. Keep the new `keys()`.
    ///
    /// # Errors
    /// Before the new root is written: nothing changed.
    pub async fn reseal(
        &mut self,
        ports: impl World,
        protection: &Protection,
    ) -> Result<Resealed, VaultError> {
        let _ = (ports, protection);
        todo!()
    }

    /// A backup file's text. In device mode it needs a passphrase, which then opens it.
    ///
    /// # Errors
    /// When a record could not be read.
    pub async fn backup(
        &self,
        ports: impl World,
        passphrase: Option<&Secret>,
    ) -> Result<String, VaultError> {
        let _ = (ports, passphrase);
        todo!()
    }
}
use crate::secret::Secret;
