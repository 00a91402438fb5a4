use crate::http::{Bucket, HttpResponse};
use relaykeep_protocol::Millis;

/// When the site may be asked again, if the answer is a refusal for too many requests.
/// Clamped to 1 second to 1 hour from now; 180 s or 1 200 s where the site does not say
/// (New API before 172114422 and One API never do).
#[must_use]
pub fn limited_until(response: &HttpResponse, bucket: Bucket, now: Millis) -> Option<Millis> {
    if response.status != 429 || speaks_of_a_key(&response.body) {
        return None;
    }
    let default = match bucket {
        Bucket::Ordinary => 180,
        Bucket::Critical => 1_200,
    };
    let seconds = response.header("retry-after").and_then(|text| {
        let text = text.trim();
        text.parse::<i64>().ok().or_else(|| {
            // A date counts from the server's own clock, which may differ from ours.
            let here = i64::try_from(now / 1_000).ok();
            let from = response.header("date").and_then(http_date).or(here)?;
            Some(http_date(text)? - from)
        })
    });
    let wait = seconds.unwrap_or(default).clamp(1, 3_600).unsigned_abs();
    Some(now.saturating_add(wait * 1_000))
}

/// Sub2API answers 429 also to a key that has spent its own limit: nothing that anybody else at this
/// address would have to wait for (API_KEY_QUOTA_EXHAUSTED, API_KEY_RATE_5H_EXCEEDED and so on,
/// seen on Wei-Shaw/sub2api 67380eaf).
fn speaks_of_a_key(body: &[u8]) -> bool {
    let text = super::answer::readable(body).unwrap_or_default();
    let code = text.split_once("\"code\"").map_or("", |(_, rest)| rest);
    let code = code.trim_start_matches([':', ' ', '"']);
    code.starts_with("API_KEY_Q")
        || code.starts_with("API_KEY_RATE_") && !code.starts_with("API_KEY_RATE_LIMITED")
}

/// Seconds since 1970 of a date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day: i64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let name = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|month| *month == name)?).ok()? + 1;
    let year: i64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|year| (1970..10_000).contains(year))?;
    let mut clock = parts
        .next()?
        .splitn(3, ':')
        .map(|part| part.parse::<i64>().ok().filter(|n| (0..=60).contains(n)));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let days = super::moment::days(year, month, day);
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_in_a_header_is_read() {
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 12:00:00 GMT"),
            Some(1_709_208_000)
        );
        for text in [
            "",
            "soon",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
