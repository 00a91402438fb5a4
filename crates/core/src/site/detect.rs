//! Which software a site runs, by what speaks for it: a scored table, never the title (most
//! operators rename it) and never the status code alone (front ends answer 200 to everything).

use super::adapter;
use super::address::BaseUrl;
use super::answer::{Asking, SiteError, classify, is_refusal, refusal_code};
use super::facts::{StatusFields, fields_of, headed};
use super::fields::fields;
use super::lax;
use super::place::Place;
use super::protocol::Protocol;
use super::sub2api;
use super::words;
use crate::http::{Bucket, Http, HttpError, HttpResponse};
use crate::ports::Clock;
use crate::sorted::SortedMap;
use relaykeep_protocol::{Clue, Generation, Recognition, SiteKind, SiteTrouble, TokenOffer};
use serde::Deserialize;

/// What a page shows without being asked anything: its address and named entries of its storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Scheme, host and port.
    pub origin: String,
    /// The page's path.
    pub path: String,
    /// Named `localStorage` entries that are there.
    pub stored: SortedMap<String, String>,
}

/// Reads what the in-page script `evidence` reported.
#[must_use]
pub fn read_evidence(json: &str) -> Option<Evidence> {
    let evidence: Evidence = crate::json::read(json).ok()?;
    // `null`, a browser's own page, a file: no origin of a site.
    let origin = BaseUrl::parse(&evidence.origin).ok()?;
    (origin.as_str() == evidence.origin).then_some(evidence)
}

/// What an anonymous question brought.
#[derive(Clone, Debug)]
pub enum Heard {
    /// No answer.
    Nothing,
    /// An answer.
    Answer(HttpResponse),
}

/// The two anonymous questions and what they brought.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where.
    pub base: BaseUrl,
    /// `GET /api/status`.
    pub status: Heard,
    /// `GET /api/user/self` without a login; `None` when it was not asked.
    pub bare_self: Option<Heard>,
    /// `GET /api/v1/settings/public`, Sub2API's own; `None` when it was not asked.
    pub settings: Option<Heard>,
}

/// What is made of the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What the site is.
    pub recognition: Recognition,
    /// Something hints at a relay: the two questions are worth asking.
    pub hinted: bool,
    /// The login the page itself names. May be stale: to be checked against the site.
    pub user_id: Option<String>,
    /// Its name, cleaned for show.
    pub username: Option<String>,
    /// What can be had without typing, where it is known.
    pub token: Option<TokenOffer>,
}

/// So many points make a relay.
const SURE: i32 = 70;
/// So many points make the questions worth asking.
const HINT: i32 = 15;

/// Every clue: its message id and its points. It speaks for the whole family, or for one kind.
mod clue {
    pub(super) type Line = (&'static str, i32);

    pub(super) const ADDRESS: Line = ("clue_address", 5);
    pub(super) const HOST: Line = ("clue_host", 20);
    pub(super) const STORED_LOGIN: Line = ("clue_stored_login", 15);
    pub(super) const STORED_UNIT: Line = ("clue_stored_unit", 15);
    pub(super) const STORED_STATUS: Line = ("clue_stored_status", 20);
    pub(super) const STORED_KIND: Line = ("clue_stored_kind", 20);
    pub(super) const STORED_SUB2API: Line = ("clue_stored_sub2api", 30);
    /// Its settings have names that nobody else has together.
    pub(super) const SUB2API_ANSWER: Line = ("clue_sub2api_answer", 80);
    /// There is one of it, and it stands there.
    pub(super) const HOME: Line = ("clue_home", 100);
    pub(super) const STATUS_ANSWER: Line = ("clue_status_answer", 30);
    pub(super) const FAMILY_HEADER: Line = ("clue_family_header", 10);
    pub(super) const KIND_HEADER: Line = ("clue_kind_header", 40);
    pub(super) const KIND_FIELDS: Line = ("clue_kind_fields", 40);
    pub(super) const SELF_ANSWER: Line = ("clue_self_answer", 10);
    pub(super) const SELF_CODE: Line = ("clue_self_code", 20);
    pub(super) const SELF_STRANGE: Line = ("clue_self_strange", -30);
    pub(super) const OTHER_PRODUCT: Line = ("clue_other_product", -200);
    pub(super) const PAGE_INSTEAD: Line = ("clue_page_instead", -200);
    pub(super) const STRANGE_ANSWER: Line = ("clue_strange_answer", -200);
}

/// Message ids of all clues, for the catalogue.
pub const CLUES: [&str; 19] = [
    clue::ADDRESS.0,
    clue::HOST.0,
    clue::STORED_LOGIN.0,
    clue::STORED_UNIT.0,
    clue::STORED_STATUS.0,
    clue::STORED_KIND.0,
    clue::STORED_SUB2API.0,
    clue::SUB2API_ANSWER.0,
    clue::HOME.0,
    clue::STATUS_ANSWER.0,
    clue::FAMILY_HEADER.0,
    clue::KIND_HEADER.0,
    clue::KIND_FIELDS.0,
    clue::SELF_ANSWER.0,
    clue::SELF_CODE.0,
    clue::SELF_STRANGE.0,
    clue::OTHER_PRODUCT.0,
    clue::PAGE_INSTEAD.0,
    clue::STRANGE_ANSWER.0,
];

/// Where the site of a page may stand, the likeliest first, at most two places: below the page's
/// own path as far as that is not the front end's, and at the root.
#[must_use]
pub fn bases(page: &Evidence) -> Vec<BaseUrl> {
    let at = |path: &str| BaseUrl::parse(&format!("{}{path}", page.origin)).ok();
    let mut bases: Vec<BaseUrl> = at(&page.path).into_iter().collect();
    bases.extend(at("").filter(|root| !bases.contains(root)));
    bases
}

/// Weighs everything seen. Without `asked`, what is recognised rests on the page's storage alone.
#[must_use]
pub fn weigh(page: Option<&Evidence>, asked: &[Asked]) -> Verdict {
    let mut stored = Weights::default();
    let login = page.map(|page| stored.weigh_page(page)).unwrap_or_default();
    let hinted = stored.best().1 >= HINT;
    let mut verdict = Verdict {
        recognition: Recognition::NoHint,
        hinted,
        user_id: login.id,
        username: login.name,
        token: None,
    };
    let answered: Vec<(Weights, &Asked)> = asked
        .iter()
        .map(|asked| {
            let mut weights = stored.clone();
            weights.weigh_answers(asked);
            (weights, asked)
        })
        .collect();
    let best = answered.iter().max_by_key(|(weights, _)| weights.best().1);
    let Some((weights, base)) = best
        .map(|(weights, asked)| (weights, asked.base.clone()))
        .or_else(|| {
            let base = bases(page?).into_iter().next()?;
            Some((&stored, base))
        })
    else {
        return verdict;
    };
    let (kind, points) = weights.best();
    verdict.recognition = if points >= SURE {
        if weights.generation == Some(Generation::Jwt) {
            // This generation stores no login: what is there was left by the one before
            // [e2c7aa7b web/src/lib/auth-session.ts].
            (verdict.user_id, verdict.username) = (None, None);
        }
        verdict.token = weights.offer(kind, verdict.user_id.is_some());
        Recognition::Relay {
            kind,
            generation: weights.generation,
            base_url: kind.home().unwrap_or(base.as_str()).to_owned(),
            site_name: weights.site_name.clone(),
            clues: weights.clues_for(kind),
        }
    } else if asked.is_empty() {
        Recognition::NoHint
    } else if let Some(silent) = answered
        .iter()
        .find_map(|(weights, _)| weights.silent.clone())
    {
        silent
    } else {
        Recognition::NotARelay(weights.clues.clone())
    };
    verdict
}

/// Whether the page keeps what Sub2API's does: then its own question is the one to ask.
#[must_use]
pub fn looks_like_sub2api(page: &Evidence) -> bool {
    ["auth_token", "auth_user"]
        .iter()
        .all(|name| page.stored.contains_key(*name))
}

/// Asks a site the two anonymous questions from outside of any page, and weighs the answers.
///
/// # Errors
/// Only when the work was stopped; whatever else happens is a recognition.
pub async fn probe(
    http: &impl Http,
    clock: &impl Clock,
    base: &BaseUrl,
) -> Result<Recognition, HttpError> {
    // Where there is only one of a kind, nothing needs to be asked.
    let page = Evidence {
        origin: base.origin().to_owned(),
        ..Evidence::default()
    };
    let known = weigh(Some(&page), &[]).recognition;
    if matches!(known, Recognition::Relay { .. }) {
        return Ok(known);
    }
    // The anonymous questions are the same for every kind of the family.
    let place = Place::new(SiteKind::NewApi, base.clone());
    let heard = |answer: Result<HttpResponse, HttpError>| match answer {
        Ok(response) => Ok(Heard::Answer(response)),
        Err(HttpError::Stopped) => Err(HttpError::Stopped),
        Err(_) => Ok(Heard::Nothing),
    };
    let status = heard(http.send(adapter::status_request(&place)).await)?;
    let worth = match &status {
        Heard::Nothing => Err(SiteTrouble::Unreachable),
        Heard::Answer(response) => {
            super::facts::read_status(response, Protocol::Family, clock.now())
                .map_err(|error| error.trouble())
        }
    };
    let (mut bare_self, mut settings) = (None, None);
    match worth {
        Ok(_) => bare_self = Some(heard(http.send(adapter::self_request(&place, None)).await)?),
        // Sub2API has nothing there, and says so.
        Err(SiteTrouble::Absent) => {
            let place = Place::new(SiteKind::Sub2Api, base.clone());
            settings = Some(heard(http.send(adapter::status_request(&place)).await)?);
        }
        Err(_) => {}
    }
    Ok(weigh(
        None,
        &[Asked {
            base: base.clone(),
            status,
            bare_self,
            settings,
        }],
    )
    .recognition)
}

/// The login a page names.
#[derive(Default)]
struct StoredLogin {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Clone, Default)]
struct Weights {
    clues: Vec<Clue>,
    generation: Option<Generation>,
    site_name: Option<String>,
    may_show_the_token: bool,
    /// The answer says nothing of what the site is.
    silent: Option<Recognition>,
}

fields! {
    struct StoredUser {
        id "id",
        username "username",
        role "role",
    }
}

impl Weights {
    fn add(&mut self, line: clue::Line) {
        self.add_for(None, line);
    }

    fn add_for(&mut self, kind: Option<SiteKind>, (what, points): clue::Line) {
        let is_new = |clue: &Clue| clue.what != what || clue.kind != kind;
        if self.clues.iter().all(is_new) {
            self.clues.push(Clue {
                what: what.to_owned(),
                kind,
                points,
            });
        }
    }

    fn points(&self, kind: SiteKind) -> i32 {
        self.clues
            .iter()
            .filter(|clue| clue.kind.is_none_or(|of| kind.may_pass_for(of)))
            .map(|clue| clue.points)
            .sum()
    }

    fn best(&self) -> (SiteKind, i32) {
        SiteKind::ALL
            .into_iter()
            .map(|kind| (kind, self.points(kind)))
            .max_by_key(|(kind, points)| (*points, std::cmp::Reverse(*kind)))
            .expect("there are kinds")
    }

    /// What speaks for the kind found, and against it.
    fn clues_for(&self, kind: SiteKind) -> Vec<Clue> {
        self.clues
            .iter()
            .filter(|clue| clue.kind.is_none_or(|of| kind.may_pass_for(of)))
            .cloned()
            .collect()
    }

    /// Entries the front ends leave in `localStorage`.
    fn weigh_page(&mut self, page: &Evidence) -> StoredLogin {
        let entry = |name: &str| page.stored.get(name).map(String::as_str);
        let home = |kind: &SiteKind| kind.home().is_some_and(|home| at_home(&page.origin, home));
        if let Some(kind) = SiteKind::ALL.into_iter().find(home) {
            self.add_for(Some(kind), clue::HOME);
        }
        // Its page keeps these together [frontend/src/stores/auth.ts].
        if looks_like_sub2api(page) {
            self.add_for(Some(SiteKind::Sub2Api), clue::STORED_SUB2API);
            let user = entry("auth_user").and_then(|text| crate::json::raw(text).ok());
            let user = user.and_then(|raw| StoredUser::read(raw.get()).ok());
            if let Some(user) = user {
                return StoredLogin {
                    id: lax::id(user.id),
                    name: lax::text(user.username).map(|name| words::name(&name)),
                };
            }
        }
        let raw = |name: &str| entry(name).and_then(|text| crate::json::raw(text).ok());
        let derived = BaseUrl::parse(&format!("{}{}", page.origin, page.path))
            .is_ok_and(|base| base.path() != page.path.trim_end_matches('/'));
        if derived {
            self.add(clue::ADDRESS);
        }
        if ["quota_per_unit", "display_in_currency"]
            .iter()
            .any(|name| entry(name).is_some())
        {
            self.add(clue::STORED_UNIT);
        }
        for kind in SiteKind::ALL {
            let stored = kind.habits().marks.stored;
            if stored.iter().any(|name| entry(name).is_some()) {
                self.add_for(Some(kind), clue::STORED_KIND);
            }
        }
        // `siteInfo` is the berry theme's: One API's, and the hubs', which their answer tells apart.
        for name in ["status", "siteInfo"] {
            let Some(fields) = fields_of(raw(name)).filter(StatusFields::of_the_family) else {
                continue;
            };
            self.add(clue::STORED_STATUS);
            self.weigh_fields(&fields, clue::STORED_KIND);
        }
        let user = raw("user").and_then(|raw| StoredUser::read(raw.get()).ok());
        let mut login = StoredLogin::default();
        if let Some(user) = user.filter(|user| user.username.is_some() && user.role.is_some()) {
            login.id = lax::id(user.id);
            login.name = lax::text(user.username)
                .map(|name| words::name(&name))
                .filter(|name| !name.is_empty());
            self.add(clue::STORED_LOGIN);
        }
        login
    }

    fn weigh_answers(&mut self, asked: &Asked) {
        let asking = Asking {
            bucket: Bucket::Ordinary,
            expects_auth_version: false,
            protocol: Protocol::Sub2Api,
            now: 0,
        };
        if let Some(Heard::Answer(answer)) = &asked.settings
            && let Ok(answer) = classify(answer, &asking)
            && let Some(facts) = sub2api::facts(answer.data)
        {
            self.add_for(Some(SiteKind::Sub2Api), clue::SUB2API_ANSWER);
            self.site_name = facts.site_name;
            return;
        }
        let Heard::Answer(status) = &asked.status else {
            self.silent = match &asked.settings {
                Some(Heard::Answer(_)) => None,
                _ => Some(Recognition::Unreachable),
            };
            if self.silent.is_none() {
                self.add(clue::STRANGE_ANSWER);
            }
            return;
        };
        if status.header("x-oneapi-request-id").is_some() {
            self.add(clue::FAMILY_HEADER);
        }
        for kind in headed(status) {
            self.add_for(Some(kind), clue::KIND_HEADER);
        }
        for kind in SiteKind::ALL {
            // A name alone proves nothing: it only decides between a kind and its fork.
            if kind.habits().marks.hosts.contains(&asked.base.host()) {
                self.add_for(Some(kind), clue::HOST);
            }
        }
        let asking = Asking {
            protocol: Protocol::Family,
            ..asking
        };
        match classify(status, &asking) {
            Ok(answer) => match fields_of(answer.data).filter(StatusFields::of_the_family) {
                Some(fields) => {
                    self.add(clue::STATUS_ANSWER);
                    self.weigh_fields(&fields, clue::KIND_FIELDS);
                    self.site_name = fields.site_name();
                    self.generation = fields.facts(status).generation;
                    self.weigh_self(asked.bare_self.as_ref());
                }
                None => self.add(clue::STRANGE_ANSWER),
            },
            Err(SiteError::Http(_)) => self.silent = Some(Recognition::Unreachable),
            Err(SiteError::Trouble(trouble, _)) => match trouble {
                SiteTrouble::Challenge => self.silent = Some(Recognition::Challenge),
                // Says nothing of what it is.
                SiteTrouble::RateLimited { .. }
                | SiteTrouble::ServerError { .. }
                | SiteTrouble::Redirected => {
                    self.silent = Some(Recognition::Unreachable);
                }
                SiteTrouble::NotARelay => self.add(clue::PAGE_INSTEAD),
                SiteTrouble::Offline
                | SiteTrouble::Unreachable
                | SiteTrouble::TimedOut
                | SiteTrouble::PermissionMissing
                | SiteTrouble::LoginExpired
                | SiteTrouble::UserDisabled
                | SiteTrouble::UserIdMismatch
                | SiteTrouble::AnsweredAsOther
                | SiteTrouble::SignInAtSite
                | SiteTrouble::TabNeeded
                | SiteTrouble::BadAnswer
                | SiteTrouble::AnswerTooLarge
                | SiteTrouble::Refused
                | SiteTrouble::VerificationRequired
                | SiteTrouble::Absent
                | SiteTrouble::KindChanged { .. }
                | SiteTrouble::WrongKey => {
                    self.add(clue::STRANGE_ANSWER);
                }
            },
        }
    }

    fn weigh_fields(&mut self, fields: &StatusFields<'_>, line: clue::Line) {
        match fields.kind() {
            Some(kind) => self.add_for(Some(kind), line),
            None if fields.look_alike() => self.add(clue::OTHER_PRODUCT),
            None => {}
        }
        self.may_show_the_token |= fields.may_show_the_token();
    }

    /// Without a login every generation refuses; since 31d70fca3 with a `code`.
    fn weigh_self(&mut self, heard: Option<&Heard>) {
        let Some(Heard::Answer(response)) = heard else {
            return;
        };
        if response.status != 401 || !is_refusal(&response.body) {
            // A limit or a failure says nothing.
            if !(response.status == 429 || response.status >= 500) {
                self.add(clue::SELF_STRANGE);
            }
            return;
        }
        self.add(clue::SELF_ANSWER);
        if refusal_code(&response.body).is_some_and(|code| code.starts_with("AUTH_")) {
            self.add_for(Some(SiteKind::NewApi), clue::SELF_CODE);
            self.generation = Some(Generation::Jwt);
            self.may_show_the_token = false;
        } else if headed(response).next().is_some() {
            // From 2026-01-30; masks came on 2026-03-08. The list will correct it.
            self.generation = Some(Generation::MaskedCookie);
        }
    }

    fn offer(&self, kind: SiteKind, signed_in: bool) -> Option<TokenOffer> {
        let habits = kind.habits();
        Some(if habits.signs_in || habits.home.is_some() {
            // No tokens at all, or none that a page could give.
            return None;
        } else if habits.generations && self.generation == Some(Generation::Jwt) {
            // Nothing on the page tells whether somebody is signed in.
            TokenOffer::OnlyByReplacing
        } else if habits.names_login && !signed_in {
            TokenOffer::SignedOut
        } else if habits.shows_token || (habits.generations && self.may_show_the_token) {
            TokenOffer::Shown
        } else {
            TokenOffer::OnlyByReplacing
        })
    }
}

/// The home itself, or a host right below it that the operator uses for its pages.
fn at_home(origin: &str, home: &str) -> bool {
    let host = home.trim_start_matches("https://");
    origin == home
        || ["www.", "console."]
            .iter()
            .any(|first| origin == format!("https://{first}{host}"))
}
