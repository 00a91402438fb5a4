//! What the two hubs do otherwise than One API, from which they come: MartialBE/one-hub 387f8bf1
//! and deanxv/done-hub 42841b35 (controller/token.go, model/token.go, model/common.go,
//! middleware/auth.go); each answer was also recorded.

use serde_json::{Map, Value, json};

use crate::account::whole;
use crate::answer::Answer;
use crate::ask::Ask;
use crate::auth::USER;
use crate::cookie;
use crate::kind::Fork;
use crate::relay::{Holder, covers};
use crate::site::{Call, VERSION};
use crate::state::{State, Token, User};

/// A key's `setting` as Go decodes it into its struct and writes it out again: what is not in the
/// struct is dropped, lists that were never made are null.
pub(crate) fn setting_of(sent: &Value) -> Value {
    let flag = |from: &Value| json!(from["enabled"].as_bool().unwrap_or(false));
    let list = |from: &Value| {
        from.as_array().map(|items| {
            let texts = items.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect::<Vec<_>>()
        })
    };
    let heartbeat = &sent["heartbeat"];
    let models = &sent["limits"]["limit_model_setting"];
    let addresses = &sent["limits"]["limits_ip_setting"];
    let mut setting = json!({
        "heartbeat": {
            "enabled": flag(heartbeat),
            "timeout_seconds": heartbeat["timeout_seconds"].as_i64().unwrap_or(0),
        },
        "limits": {
            "limit_model_setting": {"enabled": flag(models), "models": list(&models["models"])},
            "limits_ip_setting": {
                "enabled": flag(addresses), "whitelist": list(&addresses["whitelist"]),
            },
        },
    });
    if let Some(tag) = sent["billing_tag"].as_str() {
        setting["billing_tag"] = json!(tag);
    }
    setting
}

/// `setting` without the tag, which only trusted users (role 3 and up) see and set
/// (controller/token.go of both).
pub(crate) fn without_tag(setting: &Value) -> Value {
    let mut setting = setting.clone();
    if let Some(fields) = setting.as_object_mut() {
        fields.remove("billing_tag");
    }
    setting
}

/// What a replace stores: the tag of somebody who may not set it stays.
pub(crate) fn replaced(old: &Value, new: &Value, reliable: bool) -> Value {
    if reliable {
        return new.clone();
    }
    let mut setting = without_tag(new);
    if let Some(tag) = old.get("billing_tag") {
        setting["billing_tag"] = tag.clone();
    }
    setting
}

/// What a list that is switched on holds.
fn limited(token: &Token, limit: &str, list: &str) -> Option<Vec<String>> {
    let limit = &token.setting["limits"][limit];
    let names = limit[list].as_array().into_iter().flatten();
    let names = names.filter_map(Value::as_str).map(str::to_owned).collect();
    (limit["enabled"] == true).then_some(names)
}

/// Seeded keys in a hub's own columns, with the parts that no client of ours knows.
pub(crate) fn dress(token: &mut Token, n: usize) {
    let texts = |list: &str, at: char| -> Vec<String> {
        list.split(at)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let models = token.models.clone().filter(|list| !list.is_empty());
    let addresses = token.allow_ips.clone().filter(|list| !list.is_empty());
    token.setting = setting_of(&json!({
        "heartbeat": {"enabled": n.is_multiple_of(5), "timeout_seconds": if n.is_multiple_of(5) { 45 } else { 0 }},
        "limits": {
            "limit_model_setting": {
                "enabled": models.is_some(), "models": models.map(|list| texts(&list, ',')),
            },
            "limits_ip_setting": {
                "enabled": addresses.is_some(),
                "whitelist": addresses.map(|list| texts(&list, '\n')),
            },
        },
    }));
    if n % 7 == 3 {
        token.setting["billing_tag"] = json!("team-a");
    }
    match n % 14 {
        2 => (token.group, token.backup_group) = ("vip".to_owned(), "default".to_owned()),
        10 => token.group = "default".to_owned(),
        // The status stays as it was made.
        8 => token.status = 1,
        _ => {}
    }
}

/// The error of the relay: done-hub and one-hub say the same in other words.
pub(crate) fn hub_error(fork: Fork, status: u16, kind: &str, message: &str) -> Value {
    let coded = fork == Fork::OneHub && matches!(status, 404 | 503);
    if coded {
        json!({"code": kind, "message": message, "type": kind})
    } else {
        json!({"message": message, "type": kind})
    }
}

/// done-hub's headers: none of its base's own on what has no route, and on `/api` its security
/// headers, with more of them where a request got through to the user's routes
/// (42841b35 router/api-router.go SessionSecurity; seen live).
pub(crate) fn secured(answer: Answer, ask: &Ask, routed: bool, passed: bool) -> Answer {
    if !routed && !ask.path.starts_with("/api/") && !ask.path.starts_with("/v1") && ask.path != "/"
    {
        return answer;
    }
    let answer = answer.without("Cache-Control");
    let signs = ["/api/user/login", "/api/user/logout"].contains(&ask.path.as_str());
    if !routed || !ask.path.starts_with("/api/") {
        answer
    } else if (passed || signs) && answer.status != 429 && ask.path.starts_with("/api/user/") {
        answer
            .with(
                "Cache-Control",
                "no-cache, no-store, must-revalidate, private, max-age=0",
            )
            .with(
                "Vary",
                "Cookie, Authorization, X-Requested-With, User-Agent",
            )
    } else {
        answer.with(
            "Cache-Control",
            "no-cache, no-store, must-revalidate, private",
        )
    }
}

impl State {
    /// A group as the map shows it; `number` counts from 1.
    fn hub_group(&self, number: usize, name: &str, public: bool) -> Value {
        let ratios = &self.options.group_ratios;
        let ratio = ratios.iter().find(|(one, _)| one == name);
        let usable = &self.options.usable_groups;
        let about = usable.iter().find(|(one, _)| one == name);
        let mut group = json!({
            "id": number, "symbol": name, "name": about.map_or(name, |(_, about)| about.as_str()),
            "ratio": whole(ratio.map_or(1.0, |(_, ratio)| *ratio)), "api_rate": 600,
            "public": public, "promotion": false, "min": 0, "max": 0, "enable": true,
        });
        if self.is(Fork::DoneHub) {
            group["description"] = json!("");
        }
        group
    }
}

impl Call<'_> {
    /// The user of the page's cookie; an access token is not read here (seen live).
    fn guest(&self) -> Option<&User> {
        let ticket = cookie::read(self.state, self.ask.cookie("session")?)?;
        self.state.user(ticket.id)
    }

    /// `GET /api/user_group_map`: public groups, and the own one of whoever has a cookie.
    pub(crate) fn hub_groups(&self) -> Answer {
        let own = self.guest().map(|user| user.group.as_str());
        let options = &self.state.options;
        let mut map = Map::new();
        for (at, (name, _)) in options.group_ratios.iter().enumerate() {
            let public = options.usable_groups.iter().any(|(one, _)| one == name);
            if public || own == Some(name.as_str()) {
                map.insert(name.clone(), self.state.hub_group(at + 1, name, public));
            }
        }
        Answer::data(Value::Object(map))
    }

    /// `GET /api/available_model`: open to everybody, prices included.
    pub(crate) fn hub_models(&self) -> Answer {
        let groups = &self.state.options.served_groups;
        let models = self.state.options.models.iter().map(|model| {
            let (input, output) = match model.as_str() {
                "gpt-4o" => (json!(2.5), json!(7.5)),
                _ => (json!(1.25), json!(5)),
            };
            let price = json!({
                "model": model, "type": "tokens", "channel_type": 1, "input": input,
                "output": output, "locked": false,
            });
            let row = json!({"groups": groups, "owned_by": "OpenAI", "price": price});
            (model.clone(), row)
        });
        Answer::data(Value::Object(models.collect()))
    }

    pub(crate) fn hub_rate(&mut self) -> Result<Answer, Answer> {
        self.auth(USER)?;
        Ok(Answer::data(json!({
            "maxRPM": 600, "maxTPM": 0, "rpm": 0, "tpm": 0, "usageRpmRate": 0, "usageTpmRate": 0,
        })))
    }

    /// `GET /api/token/playground`: asking makes a key, and answers it.
    pub(crate) fn playground(&mut self) -> Result<Answer, Answer> {
        const NAME: &str = "sys_playground";
        let who = self.auth(USER)?;
        let mine = |token: &&Token| token.user_id == who.id && token.name == NAME;
        if let Some(token) = self.state.tokens.iter().find(mine) {
            return Ok(Answer::data(json!(token.key)));
        }
        let mut token = self.state.make_token(who.id, NAME);
        token.unlimited_quota = true;
        let key = token.key.clone();
        self.state.tokens.push(token);
        Ok(Answer::data(json!(key)))
    }

    pub(crate) fn hub_status(&self, fork: Fork) -> Value {
        let options = &self.state.options;
        let mut data = json!({
            "version": VERSION, "start_time": self.state.started, "email_verification": false,
            "github_oauth": false, "github_client_id": "", "lark_login": false,
            "lark_client_id": "", "oidc_auth": false, "system_name": options.name, "logo": "",
            "language": "zh_CN", "footer_html": "", "analytics_code": "", "wechat_qrcode": "",
            "wechat_login": false, "server_address": self.state.base,
            "turnstile_check": options.turnstile,
            "turnstile_site_key": if options.turnstile { "0x4AAAAAAADummySiteKey" } else { "" },
            "top_up_link": "", "chat_link": "", "quota_per_unit": options.quota_per_unit,
            "display_in_currency": options.display_in_currency, "telegram_bot": "",
            "mj_notify_enabled": false, "chat_links": "", "PaymentUSDRate": 7.3,
            "PaymentMinAmount": 1, "RechargeDiscount": "", "EnableSafe": false,
            "SafeToolName": "Keyword", "SafeKeyWords": ["fuck", "shit", "bitch"],
            "UserInvoiceMonth": false, "UptimeDomain": "", "UptimePageName": "",
            "UptimeEnabled": false,
        });
        if fork == Fork::DoneHub {
            let more = json!({
                "linuxDo_oauth": false, "linuxDo_client_id": "", "invite_code_register": false,
                "user_agreement_enabled": false, "privacy_policy_enabled": false,
                "quota_remind_threshold": 500_000, "builtin_chat_enabled": true,
                "GeminiAPIEnabled": true, "ClaudeAPIEnabled": true, "max_log_query_days": 180,
                "language_switch_prompt_enabled": true,
            });
            extend(&mut data, more);
        }
        data
    }

    /// `GET /api/user/self`: the row but for the password, the access token in it.
    pub(crate) fn hub_user(&self, user: &User, fork: Fork) -> Value {
        let mut row = json!({
            "id": user.id, "username": user.username, "password": "",
            "display_name": user.display_name, "role": user.role, "status": user.status,
            "email": "", "avatar_url": "", "oidc_id": "", "github_id": "", "github_id_new": 0,
            "wechat_id": "", "telegram_id": 0, "lark_id": "", "verification_code": "",
            "access_token": user.access_token.clone().unwrap_or_default(), "quota": user.quota,
            "used_quota": user.used_quota, "request_count": user.request_count,
            "group": user.group, "aff_code": user.aff_code, "aff_count": 0, "aff_quota": 0,
            "aff_history_quota": 0, "inviter_id": 0, "last_login_time": self.state.started,
            "last_login_ip": "127.0.0.1", "created_time": self.state.started,
        });
        if fork == Fork::DoneHub {
            let more = json!({
                "linuxdo_id": 0, "linuxdo_username": "", "linuxdo_trust_level": 0,
                "invite_code": "", "agreed": false, "agreed_user_agreement_version": "",
                "agreed_privacy_policy_version": "", "need_agree_user_agreement": false,
                "need_agree_privacy_policy": false, "used_invite_code": "",
                "quota_remind_threshold": null, "quota_remind_enabled": null,
            });
            extend(&mut row, more);
        }
        row
    }

    /// The answer of a login holds six fields of the row and nothing else.
    pub(crate) fn hub_login_row(&self, row: &mut Value) {
        for field in ["access_token", "group", "last_login_ip"] {
            row[field] = json!("");
        }
        for field in ["last_login_time", "created_time"] {
            row[field] = json!(0);
        }
    }

    /// `page` from 1 (0 is 1), `size` up to 100, `order`, and `keyword`, a name's beginning.
    pub(crate) fn hub_list(&self, mut rows: Vec<Token>) -> Result<Answer, Answer> {
        const FIELDS: [&str; 7] = [
            "id",
            "name",
            "status",
            "expired_time",
            "created_time",
            "remain_quota",
            "used_quota",
        ];
        let number = |name: &str| -> i64 { self.ask.query(name).parse().unwrap_or(0) };
        let page = number("page").max(1);
        let size = match number("size") {
            ..=0 => 10,
            101.. => return Err(Answer::fail("size 参数不能超过 100")),
            size => size,
        };
        let order = self.ask.query("order");
        for field in order.split(',').filter(|field| !field.is_empty()) {
            let name = field.trim_start_matches('-');
            if !FIELDS.contains(&name) {
                return Err(Answer::fail(format!("不允许对字段 '{name}' 进行排序")));
            }
        }
        if order == "id" {
            rows.reverse();
        }
        let keyword = self.ask.query("keyword");
        rows.retain(|row| row.name.starts_with(&keyword));
        let total = rows.len();
        let items = self.slice(&rows, (page - 1).saturating_mul(size), size);
        Ok(Answer::data(json!({
            "data": items, "page": page, "size": size, "total_count": total,
        })))
    }

    /// A heartbeat in bounds.
    pub(crate) fn check_heartbeat(setting: &Value) -> Result<(), Answer> {
        let beat = &setting["heartbeat"];
        let seconds = beat["timeout_seconds"].as_i64().unwrap_or(0);
        if beat["enabled"] == true && !(30..=90).contains(&seconds) {
            return Err(Answer::fail(
                "heartbeat timeout seconds must be between 30 and 90",
            ));
        }
        Ok(())
    }

    /// Groups that are there and that the user may use; those a key has already are not looked at
    /// again (controller/token.go UpdateToken), and an empty one never.
    pub(crate) fn check_hub_groups(
        &self,
        user_id: i64,
        wanted: [&str; 2],
        had: [&str; 2],
    ) -> Result<(), Answer> {
        let own = self.state.user(user_id).map(|user| user.group.as_str());
        let pairs = wanted.into_iter().zip(had);
        let new = pairs.filter(|(name, had)| !name.is_empty() && name != had);
        for (name, _) in new {
            if !self.group_has_ratio(name) {
                return Err(Answer::fail("无效的用户组"));
            }
            let public = self
                .state
                .options
                .usable_groups
                .iter()
                .any(|(one, _)| one == name);
            if !public && own != Some(name) {
                return Err(Answer::fail("当前用户组无权使用指定的分组"));
            }
        }
        Ok(())
    }

    /// Nothing is trimmed, and what is no address covers nobody; an empty list is no limit.
    pub(crate) fn check_hub_addresses(&self, token: &Token) -> Result<(), Answer> {
        let ip = &self.ask.ip;
        match limited(token, "limits_ip_setting", "whitelist") {
            Some(list) if !list.is_empty() && !list.iter().any(|line| covers(line, ip)) => {
                Err(self.relay_error(403, "", &format!("IP {ip} is not allowed to access")))
            }
            _ => Ok(()),
        }
    }

    /// done-hub lists what the key may use, one-hub all there is.
    pub(crate) fn hub_listed(
        &self,
        holder: &Holder,
        served: Vec<String>,
        fork: Fork,
    ) -> Vec<String> {
        match limited(&holder.token, "limit_model_setting", "models") {
            Some(list) if fork == Fork::DoneHub => served
                .into_iter()
                .filter(|model| list.contains(model))
                .collect(),
            _ => served,
        }
    }

    pub(crate) fn check_hub_model(&self, holder: &Holder, model: &str) -> Result<(), Answer> {
        let Some(list) = limited(&holder.token, "limit_model_setting", "models") else {
            return Ok(());
        };
        if list.iter().any(|one| one == model) {
            return Ok(());
        }
        if self.state.is(Fork::DoneHub) {
            let message = format!(
                "当前分组上游负载已饱和，请稍后再试 (request id: {})",
                self.request_id
            );
            let error =
                json!({"code": "service_unavailable", "message": message, "type": "system_error"});
            return Err(Answer::json(503, &json!({"error": error})));
        }
        let text = if list.is_empty() {
            "No available models configured for current token".to_owned()
        } else {
            format!("Model {model} is not supported for current token")
        };
        // Without a content type of its own, so Go guesses one (seen live).
        let refused = self.relay_error(404, "", &text).without("Content-Type");
        Err(refused.with("Content-Type", "text/plain; charset=utf-8"))
    }

    /// `GET /api/log/self` in the hubs' pages; done-hub looks back so many days and no more.
    pub(crate) fn hub_log(&mut self) -> Result<Answer, Answer> {
        const DAYS: i64 = 180;
        let wanted = self.mine()?;
        let number = |name: &str| -> i64 { self.ask.query(name).parse().unwrap_or(0) };
        let since = number("start_timestamp");
        let done = self.state.is(Fork::DoneHub);
        if done && since != 0 && since < self.state.now() - DAYS * 86_400 {
            return Err(Answer::fail(format!("开始时间不能早于 {DAYS} 天前")));
        }
        let (page, size) = match (number("page").max(1), number("size")) {
            (page, ..=0) => (page, 10),
            (_, 101..) => return Err(Answer::fail("size 参数不能超过 100")),
            sizes => sizes,
        };
        let mut rows = self.rows(wanted);
        let total = rows.len();
        rows = rows
            .into_iter()
            .skip(((page - 1) * size) as usize)
            .take(size as usize)
            .collect();
        for row in &mut rows {
            let Some(fields) = row.as_object_mut() else {
                continue;
            };
            for name in ["channel", "elapsed_time", "system_prompt_reset"] {
                fields.remove(name);
            }
            let more = json!({
                "channel_id": if done { 0 } else { 1 }, "request_time": 40, "channel": null,
                "source_ip": "127.0.0.1",
                "metadata": {
                    "backup_group_name": "", "group_name": "default", "group_ratio": 1,
                    "input_ratio": 2.5, "is_backup_group": false, "output_ratio": 7.5,
                    "price_type": "tokens",
                },
            });
            if done {
                fields.insert("cost_quota".to_owned(), json!(0));
                fields.insert("upstream_request_id".to_owned(), json!(""));
            } else {
                fields.remove("request_id");
            }
            extend(row, more);
        }
        Ok(Answer::data(json!({
            "data": rows, "page": page, "size": size, "total_count": total,
        })))
    }
}

fn extend(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
