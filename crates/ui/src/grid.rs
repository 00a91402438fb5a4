//! The list of keys: ten thousand lines of which some forty elements exist. Rows are plain
//! vectors; an element is given another row when it scrolls out.

use crate::acts::{self, Deed};
use crate::app::{App, app, select_in_stock, with_stock};
use crate::copying;
use crate::dom;
use crate::finder::{Finder, Pause, look_inside};
use crate::grid_row::{Around, HeadParts, RowParts, RowWords};
use crate::listing::Line;
use crate::reveal;
use crate::stock::count;
use crate::words::now;
use leptos::prelude::*;
use relaykeep_protocol::{AccountId, KeyRef};
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, MouseEvent};

/// Heights in CSS pixels, as in options.css.
const ROW: f64 = 38.0;
const HEAD: f64 = 34.0;
/// Lines kept ready beyond both edges.
const SPARE: usize = 6;

struct Slot {
    row: RowParts,
    head: HeadParts,
    /// Which line it shows, of which drawing.
    line: Option<(usize, u32)>,
}

struct Grid {
    list: HtmlElement,
    tall: HtmlElement,
    stick: HeadParts,
    slots: Vec<Slot>,
    words: RowWords,
    finder: Finder,
    height: f64,
    /// Counts what makes every visible line stale.
    drawing: u32,
    /// Another section is looked at: nothing is measured or drawn, it would be laid out for nobody.
    hidden: bool,
    /// Something was to be drawn meanwhile.
    behind: bool,
    /// The line the keyboard is on.
    at: Option<Line>,
    /// Where a range selected with Shift begins.
    anchor: Option<usize>,
}

thread_local! {
    static GRID: RefCell<Option<Grid>> = const { RefCell::new(None) };
}

/// Something a click or key asks for; done when the grid is free again.
enum Act {
    Nothing,
    Copy(KeyRef),
    Show(KeyRef),
    Reveal(KeyRef),
    Edit(KeyRef),
    More(KeyRef, f64, f64),
    New(AccountId),
    Choose(KeyRef, Sheet),
    Selected,
}

/// Whether choosing also opens the sheet on narrow pages.
enum Sheet {
    Open,
    Leave,
}

/// Takes over the list's element.
pub(crate) fn begin(list: HtmlElement) {
    let tall = dom::make("div", "tall");
    dom::set(&tall, "role", "rowgroup");
    let holder = dom::make("div", "stick");
    dom::set(&holder, "aria-hidden", "true");
    let stick = HeadParts::new();
    for attribute in ["role", "tabindex"] {
        let _ = stick.row.remove_attribute(attribute);
    }
    let mut cell = stick.row.first_element_child();
    while let Some(next) = cell {
        let _ = next.remove_attribute("role");
        cell = next.next_element_sibling();
    }
    stick.row.hide(true);
    let _ = holder.append_child(&stick.row);
    let _ = list.append_child(&holder);
    let _ = list.append_child(&tall);
    // While another section is shown the list has no height, whatever happens to the window.
    dom::on_resize(&list, resize);
    let (group_by, sort) = crate::view_choices::load();
    let mut finder = Finder::default();
    finder.wish.group_by = group_by;
    finder.wish.sort = sort;
    let grid = Grid {
        list,
        tall,
        stick,
        slots: Vec::new(),
        words: RowWords::new(),
        finder,
        height: 0.0,
        drawing: 0,
        hidden: false,
        behind: false,
        at: None,
        anchor: None,
    };
    GRID.set(Some(grid));
}

/// The list is no longer on the page.
pub(crate) fn end() {
    GRID.set(None);
}

fn with_grid<T>(work: impl FnOnce(&mut Grid) -> T) -> Option<T> {
    GRID.with_borrow_mut(|grid| {
        let grid = grid.as_mut()?;
        if grid.finder.freshen() {
            grid.redraw();
        }
        Some(work(grid))
    })
}

/// Changes the wish; rows are filtered anew. Returns how many fit.
pub(crate) fn wish(change: impl FnOnce(&mut crate::listing::Wish)) -> u32 {
    with_grid(|grid| {
        change(&mut grid.finder.wish);
        grid.finder.reorder();
        grid.list.set_scroll_top(0);
        grid.redraw();
        grid.finder.listing.matched
    })
    .unwrap_or_default()
}

/// Something was typed. Returns how many fit.
pub(crate) fn type_in(typed: &str) -> u32 {
    let (matched, ticket) = with_grid(|grid| {
        let ticket = grid.finder.type_in(typed);
        grid.anchor = None;
        grid.list.set_scroll_top(0);
        grid.redraw();
        (grid.finder.listing.matched, ticket)
    })
    .unwrap_or_default();
    app().looking.set(ticket.is_some());
    ask_inside(typed, ticket, Pause::Typing);
    matched
}

fn ask_inside(typed: &str, ticket: Option<u32>, pause: Pause) {
    let Some(ticket) = ticket else { return };
    let still = move || with_grid(|grid| grid.finder.begins(ticket)).unwrap_or(false);
    look_inside(typed.to_owned(), pause, still, move |found| {
        let matched = with_grid(|grid| {
            let taken = grid.finder.found(ticket, found);
            if taken {
                grid.redraw();
            }
            taken.then_some(grid.finder.listing.matched)
        });
        if let Some(Some(matched)) = matched {
            app().looking.set(false);
            app().matched.set(matched);
        }
    });
}

/// The rows changed. Returns how many fit.
pub(crate) fn renew() -> u32 {
    let unseen = GRID.with_borrow_mut(|grid| {
        let grid = grid.as_mut().filter(|grid| grid.hidden)?;
        grid.behind = true;
        Some(grid.finder.listing.matched)
    });
    if let Some(matched) = unseen {
        return matched;
    }
    let (matched, typed, ticket) = with_grid(|grid| {
        let ticket = grid.finder.ask_again();
        (
            grid.finder.listing.matched,
            grid.finder.wish.typed.clone(),
            ticket,
        )
    })
    .unwrap_or_default();
    ask_inside(&typed, ticket, Pause::RowsMoving);
    matched
}

/// Something shown beside the rows changed: what is copied, on screen, chosen.
pub(crate) fn repaint() {
    with_grid(Grid::redraw);
}

/// Scrolled.
pub(crate) fn scroll() {
    with_grid(|grid| grid.draw(Fresh::Kept));
}

/// The visible height changed: to nothing, when another section is looked at.
fn resize() {
    let back = with_grid(|grid| {
        grid.height = f64::from(grid.list.client_height());
        // A window can be too short for any row; only what is not shown at all has no width.
        grid.hidden = grid.list.client_width() == 0;
        if grid.hidden {
            return false;
        }
        let behind = std::mem::take(&mut grid.behind);
        if behind {
            grid.redraw();
        } else {
            grid.draw(Fresh::Kept);
        }
        behind
    });
    if back == Some(true) {
        app().matched.set(renew());
    }
}

/// Moves the focus into the list.
pub(crate) fn focus() {
    with_grid(|grid| {
        let place = grid.place().unwrap_or(0);
        grid.go(place);
    });
}

/// Chooses a key and brings its row in sight, if it is listed.
pub(crate) fn choose(key: KeyRef) {
    with_grid(|grid| {
        let index = with_stock(|stock| stock.find(&key)).map(count);
        let place = grid
            .finder
            .listing
            .lines
            .iter()
            .position(|line| index.is_some_and(|index| *line == Line::Key(index)));
        if let Some(place) = place {
            let _ = grid.go(place);
        }
    });
    app().chosen.set(Some(key));
}

/// Selects every row that fits what is looked for.
pub(crate) fn select_shown() {
    with_grid(|grid| {
        grid.select_range(0, grid.finder.listing.lines.len());
        grid.redraw();
    });
    carry_out(Act::Selected);
}

/// A click in the list.
pub(crate) fn click(event: &MouseEvent) {
    let Some(target) = target(event) else { return };
    let shift = event.shift_key();
    let act = with_grid(|grid| grid.clicked(&target, shift)).unwrap_or(Act::Nothing);
    carry_out(act);
}

/// A key pressed in the list (or anywhere on the page where nobody types). True if it meant
/// something here.
pub(crate) fn key(event: &KeyboardEvent) -> bool {
    let name = event.key();
    let act = with_grid(|grid| grid.pressed(&name, event)).flatten();
    let Some(act) = act else { return false };
    event.prevent_default();
    carry_out(act);
    true
}

fn target(event: &Event) -> Option<Element> {
    event.target().and_then(|target| target.dyn_into().ok())
}

fn carry_out(act: Act) {
    let app: App = app();
    match act {
        Act::Nothing => {}
        Act::Copy(key) => copying::copy(key),
        Act::Show(key) => copying::show_or_hide(key),
        Act::Reveal(key) => reveal::start(vec![key]),
        Act::Edit(key) => acts::begin(Deed::Edit, vec![key]),
        Act::More(key, right, bottom) => {
            let open = app.acts.menu;
            let same = open.with_untracked(|open| open.as_ref().is_some_and(|(at, ..)| *at == key));
            app.chosen.set(Some(key.clone()));
            open.set((!same).then_some((key, right, bottom)));
        }
        Act::New(account) => acts::new_key(Some(account)),
        Act::Choose(key, sheet) => {
            app.chosen.set(Some(key));
            if matches!(sheet, Sheet::Open) {
                app.sheet.set(true);
            }
        }
        Act::Selected => app.selection.update(|count| *count += 1),
    }
}

#[derive(PartialEq, Eq)]
enum Fresh {
    /// Lines drawn before are still right.
    Kept,
    /// Every line is filled anew.
    All,
}

impl Grid {
    fn top_of(&self, line: usize) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a list has fewer than 2^52 lines"
        )]
        let (lines, heads) = (line as f64, self.finder.listing.heads_before(line) as f64);
        lines * ROW - heads * (ROW - HEAD)
    }

    fn line_at(&self, y: f64) -> usize {
        let (mut low, mut high) = (0, self.finder.listing.lines.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.top_of(middle + 1) <= y {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    fn redraw(&mut self) {
        self.drawing += 1;
        self.draw(Fresh::All);
    }

    fn draw(&mut self, fresh: Fresh) {
        if self.hidden {
            self.behind = true;
            return;
        }
        // Measuring makes the browser lay the page out. The first drawing of all takes the list for
        // as tall as the window; once it is laid out anyway, `resize` is told the truth.
        let first_of_all = self.height == 0.0 && self.slots.is_empty();
        if first_of_all {
            self.height = dom::window_height();
        } else if self.height == 0.0 {
            self.height = f64::from(self.list.client_height());
        }
        let lines = self.finder.listing.lines.len();
        if fresh == Fresh::All {
            let total = self.top_of(lines);
            let _ = self.tall.style().set_property("height", &dom::px(total));
            dom::set(&self.list, "aria-rowcount", &lines.to_string());
        }
        let top = if first_of_all {
            0.0
        } else {
            f64::from(self.list.scroll_top()).min((self.top_of(lines) - self.height).max(0.0))
        };
        let first = self.line_at(top).saturating_sub(SPARE);
        let last = (self.line_at(top + self.height) + 1 + SPARE).min(lines);
        self.provide(last - first);
        self.draw_lines(first, last);
        self.draw_stick(top);
    }

    fn provide(&mut self, needed: usize) {
        if self.slots.len() >= needed {
            return;
        }
        // Another count shares the lines out differently: everything is filled anew.
        self.drawing += 1;
        while self.slots.len() < needed {
            let slot = Slot {
                row: RowParts::new(&self.words),
                head: HeadParts::new(),
                line: None,
            };
            let place = self.slots.len().to_string();
            for row in [&slot.row.row, &slot.head.row] {
                dom::set(row, "data-at", &place);
                dom::set(row, "tabindex", "-1");
                row.hide(true);
                let _ = self.tall.append_child(row);
            }
            self.slots.push(slot);
        }
    }

    fn draw_lines(&mut self, first: usize, last: usize) {
        let app = app();
        let now = now();
        let shown = app.shown.get_untracked();
        let copied = app.copied.get_untracked();
        let chosen = app.chosen.get_untracked();
        let focused = dom::document().active_element();
        let size = self.slots.len().max(1);
        let mut lost_focus = false;
        let mut has_stop = false;
        with_stock(|stock| {
            for place in 0..self.slots.len() {
                // The line of first..last that belongs to this slot, if there is one.
                let line = first + (place + size - first % size) % size;
                let wanted = (line < last).then_some((line, self.drawing));
                let slot = &mut self.slots[place];
                let what = self
                    .finder
                    .listing
                    .lines
                    .get(line)
                    .copied()
                    .filter(|_| wanted.is_some());
                let is_stop = what.is_some() && what == self.at;
                has_stop |= is_stop;
                let stop = if is_stop { "0" } else { "-1" };
                if slot.line == wanted {
                    if let Some(what) = what {
                        dom::set(slot.element(what), "tabindex", stop);
                    }
                    continue;
                }
                if slot.line.map(|(line, _)| line) != Some(line)
                    && let Some(focused) = &focused
                    && (slot.row.row.contains(Some(focused))
                        || slot.head.row.contains(Some(focused)))
                {
                    lost_focus = true;
                }
                slot.line = wanted;
                let Some(what) = what else {
                    slot.row.forget();
                    slot.head.row.hide(true);
                    continue;
                };
                let is_key = matches!(what, Line::Key(_));
                if is_key {
                    slot.row.row.hide(false);
                } else {
                    slot.row.forget();
                }
                slot.head.row.hide(is_key);
                match what {
                    Line::Key(index) => {
                        let row = &stock.rows[index as usize];
                        let key = stock.key_ref(index as usize);
                        let inside = self.finder.wish.group_by == crate::listing::GroupBy::Nothing
                            || self.finder.wish.hits.binary_search(&index).is_ok();
                        let around = Around {
                            now,
                            terms: &self.finder.terms,
                            shown: shown.as_ref(),
                            copied: copied.as_ref(),
                            name_account: inside,
                            chosen: chosen.as_ref() == Some(&key),
                        };
                        slot.row
                            .fill(&self.words, &key, row, stock.account_of(row), &around);
                    }
                    Line::Head(index) => {
                        let account = &stock.accounts[index as usize];
                        let shut = self.finder.terms.is_empty()
                            && self.finder.wish.shut.contains(&account.view.id);
                        slot.head.fill(account, &self.finder.terms, shut);
                    }
                    Line::InKeys => slot.head.fill_inside(),
                }
                let element = slot.element(what).clone();
                dom::set(&element, "aria-rowindex", &(line + 1).to_string());
                dom::set(&element, "tabindex", stop);
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a list has fewer than 2^52 lines"
                )]
                let top = line as f64 * ROW
                    - self.finder.listing.heads_before(line) as f64 * (ROW - HEAD);
                let _ = element
                    .style()
                    .set_property("transform", &format!("translateY({})", dom::px(top)));
            }
        });
        // The list itself takes the focus while the row that had it is out of sight.
        dom::set(&self.list, "tabindex", if has_stop { "-1" } else { "0" });
        if lost_focus {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = self.list.focus_with_options(&options);
        }
    }

    fn draw_stick(&self, top: f64) {
        let heads = &self.finder.listing.heads;
        let current = heads.partition_point(|head| self.top_of(*head as usize) <= top);
        let head = current
            .checked_sub(1)
            .and_then(|place| heads.get(place))
            .map(|head| *head as usize);
        let shown = head.filter(|head| self.top_of(*head) < top);
        self.stick.row.hide(shown.is_none());
        let Some(line) = shown else { return };
        with_stock(|stock| match self.finder.listing.lines.get(line) {
            Some(Line::Head(index)) => {
                self.stick
                    .fill(&stock.accounts[*index as usize], &self.finder.terms, false)
            }
            Some(Line::InKeys) => self.stick.fill_inside(),
            Some(Line::Key(_)) | None => {}
        });
        dom::set(&self.stick.row, "data-line", &line.to_string());
        let next = heads
            .get(current)
            .map_or(f64::MAX, |next| self.top_of(*next as usize) - top);
        let push = (next - HEAD).min(0.0);
        let _ = self
            .stick
            .row
            .style()
            .set_property("transform", &format!("translateY({})", dom::px(push)));
    }

    /// Where the keyboard is.
    fn place(&self) -> Option<usize> {
        let at = self.at?;
        self.finder
            .listing
            .lines
            .iter()
            .position(|line| *line == at)
    }

    /// Moves the keyboard to a line, in sight.
    fn go(&mut self, place: usize) -> Act {
        let Some(line) = self.finder.listing.lines.get(place).copied() else {
            return Act::Nothing;
        };
        self.at = Some(line);
        self.bring(place);
        self.drawing += 1;
        self.draw(Fresh::Kept);
        let size = self.slots.len().max(1);
        if let Some(slot) = self.slots.get(place % size) {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = slot.element(line).focus_with_options(&options);
        }
        match line {
            Line::Key(row) => Act::Choose(
                with_stock(|stock| stock.key_ref(row as usize)),
                Sheet::Leave,
            ),
            Line::Head(_) | Line::InKeys => Act::Nothing,
        }
    }

    fn bring(&self, place: usize) {
        let (top, bottom) = (self.top_of(place), self.top_of(place + 1));
        let shown = f64::from(self.list.scroll_top());
        // The head of the group hides the first lines.
        let covered = if self.finder.listing.heads.is_empty() {
            0.0
        } else {
            HEAD
        };
        let to = if top - covered < shown {
            top - covered
        } else if bottom > shown + self.height {
            bottom - self.height
        } else {
            return;
        };
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a list")]
        self.list.set_scroll_top(to.max(0.0).ceil() as i32);
    }

    fn line_of(&self, target: &Element) -> Option<usize> {
        let element = target.closest("[data-at],[data-line]").ok().flatten()?;
        if let Some(line) = element.get_attribute("data-line") {
            return line.parse().ok();
        }
        let slot: usize = element.get_attribute("data-at")?.parse().ok()?;
        self.slots.get(slot)?.line.map(|(line, _)| line)
    }

    fn clicked(&mut self, target: &Element, shift: bool) -> Act {
        let Some(place) = self.line_of(target) else {
            return Act::Nothing;
        };
        let Some(line) = self.finder.listing.lines.get(place).copied() else {
            return Act::Nothing;
        };
        let on = |class: &str| target.closest(class).ok().flatten().is_some();
        match line {
            Line::InKeys => Act::Nothing,
            Line::Head(account) if on(".b-new") => Act::New(with_stock(|stock| {
                stock.accounts[account as usize].view.id.clone()
            })),
            Line::Head(account) => {
                self.toggle(account, place);
                Act::Nothing
            }
            Line::Key(row) => {
                let key = with_stock(|stock| stock.key_ref(row as usize));
                if on(".ck") {
                    if shift && let Some(anchor) = self.anchor {
                        self.select_range(anchor, place);
                    } else {
                        self.select(row);
                    }
                    self.anchor = Some(place);
                    self.redraw();
                    Act::Selected
                } else if on(".b-copy") {
                    Act::Copy(key)
                } else if on(".b-show") {
                    Act::Show(key)
                } else if on(".b-reveal") {
                    Act::Reveal(key)
                } else if let Ok(Some(button)) = target.closest(".b-more") {
                    self.at = Some(line);
                    let place = button.get_bounding_client_rect();
                    Act::More(key, place.right(), place.bottom())
                } else {
                    self.go(place);
                    Act::Choose(key, Sheet::Open)
                }
            }
        }
    }

    fn toggle(&mut self, account: u32, place: usize) {
        let id: AccountId = with_stock(|stock| stock.accounts[account as usize].view.id.clone());
        let above = self.top_of(place) < f64::from(self.list.scroll_top());
        let shut = &mut self.finder.wish.shut;
        if !shut.remove(&id) {
            shut.insert(id);
        }
        self.finder.relist();
        if above
            && let Some(place) = self
                .finder
                .listing
                .lines
                .iter()
                .position(|line| *line == Line::Head(account))
        {
            #[expect(clippy::cast_possible_truncation, reason = "pixels of a list")]
            self.list.set_scroll_top(self.top_of(place) as i32);
        }
        self.redraw();
    }

    fn select(&self, row: u32) {
        select_in_stock(|stock| {
            let row = &mut stock.rows[row as usize];
            row.selected = !row.selected;
        });
    }

    fn select_range(&self, from: usize, to: usize) {
        let lines = &self.finder.listing.lines;
        let (from, to) = (
            from.min(to),
            from.max(to).min(lines.len().saturating_sub(1)),
        );
        select_in_stock(|stock| {
            for line in lines.get(from..=to).unwrap_or_default() {
                if let Line::Key(row) = line {
                    stock.rows[*row as usize].selected = true;
                }
            }
        });
    }

    fn pressed(&mut self, name: &str, event: &KeyboardEvent) -> Option<Act> {
        let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
        let lines = self.finder.listing.lines.len();
        let page = (self.height / ROW).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "lines on a screen"
        )]
        let page = page as usize;
        let place = self.place();
        let here = self.at.filter(|_| place.is_some());
        if event.ctrl_key() && name == "a" {
            self.select_range(0, lines);
            self.redraw();
            return Some(Act::Selected);
        }
        if !plain || lines == 0 {
            return None;
        }
        let to = match name {
            "ArrowDown" | "j" => Some(place.map_or(0, |place| (place + 1).min(lines - 1))),
            "ArrowUp" | "k" => Some(place.map_or(0, |place| place.saturating_sub(1))),
            "PageDown" => Some((place.unwrap_or(0) + page).min(lines - 1)),
            "PageUp" => Some(place.unwrap_or(0).saturating_sub(page)),
            "Home" => Some(0),
            "End" => Some(lines - 1),
            _ => None,
        };
        if let Some(to) = to {
            return Some(self.go(to));
        }
        match (name, here?) {
            ("ArrowLeft" | "ArrowRight", Line::Key(_)) => {
                self.step_inside(name == "ArrowRight");
                Some(Act::Nothing)
            }
            ("ArrowLeft" | "ArrowRight" | "Enter" | " ", Line::Head(account)) => {
                let shut = with_stock(|stock| {
                    self.finder
                        .wish
                        .shut
                        .contains(&stock.accounts[account as usize].view.id)
                });
                let wanted = match name {
                    "ArrowLeft" => !shut,
                    "ArrowRight" => shut,
                    _ => true,
                };
                if wanted {
                    self.toggle(account, place?);
                }
                Some(Act::Nothing)
            }
            // A button that has the focus is pressed by the browser.
            ("Enter" | " ", Line::Key(_)) if !self.on_row() => None,
            ("x" | " ", Line::Key(row)) => {
                self.select(row);
                self.anchor = place;
                self.redraw();
                Some(Act::Selected)
            }
            ("c", Line::Key(row)) => {
                Some(Act::Copy(with_stock(|stock| stock.key_ref(row as usize))))
            }
            ("e", Line::Key(row)) => {
                let key = with_stock(|stock| stock.key_ref(row as usize));
                let there = with_stock(|stock| stock.rows[row as usize].key.gone_since.is_none());
                Some(if there { Act::Edit(key) } else { Act::Nothing })
            }
            ("Enter", Line::Key(row)) => Some(Act::Choose(
                with_stock(|stock| stock.key_ref(row as usize)),
                Sheet::Open,
            )),
            _ => None,
        }
    }

    /// The row itself has the focus, not something in it.
    fn on_row(&self) -> bool {
        dom::document()
            .active_element()
            .is_some_and(|focused| focused.has_attribute("data-at") || **focused == ***self.list)
    }

    /// Moves the focus between a row and its buttons.
    fn step_inside(&self, forward: bool) {
        let Some(focused) = dom::document().active_element() else {
            return;
        };
        let Ok(Some(row)) = focused.closest("[data-at]") else {
            return;
        };
        let mut stops: Vec<HtmlElement> = vec![row.clone().unchecked_into()];
        if let Ok(inner) = row.query_selector_all("input, button:not([hidden])") {
            for index in 0..inner.length() {
                if let Some(node) = inner.item(index) {
                    stops.push(node.unchecked_into());
                }
            }
        }
        let now = stops
            .iter()
            .position(|stop| ***stop == *focused)
            .unwrap_or(0);
        let next = if forward {
            (now + 1).min(stops.len() - 1)
        } else {
            now.saturating_sub(1)
        };
        if let Some(stop) = stops.get(next) {
            let _ = stop.focus();
        }
    }
}

impl Slot {
    fn element(&self, line: Line) -> &HtmlElement {
        match line {
            Line::Key(_) => &self.row.row,
            Line::Head(_) | Line::InKeys => &self.head.row,
        }
    }
}

/// How many rows are selected.
pub(crate) fn selected() -> u32 {
    with_stock(|stock| count(stock.rows.iter().filter(|row| row.selected).count()))
}
