//! One part of a repair on the page: its lines, its choice, its buttons, and the job it became.

use crate::activity::{is_over, stop_job};
use crate::activity_words::counts;
use crate::activity_work::{delete, disable, item, old_ones, remove};
use crate::acts::by_account;
use crate::app::app;
use crate::copying::fail;
use crate::el::{El, all, el, live};
use crate::icons::{Icon, icon};
use crate::kit::{Btn, fresh_id};
use crate::line::{ask, spawn};
use crate::paste::open_paste;
use crate::plan_box::{PlanAsk, Then, offer, totals};
use crate::repair_groups::{create, exclude, group_form, group_line, lost_form, move_to};
use crate::repair_parts::{Kind, Line};
use crate::stock::count;
use crate::troubles;
use crate::words::{number, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{JobId, JobView, KeyRef, Reveal, Work};
use std::sync::Arc;
use web_sys::Event;

/// A part's lines, shared by all that look at them.
pub(crate) type Lines = Arc<Vec<Line>>;

/// Lines shown before the others wait for a click.
const SHOWN: usize = 40;
/// Full keys a site gives in one answer (New API controller/token.go `GetTokenKeysBatch`, 100 ids).
const BATCH: u32 = 100;

/// The part.
pub(crate) fn section(kind: Kind, lines: Vec<Line>) -> AnyView {
    let app = app();
    let lines: Lines = Arc::new(lines);
    let job = Memo::new(move |_| {
        let id = app.repair.jobs.with(|jobs| {
            jobs.iter()
                .find(|(of, _)| *of == kind)
                .map(|(_, id)| id.clone())
        })?;
        app.jobs
            .with(|jobs| jobs.iter().find(|job| job.id == id).cloned())
    });
    // Its button stays the same while the bar moves.
    let runs = Memo::new(move |_| {
        job.with(|job| {
            let running = job.as_ref().filter(|job| !is_over(job));
            running.map(|job| job.id.clone())
        })
    });
    let running = Memo::new(move |_| runs.with(Option::is_some));
    let head = lines.clone();
    let body = move || {
        if running.get() || lines.is_empty() {
            return ().into_any();
        }
        all![
            el("p").class("about muted").kid(t(kind.about(), &[])),
            list(kind, &lines),
            acts(kind, &lines)
        ]
    };
    el("section")
        .class("card part job")
        .a("id", kind.title())
        .a("aria-label", t(kind.title(), &[]))
        .kid(
            el("header")
                .kid(live({
                    let lines = head.clone();
                    move || (!running.get() && !lines.is_empty()).then(|| all_box(kind, &lines))
                }))
                .kid(el("h2").kid(t(kind.title(), &[])))
                .kid(live({
                    let lines = head.clone();
                    move || (!running.get() && !lines.is_empty()).then(|| head_tags(kind, &lines))
                }))
                .kid(live(move || job.with(|job| job.as_ref().map(far))))
                .kid(live(move || runs.get().map(stop_button))),
        )
        .kid(live(move || job.get().map(|job| done(&job))))
        .kid(live(body))
        .into_any()
}

/// What the job did and does, by account.
fn done(job: &JobView) -> AnyView {
    let items: Vec<AnyView> = job.items.iter().map(|one| item(job, one)).collect();
    all![
        el("ul").class("done").kid(items),
        is_over(job).then(|| old_ones(job)).flatten()
    ]
}

/// "11 of 19" and a thin bar, until it is over.
fn far(job: &JobView) -> AnyView {
    let (done, of) = counts(job);
    if is_over(job) {
        return el("span")
            .class("muted grow end")
            .kid(crate::activity_words::summary(job))
            .into_any();
    }
    let words = t("count_of", &[&number(done), &number(of)]);
    all![
        el("span").class("muted grow end").kid(words.clone()),
        el("progress")
            .a("max", of.max(1))
            .a("value", done)
            .a("aria-label", words)
    ]
}

fn stop_button(id: JobId) -> AnyView {
    Btn::new("stop")
        .class("small")
        .on(move || stop_job(id.clone()))
}

/// The chosen lines.
pub(crate) fn chosen_lines(kind: Kind, lines: &[Line]) -> Vec<Line> {
    lines
        .iter()
        .filter(|line| line.is_chosen(kind))
        .cloned()
        .collect()
}

fn chosen_keys(kind: Kind, lines: &[Line]) -> Vec<KeyRef> {
    lines
        .iter()
        .filter(|line| line.is_chosen(kind))
        .flat_map(|line| line.keys.clone())
        .collect()
}

/// The box that means all.
fn all_box(kind: Kind, lines: &Lines) -> AnyView {
    let can = |line: &&Line| !line.left_out && !line.kept;
    if !lines.iter().any(|line| can(&line)) {
        return ().into_any();
    }
    let (every, some, turn) = (lines.clone(), lines.clone(), lines.clone());
    let label = t("repair_all", &[&t(kind.title(), &[])]);
    el("input")
        .a("type", "checkbox")
        .a("aria-label", label)
        .checked(move || every.iter().filter(can).all(|line| line.is_chosen(kind)))
        .flag("indeterminate", move || {
            let chosen = some.iter().filter(|line| line.is_chosen(kind)).count();
            chosen > 0 && chosen < some.iter().filter(can).count()
        })
        .on("change", move |event: Event| {
            let on = event_target_checked(&event);
            for line in turn.iter() {
                line.choose(kind, on && !line.kept);
            }
        })
        .into_any()
}

/// How many there are, and what the choice costs.
fn head_tags(kind: Kind, lines: &Lines) -> AnyView {
    let all = lines.iter().filter(|line| !line.left_out);
    let of: usize = all.map(|line| line.keys.len().max(1)).sum();
    let lines = lines.clone();
    all![
        (of > 0).then(|| el("span").class("tag").kid(number(count(of)))),
        live(move || {
            let chosen = chosen_lines(kind, &lines);
            if chosen.is_empty() {
                return el("span").class("tag").kid(t("repair_none", &[]));
            }
            let words = match kind {
                Kind::Masked => tn("reveal_requests", requests(&chosen), &[]),
                Kind::Groups | Kind::Lost | Kind::Hidden | Kind::Dead | Kind::Alike => {
                    let keys: usize = chosen.iter().map(|line| line.keys.len().max(1)).sum();
                    tn("repair_chosen", count(keys), &[])
                }
            };
            el("span").class("tag accent").kid(words)
        })
    ]
}

/// One answer gives a hundred keys.
fn requests(lines: &[Line]) -> u32 {
    lines
        .iter()
        .map(|line| count(line.keys.len()).div_ceil(BATCH))
        .sum()
}

fn list(kind: Kind, lines: &Lines) -> AnyView {
    let every = RwSignal::new(lines.len() <= SHOWN);
    let lines = lines.clone();
    live(move || {
        let shown = if every.get() { lines.len() } else { SHOWN };
        let rows: Vec<AnyView> = lines
            .iter()
            .take(shown)
            .map(|line| row(kind, line))
            .collect();
        let more = tn("repair_show_all", count(lines.len()), &[]);
        all![
            el("ul").class("lines").kid(rows),
            (!every.get()).then(|| {
                el("div").class("foot").kid(
                    Btn::saying(more)
                        .class("ghost small")
                        .on(move || every.set(true)),
                )
            })
        ]
    })
}

fn row(kind: Kind, line: &Line) -> AnyView {
    let id = fresh_id();
    let (is, set, way) = (line.clone(), line.clone(), line.clone());
    let tick: El = if line.left_out {
        el("span").class("faint").kid(icon(Icon::Close))
    } else {
        el("input")
            .a("type", "checkbox")
            .a("id", id.clone())
            .checked(move || is.is_chosen(kind))
            .on("change", move |event: Event| {
                set.choose(kind, event_target_checked(&event));
            })
    };
    let why = match kind {
        Kind::Groups if !line.left_out => live({
            let line = line.clone();
            move || group_line(&line)
        }),
        Kind::Masked | Kind::Groups | Kind::Lost | Kind::Hidden | Kind::Dead | Kind::Alike => {
            crate::el::Kid::view(line.why.clone())
        }
    };
    let step = match kind {
        Kind::Groups => Some(
            Btn::new(if line.left_out {
                "repair_include"
            } else {
                "repair_never"
            })
            .class("ghost small")
            .on(move || exclude(&way.at, !way.left_out)),
        ),
        Kind::Hidden => Some(
            Btn::new("paste_more")
                .class("ghost small")
                .on(move || open_paste(way.keys.clone())),
        ),
        Kind::Masked | Kind::Lost | Kind::Dead | Kind::Alike => None,
    };
    let tag = line
        .tag
        .clone()
        .map(|(tone, word)| el("span").class(format!("tag {}", tone.class())).kid(word));
    el("li")
        .kid(tick)
        .kid(el("label").a("for", id).class("cut").kid(line.name.clone()))
        .kid(el("span").class("muted say").kid(why))
        .kid(el("span").class("row").kid(tag).kid(step))
        .into_any()
}

/// The foot: what will be done, and the button that does it.
fn acts(kind: Kind, lines: &Lines) -> AnyView {
    if lines.iter().all(|line| line.left_out) {
        return ().into_any();
    }
    let none = {
        let lines = lines.clone();
        Signal::derive(move || !lines.iter().any(|line| line.is_chosen(kind)))
    };
    let keys = {
        let lines = lines.clone();
        move || untrack(|| chosen_keys(kind, &lines))
    };
    let repair = app().repair;
    let then: Then = Arc::new(move |job| repair.began(kind, job));
    let asks = |word: &str, class: &str, ask: fn(&[KeyRef], Option<Then>) -> PlanAsk| {
        let (keys, then) = (keys.clone(), then.clone());
        Btn::new(word)
            .class(class)
            .off(none)
            .on(move || offer(ask(&keys(), Some(then.clone()))))
    };
    let (form, buttons): (Option<AnyView>, Vec<AnyView>) = match kind {
        Kind::Masked => {
            let keys = keys.clone();
            let go = Btn::saying(counted("repair_reveal_yes", kind, lines))
                .primary()
                .off(none)
                .on(move || reveal(keys()));
            (None, vec![go])
        }
        Kind::Groups => (
            Some(group_form()),
            vec![create(
                counted("create_yes", kind, lines),
                lines,
                none,
                then,
            )],
        ),
        Kind::Lost => (
            Some(lost_form(lines)),
            vec![
                asks("disable", "", disable),
                move_to(lines, none, then.clone()),
            ],
        ),
        Kind::Hidden => {
            let (keys, then) = (keys.clone(), then.clone());
            let go = Btn::saying(counted("repair_replace_yes", kind, lines))
                .primary()
                .off(none)
                .on(move || offer(replace(&keys(), then.clone())));
            (None, vec![go])
        }
        Kind::Dead | Kind::Alike => (
            None,
            vec![
                asks("disable", "", disable),
                asks("remove_here_more", "danger", remove),
                asks("delete_at_site_more", "danger", delete),
            ],
        ),
    };
    let said = {
        let lines = lines.clone();
        move || said(kind, &chosen_lines(kind, &lines))
    };
    all![
        form,
        el("div")
            .class("foot row wrap")
            .kid(el("span").class("muted grow").kid(live(said)))
            .kid(buttons)
    ]
}

/// "3 keys · 2 accounts · about 2 requests".
fn said(kind: Kind, lines: &[Line]) -> String {
    if lines.is_empty() {
        return t("repair_none_said", &[]);
    }
    let keys: usize = lines.iter().map(|line| line.keys.len().max(1)).sum();
    let mut sites: Vec<&str> = lines
        .iter()
        .map(|line| line.at.account.0.as_str())
        .collect();
    sites.sort_unstable();
    sites.dedup();
    let asked = match kind {
        Kind::Masked => requests(lines),
        Kind::Groups | Kind::Lost | Kind::Hidden | Kind::Dead | Kind::Alike => 0,
    };
    totals(count(keys), count(sites.len()), asked)
}

/// A button's words with how many are chosen.
fn counted(word: &'static str, kind: Kind, lines: &Lines) -> Signal<String> {
    let lines = lines.clone();
    Signal::derive(move || {
        let chosen = chosen_lines(kind, &lines);
        let keys: usize = chosen.iter().map(|line| line.keys.len().max(1)).sum();
        tn(word, count(keys), &[])
    })
}

fn reveal(keys: Vec<KeyRef>) {
    let repair = app().repair;
    spawn(async move {
        match ask(Reveal { keys }).await {
            Ok(job) => repair.began(Kind::Masked, job),
            Err(code) => fail(&troubles::error(&code)),
        }
    });
}

fn replace(keys: &[KeyRef], then: Then) -> PlanAsk {
    let all = count(keys.len());
    PlanAsk {
        title: "replace_title",
        about: t("replace_about", &[]),
        yes: tn("repair_replace_do", all, &[]),
        work: Work::Replace {
            keys: by_account(keys),
        },
        danger: false,
        then: Some(then),
    }
}
