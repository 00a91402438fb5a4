//! What an answer means.

use super::*;
use crate::http::Bucket;
use crate::site::answer::readable;
use crate::site::{Asking, classify, limited_until};
use relaykeep_protocol::SiteTrouble;

fn asking(expects_auth_version: bool) -> Asking {
    Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version,
        protocol: crate::site::Protocol::Family,
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
