//! Which protocol a kind speaks, and what differs with it. The flows are shared: how a request is
//! built and an answer read is all that hangs on this.

use super::answer::SiteError;
use super::place::Place;
use super::{openrouter, sub2api};
use crate::http::{Bucket, Method};
use crate::json;
use relaykeep_protocol::{RemoteId, SiteKind};

pub use relaykeep_protocol::Protocol;
use serde_json::value::RawValue;

/// The protocol of a kind.
pub(super) fn of(kind: SiteKind) -> Protocol {
    kind.habits().protocol
}

/// The protocol that an object of a site belongs to: a kept one is read long after, and beside
/// objects of other sites. Each has names that no other has.
pub(super) fn of_object(raw: &RawValue) -> Protocol {
    super::fields::fields! {
        struct Marks {
            remain_quota "remain_quota" = null,
            unlimited_quota "unlimited_quota" = null,
            expired_time "expired_time" = null,
            hash "hash",
            disabled "disabled",
            group_id "group_id" = null,
            user_id "user_id",
            created_at "created_at",
        }
    }
    let Ok(marks) = Marks::read(raw.get()) else {
        return Protocol::Family;
    };
    let family = [
        marks.remain_quota,
        marks.unlimited_quota,
        marks.expired_time,
    ];
    if family.iter().any(Option::is_some) {
        Protocol::Family
    } else if marks.hash.is_some() && marks.disabled.is_some() {
        Protocol::OpenRouter
    } else if marks.group_id.is_some() && marks.user_id.is_some() && marks.created_at.is_some() {
        Protocol::Sub2Api
    } else {
        Protocol::Family
    }
}

/// As [`of_object`], of a kept text.
pub(super) fn of_text(raw: &str) -> Protocol {
    json::raw(raw).map_or(Protocol::Family, of_object)
}

/// What a site is asked, apart from the words of its protocol.
#[derive(Debug)]
pub(super) enum Ask<'a> {
    /// What it says of itself to everyone.
    Status,
    /// Who the login is.
    Me,
    /// What the login has left, where that is another question.
    Balance,
    /// The groups it may use.
    Groups,
    /// A page of the keys, from 1 or 0 as the kind counts.
    List(u32),
    /// One key.
    Get(&'a RemoteId),
    /// Makes one, with this body.
    Create(String),
    /// Changes one.
    Write(&'a RemoteId, String),
    /// Enables or disables one.
    Toggle(&'a RemoteId, bool),
    /// Deletes one.
    Delete(&'a RemoteId),
    /// What a key says of itself to be accepted, asked with it.
    TryKey,
    /// What a key spent, asked with it.
    KeyUsage,
    /// A page of what a key spent since then, from 0.
    Logs(&'a str, i64, u32),
}

/// A request in a protocol's words. `None`: it has none for that.
pub(super) struct Said {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<String>,
    pub(super) bucket: Bucket,
}

impl Said {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Option<Self> {
        Some(Self {
            method,
            path: path.into(),
            body: None,
            bucket: Bucket::Ordinary,
        })
    }

    pub(super) fn with(method: Method, path: impl Into<String>, body: String) -> Option<Self> {
        Self::new(method, path).map(|said| Self {
            body: Some(body),
            ..said
        })
    }
}

/// The request of a protocol that is not the family's.
pub(super) fn said(place: &Place, ask: &Ask<'_>) -> Option<Said> {
    match of(place.kind) {
        Protocol::Family => None,
        Protocol::Sub2Api => sub2api::said(ask),
        Protocol::OpenRouter => openrouter::said(ask),
    }
}

/// Writes an object of these fields.
pub(super) fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// No answer of this protocol.
pub(super) fn bad() -> SiteError {
    relaykeep_protocol::SiteTrouble::BadAnswer.into()
}
