//! What an answer means, before anyone reads its content.

use super::fields::fields;
use super::lax::{self, Raw};
use super::limit::limited_until;
use super::protocol::Protocol;
use super::words;
use crate::http::{Bucket, HttpError, HttpResponse};
use relaykeep_protocol::{Millis, SiteKind, SiteTrouble};
use serde_json::value::RawValue;

/// Why a site could not be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteError {
    /// There is no answer.
    Http(HttpError),
    /// There is one, and it says no; with the site's own words (cleaned, at most 300 characters,
    /// nothing key-like).
    Trouble(SiteTrouble, Option<String>),
}

impl SiteError {
    /// In the words the user is told.
    #[must_use]
    pub fn trouble(&self) -> SiteTrouble {
        match self {
            Self::Http(error) => error.trouble(),
            Self::Trouble(trouble, _) => trouble.clone(),
        }
    }

    /// The site's own words.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Http(_) => None,
            Self::Trouble(_, said) => said.as_deref(),
        }
    }
}

impl From<HttpError> for SiteError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<SiteTrouble> for SiteError {
    fn from(trouble: SiteTrouble) -> Self {
        Self::Trouble(trouble, None)
    }
}

/// What was asked, as far as the answer's meaning hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The limit it counted in: how long to wait when the site does not say.
    pub bucket: Bucket,
    /// The site is known to send `Auth-Version` whenever the login was accepted, and the login
    /// was needed.
    pub expects_auth_version: bool,
    /// Whose words the answer speaks.
    pub protocol: Protocol,
    /// Now.
    pub now: Millis,
}

/// An answer that says yes.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The content, as sent. `None`: there was none at all.
    pub data: Option<&'a RawValue>,
    /// It carried `Auth-Version`.
    pub auth_version: bool,
}

fields! {
    struct Envelope {
        success "success",
        message "message",
        code "code",
        data "data" = null,
        error "error",
        reason "reason",
    }
}

fields! {
    struct ErrorBody {
        message "message",
        kind "type",
    }
}

/// Reads an answer as far as yes or no.
///
/// # Errors
/// When it says no, is none of this family's, or does not read.
pub fn classify<'a>(response: &'a HttpResponse, asking: &Asking) -> Result<Answer<'a>, SiteError> {
    if let Some(until) = limited_until(response, asking.bucket, asking.now) {
        return Err(SiteTrouble::RateLimited { until }.into());
    }
    if (300..400).contains(&response.status) {
        return Err(SiteTrouble::Redirected.into());
    }
    if is_page(response) {
        return Err(page_trouble(response).into());
    }
    let Some(text) = readable(&response.body) else {
        return Err(unreadable(response.status).into());
    };
    let Ok(envelope) = Envelope::read(text) else {
        return Err(unreadable(response.status).into());
    };
    let auth_version = response.header("auth-version").is_some();
    if let (409, Protocol::Sub2Api, Some(seconds)) = (
        response.status,
        asking.protocol,
        response.header("retry-after"),
    ) {
        // IDEMPOTENCY_RETRY_BACKOFF: asked again too soon after a refusal (seen on 67380eaf).
        let seconds: u64 = seconds.parse().unwrap_or(10).clamp(1, 600);
        let until = asking.now.saturating_add(seconds * 1_000);
        return Err(SiteTrouble::RateLimited { until }.into());
    }
    match (response.status, envelope.says_yes(asking.protocol)) {
        (200..=299, Some(true)) => Ok(Answer {
            data: envelope.data,
            auth_version,
        }),
        (200..=299, None) => Err(SiteTrouble::BadAnswer.into()),
        (status, _) => {
            let words = envelope.words();
            let code = lax::text(envelope.code);
            let code = code.as_deref().unwrap_or_default();
            let trouble = match asking.protocol {
                Protocol::Family if envelope.gave_up() => SiteTrouble::Absent,
                Protocol::Family => {
                    refusal(status, Some(code), words.as_deref(), auth_version, asking)
                }
                Protocol::Sub2Api => {
                    let reason = lax::text(envelope.reason).unwrap_or_default();
                    super::sub2api::refusal(status, code, &reason)
                }
                Protocol::OpenRouter => super::openrouter::refusal(status),
            };
            Err(SiteError::Trouble(
                trouble,
                words.as_deref().and_then(words::said),
            ))
        }
    }
}

impl Envelope<'_> {
    /// Veloera broke down in what it was asked, as it will again (a redemption without Redis,
    /// seen on 8117f302).
    fn gave_up(&self) -> bool {
        let kind = self
            .error
            .and_then(|error| ErrorBody::read(error.get()).ok()?.kind);
        lax::text(kind).as_deref() == Some("veloera_panic")
    }

    /// Yes, no, or none of this protocol's answers.
    fn says_yes(&self, protocol: Protocol) -> Option<bool> {
        match protocol {
            Protocol::Family => success(self.success),
            Protocol::Sub2Api => self.code.map(|code| code.get() == "0"),
            Protocol::OpenRouter if self.error.is_some() => Some(false),
            Protocol::OpenRouter => self.data.map(|_| true),
        }
    }

    /// The site's own words, wherever it put them.
    fn words(&self) -> Option<String> {
        let inner = || {
            let error = self.error?;
            lax::text(Some(error)).or_else(|| lax::text(ErrorBody::read(error.get()).ok()?.message))
        };
        lax::text(self.message)
            .filter(|text| !text.is_empty())
            .or_else(inner)
    }
}

/// The code of a refusal, if the body carries one: the mark of New API from 31d70fca3 on.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let envelope = Envelope::read(readable(body)?).ok()?;
    (success(envelope.success) == Some(false)).then(|| lax::text(envelope.code))?
}

/// Whether the body is a refusal in this family's form.
pub(super) fn is_refusal(body: &[u8]) -> bool {
    readable(body)
        .and_then(|text| Envelope::read(text).ok())
        .is_some_and(|envelope| {
            success(envelope.success) == Some(false) && envelope.message.is_some()
        })
}

/// The body as text that is safe to parse: UTF-8 (a byte order mark is passed over) and not
/// nested deeper than any honest answer; the stack of a WebAssembly module is 1 MiB.
pub(super) fn readable(body: &[u8]) -> Option<&str> {
    const DEEPEST: u32 = 64;
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii();
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > DEEPEST {
                    return None;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (!text.is_empty()).then_some(text)
}

fn success(raw: Raw<'_>) -> Option<bool> {
    match raw?.get() {
        "true" | "1" | "\"true\"" => Some(true),
        "false" | "0" | "\"false\"" => Some(false),
        _ => None,
    }
}

/// The table of refusals, with the texts of New API in English and Chinese [e2c7aa7b
/// i18n/locales/en.yaml, zh-CN.yaml; 5a6c53d4 middleware/auth.go] and One API's, which are the
/// Chinese ones [8df4a267 middleware/auth.go].
fn refusal(
    status: u16,
    code: Option<&str>,
    words: Option<&str>,
    auth_version: bool,
    asking: &Asking,
) -> SiteTrouble {
    let words = words.unwrap_or_default();
    let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    let by_code = match code.unwrap_or_default() {
        "AUTH_USER_DISABLED" => Some(SiteTrouble::UserDisabled),
        "AUTH_UNAUTHORIZED"
        | "AUTH_TOKEN_EXPIRED"
        | "AUTH_SESSION_REVOKED"
        | "AUTH_USER_INVALID" => Some(SiteTrouble::LoginExpired),
        code if code.starts_with("VERIFICATION_") || code.starts_with("SECURITY_PROOF_") => {
            Some(SiteTrouble::VerificationRequired)
        }
        _ => None,
    };
    if let Some(trouble) = by_code {
        return trouble;
    }
    match status {
        404 | 405 | 410 => return SiteTrouble::Absent,
        500.. => return SiteTrouble::ServerError { status },
        _ => {}
    }
    // A path that a build lacks falls into a neighbouring `/:id` route and fails there as no
    // number, or as an administrator's route (seen on 5a6c53d4, ef8ae4db and 8df4a267).
    if says(&["strconv.Atoi"]) {
        return SiteTrouble::Absent;
    }
    if auth_version {
        return SiteTrouble::Refused;
    }
    if says(&["been banned", "已被封禁"]) {
        return SiteTrouble::UserDisabled;
    }
    // Each kind names its own header.
    let names_header = SiteKind::ALL
        .iter()
        .filter_map(|kind| kind.user_header())
        .any(|header| words.contains(header));
    if names_header || says(&["does not match logged in user", "与登录用户不匹配"]) {
        return SiteTrouble::UserIdMismatch;
    }
    if says(&[
        "access token",
        "not logged in",
        "未登录",
        "invalid user info",
        "用户信息无效",
    ]) {
        return SiteTrouble::LoginExpired;
    }
    if says(&[
        "insufficient privilege",
        "nsufficient privileges",
        "权限不足",
    ]) {
        return if status == 403 {
            SiteTrouble::Refused
        } else {
            SiteTrouble::Absent
        };
    }
    match status {
        401 => SiteTrouble::LoginExpired,
        200..=299 if asking.expects_auth_version => SiteTrouble::LoginExpired,
        _ => SiteTrouble::Refused,
    }
}

fn unreadable(status: u16) -> SiteTrouble {
    match status {
        401 => SiteTrouble::LoginExpired,
        403 => SiteTrouble::Refused,
        404 | 405 | 410 => SiteTrouble::Absent,
        500.. => SiteTrouble::ServerError { status },
        _ => SiteTrouble::BadAnswer,
    }
}

/// HTML, by what the header says or how the body begins.
fn is_page(response: &HttpResponse) -> bool {
    let said = response.header("content-type").is_some_and(|kind| {
        kind.get(..9)
            .is_some_and(|start| start.eq_ignore_ascii_case("text/html"))
    });
    let body = response.body.trim_ascii_start();
    (said && !body.is_empty()) || body.starts_with(b"<")
}

/// A page instead of data: a challenge, a failing proxy, or the front end that answers every
/// unknown path with 200.
fn page_trouble(response: &HttpResponse) -> SiteTrouble {
    const MARKS: [&str; 6] = [
        "acw_sc__v2",
        "Just a moment",
        "/cdn-cgi/challenge-platform",
        "cf-chl",
        "cf_chl_opt",
        "__cf_chl",
    ];
    // The marks stand near the beginning, and a page may be megabytes long.
    let head = String::from_utf8_lossy(&response.body[..response.body.len().min(65_536)]);
    let challenge =
        response.header("cf-mitigated").is_some() || MARKS.iter().any(|mark| head.contains(mark));
    match response.status {
        _ if challenge => SiteTrouble::Challenge,
        // A relay refuses in JSON: a page with 403 comes from something before it.
        403 => SiteTrouble::Challenge,
        status @ 500.. => SiteTrouble::ServerError { status },
        _ => SiteTrouble::NotARelay,
    }
}
