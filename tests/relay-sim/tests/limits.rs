//! The limiters count exactly as the real ones: their numbers were counted on running servers.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Got, Sim};
use serde_json::json;

/// How many answers of a repeated request came before the first 429.
fn until_refused(most: usize, mut ask: impl FnMut(usize) -> Got) -> (usize, Got) {
    for n in 0..most {
        let got = ask(n);
        if got.status == 429 {
            return (n, got);
        }
    }
    panic!("never refused in {most} requests");
}

const KINDS: [(&str, usize, usize); 4] = [
    ("newapi-jwt", 360, 120),
    ("newapi-cookie", 360, 120),
    ("newapi-2025-04", 180, 60),
    ("oneapi", 480, 240),
];

#[test]
fn the_api_bucket_has_each_generations_number() {
    for (kind, api, _) in KINDS {
        let sim = Sim::start(&[&format!("kind={kind}")]);
        let (count, refused) = until_refused(600, |_| sim.get("/api/status", &[]));
        assert_eq!(count, api, "{kind}");
        assert!(refused.body.is_empty(), "{kind}");
        assert_eq!(refused.header("content-type"), None, "{kind}");
        let wait = (kind == "newapi-jwt").then_some("180");
        assert_eq!(
            refused.header("retry-after"),
            wait,
            "{kind}: only the JWT era says how long"
        );
        // The relay is not in this bucket, billing is.
        assert_eq!(sim.get("/v1/models", &[]).status, 401, "{kind}");
        assert_eq!(
            sim.get("/v1/dashboard/billing/usage", &[]).status,
            429,
            "{kind}"
        );
    }
}

#[test]
fn the_page_bucket_counts_pages_and_unknown_paths() {
    for (kind, _, web) in KINDS {
        let sim = Sim::start(&[&format!("kind={kind}")]);
        let paths = ["/", "/api/nope", "/console/token"];
        let (count, _) = until_refused(300, |n| sim.get(paths[n % 3], &[]));
        assert_eq!(count, web, "{kind}");
        assert_eq!(
            sim.get("/api/status", &[]).status,
            200,
            "{kind}: another bucket"
        );
    }
}

#[test]
fn twenty_critical_requests_and_then_none_for_anybody() {
    for kind in ["newapi-jwt", "newapi-cookie"] {
        let sim = Sim::start(&[&format!("kind={kind}")]);
        let reveal = || {
            sim.post(
                "/api/token/1/key",
                &[("Authorization", &sim.token), ("New-Api-User", "2")],
                &json!({}),
            )
        };
        for _ in 0..30 {
            let bad = [("Authorization", "nobody"), ("New-Api-User", "2")];
            sim.post("/api/token/1/key", &bad, &json!({}));
        }
        let (count, refused) = until_refused(40, |_| reveal());
        assert_eq!(count, 20, "{kind}: unauthorised reveals cost nothing");
        let wait = (kind == "newapi-jwt").then_some("1200");
        assert_eq!(refused.header("retry-after"), wait, "{kind}");
        assert!(
            refused.header("auth-version").is_some(),
            "{kind}: authentication had passed"
        );
        assert_eq!(sim.login("bob", "bob-pass-123").status, 429, "{kind}");
        assert_eq!(sim.get("/api/usage/token/", &[]).status, 429, "{kind}");
        assert_eq!(
            sim.mine("/api/token/?p=1").status,
            200,
            "{kind}: lists go on"
        );
        let pat = sim.mine("/api/user/token").status;
        assert_eq!(
            pat,
            if kind == "newapi-jwt" { 429 } else { 200 },
            "{kind}: access token"
        );
    }
}

#[test]
fn a_failed_login_costs_as_much_as_a_good_one() {
    for (kind, ..) in KINDS {
        let sim = Sim::start(&[&format!("kind={kind}")]);
        let (count, _) = until_refused(40, |_| sim.login("alice", "wrong"));
        assert_eq!(count, 20, "{kind}");
    }
}

#[test]
fn search_is_limited_per_user_and_not_in_old_builds() {
    for kind in ["newapi-jwt", "newapi-cookie"] {
        let sim = Sim::start(&[&format!("kind={kind}")]);
        let (count, _) = until_refused(20, |_| sim.mine("/api/token/search?keyword=x"));
        assert_eq!(count, 10, "{kind}");
    }
    for kind in ["newapi-2025-04", "oneapi"] {
        let sim = Sim::start(&[&format!("kind={kind}")]);
        for _ in 0..30 {
            assert_eq!(
                sim.mine("/api/token/search?keyword=x").status,
                200,
                "{kind}"
            );
        }
    }
}

#[test]
fn a_window_slides_and_a_refused_request_is_not_counted() {
    let sim = Sim::start(&["kind=newapi-jwt,ct=5/10"]);
    let login = || sim.login("alice", "wrong");
    let (count, refused) = until_refused(10, |_| login());
    assert_eq!((count, refused.header("retry-after")), (5, Some("10")));
    sim.control("clock", &json!({"offset": 9}));
    assert_eq!(login().status, 429);
    sim.control("clock", &json!({"offset": 12}));
    let (count, _) = until_refused(10, |_| login());
    assert_eq!(count, 5);
}

#[test]
fn limits_can_be_switched_off_and_differ_by_address() {
    let sim = Sim::start(&["kind=newapi-jwt,limits=off"]);
    for _ in 0..60 {
        assert_eq!(sim.login("alice", "wrong").status, 200);
    }
    let sim = Sim::start(&["kind=newapi-jwt,ct=1/1200"]);
    assert_eq!(sim.login("alice", "wrong").status, 200);
    assert_eq!(sim.login("alice", "wrong").status, 429);
    let other = sim.post(
        "/api/user/login",
        &[("X-Forwarded-For", "198.51.100.7")],
        &json!({"username": "alice", "password": "wrong"}),
    );
    assert_eq!(other.status, 200);
}

#[test]
fn an_empty_429_is_twenty_three_bytes_of_gzip() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    sim.control("limit", &json!({"bucket": "ga"}));
    let got = sim.get("/api/status", &[("Accept-Encoding", "gzip, deflate, br")]);
    assert_eq!((got.status, got.body.len()), (429, 23));
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    assert_eq!(got.header("content-length"), Some("23"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&got.body[..]), &mut text)
        .unwrap();
    assert_eq!(text, "");
}
