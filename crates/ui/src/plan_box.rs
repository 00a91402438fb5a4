//! Before a piece of work: what it will do, where, and what it leaves alone. Then a yes.

use crate::accounts::flag;
use crate::app::{app, with_stock};
use crate::el::{El, all, el, live};
use crate::kit::{Btn, Takes, alert, dialog_of, field};
use crate::line::{ask, spawn};
use crate::stock::count;
use crate::troubles;
use crate::words::{number, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{
    AccountId, Chosen, JobId, KeyRef, PlanLine, PlanWork, StartWork, WhyNot, Work, WorkPlan,
};
use std::sync::Arc;

/// Work that waits for a yes.
#[derive(Clone)]
pub(crate) struct PlanAsk {
    /// The catalogue's word for it: the window's name.
    pub(crate) title: &'static str,
    /// What will come of it, in a sentence or two.
    pub(crate) about: String,
    /// The work.
    pub(crate) work: Work,
    /// The yes.
    pub(crate) yes: String,
    /// It takes something away.
    pub(crate) danger: bool,
    /// Hears which job it became.
    pub(crate) then: Option<Then>,
}

/// Hears of a job that began.
pub(crate) type Then = Arc<dyn Fn(JobId) + Send + Sync>;

/// Up to so many keys are deleted at their sites without typing how many.
const TYPED_ABOVE: u32 = 5;

/// Asks whether this shall be done.
pub(crate) fn offer(what: PlanAsk) {
    app().windows.plan.set(Some(what));
}

/// Keys by account, in their order.
pub(crate) fn chosen(keys: &[KeyRef]) -> Vec<Chosen> {
    let mut all: Vec<Chosen> = Vec::new();
    for key in keys {
        match all.iter_mut().find(|one| one.account == key.account) {
            Some(one) => one.keys.push(key.id.clone()),
            None => all.push(Chosen {
                account: key.account.clone(),
                keys: vec![key.id.clone()],
            }),
        }
    }
    all
}

/// The window.
pub(crate) fn plan_dialog() -> AnyView {
    let asked = app().windows.plan;
    let open = flag(asked);
    let title = move || {
        asked.with_untracked(|asked| {
            asked
                .as_ref()
                .map(|asked| t(asked.title, &[]))
                .unwrap_or_default()
        })
    };
    dialog_of(open, title, move || match asked.get_untracked() {
        Some(asked) => body(asked, open),
        None => ().into_any(),
    })
}

fn body(asked: PlanAsk, open: RwSignal<bool>) -> AnyView {
    let PlanAsk {
        title: _,
        about,
        work,
        yes,
        danger,
        then,
    } = asked;
    let plan: RwSignal<Option<WorkPlan>> = RwSignal::new(None);
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let keys = Signal::derive(move || plan.with(|plan| plan.as_ref().map_or(0, keys_of)));
    let deletes = matches!(work, Work::Delete { .. });
    let must_type = Signal::derive(move || deletes && keys.get() > TYPED_ABOVE);
    let planned = work.clone();
    spawn(async move {
        match ask(PlanWork { work: planned }).await {
            Ok(found) => {
                plan.try_set(Some(found));
            }
            Err(code) => {
                wrong.try_set(Some(troubles::error(&code)));
            }
        }
    });
    let off = Signal::derive(move || {
        let keys = keys.get();
        let typed = typed.with(|typed| typed.trim().parse() == Ok(keys));
        busy.get() || keys == 0 || (must_type.get() && !typed)
    });
    let start = move || {
        let (work, then) = (work.clone(), then.clone());
        busy.set(true);
        wrong.set(None);
        spawn(async move {
            match ask(StartWork { work }).await {
                Ok(job) => {
                    if let Some(then) = then {
                        then(job);
                    }
                    open.try_set(false);
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            busy.try_set(false);
        });
    };
    all![
        el("p").kid(about),
        live(move || match plan.get() {
            Some(plan) => lines(&plan),
            None if wrong.with(Option::is_some) => ().into_any(),
            None => el("p")
                .class("muted")
                .kid(t("plan_counting", &[]))
                .into_any(),
        }),
        live(move || {
            must_type.get().then(|| {
                let hint = tn("plan_type", keys.get_untracked(), &[]);
                field("plan_number", Takes::Text, typed, Signal::stored(hint))
            })
        }),
        alert(wrong),
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || open.set(false)))
            .kid(
                Btn::saying(yes)
                    .class(if danger { "danger primary" } else { "primary" })
                    .off(off)
                    .on(start)
            )
    ]
}

fn keys_of(plan: &WorkPlan) -> u32 {
    plan.lines.iter().map(|line| line.keys).sum()
}

/// What is touched, by account, and what is not, by reason.
fn lines(plan: &WorkPlan) -> AnyView {
    let keys = keys_of(plan);
    let requests: u32 = plan.lines.iter().map(|line| line.requests).sum();
    let total = if keys == 0 {
        t("plan_nothing", &[])
    } else {
        totals(keys, count(plan.lines.len()), requests)
    };
    let sites: Vec<AnyView> = plan.lines.iter().map(line).collect();
    let skipped: Vec<AnyView> = plan
        .skipped
        .iter()
        .map(|(why, count)| {
            el("li")
                .class("muted")
                .kid(tn(why_word(*why), *count, &[]))
                .into_any()
        })
        .collect();
    all![
        el("p").class("strong").kid(total),
        el("ul").class("sites").kid(sites),
        (!skipped.is_empty()).then(|| el("ul").kid(skipped))
    ]
}

/// "12 keys · 3 accounts · about 20 requests".
pub(crate) fn totals(keys: u32, sites: u32, requests: u32) -> String {
    let mut parts = vec![tn("reveal_keys", keys, &[]), tn("reveal_sites", sites, &[])];
    if requests > 0 {
        parts.push(tn("reveal_requests", requests, &[]));
    }
    parts.join(" · ")
}

fn line(line: &PlanLine) -> AnyView {
    let (name, host) = site_name(&line.account);
    row(name, host)
        .kid(el("span").class("num").kid(number(line.keys)))
        .into_any()
}

fn row(name: String, host: String) -> El {
    el("li")
        .kid(el("span").class("cut").kid(name))
        .kid(el("span").class("faint cut").kid(host))
}

/// An account's name and host.
pub(crate) fn site_name(account: &AccountId) -> (String, String) {
    with_stock(|stock| {
        stock
            .account(account)
            .map(|account| (account.view.name.clone(), account.host.clone()))
    })
    .unwrap_or_default()
}

const fn why_word(why: WhyNot) -> &'static str {
    match why {
        WhyNot::Gone => "skip_gone",
        WhyNot::AlreadySo => "skip_so",
        WhyNot::NotOffered => "skip_not_offered",
        WhyNot::Unknown => "skip_unknown",
    }
}
