//! The fields of a key's form, one function each: also the bulk form is made of them.

use crate::el::{El, all, el, live};
use crate::icons::Icon;
use crate::key_fields::{AT, Fields, PRESETS, RAW};
use crate::key_words::problem;
use crate::kit::{Btn, choice, fresh_id, tick};
use crate::local_time::{local_text, now_seconds, read_local};
use crate::words::{from_seconds, full_time, number, t};
use leptos::prelude::*;
use relaykeep_core::form::{self, AUTO_GROUP};
use relaykeep_core::text::one_line;
use relaykeep_protocol::{AddressRule, GroupOffer, KeyField, KeyForm, ShownAs, Unit};
use web_sys::Event;

/// An input of any kind with its label, a hint, and what is wrong with it.
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) input: El,
    pub(crate) hint: Signal<String>,
    pub(crate) wrong: Signal<Option<String>>,
}

impl Line {
    /// As a view.
    #[inline(never)]
    pub(crate) fn view(self) -> AnyView {
        let Self {
            label,
            input,
            hint,
            wrong,
        } = self;
        let id = fresh_id();
        let (hint_id, wrong_id) = (format!("{id}h"), format!("{id}w"));
        let described = format!("{hint_id} {wrong_id}");
        el("div")
            .class("field")
            .kid(el("label").a("for", id.clone()).kid(label))
            .kid(
                input
                    .a("id", id)
                    .a("aria-describedby", described)
                    .live("aria-invalid", move || {
                        wrong.with(Option::is_some).then_some("true")
                    }),
            )
            .kid(
                el("span")
                    .class("hint")
                    .a("id", hint_id)
                    .live("hidden", move || hint.with(String::is_empty))
                    .kid(live(move || hint.get())),
            )
            .kid(complaint(wrong_id, wrong))
            .into_any()
    }
}

/// What is wrong, where it is wrong.
pub(crate) fn complaint(id: String, wrong: Signal<Option<String>>) -> AnyView {
    el("span")
        .class("hint bad")
        .a("id", id)
        .a("role", "alert")
        .live("hidden", move || wrong.with(Option::is_none))
        .kid(live(move || wrong.get()))
        .into_any()
}

/// What is wrong with this field.
pub(crate) fn wrong_in(f: Fields, field: KeyField) -> Signal<Option<String>> {
    Signal::derive(move || {
        f.wrong
            .get()
            .filter(|(at, _)| *at == field)
            .map(|(at, what)| problem(at, what))
    })
}

/// A line of text that follows a signal.
#[inline(never)]
pub(crate) fn text_box(value: RwSignal<String>, set: Box<dyn Fn(String)>) -> El {
    el("input")
        .class("input")
        .a("type", "text")
        .a("autocomplete", "off")
        .a("autocapitalize", "off")
        .a("spellcheck", "false")
        .value(move || value.get())
        .on("input", move |event: Event| set(event_target_value(&event)))
}

/// No hint.
fn quiet() -> Signal<String> {
    Signal::stored(String::new())
}

/// The name, with its bytes once they become few.
pub(crate) fn name_field(f: Fields, most: u32) -> AnyView {
    let hint = Signal::derive(move || {
        let has = f.name.with(|name| crate::stock::count(name.len()));
        if has * 10 > most * 7 {
            t("bytes_of", &[&number(has), &number(most)])
        } else {
            String::new()
        }
    });
    Line {
        label: t("key_name", &[]),
        input: text_box(f.name, Box::new(move |text| f.name.set(text))),
        hint,
        wrong: wrong_in(f, KeyField::Name),
    }
    .view()
}

/// The currency of amounts; empty for raw quota.
fn symbol(unit: &Unit) -> String {
    match &unit.shown_as {
        ShownAs::Usd => "$".to_owned(),
        ShownAs::Cny { .. } => "¥".to_owned(),
        ShownAs::Custom { symbol, .. } => one_line(symbol, 8),
        ShownAs::Tokens => String::new(),
    }
}

/// The limit: none, or an amount in the site's unit with the raw number beside it. Without a unit
/// the raw number stands alone.
pub(crate) fn quota_field(f: Fields, label: &'static str, unit: Option<Unit>) -> AnyView {
    let shown = unit.filter(|unit| unit.shown_as != ShownAs::Tokens);
    let raw_label = if shown.is_some() { "raw_quota" } else { label };
    let amount = shown.clone().map(|unit| {
        let sign = symbol(&unit);
        let set = move |text: String| {
            f.raw.set(
                form::read_amount(&text, &unit)
                    .map(|raw| raw.to_string())
                    .unwrap_or_default(),
            );
            f.amount.set(text);
        };
        let input = text_box(f.amount, Box::new(set)).a("inputmode", "decimal");
        Line {
            label: format!("{} ({sign})", t(label, &[])),
            input: input.a("aria-label", t(label, &[])),
            hint: quiet(),
            wrong: wrong_in(f, KeyField::Quota),
        }
        .view()
    });
    let alone = amount.is_none();
    let set = move |text: String| {
        if let Some(unit) = &shown {
            f.amount.set(
                form::read_amount(&text, &RAW)
                    .map(|raw| form::write_amount(raw, unit))
                    .unwrap_or_default(),
            );
        }
        f.raw.set(text);
    };
    let raw = Line {
        label: t(raw_label, &[]),
        input: text_box(f.raw, Box::new(set)).a("inputmode", "numeric"),
        hint: quiet(),
        wrong: if alone {
            wrong_in(f, KeyField::Quota)
        } else {
            Signal::stored(None)
        },
    }
    .view();
    el("div")
        .class("stack")
        .kid(
            el("div")
                .class("two")
                .live("hidden", move || f.unlimited.get())
                .kid(amount)
                .kid(raw),
        )
        .kid(tick(
            t("quota_unlimited", &[]),
            String::new(),
            f.unlimited.into(),
            move |on| f.unlimited.set(on),
        ))
        .into_any()
}

/// A choice with its label above it.
#[inline(never)]
pub(crate) fn labelled_choice(
    label: &str,
    options: Vec<String>,
    chosen: Signal<usize>,
    set: Box<dyn Fn(usize)>,
) -> El {
    el("div")
        .class("field")
        .kid(
            el("span")
                .class("legend")
                .a("aria-hidden", "true")
                .kid(t(label, &[])),
        )
        .kid(choice(label, "input", options, chosen, set))
}

/// When it ends.
pub(crate) fn expires_field(f: Fields) -> AnyView {
    let options = std::iter::once("expiry_never")
        .chain(PRESETS.iter().map(|(word, _)| *word))
        .chain(std::iter::once("expiry_at"))
        .map(|word| t(word, &[]))
        .collect();
    let set = move |place: usize| {
        // The moment that was chosen last is where the exact time begins.
        if place == AT && f.ends_at.with_untracked(String::is_empty) {
            let days = f
                .ends
                .get_untracked()
                .checked_sub(1)
                .and_then(|place| PRESETS.get(place))
                .map_or(30, |(_, days)| *days);
            f.ends_at.set(local_text(now_seconds() + days * 86_400));
        }
        f.ends.set(place);
    };
    let hint = move || {
        let at = match f.ends.get() {
            0 => return String::new(),
            AT => read_local(&f.ends_at.get()),
            place => PRESETS
                .get(place - 1)
                .map(|(_, days)| now_seconds() + days * 86_400),
        };
        match at {
            Some(at) if at <= now_seconds() => t("expiry_past", &[]),
            Some(at) if f.ends.get() != AT => full_time(from_seconds(at)),
            Some(_) | None => String::new(),
        }
    };
    let when = Line {
        label: t("expiry_when", &[]),
        input: el("input")
            .class("input")
            .a("type", "datetime-local")
            .a("step", "1")
            .a("max", "9999-12-31T23:59:59")
            .value(move || f.ends_at.get())
            .on("input", move |event: Event| {
                f.ends_at.set(event_target_value(&event))
            }),
        hint: quiet(),
        wrong: wrong_in(f, KeyField::Expires),
    }
    .view();
    el("div")
        .class("two")
        .kid(
            labelled_choice("expires", options, f.ends.into(), Box::new(set)).kid(
                el("span")
                    .class("hint")
                    .live("hidden", move || hint().is_empty())
                    .kid(live(hint)),
            ),
        )
        .kid(
            el("div")
                .live("hidden", move || f.ends.get() != AT)
                .kid(when),
        )
        .into_any()
}

/// One address a line.
pub(crate) fn addresses_field(f: Fields, rule: AddressRule) -> AnyView {
    let hint = match rule {
        AddressRule::None => return ().into_any(),
        AddressRule::Any | AddressRule::NetworksOnly => "addresses_hint",
        AddressRule::PlainOnly => "addresses_hint_plain",
    };
    // While it is typed, a half address is no mistake: it is said when saving was tried.
    let wrong = Signal::derive(move || {
        let (_, what) = f
            .wrong
            .get()
            .filter(|(field, _)| *field == KeyField::Addresses)?;
        let typed = f.addresses.get();
        let bad = form::bad_addresses(&typed, rule).join(", ");
        Some(format!(
            "{} {}",
            problem(KeyField::Addresses, what),
            one_line(&bad, 120)
        ))
    });
    Line {
        label: t("allowed_addresses", &[]),
        input: el("textarea")
            .class("input mono")
            .a("rows", "3")
            .a("autocomplete", "off")
            .a("autocapitalize", "off")
            .a("spellcheck", "false")
            .value(move || f.addresses.get())
            .on("input", move |event: Event| {
                f.addresses.set(event_target_value(&event))
            }),
        hint: Signal::stored(t(hint, &[])),
        wrong,
    }
    .view()
}

/// Addresses the key is refused from, one a line.
pub(crate) fn denied_field(f: Fields) -> AnyView {
    Line {
        label: t("denied_addresses", &[]),
        input: el("textarea")
            .class("input mono")
            .a("rows", "2")
            .a("autocomplete", "off")
            .a("autocapitalize", "off")
            .a("spellcheck", "false")
            .value(move || f.denied.get())
            .on("input", move |event: Event| {
                f.denied.set(event_target_value(&event))
            }),
        hint: Signal::stored(t("denied_hint", &[])),
        wrong: wrong_in(f, KeyField::Denied),
    }
    .view()
}

/// What the key may spend in 5 hours, a day and 7 days.
pub(crate) fn windows_field(f: Fields) -> AnyView {
    let labels = ["window_5h", "window_1d", "window_7d"];
    let lines: Vec<AnyView> = labels
        .into_iter()
        .zip(f.windows)
        .map(|(label, typed)| {
            Line {
                label: t(label, &[]),
                input: text_box(typed, Box::new(move |text| typed.set(text)))
                    .a("inputmode", "decimal"),
                hint: quiet(),
                wrong: Signal::stored(None),
            }
            .view()
        })
        .collect();
    el("div")
        .class("field")
        .a("role", "group")
        .a("aria-label", t("spending_windows", &[]))
        .kid(el("div").class("two").kid(lines))
        .kid(el("span").class("hint").kid(t("windows_hint", &[])))
        .kid(complaint(fresh_id(), wrong_in(f, KeyField::Windows)))
        .into_any()
}

/// The group, as the site offers it. One that is no longer offered stays, and is marked.
pub(crate) fn group_field(f: Fields, form: &KeyForm) -> AnyView {
    let held = f.group.get_untracked();
    if form.groups.is_empty() {
        return Line {
            label: t("group", &[]),
            input: text_box(f.group, Box::new(move |text| f.group.set(text))),
            hint: Signal::stored(t("group_unknown", &[])),
            wrong: wrong_in(f, KeyField::Group),
        }
        .view();
    }
    let own = match &form.own_group {
        Some(own) if !own.is_empty() => t("group_own_named", &[own]),
        Some(_) | None => t("group_own", &[]),
    };
    let mut names = vec![String::new()];
    let mut labels = vec![own];
    for offer in &form.groups {
        names.push(offer.name.clone());
        labels.push(offer_label(offer));
    }
    if !names.contains(&held) {
        labels.push(t("group_not_offered", &[&one_line(&held, 80)]));
        names.push(held);
    }
    let places = names.clone();
    let chosen = Signal::derive(move || {
        let group = f.group.get();
        places.iter().position(|name| *name == group).unwrap_or(0)
    });
    let set = move |place: usize| {
        if let Some(name) = names.get(place) {
            f.group.set(name.clone());
        }
    };
    labelled_choice("group", labels, chosen, Box::new(set))
        .kid(complaint(fresh_id(), wrong_in(f, KeyField::Group)))
        .into_any()
}

/// A group in a list: its name, its price, and what the site says of it.
pub(crate) fn offer_label(offer: &GroupOffer) -> String {
    let mut label = one_line(&offer.name, 80);
    if let Some(ratio) = &offer.ratio {
        // New API writes a word in the place of the ratio of `auto`.
        let is_number = ratio.parse::<f64>().is_ok();
        label.push_str(if is_number { " · ×" } else { " · " });
        label.push_str(&one_line(ratio, 20));
    }
    if !offer.about.is_empty() && offer.about != offer.name {
        label.push_str(" · ");
        label.push_str(&one_line(&offer.about, 80));
    }
    label
}

/// What only keys of the group `auto` have.
pub(crate) fn auto_fields(f: Fields, form: &KeyForm) -> AnyView {
    let (retry, choose) = (form.can.cross_group_retry, form.can.auto_groups);
    if !retry && !choose {
        return ().into_any();
    }
    let offered = form.auto_groups.clone();
    live(move || {
        (f.group.get() == AUTO_GROUP).then(|| {
            let offered = offered.clone();
            all![
                retry.then(|| tick(
                    t("cross_group_retry", &[]),
                    String::new(),
                    f.retry.into(),
                    move |on| f.retry.set(on),
                )),
                choose.then(|| auto_order(f, offered)),
            ]
        })
    })
}

/// The groups of `auto`, in their order: those ticked first.
fn auto_order(f: Fields, offered: Vec<String>) -> AnyView {
    let rows = move || {
        let chosen = f.auto_groups.get();
        let rest = offered.iter().filter(|name| !chosen.contains(name));
        let all: Vec<(usize, String, bool)> = chosen
            .iter()
            .map(|name| (name, true))
            .chain(rest.map(|name| (name, false)))
            .enumerate()
            .map(|(place, (name, on))| (place, name.clone(), on))
            .collect();
        let rows: Vec<AnyView> = all
            .into_iter()
            .map(|(place, name, on)| {
                let (toggled, raised) = (name.clone(), name.clone());
                let label = if on {
                    format!("{}. {}", place + 1, one_line(&name, 80))
                } else {
                    one_line(&name, 80)
                };
                el("div")
                    .class("row")
                    .kid(tick(label, String::new(), Signal::stored(on), move |on| {
                        f.auto_groups.update(|list| {
                            list.retain(|name| *name != toggled);
                            if on {
                                list.push(toggled.clone());
                            }
                        });
                    }))
                    .kid((on && place > 0).then(|| {
                        Btn::saying(t("move_up", &[&name]))
                            .silent(Icon::Up)
                            .class("small")
                            .on(move || {
                                f.auto_groups.update(|list| {
                                    if let Some(at) = list.iter().position(|name| *name == raised)
                                        && at > 0
                                    {
                                        list.swap(at, at - 1);
                                    }
                                });
                            })
                    }))
                    .into_any()
            })
            .collect();
        rows
    };
    el("div")
        .class("field")
        .a("role", "group")
        .a("aria-label", t("auto_groups", &[]))
        .kid(
            el("span")
                .class("legend")
                .a("aria-hidden", "true")
                .kid(t("auto_groups", &[])),
        )
        .kid(live(rows))
        .kid(el("span").class("hint").kid(t("auto_groups_hint", &[])))
        .kid(complaint(fresh_id(), wrong_in(f, KeyField::AutoGroups)))
        .into_any()
}
