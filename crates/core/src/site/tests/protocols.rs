//! Readers of protocols of their own on what their servers sent.

use super::super::answer::{Asking, classify};
use super::super::key::read_key;
use super::super::protocol::{self, Protocol};
use super::super::values::{differing, meter_of, replace_body};
use crate::form::check_patch;
use crate::http::{Bucket, HttpResponse};
use crate::secret::Secret;
use crate::site::{Place, SiteError, abilities, limited_until, values_of};
use relaykeep_protocol::{FieldProblem, KeyField, KeyPatch, Quota, SiteKind, SiteTrouble};
use serde_json::Value;

fn recorded(name: &str) -> HttpResponse {
    let path = format!(
        "{}/../../tests/fixtures/sites/sub2api/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let whole: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON");
    let response = &whole["response"];
    let body = match &response["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        body @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            body.to_string().into_bytes()
        }
    };
    let headers = response["headers"].as_object().into_iter().flatten();
    HttpResponse {
        status: u16::try_from(response["status"].as_u64().expect("a status")).expect("a status"),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or("").to_owned()))
            .collect(),
        body,
    }
}

fn asking() -> Asking {
    Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: false,
        protocol: Protocol::Sub2Api,
        now: 1_000_000,
    }
}

fn trouble(name: &str) -> Option<SiteTrouble> {
    classify(&recorded(name), &asking())
        .err()
        .map(|error| error.trouble())
}

#[test]
fn sub2apis_refusals_are_told_apart() {
    for (name, want) in [
        ("11-me-unauth", SiteTrouble::LoginExpired),
        ("15-me-bad-token", SiteTrouble::LoginExpired),
        ("171-refresh-reuse", SiteTrouble::LoginExpired),
        ("195-me-expired-token", SiteTrouble::LoginExpired),
        ("189-disabled-user-me", SiteTrouble::UserDisabled),
        ("190-disabled-user-login", SiteTrouble::UserDisabled),
        ("187-backend-mode-keys", SiteTrouble::Refused),
        ("63-put-group-exclusive", SiteTrouble::Refused),
        (
            "72-create-name-101",
            SiteTrouble::ServerError { status: 500 },
        ),
        ("86-create-idempotent-other-body", SiteTrouble::BadAnswer),
        (
            "88-create-idempotent-after-failed",
            SiteTrouble::RateLimited { until: 1_004_000 },
        ),
        (
            "198-limit-user",
            SiteTrouble::RateLimited { until: 1_060_000 },
        ),
        (
            "202-limit-bad-keys",
            SiteTrouble::RateLimited { until: 1_060_000 },
        ),
        ("06-unknown-api", SiteTrouble::Absent),
    ] {
        assert_eq!(trouble(name), Some(want), "{name}");
    }
    let gone = classify(&recorded("48-get-unknown"), &asking()).err();
    assert!(matches!(gone, Some(SiteError::Trouble(_, Some(said))) if said == "api key not found"));
}

#[test]
fn a_keys_own_limit_is_no_limit_of_the_address() {
    for (body, limits) in [
        (
            "{\"code\":\"API_KEY_QUOTA_EXHAUSTED\",\"message\":\"x\"}",
            false,
        ),
        ("{\"code\": \"API_KEY_RATE_5H_EXCEEDED\"}", false),
        ("{\"code\":\"API_KEY_RATE_LIMITED\"}", true),
        ("{\"code\":\"RATE_LIMITED\"}", true),
        ("", true),
    ] {
        let response = HttpResponse {
            status: 429,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        };
        let until = limited_until(&response, Bucket::Ordinary, 0);
        assert_eq!(until.is_some(), limits, "{body}");
    }
}

fn key(name: &str) -> (crate::site::RemoteKey, Secret) {
    let response = recorded(name);
    let answer = classify(&response, &asking()).expect("yes");
    let key = read_key(answer.data.expect("data")).expect("a key");
    let raw = key.raw.clone();
    (key, raw)
}

#[test]
fn a_key_of_sub2api_is_read_whole() {
    let (key, raw) = key("47-get-one");
    assert_eq!(protocol::of_text(raw.expose()), Protocol::Sub2Api); // its own object
    assert_eq!(key.row.name, "全部限制 & <key>");
    assert_eq!(key.row.group, "openai-main");
    assert!(key.full.is_some_and(|key| key.expose().starts_with("sk-"))); // as recorded, a dummy
    let values = values_of(&raw);
    assert_eq!(values.quota, Quota::Limited(1_250_000_000));
    assert_eq!(values.expires, Some(1_797_829_110));
    assert_eq!(values.addresses, ["127.0.0.1", "10.0.0.0/8"]);
    assert_eq!(values.denied, ["192.0.2.1"]);
    assert_eq!(values.windows, [150_000_000, 500_000_000, 2_000_000_000]);
    assert!(values.enabled);
}

#[test]
fn the_states_and_amounts_of_sub2api_are_ours() {
    let (_, raw) = key("132-get-exhausted");
    let meter = meter_of(&raw);
    assert_eq!(
        (meter.status, meter.remaining, meter.used),
        (4, Some(5_000 - 12_960), Some(12_960))
    );
    let (_, raw) = key("52-put-status-inactive");
    assert!(!values_of(&raw).enabled);
    let (key, _) = key("82-create-custom");
    // One's own choice is the whole key.
    assert_eq!(
        key.full.map(|key| key.expose().to_owned()).as_deref(),
        Some("du-mmykey-dum-0300300300")
    ); // a dummy
}

#[test]
fn a_change_of_sub2api_sends_what_changes_and_nothing_else() {
    let (_, raw) = key("47-get-one");
    let patch = KeyPatch {
        quota: Some(Quota::Limited(100)),
        ..KeyPatch::default()
    };
    let body = replace_body(SiteKind::Sub2Api, &raw, &patch, None);
    assert_eq!(&**body, "{\"quota\":0.000001}");
    let (_, raw) = key("132-get-exhausted");
    let body = replace_body(SiteKind::Sub2Api, &raw, &patch, None);
    // The limit counts from the first day: what is spent stays spent.
    assert_eq!(&**body, "{\"quota\":0.0001306}");
    let moved = KeyPatch {
        name: Some("a & b".to_owned()),
        group: Some("claude-main".to_owned()),
        ..KeyPatch::default()
    };
    let body = replace_body(SiteKind::Sub2Api, &raw, &moved, Some("3"));
    assert_eq!(&**body, "{\"name\":\"a & b\",\"group_id\":3}");
}

#[test]
fn a_name_is_counted_as_the_site_stores_it() {
    let base = crate::site::BaseUrl::parse("https://relay.example").expect("an address");
    let can = abilities(&Place::new(SiteKind::Sub2Api, base));
    let named = |name: String| {
        let patch = KeyPatch {
            name: Some(name),
            ..KeyPatch::default()
        };
        check_patch(&patch, &can)
    };
    assert_eq!(named("n".repeat(100)), Ok(()));
    assert_eq!(named("&".repeat(20)), Ok(()));
    let long = FieldProblem::TooLong {
        most: 100,
        has: 105,
    };
    assert_eq!(named("&".repeat(21)), Err((KeyField::Name, long)));
    let nothing = KeyPatch {
        quota: Some(Quota::Limited(0)),
        ..KeyPatch::default()
    };
    assert_eq!(
        check_patch(&nothing, &can),
        Err((KeyField::Quota, FieldProblem::NotOffered))
    );
}

#[test]
fn a_key_of_openrouter_is_read_and_its_limit_counts_from_its_reset() {
    let raw = "{\"hash\":\"f01d52606dc8f0a8\",\"name\":\"n\",\"label\":\"sk-or-v1-0e6...1c96\",\
        \"disabled\":true,\"limit\":10,\"limit_remaining\":7.5,\"limit_reset\":\"monthly\",\
        \"usage\":25.5,\"created_at\":\"2025-08-24T10:30:00Z\",\"expires_at\":null}";
    let secret = Secret::new(raw.to_owned());
    let key = crate::site::read_raw(raw).expect("a key");
    assert_eq!((key.row.status, key.row.used), (2, Some(2_550_000_000)));
    assert!(key.masked.is_some() && key.full.is_none());
    assert_eq!(values_of(&secret).quota, Quota::Limited(750_000_000));
    let more = KeyPatch {
        quota: Some(Quota::Limited(900_000_000)),
        enabled: Some(true),
        ..KeyPatch::default()
    };
    // 2.5 of this month's are spent.
    let body = replace_body(SiteKind::OpenRouter, &secret, &more, None);
    assert_eq!(&**body, "{\"limit\":11.5}");
    assert!(differing(&values_of(&secret), &values_of(&secret)).is_empty());
}
