//! One relayed call, answered as the recording's tiny upstream did: 1000 tokens in, 500 out.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::kind::{Fork, Generation};
use crate::relay::Holder;
use crate::site::Call;
use crate::state::Token;

impl Call<'_> {
    pub(crate) fn chat(&mut self) -> Result<Answer, Answer> {
        let holder = self.holder()?;
        let body = self.ask.json().unwrap_or(Value::Null);
        let model = body["model"].as_str().unwrap_or("").to_owned();
        if self.state.hub() {
            self.check_hub_model(&holder, &model)?;
        } else {
            self.check_model(&holder.token, &model)?;
        }
        self.check_april_ips_and_group(&holder)?;
        let group = match holder.token.group.as_str() {
            "" => holder.user.group.clone(),
            group => group.to_owned(),
        };
        if !self.key_served(&holder.token, &holder.user)
            || !self.state.options.models.contains(&model)
        {
            let known = self.state.options.models.contains(&model);
            if self.state.is(Fork::DoneHub) && !known {
                let message = format!(
                    "The model `{model}` does not exist or you do not have access to it. (request id: {})",
                    self.request_id
                );
                let error = json!({"code": "model_not_found", "message": message, "type": "invalid_request_error"});
                return Err(Answer::json(404, &json!({"error": error})));
            }
            return Err(match self.state.generation {
                Generation::Cookie | Generation::Jwt => self.relay_error(
                    503,
                    "model_not_found",
                    &format!(
                        "No available channel for model {model} under group {group} (distributor)"
                    ),
                ),
                Generation::April2025 | Generation::OneApi => self.relay_error(
                    503,
                    "",
                    &format!("当前分组 {group} 下对于模型 {model} 无可用渠道"),
                ),
            });
        }
        let price = self.price(&model, &group);
        let short = !holder.token.unlimited_quota && holder.token.remain_quota < price / 6;
        // One API lets the call through and goes negative (seen live).
        if short && self.state.generation != Generation::OneApi {
            let left = holder.token.remain_quota as f64 / 500_000.0;
            let need = (price / 6) as f64 / 500_000.0;
            let message = format!(
                "token quota is not enough, token remain quota: ＄{left:.6}, need quota: ＄{need:.6} (request id: {})",
                self.request_id
            );
            return Err(Answer::json(
                403,
                &json!({"error": {"message": message, "type": "new_api_error", "param": "", "code": "pre_consume_token_quota_failed"}}),
            ));
        }
        self.state.spend(holder.token.id, price, &model);
        let answer = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": "ok"},
                "finish_reason": "stop",
            }],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
        });
        Ok(Answer::empty(200)
            .with("Content-Type", "application/json")
            .body(answer.to_string()))
    }

    /// Model limits are split at commas and nothing is trimmed.
    fn check_model(&self, token: &Token, model: &str) -> Result<(), Answer> {
        let listed = |list: &str| list.split(',').any(|each| each == model);
        match self.state.generation {
            Generation::OneApi => match token.models.as_deref() {
                Some(list) if !list.is_empty() && !listed(list) => {
                    Err(self.relay_error(403, "", &format!("该令牌无权使用模型：{model}")))
                }
                _ => Ok(()),
            },
            Generation::April2025 if token.model_limits_enabled && !listed(&token.model_limits) => {
                Err(self.relay_error(403, "", &format!("该令牌无权访问模型 {model}")))
            }
            Generation::Cookie | Generation::Jwt
                if token.model_limits_enabled && !listed(&token.model_limits) =>
            {
                let text = format!("This token has no access to model {model}");
                Err(self.relay_error(403, "", &text))
            }
            Generation::April2025 | Generation::Cookie | Generation::Jwt => Ok(()),
        }
    }

    /// April 2025 checks these here and not at `/v1/models`; only single addresses count, and a
    /// list without any is no limit (seen live).
    fn check_april_ips_and_group(&self, holder: &Holder) -> Result<(), Answer> {
        if self.state.generation != Generation::April2025 {
            return Ok(());
        }
        let group = &holder.token.group;
        if !self.group_usable(&holder.user, group) {
            return Err(self.relay_error(403, "", &format!("令牌分组 {group} 已被禁用")));
        }
        if !group.is_empty() && !self.group_has_ratio(group) {
            return Err(self.relay_error(403, "", &format!("分组 {group} 已被弃用")));
        }
        let mut single = Token::clone(&holder.token);
        single.allow_ips = single.allow_ips.map(|list| {
            list.lines()
                .map(|line| line.replace([' ', ',', '\r'], ""))
                .filter(|line| line.parse::<std::net::IpAddr>().is_ok())
                .collect::<Vec<_>>()
                .join("\n")
        });
        self.check_ips(&single)
    }

    /// (input + output × completion ratio) × model ratio × group ratio, rounded as the servers do.
    fn price(&self, model: &str, group: &str) -> i64 {
        let (ratio, completion) = match model {
            "gpt-4o" => (1.25, 4.0),
            "gpt-4o-mini" => (0.075, 4.0),
            _ => (1.5, 5.0),
        };
        let ratios = &self.state.options.group_ratios;
        let group = ratios
            .iter()
            .find(|(name, _)| name == group)
            .map_or(1.0, |(_, ratio)| *ratio);
        ((1000.0 + 500.0 * completion) * ratio * group + 0.5_f64).floor() as i64
    }
}
