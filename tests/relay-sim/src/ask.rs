//! One request as a handler sees it.

use axum::http::HeaderMap;
use serde_json::Value;

/// A request with its body read and its path freed of the site's sub path.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) ip: String,
}

impl Ask {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A query parameter, "" when absent, as gin's `c.Query` has it.
    pub(crate) fn query(&self, name: &str) -> String {
        self.raw_query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| decode(key) == name)
            .map(|(_, value)| decode(value))
            .unwrap_or_default()
    }

    /// The value of a cookie; the last one wins nothing, browsers send one.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all("cookie")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The body as JSON, or the words Go's decoder uses for what is wrong with it.
    pub(crate) fn json(&self) -> Result<Value, String> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Err("EOF".to_owned());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            if error.is_eof() {
                "unexpected EOF".to_owned()
            } else {
                let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
                let first = first.map_or(' ', |byte| char::from(*byte));
                format!("invalid character '{first}' looking for beginning of value")
            }
        })
    }

    pub(crate) fn accepts_gzip(&self) -> bool {
        self.header("accept-encoding")
            .is_some_and(|value| value.contains("gzip"))
    }
}

/// Undoes percent encoding and `+`, leaving alone what is not valid.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match (
            bytes[at],
            pair.and_then(|hex| u8::from_str_radix(hex, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
