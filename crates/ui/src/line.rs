//! The page's two lines to the worker: calls with answers, and the port of events.

use crate::app::{app, change_stock, keys_moved, with_stock};
use crate::dom;
use crate::stock::Stock;
use js_sys::{Array, Function, Reflect};
use leptos::prelude::*;
use relaykeep_core::json;
use relaykeep_protocol::{Call, ErrorCode, Event, PORT_NAME, PageMessage, Settings, VaultState};
use relaykeep_webext::page;
use relaykeep_webext::runtime::{self, Port};
use std::cell::{Cell, RefCell};
use std::future::Future;
use wasm_bindgen::{JsCast, JsValue};

/// Asks the worker.
///
/// # Errors
/// What the worker says; [`ErrorCode::NoAnswer`] where it ended before it did.
pub(crate) async fn ask<C: Call>(call: C) -> Result<C::Reply, ErrorCode> {
    let message = PageMessage {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        call: call.into(),
    };
    let answer = match runtime::send(&message).await {
        Ok(text) => json::read(&text).unwrap_or(Err(ErrorCode::Internal)),
        Err(_) => Err(ErrorCode::NoAnswer),
    };
    if let Err(ErrorCode::Reload) = answer {
        app().fault.set(Some(ErrorCode::Reload));
    }
    answer
}

/// Runs to its end beside the page.
pub(crate) fn spawn(work: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(work);
}

thread_local! {
    static LINE: Cell<Line> = const { Cell::new(Line::Lost) };
    static NEXT: RefCell<Option<Stock>> = const { RefCell::new(None) };
    // Events of a line that was given up must not mix with the next one's.
    static GENERATION: Cell<u32> = const { Cell::new(0) };
    static DRAW_DUE: Cell<bool> = const { Cell::new(false) };
    static DRAWN: Cell<u64> = const { Cell::new(0) };
    // The first word that the vault is open, kept until there is something to show.
    static OPENED: RefCell<Option<Event>> = const { RefCell::new(None) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    Lost,
}

/// Takes over what `early.js` has from the glimpse, or the line it opened while the WASM was
/// compiled, and keeps a line open.
pub(crate) fn listen() {
    if !take_over() {
        connect();
    }
    // A stopped worker ends the line: take it up again when somebody looks.
    for name in ["visibilitychange", "focusin", "pointerdown"] {
        dom::listen_forever(&dom::document(), name, |_| {
            if LINE.get() == Line::Lost && dom::is_visible() {
                connect();
            }
        });
    }
}

fn take_over() -> bool {
    let Ok(early) = Reflect::get(&js_sys::global(), &"relaykeepEarly".into()) else {
        return false;
    };
    if !early.is_object() || part(&early, "ended").is_truthy() {
        return false;
    }
    LINE.set(Line::Open);
    catch_up(early, CatchUp::ToFirstRows);
    true
}

fn part(early: &JsValue, name: &str) -> JsValue {
    Reflect::get(early, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CatchUp {
    /// Stops where there is something to paint.
    ToFirstRows,
    /// Goes on for a few milliseconds at a time.
    ForAWhile,
}

/// Hears what came while the WASM was compiled. The first rows are painted before the rest is
/// read, and the rest is read in slices, so that typing is never held up.
fn catch_up(early: JsValue, how_far: CatchUp) {
    const SLICE: u64 = 8;
    let began = crate::words::now();
    let heard: Array = part(&early, "heard").unchecked_into();
    // A glimpse is short, and painted whole: what stands on top must not move at once.
    let glimpse = part(&early, "port").is_undefined();
    while heard.length() > 0 {
        let text = heard.shift().as_string().unwrap_or_default();
        let event = json::read::<Event>(&text);
        let rows = matches!(event, Ok(Event::Keys { .. }));
        if let Ok(event) = event {
            hear(event);
        }
        if how_far == CatchUp::ToFirstRows && rows && !glimpse {
            dom::once_painted(move || catch_up(early, CatchUp::ForAWhile));
            return;
        }
        if how_far == CatchUp::ForAWhile
            && crate::words::now() - began > SLICE
            && heard.length() > 0
        {
            dom::after(0, move || catch_up(early, how_far));
            return;
        }
    }
    if part(&early, "ended").is_truthy() {
        LINE.set(Line::Lost);
    } else if glimpse {
        dom::once_painted(connect);
    } else {
        attach(part(&early, "port").unchecked_ref());
    }
    if let Ok(leave) = part(&early, "leave").dyn_into::<Function>() {
        let _ = leave.call0(&early);
    }
}

fn connect() {
    // A new line says everything anew.
    OPENED.set(None);
    LINE.set(Line::Lost);
    if let Ok(port) = page::connect(PORT_NAME) {
        attach(&port);
    }
}

fn attach(port: &Port) {
    let mine = GENERATION.get() + 1;
    GENERATION.set(mine);
    LINE.set(Line::Open);
    NEXT.set(None);
    port.hear(move |text| {
        if let (true, Ok(event)) = (GENERATION.get() == mine, json::read(&text)) {
            hear(event);
        }
    });
    port.hear_end(move || {
        if GENERATION.get() == mine {
            LINE.set(Line::Lost);
            if dom::is_visible() {
                // At once would be a busy loop where the worker dies on starting.
                dom::after(300, || {
                    if LINE.get() == Line::Lost {
                        connect();
                    }
                });
            }
        }
    });
}

/// The first rows follow the word that the vault is open at once: the page is built when they are
/// there, and not three times over.
fn hear(event: Event) {
    let opens = matches!(
        &event,
        Event::State {
            vault: VaultState::Unlocked { .. },
            ..
        }
    );
    if opens && app().vault.with_untracked(Option::is_none) {
        OPENED.set(Some(event));
        return;
    }
    let shows = !matches!(&event, Event::Accounts(_));
    heed(event);
    if shows && let Some(opened) = OPENED.take() {
        heed(opened);
    }
}

fn heed(event: Event) {
    let app = app();
    match event {
        Event::State {
            vault,
            settings,
            jobs,
            notices,
            waiting,
        } => {
            let open = matches!(vault, VaultState::Unlocked { .. });
            if !open {
                NEXT.set(None);
                app.drop_all();
            }
            set_settings(settings);
            app.jobs.set(jobs);
            crate::acts::look_after_jobs();
            app.notices.set(notices);
            app.waiting.set(waiting);
            if app.vault.with_untracked(|old| old.as_ref() != Some(&vault)) {
                app.vault.set(Some(vault));
            }
        }
        Event::Accounts(accounts) => {
            let order = app
                .settings
                .with_untracked(|settings| settings.account_order);
            let stock = Stock::of(accounts, order);
            // What is shown stays until its replacement is complete: known data never blinks.
            if app.complete.get_untracked() || with_stock(|stock| !stock.rows.is_empty()) {
                NEXT.set(Some(stock));
            } else {
                change_stock(|shown| *shown = stock);
                changed();
            }
        }
        Event::Keys { account, rows } => {
            let replacing = NEXT.with_borrow_mut(|next| match next {
                Some(next) => {
                    next.add(&account, rows.clone());
                    true
                }
                None => false,
            });
            if !replacing {
                change_stock(|stock| stock.add(&account, rows));
                keys_moved();
                changed();
            }
        }
        Event::InventoryDone => {
            if let Some(next) = NEXT.take() {
                change_stock(|stock| stock.replace(next));
                keys_moved();
            }
            app.complete.set(true);
            draw();
        }
        Event::Account(view) => {
            NEXT.with_borrow_mut(|next| next.as_mut().map(|next| next.put_account(view.clone())));
            change_stock(|stock| stock.put_account(view));
            changed();
        }
        Event::KeysChanged {
            account,
            rows,
            removed,
        } => {
            NEXT.with_borrow_mut(|next| {
                next.as_mut()
                    .map(|next| next.change(&account, rows.clone(), &removed))
            });
            if change_stock(|stock| stock.change(&account, rows, &removed)) {
                keys_moved();
            }
            let hidden = app.shown.with_untracked(|shown| {
                shown
                    .as_ref()
                    .is_some_and(|s| s.key.account == account && removed.contains(&s.key.id))
            });
            if hidden {
                app.shown.set(None);
            }
            changed();
        }
        Event::AccountRemoved(account) => {
            NEXT.with_borrow_mut(|next| next.as_mut().map(|next| next.remove_account(&account)));
            change_stock(|stock| stock.remove_account(&account));
            changed();
        }
        Event::Job(job) => {
            crate::activity::put(job);
            crate::acts::look_after_jobs();
        }
        Event::Settings(settings) => set_settings(settings),
    }
}

/// What the user chose: accounts stand as that says, also those that were told of before it.
fn set_settings(settings: Settings) {
    let order = settings.account_order;
    app().settings.set(settings);
    NEXT.with_borrow_mut(|next| next.as_mut().map(|next| next.set_order(order)));
    if change_stock(|stock| stock.set_order(order)) {
        changed();
    }
}

/// Has the rows drawn anew: the first ones at once, later ones together.
fn changed() {
    if app().complete.get_untracked() {
        // What one does shows at once. A sync of many accounts moves something all the time, and
        // each drawing sorts and counts everything: a few times a second will do.
        let lately = crate::words::now().saturating_sub(DRAWN.get()) < 200;
        draw_after(if lately { 120 } else { 16 });
    } else if with_stock(|stock| stock.rows.len() <= FIRST_CHUNK) {
        draw();
    } else {
        // The rest of the inventory is a few milliseconds away; drawing every chunk would
        // sort everything again each time.
        draw_after(250);
    }
}

const FIRST_CHUNK: usize = 500;

fn draw() {
    DRAW_DUE.set(false);
    DRAWN.set(crate::words::now());
    app().stock.update(|count| *count += 1);
}

fn draw_after(pause: i32) {
    if !DRAW_DUE.replace(true) {
        dom::after(pause, || {
            if DRAW_DUE.get() {
                draw();
            }
        });
    }
}
