//! Typed bindings to the dozen browser calls Relaykeep makes. Nothing is decided here.
//! `chrome.*` answers with promises in Chromium and, under Manifest V3, in Firefox too.

mod area;
mod database;
mod device_key;
pub mod locks;
pub mod page;
pub mod runtime;
pub mod text;
pub mod worker;

pub use area::{Area, keep_from_content_scripts};
pub use database::Database;
pub use device_key::{forget_device_key, load_device_key, save_device_key};

use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = ["chrome", "runtime"], js_name = getBrowserInfo)]
    static GET_BROWSER_INFO: JsValue;
}

/// Whether this is Firefox: it alone has this call.
#[must_use]
pub fn is_firefox() -> bool {
    GET_BROWSER_INFO.with(JsValue::is_function)
}

/// The pattern of an origin (`https://host:8443/*`) as this browser takes it: Firefox's know no
/// ports, they mean every port of the host, and one with a port matches nothing.
pub(crate) fn as_taken(pattern: &str) -> Cow<'_, str> {
    if is_firefox() {
        without_port(pattern)
    } else {
        Cow::Borrowed(pattern)
    }
}

fn without_port(pattern: &str) -> Cow<'_, str> {
    match pattern
        .strip_suffix("/*")
        .and_then(|origin| origin.rsplit_once(':'))
    {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|one| one.is_ascii_digit()) => {
            Cow::Owned(format!("{host}/*"))
        }
        _ => Cow::Borrowed(pattern),
    }
}

/// A browser call failed. What the browser said is not kept: it may hold addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserError;

impl From<JsValue> for BrowserError {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// The one place where our types become JavaScript values: without `json_compatible` a map
/// would arrive silently empty on the other side of a message.
///
/// # Errors
/// If a value has no JSON form (no type of ours does that).
pub fn to_js<T: Serialize>(value: &T) -> Result<JsValue, BrowserError> {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|_| BrowserError)
}

/// The way back.
///
/// # Errors
/// If the value is not what was expected.
pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, BrowserError> {
    serde_wasm_bindgen::from_value(value).map_err(|_| BrowserError)
}

#[cfg(test)]
mod tests {
    use super::without_port;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn a_pattern_loses_its_port_and_nothing_else() {
        for (pattern, portless) in [
            ("https://relay.example/*", "https://relay.example/*"),
            ("https://relay.example:8443/*", "https://relay.example/*"),
            ("http://127.0.0.1:3000/*", "http://127.0.0.1/*"),
            ("http://[::1]:3000/*", "http://[::1]/*"),
            ("http://[::1]/*", "http://[::1]/*"),
        ] {
            assert_eq!(without_port(pattern), portless);
        }
    }
}
