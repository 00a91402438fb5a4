//! The popup's top: which site this tab is, and what can be done with it.

use crate::account_form::{Form, Place, account_form, ask_for_site, nothing};
use crate::accounts::sync;
use crate::app::{app, with_stock};
use crate::browser_login;
use crate::dom;
use crate::el::{all, el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Tone, note};
use crate::line::{ask, spawn};
use crate::reveal;
use crate::stock::count;
use crate::troubles;
use crate::words::{amount, kind_name, t, tn, when};
use leptos::prelude::*;
use relaykeep_core::keys;
use relaykeep_protocol::{
    AccountDraft, AccountId, Clue, ErrorCode, KeepDraft, Look, LookAtTab, MakeToken, Recognition,
    SiteKind, SiteTrouble, TabSite, TakeDraft, TakeShownToken, TokenOffer,
};
use web_sys::Event;

/// The region.
pub(crate) fn tab_site(adding: RwSignal<bool>) -> AnyView {
    let site: RwSignal<Option<TabSite>> = RwSignal::new(None);
    let wrong = RwSignal::new(None);
    let checking = RwSignal::new(false);
    let form = Form::new();
    let look = move |ask_anyway: bool| {
        checking.set(true);
        spawn(async move {
            match ask(LookAtTab { ask_anyway }).await {
                Ok(found) => {
                    wrong.try_set(None);
                    site.try_set(Some(found));
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            checking.try_set(false);
        });
    };
    // A half-filled form waits here while the user fetched a token.
    let kept: RwSignal<Option<AccountDraft>> = RwSignal::new(None);
    // Asking starts the worker: the rows that are here already are painted first.
    dom::once_painted(move || {
        look(false);
        spawn(async move {
            if let Ok(draft) = ask(TakeDraft {}).await {
                kept.try_set(draft);
            }
        });
    });
    Effect::new(move || {
        // Over another site it would send what is typed for that one to this one.
        let same = site.with(|site| {
            kept.with(|draft| match (site, draft) {
                (Some(site), Some(draft)) => is_of(site, &draft.address),
                (_, None) | (None, _) => false,
            })
        });
        if same && let Some(draft) = kept.write_untracked().take() {
            form.fill(draft);
            adding.set(true);
        }
    });
    keep_draft(form, adding);
    let check = move || {
        // Looking needs no permission: opening the popup let us see this tab.
        look(true);
    };
    el("section")
        .class("site")
        .a("role", "region")
        .a("aria-label", t("this_site", &[]))
        .kid(live(move || match site.get() {
            None => el("div")
                .class("l muted")
                .kid(live(move || {
                    wrong.get().unwrap_or_else(|| t("looking", &[]))
                }))
                .into_any(),
            Some(found) => all![
                browser_login::seen_keys(&found.seen, move || look(false)),
                known(found, form, adding, checking.into(), check)
            ]
            .into_any(),
        }))
        .into_any()
}

/// A half-filled form is about the site of this tab.
fn is_of(site: &TabSite, address: &str) -> bool {
    match (&site.recognition, &site.origin) {
        (Recognition::Relay { base_url, .. }, _) => base_url == address,
        (
            Recognition::NoHint
            | Recognition::NotARelay(_)
            | Recognition::Unreachable
            | Recognition::Challenge,
            Some(origin),
        ) => address
            .strip_prefix(origin.as_str())
            .is_some_and(|path| path.is_empty() || path.starts_with('/')),
        (
            Recognition::NoHint
            | Recognition::NotARelay(_)
            | Recognition::Unreachable
            | Recognition::Challenge,
            None,
        ) => false,
    }
}

/// Keeps the form over the popup's closing, a moment after each change.
fn keep_draft(form: Form, adding: RwSignal<bool>) {
    let turn = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        let draft = form.draft();
        if before.is_none() || !adding.get() {
            return;
        }
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        crate::dom::after(150, move || {
            if turn.try_get_value() == Some(mine) && adding.try_get_untracked() == Some(true) {
                spawn(async move {
                    let _ = ask(KeepDraft { draft: Some(draft) }).await;
                });
            }
        });
    });
}

fn known(
    site: TabSite,
    form: Form,
    adding: RwSignal<bool>,
    checking: Signal<bool>,
    check: impl Fn() + Copy + 'static,
) -> AnyView {
    let Some(origin) = site.origin.clone() else {
        return el("div")
            .class("l muted")
            .kid(t("site_closed", &[]))
            .into_any();
    };
    let host = origin
        .split_once("://")
        .map_or(origin.as_str(), |(_, host)| host)
        .to_owned();
    let check_button = move || {
        Btn::new("check_site")
            .class("small")
            .off(checking)
            .on(check)
    };
    let warning = look_alike(site.looks_like.as_ref());
    if adding.get() {
        return all![warning, adding_form(&site, &host, form, adding)].into_any();
    }
    let shown = match site.recognition.clone() {
        Recognition::Relay {
            kind,
            base_url,
            site_name,
            clues,
            generation: _,
        } => {
            let account = site.accounts.first().cloned();
            match account {
                Some(account) => held(
                    &host,
                    kind,
                    account,
                    &site.accounts,
                    form,
                    adding,
                    &base_url,
                ),
                None => {
                    let name = site_name.unwrap_or_default();
                    let start = move || {
                        start_adding(
                            form,
                            adding,
                            &base_url,
                            kind,
                            site.user_id.clone(),
                            site.username.clone(),
                        )
                    };
                    all![
                        headline("dot good", &host, Some(kind)),
                        el("div").class("say").kid(if name.is_empty() {
                            t("site_new", &[])
                        } else {
                            t("site_new_named", &[&name])
                        }),
                        el("div")
                            .class("acts")
                            .kid(Btn::new("add_site").primary().class("small").on(start))
                            .kid(check_button()),
                        why(&clues, site.look)
                    ]
                    .into_any()
                }
            }
        }
        Recognition::NoHint => plain(&host, "site_no_hint", check_button(), None),
        Recognition::NotARelay(clues) => plain(
            &host,
            "site_not_relay",
            check_button(),
            Some(why(&clues, site.look)),
        ),
        Recognition::Unreachable => plain(&host, "site_unreachable", check_button(), None),
        Recognition::Challenge => plain(&host, "site_challenge", check_button(), None),
    };
    all![warning, shown].into_any()
}

fn headline(dot: &'static str, host: &str, kind: Option<SiteKind>) -> AnyView {
    el("div")
        .class("l")
        .kid(el("span").class(dot))
        .kid(el("b").class("cut").kid(host.to_owned()))
        .kid(kind.map(|kind| el("span").class("tag").kid(kind_name(kind))))
        .into_any()
}

fn plain(host: &str, word: &str, button: AnyView, more: Option<AnyView>) -> AnyView {
    all![
        el("div")
            .class("l")
            .kid(el("span").class("dot"))
            .kid(el("b").class("cut grow").kid(host.to_owned()))
            .kid(button),
        el("div").class("say").kid(t(word, &[])),
        more
    ]
    .into_any()
}

/// An account of this site is here.
fn held(
    host: &str,
    kind: SiteKind,
    account: AccountId,
    all: &[AccountId],
    form: Form,
    adding: RwSignal<bool>,
    base_url: &str,
) -> AnyView {
    let app = app();
    let (sync_id, reveal_id, offered) = (account.clone(), account.clone(), account.clone());
    let facts = {
        let account = account.clone();
        Memo::new(move |_| {
            app.stock.track();
            with_stock(|stock| {
                let held = stock.account(&account)?;
                let index = stock.account_index(&account)?;
                let rows = || stock.rows.iter().filter(|row| row.account == index);
                let masked = count(rows().filter(|row| keys::is_masked(&row.key)).count());
                let mut facts = Vec::new();
                if let Some(balance) = held.view.balance {
                    facts.push(amount(balance, &held.view.unit));
                }
                facts.push(tn("keys_held", count(rows().count()), &[]));
                if masked > 0 {
                    facts.push(tn("masked_keys", masked, &[]));
                }
                let (tone, words) = crate::accounts::account_words(&held.view);
                let trouble = (tone != Tone::Good && tone != Tone::Plain).then_some(words);
                Some((held.view.name.clone(), facts.join(" · "), masked, trouble))
            })
        })
    };
    let others = all.len() > 1;
    let base_url = base_url.to_owned();
    let another = move || start_adding(form, adding, &base_url, kind, None, None);
    let reveal_id = StoredValue::new(reveal_id);
    let reveal_these = move || {
        let keys = with_stock(|stock| {
            let index = reveal_id.with_value(|id| stock.account_index(id));
            stock.masked(|row| Some(row.account) == index)
        });
        reveal::offer(keys);
    };
    all![
        el("div")
            .class("l")
            .kid(el("span").class("dot good"))
            .kid(el("b").class("cut").kid(host.to_owned()))
            .kid(el("span").class("tag").kid(kind_name(kind)))
            .kid(el("span").class("grow"))
            .kid((!others).then(|| Btn::new("add_another").silent(Icon::Add).on(another)))
            .kid(
                Btn::new("sync_site")
                    .class("small")
                    .on(move || sync(vec![sync_id.clone()]))
            ),
        el("div").class("say").kid(live(move || facts.get().map(
            |(name, facts, masked, trouble)| all![
                t("your_account", &[]),
                " ",
                el("b").kid(name),
                " · ",
                facts,
                trouble.map(|trouble| el("span").class("warn").kid(" · ").kid(trouble)),
                (masked > 0).then(|| el("button")
                    .a("type", "button")
                    .class("link")
                    .on("click", move |_: Event| reveal_these())
                    .kid(t("reveal", &[])))
            ]
        ))),
        live(move || {
            app.stock.track();
            let offers = with_stock(|stock| Some(stock.account(&offered)?.view.offers_token));
            (offers == Some(true)).then(|| browser_login::token_offer(&offered))
        })
    ]
    .into_any()
}

fn start_adding(
    form: Form,
    adding: RwSignal<bool>,
    base_url: &str,
    kind: SiteKind,
    user_id: Option<String>,
    username: Option<String>,
) {
    let _ = username;
    form.clear();
    form.address.set(base_url.to_owned());
    form.kind.set(Some(kind));
    if let Some(user_id) = user_id {
        form.user_id.set(user_id);
    }
    adding.set(true);
}

fn adding_form(site: &TabSite, host: &str, form: Form, adding: RwSignal<bool>) -> AnyView {
    if form.address.with_untracked(String::is_empty)
        && let Some(origin) = &site.origin
    {
        form.address.set(origin.clone());
    }
    let close = move || {
        adding.set(false);
        spawn(async {
            let _ = ask(KeepDraft { draft: None }).await;
        });
    };
    let kind = match &site.recognition {
        Recognition::Relay { kind, .. } => Some(*kind),
        Recognition::NoHint
        | Recognition::NotARelay(_)
        | Recognition::Unreachable
        | Recognition::Challenge => None,
    };
    if let Some(kind) = kind.filter(|kind| kind.signs_in()) {
        // Then the form asks for what signs in there.
        form.kind.set(Some(kind));
    }
    let more = match site.token {
        Some(TokenOffer::Shown) => use_shown(form),
        Some(TokenOffer::OnlyByReplacing) => make_token(form, close),
        Some(TokenOffer::SignedOut) => note(Tone::Plain, t("signed_out", &[]), Vec::new()),
        None => nothing(),
    };
    let shares = match (&site.recognition, site.token) {
        (_, Some(TokenOffer::SignedOut)) => nothing(),
        (Recognition::Relay { kind, .. }, _) if kind.home().is_some() => nothing(),
        (
            Recognition::Relay {
                kind, generation, ..
            },
            _,
        ) => browser_login::use_it(form, *kind, *generation, close),
        (
            Recognition::NoHint
            | Recognition::NotARelay(_)
            | Recognition::Unreachable
            | Recognition::Challenge,
            _,
        ) => nothing(),
    };
    let more = all![more, shares].into_any();
    all![
        headline("dot good", host, kind),
        account_form(form, Place::Popup, more, move || adding.set(false), close)
    ]
    .into_any()
}

/// What went wrong in the site's own page: a login that ended is that page's, and no token's.
fn in_page_error(code: &ErrorCode) -> String {
    if *code == ErrorCode::Site(SiteTrouble::LoginExpired) {
        t("signed_out", &[])
    } else {
        troubles::error(code)
    }
}

/// The site shows the token the login already has.
fn use_shown(form: Form) -> AnyView {
    let take = move || {
        spawn(async move {
            match ask(TakeShownToken {}).await {
                Ok(token) => {
                    form.token.try_set(token.0);
                    app().say(t("token_taken", &[]));
                }
                Err(code) => {
                    form.wrong.try_set(Some(in_page_error(&code)));
                }
            }
        });
    };
    el("div")
        .class("row")
        .kid(Btn::new("use_shown_token").class("small").on(take))
        .into_any()
}

/// A token can only be made anew: says exactly what that does, and waits for a yes.
fn make_token(form: Form, done: impl Fn() + Copy + Send + 'static) -> AnyView {
    let sure = RwSignal::new(false);
    let go = move || {
        // First of all, while the browser still sees the click. It may close the popup; the
        // worker goes on without us.
        let _ = ask_for_site(&form.address.get_untracked());
        let draft = untrack(|| form.draft());
        form.busy.set(true);
        form.wrong.set(None);
        sure.set(false);
        spawn(async move {
            match ask(MakeToken { draft }).await {
                Err(code @ ErrorCode::Site(SiteTrouble::LoginExpired)) => {
                    form.busy.try_set(false);
                    form.wrong.try_set(Some(in_page_error(&code)));
                }
                answer => form.read(answer, done),
            }
        });
    };
    live(move || {
        if sure.get() {
            note(
                Tone::Warn,
                t("replace_token_about", &[]),
                vec![
                    Btn::new("replace_token")
                        .class("small danger")
                        .off(form.busy)
                        .on(go),
                    Btn::new("cancel")
                        .class("small")
                        .on(move || sure.set(false)),
                ],
            )
        } else {
            el("div")
                .class("row")
                .kid(
                    Btn::new("make_token")
                        .class("small")
                        .off(form.busy)
                        .on(move || sure.set(true)),
                )
                .into_any()
        }
    })
    .into_any()
}

/// The clues with their points, when the site was looked at, and at which cost.
pub(crate) fn why(clues: &[Clue], look: Look) -> AnyView {
    if clues.is_empty() {
        return ().into_any();
    }
    let mut list: Vec<AnyView> = clues
        .iter()
        .map(|clue| {
            let sign = if clue.points > 0 { "+" } else { "" };
            let words = t(&clue.what, &[]);
            let kind = clue
                .kind
                .map(|kind| format!("{} ", kind.name()))
                .unwrap_or_default();
            el("li")
                .kid(el("span").class("grow").kid(words))
                .kid(el("span").kid(format!("{kind}{sign}{}", clue.points)))
                .into_any()
        })
        .collect();
    let score: i32 = clues.iter().map(|clue| clue.points).sum();
    list.push(
        el("li")
            .class("sum")
            .kid(el("span").class("grow").kid(t("score", &[])))
            .kid(el("b").kid(score.to_string()))
            .into_any(),
    );
    let asked = tn("looked_at", look.requests, &[&when(look.at)]);
    el("details")
        .class("why")
        .kid(el("summary").kid(t("why", &[])))
        .kid(el("ul").kid(list))
        .kid(el("p").class("faint small").kid(asked))
        .into_any()
}

/// This address can be taken for that of a site with an account here.
fn look_alike(known: Option<&AccountId>) -> Option<AnyView> {
    let known = known?;
    let host = with_stock(|stock| stock.account(known).map(|account| account.host.clone()))?;
    Some(note(Tone::Bad, t("looks_like", &[&host]), Vec::new()))
}
