//! The control API: what a test does to a site behind its visitors' backs.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::hub::setting_of;
use crate::kind::Kind;
use crate::limits::Bucket;
use crate::log::Entry;
use crate::seed::add_keys;
use crate::serve::Site;
use crate::state::{Pricing, State, StepUp, Token, Unit, User};
use crate::view::stored;

/// `GET /control`, and everything under `/control/<index>/`.
pub(crate) fn handle(sites: &[Arc<Site>], base: &str, ask: &Ask) -> Answer {
    let parts: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    let result = match parts[..] {
        ["control"] => Ok(json!(
            sites
                .iter()
                .map(|site| site.describe(base))
                .collect::<Vec<_>>()
        )),
        ["control", index] => site(sites, index).map(|site| site.describe(base)),
        ["control", index, word] => site(sites, index).and_then(|site| {
            let body = match ask.body.is_empty() {
                true => json!({}),
                false => ask
                    .json()
                    .map_err(|error| format!("the body is no JSON: {error}"))?,
            };
            let mut state = site.lock();
            act(site, &mut state, &ask.method, word, ask, &body)
        }),
        _ => Err("no such control path".to_owned()),
    };
    match result {
        Ok(value) => Answer::json(200, &value),
        Err(error) => Answer::json(400, &json!({"error": error})),
    }
}

fn site<'a>(sites: &'a [Arc<Site>], index: &str) -> Result<&'a Arc<Site>, String> {
    index
        .parse::<usize>()
        .ok()
        .and_then(|index| sites.get(index))
        .ok_or_else(|| format!("no site has the number {index}"))
}

fn act(
    site: &Site,
    state: &mut State,
    method: &str,
    word: &str,
    ask: &Ask,
    body: &Value,
) -> Result<Value, String> {
    match (method, word) {
        ("GET", "log") => {
            let raw = ask.query("raw") == "1";
            let from = ask.query("from").parse().unwrap_or(0);
            Ok(state
                .log
                .iter()
                .skip(from)
                .map(|entry| entry.show(state, raw))
                .collect())
        }
        ("GET", "state") => Ok(show(state)),
        ("GET", "rows") => {
            let user_id = named_user(state, &json!({"user": ask.query("user")}))?;
            if state.kind == Kind::Sub2Api {
                return Ok(crate::sub2api::rows(state, user_id));
            }
            if matches!(state.kind, Kind::AiHubMix | Kind::OpenRouter) {
                return Ok(state
                    .managed
                    .rows
                    .values()
                    .cloned()
                    .map(Value::Object)
                    .collect());
            }
            Ok(rows(state, |token| token.user_id == user_id))
        }
        ("GET", "writes") => Ok(Entry::count_writes(&state.log)),
        ("POST", "reset-log") => {
            state.log.clear();
            Ok(json!({}))
        }
        ("POST", "fault") => {
            let fault = Fault::read(state.next_fault, body)?;
            let id = fault.id;
            state.next_fault += 1;
            state.pages_served = 0;
            state.faults.push(fault);
            Ok(json!({"id": id}))
        }
        ("POST", "clear-faults") => {
            let only = body["id"].as_u64();
            state
                .faults
                .retain(|fault| only.is_some_and(|id| fault.id != id));
            Ok(json!({}))
        }
        ("POST", "clock") => {
            state.clock_offset = body["offset"].as_i64().ok_or("clock needs \"offset\"")?;
            Ok(json!({"now": state.now()}))
        }
        ("POST", "limit") => limit(state, body),
        ("POST", "limits") => {
            for (name, value) in body.as_object().into_iter().flatten() {
                state
                    .limits
                    .changes
                    .read(name, value.as_str().unwrap_or(""))?;
            }
            Ok(state.limits.show(state.generation))
        }
        ("POST", "reset-limits") => {
            state.limits.clear();
            Ok(json!({}))
        }
        ("POST", "user") => change_user(state, body),
        ("POST", "pat") => {
            let id = named_user(state, body)?;
            let pat = match body["value"].as_str() {
                Some(value) => {
                    if let Some(user) = state.user_mut(id) {
                        user.access_token = Some(value.to_owned());
                    }
                    value.to_owned()
                }
                None => state.make_pat(id),
            };
            Ok(json!({"accessToken": pat}))
        }
        ("POST", "revoke-sessions") => {
            let id = named_user(state, body)?;
            for session in state.sessions.iter_mut().filter(|each| each.user_id == id) {
                session.revoked = true;
            }
            Ok(json!({}))
        }
        ("POST", "keys") => change_keys(state, body),
        ("POST", "spend") => {
            let id = body["id"].as_i64().ok_or("spend needs \"id\"")?;
            let quota = body["quota"].as_i64().unwrap_or(225);
            let model = body["model"].as_str().unwrap_or("gpt-4o-mini");
            let at = state.now() - body["ago"].as_i64().unwrap_or(0);
            for _ in 0..body["count"].as_u64().unwrap_or(1) {
                state.spend_at(id, quota, model, at);
            }
            Ok(json!({}))
        }
        ("POST", "proof") => {
            // As if the user had given the second proof so many seconds ago, or never.
            let user_id = named_user(state, body)?;
            let at = state.now() - body["ago"].as_i64().unwrap_or(0);
            if body["none"].as_bool() == Some(true) {
                state.proofs.remove(&user_id);
            } else {
                state.proofs.insert(user_id, at);
            }
            Ok(json!({}))
        }
        ("POST", "options") => change_options(state, body),
        ("POST", "sub2api") => crate::sub2api::control(state, body),
        ("POST", "kind") => {
            // What an operator does by replacing the binary: same database, new build.
            let word = body["kind"].as_str().unwrap_or("");
            state.kind = Kind::read(word).ok_or_else(|| format!("no kind is called {word}"))?;
            if let Some((generation, fork)) = state.kind.build() {
                (state.generation, state.options.fork) = (generation, fork);
                state.limits.fork = fork;
            }
            Ok(site_kind(site, state))
        }
        _ => Err(format!("no control call {method} {word}")),
    }
}

fn site_kind(site: &Site, state: &State) -> Value {
    json!({"index": site.index, "kind": state.kind.word()})
}

fn limit(state: &mut State, body: &Value) -> Result<Value, String> {
    let word = body["bucket"].as_str().unwrap_or("ct");
    let bucket = Bucket::read(word).ok_or_else(|| format!("no limiter is called {word}"))?;
    let usual = match bucket {
        Bucket::Api | Bucket::Web | Bucket::Critical => "127.0.0.1",
        Bucket::AccessToken | Bucket::Search => "2",
    };
    let who = body["by"].as_str().unwrap_or(usual).to_owned();
    let now = state.now();
    let generation = state.generation;
    state.limits.exhaust(bucket, generation, &who, now);
    Ok(state.limits.show(generation))
}

fn named_user(state: &State, body: &Value) -> Result<i64, String> {
    let word = match &body["user"] {
        Value::String(name) if name.is_empty() => "2".to_owned(),
        Value::String(name) => name.clone(),
        Value::Number(id) => id.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "2".to_owned(),
    };
    state
        .find_user(&word)
        .ok_or_else(|| format!("no user is called {word}"))
}

fn change_user(state: &mut State, body: &Value) -> Result<Value, String> {
    if body["create"].as_bool() == Some(true) {
        let id = body["id"].as_i64().ok_or("a new user needs \"id\"")?;
        let name = body["user"].as_str().ok_or("a new user needs \"user\"")?;
        let aff_code = state.dice.alphanumeric(4);
        state.users.push(User {
            id,
            username: name.to_owned(),
            password: format!("{name}-pass-123"),
            display_name: name.to_owned(),
            role: 1,
            status: 1,
            group: "default".to_owned(),
            quota: 50_000_000,
            used_quota: 0,
            request_count: 0,
            aff_code,
            access_token: None,
            auth_version: 1,
            second_factor: None,
            check_ins: Vec::new(),
        });
    }
    let id = named_user(state, body)?;
    let user = state.user_mut(id).ok_or("the user is gone")?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let number = |name: &str| body[name].as_i64();
    user.status = number("status").unwrap_or(user.status);
    user.role = number("role").unwrap_or(user.role);
    user.quota = number("quota").unwrap_or(user.quota);
    user.used_quota = number("used_quota").unwrap_or(user.used_quota);
    user.request_count = number("request_count").unwrap_or(user.request_count);
    user.group = text("group").unwrap_or_else(|| user.group.clone());
    user.password = text("password").unwrap_or_else(|| user.password.clone());
    user.display_name = text("display_name").unwrap_or_else(|| user.display_name.clone());
    user.aff_code = text("aff_code").unwrap_or_else(|| user.aff_code.clone());
    if !body["second_factor"].is_null() {
        user.second_factor = text("second_factor").filter(|code| !code.is_empty());
    }
    Ok(json!({"id": id}))
}

fn change_keys(state: &mut State, body: &Value) -> Result<Value, String> {
    let user_id = named_user(state, body)?;
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let mut made = Vec::new();
    for wanted in list("add") {
        let name = wanted["name"].as_str().unwrap_or("").to_owned();
        let mut token = state.make_token(user_id, &name);
        alter(&mut token, &wanted);
        state.next_token_id = state.next_token_id.max(token.id + 1);
        made.push(json!({"id": token.id, "key": token.key}));
        state.tokens.push(token);
    }
    if let Some(count) = body["bulk"].as_u64() {
        add_keys(state, user_id, count as usize);
    }
    for wanted in list("update") {
        let token = state
            .tokens
            .iter_mut()
            .find(|token| Some(token.id) == wanted["id"].as_i64())
            .ok_or("a key to update is not there")?;
        alter(token, &wanted);
    }
    for id in list("rekey") {
        let key = state.make_key();
        let token = state
            .tokens
            .iter_mut()
            .find(|token| Some(token.id) == id.as_i64())
            .ok_or("a key to change is not there")?;
        token.key.clone_from(&key);
        made.push(json!({"id": token.id, "key": key}));
    }
    let gone: Vec<i64> = list("delete").iter().filter_map(Value::as_i64).collect();
    state.tokens.retain(|token| !gone.contains(&token.id));
    if body["clear"].as_bool() == Some(true) {
        state.tokens.retain(|token| token.user_id != user_id);
        state.spent.retain(|spent| spent.user_id != user_id);
    }
    if let Some(next) = body["next_id"].as_i64() {
        state.next_token_id = next;
    }
    Ok(json!({"keys": made}))
}

fn alter(token: &mut Token, wanted: &Value) {
    let text = |name: &str| wanted[name].as_str().map(str::to_owned);
    let number = |name: &str, old: i64| wanted[name].as_i64().unwrap_or(old);
    let flag = |name: &str, old: bool| wanted[name].as_bool().unwrap_or(old);
    token.id = number("id", token.id);
    token.status = number("status", token.status);
    token.created_time = number("created_time", token.created_time);
    token.accessed_time = number("accessed_time", token.accessed_time);
    token.expired_time = number("expired_time", token.expired_time);
    token.remain_quota = number("remain_quota", token.remain_quota);
    token.used_quota = number("used_quota", token.used_quota);
    token.unlimited_quota = flag("unlimited_quota", token.unlimited_quota);
    token.model_limits_enabled = flag("model_limits_enabled", token.model_limits_enabled);
    token.cross_group_retry = flag("cross_group_retry", token.cross_group_retry);
    for (name, field) in [
        ("name", &mut token.name),
        ("key", &mut token.key),
        ("group", &mut token.group),
        ("backup_group", &mut token.backup_group),
        ("model_limits", &mut token.model_limits),
    ] {
        if let Some(value) = text(name) {
            *field = value;
        }
    }
    for (name, field) in [
        ("allow_ips", &mut token.allow_ips),
        ("models", &mut token.models),
        ("subnet", &mut token.subnet),
    ] {
        if wanted.get(name).is_some() {
            *field = text(name);
        }
    }
    if wanted.get("auto_groups").is_some() {
        token.auto_groups = wanted["auto_groups"].as_array().map(|names| {
            let names = names.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        });
    }
    if let Some(setting) = wanted.get("setting") {
        token.setting = setting_of(setting);
    }
    if let Some(extra) = wanted.get("extra") {
        token.extra = extra.clone();
    }
    if wanted.get("odd").is_some() {
        token.odd = Some(wanted["odd"].clone()).filter(|odd| !odd.is_null());
    }
}

fn change_options(state: &mut State, body: &Value) -> Result<Value, String> {
    if body.get("step_up").is_some() {
        state.proofs.clear();
    }
    let options = &mut state.options;
    for (name, value) in body.as_object().into_iter().flatten() {
        let flag = || {
            value
                .as_bool()
                .ok_or_else(|| format!("{name}: true or false"))
        };
        let text = || {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("{name}: a text"))
        };
        match name.as_str() {
            "name" => options.name = text()?,
            "unit" => options.unit = Unit::read(&text()?).ok_or("no such unit")?,
            "symbol" => options.custom_symbol = text()?,
            "rate" => options.custom_rate = value.as_f64().ok_or("rate: a number")?,
            "per_unit" => options.quota_per_unit = value.as_i64().ok_or("per_unit: a number")?,
            "display_in_currency" => options.display_in_currency = flag()?,
            "display_token_stat" => options.display_token_stat = flag()?,
            "turnstile" => options.turnstile = flag()?,
            "password_login" => options.password_login = flag()?,
            "check_in" => options.check_in = flag()?,
            "redis" => options.redis = flag()?,
            "secure_cookie" => options.secure_cookie = flag()?,
            "trusted_url" => options.trusted_url = value.as_str().map(str::to_owned),
            "compliance_confirmed" => options.compliance_confirmed = flag()?,
            "max_tokens" => {
                options.max_tokens = value.as_u64().ok_or("max_tokens: a number")? as usize;
            }
            "pricing" => {
                options.pricing = match text()?.as_str() {
                    "public" => Pricing::Public,
                    "login" => Pricing::Login,
                    "off" => Pricing::Off,
                    other => return Err(format!("pricing: public, login or off, not {other}")),
                };
            }
            // {"default": "默认分组", …}: what is not named is dropped.
            "usable_groups" => {
                let groups = value.as_object().ok_or("usable_groups: name → text")?;
                options.usable_groups = groups
                    .iter()
                    .map(|(name, text)| (name.clone(), text.as_str().unwrap_or("").to_owned()))
                    .collect();
            }
            "group_ratios" => {
                let ratios = value.as_object().ok_or("group_ratios: name → number")?;
                options.group_ratios = ratios
                    .iter()
                    .map(|(name, ratio)| (name.clone(), ratio.as_f64().unwrap_or(1.0)))
                    .collect();
            }
            "models" => options.models = texts(name, value)?,
            "auto_groups" => options.auto_groups = texts(name, value)?,
            "max_auto_groups" => {
                options.max_auto_groups =
                    value.as_u64().ok_or("max_auto_groups: a number")? as usize;
            }
            "served_groups" => options.served_groups = texts(name, value)?,
            "remove_group" => {
                // What an operator does who gives a group up: no list names it any more. The
                // keys in it stay as they are.
                let gone = text()?;
                options.usable_groups.retain(|(name, _)| *name != gone);
                options.group_ratios.retain(|(name, _)| *name != gone);
                options.auto_groups.retain(|name| *name != gone);
                options.served_groups.retain(|name| *name != gone);
            }
            "add_group" => {
                let new = value["name"].as_str().ok_or("add_group needs \"name\"")?;
                let about = value["about"].as_str().unwrap_or(new);
                let ratio = value["ratio"].as_f64().unwrap_or(1.0);
                options
                    .usable_groups
                    .push((new.to_owned(), about.to_owned()));
                options.group_ratios.push((new.to_owned(), ratio));
                options.served_groups.push(new.to_owned());
            }
            // [[code, quota]]
            "redemption_codes" => {
                let rows = value.as_array().ok_or("redemption_codes: a list")?;
                options.redemption_codes = rows
                    .iter()
                    .filter_map(|row| Some((row[0].as_str()?.to_owned(), row[1].as_i64()?, false)))
                    .collect();
            }
            "extra_field" => options.extra_field = value.as_str().map(str::to_owned),
            "step_up" => {
                options.step_up = match text()?.as_str() {
                    "off" => StepUp::Off,
                    "user" => StepUp::User,
                    "session" => StepUp::Session,
                    other => return Err(format!("step_up: off, user or session, not {other}")),
                };
            }
            other => return Err(format!("no option is called {other}")),
        }
    }
    Ok(json!({}))
}

/// A list of texts.
fn texts(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or_else(|| format!("{name}: a list"))?;
    Ok(items
        .iter()
        .filter_map(|each| each.as_str().map(str::to_owned))
        .collect())
}

/// Keys as the database holds them: whole, and every column of the build.
fn rows(state: &State, wanted: impl Fn(&Token) -> bool) -> Value {
    state
        .tokens
        .iter()
        .filter(|token| wanted(token))
        .map(|token| stored(token, &state.options, state.generation))
        .collect()
}

fn show(state: &State) -> Value {
    json!({
        "kind": state.kind.word(), "base": state.base, "now": state.now(),
        "requests": state.log.len(),
        "users": state.users.iter().map(|user| json!({
            "id": user.id, "username": user.username, "role": user.role, "status": user.status,
            "group": user.group, "quota": user.quota, "usedQuota": user.used_quota,
            "accessToken": user.access_token, "password": user.password,
            "activeSessions": state.sessions.iter().filter(|each| each.user_id == user.id && !each.revoked).count(),
            "sessionsIssued": state.issued.iter().filter(|(id, _)| *id == user.id).count(),
        })).collect::<Vec<_>>(),
        "keys": state.tokens.iter().map(|token| json!({
            "id": token.id, "user_id": token.user_id, "key": token.key, "status": token.status,
            "name": token.name, "created_time": token.created_time,
            "accessed_time": token.accessed_time, "expired_time": token.expired_time,
            "remain_quota": token.remain_quota, "unlimited_quota": token.unlimited_quota,
            "used_quota": token.used_quota, "group": token.group,
            "model_limits_enabled": token.model_limits_enabled,
            "model_limits": token.model_limits, "allow_ips": token.allow_ips,
            "models": token.models, "subnet": token.subnet,
            "backup_group": token.backup_group, "setting": token.setting,
        })).collect::<Vec<_>>(),
        "limits": state.limits.show(state.generation),
        "faults": state.faults.iter().map(Fault::show).collect::<Vec<_>>(),
    })
}
