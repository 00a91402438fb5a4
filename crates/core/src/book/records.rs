//! What stands in the vault's records, as JSON. Fields we do not know are kept: an older
//! Relaykeep must not lose what a newer one wrote.

use crate::body::{Body, More, Take, bodies};
use crate::json::{self, Unreadable};
use crate::secret::MaskedKey;
use crate::site::Quirks;
use crate::sorted::SortedMap;
use relaykeep_protocol::{
    AccountId, Generation, Health, KeyRow, LoginWay, Millis, RemoteId, SecretState, Settings,
    SiteKind, Unit,
};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

bodies! {
    /// An account as the site tells it.
    #[derive(Clone, Debug, PartialEq)]
    struct AccountBody {
        base_url: String = must,
        kind: SiteKind = must,
        generation: Option<Generation>,
        way: LoginWay,
        user_id: Option<String>,
        username: Option<String>,
        site_name: Option<String>,
        group: Option<String>,
        unit: Unit,
        balance: Option<i64>,
        used: Option<i64>,
        health: Health,
        cut_at: Option<u32>,
        quirks: Quirks,
        token_in_doubt: bool,
        token_offer_answered: bool,
        admin: bool,
    }
}

bodies! {
    /// What the user says of an account. Sync never touches it.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct OwnBody {
        name: String,
        /// Keys the user removed here although the site still lists them.
        hidden: Vec<RemoteId>,
        /// Groups the user wants no key for.
        no_key_for: Vec<String>,
    }
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
    /// The key that stands in its place.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaced_by: Option<RemoteId>,
    /// The site did not give it when it was asked for.
    #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) refused: bool,
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
            replaced_by: self.replaced_by.clone(),
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
            replaced_by: _,
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

bodies! {
    /// The login at a site.
    struct LoginBody {
        /// Empty where there is a session of our own instead.
        token: String = must,
        origins: Vec<String> = must,
        /// What makes the next pair of tokens of a session of our own, once.
        refresh: Option<String>,
    }
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

/// What a job found and left of one key. A secret: raw objects may hold the full key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TraceEntry {
    /// Account and key, so that ids of two sites do not meet.
    #[serde(rename = "i")]
    pub(crate) id: RemoteId,
    #[serde(rename = "n", default)]
    pub(crate) name: String,
    /// The object before.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// The object after.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// The full key, where its record was removed.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// A part: some entries of one account.
#[derive(Clone)]
pub(crate) struct PartBody<E> {
    pub(crate) entries: Vec<E>,
    pub(crate) more: More,
}

impl<E: for<'a> Deserialize<'a>> Body for PartBody<E> {
    fn read(text: &str) -> Result<Self, Unreadable> {
        let mut fields = Take::from(text)?;
        Ok(Self {
            entries: fields.take("k")?.unwrap_or_default(),
            more: fields.rest(),
        })
    }
}

impl<E: Serialize> Serialize for PartBody<E> {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let mut map = writer.serialize_map(None)?;
        map.serialize_entry("k", &self.entries)?;
        self.more.write(&mut map)?;
        map.end()
    }
}

impl<E> Default for PartBody<E> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            more: More::default(),
        }
    }
}

bodies! {
    /// What changes at every run although nothing changed at a site: kept apart, so that an
    /// unchanged sync writes no account record.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct LedgerBody {
        /// When each account's last sync that went through ended.
        synced: SortedMap<AccountId, Millis>,
        /// When each account's site was last asked for its unit and name.
        facts: SortedMap<AccountId, Millis>,
    }
}

/// The user's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SettingsBody {
    pub(crate) settings: Settings,
    pub(crate) more: More,
}

impl Body for SettingsBody {
    fn read(text: &str) -> Result<Self, Unreadable> {
        let settings: Settings = json::read(text)?;
        let mut fields = Take::from(text)?;
        fields.drop_those_of(&json::write(&settings))?;
        Ok(Self {
            settings,
            more: fields.rest(),
        })
    }
}

impl Serialize for SettingsBody {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let own = json::write(&self.settings);
        let own = Take::from(&own)
            .map_err(|_| serde::ser::Error::custom(""))?
            .rest();
        let mut map = writer.serialize_map(None)?;
        own.write(&mut map)?;
        self.more.write(&mut map)?;
        map.end()
    }
}
