//! Lists, in every shape and with every fault.

use super::*;
use crate::ports::now;
use crate::site::{Listing, Quirks, SiteError, list_keys};
use relaykeep_protocol::{CutReason, Generation, SecretState, SiteTrouble};

pub(super) fn key(id: usize) -> String {
    format!(
        r#"{{"id":{id},"key":"Kay{id:04}**********wX{id:02}","status":1,"name":"k{id}","expired_time":-1}}"#
    )
}

fn full_key(id: usize) -> String {
    format!(
        r#"{{"id":{id},"key":"Kay{id:04}DummyKeyDummyKey","status":1,"name":"k{id}","expired_time":-1}}"#
    )
}

pub(super) fn ok(data: &str) -> HttpResponse {
    json(
        200,
        format!(r#"{{"success":true,"message":"","data":{data}}}"#),
    )
}

fn joined(ids: impl Iterator<Item = usize>, of: fn(usize) -> String) -> String {
    ids.map(of).collect::<Vec<_>>().join(",")
}

fn query(request: &HttpRequest, name: &str) -> Option<usize> {
    let (_, query) = request.url.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?
        .parse()
        .ok()
}

/// New API of today: `p` from 1, a size of at most 100, a page object.
fn todays(total: usize) -> impl Fn(&HttpRequest) -> Result<HttpResponse, HttpError> {
    move |request| {
        let page = query(request, "p").unwrap().max(1);
        let size = query(request, "page_size").unwrap_or(10).min(100);
        let ids = (1..=total).skip((page - 1) * size).take(size);
        Ok(ok(&format!(
            r#"{{"page":{page},"page_size":{size},"total":{total},"items":[{}]}}"#,
            joined(ids, key)
        )))
    }
}

/// April 2025: `p` from 0, `size`, a bare array.
pub(super) fn aprils(total: usize) -> impl Fn(&HttpRequest) -> Result<HttpResponse, HttpError> {
    move |request| {
        let (page, size) = (
            query(request, "p").unwrap(),
            query(request, "size").unwrap_or(10).min(100),
        );
        Ok(ok(&format!(
            "[{}]",
            joined((1..=total).skip(page * size).take(size), full_key)
        )))
    }
}

/// One API: `p` from 0, always 10.
fn one_apis(total: usize) -> impl Fn(&HttpRequest) -> Result<HttpResponse, HttpError> {
    move |request| {
        let ids = (1..=total).skip(query(request, "p").unwrap() * 10).take(10);
        Ok(ok(&format!("[{}]", joined(ids, full_key))))
    }
}

pub(super) fn listed(site: &impl Http, place: &Place) -> Result<Listing, SiteError> {
    now(list_keys(site, &clock(), place, &login(), |_| {}))
}

#[test]
fn a_hundred_keys_are_one_request() {
    for total in [0, 1, 99, 100] {
        let site = server(todays(total));
        let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
        assert!(listing.complete && listing.keys.len() == total, "{total}");
        assert_eq!(
            site.paths(),
            ["/api/token/?p=1&page_size=100&size=100&page=1"]
        );
    }
    let site = server(todays(250));
    let mut heard = Vec::new();
    let listing = now(list_keys(
        &site,
        &clock(),
        &place(SiteKind::NewApi),
        &login(),
        |read| heard.push(read),
    ))
    .unwrap();
    assert!(listing.complete && listing.keys.len() == 250);
    assert_eq!(heard, [100, 200, 250]);
    assert_eq!(listing.learned.zero_based, Some(false));
}

#[test]
fn april_2025_answers_an_empty_page_to_p_1_although_keys_exist() {
    let site = server(aprils(14));
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert!(listing.complete && listing.keys.len() == 14);
    assert_eq!(site.sent.borrow().len(), 2);
    assert_eq!(listing.learned.zero_based, Some(true));
    assert_eq!(listing.learned.generation, Some(Generation::Unmasked));
    // The next time it is known.
    let mut known = place(SiteKind::NewApi);
    known.quirks.learn(&listing.learned);
    let site = server(aprils(14));
    assert_eq!(listed(&site, &known).unwrap().keys.len(), 14);
    assert_eq!(site.sent.borrow().len(), 1);
}

#[test]
fn the_recorded_lists_of_april_2025_are_read_to_the_end() {
    let site = server(|request| {
        Ok(recorded(match query(request, "p").unwrap() {
            0 => "newapi-era1u/044-token-list-one",
            _ => "newapi-era1u/047-token-list-p2-beyond",
        }))
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert!(listing.complete);
    let key = &listing.keys[0];
    assert_eq!(
        (key.row.name.as_str(), key.row.mask.as_str()),
        ("minimal", "sk-K001••••••••001Z")
    );
    assert_eq!(
        key.full.as_ref().unwrap().expose(),
        "sk-K001Dummy0KeyDummy1KeyDummy2KeyDummy3KeyDumm001Z"
    );
    assert_eq!(
        (key.row.secret, key.row.remaining, key.row.unlimited),
        (SecretState::Held, Some(0), false)
    );
}

#[test]
fn the_recorded_lists_of_2026_are_read() {
    for (name, generation) in [
        ("newapi-era2/048-token-list-one", Generation::MaskedCookie),
        ("newapi-era3/055-token-list-one", Generation::Jwt),
    ] {
        let site = server(|_| Ok(recorded(name)));
        let listing = listed(&site, &place(SiteKind::NewApi)).expect(name);
        assert!(listing.complete, "{name}");
        assert_eq!(listing.learned.generation, Some(generation), "{name}");
        assert!(listing.learned.sends_auth_version, "{name}");
        let key = &listing.keys[0];
        assert!(key.full.is_none(), "{name}: a mask is no key");
        assert_eq!(key.masked.as_ref().unwrap().as_str(), "K002**********002Z");
        assert_eq!(key.row.mask, "sk-K002••••••••002Z");
        assert_eq!(
            (key.row.expires, key.row.status, key.row.secret),
            (None, 1, SecretState::Masked)
        );
    }
    for name in [
        "newapi-era2/044-token-list-empty",
        "newapi-era3/051-token-list-empty",
    ] {
        let site = server(|_| Ok(recorded(name)));
        let listing = listed(&site, &place(SiteKind::NewApi)).expect(name);
        assert!(listing.complete && listing.keys.is_empty(), "{name}");
    }
}

#[test]
fn every_recorded_list_reads_and_one_that_was_cut_short_is_not_taken_for_complete() {
    for (directory, kind) in SERVERS {
        for name in recordings(directory)
            .iter()
            .filter(|name| name.contains("-token-list-"))
        {
            let response = recorded(name);
            if response.status != 200 {
                continue;
            }
            // The second page is empty: the recordings hold at most four rows of a page.
            let site = server(|request| match query(request, "p").unwrap() {
                0 | 1 => Ok(response.clone()),
                _ => Ok(ok("[]")),
            });
            let listing =
                listed(&site, &place(kind)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(listing.odd, 0, "{name}");
            for key in &listing.keys {
                assert!(key.full.is_some() != key.masked.is_some(), "{name}");
            }
            let body = String::from_utf8(response.body.clone()).unwrap();
            if body.contains(r#""total":14"#) || body.contains(r#""total":12"#) {
                assert_eq!(listing.cut, Some(CutReason::Inconsistent), "{name}");
            }
        }
    }
}

#[test]
fn one_api_gives_ten_at_a_time_from_page_zero() {
    for (total, requests) in [(1, 1), (9, 1), (10, 2), (14, 2), (20, 3), (57, 6)] {
        let site = server(one_apis(total));
        let listing = listed(&site, &place(SiteKind::OneApi)).unwrap();
        assert!(listing.complete && listing.keys.len() == total, "{total}");
        assert_eq!(site.sent.borrow().len(), requests, "{total}");
        assert_eq!(site.paths()[0], "/api/token/?p=0");
        assert_eq!(listing.learned.generation, None);
    }
}

#[test]
fn a_server_that_ignores_the_wished_size_is_still_read_to_the_end() {
    // One API taken for New API by hand: the first answer is its second page.
    for total in [3, 10, 14, 30, 57] {
        let site = server(one_apis(total));
        let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
        assert!(listing.complete && listing.keys.len() == total, "{total}");
        if total > 10 {
            assert_eq!(listing.learned.page_len, Some(10));
        }
    }
}

#[test]
fn a_site_that_moved_on_to_page_objects_is_read_although_arrays_were_learned() {
    let mut known = place(SiteKind::NewApi);
    known.quirks = Quirks {
        zero_based: Some(true),
        page_len: Some(100),
        ..Quirks::default()
    };
    for total in [5, 100, 230] {
        let site = server(todays(total));
        let listing = listed(&site, &known).unwrap();
        assert!(listing.complete && listing.keys.len() == total, "{total}");
        assert_eq!(listing.learned.zero_based, Some(false));
    }
}

#[test]
fn the_other_two_shapes_are_read_too() {
    for wrap in [
        |rows: &str| format!(r#"{{"data":[{rows}],"page":1,"size":100,"total_count":3}}"#),
        |rows: &str| format!(r#"{{"items":[{rows}],"total":3,"page":1,"page_size":20,"pages":1}}"#),
        |rows: &str| format!(r#"{{"items":[{rows}],"pages":1}}"#),
        |rows: &str| format!(r#"{{"items":[{rows}],"total":"3"}}"#),
    ] {
        let body = wrap(&joined(1..=3, key));
        let site = server(|_| Ok(ok(&body)));
        let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
        assert!(listing.complete && listing.keys.len() == 3, "{body}");
        assert_eq!(site.sent.borrow().len(), 1, "{body}");
    }
}

#[test]
fn a_list_that_was_never_made_is_an_empty_one_and_no_list_at_all_is_none() {
    for data in [
        "null",
        "[]",
        r#"{"items":null,"total":0,"page":1,"page_size":100}"#,
    ] {
        let site = server(|_| Ok(ok(data)));
        let listing = listed(&site, &place(SiteKind::NewApi)).expect(data);
        assert!(listing.keys.is_empty() && listing.complete, "{data}");
    }
    for data in [
        "{}",
        "true",
        "7",
        "\"none\"",
        r#"{"total":3}"#,
        r#"{"items":{}}"#,
        r#"{"items":[],"items":[]}"#,
    ] {
        let site = server(|_| Ok(ok(data)));
        let error = listed(&site, &place(SiteKind::NewApi)).expect_err(data);
        assert_eq!(error.trouble(), SiteTrouble::BadAnswer, "{data}");
    }
}

#[test]
fn a_list_that_never_ends_is_cut_at_a_thousand_keys() {
    let site = server(|request| {
        let page = query(request, "p").unwrap();
        let ids = page * 100..page * 100 + 100;
        Ok(ok(&format!(
            r#"{{"page_size":100,"total":999999,"items":[{}]}}"#,
            joined(ids, key)
        )))
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.cut, listing.complete),
        (1_000, Some(CutReason::Cap), false)
    );
    // One key a page, for ever.
    let site = server(|request| {
        Ok(ok(&format!(
            r#"{{"total":999999,"items":[{}]}}"#,
            key(query(request, "p").unwrap())
        )))
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.cut),
        (110, Some(CutReason::Cap))
    );
    // All at once.
    let site = server(|_| Ok(ok(&format!("[{}]", joined(1..=5_000, full_key)))));
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.cut),
        (1_000, Some(CutReason::Cap))
    );
    // Exactly a thousand are complete.
    let site = server(todays(1_000));
    assert!(listed(&site, &place(SiteKind::NewApi)).unwrap().complete);
    let site = server(one_apis(1_000));
    assert!(listed(&site, &place(SiteKind::OneApi)).unwrap().complete);
}

#[test]
fn the_same_page_for_ever_and_a_ring_of_pages_are_noticed() {
    let site = server(|_| {
        Ok(ok(&format!(
            r#"{{"page_size":100,"total":250,"items":[{}]}}"#,
            joined(1..=100, key)
        )))
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.cut),
        (100, Some(CutReason::Inconsistent))
    );
    assert_eq!(site.sent.borrow().len(), 2);
    let site = server(|request| {
        let first = query(request, "p").unwrap() % 2 * 10;
        Ok(ok(&format!("[{}]", joined(first..first + 10, full_key))))
    });
    let listing = listed(&site, &place(SiteKind::OneApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.cut),
        (20, Some(CutReason::Inconsistent))
    );
    assert_eq!(site.sent.borrow().len(), 3);
}

#[test]
fn a_list_that_changes_while_it_is_read_is_read_again_once() {
    let total = Cell::new(250);
    let site = server(|request| {
        // One key is deleted after the first page was read.
        let answer = todays(total.get())(request);
        total.set(249);
        answer
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert!(listing.complete && listing.keys.len() == 249);
    let total = Cell::new(250);
    let site = server(|request| {
        let answer = todays(total.get())(request);
        total.set(total.get() - 1);
        answer
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.cut, listing.complete),
        (Some(CutReason::Inconsistent), false)
    );
}

#[test]
fn numbers_that_do_not_add_up_are_not_complete() {
    for (total, items) in [(5, 3), (1, 3), (0, 3), (3, 0)] {
        let body = format!(
            r#"{{"page_size":100,"total":{total},"items":[{}]}}"#,
            joined(1..=items, key)
        );
        let site = server(|_| Ok(ok(&body)));
        let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
        assert_eq!(
            (listing.keys.len(), listing.cut),
            (items, Some(CutReason::Inconsistent)),
            "{body}"
        );
    }
    // Every page full, and a total of one.
    let site = server(|_| {
        Ok(ok(&format!(
            r#"{{"page_size":100,"total":1,"items":[{}]}}"#,
            joined(1..=100, key)
        )))
    });
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        (listing.keys.len(), listing.cut),
        (100, Some(CutReason::Inconsistent))
    );
}

#[test]
fn the_same_id_twice_is_one_key() {
    let body = format!(
        r#"{{"page_size":100,"total":3,"items":[{},{},{}]}}"#,
        key(1),
        key(2),
        key(1)
    );
    let site = server(|_| Ok(ok(&body)));
    let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
    assert_eq!(
        listing
            .keys
            .iter()
            .map(|key| key.id.0.as_str())
            .collect::<Vec<_>>(),
        ["1", "2"]
    );
    assert!(!listing.complete);
}

#[test]
fn a_page_that_fails_later_leaves_what_came_and_says_so() {
    for (failure, trouble) in [
        (
            Ok(recorded("newapi-era3/283-429-global-self")),
            SiteTrouble::RateLimited {
                until: NOW + 180_000,
            },
        ),
        (
            Ok(html(502, "<h1>Bad Gateway</h1>")),
            SiteTrouble::ServerError { status: 502 },
        ),
        (
            Ok(json(200, r#"{"success":true,"data":{"items":[{"id":1"#)),
            SiteTrouble::BadAnswer,
        ),
        (Ok(json(200, "")), SiteTrouble::BadAnswer),
        (Err(HttpError::TimedOut), SiteTrouble::TimedOut),
        (
            Err(HttpError::NotBefore(NOW + 9)),
            SiteTrouble::RateLimited { until: NOW + 9 },
        ),
        (Err(HttpError::TooLarge), SiteTrouble::AnswerTooLarge),
    ] {
        let site = server(|request| {
            if query(request, "p") == Some(1) {
                todays(250)(request)
            } else {
                failure.clone()
            }
        });
        let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
        let limited = matches!(trouble, SiteTrouble::RateLimited { .. });
        let cut = if limited {
            CutReason::Limited
        } else {
            CutReason::Failed
        };
        assert_eq!(
            (listing.keys.len(), listing.cut, listing.complete),
            (100, Some(cut), false)
        );
        assert_eq!(listing.failed.expect("the reason").trouble(), trouble);
    }
}

#[test]
fn a_first_page_that_fails_is_an_error_and_no_empty_list() {
    for (answer, trouble) in [
        (Ok(html(200, "<!doctype html>")), SiteTrouble::NotARelay),
        (Ok(json(200, "")), SiteTrouble::BadAnswer),
        (
            Ok(recorded("newapi-era2/008-self-bad-token")),
            SiteTrouble::LoginExpired,
        ),
        (Err(HttpError::Offline), SiteTrouble::Offline),
        (
            Err(HttpError::NotBefore(NOW + 9)),
            SiteTrouble::RateLimited { until: NOW + 9 },
        ),
    ] {
        let site = server(|_| answer.clone());
        assert_eq!(
            listed(&site, &place(SiteKind::NewApi))
                .expect_err("an error")
                .trouble(),
            trouble
        );
    }
    // The first array is the second page: if page 0 then fails, nothing is known.
    let site = server(|request| {
        if query(request, "p") == Some(0) {
            Err(HttpError::Cut)
        } else {
            Ok(ok("[]"))
        }
    });
    assert!(listed(&site, &place(SiteKind::NewApi)).is_err());
}

#[test]
fn work_that_is_stopped_ends_without_a_listing() {
    let site = server(|request| {
        if query(request, "p") == Some(1) {
            todays(250)(request)
        } else {
            Err(HttpError::Stopped)
        }
    });
    assert_eq!(
        listed(&site, &place(SiteKind::NewApi)).expect_err("stopped"),
        SiteError::Http(HttpError::Stopped)
    );
}

#[test]
fn a_server_that_knows_no_pages_is_read_in_one_go() {
    for total in [57, 150, 999] {
        let site = server(|_| Ok(ok(&format!("[{}]", joined(1..=total, full_key)))));
        let listing = listed(&site, &place(SiteKind::NewApi)).unwrap();
        assert!(listing.complete && listing.keys.len() == total, "{total}");
    }
}
