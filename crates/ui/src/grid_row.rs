//! One recycled line of the list: the elements of a key's row and of a group's head, and how
//! they are filled.

use crate::accounts::freshness;
use crate::app::{Copied, Shown};
use crate::dom::{icon, make, set, write_marked};
use crate::icons::Icon;
use crate::stock::{Account, Row};
use crate::words::{amount, from_seconds, t, tn, when};
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
    pub(crate) row: HtmlElement,
    pub(crate) check: HtmlInputElement,
    name: HtmlElement,
    account: HtmlElement,
    key: HtmlElement,
    group: HtmlElement,
    dot: HtmlElement,
    state: HtmlElement,
    bar: HtmlElement,
    fill: HtmlElement,
    left: HtmlElement,
    expiry: HtmlElement,
    used: HtmlElement,
    copy: HtmlElement,
    copy_word: HtmlElement,
    show: HtmlElement,
    eye: Element,
    reveal: HtmlElement,
    done: HtmlElement,
}

impl RowParts {
    /// Makes them.
    pub(crate) fn new(words: &RowWords) -> Self {
        let row = make("div", "r");
        set(&row, "role", "row");
        let cell = |class: &str| {
            let cell = make("span", class);
            set(&cell, "role", "gridcell");
            let _ = row.append_child(&cell);
            cell
        };
        let inside = |parent: &HtmlElement, tag: &str, class: &str| {
            let child = make(tag, class);
            let _ = parent.append_child(&child);
            child
        };
        let check: HtmlInputElement = inside(&cell("ck"), "input", "b-check").unchecked_into();
        check.set_type("checkbox");
        set(&check, "tabindex", "-1");
        set(&check, "autocomplete", "off");
        let names = cell("nm");
        let name = inside(&names, "span", "");
        let account = inside(&names, "span", "of");
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
        let done = inside(&acts, "span", "done");
        done.set_hidden(true);
        done.set_text_content(Some(&words.copied));
        Self {
            row,
            check,
            name,
            account,
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
        self.row.set_class_name(&class);
        set(
            &self.row,
            "data-key",
            &format!("{}/{}", key_ref.account.0, key_ref.id.0),
        );
        set(
            &self.row,
            "aria-selected",
            if data.selected { "true" } else { "false" },
        );
        let name = words.name(&key.name);
        self.check.set_checked(data.selected);
        set(&self.check, "aria-label", &t("select_key", &[name]));
        write_marked(&self.name, name, around.terms);
        set(&self.row.clone(), "data-name", name);
        if around.name_account {
            write_marked(&self.account, &account.view.name, around.terms);
        }
        self.account.set_hidden(!around.name_account);

        let full = around.shown.filter(|shown| shown.key == *key_ref);
        match full {
            Some(shown) => {
                self.key.set_class_name("kx full");
                self.key.set_text_content(Some(&shown.text));
            }
            None => {
                self.key.set_class_name("kx");
                self.key.set_text_content(Some(&mask(&key.mask)));
            }
        }
        let own_group = account.view.group.as_deref().unwrap_or_default();
        let group = if key.group.is_empty() {
            own_group
        } else {
            &key.group
        };
        write_marked(&self.group, group, around.terms);
        self.group.set_hidden(group.is_empty());
        self.dot.set_class_name(state_class(state));
        self.state.set_text_content(Some(words.state(state)));
        self.fill_amount(words, data, account);
        self.expiry.set_text_content(Some(
            &key.expires
                .map_or_else(|| words.never.clone(), |at| when(from_seconds(at))),
        ));
        self.used.set_text_content(Some(
            &key.last_used
                .map_or_else(|| words.never.clone(), |at| when(from_seconds(at))),
        ));

        let copied = around
            .copied
            .filter(|(copied, _)| copied == key_ref)
            .map(|(_, how)| *how);
        self.done.set_hidden(copied != Some(Copied::Done));
        let again = copied == Some(Copied::PressAgain);
        self.copy.set_class_name(if again {
            "btn b-copy word"
        } else {
            "btn ghost b-copy"
        });
        self.copy_word
            .set_text_content(again.then_some(words.copy.as_str()));
        set(
            &self.copy,
            "title",
            if again { &words.again } else { &words.copy },
        );
        let can_show = key.secret == SecretState::Held;
        self.show.set_hidden(!can_show);
        let word = if full.is_some() {
            &words.hide
        } else {
            &words.show
        };
        set(&self.show, "aria-label", word);
        set(&self.show, "title", word);
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
        self.reveal.set_hidden(!masked);
    }

    fn fill_amount(&self, words: &RowWords, data: &Row, account: &Account) {
        let key = &data.key;
        let (text, class) = match (key.unlimited, key.remaining) {
            (true, _) => (words.unlimited.clone(), "muted"),
            (false, Some(left)) => (amount(left, &account.view.unit), ""),
            (false, None) => (String::from("–"), "faint"),
        };
        self.left.set_class_name(class);
        self.left.set_text_content(Some(&text));
        let share = match (key.unlimited, key.remaining, key.used) {
            (false, Some(left), Some(used)) => Some(share(left, used)),
            _ => None,
        };
        self.bar.set_hidden(share.is_none());
        if let Some(share) = share {
            self.bar
                .set_class_name(if share < 10 { "bar low" } else { "bar" });
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
    pub(crate) row: HtmlElement,
    pub(crate) toggle: HtmlElement,
    name: HtmlElement,
    host: HtmlElement,
    kind: HtmlElement,
    balance: HtmlElement,
    dot: HtmlElement,
    fresh: HtmlElement,
    keys: HtmlElement,
}

impl HeadParts {
    /// Makes them.
    pub(crate) fn new() -> Self {
        let row = make("div", "g");
        set(&row, "role", "row");
        let inside = |parent: &HtmlElement, tag: &str, class: &str| {
            let child = make(tag, class);
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
        Self {
            row,
            toggle,
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
        self.row.set_class_name(if shut { "g shut" } else { "g" });
        set(&self.row, "data-account", &view.id.0);
        self.toggle.set_hidden(false);
        set(
            &self.toggle,
            "aria-expanded",
            if shut { "false" } else { "true" },
        );
        set(
            &self.toggle,
            "aria-label",
            &t(if shut { "expand" } else { "collapse" }, &[&view.name]),
        );
        write_marked(&self.name, &view.name, terms);
        let host = if view.name == account.host {
            String::new()
        } else {
            format!(" · {}", account.host)
        };
        write_marked(&self.host, &host, terms);
        self.kind.set_text_content(Some(view.kind.name()));
        self.balance.set_text_content(Some(
            &view
                .balance
                .map(|balance| amount(balance, &view.unit))
                .unwrap_or_default(),
        ));
        let (tone, words) = freshness(account);
        self.dot.set_class_name(&format!("dot {}", tone.class()));
        self.dot.set_hidden(false);
        self.fresh.set_text_content(Some(&words));
        let keys = match view.cut_at {
            Some(cut) => tn("first_keys", cut, &[]),
            None => tn("keys_held", view.keys, &[]),
        };
        self.keys.set_text_content(Some(&keys));
    }

    /// Fills them for what was found inside keys.
    pub(crate) fn fill_inside(&self) {
        self.row.set_class_name("g");
        let _ = self.row.remove_attribute("data-account");
        self.toggle.set_hidden(true);
        self.name.set_text_content(Some(&t("found_inside", &[])));
        for part in [
            &self.host,
            &self.kind,
            &self.balance,
            &self.fresh,
            &self.keys,
        ] {
            part.set_text_content(None);
        }
        self.dot.set_hidden(true);
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
