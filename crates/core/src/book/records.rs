//! What stands in the vault's records, as JSON. Fields we do not know are kept: an older
//! Relaykeep must not lose what a newer one wrote.

use crate::secret::MaskedKey;
use crate::site::Quirks;
use crate::sorted::SortedMap;
use relaykeep_protocol::{
    AccountId, Generation, Health, KeyRow, Millis, RemoteId, SecretState, Settings, SiteKind, Unit,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An account as the site tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountBody {
    pub(crate) base_url: String,
    pub(crate) kind: SiteKind,
    #[serde(default)]
    pub(crate) generation: Option<Generation>,
    #[serde(default)]
    pub(crate) user_id: Option<String>,
    #[serde(default)]
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) site_name: Option<String>,
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) unit: Unit,
    #[serde(default)]
    pub(crate) balance: Option<i64>,
    #[serde(default)]
    pub(crate) used: Option<i64>,
    #[serde(default)]
    pub(crate) health: Health,
    #[serde(default)]
    pub(crate) cut_at: Option<u32>,
    #[serde(default)]
    pub(crate) quirks: Quirks,
    #[serde(default)]
    pub(crate) token_in_doubt: bool,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// What the user says of an account. Sync never touches it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnBody {
    #[serde(default)]
    pub(crate) name: String,
    /// Keys the user removed here although the site still lists them.
    #[serde(default)]
    pub(crate) hidden: Vec<RemoteId>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// One key in a list part. Never a full key, never the raw object: a page that shows lists
/// unseals this class alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyEntry {
    #[serde(rename = "i")]
    pub(crate) id: RemoteId,
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    #[serde(rename = "g", default, skip_serializing_if = "String::is_empty")]
    pub(crate) group: String,
    /// The mask the site sent, or our own of a key it sent in clear.
    #[serde(rename = "m", default)]
    pub(crate) mask: String,
    #[serde(rename = "k", default)]
    pub(crate) secret: SecretState,
    #[serde(rename = "s", default)]
    pub(crate) status: i64,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) remaining: Option<i64>,
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unlimited: bool,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<i64>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<i64>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used: Option<i64>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<i64>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone_since: Option<Millis>,
    /// Absent from the last complete listing: the next absence makes it gone.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) missed: bool,
    /// Keyed fingerprint of the raw object, to tell a change without unsealing it.
    #[serde(rename = "h", default, skip_serializing_if = "String::is_empty")]
    pub(crate) raw_print: String,
    /// The part of the raw records that holds its object.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(crate) raw_part: Option<u16>,
    /// The part of the secret records that holds its full key.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_part: Option<u16>,
}

impl KeyEntry {
    /// As pages see it.
    pub(crate) fn row(&self) -> KeyRow {
        KeyRow {
            id: self.id.clone(),
            name: self.name.clone(),
            group: self.group.clone(),
            mask: MaskedKey::read(&self.mask).map_or_else(String::new, |mask| mask.shown()),
            secret: self.secret,
            status: shown(self.status),
            remaining: self.remaining.map(shown),
            unlimited: self.unlimited,
            used: self.used.map(shown),
            expires: self.expires.map(shown),
            last_used: self.last_used.map(shown),
            created: self.created.map(shown),
            gone_since: self.gone_since,
        }
    }

    /// Takes over what a site's row says; what is ours stays.
    pub(crate) fn take(&mut self, row: KeyRow) {
        let KeyRow {
            id,
            name,
            group,
            mask,
            secret: _,
            status,
            remaining,
            unlimited,
            used,
            expires,
            last_used,
            created,
            gone_since: _,
        } = row;
        self.id = id;
        self.name = name;
        self.group = group;
        self.mask = mask;
        self.status = status;
        self.remaining = remaining;
        self.unlimited = unlimited;
        self.used = used;
        self.expires = expires;
        self.last_used = last_used;
        self.created = created;
        self.gone_since = None;
        self.missed = false;
    }
}

/// A number as it can cross to a page: JavaScript holds no integer beyond 2^53. The raw object
/// keeps what the site sent.
pub(crate) fn shown(number: i64) -> i64 {
    const MOST: i64 = (1 << 53) - 1;
    number.clamp(-MOST, MOST)
}

/// The login at a site.
#[derive(Serialize, Deserialize)]
pub(crate) struct LoginBody {
    pub(crate) token: String,
    pub(crate) origins: Vec<String>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// One full key in a secret part, with the only origins it may be sent to.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SecretEntry {
    #[serde(rename = "i")]
    pub(crate) id: RemoteId,
    /// The site's mask when it was revealed.
    #[serde(rename = "m", default)]
    pub(crate) mask: String,
    #[serde(rename = "v")]
    pub(crate) key: String,
    #[serde(rename = "o", default)]
    pub(crate) origins: Vec<String>,
    #[serde(rename = "t", default)]
    pub(crate) since: Millis,
    /// Keys this id had before, newest first: nothing once revealed is thrown away by itself.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) was: Vec<String>,
}

/// One raw object in a raw part: what the site sent, to the letter.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RawEntry {
    #[serde(rename = "i")]
    pub(crate) id: RemoteId,
    #[serde(rename = "r")]
    pub(crate) raw: String,
}

/// A part: some entries of one account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "E: Serialize + for<'a> Deserialize<'a>")]
pub(crate) struct PartBody<E> {
    #[serde(rename = "k", default = "Vec::new")]
    pub(crate) entries: Vec<E>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl<E> Default for PartBody<E> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            more: Map::new(),
        }
    }
}

/// What changes at every run although nothing changed at a site: kept apart, so that an
/// unchanged sync writes no account record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LedgerBody {
    /// When each account's last sync that went through ended.
    #[serde(default)]
    pub(crate) synced: SortedMap<AccountId, Millis>,
    /// When each account's site was last asked for its unit and name.
    #[serde(default)]
    pub(crate) facts: SortedMap<AccountId, Millis>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// The user's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SettingsBody {
    #[serde(flatten)]
    pub(crate) settings: Settings,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}
