//! What survives the worker's death but not the browser's: the opened sub-keys and when they lapse.

use crate::repair::AllOffers;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::Sights;
use relaykeep_core::sorted::SortedMap;
use relaykeep_core::vault::{Deadline, LockState};
use relaykeep_protocol::{AccountId, Millis, VaultMode};
use relaykeep_webext::Area;
use serde::{Deserialize, Serialize};

const NAME: &str = "s";
const DRAFT: &str = "d";
const CLIPBOARD: &str = "c";
const DUE: &str = "w";
const OFFERS: &str = "o";
const ORIGINS: &str = "r";
const ACCESS: &str = "a";
const SIGHTS: &str = "v";
// `extension/early.js` reads it under this name.
const GLIMPSE: &str = "g";
// What pages show first; the pictures are written there, one by each page.
const LOOKS: [&str; 3] = [GLIMPSE, "p-options", "p-popup"];

/// An open vault's session.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The sub-keys, in the vault's own text form. Never the master key.
    keys: String,
    pub(crate) mode: VaultMode,
    /// When the vault locks, as text.
    deadline: String,
}

impl Session {
    pub(crate) fn new(keys: &Secret, mode: VaultMode, deadline: Deadline) -> Self {
        // Session memory is where the opened keys live; it never reaches the disk.
        let keys = keys.expose().to_owned();
        Self {
            keys,
            mode,
            deadline: deadline.to_text(),
        }
    }

    pub(crate) async fn load() -> Option<Self> {
        let text = Area::Session.get(NAME).await.ok().flatten()?;
        relaykeep_core::json::read(&text).ok()
    }

    /// Begins: what pages show first of another vault's session shows in none of this one.
    pub(crate) async fn begin(&self) -> Result<(), relaykeep_webext::BrowserError> {
        forget_looks().await;
        self.save().await
    }

    pub(crate) async fn save(&self) -> Result<(), relaykeep_webext::BrowserError> {
        let text = relaykeep_core::json::write(self);
        Area::Session.set(&[(NAME.to_owned(), text)]).await
    }

    pub(crate) async fn forget() {
        let names = [NAME, DRAFT, DUE, OFFERS, ACCESS, SIGHTS].into_iter();
        let names: Vec<String> = names.chain(LOOKS).map(str::to_owned).collect();
        let _ = Area::Session.remove(&names).await;
    }

    pub(crate) fn keys_text(&self) -> &str {
        &self.keys
    }

    /// What the deadline says now; `None`: lock.
    pub(crate) fn check(&mut self, now: Millis) -> Option<Deadline> {
        let state = Deadline::from_text(&self.deadline)
            .map_or(LockState::Lock, |deadline| deadline.check(now));
        self.keep(state)
    }

    /// A person did something.
    pub(crate) fn touch(&mut self, now: Millis, idle: Option<Millis>) -> Option<Deadline> {
        let state = Deadline::from_text(&self.deadline)
            .map_or(LockState::Lock, |deadline| deadline.touch(now, idle));
        self.keep(state)
    }

    /// When it locks by itself.
    pub(crate) fn locks_at(&self) -> Option<Millis> {
        Deadline::from_text(&self.deadline)?.lock_at
    }

    fn keep(&mut self, state: LockState) -> Option<Deadline> {
        match state {
            LockState::Open(deadline) => {
                self.deadline = deadline.to_text();
                Some(deadline)
            }
            LockState::Lock => None,
        }
    }
}

/// Forgets what pages show first.
pub(crate) async fn forget_looks() {
    let _ = Area::Session.remove(&LOOKS.map(str::to_owned)).await;
}

/// An access token of a session of our own.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    #[serde(rename = "t")]
    pub(crate) token: String,
    /// When it ends.
    #[serde(rename = "u")]
    pub(crate) until: Millis,
}

/// The access tokens of sessions of our own.
pub(crate) async fn access() -> SortedMap<AccountId, Access> {
    let text = Area::Session.get(ACCESS).await.ok().flatten();
    text.and_then(|text| relaykeep_core::json::read(&text).ok())
        .unwrap_or_default()
}

pub(crate) async fn keep_access(all: &SortedMap<AccountId, Access>) {
    let text = relaykeep_core::json::write(all);
    let _ = Area::Session.set(&[(ACCESS.to_owned(), text)]).await;
}

/// A half-filled form.
pub(crate) async fn keep_draft(text: Option<String>) {
    let _ = match text {
        Some(text) => Area::Session.set(&[(DRAFT.to_owned(), text)]).await,
        None => Area::Session.remove(&[DRAFT.to_owned()]).await,
    };
}

pub(crate) async fn draft() -> Option<String> {
    Area::Session.get(DRAFT).await.ok().flatten()
}

/// What sites offer for their keys, as they last said.
pub(crate) async fn offers() -> AllOffers {
    let text = Area::Session.get(OFFERS).await.ok().flatten();
    text.and_then(|text| relaykeep_core::json::read(&text).ok())
        .unwrap_or_default()
}

pub(crate) async fn keep_offers(offers: &AllOffers) {
    let text = relaykeep_core::json::write(offers);
    let _ = Area::Session.set(&[(OFFERS.to_owned(), text)]).await;
}

/// What sites were recognised as.
pub(crate) async fn sights() -> Sights {
    let text = Area::Session.get(SIGHTS).await.ok().flatten();
    text.and_then(|text| relaykeep_core::json::read(&text).ok())
        .unwrap_or_default()
}

pub(crate) async fn keep_sights(sights: &Sights) {
    let text = relaykeep_core::json::write(sights);
    let _ = Area::Session.set(&[(SIGHTS.to_owned(), text)]).await;
}

/// What a page shows first.
pub(crate) async fn keep_glimpse(text: String) {
    let _ = Area::Session.set(&[(GLIMPSE.to_owned(), text)]).await;
}

/// What origins were found to be while watching: whether a relay, and when that was.
pub(crate) async fn origins() -> Vec<(String, bool, Millis)> {
    let text = Area::Session.get(ORIGINS).await.ok().flatten();
    text.and_then(|text| relaykeep_core::json::read(&text).ok())
        .unwrap_or_default()
}

pub(crate) async fn keep_origins(origins: &Vec<(String, bool, Millis)>) {
    let text = relaykeep_core::json::write(origins);
    let _ = Area::Session.set(&[(ORIGINS.to_owned(), text)]).await;
}

/// The fingerprint of what was copied last, for as long as it may have to be cleared.
pub(crate) async fn keep_clipboard_print(print: Option<String>) {
    let _ = match print {
        Some(print) => Area::Session.set(&[(CLIPBOARD.to_owned(), print)]).await,
        None => Area::Session.remove(&[CLIPBOARD.to_owned()]).await,
    };
}

pub(crate) async fn clipboard_print() -> Option<String> {
    Area::Session.get(CLIPBOARD).await.ok().flatten()
}

/// A sync came due while the vault was locked.
pub(crate) async fn note_due() {
    let _ = Area::Session.set(&[(DUE.to_owned(), "1".to_owned())]).await;
}

pub(crate) async fn is_due() -> bool {
    Area::Session.get(DUE).await.ok().flatten().is_some()
}

pub(crate) async fn settle_due() {
    let _ = Area::Session.remove(&[DUE.to_owned()]).await;
}
