//! Amounts in the unit and currency a site shows.

use relaykeep_protocol::{ShownAs, Unit};

/// An amount ready to be formatted in the reader's locale.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// What stands before the number; empty for raw quota.
    pub symbol: String,
    /// The number.
    pub value: f64,
    /// Digits after the point.
    pub decimals: u8,
}

/// A quota as the site would show it (New API setting/operation_setting/general_setting.go and
/// web/src/lib at e2c7aa7b: USD = quota / per_unit, CNY and CUSTOM times their rate, TOKENS raw).
#[must_use]
pub fn show(quota: i64, unit: &Unit) -> Amount {
    // Quotas stay below 2^53 on every server read; beyond that the shown digits lose nothing
    // a person could see.
    #[expect(clippy::cast_precision_loss)]
    let raw = quota as f64;
    let dollars = raw / unit.per_dollar;
    let (symbol, value) = match &unit.shown_as {
        ShownAs::Usd => ("$".to_owned(), dollars),
        ShownAs::Cny { rate } => ("¥".to_owned(), dollars * rate),
        ShownAs::Custom { symbol, rate } => (symbol.clone(), dollars * rate),
        ShownAs::Tokens => {
            return Amount {
                symbol: String::new(),
                value: raw,
                decimals: 0,
            };
        }
    };
    // Keys worth less than a cent are common: show enough digits to tell them from nothing.
    let decimals = if value != 0.0 && value.abs() < 0.01 {
        4
    } else {
        2
    };
    Amount {
        symbol,
        value,
        decimals,
    }
}

/// What several balances come to, by what their sites show them in: a yuan is no dollar, and raw
/// quota is neither. In the order in which they first come.
pub fn totals<'a>(balances: impl Iterator<Item = (i64, &'a Unit)>) -> Vec<Amount> {
    let mut sums: Vec<Amount> = Vec::new();
    for (balance, unit) in balances {
        let amount = show(balance, unit);
        match sums.iter_mut().find(|sum| sum.symbol == amount.symbol) {
            Some(sum) => {
                sum.value += amount.value;
                sum.decimals = sum.decimals.min(amount.decimals);
            }
            None => sums.push(amount),
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(quota: i64, shown_as: ShownAs, symbol: &str, value: f64, decimals: u8) {
        let amount = show(
            quota,
            &Unit {
                per_dollar: 500_000.0,
                shown_as,
            },
        );
        assert_eq!(
            amount,
            Amount {
                symbol: symbol.to_owned(),
                value,
                decimals
            }
        );
    }

    #[test]
    fn amounts_follow_the_site() {
        check(9_200_000, ShownAs::Usd, "$", 18.4, 2);
        check(500_000, ShownAs::Cny { rate: 7.3 }, "¥", 7.3, 2);
        check(1234, ShownAs::Tokens, "", 1234.0, 0);
        check(
            500_000,
            ShownAs::Custom {
                symbol: "¤".to_owned(),
                rate: 2.0,
            },
            "¤",
            2.0,
            2,
        );
        check(-500_000, ShownAs::Usd, "$", -1.0, 2);
        check(50, ShownAs::Usd, "$", 0.0001, 4);
        check(0, ShownAs::Usd, "$", 0.0, 2);
    }

    #[test]
    fn totals_keep_currencies_apart() {
        let dollars = Unit::default();
        let other = Unit {
            per_dollar: 1_000.0,
            ..Unit::default()
        };
        let yuan = Unit {
            per_dollar: 500_000.0,
            shown_as: ShownAs::Cny { rate: 7.0 },
        };
        let balances = [
            (500_000, &dollars),
            (500_000, &yuan),
            (2_000, &other),
            (-250_000, &dollars),
        ];
        let sums = totals(balances.into_iter());
        let read: Vec<(&str, f64)> = sums
            .iter()
            .map(|sum| (sum.symbol.as_str(), sum.value))
            .collect();
        assert_eq!(read, [("$", 2.5), ("¥", 7.0)]);
        assert_eq!(totals(std::iter::empty()), []);
    }
}
