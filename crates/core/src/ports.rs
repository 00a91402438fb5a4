//! What the core needs from the world, as small traits with a stand-in beside each.

use crate::sorted::SortedMap;
use relaykeep_protocol::Millis;
use std::cell::{Cell, RefCell};
use std::future::Future;

/// The wall clock. It may jump, also backwards.
pub trait Clock {
    /// Now.
    fn now(&self) -> Millis;
}

/// A clock that stands still until told.
#[derive(Default)]
pub struct StandingClock(pub Cell<Millis>);

impl Clock for StandingClock {
    fn now(&self) -> Millis {
        self.0.get()
    }
}

/// Randomness failed. Nothing may be written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyError;

/// Good randomness.
pub trait Entropy {
    /// Fills all bytes, or fails.
    ///
    /// # Errors
    /// When the system gives none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// Counts: every draw differs, and a test's run repeats exactly.
#[derive(Default)]
pub struct CountingEntropy(pub Cell<u64>);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in bytes.chunks_mut(8) {
            self.0.set(self.0.get() + 1);
            // A multiplier that spreads the count over all bytes (Knuth, MMIX).
            let word = self.0.get().wrapping_mul(6_364_136_223_846_793_005);
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// The browser's storage did not do it. What was there before may be assumed unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreError;

/// Named texts that outlive the program: `storage.local`, or a database of our own.
/// Reads may fail name by name (a rotten block fails only its own names).
pub trait Store {
    /// One text.
    fn get(&self, name: &str) -> impl Future<Output = Result<Option<String>, StoreError>>;
    /// Many texts at once; absent names are left out. Fails as a whole.
    fn get_many(
        &self,
        names: &[String],
    ) -> impl Future<Output = Result<SortedMap<String, String>, StoreError>>;
    /// All names.
    fn names(&self) -> impl Future<Output = Result<Vec<String>, StoreError>>;
    /// Writes all or nothing.
    fn set(&self, items: &[(String, String)]) -> impl Future<Output = Result<(), StoreError>>;
    /// Removes; absent names are fine.
    fn remove(&self, names: &[String]) -> impl Future<Output = Result<(), StoreError>>;
}

/// A store in memory, for tests.
#[derive(Default)]
pub struct MemoryStore(pub RefCell<SortedMap<String, String>>);

impl Store for MemoryStore {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.borrow().get(name).cloned())
    }
    async fn get_many(&self, names: &[String]) -> Result<SortedMap<String, String>, StoreError> {
        let held = self.0.borrow();
        Ok(names
            .iter()
            .filter_map(|name| held.get(name).map(|text| (name.clone(), text.clone())))
            .collect())
    }
    async fn names(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.0.borrow().keys().cloned().collect())
    }
    async fn set(&self, items: &[(String, String)]) -> Result<(), StoreError> {
        self.0.borrow_mut().extend(items.iter().cloned());
        Ok(())
    }
    async fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        let mut held = self.0.borrow_mut();
        for name in names {
            held.remove(name);
        }
        Ok(())
    }
}

/// Runs a future whose ports answer at once. For tests: it panics if anything waits.
///
/// # Panics
/// If the future is not ready at its first poll.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a port made the core wait"),
    }
}
