//! What the life of a key needs of the sites: rows as stored, groups that come and go, a second
//! proof, spending, logs, and requests that get lost on the way there or back.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{Got, Sim, send, try_send};
use serde_json::{Value, json};

const KINDS: [&str; 4] = ["newapi-2025-04", "newapi-cookie", "newapi-jwt", "oneapi"];
const MASKED: [&str; 2] = ["newapi-cookie", "newapi-jwt"];

fn start(kind: &str, keys: usize) -> Sim {
    Sim::start(&[&format!("kind={kind},keys={keys},limits=off")])
}

/// A request as the demo user.
fn call(sim: &Sim, method: &str, path: &str, body: &Value) -> Got {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let headers = [
        ("Authorization", sim.token.as_str()),
        ("New-Api-User", "2"),
        ("Accept-Language", "en"),
    ];
    send(&sim.base, method, path, &headers, body.as_bytes())
}

fn with_key(sim: &Sim, path: &str, key: &str) -> Got {
    sim.get(path, &[("Authorization", &format!("Bearer sk-{key}"))])
}

fn rows(sim: &Sim) -> Vec<Value> {
    let rows = sim.read_control("rows?user=alice");
    rows.as_array().unwrap().clone()
}

fn newest(sim: &Sim) -> Value {
    rows(sim)
        .into_iter()
        .max_by_key(|row| row["id"].as_i64())
        .unwrap()
}

fn update(sim: &Sim, id: &Value, mut columns: Value) {
    columns["id"] = id.clone();
    sim.control("keys", &json!({"update": [columns]}));
}

#[test]
fn rows_are_told_whole_and_with_the_columns_of_the_build() {
    for kind in KINDS {
        let sim = start(kind, 2);
        sim.control("options", &json!({"extra_field": "model_blacklist"}));
        let row = newest(&sim);
        update(
            &sim,
            &row["id"],
            json!({"extra": {"a": [1]}, "name": "told"}),
        );
        let row = newest(&sim);
        assert_eq!(row["key"].as_str().unwrap().len(), 48, "{kind}");
        assert_eq!(
            (&row["name"], &row["model_blacklist"]),
            (&json!("told"), &json!({"a": [1]})),
            "{kind}"
        );
        let has = |name: &str| row.get(name).is_some();
        assert_eq!(has("subnet"), kind == "oneapi", "{kind}");
        assert_eq!(has("group"), kind != "oneapi", "{kind}");
        assert_eq!(has("cross_group_retry"), MASKED.contains(&kind), "{kind}");
        assert_eq!(has("auto_groups"), kind == "newapi-jwt", "{kind}");
        assert!(rows(&sim).iter().all(|row| row["user_id"] == 2), "{kind}");
        // The list shows the column too, and a key that is masked there stays masked.
        let id = row["id"].to_string();
        let read = call(&sim, "GET", &format!("/api/token/{id}"), &Value::Null).json();
        assert_eq!(read["data"]["model_blacklist"], json!({"a": [1]}), "{kind}");
        let masked = read["data"]["key"].as_str().unwrap().contains('*');
        assert_eq!(masked, MASKED.contains(&kind), "{kind}");
    }
}

#[test]
fn a_column_only_this_site_has_is_wiped_by_a_body_without_it() {
    for kind in KINDS {
        let sim = start(kind, 1);
        sim.control("options", &json!({"extra_field": "device"}));
        let id = newest(&sim)["id"].clone();
        update(&sim, &id, json!({"extra": "phone"}));
        let mut body =
            call(&sim, "GET", &format!("/api/token/{id}"), &Value::Null).json()["data"].clone();
        body["name"] = json!("kept");
        assert_eq!(
            call(&sim, "PUT", "/api/token/", &body).json()["success"],
            true,
            "{kind}"
        );
        assert_eq!(newest(&sim)["device"], "phone", "{kind}");
        let status = json!({"id": id, "status": 2});
        call(&sim, "PUT", "/api/token/?status_only=true", &status);
        assert_eq!(newest(&sim)["device"], "phone", "{kind}");
        body.as_object_mut().unwrap().remove("device");
        call(&sim, "PUT", "/api/token/", &body);
        assert_eq!(newest(&sim)["device"], Value::Null, "{kind}");
    }
}

#[test]
fn writes_are_counted_by_route_and_by_what_became_of_them() {
    let sim = start("newapi-jwt", 1);
    let id = newest(&sim)["id"].clone();
    sim.control("reset-log", &json!({}));
    call(&sim, "POST", "/api/token/", &json!({"name": "one"}));
    call(
        &sim,
        "POST",
        "/api/token/",
        &json!({"name": "x".repeat(51)}),
    );
    sim.control(
        "fault",
        &json!({"fault": "status", "method": "POST", "count": 1}),
    );
    call(&sim, "POST", "/api/token/", &json!({"name": "never"}));
    sim.control(
        "fault",
        &json!({"fault": "status", "method": "POST", "count": 1, "after": true}),
    );
    call(&sim, "POST", "/api/token/", &json!({"name": "unheard"}));
    call(
        &sim,
        "PUT",
        "/api/token/?status_only=true",
        &json!({"id": id, "status": 2}),
    );
    call(&sim, "POST", &format!("/api/token/{id}/key"), &Value::Null);
    call(&sim, "GET", "/api/token/", &Value::Null);
    call(&sim, "DELETE", &format!("/api/token/{id}"), &Value::Null);
    let counted = sim.read_control("writes");
    let count = |route: &str| counted["routes"][route].clone();
    assert_eq!(
        count("POST /api/token/"),
        json!({"requests": 4, "carriedOut": 3, "succeeded": 2})
    );
    assert_eq!(count("PUT /api/token/?status_only")["succeeded"], 1);
    assert_eq!(count("DELETE /api/token/:id")["succeeded"], 1);
    assert_eq!(
        (counted["requests"].clone(), counted["succeeded"].clone()),
        (json!(6), json!(4))
    );
}

#[test]
fn a_dropped_request_has_no_answer_and_was_or_was_not_carried_out() {
    for (after, made) in [(false, 0), (true, 1)] {
        let sim = start("newapi-cookie", 0);
        sim.control("fault", &json!({"fault": "drop", "path": "/api/token/", "method": "POST", "count": 1, "after": after}));
        let headers = [("Authorization", sim.token.as_str()), ("New-Api-User", "2")];
        let body = b"{\"name\":\"lost\"}";
        let got = try_send(&sim.base, "POST", "/api/token/", &headers, body);
        assert!(got.is_none(), "there is no head to read");
        assert_eq!(rows(&sim).len(), made);
        assert_eq!(
            call(&sim, "GET", "/api/token/", &Value::Null).status,
            200,
            "the next one is served"
        );
    }
}

#[test]
fn a_silent_request_is_carried_out_only_if_told() {
    for (after, made) in [(false, 0), (true, 1)] {
        let sim = start("newapi-jwt", 0);
        sim.control(
            "fault",
            &json!({"fault": "hang", "method": "POST", "count": 1, "after": after}),
        );
        let base = sim.base.clone();
        let token = sim.token.clone();
        // Nobody waits for it to end.
        std::thread::spawn(move || {
            try_send(
                &base,
                "POST",
                "/api/token/",
                &[("Authorization", &token)],
                b"{\"name\":\"x\"}",
            )
        });
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(rows(&sim).len(), made);
    }
}

#[test]
fn a_held_request_goes_on_when_it_is_let_go_even_if_its_sender_is_dead() {
    use std::io::Write as _;
    for after in [false, true] {
        let sim = start("newapi-2025-04", 0);
        let rule = json!({"fault": "hold", "path": "/api/token/", "method": "POST", "count": 1, "after": after});
        let id = sim.control("fault", &rule)["id"].clone();
        let host = sim.base.strip_prefix("http://").unwrap();
        let mut wire = std::net::TcpStream::connect(host).unwrap();
        let body = "{\"name\":\"late\"}";
        write!(
            wire,
            "POST /api/token/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nNew-Api-User: 2\r\nContent-Length: {}\r\n\r\n{body}",
            sim.token,
            body.len()
        )
        .unwrap();
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(rows(&sim).len(), usize::from(after), "before it is let go");
        drop(wire);
        std::thread::sleep(Duration::from_millis(150));
        sim.control("clear-faults", &json!({"id": id}));
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(rows(&sim).len(), 1, "it was sent, so it is carried out");
    }
}

#[test]
fn a_second_proof_holds_for_five_minutes() {
    for kind in MASKED {
        let sim = start(kind, 1);
        let id = newest(&sim)["id"].clone();
        sim.control("options", &json!({"step_up": "user"}));
        let create = || call(&sim, "POST", "/api/token/", &json!({"name": "proven"}));
        let reveal = || call(&sim, "POST", &format!("/api/token/{id}/key"), &Value::Null);
        let many = || call(&sim, "POST", "/api/token/batch/keys", &json!({"ids": [id]}));
        for got in [create(), reveal(), many()] {
            assert_eq!(
                (got.status, &got.json()["code"]),
                (403, &json!("VERIFICATION_REQUIRED")),
                "{kind}"
            );
        }
        // Changing and deleting need none.
        let status = json!({"id": id, "status": 2});
        assert_eq!(
            call(&sim, "PUT", "/api/token/?status_only=true", &status).json()["success"],
            true
        );
        assert_eq!(
            sim.get("/console/token", &[]).status,
            200,
            "the user visits the site"
        );
        for got in [create(), reveal(), many()] {
            assert_eq!(got.json()["success"], true, "{kind}");
        }
        sim.control("proof", &json!({"ago": 300}));
        assert_eq!(create().json()["code"], "VERIFICATION_EXPIRED", "{kind}");
        assert_eq!(create().json()["code"], "VERIFICATION_REQUIRED", "{kind}");
        sim.control("options", &json!({"step_up": "off"}));
        assert_eq!(create().json()["success"], true, "{kind}");
    }
}

#[test]
fn a_proof_in_the_session_never_lets_an_access_token_through() {
    let sim = start("newapi-cookie", 0);
    sim.control("options", &json!({"step_up": "session"}));
    sim.get("/", &[]);
    let create = |headers: &[(&str, &str)]| sim.post("/api/token/", headers, &json!({"name": "x"}));
    let got = create(&[("Authorization", &sim.token), ("New-Api-User", "2")]);
    assert_eq!(got.json()["code"], "VERIFICATION_REQUIRED");
    let login = sim.login("alice", "alice-pass-123");
    let cookie = login
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let got = create(&[("Cookie", &cookie), ("New-Api-User", "2")]);
    assert_eq!(got.json()["success"], true);
}

#[test]
fn a_refused_proof_costs_a_unit_of_the_narrow_limit() {
    let sim = Sim::start(&["kind=newapi-cookie,keys=0"]);
    sim.control("options", &json!({"step_up": "user"}));
    let seen: Vec<u16> = (0..21)
        .map(|_| call(&sim, "POST", "/api/token/", &json!({"name": "x"})).status)
        .collect();
    assert_eq!(seen[..20], [403; 20]);
    assert_eq!(seen[20], 429);
}

#[test]
fn groups_come_and_go() {
    for kind in ["newapi-2025-04", "newapi-cookie", "newapi-jwt"] {
        let sim = start(kind, 3);
        let groups =
            || call(&sim, "GET", "/api/user/self/groups", &Value::Null).json()["data"].clone();
        let names = |groups: &Value| {
            groups
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&groups()), ["default", "vip"], "{kind}");
        sim.control(
            "options",
            &json!({"add_group": {"name": "night", "about": "at night", "ratio": 0.3}}),
        );
        assert_eq!(
            groups()["night"],
            json!({"desc": "at night", "ratio": 0.3}),
            "{kind}"
        );
        let key = rows(&sim)
            .into_iter()
            .find(|row| row["group"] == "vip")
            .unwrap();
        let secret = key["key"].as_str().unwrap().to_owned();
        assert_eq!(with_key(&sim, "/v1/models", &secret).status, 200, "{kind}");
        sim.control("options", &json!({"remove_group": "vip"}));
        assert_eq!(names(&groups()), ["default", "night"], "{kind}");
        let refused = with_key(&sim, "/v1/models", &secret);
        if kind == "newapi-2025-04" {
            // The list looks at no group, the call does.
            assert_eq!(
                (refused.status, refused.json()["data"].clone()),
                (200, json!([])),
                "{kind}"
            );
        } else {
            assert_eq!(refused.status, 403, "{kind}");
        }
        // The row itself is as it was.
        let same = rows(&sim)
            .into_iter()
            .find(|row| row["id"] == key["id"])
            .unwrap();
        assert_eq!(same, key, "{kind}");
        // Usable, but without a ratio: given up.
        sim.control(
            "options",
            &json!({"usable_groups": {"default": "d", "odd": "no ratio"}}),
        );
        assert_eq!(names(&groups()), ["default"], "{kind}");
    }
}

#[test]
fn auto_is_a_group_of_the_masked_builds() {
    for kind in KINDS {
        let sim = start(kind, 0);
        sim.control(
            "options",
            &json!({"usable_groups": {"default": "d", "vip": "v", "auto": "by itself"}}),
        );
        let groups = call(&sim, "GET", "/api/user/self/groups", &Value::Null);
        let auto = groups.json()["data"].get("auto").cloned();
        let want = json!({"ratio": "自动", "desc": "by itself"});
        assert_eq!(auto, MASKED.contains(&kind).then_some(want), "{kind}");
        let list = call(&sim, "GET", "/api/token/auto-groups", &Value::Null).json();
        if kind == "newapi-jwt" {
            assert_eq!(
                list["data"],
                json!({"groups": ["default", "vip"], "max_count": 5})
            );
        } else {
            // No such route: the word falls into `/:id`.
            assert!(
                list["message"].as_str().unwrap().contains("strconv.Atoi"),
                "{kind}: {list}"
            );
        }
    }
}

#[test]
fn the_groups_of_auto_are_checked_and_kept() {
    let sim = start("newapi-jwt", 0);
    sim.control(
        "options",
        &json!({"usable_groups": {"default": "d", "vip": "v", "auto": "a"}, "max_auto_groups": 2}),
    );
    let create = |groups: Value| {
        let body = json!({"name": "a", "group": "auto", "auto_groups": groups});
        call(&sim, "POST", "/api/token/", &body).message()
    };
    assert_eq!(
        create(json!(["vip", "vip"])),
        "Auto group vip is duplicated"
    );
    assert_eq!(
        create(json!(["svip"])),
        "Auto group svip is unavailable or unauthorized"
    );
    assert_eq!(
        create(json!(["auto"])),
        "Auto group auto is unavailable or unauthorized"
    );
    assert_eq!(
        create(json!(["a", "b", "c"])),
        "A token can select at most 2 Auto groups"
    );
    assert!(create(json!("vip")).starts_with("json: cannot unmarshal string"));
    assert_eq!(rows(&sim).len(), 0);
    assert_eq!(create(json!(["vip", "default"])), "");
    let id = newest(&sim)["id"].clone();
    let put = |body: Value| {
        call(&sim, "PUT", "/api/token/", &body).json();
        newest(&sim)["auto_groups"].clone()
    };
    assert_eq!(
        put(json!({"id": id, "name": "b", "group": "auto"})),
        json!(["vip", "default"]),
        "absent: kept"
    );
    assert_eq!(
        put(json!({"id": id, "name": "b", "group": "auto", "auto_groups": []})),
        Value::Null
    );
    put(json!({"id": id, "name": "b", "group": "auto", "auto_groups": ["vip"]}));
    assert_eq!(
        put(json!({"id": id, "name": "b", "group": "vip", "auto_groups": ["vip"]})),
        Value::Null
    );
}

#[test]
fn spending_moves_what_is_left_what_is_used_and_the_log() {
    for kind in KINDS {
        let sim = start(kind, 2);
        let before = newest(&sim);
        let id = before["id"].clone();
        let name = before["name"].as_str().unwrap();
        sim.control(
            "spend",
            &json!({"id": id, "quota": 100, "model": "gpt-4o", "ago": 86_400, "count": 12}),
        );
        sim.control("spend", &json!({"id": id, "quota": 7}));
        let after = newest(&sim);
        let moved =
            |column: &str| after[column].as_i64().unwrap() - before[column].as_i64().unwrap();
        assert_eq!(
            (moved("remain_quota"), moved("used_quota")),
            (-1_207, 1_207),
            "{kind}"
        );

        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let now = sim.read_control("state")["now"].as_i64().unwrap();
        let log = |query: &str| {
            let path = format!("/api/log/self?type=2&token_name={encoded}&{query}");
            call(&sim, "GET", &path, &Value::Null).json()["data"].clone()
        };
        let yesterday = format!(
            "start_timestamp={}&end_timestamp={}",
            now - 90_000,
            now - 80_000
        );
        if kind == "oneapi" {
            // From 0, ten a page, a bare list whose rows have no number.
            let page = |n: usize| log(&format!("p={n}")).as_array().unwrap().len();
            assert_eq!([page(0), page(1), page(2)], [10, 3, 0]);
            assert_eq!(
                log(&format!("p=1&{yesterday}")).as_array().unwrap().len(),
                2
            );
            let row = log("p=0")[0].clone();
            assert_eq!((&row["id"], row.get("token_id")), (&json!(0), None));
            continue;
        }
        let page = log("p=1&page_size=100");
        assert_eq!(
            (&page["total"], &page["page"], &page["page_size"]),
            (&json!(13), &json!(1), &json!(100)),
            "{kind}"
        );
        assert_eq!(page["items"][0]["quota"], 7, "{kind}: the newest first");
        assert_eq!(
            log("p=2&page_size=10")["items"].as_array().unwrap().len(),
            3,
            "{kind}"
        );
        let page = log(&format!("p=1&page_size=100&model_name=gpt-4o&{yesterday}"));
        assert_eq!(page["total"], 12, "{kind}");
        assert_eq!(log("p=1&type=5&model_name=none")["total"], 0, "{kind}");
        // The masked builds number each answer anew, April 2025 shows the row's own number: two
        // rows are the gifts to new users.
        let first = page["items"][0]["id"].as_i64().unwrap();
        assert_eq!(first, if MASKED.contains(&kind) { 1 } else { 14 }, "{kind}");
    }
}

#[test]
fn a_key_tells_its_own_usage_where_there_is_a_place_for_it() {
    for kind in KINDS {
        let sim = start(kind, 2);
        let row = newest(&sim);
        update(
            &sim,
            &row["id"],
            json!({"remain_quota": 900, "used_quota": 100, "unlimited_quota": false}),
        );
        let key = row["key"].as_str().unwrap();
        let got = with_key(&sim, "/api/usage/token/", key);
        if !MASKED.contains(&kind) {
            assert_eq!(got.status, 404, "{kind}");
            continue;
        }
        let data = got.json()["data"].clone();
        let told = (
            &data["total_granted"],
            &data["total_used"],
            &data["total_available"],
        );
        assert_eq!(told, (&json!(1_000), &json!(100), &json!(900)), "{kind}");
        for (status, answer) in [(3, 200), (4, 200), (2, 401)] {
            update(&sim, &row["id"], json!({"status": status}));
            assert_eq!(
                with_key(&sim, "/api/usage/token/", key).status,
                answer,
                "{kind} {status}"
            );
        }
    }
}

#[test]
fn a_thousand_keys_and_not_one_more() {
    for kind in KINDS {
        let sim = start(kind, 0);
        let there = rows(&sim).len();
        sim.control("keys", &json!({"user": "alice", "bulk": 1000 - there}));
        let got = call(
            &sim,
            "POST",
            "/api/token/",
            &json!({"name": "one too many"}),
        );
        let limited = MASKED.contains(&kind);
        assert_eq!(got.json()["success"], !limited, "{kind}");
        if limited {
            assert_eq!(got.message(), "已达到最大令牌数量限制 (1000)", "{kind}");
        }
    }
}
