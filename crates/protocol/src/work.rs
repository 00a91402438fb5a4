//! What is done to keys: what a key is set to, what the user wants of it, and how that ended.

use crate::{AccountId, ErrorCode, JobId, KeyRef, Millis, RemoteId, SiteTrouble, Unit};
use serde::{Deserialize, Serialize};

/// How much a key may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quota {
    /// No limit of its own.
    Unlimited,
    /// What is left, in the site's raw quota.
    Limited(i64),
}

impl Default for Quota {
    fn default() -> Self {
        Self::Limited(0)
    }
}

/// What a key is set to: all that a person can change of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValues {
    /// Its name, exactly as the site holds it.
    pub name: String,
    /// How much it may still spend.
    pub quota: Quota,
    /// Expiry in seconds since 1970; `None` never.
    pub expires: Option<i64>,
    /// Models it is limited to; `None`: no limit. An empty list allows nothing.
    pub models: Option<Vec<String>>,
    /// Addresses it is limited to; empty: no limit.
    pub addresses: Vec<String>,
    /// Addresses it is refused from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// The most it may spend in 5 hours, a day and 7 days, in raw quota; 0: no limit.
    #[serde(skip_serializing_if = "no_windows")]
    pub windows: Windows,
    /// Its group; empty means the login's own group.
    pub group: String,
    /// Tries the next group when one fails (group `auto` only).
    pub cross_group_retry: bool,
    /// The groups that `auto` goes through; `None`: the site's own order.
    pub auto_groups: Option<Vec<String>>,
    /// Not switched off by its owner.
    pub enabled: bool,
}

/// The most a key may spend in 5 hours, a day and 7 days, in raw quota; 0: no limit.
pub type Windows = [i64; 3];

fn no_windows(windows: &Windows) -> bool {
    *windows == [0; 3]
}

/// One thing a key is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyField {
    /// Name.
    Name,
    /// Quota.
    Quota,
    /// Expiry.
    Expires,
    /// Models.
    Models,
    /// Addresses.
    Addresses,
    /// Addresses it is refused from.
    Denied,
    /// What it may spend in a window of time.
    Windows,
    /// Group.
    Group,
    /// Cross-group retry.
    CrossGroupRetry,
    /// The groups of `auto`.
    AutoGroups,
    /// Enabled or disabled.
    Enabled,
}

/// What the user changes of a key. `None` leaves it exactly as it is at the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyPatch {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// A new expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
    /// Other models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<ModelLimit>,
    /// Other addresses; empty: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// Other addresses it is refused from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Vec<String>>,
    /// Other limits by windows of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// Another group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Cross-group retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_group_retry: Option<bool>,
    /// Other groups for `auto`; empty: the site's own order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_groups: Option<Vec<String>>,
    /// Enable or disable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// Never.
    Never,
    /// At this second since 1970.
    At(i64),
}

/// Which models a key may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelLimit {
    /// All that its group has.
    Any,
    /// These only.
    Only(Vec<String>),
}

/// What a site's keys can be set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAbilities {
    /// A name may have this many bytes of UTF-8.
    pub name_bytes: u32,
    /// Names are stored as HTML: `&`, `<`, `>` and quotes take more bytes.
    pub html_names: bool,
    /// A limit of nothing means no limit there.
    pub zero_is_unlimited: bool,
    /// The highest quota the site takes, if it says.
    pub most_quota: Option<i64>,
    /// Keys can be limited to models.
    pub models: bool,
    /// How addresses are to be given.
    pub addresses: AddressRule,
    /// Keys can be refused from addresses.
    pub denied: bool,
    /// Keys can be limited by windows of time.
    pub windows: bool,
    /// Keys have groups.
    pub groups: bool,
    /// Cross-group retry can be set.
    pub cross_group_retry: bool,
    /// The groups of `auto` can be set.
    pub auto_groups: bool,
}

/// How a site wants the addresses a key is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressRule {
    /// Plain addresses and networks such as `10.0.0.0/24`.
    Any,
    /// Plain addresses only: networks are dropped, and a key with none left is open to all.
    PlainOnly,
    /// Networks only: a plain address is written as `/32` or `/128`.
    NetworksOnly,
    /// Keys cannot be limited to addresses.
    None,
}

/// A group a key can be put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOffer {
    /// Its name at the site.
    pub name: String,
    /// What the site says of it.
    pub about: String,
    /// The price ratio, as the site writes it.
    pub ratio: Option<String>,
}

/// What the form for one key starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyForm {
    /// What can be set here.
    pub can: KeyAbilities,
    /// How amounts are shown.
    pub unit: Unit,
    /// What the key is set to as far as we know; `None` for a new one.
    pub values: Option<KeyValues>,
    /// The status the site wrote: 3 expired and 4 exhausted keys are enabled by a second call.
    pub status: i64,
    /// Models on offer.
    pub models: Vec<String>,
    /// Groups on offer.
    pub groups: Vec<GroupOffer>,
    /// The groups that `auto` may go through, in the site's order.
    pub auto_groups: Vec<String>,
    /// Models and groups could not be asked for: what is shown may be old or empty.
    pub trouble: Option<SiteTrouble>,
    /// The login's own group.
    pub own_group: Option<String>,
}

/// Some keys of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub keys: Vec<RemoteId>,
}

/// Something to be done to keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart as soon as it is received"
)]
pub enum Work {
    /// Make new keys.
    Create {
        /// What and where.
        keys: Vec<NewKey>,
    },
    /// Change keys, also enable and disable them.
    Change {
        /// Which.
        keys: Vec<Chosen>,
        /// What.
        patch: KeyPatch,
        /// What the user saw. If the site now says something else, nothing is written and the
        /// user is asked. `None`: change it whatever it is.
        seen: Option<Box<KeyValues>>,
    },
    /// Delete keys at their sites.
    Delete {
        /// Which.
        keys: Vec<Chosen>,
    },
    /// Remove keys here. The sites are not touched.
    Remove {
        /// Which.
        keys: Vec<Chosen>,
    },
    /// Make a twin of each key, check it, and put it in the old one's place. The old ones stay as
    /// they are.
    Replace {
        /// Which.
        keys: Vec<Chosen>,
    },
    /// Put back what a job changed: values of an edit, records removed here.
    Undo {
        /// The job.
        job: JobId,
    },
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Where.
    pub account: AccountId,
    /// What it is to be set to.
    pub values: KeyValues,
    /// The key of the same account that it is to be like also where no form shows it.
    pub like: Option<RemoteId>,
}

/// What a piece of work will do, before it does it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkPlan {
    /// By account: what will be done.
    pub lines: Vec<PlanLine>,
    /// Keys nothing will be done to, by reason.
    pub skipped: Vec<(WhyNot, u32)>,
}

/// One account's part in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// The account.
    pub account: AccountId,
    /// Keys that will be touched.
    pub keys: u32,
    /// Requests that will be sent, at least.
    pub requests: u32,
}

/// Why nothing is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WhyNot {
    /// It is no longer at the site.
    Gone,
    /// It is so already.
    AlreadySo,
    /// This site kind cannot do that.
    NotOffered,
    /// Not known here.
    Unknown,
}

/// What one account's part of a job is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Task {
    /// Make these keys.
    Create(Vec<Making>),
    /// Change the item's keys.
    Change {
        /// What.
        patch: KeyPatch,
        /// What the user saw.
        seen: Option<Box<KeyValues>>,
    },
    /// Delete them at the site.
    Delete,
    /// Remove them here.
    Remove,
    /// Make a twin of each; the twins stand in the order of the item's keys.
    Replace(Vec<Making>),
    /// Put back what this job changed.
    Undo(JobId),
}

/// A key being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    /// What it is to be set to.
    pub values: KeyValues,
    /// The name it is made under: no other key of the account has it. Empty: not chosen yet.
    #[serde(default)]
    pub called: String,
    /// The site was asked to make it.
    #[serde(default)]
    pub sent: bool,
    /// Its id at the site, once it was found there.
    #[serde(default)]
    pub id: Option<RemoteId>,
    /// Marks the request, so that the site carries it out once however often it comes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub once: String,
    /// What else the key that it is to be like holds and no form shows, as its site wrote it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rest: String,
    /// The full key came in the answer and was taken in, where a site shows it only there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read: bool,
}

/// A change that was sent: what tells, after a death, whether it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The key.
    pub key: RemoteId,
    /// What it had left.
    pub remaining: Option<i64>,
    /// What it had used.
    pub used: Option<i64>,
}

/// How the work on one key ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyResult {
    /// The key (a new one's own id; empty if it was not made).
    pub key: RemoteId,
    /// Its name.
    pub name: String,
    /// How.
    pub end: KeyEnd,
}

/// How the work on one key ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyEnd {
    /// Done, and read back from the site.
    Done,
    /// It was so already; nothing was sent.
    AlreadySo,
    /// Done; meanwhile the key had spent this much, which was counted in.
    DoneAfterSpending(i64),
    /// The site took the change but stored something else in these fields.
    NotTaken(Vec<KeyField>),
    /// It changed at the site since the user saw it. Nothing was written.
    Differs(Box<KeyValues>),
    /// The site does not enable a key that has expired: its expiry must be moved first.
    StillExpired,
    /// The site does not enable a key without quota: its quota must be raised first.
    StillExhausted,
    /// It is no longer at the site.
    Gone,
    /// The site was asked, but no answer came, and the key is not in its list.
    InDoubt,
    /// Made, but the site shows a key only in the answer that was lost: nobody can read it.
    MadeUnread,
    /// A twin stands in its place.
    Replaced {
        /// The twin.
        by: RemoteId,
        /// Models that the twin lists: that it is accepted, and no more than that.
        models: Option<u32>,
    },
    /// Not done.
    Failed(SiteTrouble, Option<String>),
    /// Not done: something on our side.
    NotSaved(ErrorCode),
}

impl KeyEnd {
    /// Whether it is worth trying again, and nothing is lost by it.
    #[must_use]
    pub fn again(&self) -> bool {
        match self {
            Self::Failed(..) | Self::NotSaved(_) | Self::InDoubt => true,
            Self::Done
            | Self::AlreadySo
            | Self::DoneAfterSpending(_)
            | Self::NotTaken(_)
            | Self::Differs(_)
            | Self::StillExpired
            | Self::StillExhausted
            | Self::Gone
            | Self::MadeUnread
            | Self::Replaced { .. } => false,
        }
    }

    /// Whether what was wanted is so now.
    #[must_use]
    pub fn good(&self) -> bool {
        match self {
            Self::Done | Self::AlreadySo | Self::DoneAfterSpending(_) | Self::Replaced { .. } => {
                true
            }
            Self::NotTaken(_)
            | Self::Differs(_)
            | Self::StillExpired
            | Self::StillExhausted
            | Self::Gone
            | Self::InDoubt
            | Self::MadeUnread
            | Self::Failed(..)
            | Self::NotSaved(_) => false,
        }
    }
}

/// What a job found and left of one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceLine {
    /// The key.
    pub key: KeyRef,
    /// Its name then.
    pub name: String,
    /// What it was set to before; `None`: it was made by the job.
    pub before: Option<KeyValues>,
    /// What it was set to after; `None`: unknown, deleted or removed.
    pub after: Option<KeyValues>,
}

/// What would bring the inventory into order, and what each step costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepairPlan {
    /// One entry per account looked at.
    pub accounts: Vec<RepairPart>,
}

/// One account's part in a repair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairPart {
    /// The account.
    pub account: AccountId,
    /// Keys the site hides behind stars.
    pub masked: Vec<RemoteId>,
    /// Masked keys that the site did not give when asked, or never gives.
    pub hidden_for_good: Vec<RemoteId>,
    /// Groups the login may use that have no usable key.
    pub uncovered: Vec<GroupOffer>,
    /// Keys whose group the login may no longer use.
    pub lost_group: Vec<RemoteId>,
    /// Expired, exhausted, or disabled and unused for long.
    pub dead: Vec<RemoteId>,
    /// Keys that are alike in all they are set to, each set by itself.
    pub alike: Vec<Vec<RemoteId>>,
    /// Groups the user wants no key for.
    pub excluded: Vec<String>,
    /// All groups on offer: where keys can be moved to.
    pub groups: Vec<GroupOffer>,
    /// The site did not tell its groups; what needs them is missing from the plan.
    pub trouble: Option<SiteTrouble>,
    /// When the groups were asked for.
    pub groups_at: Option<Millis>,
}

/// What one key spent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyUsage {
    /// By day (seconds since 1970 at its beginning, in UTC) and model.
    pub days: Vec<UsageLine>,
    /// Only the newest so many log lines were read.
    pub cut: bool,
    /// What the site says of the key itself, asked with the key: granted, used, left.
    pub totals: Option<UsageTotals>,
}

/// A day's use of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageLine {
    /// Beginning of the day in UTC, seconds since 1970.
    pub day: i64,
    /// The model.
    pub model: String,
    /// Calls.
    pub calls: u32,
    /// Raw quota.
    pub quota: i64,
}

/// What a key says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageTotals {
    /// Granted in all.
    pub granted: i64,
    /// Used.
    pub used: i64,
    /// Left.
    pub left: i64,
    /// No limit of its own.
    pub unlimited: bool,
    /// The site answered for the whole account instead of for the key.
    pub of_account: bool,
}
