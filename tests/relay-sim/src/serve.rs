//! Sockets: one listener for each site, one for the control API.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::args::{Args, SiteArgs};
use crate::ask::Ask;
use crate::fault::{Fault, What, huge, merged};
use crate::kind::Kind;
use crate::seed::seeded;
use crate::state::State;
use crate::wire::{Breakable, Peer};
use crate::{control, managed, page, site, sub2api};

/// The most a request body may hold; the servers' own limits are of this order.
const MOST_BODY: usize = 32 << 20;

/// One site with what its requests share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) index: usize,
    pub(crate) args: SiteArgs,
    state: Mutex<State>,
}

/// Sites that are listening; they stop when this is dropped.
#[derive(Debug)]
pub struct Running {
    sites: Vec<Arc<Site>>,
    tasks: Vec<JoinHandle<()>>,
    /// Address of the control API.
    pub control: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Site {
    /// The state, also after a handler panicked.
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line printed for this site.
    pub(crate) fn describe(&self, control: &str) -> Value {
        let state = self.lock();
        let demo = state.user(2);
        json!({
            "kind": state.kind.word(), "origin": state.origin, "base": state.base,
            "username": demo.map(|user| &user.username),
            "email": demo.map(|user| format!("{}@relay.example", user.username)),
            "password": demo.map(|user| &user.password), "userId": demo.map(|user| user.id),
            "accessToken": demo.and_then(|user| user.access_token.as_ref()),
            "control": format!("{control}/control/{}", self.index),
        })
    }
}

impl Running {
    /// One JSON object a site: kind, origin, base, demo login, control address.
    pub fn describe(&self) -> Vec<Value> {
        self.sites
            .iter()
            .map(|site| site.describe(&self.control))
            .collect()
    }
}

/// Binds every listener on loopback and starts answering.
pub async fn start(args: &Args) -> std::io::Result<Running> {
    let mut sites = Vec::new();
    let mut tasks = Vec::new();
    for (index, each) in args.sites.iter().enumerate() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, each.port)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let site = Arc::new(Site {
            index,
            args: each.clone(),
            state: Mutex::new(seeded(each, index, &origin)),
        });
        let shared = Arc::clone(&site);
        let app = Router::new().fallback(
            move |ConnectInfo(from): ConnectInfo<Peer>, request: Request| {
                let site = Arc::clone(&shared);
                async move { respond(site, from, request).await }
            },
        );
        tasks.push(spawn(listener, app));
        sites.push(site);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.control_port)).await?;
    let control = format!("http://{}", listener.local_addr()?);
    let all: Arc<[Arc<Site>]> = sites.clone().into();
    let base = control.clone();
    let app = Router::new().fallback(move |request: Request| {
        let (all, base) = (Arc::clone(&all), base.clone());
        async move { control_respond(&all, &base, request).await }
    });
    tasks.push(spawn(listener, app));
    Ok(Running {
        sites,
        tasks,
        control,
    })
}

fn spawn(listener: TcpListener, app: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<Peer>();
        // Ends only with the task; accept errors are retried inside.
        let _ = axum::serve(Breakable(listener), service).await;
    })
}

async fn read(request: Request, ip: String) -> Ask {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_BODY)
        .await
        .unwrap_or_default();
    Ask {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
        body: body.to_vec(),
        ip,
    }
}

async fn control_respond(
    sites: &[Arc<Site>],
    base: &str,
    request: Request,
) -> Result<Response, Infallible> {
    let ask = read(request, String::new()).await;
    Ok(plain_response(control::handle(sites, base, &ask)))
}

async fn respond(site: Arc<Site>, from: Peer, request: Request) -> Result<Response, Infallible> {
    let forwarded = request
        .headers()
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(',').next())
        .map(|first| first.trim().to_owned());
    // gin trusts every proxy by default, so this header names the client (seen live).
    let ip = forwarded.unwrap_or_else(|| from.address.ip().to_string());
    let ask = read(request, ip).await;
    let (number, struck) = {
        let mut state = site.lock();
        let number = state.log_entry(&ask);
        (number, strike(&site, &mut state, &ask))
    };
    let hold = struck.iter().find(|fault| fault.what == What::Hold);
    let (before, after) = match hold {
        Some(fault) if fault.after => (None, Some(fault.id)),
        Some(fault) => (Some(fault.id), None),
        None => (None, None),
    };
    let faults: Vec<What> = struck.iter().map(|fault| fault.what.clone()).collect();
    let answer = match before {
        None => carry_out(&site, number, ask, &struck),
        Some(held) => {
            // What was sent is carried out also when nobody waits for the answer any more.
            let shared = Arc::clone(&site);
            let work = tokio::spawn(async move {
                released(&shared, held).await;
                carry_out(&shared, number, ask, &struck)
            });
            work.await.unwrap_or_else(|_| Answer::empty(500))
        }
    };
    if let Some(held) = after {
        released(&site, held).await;
    }
    let mut wait = site.args.latency;
    for fault in &faults {
        match fault {
            What::Latency { ms } => wait += ms,
            What::Hang => wait = 86_400_000,
            What::Drop => from.break_off(),
            What::SlowLoris { .. }
            | What::CutBody { .. }
            | What::Hold
            | What::Replace { .. }
            | What::Merge(_)
            | What::List(_)
            | What::Huge { .. } => {}
        }
    }
    if wait > 0 {
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    Ok(faulty_response(answer, &faults))
}

/// Waits until the rule is gone.
async fn released(site: &Site, rule: u64) {
    while site.lock().faults.iter().any(|fault| fault.id == rule) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The rules that spoil this request; nothing beside a site's sub path is spoilt.
fn strike(site: &Site, state: &mut State, ask: &Ask) -> Vec<Fault> {
    let Some(path) = inside(&site.args.path, &ask.path) else {
        return Vec::new();
    };
    let path = path.to_owned();
    state
        .faults
        .iter_mut()
        .filter(|fault| !fault.lets_through(ask))
        .filter_map(|fault| {
            fault
                .strikes(&ask.method, &path)
                .then(|| fault.answering(ask))
        })
        .collect()
}

/// The path without the site's sub path, if it lies there.
fn inside<'a>(prefix: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(prefix)
        .filter(|rest| rest.starts_with('/'))
}

/// Serves the request and writes into the log how that ended.
fn carry_out(site: &Site, number: u64, mut ask: Ask, struck: &[Fault]) -> Answer {
    let mut state = site.lock();
    let prefix = &site.args.path;
    let answer = if !prefix.is_empty() && ask.path == *prefix {
        Answer::empty(301).with("Location", format!("{prefix}/"))
    } else {
        match inside(prefix, &ask.path).map(str::to_owned) {
            None => page::not_found(),
            Some(path) => {
                ask.path = path;
                decide(&mut state, number, ask, struck)
            }
        }
    };
    let silent = struck
        .iter()
        .any(|fault| matches!(fault.what, What::Hang | What::Drop));
    let status = (!silent).then_some(answer.status);
    if let Some(entry) = state.entry(number) {
        entry.answered(status, !struck.is_empty());
    }
    answer
}

/// The answer, as far as it does not depend on the wire.
fn decide(state: &mut State, number: u64, mut ask: Ask, struck: &[Fault]) -> Answer {
    let prevented = struck.iter().any(Fault::prevents);
    let faults: Vec<&What> = struck.iter().map(|fault| &fault.what).collect();
    let quirk = faults.iter().find_map(|fault| match fault {
        What::List(quirk) => Some(*quirk),
        What::Latency { .. }
        | What::SlowLoris { .. }
        | What::CutBody { .. }
        | What::Hang
        | What::Hold
        | What::Drop
        | What::Replace { .. }
        | What::Merge(_)
        | What::Huge { .. } => None,
    });
    let mut answer = if prevented {
        Answer::empty(200)
    } else {
        let answer = match state.kind {
            Kind::Relay(_) | Kind::Fork(_) => {
                if faults.iter().any(|fault| matches!(fault, What::Merge(_))) {
                    ask.headers.remove("accept-encoding");
                }
                site::serve(state, &ask, quirk)
            }
            Kind::Sub2Api => sub2api::serve(state, &ask),
            Kind::AiHubMix => managed::aihubmix(state, &ask),
            Kind::OpenRouter => managed::openrouter(state, &ask),
            Kind::Lookalike => page::lookalike(state, &ask),
            Kind::Plain => page::plain(&ask),
            Kind::HtmlEverything => page::everything(),
            Kind::Catcher => page::caught(),
        };
        if let Some(entry) = state.entry(number) {
            entry.carried_out(&answer);
        }
        answer
    };
    for fault in faults {
        answer = match fault {
            What::Replace {
                status,
                headers,
                body,
            } => {
                let mut replaced = Answer::empty(*status).body(body.clone());
                replaced.headers = headers
                    .iter()
                    .map(|(name, value)| (header_name(name), value.clone()))
                    .collect();
                replaced
            }
            What::Huge { bytes } => huge(*bytes),
            What::Merge(with) => merged(answer, with),
            What::Latency { .. }
            | What::SlowLoris { .. }
            | What::CutBody { .. }
            | What::Hang
            | What::Hold
            | What::Drop
            | What::List(_) => answer,
        };
    }
    answer
}

/// Rules name headers at run time; the few that exist are kept for the life of the process.
fn header_name(name: &str) -> &'static str {
    const KNOWN: [&str; 8] = [
        "content-type",
        "location",
        "retry-after",
        "cf-mitigated",
        "server",
        "set-cookie",
        "refresh",
        "cache-control",
    ];
    match KNOWN.into_iter().find(|known| *known == name) {
        Some(known) => known,
        None => Box::leak(name.to_owned().into_boxed_str()),
    }
}

fn builder(answer: &Answer) -> axum::http::response::Builder {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(*name, value);
    }
    builder
}

fn plain_response(answer: Answer) -> Response {
    let builder = builder(&answer);
    builder
        .body(Body::from(answer.body))
        .unwrap_or_else(|_| Response::new(Body::from("a header could not be sent")))
}

fn faulty_response(answer: Answer, faults: &[What]) -> Response {
    let cut = faults.iter().find_map(|fault| match fault {
        What::CutBody { at } => Some((*at).min(answer.body.len().saturating_sub(1))),
        What::SlowLoris { .. }
        | What::Latency { .. }
        | What::Hang
        | What::Hold
        | What::Drop
        | What::Replace { .. }
        | What::Merge(_)
        | What::List(_)
        | What::Huge { .. } => None,
    });
    let slow = faults.iter().find_map(|fault| match fault {
        What::SlowLoris { ms_per_byte } => Some(*ms_per_byte),
        What::CutBody { .. }
        | What::Latency { .. }
        | What::Hang
        | What::Hold
        | What::Drop
        | What::Replace { .. }
        | What::Merge(_)
        | What::List(_)
        | What::Huge { .. } => None,
    });
    let builder = builder(&answer).header("content-length", answer.body.len());
    let body = Bytes::from(answer.body);
    let stream = match (cut, slow) {
        (None, None) => return builder.body(Body::from(body)).unwrap_or_default(),
        (Some(at), _) => {
            // The announced length is never reached: the connection breaks in the middle.
            let head = vec![
                Ok(body.slice(..at)),
                Err(std::io::Error::other("cut on request")),
            ];
            Body::from_stream(futures_util::stream::unfold(
                head.into_iter(),
                |mut rest| async {
                    let next = rest.next()?;
                    if next.is_err() {
                        // The first part must have left before the break, or it is lost with it.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    Some((next, rest))
                },
            ))
        }
        (None, Some(ms)) => Body::from_stream(futures_util::stream::unfold(0, move |at| {
            let piece = body.get(at..at + 1).map(Bytes::copy_from_slice);
            async move {
                let piece = piece?;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Some((Ok::<_, Infallible>(piece), at + 1))
            }
        })),
    };
    builder.body(stream).unwrap_or_default()
}
