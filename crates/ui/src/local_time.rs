//! Times as a `datetime-local` input has them: in the user's own zone, to the second.

use crate::words::now;
use js_sys::Date;
use wasm_bindgen::JsValue;

/// Seconds since 1970 as the input's text. The zone's own rules of that day hold.
pub(crate) fn local_text(seconds: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a Date takes no more")]
    let date = Date::new(&JsValue::from_f64(seconds as f64 * 1000.0));
    let year = date.get_full_year();
    // Nine thousand years on, or a damaged number: nothing that an input shows.
    if !(1000..10_000).contains(&year) {
        return String::new();
    }
    format!(
        "{year}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}

/// The input's text as seconds since 1970. A time without a zone is the user's own.
pub(crate) fn read_local(text: &str) -> Option<i64> {
    let at = Date::parse(text.trim()) / 1000.0;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a Date")]
    (at.is_finite() && !text.trim().is_empty()).then_some(at.floor() as i64)
}

/// Now, in seconds since 1970.
pub(crate) fn now_seconds() -> i64 {
    i64::try_from(now() / 1000).unwrap_or(i64::MAX)
}
