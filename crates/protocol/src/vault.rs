use crate::{JobView, Millis, Settings};
use serde::{Deserialize, Serialize};

/// How the vault is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VaultMode {
    /// By a passphrase.
    Passphrase,
    /// By a key kept in this browser profile.
    Device,
}

/// Where the vault stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VaultState {
    /// Every store is empty: a new user.
    New,
    /// A passphrase opens it.
    Locked,
    /// Open.
    Unlocked {
        /// How it is protected.
        mode: VaultMode,
        /// When it locks by itself; `None` in device mode or when never.
        locks_at: Option<Millis>,
    },
    /// There was a vault and it does not open.
    Recovery(RecoveryCause),
    /// Made by a newer version: nothing is written.
    Newer,
}

/// Why a vault does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryCause {
    /// Traces of a vault, but its records are gone.
    RecordsGone,
    /// No root opens.
    RootsDamaged,
    /// Every slot is damaged or missing.
    SlotsDamaged,
    /// The device key is gone.
    DeviceKeyGone,
    /// The browser's storage does not answer.
    StorageFails,
}

/// Something the user should know once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// This many records did not open and were set aside.
    RecordsSetAside(u32),
    /// The newest state was damaged: an older one was opened.
    OlderStateOpened,
    /// The vault's records are older than what this browser had seen.
    RolledBack,
    /// A passphrase or mode change was cut and has been finished.
    ChangeFinished,
    /// Memory was short: the vault was made with weaker work factors.
    WeakerWorkFactors,
}

/// Everything a page needs before it can draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppState {
    /// Where the vault stands.
    pub vault: VaultState,
    /// What the user chose; defaults while locked.
    pub settings: Settings,
    /// Running and past jobs, newest first; empty while locked.
    pub jobs: Vec<JobView>,
    /// Things to say once.
    pub notices: Vec<Notice>,
    /// Jobs that wait for the vault to be unlocked.
    pub waiting: u32,
}

/// What a backup file holds, before anything is restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPreview {
    /// When it was written.
    pub written: Millis,
    /// How many records.
    pub records: u32,
    /// How many accounts.
    pub accounts: u32,
    /// How many keys.
    pub keys: u32,
    /// How many of them with the full key.
    pub held: u32,
    /// It is of the vault that is here now.
    pub same_vault: bool,
}
