//! The service worker: carries out what the core decides, and answers the pages.
//! `extension/worker.js` registers the listeners and calls the functions here.

mod accounts;
mod backup;
mod browser_login;
mod calls;
mod egress;
mod events;
mod gate;
mod glimpse;
mod jobs;
mod keys;
mod own;
mod ports;
mod repair;
mod session;
mod sight;
mod sync;
mod tab;
mod waiting;
mod watch;
mod work;
mod work_run;
mod worker;

use relaykeep_core::json;
use relaykeep_protocol::{ErrorCode, PORT_NAME, PageMessage};
use relaykeep_webext::keep_from_content_scripts;
use relaykeep_webext::runtime::Port;
use wasm_bindgen::prelude::*;
use worker::{ALARM_CLIPBOARD, ALARM_LOCK, ALARM_SYNC, ALARM_WAKE, the_worker};

/// Runs once, when the module is loaded: before anything else, content scripts lose sight of
/// our storage.
#[wasm_bindgen(start)]
pub async fn begin() {
    relaykeep_core::platform::install(ports::PLATFORM);
    keep_from_content_scripts().await;
}

/// Answers one message. `ours` is the browser's word that one of our own pages sent it.
#[wasm_bindgen]
pub async fn on_message(message: String, ours: bool, lifecycle: String) -> String {
    if !ours || lifecycle != "active" {
        return calls::refusal(ErrorCode::NotAllowed);
    }
    match json::read::<PageMessage>(&message) {
        Ok(message) if message.version == env!("CARGO_PKG_VERSION") => {
            calls::answer(message.call).await
        }
        // An older page's call may not even read.
        Ok(_) | Err(_) => calls::refusal(ErrorCode::Reload),
    }
}

/// A page opened its line.
#[wasm_bindgen]
pub async fn on_connect(port: Port) {
    if port.opened_as() == PORT_NAME {
        events::greet(&the_worker(), port).await;
    }
}

/// A script of ours in a site's page has something to tell: `what`, and a text that goes with it.
/// The address is the browser's word, not the page's. Answers what the script may do.
#[wasm_bindgen]
pub async fn on_page(tab: f64, url: String, what: String, text: String) -> String {
    watch::on_page(tab, &url, &what, text).await
}

/// An alarm rang.
#[wasm_bindgen]
pub async fn on_alarm(name: String) {
    let worker = the_worker();
    match name.as_str() {
        // The deadline is checked on opening; one that has passed locks there.
        ALARM_LOCK => {
            let open = worker.open().await;
            if open.is_err() {
                worker::lock(true).await;
            }
        }
        ALARM_WAKE => {
            if let Ok(open) = worker.open().await {
                jobs::wake(&worker, &open);
            }
        }
        ALARM_SYNC => jobs::sync_by_alarm(&worker).await,
        ALARM_CLIPBOARD => keys::clear_clipboard().await,
        _ => {}
    }
}

/// The user allowed or forbade a site, here or in the browser's settings.
#[wasm_bindgen]
pub async fn on_permissions_changed() {
    accounts::permissions_changed(&the_worker()).await;
}

/// The system's screen was locked.
#[wasm_bindgen]
pub async fn on_screen_locked() {
    if let Ok(open) = the_worker().open().await
        && open.settings().lock_with_screen
    {
        worker::lock(true).await;
    }
}

/// The browser started, or the extension was installed or updated.
#[wasm_bindgen]
pub async fn on_browser_start() {
    // Opening takes up what the journal holds, and sets the alarms right.
    let _ = the_worker().open().await;
}
