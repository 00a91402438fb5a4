//! Faults on request: rules that match requests and spoil their answers.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::Ask;

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) id: u64,
    pub(crate) what: What,
    /// Exact path, or a beginning when it ends in `*`.
    path: Option<String>,
    method: Option<String>,
    /// Requests still to spoil; none means all.
    left: Option<u64>,
    /// Matching requests to let through first.
    skip: u64,
    /// The request is carried out and only its answer is lost.
    pub(crate) after: bool,
    pub(crate) hits: u64,
    /// A shield: visiting any page sets this cookie, and whoever sends it passes.
    shield: Option<String>,
}

/// What happens to the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Latency {
        ms: u64,
    },
    SlowLoris {
        ms_per_byte: u64,
    },
    CutBody {
        at: usize,
    },
    Hang,
    /// The request waits until the rule is cleared.
    Hold,
    /// The connection ends without one byte of an answer.
    Drop,
    Replace {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    Merge(Value),
    List(Quirk),
    Huge {
        bytes: usize,
    },
}

/// What happens to a key list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    Duplicates,
    Endless,
    SamePage,
    Shrinking,
}

const CLOUDFLARE: &str = include_str!("../pages/cloudflare.html");
const ACW: &str = include_str!("../pages/acw.html");

impl Fault {
    /// Reads a rule; the error says what the rule lacks.
    pub(crate) fn read(id: u64, rule: &Value) -> Result<Self, String> {
        let word = |name: &str| rule[name].as_str().map(str::to_owned);
        Ok(Self {
            id,
            what: What::read(rule)?,
            path: word("path"),
            method: word("method").map(|method| method.to_ascii_uppercase()),
            left: rule["count"].as_u64(),
            skip: rule["skip"].as_u64().unwrap_or(0),
            after: rule["after"].as_bool().unwrap_or(false),
            hits: 0,
            shield: word("until_visited"),
        })
    }

    /// Whether the request must not be carried out because of this rule.
    pub(crate) fn prevents(&self) -> bool {
        match self.what {
            What::Hang | What::Drop | What::Replace { .. } | What::Huge { .. } => !self.after,
            What::Latency { .. }
            | What::SlowLoris { .. }
            | What::CutBody { .. }
            | What::Hold
            | What::Merge(_)
            | What::List(_) => false,
        }
    }

    /// Whether this request carries what passes the shield.
    pub(crate) fn lets_through(&self, ask: &Ask) -> bool {
        let wanted = self.shield.as_deref();
        wanted.is_some_and(|name| ask.cookie(name).is_some())
    }

    /// The rule as it answers this request: a page that a person visits passes the check by itself
    /// and loads anew, as Cloudflare's and Aliyun's scripts do.
    pub(crate) fn answering(&self, ask: &Ask) -> Self {
        let mut rule = self.clone();
        let visit = ask
            .header("accept")
            .is_some_and(|kinds| kinds.contains("text/html"));
        if let (Some(name), What::Replace { headers, .. }, true) =
            (&self.shield, &mut rule.what, visit)
        {
            let cookie = format!("{name}=passed; Path=/; Max-Age=1800; HttpOnly; SameSite=Strict");
            headers.push(("set-cookie".to_owned(), cookie));
            headers.push(("refresh".to_owned(), "0".to_owned()));
        }
        rule
    }

    /// Whether this request is spoilt; counts it.
    pub(crate) fn strikes(&mut self, method: &str, path: &str) -> bool {
        let here = self
            .path
            .as_deref()
            .is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == wanted,
            });
        if !here
            || self
                .method
                .as_deref()
                .is_some_and(|wanted| wanted != method)
        {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.left {
            Some(0) => return false,
            Some(left) => *left -= 1,
            None => {}
        }
        self.hits += 1;
        true
    }

    pub(crate) fn show(&self) -> Value {
        json!({"id": self.id, "left": self.left, "hits": self.hits, "what": format!("{:.60}", format!("{:?}", self.what))})
    }
}

impl What {
    fn read(rule: &Value) -> Result<Self, String> {
        let number = |name: &str, usual: u64| rule[name].as_u64().unwrap_or(usual);
        let html = |status: u16, more: &[(&str, &str)], body: &str| {
            let mut headers = vec![(
                "content-type".to_owned(),
                "text/html; charset=UTF-8".to_owned(),
            )];
            headers.extend(more.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
            Self::Replace {
                status,
                headers,
                body: body.as_bytes().to_vec(),
            }
        };
        let kind = rule["fault"].as_str().ok_or("a rule needs \"fault\"")?;
        Ok(match kind {
            "latency" => Self::Latency {
                ms: number("ms", 1000),
            },
            "slow_loris" => Self::SlowLoris {
                ms_per_byte: number("ms_per_byte", 200),
            },
            "cut_body" => Self::CutBody {
                at: number("at", 10) as usize,
            },
            "hang" => Self::Hang,
            "hold" => Self::Hold,
            "drop" => Self::Drop,
            "status" => {
                let status = number("status", 502) as u16;
                let usual = format!("<html><body><h1>{status}</h1><hr>nginx</body></html>");
                html(status, &[], rule["body"].as_str().unwrap_or(&usual))
            }
            "challenge" => match rule["variant"].as_str().unwrap_or("cloudflare403") {
                "cloudflare403" => html(
                    403,
                    &[("cf-mitigated", "challenge"), ("server", "cloudflare")],
                    CLOUDFLARE,
                ),
                "cloudflare503" => html(
                    503,
                    &[("cf-mitigated", "challenge"), ("server", "cloudflare")],
                    CLOUDFLARE,
                ),
                "acw" => html(
                    200,
                    &[("set-cookie", "acw_tc=0a1b2c3d;path=/;HttpOnly;Max-Age=1800")],
                    ACW,
                ),
                other => return Err(format!("no challenge is called {other}")),
            },
            "redirect" => Self::Replace {
                status: number("status", 302) as u16,
                headers: vec![(
                    "location".to_owned(),
                    rule["to"]
                        .as_str()
                        .ok_or("redirect needs \"to\"")?
                        .to_owned(),
                )],
                body: Vec::new(),
            },
            "wrong_json" => Self::Replace {
                status: 200,
                headers: vec![json_type()],
                body: rule["body"]
                    .as_str()
                    .unwrap_or("{\"success\":true,\"data\":{\"items\":[{\"id\":")
                    .into(),
            },
            "empty_200" => Self::Replace {
                status: 200,
                headers: vec![json_type()],
                body: Vec::new(),
            },
            "answer" => Self::Replace {
                status: number("status", 200) as u16,
                headers: rule["headers"].as_object().map_or_else(
                    || vec![json_type()],
                    |all| {
                        all.iter()
                            .map(|(name, value)| {
                                (name.clone(), value.as_str().unwrap_or("").to_owned())
                            })
                            .collect()
                    },
                ),
                body: match &rule["body"] {
                    Value::String(text) => text.clone().into_bytes(),
                    Value::Null => Vec::new(),
                    Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        rule["body"].to_string().into_bytes()
                    }
                },
            },
            "limit" => {
                let mut headers = Vec::new();
                if let Some(seconds) = rule["retry_after"].as_u64() {
                    headers.push(("retry-after".to_owned(), seconds.to_string()));
                }
                Self::Replace {
                    status: 429,
                    headers,
                    body: Vec::new(),
                }
            }
            "huge_body" => Self::Huge {
                bytes: number("bytes", 11 << 20) as usize,
            },
            "merge" => Self::Merge(rule["with"].clone()),
            "duplicate_ids" => Self::List(Quirk::Duplicates),
            "endless_list" => Self::List(Quirk::Endless),
            "same_page" => Self::List(Quirk::SamePage),
            "shrinking_list" => Self::List(Quirk::Shrinking),
            other => return Err(format!("no fault is called {other}")),
        })
    }
}

fn json_type() -> (String, String) {
    (
        "content-type".to_owned(),
        "application/json; charset=utf-8".to_owned(),
    )
}

/// Lays `with` over the `data` of a JSON answer, object into object.
pub(crate) fn merged(answer: Answer, with: &Value) -> Answer {
    fn lay(into: &mut Value, from: &Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (name, value) in from {
                    lay(into.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
            (Value::Array(into), Value::Object(_)) => {
                into.iter_mut().for_each(|each| lay(each, from))
            }
            (into, from) => *into = from.clone(),
        }
    }
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut body) => {
            lay(&mut body, with);
            answer.body(body.to_string())
        }
        Err(_) => answer,
    }
}

/// A list answer as large as asked for, valid to its last byte.
pub(crate) fn huge(bytes: usize) -> Answer {
    let filler = "x".repeat(bytes);
    Answer::empty(200)
        .with("Content-Type", "application/json; charset=utf-8")
        .body(format!("{{\"success\":true,\"message\":\"\",\"data\":{{\"page\":1,\"page_size\":100,\"total\":1,\"items\":[{{\"id\":1,\"name\":\"{filler}\"}}]}}}}"))
}
