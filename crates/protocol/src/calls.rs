//! Every call a page can make, with its reply. One list; the worker matches it exhaustively.

use crate::{
    AccountDraft, AccountEdit, AccountId, AddOutcome, AppState, BackupPreview, JobId, KeyDetails,
    KeyForm, KeyRef, KeyUsage, RemoteId, RepairPlan, Sensitive, Settings, SiteKind, TabSite,
    TraceLine, VaultMode, Work, WorkPlan,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A question and the type of its answer.
pub trait Call: Into<AnyCall> {
    /// What comes back if all goes well; otherwise an [`crate::ErrorCode`] does.
    type Reply: Serialize + DeserializeOwned;
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? } -> $reply:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
            impl Call for $name { type Reply = $reply; }
            impl From<$name> for AnyCall { fn from(call: $name) -> Self { Self::$name(call) } }
        )*
        /// Any of the calls, as it crosses the wire.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum AnyCall { $(#[allow(missing_docs, reason = "the struct of the same name says it")] $name($name)),* }
    };
}

calls! {
    /// Where things stand.
    GetState {} -> AppState;
    /// A person did something here: puts the automatic lock off.
    Touch {} -> ();

    /// Makes the vault. Refused if any store shows a trace of one.
    CreateVault {
        /// How it is protected.
        mode: VaultMode,
        /// Needed in passphrase mode.
        passphrase: Option<Sensitive>,
    } -> ();
    /// Opens it.
    Unlock {
        /// As typed.
        passphrase: Sensitive,
    } -> ();
    /// Locks it now. Nothing to do in device mode.
    Lock {} -> ();
    /// New passphrase or mode: a new master key, everything sealed again.
    ChangeProtection {
        /// The passphrase in use; none in device mode.
        current: Option<Sensitive>,
        /// What it shall be.
        mode: VaultMode,
        /// The new one; needed in passphrase mode.
        passphrase: Option<Sensitive>,
    } -> ();
    /// Changes settings.
    SetSettings {
        /// All of them.
        settings: Settings,
    } -> ();

    /// Writes a backup: the vault's sealed texts and a passphrase slot, as one text file.
    MakeBackup {
        /// Device mode only: the passphrase the file opens with.
        passphrase: Option<Sensitive>,
    } -> String;
    /// Reads a backup without changing anything.
    PreviewBackup {
        /// The file's text.
        text: String,
        /// Its passphrase.
        passphrase: Sensitive,
    } -> BackupPreview;
    /// Puts a backup in the place of what is here; what is here is set aside, not deleted.
    RestoreBackup {
        /// The file's text.
        text: String,
        /// Its passphrase, which is the vault's from then on.
        passphrase: Sensitive,
    } -> ();
    /// Sets the old vault aside and begins anew.
    StartOver {
        /// The word the user had to type.
        confirmed: bool,
    } -> ();

    /// Looks at the tab the popup stands over.
    LookAtTab {
        /// "Check this site" was pressed: ask the site even without a hint.
        ask_anyway: bool,
    } -> TabSite;
    /// What the site at an address is, without credentials: as it was found within the last day,
    /// or as it answers now.
    CheckAddress {
        /// As typed.
        address: String,
        /// Asks in any case.
        anew: bool,
    } -> crate::Sight;
    /// Asks a site as if it were of the draft's kind, and tells what answered. Saves nothing.
    TryKind {
        /// Address, kind and login.
        draft: AccountDraft,
    } -> Vec<(crate::TrialStep, crate::TrialResult)>;
    /// Takes from the tab's page the token the site shows its login. Only where that changes nothing.
    TakeShownToken {} -> Sensitive;
    /// Has the tab's site make a new access token, which ends the old one, then adds or updates
    /// the account with it. Only after the user said yes to exactly that.
    MakeToken {
        /// What is known; its token is ignored.
        draft: AccountDraft,
    } -> AddOutcome;

    /// Answers the offer to change an account from the browser's login to an access token of its
    /// own. A yes has the site make one in an open tab, which ends the token in use.
    AnswerTokenOffer {
        /// Which.
        account: AccountId,
        /// Yes: do it now. No: do not offer it again.
        yes: bool,
    } -> ();
    /// Answers the offer to record a key that the tab's page showed in full.
    AnswerSeenKey {
        /// Which of those on offer.
        number: u32,
        /// Yes: record it. No: forget it.
        yes: bool,
    } -> ();

    /// Verifies at the site and saves.
    AddAccount {
        /// What the user said.
        draft: AccountDraft,
    } -> AddOutcome;
    /// Changes an account here.
    EditAccount {
        /// Which.
        account: AccountId,
        /// What.
        edit: AccountEdit,
    } -> ();
    /// The order made by hand; accounts that are not named keep no place.
    OrderAccounts {
        /// All of them.
        accounts: Vec<AccountId>,
    } -> ();
    /// Removes an account and its keys here. The site is not touched.
    RemoveAccount {
        /// Which.
        account: AccountId,
    } -> ();

    /// Syncs; an empty list means all.
    Sync {
        /// Which.
        accounts: Vec<AccountId>,
    } -> JobId;
    /// Tells that rows are on screen: refreshes what is older than the setting, if that is on.
    RefreshStale {} -> Option<JobId>;
    /// Fetches the full keys behind masks.
    Reveal {
        /// Which; keys already held are skipped.
        keys: Vec<KeyRef>,
    } -> JobId;
    /// One full key, because the user asked to copy or see it. Revealed first if need be.
    TakeKey {
        /// Which.
        key: KeyRef,
        /// It goes to the clipboard: arm the clearing, if that is on.
        to_clipboard: bool,
    } -> Sensitive;
    /// Several keys went to the clipboard as one text: arm the clearing, if that is on.
    NoteCopied {
        /// What stands there.
        text: Sensitive,
    } -> ();
    /// Which keys hold this text in the key itself. Ids only.
    FindInKeys {
        /// At least 4 characters.
        text: Sensitive,
    } -> Vec<KeyRef>;
    /// What the right panel shows besides the row.
    GetKeyDetails {
        /// Which.
        key: KeyRef,
    } -> KeyDetails;
    /// What the form for a new key, or for this one, starts from.
    OpenKeyForm {
        /// Whose.
        account: AccountId,
        /// Which; none: a new one.
        key: Option<RemoteId>,
    } -> KeyForm;
    /// What a piece of work would do. Asks no site.
    PlanWork {
        /// The work.
        work: Work,
    } -> WorkPlan;
    /// Does it.
    StartWork {
        /// The work.
        work: Work,
    } -> JobId;
    /// What would bring these accounts (all, if none are given) into order. Asks sites for their
    /// groups where those are older than ten minutes.
    PlanRepair {
        /// Which.
        accounts: Vec<AccountId>,
        /// Asks however young they are: the user wants another look.
        anew: bool,
    } -> RepairPlan;
    /// Groups the user wants no key for.
    ExcludeGroups {
        /// Whose.
        account: AccountId,
        /// All of them.
        groups: Vec<String>,
    } -> ();
    /// A full key that the user copied from the site: kept if it fits the mask.
    PasteKey {
        /// Which.
        key: KeyRef,
        /// As pasted.
        text: Sensitive,
    } -> ();
    /// What a job found and left.
    GetTrace {
        /// The job.
        job: JobId,
    } -> Vec<TraceLine>;
    /// What one key spent in these last days.
    GetKeyUsage {
        /// Which.
        key: KeyRef,
        /// At most 30.
        days: u32,
    } -> KeyUsage;

    /// Stops a job after the request under way.
    StopJob {
        /// Which.
        job: JobId,
    } -> ();
    /// Does again what failed in a job that has ended.
    RetryJob {
        /// Which.
        job: JobId,
    } -> JobId;

    /// Keeps a half-filled form over the popup's closing. Session memory; never a passphrase.
    KeepDraft {
        /// Empty: forget it.
        draft: Option<AccountDraft>,
    } -> ();
    /// The kept form.
    TakeDraft {} -> Option<AccountDraft>;
    /// Kinds on offer for an address, nearest first (used when recognition failed).
    KindsFor {
        /// As typed.
        address: String,
    } -> Vec<SiteKind>;
}
