//! Settings: where relay sites are recognised as the user browses.

use crate::account_form::{ask_for_site, pattern};
use crate::app::app;
use crate::copying::fail;
use crate::el::{el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Takes, choice, field};
use crate::line::spawn;
use crate::settings::change;
use crate::troubles;
use crate::words::t;
use leptos::prelude::*;
use relaykeep_protocol::{AddressProblem, ErrorCode, Watching};
use relaykeep_webext::page;
use std::future::Future;
use web_sys::Event;

/// The section.
pub(crate) fn watching() -> AnyView {
    let app = app();
    // "Sites I choose" was chosen, and none is yet: nothing is watched.
    let choosing = RwSignal::new(false);
    // A memo: another site on the list must not draw the line anew under the person's hands.
    let now = Memo::new(
        move |_| match app.settings.with(|one| one.watching.clone()) {
            Watching::Off => usize::from(choosing.get()),
            Watching::Chosen(_) => 1,
            Watching::All => 2,
        },
    );
    let names = ["watching_off", "watching_chosen", "watching_all"];
    let names = names.iter().map(|word| t(word, &[])).collect();
    let choose = move |place: usize| {
        choosing.set(place == 1);
        match place {
            // First of all, so that the browser still sees the click.
            2 => once_granted(page::ask_for_every_site(), |_| Watching::All),
            _ => change(|settings| settings.watching = Watching::Off),
        }
    };
    el("section")
        .class("card")
        .kid(el("header").kid(el("h2").kid(t("watching", &[]))))
        .kid(
            el("div")
                .class("body")
                .kid(
                    el("div")
                        .class("pair")
                        .kid(
                            el("div")
                                .kid(el("div").a("aria-hidden", "true").kid(t("watching", &[])))
                                .kid(el("div").class("hint").kid(t("watching_hint", &[]))),
                        )
                        .kid(choice("watching", "input", names, now.into(), choose)),
                )
                .kid(live(move || (now.get() == 1).then(chosen)))
                .kid(el("p").class("muted").kid(t("watching_about", &[]))),
        )
        .into_any()
}

/// Takes over what was wanted once the browser gave its permission.
fn once_granted(
    asked: impl Future<Output = bool> + 'static,
    put: impl FnOnce(Watching) -> Watching + 'static,
) {
    spawn(async move {
        if asked.await {
            change(|settings| settings.watching = put(std::mem::take(&mut settings.watching)));
        } else {
            // The list was changed by the click; the setting says what holds.
            app().settings.update(|_| {});
            fail(&t("watch_refused", &[]));
        }
    });
}

fn origins(watching: &Watching) -> Vec<String> {
    match watching {
        Watching::Chosen(origins) => origins.clone(),
        Watching::Off | Watching::All => Vec::new(),
    }
}

/// The sites chosen, and a line for one more.
fn chosen() -> AnyView {
    let app = app();
    let address = RwSignal::new(String::new());
    let add = move |event: Event| {
        event.prevent_default();
        let typed = address.get_untracked();
        let asked = ask_for_site(&typed);
        let (Some(asked), Some(origin)) = (asked, pattern(&typed)) else {
            let wrong = ErrorCode::Address(AddressProblem::Unreadable);
            return fail(&troubles::error(&wrong));
        };
        let origin = origin.trim_end_matches("/*").to_owned();
        address.set(String::new());
        once_granted(asked, move |before| {
            let mut all = origins(&before);
            all.retain(|one| *one != origin);
            all.push(origin);
            Watching::Chosen(all)
        });
    };
    let line = move |origin: String| {
        let host = origin.split("://").last().unwrap_or_default().to_owned();
        let gone = origin.clone();
        let end = move || {
            change(|settings| {
                let mut left = origins(&settings.watching);
                left.retain(|one| *one != gone);
                settings.watching = if left.is_empty() {
                    Watching::Off
                } else {
                    Watching::Chosen(left)
                };
            });
        };
        el("li")
            .class("row")
            .kid(el("span").class("grow cut").kid(origin))
            .kid(
                Btn::saying(t("watch_end", &[&host]))
                    .silent(Icon::Close)
                    .on(end),
            )
            .into_any()
    };
    el("form")
        .class("stack")
        .a("novalidate", true)
        .on("submit", add)
        .kid(live(move || {
            let held = app.settings.with(|settings| origins(&settings.watching));
            (!held.is_empty()).then(|| {
                let lines: Vec<AnyView> = held.into_iter().map(line).collect();
                el("ul").class("plain").kid(lines)
            })
        }))
        .kid(field(
            "watch_address",
            Takes::Text,
            address,
            Signal::stored(t("watch_address_hint", &[])),
        ))
        .kid(el("div").class("row").kid(Btn::new("watch_site").submit()))
        .into_any()
}
