use crate::{BrowserError, Database};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/idb.js")]
extern "C" {
    fn cache_get(name: &str) -> Promise;
    fn cache_set(name: &str, bytes: Uint8Array) -> Promise;
    fn cache_remove(name: &str) -> Promise;
}

const NAME: &str = "rk1/dk";

/// Every copy of the device key that can be read; the caller tries each.
pub async fn load_device_key(database: Database) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if let Ok(Some(text)) = database.get(NAME).await {
        found.push(text.into_bytes());
    }
    if let Ok(bytes) = JsFuture::from(cache_get(NAME)).await
        && bytes.is_object()
    {
        found.push(Uint8Array::new(&bytes).to_vec());
    }
    found
}

/// Writes both copies. The text form is for the caller to choose; it must be ASCII.
///
/// # Errors
/// When not even one copy was written.
pub async fn save_device_key(database: Database, text: &str) -> Result<(), BrowserError> {
    let first = database.set(&[(NAME.to_owned(), text.to_owned())]).await;
    let bytes = Uint8Array::from(text.as_bytes());
    let second = JsFuture::from(cache_set(NAME, bytes)).await;
    first.or(second.map(drop).map_err(BrowserError::from))
}

/// Removes both copies.
pub async fn forget_device_key(database: Database) {
    let _ = database.remove(&[NAME.to_owned()]).await;
    let _ = JsFuture::from(cache_remove(NAME)).await;
}
