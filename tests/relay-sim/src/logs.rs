//! The user's own log, as far as calls made here fill it.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::auth::USER;
use crate::kind::{Fork, Generation};
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::Spent;

impl Call<'_> {
    /// The lines of a log, newest first, as each build writes them.
    pub(crate) fn rows(&self, wanted: impl Fn(&Spent) -> bool) -> Vec<Value> {
        let generation = self.state.generation;
        self.state
            .spent
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, spent)| wanted(spent))
            .enumerate()
            .map(|(n, (at, spent))| {
                let owner = self.state.user(spent.user_id);
                let mut row = json!({
                    "user_id": spent.user_id, "created_at": spent.at, "type": 2, "content": "",
                    "username": owner.map(|user| &user.username), "token_name": spent.token_name,
                    "model_name": spent.model, "quota": spent.quota, "prompt_tokens": 1000,
                    "completion_tokens": 500, "channel": 1, "is_stream": false,
                });
                let more = match generation {
                    // The id is left out of the query, so it is always 0
                    // (songquanpeng/one-api model/log.go GetUserLogs).
                    Generation::OneApi => json!({
                        "id": 0, "request_id": spent.request_id, "elapsed_time": 2,
                        "system_prompt_reset": false,
                    }),
                    // The row's own id, folded (Calcium-Ion/new-api model/log.go formatUserLogs);
                    // the first rows are the gifts to each new user but root.
                    Generation::April2025 => json!({
                        "id": (at + self.state.users.len()) % 1024, "use_time": 0, "channel_name": "",
                        "token_id": spent.token_id, "group": spent.group, "other": "{}",
                    }),
                    // Counted anew for every answer (model/log.go assignDisplayLogIds).
                    Generation::Cookie | Generation::Jwt => json!({
                        "id": n + 1, "use_time": 0, "channel_name": "",
                        "token_id": spent.token_id, "group": spent.group, "ip": "",
                        "request_id": spent.request_id, "other": "{}",
                    }),
                };
                if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
                    row.extend(more);
                }
                row
            })
            .collect()
    }

    /// The filters of controller/log.go GetUserLogs; a word that is no number counts as 0. Only
    /// consumption is logged here. The masked eras read `%` in a model's name as a wildcard, April
    /// 2025 reads every name as a pattern; a whole name is all a client of ours gives.
    pub(crate) fn mine(&mut self) -> Result<impl Fn(&Spent) -> bool + use<>, Answer> {
        let who = self.auth(USER)?;
        let generation = self.state.generation;
        let word = |name: &str| Some(self.ask.query(name)).filter(|word| !word.is_empty());
        let number = |name: &str| -> i64 { self.ask.query(name).parse().unwrap_or(0) };
        let (name, model) = (word("token_name"), word("model_name"));
        let group = word("group").filter(|_| generation != Generation::OneApi);
        let request = word("request_id").filter(|_| generation.masks());
        // The hubs renamed it.
        let kind = number(if self.state.hub() { "log_type" } else { "type" });
        let (from, to) = (number("start_timestamp"), number("end_timestamp"));
        Ok(move |spent: &Spent| {
            let is = |wanted: &Option<String>, value: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == value)
            };
            spent.user_id == who.id
                && is(&name, &spent.token_name)
                && is(&model, &spent.model)
                && is(&group, &spent.group)
                && is(&request, &spent.request_id)
                && matches!(kind, 0 | 2)
                && (from == 0 || spent.at >= from)
                && (to == 0 || spent.at <= to)
        })
    }

    pub(crate) fn log_self(&mut self) -> Result<Answer, Answer> {
        if self.state.hub() {
            return self.hub_log();
        }
        let wanted = self.mine()?;
        let rows = self.rows(wanted);
        let number = |name: &str| -> i64 { self.ask.query(name).parse().unwrap_or(0) };
        Ok(Answer::data(match self.state.generation {
            // 0-based pages of ten, a bare list (songquanpeng/one-api controller/log.go).
            Generation::OneApi => {
                let page = number("p").max(0) as usize;
                json!(
                    rows.into_iter()
                        .skip(page * 10)
                        .take(10)
                        .collect::<Vec<_>>()
                )
            }
            // Logs were 1-based page objects before key lists were
            // (Calcium-Ion/new-api controller/log.go GetUserLogs).
            Generation::April2025 => {
                let page = number("p").max(1);
                let size = match number("page_size") {
                    ..0 => 10,
                    size => size.min(100),
                };
                let total = rows.len();
                let skip = ((page - 1) * size) as usize;
                let items: Vec<Value> = rows.into_iter().skip(skip).take(size as usize).collect();
                json!({"page": page, "page_size": size, "total": total, "items": items})
            }
            Generation::Cookie | Generation::Jwt => {
                let (page, size) = self.page_query();
                let total = rows.len();
                let items = rows.into_iter().skip(((page - 1) * size).max(0) as usize);
                let limit = usize::try_from(size).unwrap_or(usize::MAX);
                let items: Vec<Value> = items.take(limit).collect();
                json!({"page": page, "page_size": size, "total": total, "items": items})
            }
        }))
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
        if self.state.is(Fork::Veloera) {
            // Behind a login there (8117f302 router/api-router.go).
            self.auth(USER)?;
        }
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
