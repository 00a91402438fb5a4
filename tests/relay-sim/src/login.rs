//! Signing in and out of all generations.

use serde_json::{Value, json};

use crate::answer::{Answer, NO_CACHE};
use crate::cookie;
use crate::kind::Generation;
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::User;
use crate::text::Say;

impl Call<'_> {
    /// `POST /api/user/login`: the critical limiter counts first, then Turnstile
    /// (router/api-router.go, controller/user.go Login).
    pub(crate) fn login(&mut self) -> Result<Answer, Answer> {
        self.limit_by_address(Bucket::Critical)?;
        let jwt = self.state.generation == Generation::Jwt;
        let answer = self.login_checked();
        Ok(if jwt { answer.no_cache() } else { answer })
    }

    fn login_checked(&mut self) -> Answer {
        // One API checks Turnstile on registration only.
        let turnstile = self.state.options.turnstile
            && self.state.generation != Generation::OneApi
            && self.ask.query("turnstile").is_empty();
        if turnstile {
            return Answer::fail("Turnstile token 为空");
        }
        if !self.state.options.password_login {
            return self.refuse(200, Say::PasswordLoginOff);
        }
        let (username, password) = match self.ask.json() {
            Ok(body) => (
                body["username"].as_str().unwrap_or("").to_owned(),
                body["password"].as_str().unwrap_or("").to_owned(),
            ),
            Err(_) => return self.refuse(200, Say::InvalidParams),
        };
        if username.is_empty() || password.is_empty() {
            return self.refuse(200, Say::InvalidParams);
        }
        let user = self
            .state
            .users
            .iter()
            .find(|user| user.username == username && user.password == password && user.status == 1)
            .cloned();
        let Some(user) = user else {
            return self.refuse(200, Say::WrongPassword);
        };
        if user.second_factor.is_some() && self.state.generation.masks() {
            return self.ask_second_factor(user.id);
        }
        self.signed_in(&user, "password")
    }

    fn ask_second_factor(&mut self, user_id: i64) -> Answer {
        let message = Say::TwoFactorNeeded.text(self.lang);
        if self.state.generation == Generation::Jwt {
            let flow = self.state.dice.alphanumeric(43);
            let expires_at = self.state.now() + 300;
            self.state.flows.insert(flow.clone(), user_id);
            let data = json!({"require_2fa": true, "flow_token": flow, "expires_at": expires_at});
            return Answer::json(
                200,
                &json!({"success": true, "message": message, "data": data}),
            );
        }
        let data = json!({"require_2fa": true});
        Answer::json(
            200,
            &json!({"success": true, "message": message, "data": data}),
        )
        .with("Set-Cookie", cookie::pending(self.state, user_id))
    }

    /// `POST /api/user/login/2fa` (controller/twofa.go Verify2FALogin).
    pub(crate) fn login_second_factor(&mut self) -> Result<Answer, Answer> {
        self.limit_by_address(Bucket::Critical)?;
        let body = self.ask.json().unwrap_or(Value::Null);
        let jwt = self.state.generation == Generation::Jwt;
        let waiting = if jwt {
            let flow = body["flow_token"].as_str().unwrap_or("");
            self.state.flows.get(flow).copied()
        } else {
            self.ask
                .cookie("session")
                .and_then(|value| cookie::read(self.state, value))
                .and_then(|ticket| ticket.pending)
        };
        let user = waiting.and_then(|id| self.state.user(id)).cloned();
        let answer = match user {
            Some(user) if user.second_factor.as_deref() == body["code"].as_str() => {
                self.state.flows.retain(|_, id| *id != user.id);
                self.signed_in(&user, "2fa")
            }
            Some(_) => Answer::fail("验证码或备用码不正确"),
            None => Answer::fail("会话已过期，请重新登录"),
        };
        Ok(if jwt { answer.no_cache() } else { answer })
    }

    fn signed_in(&mut self, user: &User, method: &'static str) -> Answer {
        match self.state.generation {
            Generation::Jwt => self
                .open_session(user.id, method)
                .unwrap_or_else(|refused| refused),
            Generation::Cookie => Answer::data(json!({
                "id": user.id, "username": user.username, "display_name": user.display_name,
                "role": user.role, "status": user.status, "group": user.group,
            }))
            .with("Set-Cookie", cookie::login(self.state, user)),
            // The whole row with empty secrets and no numbers
            // (controller/user.go setupLogin builds a User with six fields).
            Generation::April2025 | Generation::OneApi => {
                let mut row = self.user_row(user);
                for field in ["quota", "used_quota", "request_count"] {
                    row[field] = json!(0);
                }
                row["aff_code"] = json!("");
                if self.state.hub() {
                    self.hub_login_row(&mut row);
                } else if self.state.generation == Generation::April2025 {
                    row["access_token"] = Value::Null;
                } else {
                    row["group"] = json!("");
                }
                Answer::data(row).with("Set-Cookie", cookie::login(self.state, user))
            }
        }
    }

    /// `GET /api/user/logout`: no authentication, the cookie is overwritten.
    pub(crate) fn logout(&mut self) -> Answer {
        Answer::done().with("Set-Cookie", cookie::empty(self.state))
    }

    /// `GET /api/user/token`: a new access token replaces the old one. In the JWT era it is a
    /// critical route, limited per user too (1da23d6b3, 2026-08-07).
    pub(crate) fn access_token(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(crate::auth::USER)?;
        let jwt = self.state.generation == Generation::Jwt;
        if jwt {
            self.limit_by_address(Bucket::Critical)?;
            self.limit(Bucket::AccessToken, &who.id.to_string())?;
        }
        let pat = self.state.make_pat(who.id);
        let answer = Answer::data(json!(pat));
        Ok(if jwt {
            answer.with("Cache-Control", NO_CACHE)
        } else {
            answer
        })
    }
}
