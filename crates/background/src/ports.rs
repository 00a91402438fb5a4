//! The core's ports, bound to the browser.

use relaykeep_core::platform::{Platform, UrlParts};
use relaykeep_core::ports::{Clock, Entropy, EntropyError, Store, StoreError};
use relaykeep_core::sorted::SortedMap;
use relaykeep_webext::{Area, BrowserError, Database, text, worker};

/// `storage.local`.
pub(crate) struct Local;

/// The second home of what must not be lost.
pub(crate) const DATABASE: Database = Database("rk1");

/// The database `rk1`.
pub(crate) struct Mirror;

fn failed(_: BrowserError) -> StoreError {
    StoreError
}

impl Store for Local {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        Area::Local.get(name).await.map_err(failed)
    }
    async fn get_many(&self, names: &[String]) -> Result<SortedMap<String, String>, StoreError> {
        let texts = Area::Local.get_many(names).await.map_err(failed)?;
        Ok(texts.into_iter().collect())
    }
    async fn names(&self) -> Result<Vec<String>, StoreError> {
        Area::Local.names().await.map_err(failed)
    }
    async fn set(&self, items: &[(String, String)]) -> Result<(), StoreError> {
        Area::Local.set(items).await.map_err(failed)
    }
    async fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        Area::Local.remove(names).await.map_err(failed)
    }
}

impl Store for Mirror {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        DATABASE.get(name).await.map_err(failed)
    }
    async fn get_many(&self, names: &[String]) -> Result<SortedMap<String, String>, StoreError> {
        let mut texts = SortedMap::new();
        for name in names {
            if let Some(text) = DATABASE.get(name).await.map_err(failed)? {
                texts.insert(name.clone(), text);
            }
        }
        Ok(texts)
    }
    async fn names(&self) -> Result<Vec<String>, StoreError> {
        DATABASE.names().await.map_err(failed)
    }
    async fn set(&self, items: &[(String, String)]) -> Result<(), StoreError> {
        DATABASE.set(items).await.map_err(failed)
    }
    async fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        DATABASE.remove(names).await.map_err(failed)
    }
}

/// The system's wall clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        worker::now()
    }
}

/// The browser's randomness.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}

/// The browser's own reading of addresses and its Unicode tables.
pub(crate) const PLATFORM: Platform = Platform {
    url: |address| {
        let parts = text::url_parts(address)?;
        Some(UrlParts {
            scheme: parts.scheme,
            user_info: parts.user_info,
            host: parts.host,
            origin: parts.origin,
            path: parts.path,
        })
    },
    nfc: text::nfc,
};
