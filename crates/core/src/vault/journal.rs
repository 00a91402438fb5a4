//! Running jobs: small states written often, without a commit. Each stands in one of two names
//! in turn, so that a write that fails leaves the state before.

use super::disk::{Held, read_each, remove_each};
use super::keys::{Class, Keys, draw};
use super::object::{self, Body, Damaged, Head, MAX_RECORD, SCHEMA, claimed_epoch};
use super::open::Vault;
use super::{VaultError, World};
use crate::ports::Store;
use std::cell::RefCell;

/// How many jobs can run at once.
pub const JOB_SLOTS: u8 = 16;

const JOB_KIND: u8 = 14;
/// The body of a job that is over, until its names are removed.
const OVER: &str = "null";

fn job_name(slot: usize, half: usize) -> String {
    format!("rk1/j/{slot}/{half}")
}

/// Both halves of each, in order.
pub(crate) fn job_names() -> Vec<String> {
    let halves = |slot: u8| [job_name(slot.into(), 0), job_name(slot.into(), 1)];
    (0..JOB_SLOTS).flat_map(halves).collect()
}

/// Which half holds each job's latest state, so that a write need not read first.
#[derive(Default)]
pub(crate) struct Journal(RefCell<[Option<Latest>; JOB_SLOTS as usize]>);

#[derive(Clone, Copy)]
struct Latest {
    half: usize,
    counter: u64,
}

pub(crate) struct Job {
    pub(crate) counter: u64,
    pub(crate) body: Body,
}

pub(crate) fn open_job(keys: &Keys, slot: usize, text: &str) -> Result<Job, Damaged> {
    let opened = object::open(keys, Class::Job, text)?;
    if opened.head.kind != JOB_KIND || usize::from(opened.head.part) != slot {
        return Err(Damaged::NotIt);
    }
    let body = Body::new(opened.body()?.to_owned());
    Ok(Job {
        counter: opened.head.counter,
        body,
    })
}

/// What both halves of a job say.
pub(crate) struct Halves {
    pub(crate) latest: Option<(usize, Job)>,
    damaged: Option<Damaged>,
}

pub(crate) fn judge(keys: &Keys, slot: usize, held: &[Held]) -> Halves {
    let mut halves = Halves {
        latest: None,
        damaged: None,
    };
    for (half, held) in held.iter().enumerate() {
        let text = match held {
            Held::Absent => continue,
            Held::Unreadable => {
                halves.damaged = Some(Damaged::Unreadable);
                continue;
            }
            Held::Text(text) => text,
        };
        match open_job(keys, slot, text) {
            Ok(job) => {
                if halves
                    .latest
                    .as_ref()
                    .is_none_or(|(_, known)| job.counter > known.counter)
                {
                    halves.latest = Some((half, job));
                }
            }
            // Left by a change of protection, before or after it.
            Err(_) if claimed_epoch(text).is_some_and(|epoch| epoch != keys.epoch) => {}
            Err(damaged) => halves.damaged = Some(damaged),
        }
    }
    halves
}

pub(crate) fn seal_job(
    ports: impl World,
    keys: &Keys,
    (slot, counter, writer): (usize, u64, [u8; 8]),
    body: &str,
) -> Result<String, VaultError> {
    let part = u16::try_from(slot).map_err(|_| VaultError::Unfit)?;
    let head = Head {
        schema: SCHEMA,
        kind: JOB_KIND,
        part,
        group: [0; 16],
        counter,
        writer,
    };
    let fresh = (draw(ports.entropy())?, draw(ports.entropy())?);
    Ok(object::seal(keys, Class::Job, fresh, head, body, MAX_RECORD)?.text)
}

impl Vault {
    /// Keeps the state of a running job. No commit.
    ///
    /// # Errors
    /// When it could not be written; the state before is still there.
    ///
    /// # Panics
    /// When the slot is not one of the sixteen.
    pub async fn write_job(
        &self,
        ports: impl World,
        slot: u8,
        body: &str,
    ) -> Result<(), VaultError> {
        assert!(slot < JOB_SLOTS, "there are 16 slots");
        let slot = usize::from(slot);
        let known = self.journal.0.borrow()[slot];
        let latest = match known {
            Some(latest) => Some(latest),
            None => self.latest(ports, slot).await,
        };
        let counter = latest.map_or(0, |latest| latest.counter) + 1;
        let half = latest.map_or(0, |latest| 1 - latest.half);
        let place = (slot, counter, self.root.writer);
        let text = seal_job(ports, &self.keys, place, body)?;
        // A half that does not take it is rotten; the other changes in one step or not at all.
        for half in [half, 1 - half] {
            if ports
                .local()
                .set(&[(job_name(slot, half), text.clone())])
                .await
                .is_ok()
            {
                self.journal.0.borrow_mut()[slot] = Some(Latest { half, counter });
                return Ok(());
            }
        }
        Err(VaultError::Storage)
    }

    async fn latest(&self, ports: impl World, slot: usize) -> Option<Latest> {
        let held = read_each(ports.local(), &[job_name(slot, 0), job_name(slot, 1)]).await;
        let halves = judge(&self.keys, slot, &held);
        let (half, job) = halves.latest?;
        // What does not read may be one newer.
        let unread = u64::from(halves.damaged.is_some());
        Some(Latest {
            half,
            counter: job.counter + unread,
        })
    }

    /// All running jobs. Of two states the newer that opens.
    pub async fn read_jobs(&self, ports: impl World) -> Vec<(u8, Result<Body, Damaged>)> {
        let held = read_each(ports.local(), &job_names()).await;
        let mut jobs = Vec::new();
        for (slot, held) in (0..JOB_SLOTS).zip(held.chunks(2)) {
            let halves = judge(&self.keys, slot.into(), held);
            match (halves.latest, halves.damaged) {
                (Some((_, job)), _) if job.body.as_str() == OVER => {}
                (Some((_, job)), _) => jobs.push((slot, Ok(job.body))),
                (None, Some(damaged)) => jobs.push((slot, Err(damaged))),
                (None, None) => {}
            }
        }
        jobs
    }

    /// Ends one: after this it is not read again, whatever fails.
    ///
    /// # Errors
    /// When it would be.
    ///
    /// # Panics
    /// When the slot is not one of the sixteen.
    pub async fn clear_job(&self, ports: impl World, slot: u8) -> Result<(), VaultError> {
        self.write_job(ports, slot, OVER).await?;
        let Some(over) = self.journal.0.borrow_mut()[usize::from(slot)].take() else {
            return Ok(());
        };
        // First the state that must not come back, then the word that keeps it from it.
        let old = [job_name(slot.into(), 1 - over.half)];
        if remove_each(ports.local(), &old).await == 1 {
            remove_each(ports.local(), &[job_name(slot.into(), over.half)]).await;
        }
        Ok(())
    }
}
