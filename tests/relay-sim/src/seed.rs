//! What a fresh site holds: three users and keys of every sort a person meets.

use crate::args::SiteArgs;
use crate::dice::Dice;
use crate::kind::{Fork, Generation, Kind};
use crate::limits::Limits;
use crate::state::{Options, Pricing, State, StepUp, Token, User, real_now};

/// Names as people give them; the long one has 60 characters, which fits no server's limit but
/// stood in old databases.
const NAMES: [&str; 14] = [
    "claude-code · laptop",
    "cursor",
    "公司服务器",
    "phone (Chatbox)",
    "ci-nightly",
    "备用密钥 2",
    "this-name-is-exactly-sixty-characters-long-and-still-counts!",
    "openwebui @ nas",
    "old tablet",
    "research batch",
    "test",
    "翻译插件",
    "shared with Mia",
    "zed editor",
];

/// The state of a site that has just been set up.
pub(crate) fn seeded(args: &SiteArgs, index: usize, origin: &str) -> State {
    let (generation, fork) = args.kind.build().unwrap_or((Generation::Jwt, None));
    let mut dice = Dice::new(args.seed.wrapping_mul(1_000_003).wrapping_add(index as u64));
    let secret = dice.bytes(32);
    let mut state = State {
        kind: args.kind,
        generation,
        origin: origin.to_owned(),
        base: format!("{origin}{}", args.path),
        options: options(args, generation, fork),
        users: Vec::new(),
        tokens: Vec::new(),
        next_token_id: 1,
        sessions: Vec::new(),
        issued: Vec::new(),
        flows: std::collections::HashMap::new(),
        spent: Vec::new(),
        limits: Limits::new(args.limits.clone(), fork),
        faults: Vec::new(),
        next_fault: 1,
        log: Vec::new(),
        next_entry: 0,
        dice,
        secret,
        clock_offset: 0,
        started: real_now(),
        proofs: std::collections::HashMap::new(),
        sub2api: crate::sub2api::Db::default(),
        managed: crate::managed::Db::default(),
        pages_served: 0,
    };
    if !args.bare {
        add_users(&mut state, args);
        match args.kind {
            Kind::Sub2Api => {
                crate::sub2api::seed(&mut state, 2, args.keys);
                crate::sub2api::seed(&mut state, 3, 3.min(args.keys));
            }
            Kind::AiHubMix | Kind::OpenRouter => {
                state.tokens.clear();
                if args.kind == Kind::OpenRouter {
                    let key = format!("sk-or-v1-{}", state.dice.hex(64));
                    let demo = state.users.iter_mut().find(|user| user.id == 2);
                    demo.into_iter().for_each(|user| {
                        user.access_token = Some(key.clone());
                    });
                }
            }
            Kind::Relay(_)
            | Kind::Fork(_)
            | Kind::Lookalike
            | Kind::Plain
            | Kind::HtmlEverything
            | Kind::Catcher => {
                add_keys(&mut state, 2, args.keys);
                add_keys(&mut state, 3, 3.min(args.keys));
            }
        }
    }
    state
}

fn options(args: &SiteArgs, generation: Generation, fork: Option<Fork>) -> Options {
    let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let usual = fork.map_or(generation.default_name(), Fork::default_name);
    Options {
        fork,
        redis: false,
        name: args.name.clone().unwrap_or_else(|| usual.to_owned()),
        unit: args.unit,
        custom_symbol: args.symbol.clone(),
        custom_rate: args.rate,
        quota_per_unit: args.per_unit,
        display_in_currency: true,
        display_token_stat: true,
        turnstile: false,
        password_login: true,
        check_in: false,
        secure_cookie: false,
        trusted_url: None,
        pricing: Pricing::Public,
        max_tokens: 1000,
        usable_groups: vec![pair("default", "默认分组"), pair("vip", "vip分组")],
        group_ratios: vec![
            ("default".to_owned(), 1.0),
            ("vip".to_owned(), 0.5),
            ("svip".to_owned(), 0.25),
        ],
        auto_groups: vec!["default".to_owned(), "vip".to_owned()],
        max_auto_groups: 5,
        served_groups: vec!["default".to_owned(), "vip".to_owned()],
        extra_field: None,
        step_up: StepUp::Off,
        models: ["claude-3-5-sonnet-20241022", "gpt-4o", "gpt-4o-mini"]
            .map(str::to_owned)
            .to_vec(),
        redemption_codes: vec![("0123456789abcdef0123456789abcdef".to_owned(), 1000, false)],
        compliance_confirmed: false,
    }
}

fn add_users(state: &mut State, args: &SiteArgs) {
    let rows = [
        (1, "root", "Root User".to_owned(), 100, 100_000_000),
        (2, args.user.as_str(), capital(&args.user), 1, 50_000_000),
        (3, "bob", "Bob".to_owned(), 1, 50_000_000),
    ];
    for (id, username, display_name, role, quota) in rows {
        let aff_code = state.dice.alphanumeric(4);
        let password = if id == 2 {
            args.password.clone()
        } else {
            format!("{username}-pass-123")
        };
        state.users.push(User {
            id,
            username: username.to_owned(),
            password,
            display_name,
            role,
            status: 1,
            group: "default".to_owned(),
            quota,
            used_quota: 0,
            request_count: 0,
            aff_code,
            access_token: None,
            auth_version: 1,
            second_factor: None,
            check_ins: Vec::new(),
        });
        // The demo user's token has every odd character, which a careless client mangles.
        let pat = loop {
            let pat = state.make_pat(id);
            let plain = state.generation == Generation::OneApi || id != 2;
            if plain || (pat.contains('+') && pat.contains('/') && pat.ends_with('=')) {
                break pat;
            }
        };
        let given = args.access_token.clone().filter(|_| id == 2);
        state
            .users
            .last_mut()
            .expect("pushed just now")
            .access_token = Some(given.unwrap_or(pat));
        if state.generation == Generation::OneApi && !state.hub() && id != 1 {
            // Every new user owns this key (songquanpeng/one-api model/user.go Insert).
            let mut token = state.make_token(id, "default");
            token.remain_quota = -1;
            token.unlimited_quota = true;
            state.tokens.push(token);
        }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// Adds `count` keys that differ as real ones do.
pub(crate) fn add_keys(state: &mut State, user_id: i64, count: usize) {
    for n in 0..count {
        let name = match NAMES.get(n) {
            Some(name) => (*name).to_owned(),
            None => format!("key-{:04}", n + 1),
        };
        let mut token = state.make_token(user_id, &name);
        let now = state.now();
        token.created_time = now - 86_400 * (count as i64 - n as i64) - 1;
        token.accessed_time = token.created_time;
        dress(&mut token, n, now, state.generation);
        if state.hub() {
            crate::hub::dress(&mut token, n);
        }
        state.tokens.push(token);
    }
}

fn dress(token: &mut Token, n: usize, now: i64, generation: Generation) {
    token.remain_quota = 2_500_000 + 12_345 * n as i64;
    match n % 14 {
        // Counted down from 0 by use: negative on an unlimited key.
        0 => {
            (token.unlimited_quota, token.remain_quota, token.used_quota) =
                (true, -225_000, 225_000)
        }
        1 => token.unlimited_quota = true,
        2 => token.group = "vip".to_owned(),
        3 => token.status = 2,
        // Past its date or spent, but not used since: the list still says 1.
        4 => token.expired_time = now - 86_400,
        5 => (token.remain_quota, token.used_quota) = (0, 500_000),
        6 => token.expired_time = now + 30 * 86_400,
        7 => {
            token.model_limits_enabled = true;
            token.model_limits = "gpt-4o,gpt-4o-mini".to_owned();
            token.models = Some(token.model_limits.clone());
        }
        8 => (token.status, token.expired_time) = (3, now - 40 * 86_400),
        9 => (token.status, token.remain_quota, token.used_quota) = (4, 0, 1_000_000),
        10 => token.group = "default".to_owned(),
        11 => {
            token.allow_ips = Some("127.0.0.1\n10.0.0.0/8".to_owned());
            token.subnet = Some("127.0.0.0/8,10.0.0.0/8".to_owned());
        }
        12 => token.group = "svip".to_owned(),
        _ => token.used_quota = 98_765,
    }
    if token.used_quota > 0 {
        token.accessed_time = now - 3_600 * (n as i64 + 1);
    }
    if generation == Generation::OneApi {
        // One API has no groups; a hub's come after this.
        token.group = String::new();
    }
}
