//! A row's menu: what can be done to its key.

use crate::acts::{self, Deed};
use crate::app::{app, with_stock};
use crate::dom;
use crate::el::{el, live};
use crate::grid;
use crate::words::{now, t};
use leptos::prelude::*;
use relaykeep_protocol::KeyRef;
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

/// What can be done to one key now.
pub(crate) fn deeds(key: &KeyRef) -> Vec<Deed> {
    with_stock(|stock| {
        let Some(place) = stock.find(key) else {
            return Vec::new();
        };
        let row = &stock.rows[place].key;
        Deed::ALL
            .into_iter()
            .filter(|deed| deed.fits(row, now()))
            .collect()
    })
}

thread_local! {
    static LISTENS: Cell<bool> = const { Cell::new(false) };
}

fn shut_from_outside() {
    let open = app().acts.menu;
    dom::listen_forever(&dom::document(), "pointerdown", move |event| {
        let inside = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .is_some_and(|target| {
                target
                    .closest("[role=menu], .b-more")
                    .ok()
                    .flatten()
                    .is_some()
            });
        if !inside && open.with_untracked(Option::is_some) {
            open.set(None);
        }
    });
}

/// The menu, where its button stands.
pub(crate) fn row_menu() -> AnyView {
    let open = app().acts.menu;
    // A press anywhere else shuts it. One listener outlives every locking and unlocking.
    if !LISTENS.replace(true) {
        shut_from_outside();
    }
    live(move || {
        open.get().map(|(key, right, bottom)| {
            let items: Vec<AnyView> = deeds(&key)
                .into_iter()
                .map(|deed| item(deed, key.clone()))
                .collect();
            let show = move |menu: Element| {
                let menu: HtmlElement = menu.unchecked_into();
                // In the next turn it is on the page and has a size.
                dom::after(0, move || place(&menu, right, bottom));
            };
            el("div")
                .class("pop")
                .a("role", "menu")
                .a("aria-label", t("more", &[]))
                .born(show)
                .on("keydown", pressed)
                .kid(items)
                .into_any()
        })
    })
}

fn item(deed: Deed, key: KeyRef) -> AnyView {
    let act = move |_: Event| {
        shut();
        acts::begin(deed, vec![key.clone()]);
    };
    el("button")
        .a("type", "button")
        .a("role", "menuitem")
        .a("tabindex", "-1")
        .class(if deed.is_danger() { "bad" } else { "" })
        .on("click", act)
        .kid(t(deed.word(), &[]))
        .into_any()
}

/// Under its button, or above it where there is no room.
fn place(menu: &HtmlElement, right: f64, bottom: f64) {
    const BUTTON: f64 = 30.0;
    let window = dom::window();
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0)
    };
    let (width, height) = (size(window.inner_width()), size(window.inner_height()));
    let box_of = menu.get_bounding_client_rect();
    let top = if bottom + box_of.height() + 8.0 > height {
        (bottom - BUTTON - box_of.height()).max(8.0)
    } else {
        bottom
    };
    let left = (right - box_of.width()).clamp(8.0, (width - box_of.width() - 8.0).max(8.0));
    let style = menu.style();
    let _ = style.set_property("top", &dom::px(top));
    let _ = style.set_property("left", &dom::px(left));
    let _ = style.set_property("visibility", "visible");
    step(menu, |_, _| 0);
}

fn pressed(event: KeyboardEvent) {
    let Some(menu) = event
        .current_target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
    else {
        return;
    };
    match event.key().as_str() {
        "ArrowDown" => step(&menu, |at, all| (at + 1) % all),
        "ArrowUp" => step(&menu, |at, all| (at + all - 1) % all),
        "Home" => step(&menu, |_, _| 0),
        "End" => step(&menu, |_, all| all - 1),
        "Escape" | "Tab" => shut(),
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

/// Moves the focus among the items.
fn step(menu: &HtmlElement, to: impl FnOnce(u32, u32) -> u32) {
    let Ok(items) = menu.query_selector_all("[role=menuitem]") else {
        return;
    };
    let all = items.length();
    if all == 0 {
        return;
    }
    let focused = dom::document().active_element();
    let at = (0..all)
        .find(|at| {
            items
                .item(*at)
                .zip(focused.as_ref())
                .is_some_and(|(item, focused)| item == **focused)
        })
        .unwrap_or(0);
    if let Some(item) = items.item(to(at, all)) {
        let _ = item.unchecked_into::<HtmlElement>().focus();
    }
}

fn shut() {
    app().acts.menu.set(None);
    grid::focus();
}
