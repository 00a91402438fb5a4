//! What happened between the recordings: the recorder's own unrecorded calls, and what the
//! operator changed. Each step stands before the recording that needs it.

use serde_json::{Value, json};

use crate::common::send;
use crate::{Recorded, Replay, dummy_key};

/// Why a recording is not compared. Everything not named here is.
pub(crate) fn skipped(kind: &str, recorded: &Recorded) -> Option<&'static str> {
    let name = recorded.name.as_str();
    let channels = name.starts_with("admin-channel") || name.starts_with("admin-fetch");
    if channels && !name.ends_with("-as-user") {
        return Some("channels are the operator's side, which is not simulated");
    }
    match name {
        "chat-overloaded" => Some("needs the host's CPU above the guard"),
        "log-self-all" => Some("only consumption is logged here, not logins and top-ups"),
        "log-stat-since" => Some("asks for a window in the recorder's past"),
        "models-catalog" if kind == "oneapi" => {
            Some("the server's static table is no fact a client may use")
        }
        _ => None,
    }
}

/// Requests whose long lists of ids were cut when they were written down.
pub(crate) fn expand_request(recorded: &Recorded) -> Value {
    let body = &recorded.whole["request"]["body"];
    let newest = body["ids"][0].as_i64().unwrap_or(0);
    let ids =
        |from: i64, count: i64| json!({"ids": (0..count).map(|n| from - n).collect::<Vec<_>>()});
    match recorded.name.as_str() {
        "reveal-batch-100" => ids(newest, 100),
        "reveal-batch-101" => ids(newest, 101),
        "delete-batch-150" => json!({"ids": (12..162).collect::<Vec<i64>>()}),
        _ => body.clone(),
    }
}

fn options(replay: &Replay, body: &Value) {
    replay.sim.control("options", body);
}

fn clock(replay: &Replay, offset: i64) {
    replay.sim.control("clock", &json!({"offset": offset}));
}

fn user(replay: &Replay, body: &Value) {
    replay.sim.control("user", body);
}

fn pat(replay: &Replay, name: &str, value: &str) {
    replay
        .sim
        .control("pat", &json!({"user": name, "value": value}));
}

fn key(replay: &Replay, owner: &str, id: i64, otherwise: i64, mut more: Value) {
    more["id"] = json!(id);
    more["key"] = json!(replay.key_of(id, otherwise));
    replay
        .sim
        .control("keys", &json!({"user": owner, "add": [more]}));
}

/// Signs in and remembers what came under the recording's names for it.
fn login(replay: &mut Replay, password: &str, cookie: &str, jwt: &str) {
    let got = replay.sim.login("alice", password);
    assert_eq!(got.status, 200, "a step's login");
    if let Some(value) = got
        .header("set-cookie")
        .and_then(|value| value.split(['=', ';']).nth(1))
        && !cookie.is_empty()
    {
        replay.swaps.insert(cookie.to_owned(), value.to_owned());
    }
    if let Some(token) = got.json()["data"]["access_token"].as_str()
        && !jwt.is_empty()
    {
        replay.swaps.insert(jwt.to_owned(), token.to_owned());
    }
}

/// The credential a recording carries, to be bound to a fresh login.
fn carried(recorded: &Recorded) -> (String, String) {
    let header = |name: &str| {
        recorded.whole["request"]["headers"][name]
            .as_str()
            .unwrap_or("")
    };
    let cookie = header("Cookie")
        .split_once('=')
        .map_or("", |(_, value)| value);
    let jwt = header("Authorization")
        .strip_prefix("Bearer ")
        .unwrap_or("");
    (cookie.to_owned(), jwt.to_owned())
}

/// A server as fresh as the recorder's: three users, these access tokens, no keys.
fn fresh(replay: &mut Replay, pats: [(&str, &str); 3]) {
    let first = replay.sim.read_control("state")["users"]
        .as_array()
        .is_none_or(Vec::is_empty);
    for (id, name, password, shown) in [
        (1, "root", "dummyroot123", "Root User"),
        (2, "alice", "dummypass123", "Alice"),
        (3, "bob", "dummypass1", "Bob"),
    ] {
        let mut row = json!({
            "user": name, "id": id, "password": password, "display_name": shown, "status": 1,
            "group": "default", "quota": 50_000_000, "used_quota": 0, "request_count": 0,
            "role": if id == 1 { 100 } else { 1 }, "second_factor": "",
        });
        if first {
            row["create"] = json!(true);
        }
        user(replay, &row);
        replay
            .sim
            .control("revoke-sessions", &json!({"user": name}));
        replay
            .sim
            .control("keys", &json!({"user": name, "clear": true}));
    }
    for (name, value) in pats {
        if !value.is_empty() {
            pat(replay, name, value);
        }
    }
    replay.sim.control("keys", &json!({"next_id": 1}));
    replay.sim.control("limits", &json!({"limits": "off"}));
    clock(replay, 0);
    options(
        replay,
        &json!({
            "unit": "usd", "display_in_currency": true, "display_token_stat": true,
            "secure_cookie": false, "pricing": "public", "turnstile": false, "password_login": true,
            "usable_groups": {"default": "默认分组", "vip": "vip分组"}, "max_tokens": 1000,
        }),
    );
}

/// Where the fillers end: bob's one key, which nobody else may touch.
fn bobs_key(kind: &str) -> (i64, i64) {
    match kind {
        "newapi-jwt" => (125, 141),
        "newapi-cookie" => (126, 142),
        "newapi-2025-04" => (29, 29),
        _ => (25, 24),
    }
}

/// The keys the relay is tried with, in the recorder's order, from this id on.
fn relay_keys(replay: &Replay) {
    let (first, number, one_api) = match replay.kind {
        "newapi-jwt" => (130, 129, false),
        "newapi-cookie" => (131, 130, false),
        "newapi-2025-04" => (34, 34, false),
        _ => (26, 25, true),
    };
    let mut rows = vec![
        json!({"name": "good", "remain_quota": 5_000_000}),
        json!({"name": "unlimited", "unlimited_quota": true}),
        json!({"name": "exhausted", "remain_quota": 0}),
        json!({"name": "expired", "remain_quota": 500_000, "expired_time": 1_600_000_000}),
        json!({"name": "disabled", "remain_quota": 500_000, "status": 2}),
        json!({"name": "limited", "remain_quota": 500_000, "model_limits_enabled": true,
            "model_limits": "gpt-4o-mini,not-here", "models": "gpt-4o-mini,not-here"}),
        json!({"name": "ip", "remain_quota": 500_000, "allow_ips": "203.0.113.7", "subnet": "203.0.113.0/24"}),
    ];
    if one_api {
        rows.push(json!({"name": "subnet-ok", "remain_quota": 500_000, "subnet": "127.0.0.0/8"}));
        rows.push(json!({"name": "small", "remain_quota": 1}));
    } else {
        rows.push(json!({"name": "ip-ok", "remain_quota": 500_000, "allow_ips": "203.0.113.7\n127.0.0.0/8"}));
        rows.push(json!({"name": "badgroup", "remain_quota": 500_000, "group": "nope"}));
        rows.push(json!({"name": "svip-group", "remain_quota": 500_000, "group": "svip"}));
        rows.push(json!({"name": "vip-group", "remain_quota": 500_000, "group": "vip"}));
        rows.push(json!({"name": "small", "remain_quota": 1}));
    }
    for (n, row) in rows.into_iter().enumerate() {
        key(replay, "alice", first + n as i64, number + n as i64, row);
    }
}

fn exhaust(replay: &Replay, bucket: &str, by: &str) {
    replay
        .sim
        .control("limit", &json!({"bucket": bucket, "by": by}));
}

/// The steps.
pub(crate) fn before(replay: &mut Replay, recorded: &Recorded) {
    let kind = replay.kind;
    let one_api = kind == "oneapi";
    let (cookie, jwt) = carried(recorded);
    match (recorded.number, recorded.name.as_str()) {
        (1, _) => {
            let pats = match kind {
                "newapi-jwt" => [
                    "Pat+root/0123456789abcdefghijABC",
                    "Pat+alice/0123456789abcdefghij==",
                    "Pat+bob/0123456789abcdefghijABC=",
                ],
                "newapi-cookie" => [
                    "Pat+root/0123456789abcdefghijA==",
                    "Pat+alice/0123456789abcdefghij==",
                    "Pat+bob/0123456789abcdefghij",
                ],
                "newapi-2025-04" => [
                    "Pat+root/0123456789abcdefghijABC",
                    "Pat+alice/0123456789abcdefghijAB",
                    "Pat+bob/0123456789abcdefghijAB==",
                ],
                _ => [
                    "c40123456789abcdef0123456789abcd",
                    "fe0123456789abcdef0123456789abcd",
                    "330123456789abcdef0123456789abcd",
                ],
            };
            fresh(
                replay,
                [("root", pats[0]), ("alice", pats[1]), ("bob", pats[2])],
            );
        }
        (401, _) => {
            let pats = if kind == "newapi-jwt" {
                [
                    "Pat+aliceX/0123456789abcdefghij=",
                    "Pat+bobX/0123456789abcdefghijAB=",
                ]
            } else {
                [
                    "Pat+aliceX/0123456789abcdefghijA",
                    "Pat+bobX/0123456789abcdefghijABC",
                ]
            };
            fresh(replay, [("alice", pats[0]), ("bob", pats[1]), ("root", "")]);
            second_server(replay);
        }
        (501, _) => {
            let pats = match kind {
                "newapi-jwt" => [
                    "Pat+aliceY/0123456789abcdefghijA",
                    "Pat+rootY/0123456789abcdefghijAB",
                ],
                "newapi-cookie" => [
                    "Pat+aliceY/0123456789abcdefghij=",
                    "Pat+rootY/0123456789abcdefghijAB",
                ],
                "newapi-2025-04" => [
                    "Pat+aliceY/0123456789abcdefghijA",
                    "Pat+rootY/0123456789abcdefghijA=",
                ],
                _ => [
                    "570123456789abcdef0123456789abcd",
                    "1d0123456789abcdef0123456789abcd",
                ],
            };
            fresh(replay, [("alice", pats[0]), ("root", pats[1]), ("bob", "")]);
            key(
                replay,
                "alice",
                1,
                1,
                json!({"name": "money", "remain_quota": 5_000_000}),
            );
            replay.sim.control("spend", &json!({"id": 1, "quota": 225}));
        }
        _ => {}
    }
    match recorded.name.as_str() {
        "login" if kind == "newapi-jwt" => {
            // The recorder had signed in once before.
            clock(replay, -1);
            login(replay, "dummypass123", "", "");
            clock(replay, 0);
        }
        "self-jwt-expired" => {
            let real = replay
                .swaps
                .values()
                .find(|value| value.starts_with("eyJ"))
                .cloned();
            replay.swaps.insert(jwt, real.expect("a login came before"));
            clock(replay, 1000);
        }
        "self-jwt-bad-signature" => {
            clock(replay, 0);
            // The recorder broke the signature; the scrubbed dummy looks like the sound one.
            let real = replay
                .swaps
                .get(&jwt)
                .cloned()
                .expect("a login came before");
            replay.swaps.insert("unbroken".to_owned(), real.clone());
            replay.swaps.insert(jwt, format!("{real}x"));
        }
        "sessions" if replay.swaps.contains_key("unbroken") => {
            let real = replay.swaps.remove("unbroken").expect("just seen");
            replay.swaps.insert(jwt, real);
        }
        "self-groups-with-auto" => options(
            replay,
            &json!({"usable_groups": {"auto": "自动分组", "default": "默认分组", "vip": "vip分组"}}),
        ),
        "pricing-login-required" => options(
            replay,
            &json!({"usable_groups": {"default": "默认分组", "vip": "vip分组"}, "pricing": "login"}),
        ),
        "pricing-switched-off" => options(replay, &json!({"pricing": "off"})),
        "login-turnstile-missing" => {
            options(replay, &json!({"turnstile": true, "pricing": "public"}))
        }
        "login-password-off" => options(
            replay,
            &json!({"turnstile": false, "password_login": false}),
        ),
        "token-list-empty" => options(replay, &json!({"password_login": true})),
        "token-list-fresh-account" => {
            // The server gave every new user one.
            key(
                replay,
                "alice",
                1,
                1,
                json!({"name": "default", "unlimited_quota": true, "remain_quota": -1}),
            );
            replay.sim.control("keys", &json!({"next_id": 3}));
        }
        "token-list-p1" if !one_api && kind != "newapi-2025-04" => bulk(replay, 2),
        "token-list-p0" if kind == "newapi-2025-04" => bulk(replay, 2),
        "token-list-p0" if one_api => bulk(replay, 4),
        "token-create-auto-group" => {}
        "reveal-one" => {
            let (bob, number) = bobs_key(kind);
            for id in (if kind == "newapi-jwt" { 30 } else { 31 })..bob {
                key(
                    replay,
                    "alice",
                    id,
                    id,
                    json!({"name": format!("fill-{id}"), "unlimited_quota": true}),
                );
            }
            key(
                replay,
                "bob",
                bob,
                number,
                json!({"name": "bobs", "unlimited_quota": true}),
            );
        }
        "reveal-one-disabled" => {
            replay
                .sim
                .control("keys", &json!({"update": [{"id": 15, "status": 2}]}));
        }
        "token-list-p2-of-100" => {
            replay
                .sim
                .control("keys", &json!({"update": [{"id": 15, "status": 1}]}));
        }
        "token-create-over-limit" => {
            let message = recorded.whole["response"]["body"]["message"]
                .as_str()
                .unwrap_or("");
            let most: i64 = message
                .split(['(', ')'])
                .nth(1)
                .and_then(|n| n.parse().ok())
                .expect("a number");
            options(replay, &json!({"max_tokens": most}));
        }
        "token-delete" => {
            options(replay, &json!({"max_tokens": 1000}));
            let (bob, number) = bobs_key(kind);
            if one_api {
                key(replay, "alice", 24, 23, json!({"name": "gone"}));
            } else {
                for id in bob + 1..bob + 5 {
                    key(replay, "alice", id, 900 + id - bob, json!({"name": "gone"}));
                }
            }
            if !kind.contains("jwt") && !kind.contains("cookie") {
                key(
                    replay,
                    "bob",
                    bob,
                    number,
                    json!({"name": "bobs", "unlimited_quota": true}),
                );
            }
        }
        "v1-models" => relay_keys(replay),
        "chat-model-not-on-key" if !one_api => {
            // One more call by the vip key lies between, as the log shows.
            let vip = replay.sim.read_control("state")["keys"]
                .as_array()
                .and_then(|keys| keys.iter().find(|key| key["name"] == "vip-group").cloned())
                .expect("relay_keys made it");
            let bearer = format!("Bearer sk-{}", vip["key"].as_str().expect("a key"));
            let body = json!({"model": "gpt-4o-mini", "messages": []}).to_string();
            let got = send(
                &replay.sim.base,
                "POST",
                "/v1/chat/completions",
                &[("Authorization", &bearer)],
                body.as_bytes(),
            );
            assert_eq!(got.status, 200, "the vip call");
        }
        "checkin-before" => options(replay, &json!({"check_in": true})),
        "redeem-gated" => options(replay, &json!({"check_in": false})),
        "redeem-wrong-code" => options(replay, &json!({"compliance_confirmed": true})),
        "login-2fa-required" => {
            let code = if kind == "newapi-jwt" {
                "221392"
            } else {
                "536607"
            };
            user(replay, &json!({"user": "bob", "second_factor": code}));
        }
        "self-disabled-user" => user(
            replay,
            &json!({"user": "bob", "second_factor": "", "status": 2}),
        ),
        "logout" | "refresh-two-generations-old" => {
            user(replay, &json!({"user": "bob", "status": 1}))
        }
        "refresh-newest-still-good" => {
            // The check-in's reward was drawn by lot.
            let quota = &recorded.whole["response"]["body"]["data"]["user"]["quota"];
            user(replay, &json!({"user": "alice", "quota": quota}));
        }
        "refresh-replay-late" => clock(replay, 31),
        "self-pat-after-revoke" | "self-pat-after-logout" | "self-cookie-after-logout" => {
            // The check-in's reward was drawn by lot.
            let wanted = &recorded.whole["response"]["body"]["data"];
            user(
                replay,
                &json!({"user": "alice", "quota": wanted["quota"],
                "used_quota": wanted["used_quota"], "request_count": wanted["request_count"]}),
            );
        }
        "logout-jwt-and-cookie" => {
            clock(replay, 0);
            login(replay, "dummypass123", &cookie, &jwt);
            let sid = recorded.whole["response"]["body"]["data"]["revoked_sid"]
                .as_str()
                .expect("a sid");
            let real = replay.swaps[&cookie]
                .split('.')
                .next()
                .expect("sid.secret")
                .to_owned();
            replay.swaps.insert(sid.to_owned(), real);
        }
        "secure-login" => {
            user(
                replay,
                &json!({"user": "alice", "quota": 50_000_000, "used_quota": 0, "request_count": 0}),
            );
            options(
                replay,
                &json!({"secure_cookie": true, "trusted_url": "https://relay.example"}),
            );
            pat(replay, "alice", "Pat+aliceS/0123456789abcdefghij=");
        }
        "secure-refresh-site-origin" => login(replay, "dummypass123", &cookie, ""),
        "429-search" | "429-login"
            if !recorded.name.ends_with("login")
                || !kind.contains("jwt") && !kind.contains("cookie") =>
        {
            limited_server(replay);
        }
        "critical-after-25-unauthorised-reveals" => {
            for _ in 0..25 {
                replay.sim.post(
                    "/api/token/1/key",
                    &[("Authorization", "nonsense"), ("New-Api-User", "2")],
                    &json!({}),
                );
            }
        }
        "429-reveal-one" => {
            let id = carried(recorded).1;
            let bearer = format!("Bearer {id}");
            for _ in 0..19 {
                let got = replay.sim.post(
                    "/api/token/1/key",
                    &[("Authorization", &bearer), ("New-Api-User", "2")],
                    &json!({}),
                );
                assert_eq!(got.status, 200, "one of twenty reveals");
            }
        }
        "429-pat-per-user" => {
            for n in 0..20 {
                pat(replay, "alice", &jwt);
                let from = format!("198.51.100.{n}");
                let bearer = format!("Bearer {jwt}");
                let got = replay.sim.get(
                    "/api/user/token",
                    &[("Authorization", &bearer), ("X-Forwarded-For", &from)],
                );
                assert_eq!(got.status, 200, "one of twenty access tokens");
            }
            pat(replay, "alice", &jwt);
        }
        "429-global" => exhaust(replay, "ga", "127.0.0.1"),
        "429-web" => exhaust(replay, "gw", "127.0.0.1"),
        "self-groups-own-group-added" => user(replay, &json!({"user": "bob", "group": "svip"})),
        "password-change" => {
            let later = "00000000-0000-4000-8000-000000000001.refreshDummy01secret_0123456789abcdefghijABCDEFGHIJ0123456789abc";
            let cookie = if cookie.is_empty() {
                later.to_owned()
            } else {
                cookie
            };
            login(replay, "dummypass123", &cookie, &jwt);
        }
        "self-pat-disabled" => user(replay, &json!({"user": "alice", "status": 2})),
        "self-pat-enabled-again" => user(replay, &json!({"user": "alice", "status": 1})),
        "session-limit-active" => {
            for _ in 0..50 {
                assert_eq!(
                    replay.sim.login("bob", "dummypass1").status,
                    200,
                    "one of fifty sessions"
                );
            }
        }
        "admin-user-list" => {
            let data = &recorded.whole["response"]["body"]["data"];
            let rows = data
                .as_array()
                .or_else(|| data["items"].as_array())
                .expect("a list");
            let root = rows
                .iter()
                .find(|row| row["id"] == 1)
                .expect("root is a user");
            user(replay, &json!({"user": "root", "quota": root["quota"]}));
        }
        "session-limit-issuance" => {
            // What this site issued for the earlier recordings counts too.
            for _ in 0..100 {
                replay
                    .sim
                    .control("revoke-sessions", &json!({"user": "bob"}));
                if replay.sim.login("bob", "dummypass1").status != 200 {
                    break;
                }
            }
            replay
                .sim
                .control("revoke-sessions", &json!({"user": "bob"}));
        }
        "billing-subscription-cny" => options(replay, &json!({"unit": "cny"})),
        "billing-subscription-tokens" => options(replay, &json!({"unit": "tokens"})),
        "billing-subscription-custom" => options(
            replay,
            &json!({"unit": "custom", "symbol": "€", "rate": 0.9}),
        ),
        "billing-subscription-account-level" => {
            options(replay, &json!({"unit": "usd", "display_token_stat": false}))
        }
        "billing-subscription-no-currency" => options(
            replay,
            &json!({"display_token_stat": true, "display_in_currency": false}),
        ),
        _ => {}
    }
}

fn bulk(replay: &Replay, from: i64) {
    for n in 0..13 {
        key(
            replay,
            "alice",
            from + n,
            from + n,
            json!({"name": format!("bulk-{n:02}"), "unlimited_quota": true}),
        );
    }
}

/// The server of the recordings 401 and on.
fn second_server(replay: &Replay) {
    let limits = |list: &str| json!({"name": "models", "unlimited_quota": true, "model_limits_enabled": true, "model_limits": list});
    let ips = |list: &str| json!({"name": "ips", "unlimited_quota": true, "allow_ips": list});
    let rows = [
        json!({"name": "unlimited-used", "unlimited_quota": true}),
        json!({"name": "stale-edit", "remain_quota": 1_000_000}),
        limits(""),
        limits("gpt-4o, gpt-4o-mini"),
        limits("gpt-4o\ngpt-4o-mini"),
        ips("203.0.113.7\r\n127.0.0.1\r\n"),
        ips("203.0.113.7,127.0.0.1"),
        ips("  127.0.0.1  "),
        ips("not an ip"),
        ips("\n\n"),
        json!({"name": "  <b>bold</b> \"q\" 密钥 🔑 ", "remain_quota": 500_000}),
    ];
    for (n, row) in rows.into_iter().enumerate() {
        key(replay, "alice", n as i64 + 1, n as i64 + 1, row);
    }
    for id in 12..162 {
        key(replay, "alice", id, 500 + id, json!({"name": "many"}));
    }
    for id in [1, 2] {
        replay
            .sim
            .control("spend", &json!({"id": id, "quota": 225}));
    }
}

/// The server whose limits were on.
fn limited_server(replay: &mut Replay) {
    let pats = match replay.kind {
        "newapi-jwt" => [
            "Pat+aliceL/0123456789abcdefghij=",
            "Pat+bobL/0123456789abcdefghijA==",
        ],
        "newapi-cookie" => [
            "Pat+aliceL/0123456789abcdefg",
            "Pat+bobL/0123456789abcdefghi",
        ],
        "newapi-2025-04" => ["Pat+aliceL/0123456789abcdefg", ""],
        _ => ["4a0123456789abcdef0123456789abcd", ""],
    };
    fresh(replay, [("alice", pats[0]), ("bob", pats[1]), ("root", "")]);
    let number = match replay.kind {
        "newapi-jwt" => 142,
        "newapi-cookie" => 143,
        "newapi-2025-04" => 46,
        _ => 35,
    };
    replay.sim.control(
        "keys",
        &json!({"user": "alice", "add": [
            {"id": 1, "key": dummy_key(number), "name": "lim", "unlimited_quota": true},
        ]}),
    );
    replay.sim.control("reset-limits", &json!({}));
    replay.sim.control("limits", &json!({"limits": "on"}));
    if replay.kind.contains("jwt") || replay.kind.contains("cookie") {
        for _ in 0..10 {
            let got = replay.sim.get(
                "/api/token/search?keyword=lim",
                &[("Authorization", pats[0]), ("New-Api-User", "2")],
            );
            assert_eq!(got.status, 200, "one of ten searches");
        }
    } else {
        for _ in 0..20 {
            let got = replay.sim.login("alice", "dummypass123");
            assert_eq!(got.status, 200, "one of twenty logins");
        }
    }
}
