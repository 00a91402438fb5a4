//! Every word on screen comes from the catalogue, every number and time from the locale.

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use relaykeep_core::units::{self, Amount};
use relaykeep_protocol::{Millis, SiteKind, Unit};
use relaykeep_webext::page;
use std::cell::{LazyCell, RefCell};
use std::collections::HashMap;
use wasm_bindgen::{JsCast, JsValue};

/// The catalogue's message, with its arguments in order.
#[inline(never)]
pub(crate) fn t(id: &str, arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    page::message(id, &arguments)
}

/// The message for a count: `<id>_one`, `<id>_other` …, as the language has them. The first
/// argument is the number, already written out.
pub(crate) fn tn(id: &str, count: u32, more: &[&str]) -> String {
    let number = number(count);
    let mut arguments = vec![number.as_str()];
    arguments.extend_from_slice(more);
    let category = FORMATS.with(|formats| formats.plural.select(f64::from(count)));
    let exact = t(&format!("{id}_{}", String::from(category)), &arguments);
    if exact.is_empty() {
        t(&format!("{id}_other"), &arguments)
    } else {
        exact
    }
}

/// A site kind, and that it is unproven where it is.
pub(crate) fn kind_name(kind: SiteKind) -> String {
    if kind.unproven() {
        t("kind_unproven", &[kind.name()])
    } else {
        kind.name().to_owned()
    }
}

/// A whole number, grouped as the locale does.
pub(crate) fn number(value: u32) -> String {
    FORMATS.with(|formats| formats.whole.format(f64::from(value)))
}

/// A quota in its site's unit, e.g. `$18.40`.
pub(crate) fn amount(quota: i64, unit: &Unit) -> String {
    sum(units::show(quota, unit))
}

/// An amount that was worked out.
pub(crate) fn sum(amount: Amount) -> String {
    let Amount {
        symbol,
        value,
        decimals,
    } = amount;
    let digits = FORMATS.with(|formats| {
        match decimals {
            0 => &formats.whole,
            2 => &formats.cents,
            _ => &formats.fine,
        }
        .format(value.abs())
    });
    // U+2212 stands before the symbol, as on every price list.
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    format!("{sign}{symbol}{digits}")
}

/// "in 9 days", "2 minutes ago"; far away, the date.
pub(crate) fn when(at: Millis) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit an f64"
    )]
    let at = at as f64;
    let seconds = (at - Date::now()) / 1000.0;
    let (value, unit) = match seconds.abs() {
        s if s < 45.0 => return t("just_now", &[]),
        s if s < 3_600.0 => (seconds / 60.0, "minute"),
        s if s < 86_400.0 => (seconds / 3_600.0, "hour"),
        s if s < 60.0 * 86_400.0 => (seconds / 86_400.0, "day"),
        _ => return FORMATS.with(|formats| formats.date.format(at)),
    };
    let value = if value.abs() < 1.0 {
        value.signum()
    } else {
        value.trunc()
    };
    RELATIVE.with_borrow_mut(|said| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most sixty days of something"
        )]
        let words = said.entry((value as i32, unit)).or_insert_with(|| {
            FORMATS.with(|formats| String::from(formats.relative.format(value, unit)))
        });
        words.clone()
    })
}

/// The day and time.
pub(crate) fn full_time(at: Millis) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit an f64"
    )]
    FORMATS.with(|formats| formats.full.format(at as f64))
}

/// A time to the second: where it matters whether two are the same.
pub(crate) fn exact_time(at: Millis) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit an f64"
    )]
    let at = at as f64;
    spelled(at, &[("dateStyle", "medium"), ("timeStyle", "medium")])
}

/// A day that began at this second in UTC, without its year.
pub(crate) fn day_name(second: i64) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit an f64"
    )]
    let at = from_seconds(second) as f64;
    spelled(
        at,
        &[("day", "numeric"), ("month", "short"), ("timeZone", "UTC")],
    )
}

/// In a form too rare to keep a format for.
fn spelled(at: f64, pairs: &[(&str, &str)]) -> String {
    let date = Date::new(&JsValue::from_f64(at));
    String::from(date.to_locale_string(&page::ui_language(), &options(pairs)))
}

/// Only the time of day: for waits that end today.
pub(crate) fn clock(at: Millis) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit an f64"
    )]
    FORMATS.with(|formats| formats.clock.format(at as f64))
}

/// Now.
pub(crate) fn now() -> Millis {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a present time"
    )]
    let now = Date::now() as Millis;
    now
}

/// Seconds of a site as our milliseconds.
pub(crate) fn from_seconds(seconds: i64) -> Millis {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)
}

struct Format(JsValue, Function);

impl Format {
    fn format(&self, value: f64) -> String {
        self.1
            .call1(&self.0, &JsValue::from_f64(value))
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_default()
    }
}

/// Each is made where it is first used: opening a page needs few of them.
struct Formats {
    plural: LazyCell<Intl::PluralRules>,
    relative: LazyCell<Intl::RelativeTimeFormat>,
    whole: LazyCell<Format>,
    cents: LazyCell<Format>,
    fine: LazyCell<Format>,
    date: LazyCell<Format>,
    full: LazyCell<Format>,
    clock: LazyCell<Format>,
}

thread_local! {
    // Making an Intl object costs as much as hundreds of uses of it.
    static FORMATS: Formats = const { Formats::new() };
    // Few distances in time are told apart, and every row tells two.
    static RELATIVE: RefCell<HashMap<(i32, &'static str), String>> = RefCell::default();
}

impl Formats {
    const fn new() -> Self {
        Self {
            plural: LazyCell::new(|| Intl::PluralRules::new(&locale(), &options(&[]))),
            relative: LazyCell::new(|| {
                Intl::RelativeTimeFormat::new(&locale(), &options(&[("numeric", "auto")]))
            }),
            whole: LazyCell::new(|| digits(0)),
            cents: LazyCell::new(|| digits(2)),
            fine: LazyCell::new(|| digits(4)),
            date: LazyCell::new(|| times(&[("dateStyle", "medium")])),
            full: LazyCell::new(|| times(&[("dateStyle", "medium"), ("timeStyle", "short")])),
            clock: LazyCell::new(|| times(&[("timeStyle", "short")])),
        }
    }
}

fn locale() -> Array {
    Array::of1(&JsValue::from_str(&page::ui_language()))
}

fn digits(count: u8) -> Format {
    let options = options(&[]);
    let count = JsValue::from(count);
    let _ = Reflect::set(&options, &"minimumFractionDigits".into(), &count);
    let _ = Reflect::set(&options, &"maximumFractionDigits".into(), &count);
    let format = Intl::NumberFormat::new(&locale(), &options);
    Format(format.clone().unchecked_into(), format.format())
}

fn times(pairs: &[(&str, &str)]) -> Format {
    let format = Intl::DateTimeFormat::new(&locale(), &options(pairs));
    Format(format.clone().unchecked_into(), format.format())
}

fn options(pairs: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (name, value) in pairs {
        let _ = Reflect::set(&options, &(*name).into(), &(*value).into());
    }
    options
}
