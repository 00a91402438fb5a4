use super::key::read_full_key;
use crate::secret::{ApiKey, Secret};
use relaykeep_protocol::TokenProblem;
use zeroize::Zeroizing;

/// Far above any token seen (28 and 32 characters on New API and One API, some hundred for a JWT).
const LONGEST_TOKEN: usize = 1024;

/// Below this no server can mean it as a secret.
const SHORTEST_TOKEN: usize = 8;

/// Reads a typed or pasted access token. Blanks, line ends and quotes around it and a leading
/// `Bearer` (or `Authorization: Bearer`) are dropped.
///
/// New API's tokens are standard base64 of 21 to 24 random bytes, so `+`, `/` and `=` belong to
/// them; One API's are 32 hex digits.
///
/// # Errors
/// When nothing was typed, it cannot be a token, or it is an `sk-…` key.
pub fn read_token(typed: &str) -> Result<Secret, TokenProblem> {
    // Terminals and mail programs break long words; a token never holds a line end.
    let joined: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(|c| !matches!(c, '\r' | '\n' | '\u{feff}' | '\u{200b}'))
            .collect(),
    );
    let mut text = trim(&joined);
    for word in ["authorization:", "bearer"] {
        if let Some(rest) = strip_word(text, word) {
            text = trim(rest);
        }
    }
    if text.is_empty() {
        return Err(TokenProblem::Empty);
    }
    // OpenRouter's management keys are keys; no relay's keys begin so.
    let manages = text.starts_with("sk-or-");
    if !manages
        && text
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case("sk-"))
    {
        return Err(TokenProblem::LooksLikeKey);
    }
    let fits = (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=_-.".contains(&b));
    if fits {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err(TokenProblem::Unreadable)
    }
}

/// What was typed is no user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAUserId;

/// Reads a typed user id: decimal digits. Nothing typed is `None`.
///
/// # Errors
/// When it is anything else.
pub fn read_user_id(typed: &str) -> Result<Option<String>, NotAUserId> {
    let text = trim(typed);
    let text = text.strip_prefix('#').unwrap_or(text);
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotAUserId);
    }
    let bare = text.trim_start_matches('0');
    // No server numbers a user 0.
    if bare.is_empty() {
        Err(NotAUserId)
    } else {
        Ok(Some(bare.to_owned()))
    }
}

/// Drops blanks and quotes at both ends, in any order.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '«' | '»' | ',' | ';'
            )
    })
}

/// Strips a leading word in any case, if a blank or the end follows it.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    let rest = &text[word.len()..];
    let ends = word.ends_with(':') || rest.is_empty() || rest.starts_with(char::is_whitespace);
    (start.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// Reads a full key a person pasted; with or without `sk-`.
#[must_use]
pub fn typed_key(typed: &str) -> Option<ApiKey> {
    let text = trim(typed);
    let bare = strip_word(text, "bearer").map_or(text, trim);
    read_full_key(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Result<&str, TokenProblem>) {
        let read = read_token(typed);
        let shown = read
            .as_ref()
            .map(Secret::expose)
            .map_err(|problem| *problem); // the test looks
        assert_eq!(shown, expected, "{typed:?}");
    }

    #[test]
    fn a_pasted_token_is_freed_of_what_stuck_to_it() {
        let token = "Pat+aliceA/0123456789abcdefgh==";
        check(token, Ok(token));
        check(&format!("  {token}\r\n"), Ok(token));
        check(&format!("\"{token}\""), Ok(token));
        check(&format!("'Bearer {token}',"), Ok(token));
        check(&format!("bearer\t{token}"), Ok(token));
        check(&format!("Authorization: Bearer {token}"), Ok(token));
        check("Pat+aliceA/0123456789\nabcdefgh==", Ok(token));
        check(
            "3f0123456789abcdef0123456789abcd",
            Ok("3f0123456789abcdef0123456789abcd"),
        );
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_with_the_reason() {
        check("", Err(TokenProblem::Empty));
        check(" \n\"\" ", Err(TokenProblem::Empty));
        check("Bearer ", Err(TokenProblem::Empty));
        check("sk-K001Dummy0KeyDummy1Key", Err(TokenProblem::LooksLikeKey));
        check(
            "Bearer SK-K001Dummy0KeyDummy1Key",
            Err(TokenProblem::LooksLikeKey),
        );
        check("two words here", Err(TokenProblem::Unreadable));
        check("K001**********001Z", Err(TokenProblem::Unreadable));
        check("<script>alert(1)</script>", Err(TokenProblem::Unreadable));
        check("токен-токен-токен", Err(TokenProblem::Unreadable));
        check("short", Err(TokenProblem::Unreadable));
        check(&"a".repeat(1025), Err(TokenProblem::Unreadable));
    }

    #[test]
    fn a_user_id_is_digits_and_nothing_else() {
        let cases = [
            ("", Ok(None)),
            (" 42 ", Ok(Some("42"))),
            ("#7", Ok(Some("7"))),
            ("007", Ok(Some("7"))),
            ("0", Err(NotAUserId)),
            ("-1", Err(NotAUserId)),
            ("1.5", Err(NotAUserId)),
            ("alice", Err(NotAUserId)),
            ("９", Err(NotAUserId)),
            ("123456789012345678901", Err(NotAUserId)),
        ];
        for (typed, expected) in cases {
            assert_eq!(
                read_user_id(typed),
                expected.map(|id| id.map(str::to_owned)),
                "{typed:?}"
            );
        }
    }
}
