//! When an open vault locks by itself: a deadline that is checked before every use, that only a
//! person's act puts off, and that a clock set back does not.

use relaykeep_protocol::Millis;

/// Going back by more than this is no correction of the clock.
const CLOCK_SLACK: Millis = 60_000;

/// What is kept in session memory beside the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Locks then; `None`: only with the browser.
    pub lock_at: Option<Millis>,
    /// The latest time seen at any check.
    pub last_seen: Millis,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// May be used; keep this in the place of what was.
    Open(Deadline),
    /// Wipe the keys.
    Lock,
}

impl Deadline {
    /// At unlock. `idle`: how long without a person's act until it locks.
    #[must_use]
    pub fn begin(now: Millis, idle: Option<Millis>) -> Self {
        Self {
            lock_at: idle.map(|idle| now.saturating_add(idle)),
            last_seen: now,
        }
    }

    /// Before every use of a key, and at every alarm. Puts nothing off.
    #[must_use]
    pub fn check(self, now: Millis) -> LockState {
        let went_back = now.saturating_add(CLOCK_SLACK) < self.last_seen;
        let passed = self.lock_at.is_some_and(|at| at <= now.max(self.last_seen));
        if went_back || passed {
            LockState::Lock
        } else {
            LockState::Open(Self {
                last_seen: now.max(self.last_seen),
                ..self
            })
        }
    }

    /// A person did something: puts the deadline off, unless it has passed already.
    #[must_use]
    pub fn touch(self, now: Millis, idle: Option<Millis>) -> LockState {
        match self.check(now) {
            LockState::Open(checked) => LockState::Open(Self {
                last_seen: checked.last_seen,
                ..Self::begin(now, idle)
            }),
            LockState::Lock => LockState::Lock,
        }
    }

    /// For session memory.
    #[must_use]
    pub fn to_text(self) -> String {
        match self.lock_at {
            Some(at) => format!("{at}/{}", self.last_seen),
            None => format!("-/{}", self.last_seen),
        }
    }

    /// Reads what [`Deadline::to_text`] wrote. `None`: lock.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (at, seen) = text.split_once('/')?;
        let lock_at = if at == "-" {
            None
        } else {
            Some(at.parse().ok()?)
        };
        Some(Self {
            lock_at,
            last_seen: seen.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;
    const DAY: Millis = 24 * HOUR;

    #[track_caller]
    fn open(state: LockState) -> Deadline {
        match state {
            LockState::Open(deadline) => deadline,
            LockState::Lock => panic!("locked"),
        }
    }

    #[test]
    fn checks_never_put_the_deadline_off() {
        let mut deadline = Deadline::begin(DAY, Some(4 * HOUR));
        for minute in 0..240 {
            deadline = open(deadline.check(DAY + minute * 60_000));
        }
        assert_eq!(deadline.check(DAY + 4 * HOUR), LockState::Lock);
        assert_eq!(deadline.check(DAY + 400 * DAY), LockState::Lock);
    }

    #[test]
    fn a_persons_act_puts_it_off_but_not_when_it_has_passed() {
        let deadline = Deadline::begin(DAY, Some(HOUR));
        let later = open(deadline.touch(DAY + HOUR - 1, Some(HOUR)));
        assert_eq!(later.lock_at, Some(DAY + 2 * HOUR - 1));
        assert_eq!(later.touch(DAY + 2 * HOUR - 1, Some(HOUR)), LockState::Lock);
    }

    #[test]
    fn a_clock_set_back_by_a_day_locks_and_by_a_few_seconds_does_not() {
        let deadline = Deadline::begin(10 * DAY, None);
        assert_eq!(deadline.check(9 * DAY), LockState::Lock);
        let kept = open(deadline.check(10 * DAY - 59_000));
        assert_eq!(kept.last_seen, 10 * DAY);
    }

    #[test]
    fn creeping_back_in_small_steps_buys_no_time() {
        let mut deadline = Deadline::begin(DAY, Some(HOUR));
        deadline = open(deadline.check(DAY + HOUR - 1));
        deadline = open(deadline.check(DAY + HOUR - 50_000));
        assert_eq!(deadline.check(DAY + HOUR - 61_000), LockState::Lock);
        let touched = open(deadline.touch(DAY + HOUR - 50_000, Some(HOUR)));
        assert_eq!(touched.last_seen, DAY + HOUR - 1);
    }

    #[test]
    fn it_survives_session_memory_and_nothing_else_is_taken_for_one() {
        for deadline in [Deadline::begin(5, None), Deadline::begin(5, Some(7))] {
            assert_eq!(Deadline::from_text(&deadline.to_text()), Some(deadline));
        }
        for text in ["", "-", "/", "x/1", "1/", "1/2/3"] {
            assert_eq!(Deadline::from_text(text), None, "{text:?}");
        }
    }
}
