//! What a job found before it changed keys, and left after: to be shown, and put back.

use super::parts::Parts;
use super::records::TraceEntry;
use crate::secret::{ApiKey, Secret};
use crate::site::{RemoteKey, read_raw, values_of};
use crate::vault::{Change, Kind, RecordId};
use relaykeep_protocol::{AccountId, JobId, KeyRef, RemoteId, TraceLine};

/// The traces of one job.
#[derive(Default)]
pub struct Trace(Parts<TraceEntry>);

impl Trace {
    /// Reads one part.
    pub fn load(&mut self, part: u16, body: &str) -> bool {
        self.0.load(part, body)
    }

    /// Keeps how a key was. The first word counts: work that is taken up again finds its own
    /// traces at the site.
    pub fn note_before(&mut self, key: &KeyRef, name: &str, raw: &Secret, full: Option<&ApiKey>) {
        let id = id_of(key);
        if self.0.get(&id).is_none() {
            self.0.put(TraceEntry {
                id,
                name: name.to_owned(),
                before: Some(raw.expose().to_owned()), // into its own sealed record
                after: None,
                key: full.map(|full| full.expose().to_owned()), // into its own sealed record
            });
        }
    }

    /// Keeps how a key is afterwards; of one that was made, that is all there is.
    pub fn note_after(&mut self, key: &KeyRef, name: &str, raw: &Secret) {
        let id = id_of(key);
        let held = self.0.get(&id).cloned();
        let mut entry = held.unwrap_or_else(|| TraceEntry {
            id,
            name: name.to_owned(),
            before: None,
            after: None,
            key: None,
        });
        entry.after = Some(raw.expose().to_owned()); // into its own sealed record
        self.0.put(entry);
    }

    /// The records to write. Empty for an id that is no job's.
    pub fn changes(&mut self, job: &JobId) -> Vec<Change> {
        let group = super::group_of(&AccountId(job.0.clone()));
        group.map_or_else(Vec::new, |group| self.0.changes(group))
    }

    /// Whether a record is one of this job's.
    #[must_use]
    pub fn is_of(job: &JobId, id: &RecordId) -> bool {
        id.kind == Kind::Trace && super::group_of(&AccountId(job.0.clone())) == Some(id.group)
    }

    /// What can be shown of it.
    #[must_use]
    pub fn lines(&self) -> Vec<TraceLine> {
        let values = |raw: &Option<String>| {
            let raw = raw.clone().map(Secret::new)?;
            Some(values_of(&raw))
        };
        let lines = self.0.iter().filter_map(|entry| {
            Some(TraceLine {
                key: key_of(&entry.id)?,
                name: crate::text::one_line(&entry.name, 128),
                before: values(&entry.before),
                after: values(&entry.after),
            })
        });
        lines.collect()
    }

    /// How a key was.
    #[must_use]
    pub fn before(&self, key: &KeyRef) -> Option<RemoteKey> {
        read_raw(self.0.get(&id_of(key))?.before.as_ref()?)
    }

    /// How a key was left.
    #[must_use]
    pub fn after(&self, key: &KeyRef) -> Option<RemoteKey> {
        read_raw(self.0.get(&id_of(key))?.after.as_ref()?)
    }

    /// Lets go of everything about an account's keys.
    pub fn forget_account(&mut self, account: &AccountId) {
        let ids = self.0.iter().map(|entry| entry.id.clone());
        let ids: Vec<RemoteId> = ids
            .filter(|id| key_of(id).is_some_and(|key| key.account == *account))
            .collect();
        ids.iter().for_each(|id| self.0.remove(id));
    }

    /// The full key, where its record was removed.
    #[must_use]
    pub fn full(&self, key: &KeyRef) -> Option<ApiKey> {
        ApiKey::read(self.0.get(&id_of(key))?.key.as_ref()?)
    }
}

fn id_of(key: &KeyRef) -> RemoteId {
    RemoteId(format!("{}/{}", key.account.0, key.id.0))
}

fn key_of(id: &RemoteId) -> Option<KeyRef> {
    let (account, id) = id.0.split_once('/')?;
    Some(KeyRef {
        account: AccountId(account.to_owned()),
        id: RemoteId(id.to_owned()),
    })
}
