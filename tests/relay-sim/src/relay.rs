//! What a key itself opens: authentication of the relay, and the model lists.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::hub::hub_error;
use crate::kind::Generation;
use crate::site::Call;
use crate::state::{Token, User};
use crate::text::Say;

/// A key that passed, and its owner.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) token: Token,
    pub(crate) user: User,
}

impl Call<'_> {
    /// An error in the relay's shape: the text ends in the request id; `code` exists on the
    /// masked eras only (middleware/utils.go abortWithOpenAiMessage; seen live).
    pub(crate) fn relay_error(&self, status: u16, code: &str, text: &str) -> Answer {
        let message = format!("{text} (request id: {})", self.request_id);
        if let Some(fork) = self.state.options.fork {
            // Both hubs call themselves by the first one's name (seen live).
            let kind = if fork.is_hub() {
                "one_hub_error"
            } else {
                "veloera_error"
            };
            return Answer::json(
                status,
                &json!({"error": hub_error(fork, status, kind, &message)}),
            );
        }
        let error = match self.state.generation {
            Generation::Cookie | Generation::Jwt => {
                json!({"message": message, "type": "new_api_error", "code": code})
            }
            Generation::April2025 => json!({"message": message, "type": "new_api_error"}),
            Generation::OneApi => json!({"message": message, "type": "one_api_error"}),
        };
        Answer::json(status, &json!({"error": error}))
    }

    /// The key of the request: `Bearer` first; `x-api-key` and Google's ways on the masked eras.
    fn given_key(&self) -> String {
        let mut key = self.ask.header("authorization").unwrap_or("").to_owned();
        if self.state.generation.masks() {
            if self.ask.header("anthropic-version").is_some()
                && let Some(other) = self.ask.header("x-api-key")
            {
                other.clone_into(&mut key);
            }
            if let Some(other) = self.ask.header("x-goog-api-key") {
                other.clone_into(&mut key);
            }
            let query = self.ask.query("key");
            if key.is_empty() && !query.is_empty() {
                key = query;
            }
        }
        key
    }

    /// middleware/auth.go TokenAuth with model/token.go ValidateUserToken.
    pub(crate) fn holder(&mut self) -> Result<Holder, Answer> {
        let given = self.given_key();
        let given = given.strip_prefix("Bearer ").unwrap_or(&given);
        // One `sk-` is dropped, case matters; the server then splits at `-`.
        let given = given.strip_prefix("sk-").unwrap_or(given).to_owned();
        let hub = self.state.hub();
        // A hub's keys may hold a dash; it splits at `#`.
        let mut parts = given.split(if hub { '#' } else { '-' });
        let key = parts.next().unwrap_or("").to_owned();
        let channel = parts.next().is_some();
        let token = self.usable_token(&key)?;
        let user = self
            .state
            .user(token.user_id)
            .cloned()
            .ok_or_else(|| self.bad_key())?;
        let masked = self.state.generation.masks();
        if hub {
            self.check_hub_addresses(&token)?;
        } else if self.state.generation == Generation::OneApi {
            self.check_subnets(&token)?;
        } else if masked {
            self.check_ips(&token)?;
        }
        if hub && user.status != 1 {
            return Err(self.bad_key());
        }
        if user.status != 1 {
            return Err(self.relay_error(403, "", Say::UserBanned.text(self.lang)));
        }
        let group = token.group.as_str();
        if masked && !self.group_usable(&user, group) {
            return Err(self.relay_error(403, "", &format!("无权访问 {group} 分组")));
        }
        if masked && !matches!(group, "" | "auto") && !self.group_has_ratio(group) {
            return Err(self.relay_error(403, "", &format!("分组 {group} 已被弃用")));
        }
        if channel && user.role < 10 {
            return Err(self.relay_error(403, "", "普通用户不支持指定渠道"));
        }
        Ok(Holder { token, user })
    }

    fn bad_key(&self) -> Answer {
        self.relay_error(401, "", Say::KeyInvalid.text(self.lang))
    }

    /// Looking a key up may change its stored status: this, and only this, writes 3 and 4.
    fn usable_token(&mut self, key: &str) -> Result<Token, Answer> {
        let generation = self.state.generation;
        let masked = generation.masks();
        let refuse = |call: &Self, text: &str| {
            // One text for everything since 59c582d13 (2026-04-12).
            if masked {
                call.bad_key()
            } else {
                call.relay_error(401, "", text)
            }
        };
        if key.is_empty() && self.state.hub() {
            return Err(self.bad_key());
        }
        if key.is_empty() {
            return Err(refuse(self, Say::KeyNotGiven.text(self.lang)));
        }
        let now = self.state.now();
        let at = self.state.tokens.iter().position(|token| token.key == key);
        let Some(at) = at else {
            return Err(self.bad_key());
        };
        let token = self.state.tokens[at].clone();
        let hint = format!(
            "sk-{}***{}",
            &key[..3.min(key.len())],
            &key[key.len() - 3.min(key.len())..]
        );
        let text = match token.status {
            1 => None,
            4 if self.state.hub() => Some("令牌额度已用尽".to_owned()),
            2 if self.state.hub() => Some("令牌状态不可用".to_owned()),
            3 => Some("该令牌已过期".to_owned()),
            4 if generation == Generation::OneApi => {
                Some(format!("令牌 {}（#{}）额度已用尽", token.name, token.id))
            }
            4 => Some(format!("该令牌额度已用尽 TokenStatusExhausted[{hint}]")),
            _ => Some("该令牌状态不可用".to_owned()),
        };
        if let Some(text) = text {
            return Err(refuse(self, &text));
        }
        if token.expired_time != -1 && token.expired_time < now {
            if !self.state.hub() {
                // A hub's status never turns to expired (seen live).
                self.state.tokens[at].status = 3;
            }
            let hub = self.state.hub();
            return Err(refuse(
                self,
                if hub {
                    "令牌已过期"
                } else {
                    "该令牌已过期"
                },
            ));
        }
        if !token.unlimited_quota && token.remain_quota <= 0 {
            self.state.tokens[at].status = 4;
            let text = if self.state.hub() {
                "令牌额度已用尽".to_owned()
            } else if generation == Generation::OneApi {
                "该令牌额度已用尽".to_owned()
            } else {
                format!(
                    "[{hint}] 该令牌额度已用尽 !token.UnlimitedQuota && token.RemainQuota = {}",
                    token.remain_quota
                )
            };
            return Err(refuse(self, &text));
        }
        Ok(token)
    }

    /// One address or CIDR a line; blanks and commas are deleted, not split on. A list without
    /// any usable line refuses everybody (model/token.go GetIpLimits; seen live).
    pub(crate) fn check_ips(&self, token: &Token) -> Result<(), Answer> {
        let lines: Vec<String> = token
            .allow_ips
            .as_deref()
            .unwrap_or("")
            .lines()
            .map(|line| line.replace([' ', ',', '\r'], ""))
            .filter(|line| !line.is_empty())
            .collect();
        if lines.is_empty() || lines.iter().any(|line| covers(line, &self.ask.ip)) {
            return Ok(());
        }
        Err(self.relay_error(403, "access_denied", "您的 IP 不在令牌允许访问的列表中"))
    }

    fn check_subnets(&self, token: &Token) -> Result<(), Answer> {
        let subnets = token.subnet.as_deref().unwrap_or("");
        if subnets.is_empty()
            || subnets
                .split(',')
                .any(|subnet| covers(subnet, &self.ask.ip))
        {
            return Ok(());
        }
        let text = format!(
            "该令牌只能在指定网段使用：{subnets}，当前 ip：{}",
            self.ask.ip
        );
        Err(self.relay_error(403, "", &text))
    }

    /// Whether some channel serves the key: in its own group, its owner's if it has none, or one
    /// that `auto` goes through for it.
    pub(crate) fn key_served(&self, token: &Token, user: &User) -> bool {
        match token.group.as_str() {
            // One API's keys have no group of their own.
            _ if self.state.generation == Generation::OneApi && !self.state.hub() => {
                self.serves(&user.group)
            }
            "" => self.serves(&user.group),
            "auto" => {
                let own = token.auto_groups.as_ref();
                own.unwrap_or(&self.state.options.auto_groups)
                    .iter()
                    .any(|group| self.serves(group))
            }
            group => self.serves(group),
        }
    }

    /// The models a key lists: the intersection with what is served on the masked eras, the raw
    /// limit list before and on One API, even names nobody serves (seen live).
    fn listed(&self, holder: &Holder) -> Vec<String> {
        let served = if self.key_served(&holder.token, &holder.user) {
            self.state.options.models.clone()
        } else {
            Vec::new()
        };
        let split = |list: &str| -> Vec<String> {
            list.split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        if let Some(fork) = self.state.options.fork.filter(|fork| fork.is_hub()) {
            return self.hub_listed(holder, served, fork);
        }
        match self.state.generation {
            Generation::OneApi => match holder.token.models.as_deref() {
                None | Some("") => one_api_order(served),
                Some(list) => split(list),
            },
            Generation::April2025 if holder.token.model_limits_enabled => {
                split(&holder.token.model_limits)
            }
            Generation::Cookie | Generation::Jwt if holder.token.model_limits_enabled => {
                let limits = split(&holder.token.model_limits);
                served
                    .into_iter()
                    .filter(|model| limits.contains(model))
                    .collect()
            }
            Generation::April2025 | Generation::Cookie | Generation::Jwt => served,
        }
    }

    /// `GET /v1/models` in the caller's dialect (controller/model.go ListModels).
    pub(crate) fn models(&mut self) -> Result<Answer, Answer> {
        let holder = self.holder()?;
        let models = self.listed(&holder);
        let generation = self.state.generation;
        if generation.masks() && self.ask.header("anthropic-version").is_some() {
            let rows: Vec<Value> = models
                .iter()
                .map(|model| {
                    json!({"id": model, "created_at": "2021-07-20T10:40:00Z", "display_name": model, "type": "model"})
                })
                .collect();
            return Ok(Answer::json(
                200,
                &json!({"data": rows, "first_id": models.first(), "has_more": false, "last_id": models.last()}),
            ));
        }
        let rows: Vec<Value> = models.iter().map(|model| self.model_row(model)).collect();
        Ok(Answer::json(
            200,
            &match generation {
                Generation::OneApi => json!({"object": "list", "data": rows}),
                Generation::April2025 => json!({"success": true, "data": rows}),
                Generation::Cookie | Generation::Jwt => {
                    json!({"success": true, "object": "list", "data": rows})
                }
            },
        ))
    }

    fn model_row(&self, model: &str) -> Value {
        if self.state.hub() {
            return json!({"id": model, "object": "model", "created": 1_677_649_963, "owned_by": "OpenAI"});
        }
        let known = self.state.options.models.iter().any(|each| each == model);
        let mut row =
            json!({"id": model, "object": "model", "created": 1_626_777_600, "owned_by": "openai"});
        if self.state.generation.masks() {
            row["supported_endpoint_types"] = json!(["openai"]);
            return row;
        }
        row["owned_by"] = json!(match (known, model.starts_with("claude")) {
            (false, _) => "custom",
            (true, false) => "openai",
            (true, true) if self.state.generation == Generation::OneApi => "anthropic",
            (true, true) => "vertex-ai",
        });
        row["permission"] = if known || self.state.generation == Generation::April2025 {
            json!([{
                "id": "modelperm-LwHkVFn8AcMItP432fKKDIKJ", "object": "model_permission",
                "created": 1_626_777_600, "allow_create_engine": true, "allow_sampling": true,
                "allow_logprobs": true, "allow_search_indices": false, "allow_view": true,
                "allow_fine_tuning": false, "organization": "*", "group": null,
                "is_blocking": false,
            }])
        } else {
            Value::Null
        };
        row["root"] = json!(model);
        row["parent"] = Value::Null;
        row
    }

    pub(crate) fn models_gemini(&mut self) -> Result<Answer, Answer> {
        let holder = self.holder()?;
        let rows: Vec<Value> = self
            .listed(&holder)
            .iter()
            .map(|model| {
                json!({
                    "name": model, "baseModelId": null, "version": null, "displayName": model,
                    "description": null, "inputTokenLimit": null, "outputTokenLimit": null,
                    "supportedGenerationMethods": null, "thinking": null, "temperature": null,
                    "maxTemperature": null, "topP": null, "topK": null,
                })
            })
            .collect();
        Ok(Answer::json(
            200,
            &json!({"models": rows, "nextPageToken": null}),
        ))
    }
}

/// One API walks its static table of all vendors, where a model stands once for every vendor
/// that has it: OpenAI's names come first, and a Claude name comes twice (seen live).
fn one_api_order(served: Vec<String>) -> Vec<String> {
    let (claude, mut models): (Vec<String>, Vec<String>) = served
        .into_iter()
        .partition(|model| model.starts_with("claude"));
    for model in claude {
        models.extend([model.clone(), model]);
    }
    models
}

/// Whether an address or CIDR line covers this client.
pub(crate) fn covers(line: &str, ip: &str) -> bool {
    let (Some(bits), Ok(ip)) = (address_bits(ip), ip.parse::<std::net::IpAddr>()) else {
        return false;
    };
    let width = if ip.is_ipv4() { 32 } else { 128 };
    match line.split_once('/') {
        None => line.parse() == Ok(ip),
        Some((net, length)) => {
            let same_family = net
                .parse::<std::net::IpAddr>()
                .is_ok_and(|net| net.is_ipv4() == ip.is_ipv4());
            match (address_bits(net), length.parse::<u32>()) {
                (Some(net), Ok(length)) if same_family && length <= width => {
                    length == 0 || (net ^ bits) >> (width - length) == 0
                }
                _ => false,
            }
        }
    }
}

fn address_bits(ip: &str) -> Option<u128> {
    Some(match ip.parse().ok()? {
        std::net::IpAddr::V4(ip) => u128::from(u32::from(ip)),
        std::net::IpAddr::V6(ip) => u128::from(ip),
    })
}
