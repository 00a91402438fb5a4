//! The user's own log, as far as calls made here fill it.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::auth::USER;
use crate::kind::Generation;
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::Spent;

impl Call<'_> {
    fn rows(&self, wanted: impl Fn(&Spent) -> bool) -> Vec<Value> {
        let newest = self.state.spent.iter().rev().filter(|spent| wanted(spent));
        let one_api = self.state.generation == Generation::OneApi;
        newest
            .enumerate()
            .map(|(n, spent)| {
                let name = self
                    .state
                    .user(spent.user_id)
                    .map(|user| user.username.clone());
                json!({
                    "id": if one_api { 0 } else { n + 1 }, "user_id": spent.user_id,
                    "created_at": spent.at, "type": 2, "content": "", "username": name,
                    "token_name": spent.token_name, "model_name": spent.model,
                    "quota": spent.quota, "prompt_tokens": 1000, "completion_tokens": 500,
                    "use_time": 0, "is_stream": false, "channel": 1, "channel_name": "",
                    "token_id": spent.token_id, "group": spent.group, "ip": "",
                    "request_id": spent.request_id, "other": "{}",
                })
            })
            .collect()
    }

    /// The filters every build knows; other types of log lines are not written here.
    fn mine(&mut self) -> Result<impl Fn(&Spent) -> bool + use<>, Answer> {
        let who = self.auth(USER)?;
        let name = self.ask.query("token_name");
        let kind = self.ask.query("type");
        let from: i64 = self.ask.query("start_timestamp").parse().unwrap_or(0);
        let to: i64 = self.ask.query("end_timestamp").parse().unwrap_or(0);
        Ok(move |spent: &Spent| {
            spent.user_id == who.id
                && (name.is_empty() || spent.token_name == name)
                && matches!(kind.as_str(), "" | "0" | "2")
                && spent.at >= from
                && (to == 0 || spent.at <= to)
        })
    }

    pub(crate) fn log_self(&mut self) -> Result<Answer, Answer> {
        let wanted = self.mine()?;
        let rows = self.rows(wanted);
        let number = |name: &str| self.ask.query(name).parse::<usize>().unwrap_or(0);
        if self.state.generation == Generation::OneApi {
            let page: Vec<Value> = rows.into_iter().skip(number("p") * 10).take(10).collect();
            return Ok(Answer::data(json!(page)));
        }
        let size = match number("page_size") {
            0 => 10,
            size => size.min(100),
        };
        let page = number("p").max(1);
        let total = rows.len();
        let items: Vec<Value> = rows
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .collect();
        Ok(Answer::data(
            json!({"page": page, "page_size": size, "total": total, "items": items}),
        ))
    }

    pub(crate) fn log_stat(&mut self) -> Result<Answer, Answer> {
        let wanted = self.mine()?;
        let now = self.state.now();
        let quota: i64 = self
            .state
            .spent
            .iter()
            .filter(|spent| wanted(spent))
            .map(|spent| spent.quota)
            .sum();
        let recent = self
            .state
            .spent
            .iter()
            .filter(|spent| wanted(spent) && now - spent.at < 60)
            .count();
        Ok(Answer::data(match self.state.generation {
            Generation::OneApi => json!({"quota": quota}),
            Generation::April2025 | Generation::Cookie | Generation::Jwt => {
                json!({"quota": quota, "rpm": recent, "tpm": recent * 1500})
            }
        }))
    }

    pub(crate) fn log_search(&mut self) -> Result<Answer, Answer> {
        self.auth(USER)?;
        Ok(match self.state.generation {
            Generation::Cookie | Generation::Jwt => Answer::fail("该接口已废弃"),
            Generation::April2025 | Generation::OneApi => Answer::data(json!([])),
        })
    }

    /// Hourly rows appear only after the server flushed its counters; here never.
    pub(crate) fn data_self(&mut self) -> Result<Answer, Answer> {
        self.auth(USER)?;
        let number = |name: &str| self.ask.query(name).parse::<i64>().unwrap_or(0);
        if number("end_timestamp") - number("start_timestamp") > 2_592_000 {
            return Err(Answer::fail("时间跨度不能超过 1 个月"));
        }
        Ok(Answer::data(json!([])))
    }

    /// `GET /api/log/token`: by key; critical on the masked eras, `?key=` in April 2025.
    pub(crate) fn key_log(&mut self) -> Result<Answer, Answer> {
        let id = if self.state.generation.masks() {
            self.limit_by_address(Bucket::Critical)?;
            self.reading_token()?.id
        } else {
            let key = self.ask.query("key");
            let key = key.strip_prefix("sk-").unwrap_or(&key).to_owned();
            self.state
                .tokens
                .iter()
                .find(|token| token.key == key)
                .map_or(0, |token| token.id)
        };
        let rows = self.rows(|spent| spent.token_id == id);
        Ok(Answer::data(json!(rows)))
    }
}
