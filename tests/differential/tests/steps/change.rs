//! Changing keys, also through deaths and lost answers.

use std::cell::RefCell;
use std::ops::ControlFlow;

use relaykeep_core::http::HttpError;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{Change, Changed, RemoteKey, SiteError, change_key, values_of};
use relaykeep_differential::{Dice, End, Expected, Moment, Row, expected_change, row_text, run};
use relaykeep_protocol::{KeyEnd, KeyPatch, KeyValues, Quota, Sent, SiteTrouble};
use serde_json::Value;

use super::chance::key_patch;
use super::{Play, USABLE, remote, unix_now};

impl Play {
    pub(super) fn change(
        &mut self,
        dice: &mut Dice,
        id: i64,
        told: &mut String,
    ) -> Result<(), String> {
        let row = self.meant[&id].clone();
        let many = dice.once_in(3);
        let patch = key_patch(dice, self.rules, &row, many);
        // The user looked at the key; in between somebody may have changed it or spent with it.
        let seen = match dice.below(6) {
            0 => Some("fresh"),
            1 => Some("spent since"),
            2 => Some("changed since"),
            _ => None,
        };
        *told = format!("change {id} {patch:?}, seen {seen:?}");
        self.changed(dice, id, &patch, seen)
    }

    pub(super) fn toggle(
        &mut self,
        dice: &mut Dice,
        id: i64,
        told: &mut String,
    ) -> Result<(), String> {
        let patch = KeyPatch {
            enabled: Some(dice.once_in(2)),
            ..KeyPatch::default()
        };
        *told = format!("toggle {id} {:?}", patch.enabled);
        self.changed(dice, id, &patch, None)
    }

    fn changed(
        &mut self,
        dice: &mut Dice,
        id: i64,
        patch: &KeyPatch,
        seen: Option<&str>,
    ) -> Result<(), String> {
        let look = |row: &Row| values_of(&Secret::new(Value::Object(row.clone()).to_string()));
        let saw = seen.map(|_| look(&self.meant[&id]));
        match seen {
            Some("spent since") => {
                self.spend_some(dice, id)?;
            }
            Some("changed since") => self.edit_elsewhere(dice, id)?,
            Some(_) | None => {}
        }
        self.world.writes();
        let before = self.meant[&id].clone();
        let moved = saw.as_ref().is_some_and(|saw| {
            let now = look(&before);
            let quota_fell = match (saw.quota, now.quota) {
                (Quota::Limited(then), Quota::Limited(now)) => now <= then,
                (one, other) => one == other,
            };
            !quota_fell
                || KeyValues {
                    quota: now.quota,
                    ..saw.clone()
                } != now
        });
        let expected = if moved {
            let now = Box::new(look(&before));
            Expected {
                row: before.clone(),
                or_kept: Vec::new(),
                end: Some(KeyEnd::Differs(now)),
                writes: false,
            }
        } else {
            expected_change(self.rules, &before, patch, unix_now(), &USABLE)
        };
        let (got, interrupted) = self.change_through(dice, id, patch, saw.as_ref())?;
        let (succeeded, requests) = self.world.writes();
        let told_end = match (&got, &expected.end) {
            (Err(SiteError::Trouble(SiteTrouble::Refused, Some(_))), None) => {
                self.tally.count("refused");
                None
            }
            (Err(error), _) => return Err(format!("change: {error:?}, meant {:?}", expected.end)),
            (Ok(changed), None) => {
                return Err(format!("ended {:?}, meant to be refused", changed.end));
            }
            (Ok(changed), Some(_)) => Some(changed.end.clone()),
        };
        // What the user saw has no number of what was used: a limit that fell counts as spent.
        let fell = saw.map_or(0, |saw| match (saw.quota, look(&before).quota) {
            (Quota::Limited(then), Quota::Limited(now)) => then - now,
            _ => 0,
        });
        let wanted_end = match &expected.end {
            Some(KeyEnd::Done) if fell > 0 => Some(KeyEnd::DoneAfterSpending(fell)),
            other => other.clone(),
        };
        // A run after a death finds done what an earlier one did, and does not know how much was
        // spent before that.
        let good = |end: &Option<KeyEnd>| {
            matches!(
                end,
                Some(KeyEnd::Done | KeyEnd::AlreadySo | KeyEnd::DoneAfterSpending(_))
            )
        };
        let same = match &told_end {
            Some(KeyEnd::DoneAfterSpending(_)) => false,
            end => interrupted && good(end) && good(&wanted_end),
        };
        if told_end != wanted_end && !same {
            return Err(format!(
                "ended {told_end:?}, meant {wanted_end:?}; the row was {}",
                row_text(&before)
            ));
        }
        match &told_end {
            Some(KeyEnd::Done | KeyEnd::DoneAfterSpending(_)) => self.tally.count("done"),
            Some(KeyEnd::AlreadySo) => self.tally.count("already so"),
            Some(KeyEnd::StillExpired | KeyEnd::StillExhausted) => self.tally.count("still"),
            Some(KeyEnd::NotTaken(_)) => self.tally.count("not taken"),
            Some(KeyEnd::Differs(_)) => self.tally.count("differs"),
            Some(other) => return Err(format!("ended {other:?}")),
            None => {}
        }
        // What a site cannot hold is never so, and is written once more after a death.
        let missed = matches!(expected.end, Some(KeyEnd::NotTaken(_)));
        let may_write = expected.writes || expected.end.is_none();
        if (!may_write && requests > 0)
            || (expected.writes && succeeded == 0)
            || (succeeded > 2 && !(interrupted && missed))
        {
            return Err(format!(
                "{requests} writing requests, {succeeded} succeeded; meant {:?}",
                expected.end
            ));
        }
        self.meant.insert(id, expected.row);
        self.compare(&expected.or_kept, Some((id, &before)))?;
        if let Ok(changed) = &got {
            if let Some(after) = &changed.after {
                Self::compare_read(after, &self.world.rows())?;
            }
            if !interrupted
                && expected.writes
                && (changed.before.is_none() || changed.after.is_none())
            {
                return Err("a change that was written does not tell before and after".to_owned());
            }
        }
        Ok(())
    }

    /// Changes a key; every fourth time the worker dies, or an answer is lost, somewhere on the
    /// way, and what was saved is all that the next run has.
    fn change_through(
        &mut self,
        dice: &mut Dice,
        id: i64,
        patch: &KeyPatch,
        seen: Option<&KeyValues>,
    ) -> Result<(Result<Changed, SiteError>, bool), String> {
        let interrupted = dice.once_in(4);
        if interrupted {
            let at = usize::try_from(1 + dice.below(4)).expect("small");
            let when = *dice.pick(&[Moment::Before, Moment::After]);
            let end = dice
                .pick(&[
                    End::Death,
                    End::Lost(HttpError::TimedOut),
                    End::Lost(HttpError::Cut),
                ])
                .clone();
            let mut end = Some(end);
            self.world.port.watch(move |moment, number, _| {
                if number == at && moment == when {
                    end.take()
                } else {
                    None
                }
            });
            self.tally.count("interrupted");
        }
        let journal: RefCell<Option<Sent>> = RefCell::new(None);
        for _ in 0..3 {
            let sent = journal.borrow().clone();
            let how = Change {
                seen,
                sent: sent.as_ref(),
                used_then: None,
                made: None,
            };
            let save = async |note: Sent, _: &RemoteKey| {
                *journal.borrow_mut() = Some(note);
                ControlFlow::Continue(())
            };
            let visit = self.world.visit();
            let got = run(change_key(&visit, &remote(id), patch, how, save));
            self.world.port.leave_alone();
            match got {
                None | Some(Err(SiteError::Http(_))) if interrupted => {}
                Some(got) => return Ok((got, interrupted)),
                None => return Err("died of nothing".to_owned()),
            }
        }
        Err("did not come to an end in three runs".to_owned())
    }

    pub(super) fn change_gone(&mut self, dice: &mut Dice, told: &mut String) -> Result<(), String> {
        let id = 1_000_000 + i64::try_from(dice.below(1_000)).expect("small");
        let patch = key_patch(dice, self.rules, &Row::new(), true);
        *told = format!("change {id}, which is not there, {patch:?}");
        let go = async |_, _: &RemoteKey| ControlFlow::Continue(());
        let visit = self.world.visit();
        let got = run(change_key(
            &visit,
            &remote(id),
            &patch,
            Change::default(),
            go,
        ));
        match got.expect("nobody dies") {
            Ok(changed) if changed.end == KeyEnd::Gone => {
                self.tally.count("gone");
                Ok(())
            }
            other => Err(format!("ended {other:?}, meant Gone")),
        }
    }
}
