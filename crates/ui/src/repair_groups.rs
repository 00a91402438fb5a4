//! New keys for groups that have none, and other groups for keys that lost theirs.

use crate::acts::by_account;
use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::el::{el, live};
use crate::kit::{Btn, Takes, choice, field, fresh_id, tick};
use crate::line::{ask, spawn};
use crate::plan_box::{PlanAsk, Then, offer};
use crate::repair_parts::{Kind, Line};
use crate::repair_section::{Lines, chosen_lines};
use crate::stock::count;
use crate::troubles;
use crate::words::{amount, now, t, tn};
use leptos::prelude::*;
use relaykeep_core::form::read_amount;
use relaykeep_protocol::{
    AccountId, ExcludeGroups, KeyPatch, KeyRef, KeyValues, NewKey, Quota, Unit, Work,
};
use web_sys::Event;

/// When new keys end, in days; none: never.
const ENDS: [Option<u32>; 6] = [None, Some(1), Some(7), Some(30), Some(90), Some(365)];
const DAY: i64 = 86_400;

/// How a group's key will be: name, limit, end, price.
pub(crate) fn group_line(line: &Line) -> String {
    let repair = app().repair;
    let unit = unit(&line.at.account);
    let quota = match quota(&unit) {
        Some(Quota::Unlimited) => t("unlimited", &[]),
        Some(Quota::Limited(raw)) => amount(raw, &unit),
        None => t("repair_quota_missing", &[]),
    };
    let ends = match ENDS[repair.ends.get()] {
        None => t("repair_never_ends", &[]),
        Some(days) => tn("repair_ends", days, &[]),
    };
    let mut parts = vec![format!("“{}”", named(&line.at)), quota, ends];
    parts.extend(Some(line.why.clone()).filter(|why| !why.is_empty()));
    parts.join(" · ")
}

fn named(group: &KeyRef) -> String {
    app()
        .repair
        .pattern
        .with(|pattern| pattern.replace("{group}", &group.id.0))
}

fn unit(account: &AccountId) -> Unit {
    with_stock(|stock| {
        stock
            .account(account)
            .map(|account| account.view.unit.clone())
    })
    .unwrap_or_default()
}

/// The limit as typed, in the unit of this site; none if it does not read.
fn quota(unit: &Unit) -> Option<Quota> {
    let repair = app().repair;
    if repair.unlimited.get() {
        return Some(Quota::Unlimited);
    }
    repair
        .quota
        .with(|typed| read_amount(typed, unit).ok().map(Quota::Limited))
}

/// Names, limits and ends of all the new keys.
pub(crate) fn group_form() -> AnyView {
    let repair = app().repair;
    let ends: Vec<String> = ENDS
        .into_iter()
        .map(|days| match days {
            None => t("never", &[]),
            Some(days) => tn("days", days, &[]),
        })
        .collect();
    el("div")
        .class("foot form")
        .kid(field(
            "name_pattern",
            Takes::Text,
            repair.pattern,
            Signal::stored(t("name_pattern_hint", &[])),
        ))
        .kid(
            el("div")
                .class("field")
                .kid(el("span").class("legend").kid(t("expires", &[])))
                .kid(choice(
                    "expires",
                    "input",
                    ends,
                    Signal::derive(move || repair.ends.get()),
                    move |place| repair.ends.set(place),
                )),
        )
        .kid(
            el("div")
                .class("field")
                .kid(tick(
                    t("repair_unlimited", &[]),
                    String::new(),
                    Signal::derive(move || repair.unlimited.get()),
                    move |on| repair.unlimited.set(on),
                ))
                .kid(live(move || {
                    (!repair.unlimited.get()).then(|| {
                        field(
                            "repair_quota",
                            Takes::Text,
                            repair.quota,
                            Signal::stored(t("repair_quota_hint", &[])),
                        )
                    })
                })),
        )
        .into_any()
}

/// The button that makes them.
pub(crate) fn create(
    words: Signal<String>,
    lines: &Lines,
    none: Signal<bool>,
    then: Then,
) -> AnyView {
    let (lines, check) = (lines.clone(), lines.clone());
    let off = Signal::derive(move || {
        none.get()
            || chosen_lines(Kind::Groups, &check)
                .iter()
                .any(|line| quota(&unit(&line.at.account)).is_none())
    });
    Btn::saying(words).primary().off(off).on(move || {
        let keys: Vec<NewKey> = untrack(|| {
            chosen_lines(Kind::Groups, &lines)
                .iter()
                .filter_map(|line| new_key(&line.at))
                .collect()
        });
        let all = count(keys.len());
        offer(PlanAsk {
            title: "create_title",
            about: tn("create_about", all, &[]),
            yes: tn("create_yes", all, &[]),
            work: Work::Create { keys },
            danger: false,
            then: Some(then.clone()),
        });
    })
}

fn new_key(group: &KeyRef) -> Option<NewKey> {
    let seconds = i64::try_from(now() / 1000).unwrap_or(0);
    let expires = ENDS[app().repair.ends.get()].map(|days| seconds + i64::from(days) * DAY);
    Some(NewKey {
        account: group.account.clone(),
        values: KeyValues {
            name: named(group),
            quota: quota(&unit(&group.account))?,
            expires,
            group: group.id.0.clone(),
            enabled: true,
            ..KeyValues::default()
        },
        like: None,
    })
}

/// The user wants no key for this group, or wants one after all.
pub(crate) fn exclude(group: &KeyRef, out: bool) {
    let repair = app().repair;
    let (account, name) = (group.account.clone(), group.id.0.clone());
    let Some(groups) = repair.plan.with_untracked(|plan| {
        let part = plan.iter().find(|part| part.account == account)?;
        let mut groups = part.excluded.clone();
        groups.retain(|held| *held != name);
        if out {
            groups.push(name.clone());
        }
        Some(groups)
    }) else {
        return;
    };
    spawn(async move {
        let call = ExcludeGroups {
            account: account.clone(),
            groups: groups.clone(),
        };
        if let Err(code) = ask(call).await {
            return fail(&troubles::error(&code));
        }
        repair.plan.update(|plan| {
            let Some(part) = plan.iter_mut().find(|part| part.account == account) else {
                return;
            };
            part.excluded = groups;
            part.uncovered.retain(|group| group.name != name);
            let back = part.groups.iter().find(|group| group.name == name);
            part.uncovered.extend(back.filter(|_| !out).cloned());
        });
    });
}

/// Where keys can be moved to: what any of their sites offers.
fn targets(lines: &[Line]) -> Vec<String> {
    let mut names: Vec<String> = app().repair.plan.with(|plan| {
        plan.iter()
            .filter(|part| lines.iter().any(|line| line.at.account == part.account))
            .flat_map(|part| part.groups.iter().map(|group| group.name.clone()))
            .collect()
    });
    names.sort_unstable();
    names.dedup();
    names
}

/// Which group the chosen keys are moved to, and which of them cannot be.
pub(crate) fn lost_form(lines: &Lines) -> AnyView {
    let repair = app().repair;
    let names = targets(lines);
    if !repair
        .target
        .with_untracked(|target| names.contains(target))
    {
        repair
            .target
            .set(names.first().cloned().unwrap_or_default());
    }
    let id = fresh_id();
    let options: Vec<AnyView> = names
        .into_iter()
        .map(|name| {
            let mine = name.clone();
            el("option")
                .a("value", name.clone())
                .flag("selected", move || {
                    repair.target.with(|target| *target == mine)
                })
                .kid(name)
                .into_any()
        })
        .collect();
    let lines = lines.clone();
    el("div")
        .class("foot form")
        .kid(
            el("div")
                .class("field")
                .kid(
                    el("label")
                        .a("for", id.clone())
                        .kid(t("repair_move_to", &[])),
                )
                .kid(
                    el("select")
                        .class("input")
                        .a("id", id)
                        .on("change", move |event: Event| {
                            repair.target.set(event_target_value(&event));
                        })
                        .kid(options),
                ),
        )
        .kid(live(move || {
            let chosen = chosen_lines(Kind::Lost, &lines);
            let left = chosen.len() - movable(&chosen).len();
            (left > 0).then(|| {
                el("p")
                    .class("muted")
                    .kid(tn("repair_not_movable", count(left), &[]))
            })
        }))
        .into_any()
}

/// Keys whose site offers the group.
fn movable(lines: &[Line]) -> Vec<KeyRef> {
    let repair = app().repair;
    let target = repair.target.get();
    let offers = |account: &AccountId| {
        repair.plan.with(|plan| {
            plan.iter().any(|part| {
                part.account == *account && part.groups.iter().any(|group| group.name == target)
            })
        })
    };
    lines
        .iter()
        .filter(|line| offers(&line.at.account))
        .map(|line| line.at.clone())
        .collect()
}

/// The button that moves them.
pub(crate) fn move_to(lines: &Lines, none: Signal<bool>, then: Then) -> AnyView {
    let (lines, check) = (lines.clone(), lines.clone());
    let off =
        Signal::derive(move || none.get() || movable(&chosen_lines(Kind::Lost, &check)).is_empty());
    Btn::new("move").primary().off(off).on(move || {
        let keys = untrack(|| movable(&chosen_lines(Kind::Lost, &lines)));
        let group = app().repair.target.get_untracked();
        offer(PlanAsk {
            title: "move_title",
            about: tn("move_about", count(keys.len()), &[&group]),
            yes: t("move", &[]),
            work: Work::Change {
                keys: by_account(&keys),
                patch: KeyPatch {
                    group: Some(group),
                    ..KeyPatch::default()
                },
                seen: None,
            },
            danger: false,
            then: Some(then.clone()),
        });
    })
}
