//! The words the pages and the worker say to each other: calls and their replies, events,
//! and the plain things both speak of (accounts, keys, jobs, settings, troubles).
//! Nothing here decides anything, and nothing here is ever stored.

mod accounts;
mod calls;
mod events;
mod jobs;
mod keys;
mod kinds;
mod sensitive;
mod settings;
mod sites;
mod trouble;
mod vault;
mod work;

pub use accounts::{
    AccountDraft, AccountEdit, AccountId, AccountView, AddOutcome, Health, LoginWay, ShownAs, Unit,
};
pub use calls::*;
pub use events::{Event, PORT_NAME, PageMessage};
pub use jobs::{
    CutReason, ItemState, JobId, JobItem, JobKind, JobState, JobView, Outcome, Step, Wait,
};
pub use keys::{KeyDetails, KeyRef, KeyRow, RemoteId, SecretState};
pub use kinds::{Habits, LimitNames, Marks, Protocol, RevealBy, SiteKind};
pub use sensitive::Sensitive;
pub use settings::{Settings, Watching};
pub use sites::{Clue, Generation, Recognition, SeenKey, TabSite, TokenOffer};
pub use trouble::{
    AddressProblem, ErrorCode, FieldProblem, SignInProblem, SiteTrouble, TokenProblem,
};
pub use vault::{AppState, BackupPreview, Notice, RecoveryCause, VaultMode, VaultState};
pub use work::{
    AddressRule, Chosen, Expiry, GroupOffer, KeyAbilities, KeyEnd, KeyField, KeyForm, KeyPatch,
    KeyResult, KeyUsage, KeyValues, Making, ModelLimit, NewKey, PlanLine, Quota, RepairPart,
    RepairPlan, Sent, Task, TraceLine, UsageLine, UsageTotals, WhyNot, Windows, Work, WorkPlan,
};

/// Milliseconds since 1970, UTC.
pub type Millis = u64;
