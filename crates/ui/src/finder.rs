//! What is typed, and what fits: shared by the list and the popup.

use crate::app::{stock_version, with_stock};
use crate::dom;
use crate::line::{ask, spawn};
use crate::listing::{Listing, Order, Wish};
use crate::words::now;
use relaykeep_core::search::could_be_in_a_key;
use relaykeep_protocol::{FindInKeys, Sensitive};
use std::collections::HashSet;

/// The wish and the lines that came of it.
#[derive(Default)]
pub(crate) struct Finder {
    /// What the user wants to see.
    pub(crate) wish: Wish,
    /// The lines.
    pub(crate) listing: Listing,
    /// What to mark in them.
    pub(crate) terms: Vec<String>,
    order: Order,
    /// Counts the searches inside keys; a late answer of an earlier one is dropped.
    asked: u32,
    /// The rows the order was made of.
    version: u64,
}

impl Finder {
    /// Finds everything anew if rows have moved since: a place is good for one version only.
    /// True if that was so.
    pub(crate) fn freshen(&mut self) -> bool {
        let stale = self.is_stale();
        if stale {
            self.wish.hits.clear();
            self.reorder();
        }
        stale
    }

    /// Rows have moved since.
    pub(crate) fn is_stale(&self) -> bool {
        self.version != stock_version()
    }

    /// Rows or their order changed.
    pub(crate) fn reorder(&mut self) {
        self.version = stock_version();
        self.order = with_stock(|stock| Order::of(stock, self.wish.group_by, self.wish.sort));
        self.relist();
    }

    /// The query or a filter changed.
    pub(crate) fn relist(&mut self) {
        self.listing = with_stock(|stock| Listing::of(stock, &self.order, &self.wish, now()));
    }

    /// Something was typed. Returns a ticket for [`look_inside`] if the keys themselves should
    /// be searched too.
    pub(crate) fn type_in(&mut self, typed: &str) -> Option<u32> {
        typed.clone_into(&mut self.wish.typed);
        self.terms = typed.split_whitespace().map(str::to_lowercase).collect();
        self.wish.hits.clear();
        self.asked += 1;
        self.relist();
        could_be_in_a_key(typed).then_some(self.asked)
    }

    /// Rows changed: what was found inside keys is found anew.
    pub(crate) fn ask_again(&mut self) -> Option<u32> {
        self.asked += 1;
        could_be_in_a_key(&self.wish.typed).then_some(self.asked)
    }

    /// Takes over what was found inside keys, unless something else was typed since.
    pub(crate) fn found(&mut self, ticket: u32, hits: Vec<u32>) -> bool {
        if ticket != self.asked {
            return false;
        }
        self.wish.hits = hits;
        self.relist();
        true
    }

    /// The ticket is still the latest.
    pub(crate) fn is_current(&self, ticket: u32) -> bool {
        ticket == self.asked
    }
}

/// Asks the worker, a moment after the last keystroke, which keys hold the text.
pub(crate) fn look_inside(
    typed: String,
    still: impl Fn() -> bool + 'static,
    then: impl FnOnce(Vec<u32>) + 'static,
) {
    const PAUSE: i32 = 60;
    dom::after(PAUSE, move || {
        if !still() {
            return;
        }
        spawn(async move {
            let text = Sensitive(typed.trim().to_owned());
            let Ok(found) = ask(FindInKeys { text }).await else {
                return;
            };
            let hits = with_stock(|stock| {
                let found: HashSet<(&str, &str)> = found
                    .iter()
                    .map(|key| (key.account.0.as_str(), key.id.0.as_str()))
                    .collect();
                stock
                    .rows
                    .iter()
                    .zip(0..)
                    .filter(|(row, _)| {
                        found.contains(&(
                            stock.account_of(row).view.id.0.as_str(),
                            row.key.id.0.as_str(),
                        ))
                    })
                    .map(|(_, index)| index)
                    .collect()
            });
            then(hits);
        });
    });
}
