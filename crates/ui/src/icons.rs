//! Simple strokes on a 24-unit square, drawn inline so that they take the text's colour.

use leptos::prelude::*;

/// What an icon stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Keys,
    Repair,
    Accounts,
    Activity,
    Backup,
    Settings,
    Lock,
    Search,
    Sync,
    Reveal,
    Add,
    Copy,
    Show,
    Hide,
    Close,
    Check,
    Warn,
    Bad,
    Clock,
    Open,
    Down,
    Stop,
    Up,
    More,
}

impl Icon {
    /// The path's commands.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Keys => {
                "M14.5 9.5a4 4 0 1 0-4.2 4L3 20.8V22h3v-2h2v-2h2l1.6-1.6M15 15.4a6 6 0 1 0-3-11M16.5 7.5h.01"
            }
            Self::Repair => {
                "M14.700 6.300a4.500 4.500 0 0 1 5.900-3L17.500 6.500l.5 2.500 2.500.5 3.100-3.100a4.500 4.500 0 0 1-6.100 5.400L8.500 20.800a2.100 2.100 0 0 1-3-3l9-9a4.500 4.500 0 0 1 .2-2.500z"
            }
            Self::Accounts => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-5 8-5s7 1 8 5",
            Self::Activity => "M3 12h4l3-7 4 14 3-7h4",
            Self::Backup => "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
            Self::Settings => {
                "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1"
            }
            Self::Lock => "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
            Self::Search => "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
            Self::Sync => "M20 11a8 8 0 0 0-14-5L4 8M4 4v4h4M4 13a8 8 0 0 0 14 5l2-2M20 20v-4h-4",
            Self::Reveal => "M6 11h12v9H6zM8 11V8a4 4 0 0 1 7.5-2M12 15v2",
            Self::Add => "M12 5v14M5 12h14",
            Self::Copy => "M9 9h11v11H9zM5 15H4V4h11v1",
            Self::Show => {
                "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"
            }
            Self::Hide => {
                "M4 4l16 16M9.5 6A10 10 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.500a17 17 0 0 1-3 3.700M6 7.500A16 16 0 0 0 2.5 12S6 18.5 12 18.500a9 9 0 0 0 4-1"
            }
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::Check => "M4 12l5 5L20 6",
            Self::Warn => "M12 4L2.5 20h19zM12 10v4.500M12 17.300v.2",
            Self::Bad => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.500v5.500M12 16.300v.2",
            Self::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
            Self::Open => "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
            Self::Down => "M6 9l6 6 6-6",
            Self::Stop => "M7 7h10v10H7z",
            Self::Up => "M6 15l6-6 6 6",
            Self::More => {
                "M6 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0M13 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0M20 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0"
            }
        }
    }
}

/// The icon, silent: what it means is said by its button or text.
pub(crate) fn icon(icon: Icon) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=icon.path()></path>
        </svg>
    }
    .into_any()
}

/// The mark: a keep's gate with a keyhole.
pub(crate) fn mark() -> AnyView {
    view! {
        <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="9" fill="var(--accent)"></rect>
            <path
                d="M8 25V12.500a8 8 0 0 1 16 0V25z"
                fill="none"
                stroke="var(--accent-text)"
                stroke-width="2.6"
                stroke-linejoin="round"
            ></path>
            <path
                d="M16 13.500a2.6 2.6 0 0 1 1.3 4.900V21.500h-2.600v-3.100A2.6 2.6 0 0 1 16 13.500z"
                fill="var(--accent-text)"
            ></path>
        </svg>
    }
    .into_any()
}
