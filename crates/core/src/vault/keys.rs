//! The keys an open vault works with. The master key lives only while a slot is opened or made.

use super::text::{decode, encode, take};
use super::{VaultError, World};
use crate::ports::Entropy;
use crate::secret::{ApiKey, Secret};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a record is sealed under. Each class has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The root and its shards: which records there are.
    Root = 1,
    /// What lists show. No key and no token.
    List = 2,
    /// Logins to sites.
    Site = 3,
    /// Keys, and raw site objects, which may hold keys.
    Secret = 4,
    /// Running jobs.
    Job = 5,
    /// Fingerprints; nothing is sealed under it.
    Tag = 6,
}

impl Class {
    /// All that records may be sealed under.
    pub(crate) const OF_RECORDS: [Self; 4] = [Self::List, Self::Site, Self::Secret, Self::Job];
    const ALL: [Self; 6] = [
        Self::Root,
        Self::List,
        Self::Site,
        Self::Secret,
        Self::Job,
        Self::Tag,
    ];

    fn name(self) -> &'static [u8] {
        match self {
            Self::Root => b"root",
            Self::List => b"list",
            Self::Site => b"site",
            Self::Secret => b"secret",
            Self::Job => b"job",
            Self::Tag => b"tag",
        }
    }
}

/// 32 random bytes, new for every epoch.
pub(crate) struct MasterKey(pub(crate) Zeroizing<[u8; 32]>);

impl MasterKey {
    pub(crate) fn make(entropy: &impl Entropy) -> Result<Self, VaultError> {
        Ok(Self(Zeroizing::new(draw(entropy)?)))
    }
}

/// The keys of an open vault, one per class. Never the master key. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    pub(crate) vault_id: [u8; 16],
    pub(crate) epoch: u32,
    sub: [[u8; 32]; 6],
}

impl Keys {
    pub(crate) fn derive(master: &MasterKey, vault_id: [u8; 16], epoch: u32) -> Self {
        let mut keys = Self {
            vault_id,
            epoch,
            sub: [[0; 32]; 6],
        };
        for class in Class::ALL {
            let info = [
                b"relaykeep/1/sub/".as_slice(),
                class.name(),
                &[0],
                &epoch.to_be_bytes(),
            ]
            .concat();
            expand(
                &master.0[..],
                &vault_id,
                &info,
                &mut keys.sub[class as usize - 1],
            );
        }
        keys
    }

    /// The vault these open.
    #[must_use]
    pub fn vault_id(&self) -> [u8; 16] {
        self.vault_id
    }

    /// Counts the changes of passphrase or mode, from 1.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The key of one object.
    pub(crate) fn object_key(&self, class: Class, object: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        let info = [b"relaykeep/1/object".as_slice(), &[0], object].concat();
        let mut key = Zeroizing::new([0; 32]);
        expand(self.sub(class), &self.vault_id, &info, &mut key[..]);
        key
    }

    /// Tells whether two keys are the same without holding either. Only for use inside sealed
    /// bodies, and of no use to who lacks this vault.
    #[must_use]
    pub fn fingerprint(&self, key: &ApiKey) -> [u8; 16] {
        self.tag(&[key.expose().as_bytes()]) // a keyed digest of it
    }

    /// Tells whether a body changed. The zero in front, which no API key begins with, keeps
    /// these apart from fingerprints of keys.
    pub(crate) fn body_tag(&self, body: &[u8]) -> [u8; 16] {
        self.tag(&[&[0], body])
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.sub(Class::Tag))
            .expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        short
    }

    fn sub(&self, class: Class) -> &[u8; 32] {
        &self.sub[class as usize - 1]
    }

    /// For the browser's session memory, which is gone when the browser closes.
    #[must_use]
    pub fn to_session(&self) -> Secret {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + 16 + 4 + 6 * 32));
        bytes.extend_from_slice(b"RKK1");
        bytes.extend_from_slice(&self.vault_id);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(self.sub.as_flattened());
        Secret::new(encode(&bytes))
    }

    /// Reads what [`Keys::to_session`] wrote.
    #[must_use]
    pub fn from_session(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(decode(text)?);
        let mut rest = bytes.strip_prefix(b"RKK1")?;
        let mut keys = Self {
            vault_id: take(&mut rest)?,
            epoch: u32::from_be_bytes(take(&mut rest)?),
            sub: [[0; 32]; 6],
        };
        let sub = keys.sub.as_flattened_mut();
        (rest.len() == sub.len()).then(|| sub.copy_from_slice(rest))?;
        Some(keys)
    }

    /// These keys with all classes but one blotted out: what a leak of that one would give.
    #[cfg(test)]
    pub(crate) fn only(&self, class: Class) -> Self {
        let mut keys = Self {
            vault_id: self.vault_id,
            epoch: self.epoch,
            sub: [[0xEE; 32]; 6],
        };
        keys.sub[class as usize - 1] = *self.sub(class);
        keys
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(secret)")
    }
}

/// HKDF-SHA256 in one step.
pub(crate) fn expand(secret: &[u8], salt: &[u8], info: &[u8], key: &mut [u8]) {
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, key)
        .expect("64 bytes are far below HKDF's limit");
}

/// Random bytes. All zeros are a broken generator, not luck.
pub(crate) fn draw<const N: usize>(entropy: &impl Entropy) -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    entropy
        .fill(&mut bytes)
        .map_err(|_| VaultError::Randomness)?;
    if bytes == [0; N] {
        return Err(VaultError::Randomness);
    }
    Ok(bytes)
}

/// A new device key, as text. Keep it (in two places) *before* the vault is made or changed with
/// it: from then on nothing else opens the vault.
///
/// # Errors
/// When randomness fails.
pub fn make_device_key(ports: impl World) -> Result<Secret, VaultError> {
    let key = Zeroizing::new(draw::<32>(ports.entropy())?);
    Ok(Secret::new(encode(&key[..])))
}
