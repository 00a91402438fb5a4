//! Fetching full keys behind masks.

use super::*;
use crate::http::{Bucket, Method};
use crate::ports::now;
use crate::secret::MaskedKey;
use crate::site::{RevealEnd, reveal};
use relaykeep_protocol::{RemoteId, SiteTrouble};
use std::ops::ControlFlow;

fn whole(id: usize) -> String {
    format!("K{id:03}Dummy0KeyDummy1KeyDummy2KeyDummy3KeyDumm{id:03}Z")
}

fn masks(ids: impl Iterator<Item = usize>) -> Vec<(RemoteId, MaskedKey)> {
    let mask = |id: usize| MaskedKey::read(&format!("K{id:03}**********{id:03}Z")).unwrap();
    ids.map(|id| (RemoteId(id.to_string()), mask(id))).collect()
}

fn ok(data: &str) -> HttpResponse {
    with_header(
        json(
            200,
            format!(r#"{{"success":true,"message":"","data":{data}}}"#),
        ),
        "auth-version",
        "864b",
    )
}

fn absent() -> HttpResponse {
    recorded("newapi-era1u/112-reveal-batch-absent")
}

fn is_batch(request: &HttpRequest) -> bool {
    request.url.ends_with("/api/token/batch/keys")
}

fn asked_ids(request: &HttpRequest) -> Vec<usize> {
    let body: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
    body["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| usize::try_from(id.as_u64().expect("a number")).unwrap())
        .collect()
}

/// Batch and single, as upstream has them: at most 100 ids, unknown ids left out.
fn todays(known: usize) -> impl Fn(&HttpRequest) -> Result<HttpResponse, HttpError> {
    move |request| {
        assert_eq!(
            (request.method, request.bucket),
            (Method::Post, Bucket::Critical)
        );
        if is_batch(request) {
            let ids = asked_ids(request);
            if ids.len() > 100 {
                return Ok(recorded("newapi-era3/136-reveal-batch-101"));
            }
            let keys: Vec<String> = ids
                .iter()
                .filter(|id| **id <= known)
                .map(|id| format!(r#""{id}":"{}""#, whole(*id)))
                .collect();
            return Ok(ok(&format!(r#"{{"keys":{{{}}}}}"#, keys.join(","))));
        }
        assert!(request.body.is_none());
        let id: usize = request
            .url
            .trim_end_matches("/key")
            .rsplit('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        Ok(if id <= known {
            ok(&format!(r#"{{"key":"{}"}}"#, whole(id)))
        } else {
            recorded("newapi-era3/132-reveal-one-unknown")
        })
    }
}

/// Reveals, and what was handed over in each go.
fn revealed(
    site: &impl Http,
    place: &Place,
    keys: &[(RemoteId, MaskedKey)],
) -> (RevealEnd, Vec<Vec<String>>) {
    let mut goes = Vec::new();
    let end = now(reveal(site, &clock(), place, &login(), keys, async |got| {
        goes.push(
            got.into_iter()
                .map(|(id, key)| format!("{}={}", id.0, key.expose()))
                .collect(),
        );
        ControlFlow::Continue(())
    }));
    let handed: usize = goes.iter().map(Vec::len).sum();
    assert_eq!(usize::try_from(end.revealed).unwrap(), handed);
    assert_eq!(
        handed + end.missing.len() + end.wrong.len() + end.left.len(),
        keys.len(),
        "every key ends somewhere"
    );
    (end, goes)
}

#[test]
fn two_hundred_masked_keys_are_two_calls() {
    let site = server(todays(500));
    let (end, goes) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=200));
    assert_eq!(
        site.paths(),
        ["/api/token/batch/keys", "/api/token/batch/keys"]
    );
    assert_eq!(
        (end.revealed, goes.len(), end.learned.batch_reveal),
        (200, 2, Some(true))
    );
    assert!(end.stopped_by.is_none());
    assert!(
        goes[0].contains(&format!("1=sk-{}", whole(1))),
        "a key as tools use it"
    );
}

#[test]
fn the_recorded_reveals_are_read() {
    for name in [
        "newapi-era2/127-reveal-batch-1",
        "newapi-era3/134-reveal-batch-1",
        "newapi-era3/137-reveal-batch-foreign",
        "newapi-era3/140-reveal-batch-duplicates",
    ] {
        let site = server(|_| Ok(recorded(name)));
        let id = if name.contains("era2") {
            recorded_id(name)
        } else {
            "15".to_owned()
        };
        let mask = MaskedKey::read("K0**********Z").unwrap();
        let (end, goes) = revealed(&site, &place(SiteKind::NewApi), &[(RemoteId(id), mask)]);
        assert_eq!(end.revealed, 1, "{name}");
        assert!(goes[0][0].contains("=sk-K0"), "{name}");
    }
    let site = server(|_| Ok(recorded("newapi-era3/138-reveal-batch-only-foreign")));
    let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(125..=125));
    assert_eq!((end.revealed, end.missing.len()), (0, 1));
}

fn recorded_id(name: &str) -> String {
    let body: Value = serde_json::from_slice(&recorded(name).body).unwrap();
    body["data"]["keys"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap()
        .clone()
}

#[test]
fn ids_the_site_does_not_give_are_missing_and_the_rest_goes_on() {
    let site = server(todays(150));
    let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(100..=250));
    assert_eq!((end.revealed, end.missing.len()), (51, 100));
}

#[test]
fn a_build_without_the_batch_is_asked_one_by_one_and_remembered() {
    let momentary = json(200, r#"{"success":false,"message":"database is locked"}"#);
    for (refusal, remembered) in [
        (absent(), Some(false)),
        (html(200, "<!doctype html>"), Some(false)),
        (momentary, None),
    ] {
        let site = server(|request| {
            if is_batch(request) {
                Ok(refusal.clone())
            } else {
                todays(9)(request)
            }
        });
        let (end, goes) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=3));
        assert_eq!(
            (end.revealed, goes.len(), end.learned.batch_reveal),
            (3, 3, remembered)
        );
        let batch = "/api/token/batch/keys";
        let single = ["/api/token/1/key", "/api/token/2/key", "/api/token/3/key"];
        assert_eq!(site.paths()[0], batch);
        assert_eq!(site.paths()[1..], single);
        let mut known = place(SiteKind::NewApi);
        known.quirks.learn(&end.learned);
        let site = server(todays(9));
        revealed(&site, &known, &masks(1..=1));
        assert_eq!(
            site.paths(),
            [if remembered.is_some() {
                single[0]
            } else {
                batch
            }]
        );
    }
}

#[test]
fn one_by_one_a_deleted_key_is_missing_and_the_next_is_asked() {
    let site = server(|request| {
        if is_batch(request) {
            Ok(absent())
        } else {
            todays(2)(request)
        }
    });
    let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=4));
    assert_eq!(
        (end.revealed, end.missing.len(), end.stopped_by),
        (2, 2, None)
    );
}

#[test]
fn a_site_that_reveals_nothing_at_all_says_so_and_nothing_false_is_remembered() {
    let site = server(|_| Ok(absent()));
    let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=3));
    assert_eq!(end.stopped_by.unwrap().trouble(), SiteTrouble::Absent);
    assert_eq!((end.left.len(), end.learned.batch_reveal), (3, None));
    assert_eq!(site.sent.borrow().len(), 2);
    let site = server(|_| panic!("One API hides no keys"));
    let (end, _) = revealed(&site, &place(SiteKind::OneApi), &masks(1..=1));
    assert_eq!(end.stopped_by.unwrap().trouble(), SiteTrouble::Absent);
}

#[test]
fn a_limit_in_the_middle_keeps_what_came_and_says_when_to_go_on() {
    let calls = Cell::new(0);
    let site = server(|request| {
        calls.set(calls.get() + 1);
        if calls.get() == 2 {
            Ok(recorded("newapi-era3/273-429-reveal-batch"))
        } else {
            todays(500)(request)
        }
    });
    let (end, goes) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=250));
    assert_eq!((end.revealed, goes.len(), end.left.len()), (100, 1, 150));
    assert_eq!(
        end.stopped_by.unwrap().trouble(),
        SiteTrouble::RateLimited {
            until: NOW + 1_200_000
        }
    );
    assert_eq!(calls.get(), 2, "nothing is sent after a limit");
    // Before 2026-07-21 nothing says how long: the bucket's own time.
    let site = server(|_| Ok(recorded("newapi-era2/252-429-reveal-batch")));
    let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=1));
    assert_eq!(
        end.stopped_by.unwrap().trouble(),
        SiteTrouble::RateLimited {
            until: NOW + 1_200_000
        }
    );
}

#[test]
fn our_own_budget_ends_a_run_before_the_sites_limit_does() {
    let calls = Cell::new(0);
    let site = server(|request| {
        calls.set(calls.get() + 1);
        if is_batch(request) {
            Ok(absent())
        } else if calls.get() > 15 {
            Err(HttpError::NotBefore(NOW + 77))
        } else {
            todays(500)(request)
        }
    });
    let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=40));
    assert_eq!(
        (end.revealed, end.left.len(), end.learned.batch_reveal),
        (14, 26, Some(false))
    );
    assert_eq!(
        end.stopped_by.unwrap().trouble(),
        SiteTrouble::RateLimited { until: NOW + 77 }
    );
}

#[test]
fn a_key_that_does_not_fit_its_mask_is_never_handed_over() {
    let site = server(|_| {
        Ok(ok(&format!(
            r#"{{"keys":{{"1":"{}","2":"{}"}}}}"#,
            whole(1),
            whole(3)
        )))
    });
    let (end, goes) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=2));
    assert_eq!(goes, [[format!("1=sk-{}", whole(1))]]);
    assert_eq!(end.wrong, [RemoteId("2".to_owned())]);
}

#[test]
fn what_is_no_key_is_never_handed_over() {
    let long = format!("K001{}001Z", "x1".repeat(50_000));
    for sent in [
        "",
        "K",
        "K001**********001Z",
        "K001 Dummy Key 001Z",
        "K001\\nDummyKey001Z",
        "K001\\u0000Dummy001Z",
        "K001ключ001Z",
        &long,
    ] {
        let site = server(|_| Ok(ok(&format!(r#"{{"keys":{{"1":"{sent}"}}}}"#))));
        let (end, goes) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=1));
        assert!(goes.is_empty() && end.revealed == 0, "{sent}");
    }
}

#[test]
fn an_answer_that_names_an_id_twice_or_does_not_read_brings_nothing() {
    for data in [
        format!(r#"{{"keys":{{"1":"{}","1":"{}"}}}}"#, whole(1), whole(1)),
        format!(r#"{{"keys":{{"1":"{}"}},"keys":{{}}}}"#, whole(1)),
        r#"{"keys":[]}"#.to_owned(),
        r#"{"keys":7}"#.to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
    ] {
        let site = server(|_| Ok(ok(&data)));
        let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=1));
        assert_eq!(
            end.stopped_by.unwrap().trouble(),
            SiteTrouble::BadAnswer,
            "{data}"
        );
        assert_eq!(end.left.len(), 1);
    }
}

#[test]
fn each_go_is_handed_over_before_the_next_request_is_sent() {
    let site = server(todays(500));
    let mut after = Vec::new();
    let end = now(reveal(
        &site,
        &clock(),
        &place(SiteKind::NewApi),
        &login(),
        &masks(1..=300),
        async |got| {
            after.push((site.sent.borrow().len(), got.len()));
            if after.len() == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    ));
    assert_eq!(after, [(1, 100), (2, 100)]);
    assert_eq!(
        (site.sent.borrow().len(), end.revealed, end.left.len()),
        (2, 200, 100)
    );
    assert!(end.stopped_by.is_none());
}

#[test]
fn an_expired_login_ends_it_without_another_try() {
    for name in [
        "newapi-era2/008-self-bad-token",
        "newapi-era3/008-self-bad-token",
    ] {
        let site = server(|_| Ok(recorded(name)));
        let (end, _) = revealed(&site, &place(SiteKind::NewApi), &masks(1..=3));
        assert_eq!(
            end.stopped_by.unwrap().trouble(),
            SiteTrouble::LoginExpired,
            "{name}"
        );
        assert_eq!((site.sent.borrow().len(), end.left.len()), (1, 3));
    }
}
