//! What a person does with an account now and then: checking in, redeeming a code.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::auth::USER;
use crate::kind::{Fork, Generation};
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::civil;
use crate::text::Say;

impl Call<'_> {
    fn today(&self) -> String {
        let (year, month, day, ..) = civil(self.state.now());
        format!("{year:04}-{month:02}-{day:02}")
    }

    pub(crate) fn check_in_read(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        if !self.state.options.check_in {
            return Err(Answer::fail("签到功能未启用"));
        }
        let month = match self.ask.query("month") {
            month if month.is_empty() => self.today()[..7].to_owned(),
            month => month,
        };
        let records: Vec<Value> = user
            .check_ins
            .iter()
            .filter(|(date, _)| date.starts_with(&month))
            .map(|(date, quota)| json!({"checkin_date": date, "quota_awarded": quota}))
            .collect();
        let total: i64 = user.check_ins.iter().map(|(_, quota)| quota).sum();
        let today = self.today();
        Ok(Answer::json(
            200,
            &json!({"success": true, "data": {
                "enabled": true, "min_quota": 1000, "max_quota": 10000,
                "stats": {
                    "checked_in_today": user.check_ins.iter().any(|(date, _)| *date == today),
                    "checkin_count": records.len(), "records": records,
                    "total_checkins": user.check_ins.len(), "total_quota": total,
                },
            }}),
        ))
    }

    pub(crate) fn check_in(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        if !self.state.options.check_in {
            return Err(Answer::fail("签到功能未启用"));
        }
        let today = self.today();
        if user.check_ins.iter().any(|(date, _)| *date == today) {
            return Err(Answer::fail("今日已签到"));
        }
        let quota = 1000 + self.state.dice.below(9001) as i64;
        if let Some(user) = self.state.user_mut(user.id) {
            user.check_ins.push((today.clone(), quota));
            user.quota += quota;
        }
        let data = json!({"checkin_date": today, "quota_awarded": quota});
        Ok(Answer::json(
            200,
            &json!({"success": true, "message": "签到成功", "data": data}),
        ))
    }

    /// Veloera's own way: once a day, and not a word about the month
    /// (8117f302 controller/check_in.go).
    pub(crate) fn veloera_check_in_read(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        let today = self.today();
        let done = user.check_ins.iter().any(|(date, _)| *date == today);
        let can = self.state.options.check_in && !done;
        Ok(Answer::data(json!({"can_check_in": can})))
    }

    pub(crate) fn veloera_check_in(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        if !self.state.options.check_in {
            return Err(Answer::fail("签到功能未启用"));
        }
        let today = self.today();
        if user.check_ins.iter().any(|(date, _)| *date == today) {
            return Err(Answer::fail("你今天已经签到过了"));
        }
        let quota = 1000;
        if let Some(user) = self.state.user_mut(user.id) {
            user.check_ins.push((today, quota));
            user.quota += quota;
        }
        Ok(Answer::json(
            200,
            &json!({"success": true, "message": "签到成功", "data": {"quota": quota}}),
        ))
    }

    /// `POST /api/user/topup`: critical, and on the masked eras behind the compliance gate
    /// (QuantumNous/new-api 0526a2264, 2026-05-13).
    pub(crate) fn redeem(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        let masked = self.state.generation.masks();
        if self.state.generation != Generation::OneApi {
            self.limit_by_address(Bucket::Critical)?;
        }
        if masked && !self.state.options.compliance_confirmed {
            return Err(self.refuse(200, Say::ComplianceGate));
        }
        if self.state.is(Fork::Veloera) && !self.state.options.redis {
            let message = "Panic detected, error: runtime error: invalid memory address or nil pointer dereference. Please submit a issue here: https://github.com/Veloera/Veloera";
            let error = json!({"error": {"message": message, "type": "veloera_panic"}});
            return Err(Answer::json(500, &error));
        }
        let body = self.ask.json().map_err(Answer::fail)?;
        if self.state.options.fork.is_some() && body["key"] == "" {
            return Err(Answer::fail("未提供兑换码"));
        }
        let wanted = body["key"].as_str().unwrap_or("");
        let code = self
            .state
            .options
            .redemption_codes
            .iter_mut()
            .find(|(code, ..)| code == wanted);
        let (text, quota) = match code {
            Some((_, quota, used)) if !*used => {
                *used = true;
                (None, *quota)
            }
            Some(_) => (Some("兑换失败，该兑换码已被使用"), 0),
            None => (Some("兑换失败，无效的兑换码"), 0),
        };
        match text {
            Some(_) if masked => Err(self.refuse(200, Say::RedeemFailed)),
            Some(text) => Err(Answer::fail(text)),
            None => {
                if let Some(user) = self.state.user_mut(user.id) {
                    user.quota += quota;
                }
                Ok(Answer::data(if self.state.is(Fork::Veloera) {
                    json!({"quota": quota, "is_gift": false})
                } else {
                    json!(quota)
                }))
            }
        }
    }

    pub(crate) fn top_up_info(&mut self) -> Result<Answer, Answer> {
        self.auth(USER)?;
        Ok(Answer::data(json!({
            "amount_options": [10, 20, 50, 100, 200, 500], "creem_products": "[]", "discount": {},
            "enable_creem_topup": false, "enable_online_topup": false, "enable_redemption": self.state.options.compliance_confirmed,
            "enable_stripe_topup": false, "enable_waffo_pancake_topup": false,
            "enable_waffo_topup": false, "min_topup": 1, "pay_methods": [],
            "payment_compliance_confirmed": self.state.options.compliance_confirmed,
            "payment_compliance_terms_version": "v1", "stripe_min_topup": 1, "topup_link": "",
            "waffo_min_topup": 1, "waffo_pancake_min_topup": 1, "waffo_pay_methods": null,
        })))
    }
}
