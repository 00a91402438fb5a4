//! The accounts: health, balance, freshness, and what can be done with each.

use crate::account_form::{Form, Place, account_form, ask_for_site, nothing};
use crate::account_page;
use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::el::{Kid, all, el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Takes, Tone, alert, choice, dialog, field, note};
use crate::line::{ask, spawn};
use crate::stock::{Account, Stock};
use crate::troubles::{self, is_passing, short_trouble, site_trouble};
use crate::words::{amount, number, t, tn, when};
use leptos::prelude::*;
use relaykeep_core::units;
use relaykeep_protocol::{
    AccountEdit, AccountId, AccountOrder, AccountView, EditAccount, Generation, Health, LoginWay,
    OrderAccounts, RemoveAccount, Sensitive, SiteTrouble, Sync,
};
use relaykeep_webext::page;
use web_sys::Event;

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

    /// Opens the form for the name and login of one.
    pub(crate) fn edit(self, account: AccountId) {
        self.editing.set(Some(account));
    }

    /// The one that may be removed, if the user says yes.
    pub(crate) fn removing(self) -> RwSignal<Option<AccountId>> {
        self.removing
    }
}

/// The section: all accounts, or the one its address names.
pub(crate) fn accounts_page() -> AnyView {
    // A new address builds the section anew.
    match account_page::named() {
        Some(id) => account_page::account_page(id),
        None => all_accounts(),
    }
}

fn all_accounts() -> AnyView {
    let app = app();
    let asking = app.asking;
    let wanted: RwSignal<Option<String>> = RwSignal::new(None);
    let tags = Memo::new(move |_| {
        app.stock.track();
        with_stock(Stock::tags)
    });
    // A tag that nothing bears any more hides nothing.
    let tag = Memo::new(move |_| {
        wanted
            .get()
            .filter(|tag| tags.with(|tags| tags.contains(tag)))
    });
    let ids = Memo::new(move |_| {
        app.stock.track();
        tag.with(|tag| {
            with_stock(|stock| {
                let fits = |account: &&Account| tag.as_ref().is_none_or(|tag| account.has_tag(tag));
                let shown = stock.accounts.iter().filter(fits);
                shown
                    .map(|account| account.view.id.clone())
                    .collect::<Vec<_>>()
            })
        })
    });
    // Every row moves with the stock: the list of them is built anew only when it must be.
    let none = Memo::new(move |_| {
        app.stock.track();
        with_stock(|stock| stock.accounts.is_empty())
    });
    el("div")
        .class("page")
        .kid(
            el("div")
                .class("in")
                .kid(
                    el("div")
                        .class("head")
                        .kid(el("h1").kid(t("accounts", &[])))
                        .kid(el("span").class("faint grow").kid(live(total)))
                        .kid(
                            Btn::new("sync_all")
                                .icon(Icon::Sync)
                                .off(none)
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
                    (!none.get()).then(|| sorting(wanted, tag, tags))
                }))
                .kid(live(move || {
                    if none.get() {
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

/// What is left in all, by currency: sites sell in different ones, and they do not add up.
fn total() -> String {
    app().stock.track();
    let sums = with_stock(|stock| {
        let counted = stock.accounts.iter().map(|account| &account.view);
        let counted = counted.filter(|view| !view.own.disabled && !view.own.excluded);
        units::totals(counted.filter_map(|view| Some((view.balance?, &view.unit))))
    });
    if sums.is_empty() {
        return String::new();
    }
    let sums: Vec<String> = sums.into_iter().map(crate::words::sum).collect();
    t("total", &[&sums.join(" · ")])
}

/// By which rule accounts stand, and which tags are wanted.
fn sorting(
    wanted: RwSignal<Option<String>>,
    tag: Memo<Option<String>>,
    tags: Memo<Vec<String>>,
) -> AnyView {
    let app = app();
    let words = AccountOrder::ALL.map(|order| t(order_word(order), &[]));
    let chosen = Signal::derive(move || {
        let order = app.settings.with(|settings| settings.account_order);
        let place = AccountOrder::ALL.iter().position(|one| *one == order);
        place.unwrap_or(0)
    });
    let chip = move |name: String| {
        let (mine, press) = (name.clone(), name.clone());
        el("button")
            .a("type", "button")
            .class("chip")
            .live("aria-pressed", move || {
                if tag.with(|tag| tag.as_ref() == Some(&mine)) {
                    "true"
                } else {
                    "false"
                }
            })
            .on("click", move |_: Event| {
                let other = tag.with_untracked(|tag| tag.as_ref() != Some(&press));
                wanted.set(other.then(|| press.clone()));
            })
            .kid(name)
            .into_any()
    };
    el("div")
        .class("row wrap sorting")
        .kid(
            el("span")
                .class("chip pick")
                .kid(
                    el("span")
                        .a("aria-hidden", "true")
                        .kid(t("order_accounts", &[])),
                )
                .kid(choice(
                    "order_accounts",
                    "",
                    words.to_vec(),
                    chosen,
                    move |place| {
                        if let Some(order) = AccountOrder::ALL.get(place) {
                            crate::settings::change(|settings| settings.account_order = *order);
                        }
                    },
                )),
        )
        .kid(live(move || {
            let tags = tags.get();
            (!tags.is_empty()).then(|| {
                el("div")
                    .class("row wrap")
                    .a("role", "group")
                    .a("aria-label", t("filter_by_tag", &[]))
                    .kid(tags.into_iter().map(chip).collect::<Vec<_>>())
            })
        }))
        .into_any()
}

const fn order_word(order: AccountOrder) -> &'static str {
    match order {
        AccountOrder::Name => "order_name",
        AccountOrder::Hand => "order_hand",
        AccountOrder::Balance => "order_balance",
        AccountOrder::Kind => "order_kind",
        AccountOrder::Synced => "order_synced",
    }
}

/// Puts an account before or behind its neighbour, among those that are pinned like it.
fn put(id: &AccountId, up: bool) {
    let moved = with_stock(|stock| {
        let mut ids: Vec<AccountId> = Vec::new();
        let mut pins = Vec::new();
        for account in &stock.accounts {
            ids.push(account.view.id.clone());
            pins.push(account.view.own.pinned);
        }
        let at = ids.iter().position(|one| one == id)?;
        let to = if up { at.checked_sub(1)? } else { at + 1 };
        (pins.get(to)? == &pins[at]).then(|| ids.swap(at, to))?;
        Some((ids, to))
    });
    let Some((accounts, to)) = moved else { return };
    let of = accounts.len();
    let id = id.0.clone();
    spawn(async move {
        match ask(OrderAccounts { accounts }).await {
            Ok(()) => {
                let (to, of) = (crate::stock::count(to + 1), crate::stock::count(of));
                crate::kit::say(&t("moved_to", &[&number(to), &number(of)]));
                // The line is drawn anew: the button that was pressed keeps the focus.
                let button = if up { ".b-up" } else { ".b-down" };
                crate::dom::after(200, move || {
                    let place = format!("[data-account=\"{id}\"] {button}");
                    let found = crate::dom::document().query_selector(&place).ok().flatten();
                    if let Some(Ok(found)) = found.map(wasm_bindgen::JsCast::dyn_into) {
                        let found: web_sys::HtmlElement = found;
                        let _ = found.focus();
                    }
                });
            }
            Err(code) => fail(&troubles::error(&code)),
        }
    });
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
    // Each sync moves what the site says, and leaves the rest of the line, its buttons and the focus on
    // them, as it was.
    let fixed = Memo::new(move |_| {
        view.with(|view| {
            let (account, host) = view.as_ref()?;
            let (name, mut own) = (account.name.clone(), account.own.clone());
            // Where it stands shows in no line.
            own.place = None;
            Some((name, account.kind, own, host.clone()))
        })
    });
    let now = move |part: fn(&AccountView) -> AnyView| {
        live(move || view.with(|view| view.as_ref().map(|(account, _)| part(account))))
    };
    let by_hand = Memo::new(move |_| {
        app.settings
            .with(|settings| settings.account_order == AccountOrder::Hand)
    });
    let data = id.0.clone();
    live(move || {
        // To be told of a memo's changes one has to read it.
        fixed.with(Option::is_some).then_some(())?;
        let by_hand = by_hand.get();
        let (account, host) = view.get_untracked()?;
        let id = account.id.clone();
        let (edit, remove, sync_id, new) = (id.clone(), id.clone(), id.clone(), id.clone());
        let (up, down, enable) = (id.clone(), id.clone(), id.clone());
        let asking = app.asking;
        let (name, label) = (account.name.clone(), account.name.clone());
        let disabled = account.own.disabled;
        Some(
            el("article")
                .class("acc")
                .a("data-account", data.clone())
                .a("aria-label", label)
                .kid(
                    el("div")
                        .class("what")
                        .kid(now(health_dot))
                        .kid(
                            el("a")
                                .class("cut name")
                                .a("href", account_page::address(&id))
                                .kid(name),
                        )
                        .kid(el("span").class("faint cut").kid(host))
                        .kid(account_page::marks(&account)),
                )
                .kid(
                    el("div")
                        .class("do")
                        .kid(by_hand.then(|| {
                            Btn::saying(t("move_up", &[&account.name]))
                                .silent(Icon::Up)
                                .class("small b-up")
                                .on(move || put(&up, true))
                        }))
                        .kid(by_hand.then(|| {
                            Btn::saying(t("move_down", &[&account.name]))
                                .silent(Icon::Down)
                                .class("small b-down")
                                .on(move || put(&down, false))
                        }))
                        .kid(if disabled {
                            Btn::new("enable_account").class("small").on(move || {
                                account_page::change_own(&enable, |own| own.disabled = false);
                            })
                        } else {
                            Btn::new("sync")
                                .class("small")
                                .on(move || sync(vec![sync_id.clone()]))
                        })
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
                .kid(
                    el("div")
                        .class("more")
                        .kid(now(|account| facts(account).view()))
                        .kid(tags(&account)),
                )
                .kid(now(|account| warnings(account).view()))
                .into_any(),
        )
    })
    .into_any()
}

fn tags(account: &AccountView) -> Vec<AnyView> {
    let tags = account.own.tags.iter();
    tags.map(|tag| el("span").class("tag").kid(tag.clone()).into_any())
        .collect()
}

/// Good, warn or bad at a glance.
pub(crate) fn health_dot(account: &AccountView) -> AnyView {
    let (tone, words) = account_words(account);
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

/// The same of an account; one that is disabled is nothing else.
pub(crate) fn account_words(account: &AccountView) -> (Tone, String) {
    if account.own.disabled {
        (Tone::Plain, t("account_disabled", &[]))
    } else {
        health_words(&account.health)
    }
}

/// How fresh an account's rows are, for the head of its group.
pub(crate) fn freshness(account: &Account) -> (Tone, String) {
    match (&account.view.health, account.view.synced_at) {
        (Health::Good, Some(at)) if !account.view.own.disabled => {
            (Tone::Good, t("synced_when", &[&when(at)]))
        }
        _ => account_words(&account.view),
    }
}

pub(crate) fn facts(account: &AccountView) -> Vec<AnyView> {
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

pub(crate) fn warnings(account: &AccountView) -> Option<AnyView> {
    let mut notes = Vec::new();
    if let Health::Trouble(trouble) = &account.health
        && !account.own.disabled
    {
        let tone = if is_passing(trouble) {
            Tone::Warn
        } else {
            Tone::Bad
        };
        notes.push(note(
            tone,
            trouble_of(account, trouble),
            steps(&account.id, trouble),
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

/// A trouble in words, as it concerns this account.
fn trouble_of(account: &AccountView, trouble: &SiteTrouble) -> String {
    let upgraded = account.way == LoginWay::Cookie && account.generation == Some(Generation::Jwt);
    if *trouble == SiteTrouble::SignInAtSite && upgraded {
        // Since 31d70fca3 a cookie of before is no login any more; access tokens go on working.
        t("trouble_upgraded", &[])
    } else {
        site_trouble(trouble)
    }
}

/// What can be done about a trouble.
fn steps(account: &AccountId, trouble: &SiteTrouble) -> Vec<AnyView> {
    let mut steps: Vec<AnyView> = step(account, trouble).into_iter().collect();
    if let SiteTrouble::KindChanged { now } = trouble {
        if let Some(kind) = *now {
            let id = account.clone();
            steps.push(
                Btn::saying(t("use_as", &[kind.name()]))
                    .class("small")
                    .on(move || account_page::use_as(&id, kind)),
            );
        }
        let id = account.clone();
        steps.push(
            Btn::new("check_again")
                .class("small")
                .on(move || sync(vec![id.clone()])),
        );
    }
    steps
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
            kind: None,
            own: None,
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
