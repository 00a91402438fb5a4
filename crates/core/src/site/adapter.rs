//! The requests of the One API family, built from each kind's habits (`relaykeep_protocol::Habits`,
//! one table: `protocol/src/kinds.rs`).

use super::place::{Login, Place};
use super::protocol::{self, Ask};
use crate::http::{Bound, Bucket, HttpRequest, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relaykeep_protocol::{Protocol, RemoteId, RevealBy};

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

/// The groups the login may use, where they are listed.
pub(super) fn groups_request(place: &Place, login: &Login) -> Option<HttpRequest> {
    if let Some(own) = own(place, Some(login), &Ask::Groups) {
        return Some(own);
    }
    let path = place.kind.habits().groups?;
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
    let path = Some(place.kind.habits().models).filter(|path| !path.is_empty())?;
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
    let status = if on { 1 } else { place.kind.habits().disabled };
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
    let habits = place.kind.habits();
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = format!(
        "/api/log/self?{}{}&start_timestamp={since}&token_name={name}",
        habits.log_query,
        habits.first_log_page + page
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
    let query = place.kind.habits().list_query;
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

/// `/api/token/{id}/key`, without a body.
pub(super) fn reveal_request(place: &Place, login: &Login, id: &RemoteId) -> HttpRequest {
    let method = match place.kind.habits().reveals {
        Some(RevealBy::Get) => Method::Get,
        Some(RevealBy::Post) | None => Method::Post,
    };
    request(
        place,
        Some(login),
        method,
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
        place.kind.user_header(),
        login.and_then(|login| login.user_id.as_deref()),
    ) {
        headers.push(header(name, id));
    }
    HttpRequest {
        method,
        url: place.base.join(path),
        headers,
        bearer: login.and_then(|login| login.token.clone()),
        with_cookie: place.quirks.shielded || login.is_some_and(|login| login.with_cookie),
        body: None,
        bucket,
    }
}
