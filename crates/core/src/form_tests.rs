//! Tests of [`super`].

use super::*;

fn can() -> KeyAbilities {
    KeyAbilities {
        name_bytes: 50,
        most_quota: Some(2_147_483_647),
        models: true,
        addresses: AddressRule::Any,
        html_names: false,
        zero_is_unlimited: false,
        denied: false,
        windows: false,
        groups: true,
        cross_group_retry: true,
        auto_groups: true,
    }
}

/// One API: no groups, plain or not at all.
fn can_little() -> KeyAbilities {
    KeyAbilities {
        name_bytes: 30,
        most_quota: None,
        models: false,
        addresses: AddressRule::PlainOnly,
        html_names: false,
        zero_is_unlimited: false,
        denied: false,
        windows: false,
        groups: false,
        cross_group_retry: false,
        auto_groups: false,
    }
}

fn unit(shown_as: ShownAs) -> Unit {
    Unit {
        per_dollar: 500_000.0,
        shown_as,
    }
}

#[track_caller]
fn patch(patch: KeyPatch, field: KeyField, problem: FieldProblem) {
    assert_eq!(check_patch(&patch, &can()), Err((field, problem)));
}

#[track_caller]
fn addresses(typed: &str, rule: AddressRule, expected: Result<&[&str], FieldProblem>) {
    let expected = expected.map(|list| list.iter().map(|&text| text.to_owned()).collect());
    assert_eq!(read_addresses(typed, rule), expected, "{typed}");
}

#[track_caller]
fn amount(typed: &str, shown_as: ShownAs, expected: Result<i64, FieldProblem>) {
    assert_eq!(read_amount(typed, &unit(shown_as)), expected, "{typed}");
}

#[test]
fn a_name_is_counted_in_bytes() {
    let named = |name: &str| KeyPatch {
        name: Some(name.to_owned()),
        ..KeyPatch::default()
    };
    assert_eq!(check_patch(&named(&"x".repeat(50)), &can()), Ok(()));
    assert_eq!(check_patch(&named(""), &can()), Ok(()), "servers take it");
    patch(
        named(&"试".repeat(17)),
        KeyField::Name,
        FieldProblem::TooLong { most: 50, has: 51 },
    );
}

#[test]
fn a_quota_is_neither_negative_nor_beyond_the_sites_own() {
    let limited = |raw| KeyPatch {
        quota: Some(Quota::Limited(raw)),
        ..KeyPatch::default()
    };
    assert_eq!(check_patch(&limited(0), &can()), Ok(()));
    patch(limited(-1), KeyField::Quota, FieldProblem::Negative);
    patch(
        limited(2_147_483_648),
        KeyField::Quota,
        FieldProblem::TooMuch {
            most: 2_147_483_647,
        },
    );
    assert_eq!(check_patch(&limited(i64::MAX), &can_little()), Ok(()));
}

#[test]
fn an_expiry_is_never_a_number_that_means_something_else() {
    let at = |second| KeyPatch {
        expires: Some(Expiry::At(second)),
        ..KeyPatch::default()
    };
    assert_eq!(
        check_patch(&at(1), &can()),
        Ok(()),
        "the past is asked about, not refused"
    );
    patch(at(0), KeyField::Expires, FieldProblem::Negative);
    patch(at(-1), KeyField::Expires, FieldProblem::Negative);
    assert!(check_patch(&at(253_402_300_800), &can()).is_err());
}

#[test]
fn a_list_of_models_survives_its_commas() {
    let only = |models: &[&str]| KeyPatch {
        models: Some(ModelLimit::Only(
            models.iter().map(|model| (*model).to_owned()).collect(),
        )),
        ..KeyPatch::default()
    };
    assert_eq!(
        check_patch(&only(&["gpt-4o", "claude sonnet"]), &can()),
        Ok(())
    );
    patch(only(&[]), KeyField::Models, FieldProblem::Empty);
    patch(only(&["a", ""]), KeyField::Models, FieldProblem::Empty);
    patch(only(&["a,b"]), KeyField::Models, FieldProblem::Comma);
    patch(
        only(&["a", " b"]),
        KeyField::Models,
        FieldProblem::Unreadable,
    );
    patch(only(&["a\n"]), KeyField::Models, FieldProblem::Unreadable);
    assert_eq!(
        check_patch(&only(&["a"]), &can_little()),
        Err((KeyField::Models, FieldProblem::NotOffered))
    );
}

#[test]
fn what_a_site_has_not_is_refused_not_dropped() {
    let group = KeyPatch {
        group: Some("vip".to_owned()),
        ..KeyPatch::default()
    };
    assert_eq!(check_patch(&group, &can()), Ok(()));
    assert_eq!(
        check_patch(&group, &can_little()),
        Err((KeyField::Group, FieldProblem::NotOffered))
    );
    let values = KeyValues {
        cross_group_retry: true,
        group: "vip".to_owned(),
        ..KeyValues::default()
    };
    assert_eq!(
        check_values(&values, &can()),
        Err((KeyField::CrossGroupRetry, FieldProblem::NotOffered)),
        "kept for group auto only"
    );
    let auto = KeyValues {
        group: AUTO_GROUP.to_owned(),
        auto_groups: Some(vec!["a".to_owned(), "b".to_owned()]),
        ..values
    };
    assert_eq!(check_values(&auto, &can()), Ok(()));
    assert_eq!(
        check_values(
            &KeyValues {
                auto_groups: Some(vec!["a".to_owned(), "a".to_owned()]),
                ..auto
            },
            &can()
        ),
        Err((KeyField::AutoGroups, FieldProblem::Unreadable))
    );
}

#[test]
fn what_does_not_fit_elsewhere_is_named() {
    let values = KeyValues {
        name: "n".repeat(31),
        quota: Quota::Unlimited,
        models: Some(vec!["gpt-4o".to_owned()]),
        addresses: vec!["10.0.0.0/8".to_owned()],
        group: AUTO_GROUP.to_owned(),
        cross_group_retry: true,
        auto_groups: Some(vec!["a".to_owned()]),
        ..KeyValues::default()
    };
    assert_eq!(fits(&values, &can()), []);
    assert_eq!(
        fits(&values, &can_little()),
        [
            KeyField::Name,
            KeyField::Models,
            KeyField::Addresses,
            KeyField::Group,
            KeyField::CrossGroupRetry,
            KeyField::AutoGroups
        ]
    );
    assert_eq!(common(&[]), None);
    assert_eq!(
        common(&[can(), can_little()]),
        Some(KeyAbilities {
            most_quota: Some(2_147_483_647),
            ..can_little()
        })
    );
}

#[test]
fn addresses_are_read_as_people_paste_them() {
    use AddressRule::{Any, NetworksOnly, PlainOnly};
    addresses(
        " 10.0.0.1, 10.0.0.0/24\r\n2001:db8::1；fe80::/10 ",
        Any,
        Ok(&["10.0.0.1", "10.0.0.0/24", "2001:db8::1", "fe80::/10"]),
    );
    addresses("", Any, Ok(&[]));
    addresses(" ,\n", Any, Ok(&[]));
    addresses("10.0.0.1,10.0.0.1 10.0.0.1/32", Any, Ok(&["10.0.0.1"]));
    addresses("2001:DB8::1 2001:db8:0::1", Any, Ok(&["2001:DB8::1"]));
    for nonsense in [
        "10.0.0.0/33",
        "::/129",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "10.0.0.1/",
        "10.0.0.1/+8",
        "10.0.0.1/8/8",
        "example.com",
        "fe80::1%eth0",
        "10.0.0.1:80",
        "*",
        "10.0.0.0/-1",
    ] {
        addresses(nonsense, Any, Err(FieldProblem::Unreadable));
        assert_eq!(
            bad_addresses(&format!("1.1.1.1, {nonsense}"), Any),
            [nonsense]
        );
    }
    addresses("10.0.0.0/24", PlainOnly, Err(FieldProblem::NoNetworks));
    addresses("10.0.0.7/32 ::1/128", PlainOnly, Ok(&["10.0.0.7", "::1"]));
    addresses(
        "10.0.0.7 ::1 10.0.0.0/08",
        NetworksOnly,
        Ok(&["10.0.0.7/32", "::1/128", "10.0.0.0/8"]),
    );
}

#[test]
fn amounts_are_read_in_the_sites_own_unit() {
    use FieldProblem::{Negative, Unreadable};
    for (typed, dollars_times_100) in [
        ("1.5", 150),
        ("1,5", 150),
        ("$1.50", 150),
        ("1.50 $", 150),
        ("1,234.5", 123_450),
        ("1.234,5", 123_450),
        ("1,234", 123_400),
        ("1.234", 123),
        ("0,500", 50),
        ("1,234,567", 123_456_700),
        ("1 234,56", 123_456),
        ("1'234.56", 123_456),
        ("１２．５", 1_250),
        (".5", 50),
        ("5.", 500),
        ("0", 0),
        ("007", 700),
    ] {
        let expected = if typed == "1.234" {
            617_000
        } else {
            dollars_times_100 * 5_000
        };
        amount(typed, ShownAs::Usd, Ok(expected));
    }
    for nonsense in [
        "",
        "$",
        ".",
        ",",
        "abc",
        "1e5",
        "1.2.3",
        "1,2,3",
        "1,23,456",
        "1.234,567.8",
        "0x10",
        "1,234.567,8",
        "NaN",
        "١",
        ",,1",
        "1234,567.5",
    ] {
        amount(nonsense, ShownAs::Usd, Err(Unreadable));
    }
    amount("-1", ShownAs::Usd, Err(Negative));
    amount("$-1", ShownAs::Usd, Err(Negative));
    amount("−0.5", ShownAs::Usd, Err(Negative));
    amount(
        "18446744073709",
        ShownAs::Usd,
        Ok(9_223_372_036_854_500_000),
    );
    amount("18446744073710", ShownAs::Usd, Err(TOO_MUCH));
    amount(&"9".repeat(60), ShownAs::Usd, Err(TOO_MUCH));
    amount(
        &format!("0.{}", "1".repeat(60)),
        ShownAs::Usd,
        Err(Unreadable),
    );
    amount("7.3", ShownAs::Cny { rate: 7.3 }, Ok(500_000));
    amount("￥7.3", ShownAs::Cny { rate: 7.3 }, Ok(500_000));
    amount("¥0.1", ShownAs::Cny { rate: 7.3 }, Ok(6_849));
    amount("2147483647", ShownAs::Tokens, Ok(2_147_483_647));
    amount("2 147 483 647", ShownAs::Tokens, Ok(2_147_483_647));
    amount("1.5", ShownAs::Tokens, Err(Unreadable));
    amount("9223372036854775808", ShownAs::Tokens, Err(TOO_MUCH));
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        amount("1", ShownAs::Cny { rate }, Err(TOO_MUCH));
    }
}

#[test]
fn an_amount_written_is_read_as_exactly_the_same() {
    let units = [
        unit(ShownAs::Usd),
        unit(ShownAs::Cny { rate: 7.3 }),
        unit(ShownAs::Cny { rate: 7.123_456 }),
        unit(ShownAs::Tokens),
        unit(ShownAs::Custom {
            symbol: "点".to_owned(),
            rate: 100.0,
        }),
        Unit {
            per_dollar: 1_000.0,
            shown_as: ShownAs::Usd,
        },
        Unit {
            per_dollar: 333_333.3,
            shown_as: ShownAs::Usd,
        },
    ];
    for unit in &units {
        let mut raw: i64 = 1;
        while raw < 1 << 53 {
            for raw in [raw, raw + 1, raw * 3 - 1] {
                let text = write_amount(raw, unit);
                assert_eq!(read_amount(&text, unit), Ok(raw), "{text} {unit:?}");
            }
            raw *= 7;
        }
        assert_eq!(read_amount(&write_amount(0, unit), unit), Ok(0));
    }
    assert_eq!(write_amount(9_200_000, &units[0]), "18.4");
    assert_eq!(write_amount(500_000, &units[0]), "1");
    assert_eq!(write_amount(1, &units[0]), "0.000002");
    assert_eq!(write_amount(500_000, &units[1]), "7.3");
    assert_eq!(write_amount(617_000_000, &units[0]), "1234");
    // Not "1.234", which a German reads as more than a thousand, but it reads as itself.
    assert_eq!(write_amount(617_000, &units[0]), "1.234");
}

#[test]
fn names_are_numbered() {
    assert_eq!(names("ci-{n}", 3), ["ci-1", "ci-2", "ci-3"]);
    assert_eq!(names("ci", 2), ["ci 1", "ci 2"]);
    assert_eq!(names("", 2), ["1", "2"]);
    assert_eq!(names("ci", 1), ["ci"]);
    assert_eq!(names("{n} of {n}", 1), ["1 of 1"]);
    assert_eq!(names("ci", 0), [""; 0]);
}
