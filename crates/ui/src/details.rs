//! The right panel: everything about the chosen key.

use crate::app::{app, with_stock};
use crate::copying;
use crate::grid_row::{RowWords, mask, state_class};
use crate::icons::Icon;
use crate::kit::{Btn, alert, dialog};
use crate::line::{ask, spawn};
use crate::reveal;
use crate::stock::count;
use crate::troubles;
use crate::words::{amount, from_seconds, full_time, now, t, tn, when};
use leptos::prelude::*;
use relaykeep_core::keys::{self, KeyState};
use relaykeep_protocol::{
    GetKeyDetails, KeyDetails, KeyRef, KeyRow, RemoveKeyHere, SecretState, Unit,
};

#[derive(Clone, PartialEq)]
struct Chosen {
    key: KeyRef,
    row: KeyRow,
    account: String,
    host: String,
    own_group: Option<String>,
    unit: Unit,
}

/// The panel.
pub(crate) fn details(removing: RwSignal<Option<Vec<KeyRef>>>) -> AnyView {
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
    view! {
        <aside
            class=move || if app.sheet.get() && chosen.with(Option::is_some) { "panel open" } else { "panel" }
            role="region"
            aria-label=t("details", &[])
        >
            {move || match chosen.get() {
                Some(chosen) => about(chosen, more, removing),
                None => hints(),
            }}
        </aside>
    }
    .into_any()
}

fn about(
    chosen: Chosen,
    more: RwSignal<Option<(KeyRef, KeyDetails)>>,
    removing: RwSignal<Option<Vec<KeyRef>>>,
) -> AnyView {
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
    let (copy, show, reveal_one, remove) = (key.clone(), key.clone(), key.clone(), key.clone());
    let copy_word = Signal::derive(move || {
        t(
            match app.copied.get() {
                Some((copied, crate::app::Copied::Done)) if copied == key => "copied",
                _ => "copy",
            },
            &[],
        )
    });
    let line =
        |word: &str, value: AnyView| view! { <dt>{t(word, &[])}</dt><dd>{value}</dd> }.into_any();
    let time = |at: Option<i64>| match at {
        Some(at) => {
            let at = from_seconds(at);
            view! { <span title=full_time(at)>{when(at)}</span> }.into_any()
        }
        None => t("never", &[]).into_any(),
    };
    let remaining = match (row.unlimited, row.remaining, row.used) {
        (true, _, _) => t("unlimited", &[]),
        (false, Some(left), Some(used)) if left > 0 => {
            t("amount_of", &[&amount(left, &chosen.unit), &amount(left.saturating_add(used), &chosen.unit)])
        }
        (false, Some(left), _) => amount(left, &chosen.unit),
        (false, None, _) => t("unknown", &[]),
    };
    let group = if row.group.is_empty() {
        chosen.own_group.clone().unwrap_or_default()
    } else {
        row.group.clone()
    };
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
            view! {
                <dt>{t("models", &[])}</dt>
                <dd>{joined(found.models).unwrap_or_else(no_limit)}</dd>
                <dt>{t("addresses", &[])}</dt>
                <dd>{joined(found.addresses).unwrap_or_else(no_limit)}</dd>
                {found.revealed_at.map(|at| view! { <dt>{t("revealed_at", &[])}</dt><dd title=full_time(at)>{when(at)}</dd> })}
                <dt>{t("base_url", &[])}</dt>
                <dd class="mono">{found.base_url}</dd>
            }
            .into_any(),
        )
    };
    view! {
        <h2>{words.name(&row.name).to_owned()}</h2>
        <div class="muted">{chosen.account.clone()} " · " {chosen.host.clone()}</div>
        {Btn::new("close").silent(Icon::Close).class("close").on(move || app.sheet.set(false))}
        <div class="secret">
            <span class="mono">{text}</span>
        </div>
        <div class="acts">
            {Btn::saying(copy_word).icon(Icon::Copy).primary().on(move || copying::copy(copy.clone()))}
            {held.then(|| {
                Btn::saying(Signal::derive(move || t(if is_shown.get() { "hide" } else { "show" }, &[])))
                    .icon(Icon::Show)
                    .on(move || copying::show_or_hide(show.clone()))
            })}
            {masked.then(|| Btn::new("reveal").icon(Icon::Reveal).on(move || reveal::start(vec![reveal_one.clone()])))}
        </div>
        <dl>
            {line("status", view! {
                <span class="row">
                    <span class=state_class(state)></span>
                    {state_words}
                </span>
            }.into_any())}
            {(state == KeyState::Gone).then(|| line("gone_since", gone.map(when).unwrap_or_default().into_any()))}
            {line("remaining", remaining.into_any())}
            {row.used.map(|used| line("used", amount(used, &unit).into_any()))}
            {line("expires", time(row.expires))}
            {(!group.is_empty()).then(|| line("group", group.clone().into_any()))}
            {line("last_used", time(row.last_used))}
            {line("created", time(row.created))}
            {extra}
        </dl>
        <div class="acts">
            {Btn::new("remove_here_more").class("danger").on(move || removing.set(Some(vec![remove.clone()])))}
        </div>
    }
    .into_any()
}

/// Nothing is chosen: the keyboard, in short.
fn hints() -> AnyView {
    view! {
        <h2>{t("nothing_chosen", &[])}</h2>
        <p class="muted">{t("nothing_chosen_about", &[])}</p>
        <dl class="hints">{shortcuts()}</dl>
    }
    .into_any()
}

/// What the keyboard can do.
pub(crate) fn shortcuts() -> Vec<AnyView> {
    [
        ("/", "key_search"),
        ("↑ ↓", "key_move"),
        ("x", "key_select"),
        ("c", "key_copy"),
        ("s", "key_sync"),
        ("Ctrl L", "key_lock"),
        ("?", "key_help"),
    ]
    .into_iter()
    .map(|(key, word)| view! { <dt><kbd>{key}</kbd></dt><dd>{t(word, &[])}</dd> }.into_any())
    .collect()
}

/// Removing keys here asks first, and says that the site keeps them.
pub(crate) fn remove_dialog(removing: RwSignal<Option<Vec<KeyRef>>>) -> AnyView {
    let open = crate::accounts::flag(removing);
    dialog(open, "remove_keys", move || {
        let keys = removing.get_untracked().unwrap_or_default();
        let wrong = RwSignal::new(None);
        let busy = RwSignal::new(false);
        let about = tn("remove_keys_about", count(keys.len()), &[]);
        let remove = move || {
            let keys = keys.clone();
            busy.set(true);
            spawn(async move {
                for key in keys {
                    if let Err(code) = ask(RemoveKeyHere { key }).await {
                        wrong.try_set(Some(troubles::error(&code)));
                        busy.try_set(false);
                        return;
                    }
                }
                app().say(t("keys_removed", &[]));
                open.try_set(false);
            });
        };
        view! {
            <p>{about}</p>
            <p class="muted">{t("remove_keys_site", &[])}</p>
            {alert(wrong)}
            <div class="acts">
                {Btn::new("cancel").on(move || open.set(false))}
                {Btn::new("remove_here").class("danger primary").off(busy).on(remove)}
            </div>
        }
        .into_any()
    })
}
