//! What a login and a key are told by each generation: models, groups, usage, and whether a key
//! is accepted.

use relaykeep_core::secret::ApiKey;
use relaykeep_core::site::{
    auto_groups, check_key, groups, key_billing, key_totals, key_usage, list_keys, models,
};
use relaykeep_differential::{Row, Rules, World, run};
use relaykeep_protocol::{KeyRow, SiteTrouble, Unit, UsageTotals};
use serde_json::{Value, json};

fn update(world: &World, id: i64, columns: &Value) {
    let mut columns = columns.clone();
    columns["id"] = json!(id);
    world.control("keys", &json!({"update": [columns]}));
}

fn newest(world: &World) -> (i64, Row) {
    world.rows().pop_last().expect("keys")
}

fn full(row: &Row) -> ApiKey {
    let key = row["key"].as_str().expect("a key");
    ApiKey::read(key).expect("a full key")
}

#[test]
fn models_and_groups_are_read_in_every_generation() {
    for rules in Rules::ALL {
        let world = World::start(rules.kind(), 1, 5);
        let (http, clock, place, login) = (&world.port, &world.clock, &world.place, &world.login);
        let odd = ["gpt-4o", "deepseek/deepseek-r1:free", "模型-1"];
        world.control("options", &json!({"models": odd, "add_group": {"name": "night", "about": "at night", "ratio": 0.25}}));
        let mut got = run(models(http, clock, place, login))
            .expect("alive")
            .expect("an answer");
        let mut odd = odd.to_vec();
        if rules.is_hub() {
            // A map there, in no order that means anything.
            got.sort_unstable();
            odd.sort_unstable();
        }
        assert_eq!(got, odd, "{rules:?}");

        let offered = || {
            run(groups(http, clock, place, login, None))
                .expect("alive")
                .expect("an answer")
        };
        let names = |offers: &[relaykeep_protocol::GroupOffer]| {
            offers
                .iter()
                .map(|offer| offer.name.clone())
                .collect::<Vec<_>>()
        };
        let before = offered();
        if rules == Rules::OneApi {
            assert!(before.is_empty(), "One API has none");
            continue;
        }
        assert_eq!(names(&before), ["default", "night", "vip"], "{rules:?}");
        assert_eq!(
            (before[1].about.as_str(), before[1].ratio.as_deref()),
            ("at night", Some("0.25")),
            "{rules:?}"
        );
        // A group of one's own that is nobody else's: the hubs' list knows no token.
        world.control("user", &json!({"user": "2", "group": "svip"}));
        let with = run(groups(http, clock, place, login, Some("svip")));
        let with = names(&with.expect("alive").expect("an answer"));
        assert!(with.contains(&"svip".to_owned()), "{rules:?}: {with:?}");
        let without = names(&offered()).contains(&"svip".to_owned());
        assert_eq!(without, !rules.is_hub(), "{rules:?}");
        world.control("user", &json!({"user": "2", "group": "default"}));

        world.control("options", &json!({"remove_group": "vip"}));
        assert_eq!(names(&offered()), ["default", "night"], "{rules:?}");

        let auto = run(auto_groups(http, clock, place, login)).expect("alive");
        match rules {
            Rules::Jwt => assert_eq!(
                auto.expect("an answer"),
                ["default"],
                "vip is gone there too"
            ),
            Rules::April2025
            | Rules::Cookie
            | Rules::OneApi
            | Rules::Veloera
            | Rules::OneHub
            | Rules::DoneHub => {
                let error = auto.expect_err("no such route");
                assert_eq!(error.trouble(), SiteTrouble::Absent, "{rules:?}");
            }
        }
    }
}

#[test]
fn a_key_is_accepted_or_not_as_its_generation_has_it() {
    for rules in Rules::ALL {
        let world = World::start(rules.kind(), 1, 5);
        let (id, row) = newest(&world);
        let key = full(&row);
        let plain = json!({"status": 1, "unlimited_quota": true, "expired_time": -1, "group": "",
            "model_limits_enabled": false, "model_limits": "", "models": null,
            "allow_ips": "", "subnet": "", "setting": null});
        let check = |columns: Value| {
            update(&world, id, &plain);
            update(&world, id, &columns);
            let checked = run(check_key(&world.port, &world.clock, &world.place, &key));
            // These kinds' lists of models all say how many.
            let checked = checked.expect("alive").map_err(|error| error.trouble());
            checked.map(|models| models.expect("a count"))
        };
        let refused = Err(SiteTrouble::Refused);
        // The answer is the one to a key nobody knows.
        let unknown = Err(SiteTrouble::LoginExpired);
        let masked = rules.masks();
        // One API names a Claude model once for each vendor that has it.
        let all = if rules == Rules::OneApi { 4 } else { 3 };
        assert_eq!(check(json!({})), Ok(all), "{rules:?}");
        assert_eq!(check(json!({"status": 2})), unknown, "{rules:?}: disabled");
        assert_eq!(
            check(json!({"expired_time": 1})),
            unknown,
            "{rules:?}: expired"
        );
        let over = if rules.is_hub() { 1 } else { 3 };
        assert_eq!(
            world.rows()[&id]["status"],
            over,
            "{rules:?}: and now it says so, but for the hubs"
        );
        let empty = json!({"unlimited_quota": false, "remain_quota": 0});
        assert_eq!(check(empty), unknown, "{rules:?}: exhausted");
        assert_eq!(
            world.rows()[&id]["status"],
            4,
            "{rules:?}: and now it says so"
        );
        let limit = json!({"model_limits_enabled": true, "model_limits": "gpt-4o", "models": "gpt-4o",
                "setting": {"limits": {"limit_model_setting": {"enabled": true, "models": ["gpt-4o"]}}}});
        // One Hub lists what the key may not use all the same.
        let one = if rules == Rules::OneHub { all } else { 1 };
        assert_eq!(check(limit), Ok(one), "{rules:?}: one model");
        let elsewhere = json!({"allow_ips": "203.0.113.9", "subnet": "203.0.113.0/24",
            "setting": {"limits": {"limits_ip_setting": {"enabled": true, "whitelist": ["203.0.113.9"]}}}});
        // April 2025 looks at addresses when the key is used, not here.
        let want = if rules.is_april() {
            Ok(all)
        } else {
            refused.clone()
        };
        assert_eq!(check(elsewhere), want, "{rules:?}: other addresses only");
        let want = match rules {
            Rules::OneApi => Ok(all),
            Rules::April2025 | Rules::Veloera | Rules::OneHub | Rules::DoneHub => Ok(0),
            Rules::Cookie | Rules::Jwt => refused.clone(),
        };
        assert_eq!(
            check(json!({"group": "gone-group"})),
            want,
            "{rules:?}: {masked}"
        );
    }
}

#[test]
fn usage_is_added_up_by_day_and_model_in_every_paging() {
    const DAY: i64 = 86_400;
    for rules in Rules::ALL {
        let world = World::start(rules.kind(), 2, 5);
        let (id, _) = newest(&world);
        let name = "a name & more 🔑 100%";
        let other = *world.rows().keys().next().expect("two keys");
        update(&world, id, &json!({"name": name}));
        // Another key of the same name: told apart where lines carry the key's number.
        update(&world, other, &json!({"name": name}));
        let spend = |id: i64, quota: i64, model: &str, days: i64, count: u32| {
            world.control("spend", &json!({"id": id, "quota": quota, "model": model, "ago": days * DAY, "count": count}));
        };
        spend(id, 10, "gpt-4o", 40, 2);
        spend(id, 10, "gpt-4o", 2, 25);
        spend(id, 7, "gpt-4o-mini", 2, 3);
        spend(other, 1_000, "gpt-4o", 1, 1);
        spend(id, 5, "gpt-4o", 0, 1);
        let now = world.told("state")["now"].as_i64().expect("a clock");
        let visit = world.visit();
        let used = run(key_usage(&visit, &id.to_string(), name, now - 30 * DAY));
        let used = used.expect("alive").expect("an answer");
        assert!(!used.cut, "{rules:?}");
        let mut days: Vec<(i64, &str, u32, i64)> = used
            .days
            .iter()
            .map(|line| {
                (
                    (now - line.day) / DAY,
                    line.model.as_str(),
                    line.calls,
                    line.quota,
                )
            })
            .collect();
        days.sort_unstable();
        let mut want = vec![
            (0, "gpt-4o", 1, 5),
            (2, "gpt-4o", 25, 250),
            (2, "gpt-4o-mini", 3, 21),
        ];
        if rules == Rules::OneApi || rules.is_hub() {
            want.insert(1, (1, "gpt-4o", 1, 1_000));
        }
        assert_eq!(days, want, "{rules:?}");
    }
}

#[test]
fn a_key_is_asked_for_its_totals_where_it_can_be() {
    for rules in Rules::ALL {
        let world = World::start(rules.kind(), 1, 5);
        let (id, row) = newest(&world);
        update(
            &world,
            id,
            &json!({"unlimited_quota": false, "remain_quota": 900, "used_quota": 100}),
        );
        let totals = run(key_totals(
            &world.port,
            &world.clock,
            &world.place,
            &full(&row),
        ));
        let totals = totals.expect("alive").expect("an answer");
        let want = UsageTotals {
            granted: 1_000,
            used: 100,
            left: 900,
            unlimited: false,
            of_account: false,
        };
        let masked = rules.masks();
        assert_eq!(totals, masked.then_some(want), "{rules:?}");
    }
}

#[test]
fn the_form_of_billing_says_the_same_and_whether_it_is_about_the_key() {
    for rules in Rules::ALL {
        let world = World::start(rules.kind(), 1, 5);
        let (http, clock, place) = (&world.port, &world.clock, &world.place);
        let (id, row) = newest(&world);
        update(
            &world,
            id,
            &json!({"unlimited_quota": false, "remain_quota": 900, "used_quota": 100}),
        );
        let listing = run(list_keys(http, clock, place, &world.login, |_| ()))
            .expect("alive")
            .expect("a list");
        let mut listed = listing.keys.into_iter().map(|key| key.row);
        let mut held = listed
            .find(|row| row.id.0 == id.to_string())
            .expect("it is listed");
        let asked = |held: &KeyRow| {
            run(key_billing(
                http,
                clock,
                place,
                &full(&row),
                held,
                &Unit::default(),
            ))
            .expect("alive")
            .expect("an answer")
        };
        let billed = |held: &KeyRow| asked(held).expect("numbers");
        let want = UsageTotals {
            granted: 1_000,
            used: 100,
            left: 900,
            unlimited: false,
            of_account: false,
        };
        assert_eq!(billed(&held), want, "{rules:?}");
        world.control("options", &json!({"display_token_stat": false}));
        // One Hub has no such switch [MartialBE/one-hub 387f8bf1 controller/billing.go].
        let switched = rules != Rules::OneHub;
        assert_eq!(billed(&held).of_account, switched, "{rules:?}");
        world.control("options", &json!({"display_token_stat": true}));
        update(&world, id, &json!({"status": 2}));
        assert_eq!(asked(&held), None, "{rules:?}");
        // A hub's unlimited key is billed as its owner.
        update(&world, id, &json!({"status": 1, "unlimited_quota": true}));
        held.unlimited = true;
        let billed = billed(&held);
        let told = (billed.of_account, billed.unlimited);
        assert_eq!(told, (rules.is_hub(), !rules.is_hub()), "{rules:?}");
    }
}
