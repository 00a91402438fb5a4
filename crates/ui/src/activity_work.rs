//! What a job did to each key, and what can be done about it.

use crate::accounts;
use crate::activity::retry_job;
use crate::activity_words::item_words;
use crate::acts::{self, Deed};
use crate::app::{app, with_stock};
use crate::dom;
use crate::el::{El, all, el};
use crate::icons::{Icon, icon};
use crate::key_words;
use crate::kit::{Btn, Tone, note};
use crate::paste::open_paste;
use crate::plan_box::{PlanAsk, offer};
use crate::plan_dialog::names_of;
use crate::stock::count;
use crate::troubles::is_passing;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{
    AccountId, ItemState, JobId, JobItem, JobKind, JobView, KeyEnd, KeyRef, KeyResult, Outcome,
    SiteTrouble,
};
use std::cell::RefCell;

/// One account's line, with what happened to each key below it.
pub(crate) fn item(job: &JobView, item: &JobItem) -> AnyView {
    let (mark, tone) = match &item.state {
        ItemState::Pending => (Icon::Clock, "faint"),
        ItemState::Running(_) => (Icon::Sync, "muted"),
        ItemState::Waiting { .. } | ItemState::Blocked(_) => (Icon::Clock, "warn"),
        ItemState::Ended(outcome) => match outcome {
            Outcome::Synced { cut: None, .. }
            | Outcome::Revealed { missing: 0, .. }
            | Outcome::TokenMade
            | Outcome::Worked { bad: 0, .. } => (Icon::Check, "good"),
            Outcome::Synced { cut: Some(_), .. }
            | Outcome::Revealed { .. }
            | Outcome::TokenInDoubt
            | Outcome::Worked { .. } => (Icon::Warn, "warn"),
            Outcome::Failed(trouble) if is_passing(trouble) => (Icon::Warn, "warn"),
            Outcome::Failed(_) | Outcome::NotSaved(_) => (Icon::Bad, "bad"),
            Outcome::Stopped | Outcome::Removed => (Icon::Close, "faint"),
        },
    };
    el("li")
        .kid(el("span").class(tone).kid(icon(mark)))
        .kid(el("span").class("cut").kid(item.name.clone()))
        .kid(
            el("span")
                .class("muted say")
                .kid(item_words(job.kind, item))
                .kid(said(item.said.as_deref())),
        )
        .kid(el("span").class("row wrap").kid(steps(job, item)))
        .kid(results(job.kind, item))
        .into_any()
}

/// The site's own words.
fn said(said: Option<&str>) -> Option<El> {
    said.map(|said| {
        el("span")
            .class("faint")
            .kid(" “")
            .kid(said.to_owned())
            .kid("”")
    })
}

/// What to do about an item that did not go well.
fn steps(job: &JobView, item: &JobItem) -> Vec<AnyView> {
    let trouble = match &item.state {
        ItemState::Ended(Outcome::Failed(trouble)) | ItemState::Blocked(trouble) => Some(trouble),
        ItemState::Ended(Outcome::Worked { .. }) => {
            item.results.iter().find_map(|result| match &result.end {
                KeyEnd::Failed(trouble, _) => Some(trouble),
                KeyEnd::Done
                | KeyEnd::AlreadySo
                | KeyEnd::DoneAfterSpending(_)
                | KeyEnd::NotTaken(_)
                | KeyEnd::Differs(_)
                | KeyEnd::StillExpired
                | KeyEnd::StillExhausted
                | KeyEnd::Gone
                | KeyEnd::InDoubt
                | KeyEnd::MadeUnread
                | KeyEnd::Replaced { .. }
                | KeyEnd::NotSaved(_) => None,
            })
        }
        ItemState::Pending
        | ItemState::Running(_)
        | ItemState::Waiting { .. }
        | ItemState::Ended(_) => None,
    };
    match trouble {
        Some(SiteTrouble::VerificationRequired) => check_steps(job, item),
        // The button of the job's head does the same work again; a sync would be another one.
        Some(
            SiteTrouble::Offline
            | SiteTrouble::Unreachable
            | SiteTrouble::TimedOut
            | SiteTrouble::ServerError { .. }
            | SiteTrouble::BadAnswer,
        ) if job.kind.is_work() => Vec::new(),
        Some(trouble) => accounts::step(&item.account, trouble).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The site wants its own check: its page, another try after the visit, and at last by hand.
fn check_steps(job: &JobView, item: &JobItem) -> Vec<AnyView> {
    let (visit, again) = (job.id.clone(), job.id.clone());
    let account = item.account.clone();
    let keys: Vec<KeyRef> = item
        .keys
        .iter()
        .map(|id| KeyRef {
            account: item.account.clone(),
            id: id.clone(),
        })
        .collect();
    let pasted = job.kind == JobKind::Reveal && !keys.is_empty();
    let mut steps = vec![
        Btn::new("open_the_site")
            .class("small")
            .icon(Icon::Open)
            .on(move || {
                try_after_visit(visit.clone());
                accounts::open_site(&account);
            }),
        Btn::new("try_again")
            .class("small")
            .on(move || retry_job(again.clone())),
    ];
    if pasted {
        steps.push(
            Btn::new("paste_more")
                .class("small")
                .on(move || open_paste(still_masked(&keys))),
        );
    }
    steps
}

fn still_masked(keys: &[KeyRef]) -> Vec<KeyRef> {
    with_stock(|stock| {
        keys.iter()
            .filter(|key| {
                stock
                    .find(key)
                    .is_some_and(|at| relaykeep_core::keys::is_masked(&stock.rows[at].key))
            })
            .cloned()
            .collect()
    })
}

thread_local! {
    // Jobs to be tried once more when the user is back from a site.
    static VISITS: RefCell<Option<Vec<JobId>>> = const { RefCell::new(None) };
}

/// Tries a job again, once, when the user comes back to this page.
fn try_after_visit(job: JobId) {
    let listening = VISITS.with_borrow_mut(|visits| {
        let listening = visits.is_some();
        let visits = visits.get_or_insert_default();
        if !visits.contains(&job) {
            visits.push(job);
        }
        listening
    });
    if listening {
        return;
    }
    dom::listen_forever(&dom::document(), "visibilitychange", |_| {
        if dom::is_visible() {
            let jobs = VISITS.with_borrow_mut(|visits| visits.replace(Vec::new()));
            jobs.unwrap_or_default().into_iter().for_each(retry_job);
        }
    });
}

/// Keys shown before the others fold away.
const SHOWN: usize = 6;

/// What happened to each key; what went wrong first.
fn results(kind: JobKind, item: &JobItem) -> Option<AnyView> {
    if item.results.is_empty() {
        return None;
    }
    let mut order: Vec<&KeyResult> = item.results.iter().collect();
    order.sort_by_key(|result| result.end.good());
    let mut lines: Vec<AnyView> = order
        .into_iter()
        .map(|result| line(kind, &item.account, result))
        .collect();
    let more = lines.split_off(lines.len().min(SHOWN));
    let folded = (!more.is_empty()).then(|| {
        let words = tn("results_more", count(more.len()), &[]);
        el("li").class("fold").kid(
            el("details")
                .kid(el("summary").class("link").kid(words))
                .kid(el("ul").class("res").kid(more)),
        )
    });
    Some(el("ul").class("res").kid(lines).kid(folded).into_any())
}

fn line(kind: JobKind, account: &AccountId, result: &KeyResult) -> AnyView {
    let (mark, tone) = match &result.end {
        end if end.good() => (Icon::Check, "good"),
        KeyEnd::Failed(trouble, _) if is_passing(trouble) => (Icon::Warn, "warn"),
        KeyEnd::Failed(..) | KeyEnd::NotSaved(_) => (Icon::Bad, "bad"),
        KeyEnd::Gone => (Icon::Close, "faint"),
        KeyEnd::Done
        | KeyEnd::AlreadySo
        | KeyEnd::DoneAfterSpending(_)
        | KeyEnd::NotTaken(_)
        | KeyEnd::Differs(_)
        | KeyEnd::StillExpired
        | KeyEnd::StillExhausted
        | KeyEnd::InDoubt
        | KeyEnd::MadeUnread
        | KeyEnd::Replaced { .. } => (Icon::Warn, "warn"),
    };
    let name = if result.name.is_empty() {
        t("no_name", &[])
    } else {
        result.name.clone()
    };
    el("li")
        .kid(el("span").class(tone).kid(icon(mark)))
        .kid(el("span").class("cut").kid(name))
        .kid(
            el("span")
                .class("muted say")
                .kid(end_words(kind, account, &result.end)),
        )
        .into_any()
}

/// How the work on one key ended, in words.
pub(crate) fn end_words(kind: JobKind, account: &AccountId, end: &KeyEnd) -> String {
    if *end == KeyEnd::Done {
        return t(did(kind), &[]);
    }
    let unit = with_stock(|stock| {
        stock
            .account(account)
            .map(|account| account.view.unit.clone())
    });
    key_words::end_words(end, unit.as_ref())
}

/// What was done to a key with which all went well.
const fn did(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Create => "did_create",
        JobKind::Edit => "did_edit",
        JobKind::Enable => "did_enable",
        JobKind::Disable => "did_disable",
        JobKind::Delete => "did_delete",
        JobKind::Remove => "did_remove",
        JobKind::Replace => "did_replace",
        JobKind::Undo => "did_undo",
        JobKind::Sync
        | JobKind::SyncByAlarm
        | JobKind::SyncOnOpen
        | JobKind::Reveal
        | JobKind::MakeToken => "job_done",
    }
}

/// The same of many: "3 keys disabled".
pub(crate) fn did_all(kind: JobKind, keys: u32) -> String {
    format!("{} {}", tn("reveal_keys", keys, &[]), t(did(kind), &[]))
}

/// Twins stand in the old keys' place: shall the old ones go?
pub(crate) fn old_ones(job: &JobView) -> Option<AnyView> {
    if job.kind != JobKind::Replace {
        return None;
    }
    app().stock.track();
    let mut there = Vec::new();
    let mut on = Vec::new();
    with_stock(|stock| {
        for item in &job.items {
            for result in &item.results {
                let key = KeyRef {
                    account: item.account.clone(),
                    id: result.key.clone(),
                };
                let Some(at) = stock.find(&key) else {
                    continue;
                };
                let row = &stock.rows[at].key;
                if row.replaced_by.is_some() && row.gone_since.is_none() {
                    if row.status != DISABLED {
                        on.push(key.clone());
                    }
                    there.push(key);
                }
            }
        }
    });
    if there.is_empty() {
        return None;
    }
    let disable = (!on.is_empty()).then(|| {
        Btn::new("disable_old_more")
            .class("small")
            .on(move || offer(disable(&on, None)))
    });
    let words = tn("old_ones_there", count(there.len()), &[]);
    let delete = Btn::new("delete_old_more")
        .class("small danger")
        .on(move || offer(delete(&there, None)));
    let steps: Vec<AnyView> = disable.into_iter().chain([delete]).collect();
    Some(all![el("div").class("body").kid(note(
        Tone::Plain,
        words,
        steps
    ))])
}

/// What servers write for a key its owner switched off.
const DISABLED: i64 = 2;

/// Hears which job some work became.
type Told = Option<crate::plan_box::Then>;

/// Asks whether these shall be disabled.
pub(crate) fn disable(keys: &[KeyRef], then: Told) -> PlanAsk {
    deed(Deed::Disable, "disable_keys", "disable", keys, then)
}

/// Asks whether these shall be deleted at their sites.
pub(crate) fn delete(keys: &[KeyRef], then: Told) -> PlanAsk {
    deed(Deed::Delete, "delete_at_site", "delete_at_site", keys, then)
}

/// Asks whether these shall be removed here.
pub(crate) fn remove(keys: &[KeyRef], then: Told) -> PlanAsk {
    deed(Deed::Remove, "remove_keys", "remove_here", keys, then)
}

fn deed(deed: Deed, title: &'static str, yes: &str, keys: &[KeyRef], then: Told) -> PlanAsk {
    let (names, all) = (names_of(keys), count(keys.len()));
    let about = match deed {
        Deed::Delete => format!(
            "{} {}",
            tn("delete_about", all, &[&names]),
            t("delete_forever", &[])
        ),
        Deed::Remove => format!(
            "{} {}",
            tn("remove_keys_about", all, &[]),
            t("remove_keys_site", &[])
        ),
        Deed::Edit | Deed::Enable | Deed::Disable | Deed::Rotate | Deed::Clone | Deed::Usage => {
            t("disable_about", &[&names])
        }
    };
    PlanAsk {
        title,
        about,
        work: acts::work(deed, keys),
        yes: t(yes, &[]),
        danger: deed.is_danger(),
        then,
    }
}
