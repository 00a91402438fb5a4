//! One simulated site, an account there, and what stands in its database.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use relay_sim::{Args, Running, start};
use relaykeep_core::ports::Clock;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{BaseUrl, Listing, Login, Place, RemoteKey, Visit, list_keys};
use relaykeep_protocol::{Millis, SiteKind};
use serde_json::{Map, Value, json};

use crate::port::{Line, Port, run};

/// A row of the site's table, every column of it.
pub type Row = Map<String, Value>;
/// All rows of the account, by id.
pub type Rows = BTreeMap<i64, Row>;

/// The machine's clock.
#[derive(Debug)]
pub struct WorldClock;

impl Clock for WorldClock {
    fn now(&self) -> Millis {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        elapsed.map_or(0, |elapsed| {
            Millis::try_from(elapsed.as_millis()).expect("a date of our time")
        })
    }
}

/// A simulator with one site, and the ports to it.
pub struct World {
    /// The port the core gets.
    pub port: Port,
    /// The clock it gets.
    pub clock: WorldClock,
    /// The site as the core knows it, its generation learned from a list.
    pub place: Place,
    /// The demo user's login.
    pub login: Login,
    control: RefCell<Line>,
    control_path: String,
    _running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    /// Starts a site of this kind with so many keys. It has a column of its own, which no client
    /// knows, and no limiters.
    ///
    /// # Panics
    /// If the simulator does not start, which no test survives.
    #[must_use]
    pub fn start(kind: &str, keys: usize, seed: u64) -> Self {
        let words = format!("kind={kind},keys={keys},limits=off,seed={seed}");
        let args = Args::read(["--site".to_owned(), words]).expect("the words are right");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let running = runtime.block_on(start(&args)).expect("ports are free");
        let told = running.describe().remove(0);
        let text = |name: &str| told[name].as_str().expect("a text").to_owned();
        let base = BaseUrl::parse(&text("base")).expect("an address");
        let site_kind = match kind {
            "oneapi" => SiteKind::OneApi,
            "veloera" => SiteKind::Veloera,
            "onehub" => SiteKind::OneHub,
            "donehub" => SiteKind::DoneHub,
            "sub2api" => SiteKind::Sub2Api,
            "aihubmix" => SiteKind::AiHubMix,
            "openrouter" => SiteKind::OpenRouter,
            _ => SiteKind::NewApi,
        };
        let token = Secret::new(text("accessToken"));
        let family = matches!(
            site_kind,
            SiteKind::NewApi
                | SiteKind::OneApi
                | SiteKind::Veloera
                | SiteKind::OneHub
                | SiteKind::DoneHub
        );
        let login = Login::new(token, family.then(|| "2".to_owned()), &base);
        let control = text("control");
        let (_, rest) = control.split_once("://").expect("an address");
        let (control_host, control_path) = rest.split_once('/').expect("a path");
        let (_, host) = base.origin().split_once("://").expect("an address");
        let mut world = Self {
            port: Port::new(host),
            clock: WorldClock,
            place: Place::new(site_kind, base.clone()),
            login,
            control: RefCell::new(Line::new(control_host)),
            control_path: format!("/{control_path}"),
            _running: running,
            _runtime: runtime,
        };
        if family {
            world.control(
                "options",
                &json!({"extra_field": "model_blacklist", "reliable": true}),
            );
        }
        if site_kind == SiteKind::Sub2Api {
            let session = world.control("sub2api", &json!({"session": 2}));
            let token = session["accessToken"].as_str().expect("a token").to_owned();
            world.login = Login::new(Secret::new(token), Some("2".to_owned()), &base);
        }
        let listing = world.listing();
        world.place.quirks.learn(&listing.learned);
        world
    }

    /// A key as the site lists it.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn listed(&self, id: i64) -> RemoteKey {
        let found = self
            .listing()
            .keys
            .into_iter()
            .find(|key| key.id.0 == id.to_string());
        found.expect("a listed key")
    }

    fn listing(&self) -> Listing {
        let Visit {
            http,
            clock,
            place,
            login,
            ..
        } = self.visit();
        let listing = run(list_keys(http, clock, place, login, |_| {}));
        listing.expect("alive").expect("the site lists its keys")
    }

    /// What the core's functions take.
    #[must_use]
    pub fn visit(&self) -> Visit<'_, Port, WorldClock> {
        Visit {
            http: &self.port,
            clock: &self.clock,
            place: &self.place,
            login: &self.login,
        }
    }

    /// Where the control API listens, for hooks that have a line of their own.
    #[must_use]
    pub fn control_host(&self) -> String {
        self.control.borrow().host().to_owned()
    }

    /// The path of a control call.
    #[must_use]
    pub fn control_call(&self, word: &str) -> String {
        format!("{}/{word}", self.control_path)
    }

    fn ask_control(&self, method: &str, word: &str, body: &str) -> Value {
        let path = self.control_call(word);
        let got = self
            .control
            .borrow_mut()
            .exchange(method, &path, &[], body)
            .expect("the control API answers");
        let value: Value = serde_json::from_slice(&got.body).expect("JSON");
        assert_eq!(got.status, 200, "control {word} {body}: {value}");
        value
    }

    /// A control call that must succeed.
    ///
    /// # Panics
    /// If it does not.
    pub fn control(&self, word: &str, body: &Value) -> Value {
        self.ask_control("POST", word, &body.to_string())
    }

    /// Something the control API tells.
    ///
    /// # Panics
    /// If it does not.
    pub fn told(&self, word: &str) -> Value {
        self.ask_control("GET", word, "")
    }

    /// The account's rows as the database holds them.
    ///
    /// # Panics
    /// If the simulator tells something else than rows.
    pub fn rows(&self) -> Rows {
        let told = self.told("rows?user=2");
        let rows = told.as_array().expect("rows").iter();
        rows.map(|row| {
            let row = row.as_object().expect("a row").clone();
            (row["id"].as_i64().expect("an id"), row)
        })
        .collect()
    }

    /// Writing requests that succeeded since the last time this was asked, and all that were sent.
    ///
    /// # Panics
    /// If the simulator cannot count.
    pub fn writes(&self) -> (u64, u64) {
        let told = self.told("writes");
        self.control("reset-log", &json!({}));
        let count = |name: &str| told[name].as_u64().expect("a number");
        (count("succeeded"), count("requests"))
    }

    /// Calls `/v1/models` with a key, as a program that has it would.
    ///
    /// # Panics
    /// If the row has no key.
    pub fn use_key(&self, row: &Row) {
        let key = row["key"].as_str().expect("a key");
        let header = ("Authorization".to_owned(), format!("Bearer sk-{key}"));
        let (_, host) = self.place.base.origin().split_once("://").expect("a host");
        // Refused or not: looking it up is what changes its status.
        let _ = Line::new(host).exchange("GET", "/v1/models", &[header], "");
    }
}
