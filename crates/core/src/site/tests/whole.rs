//! Nothing a server sends may break the readers, and a part is never taken for the whole.

use super::*;
use crate::http::Bucket;
use crate::ports::now;
use crate::secret::{ApiKey, MaskedKey};
use crate::site::answer::{Asking, classify};
use crate::site::detect::{read_evidence, weigh};
use crate::site::inpage::{read_asked, read_made_token, read_shown_token};
use crate::site::{list_keys, read_token, reveal, status, whoami};
use proptest::prelude::*;
use relaykeep_protocol::{RemoteId, SiteTrouble};
use std::ops::ControlFlow;

#[test]
fn an_answer_cut_at_any_byte_never_yields_data() {
    for (name, kind) in [
        ("newapi-era1u/023-self-pat", SiteKind::NewApi),
        ("newapi-era1u/044-token-list-one", SiteKind::NewApi),
        ("newapi-era3/055-token-list-one", SiteKind::NewApi),
        ("newapi-era3/030-self-pat", SiteKind::NewApi),
        ("newapi-era3/134-reveal-batch-1", SiteKind::NewApi),
        ("oneapi/001-status", SiteKind::OneApi),
        ("oneapi/027-token-list-fresh-account", SiteKind::OneApi),
    ] {
        let whole = recorded(name);
        for end in 0..whole.body.len() {
            let cut = HttpResponse {
                body: whole.body[..end].to_vec(),
                ..whole.clone()
            };
            let site = server(|_| Ok(cut.clone()));
            let at = format!("{name} at {end}");
            let bad = SiteTrouble::BadAnswer;
            assert_eq!(
                now(status(&site, &clock(), &place(kind)))
                    .expect_err(&at)
                    .trouble(),
                bad,
                "{at}"
            );
            assert_eq!(
                now(whoami(&site, &clock(), &place(kind), &login()))
                    .expect_err(&at)
                    .trouble(),
                bad,
                "{at}"
            );
            assert_eq!(
                now(list_keys(&site, &clock(), &place(kind), &login(), |_| {}))
                    .expect_err(&at)
                    .trouble(),
                bad,
                "{at}"
            );
        }
    }
}

#[test]
fn a_reveal_cut_at_any_byte_hands_nothing_over() {
    let whole = recorded("newapi-era3/134-reveal-batch-1");
    let masks = [(
        RemoteId("15".to_owned()),
        MaskedKey::read("K001**********001Z").unwrap(),
    )];
    for end in 0..whole.body.len() {
        let site = server(|_| {
            Ok(HttpResponse {
                body: whole.body[..end].to_vec(),
                ..whole.clone()
            })
        });
        let end = now(reveal(
            &site,
            &clock(),
            &place(SiteKind::NewApi),
            &login(),
            &masks,
            async |_| {
                panic!("nothing came");
                #[allow(unreachable_code)]
                ControlFlow::Continue(())
            },
        ));
        assert_eq!(
            (end.left.len(), end.stopped_by.unwrap().trouble()),
            (1, SiteTrouble::BadAnswer)
        );
    }
}

#[test]
fn every_recording_is_classified_without_a_fault_and_success_is_only_what_says_so() {
    for (directory, _) in SERVERS {
        for name in recordings(directory) {
            let response = recorded(&name);
            let asking = Asking {
                bucket: Bucket::Ordinary,
                expects_auth_version: false,
                protocol: crate::site::Protocol::Family,
                now: NOW,
            };
            let says_yes = serde_json::from_slice::<Value>(&response.body)
                .is_ok_and(|body| body["success"] == true);
            let good = says_yes && (200..300).contains(&response.status);
            assert_eq!(classify(&response, &asking).is_ok(), good, "{name}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[A-Za-z0-9*]{0,60}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("id".to_owned()),
        Just("key".to_owned()),
        Just("items".to_owned()),
        Just("data".to_owned()),
        Just("total".to_owned()),
        Just("keys".to_owned()),
        Just("success".to_owned()),
        Just("message".to_owned()),
        Just("name".to_owned()),
        Just("page_size".to_owned()),
        Just("quota_per_unit".to_owned()),
        "[a-z_]{1,8}",
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_json_breaks_a_reader_and_no_mask_comes_out_as_a_key(data in any_json(), ok in any::<bool>()) {
        let body = serde_json::json!({"success": ok, "message": "", "data": data}).to_string();
        let site = server(|_| Ok(json(200, body.clone())));
        for kind in SiteKind::ALL {
            let place = place(kind);
            let _ = now(status(&site, &clock(), &place));
            let _ = now(whoami(&site, &clock(), &place, &login()));
            if let Ok(listing) = now(list_keys(&site, &clock(), &place, &login(), |_| {})) {
                prop_assert!(ok, "a refusal is no list");
                prop_assert_eq!(listing.complete, listing.cut.is_none());
                for key in listing.keys {
                    prop_assert!(key.full.is_none() || key.masked.is_none());
                    if let Some(full) = key.full {
                        prop_assert!(!MaskedKey::looks_masked(full.expose()) && full.expose().starts_with("sk-"));
                    }
                }
            }
        }
        let masks = [(RemoteId("1".to_owned()), MaskedKey::read("K0**Z").unwrap())];
        let mut handed: Vec<ApiKey> = Vec::new();
        now(reveal(&site, &clock(), &place(SiteKind::NewApi), &login(), &masks, async |got| {
            handed.extend(got.into_iter().map(|(_, key)| key));
            ControlFlow::Continue(())
        }));
        prop_assert!(handed.iter().all(|key| masks[0].1.fits(key)));
    }

    #[test]
    fn no_bytes_break_a_reader(body in prop::collection::vec(any::<u8>(), 0..200), code in 100_u16..600) {
        let response = HttpResponse { status: code, headers: Vec::new(), body };
        let asking = Asking { bucket: Bucket::Critical, expects_auth_version: true, protocol: crate::site::Protocol::Family, now: NOW };
        let _ = classify(&response, &asking);
        let site = server(|_| Ok(response.clone()));
        let _ = now(list_keys(&site, &clock(), &place(SiteKind::NewApi), &login(), |_| {}));
    }

    #[test]
    fn no_report_from_a_page_breaks_its_reader(text in any_json().prop_map(|value| value.to_string())) {
        let _ = read_asked(&text);
        let _ = read_shown_token(&text);
        let _ = read_made_token(&text);
        if let Some(evidence) = read_evidence(&text) {
            let _ = weigh(Some(&evidence), &[]);
        }
    }

    #[test]
    fn no_address_breaks_its_reader_and_what_is_read_reads_the_same_again(typed in ".{0,60}") {
        if let Ok(base) = BaseUrl::parse(&typed) {
            prop_assert!(base.origin().starts_with("http"));
            prop_assert!(!base.as_str().ends_with('/'));
            prop_assert_eq!(BaseUrl::parse(base.as_str()).expect("an address"), base);
        }
        let _ = read_token(&typed);
    }

    #[test]
    fn a_full_key_fits_its_own_mask_and_no_others(key in "[A-Za-z0-9]{48}", other in "[A-Za-z0-9]{48}") {
        prop_assume!(key[..4] != other[..4]);
        let mask = MaskedKey::read(&format!("{}**********{}", &key[..4], &key[44..])).unwrap();
        let own = ApiKey::read(&format!("sk-{key}")).unwrap();
        let others = ApiKey::read(&format!("sk-{other}")).unwrap();
        prop_assert!(mask.fits(&own));
        prop_assert!(!mask.fits(&others));
    }
}
