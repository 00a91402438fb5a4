//! The account itself: who it is, what it may use, and the small daily things.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::auth::{ADMIN, USER, Who};
use crate::kind::{Fork, Generation};
use crate::site::Call;
use crate::state::{Pricing, User};
use crate::text::Say;

/// The sidebar settings a new user gets (controller/user.go generateDefaultSidebarConfig).
const SIDEBAR: &str = r#"{"chat":{"chat":true,"enabled":true,"playground":true},"console":{"detail":true,"enabled":true,"log":true,"midjourney":true,"task":true,"token":true},"personal":{"enabled":true,"personal":true,"topup":true}}"#;

impl Call<'_> {
    pub(crate) fn self_read(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        Ok(Answer::data(match self.state.generation {
            Generation::Cookie | Generation::Jwt => self.self_dto(&user),
            Generation::April2025 | Generation::OneApi => self.user_row(&user),
        }))
    }

    pub(crate) fn caller(&mut self, least_role: i64) -> Result<User, Answer> {
        let Who { id, .. } = self.auth(least_role)?;
        self.state
            .user(id)
            .cloned()
            .ok_or_else(|| Answer::fail("record not found"))
    }

    /// controller/user.go buildSelfUserData of the masked eras.
    pub(crate) fn self_dto(&self, user: &User) -> Value {
        let setting = json!({"gotify_priority": 0, "sidebar_modules": SIDEBAR}).to_string();
        let admin = user.role >= 10;
        let root = user.role >= 100;
        json!({
            "id": user.id, "username": user.username, "display_name": user.display_name,
            "role": user.role, "status": user.status, "email": "", "github_id": "",
            "discord_id": "", "oidc_id": "", "wechat_id": "", "telegram_id": "",
            "group": user.group, "quota": user.quota, "used_quota": user.used_quota,
            "request_count": user.request_count, "aff_code": user.aff_code, "aff_count": 0,
            "aff_quota": 0, "aff_history_quota": 0, "inviter_id": 0, "linux_do_id": "",
            "setting": setting, "stripe_customer": "", "sidebar_modules": SIDEBAR,
            "permissions": {
                "sidebar_settings": !admin, "sidebar_modules": {"admin": admin},
                "admin_permissions": {"channel": {
                    "operate": admin, "read": admin, "secret_view": root,
                    "sensitive_write": root, "write": admin,
                }},
            },
        })
    }

    /// The row as older builds dump it: April 2025 with the access token in it
    /// (Calcium-Ion/new-api controller/user.go GetSelf), One API with it blanked.
    pub(crate) fn user_row(&self, user: &User) -> Value {
        if let Some(fork) = self.state.options.fork.filter(|fork| fork.is_hub()) {
            return self.hub_user(user, fork);
        }
        let mut row = json!({
            "id": user.id, "username": user.username, "password": "",
            "display_name": user.display_name, "role": user.role, "status": user.status,
            "email": "", "github_id": "", "wechat_id": "", "oidc_id": "",
            "verification_code": "", "quota": user.quota, "used_quota": user.used_quota,
            "request_count": user.request_count, "group": user.group,
            "aff_code": user.aff_code, "inviter_id": 0,
        });
        let more = match self.state.generation {
            Generation::OneApi => json!({"lark_id": "", "access_token": ""}),
            Generation::April2025 => json!({
                "telegram_id": "", "access_token": user.access_token, "aff_count": 0,
                "aff_quota": 0, "aff_history_quota": 0, "DeletedAt": null, "linux_do_id": "",
                "setting": "",
            }),
            Generation::Cookie | Generation::Jwt => json!({
                "telegram_id": "", "discord_id": "", "original_password": "", "aff_count": 0,
                "aff_quota": 0, "aff_history_quota": 0, "DeletedAt": null, "linux_do_id": "",
                "setting": "", "stripe_customer": "", "created_at": self.state.started,
                "last_login_at": self.state.started,
            }),
        };
        if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
            row.extend(more);
        }
        if self.state.is(Fork::Veloera) {
            // A time once somebody checked in, with the server's zone.
            let last = user
                .check_ins
                .last()
                .map(|(date, _)| format!("{date}T00:00:00Z"));
            row["last_check_in_time"] = json!(last);
        }
        row
    }

    /// `PUT /api/user/self`: name and password. In the JWT era a new password ends every JWT and
    /// every other session; this session gets a fresh bundle and keeps its cookie (seen live).
    pub(crate) fn self_write(&mut self) -> Result<Answer, Answer> {
        let who = self.auth(USER)?;
        let Ok(body) = self.ask.json() else {
            return Err(self.refuse(200, Say::InvalidParams));
        };
        let word = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let jwt = self.state.generation == Generation::Jwt;
        let old_given = word("original_password").map(str::to_owned);
        let wrong = self.refuse(200, Say::OldPasswordWrong);
        let mut changed = false;
        if let Some(user) = self.state.user_mut(who.id) {
            if let Some(password) = word("password") {
                if old_given.is_some_and(|old| old != user.password) {
                    return Err(wrong);
                }
                user.password = password.to_owned();
                user.auth_version += i64::from(jwt);
                changed = true;
            }
            if let Some(name) = word("display_name") {
                user.display_name = name.to_owned();
            }
        }
        if !(jwt && changed) {
            return Ok(Answer::done());
        }
        for session in self
            .state
            .sessions
            .iter_mut()
            .filter(|each| each.user_id == who.id)
        {
            if Some(&session.sid) == who.sid.as_ref() {
                session.version += 1;
            } else {
                session.revoked = true;
            }
        }
        let session = self
            .state
            .sessions
            .iter()
            .find(|each| Some(&each.sid) == who.sid.as_ref())
            .cloned();
        Ok(match session {
            Some(session) => Answer::data(self.bundle_data(&session)).no_cache(),
            None => Answer::done().no_cache(),
        })
    }

    pub(crate) fn self_groups(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        Ok(Answer::data(self.groups(Some(&user.group))))
    }

    pub(crate) fn public_groups(&self) -> Answer {
        Answer::data(self.groups(None))
    }

    /// controller/group.go GetUserGroups: groups that are usable and have a ratio; the user's own
    /// one is usable with a fixed text, and the ratio of `auto` is a word.
    fn groups(&self, own: Option<&str>) -> Value {
        let options = &self.state.options;
        let mut all = Map::new();
        for (name, ratio) in &options.group_ratios {
            let usable = options.usable_groups.iter().find(|(each, _)| each == name);
            let desc = match usable {
                Some((_, desc)) => desc.as_str(),
                None if own == Some(name) => "用户分组",
                None => continue,
            };
            all.insert(name.clone(), json!({"desc": desc, "ratio": whole(*ratio)}));
        }
        // April 2025 knows no such group.
        let auto = options
            .usable_groups
            .iter()
            .find(|(name, _)| name == "auto");
        if let Some((name, desc)) = auto.filter(|_| self.state.generation.masks()) {
            all.insert(name.clone(), json!({"desc": desc, "ratio": "自动"}));
        }
        Value::Object(all)
    }

    /// Whether a key of this user may carry this group.
    pub(crate) fn group_usable(&self, user: &User, group: &str) -> bool {
        group.is_empty()
            || group == user.group
            || self
                .state
                .options
                .usable_groups
                .iter()
                .any(|(name, _)| name == group)
    }

    /// Whether a key of group `auto` may name it: usable, with a ratio, and not `auto` itself
    /// (service/group.go IsUserSelectableGroup).
    pub(crate) fn group_selectable(&self, user_id: i64, group: &str) -> bool {
        !matches!(group, "" | "auto")
            && self.group_has_ratio(group)
            && self
                .state
                .user(user_id)
                .is_some_and(|user| self.group_usable(user, group))
    }

    /// A group without a ratio is one the operator has given up.
    pub(crate) fn group_has_ratio(&self, group: &str) -> bool {
        let ratios = &self.state.options.group_ratios;
        ratios.iter().any(|(name, _)| name == group)
    }

    /// `/api/user/models`, on One API `/api/user/available_models`. April 2025 and One API read
    /// no `group`; `auto` gives models only in the JWT era and only if usable (seen live).
    pub(crate) fn user_models(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        let group = self.ask.query("group");
        let of = |groups: &[&str]| {
            if groups.iter().any(|group| self.serves(group)) {
                self.state.options.models.clone()
            } else {
                Vec::new()
            }
        };
        let options = &self.state.options;
        let usable = || {
            let names = options.usable_groups.iter().map(|(name, _)| name.as_str());
            names.chain([user.group.as_str()]).collect::<Vec<_>>()
        };
        let selectable = || {
            let names = options.auto_groups.iter().map(String::as_str);
            names
                .filter(|name| self.group_selectable(user.id, name))
                .collect::<Vec<_>>()
        };
        let models = match (self.state.generation, group.as_str()) {
            (Generation::OneApi, _) => of(&[&user.group]),
            (Generation::April2025, _) | (_, "") => of(&usable()),
            (Generation::Jwt, "auto") if usable().contains(&"auto") => of(&selectable()),
            (Generation::Cookie | Generation::Jwt, "auto") => Vec::new(),
            (Generation::Cookie | Generation::Jwt, group) if usable().contains(&group) => {
                of(&[group])
            }
            (Generation::Cookie | Generation::Jwt, _) => Vec::new(),
        };
        Ok(Answer::data(json!(models)))
    }

    /// Whether some channel serves the group.
    pub(crate) fn serves(&self, group: &str) -> bool {
        let served = &self.state.options.served_groups;
        served.iter().any(|name| name == group)
    }

    /// `/api/models`: a static table of the server, no message on New API.
    pub(crate) fn catalogue(&mut self) -> Result<Answer, Answer> {
        self.auth(USER)?;
        let data = json!({
            "1": ["gpt-3.5-turbo", "gpt-4", "gpt-4o", "gpt-4o-mini"], "11": ["PaLM-2"],
            "14": ["claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"],
        });
        Ok(match self.state.generation {
            Generation::OneApi => Answer::data(data),
            Generation::April2025 | Generation::Cookie | Generation::Jwt => {
                Answer::json(200, &json!({"success": true, "data": data}))
            }
        })
    }

    /// `/api/pricing` (controller/pricing.go, middleware/header_nav.go).
    pub(crate) fn prices(&mut self) -> Result<Answer, Answer> {
        let jwt = self.state.generation == Generation::Jwt;
        // The JWT era tries any credential here and marks the answer when it passed (seen live).
        let given = self.ask.header("authorization").is_some();
        match self.state.options.pricing {
            Pricing::Off => return Err(Answer::fail_with(403, "pricing is disabled")),
            Pricing::Login => drop(self.auth(USER)?),
            Pricing::Public if jwt && given => drop(self.auth(USER)),
            Pricing::Public => {}
        }
        let usable: Map<String, Value> = self
            .state
            .options
            .usable_groups
            .iter()
            .map(|(name, desc)| (name.clone(), json!(desc)))
            .collect();
        let ratios: Map<String, Value> = self
            .state
            .options
            .group_ratios
            .iter()
            .filter(|(name, _)| usable.contains_key(name))
            .map(|(name, ratio)| (name.clone(), whole(*ratio)))
            .collect();
        let masked = self.state.generation.masks();
        let rows: Vec<Value> = self
            .state
            .options
            .models
            .iter()
            .map(|model| price_row(model, masked))
            .collect();
        let mut body = json!({
            "success": true, "data": rows, "group_ratio": ratios, "usable_group": usable,
        });
        if masked {
            body["vendors"] = json!([
                {"id": 1, "name": "OpenAI", "icon": "OpenAI"},
                {"id": 2, "name": "Anthropic", "icon": "Claude.Color"},
            ]);
            body["supported_endpoint"] =
                json!({"openai": {"path": "/v1/chat/completions", "method": "POST"}});
            body["auto_groups"] = json!(self.state.options.auto_groups);
            body["pricing_version"] = json!("a42d372ccf0b5dd13ecf71203521f9d2");
        } else {
            // A stray empty name (Calcium-Ion/new-api controller/pricing.go; seen live).
            body["usable_group"][""] = json!("用户分组");
        }
        Ok(Answer::json(200, &body))
    }

    pub(crate) fn invite_code(&mut self) -> Result<Answer, Answer> {
        let user = self.caller(USER)?;
        Ok(Answer::data(json!(user.aff_code)))
    }

    /// `GET /api/user/`: for operators. April 2025 and One API show every access token here.
    pub(crate) fn admin_users(&mut self) -> Result<Answer, Answer> {
        self.auth(ADMIN)?;
        let mut rows: Vec<Value> = self
            .state
            .users
            .iter()
            .rev()
            .map(|user| self.user_row(user))
            .collect();
        if !self.state.generation.masks() {
            for (row, user) in rows.iter_mut().zip(self.state.users.iter().rev()) {
                row["access_token"] = json!(user.access_token);
            }
        }
        let total = rows.len();
        Ok(Answer::data(match self.state.generation {
            Generation::OneApi => json!(rows),
            Generation::April2025 | Generation::Cookie | Generation::Jwt => {
                json!({"page": 1, "page_size": 10, "total": total, "items": rows})
            }
        }))
    }

    /// `/api/user/:id` catches every word a build has no route for: a user is refused for his
    /// role, an operator learns that the word is no number (seen live).
    pub(crate) fn admin_user(&mut self, id: &str) -> Result<Answer, Answer> {
        self.auth(ADMIN)?;
        let id = number(id)?;
        match self.state.user(id) {
            Some(user) => Ok(Answer::data(self.user_row(user))),
            None => Err(Answer::fail("record not found")),
        }
    }

    pub(crate) fn admin_groups(&mut self) -> Result<Answer, Answer> {
        self.auth(ADMIN)?;
        let names: Vec<&String> = self
            .state
            .options
            .group_ratios
            .iter()
            .map(|(name, _)| name)
            .collect();
        Ok(Answer::data(json!(names)))
    }
}

/// What Go's `strconv.Atoi` makes of a path segment, its error text included.
pub(crate) fn number(word: &str) -> Result<i64, Answer> {
    word.parse()
        .map_err(|_| Answer::fail(format!("strconv.Atoi: parsing \"{word}\": invalid syntax")))
}

/// A number as Go prints it: without a fraction when it has none.
pub(crate) fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        json!(number as i64)
    } else {
        json!(number)
    }
}

fn price_row(model: &str, masked: bool) -> Value {
    let claude = model.starts_with("claude");
    let (ratio, completion) = match model {
        "gpt-4o" => (json!(1.25), 4),
        "gpt-4o-mini" => (json!(0.075), 4),
        _ => (json!(1.5), 5),
    };
    let mut row = json!({
        "model_name": model, "quota_type": 0, "model_ratio": ratio, "model_price": 0,
        "owner_by": "", "completion_ratio": completion, "enable_groups": ["default", "vip"],
    });
    if masked {
        row["vendor_id"] = json!(if claude { 2 } else { 1 });
        row["supported_endpoint_types"] = json!(["openai"]);
        row["cache_ratio"] = json!(if claude { 0.1 } else { 0.5 });
        if claude {
            row["create_cache_ratio"] = json!(1.25);
            // Only the first row has it (model/pricing.go; seen live).
            row["pricing_version"] = json!("a42d372ccf0b5dd13ecf71203521f9d2");
        }
    }
    row
}
