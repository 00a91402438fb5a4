//! What a key's row means at a given time.

use relaykeep_protocol::{KeyRow, Millis, SecretState};

/// What a key can be used for right now, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Usable.
    Active,
    /// Switched off by its owner.
    Disabled,
    /// Past its expiry.
    Expired,
    /// Its quota is used up.
    Exhausted,
    /// A status no server we know writes.
    Unknown,
    /// No longer at the site.
    Gone,
}

/// Status values of the One API family (New API common/constants.go at e2c7aa7b; One API
/// model/token.go at 8df4a267).
mod status {
    pub(super) const ENABLED: i64 = 1;
    pub(super) const DISABLED: i64 = 2;
    pub(super) const EXPIRED: i64 = 3;
    pub(super) const EXHAUSTED: i64 = 4;
}

/// The state of a key. Servers write "expired" and "exhausted" only when the key is next used,
/// so both are computed from the fields here; a key its owner disabled stays disabled.
#[must_use]
pub fn state(row: &KeyRow, now: Millis) -> KeyState {
    if row.gone_since.is_some() {
        return KeyState::Gone;
    }
    let expired = row.expires.is_some_and(|at| at < seconds(now));
    let exhausted = !row.unlimited && row.remaining.is_some_and(|left| left <= 0);
    match row.status {
        status::DISABLED => KeyState::Disabled,
        status::ENABLED | status::EXPIRED | status::EXHAUSTED if expired => KeyState::Expired,
        status::ENABLED | status::EXPIRED | status::EXHAUSTED if exhausted => KeyState::Exhausted,
        status::ENABLED => KeyState::Active,
        // The site stopped it and its fields were mended since: it stays off until enabled again.
        status::EXPIRED => KeyState::Expired,
        status::EXHAUSTED => KeyState::Exhausted,
        _ => KeyState::Unknown,
    }
}

/// Less than a tenth of its quota left, but not nothing.
#[must_use]
pub fn is_low(row: &KeyRow) -> bool {
    match (row.unlimited, row.remaining, row.used) {
        (false, Some(left), Some(used)) if left > 0 => {
            i128::from(left) * 10 < i128::from(left) + i128::from(used.max(0))
        }
        _ => false,
    }
}

/// Ends within the next two weeks.
#[must_use]
pub fn is_expiring(row: &KeyRow, now: Millis) -> bool {
    const TWO_WEEKS: i64 = 14 * 24 * 3600;
    row.expires
        .is_some_and(|at| (seconds(now)..seconds(now) + TWO_WEEKS).contains(&at))
}

/// Its full key is not held, and the site still has it.
#[must_use]
pub fn is_masked(row: &KeyRow) -> bool {
    row.secret == SecretState::Masked && row.gone_since.is_none()
}

fn seconds(now: Millis) -> i64 {
    i64::try_from(now / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_790_000_000_000;

    #[track_caller]
    fn check(row: KeyRow, expected: KeyState) {
        assert_eq!(state(&row, NOW), expected, "{row:?}");
    }

    fn row(status: i64) -> KeyRow {
        KeyRow {
            status,
            remaining: Some(5),
            ..KeyRow::default()
        }
    }

    #[test]
    fn expired_and_exhausted_are_computed_because_servers_write_them_late() {
        check(row(1), KeyState::Active);
        check(
            KeyRow {
                expires: Some(0),
                ..row(1)
            },
            KeyState::Expired,
        );
        check(
            KeyRow {
                expires: Some(1_789_999_999),
                ..row(1)
            },
            KeyState::Expired,
        );
        check(
            KeyRow {
                expires: Some(1_790_000_001),
                ..row(1)
            },
            KeyState::Active,
        );
        check(
            KeyRow {
                remaining: Some(0),
                ..row(1)
            },
            KeyState::Exhausted,
        );
        check(
            KeyRow {
                remaining: Some(-225),
                ..row(1)
            },
            KeyState::Exhausted,
        );
        check(
            KeyRow {
                remaining: Some(-225),
                unlimited: true,
                ..row(1)
            },
            KeyState::Active,
        );
        check(
            KeyRow {
                remaining: None,
                ..row(1)
            },
            KeyState::Active,
        );
    }

    #[test]
    fn what_the_site_wrote_holds_where_the_fields_do_not_contradict() {
        check(row(2), KeyState::Disabled);
        check(
            KeyRow {
                expires: Some(1),
                ..row(2)
            },
            KeyState::Disabled,
        );
        check(row(3), KeyState::Expired);
        check(row(4), KeyState::Exhausted);
        check(row(7), KeyState::Unknown);
        check(
            KeyRow {
                gone_since: Some(1),
                ..row(1)
            },
            KeyState::Gone,
        );
    }

    #[test]
    fn low_means_less_than_a_tenth_is_left() {
        let low = |remaining, used| {
            is_low(&KeyRow {
                remaining,
                used,
                ..row(1)
            })
        };
        assert!(low(Some(9), Some(100)));
        assert!(!low(Some(12), Some(100)));
        assert!(!low(Some(0), Some(100)), "exhausted, not low");
        assert!(!low(Some(-4), Some(100)));
        assert!(low(Some(i64::MAX / 20), Some(i64::MAX)));
    }
}
