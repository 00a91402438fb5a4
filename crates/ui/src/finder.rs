//! What is typed, and what fits: shared by the list and the popup.

use crate::app::{keys_version, stock_version, with_stock};
use crate::dom;
use crate::line::{ask, spawn};
use crate::listing::{Listing, Order, Wish};
use crate::words::now;
use relaykeep_core::search::could_be_in_a_key;
use relaykeep_protocol::{FindInKeys, KeyRef, Sensitive};
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
    /// Counts what was typed; a late answer to an earlier text is dropped.
    asked: u32,
    /// What was found inside keys; `wish.hits` are its places.
    inside: Vec<KeyRef>,
    /// The keys that were last searched, or are about to be.
    searched: u64,
    /// A search of keys that came or changed is about to begin.
    due: bool,
    /// The rows the order was made of.
    version: u64,
}

impl Finder {
    /// Finds everything anew if rows have moved since: a place is good for one version only.
    /// True if that was so.
    pub(crate) fn freshen(&mut self) -> bool {
        let stale = self.is_stale();
        if stale {
            self.wish.hits = places(&self.inside);
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
        self.inside.clear();
        self.asked += 1;
        self.due = false;
        self.searched = keys_version();
        self.relist();
        could_be_in_a_key(typed).then_some(self.asked)
    }

    /// Rows changed. If keys came or changed, the text is looked for in them once more; what was
    /// found before stays until then.
    pub(crate) fn ask_again(&mut self) -> Option<u32> {
        let wanted = could_be_in_a_key(&self.wish.typed) && self.searched != keys_version();
        if !wanted || self.due {
            return None;
        }
        self.due = true;
        Some(self.asked)
    }

    /// Takes over what was found inside keys, unless something else was typed since.
    pub(crate) fn found(&mut self, ticket: u32, found: Vec<KeyRef>) -> bool {
        if ticket != self.asked {
            return false;
        }
        self.wish.hits = places(&found);
        self.inside = found;
        self.relist();
        true
    }

    /// A search is about to be made, if its text is still the one that stands there.
    pub(crate) fn begins(&mut self, ticket: u32) -> bool {
        let current = ticket == self.asked;
        if current {
            self.due = false;
            self.searched = keys_version();
        }
        current
    }
}

/// Where these keys stand, in order.
fn places(keys: &[KeyRef]) -> Vec<u32> {
    if keys.is_empty() {
        return Vec::new();
    }
    let wanted: HashSet<(&str, &str)> = keys
        .iter()
        .map(|key| (key.account.0.as_str(), key.id.0.as_str()))
        .collect();
    with_stock(|stock| {
        stock
            .rows
            .iter()
            .zip(0..)
            .filter(|(row, _)| {
                wanted.contains(&(
                    stock.account_of(row).view.id.0.as_str(),
                    row.key.id.0.as_str(),
                ))
            })
            .map(|(_, place)| place)
            .collect()
    })
}

/// How long a search inside keys waits for more to happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Somebody types.
    Typing,
    /// A sync brings keys in; each search would unseal all of them.
    RowsMoving,
}

/// Asks the worker, after a pause, which keys hold the text; if it cannot say, none do.
pub(crate) fn look_inside(
    typed: String,
    pause: Pause,
    still: impl Fn() -> bool + 'static,
    then: impl FnOnce(Vec<KeyRef>) + 'static,
) {
    let pause = match pause {
        Pause::Typing => 60,
        Pause::RowsMoving => 600,
    };
    dom::after(pause, move || {
        if !still() {
            return;
        }
        spawn(async move {
            let text = Sensitive(typed.trim().to_owned());
            then(ask(FindInKeys { text }).await.unwrap_or_default());
        });
    });
}
