//! Finished jobs, kept for a month without secrets.

use super::VAULT_GROUP;
use crate::sorted::{SortedMap, by_rank_down};
use crate::vault::{Change, Kind, RecordId};
use relaykeep_protocol::{ItemState, JobId, JobItem, JobState, JobView, KeyEnd, Millis, Outcome};

const KEPT_FOR: Millis = 30 * 24 * 3600 * 1000;
/// Syncs and reveals come by the dozen; what changed keys is to be looked at, and undone, for the
/// whole month.
const KEPT_MOST: usize = 100;
const KEPT_MOST_WORK: usize = 400;
/// A record and a journal hold 64 KiB with their heads.
const MOST_BYTES: usize = 56 * 1024;
/// A job of this many accounts still fits one sealed object; the rest is cut from the record.
const MOST_ITEMS: usize = 250;

/// The finished jobs.
#[derive(Default)]
pub struct JobLog(SortedMap<u16, JobView>);

impl JobLog {
    pub(super) fn load(&mut self, part: u16, body: &str) -> bool {
        match crate::json::read(body) {
            Ok(job) => {
                self.0.insert(part, job);
                true
            }
            Err(_) => false,
        }
    }

    /// All of them, newest first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<JobView> {
        by_rank_down(self.0.values().cloned().collect(), |job| (job.started, 0))
    }

    /// Whether what failed in this job is tried again by another.
    pub fn note_retried(&mut self, id: &JobId, retried: bool) -> Vec<Change> {
        let mut found = self.0.iter().filter(|(_, job)| job.id == *id);
        let Some(part) = found.next().map(|(part, _)| *part) else {
            return Vec::new();
        };
        let Some(job) = self.0.get_mut(&part) else {
            return Vec::new();
        };
        job.retried = retried;
        vec![Change::Put {
            id: RecordId {
                group: VAULT_GROUP,
                kind: Kind::FinishedJob,
                part,
            },
            body: crate::json::write(job),
        }]
    }

    /// Adds one that ended, and lets go of those that are a month old or too many: their traces
    /// are to go as well.
    pub fn add(&mut self, job: &JobView, now: Millis) -> (Vec<Change>, Vec<JobId>) {
        let record = |part| RecordId {
            group: VAULT_GROUP,
            kind: Kind::FinishedJob,
            part,
        };
        let old: Vec<(Millis, u16, bool)> = self
            .0
            .iter()
            .map(|(part, job)| (job.ended.unwrap_or(job.started), *part, job.kind.is_work()))
            .collect();
        let old = by_rank_down(old, |(ended, part, _)| (*ended, u64::from(*part)));
        let (mut work, mut other) = (0, 0);
        let mut dropped = Vec::new();
        let mut changes: Vec<Change> = old
            .iter()
            .filter(|(ended, _, is_work)| {
                let (count, most) = if *is_work {
                    (&mut work, KEPT_MOST_WORK)
                } else {
                    (&mut other, KEPT_MOST)
                };
                *count += 1;
                *count >= most || now.saturating_sub(*ended) > KEPT_FOR
            })
            .map(|(_, part, _)| *part)
            .map(|part| {
                dropped.extend(self.0.remove(&part).map(|job| job.id));
                Change::Delete(record(part))
            })
            .collect();
        let part = (0..=u16::MAX).find(|part| {
            !self.0.contains_key(part)
                && !changes
                    .iter()
                    .any(|change| matches!(change, Change::Delete(id) if id.part == *part))
        });
        if let Some(part) = part {
            let mut kept = job.clone();
            kept.items.truncate(MOST_ITEMS);
            for item in &mut kept.items {
                // An undo and a second try need them all; such a job began small enough.
                if item.task.is_none() {
                    item.keys.truncate(MOST_ITEMS);
                }
            }
            let kept = fitted(kept);
            changes.push(Change::Put {
                id: record(part),
                body: crate::json::write(&kept),
            });
            self.0.insert(part, kept);
        }
        (changes, dropped)
    }
}

/// A job that fits its record: the words of sites go first, then results of what went well, then
/// the other results. Counts and the ids of what failed stay.
#[must_use]
pub fn fitted(mut job: JobView) -> JobView {
    let cuts: [fn(&mut JobItem); 5] = [
        |item| {
            for result in &mut item.results {
                if let KeyEnd::Failed(_, said) = &mut result.end {
                    *said = None;
                }
            }
        },
        |item| item.results.retain(|result| !result.end.good()),
        |item| item.results.truncate(20),
        |item| item.results.clear(),
        |item| item.unsure.clear(),
    ];
    for cut in cuts {
        if crate::json::write(&job).len() <= MOST_BYTES {
            break;
        }
        job.items.iter_mut().for_each(cut);
    }
    job
}

/// Ends a job: every item that has no end of its own was stopped.
pub fn close_job(job: &mut JobView, now: Millis) {
    let mut stopped = false;
    for item in &mut job.items {
        match item.state {
            ItemState::Pending
            | ItemState::Running(_)
            | ItemState::Waiting { .. }
            | ItemState::Blocked(_) => {
                item.state = ItemState::Ended(Outcome::Stopped);
                stopped = true;
            }
            ItemState::Ended(Outcome::Stopped) => stopped = true,
            ItemState::Ended(_) => {}
        }
    }
    job.state = if stopped {
        JobState::Stopped
    } else {
        JobState::Done
    };
    job.ended = Some(now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use relaykeep_protocol::{AccountId, JobKind, KeyResult, RemoteId, SiteTrouble};

    fn job(id: &str, kind: JobKind, started: Millis, results: usize, said: usize) -> JobView {
        let result = |at: usize| KeyResult {
            key: RemoteId(at.to_string()),
            name: "a name of some length".to_owned(),
            end: if at.is_multiple_of(2) {
                KeyEnd::Done
            } else {
                KeyEnd::Failed(SiteTrouble::Refused, Some("x".repeat(said)))
            },
        };
        JobView {
            id: JobId(id.to_owned()),
            kind,
            state: JobState::Done,
            started,
            ended: Some(started),
            items: vec![JobItem {
                account: AccountId("a".to_owned()),
                name: "account".to_owned(),
                keys: (0..results).map(|at| RemoteId(at.to_string())).collect(),
                state: ItemState::Ended(Outcome::Stopped),
                goal: 0,
                said: None,
                task: None,
                over: u32::try_from(results).expect("few"),
                bad: u32::try_from(results / 2).expect("few"),
                failed: vec![RemoteId("1".to_owned())],
                results: (0..results).map(result).collect(),
                sent: None,
                unsure: Vec::new(),
            }],
            retried: false,
        }
    }

    #[test]
    fn a_job_always_fits_its_record_and_keeps_its_counts() {
        for (results, said) in [(3, 300), (400, 10), (400, 300), (2_000, 300)] {
            let whole = job("j", JobKind::Edit, 1, results, said);
            let kept = fitted(whole.clone());
            assert!(crate::json::write(&kept).len() <= MOST_BYTES, "{results}");
            assert_eq!(kept.items[0].bad, whole.items[0].bad);
            assert_eq!(kept.items[0].failed, whole.items[0].failed);
            assert_eq!(kept.items[0].keys, whole.items[0].keys);
            if results == 3 {
                assert_eq!(kept, whole, "what fits is not touched");
            }
        }
    }

    #[test]
    fn work_outlives_any_number_of_syncs_and_leaves_with_its_month() {
        let mut log = JobLog::default();
        let (_, dropped) = log.add(&job("work", JobKind::Delete, 1, 1, 0), 1);
        assert_eq!(dropped, []);
        for at in 0..300 {
            let sync = job(&format!("sync {at}"), JobKind::SyncByAlarm, 2 + at, 0, 0);
            let (_, dropped) = log.add(&sync, 2 + at);
            assert!(!dropped.contains(&JobId("work".to_owned())));
        }
        assert!(log.newest_first().len() <= KEPT_MOST + 1);
        let later = KEPT_FOR + 10;
        let (_, dropped) = log.add(&job("later", JobKind::Sync, later, 0, 0), later);
        assert!(
            dropped.contains(&JobId("work".to_owned())),
            "its traces go with it"
        );
    }

    #[test]
    fn a_job_is_tried_again_once() {
        let mut log = JobLog::default();
        log.add(&job("j", JobKind::Create, 1, 1, 0), 1);
        assert_eq!(log.note_retried(&JobId("j".to_owned()), true).len(), 1);
        assert!(log.newest_first()[0].retried);
        assert!(
            log.note_retried(&JobId("other".to_owned()), true)
                .is_empty()
        );
    }
}
