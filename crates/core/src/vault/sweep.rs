//! (signatures first)
