//! Single keys of a list, with every oddity.

use super::listing::{aprils, key, listed, ok};
use super::*;
use crate::secret::MaskedKey;

#[track_caller]
fn check_one(item: &str) -> crate::site::RemoteKey {
    let site = server(|_| {
        Ok(ok(&format!(
            r#"{{"page":1,"page_size":100,"total":1,"items":[{item}]}}"#
        )))
    });
    let mut listing = listed(&site, &place(SiteKind::NewApi)).expect("a listing");
    assert!(listing.complete);
    listing.keys.pop().expect("a key")
}

#[test]
fn entries_that_are_no_keys_are_counted_and_passed_over() {
    let body = format!(
        r#"{{"page_size":100,"total":8,"items":[{},null,7,"x",[],{{}},{{"id":1.5}},{{"id":9,"key":"a","key":"b"}}]}}"#,
        key(1)
    );
    let site = server(|_| Ok(ok(&body)));
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.odd, listing.complete),
        (1, 7, true)
    );
}

#[test]
fn ids_beyond_what_a_float_can_count_stay_apart() {
    let body = r#"{"page_size":100,"total":2,"items":[{"id":9007199254740993,"key":"AbCd**********wXyZ"},{"id":9007199254740992,"key":"AbCd**********wXyZ"}]}"#;
    let site = server(|_| Ok(ok(body)));
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        listing
            .keys
            .iter()
            .map(|key| key.id.0.as_str())
            .collect::<Vec<_>>(),
        ["9007199254740993", "9007199254740992"]
    );
    assert!(listing.keys[0].raw.expose().contains("9007199254740993"));
}

#[test]
fn the_raw_object_is_kept_to_the_last_character() {
    let sent = r#"{"id":1, "key":"AbCd**********wXyZ","name":"\u202ea<b>\n","future":{"x":[1.50,12345678901234567890]},"remain_quota":1e3 }"#;
    let key = check_one(sent);
    assert_eq!(key.raw.expose(), sent);
    assert_eq!(key.row.name, "a<b>");
    assert_eq!(key.row.remaining, Some(1_000));
}

#[test]
fn an_unlimited_key_never_shows_what_remains_and_a_limited_one_may_be_below_zero() {
    let unlimited = check_one(
        r#"{"id":1,"key":"AbCd**********wXyZ","unlimited_quota":true,"remain_quota":-225}"#,
    );
    assert_eq!(
        (unlimited.row.unlimited, unlimited.row.remaining),
        (true, None)
    );
    let limited = check_one(
        r#"{"id":1,"key":"AbCd**********wXyZ","unlimited_quota":false,"remain_quota":-224}"#,
    );
    assert_eq!(
        (limited.row.unlimited, limited.row.remaining),
        (false, Some(-224))
    );
    // Unlimited is only what says so in so many words.
    for flag in ["1", "\"true\"", "null"] {
        let key = check_one(&format!(
            r#"{{"id":1,"key":"AbCd**********wXyZ","unlimited_quota":{flag},"remain_quota":5}}"#
        ));
        assert_eq!(
            (key.row.unlimited, key.row.remaining),
            (false, Some(5)),
            "{flag}"
        );
    }
}

#[test]
fn quotas_beyond_all_bounds_are_unknown() {
    for (quota, expected) in [
        ("1e309", None),
        ("9223372036854775808", None),
        ("0.1", None),
        ("\"77\"", Some(77)),
        ("null", None),
        ("9007199254740993", Some(9_007_199_254_740_993)),
        ("-9223372036854775808", Some(i64::MIN)),
    ] {
        let key = check_one(&format!(
            r#"{{"id":1,"key":"AbCd**********wXyZ","remain_quota":{quota},"used_quota":{quota}}}"#
        ));
        assert_eq!(
            (key.row.remaining, key.row.used),
            (expected, expected),
            "{quota}"
        );
    }
}

#[test]
fn only_minus_one_is_never_and_zero_is_over() {
    for (sent, expected) in [
        ("-1", None),
        ("0", Some(0)),
        ("-5", Some(-5)),
        ("1780000000", Some(1_780_000_000)),
        ("1780000000000", Some(1_780_000_000)),
        ("1780000000000000", Some(1_780_000_000)),
        ("4102444800", Some(4_102_444_800)),
        ("9223372036854775807", Some(9_223_372_036)),
        ("\"1780000000\"", Some(1_780_000_000)),
        ("null", None),
        ("\"soon\"", None),
    ] {
        let key = check_one(&format!(
            r#"{{"id":1,"key":"AbCd**********wXyZ","expired_time":{sent}}}"#
        ));
        assert_eq!(key.row.expires, expected, "{sent}");
    }
}

#[test]
fn an_unknown_status_is_kept_as_it_is() {
    for (sent, expected) in [
        ("7", 7),
        ("-3", -3),
        ("\"2\"", 2),
        ("null", 0),
        ("\"off\"", 0),
        ("1e309", 0),
    ] {
        let key = check_one(&format!(
            r#"{{"id":1,"key":"AbCd**********wXyZ","status":{sent}}}"#
        ));
        assert_eq!(key.row.status, expected, "{sent}");
    }
}

#[test]
fn names_are_cleaned_for_show_only() {
    let long = "n".repeat(10_000);
    let shown_long = format!("{}…", &long[..128]);
    for (sent, shown) in [
        (r"a\u0000\u0007b", "ab"),
        (r"\u202egnp.exe", "gnp.exe"),
        (
            "<img src=x onerror=alert(1)>",
            "<img src=x onerror=alert(1)>",
        ),
        (long.as_str(), shown_long.as_str()),
        ("", ""),
        ("  padded  ", "padded"),
        (r"line\nbreak", "line break"),
        (r"\ud800", ""),
    ] {
        let key = check_one(&format!(
            r#"{{"id":1,"key":"AbCd**********wXyZ","name":"{sent}"}}"#
        ));
        assert_eq!(key.row.name, shown, "{sent}");
        assert!(key.raw.expose().contains(sent));
    }
}

#[test]
fn a_key_is_a_mask_or_whole_or_neither() {
    let read = |key: &str| {
        let key = check_one(&format!(r#"{{"id":1,"key":"{key}"}}"#));
        (
            key.full.map(|full| full.expose().to_owned()),
            key.masked.map(|mask| mask.as_str().to_owned()),
            key.row.mask,
        )
    };
    let whole = "K001Dummy0KeyDummy1KeyDummy2KeyDummy3KeyDumm001Z";
    assert_eq!(
        read(whole).0.as_deref(),
        Some(format!("sk-{whole}").as_str())
    );
    assert_eq!(
        read(&format!("sk-{whole}")).0.as_deref(),
        Some(format!("sk-{whole}").as_str())
    );
    for mask in [
        "AbCd**********wXyZ",
        "sk-AbCd**********wXyZ",
        "AbCd…wXyZ",
        "AbCd••••wXyZ",
        "AbCd....wXyZ",
        "****",
        "ab****yz",
    ] {
        let (full, masked, _) = read(mask);
        assert_eq!((full, masked.as_deref()), (None, Some(mask)), "{mask}");
    }
    // A mask made of letters would pass for a key.
    assert_eq!(
        read("AbCdxxxxxxxxxxwXyZ").1.as_deref(),
        Some("AbCd**********wXyZ")
    );
    for neither in [
        "",
        "short",
        "with blank in it all",
        "a\\u0000bcdefghijkl",
        "ключ-ключ-ключ",
    ] {
        assert_eq!(read(neither), (None, None, String::new()), "{neither}");
    }
    assert_eq!(read(&"x1".repeat(50_000)), (None, None, String::new()));
    assert_eq!(read("AbCd**********wXyZ").2, "sk-AbCd••••••••wXyZ");
    assert_eq!(read("AbCdEfGh**********StUvwXyZ").2, "sk-AbCd••••••••wXyZ");
    assert!(
        MaskedKey::read(&read("AbCd**********wXyZ").2).is_some(),
        "what is shown is a mask too"
    );
}

#[test]
fn limits_of_a_key_are_read_from_either_servers_fields() {
    let key = check_one(
        r#"{"id":1,"key":"AbCd**********wXyZ","model_limits_enabled":true,"model_limits":"gpt-4o,claude-3","allow_ips":"10.0.0.0/8\r\n\n1.2.3.4"}"#,
    );
    assert_eq!(key.models.unwrap(), ["gpt-4o", "claude-3"]);
    assert_eq!(key.addresses.unwrap(), ["10.0.0.0/8", "1.2.3.4"]);
    let key = check_one(
        r#"{"id":1,"key":"AbCd**********wXyZ","model_limits_enabled":false,"model_limits":"gpt-4o","allow_ips":""}"#,
    );
    assert_eq!((key.models, key.addresses), (None, None));
    // Switched on and empty: no model at all.
    let key = check_one(
        r#"{"id":1,"key":"AbCd**********wXyZ","model_limits_enabled":true,"model_limits":"","allow_ips":null}"#,
    );
    assert_eq!((key.models, key.addresses), (Some(Vec::new()), None));
    let site = server(|_| {
        Ok(ok(
            r#"[{"id":1,"key":"K001Dummy0KeyDummy1Key","models":"gpt-4o","subnet":"10.0.0.0/8,1.2.3.0/24"}]"#,
        ))
    });
    let key = listed(&site, &place(SiteKind::OneApi))
        .unwrap()
        .keys
        .pop()
        .unwrap();
    assert_eq!(key.models.unwrap(), ["gpt-4o"]);
    assert_eq!(key.addresses.unwrap(), ["10.0.0.0/8", "1.2.3.0/24"]);
}

#[test]
fn nothing_secret_shows_when_a_listing_is_printed() {
    let site = server(|request| aprils(3)(request));
    let printed = format!("{:?}", listed(&site, &place(SiteKind::NewApi)).unwrap());
    assert!(!printed.contains("DummyKey"), "{printed}");
}
