//! The popup's list: the same few recycled elements, two lines each.

use crate::app::{Copied, app, with_stock};
use crate::copying;
use crate::dom::{self, make, set, write_marked};
use crate::finder::{Finder, Pause, look_inside};
use crate::grid_row::{RowWords, state_class};
use crate::listing::{GroupBy, Line};
use crate::words::{amount, now, t};
use leptos::prelude::*;
use relaykeep_core::keys::{self, KeyState};
use relaykeep_protocol::KeyRef;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

/// A row's height in CSS pixels, as in popup.css.
const ROW: f64 = 46.0;
const SPARE: usize = 3;

struct Slot {
    row: HtmlElement,
    dot: HtmlElement,
    name: HtmlElement,
    whose: HtmlElement,
    end: HtmlElement,
    line: Option<(usize, u32)>,
}

struct List {
    list: HtmlElement,
    tall: HtmlElement,
    slots: Vec<Slot>,
    words: RowWords,
    finder: Finder,
    rows: Vec<u32>,
    drawing: u32,
    chosen: usize,
    /// Which key that is, for when rows move.
    chosen_ref: Option<KeyRef>,
}

thread_local! {
    static LIST: RefCell<Option<List>> = const { RefCell::new(None) };
}

/// Takes over the list's element.
pub(crate) fn begin(list: HtmlElement) {
    let tall = make("div", "tall");
    set(&tall, "role", "presentation");
    let _ = list.append_child(&tall);
    // A form may stand in the list's place for a while.
    dom::on_resize(&list, scroll);
    let mut finder = Finder::default();
    finder.wish.group_by = GroupBy::Nothing;
    finder.wish.sort = crate::listing::Sort::LastUsed;
    LIST.set(Some(List {
        list,
        tall,
        slots: Vec::new(),
        words: RowWords::new(),
        finder,
        rows: Vec::new(),
        drawing: 0,
        chosen: 0,
        chosen_ref: None,
    }));
}

/// The list is no longer on the page.
pub(crate) fn end() {
    LIST.set(None);
}

fn with_list<T>(work: impl FnOnce(&mut List) -> T) -> Option<T> {
    LIST.with_borrow_mut(|list| {
        let list = list.as_mut()?;
        if list.finder.is_stale() {
            let chosen = list.chosen_ref.clone();
            list.finder.freshen();
            list.take_rows();
            list.keep_chosen(chosen.as_ref());
            list.redraw();
        }
        Some(work(list))
    })
}

/// The rows changed. Returns how many fit.
pub(crate) fn renew() -> u32 {
    let (matched, typed, ticket) = with_list(|list| {
        let ticket = list.finder.ask_again();
        (
            list.finder.listing.matched,
            list.finder.wish.typed.clone(),
            ticket,
        )
    })
    .unwrap_or_default();
    ask_inside(&typed, ticket, Pause::RowsMoving);
    matched
}

/// Something was typed. Returns how many fit.
pub(crate) fn type_in(typed: &str) -> u32 {
    let (matched, ticket) = with_list(|list| {
        let ticket = list.finder.type_in(typed);
        list.chosen = 0;
        list.list.set_scroll_top(0);
        list.take_rows();
        list.redraw();
        (list.finder.listing.matched, ticket)
    })
    .unwrap_or_default();
    app().looking.set(ticket.is_some());
    ask_inside(typed, ticket, Pause::Typing);
    matched
}

fn ask_inside(typed: &str, ticket: Option<u32>, pause: Pause) {
    let Some(ticket) = ticket else { return };
    let still = move || with_list(|list| list.finder.begins(ticket)).unwrap_or(false);
    look_inside(typed.to_owned(), pause, still, move |found| {
        let matched = with_list(|list| {
            // What was found by name stands first, so the chosen row stays where it is.
            list.finder.found(ticket, found).then(|| {
                list.take_rows();
                list.redraw();
                list.finder.listing.matched
            })
        });
        if let Some(Some(matched)) = matched {
            app().looking.set(false);
            app().matched.set(matched);
        }
    });
}

/// Something shown beside the rows changed.
pub(crate) fn repaint() {
    with_list(List::redraw);
}

/// Scrolled.
pub(crate) fn scroll() {
    with_list(List::draw);
}

/// An arrow key: the choice moves. True if it did.
pub(crate) fn key(name: &str) -> bool {
    with_list(|list| {
        let last = list.rows.len().saturating_sub(1);
        list.chosen = match name {
            "ArrowDown" => (list.chosen + 1).min(last),
            "ArrowUp" => list.chosen.saturating_sub(1),
            "PageDown" => (list.chosen + 6).min(last),
            "PageUp" => list.chosen.saturating_sub(6),
            _ => return false,
        };
        list.bring();
        list.redraw();
        true
    })
    .unwrap_or(false)
}

/// Enter: copies the chosen key.
pub(crate) fn copy_chosen() {
    if let Some(Some(key)) = with_list(|list| list.chosen_key()) {
        copying::copy(key);
    }
}

/// A click chooses and copies.
pub(crate) fn click(event: &MouseEvent) {
    let target: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
    let Some(row) = target.and_then(|target| target.closest("[data-at]").ok().flatten()) else {
        return;
    };
    let key = with_list(|list| {
        let slot: usize = row.get_attribute("data-at")?.parse().ok()?;
        list.chosen = list.slots.get(slot)?.line?.0;
        list.redraw();
        list.chosen_key()
    });
    if let Some(Some(key)) = key {
        copying::copy(key);
    }
}

impl List {
    fn take_rows(&mut self) {
        self.rows.clear();
        let rows = self
            .finder
            .listing
            .lines
            .iter()
            .filter_map(|line| match line {
                Line::Key(row) => Some(*row),
                Line::Head(_) | Line::InKeys => None,
            });
        self.rows.extend(rows);
        self.chosen = self.chosen.min(self.rows.len().saturating_sub(1));
    }

    fn chosen_key(&self) -> Option<KeyRef> {
        let row = *self.rows.get(self.chosen)?;
        with_stock(|stock| ((row as usize) < stock.rows.len()).then(|| stock.key_ref(row as usize)))
    }

    fn keep_chosen(&mut self, key: Option<&KeyRef>) {
        // The first row is chosen by nobody: it stays the first.
        if self.chosen == 0 {
            return;
        }
        let row = key.and_then(|key| with_stock(|stock| stock.find(key)));
        if let Some(place) =
            row.and_then(|row| self.rows.iter().position(|one| *one as usize == row))
        {
            self.chosen = place;
        }
    }

    fn bring(&self) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a list has fewer than 2^52 lines"
        )]
        let top = self.chosen as f64 * ROW;
        let (shown, height) = (
            f64::from(self.list.scroll_top()),
            f64::from(self.list.client_height()),
        );
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a list")]
        if top < shown {
            self.list.set_scroll_top(top as i32);
        } else if top + ROW > shown + height {
            self.list.set_scroll_top((top + ROW - height).ceil() as i32);
        }
    }

    fn redraw(&mut self) {
        self.chosen_ref = self.chosen_key();
        self.drawing += 1;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a list has fewer than 2^52 lines"
        )]
        let total = self.rows.len() as f64 * ROW;
        let _ = self.tall.style().set_property("height", &dom::px(total));
        self.draw();
    }

    fn draw(&mut self) {
        let height = f64::from(self.list.client_height());
        let top = f64::from(self.list.scroll_top());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "lines on a screen"
        )]
        let (first, last) = (
            ((top / ROW) as usize).saturating_sub(SPARE),
            ((((top + height) / ROW).ceil() as usize) + SPARE).min(self.rows.len()),
        );
        let first = first.min(last);
        while self.slots.len() < last - first {
            self.drawing += 1;
            let slot = Slot::new();
            set(&slot.row, "data-at", &self.slots.len().to_string());
            let _ = self.tall.append_child(&slot.row);
            self.slots.push(slot);
        }
        let app = app();
        let now = now();
        let copied = app.copied.get_untracked();
        let size = self.slots.len().max(1);
        with_stock(|stock| {
            for place in 0..self.slots.len() {
                let line = first + (place + size - first % size) % size;
                let wanted = (line < last).then_some((line, self.drawing));
                let slot = &mut self.slots[place];
                if slot.line == wanted {
                    continue;
                }
                slot.line = wanted;
                slot.row.set_hidden(wanted.is_none());
                let Some(index) = self.rows.get(line).copied().filter(|_| wanted.is_some()) else {
                    let _ = slot.row.remove_attribute("id");
                    continue;
                };
                let row = &stock.rows[index as usize];
                let account = stock.account_of(row);
                let key = stock.key_ref(index as usize);
                let on = line == self.chosen;
                let data = &row.key;
                slot.row.set_class_name(if on { "it on" } else { "it" });
                slot.row.set_id(&format!("key{line}"));
                set(
                    &slot.row,
                    "aria-selected",
                    if on { "true" } else { "false" },
                );
                set(&slot.row, "aria-posinset", &(line + 1).to_string());
                set(&slot.row, "aria-setsize", &self.rows.len().to_string());
                set(
                    &slot.row,
                    "data-key",
                    &format!("{}/{}", key.account.0, key.id.0),
                );
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a list has fewer than 2^52 lines"
                )]
                let y = line as f64 * ROW;
                let _ = slot
                    .row
                    .style()
                    .set_property("transform", &format!("translateY({})", dom::px(y)));
                let state = keys::state(data, now);
                slot.dot.set_class_name(state_class(state));
                write_marked(&slot.name, self.words.name(&data.name), &self.finder.terms);
                let group = if data.group.is_empty() {
                    account.view.group.as_deref().unwrap_or_default()
                } else {
                    &data.group
                };
                let whose = if group.is_empty() {
                    account.view.name.clone()
                } else {
                    format!("{} · {group}", account.view.name)
                };
                write_marked(&slot.whose, &whose, &self.finder.terms);
                let how = copied
                    .as_ref()
                    .filter(|(copied, _)| *copied == key)
                    .map(|(_, how)| *how);
                let (text, class) = match (how, state) {
                    (Some(Copied::Done), _) => (t("copied", &[]), "end ok"),
                    (Some(Copied::PressAgain), _) => (t("press_copy", &[]), "end ok"),
                    (Some(Copied::Asked) | None, KeyState::Active) if data.unlimited => {
                        (t("unlimited", &[]), "end")
                    }
                    (Some(Copied::Asked) | None, KeyState::Active | KeyState::Exhausted) => (
                        data.remaining
                            .map(|left| amount(left, &account.view.unit))
                            .unwrap_or_default(),
                        "end",
                    ),
                    (
                        Some(Copied::Asked) | None,
                        state @ (KeyState::Disabled
                        | KeyState::Expired
                        | KeyState::Unknown
                        | KeyState::Gone),
                    ) => (self.words.state(state).to_owned(), "end"),
                };
                slot.end.set_class_name(class);
                slot.end.set_text_content(Some(&text));
            }
        });
        if let Some(search) = dom::document()
            .query_selector(".search input")
            .ok()
            .flatten()
        {
            if self.rows.is_empty() {
                let _ = search.remove_attribute("aria-activedescendant");
            } else {
                set(
                    &search,
                    "aria-activedescendant",
                    &format!("key{}", self.chosen),
                );
            }
        }
    }
}

impl Slot {
    fn new() -> Self {
        let row = make("div", "it");
        set(&row, "role", "option");
        let dot = make("span", "dot");
        let middle = make("div", "");
        let (name, whose) = (make("p", ""), make("p", ""));
        let end = make("span", "end");
        let _ = middle.append_with_node_2(&name, &whose);
        let _ = row.append_with_node_3(&dot, &middle, &end);
        Self {
            row,
            dot,
            name,
            whose,
            end,
            line: None,
        }
    }
}
