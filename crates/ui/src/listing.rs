//! Which rows stand where: filter, search, order and groups.

use crate::stock::{Filter, Stock, count};
use relaykeep_core::search::Query;
use relaykeep_protocol::{AccountId, Millis};
use std::cmp::Ordering;
use std::collections::HashSet;

/// How rows are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GroupBy {
    #[default]
    Account,
    Nothing,
}

/// How rows are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Name,
    Remaining,
    Expiry,
    LastUsed,
    Newest,
}

/// What the user wants to see.
#[derive(Default)]
pub(crate) struct Wish {
    /// As typed.
    pub(crate) typed: String,
    /// Only these.
    pub(crate) filter: Option<Filter>,
    /// Only keys of accounts with this tag.
    pub(crate) tag: Option<String>,
    /// Grouped how.
    pub(crate) group_by: GroupBy,
    /// Ordered how.
    pub(crate) sort: Sort,
    /// Groups that are shut.
    pub(crate) shut: HashSet<AccountId>,
    /// Rows whose key holds what was typed, as the worker told; by index.
    pub(crate) hits: Vec<u32>,
}

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The head of an account's group.
    Head(u32),
    /// The head of what was found inside the keys themselves.
    InKeys,
    /// A key's row.
    Key(u32),
}

/// The lines, from top to bottom.
#[derive(Default)]
pub(crate) struct Listing {
    /// All of them.
    pub(crate) lines: Vec<Line>,
    /// Where the heads stand among them.
    pub(crate) heads: Vec<u32>,
    /// How many keys fit.
    pub(crate) matched: u32,
}

/// The order of all rows: kept between keystrokes.
#[derive(Default)]
pub(crate) struct Order {
    rows: Vec<u32>,
}

impl Order {
    /// Orders all rows.
    pub(crate) fn of(stock: &Stock, group_by: GroupBy, sort: Sort) -> Self {
        let mut rows: Vec<u32> = (0..count(stock.rows.len())).collect();
        let by = |a: &u32, b: &u32| {
            let (a, b) = (&stock.rows[*a as usize], &stock.rows[*b as usize]);
            let group = match group_by {
                GroupBy::Account => a.account.cmp(&b.account),
                GroupBy::Nothing => Ordering::Equal,
            };
            group
                .then_with(|| match sort {
                    Sort::Name => Ordering::Equal,
                    Sort::Remaining => {
                        let left = |row: &relaykeep_protocol::KeyRow| {
                            if row.unlimited {
                                i64::MAX
                            } else {
                                row.remaining.unwrap_or(i64::MAX)
                            }
                        };
                        left(&a.key).cmp(&left(&b.key))
                    }
                    Sort::Expiry => a
                        .key
                        .expires
                        .unwrap_or(i64::MAX)
                        .cmp(&b.key.expires.unwrap_or(i64::MAX)),
                    Sort::LastUsed => b.key.last_used.cmp(&a.key.last_used),
                    Sort::Newest => b.key.created.cmp(&a.key.created),
                })
                .then_with(|| a.hay.cmp(&b.hay))
                .then_with(|| a.key.id.cmp(&b.key.id))
        };
        // Rows mostly come in order already, which this sort finds out in one pass.
        rows.sort_by(by);
        Self { rows }
    }
}

impl Listing {
    /// The lines that fit the wish.
    pub(crate) fn of(stock: &Stock, order: &Order, wish: &Wish, now: Millis) -> Self {
        let query = Query::read(&wish.typed);
        let filter = wish.filter.filter(|filter| *filter != Filter::All);
        let tagged: Vec<bool> = stock
            .accounts
            .iter()
            .map(|account| wish.tag.as_ref().is_none_or(|tag| account.has_tag(tag)))
            .collect();
        let fits = |index: u32| {
            let row = &stock.rows[index as usize];
            tagged[row.account as usize] && filter.is_none_or(|filter| filter.fits(&row.key, now))
        };
        let mut listing = Self {
            lines: Vec::with_capacity(order.rows.len() + stock.accounts.len()),
            ..Self::default()
        };
        // Accounts without keys are shown too, as long as nothing is looked for.
        let all = query.is_empty()
            && filter.is_none()
            && wish.tag.is_none()
            && wish.group_by == GroupBy::Account;
        let mut next = 0;
        let mut last = None;
        let mut open = true;
        for index in order.rows.iter().copied() {
            let row = &stock.rows[index as usize];
            if !query.matches(&row.hay) || !fits(index) {
                continue;
            }
            listing.matched += 1;
            if wish.group_by == GroupBy::Account && last != Some(row.account) {
                last = Some(row.account);
                while all && next < row.account {
                    listing.head(Line::Head(next));
                    next += 1;
                }
                next = row.account + 1;
                listing.head(Line::Head(row.account));
                // A search opens the groups of what it finds.
                open = !query.is_empty() || !wish.shut.contains(&stock.account_of(row).view.id);
            }
            if open {
                listing.lines.push(Line::Key(index));
            }
        }
        while all && next < count(stock.accounts.len()) {
            listing.head(Line::Head(next));
            next += 1;
        }
        // Found only inside the key: after everything found by name, so that nothing moves.
        let inside: Vec<u32> = wish
            .hits
            .iter()
            .copied()
            .filter(|index| fits(*index) && !query.matches(&stock.rows[*index as usize].hay))
            .collect();
        if !inside.is_empty() {
            listing.head(Line::InKeys);
            listing.matched += count(inside.len());
            listing.lines.extend(inside.into_iter().map(Line::Key));
        }
        listing
    }

    fn head(&mut self, head: Line) {
        self.heads.push(count(self.lines.len()));
        self.lines.push(head);
    }

    /// Heads before a line.
    pub(crate) fn heads_before(&self, line: usize) -> usize {
        self.heads.partition_point(|head| (*head as usize) < line)
    }
}
