//! Jobs in words: what each does, how far it is, how it ended.

use crate::activity_work::{did_all, end_words};
use crate::stock::count;
use crate::troubles::{error, site_trouble};
use crate::words::{clock, number, t, tn};
use relaykeep_protocol::{
    CutReason, ItemState, JobItem, JobKind, JobState, JobView, Outcome, Step, Task, Wait,
};

/// What a job does, as its heading says it.
pub(crate) fn kind_word(kind: JobKind) -> String {
    t(
        match kind {
            JobKind::Sync => "job_sync",
            JobKind::SyncByAlarm => "job_sync_alarm",
            JobKind::SyncOnOpen => "job_sync_open",
            JobKind::Reveal => "job_reveal",
            JobKind::MakeToken => "job_token",
            JobKind::Create => "job_create",
            JobKind::Edit => "job_edit",
            JobKind::Enable => "job_enable",
            JobKind::Disable => "job_disable",
            JobKind::Delete => "job_delete",
            JobKind::Remove => "job_remove",
            JobKind::Replace => "job_replace",
            JobKind::Undo => "job_undo",
        },
        &[],
    )
}

/// A job in a line: how far, or how it ended.
pub(crate) fn summary(job: &JobView) -> String {
    let (done, of) = counts(job);
    match job.state {
        JobState::Waiting(Wait::Unlock) => t("job_waits_unlock", &[]),
        JobState::Waiting(Wait::Until(until)) => t("job_waits_until", &[&clock(until)]),
        JobState::Waiting(Wait::Person) => t("job_waits_person", &[]),
        JobState::Stopping => t("job_stopping", &[]),
        JobState::Stopped => t("job_stopped", &[]),
        JobState::Running => {
            let word = match job.kind {
                JobKind::Reveal => "job_revealing",
                JobKind::MakeToken => return t("step_token", &[]),
                JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen => "job_syncing",
                kind @ (JobKind::Create
                | JobKind::Edit
                | JobKind::Enable
                | JobKind::Disable
                | JobKind::Delete
                | JobKind::Remove
                | JobKind::Replace
                | JobKind::Undo) => {
                    let far = t("count_of", &[&number(done), &number(of)]);
                    return format!("{}: {far}", kind_word(kind));
                }
            };
            t(word, &[&number(done), &number(of)])
        }
        JobState::Done => match job.items.as_slice() {
            [only] => format!("{}: {}", only.name, item_words(job.kind, only)),
            items => {
                let failed = count(items.iter().filter(|item| item_failed(&item.state)).count());
                let all = total(job.kind, items);
                if failed == 0 {
                    all
                } else {
                    format!("{all} · {}", tn("job_failed", failed, &[]))
                }
            }
        },
    }
}

/// What all items came to together.
fn total(kind: JobKind, items: &[JobItem]) -> String {
    let (mut updated, mut new, mut gone, mut revealed, mut missing, mut synced) =
        (0, 0, 0, 0, 0, false);
    let (mut good, mut bad) = (0, 0);
    for item in items {
        match &item.state {
            ItemState::Ended(Outcome::Synced {
                updated: u,
                new: n,
                gone: g,
                unchanged: _,
                masked: _,
                cut: _,
            }) => {
                updated += u;
                new += n;
                gone += g;
                synced = true;
            }
            ItemState::Ended(Outcome::Revealed {
                revealed: r,
                missing: m,
            }) => {
                revealed += r;
                missing += m;
            }
            ItemState::Ended(Outcome::Worked { good: g, bad: b }) => {
                good += g;
                bad += b;
            }
            ItemState::Ended(
                Outcome::TokenMade
                | Outcome::TokenInDoubt
                | Outcome::Failed(_)
                | Outcome::NotSaved(_)
                | Outcome::Stopped
                | Outcome::Removed,
            )
            | ItemState::Pending
            | ItemState::Running(_)
            | ItemState::Waiting { .. }
            | ItemState::Blocked(_) => {}
        }
    }
    if good + bad > 0 {
        worked_words(kind, good, bad)
    } else if revealed + missing > 0 {
        revealed_words(revealed, missing)
    } else if synced {
        synced_words(updated, new, gone)
    } else {
        t("job_done", &[])
    }
}

fn synced_words(updated: u32, new: u32, gone: u32) -> String {
    let parts: Vec<String> = [
        ("result_updated", updated),
        ("result_new", new),
        ("result_gone", gone),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(word, count)| t(word, &[&number(count)]))
    .collect();
    if parts.is_empty() {
        t("result_nothing", &[])
    } else {
        parts.join(", ")
    }
}

fn revealed_words(revealed: u32, missing: u32) -> String {
    let revealed = t("result_revealed", &[&number(revealed)]);
    if missing == 0 {
        revealed
    } else {
        format!("{revealed}, {}", t("result_missing", &[&number(missing)]))
    }
}

fn worked_words(kind: JobKind, good: u32, bad: u32) -> String {
    let not = tn("work_not_done", bad, &[]);
    match (good, bad) {
        (_, 0) => did_all(kind, good),
        (0, _) => not,
        (_, _) => format!("{}, {not}", did_all(kind, good)),
    }
}

/// Keys an item of work is about.
fn work_size(item: &JobItem) -> u32 {
    let making = item.task.as_deref().map_or(0, |task| match task {
        Task::Create(making) | Task::Replace(making) => making.len(),
        Task::Change { .. } | Task::Delete | Task::Remove | Task::Undo(_) => 0,
    });
    let results = item.results.len();
    count(item.keys.len().max(making).max(results))
}

/// How far: accounts, or keys where something is done to keys.
pub(crate) fn counts(job: &JobView) -> (u32, u32) {
    let ended = |item: &&JobItem| matches!(item.state, ItemState::Ended(_));
    match job.kind {
        JobKind::Reveal => job.items.iter().fold((0, 0), |(done, all), item| {
            let of = count(item.keys.len());
            let (now, of) = match &item.state {
                ItemState::Pending | ItemState::Waiting { .. } | ItemState::Blocked(_) => (0, of),
                ItemState::Running(Step::Revealing { done, of }) => (*done, *of),
                ItemState::Running(
                    Step::Account | Step::Listing { .. } | Step::MakingToken | Step::Working { .. },
                ) => (0, of),
                ItemState::Ended(Outcome::Revealed { revealed, missing }) => {
                    (revealed + missing, revealed + missing)
                }
                ItemState::Ended(_) => (of, of),
            };
            (done + now, all + of)
        }),
        JobKind::Create
        | JobKind::Edit
        | JobKind::Enable
        | JobKind::Disable
        | JobKind::Delete
        | JobKind::Remove
        | JobKind::Replace
        | JobKind::Undo => job.items.iter().fold((0, 0), |(done, all), item| {
            let (now, of) = match &item.state {
                ItemState::Running(Step::Working { done, of }) => (*done, *of),
                ItemState::Ended(Outcome::Worked { good, bad }) => (good + bad, good + bad),
                ItemState::Ended(_) => (work_size(item), work_size(item)),
                ItemState::Pending
                | ItemState::Running(_)
                | ItemState::Waiting { .. }
                | ItemState::Blocked(_) => (item.over, work_size(item)),
            };
            (done + now, all + of)
        }),
        JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen | JobKind::MakeToken => (
            count(job.items.iter().filter(ended).count()),
            count(job.items.len()),
        ),
    }
}

/// Where an item stands, in words.
pub(crate) fn item_words(kind: JobKind, item: &JobItem) -> String {
    match &item.state {
        ItemState::Pending => t("item_pending", &[]),
        ItemState::Running(Step::Account) => t("step_account", &[]),
        ItemState::Running(Step::Listing { read }) => tn("step_listing", *read, &[]),
        ItemState::Running(Step::Revealing { done, of }) => {
            t("job_revealing", &[&number(*done), &number(*of)])
        }
        ItemState::Running(Step::MakingToken) => t("step_token", &[]),
        ItemState::Running(Step::Working { done, of }) => {
            t("count_of", &[&number(*done), &number(*of)])
        }
        ItemState::Waiting { until } => t("item_waiting", &[&clock(*until)]),
        ItemState::Blocked(trouble) => site_trouble(trouble),
        ItemState::Ended(outcome) => match outcome {
            Outcome::Synced {
                updated,
                new,
                gone,
                unchanged: _,
                masked,
                cut,
            } => {
                let mut words = synced_words(*updated, *new, *gone);
                if *masked > 0 {
                    words.push_str(" · ");
                    words.push_str(&tn("masked_keys", *masked, &[]));
                }
                if let Some((listed, why)) = cut {
                    words.push_str(" · ");
                    words.push_str(&cut_words(*listed, *why));
                }
                words
            }
            Outcome::Revealed { revealed, missing } => revealed_words(*revealed, *missing),
            Outcome::TokenMade => t("outcome_token_made", &[]),
            Outcome::TokenInDoubt => t("outcome_token_doubt", &[]),
            Outcome::Failed(trouble) => site_trouble(trouble),
            Outcome::NotSaved(code) => error(code),
            Outcome::Worked { good, bad } => match item.results.as_slice() {
                [only] if !only.end.good() => format!(
                    "{}: {}",
                    only.name,
                    end_words(kind, &item.account, &only.end)
                ),
                _ => worked_words(kind, *good, *bad),
            },
            Outcome::Stopped => t("outcome_stopped", &[]),
            Outcome::Removed => t("outcome_removed", &[]),
        },
    }
}

fn cut_words(listed: u32, why: CutReason) -> String {
    tn(
        match why {
            CutReason::Cap => "cut_cap",
            CutReason::Inconsistent => "cut_inconsistent",
            CutReason::Failed => "cut_failed",
            CutReason::Limited => "cut_limited",
        },
        listed,
        &[],
    )
}

/// Something of it is worth another try.
pub(crate) fn item_failed(state: &ItemState) -> bool {
    match state {
        ItemState::Ended(
            Outcome::Failed(_)
            | Outcome::NotSaved(_)
            | Outcome::Stopped
            | Outcome::TokenInDoubt
            | Outcome::Worked { bad: 1.., .. },
        ) => true,
        ItemState::Ended(
            Outcome::Synced { .. }
            | Outcome::Revealed { .. }
            | Outcome::TokenMade
            | Outcome::Worked { bad: 0, .. }
            | Outcome::Removed,
        )
        | ItemState::Pending
        | ItemState::Running(_)
        | ItemState::Waiting { .. }
        | ItemState::Blocked(_) => false,
    }
}
