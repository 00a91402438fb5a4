use crate::{AccountId, ErrorCode, KeyResult, Millis, RemoteId, Sent, SiteTrouble, Task};
use serde::{Deserialize, Serialize};

/// Names one job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobKind {
    /// Reads accounts and keys from sites, because a person asked.
    Sync,
    /// The same, because an alarm rang.
    SyncByAlarm,
    /// The same, because a page was opened and the data was old.
    SyncOnOpen,
    /// Fetches the full keys behind masks.
    Reveal,
    /// Has a site make a new access token.
    MakeToken,
    /// Makes keys.
    Create,
    /// Changes what keys are set to.
    Edit,
    /// Enables keys.
    Enable,
    /// Disables keys.
    Disable,
    /// Deletes keys at their sites.
    Delete,
    /// Removes keys here.
    Remove,
    /// Puts twins in the place of keys.
    Replace,
    /// Puts back what a job changed.
    Undo,
}

impl JobKind {
    /// Whether it changes keys, here or at a site, by a [`Task`] of each item.
    #[must_use]
    pub fn is_work(self) -> bool {
        match self {
            Self::Create
            | Self::Edit
            | Self::Enable
            | Self::Disable
            | Self::Delete
            | Self::Remove
            | Self::Replace
            | Self::Undo => true,
            Self::Sync | Self::SyncByAlarm | Self::SyncOnOpen | Self::Reveal | Self::MakeToken => {
                false
            }
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// At work.
    Running,
    /// Goes on by itself.
    Waiting(Wait),
    /// Asked to stop; ends after the request under way.
    Stopping,
    /// Every item has ended.
    Done,
    /// Stopped by the user before the end.
    Stopped,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// The vault is locked.
    Unlock,
    /// A site's limit.
    Until(Millis),
    /// Something only a person can do, said with each account.
    Person,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// When it began.
    pub started: Millis,
    /// When it ended.
    pub ended: Option<Millis>,
    /// What becomes of each account (a reveal: of each account's keys).
    pub items: Vec<JobItem>,
    /// What failed was tried again by another job: it is not to be tried twice.
    #[serde(default)]
    pub retried: bool,
}

/// One account's part in a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobItem {
    /// The account.
    pub account: AccountId,
    /// The account's name when the job began.
    pub name: String,
    /// The keys meant, where not all are.
    pub keys: Vec<RemoteId>,
    /// Where it stands.
    pub state: ItemState,
    /// How many keys a reveal had before it when it began; kept over waits and deaths.
    #[serde(default)]
    pub goal: u32,
    /// The site's own words to a refusal: cleaned, at most 300 characters, nothing key-like.
    pub said: Option<String>,
    /// What is to be done to the keys, in a job that changes some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Box<Task>>,
    /// How many of the task's keys are over, in their order.
    #[serde(default)]
    pub over: u32,
    /// Keys the work on which did not end well.
    #[serde(default)]
    pub bad: u32,
    /// Those of them that are worth another try.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<RemoteId>,
    /// How the work on each key ended. Of a long job the first two hundred and what did not go well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<KeyResult>,
    /// The change under way was sent; kept until its end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
    /// The same of keys whose end may be tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<Sent>,
}

/// Where one item stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ItemState {
    /// Not begun.
    Pending,
    /// At work.
    Running(Step),
    /// Goes on by itself at this time.
    Waiting {
        /// When.
        until: Millis,
    },
    /// Goes on once a person has seen to this.
    Blocked(SiteTrouble),
    /// Ended.
    Ended(Outcome),
}

/// What is being done right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Asking who we are, and the balance.
    Account,
    /// Listing keys.
    Listing {
        /// Keys read so far.
        read: u32,
    },
    /// Revealing.
    Revealing {
        /// Keys revealed so far.
        done: u32,
        /// Keys to reveal in all.
        of: u32,
    },
    /// A token is being made.
    MakingToken,
    /// Keys are being changed.
    Working {
        /// Keys that are over.
        done: u32,
        /// Keys in all.
        of: u32,
    },
}

/// Why a listing is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CutReason {
    /// The server's or our own cap.
    Cap,
    /// The list repeated itself, changed while it was read, or did not add up.
    Inconsistent,
    /// A page failed after others had come.
    Failed,
    /// The limit of requests was reached after some pages had come.
    Limited,
}

/// How one item ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Synced.
    Synced {
        /// Keys whose record changed.
        updated: u32,
        /// Keys not seen before.
        new: u32,
        /// Keys found gone.
        gone: u32,
        /// Keys unchanged.
        unchanged: u32,
        /// Keys still masked.
        masked: u32,
        /// Set when only a part was listed: how many, and why. Nothing was marked gone then.
        cut: Option<(u32, CutReason)>,
    },
    /// Revealed.
    Revealed {
        /// Full keys now held.
        revealed: u32,
        /// Keys the site did not give (deleted meanwhile, or refused).
        missing: u32,
    },
    /// A token was made and saved.
    TokenMade,
    /// The old token was probably replaced; the new one did not arrive.
    TokenInDoubt,
    /// Not done: something at the site.
    Failed(SiteTrouble),
    /// Not done: something on our side.
    NotSaved(ErrorCode),
    /// The work on every key is over; each result says how.
    Worked {
        /// Keys that are as they were wanted.
        good: u32,
        /// Keys that are not.
        bad: u32,
    },
    /// The user stopped the job before this item's turn.
    Stopped,
    /// The account was removed meanwhile.
    Removed,
}
