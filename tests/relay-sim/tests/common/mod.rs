//! A bare HTTP client and a started simulator, so that nothing is added to what a test sends.
#![allow(dead_code, reason = "every test file uses its own part of this")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use relay_sim::{Args, Running, start};
use serde_json::Value;

/// One answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(each, _)| each.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or("").to_owned()
    }
}

/// Sends exactly these headers (and `Host`, `Content-Length`, `Connection`).
pub(crate) fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Got {
    try_send(base, method, path, headers, body).expect("a whole head")
}

/// The same where the connection may end before an answer begins.
pub(crate) fn try_send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Got> {
    let rest = base.strip_prefix("http://").expect("sites are plain HTTP");
    let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!("/{prefix}")
    };
    let mut stream = TcpStream::connect(host).expect("the site listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a real timeout");
    let mut text =
        format!("{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream
        .write_all(text.as_bytes())
        .expect("the request leaves");
    stream.write_all(body).expect("the body leaves");
    let mut all = Vec::new();
    // A cut answer ends in an error; what came before it is the answer.
    let _ = stream.read_to_end(&mut all);
    parse(&all)
}

fn parse(all: &[u8]) -> Option<Got> {
    let end = all.windows(4).position(|each| each == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..end]);
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok())
        .expect("a status line");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Some(Got {
        status,
        headers,
        body: all[end + 4..].to_vec(),
    })
}

/// A simulator in this process, with its runtime.
pub(crate) struct Sim {
    pub(crate) base: String,
    pub(crate) control: String,
    pub(crate) token: String,
    pub(crate) all: Vec<Value>,
    _running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Sim {
    /// Starts the sites of these `--site` words; `base` and the rest are those of the first.
    pub(crate) fn start(sites: &[&str]) -> Self {
        let words = sites
            .iter()
            .flat_map(|site| ["--site".to_owned(), (*site).to_owned()]);
        let args = Args::read(words).expect("the words are right");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let running = runtime
            .block_on(start(&args))
            .expect("loopback ports are free");
        let all = running.describe();
        let text = |name: &str| all[0][name].as_str().unwrap_or("").to_owned();
        Self {
            base: text("base"),
            control: text("control"),
            token: text("accessToken"),
            all: all.clone(),
            _running: running,
            _runtime: runtime,
        }
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        send(&self.base, "GET", path, headers, b"")
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Got {
        send(
            &self.base,
            "POST",
            path,
            headers,
            body.to_string().as_bytes(),
        )
    }

    /// GET with the demo user's access token.
    pub(crate) fn mine(&self, path: &str) -> Got {
        self.get(
            path,
            &[("Authorization", &self.token), ("New-Api-User", "2")],
        )
    }

    /// A control call that must succeed.
    pub(crate) fn control(&self, word: &str, body: &Value) -> Value {
        let path = format!("/{word}");
        let got = send(
            &self.control,
            "POST",
            &path,
            &[],
            body.to_string().as_bytes(),
        );
        assert_eq!(
            got.status,
            200,
            "control {word} {body}: {}",
            String::from_utf8_lossy(&got.body)
        );
        got.json()
    }

    pub(crate) fn read_control(&self, word: &str) -> Value {
        send(&self.control, "GET", &format!("/{word}"), &[], b"").json()
    }

    pub(crate) fn login(&self, username: &str, password: &str) -> Got {
        self.post(
            "/api/user/login",
            &[],
            &serde_json::json!({"username": username, "password": password}),
        )
    }
}
