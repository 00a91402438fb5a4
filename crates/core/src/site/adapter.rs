//! What each kind of site wants to be asked, as constants, and the requests built from them.

use super::place::{Login, Place};
use super::protocol::{self, Ask, Protocol};
use crate::http::{Bound, Bucket, HttpRequest, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relaykeep_protocol::{RemoteId, SiteKind};

/// One kind's habits. A fork that differs in a header, a path or a page base is a line here.
pub(super) struct Adapter {
    pub(super) kind: SiteKind,
    /// What its sites understand.
    pub(super) protocol: Protocol,
    /// The header that must name the user besides the token.
    pub(super) user_header: Option<&'static str>,
    /// What follows `p=<page>` in a list request.
    pub(super) list_query: &'static str,
    /// Lists are bare arrays counted from page 0. `None`: the first answer shows it.
    pub(super) zero_based: Option<bool>,
    /// A full page's length, where the server takes no wish for it.
    pub(super) page_len: Option<u32>,
    /// Listed keys may be masked, and there are endpoints that reveal them.
    pub(super) reveals: bool,
    /// A key stands in full only in the answer to its making.
    pub(super) shown_once: bool,
    /// Where the groups a login may use are listed.
    pub(super) groups: Option<&'static str>,
    /// Where the models a login may use are listed.
    pub(super) models: &'static str,
    /// The number of the first page of logs.
    pub(super) first_log_page: u32,
    /// The length of a full page of logs.
    pub(super) log_page_len: usize,
    /// Keys can be asked for their own quota.
    pub(super) key_usage: bool,
    /// How a key's limits are written.
    pub(super) limits: LimitNames,
    /// The status that disables a key.
    pub(super) disabled: i64,
}

/// How a kind writes what its keys are limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitNames {
    /// `model_limits` behind the switch `model_limits_enabled`, `allow_ips` one a line, `group`.
    /// [QuantumNous/new-api e2c7aa7b model/token.go]
    Switched,
    /// `models` and `subnet`, both with commas and without a switch; no groups.
    /// [songquanpeng/one-api 8df4a267 model/token.go]
    Bare,
}

/// Every kind, one entry each. Trailing slashes are canonical: gin answers 301 or 307 to the
/// other form, and redirects are never followed with a credential.
const ADAPTERS: [Adapter; 5] = [
    // QuantumNous/new-api. `p`, `page_size` (before: `size`, for one week of July 2025 `page`);
    // April 2025 takes `p` from 0 and answers a bare array [ef8ae4db, e2c7aa7b common/page_info.go].
    // The user header is required until 2026-07-20 and ignored after [31d70fca3].
    Adapter {
        kind: SiteKind::NewApi,
        protocol: Protocol::Family,
        user_header: Some("New-Api-User"),
        list_query: "&page_size=100&size=100&page=",
        zero_based: None,
        page_len: None,
        reveals: true,
        shown_once: false,
        groups: Some("/api/user/self/groups"),
        models: "/api/user/models",
        first_log_page: 1,
        log_page_len: 100,
        key_usage: true,
        limits: LimitNames::Switched,
        disabled: 2,
    },
    // songquanpeng/one-api 8df4a267: `p` from 0, always 10 a page, full keys [controller/token.go].
    Adapter {
        kind: SiteKind::OneApi,
        protocol: Protocol::Family,
        user_header: None,
        list_query: "",
        zero_based: Some(true),
        page_len: Some(10),
        reveals: false,
        shown_once: false,
        groups: None,
        models: "/api/user/available_models",
        first_log_page: 0,
        log_page_len: 10,
        key_usage: false,
        limits: LimitNames::Bare,
        disabled: 2,
    },
    super::aihubmix::ADAPTER,
    // Their requests are in their own files; what stands here is what the shared flows ask for.
    of_its_own(SiteKind::Sub2Api, Protocol::Sub2Api, None, 100),
    of_its_own(SiteKind::OpenRouter, Protocol::OpenRouter, Some(true), 0),
];

/// A kind with a protocol of its own.
const fn of_its_own(
    kind: SiteKind,
    protocol: Protocol,
    zero_based: Option<bool>,
    log_page_len: usize,
) -> Adapter {
    Adapter {
        kind,
        protocol,
        user_header: None,
        list_query: "",
        zero_based,
        page_len: Some(100),
        reveals: false,
        shown_once: matches!(protocol, Protocol::OpenRouter),
        groups: None,
        models: "",
        first_log_page: 0,
        log_page_len,
        key_usage: true,
        limits: LimitNames::Bare,
        disabled: 2,
    }
}

pub(super) fn adapter(kind: SiteKind) -> &'static Adapter {
    ADAPTERS
        .iter()
        .find(|adapter| adapter.kind == kind)
        .expect("every kind has its adapter")
}

/// `GET /api/status`: open to everyone.
pub(super) fn status_request(place: &Place) -> HttpRequest {
    if let Some(own) = own(place, None, &Ask::Status) {
        return own;
    }
    request(place, None, Method::Get, "/api/status", Bucket::Ordinary)
}

/// `GET /api/user/self`: who the token belongs to, and the balance. Without a login it is the
/// test of generations: from 31d70fca3 the refusal carries a `code`.
pub(super) fn self_request(place: &Place, login: Option<&Login>) -> HttpRequest {
    if let Some(own) = own(place, login, &Ask::Me) {
        return own;
    }
    request(
        place,
        login,
        Method::Get,
        "/api/user/self",
        Bucket::Ordinary,
    )
}

/// What the login has left, where `GET /api/user/self` or its like does not say.
pub(super) fn balance_request(place: &Place, login: &Login) -> Option<HttpRequest> {
    own(place, Some(login), &Ask::Balance)
}

/// `GET /api/user/self/groups`, where it is.
pub(super) fn groups_request(place: &Place, login: &Login) -> Option<HttpRequest> {
    if let Some(own) = own(place, Some(login), &Ask::Groups) {
        return Some(own);
    }
    let path = adapter(place.kind).groups?;
    Some(request(
        place,
        Some(login),
        Method::Get,
        path,
        Bucket::Ordinary,
    ))
}

/// The models the login may use, where keys can be limited to models.
pub(super) fn models_request(place: &Place, login: &Login) -> Option<HttpRequest> {
    let path = Some(adapter(place.kind).models).filter(|path| !path.is_empty())?;
    Some(request(
        place,
        Some(login),
        Method::Get,
        path,
        Bucket::Ordinary,
    ))
}

/// The groups that `auto` may go through (New API from 2026-08).
pub(super) fn auto_groups_request(place: &Place, login: &Login) -> HttpRequest {
    request(
        place,
        Some(login),
        Method::Get,
        "/api/token/auto-groups",
        Bucket::Ordinary,
    )
}

/// One key, as it is now.
pub(super) fn get_request(place: &Place, login: &Login, id: &RemoteId) -> HttpRequest {
    if let Some(own) = own(place, Some(login), &Ask::Get(id)) {
        return own;
    }
    let path = format!("/api/token/{}", id.0);
    request(place, Some(login), Method::Get, &path, Bucket::Ordinary)
}

/// Makes a key. `once` marks the request where the server looks at that: one that comes again is
/// answered as the first was (Sub2API).
pub(super) fn create_request(
    place: &Place,
    login: &Login,
    body: String,
    once: &str,
) -> HttpRequest {
    if protocol::of(place.kind) != Protocol::Family {
        let own = own(place, Some(login), &Ask::Create(body));
        let mut request = own.expect("every protocol makes keys");
        if protocol::of(place.kind) == Protocol::Sub2Api {
            let header = ("Idempotency-Key".to_owned(), once.to_owned());
            request.headers.push(header);
        }
        return request;
    }
    with_body(
        request(
            place,
            Some(login),
            Method::Post,
            "/api/token/",
            Bucket::Ordinary,
        ),
        body,
    )
}

/// Replaces what a key is set to: what the body lacks becomes zero in the family.
pub(super) fn write_request(
    place: &Place,
    login: &Login,
    id: &RemoteId,
    body: String,
) -> HttpRequest {
    if protocol::of(place.kind) != Protocol::Family {
        let own = own(place, Some(login), &Ask::Write(id, body));
        return own.expect("every protocol changes keys");
    }
    with_body(
        request(
            place,
            Some(login),
            Method::Put,
            "/api/token/",
            Bucket::Ordinary,
        ),
        body,
    )
}

/// Enables or disables a key and touches nothing else. The checks of quota run on this body too,
/// so it holds no more than it must (seen on e2c7aa7b and 5a6c53d4).
pub(super) fn status_request_for(
    place: &Place,
    login: &Login,
    id: &RemoteId,
    on: bool,
) -> HttpRequest {
    if let Some(own) = own(place, Some(login), &Ask::Toggle(id, on)) {
        return own;
    }
    let status = if on { 1 } else { adapter(place.kind).disabled };
    with_body(
        request(
            place,
            Some(login),
            Method::Put,
            "/api/token/?status_only=true",
            Bucket::Ordinary,
        ),
        format!("{{\"id\":{},\"status\":{status}}}", id_text(id)),
    )
}

/// Deletes a key. Without a slash at the end: with one, gin answers 307.
pub(super) fn delete_request(place: &Place, login: &Login, id: &RemoteId) -> HttpRequest {
    if let Some(own) = own(place, Some(login), &Ask::Delete(id)) {
        return own;
    }
    let path = format!("/api/token/{}", id.0);
    request(place, Some(login), Method::Delete, &path, Bucket::Ordinary)
}

/// What a key lists of itself: `GET /v1/models` with it.
pub(super) fn key_models_request(place: &Place, key: Bound) -> HttpRequest {
    let mut request = own(place, None, &Ask::TryKey)
        .unwrap_or_else(|| request(place, None, Method::Get, "/v1/models", Bucket::Ordinary));
    request.bearer = Some(key);
    request
}

/// What a key says of its quota, asked with the key itself. The slash is canonical; it counts in
/// the narrow bucket [e2c7aa7b router/api-router.go].
pub(super) fn key_usage_request(place: &Place, key: Bound) -> HttpRequest {
    let path = "/api/usage/token/";
    let mut request = own(place, None, &Ask::KeyUsage)
        .unwrap_or_else(|| request(place, None, Method::Get, path, Bucket::Critical));
    request.bearer = Some(key);
    request
}

/// What a key says of itself in the form of OpenAI's billing.
pub(super) fn billing_request(place: &Place, key: Bound, path: &str) -> HttpRequest {
    let mut request = request(place, None, Method::Get, path, Bucket::Ordinary);
    request.bearer = Some(key);
    request
}

/// One page of what a key, or the login's keys of one name, spent since then. Pages as each kind
/// counts them. `None`: the kind keeps no such log.
pub(super) fn logs_request(
    place: &Place,
    login: &Login,
    (id, name): (&str, &str),
    since: i64,
    page: u32,
) -> Option<HttpRequest> {
    if protocol::of(place.kind) != Protocol::Family {
        return own(place, Some(login), &Ask::Logs(id, since, page));
    }
    let first = adapter(place.kind).first_log_page;
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = format!(
        "/api/log/self?type=2&p={}&page_size=100&size=100&start_timestamp={since}&token_name={name}",
        first + page
    );
    Some(request(
        place,
        Some(login),
        Method::Get,
        &path,
        Bucket::Ordinary,
    ))
}

/// An id as it stands in a body: a number where it is one.
pub(super) fn id_text(id: &RemoteId) -> String {
    if id.0.bytes().all(|b| b.is_ascii_digit()) {
        id.0.clone()
    } else {
        format!("\"{}\"", id.0)
    }
}

fn with_body(mut request: HttpRequest, body: String) -> HttpRequest {
    request
        .headers
        .push(("Content-Type".to_owned(), "application/json".to_owned()));
    request.body = Some(body);
    request
}

/// One page of the keys.
pub(super) fn list_request(place: &Place, login: &Login, page: u32) -> HttpRequest {
    if let Some(own) = own(place, Some(login), &Ask::List(page)) {
        return own;
    }
    let query = adapter(place.kind).list_query;
    // A query that ends in `page=` wants the page named twice.
    let again = if query.ends_with('=') {
        page.to_string()
    } else {
        String::new()
    };
    let path = format!("/api/token/?p={page}{query}{again}");
    request(place, Some(login), Method::Get, &path, Bucket::Ordinary)
}

/// `POST /api/token/batch/keys`: at most 100 ids, as numbers (text is refused as "Invalid
/// parameters", seen on e2c7aa7b).
pub(super) fn batch_reveal_request(place: &Place, login: &Login, ids: &[&RemoteId]) -> HttpRequest {
    let ids: Vec<String> = ids.iter().map(|id| id_text(id)).collect();
    with_body(
        request(
            place,
            Some(login),
            Method::Post,
            "/api/token/batch/keys",
            Bucket::Critical,
        ),
        format!("{{\"ids\":[{}]}}", ids.join(",")),
    )
}

/// `POST /api/token/{id}/key`, without a body.
pub(super) fn reveal_request(place: &Place, login: &Login, id: &RemoteId) -> HttpRequest {
    request(
        place,
        Some(login),
        Method::Post,
        &format!("/api/token/{}/key", id.0),
        Bucket::Critical,
    )
}

/// A request of a protocol that is not the family's.
fn own(place: &Place, login: Option<&Login>, ask: &Ask<'_>) -> Option<HttpRequest> {
    let said = protocol::said(place, ask)?;
    let own = request(place, login, said.method, &said.path, said.bucket);
    Some(match said.body {
        Some(body) => with_body(own, body),
        None => own,
    })
}

fn request(
    place: &Place,
    login: Option<&Login>,
    method: Method,
    path: &str,
    bucket: Bucket,
) -> HttpRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // Refusals before the login is known follow Accept-Language [c44474608]: fixed, so that the
    // text table holds on every browser.
    let mut headers = vec![
        header("Accept", "application/json"),
        header("Accept-Language", "en"),
    ];
    if let (Some(name), Some(id)) = (
        adapter(place.kind).user_header,
        login.and_then(|login| login.user_id.as_deref()),
    ) {
        headers.push(header(name, id));
    }
    HttpRequest {
        method,
        url: place.base.join(path),
        headers,
        bearer: login.and_then(|login| login.token.clone()),
        with_cookie: login.is_some_and(|login| login.with_cookie),
        body: None,
        bucket,
    }
}
