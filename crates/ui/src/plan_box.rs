//! Before a piece of work: what it will do, where, and what it leaves alone. Then a yes.

use crate::accounts::flag;
use crate::app::{app, with_stock};
use crate::el::{all, el, live};
use crate::key_field_views::{Line, text_box};
use crate::kit::{Btn, alert, dialog_of};
use crate::line::{ask, spawn};
use crate::plan_dialog::{Planned, plan_into, plan_view, touched};
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{AccountId, JobId, StartWork, Work};
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
    let planned: Planned = RwSignal::new(None);
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let deletes = matches!(work, Work::Delete { .. });
    let local = matches!(work, Work::Remove { .. });
    let must_type = Signal::derive(move || deletes && touched(planned) > TYPED_ABOVE);
    plan_into(planned, work.clone(), || true);
    let off = Signal::derive(move || {
        let keys = touched(planned);
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
        plan_view(planned, local),
        live(move || must_type.get().then(|| number_box(planned, typed))),
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

/// Many are deleted only after their number was typed.
fn number_box(planned: Planned, typed: RwSignal<String>) -> AnyView {
    Line {
        label: t("number_of_keys", &[]),
        input: text_box(typed, Box::new(move |text| typed.set(text))).a("inputmode", "numeric"),
        hint: Signal::derive(move || t("number_of_keys_hint", &[&touched(planned).to_string()])),
        wrong: Signal::stored(None),
    }
    .view()
}

/// "12 keys · 3 accounts · about 20 requests".
pub(crate) fn totals(keys: u32, sites: u32, requests: u32) -> String {
    let mut parts = vec![tn("reveal_keys", keys, &[]), tn("reveal_sites", sites, &[])];
    if requests > 0 {
        parts.push(tn("reveal_requests", requests, &[]));
    }
    parts.join(" · ")
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
