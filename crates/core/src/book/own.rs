//! What the user may say of an account, and what it is cut down to.

use relaykeep_protocol::{Own, OwnProblem};

const MOST_TAGS: usize = 16;
/// In characters.
const LONGEST_TAG: usize = 40;
/// In characters: a record holds 64 KiB, and a character takes up to six bytes in it.
const LONGEST_NOTES: usize = 4_000;
const LONGEST_ADDRESS: usize = 2_048;

/// What was said, tidied: tags once each, an address with its scheme.
pub(super) fn checked(mut own: Own) -> Result<Own, OwnProblem> {
    let limit = |most: usize| u32::try_from(most).unwrap_or(u32::MAX);
    let mut tags: Vec<String> = Vec::new();
    for tag in own.tags {
        let tag = crate::text::one_line(&tag, LONGEST_TAG + 1);
        if tag.chars().count() > LONGEST_TAG {
            return Err(OwnProblem::TagTooLong(limit(LONGEST_TAG)));
        }
        let held = |one: &String| one.to_lowercase() == tag.to_lowercase();
        if !tag.is_empty() && !tags.iter().any(held) {
            tags.push(tag);
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(OwnProblem::TooManyTags(limit(MOST_TAGS)));
    }
    own.tags = tags;
    own.notes = own.notes.replace("\r\n", "\n").trim().to_owned();
    if own.notes.chars().count() > LONGEST_NOTES {
        return Err(OwnProblem::NotesTooLong(limit(LONGEST_NOTES)));
    }
    own.check_in = own
        .check_in
        .map(|typed| typed.trim().to_owned())
        .filter(|typed| !typed.is_empty())
        .map(|typed| web_address(&typed).ok_or(OwnProblem::CheckIn))
        .transpose()?;
    Ok(own)
}

/// An address that a click may open: a web page's, and nothing that runs or carries a password.
fn web_address(typed: &str) -> Option<String> {
    if typed.len() > LONGEST_ADDRESS || typed.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let lower = typed.to_ascii_lowercase();
    let text = if lower.starts_with("https://") || lower.starts_with("http://") {
        typed.to_owned()
    } else if typed.contains("://") {
        return None;
    } else {
        format!("https://{typed}")
    };
    let url = (crate::platform::platform().url)(&text)?;
    let web = matches!(url.scheme.as_str(), "https" | "http") && !url.user_info;
    (web && !url.host.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Own)) -> Result<Own, OwnProblem> {
        let mut own = Own::default();
        change(&mut own);
        checked(own)
    }

    #[test]
    fn tags_stand_once_each_and_in_order() {
        let said = ["  work ", "Work", "cheap\nones", "", "日本"].map(str::to_owned);
        let own = with(|own| own.tags = said.to_vec()).expect("fits");
        assert_eq!(own.tags, ["work", "cheap ones", "日本"]);
    }

    #[test]
    fn what_is_too_much_is_refused_and_not_cut() {
        let many = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>();
        assert!(with(|own| own.tags = many(16)).is_ok());
        assert_eq!(
            with(|own| own.tags = many(17)),
            Err(OwnProblem::TooManyTags(16))
        );
        assert!(with(|own| own.tags = vec!["é".repeat(40)]).is_ok());
        assert_eq!(
            with(|own| own.tags = vec!["é".repeat(41)]),
            Err(OwnProblem::TagTooLong(40))
        );
        assert!(with(|own| own.notes = "字".repeat(4_000)).is_ok());
        assert_eq!(
            with(|own| own.notes = "字".repeat(4_001)),
            Err(OwnProblem::NotesTooLong(4_000))
        );
    }

    #[test]
    fn notes_keep_their_lines() {
        let own = with(|own| own.notes = " one\r\n\r\n  two \n".to_owned()).expect("fits");
        assert_eq!(own.notes, "one\n\n  two");
    }

    #[test]
    fn only_a_web_page_is_opened_for_a_check_in() {
        let check =
            |typed: &str| with(|own| own.check_in = Some(typed.to_owned())).map(|own| own.check_in);
        assert_eq!(check("  "), Ok(None));
        let page = "https://relay.example/checkin?a=b#c";
        assert_eq!(check(page), Ok(Some(page.to_owned())));
        assert_eq!(
            check("relay.example/x"),
            Ok(Some("https://relay.example/x".to_owned()))
        );
        for typed in [
            "javascript:alert(1)",
            "JavaScript:alert(1)//https://",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://me:secret@relay.example",
            "https://",
            "a b",
        ] {
            assert_eq!(check(typed), Err(OwnProblem::CheckIn), "{typed}");
        }
    }
}
