//! Revealing masked keys: first what it will do, then, on a yes, the job.

use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::el::{all, el};
use crate::kit::{Btn, dialog};
use crate::line::{ask, spawn};
use crate::troubles;
use crate::words::{number, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{KeyRef, Reveal};

/// Full keys a site gives in one answer (New API controller/token.go `GetTokenKeysBatch`, 100 ids).
const BATCH: u32 = 100;

/// Asks whether these keys shall be revealed; with none, nothing happens.
pub(crate) fn offer(keys: Vec<KeyRef>) {
    if !keys.is_empty() {
        app().ask_reveal.set(Some(keys));
    }
}

/// Reveals without a question: one key, on its own button.
pub(crate) fn start(keys: Vec<KeyRef>) {
    spawn(async move {
        if let Err(code) = ask(Reveal { keys }).await {
            fail(&troubles::error(&code));
        }
    });
}

/// The question's window.
pub(crate) fn reveal_dialog() -> AnyView {
    let app = app();
    let open = crate::accounts::flag(app.ask_reveal);
    dialog(open, "reveal_title", move || {
        let keys = app.ask_reveal.get_untracked().unwrap_or_default();
        let sites = by_account(&keys);
        let requests = sites.iter().map(|(_, count)| count.div_ceil(BATCH)).sum();
        let total = crate::stock::count(keys.len());
        let about = [
            tn("reveal_keys", total, &[]),
            tn("reveal_sites", crate::stock::count(sites.len()), &[]),
            tn("reveal_requests", requests, &[]),
        ]
        .join(" · ");
        let list: Vec<AnyView> = sites
            .into_iter()
            .map(|(name, count)| {
                all![el("dt").class("cut").kid(name), el("dd").kid(number(count))].into_any()
            })
            .collect();
        let go = move || {
            let keys = app.ask_reveal.get_untracked().unwrap_or_default();
            open.set(false);
            start(keys);
        };
        all![
            el("p").kid(about),
            el("dl").class("counts").kid(list),
            el("p").class("muted").kid(t("reveal_about", &[])),
            el("div")
                .class("acts")
                .kid(Btn::new("cancel").on(move || open.set(false)))
                .kid(Btn::new("reveal").primary().on(go))
        ]
        .into_any()
    })
}

fn by_account(keys: &[KeyRef]) -> Vec<(String, u32)> {
    with_stock(|stock| {
        let mut counts = vec![0; stock.accounts.len()];
        for key in keys {
            if let Some(index) = stock.account_index(&key.account) {
                counts[index as usize] += 1;
            }
        }
        stock
            .accounts
            .iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .map(|(account, count)| (account.view.name.clone(), count))
            .collect()
    })
}
