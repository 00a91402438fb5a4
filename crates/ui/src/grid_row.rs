//! One recycled line of the list: the elements of a key's row and of a group's head, and how
//! they are filled.

use crate::accounts::freshness;
use crate::app::{Copied, Shown};
use crate::dom::{icon, set};
use crate::icons::Icon;
use crate::part::Part;
use crate::stock::{Account, Row};
use crate::words::{amount, from_seconds, kind_name, t, tn, when};
use relaykeep_core::keys::{self, KeyState};
use relaykeep_protocol::{KeyRef, Millis, SecretState};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};

/// Words that every row needs, fetched once.
pub(crate) struct RowWords {
    states: [String; 6],
    never: String,
    unlimited: String,
    copy: String,
    copied: String,
    again: String,
    show: String,
    hide: String,
    reveal: String,
    no_name: String,
    replaced: String,
    more: [String; 2],
    select: [String; 2],
}

impl RowWords {
    /// Fetches them.
    pub(crate) fn new() -> Self {
        Self {
            states: [
                "state_active",
                "state_disabled",
                "state_expired",
                "state_exhausted",
                "state_unknown",
                "state_gone",
            ]
            .map(|id| t(id, &[])),
            never: t("never", &[]),
            unlimited: t("unlimited", &[]),
            copy: t("copy", &[]),
            copied: t("copied", &[]),
            again: t("press_copy", &[]),
            show: t("show", &[]),
            hide: t("hide", &[]),
            reveal: t("reveal", &[]),
            no_name: t("no_name", &[]),
            replaced: t("replaced", &[]),
            more: around_name("more_for"),
            select: around_name("select_key"),
        }
    }

    /// A state's word.
    pub(crate) fn state(&self, state: KeyState) -> &str {
        &self.states[match state {
            KeyState::Active => 0,
            KeyState::Disabled => 1,
            KeyState::Expired => 2,
            KeyState::Exhausted => 3,
            KeyState::Unknown => 4,
            KeyState::Gone => 5,
        }]
    }

    /// A key's name, or a word where it has none.
    pub(crate) fn name<'a>(&'a self, name: &'a str) -> &'a str {
        if name.is_empty() { &self.no_name } else { name }
    }
}

/// What stands before and after a name in a message.
fn around_name(message: &str) -> [String; 2] {
    const NAME: &str = "\u{1}";
    let whole = t(message, &[NAME]);
    let (before, after) = whole.split_once(NAME).unwrap_or((&whole, ""));
    [before.to_owned(), after.to_owned()]
}

/// The class of a state's dot.
pub(crate) const fn state_class(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "dot good",
        KeyState::Exhausted => "dot warn",
        KeyState::Expired | KeyState::Gone => "dot bad",
        KeyState::Disabled | KeyState::Unknown => "dot",
    }
}

/// What of a row comes from elsewhere than its key.
pub(crate) struct Around<'a> {
    pub(crate) now: Millis,
    pub(crate) terms: &'a [String],
    pub(crate) shown: Option<&'a Shown>,
    pub(crate) copied: Option<&'a (KeyRef, Copied)>,
    /// The group's head does not say whose it is.
    pub(crate) name_account: bool,
    pub(crate) chosen: bool,
}

/// The elements of a key's row.
pub(crate) struct RowParts {
    pub(crate) row: Part,
    pub(crate) check: HtmlInputElement,
    name: Part,
    account: Part,
    replaced: Part,
    key: Part,
    group: Part,
    dot: Part,
    state: Part,
    bar: Part,
    fill: Part,
    left: Part,
    expiry: Part,
    used: Part,
    copy: Part,
    copy_word: Part,
    show: Part,
    eye: Element,
    reveal: Part,
    more: Part,
    done: Part,
}

impl RowParts {
    /// Makes them.
    pub(crate) fn new(words: &RowWords) -> Self {
        let row = Part::new("div", "r");
        set(&row, "role", "row");
        let cell = |class: &str| {
            let cell = Part::new("span", class);
            set(&cell, "role", "gridcell");
            let _ = row.append_child(&cell);
            cell
        };
        let inside = |parent: &HtmlElement, tag: &str, class: &str| {
            let child = Part::new(tag, class);
            let _ = parent.append_child(&child);
            child
        };
        let check: HtmlInputElement = (*inside(&cell("ck"), "input", "b-check"))
            .clone()
            .unchecked_into();
        check.set_type("checkbox");
        set(&check, "tabindex", "-1");
        set(&check, "autocomplete", "off");
        let names = cell("nm");
        let name = inside(&names, "span", "");
        let account = inside(&names, "span", "of");
        let replaced = inside(&names, "span", "tag");
        replaced.say(&words.replaced);
        let key = cell("kx");
        let group = inside(&cell("gr"), "span", "tag");
        let states = cell("st");
        let dot = inside(&states, "span", "dot");
        let state = inside(&states, "span", "");
        let amounts = cell("q");
        let bar = inside(&amounts, "span", "bar");
        let fill = inside(&bar, "i", "");
        let left = inside(&amounts, "span", "");
        let expiry = cell("ex muted");
        let used = cell("lu muted");
        let acts = cell("act");
        let button = |class: &str, drawn: Icon, label: &str| {
            let button = inside(&acts, "button", &format!("btn ghost {class}"));
            set(&button, "type", "button");
            set(&button, "tabindex", "-1");
            set(&button, "aria-label", label);
            set(&button, "title", label);
            let _ = button.append_child(&icon(drawn.path()));
            button
        };
        let reveal = button("b-reveal", Icon::Reveal, &words.reveal);
        let show = button("b-show", Icon::Show, &words.show);
        let copy = button("b-copy", Icon::Copy, &words.copy);
        let copy_word = inside(&copy, "span", "");
        let eye = show
            .first_element_child()
            .and_then(|svg| svg.first_element_child())
            .unwrap_or_else(|| show.clone().into());
        let more = button("b-more", Icon::More, "");
        set(&more, "aria-haspopup", "menu");
        let done = inside(&acts, "span", "done");
        done.hide(true);
        done.say(&words.copied);
        Self {
            row,
            check,
            name,
            account,
            replaced,
            key,
            group,
            dot,
            state,
            bar,
            fill,
            left,
            expiry,
            used,
            copy,
            copy_word,
            show,
            eye,
            reveal,
            more,
            done,
        }
    }

    /// Fills them for one key.
    pub(crate) fn fill(
        &self,
        words: &RowWords,
        key_ref: &KeyRef,
        data: &Row,
        account: &Account,
        around: &Around<'_>,
    ) {
        let key = &data.key;
        let state = keys::state(key, around.now);
        let masked = keys::is_masked(key);
        let mut class = String::from("r");
        for (name, on) in [
            ("sel", data.selected),
            ("on", around.chosen),
            ("gone", state == KeyState::Gone),
        ] {
            if on {
                class.push(' ');
                class.push_str(name);
            }
        }
        self.row.class(&class);
        self.row.put(
            "data-key",
            &format!("{}/{}", key_ref.account.0, key_ref.id.0),
        );
        self.row.put(
            "aria-selected",
            if data.selected { "true" } else { "false" },
        );
        let name = words.name(&key.name);
        let [before, after] = &words.select;
        self.check.set_checked(data.selected);
        set(&self.check, "aria-label", &format!("{before}{name}{after}"));
        self.name.mark(name, around.terms);
        if around.name_account {
            self.account.mark(&account.view.name, around.terms);
        }
        self.account.hide(!around.name_account);
        self.replaced.hide(key.replaced_by.is_none());
        let [before, after] = &words.more;
        let more = format!("{before}{name}{after}");
        self.more.put("aria-label", &more);
        self.more.put("title", &more);

        let full = around.shown.filter(|shown| shown.key == *key_ref);
        match full {
            Some(shown) => {
                self.key.class("kx full");
                self.key.say(&shown.text);
            }
            None => {
                self.key.class("kx");
                self.key.say(&mask(&key.mask));
            }
        }
        let own_group = account.view.group.as_deref().unwrap_or_default();
        let group = if key.group.is_empty() {
            own_group
        } else {
            &key.group
        };
        self.group.mark(group, around.terms);
        self.group.hide(group.is_empty());
        self.dot.class(state_class(state));
        self.state.say(words.state(state));
        self.fill_amount(words, data, account);
        self.expiry.say(
            &key.expires
                .map_or_else(|| words.never.clone(), |at| when(from_seconds(at))),
        );
        self.used.say(
            &key.last_used
                .map_or_else(|| words.never.clone(), |at| when(from_seconds(at))),
        );

        let copied = around
            .copied
            .filter(|(copied, _)| copied == key_ref)
            .map(|(_, how)| *how);
        self.done.hide(copied != Some(Copied::Done));
        let again = copied == Some(Copied::PressAgain);
        self.copy.class(if again {
            "btn b-copy word"
        } else {
            "btn ghost b-copy"
        });
        self.copy_word.say(if again { &words.copy } else { "" });
        self.copy
            .put("title", if again { &words.again } else { &words.copy });
        let can_show = key.secret == SecretState::Held;
        self.show.hide(!can_show);
        let word = if full.is_some() {
            &words.hide
        } else {
            &words.show
        };
        self.show.put("aria-label", word);
        self.show.put("title", word);
        set(
            &self.eye,
            "d",
            if full.is_some() {
                Icon::Hide
            } else {
                Icon::Show
            }
            .path(),
        );
        self.reveal.hide(!masked);
    }

    /// Hides the row. What it said goes too: it may have been a full key.
    pub(crate) fn forget(&self) {
        self.row.hide(true);
        self.row.put("data-key", "");
        self.key.say("");
    }

    fn fill_amount(&self, words: &RowWords, data: &Row, account: &Account) {
        let key = &data.key;
        let (text, class) = match (key.unlimited, key.remaining) {
            (true, _) => (words.unlimited.clone(), "muted"),
            (false, Some(left)) => (amount(left, &account.view.unit), ""),
            (false, None) => (String::from("–"), "faint"),
        };
        self.left.class(class);
        self.left.say(&text);
        let share = match (key.unlimited, key.remaining, key.used) {
            (false, Some(left), Some(used)) => Some(share(left, used)),
            _ => None,
        };
        self.bar.hide(share.is_none());
        if let Some(share) = share {
            self.bar.class(if share < 10 { "bar low" } else { "bar" });
            let _ = self
                .fill
                .style()
                .set_property("width", &format!("{share}%"));
        }
    }
}

/// What is left, in hundredths of what there was.
fn share(left: i64, used: i64) -> i128 {
    let (left, used) = (i128::from(left.max(0)), i128::from(used.max(0)));
    left.checked_mul(100)
        .and_then(|part| part.checked_div(left + used))
        .unwrap_or(0)
}

/// A mask with our own dots: sites write stars, of any number.
pub(crate) fn mask(told: &str) -> String {
    const DOTS: &str = "••••••••";
    match (told.find(['*', '•', '…']), told.rfind(['*', '•', '…'])) {
        (Some(from), Some(to)) => {
            let end = told[to..]
                .chars()
                .next()
                .map_or(to, |dot| to + dot.len_utf8());
            format!("{}{DOTS}{}", &told[..from], &told[end..])
        }
        _ => told.to_owned(),
    }
}

/// The elements of a group's head.
pub(crate) struct HeadParts {
    pub(crate) row: Part,
    pub(crate) toggle: Part,
    new: Part,
    name: Part,
    host: Part,
    kind: Part,
    balance: Part,
    dot: Part,
    fresh: Part,
    keys: Part,
}

impl HeadParts {
    /// Makes them.
    pub(crate) fn new() -> Self {
        let row = Part::new("div", "g");
        set(&row, "role", "row");
        let inside = |parent: &HtmlElement, tag: &str, class: &str| {
            let child = Part::new(tag, class);
            let _ = parent.append_child(&child);
            child
        };
        let cell = |class: &str| {
            let cell = inside(&row, "span", class);
            set(&cell, "role", "gridcell");
            cell
        };
        let toggle = inside(&cell(""), "button", "tog");
        set(&toggle, "type", "button");
        set(&toggle, "tabindex", "-1");
        let _ = toggle.append_child(&icon(Icon::Down.path()));
        let names = cell("cut");
        let name = inside(&names, "span", "");
        let host = inside(&names, "span", "host");
        let meta = cell("meta");
        let kind = inside(&meta, "span", "");
        let balance = inside(&meta, "span", "");
        let state = inside(&meta, "span", "fresh");
        let dot = inside(&state, "span", "dot");
        let fresh = inside(&state, "span", "");
        let keys = inside(&meta, "span", "");
        let new = inside(&cell(""), "button", "btn ghost b-new");
        set(&new, "type", "button");
        set(&new, "tabindex", "-1");
        let _ = new.append_child(&icon(Icon::Add.path()));
        Self {
            row,
            toggle,
            new,
            name,
            host,
            kind,
            balance,
            dot,
            fresh,
            keys,
        }
    }

    /// Fills them for an account.
    pub(crate) fn fill(&self, account: &Account, terms: &[String], shut: bool) {
        let view = &account.view;
        self.row.class(if shut { "g shut" } else { "g" });
        self.row.put("data-account", &view.id.0);
        self.toggle.hide(false);
        self.toggle
            .put("aria-expanded", if shut { "false" } else { "true" });
        self.toggle.put(
            "aria-label",
            &t(if shut { "expand" } else { "collapse" }, &[&view.name]),
        );
        let new = t("new_key_at", &[&view.name]);
        self.new.hide(false);
        self.new.put("aria-label", &new);
        self.new.put("title", &new);
        self.name.mark(&view.name, terms);
        let host = if view.name == account.host {
            String::new()
        } else {
            format!(" · {}", account.host)
        };
        self.host.mark(&host, terms);
        self.kind.say(&kind_name(view.kind));
        self.balance.say(
            &view
                .balance
                .map(|balance| amount(balance, &view.unit))
                .unwrap_or_default(),
        );
        let (tone, words) = freshness(account);
        self.dot.class(&format!("dot {}", tone.class()));
        self.dot.hide(false);
        self.fresh.say(&words);
        let keys = match view.cut_at {
            Some(cut) => tn("first_keys", cut, &[]),
            None => tn("keys_held", view.keys, &[]),
        };
        self.keys.say(&keys);
    }

    /// Fills them for what was found inside keys.
    pub(crate) fn fill_inside(&self) {
        self.row.class("g");
        self.row.put("data-account", "");
        self.toggle.hide(true);
        self.new.hide(true);
        self.name.say(&t("found_inside", &[]));
        for part in [
            &self.host,
            &self.kind,
            &self.balance,
            &self.fresh,
            &self.keys,
        ] {
            part.say("");
        }
        self.dot.hide(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_any_length_look_alike() {
        assert_eq!(mask("sk-9fQ2**********Xw7K"), "sk-9fQ2••••••••Xw7K");
        assert_eq!(mask("sk-9fQ2…Xw7K"), "sk-9fQ2••••••••Xw7K");
        assert_eq!(mask("sk-ab"), "sk-ab");
        assert_eq!(mask("****"), "••••••••");
    }

    #[test]
    fn a_share_never_overflows() {
        assert_eq!(share(i64::MAX, i64::MAX), 50);
        assert_eq!(share(-5, 10), 0);
        assert_eq!(share(0, 0), 0);
    }
}
