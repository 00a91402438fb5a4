//! The rows as the worker told them: plain vectors, searched and sorted in place.

use relaykeep_core::keys::{self, KeyState};
use relaykeep_core::search;
use relaykeep_protocol::{AccountId, AccountOrder, AccountView, KeyRef, KeyRow, Millis, RemoteId};
use std::collections::{HashMap, HashSet};

/// One account and what is derived from it.
pub(crate) struct Account {
    /// As told.
    pub(crate) view: AccountView,
    /// Its host (and port), for show.
    pub(crate) host: String,
}

/// One key and what is derived from it.
pub(crate) struct Row {
    /// As told.
    pub(crate) key: KeyRow,
    /// Index of its account.
    pub(crate) account: u32,
    /// What a search looks through: name first, so that it also sorts by name.
    pub(crate) hay: String,
    /// Chosen for an act on several.
    pub(crate) selected: bool,
}

/// Everything held.
#[derive(Default)]
pub(crate) struct Stock {
    /// In the order the user wants.
    pub(crate) accounts: Vec<Account>,
    /// Which order that is.
    order: AccountOrder,
    /// Grouped by account only as far as they came so.
    pub(crate) rows: Vec<Row>,
}

/// What a key is at a time; the row's filters go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    Active,
    Low,
    Expiring,
    Exhausted,
    Disabled,
    Expired,
    Masked,
    Gone,
}

impl Filter {
    pub(crate) const ALL: [Self; 9] = [
        Self::All,
        Self::Active,
        Self::Low,
        Self::Expiring,
        Self::Exhausted,
        Self::Disabled,
        Self::Expired,
        Self::Masked,
        Self::Gone,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "filter_all",
            Self::Active => "filter_active",
            Self::Low => "filter_low",
            Self::Expiring => "filter_expiring",
            Self::Exhausted => "filter_exhausted",
            Self::Disabled => "filter_disabled",
            Self::Expired => "filter_expired",
            Self::Masked => "filter_masked",
            Self::Gone => "filter_gone",
        }
    }

    pub(crate) fn fits(self, row: &KeyRow, now: Millis) -> bool {
        let state = || keys::state(row, now);
        match self {
            Self::All => true,
            Self::Active => state() == KeyState::Active,
            Self::Low => keys::is_low(row) && state() == KeyState::Active,
            Self::Expiring => keys::is_expiring(row, now) && state() == KeyState::Active,
            Self::Exhausted => state() == KeyState::Exhausted,
            Self::Disabled => state() == KeyState::Disabled,
            Self::Expired => state() == KeyState::Expired,
            Self::Masked => keys::is_masked(row),
            Self::Gone => row.gone_since.is_some(),
        }
    }
}

impl Stock {
    /// Accounts whose keys are yet to come.
    pub(crate) fn of(accounts: Vec<AccountView>, order: AccountOrder) -> Self {
        let mut stock = Self {
            accounts: accounts.into_iter().map(Account::of).collect(),
            order,
            ..Self::default()
        };
        stock
            .accounts
            .sort_by_cached_key(|account| account.view.rank(order));
        stock
    }

    /// Another order is wanted. Says whether it is one.
    pub(crate) fn set_order(&mut self, order: AccountOrder) -> bool {
        let other = self.order != order;
        if other {
            self.order = order;
            self.order_accounts(None);
        }
        other
    }

    /// Every tag in use, once each, in the order of the alphabet.
    pub(crate) fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for tag in self
            .accounts
            .iter()
            .flat_map(|account| &account.view.own.tags)
        {
            if !tags.iter().any(|one| same_tag(one, tag)) {
                tags.push(tag.clone());
            }
        }
        tags.sort_by_cached_key(|tag| tag.to_lowercase());
        tags
    }

    /// Another account that seems to be the same login, reached by another address: the same id
    /// and name there, and the same keys.
    pub(crate) fn twin_of(&self, account: &AccountId) -> Option<&Account> {
        let index = self.account_index(account)?;
        let mine = &self.accounts[index as usize].view;
        let keys = |index: u32| -> HashMap<&str, &str> {
            let rows = self.rows.iter().filter(|row| row.account == index);
            let there = rows.filter(|row| row.key.gone_since.is_none());
            there
                .map(|row| (row.key.id.0.as_str(), row.key.mask.as_str()))
                .collect()
        };
        let held = keys(index);
        let same = |other: &AccountView| {
            other.id != mine.id
                && other.base_url != mine.base_url
                && other.kind == mine.kind
                && other.user_id.is_some()
                && other.user_id == mine.user_id
                && other.username == mine.username
        };
        let found =
            self.accounts.iter().enumerate().find(|(at, other)| {
                same(&other.view) && !held.is_empty() && keys(count(*at)) == held
            });
        found.map(|(_, other)| other)
    }

    /// Adds keys that are not here yet.
    pub(crate) fn add(&mut self, account: &AccountId, rows: Vec<KeyRow>) {
        let Some(index) = self.account_index(account) else {
            return;
        };
        let Some(of) = self.accounts.get(index as usize) else {
            return;
        };
        let made = rows.into_iter().map(|key| Row::of(key, index, of));
        self.rows.extend(made);
    }

    /// Puts a whole new inventory in the place of this one; what the user selected stays so.
    pub(crate) fn replace(&mut self, mut next: Self) {
        let selected: HashSet<KeyRef> = self.selected().collect();
        if !selected.is_empty() {
            for index in 0..next.rows.len() {
                next.rows[index].selected = selected.contains(&next.key_ref(index));
            }
        }
        *self = next;
    }

    /// One account is new or changed.
    pub(crate) fn put_account(&mut self, view: AccountView) {
        let index = self.account_index(&view.id);
        let moved = match index {
            Some(index) => {
                let old = &mut self.accounts[index as usize];
                let moved = old.view.rank(self.order) != view.rank(self.order)
                    || found_by(&old.view) != found_by(&view);
                *old = Account::of(view);
                moved
            }
            None => {
                self.accounts.push(Account::of(view));
                true
            }
        };
        if moved {
            self.order_accounts(index);
        }
    }

    fn order_accounts(&mut self, renamed: Option<u32>) {
        let mut order: Vec<u32> = (0..count(self.accounts.len())).collect();
        let by = self.order;
        order.sort_by_cached_key(|index| self.accounts[*index as usize].view.rank(by));
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old as usize] = count(new);
        }
        let mut old: Vec<Option<Account>> = std::mem::take(&mut self.accounts)
            .into_iter()
            .map(Some)
            .collect();
        self.accounts = order
            .iter()
            .filter_map(|index| old[*index as usize].take())
            .collect();
        for row in &mut self.rows {
            let stale = renamed == Some(row.account);
            row.account = place[row.account as usize];
            if stale {
                row.hay = hay(&row.key, &self.accounts[row.account as usize]);
            }
        }
    }

    /// Keys of one account changed, came or went. True if a search inside keys may find more now,
    /// or less: a key is new, or another one than before.
    pub(crate) fn change(
        &mut self,
        account: &AccountId,
        rows: Vec<KeyRow>,
        removed: &[RemoteId],
    ) -> bool {
        let Some(index) = self.account_index(account) else {
            return false;
        };
        let mut moved = false;
        if !removed.is_empty() {
            let removed: HashSet<&RemoteId> = removed.iter().collect();
            self.rows
                .retain(|row| row.account != index || !removed.contains(&row.key.id));
        }
        let places: HashMap<String, usize> = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.account == index)
            .map(|(place, row)| (row.key.id.0.clone(), place))
            .collect();
        let mut new = Vec::new();
        for key in rows {
            match places.get(&key.id.0) {
                Some(place) => {
                    let held = &self.rows[*place];
                    let selected = held.selected;
                    moved |= held.key.mask != key.mask || held.key.secret != key.secret;
                    self.rows[*place] = Row::of(key, index, &self.accounts[index as usize]);
                    self.rows[*place].selected = selected;
                }
                None => new.push(key),
            }
        }
        moved |= !new.is_empty();
        self.add(account, new);
        moved
    }

    /// One account and its keys are no more.
    pub(crate) fn remove_account(&mut self, account: &AccountId) {
        let Some(index) = self.account_index(account) else {
            return;
        };
        self.accounts.remove(index as usize);
        self.rows.retain(|row| row.account != index);
        for row in &mut self.rows {
            if row.account > index {
                row.account -= 1;
            }
        }
    }

    /// Where an account stands.
    pub(crate) fn account_index(&self, account: &AccountId) -> Option<u32> {
        self.accounts
            .iter()
            .position(|held| held.view.id == *account)
            .map(count)
    }

    /// One account.
    pub(crate) fn account(&self, account: &AccountId) -> Option<&Account> {
        self.accounts.iter().find(|held| held.view.id == *account)
    }

    /// A row's account.
    pub(crate) fn account_of(&self, row: &Row) -> &Account {
        &self.accounts[row.account as usize]
    }

    /// Where a key stands.
    pub(crate) fn find(&self, key: &KeyRef) -> Option<usize> {
        let account = self.account_index(&key.account)?;
        self.rows
            .iter()
            .position(|row| row.account == account && row.key.id == key.id)
    }

    /// The name of the key in a row.
    pub(crate) fn key_ref(&self, index: usize) -> KeyRef {
        let row = &self.rows[index];
        KeyRef {
            account: self.account_of(row).view.id.clone(),
            id: row.key.id.clone(),
        }
    }

    /// All selected keys.
    pub(crate) fn selected(&self) -> impl Iterator<Item = KeyRef> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.selected)
            .map(|(index, _)| self.key_ref(index))
    }

    /// The masked ones among the rows that fit.
    pub(crate) fn masked(&self, fits: impl Fn(&Row) -> bool) -> Vec<KeyRef> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| keys::is_masked(&row.key) && fits(row))
            .map(|(index, _)| self.key_ref(index))
            .collect()
    }

    /// How many rows fit each filter.
    pub(crate) fn counts(&self, now: Millis) -> [u32; 9] {
        Filter::ALL.map(|filter| {
            count(
                self.rows
                    .iter()
                    .filter(|row| filter.fits(&row.key, now))
                    .count(),
            )
        })
    }
}

/// What of an account a search looks through.
fn found_by(view: &AccountView) -> (&str, &str, &[String], &str) {
    (&view.name, &view.base_url, &view.own.tags, &view.own.notes)
}

/// Upper and lower case are one.
pub(crate) fn same_tag(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

impl Account {
    /// Bears this tag.
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.view.own.tags.iter().any(|one| same_tag(one, tag))
    }

    fn of(view: AccountView) -> Self {
        let host = view
            .base_url
            .split_once("://")
            .map_or(view.base_url.as_str(), |(_, rest)| rest)
            .to_owned();
        Self { view, host }
    }
}

impl Row {
    fn of(key: KeyRow, account: u32, of: &Account) -> Self {
        Self {
            hay: hay(&key, of),
            key,
            account,
            selected: false,
        }
    }
}

fn hay(key: &KeyRow, of: &Account) -> String {
    let own = &of.view.own;
    let mut fields = vec![
        key.name.as_str(),
        &key.group,
        &of.view.name,
        &of.host,
        first_words(&own.notes),
    ];
    fields.extend(own.tags.iter().map(String::as_str));
    search::haystack(&fields)
}

/// What of notes a search looks through: every row of the account holds it.
fn first_words(notes: &str) -> &str {
    const MOST: usize = 200;
    match notes.char_indices().nth(MOST) {
        Some((end, _)) => &notes[..end],
        None => notes,
    }
}

/// Rows and accounts are far fewer than 2^32.
pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relaykeep_protocol::{Health, LoginWay, SiteKind, Unit};

    fn account(id: &str, name: &str) -> AccountView {
        AccountView {
            id: AccountId(id.to_owned()),
            name: name.to_owned(),
            base_url: format!("https://{id}.example"),
            kind: SiteKind::NewApi,
            generation: None,
            way: LoginWay::Token,
            user_id: None,
            username: None,
            group: None,
            unit: Unit::default(),
            balance: None,
            used: None,
            health: Health::New,
            synced_at: None,
            keys: 0,
            cut_at: None,
            in_clear: false,
            token_in_doubt: false,
            admin: false,
            offers_token: false,
            own: relaykeep_protocol::Own::default(),
        }
    }

    fn keys(ids: &[&str]) -> Vec<KeyRow> {
        ids.iter()
            .map(|id| KeyRow {
                id: RemoteId((*id).to_owned()),
                name: format!("key {id}"),
                ..KeyRow::default()
            })
            .collect()
    }

    fn two() -> Stock {
        let mut stock = Stock::of(
            vec![account("b", "Beta"), account("a", "alpha")],
            AccountOrder::Name,
        );
        stock.add(&AccountId("b".to_owned()), keys(&["1", "2"]));
        stock.add(&AccountId("a".to_owned()), keys(&["1"]));
        stock
    }

    fn names(stock: &Stock) -> Vec<String> {
        stock
            .rows
            .iter()
            .map(|row| format!("{}/{}", stock.account_of(row).view.name, row.key.name))
            .collect()
    }

    #[test]
    fn a_renamed_account_takes_its_rows_along() {
        let mut stock = two();
        assert_eq!(names(&stock), ["Beta/key 1", "Beta/key 2", "alpha/key 1"]);
        stock.put_account(account("b", "Aaa"));
        assert_eq!(names(&stock), ["Aaa/key 1", "Aaa/key 2", "alpha/key 1"]);
        assert!(
            stock.rows[0].hay.contains("aaa"),
            "it is found by its new name"
        );
        assert!(stock.rows[2].hay.contains("alpha"));
    }

    #[test]
    fn removal_leaves_the_others_where_they_belong() {
        let mut stock = two();
        stock.remove_account(&AccountId("a".to_owned()));
        assert_eq!(names(&stock), ["Beta/key 1", "Beta/key 2"]);
        stock.change(
            &AccountId("b".to_owned()),
            keys(&["3"]),
            &[RemoteId("1".to_owned())],
        );
        assert_eq!(names(&stock), ["Beta/key 2", "Beta/key 3"]);
    }

    #[test]
    fn only_other_keys_are_worth_another_search_inside_them() {
        let mut stock = two();
        let beta = AccountId("b".to_owned());
        let mut row = keys(&["1"]);
        row[0].remaining = Some(5);
        assert!(!stock.change(&beta, row.clone(), &[RemoteId("2".to_owned())]));
        row[0].secret = relaykeep_protocol::SecretState::Held;
        assert!(stock.change(&beta, row.clone(), &[]), "it was revealed");
        row[0].mask = "sk-other".to_owned();
        assert!(stock.change(&beta, row, &[]), "it is another key");
        assert!(stock.change(&beta, keys(&["9"]), &[]), "it is new");
    }

    #[test]
    fn a_new_inventory_keeps_what_was_selected() {
        let mut stock = two();
        stock.rows[1].selected = true;
        stock.replace(two());
        assert_eq!(
            stock.selected().map(|key| key.id.0).collect::<Vec<_>>(),
            ["2"]
        );
    }

    fn names_by(order: AccountOrder, change: impl Fn(&str, &mut AccountView)) -> Vec<String> {
        let views = ["ant", "bee", "cat"].map(|name| {
            let mut view = account(name, name);
            change(name, &mut view);
            view
        });
        let mut stock = Stock::of(views.to_vec(), AccountOrder::Name);
        stock.set_order(order);
        let names = stock.accounts.iter();
        names.map(|account| account.view.name.clone()).collect()
    }

    #[test]
    fn accounts_stand_as_the_user_wants_them() {
        use AccountOrder::{Balance, Hand, Kind, Name, Synced};
        let none = |_: &str, _: &mut AccountView| {};
        assert_eq!(names_by(Name, none), ["ant", "bee", "cat"]);
        assert_eq!(names_by(Hand, none), ["ant", "bee", "cat"], "no places yet");
        let by_hand = |name: &str, view: &mut AccountView| {
            view.own.place = match name {
                "cat" => Some(0),
                "ant" => Some(1),
                _ => None,
            };
        };
        assert_eq!(names_by(Hand, by_hand), ["cat", "ant", "bee"]);
        let balances = |name: &str, view: &mut AccountView| {
            // Raw quota is no measure across sites of different units.
            (view.balance, view.unit.per_dollar) = match name {
                "ant" => (Some(900_000), 500_000.0),
                "bee" => (Some(3_000), 1_000.0),
                _ => (None, 500_000.0),
            };
        };
        assert_eq!(names_by(Balance, balances), ["bee", "ant", "cat"]);
        let kinds = |name: &str, view: &mut AccountView| {
            if name == "ant" {
                view.kind = SiteKind::OneApi;
            }
        };
        assert_eq!(names_by(Kind, kinds), ["bee", "cat", "ant"]);
        let times = |name: &str, view: &mut AccountView| {
            view.synced_at = match name {
                "bee" => Some(5),
                "cat" => Some(9),
                _ => None,
            };
        };
        assert_eq!(names_by(Synced, times), ["cat", "bee", "ant"]);
        let pinned = |name: &str, view: &mut AccountView| {
            times(name, view);
            view.own.pinned = name == "ant";
        };
        assert_eq!(names_by(Synced, pinned), ["ant", "cat", "bee"]);
    }

    #[test]
    fn a_tag_and_a_note_find_the_keys_of_their_account() {
        let mut view = account("a", "alpha");
        view.own.tags = vec!["Work".to_owned()];
        view.own.notes = "cheap at night".to_owned();
        let mut stock = Stock::of(vec![view, account("b", "Beta")], AccountOrder::Name);
        stock.add(&AccountId("a".to_owned()), keys(&["1"]));
        stock.add(&AccountId("b".to_owned()), keys(&["2"]));
        let found = |stock: &Stock, typed: &str| {
            let query = search::Query::read(typed);
            let rows = stock.rows.iter().filter(|row| query.matches(&row.hay));
            rows.map(|row| row.key.id.0.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found(&stock, "work"), ["1"]);
        assert_eq!(found(&stock, "night"), ["1"]);
        assert_eq!(stock.tags(), ["Work"]);
        let mut view = account("b", "Beta");
        view.own.tags = vec!["work".to_owned(), "apple".to_owned()];
        stock.put_account(view);
        assert_eq!(found(&stock, "work"), ["1", "2"]);
        assert_eq!(stock.tags(), ["apple", "Work"]);
    }

    #[test]
    fn the_same_login_by_another_address_is_noticed() {
        let mut stock = two();
        let (a, b) = (AccountId("a".to_owned()), AccountId("b".to_owned()));
        let login = |id: &str, name: &str| {
            let mut view = account(id, name);
            view.user_id = Some("7".to_owned());
            view.username = Some("demo".to_owned());
            view
        };
        stock.put_account(login("a", "alpha"));
        stock.put_account(login("b", "Beta"));
        assert!(stock.twin_of(&a).is_none(), "other keys");
        let rows: Vec<KeyRow> = stock
            .rows
            .iter()
            .filter(|row| stock.account_of(row).view.id == a)
            .map(|row| row.key.clone())
            .collect();
        let others: Vec<RemoteId> = stock
            .rows
            .iter()
            .filter(|row| stock.account_of(row).view.id == b)
            .map(|row| row.key.id.clone())
            .collect();
        stock.change(&b, rows, &others);
        assert_eq!(stock.twin_of(&a).map(|twin| &twin.view.id), Some(&b));
        assert_eq!(stock.twin_of(&b).map(|twin| &twin.view.id), Some(&a));
        let mut other = login("b", "Beta");
        other.username = Some("somebody".to_owned());
        stock.put_account(other);
        assert!(stock.twin_of(&a).is_none(), "another login");
    }
}
