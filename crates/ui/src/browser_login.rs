//! Accounts that share the browser's login, and keys that a page showed in full.

use crate::account_form::{Form, ask_for_site};
use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::el::el;
use crate::kit::{Btn, Tone, note};
use crate::line::{ask, spawn};
use crate::troubles;
use crate::words::t;
use leptos::prelude::*;
use relaykeep_protocol::{
    AccountDraft, AccountId, AddAccount, AnswerSeenKey, AnswerTokenOffer, Generation, LoginWay,
    SeenKey, SiteKind,
};

/// Whether an account shares the browser's login.
pub(crate) fn shares(account: &AccountId) -> bool {
    with_stock(|stock| {
        stock
            .account(account)
            .is_some_and(|one| one.view.way.shares())
    })
}

/// Adds the site with the login its page has, in place of a token.
pub(crate) fn use_it(
    form: Form,
    kind: SiteKind,
    generation: Option<Generation>,
    done: impl Fn() + Copy + Send + 'static,
) -> AnyView {
    // Of the JWT era, the cookie opens nothing but the page's own refresh; some sites have none.
    let by_page = generation == Some(Generation::Jwt) || kind.signs_in();
    let (way, about) = if by_page {
        (LoginWay::Page, "use_page_about")
    } else {
        (LoginWay::Cookie, "use_cookie_about")
    };
    let go = move || {
        // First of all, while the browser still sees the click. It may close the popup; the
        // worker goes on without us.
        let _ = ask_for_site(&form.address.get_untracked());
        let draft = AccountDraft {
            way,
            ..untrack(|| form.draft())
        };
        form.wrong.set(None);
        form.busy.set(true);
        spawn(async move { form.read(ask(AddAccount { draft }).await, done) });
    };
    el("div")
        .class("stack")
        .kid(
            el("div").class("row").kid(
                Btn::new("use_browser_login")
                    .class("small")
                    .off(form.busy)
                    .on(go),
            ),
        )
        .kid(el("span").class("hint").kid(t(about, &[])))
        .into_any()
}

/// Offers to change to an access token, with what that does besides.
pub(crate) fn token_offer(account: &AccountId) -> AnyView {
    let busy = RwSignal::new(false);
    let answer = move |account: AccountId, yes: bool| {
        busy.set(true);
        spawn(async move {
            match ask(AnswerTokenOffer { account, yes }).await {
                Ok(()) if yes => app().say(t("token_offer_done", &[])),
                Ok(()) => {}
                Err(code) => fail(&troubles::error(&code)),
            }
            busy.try_set(false);
        });
    };
    let (change, keep) = (account.clone(), account.clone());
    note(
        Tone::Plain,
        t("token_offer", &[]),
        vec![
            Btn::new("change_to_token")
                .class("small")
                .off(busy)
                .on(move || answer(change.clone(), true)),
            Btn::new("keep_browser_login")
                .class("small")
                .off(busy)
                .on(move || answer(keep.clone(), false)),
        ],
    )
}

/// Keys that this tab's page showed in full, each with the offer to record it.
pub(crate) fn seen_keys(seen: &[SeenKey], look: impl Fn() + Copy + 'static) -> Vec<AnyView> {
    let one = |seen: &SeenKey| {
        let SeenKey {
            number,
            account,
            name,
            mask,
        } = seen.clone();
        let busy = RwSignal::new(false);
        let holder = with_stock(|stock| {
            let held = stock.account(&account);
            held.map(|one| one.view.name.clone()).unwrap_or_default()
        });
        let text = match name {
            Some(name) => t("seen_key", &[&mask, &name]),
            None => t("seen_key_new", &[&mask, &holder]),
        };
        let answer = move |yes: bool| {
            busy.set(true);
            spawn(async move {
                match ask(AnswerSeenKey { number, yes }).await {
                    Ok(()) if yes => app().say(t("key_recorded", &[])),
                    Ok(()) => {}
                    Err(code) => fail(&troubles::error(&code)),
                }
                busy.try_set(false);
                look();
            });
        };
        note(
            Tone::Good,
            text,
            vec![
                Btn::new("record_key")
                    .class("small primary")
                    .off(busy)
                    .on(move || answer(true)),
                Btn::new("forget_key")
                    .class("small")
                    .off(busy)
                    .on(move || answer(false)),
            ],
        )
    };
    seen.iter().map(one).collect()
}
