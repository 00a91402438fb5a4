//! One answer before it meets the wire.

use serde_json::{Value, json};

/// Status, headers and body as the handler decided.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Sent by gin itself before any middleware ran: no request id, no version, no gzip.
    pub(crate) bare: bool,
}

/// What gin's `DisableCache` middleware writes (QuantumNous/new-api middleware/disable-cache.go).
pub(crate) const NO_CACHE: &str = "no-store, no-cache, must-revalidate, private, max-age=0";

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            bare: false,
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::empty(status)
            .with("Content-Type", "application/json; charset=utf-8")
            .body(body.to_string())
    }

    pub(crate) fn html(status: u16, body: impl Into<String>) -> Self {
        Self::empty(status)
            .with("Content-Type", "text/html; charset=utf-8")
            .body(body.into())
    }

    /// `{success:true,message:"",data}`.
    pub(crate) fn data(data: Value) -> Self {
        Self::json(200, &json!({"success": true, "message": "", "data": data}))
    }

    /// `{success:true,message:""}`.
    pub(crate) fn done() -> Self {
        Self::json(200, &json!({"success": true, "message": ""}))
    }

    /// HTTP 200 with `success:false`: how this family reports nearly every error.
    pub(crate) fn fail(message: impl Into<String>) -> Self {
        Self::fail_with(200, message)
    }

    pub(crate) fn fail_with(status: u16, message: impl Into<String>) -> Self {
        Self::json(
            status,
            &json!({"success": false, "message": message.into()}),
        )
    }

    /// The JWT era's error shape (QuantumNous/new-api middleware/auth.go).
    pub(crate) fn code(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({"success": false, "code": code, "message": message}),
        )
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Takes a header away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(one, _)| *one != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The body as JSON, also when it went out packed; null if it is none.
    pub(crate) fn plain_json(&self) -> Value {
        let packed = self
            .headers
            .iter()
            .any(|(name, value)| *name == "Content-Encoding" && value == "gzip");
        if !packed {
            return serde_json::from_slice(&self.body).unwrap_or(Value::Null);
        }
        serde_json::from_reader(flate2::read::GzDecoder::new(&self.body[..])).unwrap_or(Value::Null)
    }

    pub(crate) fn no_cache(self) -> Self {
        if self
            .headers
            .iter()
            .any(|(name, _)| *name == "Cache-Control")
        {
            self
        } else {
            self.with("Cache-Control", NO_CACHE)
        }
    }

    /// Go's `http.Redirect`: a little HTML for GET, nothing for other methods.
    pub(crate) fn slash_redirect(method: &str, to: &str) -> Self {
        let mut answer = if method == "GET" {
            let shown = to.replace('&', "&amp;");
            Self::html(
                301,
                format!("<a href=\"{shown}\">Moved Permanently</a>.\n\n"),
            )
        } else {
            Self::empty(307)
        };
        answer.bare = true;
        answer.with("Location", to)
    }
}
