//! Bringing the inventory into order: what needs it, a choice, and one yes for each part.

use crate::accounts;
use crate::activity::is_over;
use crate::app::{app, with_stock};
use crate::dom;
use crate::el::{El, all, el, live};
use crate::icons::{Icon, icon};
use crate::kit::Btn;
use crate::line::{ask, spawn};
use crate::plan_box::site_name;
use crate::repair_parts::{Kind, Line, lines};
use crate::repair_section::section;
use crate::stock::count;
use crate::troubles::{self, site_trouble};
use crate::words::{clock, now, number, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{AccountId, JobId, KeyRef, Millis, PlanRepair, RepairPart};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

/// What would bring the inventory into order, and what the user has chosen of it.
#[derive(Clone, Copy)]
pub(crate) struct Repair {
    /// By account, as last told.
    pub(crate) plan: RwSignal<Vec<RepairPart>>,
    /// Lines the user has set otherwise than they stand by themselves.
    pub(crate) turned: RwSignal<HashSet<(Kind, KeyRef)>>,
    /// The last job each part became.
    pub(crate) jobs: RwSignal<Vec<(Kind, JobId)>>,
    /// How new keys are called.
    pub(crate) pattern: RwSignal<String>,
    /// New keys have no limit of their own.
    pub(crate) unlimited: RwSignal<bool>,
    /// What they may spend, as typed.
    pub(crate) quota: RwSignal<String>,
    /// When they end: a place in the list of spans.
    pub(crate) ends: RwSignal<usize>,
    /// The group that keys are moved to.
    pub(crate) target: RwSignal<String>,
    looked: RwSignal<Option<Millis>>,
    asking: RwSignal<Option<(u32, u32)>>,
    wrong: RwSignal<Option<String>>,
}

impl Repair {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self {
            plan: RwSignal::new(Vec::new()),
            turned: RwSignal::new(HashSet::new()),
            jobs: RwSignal::new(Vec::new()),
            pattern: RwSignal::new(String::from("{group}")),
            unlimited: RwSignal::new(true),
            quota: RwSignal::new(String::new()),
            ends: RwSignal::new(0),
            target: RwSignal::new(String::new()),
            looked: RwSignal::new(None),
            asking: RwSignal::new(None),
            wrong: RwSignal::new(None),
        }
    }

    /// Forgets all that only an open vault may show.
    pub(crate) fn forget(self) {
        self.plan.set(Vec::new());
        self.turned.update(HashSet::clear);
        self.jobs.set(Vec::new());
        self.looked.set(None);
        self.asking.set(None);
        self.wrong.set(None);
    }

    /// A part became a job.
    pub(crate) fn began(self, kind: Kind, job: JobId) {
        self.jobs.update(|jobs| {
            jobs.retain(|(held, _)| *held != kind);
            jobs.push((kind, job));
        });
        // Its lines fold into the job: the head of it may be above what is in sight.
        dom::after(60, move || {
            let head = dom::document().get_element_by_id(kind.title());
            if let Some(head) = head.filter(|head| head.get_bounding_client_rect().top() < 0.0) {
                head.scroll_into_view();
            }
        });
        // What is left afterwards is chosen anew; what was left out on purpose stays so.
        if !kind.is_preset() {
            self.turned
                .update(|turned| turned.retain(|(of, _)| *of != kind));
        }
    }

    /// Looks at all accounts. Several questions at once, so that a slow site holds up few others,
    /// and what is known so far can be told.
    fn look(self, anew: bool) {
        const QUESTIONS: usize = 8;
        let accounts: Vec<AccountId> = with_stock(|stock| {
            stock
                .accounts
                .iter()
                .map(|account| account.view.id.clone())
                .collect()
        });
        if accounts.is_empty() || self.asking.with_untracked(Option::is_some) {
            return;
        }
        let all = count(accounts.len());
        self.asking.set(Some((0, all)));
        self.wrong.set(None);
        let mut asked: Vec<Vec<AccountId>> = vec![Vec::new(); QUESTIONS.min(accounts.len())];
        let questions = asked.len();
        for (place, account) in accounts.into_iter().enumerate() {
            asked[place % questions].push(account);
        }
        // Not a signal: one made here would die with the page, in the middle of the look.
        let gathered = Rc::new(RefCell::new(Vec::new()));
        for accounts in asked {
            let of = count(accounts.len());
            let gathered = Rc::clone(&gathered);
            spawn(async move {
                match ask(PlanRepair { accounts, anew }).await {
                    Ok(plan) => gathered.borrow_mut().extend(plan.accounts),
                    Err(code) => self.wrong.set(Some(troubles::error(&code))),
                }
                self.heard(of, all, &gathered);
            });
        }
    }

    fn heard(self, of: u32, all: u32, gathered: &RefCell<Vec<RepairPart>>) {
        // Locked meanwhile: what was asked for is no longer wanted.
        let Some((heard, _)) = self.asking.get_untracked() else {
            return;
        };
        let heard = heard + of;
        if heard < all {
            return self.asking.set(Some((heard, all)));
        }
        self.plan.set(gathered.take());
        self.looked.set(Some(now()));
        self.asking.set(None);
    }
}

/// The section.
pub(crate) fn repair_page() -> AnyView {
    let app = app();
    let repair = app.repair;
    Effect::new(move |begun: Option<bool>| {
        // The accounts may not have come yet.
        let ready = app.complete.get();
        if ready && begun != Some(true) {
            repair.look(false);
        }
        ready
    });
    let over = Memo::new(move |_| {
        let ours = repair.jobs.get();
        app.jobs.with(|jobs| {
            jobs.iter()
                .filter(|job| is_over(job) && ours.iter().any(|(_, id)| *id == job.id))
                .count()
        })
    });
    Effect::new(move |before: Option<usize>| {
        let now = over.get();
        if before.is_some_and(|before| now > before) {
            repair.look(false);
        }
        now
    });
    let again = move || {
        repair.jobs.update(|jobs| {
            app.jobs.with_untracked(|all| {
                jobs.retain(|(_, id)| all.iter().any(|job| job.id == *id && !is_over(job)));
            });
        });
        repair.look(true);
    };
    el("div")
        .class("page repair")
        .kid(
            el("div")
                .class("in")
                .kid(
                    el("div")
                        .class("head")
                        .kid(el("h1").class("grow").kid(t("repair", &[])))
                        .kid(
                            Btn::new("look_again")
                                .icon(Icon::Sync)
                                .off(Signal::derive(move || repair.asking.get().is_some()))
                                .on(again),
                        ),
                )
                .kid(live(move || asking(repair)))
                .kid(live(move || whole(repair))),
        )
        .into_any()
}

/// How many sites have answered.
fn asking(repair: Repair) -> Option<El> {
    let (heard, all) = repair.asking.get()?;
    let words = tn("repair_asking", all, &[&number(heard)]);
    Some(
        el("div")
            .class("work row")
            .kid(el("span").class("muted").kid(words.clone()))
            .kid(
                el("progress")
                    .a("max", all)
                    .a("value", heard)
                    .a("aria-label", words),
            ),
    )
}

/// All parts that have something to do, or did.
fn whole(repair: Repair) -> AnyView {
    let app = app();
    let wrong = repair
        .wrong
        .get()
        .map(|why| crate::kit::note(crate::kit::Tone::Bad, why, Vec::new()));
    let Some(looked) = repair.looked.get() else {
        app.stock.track();
        let none = with_stock(|stock| stock.accounts.is_empty());
        let empty =
            (none && app.complete.get()).then(|| el("p").class("lead").kid(t("no_accounts", &[])));
        return all![wrong, empty];
    };
    let began: Vec<Kind> = repair
        .jobs
        .with(|jobs| jobs.iter().map(|(kind, _)| *kind).collect());
    repair.plan.with(|plan| {
        let parts: Vec<(Kind, Vec<Line>)> = Kind::ALL
            .into_iter()
            .map(|kind| (kind, lines(kind, plan)))
            .filter(|(kind, lines)| !lines.is_empty() || began.contains(kind))
            .collect();
        let lead = lead(&parts, looked, plan);
        let sections: Vec<AnyView> = parts
            .into_iter()
            .map(|(kind, lines)| section(kind, lines))
            .collect();
        all![wrong, lead, sections, unasked(plan), admins()]
    })
}

/// How much there is to do; that nothing is, when so.
fn lead(parts: &[(Kind, Vec<Line>)], looked: Millis, plan: &[RepairPart]) -> AnyView {
    let mut keys = HashSet::new();
    let mut groups = 0_usize;
    let mut sites = HashSet::new();
    for line in parts.iter().flat_map(|(_, lines)| lines) {
        if line.left_out {
            continue;
        }
        sites.insert(&line.at.account);
        groups += usize::from(line.keys.is_empty());
        keys.extend(&line.keys);
    }
    let at = clock(looked);
    if sites.is_empty() {
        return el("div")
            .class("order")
            .kid(el("span").class("good").kid(icon(Icon::Check)))
            .kid(el("h2").kid(t("repair_in_order", &[])))
            .kid(
                el("p")
                    .class("muted")
                    .kid(tn("repair_looked", count(plan.len()), &[&at])),
            )
            .into_any();
    }
    let of_keys = tn("reveal_keys", count(keys.len()), &[]);
    let of_groups = tn("repair_groups_count", count(groups), &[]);
    let what = match (keys.len(), groups) {
        (_, 0) => of_keys,
        (0, _) => of_groups,
        (_, _) => t("repair_both", &[&of_keys, &of_groups]),
    };
    let sites = tn("reveal_sites", count(sites.len()), &[]);
    el("p")
        .class("lead")
        .a("title", tn("repair_looked", count(plan.len()), &[&at]))
        .kid(t("repair_lead", &[&what, &sites]))
        .into_any()
}

/// What it changes that a login is an administrator's: nothing.
fn admins() -> Option<AnyView> {
    let names: Vec<String> = with_stock(|stock| {
        let views = stock.accounts.iter().map(|account| &account.view);
        views
            .filter(|view| view.admin)
            .map(|view| view.name.clone())
            .collect()
    });
    let words = || t("repair_admin", &[&names.join(", ")]);
    (!names.is_empty()).then(|| el("p").class("muted").kid(words()).into_any())
}

/// Sites that did not tell their groups.
fn unasked(plan: &[RepairPart]) -> Option<AnyView> {
    let lines: Vec<AnyView> = plan
        .iter()
        .filter_map(|part| Some((part, part.trouble.as_ref()?)))
        .map(|(part, trouble)| {
            el("li")
                .kid(el("span").class("warn").kid(icon(Icon::Warn)))
                .kid(el("span").class("cut").kid(site_name(&part.account).0))
                .kid(el("span").class("muted say").kid(site_trouble(trouble)))
                .kid(el("span").kid(accounts::step(&part.account, trouble)))
                .into_any()
        })
        .collect();
    (!lines.is_empty()).then(|| {
        el("section")
            .class("card part job")
            .a("aria-label", t("repair_unasked", &[]))
            .kid(
                el("header")
                    .kid(el("h2").kid(t("repair_unasked", &[])))
                    .kid(el("span").class("tag").kid(number(count(lines.len())))),
            )
            .kid(el("ul").kid(lines))
            .kid(
                el("p")
                    .class("foot muted")
                    .kid(t("repair_unasked_about", &[])),
            )
            .into_any()
    })
}
