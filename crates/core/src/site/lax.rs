//! Values as sites really send them: numbers as text, too big, fractional, missing. A value that
//! cannot be understood is unknown (`None`); it never wraps and never fails the object around it.

use crate::json::Unreadable;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A value's text, kept as it was sent.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// Integers up to which a float still counts every one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number, also as text or as a float without a fraction.
pub(super) fn int(raw: Raw<'_>) -> Option<i64> {
    let text = scalar(raw)?;
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    // "1e9" and "5.0" are whole numbers too; what `i64` cannot hold exactly is unknown.
    let float = float_of(text)?;
    #[allow(clippy::cast_possible_truncation)] // whole and within 2^53, checked here
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

/// A finite number, also as text.
pub(super) fn number(raw: Raw<'_>) -> Option<f64> {
    float_of(scalar(raw)?.trim())
}

/// Text; a number is taken as its own text.
pub(super) fn text(raw: Raw<'_>) -> Option<String> {
    scalar(raw)
}

/// True or false, and nothing that merely resembles them.
pub(super) fn truth(raw: Raw<'_>) -> Option<bool> {
    match raw?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// An id: digits of any length (beyond 2^53 a float would merge neighbours), or a short plain word.
/// Anything else could not be put into a path.
pub(super) fn id(raw: Raw<'_>) -> Option<String> {
    let text = scalar(raw)?;
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !text.starts_with('-');
    // `1e3` is a number, and no id.
    let whole = raw?.get().starts_with('"') || text.bytes().all(|b| b.is_ascii_digit());
    (fits && whole).then_some(text)
}

/// A string's content or a number's own digits.
fn scalar(raw: Raw<'_>) -> Option<String> {
    let text = raw?.get();
    match text.as_bytes().first()? {
        b'"' => crate::json::read(text).ok(),
        b'-' | b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}

fn float_of(text: &str) -> Option<f64> {
    // Rust also reads "inf" and "nan", which are no JSON numbers.
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse::<f64>()
        .ok()
        .filter(|number| plain && number.is_finite())
}

/// The first so many elements of an array, as sent, and how many there were. An answer of 8 MiB
/// may hold millions of them.
pub(super) struct Capped<'a> {
    pub(super) items: Vec<&'a RawValue>,
    pub(super) count: usize,
}

/// One more than is ever listed, so that "more than that" can be told.
const KEPT: usize = 1001;

impl<'a> Capped<'a> {
    /// Go writes an empty list that was never made as null.
    pub(super) fn read(text: &'a str) -> Result<Self, Unreadable> {
        if text == "null" {
            return Ok(Capped {
                items: Vec::new(),
                count: 0,
            });
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.deserialize_seq(Elements).map_err(|_| Unreadable)
    }
}

struct Elements;

impl<'a> Visitor<'a> for Elements {
    type Value = Capped<'a>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < KEPT {
            match seq.next_element()? {
                Some(item) => items.push(item),
                None => {
                    return Ok(Capped {
                        count: items.len(),
                        items,
                    });
                }
            }
        }
        let mut count = items.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Capped { items, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn a_number_is_exact_or_unknown() {
        for (sent, expected) in [
            ("5", Some(5)),
            ("-225", Some(-225)),
            ("\"12345\"", Some(12345)),
            ("1e9", Some(1_000_000_000)),
            ("5.0", Some(5)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("1e309", None),
            ("-1e309", None),
            ("0.1", None),
            ("\"\"", None),
            ("\"abc\"", None),
            ("\"NaN\"", None),
            ("\"inf\"", None),
            ("true", None),
            ("null", None),
            ("[1]", None),
            ("{}", None),
        ] {
            assert_eq!(int(Some(&raw(sent))), expected, "{sent}");
        }
        assert_eq!(int(None), None);
    }

    #[test]
    fn an_id_keeps_every_digit_and_goes_safely_into_a_path() {
        for (sent, expected) in [
            ("9007199254740993", Some("9007199254740993")),
            (
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
            ),
            ("\"a1b2-c3\"", Some("a1b2-c3")),
            ("\"../../user\"", None),
            ("\"a/b\"", None),
            ("-1", None),
            ("1.5", None),
            ("1e3", None),
            ("\"\"", None),
            ("null", None),
            ("true", None),
        ] {
            assert_eq!(id(Some(&raw(sent))).as_deref(), expected, "{sent}");
        }
    }

    #[test]
    fn only_true_is_true() {
        for sent in ["1", "\"true\"", "\"1\"", "null", "[]"] {
            assert_eq!(truth(Some(&raw(sent))), None, "{sent}");
        }
        assert_eq!(truth(Some(&raw("true"))), Some(true));
    }
}
