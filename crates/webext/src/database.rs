use crate::BrowserError;
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/idb.js")]
extern "C" {
    fn idb_get(database: &str, name: &str) -> Promise;
    fn idb_names(database: &str) -> Promise;
    fn idb_set(database: &str, names: Array, values: Array) -> Promise;
    fn idb_remove(database: &str, names: Array) -> Promise;
}

/// A table of texts in a database of our own (IndexedDB), apart from the extension's storage.
#[derive(Clone, Copy, Debug)]
pub struct Database(pub &'static str);

impl Database {
    /// One text.
    ///
    /// # Errors
    /// When the browser fails to read it.
    pub async fn get(self, name: &str) -> Result<Option<String>, BrowserError> {
        Ok(JsFuture::from(idb_get(self.0, name)).await?.as_string())
    }

    /// All names.
    ///
    /// # Errors
    /// When the browser fails to list them.
    pub async fn names(self) -> Result<Vec<String>, BrowserError> {
        let listed = Array::from(&JsFuture::from(idb_names(self.0)).await?);
        Ok(listed.iter().filter_map(|name| name.as_string()).collect())
    }

    /// Writes all or nothing, and waits until it is on disk.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn set(self, items: &[(String, String)]) -> Result<(), BrowserError> {
        let names = items
            .iter()
            .map(|(name, _)| JsValue::from_str(name))
            .collect();
        let values = items
            .iter()
            .map(|(_, text)| JsValue::from_str(text))
            .collect();
        JsFuture::from(idb_set(self.0, names, values)).await?;
        Ok(())
    }

    /// Removes names.
    ///
    /// # Errors
    /// When the browser fails to.
    pub async fn remove(self, names: &[String]) -> Result<(), BrowserError> {
        let names = names.iter().map(|name| JsValue::from_str(name)).collect();
        JsFuture::from(idb_remove(self.0, names)).await?;
        Ok(())
    }
}
