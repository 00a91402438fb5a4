//! The right panel: everything about the chosen key.

use crate::acts::{self, Deed};
use crate::app::{app, with_stock};
use crate::copying;
use crate::el::{all, el, live};
use crate::grid_row::{RowWords, mask, state_class};
use crate::icons::Icon;
use crate::kit::{Btn, Tone, note};
use crate::line::{ask, spawn};
use crate::menu;
use crate::reveal;
use crate::words::{amount, from_seconds, full_time, now, t, when};
use leptos::prelude::*;
use relaykeep_core::keys::{self, KeyState};
use relaykeep_protocol::{GetKeyDetails, KeyDetails, KeyRef, KeyRow, SecretState, Unit};

#[derive(Clone, PartialEq)]
struct Chosen {
    key: KeyRef,
    row: KeyRow,
    account: String,
    host: String,
    own_group: Option<String>,
    unit: Unit,
    disabled: bool,
}

/// The panel.
pub(crate) fn details() -> AnyView {
    let app = app();
    let chosen = Memo::new(move |_| {
        app.stock.track();
        let key = app.chosen.get()?;
        with_stock(|stock| {
            let row = &stock.rows[stock.find(&key)?];
            let account = stock.account_of(row);
            Some(Chosen {
                key,
                row: row.key.clone(),
                account: account.view.name.clone(),
                host: account.host.clone(),
                own_group: account.view.group.clone(),
                unit: account.view.unit.clone(),
                disabled: account.view.own.disabled,
            })
        })
    });
    let more: RwSignal<Option<(KeyRef, KeyDetails)>> = RwSignal::new(None);
    // Only where the choice rests: holding an arrow key asks nothing.
    Effect::new(move || {
        let Some(Chosen { key, .. }) = chosen.get() else {
            return more.set(None);
        };
        let still = move |key: &KeyRef| {
            app.chosen
                .with_untracked(|chosen| chosen.as_ref() == Some(key))
        };
        crate::dom::after(80, move || {
            if !still(&key) {
                return;
            }
            spawn(async move {
                if let Ok(found) = ask(GetKeyDetails { key: key.clone() }).await
                    && still(&key)
                {
                    more.try_set(Some((key, found)));
                }
            });
        });
    });
    el("aside")
        .live("class", move || {
            if app.sheet.get() && chosen.with(Option::is_some) {
                "panel open"
            } else {
                "panel"
            }
        })
        .a("role", "region")
        .a("aria-label", t("details", &[]))
        .kid(live(move || match chosen.get() {
            Some(chosen) => about(chosen, more),
            None => hints(),
        }))
        .into_any()
}

fn about(chosen: Chosen, more: RwSignal<Option<(KeyRef, KeyDetails)>>) -> AnyView {
    let app = app();
    let words = RowWords::new();
    let row = chosen.row.clone();
    let state = keys::state(&row, now());
    let state_words = words.state(state).to_owned();
    let masked = keys::is_masked(&row);
    let held = row.secret == SecretState::Held;
    let key = chosen.key.clone();
    let is_shown = {
        let key = key.clone();
        Signal::derive(move || {
            app.shown
                .with(|shown| shown.as_ref().is_some_and(|shown| shown.key == key))
        })
    };
    let text = {
        let (key, mask) = (key.clone(), mask(&row.mask));
        move || match app.shown.get() {
            Some(shown) if shown.key == key => shown.text,
            _ => mask.clone(),
        }
    };
    let (copy, show, reveal_one) = (key.clone(), key.clone(), key.clone());
    let copy_word = Signal::derive(move || {
        t(
            match app.copied.get() {
                Some((copied, crate::app::Copied::Done)) if copied == key => "copied",
                _ => "copy",
            },
            &[],
        )
    });
    let line = |word: &str, value: AnyView| {
        all![el("dt").kid(t(word, &[])), el("dd").kid(value)].into_any()
    };
    let time = |at: Option<i64>| match at {
        Some(at) => {
            let at = from_seconds(at);
            el("span")
                .a("title", full_time(at))
                .kid(when(at))
                .into_any()
        }
        None => t("never", &[]).into_any(),
    };
    let remaining = match (row.unlimited, row.remaining, row.used) {
        (true, _, _) => t("unlimited", &[]),
        (false, Some(left), Some(used)) if left > 0 => t(
            "amount_of",
            &[
                &amount(left, &chosen.unit),
                &amount(left.saturating_add(used), &chosen.unit),
            ],
        ),
        (false, Some(left), _) => amount(left, &chosen.unit),
        (false, None, _) => t("unknown", &[]),
    };
    let group = if row.group.is_empty() {
        chosen.own_group.clone().unwrap_or_default()
    } else {
        row.group.clone()
    };
    let deeds: Vec<AnyView> = menu::deeds(&chosen.key)
        .into_iter()
        .map(|deed| {
            let key = chosen.key.clone();
            Btn::new(deed.word())
                .class(if deed.is_danger() { "danger" } else { "" })
                .on(move || acts::begin(deed, vec![key.clone()]))
        })
        .collect();
    let replaced = row
        .replaced_by
        .as_ref()
        .filter(|_| state != KeyState::Gone)
        .map(|_| replaced(&chosen, state));
    let unit = chosen.unit.clone();
    let gone = row.gone_since;
    let mine = chosen.key.clone();
    let extra = move || {
        let found = more
            .get()
            .filter(|(key, _)| *key == mine)
            .map(|(_, found)| found)?;
        let joined = |list: Option<Vec<String>>| {
            list.filter(|list| !list.is_empty())
                .map(|list| list.join(", "))
        };
        let no_limit = || t("no_limit", &[]);
        Some(
            all![
                el("dt").kid(t("models", &[])),
                el("dd").kid(joined(found.models).unwrap_or_else(no_limit)),
                el("dt").kid(t("addresses", &[])),
                el("dd").kid(joined(found.addresses).unwrap_or_else(no_limit)),
                found.revealed_at.map(|at| all![
                    el("dt").kid(t("revealed_at", &[])),
                    el("dd").a("title", full_time(at)).kid(when(at))
                ]),
                el("dt").kid(t("base_url", &[])),
                el("dd").class("mono").kid(found.base_url)
            ]
            .into_any(),
        )
    };
    all![
        el("h2").kid(words.name(&row.name).to_owned()),
        el("div")
            .class("muted")
            .kid(chosen.account.clone())
            .kid(" · ")
            .kid(chosen.host.clone()),
        Btn::new("close")
            .silent(Icon::Close)
            .class("close")
            .on(move || app.sheet.set(false)),
        el("div")
            .class("secret")
            .kid(el("span").class("mono").kid(live(text))),
        replaced,
        chosen
            .disabled
            .then(|| note(Tone::Plain, t("key_of_disabled", &[]), Vec::new())),
        el("div")
            .class("acts")
            .kid(
                Btn::saying(copy_word)
                    .icon(Icon::Copy)
                    .primary()
                    .on(move || copying::copy(copy.clone()))
            )
            .kid(held.then(|| {
                Btn::saying(Signal::derive(move || {
                    t(if is_shown.get() { "hide" } else { "show" }, &[])
                }))
                .icon(Icon::Show)
                .on(move || copying::show_or_hide(show.clone()))
            }))
            .kid(masked.then(|| {
                Btn::new("reveal")
                    .icon(Icon::Reveal)
                    .on(move || reveal::start(vec![reveal_one.clone()]))
            })),
        el("dl")
            .kid(line(
                "status",
                el("span")
                    .class("row")
                    .kid(el("span").class(state_class(state)))
                    .kid(state_words)
                    .into_any()
            ))
            .kid(
                (state == KeyState::Gone)
                    .then(|| line("gone_since", gone.map(when).unwrap_or_default().into_any()))
            )
            .kid(line("remaining", remaining.into_any()))
            .kid(
                row.used
                    .map(|used| line("used", amount(used, &unit).into_any()))
            )
            .kid(line("expires", time(row.expires)))
            .kid((!group.is_empty()).then(|| line("group", group.clone().into_any())))
            .kid(line("last_used", time(row.last_used)))
            .kid(line("created", time(row.created)))
            .kid(live(extra)),
        el("div").class("acts deeds").kid(deeds)
    ]
    .into_any()
}

/// Another key stands in its place: what becomes of the old one is the user's to say.
fn replaced(chosen: &Chosen, state: KeyState) -> AnyView {
    let offer = |deed: Deed, word: &str| {
        let key = chosen.key.clone();
        Btn::new(word)
            .class("small")
            .on(move || acts::begin(deed, vec![key.clone()]))
    };
    let twin = chosen.row.replaced_by.clone().map(|id| KeyRef {
        account: chosen.key.account.clone(),
        id,
    });
    let mut steps = Vec::new();
    if let Some(twin) = twin {
        steps.push(
            Btn::new("see_twin")
                .class("small")
                .on(move || crate::grid::choose(twin.clone())),
        );
    }
    if state != KeyState::Disabled {
        steps.push(offer(Deed::Disable, "disable_old"));
    }
    steps.push(offer(Deed::Delete, "delete_old"));
    let about = if state == KeyState::Disabled {
        "replaced_about_off"
    } else {
        "replaced_about"
    };
    note(Tone::Plain, t(about, &[]), steps)
}

/// Nothing is chosen: the keyboard, in short.
fn hints() -> AnyView {
    all![
        el("h2").kid(t("nothing_chosen", &[])),
        el("p").class("muted").kid(t("nothing_chosen_about", &[])),
        el("dl").class("hints").kid(shortcuts())
    ]
    .into_any()
}

/// What the keyboard can do.
pub(crate) fn shortcuts() -> Vec<AnyView> {
    [
        ("/", "key_search"),
        ("↑ ↓", "key_move"),
        ("x", "key_select"),
        ("c", "key_copy"),
        ("e", "key_edit"),
        ("n", "key_new"),
        ("s", "key_sync"),
        ("Ctrl L", "key_lock"),
        ("?", "key_help"),
    ]
    .into_iter()
    .map(|(key, word)| {
        all![el("dt").kid(el("kbd").kid(key)), el("dd").kid(t(word, &[]))].into_any()
    })
    .collect()
}
