//! (signatures first)
use super::{RecordId};

/// One change of a commit. The last word about a record counts.
pub enum Change {
    /// Writes it.
    Put {
        /// Which.
        id: RecordId,
        /// UTF-8 JSON.
        body: String,
    },
    /// Removes it.
    Delete(RecordId),
    /// It did not open: moves its bytes to the quarantine, and takes it off the list.
    SetAside(RecordId),
}

/// What a commit wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Objects that lists show.
    pub list: u32,
    /// Logins.
    pub site: u32,
    /// Keys and raw objects.
    pub secret: u32,
    /// Parts of the manifest.
    pub shards: u32,
    /// Records removed or set aside.
    pub removed: u32,
    /// A root was written; if not, nothing was.
    pub root: bool,
}
