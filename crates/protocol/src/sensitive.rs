use serde::{Deserialize, Serialize};

/// Text on its way between a page and the worker that must not be printed: a passphrase,
/// an access token, a key the user asked for. It exists only inside messages.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive(pub String);

impl std::fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(sensitive)")
    }
}
