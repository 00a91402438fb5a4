//! Records and the objects they are sealed into.

use super::json::is_plain;
use super::keys::{Class, Keys, draw};
use super::text::{decode, encode, hex, sum8, take, without_sum};
use super::{VaultError, World};
use crate::sorted::SortedSet;
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

/// What kind of record. The numbers are the format's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 3: an account: origin, site kind, user id, name, health, balance.
    Account,
    /// 4: what lists show of its keys. No key.
    KeyList,
    /// 5: the user's own words about keys: tags, notes, order. Never written by sync.
    Own,
    /// 6: a login and the origins it may go to.
    Login,
    /// 7: full keys and the origins they may go to.
    Keys,
    /// 8: objects as a site sent them. Some hold the full key.
    Raw,
    /// 9: a base URL with a key.
    Credential,
    /// 10: what lists show of it.
    CredentialSummary,
    /// 11: what the user chose.
    Settings,
    /// 12: a job that is over.
    FinishedJob,
    /// 13: what was done at sites.
    Ledger,
    /// 16: what a job found before it changed keys, and left after. Group: the job's id.
    Trace,
    /// Of a newer version: kept byte for byte.
    Unknown(u8),
}

impl Kind {
    /// From the format's number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            3 => Self::Account,
            4 => Self::KeyList,
            5 => Self::Own,
            6 => Self::Login,
            7 => Self::Keys,
            8 => Self::Raw,
            9 => Self::Credential,
            10 => Self::CredentialSummary,
            11 => Self::Settings,
            12 => Self::FinishedJob,
            13 => Self::Ledger,
            16 => Self::Trace,
            other => Self::Unknown(other),
        }
    }

    /// The format's number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Account => 3,
            Self::KeyList => 4,
            Self::Own => 5,
            Self::Login => 6,
            Self::Keys => 7,
            Self::Raw => 8,
            Self::Credential => 9,
            Self::CredentialSummary => 10,
            Self::Settings => 11,
            Self::FinishedJob => 12,
            Self::Ledger => 13,
            Self::Trace => 16,
            Self::Unknown(number) => number,
        }
    }

    /// What it is sealed under; `None` if only a newer version knows.
    #[must_use]
    pub fn class(self) -> Option<Class> {
        match self {
            Self::Account
            | Self::KeyList
            | Self::Own
            | Self::CredentialSummary
            | Self::Settings
            | Self::FinishedJob
            | Self::Ledger => Some(Class::List),
            Self::Login => Some(Class::Site),
            Self::Keys | Self::Raw | Self::Credential | Self::Trace => Some(Class::Secret),
            Self::Unknown(_) => None,
        }
    }
}

/// Which record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// 16 random bytes per account or credential; zeros for the vault's own. Never derived from
    /// site data. Records of one group are committed cheapest together.
    pub group: [u8; 16],
    /// What it is.
    pub kind: Kind,
    /// Large records come in parts, from 0.
    pub part: u16,
}

/// A record's JSON text; wiped when dropped.
pub type Body = Zeroizing<String>;

/// The most bytes a body may have, so that its object stays within 64 KiB.
pub const MAX_BODY: usize = MAX_RECORD - HEAD;

/// The most padded plaintext of a record.
pub(crate) const MAX_RECORD: usize = 64 * 1024;
/// The most padded plaintext of a root.
pub(crate) const MAX_ROOT: usize = 256 * 1024;
/// The most padded plaintext of a shard.
pub(crate) const MAX_SHARD: usize = 1024 * 1024;

/// The schema of bodies that this version writes.
pub(crate) const SCHEMA: u16 = 1;

const MAGIC: &[u8; 4] = b"RKO1";
const AES_256_GCM: u8 = 1;
/// Magic, algorithm, three zeros, epoch, object id, nonce: in clear, and authenticated.
const OUTER: usize = 40;
/// What stands before the body in the plaintext.
const HEAD: usize = 2 + 1 + 2 + 16 + 8 + 8 + 4;

/// Why a record could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damaged {
    /// The store did not answer for it. May pass; nothing is to be set aside for it.
    Unreadable,
    /// Not there.
    Missing,
    /// Its bytes are not what was written.
    Rotten,
    /// Its bytes are sound, but it is not this record at this version in this vault.
    NotIt,
    /// Of a newer version: neither shown nor written nor set aside.
    Newer,
}

impl Damaged {
    /// Nothing brings it back: no store that may answer next time, no newer version.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Rotten | Self::NotIt | Self::Missing => true,
            Self::Unreadable | Self::Newer => false,
        }
    }
}

/// What an object says of itself, sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) schema: u16,
    pub(crate) kind: u8,
    pub(crate) part: u16,
    pub(crate) group: [u8; 16],
    pub(crate) counter: u64,
    pub(crate) writer: [u8; 8],
}

/// An object ready to be written.
pub(crate) struct Sealed {
    pub(crate) id: [u8; 16],
    pub(crate) text: String,
}

/// Fresh ids and nonces, watched: a generator that repeats itself must not seal anything.
pub(crate) struct Dice<P> {
    ports: P,
    drawn: SortedSet<[u8; 16]>,
}

impl<P: World> Dice<P> {
    /// `known`: ids in use.
    pub(crate) fn new(ports: P, known: impl IntoIterator<Item = [u8; 16]>) -> Self {
        Self {
            ports,
            drawn: known.into_iter().collect(),
        }
    }

    pub(crate) fn draw(&mut self) -> Result<([u8; 16], [u8; 12]), VaultError> {
        let id = draw(self.ports.entropy())?;
        let nonce = draw(self.ports.entropy())?;
        if !self.drawn.insert(id) {
            return Err(VaultError::Randomness);
        }
        Ok((id, nonce))
    }
}

/// Seals a body. `Unfit` if it is over the cap, or JSON we do not accept.
pub(crate) fn seal(
    keys: &Keys,
    class: Class,
    (id, nonce): ([u8; 16], [u8; 12]),
    head: Head,
    body: &str,
    cap: usize,
) -> Result<Sealed, VaultError> {
    let padded = padded(HEAD + body.len());
    if padded > cap || !is_plain(body) {
        return Err(VaultError::Unfit);
    }
    let length = u32::try_from(body.len()).expect("the cap is far below 4 GiB");
    let mut plain = Zeroizing::new(Vec::with_capacity(padded + 16));
    plain.extend_from_slice(&head.schema.to_be_bytes());
    plain.push(head.kind);
    plain.extend_from_slice(&head.part.to_be_bytes());
    plain.extend_from_slice(&head.group);
    plain.extend_from_slice(&head.counter.to_be_bytes());
    plain.extend_from_slice(&head.writer);
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(body.as_bytes());
    plain.resize(padded, 0);
    Ok(seal_plain(keys, class, (id, nonce), plain))
}

/// Seals a plaintext as it is: how records of newer schemas are carried over.
pub(crate) fn seal_plain(
    keys: &Keys,
    class: Class,
    (id, nonce): ([u8; 16], [u8; 12]),
    mut plain: Zeroizing<Vec<u8>>,
) -> Sealed {
    let mut outer = Vec::with_capacity(OUTER + plain.len() + 16 + 8);
    outer.extend_from_slice(MAGIC);
    outer.extend_from_slice(&[AES_256_GCM, 0, 0, 0]);
    outer.extend_from_slice(&keys.epoch.to_be_bytes());
    outer.extend_from_slice(&id);
    outer.extend_from_slice(&nonce);
    // Without room for the tag the buffer would move and leave the plaintext behind.
    plain.reserve_exact(16);
    cipher(keys, class, &id)
        .encrypt_in_place(&nonce.into(), &associated(keys, class, &outer), &mut *plain)
        .expect("an object is far below GCM's limit");
    outer.extend_from_slice(&plain);
    let sum = sum8(&outer);
    outer.extend_from_slice(&sum);
    Sealed {
        id,
        text: encode(&outer),
    }
}

/// An object that opened.
pub(crate) struct Opened {
    pub(crate) id: [u8; 16],
    pub(crate) head: Head,
    pub(crate) plain: Zeroizing<Vec<u8>>,
}

impl Opened {
    /// The body, if this version understands it.
    pub(crate) fn body(&self) -> Result<&str, Damaged> {
        if self.head.schema > SCHEMA {
            return Err(Damaged::Newer);
        }
        let rest = &self.plain[HEAD - 4..];
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(Damaged::NotIt)?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > rest.len() {
            return Err(Damaged::NotIt);
        }
        let (body, padding) = rest.split_at(length);
        if padding.iter().any(|byte| *byte != 0) || self.plain.len() != padded(HEAD + length) {
            return Err(Damaged::NotIt);
        }
        let body = str::from_utf8(body).map_err(|_| Damaged::NotIt)?;
        if is_plain(body) {
            Ok(body)
        } else {
            Err(Damaged::NotIt)
        }
    }
}

/// Opens an object. Does not judge the body.
pub(crate) fn open(keys: &Keys, class: Class, text: &str) -> Result<Opened, Damaged> {
    let bytes = decode(text).ok_or(Damaged::Rotten)?;
    let sound = without_sum(&bytes).ok_or(Damaged::Rotten)?;
    let (outer, sealed) = sound.split_at_checked(OUTER).ok_or(Damaged::Rotten)?;
    let mut rest = outer.strip_prefix(MAGIC).ok_or(Damaged::Newer)?;
    let broken = "the outer part is 40 bytes";
    let [algorithm, zeros @ ..] = take::<4>(&mut rest).expect(broken);
    if algorithm != AES_256_GCM || zeros != [0; 3] {
        return Err(Damaged::Newer);
    }
    let _epoch: [u8; 4] = take(&mut rest).expect(broken);
    let id: [u8; 16] = take(&mut rest).expect(broken);
    let nonce: [u8; 12] = take(&mut rest).expect(broken);
    let mut plain = Zeroizing::new(sealed.to_vec());
    cipher(keys, class, &id)
        .decrypt_in_place(&nonce.into(), &associated(keys, class, outer), &mut *plain)
        .map_err(|_| Damaged::NotIt)?;
    let head = read_head(&plain).ok_or(Damaged::NotIt)?;
    Ok(Opened { id, head, plain })
}

fn read_head(plain: &[u8]) -> Option<Head> {
    let mut rest = plain;
    let head = Head {
        schema: u16::from_be_bytes(take(&mut rest)?),
        kind: u8::from_be_bytes(take(&mut rest)?),
        part: u16::from_be_bytes(take(&mut rest)?),
        group: take(&mut rest)?,
        counter: u64::from_be_bytes(take(&mut rest)?),
        writer: take(&mut rest)?,
    };
    (rest.len() >= 4).then_some(head)
}

/// The epoch an object claims, if its bytes are sound. Readable while locked; proves nothing.
pub(crate) fn claimed_epoch(text: &str) -> Option<u32> {
    let bytes = decode(text)?;
    let outer = without_sum(&bytes)?.strip_prefix(MAGIC)?;
    let epoch = outer.get(4..8)?.try_into().ok()?;
    Some(u32::from_be_bytes(epoch))
}

/// The name an object stands under.
pub(crate) fn object_name(id: &[u8; 16]) -> String {
    format!("rk1/o/{}", hex(id))
}

fn padded(length: usize) -> usize {
    match length {
        0..=1024 => 1024,
        1025..=2048 => 2048,
        2049.. => length.next_multiple_of(4096),
    }
}

fn cipher(keys: &Keys, class: Class, id: &[u8; 16]) -> Aes256Gcm {
    let key = keys.object_key(class, id);
    Aes256Gcm::new_from_slice(&key[..]).expect("the key is 32 bytes")
}

fn associated(keys: &Keys, class: Class, outer: &[u8]) -> Vec<u8> {
    [
        b"relaykeep/1/object".as_slice(),
        &[0],
        &keys.vault_id,
        &[class as u8],
        outer,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::keys::MasterKey;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn keys() -> Keys {
        let master = MasterKey(Zeroizing::new(std::array::from_fn(|i| 0x20 + i as u8)));
        Keys::derive(&master, std::array::from_fn(|i| i as u8), 1)
    }

    fn head() -> Head {
        Head {
            schema: 1,
            kind: 4,
            part: 0,
            group: [6; 16],
            counter: 7,
            writer: [7; 8],
        }
    }

    fn sample(body: &str) -> Sealed {
        let fresh = ([4; 16], [5; 12]);
        seal(&keys(), Class::Secret, fresh, head(), body, MAX_RECORD).expect("it fits")
    }

    #[test]
    fn the_frozen_object_of_format_1_comes_out_byte_for_byte() {
        let sealed = sample("{\"k\":[]}");
        assert_eq!(
            hex(&Sha256::digest(sealed.text.as_bytes())),
            "66ec769582b86fcf206f1059e062b71fa2ee173ff10529fa9f87ef63eebce880"
        );
        let opened = open(&keys(), Class::Secret, &sealed.text).expect("it opens");
        assert_eq!((opened.id, opened.head), ([4; 16], head()));
        assert_eq!(opened.body(), Ok("{\"k\":[]}"));
    }

    #[test]
    fn no_flipped_bit_gets_through() {
        let text = sample("{}").text;
        let bytes = decode(&text).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                open(&keys(), Class::Secret, &encode(&flipped)).err(),
                Some(Damaged::Rotten),
                "bit {bit}"
            );
            // Whoever can also mend the checksum meets the cipher.
            let end = flipped.len() - 8;
            let sum = sum8(&flipped[..end]);
            flipped[end..].copy_from_slice(&sum);
            let opened = open(&keys(), Class::Secret, &encode(&flipped));
            assert_eq!(opened.is_ok(), bit / 8 >= end, "bit {bit}");
        }
    }

    #[test]
    fn no_cut_text_gets_through() {
        let text = sample("{}").text;
        for end in 0..text.len() {
            assert_eq!(
                open(&keys(), Class::Secret, &text[..end]).err(),
                Some(Damaged::Rotten)
            );
        }
    }

    #[test]
    fn one_text_means_one_object() {
        let text = sample("{}").text;
        let (start, last) = text.split_at(text.len() - 1);
        for other in ('!'..='~').filter(|c| !last.contains(*c)) {
            let changed = format!("{start}{other}");
            assert!(open(&keys(), Class::Secret, &changed).is_err(), "{other}");
        }
        for changed in [
            format!("{text}="),
            format!("{text}=="),
            format!(" {text}"),
            format!("{text}\n"),
            format!("{text}A"),
            text.replace(['-', '_'], "+"),
        ] {
            assert!(open(&keys(), Class::Secret, &changed).is_err());
        }
    }

    #[test]
    fn another_class_epoch_or_vault_does_not_open_it() {
        let text = sample("{}").text;
        let master = |first| MasterKey(Zeroizing::new(std::array::from_fn(|i| first + i as u8)));
        let id = std::array::from_fn(|i| i as u8);
        for (keys, class) in [
            (keys(), Class::List),
            (keys(), Class::Site),
            (keys(), Class::Root),
            (keys().only(Class::List), Class::Secret),
            (Keys::derive(&master(0x20), id, 2), Class::Secret),
            (Keys::derive(&master(0x20), [9; 16], 1), Class::Secret),
            (Keys::derive(&master(0x21), id, 1), Class::Secret),
        ] {
            assert_eq!(open(&keys, class, &text).err(), Some(Damaged::NotIt));
        }
    }

    #[test]
    fn sizes_are_padded_and_capped() {
        for (body, padded) in [
            (0, 1024),
            (1024 - HEAD, 1024),
            (1025 - HEAD, 2048),
            (2049 - HEAD, 4096),
            (4097 - HEAD, 8192),
            (MAX_BODY, MAX_RECORD),
        ] {
            let text = sample(&" ".repeat(body)).text;
            let length = decode(&text).expect("base64").len();
            assert_eq!(length, OUTER + padded + 16 + 8, "{body}");
        }
        let over = " ".repeat(MAX_BODY + 1);
        let fresh = ([4; 16], [5; 12]);
        let sealed = seal(&keys(), Class::Secret, fresh, head(), &over, MAX_RECORD);
        assert_eq!(sealed.err(), Some(VaultError::Unfit));
    }

    #[test]
    fn bytes_in_the_padding_are_refused() {
        let opened = open(&keys(), Class::Secret, &sample("{}").text).expect("it opens");
        for (at, value) in [(HEAD + 2, 1), (1023, 1), (HEAD - 1, 1), (HEAD - 4, 255)] {
            let mut plain = opened.plain.clone();
            plain[at] = value;
            let changed = seal_plain(&keys(), Class::Secret, ([4; 16], [5; 12]), plain).text;
            let opened = open(&keys(), Class::Secret, &changed).expect("it opens");
            assert_eq!(opened.body(), Err(Damaged::NotIt), "{at}");
        }
    }

    #[test]
    fn a_newer_schema_opens_and_shows_nothing() {
        let newer = Head {
            schema: 2,
            ..head()
        };
        let fresh = ([4; 16], [5; 12]);
        let text = seal(&keys(), Class::Secret, fresh, newer, "{}", MAX_RECORD)
            .expect("fits")
            .text;
        let opened = open(&keys(), Class::Secret, &text).expect("it opens");
        assert_eq!(opened.body(), Err(Damaged::Newer));
    }

    impl std::fmt::Debug for Sealed {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.text)
        }
    }
    impl PartialEq for Sealed {
        fn eq(&self, other: &Self) -> bool {
            self.text == other.text
        }
    }
    impl std::fmt::Debug for Opened {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:?}", self.head)
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_the_same(
            body in "[ -~\\PC]{0,300}",
            kind in 0u8..,
            part in 0u16..,
            counter in 0u64..,
        ) {
            let body = serde_json::to_string(&body).expect("a string");
            let head = Head { kind, part, counter, ..head() };
            let sealed = seal(&keys(), Class::List, ([1; 16], [2; 12]), head, &body, MAX_RECORD)
                .expect("it fits");
            let opened = open(&keys(), Class::List, &sealed.text).expect("it opens");
            prop_assert_eq!(opened.head, head);
            prop_assert_eq!(opened.body(), Ok(body.as_str()));
        }

        #[test]
        fn noise_never_opens_and_never_panics(text in "[A-Za-z0-9_-]{0,2000}") {
            prop_assert!(open(&keys(), Class::Secret, &text).is_err());
            prop_assert_eq!(claimed_epoch(&text), None);
        }
    }
}
