//! Every recorded exchange is sent again, in order, to a simulated site of the same build, and
//! the answers must agree: status, the headers that matter, every value that is not a clock,
//! a name or a secret of that one server.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a broken fixture must fail loudly"
)]

mod common;
mod replay_compare;
mod replay_forks;
mod replay_steps;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{Sim, send};
use replay_compare::differences;
use replay_steps::{before, expand_request, skipped};
use serde_json::{Value, json};

/// One recorded file.
pub(crate) struct Recorded {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) whole: Value,
}

/// A replay under way.
pub(crate) struct Replay {
    pub(crate) kind: &'static str,
    pub(crate) sim: Sim,
    /// Dummies of the recordings → what this site really issued.
    pub(crate) swaps: BTreeMap<String, String>,
    /// Key id → recorded full key, for each of the recorded servers.
    pub(crate) keys: BTreeMap<(u32, i64), String>,
    pub(crate) part: u32,
}

/// The recordings of one kind come from several fresh servers: 001…, 401… and 501….
fn part(number: u32) -> u32 {
    if number >= 400 { number / 100 } else { 0 }
}

fn recordings(kind: &str) -> Vec<Recorded> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/sites")
        .join(kind);
    let mut all: Vec<Recorded> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
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

/// The full dummy of a mask `Knnn**********nnnZ`, or the dummy itself.
fn full_key(text: &str) -> Option<String> {
    // The forks mask nothing, and their recorder made up whole keys.
    let whole = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if matches!(text.len(), 48 | 59) && !text.contains("Dummy0Key") && text.bytes().all(whole) {
        return Some(text.to_owned());
    }
    let digits = text.strip_prefix('K')?.get(..3)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| dummy_key(digits.parse().unwrap()))
}

pub(crate) fn dummy_key(n: i64) -> String {
    format!("K{n:03}Dummy0KeyDummy1KeyDummy2KeyDummy3KeyDumm{n:03}Z")
}

fn collect_keys(part: u32, value: &Value, into: &mut BTreeMap<(u32, i64), String>) {
    match value {
        Value::Object(fields) => {
            if let (Some(id), Some(key)) = (
                fields.get("id").and_then(Value::as_i64),
                fields.get("key").and_then(Value::as_str),
            ) && let Some(key) = full_key(key)
            {
                into.entry((part, id)).or_insert(key);
            }
            if let Some(Value::Object(keys)) = fields.get("keys") {
                for (id, key) in keys {
                    if let (Ok(id), Some(key)) = (id.parse(), key.as_str().and_then(full_key)) {
                        into.entry((part, id)).or_insert(key);
                    }
                }
            }
            fields
                .values()
                .for_each(|each| collect_keys(part, each, into));
        }
        Value::Array(items) => items.iter().for_each(|each| collect_keys(part, each, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Replay {
    /// Puts real values where the recording has dummies, the longest first.
    fn swapped(&self, text: &str) -> String {
        let mut dummies: Vec<&String> = self.swaps.keys().collect();
        dummies.sort_by_key(|dummy| std::cmp::Reverse(dummy.len()));
        dummies.into_iter().fold(text.to_owned(), |text, dummy| {
            text.replace(dummy.as_str(), &self.swaps[dummy])
        })
    }

    /// Remembers what the site issued under the recording's name for it.
    fn learn(&mut self, recorded: &Recorded, got: &common::Got) {
        let response = &recorded.whole["response"];
        let body = got.json();
        let cookie_value = |cookie: &str| {
            cookie
                .split_once('=')
                .map(|(_, rest)| rest.split(';').next().unwrap_or("").to_owned())
        };
        if let (Some(dummy), Some(real)) = (
            response["headers"]["Set-Cookie"].as_str(),
            got.header("set-cookie"),
        ) && let (Some(dummy), Some(real)) = (cookie_value(dummy), cookie_value(real))
            && !dummy.is_empty()
            && !real.is_empty()
        {
            self.swaps.insert(dummy, real);
        }
        for path in [&["access_token"][..], &["session", "sid"], &["flow_token"]] {
            let pick = |from: &Value| {
                path.iter()
                    .try_fold(from["data"].clone(), |at, name| at.get(*name).cloned())
            };
            if let (Some(Value::String(dummy)), Some(Value::String(real))) =
                (pick(&response["body"]), pick(&body))
                && (dummy.starts_with("eyJ") || path[0] != "access_token")
            {
                self.swaps.insert(dummy, real);
            }
        }
        let path = recorded.whole["request"]["path"].as_str().unwrap();
        let method = recorded.whole["request"]["method"].as_str().unwrap();
        if got.status == 200 && path == "/api/user/token" {
            let pat = response["body"]["data"].clone();
            self.sim
                .control("pat", &json!({"user": "alice", "value": pat}));
        }
        if method == "POST" && path == "/api/token/" && body["success"] == true {
            self.rename_newest();
        }
    }

    /// A key just made gets the recording's text, if any recording shows it.
    fn rename_newest(&self) {
        let state = self.sim.read_control("state");
        let newest = state["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["id"].as_i64().unwrap());
        let id = newest.max().unwrap();
        if let Some(key) = self.keys.get(&(self.part, id)) {
            self.sim
                .control("keys", &json!({"update": [{"id": id, "key": key}]}));
        }
    }

    /// The recorded key of an id, or the number the recorder would have given it.
    pub(crate) fn key_of(&self, id: i64, otherwise: i64) -> String {
        self.keys
            .get(&(self.part, id))
            .cloned()
            .unwrap_or_else(|| dummy_key(otherwise))
    }
}

fn replay(folder: &str, kind: &'static str, at_least: usize) {
    let all = recordings(folder);
    let mut keys = BTreeMap::new();
    for recorded in &all {
        collect_keys(
            part(recorded.number),
            &recorded.whole["response"]["body"],
            &mut keys,
        );
    }
    let sim = Sim::start(&[&format!("kind={kind},bare=1,limits=off")]);
    let mut replay = Replay {
        kind,
        sim,
        swaps: BTreeMap::new(),
        keys,
        part: 0,
    };
    let (mut same, mut left_out, mut wrong) = (0, 0, Vec::new());
    for recorded in &all {
        replay.part = part(recorded.number);
        let fork = replay_forks::is_fork(kind);
        let left = if fork {
            replay_forks::before(&mut replay, recorded);
            replay_forks::skipped(&replay, recorded)
        } else {
            before(&mut replay, recorded);
            skipped(kind, recorded)
        };
        if left.is_some() {
            left_out += 1;
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
        let sent = expand_request(recorded);
        let body = match sent.as_str() {
            _ if sent.is_null() => String::new(),
            Some(text) => text.to_owned(),
            None => replay.swapped(&sent.to_string()),
        };
        let path = request["path"]
            .as_str()
            .unwrap()
            .replace("2026-11", &this_month());
        let method = request["method"].as_str().unwrap();
        let got = send(&replay.sim.base, method, &path, &headers, body.as_bytes());
        let found = differences(recorded, &got, fork);
        replay.learn(recorded, &got);
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
    println!(
        "{folder}: {same} agree, {} differ, {left_out} left out",
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{folder}: {} of {} differ:\n{}",
        wrong.len(),
        all.len(),
        wrong.join("\n")
    );
    assert!(
        same >= at_least,
        "{folder}: only {same} exchanges were compared"
    );
}

/// The recordings ask for the check-ins of the month they were made in.
fn this_month() -> String {
    let status = std::process::Command::new("date")
        .args(["-u", "+%Y-%m"])
        .output()
        .unwrap();
    String::from_utf8(status.stdout).unwrap().trim().to_owned()
}

#[test]
fn new_api_of_the_jwt_era_answers_as_recorded() {
    replay("newapi-era3", "newapi-jwt", 332);
}

#[test]
fn new_api_of_the_cookie_era_answers_as_recorded() {
    replay("newapi-era2", "newapi-cookie", 306);
}

#[test]
fn new_api_of_april_2025_answers_as_recorded() {
    replay("newapi-era1u", "newapi-2025-04", 237);
}

#[test]
fn one_api_answers_as_recorded() {
    replay("oneapi", "oneapi", 144);
}

#[test]
fn veloera_answers_as_recorded() {
    replay("veloera", "veloera", 130);
}

#[test]
fn one_hub_answers_as_recorded() {
    replay("onehub", "onehub", 149);
}

#[test]
fn done_hub_answers_as_recorded() {
    replay("donehub", "donehub", 150);
}
