//! Sub2API 0.1.179 (Wei-Shaw/sub2api 67380eaf) as its recorded answers show it: JSON Web Tokens and
//! refresh tokens that are taken once, amounts in dollars, partial changes, names stored as HTML.

mod key_side;
mod keys;
mod session;

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::state::State;

pub(crate) use session::Access;

/// A row as the API tells it.
pub(crate) type Row = Map<String, Value>;

/// A marked request: what it asked for, how it was answered if not refused, and when.
pub(crate) type Marked = (Vec<u8>, Option<Answer>, i64);

/// Everything such a site remembers besides its users.
#[derive(Debug, Default)]
pub(crate) struct Db {
    pub(crate) keys: BTreeMap<i64, Row>,
    pub(crate) next_key: i64,
    pub(crate) balances: HashMap<i64, f64>,
    /// Access tokens and what they say.
    pub(crate) access: HashMap<String, Access>,
    /// Refresh tokens that were not used yet: user and session.
    pub(crate) refresh: HashMap<String, (i64, String)>,
    /// Second factors that are awaited.
    pub(crate) pending: HashMap<String, i64>,
    /// Marked requests, by user and mark.
    pub(crate) marked: HashMap<(i64, String), Marked>,
    pub(crate) usage: Vec<Row>,
    /// Uses of a bucket by somebody, in seconds.
    pub(crate) uses: HashMap<(&'static str, String), VecDeque<i64>>,
    pub(crate) turnstile: bool,
    pub(crate) backend_mode: bool,
    pub(crate) binding: bool,
    /// A session without refresh tokens, as before 2026-02 (49a3c4374).
    pub(crate) no_refresh: bool,
    pub(crate) lasts: Option<i64>,
}

/// The groups of a fresh site: three for everybody in the recorded order, one for chosen users.
pub(crate) const GROUPS: [(i64, &str, &str, f64, bool); 4] = [
    (2, "openai-main", "openai", 1.0, false),
    (3, "claude-main", "anthropic", 1.2, false),
    (1, "default", "anthropic", 1.0, false),
    (4, "vip-only", "openai", 0.5, true),
];

/// The whole answer.
pub(crate) fn serve(state: &mut State, ask: &Ask) -> Answer {
    if ask.method == "OPTIONS" && ask.header("origin").is_some() {
        // Its list of origins is empty.
        return Answer::empty(403).with("Content-Length", "0");
    }
    let path = ask.path.clone();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answer = match (ask.method.as_str(), &parts[..]) {
        ("GET", ["health"]) => Ok(Answer::json(200, &json!({"status": "ok"}))),
        ("GET", ["setup", "status"]) => Ok(Answer::json(
            200,
            &json!({"code": 0, "data": {"needs_setup": false, "step": "completed"}}),
        )),
        ("GET", ["api", "v1", "settings", "public"]) => {
            public_limit(state, ask).map(|()| done(settings(state)))
        }
        ("POST", ["api", "v1", "auth", "login"]) => session::login(state, ask),
        ("POST", ["api", "v1", "auth", "login", "2fa"]) => session::second_factor(state, ask),
        ("POST", ["api", "v1", "auth", "refresh"]) => session::refresh(state, ask),
        ("POST", ["api", "v1", "auth", "logout"]) => session::logout(state, ask),
        ("GET", ["api", "v1", "auth", "me"]) => {
            user(state, ask).map(|id| done(session::me(state, id)))
        }
        ("GET", ["api", "v1", "groups", "available"]) => user(state, ask).map(|_| {
            let open = GROUPS.iter().filter(|group| !group.4);
            done(open.map(|(id, ..)| group(*id)).collect())
        }),
        ("GET", ["api", "v1", "keys"]) => keys::list(state, ask),
        ("POST", ["api", "v1", "keys"]) => keys::create(state, ask),
        ("GET", ["api", "v1", "keys", id]) => keys::read(state, ask, id),
        ("PUT", ["api", "v1", "keys", id]) => keys::write(state, ask, id),
        ("DELETE", ["api", "v1", "keys", id]) => keys::delete(state, ask, id),
        ("GET", ["api", "v1", "usage"]) => keys::usage(state, ask),
        ("GET", ["v1", "models"]) => key_side::models(state, ask),
        ("GET", ["v1", "usage"]) => key_side::usage(state, ask),
        _ if path.starts_with("/api/") || path.starts_with("/v1/") => Ok(Answer::empty(404)
            .with("Content-Type", "text/plain")
            .body("404 page not found")),
        _ => Ok(page(state, ask)),
    };
    answer.unwrap_or_else(|refused| refused)
}

pub(crate) fn done(data: Value) -> Answer {
    Answer::json(200, &json!({"code": 0, "message": "success", "data": data}))
}

/// A handler's refusal; some give a word for it.
pub(crate) fn refused(status: u16, message: &str, reason: &str) -> Answer {
    let mut body = json!({"code": status, "message": message});
    if !reason.is_empty() {
        body["reason"] = json!(reason);
    }
    Answer::json(status, &body)
}

/// A middleware's refusal.
pub(crate) fn stopped(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
}

/// Amounts as Go writes them: no point where none is needed.
pub(crate) fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// Counts a use; refused when the minute's are used up.
pub(crate) fn take(
    state: &mut State,
    bucket: &'static str,
    who: &str,
    most: usize,
) -> Result<(), i64> {
    if state.limits.changes.off {
        return Ok(());
    }
    let now = state.now();
    let uses = state
        .sub2api
        .uses
        .entry((bucket, who.to_owned()))
        .or_default();
    while uses.front().is_some_and(|at| *at <= now - 60) {
        uses.pop_front();
    }
    if uses.len() >= most {
        return Err(uses.front().map_or(60, |at| at + 60 - now).max(1));
    }
    uses.push_back(now);
    Ok(())
}

pub(crate) fn slow_down(after: i64) -> Answer {
    let words = "Too many requests, please slow down and try again later";
    stopped(429, "RATE_LIMITED", words).with("Retry-After", after.to_string())
}

/// Private addresses are not counted (seen live).
fn public_limit(state: &mut State, ask: &Ask) -> Result<(), Answer> {
    if ask.ip.starts_with("127.") || ask.ip.starts_with("10.") || ask.ip.starts_with("192.168.") {
        return Ok(());
    }
    take(state, "public", &ask.ip.clone(), 300).map_err(slow_down)
}

/// Who a management request comes from.
pub(crate) fn user(state: &mut State, ask: &Ask) -> Result<i64, Answer> {
    let id = session::authenticate(state, ask)?;
    let admin = state.user(id).is_some_and(|user| user.role >= 10);
    if state.sub2api.backend_mode && !admin {
        let words = "Backend mode is active. User self-service is disabled.";
        return Err(refused(403, words, ""));
    }
    if !admin {
        take(state, "user", &id.to_string(), 240).map_err(slow_down)?;
    }
    Ok(id)
}

/// As recorded, with what an operator changed.
fn settings(state: &State) -> Value {
    const RECORDED: &str = include_str!("../../../fixtures/sites/sub2api/01-settings-public.json");
    let recorded: Value = serde_json::from_str(RECORDED).expect("a recording is JSON");
    let mut data = recorded["response"]["body"]["data"].clone();
    if state.options.name != state.generation.default_name() {
        data["site_name"] = json!(state.options.name);
    }
    data["turnstile_enabled"] = json!(state.sub2api.turnstile);
    data["backend_mode_enabled"] = json!(state.sub2api.backend_mode);
    data
}

/// A group as keys and lists show it: every field of the recorded ones.
pub(crate) fn group(id: i64) -> Value {
    const RECORDED: &str = include_str!("../../../fixtures/sites/sub2api/24-groups-available.json");
    let recorded: Value = serde_json::from_str(RECORDED).expect("a recording is JSON");
    let listed = &recorded["response"]["body"]["data"];
    let known = listed.as_array().into_iter().flatten();
    if let Some(group) = known.into_iter().find(|group| group["id"] == id) {
        return group.clone();
    }
    // The one for chosen users is in no list of theirs.
    let mut group = listed[0].clone();
    let own = GROUPS.iter().find(|group| group.0 == id);
    if let Some((id, name, platform, rate, exclusive)) = own {
        group["id"] = json!(id);
        group["name"] = json!(name);
        group["description"] = json!(format!("{name} group"));
        group["platform"] = json!(platform);
        group["rate_multiplier"] = number(*rate);
        group["is_exclusive"] = json!(exclusive);
    }
    group
}

/// `2026-11-21T04:58:30.369113Z`
pub(crate) fn stamp(at: i64) -> String {
    let days = at.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let (day, month) = (
        of_year - (153 * m + 2) / 5 + 1,
        if m < 10 { m + 3 } else { m - 9 },
    );
    let year = year + era * 400 + i64::from(month <= 2);
    let time = at.rem_euclid(86_400);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.369113Z")
}

/// Seconds of an RFC 3339 text; `None` for what Go does not parse.
pub(crate) fn unstamp(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let rest = text.get(19..)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = if zone == "Z" {
        0
    } else {
        let sign = match zone.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let hours: i64 = zone.get(1..3)?.parse().ok()?;
        let minutes: i64 = zone.get(4..6)?.parse().ok()?;
        sign * (hours * 3_600 + minutes * 60)
    };
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second - offset)
}

/// The single page. With `?autologin=1` it is signed in as the demo user, as its own front end
/// keeps that [frontend/src/stores/auth.ts].
fn page(state: &mut State, ask: &Ask) -> Answer {
    let mut script = String::new();
    if ask.query("autologin") == "1" {
        let (access, refresh, lasts) = session::issue(state, 2, "page");
        let person = session::person(state, 2);
        let until = (state.now() + lasts) * 1000;
        let entries = json!([
            ["auth_token", access],
            ["refresh_token", refresh],
            ["token_expires_at", until.to_string()],
            ["auth_user", person.to_string()],
        ]);
        script = format!(
            "<script>for (const [name, value] of {entries}) localStorage.setItem(name, value);</script>"
        );
    }
    let name = &state.options.name;
    Answer::html(
        200,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <title>{name} - AI API Gateway</title></head><body><div id=\"app\"></div>{script}</body></html>"
        ),
    )
    .with("Cache-Control", "no-cache")
}

/// What a test does behind the visitors' backs.
pub(crate) fn control(state: &mut State, body: &Value) -> Result<Value, String> {
    for (name, value) in body.as_object().into_iter().flatten() {
        let on = value.as_bool().unwrap_or(false);
        match name.as_str() {
            "turnstile" => state.sub2api.turnstile = on,
            "backend_mode" => state.sub2api.backend_mode = on,
            "binding" => state.sub2api.binding = on,
            "no_refresh" => state.sub2api.no_refresh = on,
            "lasts" => state.sub2api.lasts = value.as_i64(),
            "balance" => {
                state
                    .sub2api
                    .balances
                    .insert(2, value.as_f64().ok_or("balance: a number")?);
            }
            "end_sessions" => state.sub2api.refresh.clear(),
            "end_access" => state.sub2api.access.clear(),
            "session" => {
                let id = value.as_i64().unwrap_or(2);
                let (access, refresh, _) = session::issue(state, id, "");
                return Ok(json!({"accessToken": access, "refreshToken": refresh}));
            }
            "set" => {
                let id = value["id"].as_i64().ok_or("set needs \"id\"")?;
                let row = state.sub2api.keys.get_mut(&id).ok_or("no such key")?;
                for (name, value) in value.as_object().into_iter().flatten() {
                    row.insert(name.clone(), value.clone());
                }
            }
            "drop" => {
                let id = value.as_i64().ok_or("drop: an id")?;
                state.sub2api.keys.remove(&id);
            }
            "spend" => {
                let id = value["id"].as_i64().ok_or("spend needs \"id\"")?;
                keys::spend(state, id, value["usd"].as_f64().unwrap_or(0.000_129_6));
            }
            other => return Err(format!("nothing is called {other}")),
        }
    }
    Ok(json!({}))
}

/// The rows of one user as stored.
pub(crate) fn rows(state: &State, user: i64) -> Value {
    let own = state.sub2api.keys.values();
    own.filter(|row| row["user_id"] == user)
        .map(|row| Value::Object(row.clone()))
        .collect()
}

/// What a fresh site holds: keys of every sort a person meets.
pub(crate) fn seed(state: &mut State, user: i64, count: usize) {
    state.sub2api.balances.entry(user).or_insert(100.0);
    let now = state.now();
    for n in 0..count {
        let name = match n % 10 {
            0 => "claude-code &amp; laptop".to_owned(),
            1 => "公司服务器".to_owned(),
            _ => format!("key-{:03}", n + 1),
        };
        let id = keys::insert(state, user, &name);
        let row = state.sub2api.keys.get_mut(&id).expect("made just now");
        let mut set = |name: &str, value: Value| {
            row.insert(name.to_owned(), value);
        };
        set("group_id", json!(2));
        match n % 10 {
            0 => {}
            1 => set("group_id", json!(3)),
            2 => {
                set("quota", json!(12.5));
                set("quota_used", json!(0.000_129_6));
            }
            3 => set("status", json!("inactive")),
            4 => set("expires_at", json!(stamp(now - 86_400))),
            5 => {
                set("quota", json!(0.000_05));
                set("quota_used", json!(0.000_129_6));
                set("status", json!("quota_exhausted"));
            }
            6 => set("expires_at", json!(stamp(now + 30 * 86_400))),
            7 => {
                set("ip_whitelist", json!(["127.0.0.1", "10.0.0.0/8"]));
                set("ip_blacklist", json!(["192.0.2.1"]));
            }
            8 => {
                set("rate_limit_5h", json!(1.5));
                set("rate_limit_7d", json!(20));
            }
            _ => set("group_id", Value::Null),
        }
    }
}
