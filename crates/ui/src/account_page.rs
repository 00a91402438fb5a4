//! One account's own page: what it is, what can be done with it, and what the user says of it.

use crate::account_form::kinds_on_offer;
use crate::accounts::{facts, health_dot, open_site, sync, warnings};
use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::dom;
use crate::el::{El, all, el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Takes, Tone, alert, choice, field, fresh_id, no_hint, note, tick};
use crate::line::{ask, spawn};
use crate::tab_site::why;
use crate::troubles;
use crate::words::{kind_name, t};
use leptos::prelude::*;
use relaykeep_protocol::{
    AccountEdit, AccountId, AccountView, CheckAddress, EditAccount, Health, LoginWay, Own,
    Recognition, Sight, SiteKind, SiteTrouble,
};
use relaykeep_webext::page;
use web_sys::{Event, KeyboardEvent};

/// Where an account's page is.
pub(crate) fn address(id: &AccountId) -> String {
    format!("#/accounts/{}", id.0)
}

/// The account the page's address names.
pub(crate) fn named() -> Option<AccountId> {
    let hash = dom::window().location().hash().ok()?;
    let id = hash.strip_prefix("#/accounts/")?;
    (!id.is_empty()).then(|| AccountId(id.to_owned()))
}

/// Changes what the user says of an account, at once.
pub(crate) fn change_own(id: &AccountId, change: impl FnOnce(&mut Own)) {
    let held = with_stock(|stock| stock.account(id).map(|account| account.view.own.clone()));
    let Some(mut own) = held else { return };
    change(&mut own);
    let account = id.clone();
    spawn(async move {
        let edit = AccountEdit {
            own: Some(own),
            ..AccountEdit::default()
        };
        if let Err(code) = ask(EditAccount { account, edit }).await {
            fail(&troubles::error(&code));
        }
    });
}

/// Its site is of this kind from now on.
pub(crate) fn use_as(id: &AccountId, kind: SiteKind) {
    let account = id.clone();
    spawn(async move {
        let edit = AccountEdit {
            kind: Some(kind),
            ..AccountEdit::default()
        };
        match ask(EditAccount { account, edit }).await {
            Ok(()) => app().say(t("kind_taken", &[kind.name()])),
            Err(code) => fail(&troubles::error(&code)),
        }
    });
}

/// The page of one account.
pub(crate) fn account_page(id: AccountId) -> AnyView {
    let app = app();
    let view = {
        let id = id.clone();
        Memo::new(move |_| {
            app.stock.track();
            with_stock(|stock| {
                let held = stock.account(&id)?;
                let twin = stock.twin_of(&id).map(|twin| twin.host.clone());
                Some((held.view.clone(), held.host.clone(), twin))
            })
        })
    };
    let there = Memo::new(move |_| view.with(Option::is_some));
    el("div")
        .class("page")
        .kid(
            el("div")
                .class("in account")
                .kid(
                    el("a")
                        .class("back")
                        .a("href", "#/accounts")
                        .kid(t("all_accounts", &[])),
                )
                .kid(live(move || {
                    if !there.get() {
                        let gone = app.complete.get();
                        return gone
                            .then(|| el("p").class("lead").kid(t("account_gone", &[])).into_any());
                    }
                    let first = view.get_untracked().map(|(view, _, _)| view)?;
                    Some(all![
                        live(move || view.get().map(|(view, host, twin)| top(&view, &host, twin))),
                        tags_card(&id),
                        words_card(&first),
                        site_card(&id, view)
                    ])
                })),
        )
        .into_any()
}

fn top(view: &AccountView, host: &str, twin: Option<String>) -> AnyView {
    let id = view.id.clone();
    let own = view.own.clone();
    let mut notes: Vec<AnyView> = Vec::new();
    if own.disabled {
        notes.push(note(
            Tone::Plain,
            t("account_disabled_about", &[]),
            Vec::new(),
        ));
    }
    if matches!(view.way, LoginWay::Cookie | LoginWay::Page) {
        notes.push(note(
            Tone::Plain,
            t("shares_login_about", &[host]),
            Vec::new(),
        ));
    }
    if let Some(twin) = twin {
        let mine = id.clone();
        let leave_out = (!own.excluded).then(|| {
            Btn::new("leave_out")
                .class("small")
                .on(move || change_own(&mine, |own| own.excluded = true))
        });
        notes.push(note(
            Tone::Warn,
            t("account_twin", &[&twin]),
            leave_out.into_iter().collect(),
        ));
    }
    all![
        el("div")
            .class("head")
            .kid(health_dot(view))
            .kid(el("h1").class("cut").kid(view.name.clone()))
            .kid(marks(view))
            .kid(el("span").class("faint cut").kid(host.to_owned())),
        el("div").class("acc-facts").kid(facts(view)),
        warnings(view),
        (!notes.is_empty()).then(|| el("div").class("stack").kid(notes)),
        deeds(view)
    ]
    .into_any()
}

/// What an account is, as small signs beside its name.
pub(crate) fn marks(view: &AccountView) -> Vec<AnyView> {
    let tag = |words: String| el("span").class("tag").kid(words).into_any();
    let mut marks = vec![tag(kind_name(view.kind))];
    if view.own.pinned {
        marks.push(tag(t("pinned", &[])));
    }
    if view.own.disabled {
        marks.push(
            el("span")
                .class("tag warn")
                .kid(t("account_disabled", &[]))
                .into_any(),
        );
    }
    if view.own.excluded {
        marks.push(tag(t("left_out", &[])));
    }
    marks
}

fn deeds(view: &AccountView) -> AnyView {
    let id = view.id.clone();
    let with = |act: fn(&AccountId)| {
        let id = id.clone();
        move || act(&id)
    };
    let own = &view.own;
    let (disabled, pinned) = (own.disabled, own.pinned);
    let removing = app().asking.removing();
    let (remove, renew) = (id.clone(), id.clone());
    let check_in = own.check_in.clone().map(|address| {
        Btn::new("check_in").icon(Icon::Open).on(move || {
            let address = address.clone();
            spawn(async move { page::open_tab(&address).await });
        })
    });
    let sign_in = if matches!(view.way, LoginWay::Cookie | LoginWay::Page) {
        let address = format!("{}/login", view.base_url);
        Btn::new("sign_in_again").icon(Icon::Open).on(move || {
            let address = address.clone();
            spawn(async move { page::open_tab(&address).await });
        })
    } else {
        Btn::new("change_login").on(move || app().asking.edit(renew.clone()))
    };
    el("div")
        .class("acts")
        .kid((!disabled).then(|| {
            Btn::new("sync")
                .icon(Icon::Sync)
                .primary()
                .on(with(|id| sync(vec![id.clone()])))
        }))
        .kid(Btn::new("open_site").icon(Icon::Open).on(with(open_site)))
        .kid(check_in)
        .kid(sign_in)
        .kid(
            Btn::new(if pinned { "unpin" } else { "pin" })
                .on(with(|id| change_own(id, |own| own.pinned = !own.pinned))),
        )
        .kid(
            Btn::new(if disabled {
                "enable_account"
            } else {
                "disable_account"
            })
            .on(with(|id| {
                change_own(id, |own| own.disabled = !own.disabled)
            })),
        )
        .kid(
            Btn::new("remove_here_more")
                .class("danger")
                .on(move || removing.set(Some(remove.clone()))),
        )
        .into_any()
}

fn card(word: &str, body: El) -> AnyView {
    el("section")
        .class("card")
        .a("aria-label", t(word, &[]))
        .kid(el("header").kid(el("h2").kid(t(word, &[]))))
        .kid(body.class("body"))
        .into_any()
}

/// Tags come and go at once: a form would make one wonder whether they hold.
fn tags_card(id: &AccountId) -> AnyView {
    let app = app();
    let typed = RwSignal::new(String::new());
    let mine = {
        let id = id.clone();
        Memo::new(move |_| {
            app.stock.track();
            with_stock(|stock| stock.account(&id).map(|one| one.view.own.tags.clone()))
                .unwrap_or_default()
        })
    };
    let others = Memo::new(move |_| {
        app.stock.track();
        let mine = mine.get();
        let mut tags = with_stock(crate::stock::Stock::tags);
        tags.retain(|tag| !mine.iter().any(|one| crate::stock::same_tag(one, tag)));
        tags
    });
    let id = StoredValue::new(id.clone());
    let add = move |tag: String| {
        if !tag.trim().is_empty() {
            id.with_value(|id| change_own(id, |own| own.tags.push(tag)));
            typed.set(String::new());
        }
    };
    let chip = move |tag: String| {
        let (gone, name) = (tag.clone(), t("remove_tag", &[&tag]));
        el("button")
            .a("type", "button")
            .class("chip")
            .a("aria-label", name.clone())
            .a("title", name)
            .on("click", move |_: Event| {
                let gone = gone.clone();
                id.with_value(|id| change_own(id, |own| own.tags.retain(|one| *one != gone)));
            })
            .kid(tag)
            .kid(crate::icons::icon(Icon::Close))
            .into_any()
    };
    let suggestion = move |tag: String| {
        let name = t("add_tag_named", &[&tag]);
        let added = tag.clone();
        el("button")
            .a("type", "button")
            .class("chip")
            .a("aria-label", name.clone())
            .a("title", name)
            .on("click", move |_: Event| add(added.clone()))
            .kid(crate::icons::icon(Icon::Add))
            .kid(tag)
            .into_any()
    };
    let input = fresh_id();
    let body = el("div")
        .kid(live(move || {
            let tags = mine.get();
            (!tags.is_empty()).then(|| {
                el("div")
                    .class("row wrap")
                    .a("role", "group")
                    .a("aria-label", t("tags", &[]))
                    .kid(tags.into_iter().map(chip).collect::<Vec<_>>())
            })
        }))
        .kid(
            el("div")
                .class("field")
                .kid(el("label").a("for", input.clone()).kid(t("new_tag", &[])))
                .kid(
                    el("div")
                        .class("row")
                        .kid(
                            el("input")
                                .class("input grow")
                                .a("id", input)
                                .a("autocomplete", "off")
                                .a("maxlength", "40")
                                .value(move || typed.get())
                                .on("input", move |event: Event| {
                                    typed.set(event_target_value(&event));
                                })
                                .on("keydown", move |event: KeyboardEvent| {
                                    if event.key() == "Enter" && !event.is_composing() {
                                        event.prevent_default();
                                        add(typed.get_untracked());
                                    }
                                }),
                        )
                        .kid(Btn::new("add_tag").on(move || add(typed.get_untracked()))),
                ),
        )
        .kid(live(move || {
            let tags = others.get();
            (!tags.is_empty()).then(|| {
                el("div")
                    .class("row wrap")
                    .a("role", "group")
                    .a("aria-label", t("tags_in_use", &[]))
                    .kid(el("span").class("faint small").kid(t("tags_in_use", &[])))
                    .kid(tags.into_iter().map(suggestion).collect::<Vec<_>>())
            })
        }));
    card("tags", body)
}

/// Name, notes, check-in address, totals.
fn words_card(view: &AccountView) -> AnyView {
    let id = view.id.clone();
    let name = RwSignal::new(view.name.clone());
    let was = view.name.clone();
    let notes = RwSignal::new(view.own.notes.clone());
    let check_in = RwSignal::new(view.own.check_in.clone().unwrap_or_default());
    let excluded = RwSignal::new(view.own.excluded);
    // Whatever else leaves it out or counts it shows here too.
    let held = {
        let id = id.clone();
        let app = app();
        Memo::new(move |_| {
            app.stock.track();
            with_stock(|stock| stock.account(&id).map(|one| one.view.own.excluded))
        })
    };
    Effect::new(move || {
        if let Some(held) = held.get() {
            excluded.set(held);
        }
    });
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let save = move |event: Event| {
        event.prevent_default();
        let own = with_stock(|stock| stock.account(&id).map(|one| one.view.own.clone()));
        let Some(own) = own else { return };
        let named = name.get_untracked();
        let edit = AccountEdit {
            name: (named.trim() != was).then_some(named),
            own: Some(Own {
                notes: notes.get_untracked(),
                check_in: Some(check_in.get_untracked()),
                excluded: excluded.get_untracked(),
                ..own
            }),
            ..AccountEdit::default()
        };
        let account = id.clone();
        busy.set(true);
        wrong.set(None);
        spawn(async move {
            match ask(EditAccount { account, edit }).await {
                Ok(()) => app().say(t("account_updated", &[])),
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            busy.try_set(false);
        });
    };
    let area = fresh_id();
    let body = el("form")
        .a("novalidate", true)
        .on("submit", save)
        .kid(field("account_name", Takes::Text, name, no_hint()))
        .kid(
            el("div")
                .class("field")
                .kid(el("label").a("for", area.clone()).kid(t("notes", &[])))
                .kid(
                    el("textarea")
                        .class("input")
                        .a("id", area)
                        .a("rows", "4")
                        .value(move || notes.get())
                        .on("input", move |event: Event| {
                            notes.set(event_target_value(&event));
                        }),
                ),
        )
        .kid(field(
            "check_in_address",
            Takes::Text,
            check_in,
            Signal::stored(t("check_in_hint", &[])),
        ))
        .kid(tick(
            t("excluded", &[]),
            t("excluded_hint", &[]),
            excluded.into(),
            move |on| excluded.set(on),
        ))
        .kid(alert(wrong))
        .kid(
            el("div")
                .class("acts")
                .kid(Btn::new("save").primary().off(busy).submit()),
        );
    card("your_words", body)
}

type Told = Memo<Option<(AccountView, String, Option<String>)>>;

/// Which software the site runs, why we think so, and another choice.
fn site_card(id: &AccountId, view: Told) -> AnyView {
    let sight: RwSignal<Option<Sight>> = RwSignal::new(None);
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let kind = Memo::new(move |_| view.with(|view| view.as_ref().map(|(view, _, _)| view.kind)));
    let check = {
        let id = id.clone();
        move || {
            let Some((view, _, _)) = view.get_untracked() else {
                return;
            };
            let id = id.clone();
            busy.set(true);
            spawn(async move {
                let asked = CheckAddress {
                    address: view.base_url.clone(),
                    anew: true,
                };
                match ask(asked).await {
                    Ok(seen) => {
                        // What it was taken for no longer holds: the next sync says how it is.
                        let as_before = matches!(&seen.recognition, Recognition::Relay { kind, .. } if *kind == view.kind);
                        let changed = matches!(
                            view.health,
                            Health::Trouble(SiteTrouble::KindChanged { .. })
                        );
                        if as_before && changed {
                            sync(vec![id]);
                        }
                        sight.try_set(Some(seen));
                        wrong.try_set(None);
                    }
                    Err(code) => {
                        wrong.try_set(Some(troubles::error(&code)));
                    }
                }
                busy.try_set(false);
            });
        }
    };
    let kinds = kinds_on_offer();
    let chosen = Signal::derive(move || {
        kind.get()
            .and_then(|kind| SiteKind::ALL.iter().position(|one| *one == kind))
            .unwrap_or(0)
    });
    let (choose, offer) = (id.clone(), id.clone());
    let body = el("div")
        .kid(
            el("div")
                .class("row wrap")
                .kid(
                    el("span")
                        .class("legend")
                        .a("aria-hidden", "true")
                        .kid(t("used_as", &[])),
                )
                .kid(choice("used_as", "input", kinds, chosen, move |place| {
                    if let Some(kind) = SiteKind::ALL.get(place) {
                        use_as(&choose, *kind);
                    }
                }))
                .kid(Btn::new("check_again").icon(Icon::Sync).off(busy).on(check)),
        )
        .kid(alert(wrong))
        .kid(
            el("div")
                .a("role", "status")
                .class("stack")
                .kid(live(move || {
                    let seen = sight.get()?;
                    let held = kind.get()?;
                    Some(said(&offer, held, &seen))
                })),
        );
    card("the_site", body)
}

/// What a look at the site came to.
fn said(id: &AccountId, held: SiteKind, seen: &Sight) -> AnyView {
    let (tone, words, step) = match &seen.recognition {
        Recognition::Relay { kind, .. } if *kind == held => {
            (Tone::Good, t("sight_same", &[kind.name()]), None)
        }
        Recognition::Relay { kind, .. } => {
            let (id, kind) = (id.clone(), *kind);
            let step = Btn::saying(t("use_as", &[kind.name()]))
                .class("small")
                .on(move || use_as(&id, kind));
            (Tone::Warn, t("sight_other", &[kind.name()]), Some(step))
        }
        Recognition::NotARelay(_) | Recognition::NoHint => {
            (Tone::Warn, t("site_not_relay", &[]), None)
        }
        Recognition::Unreachable => (Tone::Warn, t("site_unreachable", &[]), None),
        Recognition::Challenge => (Tone::Warn, t("site_challenge", &[]), None),
    };
    let clues = match &seen.recognition {
        Recognition::Relay { clues, .. } | Recognition::NotARelay(clues) => clues.as_slice(),
        Recognition::NoHint | Recognition::Unreachable | Recognition::Challenge => &[],
    };
    all![
        note(tone, words, step.into_iter().collect()),
        why(clues, seen.look)
    ]
    .into_any()
}
