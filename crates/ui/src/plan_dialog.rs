//! Before keys are changed together, or lost: what will be done, to how many, at which sites.

use crate::acts::{self, Deed, start_and_tell};
use crate::app::{app, with_stock};
use crate::dom;
use crate::el::{all, el, live};
use crate::key_field_views::{Line, text_box};
use crate::key_words::skipped_words;
use crate::kit::{Btn, Tone, dialog, note};
use crate::line::{ask, spawn};
use crate::stock::count;
use crate::troubles;
use crate::words::{number, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{ErrorCode, KeyRef, PlanWork, Work, WorkPlan};

/// More keys than this are deleted only after their number was typed.
const TYPE_BEYOND: u32 = 5;

/// What the worker says a piece of work would do; nothing while it is asked.
pub(crate) type Planned = RwSignal<Option<Result<WorkPlan, ErrorCode>>>;

/// Asks for the plan, a moment after the last change of mind.
pub(crate) fn plan_into(planned: Planned, work: Work, still: impl Fn() -> bool + 'static) {
    dom::after(60, move || {
        if still() {
            spawn(async move {
                let answer = ask(PlanWork { work }).await;
                if still() {
                    planned.try_set(Some(answer));
                }
            });
        }
    });
}

/// Keys that will be touched.
pub(crate) fn touched(planned: Planned) -> u32 {
    planned.with(|plan| match plan {
        Some(Ok(plan)) => plan.lines.iter().map(|line| line.keys).sum(),
        Some(Err(_)) | None => 0,
    })
}

/// The plan in words and numbers. `local`: nothing is sent.
pub(crate) fn plan_view(planned: Planned, local: bool) -> AnyView {
    live(move || match planned.get() {
        None => el("p").class("muted").kid(t("planning", &[])).into_any(),
        Some(Err(code)) => note(Tone::Bad, troubles::error(&code), Vec::new()),
        Some(Ok(plan)) => plan_words(&plan, local),
    })
}

fn plan_words(plan: &WorkPlan, local: bool) -> AnyView {
    let keys: u32 = plan.lines.iter().map(|line| line.keys).sum();
    let requests: u32 = plan.lines.iter().map(|line| line.requests).sum();
    let mut about = vec![
        tn("reveal_keys", keys, &[]),
        tn("reveal_sites", count(plan.lines.len()), &[]),
    ];
    if !local {
        about.push(tn("reveal_requests", requests, &[]));
    }
    let lines: Vec<AnyView> = plan
        .lines
        .iter()
        .map(|line| {
            all![
                el("dt")
                    .class("cut")
                    .kid(crate::key_fields::account_label(&line.account)),
                el("dd").kid(number(line.keys))
            ]
        })
        .collect();
    let skipped: Vec<AnyView> = plan
        .skipped
        .iter()
        .map(|(why, count)| el("li").kid(skipped_words(*why, *count)).into_any())
        .collect();
    let none = keys == 0;
    el("div")
        .class("stack plan")
        .a("role", "group")
        .a("aria-label", t("plan", &[]))
        .kid(if none {
            el("p").kid(t("plan_nothing", &[]))
        } else {
            el("p").kid(el("b").kid(about.join(" · ")))
        })
        .kid((!none).then(|| el("dl").class("counts").kid(lines)))
        .kid((!skipped.is_empty()).then(|| el("ul").class("muted small").kid(skipped)))
        .into_any()
}

/// The names of keys, as far as they can be read at a glance.
pub(crate) fn names_of(keys: &[KeyRef]) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = with_stock(|stock| {
        keys.iter()
            .take(SHOWN)
            .map(|key| {
                let name = stock
                    .find(key)
                    .map(|place| stock.rows[place].key.name.clone())
                    .unwrap_or_default();
                if name.is_empty() {
                    t("no_name", &[])
                } else {
                    name
                }
            })
            .collect()
    });
    if keys.len() > SHOWN {
        names.push(tn("and_more", count(keys.len() - SHOWN), &[]));
    }
    names.join(", ")
}

const fn title(deed: Deed) -> &'static str {
    match deed {
        Deed::Enable => "enable_keys",
        Deed::Disable => "disable_keys",
        Deed::Rotate => "rotate_key",
        Deed::Delete => "delete_at_site",
        Deed::Remove => "remove_keys",
        Deed::Edit => "edit_key",
        Deed::Clone => "clone_key",
        Deed::Usage => "usage",
    }
}

const fn confirm(deed: Deed) -> &'static str {
    match deed {
        Deed::Enable => "enable",
        Deed::Disable => "disable",
        Deed::Rotate => "rotate",
        Deed::Delete => "delete_at_site",
        Deed::Remove => "remove_here",
        Deed::Edit => "edit",
        Deed::Clone => "clone_key",
        Deed::Usage => "usage",
    }
}

/// The questions' windows: one title each, and only one is open.
pub(crate) fn plan_dialogs() -> AnyView {
    let plan = app().acts.plan;
    let one = |deed: Deed| {
        let open = RwSignal::new(false);
        Effect::new(move || {
            open.set(plan.with(|plan| plan.as_ref().is_some_and(|(asked, _)| *asked == deed)));
        });
        Effect::new(move || {
            let mine =
                plan.with_untracked(|plan| plan.as_ref().is_some_and(|(asked, _)| *asked == deed));
            if !open.get() && mine {
                plan.set(None);
            }
        });
        dialog(open, title(deed), move || {
            let keys = plan
                .get_untracked()
                .map(|(_, keys)| keys)
                .unwrap_or_default();
            question(deed, keys, open)
        })
    };
    all![
        one(Deed::Enable),
        one(Deed::Disable),
        one(Deed::Rotate),
        one(Deed::Delete),
        one(Deed::Remove),
    ]
}

fn question(deed: Deed, keys: Vec<KeyRef>, open: RwSignal<bool>) -> AnyView {
    let planned: Planned = RwSignal::new(None);
    let typed = RwSignal::new(String::new());
    plan_into(planned, acts::work(deed, &keys), || true);
    let names = names_of(&keys);
    let total = count(keys.len());
    let about = match deed {
        Deed::Enable => t("enable_about", &[&names]),
        Deed::Disable => t("disable_about", &[&names]),
        Deed::Rotate => t("rotate_about", &[&names]),
        Deed::Delete => tn("delete_about", total, &[&names]),
        Deed::Remove => tn("remove_keys_about", total, &[]),
        Deed::Edit | Deed::Clone | Deed::Usage => String::new(),
    };
    let more = match deed {
        Deed::Rotate => Some(t("rotate_after", &[])),
        Deed::Delete => Some(t("delete_forever", &[])),
        Deed::Remove => Some(t("remove_keys_site", &[])),
        Deed::Enable | Deed::Disable | Deed::Edit | Deed::Clone | Deed::Usage => None,
    };
    let must_type = deed == Deed::Delete && total > TYPE_BEYOND;
    let number_box = must_type.then(|| {
        Line {
            label: t("number_of_keys", &[]),
            input: text_box(typed, Box::new(move |text| typed.set(text))).a("inputmode", "numeric"),
            hint: Signal::derive(move || match touched(planned) {
                0 => String::new(),
                keys => t("number_of_keys_hint", &[&keys.to_string()]),
            }),
            wrong: Signal::stored(None),
        }
        .view()
    });

    let off = Signal::derive(move || {
        let keys = touched(planned);
        keys == 0 || (must_type && typed.with(|typed| typed.trim() != keys.to_string()))
    });
    let go = move || {
        open.set(false);
        start_and_tell(acts::work(deed, &keys));
    };
    let button = if deed.is_danger() {
        Btn::new(confirm(deed)).class("danger primary")
    } else {
        Btn::new(confirm(deed)).primary()
    };
    all![
        el("p").kid(about),
        plan_view(planned, deed == Deed::Remove),
        more.map(|more| el("p").class("muted").kid(more)),
        number_box,
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || open.set(false)))
            .kid(button.off(off).on(go))
    ]
}
