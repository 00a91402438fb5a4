//! What a site received, kept for tests that must prove what was not sent.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::state::State;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    at_ms: u128,
    ask: Ask,
    pub(crate) status: Option<u16>,
    fault: bool,
    /// The site did what was asked, or at least looked at it.
    carried: bool,
    /// It said yes in its own way, whether or not anybody heard that.
    success: bool,
}

/// Headers that carry a credential of some product.
const CREDENTIAL_HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "x-api-key",
    "x-goog-api-key",
    "new-api-user",
    "x-auth-session",
    "proxy-authorization",
    "mj-api-secret",
];

impl Entry {
    pub(crate) fn new(number: u64, ask: &Ask) -> Self {
        let at_ms = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_millis());
        Self {
            number,
            at_ms,
            ask: ask.clone(),
            status: None,
            fault: false,
            carried: false,
            success: false,
        }
    }

    /// The site's own answer, before any fault met it.
    pub(crate) fn carried_out(&mut self, answer: &Answer) {
        self.carried = true;
        let json: Value = answer.plain_json();
        let yes = json["success"] == true
            || json["code"] == 0
            || json["deleted"] == true
            || json["data"]["hash"].is_string();
        self.success = matches!(answer.status, 200 | 201) && yes;
    }

    /// The route, if requests to it write something that stays: `PUT /api/token/` and the like.
    pub(crate) fn writes(&self) -> Option<String> {
        let path = self.ask.path.as_str();
        let at = path.find("/api/").or_else(|| path.find("/v1/"))?;
        let parts: Vec<&str> = path[at + 1..].split('/').collect();
        let status_only = !self.ask.query("status_only").is_empty();
        let shape = match (self.ask.method.as_str(), &parts[..]) {
            ("PUT", ["api", "token", ""]) if status_only => "/api/token/?status_only".to_owned(),
            // These read, whatever their method says.
            ("POST", ["api", "token", _, "key"] | ["api", "token", "batch", "keys"]) => {
                return None;
            }
            ("DELETE", ["api", "token", _]) => "/api/token/:id".to_owned(),
            ("GET", ["api", "user", "token"]) => "/api/user/token".to_owned(),
            ("POST" | "PUT" | "DELETE" | "PATCH", _) => path[at..].to_owned(),
            _ => return None,
        };
        Some(format!("{} {shape}", self.ask.method))
    }

    /// Counts the writing requests by route.
    pub(crate) fn count_writes(log: &[Self]) -> Value {
        let mut routes = serde_json::Map::new();
        let mut all = [0_u64; 3];
        for entry in log {
            let Some(route) = entry.writes() else {
                continue;
            };
            let count = routes.entry(route).or_insert_with(|| json!([0, 0, 0]));
            let hits = [true, entry.carried, entry.success];
            for (n, hit) in hits.into_iter().enumerate() {
                all[n] += u64::from(hit);
                count[n] = json!(count[n].as_u64().unwrap_or(0) + u64::from(hit));
            }
        }
        let named = |counts: &Value| json!({"requests": counts[0], "carriedOut": counts[1], "succeeded": counts[2]});
        let routes: serde_json::Map<String, Value> = routes
            .iter()
            .map(|(route, counts)| (route.clone(), named(counts)))
            .collect();
        let mut whole = named(&json!(all));
        whole["routes"] = Value::Object(routes);
        whole
    }

    pub(crate) fn answered(&mut self, status: Option<u16>, fault: bool) {
        self.status = status;
        self.fault = fault;
    }

    /// Values are hashed; `raw` adds headers and body as they came.
    pub(crate) fn show(&self, state: &State, raw: bool) -> Value {
        let ask = &self.ask;
        let names: Vec<&str> = ask
            .headers
            .keys()
            .map(axum::http::HeaderName::as_str)
            .collect();
        let credentials: serde_json::Map<String, Value> = CREDENTIAL_HEADERS
            .iter()
            .filter_map(|name| {
                Some((
                    (*name).to_owned(),
                    json!(hash(ask.headers.get(*name)?.as_bytes())),
                ))
            })
            .collect();
        let secrets = secrets_in(state, ask);
        let mut row = json!({
            "atMs": self.at_ms as u64, "method": ask.method, "path": ask.path,
            "query": ask.raw_query, "status": self.status, "fault": self.fault,
            "carriedOut": self.carried, "ip": ask.ip,
            "headers": names, "credentialHeaders": credentials, "bodyBytes": ask.body.len(),
            "bodyHash": if ask.body.is_empty() { Value::Null } else { json!(hash(&ask.body)) },
            "secrets": secrets,
            "carriesCredential": !credentials_empty(ask) || !secrets.is_empty(),
        });
        if raw {
            row["rawHeaders"] = ask
                .headers
                .iter()
                .map(|(name, value)| {
                    json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])
                })
                .collect();
            row["rawBody"] = json!(String::from_utf8_lossy(&ask.body));
        }
        row
    }
}

fn credentials_empty(ask: &Ask) -> bool {
    CREDENTIAL_HEADERS
        .iter()
        .all(|name| !ask.headers.contains_key(*name))
}

/// Which known secrets of this site stand anywhere in the request.
fn secrets_in(state: &State, ask: &Ask) -> Vec<String> {
    let mut text = format!("{}?{}\n", ask.path, ask.raw_query);
    for value in ask.headers.values() {
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
        text.push('\n');
    }
    text.push_str(&String::from_utf8_lossy(&ask.body));
    let mut found = Vec::new();
    for user in &state.users {
        if user
            .access_token
            .as_ref()
            .is_some_and(|pat| text.contains(pat))
        {
            found.push(format!("accessToken:{}", user.username));
        }
        if text.contains(&user.password) {
            found.push(format!("password:{}", user.username));
        }
    }
    for token in &state.tokens {
        if text.contains(&token.key) {
            found.push(format!("key:{}", token.id));
        }
    }
    let managed = state.managed.rows.iter().map(|(id, row)| (id.clone(), row));
    let own = state
        .sub2api
        .keys
        .iter()
        .map(|(id, row)| (id.to_string(), row));
    for (id, row) in own.chain(managed) {
        if row["key"].as_str().is_some_and(|key| text.contains(key)) {
            found.push(format!("key:{id}"));
        }
    }
    found
}

/// The first 16 hex digits of SHA-256: enough to compare, too little to give anything away.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
