use crate::{AccountId, Millis};
use serde::{Deserialize, Serialize};

/// A key's id at its site. Text, because some sites' ids do not fit a JavaScript number.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(pub String);

/// Names one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyRef {
    /// Whose.
    pub account: AccountId,
    /// Its id at the site.
    pub id: RemoteId,
}

/// What is held of the key itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretState {
    /// Only the mask: the site hides the key.
    #[default]
    Masked,
    /// The full key is sealed in the vault.
    Held,
}

/// One key as the list shows it. Field names are short because ten thousand of them cross the
/// port when the page opens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Its id at the site.
    #[serde(rename = "i")]
    pub id: RemoteId,
    /// Its name there; may be empty, may repeat. Cleaned of control and direction characters.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its group there; empty means the login's own group.
    #[serde(rename = "g", default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// First and last characters, as far as they may be shown without being asked.
    #[serde(rename = "m", default)]
    pub mask: String,
    /// Is the full key held.
    #[serde(rename = "k", default)]
    pub secret: SecretState,
    /// The status the site wrote (1 enabled, 2 disabled, 3 expired, 4 exhausted, others unknown).
    /// It lags behind: what is shown is computed, see `core::keys::state`.
    #[serde(rename = "s", default)]
    pub status: i64,
    /// Quota left; may be negative; `None` when the site sent nothing usable.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<i64>,
    /// No limit of its own.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub unlimited: bool,
    /// Quota used.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub used: Option<i64>,
    /// Expiry in seconds since 1970; `None` never.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Last use in seconds since 1970.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<i64>,
    /// Creation in seconds since 1970.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// Absent from two complete listings in a row: gone at the site. Kept until removed here.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Millis>,
    /// The key that stands in its place.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<RemoteId>,
}

/// What the right panel shows besides the row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyDetails {
    /// Models it is limited to; `None`: no limit.
    pub models: Option<Vec<String>>,
    /// Addresses it is limited to, in the server's own words; `None`: no limit.
    pub addresses: Option<Vec<String>>,
    /// When its full key was revealed and sealed.
    pub revealed_at: Option<Millis>,
    /// The base URL tools should use with it.
    pub base_url: String,
}
