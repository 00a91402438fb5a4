//! Which JSON a body may be: names that stand twice, and depths that readers choke on, are
//! refused, so that every reader sees the same. Whether it is JSON at all is the parser's word.

use std::borrow::Cow;

const MAX_DEPTH: usize = 64;

/// Whether the text's objects name everything once and nest no deeper than 64.
pub(crate) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    // One frame per open bracket; the names seen so far if it is an object.
    let mut open: Vec<Option<Vec<Cow<'_, str>>>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                open.push((bytes[at] == b'{').then(Vec::new));
                if open.len() > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' if open.pop().is_none() => return false,
            b'"' => {
                let Some(end) = end_of_string(bytes, at) else {
                    return false;
                };
                if let Some(Some(names)) = open.last_mut()
                    && next_is_colon(bytes, end + 1)
                {
                    let Some(name) = read_name(&text[at..=end]) else {
                        return false;
                    };
                    if names.contains(&name) {
                        return false;
                    }
                    names.push(name);
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    open.is_empty()
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn next_is_colon(bytes: &[u8], from: usize) -> bool {
    bytes[from..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

/// `"\u0061"` and `"a"` are the same name.
fn read_name(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.contains('\\') {
        crate::json::read(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn a_name_stands_once_and_depth_ends_at_64() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        for (text, plain) in [
            (
                r#"{"a":1,"b":{"a":2},"c":[{"a":1},{"a":"a:\"a\":"}]}"#,
                true,
            ),
            (r#"{"a":1,"a":2}"#, false),
            (r#"{"a":1,"\u0061" :2}"#, false),
            (r#"{"x":{"q\"":1,"q\"":2}}"#, false),
            (r#"["a","a"]"#, true),
            (r#"{"a":"unclosed}"#, false),
            ("[1]]", false),
            ("[1", false),
            ("null", true),
            (&nested(64), true),
            (&nested(65), false),
        ] {
            assert_eq!(is_plain(text), plain, "{text}");
        }
    }
}
