//! Requests and answers as values. Adapters build the one and read the other; the worker's one
//! egress function carries them out and enforces what is said here.

use crate::secret::Secret;
use relaykeep_protocol::{Millis, SiteTrouble};
use std::future::Future;

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// Which of a server's limits a request counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// The wide one (180 to 480 in 180 s per address).
    Ordinary,
    /// The narrow one that login, reveal and token making share (20 in 1 200 s per address).
    Critical,
}

/// A secret and the only origins it may go to. The egress function refuses any other.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The secret.
    pub secret: Secret,
    /// Origins (`https://host[:port]`, as `url::Origin::ascii_serialization` writes them).
    pub origins: Vec<String>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// GET, POST, …
    pub method: Method,
    /// The whole address, canonical.
    pub url: String,
    /// Headers that are no secret.
    pub headers: Vec<(String, String)>,
    /// Sent as `Authorization: Bearer …`, only to its own origins.
    pub bearer: Option<Bound>,
    /// The browser's own cookies of the site go along: as the login, or as a shield wants it.
    pub with_cookie: bool,
    /// A JSON body.
    pub body: Option<String>,
    /// Which limit it counts in.
    pub bucket: Bucket,
}

/// One answer, read whole (at most 8 MiB).
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// A header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// The browser says it is offline.
    Offline,
    /// No connection.
    Unreachable,
    /// Too slow.
    TimedOut,
    /// The browser does not let us.
    PermissionMissing,
    /// The answer was a redirect.
    Redirected,
    /// More than 8 MiB.
    TooLarge,
    /// The connection ended before the answer did.
    Cut,
    /// Our own budget for this origin, or the site's last `Retry-After`, says: not before then.
    NotBefore(Millis),
    /// The secret does not belong to this origin. Nothing was sent.
    ForeignOrigin,
    /// Asked right before a write, the site did not name this account's login. Nothing was sent.
    NotOurLogin(SiteTrouble),
    /// The job was stopped, or the vault locked, before this request was sent.
    Stopped,
}

impl HttpError {
    /// In the words the user is told.
    #[must_use]
    pub fn trouble(&self) -> SiteTrouble {
        match self {
            Self::Offline => SiteTrouble::Offline,
            Self::Unreachable | Self::Stopped => SiteTrouble::Unreachable,
            Self::TimedOut => SiteTrouble::TimedOut,
            Self::PermissionMissing => SiteTrouble::PermissionMissing,
            Self::Redirected | Self::ForeignOrigin => SiteTrouble::Redirected,
            Self::TooLarge => SiteTrouble::AnswerTooLarge,
            Self::Cut => SiteTrouble::BadAnswer,
            Self::NotBefore(until) => SiteTrouble::RateLimited { until: *until },
            Self::NotOurLogin(trouble) => trouble.clone(),
        }
    }
}

/// Carries requests out.
pub trait Http {
    /// Sends one and waits for its whole answer.
    fn send(&self, request: HttpRequest) -> impl Future<Output = Result<HttpResponse, HttpError>>;
}
