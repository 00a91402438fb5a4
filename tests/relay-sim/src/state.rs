//! Everything one simulated site remembers.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::ask::Ask;
use crate::dice::Dice;
use crate::fault::Fault;
use crate::hub::setting_of;
use crate::kind::{Fork, Generation, Kind};
use crate::limits::Limits;
use crate::log::Entry;

/// A row of the `users` table, as far as a client can notice it.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) display_name: String,
    pub(crate) role: i64,
    pub(crate) status: i64,
    pub(crate) group: String,
    pub(crate) quota: i64,
    pub(crate) used_quota: i64,
    pub(crate) request_count: i64,
    pub(crate) aff_code: String,
    pub(crate) access_token: Option<String>,
    /// Counts up when sessions made before must die ("uv" in the JWT).
    pub(crate) auth_version: i64,
    /// The only code two-factor login takes; none means it is off.
    pub(crate) second_factor: Option<String>,
    /// Check-in dates and what they brought.
    pub(crate) check_ins: Vec<(String, i64)>,
}

/// A row of the `tokens` table; the fields of all four builds side by side.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: i64,
    pub(crate) user_id: i64,
    pub(crate) key: String,
    pub(crate) status: i64,
    pub(crate) name: String,
    pub(crate) created_time: i64,
    pub(crate) accessed_time: i64,
    pub(crate) expired_time: i64,
    pub(crate) remain_quota: i64,
    pub(crate) unlimited_quota: bool,
    pub(crate) model_limits_enabled: bool,
    pub(crate) model_limits: String,
    pub(crate) allow_ips: Option<String>,
    pub(crate) used_quota: i64,
    pub(crate) group: String,
    pub(crate) cross_group_retry: bool,
    pub(crate) auto_groups: Option<Vec<String>>,
    /// One API only.
    pub(crate) models: Option<String>,
    /// One API only.
    pub(crate) subnet: Option<String>,
    /// The hubs only: the group that takes over when the first cannot serve.
    pub(crate) backup_group: String,
    /// The hubs only: heartbeat, limits and billing tag, as Go writes that struct.
    pub(crate) setting: Value,
    /// The column that only this fork has, where the operator set `extra_field`.
    pub(crate) extra: Value,
    /// Fields shown in place of the real ones, for odd values a typed row cannot hold.
    pub(crate) odd: Option<Value>,
}

/// A login session of the JWT era (QuantumNous/new-api model/auth_session.go).
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) sid: String,
    pub(crate) user_id: i64,
    pub(crate) secret: String,
    pub(crate) previous: Option<(String, i64)>,
    pub(crate) version: i64,
    pub(crate) method: &'static str,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
    pub(crate) created_at: i64,
    pub(crate) last_active_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
}

/// What the operator of the site can set.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The build is this fork of its generation.
    pub(crate) fork: Option<Fork>,
    /// Veloera redeems through Redis, and breaks down without one (seen live).
    pub(crate) redis: bool,
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) custom_symbol: String,
    pub(crate) custom_rate: f64,
    pub(crate) quota_per_unit: i64,
    pub(crate) display_in_currency: bool,
    pub(crate) display_token_stat: bool,
    pub(crate) turnstile: bool,
    pub(crate) password_login: bool,
    pub(crate) check_in: bool,
    pub(crate) secure_cookie: bool,
    pub(crate) trusted_url: Option<String>,
    pub(crate) pricing: Pricing,
    pub(crate) max_tokens: usize,
    /// Usable groups with their descriptions, `auto` among them when the operator allows it.
    pub(crate) usable_groups: Vec<(String, String)>,
    /// Every group the site knows and its price ratio.
    pub(crate) group_ratios: Vec<(String, f64)>,
    /// The groups that `auto` goes through, in this order.
    pub(crate) auto_groups: Vec<String>,
    /// MaxTokenAutoGroups (QuantumNous/new-api setting/auto_group.go).
    pub(crate) max_auto_groups: usize,
    /// Groups that some channel serves.
    pub(crate) served_groups: Vec<String>,
    /// Models the site's channels serve in those groups.
    pub(crate) models: Vec<String>,
    /// A key column that only this site's build has.
    pub(crate) extra_field: Option<String>,
    /// Whether making and revealing keys needs a second proof.
    pub(crate) step_up: StepUp,
    pub(crate) redemption_codes: Vec<(String, i64, bool)>,
    pub(crate) compliance_confirmed: bool,
}

/// `quota_display_type` (QuantumNous/new-api setting/operation_setting/general_setting.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Usd,
    Cny,
    Tokens,
    Custom,
}

/// What a fork asks for before a key is made or revealed
/// (MAX-API-Next/MAX-API router/api-router.go, middleware/secure_verification.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepUp {
    /// Nothing, as upstream.
    Off,
    /// A proof that counts for the user, however the request comes.
    User,
    /// A proof that stands in the cookie session, as in that fork: an access token never has it.
    Session,
}

/// Who may see the price page (HeaderNavModules).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pricing {
    Public,
    Login,
    Off,
}

/// One consumed call, for the log endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    pub(crate) user_id: i64,
    pub(crate) token_id: i64,
    pub(crate) token_name: String,
    pub(crate) model: String,
    pub(crate) group: String,
    pub(crate) quota: i64,
    pub(crate) at: i64,
    pub(crate) request_id: String,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    pub(crate) generation: Generation,
    pub(crate) origin: String,
    pub(crate) base: String,
    pub(crate) options: Options,
    pub(crate) users: Vec<User>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) next_token_id: i64,
    pub(crate) sessions: Vec<Session>,
    /// (user, time) of every session ever issued, for the daily cap.
    pub(crate) issued: Vec<(i64, i64)>,
    /// Pending second factors: flow token → user.
    pub(crate) flows: HashMap<String, i64>,
    pub(crate) spent: Vec<Spent>,
    pub(crate) limits: Limits,
    pub(crate) faults: Vec<Fault>,
    pub(crate) next_fault: u64,
    pub(crate) log: Vec<Entry>,
    pub(crate) next_entry: u64,
    pub(crate) dice: Dice,
    pub(crate) secret: Vec<u8>,
    pub(crate) clock_offset: i64,
    pub(crate) started: i64,
    /// When each user last passed the second proof.
    pub(crate) proofs: HashMap<i64, i64>,
    /// What a site of Sub2API's remembers.
    pub(crate) sub2api: crate::sub2api::Db,
    /// What AIHubMix or OpenRouter remember.
    pub(crate) managed: crate::managed::Db,
    /// How many list pages were served, for the shrinking-list fault.
    pub(crate) pages_served: usize,
}

impl Unit {
    pub(crate) fn read(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "usd" => Self::Usd,
            "cny" => Self::Cny,
            "tokens" => Self::Tokens,
            "custom" => Self::Custom,
            _ => return None,
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Cny => "CNY",
            Self::Tokens => "TOKENS",
            Self::Custom => "CUSTOM",
        }
    }
}

impl State {
    /// The server's clock in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        real_now() + self.clock_offset
    }

    pub(crate) fn user(&self, id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn user_mut(&mut self, id: i64) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    /// A user by number or name.
    pub(crate) fn find_user(&self, word: &str) -> Option<i64> {
        let id = word.parse().ok();
        self.users
            .iter()
            .find(|user| user.username == word || Some(user.id) == id)
            .map(|user| user.id)
    }

    /// A new access token of the kind this server makes, stored over the old one.
    pub(crate) fn make_pat(&mut self, user_id: i64) -> String {
        let pat = match self.generation {
            // A UUID without its dashes (songquanpeng/one-api common/random/main.go GetUUID).
            Generation::OneApi => self.dice.hex(32),
            Generation::April2025 | Generation::Cookie | Generation::Jwt => self.dice.new_api_pat(),
        };
        if let Some(user) = self.user_mut(user_id) {
            user.access_token = Some(pat.clone());
        }
        pat
    }

    /// Text of a new key, without `sk-`. The hubs' carry user and key in them: 15 letters, `_`, and
    /// 43 of base64url (387f8bf1 common/token; seen live).
    pub(crate) fn make_key(&mut self) -> String {
        if self.hub() {
            format!("{}_{}", self.dice.alphanumeric(15), self.dice.base64url(43))
        } else {
            self.dice.alphanumeric(48)
        }
    }

    /// One of the two hubs answers.
    pub(crate) fn hub(&self) -> bool {
        self.options.fork.is_some_and(Fork::is_hub)
    }

    /// This very fork answers.
    pub(crate) fn is(&self, fork: Fork) -> bool {
        self.options.fork == Some(fork)
    }

    /// A fresh key row with the database's defaults, newest id.
    pub(crate) fn make_token(&mut self, user_id: i64, name: &str) -> Token {
        let now = self.now();
        let id = self.next_token_id;
        self.next_token_id += 1;
        Token {
            id,
            user_id,
            key: self.make_key(),
            status: 1,
            name: name.to_owned(),
            created_time: now,
            accessed_time: now,
            expired_time: -1,
            remain_quota: 0,
            unlimited_quota: false,
            model_limits_enabled: false,
            model_limits: String::new(),
            allow_ips: Some(String::new()),
            used_quota: 0,
            group: String::new(),
            cross_group_retry: false,
            auto_groups: None,
            models: None,
            subnet: Some(String::new()),
            backup_group: String::new(),
            setting: setting_of(&Value::Null),
            extra: Value::Null,
            odd: None,
        }
    }

    /// `X-Oneapi-Request-Id` as each build writes it (common/gin.go, common/random).
    pub(crate) fn make_request_id(&mut self) -> String {
        let time = stamp(self.now());
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.subsec_nanos());
        match self.generation {
            Generation::OneApi => format!("{time}{nanos:09}{}", self.dice.digits(8)),
            Generation::April2025 => format!("{time}{nanos:09}{}", self.dice.alphanumeric(8)),
            Generation::Cookie | Generation::Jwt => {
                format!("{time}{nanos:09}8268d9d6{}", self.dice.alphanumeric(8))
            }
        }
    }

    /// Writes a request into the log; answers its number.
    pub(crate) fn log_entry(&mut self, ask: &Ask) -> u64 {
        self.next_entry += 1;
        self.log.push(Entry::new(self.next_entry, ask));
        self.next_entry
    }

    /// A request in the log, unless that was emptied since.
    pub(crate) fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        self.log
            .iter_mut()
            .rev()
            .find(|entry| entry.number == number)
    }

    /// Takes a call's price from the key and its owner.
    pub(crate) fn spend(&mut self, token_id: i64, quota: i64, model: &str) {
        self.spend_at(token_id, quota, model, self.now());
    }

    /// The same at another time, for a log that reaches back.
    pub(crate) fn spend_at(&mut self, token_id: i64, quota: i64, model: &str, now: i64) {
        let request_id = self.make_request_id();
        let Some(token) = self.tokens.iter_mut().find(|token| token.id == token_id) else {
            return;
        };
        token.remain_quota -= quota;
        token.used_quota += quota;
        token.accessed_time = now;
        let (user_id, token_name, mut group) =
            (token.user_id, token.name.clone(), token.group.clone());
        if let Some(user) = self.users.iter_mut().find(|user| user.id == user_id) {
            user.quota -= quota;
            user.used_quota += quota;
            user.request_count += 1;
            if group.is_empty() {
                group.clone_from(&user.group);
            }
        }
        self.spent.push(Spent {
            user_id,
            token_id,
            token_name,
            model: model.to_owned(),
            group,
            quota,
            at: now,
            request_id,
        });
    }
}

/// The machine's clock in Unix seconds.
pub(crate) fn real_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
        })
}

/// Year, month, day, hour, minute, second of a Unix time in UTC.
pub(crate) fn civil(unix: i64) -> (i64, u32, u32, u32, u32, u32) {
    let (days, rest) = (unix.div_euclid(86_400), unix.rem_euclid(86_400) as u32);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = (if mp < 10 { mp + 3 } else { mp - 9 }) as u32;
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, day, rest / 3600, rest / 60 % 60, rest % 60)
}

fn stamp(unix: i64) -> String {
    let (year, month, day, hour, minute, second) = civil(unix);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

/// A date as cookies carry it.
pub(crate) fn http_date(unix: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day, hour, minute, second) = civil(unix);
    let weekday = DAYS[unix.div_euclid(86_400).rem_euclid(7) as usize];
    let name = MONTHS[month as usize - 1];
    format!("{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}
