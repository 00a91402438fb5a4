//! (signatures first)
use super::{Keys, VaultError, World};
use crate::secret::Secret;
use relaykeep_protocol::Notice;

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
    let _ = (ports, passphrase);
    todo!()
}

/// Opens with the first copy of the device key that fits.
///
/// # Errors
/// `NeedsRecovery(DeviceKeyGone)` when none does.
pub async fn unlock_with_device_key(
    ports: impl World,
    copies: &[Secret],
) -> Result<Unlocked, VaultError> {
    let _ = (ports, copies);
    todo!()
}
