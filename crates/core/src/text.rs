//! Foreign text made fit for one line of ours.

/// Text from a site, for show: control and direction characters are out (they could reorder or
/// hide what stands beside them), white space is one blank, and it is cut at `most` characters.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut blank = false;
    let mut taken = 0;
    for character in text.chars() {
        if character.is_whitespace() {
            blank = !line.is_empty();
            continue;
        }
        if character.is_control() || is_invisible(character) {
            continue;
        }
        let cost = 1 + usize::from(blank);
        if taken + cost > most {
            line.push('…');
            break;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
        }
        line.push(character);
        taken += cost;
    }
    line
}

/// Direction marks, zero-width characters, tags and the like. The joiners (U+200C, U+200D) stay:
/// Persian and emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

/// A site's own words in an error: one line of at most 300 characters in which every run that
/// could be a key or token is replaced.
#[must_use]
pub fn site_words(text: &str) -> String {
    const LONGEST_WORD: usize = 20;
    let looks_secret = |word: &str| {
        let body = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        body.starts_with("sk-")
            || (body.len() > LONGEST_WORD
                && body
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+/=_-.*".contains(&b)))
    };
    let mut cleaned = String::new();
    let mut word = String::new();
    // Words end where a key cannot go on; CJK text has no blanks around a key.
    for character in text.chars().chain(std::iter::once(' ')) {
        if character.is_ascii_graphic() && !"\"'`(){}[]<>,;:".contains(character) {
            word.push(character);
            continue;
        }
        cleaned.push_str(if looks_secret(&word) { "…" } else { &word });
        word.clear();
        cleaned.push(character);
    }
    one_line(&cleaned, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_can_reorder_or_hide_our_line() {
        assert_eq!(one_line("a\u{202E}b\u{0}c\u{200B}d", 128), "abcd");
        assert_eq!(one_line("  two \n\t words  ", 128), "two words");
        assert_eq!(one_line("试用 – 共享", 128), "试用 – 共享");
        assert_eq!(
            one_line("<img src=x onerror=alert(1)>", 128),
            "<img src=x onerror=alert(1)>"
        );
        assert_eq!(one_line(&"x".repeat(10_240), 128).chars().count(), 129);
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("👩\u{200D}💻", 128), "👩\u{200D}💻");
    }

    #[test]
    fn a_sites_words_never_carry_a_key() {
        let key = "sk-AbCd0123456789AbCd0123456789AbCd0123456789wXyZ";
        for text in [
            format!("token {key} is bad"),
            format!("令牌{key}无效"),
            format!("{{\"key\":\"{}\"}}", &key[3..]),
            format!("Bearer {}", "aB3+/".repeat(6)),
        ] {
            let shown = site_words(&text);
            assert!(
                !shown.contains("AbCd01") && !shown.contains("aB3+"),
                "{shown}"
            );
        }
        assert_eq!(
            site_words("Quota value cannot be negative"),
            "Quota value cannot be negative"
        );
    }
}
