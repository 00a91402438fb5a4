//! What one key spent, by day and model.

use crate::accounts::flag;
use crate::app::{app, with_stock};
use crate::el::{all, el, live, side_by_side};
use crate::kit::{Btn, Tone, choice, dialog_of, note};
use crate::line::{ask, spawn};
use crate::stock::count;
use crate::troubles;
use crate::words::{amount, day_name, now, number, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{GetKeyUsage, KeyRef, KeyUsage, Unit, UsageLine, UsageTotals};

/// A key whose use is looked at.
#[derive(Clone, PartialEq)]
pub(crate) struct UsageOf {
    key: KeyRef,
    name: String,
    unit: Unit,
}

/// Shows what a key spent; its name and unit are for show.
pub(crate) fn open_usage(key: KeyRef, name: String, unit: Unit) {
    app().windows.usage.set(Some(UsageOf { key, name, unit }));
}

/// The same for a key that is listed.
pub(crate) fn open(key: KeyRef) {
    let of = with_stock(|stock| {
        let row = &stock.rows[stock.find(&key)?];
        let unit = stock.account_of(row).view.unit.clone();
        Some((row.key.name.clone(), unit))
    });
    if let Some((name, unit)) = of {
        open_usage(key, name, unit);
    }
}

/// The window.
pub(crate) fn usage_dialog() -> AnyView {
    let looked_at = app().windows.usage;
    let open = flag(looked_at);
    let title = move || {
        let name = looked_at.with_untracked(|of| of.as_ref().map(|of| of.name.clone()));
        t("usage_of", &[&name.unwrap_or_default()])
    };
    dialog_of(open, title, move || match looked_at.get_untracked() {
        Some(of) => body(of, open),
        None => ().into_any(),
    })
}

/// Spans on offer, in days.
const SPANS: [u32; 2] = [7, 30];

#[derive(Clone)]
enum Answer {
    Asking,
    Here(KeyUsage),
    Not(String),
}

fn body(of: UsageOf, open: RwSignal<bool>) -> AnyView {
    let span = RwSignal::new(0_usize);
    let answer = RwSignal::new(Answer::Asking);
    let key = of.key.clone();
    Effect::new(move || {
        let place = span.get();
        let (key, days) = (key.clone(), SPANS[place]);
        answer.set(Answer::Asking);
        spawn(async move {
            let found = match ask(GetKeyUsage { key, days }).await {
                Ok(found) => Answer::Here(found),
                Err(code) => Answer::Not(troubles::error(&code)),
            };
            // Another span may have been chosen meanwhile.
            if span.try_get_untracked() == Some(place) {
                answer.try_set(found);
            }
        });
    });
    let names = SPANS.map(|days| tn("usage_span", days, &[])).to_vec();
    let unit = of.unit;
    all![
        choice(
            "usage_days",
            "input span",
            names,
            Signal::derive(move || span.get()),
            move |place| span.set(place)
        ),
        el("div").class("usage stack").kid(live(move || {
            match answer.get() {
                Answer::Asking => all![
                    el("p").class("muted").kid(t("usage_asking", &[])),
                    el("progress").a("aria-label", t("usage_asking", &[]))
                ],
                Answer::Not(why) => note(Tone::Bad, why, Vec::new()),
                Answer::Here(found) => shown(&found, SPANS[span.get_untracked()], &unit),
            }
        })),
        el("div")
            .class("acts")
            .kid(Btn::new("close").on(move || open.set(false)))
    ]
}

const DAY: i64 = 86_400;
/// Models with a colour of their own; what is left over shares the last.
const COLOURS: usize = 5;

/// One model's, or the leftovers', use by day.
struct Series {
    name: String,
    calls: u32,
    quota: i64,
    days: Vec<i64>,
}

fn shown(found: &KeyUsage, days: u32, unit: &Unit) -> AnyView {
    let totals = found.totals.map(|totals| totals_list(&totals, unit));
    if found.days.is_empty() {
        return all![el("p").class("muted").kid(t("usage_nothing", &[])), totals];
    }
    let first = first_day(&found.days, days);
    let series = series(&found.days, first, days);
    let calls: u32 = series.iter().map(|one| one.calls).sum();
    let quota: i64 = series.iter().map(|one| one.quota).sum();
    let sum = tn("usage_sum", calls, &[&amount(quota, unit)]);
    let cut = found
        .cut
        .then(|| note(Tone::Plain, t("usage_cut", &[]), Vec::new()));
    let by_day = (0..days as usize).map(|day| series.iter().map(|one| one.days[day]).sum());
    let by_day: Vec<i64> = by_day.collect();
    let highest = by_day.iter().copied().max().unwrap_or(0).max(1);
    let last = first + i64::from(days - 1) * DAY;
    all![
        el("p").class("strong").kid(sum),
        el("figure")
            .class("chart")
            .kid(
                el("figcaption")
                    .class("faint small")
                    .kid(t("usage_most", &[&amount(highest, unit)]))
            )
            .kid(chart(&series, &by_day, highest, first, unit))
            .kid(
                el("div")
                    .class("row faint small")
                    .kid(el("span").class("grow").kid(day_name(first)))
                    .kid(el("span").kid(day_name(last)))
            ),
        models(&series, unit),
        day_table(&by_day, first, unit),
        totals,
        cut
    ]
}

/// The days shown end today, or with what the site wrote last.
fn first_day(lines: &[UsageLine], days: u32) -> i64 {
    let today = i64::try_from(now() / 1000).unwrap_or(0) / DAY * DAY;
    let last = lines
        .iter()
        .map(|line| line.day)
        .max()
        .unwrap_or(today)
        .max(today);
    last - i64::from(days - 1) * DAY
}

/// The models that spent most, each by itself, and the others together.
fn series(lines: &[UsageLine], first: i64, days: u32) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for line in lines {
        let Some(place) = usize::try_from((line.day - first) / DAY)
            .ok()
            .filter(|place| *place < days as usize && line.day >= first)
        else {
            continue;
        };
        let at = match all.iter().position(|one| one.name == line.model) {
            Some(at) => at,
            None => {
                all.push(Series {
                    name: line.model.clone(),
                    calls: 0,
                    quota: 0,
                    days: vec![0; days as usize],
                });
                all.len() - 1
            }
        };
        let one = &mut all[at];
        one.calls += line.calls;
        one.quota += line.quota;
        one.days[place] += line.quota;
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.quota));
    if all.len() > COLOURS + 1 {
        let rest = all.split_off(COLOURS);
        let mut others = Series {
            name: tn("usage_others", count(rest.len()), &[]),
            calls: 0,
            quota: 0,
            days: vec![0; days as usize],
        };
        for one in rest {
            others.calls += one.calls;
            others.quota += one.quota;
            for (sum, day) in others.days.iter_mut().zip(one.days) {
                *sum += day;
            }
        }
        all.push(others);
    }
    all
}

/// A bar has this width of its day.
const BAR: i64 = 14;
const STEP: i64 = 20;
const HIGH: i64 = 120;

/// Bars by day, each model on top of the other. One path a model, so that a month of ten models
/// is ten elements.
fn chart(series: &[Series], by_day: &[i64], highest: i64, first: i64, unit: &Unit) -> AnyView {
    let mut floor = vec![0_i64; by_day.len()];
    let mut parts: Vec<AnyView> = Vec::with_capacity(series.len() + by_day.len());
    for (place, one) in series.iter().enumerate() {
        let mut path = String::new();
        for (day, quota) in one.days.iter().enumerate() {
            let from = scaled(floor[day], highest);
            floor[day] += quota;
            let to = scaled(floor[day], highest);
            if to > from {
                let x = i64::try_from(day).unwrap_or(0) * STEP + (STEP - BAR) / 2;
                path.push_str(&format!("M{x} {}h{BAR}v{}h-{BAR}z", HIGH - to, to - from));
            }
        }
        parts.push(bars(format!("m{place}"), path));
    }
    let mut at = first;
    for (day, quota) in by_day.iter().enumerate() {
        let x = i64::try_from(day).unwrap_or(0) * STEP;
        parts.push(day_hint(
            x.to_string(),
            format!("{}: {}", day_name(at), amount(*quota, unit)),
        ));
        at += DAY;
    }
    let wide = i64::try_from(by_day.len()).unwrap_or(0) * STEP;
    let parts = side_by_side(parts);
    view! {
        <svg viewBox=format!("0 0 {wide} {HIGH}") preserveAspectRatio="none" aria-hidden="true">
            {parts}
        </svg>
    }
    .into_any()
}

/// In the chart's units; what is not nothing can be seen.
fn scaled(quota: i64, highest: i64) -> i64 {
    let high = i128::from(quota.max(0)) * i128::from(HIGH) / i128::from(highest);
    let high = i64::try_from(high).unwrap_or(HIGH);
    if quota > 0 { high.max(1) } else { 0 }
}

fn bars(class: String, path: String) -> AnyView {
    view! { <path class=class d=path></path> }.into_any()
}

fn day_hint(x: String, words: String) -> AnyView {
    view! {
        <rect class="day" x=x y="0" width="20" height="120">
            <title>{words}</title>
        </rect>
    }
    .into_any()
}

/// Which colour is which model, and what it came to.
fn models(series: &[Series], unit: &Unit) -> AnyView {
    let rows: Vec<AnyView> = series
        .iter()
        .enumerate()
        .map(|(place, one)| {
            el("tr")
                .kid(
                    el("th")
                        .a("scope", "row")
                        .kid(el("span").class(format!("swatch m{place}")))
                        .kid(one.name.clone()),
                )
                .kid(el("td").kid(number(one.calls)))
                .kid(el("td").kid(amount(one.quota, unit)))
                .into_any()
        })
        .collect();
    table(
        ["usage_model", "usage_calls", "usage_spent"].map(|word| t(word, &[])),
        rows,
    )
}

/// The bars in words, for whoever does not see them.
fn day_table(by_day: &[i64], first: i64, unit: &Unit) -> AnyView {
    let mut at = first;
    let mut rows = Vec::new();
    for quota in by_day {
        if *quota != 0 {
            rows.push(
                el("tr")
                    .kid(el("th").a("scope", "row").kid(day_name(at)))
                    .kid(el("td").kid(amount(*quota, unit)))
                    .into_any(),
            );
        }
        at += DAY;
    }
    let heads = ["usage_day", "usage_spent"].map(|word| t(word, &[]));
    el("div").class("sr").kid(table(heads, rows)).into_any()
}

fn table<const N: usize>(heads: [String; N], rows: Vec<AnyView>) -> AnyView {
    let heads: Vec<AnyView> = heads
        .into_iter()
        .map(|head| el("th").a("scope", "col").kid(head).into_any())
        .collect();
    el("table")
        .class("table")
        .kid(el("thead").kid(el("tr").kid(heads)))
        .kid(el("tbody").kid(rows))
        .into_any()
}

/// What the site says of the key itself.
fn totals_list(totals: &UsageTotals, unit: &Unit) -> AnyView {
    let left = if totals.unlimited {
        t("unlimited", &[])
    } else {
        amount(totals.left, unit)
    };
    let line = |word: &str, value: String| all![el("dt").kid(t(word, &[])), el("dd").kid(value)];
    all![
        el("h3").kid(t(
            if totals.of_account {
                "usage_says_account"
            } else {
                "usage_says"
            },
            &[]
        )),
        el("dl")
            .class("counts")
            .kid((!totals.unlimited).then(|| line("usage_granted", amount(totals.granted, unit))))
            .kid(line("used", amount(totals.used, unit)))
            .kid(line("remaining", left))
    ]
}
