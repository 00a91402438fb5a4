//! What an answer means.

use super::*;
use crate::http::Bucket;
use crate::ports::now;
use crate::site::answer::{Asking, classify, limited_until, readable};
use crate::site::{groups, status, verify_account, whoami};
use relaykeep_protocol::{Generation, ShownAs, SiteTrouble};

fn asking(expects_auth_version: bool) -> Asking {
    Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version,
        now: NOW,
    }
}

#[track_caller]
fn check(response: &HttpResponse, expected: SiteTrouble) {
    let error = classify(response, &asking(false)).expect_err("a refusal");
    assert_eq!(error.trouble(), expected, "{error:?}");
}

#[test]
fn each_generations_refusals_mean_the_same() {
    for (name, expected) in [
        ("newapi-era1u/007-self-no-auth", SiteTrouble::LoginExpired),
        ("newapi-era1u/008-self-bad-token", SiteTrouble::LoginExpired),
        ("newapi-era1u/022-self-old-pat", SiteTrouble::LoginExpired),
        (
            "newapi-era1u/025-self-pat-no-user-header",
            SiteTrouble::UserIdMismatch,
        ),
        (
            "newapi-era1u/026-self-pat-wrong-user-header",
            SiteTrouble::UserIdMismatch,
        ),
        (
            "newapi-era1u/018-self-foreign-cookie-shadows-pat",
            SiteTrouble::UserIdMismatch,
        ),
        (
            "newapi-era1u/196-self-disabled-user",
            SiteTrouble::UserDisabled,
        ),
        ("newapi-era1u/004-unknown-api-path", SiteTrouble::Absent),
        ("newapi-era1u/111-reveal-one-absent", SiteTrouble::Absent),
        (
            "newapi-era1u/041-token-list-no-slash",
            SiteTrouble::Redirected,
        ),
        (
            "newapi-era1u/005-unknown-other-path",
            SiteTrouble::NotARelay,
        ),
        ("newapi-era2/008-self-bad-token", SiteTrouble::LoginExpired),
        (
            "newapi-era2/010-self-bad-token-zh",
            SiteTrouble::LoginExpired,
        ),
        (
            "newapi-era2/025-self-pat-no-user-header",
            SiteTrouble::UserIdMismatch,
        ),
        (
            "newapi-era2/026-self-pat-wrong-user-header",
            SiteTrouble::UserIdMismatch,
        ),
        (
            "newapi-era2/242-self-disabled-user",
            SiteTrouble::UserDisabled,
        ),
        ("newapi-era2/124-reveal-one-foreign", SiteTrouble::Refused),
        ("newapi-era3/008-self-bad-token", SiteTrouble::LoginExpired),
        (
            "newapi-era3/010-self-bad-token-zh",
            SiteTrouble::LoginExpired,
        ),
        (
            "newapi-era3/017-self-jwt-expired",
            SiteTrouble::LoginExpired,
        ),
        ("newapi-era3/029-self-old-pat", SiteTrouble::LoginExpired),
        (
            "newapi-era3/249-self-disabled-user",
            SiteTrouble::UserDisabled,
        ),
        ("newapi-era3/130-reveal-one-get", SiteTrouble::Absent),
        ("newapi-era3/136-reveal-batch-101", SiteTrouble::Refused),
        (
            "newapi-era3/516-admin-channel-list-as-user",
            SiteTrouble::Refused,
        ),
        (
            "newapi-era3/518-admin-channel-key-by-pat",
            SiteTrouble::VerificationRequired,
        ),
        ("oneapi/007-self-no-auth", SiteTrouble::LoginExpired),
        ("oneapi/008-self-bad-token", SiteTrouble::LoginExpired),
        ("oneapi/128-self-disabled-user", SiteTrouble::UserDisabled),
        ("oneapi/023-self-groups-absent", SiteTrouble::Absent),
    ] {
        let error = classify(&recorded(name), &asking(false))
            .map(|_| ())
            .expect_err(name);
        assert_eq!(error.trouble(), expected, "{name}: {error:?}");
    }
}

#[test]
fn absent_here_is_often_200_with_success_false_and_not_404() {
    check(
        &recorded("oneapi/021-user-models-absent"),
        SiteTrouble::Absent,
    );
    check(
        &recorded("oneapi/022-user-models-absent-as-root"),
        SiteTrouble::Absent,
    );
    check(&recorded("oneapi/115-checkin-absent"), SiteTrouble::Absent);
    check(
        &recorded("newapi-era1u/179-checkin-absent"),
        SiteTrouble::Absent,
    );
}

#[test]
fn auth_version_in_an_answer_means_that_the_login_was_accepted() {
    let no = r#"{"success":false,"message":"some new text"}"#;
    let known = asking(true);
    let without = classify(&json(200, no), &known)
        .map(|_| ())
        .expect_err("a refusal");
    assert_eq!(without.trouble(), SiteTrouble::LoginExpired);
    let with = with_header(
        json(200, no),
        "auth-version",
        "864b7076dbcd0a3c01b5520316720ebf",
    );
    assert_eq!(
        classify(&with, &known)
            .map(|_| ())
            .expect_err("a refusal")
            .trouble(),
        SiteTrouble::Refused
    );
    // Where it is not known to be sent, its absence says nothing.
    check(&json(200, no), SiteTrouble::Refused);
    // And with it not even the words of an expired login count.
    let words = with_header(
        json(
            200,
            r#"{"success":false,"message":"your access token quota"}"#,
        ),
        "auth-version",
        "x",
    );
    check(&words, SiteTrouble::Refused);
}

#[test]
fn in_every_recording_of_2026_a_refusal_without_auth_version_is_one_of_the_login() {
    for name in recordings("newapi-era2") {
        let response = recorded(&name);
        let refused =
            readable(&response.body).is_some_and(|text| text.contains(r#""success":false"#));
        if !(refused && response.header("auth-version").is_none() && name.contains("self-pat")) {
            continue;
        }
        let trouble = classify(&response, &asking(true))
            .map(|_| ())
            .expect_err(&name)
            .trouble();
        let of_the_login = matches!(
            trouble,
            SiteTrouble::LoginExpired | SiteTrouble::UserIdMismatch | SiteTrouble::UserDisabled
        );
        assert!(of_the_login, "{name}: {trouble:?}");
    }
}

#[test]
fn an_empty_429_waits_as_long_as_its_bucket_and_a_longer_wish_is_obeyed_within_an_hour() {
    let limited = |bucket, wish: Option<&str>| {
        let mut response = HttpResponse {
            status: 429,
            headers: Vec::new(),
            body: Vec::new(),
        };
        if let Some(wish) = wish {
            response = with_header(response, "retry-after", wish);
        }
        limited_until(&response, bucket, NOW).map(|until| (until - NOW) / 1_000)
    };
    assert_eq!(limited(Bucket::Ordinary, None), Some(180));
    assert_eq!(limited(Bucket::Critical, None), Some(1_200));
    assert_eq!(limited(Bucket::Critical, Some("120")), Some(120));
    assert_eq!(limited(Bucket::Ordinary, Some(" 7 ")), Some(7));
    assert_eq!(limited(Bucket::Ordinary, Some("-5")), Some(1));
    assert_eq!(limited(Bucket::Ordinary, Some("0")), Some(1));
    assert_eq!(limited(Bucket::Ordinary, Some("99999999")), Some(3_600));
    assert_eq!(
        limited(Bucket::Ordinary, Some("99999999999999999999999")),
        Some(180)
    );
    assert_eq!(limited(Bucket::Ordinary, Some("soon")), Some(180));
    assert_eq!(limited(Bucket::Ordinary, Some("")), Some(180));
    // A date counts from the server's clock, however wrong that is.
    let dated = with_header(
        with_header(
            recorded("newapi-era1u/203-429-global"),
            "retry-after",
            "Sun, 06 Nov 1994 08:50:37 GMT",
        ),
        "date",
        "Sun, 06 Nov 1994 08:49:37 GMT",
    );
    assert_eq!(
        limited_until(&dated, Bucket::Ordinary, NOW),
        Some(NOW + 60_000)
    );
    for name in [
        "newapi-era1u/204-429-global-self",
        "oneapi/135-429-global-self",
        "newapi-era3/283-429-global-self",
    ] {
        check(
            &recorded(name),
            SiteTrouble::RateLimited {
                until: NOW + 180_000,
            },
        );
    }
    assert_eq!(limited_until(&json(200, "{}"), Bucket::Ordinary, NOW), None);
}

#[test]
fn a_page_instead_of_data_is_told_from_a_challenge_and_from_a_failure() {
    check(
        &html(200, "<!doctype html><title>New API</title>"),
        SiteTrouble::NotARelay,
    );
    check(
        &html(200, "<html>Just a moment...</html>"),
        SiteTrouble::Challenge,
    );
    check(
        &html(
            200,
            "<script>var arg1='…';document.cookie='acw_sc__v2='</script>",
        ),
        SiteTrouble::Challenge,
    );
    check(
        &html(503, "<title>Just a moment...</title>"),
        SiteTrouble::Challenge,
    );
    check(&html(403, "<h1>Forbidden</h1>"), SiteTrouble::Challenge);
    check(
        &with_header(html(503, "<p>"), "cf-mitigated", "challenge"),
        SiteTrouble::Challenge,
    );
    check(
        &html(502, "<h1>Bad Gateway</h1>"),
        SiteTrouble::ServerError { status: 502 },
    );
    // Some name no type at all.
    let bare = HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: b" \n<!DOCTYPE html>".to_vec(),
    };
    check(&bare, SiteTrouble::NotARelay);
}

#[test]
fn what_is_not_a_whole_answer_is_never_taken_for_one() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "7",
        "\"ok\"",
        "{}",
        r#"{"data":[]}"#,
        r#"{"success":"yes","data":[]}"#,
        r#"{"success":2,"data":[]}"#,
        r#"{"success":true,"data":[]"#,
        r#"{"success":true}{"success":true}"#,
        r#"{"success":true,"success":true,"data":[]}"#,
    ] {
        let answer = classify(&json(200, body), &asking(false)).map(|_| ());
        assert_eq!(
            answer.expect_err(body).trouble(),
            SiteTrouble::BadAnswer,
            "{body}"
        );
    }
    check(
        &HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: vec![0xff, 0xfe, b'{', 0, b'}', 0],
        },
        SiteTrouble::BadAnswer,
    );
    check(&json(500, ""), SiteTrouble::ServerError { status: 500 });
    check(
        &json(
            503,
            r#"{"error":{"code":"system_cpu_overloaded","message":"busy"}}"#,
        ),
        SiteTrouble::ServerError { status: 503 },
    );
    check(&json(404, ""), SiteTrouble::Absent);
    check(&json(401, ""), SiteTrouble::LoginExpired);
    check(&json(403, ""), SiteTrouble::Refused);
    check(
        &json(
            403,
            r#"{"success":false,"code":"VERIFICATION_REQUIRED","message":"x"}"#,
        ),
        SiteTrouble::VerificationRequired,
    );
}

#[test]
fn a_byte_order_mark_and_lenient_truths_are_read_but_bottomless_nesting_is_not() {
    assert!(
        classify(
            &json(200, "\u{feff}{\"success\":true,\"data\":null}"),
            &asking(false)
        )
        .is_ok()
    );
    for truth in ["true", "1", "\"true\""] {
        assert!(
            classify(
                &json(200, format!("{{\"success\":{truth}}}")),
                &asking(false)
            )
            .is_ok()
        );
    }
    let deep = format!(
        "{{\"success\":true,\"data\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    check(&json(200, deep), SiteTrouble::BadAnswer);
    let inside_text = format!(
        "{{\"success\":true,\"data\":\"{}\\\"{}\"}}",
        "[".repeat(1_000),
        "{".repeat(1_000)
    );
    assert!(classify(&json(200, inside_text), &asking(false)).is_ok());
}

#[test]
fn a_refusal_keeps_the_sites_words_without_anything_secret_in_them() {
    let said = |body: &str| {
        classify(&json(200, body), &asking(false))
            .map(|_| ())
            .expect_err("no")
            .said()
            .map(str::to_owned)
    };
    assert_eq!(
        said(r#"{"success":false,"message":"no\u0000 \u202ekey sk-K001Dummy0KeyDummy1Key"}"#)
            .as_deref(),
        Some("no key …")
    );
    assert_eq!(said(r#"{"success":false,"message":""}"#), None);
    assert_eq!(said(r#"{"success":false,"message":{"a":1}}"#), None);
    let long = said(&format!(
        r#"{{"success":false,"message":"{}"}}"#,
        "no ".repeat(5_000)
    ))
    .expect("words");
    assert!(long.chars().count() <= 300);
}

#[test]
fn every_generation_says_who_the_login_is() {
    for (name, kind, shown) in [
        ("newapi-era1u/023-self-pat", SiteKind::NewApi, true),
        ("newapi-era2/023-self-pat", SiteKind::NewApi, false),
        ("newapi-era3/030-self-pat", SiteKind::NewApi, false),
        ("oneapi/015-self-pat", SiteKind::OneApi, false),
    ] {
        let site = server(|_| Ok(recorded(name)));
        let (who, learned) = now(whoami(&site, &clock(), &place(kind), &login())).expect(name);
        assert_eq!(
            (who.user_id.as_str(), who.username.as_deref()),
            ("2", Some("alice")),
            "{name}"
        );
        assert_eq!(
            (who.balance, who.used, who.group.as_deref()),
            (Some(50_000_000), Some(0), Some("default")),
            "{name}"
        );
        assert_eq!(who.access_token_shown.is_some(), shown, "{name}");
        assert_eq!(
            learned.sends_auth_version,
            name.contains("era2") || name.contains("era3"),
            "{name}"
        );
        assert_eq!(
            learned.generation,
            shown.then_some(Generation::Unmasked),
            "{name}"
        );
        assert_eq!(site.paths(), ["/api/user/self"]);
        let sent = &site.sent.borrow()[0];
        let names_the_user = sent
            .headers
            .contains(&("New-Api-User".to_owned(), "2".to_owned()));
        assert_eq!(names_the_user, kind == SiteKind::NewApi, "{name}");
        assert!(
            sent.headers
                .contains(&("Accept-Language".to_owned(), "en".to_owned()))
        );
        assert_eq!(
            sent.bearer.as_ref().expect("a token").origins,
            ["https://relay.example"]
        );
    }
}

#[test]
fn a_site_that_silently_answers_as_somebody_else_is_not_believed() {
    // One API, another user's cookie beside the token: HTTP 200, as alice (2), asked as bob (3).
    let mut bob = login();
    bob.user_id = Some("3".to_owned());
    let site = server(|_| Ok(recorded("oneapi/019-self-foreign-cookie-shadows-pat")));
    let error =
        now(whoami(&site, &clock(), &place(SiteKind::OneApi), &bob)).expect_err("somebody else");
    assert_eq!(error.trouble(), SiteTrouble::AnsweredAsOther);
}

#[test]
fn a_site_that_shows_another_token_than_the_one_sent_is_not_believed() {
    let mut other = login();
    other.token.secret = Secret::new("Pat+bob/0123456789abcdefghijAB==".to_owned());
    let site = server(|_| Ok(recorded("newapi-era1u/023-self-pat")));
    let error = now(verify_account(
        &site,
        &clock(),
        &place(SiteKind::NewApi),
        &other,
    ))
    .expect_err("another token");
    assert_eq!(error.trouble(), SiteTrouble::AnsweredAsOther);
    assert!(
        now(verify_account(
            &site,
            &clock(),
            &place(SiteKind::NewApi),
            &login()
        ))
        .is_ok()
    );
}

#[test]
fn an_answer_without_an_id_is_no_answer_to_who() {
    for data in [
        "null",
        "[]",
        "{}",
        r#"{"id":null}"#,
        r#"{"id":1.5}"#,
        r#"{"id":2,"id":3}"#,
        "\"alice\"",
    ] {
        let site = server(|_| Ok(json(200, format!(r#"{{"success":true,"data":{data}}}"#))));
        let error =
            now(whoami(&site, &clock(), &place(SiteKind::NewApi), &login())).expect_err(data);
        assert_eq!(error.trouble(), SiteTrouble::BadAnswer, "{data}");
    }
}

#[test]
fn balances_beyond_all_bounds_are_unknown_and_never_wrap() {
    for (quota, expected) in [
        ("1e309", None),
        ("-1", Some(-1)),
        ("9223372036854775808", None),
        ("0.1", None),
        ("\"12345\"", Some(12_345)),
        ("9007199254740993", Some(9_007_199_254_740_993)),
        ("null", None),
    ] {
        let site = server(|_| {
            Ok(json(
                200,
                format!(r#"{{"success":true,"data":{{"id":2,"quota":{quota}}}}}"#),
            ))
        });
        let (who, _) =
            now(whoami(&site, &clock(), &place(SiteKind::NewApi), &login())).expect(quota);
        assert_eq!(who.balance, expected, "{quota}");
    }
}

#[test]
fn a_sites_unit_is_the_one_it_defines() {
    let unit = |data: &str| {
        let body = format!(r#"{{"success":true,"data":{{"system_name":"x",{data}}}}}"#);
        let site = server(|_| Ok(json(200, body.clone())));
        now(status(&site, &clock(), &place(SiteKind::NewApi)))
            .expect(data)
            .unit
    };
    assert_eq!(unit(r#""quota_per_unit":500000"#).shown_as, ShownAs::Usd);
    assert_eq!(
        unit(r#""quota_per_unit":"1000000""#).per_dollar,
        1_000_000.0
    );
    assert_eq!(unit(r#""quota_per_unit":0"#).per_dollar, 500_000.0);
    assert_eq!(unit(r#""quota_per_unit":-5"#).per_dollar, 500_000.0);
    assert_eq!(
        unit(r#""quota_per_unit":1,"display_in_currency":false"#).shown_as,
        ShownAs::Tokens
    );
    assert_eq!(
        unit(r#""quota_per_unit":1,"quota_display_type":"TOKENS""#).shown_as,
        ShownAs::Tokens
    );
    assert_eq!(
        unit(r#""quota_per_unit":1,"quota_display_type":"CNY","usd_exchange_rate":7.1"#).shown_as,
        ShownAs::Cny { rate: 7.1 }
    );
    assert_eq!(
        unit(r#""quota_per_unit":1,"quota_display_type":"CUSTOM","custom_currency_symbol":"€","custom_currency_exchange_rate":0.9"#).shown_as,
        ShownAs::Custom { symbol: "€".to_owned(), rate: 0.9 });
}

#[test]
fn another_kind_at_the_same_address_is_noticed() {
    let asked = |name: &str, kind| {
        let site = server(|_| Ok(recorded(name)));
        now(status(&site, &clock(), &place(kind))).map_err(|error| error.trouble())
    };
    for (directory, kind) in SERVERS {
        let facts = asked(&format!("{directory}/001-status"), kind).expect(directory);
        assert_eq!(facts.kind, Some(kind), "{directory}");
    }
    assert_eq!(
        asked("oneapi/001-status", SiteKind::NewApi),
        Err(SiteTrouble::KindChanged {
            now: Some(SiteKind::OneApi)
        })
    );
    assert_eq!(
        asked("newapi-era1u/001-status", SiteKind::OneApi),
        Err(SiteTrouble::KindChanged {
            now: Some(SiteKind::NewApi)
        })
    );
    assert_eq!(
        asked("oneapi/002-root-html", SiteKind::OneApi),
        Err(SiteTrouble::NotARelay)
    );
}

#[test]
fn groups_are_read_even_where_a_ratio_is_a_text() {
    for (name, expected) in [
        ("newapi-era1u/029-self-groups", vec!["default", "vip"]),
        (
            "newapi-era3/045-self-groups-with-auto",
            vec!["auto", "default", "vip"],
        ),
        (
            "newapi-era3/422-self-groups-own-group-added",
            vec!["default", "svip", "vip"],
        ),
    ] {
        let site = server(|_| Ok(recorded(name)));
        let read = now(groups(&site, &clock(), &place(SiteKind::NewApi), &login())).expect(name);
        assert_eq!(
            read.iter()
                .map(|group| group.name.as_str())
                .collect::<Vec<_>>(),
            expected,
            "{name}"
        );
    }
    let site = server(|_| panic!("One API has no such list"));
    assert_eq!(
        now(groups(&site, &clock(), &place(SiteKind::OneApi), &login())),
        Ok(Vec::new())
    );
}
