//! (signatures first)
/// A passphrase has at least so many characters.
pub const LEAST_CHARACTERS: u32 = 10;
