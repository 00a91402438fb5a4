//! The core's ports, bound to the browser.

use relaykeep_core::platform::{Platform, UrlParts};
use relaykeep_core::ports::{Clock, Entropy, EntropyError, Store, StoreError};
use relaykeep_core::sorted::SortedMap;
use relaykeep_webext::{Area, BrowserError, Database, text, worker};
use std::pin::Pin;

/// The second home of what must not be lost.
pub(crate) const DATABASE: Database = Database("rk1");

/// Where the vault's texts lie. One type for both, so that the core's code for a store is in the
/// module once.
pub(crate) enum Table {
    /// `storage.local`.
    Local,
    /// The database `rk1`.
    Mirror,
}

/// Any answer of a store: one pointer in whatever waits for it, instead of all its states.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

fn failed(_: BrowserError) -> StoreError {
    StoreError
}

impl Store for Table {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let answer: Answer<'_, Option<String>> = Box::pin(async move {
            match self {
                Self::Local => Area::Local.get(name).await,
                Self::Mirror => DATABASE.get(name).await,
            }
            .map_err(failed)
        });
        answer.await
    }
    async fn get_many(&self, names: &[String]) -> Result<SortedMap<String, String>, StoreError> {
        let answer: Answer<'_, SortedMap<String, String>> = Box::pin(async move {
            match self {
                Self::Local => {
                    let texts = Area::Local.get_many(names).await.map_err(failed)?;
                    Ok(texts.into_iter().collect())
                }
                Self::Mirror => {
                    let mut texts = SortedMap::new();
                    for name in names {
                        if let Some(text) = DATABASE.get(name).await.map_err(failed)? {
                            texts.insert(name.clone(), text);
                        }
                    }
                    Ok(texts)
                }
            }
        });
        answer.await
    }
    async fn names(&self) -> Result<Vec<String>, StoreError> {
        let answer: Answer<'_, Vec<String>> = Box::pin(async move {
            match self {
                Self::Local => Area::Local.names().await,
                Self::Mirror => DATABASE.names().await,
            }
            .map_err(failed)
        });
        answer.await
    }
    async fn set(&self, items: &[(String, String)]) -> Result<(), StoreError> {
        let answer: Answer<'_, ()> = Box::pin(async move {
            match self {
                Self::Local => Area::Local.set(items).await,
                Self::Mirror => DATABASE.set(items).await,
            }
            .map_err(failed)
        });
        answer.await
    }
    async fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        let answer: Answer<'_, ()> = Box::pin(async move {
            match self {
                Self::Local => Area::Local.remove(names).await,
                Self::Mirror => DATABASE.remove(names).await,
            }
            .map_err(failed)
        });
        answer.await
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
