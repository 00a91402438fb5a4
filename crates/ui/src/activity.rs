//! Jobs: what runs, what came of it, and why.

use crate::app::app;
use crate::copying::fail;
use crate::el::{all, el, live};
use crate::icons::{Icon, icon};
use crate::kit::{Btn, Tone, note};
use crate::line::{ask, spawn};
use crate::troubles::{self, is_passing, site_trouble};
use crate::words::{clock, full_time, number, t, tn, when};
use leptos::prelude::*;
use relaykeep_protocol::{
    CutReason, ItemState, JobId, JobItem, JobKind, JobState, JobView, Outcome, RetryJob, Step,
    StopJob, Wait,
};

/// A job began, moved or ended.
pub(crate) fn put(job: JobView) {
    let app = app();
    let ended = is_over(&job);
    let before = app
        .jobs
        .with_untracked(|jobs| jobs.iter().find(|held| held.id == job.id).map(is_over));
    if ended && before == Some(false) {
        app.say(summary(&job));
    }
    app.jobs.update(
        |jobs| match jobs.iter_mut().find(|held| held.id == job.id) {
            Some(held) => *held = job,
            None => jobs.insert(0, job),
        },
    );
}

/// Nothing more will happen to it.
pub(crate) fn is_over(job: &JobView) -> bool {
    match job.state {
        JobState::Done | JobState::Stopped => true,
        JobState::Running | JobState::Waiting(_) | JobState::Stopping => false,
    }
}

/// The section.
pub(crate) fn activity_page() -> AnyView {
    let app = app();
    el("div").class("page")
.kid(el("div").class("in")
.kid(el("div").class("head")
.kid(el("h1")
.kid(t("activity", &[]))))
.kid(live(move || app.jobs.with(Vec::is_empty).then(|| el("p").class("lead")
.kid(t("no_jobs", &[])))))
.kid(view! { <For
                    each=move || app.jobs.with(|jobs| jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>())
                    key=Clone::clone
                    children=move |id| card(id)
                /> }.into_any()))
    .into_any()
}

fn card(id: JobId) -> AnyView {
    let app = app();
    let find = {
        let id = id.clone();
        Memo::new(move |_| {
            app.jobs
                .with(|jobs| jobs.iter().find(|job| job.id == id).cloned())
        })
    };
    let data_job = id.0.clone();
    let body = move || {
        let job = find.get()?;
        let over = is_over(&job);
        let failed = job.items.iter().any(|item| item_failed(&item.state));
        let stop = id.clone();
        let retry = id.clone();
        let items: Vec<AnyView> = job.items.iter().map(item).collect();
        Some(
            all![
                el("header")
                    .kid(
                        el("h2")
                            .class("grow")
                            .kid(kind_word(job.kind))
                            .kid(" ")
                            .kid(
                                el("span")
                                    .class("faint small")
                                    .a("title", full_time(job.started))
                                    .kid(when(job.started))
                            )
                    )
                    .kid(progress(&job))
                    .kid((!over).then(|| {
                        Btn::new("stop")
                            .icon(Icon::Stop)
                            .off(Signal::stored(job.state == JobState::Stopping))
                            .on(move || stop_job(stop.clone()))
                    }))
                    .kid((over && failed).then(|| {
                        Btn::new("retry")
                            .icon(Icon::Sync)
                            .on(move || retry_job(retry.clone()))
                    })),
                el("ul").kid(items)
            ]
            .into_any(),
        )
    };
    el("article")
        .class("card job")
        .a("data-job", data_job)
        .kid(live(body))
        .into_any()
}

fn stop_job(job: JobId) {
    spawn(async move {
        if let Err(code) = ask(StopJob { job }).await {
            fail(&troubles::error(&code));
        }
    });
}

fn retry_job(job: JobId) {
    spawn(async move {
        if let Err(code) = ask(RetryJob { job }).await {
            fail(&troubles::error(&code));
        }
    });
}

fn kind_word(kind: JobKind) -> String {
    t(
        match kind {
            JobKind::Sync => "job_sync",
            JobKind::SyncByAlarm => "job_sync_alarm",
            JobKind::SyncOnOpen => "job_sync_open",
            JobKind::Reveal => "job_reveal",
            JobKind::MakeToken => "job_token",
            JobKind::Create
            | JobKind::Edit
            | JobKind::Enable
            | JobKind::Disable
            | JobKind::Delete
            | JobKind::Remove
            | JobKind::Replace
            | JobKind::Undo => "job_work",
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
        JobState::Stopping => t("job_stopping", &[]),
        JobState::Stopped => t("job_stopped", &[]),
        JobState::Running => {
            let word = match job.kind {
                JobKind::Reveal => "job_revealing",
                JobKind::MakeToken => return t("step_token", &[]),
                JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen => "job_syncing",
            };
            t(word, &[&number(done), &number(of)])
        }
        JobState::Done => match job.items.as_slice() {
            [only] => format!("{}: {}", only.name, item_words(only)),
            items => {
                let failed = crate::stock::count(
                    items.iter().filter(|item| item_failed(&item.state)).count(),
                );
                let all = total(items);
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
fn total(items: &[JobItem]) -> String {
    let (mut updated, mut new, mut gone, mut revealed, mut missing, mut synced) =
        (0, 0, 0, 0, 0, false);
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
            | ItemState::Waiting { .. } => {}
        }
    }
    if revealed + missing > 0 {
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

/// How far: accounts, or keys where keys are revealed.
fn counts(job: &JobView) -> (u32, u32) {
    let ended = |item: &&JobItem| matches!(item.state, ItemState::Ended(_));
    match job.kind {
        JobKind::Reveal => job.items.iter().fold((0, 0), |(done, all), item| {
            let of = crate::stock::count(item.keys.len());
            let (now, of) = match &item.state {
                ItemState::Pending | ItemState::Waiting { .. } => (0, of),
                ItemState::Running(Step::Revealing { done, of }) => (*done, *of),
                ItemState::Running(Step::Account | Step::Listing { .. } | Step::MakingToken) => {
                    (0, of)
                }
                ItemState::Ended(Outcome::Revealed { revealed, missing }) => {
                    (revealed + missing, revealed + missing)
                }
                ItemState::Ended(_) => (of, of),
            };
            (done + now, all + of)
        }),
        JobKind::Sync | JobKind::SyncByAlarm | JobKind::SyncOnOpen | JobKind::MakeToken => (
            crate::stock::count(job.items.iter().filter(ended).count()),
            crate::stock::count(job.items.len()),
        ),
    }
}

fn progress(job: &JobView) -> AnyView {
    if is_over(job) {
        return el("span").class("muted").kid(summary(job)).into_any();
    }
    bar(job)
}

/// Words and a thin bar.
fn bar(job: &JobView) -> AnyView {
    let (done, of) = counts(job);
    let words = summary(job);
    all![
        el("span").class("muted").kid(words.clone()),
        el("progress")
            .a("max", of.max(1))
            .a("value", done)
            .a("aria-label", words)
    ]
    .into_any()
}

/// The running job, in its place on a page; nothing when nothing runs.
pub(crate) fn work() -> AnyView {
    let app = app();
    let running = Memo::new(move |_| {
        app.jobs
            .with(|jobs| jobs.iter().find(|job| !is_over(job)).cloned())
    });
    live(move || {
        running.get().map(|job| {
            let id = job.id.clone();
            el("div")
                .class("work row")
                .kid(bar(&job))
                .kid(
                    Btn::new("stop")
                        .class("ghost small")
                        .on(move || stop_job(id.clone())),
                )
                .into_any()
        })
    })
    .into_any()
}

fn item(item: &JobItem) -> AnyView {
    let (mark, tone) = match &item.state {
        ItemState::Pending => (Icon::Clock, "faint"),
        ItemState::Running(_) => (Icon::Sync, "muted"),
        ItemState::Waiting { .. } => (Icon::Clock, "warn"),
        ItemState::Ended(outcome) => match outcome {
            Outcome::Synced { cut: None, .. } | Outcome::Revealed { .. } | Outcome::TokenMade => {
                (Icon::Check, "good")
            }
            Outcome::Synced { cut: Some(_), .. } | Outcome::TokenInDoubt => (Icon::Warn, "warn"),
            Outcome::Failed(trouble) if is_passing(trouble) => (Icon::Warn, "warn"),
            Outcome::Failed(_) | Outcome::NotSaved(_) => (Icon::Bad, "bad"),
            Outcome::Stopped | Outcome::Removed => (Icon::Close, "faint"),
        },
    };
    let step = match &item.state {
        ItemState::Ended(Outcome::Failed(trouble)) => crate::accounts::step(&item.account, trouble),
        ItemState::Pending
        | ItemState::Running(_)
        | ItemState::Waiting { .. }
        | ItemState::Ended(_) => None,
    };
    let words = item_words(item);
    let said = item
        .said
        .clone()
        .map(|said| el("span").class("faint").kid(" “").kid(said).kid("”"));
    el("li")
        .kid(el("span").class(tone).kid(icon(mark)))
        .kid(el("span").class("cut").kid(item.name.clone()))
        .kid(el("span").class("muted say").kid(words).kid(said))
        .kid(el("span").kid(step))
        .into_any()
}

/// Where an item stands, in words.
pub(crate) fn item_words(item: &JobItem) -> String {
    match &item.state {
        ItemState::Pending => t("item_pending", &[]),
        ItemState::Running(Step::Account) => t("step_account", &[]),
        ItemState::Running(Step::Listing { read }) => tn("step_listing", *read, &[]),
        ItemState::Running(Step::Revealing { done, of }) => {
            t("job_revealing", &[&number(*done), &number(*of)])
        }
        ItemState::Running(Step::MakingToken) => t("step_token", &[]),
        ItemState::Waiting { until } => t("item_waiting", &[&clock(*until)]),
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
            Outcome::NotSaved(code) => crate::troubles::error(code),
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
        },
        listed,
        &[],
    )
}

fn item_failed(state: &ItemState) -> bool {
    match state {
        ItemState::Ended(
            Outcome::Failed(_) | Outcome::NotSaved(_) | Outcome::Stopped | Outcome::TokenInDoubt,
        ) => true,
        ItemState::Ended(
            Outcome::Synced { .. }
            | Outcome::Revealed { .. }
            | Outcome::TokenMade
            | Outcome::Removed,
        )
        | ItemState::Pending
        | ItemState::Running(_)
        | ItemState::Waiting { .. } => false,
    }
}

/// Things to say once, at the top of the page.
pub(crate) fn notices() -> AnyView {
    let app = app();
    live(move || {
        let mut all: Vec<AnyView> = app
            .notices
            .get()
            .into_iter()
            .map(|notice| note(Tone::Warn, troubles::notice(notice), Vec::new()))
            .collect();
        if let Some(code) = app.fault.get() {
            all.push(note(
                Tone::Bad,
                troubles::error(&code),
                vec![Btn::new("reload").on(|| {
                    let _ = crate::dom::window().location().reload();
                })],
            ));
        }
        if all.is_empty() {
            return None;
        }
        Some(
            el("div")
                .class("notices row")
                .a("role", "alert")
                .kid(el("div").class("grow stack").kid(all))
                .kid(Btn::new("close").silent(Icon::Close).on(move || {
                    app.notices.set(Vec::new());
                    app.fault.set(None);
                }))
                .into_any(),
        )
    })
    .into_any()
}
