//! What only the worker does: alarms, permissions, looking into a tab, the badge, time.

use crate::{BrowserError, as_taken};
use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["chrome", "alarms"], js_name = create, catch)]
    fn create_alarm(name: &str, when: &Object) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "alarms"], js_name = clear, catch)]
    fn clear_alarm_named(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "alarms"], js_name = get, catch)]
    fn get_alarm(name: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "permissions"], js_name = contains, catch)]
    fn permissions_contain(wanted: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "tabs"], js_name = query, catch)]
    fn query_tabs(wanted: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "runtime"], js_name = getPlatformInfo, catch)]
    fn get_platform_info() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = navigator, js_name = onLine, thread_local_v2)]
    static ON_LINE: JsValue;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(act: &js_sys::Function, milliseconds: f64) -> JsValue;

    // extension/worker.js: what needs a JavaScript function as an argument.
    #[wasm_bindgen(js_namespace = relaykeepHost, js_name = inPage, catch)]
    fn host_in_page(tab: f64, name: &str, arguments: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = relaykeepHost, js_name = clearClipboard, catch)]
    fn host_clear_clipboard(print: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = relaykeepHost, js_name = tabOf, catch)]
    fn host_tab_of(pattern: &str, base: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = relaykeepHost, js_name = script, catch)]
    fn host_script(id: &str, file: &str, patterns: &Array, keep: bool) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = relaykeepHost, js_name = mark, catch)]
    fn host_mark(tab: f64, text: &str, title: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = relaykeepHost, js_name = clearMarks, catch)]
    fn host_clear_marks() -> Result<Promise, JsValue>;
}

/// Rings once at this time (milliseconds since 1970), replacing an alarm of the same name.
/// The browser may be up to half a minute late.
pub fn set_alarm(name: &str, at: u64) {
    // Times are far below 2^53.
    #[expect(clippy::cast_precision_loss)]
    let when = object(&[("when", JsValue::from_f64(at as f64))]);
    let _ = create_alarm(name, &when);
}

/// Rings again and again, first after `first` minutes.
pub fn set_repeating_alarm(name: &str, first: f64, period: f64) {
    let when = object(&[
        ("delayInMinutes", JsValue::from_f64(first)),
        ("periodInMinutes", JsValue::from_f64(period)),
    ]);
    let _ = create_alarm(name, &when);
}

/// Takes an alarm back.
pub fn clear_alarm(name: &str) {
    let _ = clear_alarm_named(name);
}

/// The period in minutes of a repeating alarm that is set, 0 for one that rings once.
pub async fn alarm_period(name: &str) -> Option<f64> {
    let alarm = JsFuture::from(get_alarm(name).ok()?).await.ok()?;
    if alarm.is_falsy() {
        return None;
    }
    let period = Reflect::get(&alarm, &"periodInMinutes".into()).ok()?;
    Some(period.as_f64().unwrap_or(0.0))
}

/// Whether the user allows us to reach a site (`https://host:port/*`; in Firefox, its host).
pub async fn may_reach(pattern: &str) -> bool {
    contains("origins", &as_taken(pattern)).await
}

/// Whether the user gave an optional permission.
pub async fn has_permission(name: &str) -> bool {
    contains("permissions", name).await
}

async fn contains(what: &str, item: &str) -> bool {
    let wanted = object(&[(what, Array::of1(&JsValue::from_str(item)).into())]);
    match permissions_contain(&wanted) {
        Ok(promise) => JsFuture::from(promise)
            .await
            .is_ok_and(|held| held.is_truthy()),
        Err(_) => false,
    }
}

/// The tab in front.
#[derive(Clone, Debug)]
pub struct Tab {
    /// Its number.
    pub id: f64,
    /// Its address; only where the user opened the popup over it, or gave the permission.
    pub url: Option<String>,
}

/// The tab in front of the window the user is in.
pub async fn tab_in_front() -> Option<Tab> {
    let wanted = object(&[
        ("active", JsValue::TRUE),
        ("lastFocusedWindow", JsValue::TRUE),
    ]);
    let tabs = Array::from(&JsFuture::from(query_tabs(&wanted).ok()?).await.ok()?);
    let tab = tabs.get(0);
    Some(Tab {
        id: Reflect::get(&tab, &"id".into()).ok()?.as_f64()?,
        url: Reflect::get(&tab, &"url".into()).ok()?.as_string(),
    })
}

/// Runs one of the functions of `extension/site/inpage.js` in a tab, and gives what it returns
/// as JSON text. The arguments are a JSON array.
///
/// # Errors
/// When the browser lets nobody into that page, or the page went away.
pub async fn in_page(tab: f64, name: &str, arguments: &str) -> Result<String, BrowserError> {
    let result = JsFuture::from(host_in_page(tab, name, arguments)?).await?;
    result.as_string().ok_or(BrowserError)
}

/// Clears the clipboard if what it holds has this fingerprint.
pub async fn clear_clipboard(print: &str) {
    if let Ok(promise) = host_clear_clipboard(print) {
        let _ = JsFuture::from(promise).await;
    }
}

/// An open tab of a site, best below this base address and in front of its window.
pub async fn tab_of(pattern: &str, base: &str) -> Option<f64> {
    let tab = JsFuture::from(host_tab_of(pattern, base).ok()?)
        .await
        .ok()?;
    tab.as_f64()
}

/// Has the browser run a script of ours in every page that fits one of these patterns from now on;
/// with none, no longer. `keep`: also after the browser was closed. Says whether that is a change.
pub async fn register_script(id: &str, file: &str, patterns: &[String], keep: bool) -> bool {
    let patterns: Array = patterns
        .iter()
        .map(|pattern| JsValue::from_str(pattern))
        .collect();
    match host_script(id, file, &patterns, keep) {
        Ok(promise) => JsFuture::from(promise)
            .await
            .is_ok_and(|changed| changed.is_truthy()),
        Err(_) => false,
    }
}

/// Writes a letter or two on the toolbar button over one tab, and a message of the catalogue as
/// its title.
pub fn mark_tab(tab: f64, text: &str, title: &str) {
    let _ = host_mark(tab, text, title);
}

/// Takes the marks off the toolbar button, over every tab.
pub fn clear_marks() {
    let _ = host_clear_marks();
}

/// Any call to the browser puts the worker's idle end off by 30 s. While a job runs, this one is made.
pub fn stay_awake() {
    let _ = get_platform_info();
}

/// Whether the browser thinks it has a network.
#[must_use]
pub fn is_online() -> bool {
    ON_LINE.with(JsValue::is_truthy)
}

/// Waits.
pub async fn sleep(milliseconds: u64) {
    // Waits are far below 2^53.
    #[expect(clippy::cast_precision_loss)]
    let wait = milliseconds as f64;
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, wait);
    });
    let _ = JsFuture::from(promise).await;
}

/// The wall clock, in milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let now = js_sys::Date::now() as u64;
    now
}

fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        let set = Reflect::set(&object, &JsValue::from_str(name), value);
        debug_assert!(set.is_ok(), "a fresh object takes every field");
    }
    object
}
