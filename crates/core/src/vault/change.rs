//! (signatures first)

/// What a change of protection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Records sealed again.
    pub records: u32,
    /// Records that did not open and were set aside.
    pub set_aside: u32,
    /// Memory was short: weaker work factors were used.
    pub weaker: bool,
}
