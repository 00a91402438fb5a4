use crate::BrowserError;
use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    type StorageArea;

    #[wasm_bindgen(thread_local_v2, js_namespace = ["chrome", "storage"], js_name = local)]
    static LOCAL: StorageArea;
    #[wasm_bindgen(thread_local_v2, js_namespace = ["chrome", "storage"], js_name = session)]
    static SESSION: StorageArea;

    #[wasm_bindgen(method, catch)]
    fn get(this: &StorageArea, names: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn set(this: &StorageArea, items: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn remove(this: &StorageArea, names: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getKeys)]
    fn get_keys(this: &StorageArea) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setAccessLevel)]
    fn set_access_level(this: &StorageArea, level: &Object) -> Result<Promise, JsValue>;
}

/// A storage area of the extension. Holds texts only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// On disk.
    Local,
    /// In memory, gone when the browser closes.
    Session,
}

impl Area {
    fn with<T>(
        self,
        act: impl FnOnce(&StorageArea) -> Result<T, JsValue>,
    ) -> Result<T, BrowserError> {
        match self {
            Self::Local => LOCAL.with(act),
            Self::Session => SESSION.with(act),
        }
        .map_err(BrowserError::from)
    }

    /// One text.
    ///
    /// # Errors
    /// When the browser fails to read it.
    pub async fn get(self, name: &str) -> Result<Option<String>, BrowserError> {
        let name = JsValue::from_str(name);
        let found = JsFuture::from(self.with(|area| area.get(&name))?).await?;
        Ok(Reflect::get(&found, &name)?.as_string())
    }

    /// Many texts; absent ones are left out.
    ///
    /// # Errors
    /// When the browser fails to read any of them.
    pub async fn get_many(self, names: &[String]) -> Result<Vec<(String, String)>, BrowserError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let list: Array = names.iter().map(|name| JsValue::from_str(name)).collect();
        let found = JsFuture::from(self.with(|area| area.get(&list))?).await?;
        let mut texts = Vec::new();
        for name in names {
            if let Some(text) = Reflect::get(&found, &JsValue::from_str(name))?.as_string() {
                texts.push((name.clone(), text));
            }
        }
        Ok(texts)
    }

    /// All names.
    ///
    /// # Errors
    /// When the browser fails to list them.
    pub async fn names(self) -> Result<Vec<String>, BrowserError> {
        // `getKeys` is younger than `get` (Chromium 130, Firefox 143): read all where it is absent.
        let listed = match self.with(|area| area.get_keys()) {
            Ok(promise) => Array::from(&JsFuture::from(promise).await?),
            Err(BrowserError) => {
                let all = JsFuture::from(self.with(|area| area.get(&JsValue::NULL))?).await?;
                Object::keys(&Object::from(all))
            }
        };
        Ok(listed.iter().filter_map(|name| name.as_string()).collect())
    }

    /// Writes all or nothing (one batch in the browser's store).
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn set(self, items: &[(String, String)]) -> Result<(), BrowserError> {
        let object = Object::new();
        for (name, text) in items {
            Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(text))?;
        }
        JsFuture::from(self.with(|area| area.set(&object))?).await?;
        Ok(())
    }

    /// Removes names.
    ///
    /// # Errors
    /// When the browser fails to.
    pub async fn remove(self, names: &[String]) -> Result<(), BrowserError> {
        if names.is_empty() {
            return Ok(());
        }
        let list: Array = names.iter().map(|name| JsValue::from_str(name)).collect();
        JsFuture::from(self.with(|area| area.remove(&list))?).await?;
        Ok(())
    }
}

/// Content scripts can read `storage.local` unless told otherwise. First thing at every start.
/// Firefox has this for the session area only, where it is the default.
pub async fn keep_from_content_scripts() {
    let level = Object::new();
    let set = Reflect::set(&level, &"accessLevel".into(), &"TRUSTED_CONTEXTS".into());
    debug_assert!(set.is_ok());
    for area in [Area::Local, Area::Session] {
        if let Ok(promise) = area.with(|area| area.set_access_level(&level)) {
            let _ = JsFuture::from(promise).await;
        }
    }
}
