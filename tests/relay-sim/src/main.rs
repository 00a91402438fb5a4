//! Simulated relay sites.
fn main() {}
