//! Listing and searching keys, with every generation's way of paging.

use serde_json::{Value, json};

use crate::account::number;
use crate::answer::Answer;
use crate::auth::USER;
use crate::fault::Quirk;
use crate::kind::Generation;
use crate::limits::Bucket;
use crate::site::Call;
use crate::state::Token;
use crate::view::shown;

impl Call<'_> {
    pub(crate) fn key_list(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        let mut rows: Vec<Token> = self
            .state
            .tokens
            .iter()
            .filter(|token| token.user_id == who.id)
            .cloned()
            .collect();
        rows.sort_by_key(|token| std::cmp::Reverse(token.id));
        if self.quirk == Some(Quirk::Shrinking) {
            // Rows vanish between two pages, so that the next page skips as many.
            let gone = self.state.pages_served.min(rows.len());
            rows.drain(..gone);
            self.state.pages_served += 1;
        }
        let generation = self.state.generation;
        if self.state.hub() {
            return self.hub_list(rows);
        }
        Ok(Answer::data(match generation {
            Generation::Cookie | Generation::Jwt => self.page_object(rows),
            Generation::April2025 => {
                // controller/token.go GetAllTokens of April 2025: 0-based, reads `size` only,
                // page numbers below 0 count as 0.
                let size = match integer(&self.ask.query("size")) {
                    size if size <= 0 => 10,
                    size => size.min(100),
                };
                let page = integer(&self.ask.query("p")).max(0);
                json!(self.slice(&rows, page * size, size))
            }
            Generation::OneApi => {
                // songquanpeng/one-api controller/token.go: ItemsPerPage is a constant 10.
                match self.ask.query("order").as_str() {
                    "remain_quota" => {
                        rows.sort_by_key(|token| {
                            let unlimited = std::cmp::Reverse(token.unlimited_quota);
                            (unlimited, std::cmp::Reverse(token.remain_quota), token.id)
                        });
                    }
                    "used_quota" => {
                        rows.sort_by_key(|token| (std::cmp::Reverse(token.used_quota), token.id));
                    }
                    _ => {}
                }
                let page = integer(&self.ask.query("p")).max(0);
                json!(self.slice(&rows, page * 10, 10))
            }
        }))
    }

    /// common/page_info.go: `page_size`, else `ps`, else `size`, else 10; above 100 is 100;
    /// page 0 is 1; negative numbers pass through to the database, where a negative limit or
    /// offset means none (seen live).
    pub(crate) fn page_query(&self) -> (i64, i64) {
        let size = ["page_size", "ps", "size"]
            .into_iter()
            .map(|name| integer(&self.ask.query(name)))
            .find(|size| *size != 0)
            .unwrap_or(10);
        let page = match integer(&self.ask.query("p")) {
            0 => 1,
            page => page,
        };
        (page, size.min(100))
    }

    fn page_object(&self, rows: Vec<Token>) -> Value {
        let (page, size) = self.page_query();
        let total = if self.quirk == Some(Quirk::Endless) {
            1
        } else {
            rows.len()
        };
        let limit = if size < 0 { i64::MAX } else { size };
        let items = self.slice(&rows, (page - 1).saturating_mul(size).max(0), limit);
        json!({"page": page, "page_size": size, "total": total, "items": items})
    }

    pub(crate) fn slice(&self, rows: &[Token], start: i64, count: i64) -> Vec<Value> {
        let (options, generation) = (&self.state.options, self.state.generation);
        let (start, count) = (start.max(0) as usize, count.max(0) as usize);
        let page = |from: usize| -> Vec<Value> {
            rows.iter()
                .skip(from)
                .take(count)
                .map(|row| shown(row, options, generation))
                .collect()
        };
        match self.quirk {
            None | Some(Quirk::Shrinking) => page(start),
            Some(Quirk::SamePage) => page(0),
            Some(Quirk::Duplicates) => {
                // Rows that moved down while the reader turned the page come twice.
                let mut items = page(start);
                let again: Vec<Value> = if start > 0 {
                    page(start.saturating_sub(2))
                } else {
                    items.clone()
                }
                .into_iter()
                .take(2)
                .collect();
                items.splice(0..0, again);
                items
            }
            Some(Quirk::Endless) => (start..start + count.min(100))
                .filter_map(|n| {
                    let mut row = shown(rows.get(n % rows.len().max(1))?, options, generation);
                    row["id"] = json!(1_000_000_000 - n as i64);
                    row["name"] = json!(format!("endless-{n}"));
                    Some(row)
                })
                .collect(),
        }
    }

    pub(crate) fn key_search(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        if self.state.generation.masks() {
            self.limit(Bucket::Search, &who.id.to_string())?;
        }
        let keyword = self.ask.query("keyword");
        let token = self.ask.query("token");
        let mut mine: Vec<Token> = self
            .state
            .tokens
            .iter()
            .filter(|row| row.user_id == who.id)
            .cloned()
            .collect();
        let generation = self.state.generation;
        match generation {
            // Name prefix, `token` unread, ascending, no pages (model/token.go SearchUserTokens).
            Generation::OneApi => {
                let pattern = format!("{keyword}%");
                mine.retain(|row| like(&row.name, &pattern, false));
                Ok(Answer::data(json!(self.shown_all(&mine))))
            }
            // Substrings of both; Go's Trim eats the letters s, k and - from both ends.
            Generation::April2025 => {
                let name = format!("%{keyword}%");
                let key = format!("%{}%", token.trim_matches(['s', 'k', '-']));
                mine.retain(|row| {
                    like(&row.name, &name, false)
                        && (token.is_empty() || like(&row.key, &key, false))
                });
                Ok(Answer::data(json!(self.shown_all(&mine))))
            }
            // Since 327cc5fa2 (2026-02-06): exact unless `%` is given.
            Generation::Cookie | Generation::Jwt => {
                let over = mine.len() >= self.state.options.max_tokens;
                let token = token.strip_prefix("sk-").unwrap_or(&token).to_owned();
                for text in [&keyword, &token] {
                    check_wildcards(text, over)?;
                }
                let fits =
                    |text: &str, pattern: &str| pattern.is_empty() || like(text, pattern, true);
                mine.retain(|row| fits(&row.name, &keyword) && fits(&row.key, &token));
                mine.sort_by_key(|row| std::cmp::Reverse(row.id));
                Ok(Answer::data(self.page_object(mine)))
            }
        }
    }

    pub(crate) fn key_read(&mut self, id: &str) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        let id = number(id)?;
        let token = self.own_token(who.id, id)?;
        let (options, generation) = (&self.state.options, self.state.generation);
        Ok(Answer::data(shown(token, options, generation)))
    }

    fn shown_all(&self, rows: &[Token]) -> Vec<Value> {
        let (options, generation) = (&self.state.options, self.state.generation);
        rows.iter()
            .map(|row| shown(row, options, generation))
            .collect()
    }

    pub(crate) fn own_token(&self, user_id: i64, id: i64) -> Result<&Token, Answer> {
        self.state
            .tokens
            .iter()
            .find(|token| token.id == id && token.user_id == user_id)
            .ok_or_else(|| Answer::fail("record not found"))
    }
}

/// model/token.go: at most two `%`, never two in a row, at least two other characters.
fn check_wildcards(text: &str, over: bool) -> Result<(), Answer> {
    let count = text.matches('%').count();
    if count == 0 {
        return Ok(());
    }
    if over {
        return Err(Answer::fail(
            "令牌数量超过上限，仅允许精确搜索，请勿使用 % 通配符",
        ));
    }
    if text.contains("%%") {
        return Err(Answer::fail("搜索模式中不允许包含连续的 % 通配符"));
    }
    if count > 2 {
        return Err(Answer::fail("搜索模式中最多允许包含 2 个 % 通配符"));
    }
    if text.chars().filter(|letter| *letter != '%').count() < 2 {
        return Err(Answer::fail("使用模糊搜索时，关键词长度至少为 2 个字符"));
    }
    Ok(())
}

/// SQL `LIKE` as SQLite does it: ASCII letters compare without case; `_` is a wildcard unless the
/// server escaped it.
fn like(text: &str, pattern: &str, underscore_is_literal: bool) -> bool {
    fn walk(text: &[char], pattern: &[char], literal: bool) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|from| walk(&text[from..], rest, literal)),
            Some((letter, rest)) => text.split_first().is_some_and(|(first, others)| {
                let same = first.eq_ignore_ascii_case(letter) || (*letter == '_' && !literal);
                same && walk(others, rest, literal)
            }),
        }
    }
    let letters = |text: &str| text.chars().collect::<Vec<char>>();
    walk(&letters(text), &letters(pattern), underscore_is_literal)
}

/// `strconv.Atoi` with its error dropped.
fn integer(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}
