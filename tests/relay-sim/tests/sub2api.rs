//! The recorded exchanges with Sub2API 0.1.179 are sent again, in order, and the answers must agree:
//! status, the headers that matter, and every value that is not a clock, a token or a key.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a broken fixture must fail loudly"
)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{Got, Sim, send};
use serde_json::{Value, json};

struct Recorded {
    number: u32,
    name: String,
    whole: Value,
}

fn recordings() -> Vec<Recorded> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/sites/sub2api");
    let mut all: Vec<Recorded> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let (number, name) = stem.split_once('-').unwrap();
            Recorded {
                number: number.parse().unwrap(),
                name: name.to_owned(),
                whole: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
            }
        })
        .collect();
    all.sort_by_key(|each| each.number);
    all
}

/// Values that name one server, one moment or one secret: only their kind is compared.
const OWN: [&str; 17] = [
    "created_at",
    "updated_at",
    "last_active_at",
    "expires_at",
    "last_used_at",
    "window_5h_start",
    "window_1d_start",
    "window_7d_start",
    "reset_5h_at",
    "reset_1d_at",
    "reset_7d_at",
    "access_token",
    "refresh_token",
    "temp_token",
    "key",
    "message_of_a_limit",
    "retry_after",
];

struct Replay {
    sim: Sim,
    /// Dummies of the recordings → what this site issued.
    swaps: BTreeMap<String, String>,
    /// The demo user's token under way.
    token: String,
}

impl Replay {
    fn control(&self, body: &Value) -> Value {
        self.sim.control("sub2api", body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let header = format!("Bearer {}", self.token);
        let headers = [("Authorization", header.as_str())];
        let got = send(
            &self.sim.base,
            method,
            path,
            &headers,
            body.to_string().as_bytes(),
        );
        assert_eq!(got.status, 200, "{method} {path}: {}", got.message());
        got.json()
    }

    /// Something carried as a credential is what a step made.
    fn bind(&mut self, recorded: &Recorded) {
        let made = self.control(&json!({"session": 2}));
        let (access, refresh) = (made["accessToken"].as_str(), made["refreshToken"].as_str());
        let request = &recorded.whole["request"];
        if let Some(dummy) = request["headers"]["Authorization"].as_str() {
            let dummy = dummy.trim_start_matches("Bearer ").to_owned();
            self.swaps.insert(dummy, access.unwrap().to_owned());
        }
        if let Some(dummy) = request["body"]["refresh_token"].as_str() {
            self.swaps
                .insert(dummy.to_owned(), refresh.unwrap().to_owned());
        }
    }

    /// What happened between the recordings.
    fn before(&mut self, recorded: &Recorded) {
        let user = |replay: &Self, body: Value| {
            replay.sim.control("user", &body);
        };
        match recorded.name.as_str() {
            "keys-p1" => {
                for n in 0..12 {
                    let made = json!({"name": format!("k{n:02}"), "group_id": 2});
                    self.call("POST", "/api/v1/keys", &made);
                }
            }
            // The recorder moved it back.
            "put-quota-zero" => {
                self.call("PUT", "/api/v1/keys/1", &json!({"group_id": 2}));
            }
            "v1-models-inactive" => {
                self.call("PUT", "/api/v1/keys/4", &json!({"status": "inactive"}));
            }
            // Key 6 is in none of the lists before, which were cut.
            "keys-search-key" => {
                let key = self.call("GET", "/api/v1/keys/6", &Value::Null)["data"].clone();
                let dummy = &recorded.whole["response"]["body"]["data"]["items"][0]["key"];
                let (dummy, key) = (dummy.as_str().unwrap(), key["key"].as_str().unwrap());
                let path = recorded.whole["request"]["path"].as_str().unwrap();
                let asked = path.split_once("search=").unwrap().1;
                assert!(dummy.starts_with(asked));
                let prefix = key[..asked.len()].to_owned();
                self.swaps.insert(asked.to_owned(), prefix);
                self.swaps.insert(dummy.to_owned(), key.to_owned());
            }
            // Key 7 is in no list that was kept whole.
            "v1-models-ip" => {
                let only = json!({"ip_whitelist": ["203.0.113.1"]});
                let changed = self.call("PUT", "/api/v1/keys/7", &only);
                let dummy = recorded.whole["request"]["headers"]["Authorization"].as_str();
                let dummy = dummy.unwrap().trim_start_matches("Bearer ").to_owned();
                let key = changed["data"]["key"].as_str().unwrap().to_owned();
                self.swaps.insert(dummy, key);
            }
            "usage-key-limited" => {
                let limits = json!({"quota": 0.000_001, "rate_limit_1d": 5});
                self.call("PUT", "/api/v1/keys/6", &limits);
            }
            "get-exhausted" => {
                for (name, more) in [
                    ("claude", json!({"group_id": 3})),
                    (
                        "claudelim",
                        json!({"group_id": 3, "quota": 0.000_05, "rate_limit_5h": 0.5}),
                    ),
                ] {
                    let mut body = more;
                    body["name"] = json!(name);
                    self.call("POST", "/api/v1/keys", &body);
                }
                for id in [23, 24] {
                    self.control(&json!({"spend": {"id": id, "usd": 0.000_129_6}}));
                }
            }
            "refresh" | "logout" => self.bind(recorded),
            "login-2fa-needed" => user(self, json!({"user": "2", "second_factor": "243972"})),
            "backend-mode-me" => {
                user(self, json!({"user": "2", "second_factor": ""}));
                self.bind(recorded);
                self.control(&json!({"backend_mode": true}));
            }
            "disabled-user-me" => {
                self.control(&json!({"backend_mode": false}));
                user(self, json!({"user": "2", "status": 2}));
            }
            "no-balance-models" => {
                user(self, json!({"user": "2", "status": 1}));
                self.control(&json!({"balance": 0}));
            }
            // The recorder had the server's tokens last a minute, and waited.
            "me-expired-token" => {
                self.control(&json!({"lasts": -1}));
                self.bind(recorded);
            }
            "refresh-after-expiry" => {
                self.bind(recorded);
                self.control(&json!({"lasts": 60}));
            }
            _ => {}
        }
    }

    fn swapped(&self, text: &str) -> String {
        let mut dummies: Vec<&String> = self.swaps.keys().collect();
        dummies.sort_by_key(|dummy| std::cmp::Reverse(dummy.len()));
        dummies.into_iter().fold(text.to_owned(), |text, dummy| {
            text.replace(dummy.as_str(), &self.swaps[dummy])
        })
    }

    /// Remembers what the site issued under the recording's name for it.
    fn learn(&mut self, recorded: &Value, got: &Value) {
        match (recorded, got) {
            (Value::Object(recorded), Value::Object(got)) => {
                for (name, value) in recorded {
                    let Some(there) = got.get(name) else { continue };
                    let secret = ["key", "access_token", "refresh_token", "temp_token"];
                    if let (true, Some(dummy), Some(real)) = (
                        secret.contains(&name.as_str()),
                        value.as_str(),
                        there.as_str(),
                    ) {
                        self.swaps.insert(dummy.to_owned(), real.to_owned());
                        if name == "access_token" {
                            real.clone_into(&mut self.token);
                        }
                    }
                    self.learn(value, there);
                }
            }
            (Value::Array(recorded), Value::Array(got)) => {
                for (one, other) in recorded.iter().zip(got) {
                    self.learn(one, other);
                }
            }
            _ => {}
        }
    }
}

fn compare(expected: &Value, got: &Value, path: &str, cut: bool, found: &mut Vec<String>) {
    let name = path.rsplit('.').next().unwrap_or(path);
    let kind = |value: &Value| std::mem::discriminant(value);
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => compare(value, other, &format!("{path}.{key}"), cut, found),
                    None => found.push(format!("{path}.{key} is missing")),
                }
            }
            for key in b.keys().filter(|key| !a.contains_key(*key)) {
                found.push(format!("{path}.{key} should not be there"));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() > b.len() || (!cut && a.len() != b.len()) {
                found.push(format!("{path} has {} items for {}", b.len(), a.len()));
            }
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                compare(a, b, &format!("{path}.{n}"), cut, found);
            }
        }
        _ if OWN.contains(&name) => {
            // Of moments, also whether it is the beginning of a day.
            let day = |value: &Value| value.as_str().is_some_and(|at| at.ends_with("T00:00:00Z"));
            if kind(expected) != kind(got) || day(expected) != day(got) {
                found.push(format!("{path} is {got} for {expected}"));
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > 1e-9 {
                found.push(format!("{path} = {b} for {a}"));
            }
        }
        (a, b) if a != b => found.push(format!("{path} = {b} for {a}")),
        _ => {}
    }
}

fn differences(recorded: &Recorded, got: &Got) -> Vec<String> {
    let response = &recorded.whole["response"];
    let mut found = Vec::new();
    if response["status"] != got.status {
        found.push(format!("status {} for {}", got.status, response["status"]));
    }
    for name in ["Content-Type", "X-Idempotency-Replayed"] {
        let expected = response["headers"][name].as_str();
        if expected != got.header(name) {
            found.push(format!("{name}: {:?} for {expected:?}", got.header(name)));
        }
    }
    let waits = response["headers"]["Retry-After"].is_string();
    if waits != got.header("Retry-After").is_some() {
        found.push(format!("Retry-After: {:?}", got.header("Retry-After")));
    }
    match &response["body"] {
        Value::Null => {}
        Value::String(text) => {
            if text.as_bytes() != got.body {
                found.push("another text".to_owned());
            }
        }
        body @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            let note = recorded.whole["note"].as_str().unwrap_or("");
            let cut = note.contains("list cut") || response["truncated_from"].is_object();
            // These were written down without their data.
            let short = body.as_object().is_some_and(|body| {
                body.get("code") == Some(&json!(0)) && !body.contains_key("data")
            });
            if !short {
                compare(body, &got.json(), "", cut, &mut found);
            }
        }
    }
    found.truncate(5);
    found
}

/// Not compared, and why.
fn left_out(name: &str) -> Option<&'static str> {
    match name {
        "usage-list" => Some("a fresh site has no calls of that day"),
        "limit-user" | "limit-login" | "limit-refresh" | "limit-public" | "limit-bad-keys" => {
            Some("counted one by one below")
        }
        "no-balance-usage" => Some("recorded without its sums"),
        // The order by time of keys made in one millisecond is the database's.
        "keys-sort-name" | "keys-sort-bad" => Some("its order among equals is the database's"),
        _ => None,
    }
}

#[test]
fn sub2api_answers_as_recorded() {
    let sim = Sim::start(&["kind=sub2api,keys=0,limits=off,password=alicedummy00"]);
    let mut replay = Replay {
        sim,
        swaps: BTreeMap::new(),
        token: String::new(),
    };
    let (mut same, mut wrong) = (0, Vec::new());
    for recorded in recordings() {
        replay.before(&recorded);
        if left_out(&recorded.name).is_some() {
            continue;
        }
        let request = &recorded.whole["request"];
        let headers: Vec<(String, String)> = request["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), replay.swapped(value.as_str().unwrap())))
            .collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = match &request["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            body @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                replay.swapped(&body.to_string())
            }
        };
        let path = replay.swapped(request["path"].as_str().unwrap());
        let method = request["method"].as_str().unwrap();
        let got = send(&replay.sim.base, method, &path, &headers, body.as_bytes());
        let found = differences(&recorded, &got);
        let recorded_body = recorded.whole["response"]["body"].clone();
        replay.learn(&recorded_body, &got.json());
        if found.is_empty() {
            same += 1;
        } else {
            wrong.push(format!(
                "{:03}-{}: {}",
                recorded.number,
                recorded.name,
                found.join("; ")
            ));
        }
    }
    println!("sub2api: {same} agree, {} differ", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(same >= 120, "only {same} were compared");
}

/// As in the recorded `GET /v1/usage` of a key whose short window was begun: that recording's sums
/// by model and day are another server's, its windows are compared here.
#[test]
fn a_window_begins_with_its_first_use_and_says_when_it_ends() {
    let sim = Sim::start(&["kind=sub2api,keys=0"]);
    let session = sim.control("sub2api", &json!({"session": 2}));
    let header = format!("Bearer {}", session["accessToken"].as_str().unwrap());
    let body = json!({"name": "limited", "group_id": 3, "quota": 0.000_05, "rate_limit_5h": 0.5});
    let signed: &[(&str, &str)] = &[("Authorization", &header)];
    let text = body.to_string();
    let made = send(&sim.base, "POST", "/api/v1/keys", signed, text.as_bytes());
    let made = made.json()["data"].clone();
    let with_key = format!("Bearer {}", made["key"].as_str().unwrap());
    let windows = || {
        let headers = [("Authorization", with_key.as_str())];
        let got = send(&sim.base, "GET", "/v1/usage", &headers, b"");
        assert_eq!(got.status, 200, "{}", got.message());
        got.json()["rate_limits"].clone()
    };
    let unused = json!([
        {"limit": 0.5, "remaining": 0.5, "used": 0, "window": "5h", "window_start": null},
    ]);
    assert_eq!(windows(), unused);
    sim.control(
        "sub2api",
        &json!({"spend": {"id": made["id"], "usd": 0.000_129_6}}),
    );
    let path = format!("/api/v1/keys/{}", made["id"]);
    let row = send(&sim.base, "GET", &path, signed, b"").json()["data"].clone();
    let used = json!([
        {"limit": 0.5, "remaining": 0.499_870_4, "used": 0.000_129_6, "window": "5h",
         "window_start": row["window_5h_start"], "reset_at": row["reset_5h_at"]},
    ]);
    assert_eq!(windows(), used);
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    let seconds = |at: &str| {
        let part = |from: usize| at[from..from + 2].parse::<i64>().unwrap();
        part(11) * 3_600 + part(14) * 60 + part(17)
    };
    let begun = seconds(&text("window_5h_start"));
    let ends = seconds(&text("reset_5h_at"));
    assert_eq!((ends - begun).rem_euclid(86_400), 5 * 3_600);
    let day = text("window_5h_start")[..10].to_owned();
    assert_eq!(text("window_1d_start"), format!("{day}T00:00:00Z"));
    assert!(text("reset_1d_at") > text("window_1d_start"));
    assert!(text("reset_7d_at") > text("reset_1d_at"));
}

#[test]
fn its_limits_count_as_seen() {
    let sim = Sim::start(&["kind=sub2api,keys=1"]);
    let session = sim.control("sub2api", &json!({"session": 2}));
    let header = format!("Bearer {}", session["accessToken"].as_str().unwrap());
    let signed: &[(&str, &str)] = &[("Authorization", &header)];
    let until_429 = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        for number in 1..400 {
            let got = send(&sim.base, method, path, headers, body.as_bytes());
            if got.status == 429 {
                assert!(got.header("Retry-After").is_some(), "{path}");
                return (number, got.json());
            }
        }
        panic!("{path} is never limited");
    };
    let bad = [("Authorization", "Bearer sk-0000000000000000")];
    let (number, body) = until_429("GET", "/v1/models", &bad, "");
    assert_eq!(
        (number, body["code"].as_str()),
        (121, Some("INVALID_AUTH_RATE_LIMITED"))
    );
    let login = "{\"email\":\"nobody@relay.example\",\"password\":\"x\"}";
    let (number, body) = until_429("POST", "/api/v1/auth/login", &[], login);
    assert_eq!(
        (number, body["error"].as_str()),
        (21, Some("rate limit exceeded"))
    );
    let (number, body) = until_429(
        "POST",
        "/api/v1/auth/refresh",
        &[],
        "{\"refresh_token\":\"rt_x\"}",
    );
    assert_eq!((number, body.get("code")), (31, None));
    let from = [("X-Forwarded-For", "203.0.113.9")];
    let (number, body) = until_429("GET", "/api/v1/settings/public", &from, "");
    assert_eq!((number, body["code"].as_str()), (301, Some("RATE_LIMITED")));
    // Heavy calls count in both buckets.
    let (number, _) = until_429("GET", "/api/v1/usage", signed, "");
    assert_eq!(number, 61);
    let (number, body) = until_429("GET", "/api/v1/keys", signed, "");
    assert_eq!(
        (number, body["code"].as_str()),
        (240 - 61 + 1, Some("RATE_LIMITED"))
    );
}
