//! Secrets as types: no `Display`, `Debug` of the content, `Serialize`, `PartialEq` or `Deref`.
//! `expose()` is the one way in, and each use says why.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text: a full key, an access token, a passphrase.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Say beside each use why it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both hold the same text, in time that does not tell where they differ.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .bytes()
                .zip(other.0.bytes())
                .fold(0, |seen, (a, b)| seen | (a ^ b))
                == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// A full key, as tools use it (`sk-…`). Never a mask.
#[derive(Clone, Debug)]
pub struct ApiKey(Secret);

impl ApiKey {
    /// From what a site sent as a key. `None` for a mask, and for anything that is no key:
    /// 8 to 512 visible ASCII characters.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = (8..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        (fits && !MaskedKey::looks_masked(text)).then(|| Self(Secret::new(text.to_owned())))
    }

    /// The key itself. Say beside each use why it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether both are the same key.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.same_as(&other.0)
    }

    /// What may be shown of it unasked: four characters at either end of a long one.
    #[must_use]
    pub fn mask(&self) -> MaskedKey {
        MaskedKey::of(self.0.expose()) // only its ends are kept
    }
}

/// A key as a site shows it with stars, or as we show one: not a secret, and never one's stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedKey(String);

impl MaskedKey {
    /// Stars, bullets or an ellipsis: the marks sites hide keys behind.
    #[must_use]
    pub fn looks_masked(text: &str) -> bool {
        text.contains(['*', '•', '…', '●', '·']) || text.contains("...")
    }

    /// A mask as a site sent it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::looks_masked(text).then(|| Self(text.to_owned()))
    }

    /// A mask of a full key, in our own form: `sk-AbCd••••••••wXyZ`.
    #[must_use]
    pub fn of(full: &str) -> Self {
        let body = full.strip_prefix("sk-").unwrap_or(full);
        let prefix = if body.len() == full.len() { "" } else { "sk-" };
        let (head, tail) = match body.len() {
            0..=8 => ("", ""),
            9..=15 => (&body[..2], &body[body.len() - 2..]),
            16.. => (&body[..4], &body[body.len() - 4..]),
        };
        Self(format!("{prefix}{head}••••••••{tail}"))
    }

    /// The text, as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as we show every mask: `sk-`, what the site leaves visible, eight bullets between.
    #[must_use]
    pub fn shown(&self) -> String {
        let bare = self.0.strip_prefix("sk-").unwrap_or(&self.0);
        let visible = |c: &char| !Self::is_mark(*c);
        let head: String = bare.chars().take_while(visible).take(12).collect();
        let tail: Vec<char> = bare.chars().rev().take_while(visible).take(12).collect();
        let tail: String = tail.into_iter().rev().collect();
        format!("sk-{head}••••••••{tail}")
    }

    fn is_mark(c: char) -> bool {
        matches!(c, '*' | '•' | '…' | '●' | '·' | '.')
    }

    /// Whether it shows enough of a key to tell it by: one that leaves next to nothing visible fits
    /// every key.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.0.chars().filter(char::is_ascii_alphanumeric).count() >= 8
    }

    /// Whether a full key may stand behind this mask: its visible ends agree, with or without `sk-`.
    #[must_use]
    pub fn fits(&self, key: &ApiKey) -> bool {
        let bare = |text: &str| text.strip_prefix("sk-").unwrap_or(text).to_owned();
        let mask = bare(&self.0);
        let full = bare(key.expose()); // only its ends are compared
        let head: String = mask.chars().take_while(|c| !Self::is_mark(*c)).collect();
        let tail = mask.rsplit(Self::is_mark).next().unwrap_or_default();
        full.len() >= head.len() + tail.len() && full.starts_with(&head) && full.ends_with(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_never_a_key() {
        for mask in [
            "AbCd**********wXyZ",
            "sk-ab…yz1234",
            "sk-12345678...",
            "****",
        ] {
            assert!(ApiKey::read(mask).is_none(), "{mask}");
            assert!(MaskedKey::read(mask).is_some(), "{mask}");
        }
    }

    #[test]
    fn a_mask_fits_only_keys_with_its_ends() {
        let key = ApiKey::read("sk-AbCd0123456789wXyZ").expect("a key");
        for (mask, fits) in [
            ("AbCd**********wXyZ", true),
            ("sk-AbCd**********wXyZ", true),
            ("AbCx**********wXyZ", false),
            ("AbCd**********wXyz", false),
            ("****", true),
        ] {
            assert_eq!(
                MaskedKey::read(mask).expect("a mask").fits(&key),
                fits,
                "{mask}"
            );
        }
        assert!(key.mask().fits(&key));
    }

    #[test]
    fn no_text_that_is_not_a_key_is_taken_for_one() {
        let long = "x".repeat(513);
        for text in [
            "",
            "a",
            "sk-with blank",
            "sk-line\nend",
            "sk-nul\0inside",
            "ключ-ключ",
            &long,
        ] {
            assert!(ApiKey::read(text).is_none(), "{text:?}");
        }
    }
}
