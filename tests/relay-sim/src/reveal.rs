//! Showing full keys: QuantumNous/new-api d67f446b6 (2026-03-08) and 12a48c620 (2026-04-06).

use serde_json::{Map, json};

use crate::account::number;
use crate::answer::Answer;
use crate::auth::USER;
use crate::kind::Generation;
use crate::limits::Bucket;
use crate::site::Call;
use crate::text::{Lang, Say};

/// The most ids one batch call takes (controller/token.go GetTokenKeysBatch).
const BATCH: usize = 100;

impl Call<'_> {
    /// Authentication runs before the limiter here, so refused callers cost nothing (seen live).
    pub(crate) fn key_reveal(&mut self, id: &str) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        self.limit_by_address(Bucket::Critical)?;
        self.stepped_up(who.id)?;
        let revealed = number(id).and_then(|id| {
            let token = self.own_token(who.id, id)?;
            Ok(Answer::data(json!({"key": token.key})))
        });
        Ok(revealed.unwrap_or_else(|refused| refused).no_cache())
    }

    pub(crate) fn key_reveal_many(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        self.limit_by_address(Bucket::Critical)?;
        self.stepped_up(who.id)?;
        let answer = match self.ids() {
            Some(ids) if ids.len() > BATCH => Answer::fail(match self.lang {
                Lang::En => format!("Too many items in batch request, maximum is {BATCH}"),
                Lang::Zh => format!("批量请求数量过多，最多 {BATCH} 项"),
            }),
            Some(ids) => {
                let keys: Map<_, _> = self
                    .state
                    .tokens
                    .iter()
                    .filter(|token| token.user_id == who.id && ids.contains(&token.id))
                    .map(|token| (token.id.to_string(), json!(token.key)))
                    .collect();
                Answer::data(json!({"keys": keys}))
            }
            None => self.refuse(200, Say::InvalidParams),
        };
        Ok(answer.no_cache())
    }

    /// `ids` of the body: a list of whole numbers that is not empty, else nothing.
    pub(crate) fn ids(&self) -> Option<Vec<i64>> {
        let body = self.ask.json().ok()?;
        let ids: Option<Vec<i64>> = body["ids"]
            .as_array()?
            .iter()
            .map(serde_json::Value::as_i64)
            .collect();
        ids.filter(|ids| !ids.is_empty())
    }

    /// `GET /api/token/auto-groups` (0ab020206, 2026-08-01).
    pub(crate) fn auto_groups(&mut self) -> Result<Answer, Answer> {
        debug_assert_eq!(self.state.generation, Generation::Jwt, "only routed there");
        let who = self.auth(USER)?;
        let mut groups: Vec<&String> = Vec::new();
        for name in &self.state.options.auto_groups {
            if !groups.contains(&name) && self.group_selectable(who.id, name) {
                groups.push(name);
            }
        }
        let most = self.state.options.max_auto_groups;
        Ok(Answer::data(json!({"groups": groups, "max_count": most})))
    }
}
