//! Finding keys by words.

use memchr::memmem;

/// A typed query, ready to be held against many haystacks.
pub struct Query {
    terms: Vec<memmem::Finder<'static>>,
}

impl Query {
    /// Splits at white space; every term must be found somewhere. Upper and lower case are one.
    #[must_use]
    pub fn read(typed: &str) -> Self {
        let terms = typed
            .split_whitespace()
            .map(|term| memmem::Finder::new(term.to_lowercase().as_bytes()).into_owned())
            .collect();
        Self { terms }
    }

    /// Nothing was typed: everything matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether every term is in the haystack (one made by [`haystack`]).
    #[must_use]
    pub fn matches(&self, haystack: &str) -> bool {
        self.terms
            .iter()
            .all(|term| term.find(haystack.as_bytes()).is_some())
    }
}

/// The searched text of one thing: its fields in lower case, apart from each other so that no
/// term matches across two.
#[must_use]
pub fn haystack(fields: &[&str]) -> String {
    let mut text = String::with_capacity(fields.iter().map(|field| field.len() + 1).sum());
    for field in fields {
        text.extend(field.chars().flat_map(char::to_lowercase));
        text.push('\n');
    }
    text
}

/// Whether a query should also be looked for inside the keys themselves: four or more
/// characters, all of which a key can have.
#[must_use]
pub fn could_be_in_a_key(typed: &str) -> bool {
    let typed = typed.trim();
    typed.len() >= 4
        && typed
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: bool) {
        let hay = haystack(&[
            "claude-code · Laptop",
            "Starlight",
            "api.starlight.example",
            "vip",
            "试用",
        ]);
        assert_eq!(Query::read(query).matches(&hay), expected, "{query}");
    }

    #[test]
    fn every_term_must_be_somewhere_in_any_case() {
        check("", true);
        check("CLAUDE star", true);
        check("试用 vip", true);
        check("laptop nordwind", false);
        check("laptopstarlight", false);
        check("laptop\nstar", true);
    }

    #[test]
    fn only_key_like_text_is_looked_for_in_keys() {
        for (text, expected) in [
            ("abc", false),
            ("abcd", true),
            (" sk-AbC ", true),
            ("ab cd", false),
            ("试用试用", false),
        ] {
            assert_eq!(could_be_in_a_key(text), expected, "{text}");
        }
    }
}
