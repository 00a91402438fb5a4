//! How often one origin may be asked. Kept below every limit seen, because the person at the same
//! address shares it: the narrow bucket also holds their sign-in.

use crate::http::Bucket;
use crate::sorted::by_rank;
use relaykeep_protocol::Millis;
use serde::{Deserialize, Serialize};

/// The narrow bucket: 20 in 1 200 s per address on every server
/// [e2c7aa7b common/init.go, 8df4a267 common/config/config.go]. Five are left to the person.
const CRITICAL_USES: usize = 15;
const CRITICAL_WINDOW: Millis = 1_200_000;

/// The wide bucket: 180 in 180 s at the least (New API before 59a93cf5c).
const ORDINARY_USES: u32 = 150;
const ORDINARY_WINDOW: Millis = 180_000;

/// Ordinary uses are counted by the slot of time they fall into.
const SLOT: Millis = 10_000;

/// No site keeps us away for longer than this, whatever it says.
const LONGEST_WAIT: Millis = 3_600_000;

/// What was asked of one origin lately, and until when it wants no more. To be kept where it
/// survives the worker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Not before then, for anything.
    ordinary_until: Millis,
    /// Not before then, for what counts in the narrow bucket.
    critical_until: Millis,
    /// When the narrow bucket was used.
    critical: Vec<Millis>,
    /// Slot and number of all uses in it; every request counts in the wide bucket.
    ordinary: Vec<(Millis, u32)>,
}

impl Budget {
    /// Whether a request may be sent now.
    ///
    /// # Errors
    /// When it may not: not before the moment given.
    pub fn may_send(&self, bucket: Bucket, now: Millis) -> Result<(), Millis> {
        let mut until = hold(self.ordinary_until, now).max(self.ordinary_full(now));
        match bucket {
            Bucket::Ordinary => {}
            Bucket::Critical => {
                until = until
                    .max(hold(self.critical_until, now))
                    .max(self.critical_full(now));
            }
        }
        if until > now { Err(until) } else { Ok(()) }
    }

    /// A request is being sent.
    pub fn note_sent(&mut self, bucket: Bucket, now: Millis) {
        self.forget(now);
        let slot = now / SLOT;
        match self.ordinary.iter_mut().find(|(at, _)| *at == slot) {
            Some((_, uses)) => *uses = uses.saturating_add(1),
            None => self.ordinary.push((slot, 1)),
        }
        match bucket {
            Bucket::Ordinary => {}
            Bucket::Critical => self.critical.push(now),
        }
    }

    /// The site answered that this bucket is used up until then.
    pub fn note_limited(&mut self, bucket: Bucket, until: Millis) {
        match bucket {
            Bucket::Ordinary => self.ordinary_until = self.ordinary_until.max(until),
            Bucket::Critical => self.critical_until = self.critical_until.max(until),
        }
    }

    /// How many requests of the narrow bucket may be sent at once from now.
    #[must_use]
    pub fn critical_left(&self, now: Millis) -> usize {
        match self.may_send(Bucket::Critical, now) {
            Ok(()) => {
                CRITICAL_USES
                    - self
                        .critical
                        .iter()
                        .filter(|at| lately(**at, now, CRITICAL_WINDOW))
                        .count()
            }
            Err(_) => 0,
        }
    }

    /// Nothing in here matters any more.
    #[must_use]
    pub fn is_idle(&self, now: Millis) -> bool {
        let mut rest = self.clone();
        rest.forget(now);
        rest.ordinary.is_empty()
            && rest.critical.is_empty()
            && rest.may_send(Bucket::Critical, now).is_ok()
    }

    /// When the oldest critical use that is in the way will have left the window; 0 if none is.
    fn critical_full(&self, now: Millis) -> Millis {
        let uses: Vec<Millis> = self
            .critical
            .iter()
            .copied()
            .filter(|at| lately(*at, now, CRITICAL_WINDOW))
            .collect();
        let uses = by_rank(uses, |at| (*at, 0));
        match uses.len().checked_sub(CRITICAL_USES) {
            Some(at) => uses[at].min(now) + CRITICAL_WINDOW,
            None => 0,
        }
    }

    fn ordinary_full(&self, now: Millis) -> Millis {
        let slots: Vec<(Millis, u32)> = self
            .ordinary
            .iter()
            .copied()
            .filter(|(slot, _)| in_window(*slot, now))
            .collect();
        let slots = by_rank(slots, |(slot, uses)| (*slot, u64::from(*uses)));
        let mut uses: u32 = slots.iter().map(|(_, uses)| *uses).sum();
        let mut until = 0;
        for (slot, count) in slots {
            if uses < ORDINARY_USES {
                break;
            }
            uses = uses.saturating_sub(count);
            until = ((slot + 1) * SLOT).min(now + SLOT) + ORDINARY_WINDOW;
        }
        until
    }

    fn forget(&mut self, now: Millis) {
        self.critical.retain(|at| lately(*at, now, CRITICAL_WINDOW));
        self.ordinary.retain(|(slot, _)| in_window(*slot, now));
        self.ordinary_until = hold(self.ordinary_until, now);
        self.critical_until = hold(self.critical_until, now);
    }
}

/// A slot counts until its last moment has left the window.
fn in_window(slot: Millis, now: Millis) -> bool {
    lately(slot.saturating_mul(SLOT), now, ORDINARY_WINDOW + SLOT)
}

/// Within the window before now. The clock may have been set back since: what then lies ahead
/// counts as just now, unless it lies so far ahead that the clock had been wrong.
fn lately(at: Millis, now: Millis, window: Millis) -> bool {
    at.saturating_add(window) > now && at < now.saturating_add(window)
}

/// A waiting time that is no longer than a site may ask for; a longer one is left from before the
/// clock was set back.
fn hold(until: Millis, now: Millis) -> Millis {
    if until > now.saturating_add(LONGEST_WAIT) {
        0
    } else {
        until
    }
}
