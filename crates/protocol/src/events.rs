use crate::{AccountId, AccountView, JobView, KeyRow, Notice, RemoteId, Settings, VaultState};
use serde::{Deserialize, Serialize};

/// The port a page opens to hear events. On connecting, the worker sends [`Event::State`] and,
/// if the vault is open, the whole inventory in chunks.
pub const PORT_NAME: &str = "relaykeep";

/// What the worker tells open pages, unasked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "one message at a time, made to be sent: none is kept"
)]
pub enum Event {
    /// The vault's state changed (first of all on connecting). Anything but `Unlocked` means:
    /// drop everything shown.
    State {
        /// Where the vault stands.
        vault: VaultState,
        /// Settings; defaults while locked.
        settings: Settings,
        /// Running and past jobs, newest first.
        jobs: Vec<JobView>,
        /// Things to say once.
        notices: Vec<Notice>,
        /// Jobs that wait for the vault to be unlocked.
        waiting: u32,
    },
    /// All accounts; keys follow. Forget what was shown before when `Inventory` has ended it.
    Accounts(Vec<AccountView>),
    /// Some keys of one account, in order; several may follow for one account.
    Keys {
        /// Whose.
        account: AccountId,
        /// The rows.
        rows: Vec<KeyRow>,
    },
    /// The inventory is complete.
    InventoryDone,
    /// One account changed or is new.
    Account(AccountView),
    /// Keys of one account changed, came or went.
    KeysChanged {
        /// Whose.
        account: AccountId,
        /// Changed or new rows.
        rows: Vec<KeyRow>,
        /// Rows that are no more.
        removed: Vec<RemoteId>,
    },
    /// One account was removed here, with its keys.
    AccountRemoved(AccountId),
    /// A job began, moved or ended.
    Job(JobView),
    /// Settings changed.
    Settings(Settings),
}

/// What a page sends: a call, with the version it was built for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageMessage {
    /// The page's build version; another one than the worker's is told to reload.
    pub version: String,
    /// The call.
    pub call: crate::AnyCall,
}
