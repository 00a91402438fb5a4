//! Faults do what they say, where and as often as they say.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::{Duration, Instant};

use common::{Sim, send};
use serde_json::{Value, json};

const LIST: &str = "/api/token/?p=1&page_size=5";

fn ids(body: &Value) -> Vec<i64> {
    body["data"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_rule_strikes_its_path_its_method_and_its_number_of_times() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    sim.control("fault", &json!({"fault": "status", "status": 503, "path": "/api/token/*", "method": "GET", "skip": 1, "count": 2}));
    let seen: Vec<u16> = (0..4).map(|_| sim.mine(LIST).status).collect();
    assert_eq!(seen, [200, 503, 503, 200]);
    assert_eq!(sim.mine("/api/user/self").status, 200);
}

#[test]
fn an_answer_can_be_lost_after_the_work_was_done() {
    let sim = Sim::start(&["kind=newapi-jwt,keys=0"]);
    let count = || sim.mine(LIST).json()["data"]["total"].clone();
    let create = || {
        sim.post(
            "/api/token/",
            &[("Authorization", &sim.token)],
            &json!({"name": "once"}),
        )
    };
    sim.control("fault", &json!({"fault": "status", "status": 502, "path": "/api/token/", "method": "POST", "count": 1, "after": true}));
    assert_eq!((create().status, count()), (502, json!(1)));
    sim.control("fault", &json!({"fault": "status", "status": 502, "path": "/api/token/", "method": "POST", "count": 1}));
    assert_eq!(
        (create().status, count()),
        (502, json!(1)),
        "refused before the work"
    );
}

#[test]
fn bodies_are_cut_slowed_swollen_and_delayed() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    sim.control("fault", &json!({"fault": "cut_body", "at": 20, "count": 1}));
    let got = sim.mine(LIST);
    let announced: usize = got.header("content-length").unwrap().parse().unwrap();
    assert_eq!(got.body.len(), 20);
    assert!(announced > 20);
    sim.control("fault", &json!({"fault": "latency", "ms": 300, "count": 1}));
    let from = Instant::now();
    assert_eq!(sim.mine(LIST).status, 200);
    assert!(from.elapsed() >= Duration::from_millis(300));
    sim.control(
        "fault",
        &json!({"fault": "slow_loris", "ms_per_byte": 5, "count": 1, "path": "/api/user/aff"}),
    );
    let from = Instant::now();
    assert_eq!(sim.mine("/api/user/aff").json()["success"], true);
    assert!(from.elapsed() >= Duration::from_millis(100));
    sim.control("fault", &json!({"fault": "huge_body", "count": 1}));
    let got = sim.mine(LIST);
    assert!(got.body.len() > 10 << 20);
    assert_eq!(got.json()["success"], true);
}

#[test]
fn answers_are_replaced() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    let with = |rule: Value| {
        sim.control("clear-faults", &json!({}));
        sim.control("fault", &rule);
        sim.mine(LIST)
    };
    let got = with(json!({"fault": "challenge"}));
    assert_eq!(
        (got.status, got.header("cf-mitigated")),
        (403, Some("challenge"))
    );
    let got = with(json!({"fault": "challenge", "variant": "cloudflare503"}));
    assert_eq!(got.status, 503);
    let got = with(json!({"fault": "challenge", "variant": "acw"}));
    assert!(got.status == 200 && String::from_utf8(got.body).unwrap().contains("acw_sc__v2"));
    for status in [301, 302, 303, 307, 308] {
        let got =
            with(json!({"fault": "redirect", "status": status, "to": "http://127.0.0.1:9/x"}));
        assert_eq!(
            (got.status, got.header("location")),
            (status, Some("http://127.0.0.1:9/x"))
        );
    }
    assert_eq!(with(json!({"fault": "wrong_json"})).json(), Value::Null);
    assert!(with(json!({"fault": "empty_200"})).body.is_empty());
    let got = with(json!({"fault": "limit", "retry_after": 7}));
    assert_eq!((got.status, got.header("retry-after")), (429, Some("7")));
    let got = with(json!({"fault": "answer", "status": 418, "body": {"a": 1}}));
    assert_eq!((got.status, got.json()), (418, json!({"a": 1})));
    let got = with(json!({"fault": "merge", "with": {"data": {"items": {"status": 9}}}}));
    assert_eq!(got.json()["data"]["items"][4]["status"], 9);
}

#[test]
fn lists_misbehave() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    let page = |p: u32| sim.mine(&format!("/api/token/?p={p}&page_size=5")).json();
    let with = |rule: Value| {
        sim.control("clear-faults", &json!({}));
        sim.control("fault", &rule);
    };
    assert_eq!(ids(&page(2)), [9, 8, 7, 6, 5]);
    with(json!({"fault": "same_page"}));
    assert_eq!(ids(&page(2)), ids(&page(1)));
    with(json!({"fault": "shrinking_list"}));
    let (first, second) = (page(1), page(2));
    assert_eq!(
        (ids(&first)[4], ids(&second)[0]),
        (10, 8),
        "key 9 slipped between two pages"
    );
    with(json!({"fault": "endless_list"}));
    let far = page(500);
    assert_eq!(
        (ids(&far).len(), far["data"]["total"].as_i64()),
        (5, Some(1))
    );
    assert!(ids(&page(501)).iter().all(|id| !ids(&far).contains(id)));
    with(json!({"fault": "duplicate_ids"}));
    assert!(ids(&page(2)).contains(&10));
}

#[test]
fn the_log_shows_what_came_and_which_secrets_were_in_it() {
    let sim = Sim::start(&["kind=newapi-jwt", "kind=catcher"]);
    sim.control("reset-log", &json!({}));
    sim.get("/api/status", &[]);
    sim.mine("/api/user/self?x=1");
    let log = sim.read_control("log");
    let rows = log.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (
            rows[0]["carriesCredential"].clone(),
            rows[0]["secrets"].clone()
        ),
        (json!(false), json!([]))
    );
    assert_eq!(
        (rows[1]["path"].as_str(), rows[1]["query"].as_str()),
        (Some("/api/user/self"), Some("x=1"))
    );
    assert_eq!(rows[1]["secrets"], json!(["accessToken:alice"]));
    assert!(
        !log.to_string().contains(&sim.token),
        "hashed unless asked for raw"
    );
    assert!(
        sim.read_control("log?raw=1")
            .to_string()
            .contains(&sim.token)
    );
    let catcher = sim.all[1]["base"].as_str().unwrap();
    assert_eq!(
        send(catcher, "DELETE", "/any/where", &[("X-Api-Key", "k")], b"").status,
        200
    );
    let log = send(
        sim.all[1]["control"].as_str().unwrap(),
        "GET",
        "/log",
        &[],
        b"",
    )
    .json();
    assert_eq!(
        (
            log[0]["method"].as_str(),
            log[0]["carriesCredential"].as_bool()
        ),
        (Some("DELETE"), Some(true))
    );
}

#[test]
fn an_upgrade_in_place_keeps_tokens_and_keys() {
    let sim = Sim::start(&["kind=newapi-2025-04"]);
    let full = sim.mine("/api/token/?p=0&size=100").json()["data"][0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    sim.control("kind", &json!({"kind": "newapi-jwt"}));
    let row = sim.mine("/api/token/?p=1").json()["data"]["items"][0].clone();
    assert_eq!(
        row["key"],
        json!(format!("{}**********{}", &full[..4], &full[44..]))
    );
    let shown = sim.post(
        "/api/token/batch/keys",
        &[("Authorization", &sim.token)],
        &json!({"ids": [row["id"]]}),
    );
    assert_eq!(
        shown.json()["data"]["keys"][row["id"].to_string()],
        json!(full)
    );
}

#[test]
fn the_operator_can_change_everything_behind_the_visitors_back() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    let new = sim.control("pat", &json!({"user": "alice"}))["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        sim.mine("/api/user/self").json()["code"],
        "AUTH_UNAUTHORIZED"
    );
    let mine = |path: &str| sim.get(path, &[("Authorization", &new)]).json();
    sim.control(
        "user",
        &json!({"user": "alice", "group": "svip", "quota": -5}),
    );
    assert_eq!(mine("/api/user/self")["data"]["quota"], -5);
    sim.control("keys", &json!({"delete": [1], "rekey": [2], "update": [{"id": 3, "name": "renamed", "odd": {"status": 99, "remain_quota": 18446744073709551615_u64}}], "add": [{"name": "added"}]}));
    let all = mine("/api/token/?p=1&page_size=100");
    let by = |id: i64| {
        all["data"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == id)
            .cloned()
    };
    assert_eq!(by(1), None);
    assert_eq!(by(3).unwrap()["status"], 99);
    let names = all["data"]["items"].to_string();
    assert!(
        names.contains("\"added\""),
        "a key made elsewhere is listed"
    );
    sim.control("options", &json!({"usable_groups": {"default": "d"}}));
    assert_eq!(
        mine("/api/user/self/groups")["data"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
    sim.control("user", &json!({"user": "alice", "status": 2}));
    assert_eq!(mine("/api/user/self")["code"], "AUTH_USER_DISABLED");
}

#[test]
fn other_sites_look_as_they_should() {
    let sim = Sim::start(&[
        "kind=lookalike",
        "kind=plain",
        "kind=html-everything",
        "kind=oneapi,path=/sub",
    ]);
    assert_eq!(sim.get("/api/status", &[]).json()["success"], true);
    assert!(
        sim.get("/api/status", &[]).json()["data"]
            .get("quota_per_unit")
            .is_none()
    );
    let base = |n: usize| sim.all[n]["base"].as_str().unwrap();
    assert_eq!(send(base(1), "GET", "/api/status", &[], b"").status, 404);
    assert_eq!(
        send(base(2), "GET", "/api/status", &[], b"").header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(base(3).ends_with("/sub"));
    assert_eq!(
        send(base(3), "GET", "/api/status", &[], b"").json()["data"]["system_name"],
        "One API"
    );
    let origin = sim.all[3]["origin"].as_str().unwrap();
    assert_eq!(send(origin, "GET", "/api/status", &[], b"").status, 404);
}

#[test]
fn a_shield_lets_through_who_visited_a_page_and_nobody_else() {
    let sim = Sim::start(&["kind=newapi-jwt"]);
    sim.control(
        "fault",
        &json!({"fault": "challenge", "until_visited": "cf_clearance"}),
    );
    let status = |headers: &[(&str, &str)]| sim.get("/api/status", headers).status;
    assert_eq!(status(&[]), 403);
    // A request of a program is given nothing to pass with.
    let refused = sim.get("/api/status", &[("Accept", "application/json")]);
    assert_eq!(refused.header("set-cookie"), None);
    let visit = sim.get("/", &[("Accept", "text/html,application/xhtml+xml")]);
    assert_eq!((visit.status, visit.header("refresh")), (403, Some("0")));
    let cookie = visit.header("set-cookie").unwrap();
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(pair, "cf_clearance=passed");
    assert_eq!(status(&[("Cookie", pair)]), 200);
    assert_eq!(status(&[("Cookie", "other=passed")]), 403);
    assert_eq!(status(&[]), 403, "it stands for all others");
}
