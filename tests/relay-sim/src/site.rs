//! One request through a relay server: route, limits, handler, and the headers around it.

use serde_json::json;

use crate::answer::Answer;
use crate::ask::Ask;
use crate::auth::{ADMIN, USER};
use crate::fault::Quirk;
use crate::kind::{Fork, Generation};
use crate::limits::Bucket;
use crate::page;
use crate::route::{Route, other_slash, route};
use crate::state::State;
use crate::step_up::visited;
use crate::text::Lang;

/// A request being served.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) ask: &'a Ask,
    pub(crate) lang: Lang,
    /// Set once authentication passed: exactly then the answer carries `Auth-Version`.
    pub(crate) passed: bool,
    /// What a fault does to lists.
    pub(crate) quirk: Option<Quirk>,
    pub(crate) request_id: String,
}

/// The constant both masked eras send (QuantumNous/new-api 4fdd12ac7, middleware/auth.go).
const AUTH_VERSION: &str = "864b7076dbcd0a3c01b5520316720ebf";
/// `version` of a build without a tag.
pub(crate) const VERSION: &str = "v0.0.0";

/// The whole answer of a relay server.
pub(crate) fn serve(state: &mut State, ask: &Ask, quirk: Option<Quirk>) -> Answer {
    let generation = state.generation;
    let request_id = state.make_request_id();
    let lang = Lang::of(generation, ask);
    let mut call = Call {
        state,
        ask,
        lang,
        passed: false,
        quirk,
        request_id: request_id.clone(),
    };
    let fork = call.state.options.fork;
    let found = route(fork, generation, &ask.method, &ask.path);
    let relay = found.as_ref().is_some_and(Route::is_relay);
    let mut answer = match &found {
        Some(route) => call.routed(route).unwrap_or_else(|refused| refused),
        None => match other_slash(fork, generation, &ask.method, &ask.path) {
            Some(to) => {
                let query = if ask.raw_query.is_empty() {
                    String::new()
                } else {
                    format!("?{}", ask.raw_query)
                };
                return Answer::slash_redirect(&ask.method, &format!("{to}{query}"));
            }
            None => call.unrouted(),
        },
    };
    let passed = call.passed;
    if passed && generation.masks() {
        answer = answer.with("Auth-Version", AUTH_VERSION);
    }
    answer = answer.with("X-Oneapi-Request-Id", request_id);
    if generation.masks() {
        // Since d7c55b92b, 2026-01-30 (middleware/cors.go).
        answer = answer.with("X-New-Api-Version", VERSION);
    }
    // CORS stands on the relay, the billing and the key-side endpoints and on everything without
    // a route, never on the rest of /api (middleware/cors.go, routers; seen live).
    let open = found.as_ref().is_none_or(|route| {
        route.is_relay()
            || route.is_billing()
            || matches!(route, Route::KeyUsage | Route::KeyLog | Route::HubModels)
    });
    let preflight = answer.status == 204;
    if open && ask.header("origin").is_some() && !preflight {
        answer = answer
            .with("Access-Control-Allow-Origin", "*")
            .with("Access-Control-Allow-Credentials", "true");
    }
    if fork == Some(Fork::DoneHub) && !preflight {
        answer = crate::hub::secured(answer, ask, found.is_some(), passed);
    }
    if !relay && !preflight && ask.accepts_gzip() {
        answer = gzipped(answer);
    }
    answer
}

impl Call<'_> {
    fn routed(&mut self, route: &Route) -> Result<Answer, Answer> {
        if !route.is_relay() {
            self.limit_by_address(Bucket::Api)?;
        }
        match route {
            Route::Status => Ok(self.status()),
            Route::Setup => Ok(Answer::json(
                200,
                &json!({"success": true, "data": {"status": true, "root_init": false, "database_type": ""}}),
            )),
            Route::EmptyText => Ok(Answer::data(json!(""))),
            Route::HubGroups => Ok(self.hub_groups()),
            Route::HubModels => Ok(self.hub_models()),
            Route::HubRate => self.hub_rate(),
            Route::Playground => self.playground(),
            Route::VeloeraCheckInRead => self.veloera_check_in_read(),
            Route::VeloeraCheckIn => self.veloera_check_in(),
            Route::Login => self.login(),
            Route::LoginSecondFactor => self.login_second_factor(),
            Route::Logout => Ok(self.logout()),
            Route::Refresh => self.refresh(),
            Route::SessionLogout => Ok(self.session_logout()),
            Route::Sessions => self.sessions(),
            Route::SessionDelete(sid) => self.session_delete(sid),
            Route::SessionsRevokeOthers => self.sessions_revoke_others(),
            Route::SelfRead => self.self_read(),
            Route::SelfWrite => self.self_write(),
            Route::AccessToken => self.access_token(),
            Route::SelfGroups => self.self_groups(),
            Route::PublicGroups => Ok(self.public_groups()),
            Route::UserModels => self.user_models(),
            Route::Catalogue => self.catalogue(),
            Route::Prices => self.prices(),
            Route::InviteCode => self.invite_code(),
            Route::Dashboard => self.auth(USER).map(|_| Answer::data(json!(null))),
            Route::CheckInRead => self.check_in_read(),
            Route::CheckIn => self.check_in(),
            Route::Redeem => self.redeem(),
            Route::TopUpInfo => self.top_up_info(),
            Route::AdminUsers => self.admin_users(),
            Route::AdminUser(id) => self.admin_user(id),
            Route::AdminGroups => self.admin_groups(),
            Route::AdminOther => {
                self.auth(ADMIN)?;
                Ok(Answer::fail(
                    "relay-sim does not simulate what operators do",
                ))
            }
            Route::KeyList => self.key_list(),
            Route::KeySearch => self.key_search(),
            Route::KeyRead(id) => self.key_read(id),
            Route::KeyCreate => self.key_create(),
            Route::KeyWrite => self.key_write(),
            Route::KeyDelete(id) => self.key_delete(id),
            Route::KeyDeleteMany => self.key_delete_many(),
            Route::KeyReveal(id) => self.key_reveal(id),
            Route::KeyRevealMany => self.key_reveal_many(),
            Route::AutoGroups => self.auto_groups(),
            Route::KeyUsage => self.key_usage(),
            Route::KeyLog => self.key_log(),
            Route::LogSelf => self.log_self(),
            Route::LogStat => self.log_stat(),
            Route::LogSearch => self.log_search(),
            Route::DataSelf => self.data_self(),
            Route::Models => self.models(),
            Route::ModelsGemini => self.models_gemini(),
            Route::Subscription => self.subscription(),
            Route::BillingUsage => self.billing_usage(),
            Route::Chat => self.chat(),
        }
    }

    /// Everything without a route: CORS answers a preflight, then the web limiter counts, then
    /// `/v1`, `/api` and `/assets` get JSON 404 and the rest the single page
    /// (router/main.go, web-router.go; the order of middlewares is that of registration).
    fn unrouted(&mut self) -> Answer {
        if self.ask.method == "OPTIONS" && self.ask.header("origin").is_some() {
            return Answer::empty(204)
                .with("Access-Control-Allow-Credentials", "true")
                .with("Access-Control-Allow-Headers", "*")
                .with(
                    "Access-Control-Allow-Methods",
                    "GET,POST,PUT,DELETE,OPTIONS",
                )
                .with("Access-Control-Allow-Origin", "*")
                .with("Access-Control-Max-Age", "43200");
        }
        if let Err(refused) = self.limit_by_address(Bucket::Web) {
            return refused;
        }
        let path = &self.ask.path;
        if ["/v1", "/api", "/assets"]
            .iter()
            .any(|start| path.starts_with(start))
        {
            let query = if self.ask.raw_query.is_empty() {
                String::new()
            } else {
                format!("?{}", self.ask.raw_query)
            };
            let message = format!("Invalid URL ({} {path}{query})", self.ask.method);
            let mut error = json!({"message": message, "type": "invalid_request_error", "param": "", "code": ""});
            if let (true, Some(fields)) = (self.state.hub(), error.as_object_mut()) {
                fields.remove("param");
            }
            return Answer::json(404, &json!({"error": error}))
                .with("Cache-Control", "max-age=604800");
        }
        visited(self.state);
        page::console(self.state, self.ask).with("Cache-Control", "no-cache")
    }

    pub(crate) fn limit_by_address(&mut self, bucket: Bucket) -> Result<(), Answer> {
        let who = self.ask.ip.clone();
        self.limit(bucket, &who)
    }

    /// 429 with an empty body; `Retry-After` since 172114422 (2026-07-21), and the in-memory
    /// limiter puts the whole window there.
    pub(crate) fn limit(&mut self, bucket: Bucket, who: &str) -> Result<(), Answer> {
        let now = self.state.now();
        let generation = self.state.generation;
        if self.state.is(Fork::DoneHub) && self.ask.ip == "127.0.0.1" && self.state.limits.usual() {
            // Loopback is not counted there (seen live); a limit asked for here is.
            return Ok(());
        }
        self.state
            .limits
            .take(bucket, generation, who, now)
            .map_err(|window| {
                let answer = Answer::empty(429);
                match generation {
                    Generation::Jwt => answer.with("Retry-After", window.to_string()),
                    Generation::April2025 | Generation::Cookie | Generation::OneApi => answer,
                }
            })
    }
}

/// gin-contrib/gzip frames even an empty body: 23 bytes of gzip, of nothing (seen live).
fn gzipped(answer: Answer) -> Answer {
    /// Go's compress/gzip of no bytes: header, one final stored block, checksum, length.
    const NOTHING: [u8; 23] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let body = if answer.body.is_empty() {
        NOTHING.to_vec()
    } else {
        use std::io::Write as _;
        let mut pack = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        pack.write_all(&answer.body)
            .expect("a Vec takes every byte");
        pack.finish().expect("a Vec takes every byte")
    };
    answer
        .with("Content-Encoding", "gzip")
        .with("Vary", "Accept-Encoding")
        .body(body)
}
