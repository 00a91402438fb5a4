//! (signatures first)
use super::{Unlocked, VaultError, World};
use crate::secret::Secret;

/// What a new vault opens with.
#[derive(Clone, Debug)]
pub enum Protection {
    /// What the user typed.
    Passphrase(Secret),
    /// A key from [`super::make_device_key`], kept already.
    Device(Secret),
}

/// Makes the vault: slots, read back and opened, then the root, then the marker.
///
/// # Errors
/// `Exists` if any store shows a trace of one.
pub async fn create(ports: impl World, protection: &Protection) -> Result<Unlocked, VaultError> {
    let _ = (ports, protection);
    todo!()
}
