//! What a job found and left of each key, and what of it can be put back.

use crate::activity_words::kind_word;
use crate::app::with_stock;
use crate::el::{all, el, live};
use crate::key_words::{FIELDS, differing, field_name, field_value};
use crate::kit::{Btn, Tone, note};
use crate::line::{ask, spawn};
use crate::plan_box::{PlanAsk, offer, site_name};
use crate::stock::count;
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{
    GetTrace, JobId, JobKind, JobView, KeyField, KeyValues, NewKey, TraceLine, Unit, Work,
};

/// Keys shown; a job of more says how many it leaves out.
const SHOWN: usize = 50;

/// The region under a job: asked for when it is opened.
pub(crate) fn trace_region(job: JobView) -> AnyView {
    let found: RwSignal<Option<Result<Vec<TraceLine>, String>>> = RwSignal::new(None);
    let id = job.id.clone();
    spawn(async move {
        let answer = ask(GetTrace { job: id }).await;
        found.try_set(Some(answer.map_err(|code| troubles::error(&code))));
    });
    el("section")
        .class("trace body")
        .a("aria-label", t("trace_of", &[&kind_word(job.kind)]))
        .kid(live(move || match found.get() {
            None => el("p")
                .class("muted")
                .kid(t("trace_asking", &[]))
                .into_any(),
            Some(Err(why)) => note(Tone::Bad, why, Vec::new()),
            Some(Ok(lines)) if lines.is_empty() => {
                el("p").class("muted").kid(t("trace_empty", &[])).into_any()
            }
            Some(Ok(lines)) => shown(&job, &lines),
        }))
        .into_any()
}

fn shown(job: &JobView, lines: &[TraceLine]) -> AnyView {
    let left_out = count(lines.len().saturating_sub(SHOWN));
    let keys: Vec<AnyView> = lines.iter().take(SHOWN).map(key).collect();
    all![
        put_back(job, lines),
        el("div")
            .class("keys-of stack")
            .a("tabindex", "0")
            .kid(keys),
        (left_out > 0).then(|| el("p").class("muted").kid(tn("trace_more", left_out, &[])))
    ]
}

fn key(line: &TraceLine) -> AnyView {
    let unit = with_stock(|stock| {
        stock
            .account(&line.key.account)
            .map(|account| account.view.unit.clone())
    })
    .unwrap_or_default();
    let (site, _) = site_name(&line.key.account);
    let name = if line.name.is_empty() {
        t("no_name", &[])
    } else {
        line.name.clone()
    };
    let rows: Vec<AnyView> = FIELDS
        .into_iter()
        .filter_map(|field| row(line, field, &unit))
        .collect();
    let same = rows.is_empty();
    let head: Vec<AnyView> = [
        Some("trace_field"),
        line.before.is_some().then_some("trace_before"),
        line.after.is_some().then_some("trace_after"),
    ]
    .into_iter()
    .flatten()
    .map(|word| el("th").a("scope", "col").kid(t(word, &[])).into_any())
    .collect();
    el("div")
        .kid(
            el("h3")
                .kid(name)
                .kid(el("span").class("faint").kid(format!(" · {site}"))),
        )
        .kid(same.then(|| el("p").class("muted").kid(t("trace_same", &[]))))
        .kid((!same).then(|| {
            el("table")
                .class("table")
                .kid(el("thead").kid(el("tr").kid(head)))
                .kid(el("tbody").kid(rows))
        }))
        .into_any()
}

/// A field, if it says anything: where both sides are known, only what differs.
fn row(line: &TraceLine, field: KeyField, unit: &Unit) -> Option<AnyView> {
    let side = |values: &Option<KeyValues>| {
        values
            .as_ref()
            .map(|values| field_value(field, values, unit))
    };
    let (before, after) = (side(&line.before), side(&line.after));
    let tells = match (&before, &after) {
        (Some(_), Some(_)) => differs(line, field),
        (Some(only), None) | (None, Some(only)) => !only.is_empty(),
        (None, None) => false,
    };
    let cell = |value: Option<String>| {
        value.map(|value| {
            if value.is_empty() {
                el("td").kid(el("span").class("faint").kid("–"))
            } else {
                el("td").kid(value)
            }
        })
    };
    tells.then(|| {
        el("tr")
            .kid(el("th").a("scope", "row").kid(field_name(field)))
            .kid(cell(before))
            .kid(cell(after))
            .into_any()
    })
}

/// What can honestly be undone, as a button.
fn put_back(job: &JobView, lines: &[TraceLine]) -> Option<AnyView> {
    let id = job.id.clone();
    let names = some_names(lines);
    let keys = count(lines.len());
    let ask: PlanAsk = match job.kind {
        JobKind::Edit | JobKind::Enable | JobKind::Disable => {
            let fields: Vec<String> = FIELDS
                .into_iter()
                .filter(|field| lines.iter().any(|line| differs(line, *field)))
                .map(field_name)
                .collect();
            if fields.is_empty() {
                return None;
            }
            undo(id, tn("undo_values", keys, &[&names, &fields.join(", ")]))
        }
        JobKind::Remove => undo(id, tn("undo_removal", keys, &[&names])),
        JobKind::Delete => again(lines)?,
        JobKind::Create
        | JobKind::Replace
        | JobKind::Undo
        | JobKind::Sync
        | JobKind::SyncByAlarm
        | JobKind::SyncOnOpen
        | JobKind::Reveal
        | JobKind::MakeToken => return None,
    };
    let word = if ask.title == "undo" {
        "undo_more"
    } else {
        "make_again_more"
    };
    Some(
        el("div")
            .class("acts")
            .kid(Btn::new(word).on(move || offer(ask.clone())))
            .into_any(),
    )
}

fn undo(job: JobId, about: String) -> PlanAsk {
    PlanAsk {
        title: "undo",
        about,
        yes: t("undo", &[]),
        work: Work::Undo { job },
        danger: false,
        then: None,
    }
}

/// Keys deleted at their sites can only be made anew; those that are still listed were not.
fn again(lines: &[TraceLine]) -> Option<PlanAsk> {
    let gone: Vec<&TraceLine> = lines
        .iter()
        .filter(|line| {
            line.after.is_none()
                && with_stock(|stock| {
                    stock
                        .find(&line.key)
                        .is_none_or(|at| stock.rows[at].key.gone_since.is_some())
                })
        })
        .collect();
    let keys: Vec<NewKey> = gone
        .iter()
        .filter_map(|line| {
            Some(NewKey {
                account: line.key.account.clone(),
                values: line.before.clone()?,
                like: Some(line.key.id.clone()),
            })
        })
        .collect();
    let all = count(keys.len());
    (all > 0).then(|| PlanAsk {
        title: "make_again",
        about: tn("make_again_about", all, &[&some_names(lines)]),
        yes: tn("create_yes", all, &[]),
        work: Work::Create { keys },
        danger: false,
        then: None,
    })
}

/// The first names, and that there are more.
fn some_names(lines: &[TraceLine]) -> String {
    const FIRST: usize = 3;
    let mut names: Vec<String> = lines
        .iter()
        .take(FIRST)
        .map(|line| format!("“{}”", line.name))
        .collect();
    if lines.len() > FIRST {
        names.push(String::from("…"));
    }
    names.join(", ")
}

fn differs(line: &TraceLine, field: KeyField) -> bool {
    match (&line.before, &line.after) {
        (Some(before), Some(after)) => differing(before, after).contains(&field),
        (Some(_) | None, Some(_) | None) => false,
    }
}
