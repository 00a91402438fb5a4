//! Two things every browser does by tables of its own and better than we could ship them: reading
//! an address as `fetch` will read it, and bringing text to its composed form (NFC). The worker
//! installs the browser's; natively, the `url` and `icu_normalizer` crates stand in.

use std::sync::OnceLock;

/// An address, taken apart as the URL Standard does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlParts {
    /// Without the colon, in lower case.
    pub scheme: String,
    /// A user name or a password stands in it.
    pub user_info: bool,
    /// The host as ASCII; international names in punycode, IPv6 in brackets.
    pub host: String,
    /// Scheme, host and port, the port only where it is not the scheme's own.
    pub origin: String,
    /// The path, percent-encoded.
    pub path: String,
}

/// What the surroundings know how to do.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// Takes an absolute address apart; `None` if it is none.
    pub url: fn(&str) -> Option<UrlParts>,
    /// Unicode normalisation form C; `None` if it cannot be had.
    pub nfc: fn(&str) -> Option<String>,
}

static PLATFORM: OnceLock<Platform> = OnceLock::new();

/// Says once, at the start of the program, whom to ask.
pub fn install(platform: Platform) {
    // The first word counts; a worker starts once.
    let _ = PLATFORM.set(platform);
}

pub(crate) fn platform() -> Platform {
    *PLATFORM.get_or_init(stand_in)
}

#[cfg(target_arch = "wasm32")]
fn stand_in() -> Platform {
    // Nothing to ask: no address is one, and no passphrase can be read. Never wrong, only useless.
    Platform {
        url: |_| None,
        nfc: |_| None,
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn stand_in() -> Platform {
    Platform {
        url: |text| {
            let url = url::Url::parse(text).ok()?;
            Some(UrlParts {
                scheme: url.scheme().to_owned(),
                user_info: !url.username().is_empty() || url.password().is_some(),
                host: url.host_str().unwrap_or_default().to_owned(),
                origin: url.origin().ascii_serialization(),
                path: url.path().to_owned(),
            })
        },
        nfc: |text| {
            let mut composed = String::with_capacity(text.len() * 3);
            icu_normalizer::ComposingNormalizerBorrowed::new_nfc()
                .normalize_to(text, &mut composed)
                .ok()?;
            Some(composed)
        },
    }
}
