//! (signatures first)

/// How many jobs can run at once.
pub const JOB_SLOTS: u8 = 16;
