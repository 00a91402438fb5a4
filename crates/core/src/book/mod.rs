//! The book of accounts: everything the lists show, held in memory while the vault is open,
//! and what each change writes into the vault. Nothing here reads or writes by itself: it takes
//! records' bodies and gives [`Change`]s.

mod account;
mod jobs;
mod merge;
mod own;
mod parts;
mod records;
mod trace;

pub use account::{Account, Basics, Keyring, RawObjects};
pub use jobs::{JobLog, close_job, fitted};
pub use merge::{
    Found, Merged, fingerprint, is_somebody_else, merge, merge_keys, merge_revealed,
    needs_sealed_parts,
};
pub use trace::Trace;

use crate::sorted::SortedMap;
use crate::vault::{Body, Change, Damaged, Kind, RecordId};
use records::{LedgerBody, SettingsBody};
use relaykeep_protocol::{AccountId, AccountView, Millis, Settings};

/// Records that belong to no account.
const VAULT_GROUP: [u8; 16] = [0; 16];
const SETTINGS: RecordId = RecordId {
    group: VAULT_GROUP,
    kind: Kind::Settings,
    part: 0,
};
const LEDGER: RecordId = RecordId {
    group: VAULT_GROUP,
    kind: Kind::Ledger,
    part: 0,
};

/// All accounts and settings.
#[derive(Default)]
pub struct Book {
    settings: SettingsBody,
    ledger: LedgerBody,
    accounts: SortedMap<AccountId, Account>,
    /// Finished jobs.
    pub jobs: JobLog,
}

impl Book {
    /// Whether a record's body is needed to load the book. None of these holds a secret.
    #[must_use]
    pub fn wants(id: &RecordId) -> bool {
        matches!(
            id.kind,
            Kind::Account
                | Kind::KeyList
                | Kind::Own
                | Kind::Settings
                | Kind::Ledger
                | Kind::FinishedJob
        )
    }

    /// Builds the book from the bodies of all wanted records. Says how many did not read.
    #[must_use]
    pub fn load(records: Vec<(RecordId, Body)>) -> (Self, u32) {
        let mut book = Self::default();
        let mut unreadable = 0;
        let mut loose = Vec::new();
        for (id, body) in records {
            let good = match id.kind {
                Kind::Settings => read_into(&mut book.settings, &body),
                Kind::Ledger => read_into(&mut book.ledger, &body),
                Kind::FinishedJob => book.jobs.load(id.part, &body),
                Kind::Account => Account::load(id.group, &body)
                    .map(|account| book.accounts.insert(account.id(), account))
                    .is_some(),
                Kind::KeyList | Kind::Own => {
                    loose.push((id, body));
                    true
                }
                // Not wanted: sealed under other keys, or of features this version lacks.
                Kind::Login
                | Kind::Keys
                | Kind::Raw
                | Kind::Credential
                | Kind::CredentialSummary
                | Kind::Trace
                | Kind::Unknown(_) => true,
            };
            unreadable += u32::from(!good);
        }
        for (id, body) in loose {
            let account = book.accounts.get_mut(&account_id(id.group));
            unreadable += u32::from(!account.is_some_and(|account| account.load_more(&id, &body)));
        }
        (book, unreadable)
    }

    /// What the user chose.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings.settings
    }

    /// Changes settings.
    pub fn set_settings(&mut self, settings: Settings) -> Vec<Change> {
        self.settings.settings = settings;
        vec![Change::Put {
            id: SETTINGS,
            body: crate::json::write(&self.settings),
        }]
    }

    /// Every account, in the order of their ids.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// One account.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Puts an account in its place, after its changes were committed.
    pub fn keep(&mut self, account: Account) {
        self.accounts.insert(account.id(), account);
    }

    /// Takes an account out, after its records were deleted.
    pub fn drop_account(&mut self, id: &AccountId) {
        self.accounts.remove(id);
        self.ledger.synced.remove(id);
        self.ledger.facts.remove(id);
    }

    /// The account with this login, if it is already here: same base URL, same user.
    #[must_use]
    pub fn same_login(&self, base_url: &str, user_id: &str) -> Option<&Account> {
        self.accounts()
            .find(|account| account.base_url() == base_url && account.user_id() == Some(user_id))
    }

    /// How an account is shown.
    #[must_use]
    pub fn view(&self, account: &Account) -> AccountView {
        account.view(self.ledger.synced.get(&account.id()).copied())
    }

    /// Notes that an account's sync went through. Kept in memory; [`Self::ledger_change`] writes.
    pub fn note_synced(&mut self, id: &AccountId, at: Millis) {
        self.ledger.synced.insert(id.clone(), at);
    }

    /// When an account's sync last went through.
    #[must_use]
    pub fn synced_at(&self, id: &AccountId) -> Option<Millis> {
        self.ledger.synced.get(id).copied()
    }

    /// Whether a site's unit and name are older than this, or were never asked for.
    #[must_use]
    pub fn facts_are_old(&self, id: &AccountId, now: Millis, older_than: Millis) -> bool {
        self.ledger
            .facts
            .get(id)
            .is_none_or(|at| now.saturating_sub(*at) >= older_than || *at > now)
    }

    /// Notes that a site's unit and name were asked for.
    pub fn note_facts(&mut self, id: &AccountId, at: Millis) {
        self.ledger.facts.insert(id.clone(), at);
    }

    /// Writes the times down. Once at the end of a run, not for every account.
    #[must_use]
    pub fn ledger_change(&self) -> Change {
        Change::Put {
            id: LEDGER,
            body: crate::json::write(&self.ledger),
        }
    }
}

/// The sealed parts of one account, as they were read.
#[must_use]
pub fn unsealed(read: Vec<(RecordId, Result<Body, Damaged>)>) -> (Keyring, RawObjects) {
    let (mut keyring, mut raws) = (Keyring::default(), RawObjects::default());
    for (id, body) in read {
        if id.kind == Kind::Keys {
            keyring.0.read_in(id.part, body);
        } else {
            raws.0.read_in(id.part, body);
        }
    }
    (keyring, raws)
}

fn read_into<T: crate::body::Body>(place: &mut T, body: &str) -> bool {
    match T::read(body) {
        Ok(read) => {
            *place = read;
            true
        }
        Err(_) => false,
    }
}

/// An account's id in messages, from its group in the vault.
#[must_use]
pub fn account_id(group: [u8; 16]) -> AccountId {
    use std::fmt::Write;
    AccountId(
        group
            .iter()
            .fold(String::with_capacity(32), |mut text, byte| {
                write!(text, "{byte:02x}").expect("a String takes all");
                text
            }),
    )
}

/// The way back; `None` if the text is no id.
#[must_use]
pub fn group_of(id: &AccountId) -> Option<[u8; 16]> {
    let text = id.0.as_bytes();
    if text.len() != 32 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut group = [0; 16];
    for (byte, pair) in group.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (group != VAULT_GROUP).then_some(group)
}
