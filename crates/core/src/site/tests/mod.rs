//! Flows and readers against the recorded answers of real servers.
