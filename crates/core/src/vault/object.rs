//! Records and the objects they are sealed into.

use super::keys::Class;
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
            Self::Keys | Self::Raw | Self::Credential => Some(Class::Secret),
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
pub const MAX_BODY: usize = 64 * 1024 - 41;

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
