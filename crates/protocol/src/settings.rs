use serde::{Deserialize, Serialize};

/// What the user may choose. Stored sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Lock when the screen locks.
    pub lock_with_screen: bool,
    /// Lock this many minutes after a person's last act; `None`: only when the browser closes.
    pub lock_after_minutes: Option<u32>,
    /// Sync by itself this often; `None`: never.
    pub sync_every_minutes: Option<u32>,
    /// On opening a page, refresh accounts older than this; `None`: never.
    pub refresh_after_minutes: Option<u32>,
    /// After a sync, reveal new masked keys by itself.
    pub reveal_after_sync: bool,
    /// Clear a copied key from the clipboard after this many seconds, if it is still ours.
    pub clear_clipboard_seconds: Option<u32>,
    /// The offer to clear the clipboard was answered; do not ask again.
    pub clipboard_offer_answered: bool,
    /// Where relay sites are recognised as the user browses.
    pub watching: Watching,
}

/// Where relay sites are recognised as the user browses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watching {
    /// Nowhere: only when the popup is opened.
    #[default]
    Off,
    /// At these origins.
    Chosen(Vec<String>),
    /// Everywhere.
    All,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock_with_screen: true,
            lock_after_minutes: Some(240),
            sync_every_minutes: Some(120),
            refresh_after_minutes: Some(30),
            reveal_after_sync: false,
            clear_clipboard_seconds: None,
            clipboard_offer_answered: false,
            watching: Watching::Off,
        }
    }
}
