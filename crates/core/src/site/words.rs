//! Foreign text made fit to be shown.

use crate::text::one_line;

/// Longest text of a site's own that is passed on; the mark of a cut comes on top.
const LONGEST_WORDS: usize = 299;

/// A name, cleaned for show and cut to 128 characters.
pub(super) fn name(text: &str) -> String {
    one_line(text, 128)
}

/// A site's own words to a refusal: cleaned, cut to 300 characters, and with whatever might be a
/// key or a token taken out. `None` when nothing is left.
pub(super) fn said(text: &str) -> Option<String> {
    // Invisible characters first: they could split a key into harmless pieces. Cut last: a cut
    // through a key would leave its beginning.
    let words = one_line(&without_secrets(&one_line(text, usize::MAX)), LONGEST_WORDS);
    (!words.is_empty()).then_some(words)
}

/// Replaces runs that look like keys or tokens.
fn without_secrets(text: &str) -> String {
    let of_a_secret = |c: char| c.is_ascii_alphanumeric() || "+/=_-.*".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !of_a_secret(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        out.push_str(if secret_like(run) { "…" } else { run });
        let next = after.chars().next();
        out.extend(next);
        rest = &after[next.map_or(0, char::len_utf8)..];
    }
    out
}

fn secret_like(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    if let Some(at) = lower.find("sk-") {
        return run.len() > at + 6;
    }
    // One API's tokens are 32, New API's 28 or 32 characters; codes such as
    // AUTH_INSUFFICIENT_PRIVILEGE and paths are neither mixed in case nor full of digits.
    let digits = run.bytes().any(|b| b.is_ascii_digit());
    let mixed =
        run.bytes().any(|b| b.is_ascii_lowercase()) && run.bytes().any(|b| b.is_ascii_uppercase());
    (run.len() >= 12 && digits && mixed) || (run.len() >= 16 && (digits || mixed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_what_could_deceive_and_keeps_the_rest() {
        for (sent, shown) in [
            ("laptop", "laptop"),
            ("  two\n\tlines \u{0}", "two lines"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("a\u{2066}b\u{2069}c\u{200f}", "abc"),
            ("<b>bold</b>", "<b>bold</b>"),
            ("👩\u{200d}💻 密钥", "👩\u{200d}💻 密钥"),
            ("\u{1b}[31mred", "[31mred"),
            ("", ""),
        ] {
            assert_eq!(name(sent), shown, "{sent:?}");
        }
        assert_eq!(name(&"k".repeat(10_000)), format!("{}…", "k".repeat(128)));
    }

    #[test]
    fn a_sites_words_carry_no_key_and_no_token() {
        for (sent, shown) in [
            (
                "Invalid token sk-K001Dummy0KeyDummy1Key!",
                "Invalid token …!",
            ),
            (
                "token Pat+aliceA/0123456789abcdefgh== is bad",
                "token … is bad",
            ),
            ("fe0123456789abcdef0123456789abcd", "…"),
            (
                "AUTH_INSUFFICIENT_PRIVILEGE at /api/user/self/groups",
                "AUTH_INSUFFICIENT_PRIVILEGE at /api/user/self/groups",
            ),
            ("用户已被封禁", "用户已被封禁"),
            ("record not found", "record not found"),
            ("sk-K0\u{200b}01Dum\u{2060}my0KeyDummy1Key", "…"),
        ] {
            assert_eq!(said(sent).as_deref(), Some(shown));
        }
        assert_eq!(said("\u{202e}\n "), None);
        assert_eq!(
            said(&"ab ".repeat(1_000_000)).map(|text| text.chars().count()),
            Some(300)
        );
    }
}
