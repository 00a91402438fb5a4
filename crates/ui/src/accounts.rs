//! The accounts: health, balance, freshness, and what can be done with each.

use crate::account_form::{Form, Place, account_form, ask_for_site, nothing};
use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::el::{all, el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Takes, Tone, alert, dialog, field, note};
use crate::line::{ask, spawn};
use crate::stock::Account;
use crate::troubles::{self, is_passing, short_trouble, site_trouble};
use crate::words::{amount, kind_name, t, tn, when};
use leptos::prelude::*;
use relaykeep_protocol::{
    AccountEdit, AccountId, AccountView, EditAccount, Health, RemoveAccount, Sensitive,
    SiteTrouble, Sync,
};
use relaykeep_webext::page;

/// What is being asked about an account.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    adding: RwSignal<bool>,
    editing: RwSignal<Option<AccountId>>,
    removing: RwSignal<Option<AccountId>>,
}

impl Asking {
    /// Nothing.
    pub(crate) fn new() -> Self {
        Self {
            adding: RwSignal::new(false),
            editing: RwSignal::new(None),
            removing: RwSignal::new(None),
        }
    }

    /// Opens the form for a new one.
    pub(crate) fn add(self) {
        self.adding.set(true);
    }
}

/// The section.
pub(crate) fn accounts_page() -> AnyView {
    let app = app();
    let asking = app.asking;
    let ids = Memo::new(move |_| {
        app.stock.track();
        with_stock(|stock| {
            stock
                .accounts
                .iter()
                .map(|account| account.view.id.clone())
                .collect::<Vec<_>>()
        })
    });
    el("div")
        .class("page")
        .kid(
            el("div")
                .class("in")
                .kid(
                    el("div")
                        .class("head")
                        .kid(el("h1").class("grow").kid(t("accounts", &[])))
                        .kid(
                            Btn::new("sync_all")
                                .icon(Icon::Sync)
                                .off(Signal::derive(move || ids.with(Vec::is_empty)))
                                .on(|| sync(Vec::new())),
                        )
                        .kid(
                            Btn::new("add_account")
                                .icon(Icon::Add)
                                .primary()
                                .on(move || asking.adding.set(true)),
                        ),
                )
                .kid(crate::activity::work())
                .kid(live(move || {
                    if ids.with(Vec::is_empty) {
                        return el("p").class("lead").kid(t("no_accounts", &[])).into_any();
                    }
                    el("div")
                        .class("card")
                        .kid(
                            view! { <For each=move || ids.get() key=Clone::clone children=line /> }
                                .into_any(),
                        )
                        .into_any()
                })),
        )
        .into_any()
}

/// Syncs these; none means all.
pub(crate) fn sync(accounts: Vec<AccountId>) {
    spawn(async move {
        if let Err(code) = ask(Sync { accounts }).await {
            fail(&troubles::error(&code));
        }
    });
}

fn line(id: AccountId) -> AnyView {
    let app = app();
    let view = {
        let id = id.clone();
        Memo::new(move |_| {
            app.stock.track();
            with_stock(|stock| {
                stock
                    .account(&id)
                    .map(|account| (account.view.clone(), account.host.clone()))
            })
        })
    };
    let data = id.0.clone();
    live(move || {
        let (account, host) = view.get()?;
        let id = account.id.clone();
        let (edit, remove, sync_id, new) = (id.clone(), id.clone(), id.clone(), id.clone());
        let asking = app.asking;
        let (name, label) = (account.name.clone(), account.name.clone());
        Some(
            el("article")
                .class("acc")
                .a("data-account", data.clone())
                .a("aria-label", label)
                .kid(
                    el("div")
                        .class("what")
                        .kid(health_dot(&account.health))
                        .kid(el("b").class("cut").kid(name))
                        .kid(el("span").class("faint cut").kid(host))
                        .kid(el("span").class("tag").kid(kind_name(account.kind))),
                )
                .kid(
                    el("div")
                        .class("do")
                        .kid(
                            Btn::new("sync")
                                .class("small")
                                .on(move || sync(vec![sync_id.clone()])),
                        )
                        .kid(
                            Btn::new("new_key")
                                .class("small")
                                .on(move || crate::acts::new_key(Some(new.clone()))),
                        )
                        .kid(
                            Btn::new("edit")
                                .class("small")
                                .on(move || asking.editing.set(Some(edit.clone()))),
                        )
                        .kid(
                            Btn::new("remove_here_more")
                                .class("small danger")
                                .on(move || asking.removing.set(Some(remove.clone()))),
                        ),
                )
                .kid(el("div").class("more").kid(facts(&account)))
                .kid(warnings(&account))
                .into_any(),
        )
    })
    .into_any()
}

/// Good, warn or bad at a glance.
fn health_dot(health: &Health) -> AnyView {
    let (tone, words) = health_words(health);
    el("span")
        .class(format!("dot {}", tone.class()))
        .a("role", "img")
        .a("aria-label", words.clone())
        .a("title", words)
        .into_any()
}

/// How an account is, in tone and a few words.
pub(crate) fn health_words(health: &Health) -> (Tone, String) {
    match health {
        Health::New => (Tone::Plain, t("never_synced", &[])),
        Health::Good => (Tone::Good, t("health_good", &[])),
        Health::Trouble(trouble) => (
            if is_passing(trouble) {
                Tone::Warn
            } else {
                Tone::Bad
            },
            short_trouble(trouble),
        ),
    }
}

/// How fresh an account's rows are, for the head of its group.
pub(crate) fn freshness(account: &Account) -> (Tone, String) {
    match (&account.view.health, account.view.synced_at) {
        (Health::Good, Some(at)) => (Tone::Good, t("synced_when", &[&when(at)])),
        (health, _) => health_words(health),
    }
}

fn facts(account: &AccountView) -> Vec<AnyView> {
    let mut facts = Vec::new();
    let mut say = |text: String| facts.push(el("span").kid(text).into_any());
    if account.health != Health::New {
        let (_, health) = health_words(&account.health);
        say(health);
    }
    if let Some(balance) = account.balance {
        say(t("balance_left", &[&amount(balance, &account.unit)]));
    }
    say(match account.synced_at {
        Some(at) => t("synced_when", &[&when(at)]),
        None => t("never_synced", &[]),
    });
    say(tn("keys_held", account.keys, &[]));
    if let Some(user) = &account.username {
        say(user.clone());
    }
    if account.way.shares() {
        say(t("shares_login", &[]));
    }
    facts
}

fn warnings(account: &AccountView) -> Option<AnyView> {
    let mut notes = Vec::new();
    if let Health::Trouble(trouble) = &account.health {
        let tone = if is_passing(trouble) {
            Tone::Warn
        } else {
            Tone::Bad
        };
        notes.push(note(
            tone,
            site_trouble(trouble),
            step(&account.id, trouble).into_iter().collect(),
        ));
    }
    if account.offers_token {
        notes.push(crate::browser_login::token_offer(&account.id));
    }
    if account.token_in_doubt {
        notes.push(note(
            Tone::Warn,
            t("outcome_token_doubt", &[]),
            vec![edit_step(&account.id)],
        ));
    }
    if account.in_clear {
        notes.push(note(Tone::Warn, t("account_in_clear", &[]), Vec::new()));
    }
    if let Some(cut) = account.cut_at {
        notes.push(note(Tone::Plain, tn("cut_cap", cut, &[]), Vec::new()));
    }
    (!notes.is_empty()).then(|| el("div").class("say stack").kid(notes).into_any())
}

/// What to do about a trouble, as a button.
pub(crate) fn step(account: &AccountId, trouble: &SiteTrouble) -> Option<AnyView> {
    let id = account.clone();
    match trouble {
        SiteTrouble::PermissionMissing => Some(
            Btn::new("grant_access")
                .class("small")
                .on(move || grant(id.clone())),
        ),
        SiteTrouble::AnsweredAsOther if !crate::browser_login::shares(account) => {
            Some(edit_step(account))
        }
        SiteTrouble::LoginExpired | SiteTrouble::UserIdMismatch | SiteTrouble::UserDisabled => {
            Some(edit_step(account))
        }
        SiteTrouble::Challenge
        | SiteTrouble::VerificationRequired
        | SiteTrouble::AnsweredAsOther
        | SiteTrouble::SignInAtSite
        | SiteTrouble::TabNeeded => Some(
            Btn::new("open_site")
                .class("small")
                .icon(Icon::Open)
                .on(move || open_site(&id)),
        ),
        SiteTrouble::Offline
        | SiteTrouble::Unreachable
        | SiteTrouble::TimedOut
        | SiteTrouble::ServerError { .. }
        | SiteTrouble::BadAnswer => Some(
            Btn::new("try_again")
                .class("small")
                .on(move || sync(vec![id.clone()])),
        ),
        SiteTrouble::Redirected
        | SiteTrouble::RateLimited { .. }
        | SiteTrouble::NotARelay
        | SiteTrouble::AnswerTooLarge
        | SiteTrouble::Refused
        | SiteTrouble::Absent
        | SiteTrouble::KindChanged { .. }
        | SiteTrouble::WrongKey => None,
    }
}

fn edit_step(account: &AccountId) -> AnyView {
    let id = account.clone();
    Btn::new("update_token")
        .class("small")
        .on(move || app().asking.editing.set(Some(id.clone())))
}

fn base_url(account: &AccountId) -> Option<String> {
    with_stock(|stock| {
        stock
            .account(account)
            .map(|account| account.view.base_url.clone())
    })
}

/// Asks the browser, then syncs.
pub(crate) fn grant(account: AccountId) {
    let asked = base_url(&account).and_then(|url| ask_for_site(&url));
    spawn(async move {
        if let Some(asked) = asked
            && asked.await
        {
            sync(vec![account]);
        }
    });
}

/// Opens an account's site in a tab.
pub(crate) fn open_site(account: &AccountId) {
    if let Some(url) = base_url(account) {
        spawn(async move { page::open_tab(&url).await });
    }
}

/// The windows that ask about an account.
pub(crate) fn account_dialogs() -> AnyView {
    let asking = app().asking;
    let editing = flag(asking.editing);
    let removing = flag(asking.removing);
    (
        dialog(asking.adding, "add_account", move || {
            let form = Form::new();
            let close = move || asking.adding.set(false);
            account_form(form, Place::Options, nothing(), close, close)
        }),
        dialog(editing, "edit_account", move || {
            edit_form(asking.editing.get_untracked(), editing)
        }),
        dialog(removing, "remove_account", move || {
            remove_form(asking.removing.get_untracked(), removing)
        }),
    )
        .into_any()
}

/// A window is open as long as there is something to ask about.
pub(crate) fn flag<T: Clone + Send + std::marker::Sync + 'static>(
    subject: RwSignal<Option<T>>,
) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    Effect::new(move || open.set(subject.with(Option::is_some)));
    Effect::new(move || {
        if !open.get() && subject.with_untracked(Option::is_some) {
            subject.set(None);
        }
    });
    open
}

fn edit_form(account: Option<AccountId>, open: RwSignal<bool>) -> AnyView {
    let Some(view) = account
        .and_then(|id| with_stock(|stock| stock.account(&id).map(|account| account.view.clone())))
    else {
        return ().into_any();
    };
    let name = RwSignal::new(view.name.clone());
    let user_id = RwSignal::new(view.user_id.clone().unwrap_or_default());
    let token = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let changed = |new: String, old: &str| (new.trim() != old).then_some(new);
        let edit = AccountEdit {
            name: changed(name.get_untracked(), &view.name),
            token: Some(token.get_untracked())
                .filter(|token| !token.is_empty())
                .map(Sensitive),
            user_id: changed(
                user_id.get_untracked(),
                view.user_id.as_deref().unwrap_or_default(),
            ),
        };
        let account = view.id.clone();
        busy.set(true);
        wrong.set(None);
        spawn(async move {
            match ask(EditAccount { account, edit }).await {
                Ok(()) => {
                    app().say(t("account_updated", &[]));
                    open.try_set(false);
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            busy.try_set(false);
        });
    };
    el("form")
        .class("plain")
        .a("novalidate", true)
        .on("submit", save)
        .kid(field(
            "account_name",
            Takes::Text,
            name,
            crate::kit::no_hint(),
        ))
        .kid(field(
            "user_id",
            Takes::Text,
            user_id,
            crate::kit::no_hint(),
        ))
        .kid(field(
            "access_token",
            Takes::Password,
            token,
            Signal::stored(t("edit_token_hint", &[])),
        ))
        .kid(alert(wrong))
        .kid(
            el("div")
                .class("acts")
                .kid(Btn::new("cancel").on(move || open.set(false)))
                .kid(Btn::new("save").primary().off(busy).submit()),
        )
        .into_any()
}

fn remove_form(account: Option<AccountId>, open: RwSignal<bool>) -> AnyView {
    let Some((id, name, host, keys)) = account.and_then(|id| {
        with_stock(|stock| {
            let held = stock.account(&id)?;
            Some((
                id.clone(),
                held.view.name.clone(),
                held.host.clone(),
                held.view.keys,
            ))
        })
    }) else {
        return ().into_any();
    };
    let wrong = RwSignal::new(None);
    let remove = move || {
        let account = id.clone();
        spawn(async move {
            match ask(RemoveAccount { account }).await {
                Ok(()) => {
                    app().say(t("account_removed", &[]));
                    open.try_set(false);
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
        });
    };
    all![
        el("p").kid(tn("remove_account_about", keys, &[&name])),
        el("p").class("muted").kid(t("site_untouched", &[&host])),
        alert(wrong),
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || open.set(false)))
            .kid(Btn::new("remove_here").class("danger primary").on(remove))
    ]
    .into_any()
}
