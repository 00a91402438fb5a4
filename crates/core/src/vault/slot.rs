//! Key slots: the master key, wrapped by a passphrase or by a key of this device.

use super::VaultError;
use super::keys::{MasterKey, draw, expand};
use super::text::{decode_array, encode, sum8, take, without_sum};
use crate::platform::platform;
use crate::ports::Entropy;
use crate::secret::Secret;
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A passphrase has at least so many characters.
pub const LEAST_CHARACTERS: u32 = 10;

const LENGTH: usize = 168;
const MAGIC: &[u8; 4] = b"RKS1";
const PASSPHRASE: u8 = 1;
const DEVICE: u8 = 2;

/// Argon2id's work factors: memory in KiB, passes, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) m: u32,
    pub(crate) t: u32,
    pub(crate) p: u32,
}

/// What new passphrase slots get (RFC 9106's second choice, with one lane).
pub(crate) const STRONG: Work = Work {
    m: 64 * 1024,
    t: 3,
    p: 1,
};
/// What they get if that memory cannot be had (OWASP's floor).
pub(crate) const WEAK: Work = Work {
    m: 19 * 1024,
    t: 2,
    p: 1,
};

/// What wraps a slot, before any arithmetic.
pub(crate) enum Opener {
    /// In NFC, so that the same keys on another system give the same bytes.
    Passphrase(Zeroizing<String>),
    Device(Zeroizing<[u8; 32]>),
}

impl Opener {
    /// As typed. Nothing is trimmed.
    pub(crate) fn passphrase(typed: &Secret) -> Result<Self, VaultError> {
        let typed = typed.expose(); // to be hashed
        // A lone surrogate has become U+FFFD on its way here; no keyboard types that.
        if typed.contains('\u{FFFD}') {
            return Err(VaultError::PassphraseUnreadable);
        }
        let phrase = (platform().nfc)(typed).ok_or(VaultError::PassphraseUnreadable)?;
        Ok(Self::Passphrase(Zeroizing::new(phrase)))
    }

    /// A new one, which must be long enough.
    pub(crate) fn new_passphrase(typed: &Secret) -> Result<Self, VaultError> {
        let opener = Self::passphrase(typed)?;
        if let Self::Passphrase(phrase) = &opener
            && phrase.chars().count() < LEAST_CHARACTERS as usize
        {
            return Err(VaultError::PassphraseTooShort {
                least: LEAST_CHARACTERS,
            });
        }
        Ok(opener)
    }

    /// A device key as text. `None` if it cannot be one.
    pub(crate) fn device(text: &Secret) -> Option<Self> {
        decode_array(text.expose()).map(|key| Self::Device(Zeroizing::new(key))) // it unwraps
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Passphrase(_) => PASSPHRASE,
            Self::Device(_) => DEVICE,
        }
    }

    fn stretch(&self, work: Work, salt: &[u8; 16]) -> Result<Stretched, Refusal> {
        let mut stretched = Zeroizing::new([0; 32]);
        match self {
            Self::Device(key) => stretched.copy_from_slice(&key[..]),
            Self::Passphrase(phrase) => {
                argon2id(phrase.as_bytes(), salt, work, &mut stretched)?;
            }
        }
        Ok(Stretched(stretched))
    }
}

/// What comes out of the passphrase's arithmetic, or the device key.
struct Stretched(Zeroizing<[u8; 32]>);

/// Why a slot did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Wrong,
    Damaged,
    NotEnoughMemory,
    Unsupported,
}

/// The kinds of slots this version opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotKind {
    Passphrase,
    Device,
    /// Of a newer version: kept byte for byte.
    Unknown,
}

/// A slot whose bytes are sound.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Slot([u8; LENGTH]);

impl Slot {
    /// Length, base64, checksum and magic. `None`: damaged, try another copy.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = decode_array::<LENGTH>(text)?;
        (without_sum(&bytes)?.starts_with(MAGIC)).then_some(Self(bytes))
    }

    pub(crate) fn text(&self) -> String {
        encode(&self.0)
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut rest = &self.0[at..];
        take(&mut rest).expect("every field lies within the 168 bytes")
    }

    pub(crate) fn kind(&self) -> SlotKind {
        match (self.0[4], self.0[5]) {
            (PASSPHRASE, 1) => SlotKind::Passphrase,
            (DEVICE, 0) => SlotKind::Device,
            _ => SlotKind::Unknown,
        }
    }

    pub(crate) fn id(&self) -> [u8; 8] {
        self.field(8)
    }

    pub(crate) fn generation(&self) -> u32 {
        u32::from_be_bytes(self.field(16))
    }

    pub(crate) fn epoch(&self) -> u32 {
        u32::from_be_bytes(self.field(20))
    }

    pub(crate) fn vault_id(&self) -> [u8; 16] {
        self.field(24)
    }

    fn work(&self) -> Work {
        let number = |at| u32::from_be_bytes(self.field(at));
        Work {
            m: number(40),
            t: number(44),
            p: number(48),
        }
    }

    /// Whether it opens with this at all. The arithmetic of a passphrase takes its time.
    pub(crate) fn open(&self, opener: &Opener) -> Result<MasterKey, Refusal> {
        if let Opener::Passphrase(_) = opener {
            let Work { m, t, p } = self.work();
            let sane = (19 * 1024..=256 * 1024).contains(&m)
                && (2..=10).contains(&t)
                && (1..=4).contains(&p);
            // These come from disk: neither a vault weakened nor all memory taken.
            if !sane {
                return Err(Refusal::Unsupported);
            }
        }
        self.open_stretched(&opener.stretch(self.work(), &self.field(52))?)
    }

    fn open_stretched(&self, stretched: &Stretched) -> Result<MasterKey, Refusal> {
        let derived = derive(stretched, &self.vault_id(), &self.0[..68]);
        let (key, commit) = derived.split_at(32);
        if !bool::from(commit.ct_eq(&self.0[68..100])) {
            return Err(Refusal::Wrong);
        }
        let mut wrapped = Zeroizing::new(Vec::with_capacity(48));
        wrapped.extend_from_slice(&self.0[112..160]);
        let nonce: [u8; 12] = self.field(100);
        cipher(key)
            .decrypt_in_place(&nonce.into(), &associated(&self.0[..100]), &mut *wrapped)
            .map_err(|_| Refusal::Damaged)?;
        let mut master = Zeroizing::new([0; 32]);
        master.copy_from_slice(&wrapped);
        Ok(MasterKey(master))
    }
}

/// Which slot to make.
pub(crate) struct SlotFor {
    pub(crate) vault_id: [u8; 16],
    pub(crate) epoch: u32,
    pub(crate) generation: u32,
}

/// A slot just made, proven to open.
pub(crate) struct Made {
    pub(crate) slot: Slot,
    /// Memory was short: not made with the first of the work factors.
    pub(crate) weaker: bool,
}

/// Makes a slot with the first of `works` that memory allows.
pub(crate) fn make(
    entropy: &impl Entropy,
    opener: &Opener,
    master: &MasterKey,
    which: &SlotFor,
    works: &[Work],
) -> Result<Made, VaultError> {
    let random = Random {
        id: draw(entropy)?,
        salt: draw(entropy)?,
        nonce: draw(entropy)?,
    };
    for (nth, work) in works.iter().enumerate() {
        match build(opener, master, which, *work, &random) {
            Ok(slot) => {
                return Ok(Made {
                    slot,
                    weaker: nth > 0,
                });
            }
            Err(Refusal::NotEnoughMemory) => {}
            Err(Refusal::Unsupported) => return Err(VaultError::UnsupportedParameters),
            Err(Refusal::Wrong | Refusal::Damaged) => return Err(VaultError::SlotDamaged),
        }
    }
    Err(VaultError::NotEnoughMemory)
}

struct Random {
    id: [u8; 8],
    salt: [u8; 16],
    nonce: [u8; 12],
}

fn build(
    opener: &Opener,
    master: &MasterKey,
    which: &SlotFor,
    work: Work,
    random: &Random,
) -> Result<Slot, Refusal> {
    let (kdf, work, salt) = match opener {
        Opener::Passphrase(_) => (1, work, random.salt),
        Opener::Device(_) => (0, Work { m: 0, t: 0, p: 0 }, random.salt),
    };
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[opener.kind(), kdf, 0, 0]);
    bytes.extend_from_slice(&random.id);
    bytes.extend_from_slice(&which.generation.to_be_bytes());
    bytes.extend_from_slice(&which.epoch.to_be_bytes());
    bytes.extend_from_slice(&which.vault_id);
    for number in [work.m, work.t, work.p] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&salt);
    let stretched = opener.stretch(work, &salt)?;
    let derived = derive(&stretched, &which.vault_id, &bytes);
    let (key, commit) = derived.split_at(32);
    bytes.extend_from_slice(commit);
    let mut wrapped = Zeroizing::new(Vec::with_capacity(48));
    wrapped.extend_from_slice(&master.0[..]);
    cipher(key)
        .encrypt_in_place(&random.nonce.into(), &associated(&bytes), &mut *wrapped)
        .expect("32 bytes are below GCM's limit");
    bytes.extend_from_slice(&random.nonce);
    bytes.extend_from_slice(&wrapped);
    let sum = sum8(&bytes);
    bytes.extend_from_slice(&sum);
    let slot = Slot(bytes.try_into().map_err(|_| Refusal::Damaged)?);
    // The vault's only way in is not to be written before it has been seen to open.
    let opened = Slot::read(&slot.text())
        .ok_or(Refusal::Damaged)?
        .open_stretched(&stretched)?;
    if opened.0 == master.0 {
        Ok(slot)
    } else {
        Err(Refusal::Damaged)
    }
}

fn derive(stretched: &Stretched, vault_id: &[u8; 16], start: &[u8]) -> Zeroizing<[u8; 64]> {
    let info = [b"relaykeep/1/slot".as_slice(), &[0], start].concat();
    let mut derived = Zeroizing::new([0; 64]);
    expand(&stretched.0[..], vault_id, &info, &mut derived[..]);
    derived
}

fn cipher(key: &[u8]) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(key).expect("the key is 32 bytes")
}

fn associated(start: &[u8]) -> Vec<u8> {
    [b"relaykeep/1/slot".as_slice(), &[0], start].concat()
}

fn argon2id(phrase: &[u8], salt: &[u8; 16], work: Work, out: &mut [u8; 32]) -> Result<(), Refusal> {
    let params = Params::new(work.m, work.t, work.p, Some(32)).map_err(|_| Refusal::Unsupported)?;
    #[cfg(test)]
    if tests::recall(phrase, salt, work, out)? {
        return Ok(());
    }
    let mut memory = Memory::take(params.block_count())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(phrase, salt, out, &mut memory.0[..])
        .map_err(|_| Refusal::Unsupported)?;
    #[cfg(test)]
    tests::remember(phrase, salt, work, out);
    Ok(())
}

/// Argon2's memory, taken so that failure is an answer and not the end of the program; wiped,
/// since the browser never takes a module's memory back.
struct Memory(Vec<Block>);

impl Memory {
    fn take(blocks: usize) -> Result<Self, Refusal> {
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(blocks)
            .map_err(|_| Refusal::NotEnoughMemory)?;
        memory.resize(blocks, Block::new());
        Ok(Self(memory))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for block in &mut self.0 {
            block.zeroize();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ports::CountingEntropy;
    use crate::sorted::SortedMap;
    use crate::vault::text::{decode, hex};
    use sha2::{Digest, Sha256};
    use std::cell::{Cell, RefCell};

    thread_local! {
        /// Blocks of 1 KiB that tests let Argon2 have.
        pub(crate) static MEMORY_LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
        /// What Argon2 has said: the exhaustive tests ask the same thousands of times.
        static SAID: RefCell<SortedMap<Asked, [u8; 32]>> = const { RefCell::new(SortedMap::new()) };
    }

    type Asked = (Vec<u8>, [u8; 16], [u32; 3]);

    fn asked(phrase: &[u8], salt: &[u8; 16], Work { m, t, p }: Work) -> Asked {
        (phrase.to_vec(), *salt, [m, t, p])
    }

    pub(super) fn recall(
        phrase: &[u8],
        salt: &[u8; 16],
        work: Work,
        out: &mut [u8; 32],
    ) -> Result<bool, Refusal> {
        if work.m as usize > MEMORY_LIMIT.get() {
            return Err(Refusal::NotEnoughMemory);
        }
        let said = SAID.with_borrow(|said| said.get(&asked(phrase, salt, work)).copied());
        Ok(said.map(|said| *out = said).is_some())
    }

    pub(super) fn remember(phrase: &[u8], salt: &[u8; 16], work: Work, out: &[u8; 32]) {
        SAID.with_borrow_mut(|said| said.insert(asked(phrase, salt, work), *out));
    }

    fn phrase(text: &str) -> Opener {
        Opener::new_passphrase(&Secret::new(text.to_owned())).expect("a passphrase")
    }

    fn master() -> MasterKey {
        MasterKey(Zeroizing::new(std::array::from_fn(|i| 0x20 + i as u8)))
    }

    fn sample(opener: &Opener, work: Work) -> Slot {
        let which = SlotFor {
            vault_id: std::array::from_fn(|i| i as u8),
            epoch: 1,
            generation: 1,
        };
        let random = Random {
            id: [1; 8],
            salt: [2; 16],
            nonce: [3; 12],
        };
        build(opener, &master(), &which, work, &random).expect("it is made")
    }

    #[test]
    fn the_frozen_slot_of_format_1_comes_out_byte_for_byte() {
        // Seven characters: made before there was a least length, so not by `new_passphrase`.
        let typed = Secret::new("pa\u{308}ss-中".to_owned());
        let opener = Opener::passphrase(&typed).expect("readable");
        let slot = sample(&opener, STRONG);
        assert_eq!(
            hex(&Sha256::digest(slot.text().as_bytes())),
            "91b9f08f47fd37a5ab88822d6be3e2b52ff04760605a90ef8dd3cac20e806b2b"
        );
        assert!(slot.open(&opener).is_ok());
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_passphrase() {
        let slot = sample(&phrase("Grün ist schön"), WEAK);
        assert!(slot.open(&phrase("Gru\u{308}n ist scho\u{308}n")).is_ok());
    }

    #[test]
    fn blanks_count_and_nothing_else_opens() {
        let slot = sample(&phrase(" ten characters"), WEAK);
        assert!(slot.open(&phrase(" ten characters")).is_ok());
        for other in ["ten characters", " ten characters ", " Ten characters"] {
            assert_eq!(
                slot.open(&phrase(other)).err(),
                Some(Refusal::Wrong),
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_passphrase_has_ten_characters_and_no_lone_surrogate() {
        let read = |text: &str| Opener::new_passphrase(&Secret::new(text.to_owned())).err();
        let short = Some(VaultError::PassphraseTooShort { least: 10 });
        assert_eq!(read("123456789"), short);
        assert_eq!(read("1234567890"), None);
        // Ten code points, nine characters once composed.
        assert_eq!(read("12345678u\u{308}"), short);
        assert_eq!(read("密码密码密码密码密码"), None);
        let lone = String::from_utf16_lossy(&[0xD800, 0x61]).repeat(9);
        assert_eq!(read(&lone), Some(VaultError::PassphraseUnreadable));
    }

    #[test]
    fn a_flipped_bit_is_damage_and_never_a_wrong_passphrase() {
        let text = sample(&phrase("correct horse"), WEAK).text();
        let bytes = decode(&text).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Slot::read(&encode(&flipped)).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn one_text_means_one_slot() {
        let text = sample(&phrase("correct horse"), WEAK).text();
        let (start, last) = text.split_at(text.len() - 1);
        for other in ('!'..='~').filter(|c| !last.contains(*c)) {
            assert!(Slot::read(&format!("{start}{other}")).is_none(), "{other}");
        }
        for changed in [
            format!("{text}="),
            format!("{text} "),
            format!("\n{text}"),
            text[1..].into(),
        ] {
            assert!(Slot::read(&changed).is_none());
        }
    }

    fn with_work(slot: &Slot, work: Work) -> Slot {
        let mut bytes = slot.0;
        for (at, number) in [(40, work.m), (44, work.t), (48, work.p)] {
            bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
        }
        let sum = sum8(&bytes[..160]);
        bytes[160..].copy_from_slice(&sum);
        Slot::read(&encode(&bytes)).expect("the sum is mended")
    }

    #[test]
    fn work_factors_from_disk_are_refused_before_memory_is_taken() {
        let slot = sample(&phrase("correct horse"), WEAK);
        MEMORY_LIMIT.set(0);
        for (m, t, p) in [
            (4 * 1024 * 1024, 3, 1),
            (u32::MAX, 3, 1),
            (256 * 1024 + 1, 3, 1),
            (19 * 1024 - 1, 3, 1),
            (0, 0, 0),
            (64 * 1024, 1, 1),
            (64 * 1024, 11, 1),
            (64 * 1024, u32::MAX, 1),
            (64 * 1024, 3, 0),
            (64 * 1024, 3, 5),
        ] {
            let opened = with_work(&slot, Work { m, t, p }).open(&phrase("correct horse"));
            assert_eq!(opened.err(), Some(Refusal::Unsupported), "{m} {t} {p}");
        }
        assert_eq!(
            slot.open(&phrase("correct horse")).err(),
            Some(Refusal::NotEnoughMemory)
        );
        MEMORY_LIMIT.set(usize::MAX);
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_answer() {
        assert!(Memory::take(usize::MAX / 2048).is_err());
    }

    #[test]
    fn short_memory_gives_weaker_factors_or_says_so() {
        let which = SlotFor {
            vault_id: [1; 16],
            epoch: 1,
            generation: 1,
        };
        let entropy = CountingEntropy::default();
        let made = |limit| {
            MEMORY_LIMIT.set(limit);
            let made = make(
                &entropy,
                &phrase("correct horse"),
                &master(),
                &which,
                &[STRONG, WEAK],
            );
            MEMORY_LIMIT.set(usize::MAX);
            made.map(|made| (made.weaker, made.slot.work()))
        };
        assert_eq!(made(64 * 1024 - 1), Ok((true, WEAK)));
        assert_eq!(made(19 * 1024 - 1), Err(VaultError::NotEnoughMemory));
    }

    #[test]
    fn a_device_key_opens_only_its_slot() {
        let key = |byte| Opener::Device(Zeroizing::new([byte; 32]));
        let slot = sample(&key(1), STRONG);
        assert_eq!(slot.kind(), SlotKind::Device);
        assert!(slot.open(&key(1)).is_ok());
        assert_eq!(slot.open(&key(2)).err(), Some(Refusal::Wrong));
    }
}
