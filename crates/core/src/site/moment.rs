//! Moments as RFC 3339 writes them, and amounts of dollars as decimal numbers: how Sub2API and
//! OpenRouter tell both.

use super::lax::{self, Raw};

/// Raw quota to the dollar where a site counts in dollars: Sub2API's columns hold eight decimals
/// (seen as 0.0001296 on 67380eaf), and 90 million dollars still fit what a page can hold.
pub(super) const PER_DOLLAR: f64 = 100_000_000.0;

/// The most raw quota that can cross to a page and back: JavaScript's largest exact integer.
pub(super) const MOST_QUOTA: i64 = (1 << 53) - 1;

/// Dollars as raw quota, to the nearest whole one.
pub(super) fn quota(raw: Raw<'_>) -> Option<i64> {
    let dollars = lax::number(raw)?;
    let quota = (dollars * PER_DOLLAR).round();
    #[allow(clippy::cast_possible_truncation)] // whole, and far inside i64: checked here
    (quota.abs() < 9.0e18).then_some(quota as i64)
}

/// Raw quota as dollars, with as many decimals as it has.
pub(super) fn dollars(quota: i64) -> String {
    let sign = if quota < 0 { "-" } else { "" };
    let whole = quota.unsigned_abs() / 100_000_000;
    let rest = quota.unsigned_abs() % 100_000_000;
    let text = format!("{sign}{whole}.{rest:08}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds since 1970 of `2026-12-21T04:58:30.369113Z`, or with an offset; fractions are cut.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', ' '])?;
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(at);
    let clock = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !fits {
        return None;
    }
    let offset = match zone.strip_prefix(['+', '-']) {
        None => 0,
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let offset = hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60;
            if zone.starts_with('-') {
                -offset
            } else {
                offset
            }
        }
    };
    Some(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset)
}

/// As [`seconds`], out of a field.
pub(super) fn moment(raw: Raw<'_>) -> Option<i64> {
    // Go writes a time that was never set as the year 1.
    seconds(&lax::text(raw)?).filter(|at| *at > 0)
}

/// A moment as RFC 3339, in UTC.
pub(super) fn written(at: i64) -> String {
    let (date, time) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", day(date * 86_400))
}

/// The day of a moment, `2026-12-21`, in UTC.
pub(super) fn day(at: i64) -> String {
    // Days since the first of March of the year 0, so that the leap day comes last.
    let days = at.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let day = of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days since 1970.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * m + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_moment_is_read_in_every_form_seen_and_written_back() {
        for (text, at) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-12-21T04:58:30.369113237Z", 1_797_829_110),
            ("2027-01-01T00:00:00+08:00", 1_798_732_800),
            ("2026-12-31T16:00:00Z", 1_798_732_800),
            ("2026-12-31T11:30:00-04:30", 1_798_732_800),
            ("2024-02-29T12:00:00Z", 1_709_208_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
        ] {
            assert_eq!(seconds(text), Some(at), "{text}");
            assert_eq!(seconds(&written(at)), Some(at), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2027-01-01",
            "2027-01-01T00:00:00",
            "2027-13-01T00:00:00Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        for at in (-1_000_000_000..4_000_000_000).step_by(7_654_321) {
            assert_eq!(seconds(&written(at)), Some(at));
        }
    }

    #[test]
    fn an_amount_of_dollars_keeps_every_digit() {
        for (sent, raw, back) in [
            ("12.5", 1_250_000_000, "12.5"),
            ("1e-06", 100, "0.000001"),
            ("5e-05", 5_000, "0.00005"),
            ("0.0001296", 12_960, "0.0001296"),
            ("0.30000000000000004", 30_000_000, "0.3"),
            ("1000000000", 100_000_000_000_000_000, "1000000000"),
            ("0", 0, "0"),
            ("-0.2", -20_000_000, "-0.2"),
        ] {
            let raw_value = json::raw(sent).expect("JSON");
            assert_eq!(quota(Some(raw_value)), Some(raw), "{sent}");
            assert_eq!(dollars(raw), back, "{sent}");
        }
        assert_eq!(quota(None), None);
    }
}
