//! Flows and readers against the recorded answers of real servers, and against servers that
//! behave as badly as they can.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

mod accounts;
mod answers;
mod detecting;
mod forks;
mod limits;
mod listing;
mod protocols;
mod revealing;
mod rows;
mod whole;

use super::{BaseUrl, Login, Place};
use crate::http::{Http, HttpError, HttpRequest, HttpResponse};
use crate::ports::StandingClock;
use crate::secret::Secret;
use relaykeep_protocol::SiteKind;
use serde_json::Value;
use std::cell::{Cell, RefCell};

/// A server in memory: it answers by a closure and remembers what it was asked.
struct Server<F> {
    answer: F,
    sent: RefCell<Vec<HttpRequest>>,
}

fn server<F: Fn(&HttpRequest) -> Result<HttpResponse, HttpError>>(answer: F) -> Server<F> {
    Server {
        answer,
        sent: RefCell::default(),
    }
}

impl<F> Server<F> {
    /// Paths and queries asked for, in order.
    fn paths(&self) -> Vec<String> {
        let strip = |url: &String| url.trim_start_matches("https://relay.example").to_owned();
        self.sent
            .borrow()
            .iter()
            .map(|request| strip(&request.url))
            .collect()
    }
}

impl<F: Fn(&HttpRequest) -> Result<HttpResponse, HttpError>> Http for Server<F> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = (self.answer)(&request);
        self.sent.borrow_mut().push(request);
        answer
    }
}

/// 2026-11-21, in milliseconds.
const NOW: u64 = 1_795_200_000_000;

fn clock() -> StandingClock {
    StandingClock(Cell::new(NOW))
}

fn base() -> BaseUrl {
    BaseUrl::parse("https://relay.example").unwrap()
}

fn place(kind: SiteKind) -> Place {
    Place::new(kind, base())
}

fn login() -> Login {
    Login::new(
        Secret::new("Pat+aliceA/0123456789abcdefghijA".to_owned()),
        Some("2".to_owned()),
        &base(),
    )
}

/// An answer in JSON.
fn json(status: u16, body: impl Into<String>) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![(
            "content-type".to_owned(),
            "application/json; charset=utf-8".to_owned(),
        )],
        body: body.into().into_bytes(),
    }
}

fn with_header(mut response: HttpResponse, name: &str, value: &str) -> HttpResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

fn html(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![(
            "content-type".to_owned(),
            "text/html; charset=utf-8".to_owned(),
        )],
        body: body.as_bytes().to_vec(),
    }
}

/// A recorded answer of a real server, e.g. `newapi-era3/030-self-pat`.
fn recorded(name: &str) -> HttpResponse {
    let path = format!(
        "{}/../../tests/fixtures/sites/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let file: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect(name)).expect(name);
    let response = &file["response"];
    let headers = response["headers"].as_object().into_iter().flatten();
    let body = match (&response["body"], response["body_kind"].as_str()) {
        // The recordings leave the front end's pages out.
        (Value::Null, Some("html")) => b"<!doctype html><title>New API</title>".to_vec(),
        (Value::Null, _) => Vec::new(),
        (body, _) => body.to_string().into_bytes(),
    };
    HttpResponse {
        status: u16::try_from(response["status"].as_u64().expect(name)).expect(name),
        headers: headers
            .map(|(name, value)| {
                (
                    name.to_ascii_lowercase(),
                    value.as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect(),
        body,
    }
}

/// Every recording of one server.
fn recordings(server: &str) -> Vec<String> {
    let path = format!(
        "{}/../../tests/fixtures/sites/{server}",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(format!("{server}/{}", name.strip_suffix(".json")?)))
        .collect();
    names.sort();
    assert!(names.len() > 100, "{server} has its recordings");
    names
}

const SERVERS: [(&str, SiteKind); 7] = [
    ("newapi-era1u", SiteKind::NewApi),
    ("newapi-era2", SiteKind::NewApi),
    ("newapi-era3", SiteKind::NewApi),
    ("oneapi", SiteKind::OneApi),
    ("veloera", SiteKind::Veloera),
    ("onehub", SiteKind::OneHub),
    ("donehub", SiteKind::DoneHub),
];

/// The recording of a server that shows this; each recorder numbered its own way.
fn showing(server: &str, what: &str) -> String {
    let name = match (server, what) {
        ("veloera" | "onehub" | "donehub", "status") => "01-status",
        (_, "status") => "001-status",
        ("veloera", "stranger") => "10-self-unauth",
        ("onehub" | "donehub", "stranger") => "09-self-unauth",
        (_, "stranger") => "007-self-no-auth",
        _ => panic!("{what}"),
    };
    format!("{server}/{name}")
}
