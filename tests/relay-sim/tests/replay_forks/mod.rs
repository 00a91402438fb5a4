//! The same for the forks, whose recorder kept less: what happened between its recordings, and
//! what is left out.

use serde_json::{Value, json};

use crate::{Recorded, Replay};

/// What one recorded server was set up with.
struct Setup {
    root: &'static str,
    alice: &'static str,
    groups: Value,
    ratios: Value,
    /// Keys made before the first page was listed: the first one's id and number, and how many.
    fillers: (i64, i64),
    /// The one that calls were made with whose key no recording shows: the log names it.
    unnamed: i64,
    /// What one call of the recorder's upstream cost.
    price: i64,
}

fn setup(kind: &str) -> Setup {
    match kind {
        "veloera" => Setup {
            root: "DUdMMu0mYK0m1yke0yE0du+YDUm1",
            alice: "d0uD0m2m0UyMM0YkeyKdEY2umD0mUM==",
            groups: json!({"default": "默认分组", "vip": "VIP分组"}),
            ratios: json!({"default": 1, "svip": 0.3, "vip": 0.5}),
            fillers: (2, 13),
            unnamed: 10,
            price: 3_875,
        },
        "onehub" => Setup {
            root: "0a0b1c00def10a01001bc001001d0e01",
            alice: "ab00cde2f0a02002000bc0d200e0f200",
            groups: json!({"default": "默认分组", "vip": "vip分组"}),
            ratios: json!({"default": 1, "secret": 0.1, "vip": 0.5}),
            fillers: (3, 12),
            unnamed: 9,
            price: 6_500,
        },
        _ => Setup {
            root: "00ab1c0010010d0ef10010010a010010",
            alice: "0000000000000000000000000000dead",
            groups: json!({"default": "默认分组", "vip": "vip分组"}),
            ratios: json!({"default": 1, "secret": 0.1, "vip": 0.5}),
            fillers: (3, 12),
            unnamed: 9,
            price: 6_500,
        },
    }
}

pub(crate) fn is_fork(kind: &str) -> bool {
    matches!(kind, "veloera" | "onehub" | "donehub")
}

/// Recordings whose body was cut down to what they show.
pub(crate) fn is_cut(recorded: &Recorded) -> bool {
    matches!(
        recorded.name.as_str(),
        "status-origin"
            | "status-checkin-off"
            | "turnstile-status"
            | "turnstile-self"
            | "turnstile-login"
            | "own-group-self"
            | "options-disabled-password-login"
            | "limit-other-ip"
            | "checkin-disabled-status"
    )
}

/// Why a recording is not compared.
pub(crate) fn skipped(replay: &Replay, recorded: &Recorded) -> Option<&'static str> {
    let kind = replay.kind;
    let name = recorded.name.as_str();
    let answered = recorded.whole["response"]["status"] == 200;
    if name.starts_with("admin-") && name != "admin-as-user" && name != "admin-list-as-user" {
        return Some("the operator's side is not simulated");
    }
    if name.starts_with("chat") && answered {
        return Some("the recorder's upstream answered otherwise; what it cost is taken off");
    }
    let given = recorded.whole["request"]["headers"]["Authorization"].as_str();
    let by_key = given.is_some_and(|given| given.starts_with("Bearer sk-"));
    let bad = name.contains("-bad") || name.ends_with("-short") || name.contains("token-usage");
    if by_key && !bad && called_with(replay, recorded).is_none() {
        return Some("a key that no recording names");
    }
    match name {
        "create-not-json" => Some("the decoder's own words"),
        "list-after-odd-creates" => Some("the recorder kept the odd ones only"),
        "prices" | "ownedby" | "model-info" | "claude-v1-models" | "gemini-models"
        | "claude-messages" | "messages" | "models" | "pricing" | "pricing-pat" => {
            Some("no client of ours asks that")
        }
        "log-self" | "log-token-auth" => Some("only consumption is logged here"),
        "limit-group-rate" | "v1-models-over-group-rate" | "dashboard-rate-redis" => {
            Some("needs Redis")
        }
        "redeem-wrong-redis" | "redeem-empty-redis" | "redeem-ok-redis" | "redeem-used-redis" => {
            Some("another server, with Redis")
        }
        "playground" | "list-after-playground" if kind == "onehub" || kind == "donehub" => {
            Some("what it makes is compared in its own test")
        }
        _ => None,
    }
}

fn control(replay: &Replay, word: &str, body: &Value) {
    replay.sim.control(word, body);
}

/// The id of the key a call was made with.
fn called_with(replay: &Replay, recorded: &Recorded) -> Option<i64> {
    let given = recorded.whole["request"]["headers"]["Authorization"].as_str()?;
    let key = given
        .trim_start_matches("Bearer ")
        .trim_start_matches("sk-");
    let state = replay.sim.read_control("state");
    let found = state["keys"]
        .as_array()?
        .iter()
        .find(|row| row["key"] == key);
    found?["id"].as_i64()
}

/// The steps.
pub(crate) fn before(replay: &mut Replay, recorded: &Recorded) {
    let kind = replay.kind;
    let set = setup(kind);
    let veloera = kind == "veloera";
    if recorded.number == 1 {
        for (id, name, password, shown, pat) in [
            (1, "root", "rootdummy00", "Root User", set.root),
            (2, "alice", "alicedummy00", "Alice", set.alice),
        ] {
            control(
                replay,
                "user",
                &json!({"create": true, "user": name, "id": id, "password": password, "display_name": shown, "role": if id == 1 { 100 } else { 1 }}),
            );
            control(replay, "pat", &json!({"user": name, "value": pat}));
        }
        control(
            replay,
            "options",
            &json!({"name": "Relay Example", "check_in": true, "usable_groups": set.groups,
                "group_names": {"secret": "内部分组"},
                "group_ratios": set.ratios, "models": ["gpt-4o", "gpt-4o-mini"]}),
        );
    }
    if !veloera {
        hub_limits(replay, recorded, &set);
    }
    match recorded.name.as_str() {
        "list-p0" if veloera => fillers(replay, &set),
        "list-p1" if !veloera => fillers(replay, &set),
        name if name.starts_with("chat") && recorded.whole["response"]["status"] == 200 => {
            let id = called_with(replay, recorded).unwrap_or(set.unnamed);
            control(
                replay,
                "spend",
                &json!({"id": id, "quota": set.price, "model": "gpt-4o"}),
            );
        }
        // Asking makes a hidden key; its own test asks.
        "playground" => control(
            replay,
            "keys",
            &json!({"user": "alice", "add": [{"name": "sys_playground", "unlimited_quota": true}]}),
        ),
        "own-group-map-cookie" => {
            // Of a login that was not recorded.
            let got = replay.sim.login("alice", "alicedummy00");
            let real = got
                .header("set-cookie")
                .and_then(|text| text.split(['=', ';']).nth(1));
            let dummy = recorded.whole["request"]["headers"]["Cookie"].as_str();
            let dummy = dummy
                .and_then(|text| text.split_once('='))
                .map(|(_, value)| value);
            if let (Some(dummy), Some(real)) = (dummy, real.map(str::to_owned)) {
                replay.swaps.insert(dummy.to_owned(), real);
            }
        }
        "v1-models-disabled" => status(replay, recorded, 2),
        // The recorder changed the key itself before these three, as the notes of two tell.
        "chat-modellimit-empty" if veloera => model_limits(replay, recorded, ""),
        "chat-modellimit-blank" if veloera => {
            model_limits(replay, recorded, "gpt-4o-mini, gpt-4o");
        }
        // Its status was 0 when it was last recorded, and a call with such a key is refused
        // [Veloera 8117f302 model/token.go ValidateUserToken].
        "billing-subscription-limited" if veloera => status(replay, recorded, 1),
        "own-group-self" => control(replay, "user", &json!({"user": "alice", "group": "secret"})),
        "turnstile-login" | "turnstile-status" => {
            control(replay, "options", &json!({"turnstile": true}));
        }
        "password-login-off" => {
            control(
                replay,
                "options",
                &json!({"turnstile": false, "password_login": false}),
            );
        }
        "logout" | "options-disabled-password-login" => {
            control(replay, "options", &json!({"password_login": true}));
        }
        "banned-pat" => control(replay, "user", &json!({"user": "alice", "status": 2})),
        "no-slash-get" => control(replay, "user", &json!({"user": "alice", "status": 1})),
        "checkin-disabled-status" => control(replay, "options", &json!({"check_in": false})),
        "redeem-wrong" if !veloera => {
            control(replay, "options", &json!({"redemption_codes": [["", 0]]}));
        }
        "redeem-ok" => {
            let code = recorded.whole["request"]["body"]["key"].clone();
            control(
                replay,
                "options",
                &json!({"redemption_codes": [[code, 50_000]]}),
            );
        }
        "limit-critical" => limit(replay, "ct", "203.0.113.9"),
        "limit-global-api" => {
            let ip = recorded.whole["request"]["headers"]["X-Forwarded-For"].as_str();
            limit(replay, "ga", ip.unwrap_or("203.0.113.9"));
        }
        "limit-web" => {
            let ip = recorded.whole["request"]["headers"]["X-Forwarded-For"].as_str();
            limit(replay, "gw", ip.unwrap_or("203.0.113.9"));
        }
        "limit-loopback" if kind == "onehub" => limit(replay, "ga", "127.0.0.1"),
        _ => {}
    }
}

/// Keys `k00`, `k01` … as the recorder made them: every other one unlimited.
fn fillers(replay: &Replay, set: &Setup) {
    let (first, count) = set.fillers;
    for n in 0..count {
        let id = first + n;
        let key = replay.key_of(id, id);
        control(
            replay,
            "keys",
            &json!({"user": "alice", "add": [{"id": id, "name": format!("k{n:02}"), "key": key,
                "remain_quota": n * 1_000, "unlimited_quota": n % 2 == 0}]}),
        );
    }
    control(replay, "keys", &json!({"next_id": first + count}));
}

fn status(replay: &Replay, recorded: &Recorded, status: i64) {
    if let Some(id) = called_with(replay, recorded) {
        control(
            replay,
            "keys",
            &json!({"update": [{"id": id, "status": status}]}),
        );
    }
}

/// The limits the recorder gave a hub's key before it called with it, as the notes tell.
fn hub_limits(replay: &Replay, recorded: &Recorded, set: &Setup) {
    let none: [&str; 0] = [];
    let addresses = |list: &[&str]| json!({"limits": {"limits_ip_setting": {"enabled": true, "whitelist": list}}});
    let models = |list: &[&str]| json!({"limits": {"limit_model_setting": {"enabled": true, "models": list}}});
    let setting = match recorded.name.as_str() {
        "chat-ip-empty-list" => addresses(&none),
        "chat-ip-blank" => addresses(&[" 127.0.0.1 "]),
        "chat-modellimit-empty" => models(&none),
        "chat-modellimit-blank" => models(&[" gpt-4o"]),
        _ => return,
    };
    let given = recorded.whole["request"]["headers"]["Authorization"].as_str();
    let key = given.and_then(|given| given.strip_prefix("Bearer sk-"));
    control(
        replay,
        "keys",
        &json!({"update": [{"id": set.unnamed, "key": key, "setting": setting}]}),
    );
}

fn model_limits(replay: &Replay, recorded: &Recorded, list: &str) {
    if let Some(id) = called_with(replay, recorded) {
        control(
            replay,
            "keys",
            &json!({"update": [
                {"id": id, "model_limits_enabled": true, "model_limits": list},
            ]}),
        );
    }
}

fn limit(replay: &Replay, bucket: &str, by: &str) {
    control(replay, "limits", &json!({"limits": "on"}));
    control(replay, "limit", &json!({"bucket": bucket, "by": by}));
}
