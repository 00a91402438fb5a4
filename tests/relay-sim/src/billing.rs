//! What a key can learn about its own money (controller/token.go GetTokenUsage, billing.go).

use serde_json::{Map, json};

use crate::account::whole;
use crate::answer::Answer;
use crate::kind::{Fork, Generation};
use crate::limits::Bucket;
use crate::relay::Holder;
use crate::site::Call;
use crate::state::{Token, Unit};
use crate::text::Say;

impl Call<'_> {
    /// `GET /api/usage/token/`: critical, and it works for expired and exhausted keys
    /// (5cf788f1b, 2026-02-06); disabled ones are refused (0d5995eb6, 2026-07-05).
    pub(crate) fn key_usage(&mut self) -> Result<Answer, Answer> {
        self.limit_by_address(Bucket::Critical)?;
        let token = self.reading_token()?;
        let limits: Map<_, _> = token
            .model_limits
            .split(',')
            .filter(|model| !model.is_empty())
            .map(|model| (model.to_owned(), json!(true)))
            .collect();
        let expires_at = if token.expired_time == -1 {
            0
        } else {
            token.expired_time
        };
        Ok(Answer::json(
            200,
            &json!({"code": true, "message": "ok", "data": {
                "object": "token_usage", "name": token.name,
                "total_granted": token.remain_quota + token.used_quota,
                "total_used": token.used_quota, "total_available": token.remain_quota,
                "unlimited_quota": token.unlimited_quota, "model_limits": limits,
                "model_limits_enabled": token.model_limits_enabled, "expires_at": expires_at,
            }}),
        ))
    }

    /// middleware/auth.go TokenAuthReadOnly.
    pub(crate) fn reading_token(&mut self) -> Result<Token, Answer> {
        let given = self.ask.header("authorization").unwrap_or("");
        if given.is_empty() {
            return Err(self.refuse(401, Say::KeyNotGiven));
        }
        let word = given
            .split_once(' ')
            .filter(|(word, _)| word.eq_ignore_ascii_case("bearer"));
        let Some((_, key)) = word else {
            return Err(self.refuse(401, Say::InvalidBearer));
        };
        let key = key.strip_prefix("sk-").unwrap_or(key);
        let token = self
            .state
            .tokens
            .iter()
            .find(|token| token.key == key)
            .cloned();
        let Some(token) = token else {
            return Err(self.refuse(401, Say::KeyInvalid));
        };
        if !matches!(token.status, 1 | 3 | 4) {
            return Err(self.refuse(401, Say::KeyStatusUnavailable));
        }
        if self
            .state
            .user(token.user_id)
            .is_none_or(|user| user.status != 1)
        {
            return Err(self.refuse(403, Say::UserBanned));
        }
        Ok(token)
    }

    /// A hub's key has numbers of its own only where it is limited, otherwise they are its owner's;
    /// only done-hub has a switch for that (387f8bf1, 42841b35 controller/billing.go).
    fn counts_alone(&self, holder: &Holder) -> bool {
        let told = self.state.options.display_token_stat || self.state.is(Fork::OneHub);
        told && !holder.token.unlimited_quota
    }

    pub(crate) fn subscription(&mut self) -> Result<Answer, Answer> {
        let holder = self.holder()?;
        let Holder { token, user } = &holder;
        let options = &self.state.options;
        // Key numbers only while DisplayTokenStatEnabled is on, else the account's; One API then
        // counts what is left only (seen live).
        let (quota, expires) = if self.state.hub() {
            if self.counts_alone(&holder) {
                (token.remain_quota + token.used_quota, token.expired_time)
            } else {
                (user.quota + user.used_quota, -1)
            }
        } else if options.display_token_stat {
            (token.remain_quota + token.used_quota, token.expired_time)
        } else if self.state.generation == Generation::OneApi {
            (user.quota, -1)
        } else {
            (user.quota + user.used_quota, -1)
        };
        let stat = options.display_token_stat && !self.state.hub();
        let amount = if stat && token.unlimited_quota {
            100_000_000.0
        } else {
            self.money(quota)
        };
        let amount = whole(amount);
        Ok(Answer::json(
            200,
            &json!({
                "object": "billing_subscription", "has_payment_method": true,
                "soft_limit_usd": amount, "hard_limit_usd": amount,
                "system_hard_limit_usd": amount, "access_until": expires.max(0),
            }),
        ))
    }

    pub(crate) fn billing_usage(&mut self) -> Result<Answer, Answer> {
        let holder = self.holder()?;
        let Holder { token, user } = &holder;
        let alone = if self.state.hub() {
            self.counts_alone(&holder)
        } else {
            self.state.options.display_token_stat
        };
        let used = if alone {
            token.used_quota
        } else {
            user.used_quota
        };
        let total = whole(self.money(used) * 100.0);
        Ok(Answer::json(
            200,
            &json!({"object": "list", "total_usage": total}),
        ))
    }

    /// Units in the station's money. CUSTOM stays plain USD here, the custom rate is not applied
    /// (seen live).
    fn money(&self, quota: i64) -> f64 {
        let options = &self.state.options;
        let quota = quota as f64;
        let usd = quota / options.quota_per_unit as f64;
        if !self.state.generation.masks() {
            return if options.display_in_currency {
                usd
            } else {
                quota
            };
        }
        match options.unit {
            _ if !options.display_in_currency => quota,
            Unit::Tokens => quota,
            Unit::Usd | Unit::Custom => usd,
            Unit::Cny => usd * 7.3,
        }
    }
}
