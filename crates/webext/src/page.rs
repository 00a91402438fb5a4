//! What only a page does: connect, ask for permission within a click, open other pages.

use crate::runtime::Port;
use crate::{BrowserError, as_taken};
use js_sys::{Array, Object, Promise, Reflect};
use std::future::Future;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["chrome", "runtime"], js_name = connect, catch)]
    fn connect_to_worker(options: &Object) -> Result<Port, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "runtime"], js_name = openOptionsPage, catch)]
    fn open_options_page() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "permissions"], js_name = request, catch)]
    fn request_permissions(wanted: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "tabs"], js_name = create, catch)]
    fn create_tab(options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["chrome", "i18n"], js_name = getMessage)]
    fn get_message(id: &str, arguments: &Array) -> String;
    #[wasm_bindgen(js_namespace = ["chrome", "i18n"], js_name = getUILanguage)]
    fn get_ui_language() -> String;
}

/// Opens the line on which the worker tells what changes.
///
/// # Errors
/// When the extension was reloaded under the page.
pub fn connect(name: &str) -> Result<Port, BrowserError> {
    let options = Object::new();
    Reflect::set(&options, &"name".into(), &name.into())?;
    Ok(connect_to_worker(&options)?)
}

/// Asks the user for access to one origin's pages and requests. Must be called first thing in
/// a click's handler, before any await (Firefox forgets the click at the first one).
/// The browser may close the popup while it asks.
pub fn ask_for_origin(pattern: &str) -> impl Future<Output = bool> + use<> {
    ask_for("origins", &as_taken(pattern))
}

/// Asks the user for access to every site. As above.
pub fn ask_for_every_site() -> impl Future<Output = bool> + use<> {
    let every: Array = ["https://*/*", "http://*/*"]
        .iter()
        .map(|pattern| JsValue::from_str(pattern))
        .collect();
    ask("origins", &every)
}

/// Asks the user for one optional permission by name, e.g. `clipboardRead`. As above.
pub fn ask_for_permissions(names: &[&str]) -> impl Future<Output = bool> + use<> {
    let list: Array = names.iter().map(|name| JsValue::from_str(name)).collect();
    ask("permissions", &list)
}

fn ask_for(what: &str, pattern: &str) -> impl Future<Output = bool> + use<> {
    ask(what, &Array::of1(&JsValue::from_str(pattern)))
}

fn ask(what: &str, list: &Array) -> impl Future<Output = bool> + use<> {
    let wanted = Object::new();
    let asked =
        Reflect::set(&wanted, &what.into(), list).and_then(|_| request_permissions(&wanted));
    async move {
        match asked {
            Ok(promise) => JsFuture::from(promise)
                .await
                .is_ok_and(|granted| granted.is_truthy()),
            Err(_) => false,
        }
    }
}

/// Opens (or shows) the options page.
pub async fn open_options() {
    if let Ok(promise) = open_options_page() {
        let _ = JsFuture::from(promise).await;
    }
}

/// Opens an address in a new tab, because the user clicked on it.
pub async fn open_tab(url: &str) {
    let options = Object::new();
    let set = Reflect::set(&options, &"url".into(), &url.into());
    if let (Ok(true), Ok(promise)) = (set, create_tab(&options)) {
        let _ = JsFuture::from(promise).await;
    }
}

/// A message of the catalogue (`_locales`), with up to nine arguments. Empty if there is none.
#[must_use]
pub fn message(id: &str, arguments: &[String]) -> String {
    let arguments: Array = arguments
        .iter()
        .map(|text| JsValue::from_str(text))
        .collect();
    get_message(id, &arguments)
}

/// The language the browser shows itself in.
#[must_use]
pub fn ui_language() -> String {
    get_ui_language()
}
