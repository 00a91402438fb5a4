//! Creating, changing and deleting keys (controller/token.go of each build).

use serde_json::{Value, json};

use crate::account::number;
use crate::answer::Answer;
use crate::auth::USER;
use crate::hub::setting_of;
use crate::kind::{Fork, Generation};
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::{StepUp, Token};
use crate::text::{Lang, Say};
use crate::view::shown;

/// The body of create and update, as Go's decoder fills a zeroed struct.
#[derive(Debug)]
struct Form {
    id: i64,
    status: i64,
    name: String,
    expired_time: i64,
    remain_quota: i64,
    unlimited_quota: bool,
    model_limits_enabled: bool,
    model_limits: String,
    allow_ips: Option<String>,
    group: String,
    cross_group_retry: bool,
    /// None: not in the body. `null` and `[]` are the same.
    auto_groups: Option<Vec<String>>,
    models: Option<String>,
    subnet: Option<String>,
    backup_group: String,
    setting: Value,
}

impl Form {
    fn read(body: &Value, generation: Generation, hub: bool) -> Result<Self, String> {
        let owner = if generation == Generation::Jwt {
            "tokenRequest.Token"
        } else {
            "Token"
        };
        let wide = if generation == Generation::OneApi && !hub {
            "int64"
        } else {
            "int"
        };
        let wrong = |field: &str, kind: &str| {
            let got = match &body[field] {
                Value::Number(number) => format!("number {number}"),
                Value::String(_) => "string".to_owned(),
                Value::Bool(_) => "bool".to_owned(),
                Value::Array(_) => "array".to_owned(),
                Value::Object(_) => "object".to_owned(),
                Value::Null => "null".to_owned(),
            };
            format!(
                "json: cannot unmarshal {got} into Go struct field {owner}.{field} of type {kind}"
            )
        };
        // Go leaves a field alone that is absent or null.
        let given = |field: &str| Some(&body[field]).filter(|value| !value.is_null());
        let int = |field: &str, kind: &str| match given(field) {
            None => Ok(0),
            Some(value) => value.as_i64().ok_or_else(|| wrong(field, kind)),
        };
        let flag = |field: &str| match given(field) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| wrong(field, "bool")),
        };
        let maybe = |field: &str| match given(field) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(wrong(field, "string")),
            },
        };
        let text = |field: &str| maybe(field).map(Option::unwrap_or_default);
        Ok(Self {
            id: int("id", "int")?,
            status: int("status", "int")?,
            name: text("name")?,
            expired_time: int("expired_time", "int64")?,
            remain_quota: int("remain_quota", wide)?,
            unlimited_quota: flag("unlimited_quota")?,
            model_limits_enabled: flag("model_limits_enabled")?,
            model_limits: text("model_limits")?,
            allow_ips: maybe("allow_ips")?,
            group: text("group")?,
            cross_group_retry: flag("cross_group_retry")?,
            auto_groups: match body.get("auto_groups") {
                Some(value) if generation == Generation::Jwt => Some(names(value)?),
                _ => None,
            },
            models: maybe("models")?,
            subnet: maybe("subnet")?,
            backup_group: text("backup_group")?,
            setting: setting_of(&body["setting"]),
        })
    }
}

impl Call<'_> {
    fn form(&self) -> Result<(Form, Value), Answer> {
        let body = self.ask.json().map_err(Answer::fail)?;
        let form =
            Form::read(&body, self.state.generation, self.state.hub()).map_err(Answer::fail)?;
        Ok((form, body))
    }

    /// What a body must satisfy before anything is looked up. `status_only` passes through here
    /// too, so a negative `remain_quota` is refused even there.
    fn check(&self, form: &Form) -> Result<(), Answer> {
        let one_api = self.state.generation == Generation::OneApi && !self.state.hub();
        if form.name.len() > self.state.generation.name_limit() {
            let text = Say::NameTooLong.text(self.lang);
            return Err(Answer::fail(if one_api {
                format!("参数错误：{text}")
            } else {
                text.to_owned()
            }));
        }
        if one_api && let Some(subnet) = form.subnet.as_deref().filter(|subnet| !subnet.is_empty())
        {
            check_subnet(subnet)?;
        }
        // April 2025 checks no quota at all (seen live: -1 and 10^15 are taken).
        if self.state.generation.masks() && !form.unlimited_quota {
            if form.remain_quota < 0 {
                return Err(self.refuse(200, Say::QuotaNegative));
            }
            let most = self.most_quota();
            if form.remain_quota > most {
                return Err(Answer::fail(match self.lang {
                    Lang::En => {
                        format!("Quota value exceeds valid range, maximum is {most}")
                    }
                    Lang::Zh => format!("额度值超出有效范围，最大值为 {most}"),
                }));
            }
        }
        Ok(())
    }

    /// A thousand million dollars; the JWT era clamps that to 32 bits (both seen live).
    fn most_quota(&self) -> i64 {
        let most = self
            .state
            .options
            .quota_per_unit
            .saturating_mul(1_000_000_000);
        if self.state.generation == Generation::Jwt {
            most.min(2_147_483_647)
        } else {
            most
        }
    }

    /// `auto_groups` belongs to group `auto`: not too many, none twice, each one that the user
    /// may select (controller/token.go setTokenAutoGroups; i18n/locales token.auto_groups_*).
    fn check_auto_groups(&self, user_id: i64, form: &Form) -> Result<(), Answer> {
        let wanted = match &form.auto_groups {
            Some(wanted) if form.group == "auto" => wanted,
            _ => return Ok(()),
        };
        let english = self.lang == Lang::En;
        let most = self.state.options.max_auto_groups;
        if wanted.len() > most {
            return Err(Answer::fail(if english {
                format!("A token can select at most {most} Auto groups")
            } else {
                format!("每个令牌最多可选择 {most} 个 Auto 分组")
            }));
        }
        for (at, name) in wanted.iter().enumerate() {
            if wanted[..at].contains(name) {
                return Err(Answer::fail(if english {
                    format!("Auto group {name} is duplicated")
                } else {
                    format!("Auto 分组 {name} 重复")
                }));
            }
            if !self.group_selectable(user_id, name) {
                return Err(Answer::fail(if english {
                    format!("Auto group {name} is unavailable or unauthorized")
                } else {
                    format!("Auto 分组 {name} 不可用或无权访问")
                }));
            }
        }
        Ok(())
    }

    pub(crate) fn key_create(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        if self.state.options.step_up != StepUp::Off {
            self.limit_by_address(Bucket::Critical)?;
        }
        self.stepped_up(who.id)?;
        let (form, body) = self.form()?;
        self.check(&form)?;
        let generation = self.state.generation;
        let owned = self
            .state
            .tokens
            .iter()
            .filter(|token| token.user_id == who.id)
            .count();
        let most = self.state.options.max_tokens;
        if generation.masks() && owned >= most {
            return Err(Answer::fail(format!("已达到最大令牌数量限制 ({most})")));
        }
        self.check_auto_groups(who.id, &form)?;
        if self.state.hub() {
            self.check_hub_key(who.id, &form.group, &form.backup_group, &form.setting)?;
        }
        // `key`, `status` and `used_quota` of the body are not read.
        let mut token = self.state.make_token(who.id, &form.name);
        fill(&mut token, &form, generation, self.state.options.fork);
        if let Some(name) = &self.state.options.extra_field {
            token.extra = body[name.as_str()].clone();
        }
        // A zero is left to the column's default, which is -1.
        if token.expired_time == 0 {
            token.expired_time = -1;
        }
        token.allow_ips.get_or_insert_default();
        token.subnet.get_or_insert_default();
        let row = shown(&token, &self.state.options, generation);
        let (id, key) = (token.id, token.key.clone());
        self.state.tokens.push(token);
        match self.state.options.fork {
            Some(Fork::OneHub) => return Ok(Answer::done()),
            Some(Fork::DoneHub) => return Ok(Answer::data(json!({"id": id, "key": key}))),
            Some(Fork::Veloera) | None => {}
        }
        Ok(match generation {
            // The only one of the four that shows what it made.
            Generation::OneApi => Answer::data(row),
            Generation::April2025 | Generation::Cookie | Generation::Jwt => Answer::done(),
        })
    }

    /// A full overwrite: what the body lacks becomes zero. `key`, `status`, `used_quota`,
    /// `created_time` and `user_id` of the body change nothing.
    pub(crate) fn key_write(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        let status_only = !self.ask.query("status_only").is_empty();
        let (form, body) = self.form()?;
        self.check(&form)?;
        if form.id == 0 {
            return Err(Answer::fail("id 或 userId 为空！"));
        }
        let now = self.state.now();
        let stored = self.own_token(who.id, form.id)?;
        // The check looks at the stored row, not at what the body would make of it.
        if form.status == 1 {
            let dated = stored.expired_time != -1 && stored.expired_time <= now;
            if stored.status == 3 && dated {
                return Err(self.refuse(200, Say::ExpiredCannotEnable));
            }
            if stored.status == 4 && stored.remain_quota <= 0 && !stored.unlimited_quota {
                return Err(self.refuse(200, Say::ExhaustedCannotEnable));
            }
        }
        if !status_only {
            self.check_auto_groups(who.id, &form)?;
            if self.state.hub() {
                self.check_hub_key(who.id, &form.group, &form.backup_group, &form.setting)?;
            }
        }
        let generation = self.state.generation;
        let extra_field = self.state.options.extra_field.clone();
        let fork = self.state.options.fork;
        let token = self
            .state
            .tokens
            .iter_mut()
            .find(|token| token.id == form.id)
            .expect("own_token found this id");
        if status_only {
            token.status = form.status;
        } else {
            fill(token, &form, generation, fork);
            token.name.clone_from(&form.name);
            if let Some(name) = extra_field {
                // A fork's own column goes the way of all others: absent is empty.
                token.extra = body[name.as_str()].clone();
            }
        }
        Ok(Answer::data(shown(token, &self.state.options, generation)))
    }

    pub(crate) fn key_delete(&mut self, id: &str) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        // Atoi's error is dropped here, so a word is id 0, which nobody owns.
        let id = number(id).unwrap_or(0);
        self.own_token(who.id, id)?;
        self.state.tokens.retain(|token| token.id != id);
        Ok(Answer::done())
    }

    /// `POST /api/token/batch`: foreign and unknown ids are skipped; no cap on their number.
    pub(crate) fn key_delete_many(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        let Some(ids) = self.ids() else {
            return Err(self.refuse(200, Say::InvalidParams));
        };
        let before = self.state.tokens.len();
        self.state
            .tokens
            .retain(|token| token.user_id != who.id || !ids.contains(&token.id));
        Ok(Answer::data(json!(before - self.state.tokens.len())))
    }
}

/// `auto_groups` of a body; `null` is an empty list (controller/token.go tokenAutoGroupsInput).
fn names(value: &Value) -> Result<Vec<String>, String> {
    let wrong = |got: &str, kind: &str| {
        format!("json: cannot unmarshal {got} into Go value of type {kind}")
    };
    let kind = |value: &Value| match value {
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => Ok(name.clone()),
                Value::Null => Ok(String::new()),
                Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    Err(wrong(kind(item), "string"))
                }
            })
            .collect(),
        Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Object(_) => {
            Err(wrong(kind(value), "[]string"))
        }
    }
}

fn fill(token: &mut Token, form: &Form, generation: Generation, fork: Option<Fork>) {
    token.expired_time = form.expired_time;
    // done-hub keeps the number of a key that becomes unlimited (42841b35 controller/token.go).
    if !(fork == Some(Fork::DoneHub) && form.unlimited_quota) {
        token.remain_quota = form.remain_quota;
    }
    token.unlimited_quota = form.unlimited_quota;
    if fork.is_some_and(Fork::is_hub) {
        token.group.clone_from(&form.group);
        token.backup_group.clone_from(&form.backup_group);
        token.setting.clone_from(&form.setting);
        return;
    }
    if generation == Generation::OneApi {
        // Other builds' field names are not read: an unrestricted key results (seen live).
        token.models.clone_from(&form.models);
        token.subnet.clone_from(&form.subnet);
        return;
    }
    token.model_limits_enabled = form.model_limits_enabled;
    token.model_limits.clone_from(&form.model_limits);
    token.allow_ips.clone_from(&form.allow_ips);
    token.group.clone_from(&form.group);
    let auto = form.group == "auto";
    if generation == Generation::Cookie {
        token.cross_group_retry = form.cross_group_retry;
    }
    if generation == Generation::Jwt {
        // Kept for group `auto` only; the cookie era stored it for any group (seen live).
        token.cross_group_retry = form.cross_group_retry && auto;
        if !auto {
            token.auto_groups = None;
        } else if let Some(groups) = &form.auto_groups {
            // An empty list is stored as nothing and shown as null (model/token.go SetAutoGroups).
            token.auto_groups = Some(groups.clone()).filter(|groups| !groups.is_empty());
        }
    }
}

/// songquanpeng/one-api common/network/ip.go IsValidSubnets: CIDRs, comma between them.
fn check_subnet(subnets: &str) -> Result<(), Answer> {
    for subnet in subnets.split(',') {
        let good = subnet.split_once('/').is_some_and(|(address, bits)| {
            let most = match address.parse() {
                Ok(std::net::IpAddr::V4(_)) => 32,
                Ok(std::net::IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            bits.parse::<u8>().is_ok_and(|bits| bits <= most)
        });
        if !good {
            return Err(Answer::fail(format!(
                "参数错误：无效的网段：failed to parse subnet: invalid CIDR address: {subnet}"
            )));
        }
    }
    Ok(())
}
