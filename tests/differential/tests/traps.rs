//! Traps seen on the real servers that a random history meets too seldom, each by itself.

use std::ops::ControlFlow;

use relaykeep_core::http::Method;
use relaykeep_core::site::{
    Change, Changed, RemoteKey, SiteError, change_key, create_keys, rest_of, values_of,
};
use relaykeep_differential::{Line, Moment, Row, Rules, World, row_text, run};
use relaykeep_protocol::{
    Expiry, KeyEnd, KeyField, KeyPatch, KeyValues, Making, ModelLimit, Quota, RemoteId, SiteTrouble,
};
use serde_json::{Value, json};

const SPENT: i64 = 400;

/// A world, and a limited, enabled key in it.
fn world_with_key(rules: Rules, columns: &Value) -> (World, i64) {
    let world = World::start(rules.kind(), 3, 11);
    let id = *world.rows().keys().next_back().expect("keys");
    let mut plain = json!({"id": id, "status": 1, "unlimited_quota": false, "remain_quota": 9_000,
        "used_quota": 50, "expired_time": -1, "name": "the key"});
    for (column, value) in columns.as_object().expect("columns") {
        plain[column] = value.clone();
    }
    world.control("keys", &json!({"update": [plain]}));
    world.writes();
    (world, id)
}

fn change(world: &World, id: i64, patch: &KeyPatch) -> Result<Changed, SiteError> {
    let go = async |_, _: &RemoteKey| ControlFlow::Continue(());
    let id = RemoteId(id.to_string());
    run(change_key(
        &world.visit(),
        &id,
        patch,
        Change::default(),
        go,
    ))
    .expect("nobody dies")
}

fn renamed() -> KeyPatch {
    KeyPatch {
        name: Some("another name".to_owned()),
        ..KeyPatch::default()
    }
}

fn making(values: KeyValues) -> Making {
    Making {
        values,
        called: String::new(),
        sent: false,
        id: None,
        once: String::new(),
        rest: String::new(),
        read: false,
    }
}

fn create(world: &World, making: &mut [Making]) -> Result<Vec<KeyEnd>, SiteError> {
    let save = async |_: &[Making]| ControlFlow::Continue(());
    let draw = || "rk-drawn".to_owned();
    let created = run(create_keys(
        &world.visit(),
        making,
        draw,
        save,
        relaykeep_differential::shown_to_nobody,
    ))
    .expect("nobody dies");
    created.map(|created| created.ends)
}

/// The key spends right before, or right after, the request that writes.
fn spends_at_the_write(world: &World, id: i64, when: Moment) {
    let host = world.control_host();
    let path = world.control_call("spend");
    let mut line = Line::new(&host);
    world.port.watch(move |moment, _, request| {
        if moment == when && request.method == Method::Put {
            let body = json!({"id": id, "quota": SPENT}).to_string();
            line.exchange("POST", &path, &[], &body)
                .expect("the control API answers");
        }
        None
    });
}

#[test]
fn what_is_spent_during_an_edit_is_told_or_counted() {
    for rules in Rules::ALL {
        // After the write: what is left is less by what was spent, and nobody did anything wrong.
        let (world, id) = world_with_key(rules, &json!({}));
        spends_at_the_write(&world, id, Moment::After);
        let changed = change(&world, id, &renamed()).expect("an answer");
        assert_eq!(changed.end, KeyEnd::Done, "{rules:?}");
        assert_eq!(
            world.rows()[&id]["remain_quota"],
            9_000 - SPENT,
            "{rules:?}"
        );

        // Between reading and writing: the write gives it back, and no server prevents that. It
        // must not pass for done.
        let (world, id) = world_with_key(rules, &json!({}));
        spends_at_the_write(&world, id, Moment::Before);
        let changed = change(&world, id, &renamed()).expect("an answer");
        assert_eq!(
            changed.end,
            KeyEnd::NotTaken(vec![KeyField::Quota]),
            "{rules:?}"
        );
        assert_eq!(world.rows()[&id]["used_quota"], 50 + SPENT, "{rules:?}");

        // A limit that is set is set, whenever the key spends.
        for when in [Moment::Before, Moment::After] {
            let (world, id) = world_with_key(rules, &json!({}));
            spends_at_the_write(&world, id, when);
            let patch = KeyPatch {
                quota: Some(Quota::Limited(70_000)),
                ..KeyPatch::default()
            };
            let changed = change(&world, id, &patch).expect("an answer");
            assert_eq!(changed.end, KeyEnd::Done, "{rules:?} {when:?}");
            let since = if when == Moment::After { SPENT } else { 0 };
            assert_eq!(
                world.rows()[&id]["remain_quota"],
                70_000 - since,
                "{rules:?} {when:?}"
            );
        }
    }
}

#[test]
fn a_key_whose_groups_are_gone_can_still_be_edited() {
    for rules in [Rules::April2025, Rules::Cookie, Rules::Jwt, Rules::Veloera] {
        let columns =
            json!({"group": "auto", "auto_groups": ["vip", "default"], "cross_group_retry": true});
        let (world, id) = world_with_key(rules, &columns);
        world.control("options", &json!({"remove_group": "vip"}));
        let before = world.rows()[&id].clone();
        let changed = change(&world, id, &renamed()).expect("an answer");
        assert_eq!(changed.end, KeyEnd::Done, "{rules:?}");
        let mut meant: Row = before;
        meant.insert("name".to_owned(), json!("another name"));
        assert_eq!(row_text(&world.rows()[&id]), row_text(&meant), "{rules:?}");
    }
}

/// The hubs look at a group only when a key is put in it: one whose group was given up can be
/// edited on, and cannot be put in another that is gone.
#[test]
fn a_hubs_key_whose_group_is_gone_is_edited_on() {
    for rules in [Rules::OneHub, Rules::DoneHub] {
        let columns = json!({"group": "vip", "backup_group": "vip"});
        let (world, id) = world_with_key(rules, &columns);
        world.control("options", &json!({"remove_group": "vip"}));
        let changed = change(&world, id, &renamed()).expect("an answer");
        assert_eq!(changed.end, KeyEnd::Done, "{rules:?}");
        assert_eq!(world.rows()[&id]["group"], "vip", "{rules:?}");
        let before = world.rows();
        let patch = |group: &str| KeyPatch {
            group: Some(group.to_owned()),
            ..KeyPatch::default()
        };
        let error = change(&world, id, &patch("gone-group")).expect_err("refused");
        assert_eq!(error.trouble(), SiteTrouble::Refused, "{rules:?}");
        assert_eq!(error.said(), Some("无效的用户组"), "{rules:?}");
        assert_eq!(world.rows(), before, "{rules:?}");
        let changed = change(&world, id, &patch("default")).expect("an answer");
        assert_eq!(changed.end, KeyEnd::Done, "{rules:?}");
    }
}

/// What stands in `setting` beside the limits is not ours: it is there after every edit.
#[test]
fn a_hubs_heartbeat_tag_and_backup_group_outlive_every_edit() {
    // A plain user sees no tag, and the server keeps it; a trusted one's replace must bring it.
    for (rules, reliable) in [Rules::OneHub, Rules::DoneHub]
        .into_iter()
        .flat_map(|rules| [(rules, true), (rules, false)])
    {
        let setting = json!({
            "heartbeat": {"enabled": true, "timeout_seconds": 45}, "billing_tag": "team-a",
            "limits": {
                "limit_model_setting": {"enabled": true, "models": ["gpt-4o"]},
                "limits_ip_setting": {"enabled": true, "whitelist": ["127.0.0.1", "10.0.0.0/8"]},
            },
        });
        let columns = json!({"group": "vip", "backup_group": "default", "setting": setting});
        let (world, id) = world_with_key(rules, &columns);
        world.control("options", &json!({"reliable": reliable}));
        let mut meant = world.rows()[&id].clone();
        let steps = [
            (renamed(), "/name", json!("another name")),
            (
                KeyPatch {
                    models: Some(ModelLimit::Any),
                    ..KeyPatch::default()
                },
                "/setting/limits/limit_model_setting",
                json!({"enabled": false, "models": null}),
            ),
            (
                KeyPatch {
                    addresses: Some(vec!["203.0.113.0/24".to_owned()]),
                    ..KeyPatch::default()
                },
                "/setting/limits/limits_ip_setting",
                json!({"enabled": true, "whitelist": ["203.0.113.0/24"]}),
            ),
            (
                KeyPatch {
                    addresses: Some(Vec::new()),
                    ..KeyPatch::default()
                },
                "/setting/limits/limits_ip_setting",
                json!({"enabled": false, "whitelist": null}),
            ),
        ];
        for (patch, at, value) in steps {
            let changed = change(&world, id, &patch).expect("an answer");
            assert_eq!(changed.end, KeyEnd::Done, "{rules:?} {at}");
            let mut whole = Value::Object(meant);
            *whole.pointer_mut(at).expect("a place") = value;
            meant = whole.as_object().expect("a row").clone();
            assert_eq!(
                row_text(&world.rows()[&id]),
                row_text(&meant),
                "{rules:?} {at}"
            );
        }
    }
}

/// Nor does a twin go without it: it would route and bill otherwise than the key it replaces.
#[test]
fn a_twin_at_a_hub_has_the_backup_group_heartbeat_and_tag_of_the_old_one() {
    for rules in [Rules::OneHub, Rules::DoneHub] {
        let setting = json!({
            "heartbeat": {"enabled": true, "timeout_seconds": 45}, "billing_tag": "team-a",
            "limits": {
                "limit_model_setting": {"enabled": true, "models": ["gpt-4o"]},
                "limits_ip_setting": {"enabled": false, "whitelist": null},
            },
        });
        let columns = json!({"group": "vip", "backup_group": "default", "setting": setting});
        let (world, id) = world_with_key(rules, &columns);
        world.control("options", &json!({"reliable": true}));
        let old = world.listed(id);
        let mut wanted = making(values_of(&old.raw));
        wanted.rest = rest_of(world.place.kind, &old.raw);
        // One limit is wanted otherwise than the old one has it.
        wanted.values.addresses = vec!["203.0.113.7".to_owned()];
        let mut twins = [wanted];
        assert_eq!(
            create(&world, &mut twins).expect("an answer"),
            [KeyEnd::Done]
        );
        let twin = twins[0].id.as_ref().expect("an id").0.parse::<i64>();
        let rows = world.rows();
        let (twin, old) = (&rows[&twin.expect("a number")], &rows[&id]);
        let mut meant = old["setting"].clone();
        meant["limits"]["limits_ip_setting"] =
            json!({"enabled": true, "whitelist": ["203.0.113.7"]});
        assert_eq!(twin["setting"], meant, "{rules:?}");
        for column in ["group", "backup_group", "remain_quota", "expired_time"] {
            assert_eq!(twin[column], old[column], "{rules:?} {column}");
        }
    }
}

/// A hub's key that is over still counts as enabled there, and enabling it changes nothing: only
/// another expiry brings it back.
#[test]
fn a_hubs_status_says_nothing_of_an_expiry() {
    for rules in [Rules::OneHub, Rules::DoneHub] {
        let (world, id) = world_with_key(rules, &json!({"expired_time": 1}));
        world.use_key(&world.rows()[&id]);
        assert_eq!(world.rows()[&id]["status"], 1, "{rules:?}");
        let patch = KeyPatch {
            enabled: Some(true),
            ..KeyPatch::default()
        };
        let changed = change(&world, id, &patch).expect("an answer");
        assert_eq!(changed.end, KeyEnd::AlreadySo, "{rules:?}");
        let patch = KeyPatch {
            expires: Some(Expiry::Never),
            ..KeyPatch::default()
        };
        assert_eq!(
            change(&world, id, &patch).expect("an answer").end,
            KeyEnd::Done
        );
        assert_eq!(world.rows()[&id]["expired_time"], -1, "{rules:?}");
    }
}

#[test]
fn success_that_stores_something_else_is_noticed_field_by_field() {
    for rules in Rules::ALL {
        let (world, id) = world_with_key(rules, &json!({}));
        // Says yes and does nothing.
        world.control(
            "fault",
            &json!({"fault": "answer", "method": "PUT", "count": 2,
            "body": {"success": true, "message": "", "data": {}}}),
        );
        let patch = KeyPatch {
            name: Some("another name".to_owned()),
            expires: Some(Expiry::At(4_000_000_000)),
            enabled: Some(false),
            ..KeyPatch::default()
        };
        let changed = change(&world, id, &patch).expect("an answer");
        let missed = vec![KeyField::Name, KeyField::Expires, KeyField::Enabled];
        assert_eq!(changed.end, KeyEnd::NotTaken(missed), "{rules:?}");
        let after = changed.after.expect("read again");
        assert_eq!(values_of(&after.raw).name, "the key", "{rules:?}");
    }
}

#[test]
fn an_enabling_that_is_lost_is_not_taken_for_done() {
    for rules in Rules::ALL {
        for status in [3, 4] {
            let (world, id) = world_with_key(rules, &json!({"status": status}));
            world.control(
                "fault",
                &json!({"fault": "status", "status": 502, "method": "PUT", "count": 1}),
            );
            let patch = KeyPatch {
                enabled: Some(true),
                ..KeyPatch::default()
            };
            let ended = change(&world, id, &patch);
            assert!(ended.is_err(), "{rules:?} {status}: {ended:?}");
            // The same answer, but the work was done.
            world.control("fault", &json!({"fault": "status", "status": 502, "method": "PUT", "count": 1, "after": true}));
            let changed = change(&world, id, &patch).expect("it arrived");
            assert_eq!(changed.end, KeyEnd::Done, "{rules:?} {status}");
            assert_eq!(world.rows()[&id]["status"], 1, "{rules:?} {status}");
        }
    }
}

#[test]
fn none_of_the_models_never_becomes_all_of_them() {
    let rules = Rules::OneApi;
    let (world, id) = world_with_key(rules, &json!({"models": "gpt-4o"}));
    let before = world.rows();
    let patch = KeyPatch {
        models: Some(ModelLimit::Only(Vec::new())),
        ..KeyPatch::default()
    };
    let changed = change(&world, id, &patch).expect("an answer");
    assert_eq!(changed.end, KeyEnd::NotTaken(vec![KeyField::Models]));
    let values = KeyValues {
        name: "closed".to_owned(),
        models: Some(Vec::new()),
        ..KeyValues::default()
    };
    let ends = create(&world, &mut [making(values)]).expect("an answer");
    assert_eq!(ends, [KeyEnd::Failed(SiteTrouble::Refused, None)]);
    assert_eq!(world.rows(), before);
    assert_eq!(world.writes(), (0, 0));
}

#[test]
fn no_more_keys_than_the_site_allows() {
    for rules in [Rules::Cookie, Rules::Jwt] {
        let world = World::start(rules.kind(), 3, 11);
        world.control("options", &json!({"max_tokens": 4}));
        let named = |name: &str| {
            making(KeyValues {
                name: name.to_owned(),
                enabled: true,
                ..KeyValues::default()
            })
        };
        let mut two = [named("fits"), named("does not")];
        let ends = create(&world, &mut two).expect("an answer");
        assert_eq!(ends[0], KeyEnd::Done, "{rules:?}");
        let told = KeyEnd::Failed(
            SiteTrouble::Refused,
            Some("已达到最大令牌数量限制 (4)".to_owned()),
        );
        assert_eq!(ends[1], told, "{rules:?}");
        assert!(!two[1].sent, "nothing is in doubt");
        assert_eq!(world.rows().len(), 4, "{rules:?}");
    }
}

/// A copy of a key whose name is older than the limit: it is made under a drawn name, and its own
/// is refused. It stays, and that is said; it is not made again.
#[test]
fn a_key_whose_own_name_is_refused_is_kept_and_told() {
    for rules in Rules::ALL {
        let old = "a name from a time when names could be longer than this".repeat(2);
        let (world, _) = world_with_key(rules, &json!({"name": old}));
        let there = world.rows().len();
        let values = KeyValues {
            name: old.clone(),
            enabled: true,
            ..KeyValues::default()
        };
        let mut one = [making(values)];
        for _ in 0..2 {
            let ends = create(&world, &mut one).expect("an answer");
            assert_eq!(ends, [KeyEnd::NotTaken(vec![KeyField::Name])], "{rules:?}");
            assert_eq!(world.rows().len(), there + 1, "{rules:?}");
        }
    }
}

#[test]
fn a_second_proof_is_asked_for_and_nothing_is_made_without() {
    for rules in [Rules::Cookie, Rules::Jwt] {
        let world = World::start(rules.kind(), 3, 11);
        let before = world.rows();
        world.control("options", &json!({"step_up": "user"}));
        let values = KeyValues {
            name: "proven".to_owned(),
            enabled: true,
            ..KeyValues::default()
        };
        let mut one = [making(values)];
        let ended = create(&world, &mut one);
        let error = ended.expect_err("refused");
        assert_eq!(
            error.trouble(),
            SiteTrouble::VerificationRequired,
            "{rules:?}"
        );
        assert_eq!(world.rows(), before, "{rules:?}");
        world.control("proof", &json!({}));
        assert_eq!(
            create(&world, &mut one).expect("made"),
            [KeyEnd::Done],
            "{rules:?}"
        );
        assert_eq!(world.rows().len(), before.len() + 1, "{rules:?}");
        // The fork that binds the proof to the browser's session never lets a token through.
        world.control("options", &json!({"step_up": "session"}));
        world.control("proof", &json!({}));
        let values = KeyValues {
            name: "never".to_owned(),
            ..KeyValues::default()
        };
        let error = create(&world, &mut [making(values)]).expect_err("refused");
        assert_eq!(
            error.trouble(),
            SiteTrouble::VerificationRequired,
            "{rules:?}"
        );
    }
}
