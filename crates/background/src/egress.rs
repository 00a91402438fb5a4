//! The one place where a request leaves. What may not happen anywhere is refused here: a secret
//! to a foreign origin, a followed redirect, a cookie beside a token, an answer without end.

use crate::gate::Gate;
use crate::worker::the_worker;
use futures_util::future::{Either, select};
use gloo_net::http::{RequestBuilder, Response};
use js_sys::Uint8Array;
use relaykeep_core::http::{Bucket, HttpError, HttpRequest, HttpResponse, Method};
use relaykeep_core::site::budget::Budget;
use relaykeep_core::site::{BaseUrl, limited_until};
use relaykeep_core::sorted::SortedMap;
use relaykeep_webext::{Area, worker};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache, RequestCredentials,
    RequestRedirect, ResponseType,
};

/// To the headers of the answer.
const HEADERS_WITHIN: u64 = 15_000;
/// To the end of the body, counted from the start.
const WHOLE_WITHIN: u64 = 30_000;
const MOST_BYTES: usize = 8 << 20;
/// A pause this short is waited out instead of given up.
const SHORT_PAUSE: u64 = 5_000;
const SESSION_NAME: &str = "b";
/// Budgets are written at once, and then no oftener than this.
const SAVE_EVERY: u64 = 100;

/// Sends requests, and keeps each origin's budget over the worker's deaths.
pub(crate) struct Egress {
    gate: Gate,
    /// Origins the user's permission was seen for; emptied whenever a permission changes.
    permitted: RefCell<Vec<String>>,
    budgets: RefCell<Option<SortedMap<String, Budget>>>,
    /// They are being written; what comes meanwhile goes into the next write.
    saving: Cell<bool>,
    unsaved: Cell<bool>,
}

impl Egress {
    pub(crate) fn new() -> Self {
        Self {
            gate: Gate::new(),
            permitted: RefCell::default(),
            budgets: RefCell::new(None),
            saving: Cell::new(false),
            unsaved: Cell::new(false),
        }
    }

    /// Sends one request and reads its whole answer.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        stopped: impl Fn() -> bool,
    ) -> Result<HttpResponse, HttpError> {
        let base = BaseUrl::parse(&request.url).map_err(|_| HttpError::Unreachable)?;
        let origin = base.origin();
        if let Some(bound) = &request.bearer
            && !bound.origins.iter().any(|own| own == origin)
        {
            return Err(HttpError::ForeignOrigin);
        }
        if !self.may_reach(&base).await {
            return Err(HttpError::PermissionMissing);
        }
        let _passes = self.gate.pass(origin).await;
        self.await_budget(origin, request.bucket).await?;
        if stopped() {
            return Err(HttpError::Stopped);
        }
        self.note(origin, |budget, now| budget.note_sent(request.bucket, now))
            .await;
        let answer = exchange(&request).await;
        match answer {
            Ok(answer) => {
                if let Some(until) = limited_until(&answer, request.bucket, worker::now()) {
                    self.note(origin, |budget, _| {
                        budget.note_limited(request.bucket, until)
                    })
                    .await;
                }
                Ok(answer)
            }
            Err(HttpError::Unreachable) => Err(explain(&request, &base).await),
            Err(error) => Err(error),
        }
    }

    /// Whether the user lets us reach this origin: by a standing permission, or because the popup
    /// was opened over one of its tabs. The browser alone would not stop a request to a server
    /// whose preflight answer lets everybody in, as New API's does.
    pub(crate) async fn may_reach(&self, base: &BaseUrl) -> bool {
        let origin = base.origin();
        if self.permitted.borrow().iter().any(|own| own == origin) {
            return true;
        }
        if worker::may_reach(&base.permission_pattern()).await {
            self.permitted.borrow_mut().push(origin.to_owned());
            return true;
        }
        // The tab's address is only shown to us where we may look.
        let tab = worker::tab_in_front().await.and_then(|tab| tab.url);
        tab.is_some_and(|url| BaseUrl::parse(&url).is_ok_and(|tab| tab.origin() == origin))
    }

    /// Makes room for a request that a page is about to make for us, and counts it.
    pub(crate) async fn spend(&self, origin: &str, bucket: Bucket) -> Result<(), HttpError> {
        self.await_budget(origin, bucket).await?;
        self.note(origin, |budget, now| budget.note_sent(bucket, now))
            .await;
        Ok(())
    }

    /// A permission came or went.
    pub(crate) fn forget_permissions(&self) {
        self.permitted.borrow_mut().clear();
    }

    /// Waits out a short pause; a long one is the caller's to wait for.
    async fn await_budget(&self, origin: &str, bucket: Bucket) -> Result<(), HttpError> {
        self.load().await;
        loop {
            let now = worker::now();
            let allowed = {
                let mut budgets = self.budgets.borrow_mut();
                let budget = budgets
                    .get_or_insert_default()
                    .entry(origin.to_owned())
                    .or_default();
                budget.may_send(bucket, now)
            };
            match allowed {
                Ok(()) => return Ok(()),
                Err(until) if until.saturating_sub(now) <= SHORT_PAUSE => {
                    worker::sleep(until.saturating_sub(now).max(1)).await;
                }
                Err(until) => return Err(HttpError::NotBefore(until)),
            }
        }
    }

    async fn note(&self, origin: &str, act: impl FnOnce(&mut Budget, u64)) {
        self.load().await;
        {
            let mut budgets = self.budgets.borrow_mut();
            let budgets = budgets.get_or_insert_default();
            act(budgets.entry(origin.to_owned()).or_default(), worker::now());
        }
        // Not awaited, and not one write a request: a sync of a hundred accounts makes hundreds.
        self.unsaved.set(true);
        if !self.saving.replace(true) {
            wasm_bindgen_futures::spawn_local(async { the_worker().egress.save().await });
        }
    }

    async fn save(&self) {
        while self.unsaved.replace(false) {
            let text = {
                let budgets = self.budgets.borrow();
                budgets.as_ref().map(relaykeep_core::json::write)
            };
            if let Some(text) = text {
                let _ = Area::Session.set(&[(SESSION_NAME.to_owned(), text)]).await;
            }
            worker::sleep(SAVE_EVERY).await;
        }
        self.saving.set(false);
    }

    async fn load(&self) {
        if self.budgets.borrow().is_some() {
            return;
        }
        let text = Area::Session.get(SESSION_NAME).await.ok().flatten();
        let held = text
            .and_then(|text| relaykeep_core::json::read(&text).ok())
            .unwrap_or_default();
        self.budgets.borrow_mut().get_or_insert(held);
    }
}

/// One exchange, within its time and size.
async fn exchange(request: &HttpRequest) -> Result<HttpResponse, HttpError> {
    let controller = AbortController::new().map_err(|_| HttpError::Unreachable)?;
    let whole = async {
        let response = within(HEADERS_WITHIN, send(request, &controller)).await??;
        if response.type_() == ResponseType::Opaqueredirect {
            return Err(HttpError::Redirected);
        }
        read_whole(&response).await
    };
    let result = within(WHOLE_WITHIN, whole).await.and_then(|inner| inner);
    if result.is_err() {
        // Whatever is still under way on this connection ends here.
        controller.abort();
    }
    result
}

async fn send(request: &HttpRequest, controller: &AbortController) -> Result<Response, HttpError> {
    let mut builder = RequestBuilder::new(&request.url)
        .method(match request.method {
            Method::Get => gloo_net::http::Method::GET,
            Method::Post => gloo_net::http::Method::POST,
            Method::Put => gloo_net::http::Method::PUT,
            Method::Patch => gloo_net::http::Method::PATCH,
            Method::Delete => gloo_net::http::Method::DELETE,
        })
        .redirect(RequestRedirect::Error)
        .cache(RequestCache::NoStore)
        // The browser's cookies only where the account uses its login, or a shield wants them.
        .credentials(if request.with_cookie {
            RequestCredentials::Include
        } else {
            RequestCredentials::Omit
        })
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .abort_signal(Some(&controller.signal()));
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(bound) = &request.bearer {
        // The one place where a token or key goes out; its origin was checked above.
        builder = builder.header(
            "Authorization",
            &format!("Bearer {}", bound.secret.expose()),
        );
    }
    let built = match &request.body {
        Some(body) => builder
            .header("Content-Type", "application/json")
            .body(body.as_str()),
        None => builder.build(),
    };
    built
        .map_err(|_| HttpError::Unreachable)?
        .send()
        .await
        .map_err(|_| HttpError::Unreachable)
}

async fn read_whole(response: &Response) -> Result<HttpResponse, HttpError> {
    let headers = response
        .headers()
        .entries()
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    let mut body = Vec::new();
    if let Some(stream) = response.body() {
        let reader = ReadableStreamDefaultReader::new(&stream).map_err(|_| HttpError::Cut)?;
        loop {
            let piece = JsFuture::from(reader.read())
                .await
                .map_err(|_| HttpError::Cut)?;
            let done =
                js_sys::Reflect::get(&piece, &"done".into()).is_ok_and(|done| done.is_truthy());
            if done {
                break;
            }
            let bytes =
                js_sys::Reflect::get(&piece, &"value".into()).map_err(|_| HttpError::Cut)?;
            let bytes: Uint8Array = bytes.dyn_into().map_err(|_| HttpError::Cut)?;
            if body.len() + bytes.length() as usize > MOST_BYTES {
                return Err(HttpError::TooLarge);
            }
            body.extend(bytes.to_vec());
        }
    }
    Ok(HttpResponse {
        status: response.status(),
        headers,
        body,
    })
}

async fn within<T>(milliseconds: u64, work: impl Future<Output = T>) -> Result<T, HttpError> {
    match select(pin!(work), pin!(worker::sleep(milliseconds))).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(HttpError::TimedOut),
    }
}

/// A redirect, a dead port, no DNS and a missing permission all look alike to `fetch`. One GET
/// without credentials tells them apart.
async fn explain(request: &HttpRequest, base: &BaseUrl) -> HttpError {
    if !worker::is_online() {
        return HttpError::Offline;
    }
    let bare = RequestBuilder::new(&request.url)
        .redirect(RequestRedirect::Manual)
        .cache(RequestCache::NoStore)
        .credentials(RequestCredentials::Omit)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .build();
    let Ok(bare) = bare else {
        return HttpError::Unreachable;
    };
    match within(HEADERS_WITHIN, bare.send()).await {
        Ok(Ok(answer)) if answer.type_() == ResponseType::Opaqueredirect => HttpError::Redirected,
        _ if !worker::may_reach(&base.permission_pattern()).await => HttpError::PermissionMissing,
        // It answers now: the first connection was cut.
        Ok(Ok(_)) => HttpError::Cut,
        _ => HttpError::Unreachable,
    }
}
