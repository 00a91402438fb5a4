//! The binary as scripts use it: lines on start, and an end by itself in every way promised.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::send;
use serde_json::Value;

fn start(words: &[&str], sites: usize) -> (Child, Vec<Value>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-sim"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .take(sites)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    (child, lines)
}

fn ends_within(child: &mut Child, seconds: u64) -> bool {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

#[test]
fn it_says_where_it_listens_and_how_to_sign_in() {
    let (mut child, lines) = start(
        &[
            "--site",
            "kind=newapi-jwt,user=carol,password=secret-9",
            "--site",
            "kind=oneapi",
            "--die-with-parent",
        ],
        2,
    );
    for name in [
        "kind",
        "origin",
        "base",
        "username",
        "password",
        "accessToken",
        "control",
    ] {
        assert!(lines[0][name].is_string(), "{name}");
    }
    assert_eq!(lines[0]["userId"], 2);
    let body = serde_json::json!({"username": "carol", "password": "secret-9"}).to_string();
    let base = lines[0]["base"].as_str().unwrap();
    let got = send(base, "POST", "/api/user/login", &[], body.as_bytes());
    assert_eq!(got.json()["data"]["user"]["username"], "carol");
    drop(child.stdin.take());
    assert!(ends_within(&mut child, 5), "its standard input closed");
}

#[test]
fn it_ends_on_a_signal_and_when_its_time_is_over() {
    let (mut child, _) = start(&["--site", "kind=plain"], 1);
    Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(ends_within(&mut child, 5), "SIGTERM");
    let (mut child, _) = start(&["--site", "kind=plain", "--for", "1"], 1);
    assert!(ends_within(&mut child, 5), "--for 1");
}

#[test]
fn a_hundred_origins_in_one_process_each_with_its_own_secrets() {
    let (mut child, lines) = start(
        &[
            "--many",
            "kind=newapi-jwt,count=100,keys=100",
            "--die-with-parent",
        ],
        100,
    );
    let mut seen: Vec<&str> = lines
        .iter()
        .map(|line| line["accessToken"].as_str().unwrap())
        .collect();
    seen.extend(lines.iter().map(|line| line["origin"].as_str().unwrap()));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 200);
    let last = &lines[99];
    let token = last["accessToken"].as_str().unwrap();
    let got = send(
        last["base"].as_str().unwrap(),
        "GET",
        "/api/token/?p=1&page_size=100",
        &[("Authorization", token)],
        b"",
    );
    assert_eq!(got.json()["data"]["items"].as_array().unwrap().len(), 100);
    drop(child.stdin.take());
    assert!(ends_within(&mut child, 5));
}

#[test]
fn the_same_seed_makes_the_same_site() {
    let token = |seed: &str| {
        let (mut child, lines) = start(
            &[
                "--site",
                &format!("kind=newapi-cookie,seed={seed}"),
                "--die-with-parent",
            ],
            1,
        );
        drop(child.stdin.take());
        assert!(ends_within(&mut child, 5));
        lines[0]["accessToken"].as_str().unwrap().to_owned()
    };
    assert_eq!(token("7"), token("7"));
    assert_ne!(token("7"), token("8"));
}

#[test]
fn wrong_words_are_refused_with_the_usage() {
    for words in [
        &["--site", "kind=nothing"][..],
        &["--site", "port=1"],
        &["--what"],
        &[],
    ] {
        let out = Command::new(env!("CARGO_BIN_EXE_relay-sim"))
            .args(words)
            .output()
            .unwrap();
        assert!(!out.status.success());
        assert!(String::from_utf8_lossy(&out.stderr).contains("--site kind=KIND"));
    }
}
