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
use wasm_bindgen::JsValue;

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
