//! Jobs: what runs, what came of it, and why.

use crate::activity_words::{counts, item_failed, kind_word, summary};
use crate::activity_work::{item, old_ones};
use crate::app::app;
use crate::copying::fail;
use crate::el::{El, Kid, all, el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Tone, note};
use crate::line::{ask, spawn};
use crate::stock::count;
use crate::trace::trace_region;
use crate::troubles;
use crate::words::{full_time, t, tn, when};
use leptos::prelude::*;
use relaykeep_protocol::{
    ItemState, JobId, JobItem, JobState, JobView, Outcome, RetryJob, StopJob,
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

/// Jobs shown before the older ones fold away.
const JOBS: usize = 30;
/// Lines of a job shown before those that need no look fold away.
const LINES: usize = 12;

/// The section.
pub(crate) fn activity_page() -> AnyView {
    let app = app();
    let old_too = RwSignal::new(false);
    let ids = Memo::new(move |_| {
        let most = if old_too.get() { usize::MAX } else { JOBS };
        app.jobs.with(|jobs| {
            let shown = jobs.iter().enumerate();
            shown
                .filter(|(place, job)| *place < most || !is_over(job))
                .map(|(_, job)| job.id.clone())
                .collect::<Vec<_>>()
        })
    });
    let older = move || {
        let hidden = app.jobs.with(Vec::len) - ids.with(Vec::len);
        (hidden > 0).then(|| {
            Btn::saying(tn("older_jobs", count(hidden), &[]))
                .class("ghost")
                .on(move || old_too.set(true))
        })
    };
    // At first only what runs is known.
    let busy = move || (!app.complete.get()).then_some("true");
    el("div")
        .class("page")
        .kid(
            el("div")
                .class("in")
                .live("aria-busy", busy)
                .kid(
                    el("div")
                        .class("head")
                        .kid(el("h1").kid(t("activity", &[]))),
                )
                .kid(live(move || {
                    (app.complete.get() && app.jobs.with(Vec::is_empty))
                        .then(|| el("p").class("lead").kid(t("no_jobs", &[])))
                }))
                .kid(
                    view! { <For
                        each=move || ids.get()
                        key=Clone::clone
                        children=move |id| card(id)
                    /> }
                    .into_any(),
                )
                .kid(live(older)),
        )
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
    let open = RwSignal::new(false);
    let whole = RwSignal::new(false);
    let data_job = id.0.clone();
    // A running job moves ten times a second: what can be pressed stays the same element meanwhile.
    let what = Memo::new(move |_| find.with(|job| job.as_ref().map(|job| (job.kind, job.started))));
    let can = Memo::new(move |_| {
        find.with(|job| {
            let job = job.as_ref()?;
            let over = is_over(job);
            Some(Can {
                stop: (!over).then_some(job.state == JobState::Stopping),
                again: over && worth_again(job),
                details: over && job.kind.is_work(),
            })
        })
    });
    let many = Memo::new(move |_| {
        let items = find.with(|job| job.as_ref().map_or(0, |job| job.items.len()));
        Some(items).filter(|items| *items > LINES)
    });
    let now =
        move |part: fn(&JobView) -> AnyView| live(move || find.with(|job| job.as_ref().map(part)));
    let head = move || {
        what.get().map(|(kind, started)| {
            el("h2").class("grow").kid(kind_word(kind)).kid(" ").kid(
                el("span")
                    .class("faint small")
                    .a("title", full_time(started))
                    .kid(now(|job| when(job.started).view())),
            )
        })
    };
    let buttons = move || {
        let can = can.get()?;
        let (stop, retry) = (id.clone(), id.clone());
        Some(all![
            can.stop.map(|stopping| {
                Btn::new("stop")
                    .icon(Icon::Stop)
                    .off(Signal::stored(stopping))
                    .on(move || stop_job(stop.clone()))
            }),
            can.again.then(|| {
                Btn::new("retry")
                    .icon(Icon::Sync)
                    .on(move || retry_job(retry.clone()))
            }),
            can.details.then(|| {
                Btn::new("details")
                    .expands(open)
                    .on(move || open.update(|open| *open = !*open))
            })
        ])
    };
    let fold = move || {
        many.get().map(|items| {
            el("div").class("fold").kid(
                Btn::saying(tn("all_accounts", count(items), &[]))
                    .class("ghost small")
                    .expands(whole)
                    .on(move || whole.update(|whole| *whole = !*whole)),
            )
        })
    };
    el("article")
        .class("card job")
        .a("data-job", data_job)
        .kid(
            el("header")
                .kid(live(head))
                .kid(now(progress))
                .kid(live(buttons)),
        )
        .kid(live(move || {
            let every = many.get().is_none() || whole.get();
            find.with(|job| job.as_ref().map(|job| lines(job, every)))
        }))
        .kid(live(fold))
        .kid(now(|job| {
            is_over(job).then(|| old_ones(job)).flatten().view()
        }))
        .kid(live(move || {
            let job = open.get().then(|| find.get_untracked()).flatten();
            job.map(trace_region)
        }))
        .into_any()
}

/// What can be done about a job now.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Can {
    /// Stop it; true while it is stopping.
    stop: Option<bool>,
    again: bool,
    details: bool,
}

/// A line for each account. Of many, those that went well or have not begun fold away: what is under
/// way or went wrong would be lost among them.
fn lines(job: &JobView, every: bool) -> Option<El> {
    // All of them begin at once and then queue: a few stand for those under way.
    let mut running = 0;
    let mut telling = |one: &&JobItem| {
        running += usize::from(matches!(one.state, ItemState::Running(_)));
        every || tells(&one.state, running <= LINES)
    };
    let shown = job.items.iter().filter(&mut telling);
    let shown: Vec<AnyView> = shown.map(|one| item(job, one)).collect();
    (!shown.is_empty()).then(|| el("ul").kid(shown))
}

/// Worth a line even among many.
fn tells(state: &ItemState, few_run: bool) -> bool {
    match state {
        ItemState::Running(_) => few_run,
        ItemState::Waiting { .. } | ItemState::Blocked(_) => true,
        ItemState::Pending => false,
        ItemState::Ended(outcome) => !matches!(
            outcome,
            Outcome::Synced { cut: None, .. }
                | Outcome::Revealed { missing: 0, .. }
                | Outcome::TokenMade
                | Outcome::Worked { bad: 0, .. }
        ),
    }
}

/// Something of it can be tried again, and nothing is lost by it.
fn worth_again(job: &JobView) -> bool {
    // Once only, where keys are changed: a second try of the same could make one twice.
    !job.retried
        && job.items.iter().any(|item| {
            let worked = matches!(item.state, ItemState::Ended(Outcome::Worked { .. }));
            if worked {
                !item.failed.is_empty() || item.results.iter().any(|result| result.end.again())
            } else {
                item_failed(&item.state)
            }
        })
}

/// Stops after the request under way.
pub(crate) fn stop_job(job: JobId) {
    spawn(async move {
        if let Err(code) = ask(StopJob { job }).await {
            fail(&troubles::error(&code));
        }
    });
}

/// Does again what failed.
pub(crate) fn retry_job(job: JobId) {
    spawn(async move {
        if let Err(code) = ask(RetryJob { job }).await {
            fail(&troubles::error(&code));
        }
    });
}

/// How far, or how it ended.
pub(crate) fn progress(job: &JobView) -> AnyView {
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
    // Its button stays the same while the bar moves.
    let id = Memo::new(move |_| running.with(|job| job.as_ref().map(|job| job.id.clone())));
    live(move || {
        id.get().map(|id| {
            el("div")
                .class("work row")
                .kid(live(move || running.with(|job| job.as_ref().map(bar))))
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
