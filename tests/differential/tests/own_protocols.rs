//! The core against sites with protocols of their own: random histories, deaths at every request,
//! and the traps of each. What a row must be afterwards is written from the recorded answers of
//! Sub2API, not from the core.
#![allow(clippy::print_stdout, reason = "the counts are part of the result")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use relaykeep_core::http::{HttpError, Method};
use relaykeep_core::ports::Clock as _;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{
    Change, NoSession, RemoteKey, SiteError, change_key, check_key, create_keys, delete_key,
    groups, key_totals, key_usage, list_keys, refresh, sign_in, status, values_of, whoami,
};
use relaykeep_differential::{Dice, End, Moment, Row, World, WorldClock, run};
use relaykeep_protocol::{
    Expiry, KeyEnd, KeyField, KeyPatch, KeyValues, Making, Quota, RemoteId, SignInProblem,
    SiteTrouble,
};
use serde_json::{Value, json};

const DOLLAR: i64 = 100_000_000;

type Rows = BTreeMap<String, Row>;

fn rows(world: &World) -> Rows {
    let told = world.told("rows?user=2");
    let rows = told.as_array().expect("rows").iter();
    rows.map(|row| {
        let row = row.as_object().expect("a row").clone();
        let id = row.get("hash").or_else(|| row.get("id")).expect("an id");
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        (id, row)
    })
    .collect()
}

fn html(name: &str) -> String {
    name.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

fn now() -> i64 {
    i64::try_from(WorldClock.now() / 1_000).expect("a date of our time")
}

fn usd(raw: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // amounts of a test
    let raw = raw as f64;
    raw / 1e8
}

/// What a patch makes of a row, in Sub2API's own columns.
fn expected(row: &Row, patch: &KeyPatch) -> Row {
    let mut row = row.clone();
    let list = |list: &[String]| {
        if list.is_empty() {
            Value::Null
        } else {
            json!(list)
        }
    };
    let used = row["quota_used"].as_f64().unwrap_or(0.0);
    let mut set = |name: &str, value: Value| {
        row.insert(name.to_owned(), value);
    };
    if let Some(name) = &patch.name {
        set("name", json!(html(name)));
    }
    match patch.quota {
        None => {}
        Some(Quota::Unlimited) => set("quota", json!(0.0)),
        Some(Quota::Limited(left)) => set("quota", json!(usd(left) + used)),
    }
    match patch.expires {
        None => {}
        Some(Expiry::Never) => set("expires_at", Value::Null),
        Some(Expiry::At(at)) => set("expires_at", json!(at)),
    }
    if let Some(addresses) = &patch.addresses {
        set("ip_whitelist", list(addresses));
    }
    if let Some(denied) = &patch.denied {
        set("ip_blacklist", list(denied));
    }
    if let Some([hours, day, week]) = patch.windows {
        set("rate_limit_5h", json!(usd(hours)));
        set("rate_limit_1d", json!(usd(day)));
        set("rate_limit_7d", json!(usd(week)));
    }
    if let Some(group) = &patch.group {
        set(
            "group_id",
            json!(if group == "openai-main" { 2 } else { 3 }),
        );
    }
    if row["status"] == "quota_exhausted" {
        let limit = row["quota"].as_f64().unwrap_or(0.0);
        if limit == 0.0 || used < limit {
            row.insert("status".to_owned(), json!("active"));
        }
    }
    if let Some(on) = patch.enabled {
        let status = if on { "active" } else { "inactive" };
        row.insert("status".to_owned(), json!(status));
    }
    row
}

/// Every column, amounts to the eighth decimal, moments to the second.
fn same(one: &Row, other: &Row) -> Result<(), String> {
    for (name, value) in one {
        let there = &other[name];
        let number = |value: &Value| value.as_f64().map(|number| (number * 1e8).round());
        let equal = match name.as_str() {
            "updated_at" => true,
            "expires_at" => moment(value) == moment(there),
            _ => match (number(value), number(there)) {
                (Some(one), Some(two)) => one == two,
                _ => value == there,
            },
        };
        if !equal {
            return Err(format!("{name}: {there} where {value} was meant"));
        }
    }
    Ok(())
}

fn moment(value: &Value) -> Option<i64> {
    if let Some(at) = value.as_i64() {
        return Some(at);
    }
    let told =
        json!({"id": 1, "user_id": 1, "group_id": null, "created_at": "x", "expires_at": value});
    values_of(&Secret::new(told.to_string())).expires
}

fn any_patch(dice: &mut Dice) -> KeyPatch {
    let mut patch = KeyPatch::default();
    let some = |dice: &mut Dice| dice.once_in(3);
    if some(dice) {
        let names = [
            "plain",
            "a & b",
            "<b>\"quoted\"</b>",
            "l'été &amp; more",
            "公司服务器",
        ];
        patch.name = Some(format!("{} {}", dice.pick(&names), dice.below(1_000)));
    }
    if some(dice) {
        let amounts = [
            1,
            5_000,
            12_960,
            DOLLAR,
            1_250_000_000,
            33_333_333,
            900_000_000_000_001,
        ];
        patch.quota = Some(match dice.below(4) {
            0 => Quota::Unlimited,
            _ => Quota::Limited(*dice.pick(&amounts)),
        });
    }
    if some(dice) {
        patch.expires = Some(match dice.below(3) {
            0 => Expiry::Never,
            1 => Expiry::At(now() - 5_000),
            _ => Expiry::At(now() + i64::try_from(dice.below(9_000_000)).expect("small")),
        });
    }
    let lists: [&[&str]; 4] = [
        &[],
        &["127.0.0.1"],
        &["10.0.0.0/8", "2001:db8::1"],
        &["192.0.2.7"],
    ];
    let list = |dice: &mut Dice| -> Vec<String> {
        dice.pick(&lists)
            .iter()
            .map(|text| (*text).to_owned())
            .collect()
    };
    if some(dice) {
        patch.addresses = Some(list(dice));
    }
    if some(dice) {
        patch.denied = Some(list(dice));
    }
    if some(dice) {
        let window = |dice: &mut Dice| *dice.pick(&[0, 150_000_000, 12_345_678, 1]);
        patch.windows = Some([window(dice), window(dice), window(dice)]);
    }
    if some(dice) {
        patch.group = Some((*dice.pick(&["openai-main", "claude-main"])).to_owned());
    }
    if some(dice) {
        patch.enabled = Some(dice.once_in(2));
    }
    patch
}

fn change(world: &World, id: &str, patch: &KeyPatch) -> Result<KeyEnd, SiteError> {
    let go = async |_, _: &RemoteKey| ControlFlow::Continue(());
    let visit = world.visit();
    let id = RemoteId(id.to_owned());
    let changed = run(change_key(&visit, &id, patch, Change::default(), go));
    changed.expect("nobody dies").map(|changed| changed.end)
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

type Shown = RefCell<Vec<RemoteKey>>;

/// How many names were drawn.
static DRAWN: AtomicUsize = AtomicUsize::new(0);

fn create(world: &World, making: &RefCell<Vec<Making>>, shown: &Shown) -> Option<Vec<KeyEnd>> {
    let mut now = making.borrow().clone();
    // As the worker's names are, each is drawn once: a mark that comes again with another body is
    // refused (409 IDEMPOTENCY_KEY_CONFLICT), and rightly.
    let draw = || format!("rk {}", DRAWN.fetch_add(1, Ordering::Relaxed));
    let save = async |now: &[Making]| {
        *making.borrow_mut() = now.to_vec();
        ControlFlow::Continue(())
    };
    let got = async |key: RemoteKey| {
        shown.borrow_mut().push(key);
        ControlFlow::Continue(())
    };
    let visit = world.visit();
    run(create_keys(&visit, &mut now, draw, save, got))?
        .ok()
        .map(|created| created.ends)
}

#[test]
fn sub2api_stores_what_was_meant_and_leaves_the_rest_alone() {
    let mut counts = BTreeMap::new();
    for seed in [1, 2, 3] {
        let world = World::start("sub2api", 10, seed);
        for step in 0..120 {
            let mut dice = Dice::new(seed, step);
            let before = rows(&world);
            let ids: Vec<&String> = before.keys().collect();
            let id = dice.pick(&ids).to_string();
            let mut after = before.clone();
            let what = match dice.below(10) {
                0..2 => {
                    let mut patch = any_patch(&mut dice);
                    let name = patch
                        .name
                        .get_or_insert_with(|| "new <key>".to_owned())
                        .clone();
                    let name = format!("{name} {step}");
                    let values = KeyValues {
                        name: name.clone(),
                        quota: patch.quota.unwrap_or(Quota::Unlimited),
                        expires: match patch.expires {
                            Some(Expiry::At(at)) => Some(at),
                            Some(Expiry::Never) | None => None,
                        },
                        addresses: patch.addresses.unwrap_or_default(),
                        denied: patch.denied.unwrap_or_default(),
                        windows: patch.windows.unwrap_or_default(),
                        group: patch.group.unwrap_or_default(),
                        enabled: patch.enabled.unwrap_or(true),
                        ..KeyValues::default()
                    };
                    let made = RefCell::new(vec![making(values.clone())]);
                    let ends = create(&world, &made, &Shown::default()).expect("it goes well");
                    assert_eq!(ends, [KeyEnd::Done], "seed {seed}, step {step}: {values:?}");
                    let stored = rows(&world);
                    let new: Vec<_> = stored
                        .iter()
                        .filter(|(id, _)| !before.contains_key(*id))
                        .collect();
                    let [(id, row)] = new[..] else {
                        panic!("seed {seed}, step {step}: {} new keys", new.len());
                    };
                    assert_eq!(row["name"], html(&name));
                    let read = values_of(&Secret::new(Value::Object(with_group(row)).to_string()));
                    assert_eq!(read, values, "seed {seed}, step {step}");
                    after.insert(id.clone(), row.clone());
                    "created"
                }
                2 => {
                    let key = RemoteId(id.clone());
                    let gone = run(delete_key(&world.visit(), &key)).expect("nobody dies");
                    assert_eq!(gone.ok(), Some(KeyEnd::Done));
                    after.remove(&id);
                    "deleted"
                }
                3 => {
                    world.control("sub2api", &json!({"spend": {"id": id.parse::<i64>().expect("a number"), "usd": 0.000_012_3}}));
                    after = rows(&world);
                    "spent"
                }
                _ => {
                    let patch = any_patch(&mut dice);
                    let row = &before[&id];
                    let used = row["quota_used"].as_f64().unwrap_or(0.0);
                    let over = patch.enabled == Some(true)
                        && row["status"] == "quota_exhausted"
                        && patch.quota.is_none();
                    let end = change(&world, &id, &patch).expect("the site answers");
                    let meant = expected(row, &patch);
                    if matches!(end, KeyEnd::Done | KeyEnd::AlreadySo) {
                        after.insert(id.clone(), meant);
                        "changed"
                    } else {
                        let case = format!("{id}: {end:?} of {patch:?}, used {used}");
                        assert!(
                            over && end == KeyEnd::StillExhausted,
                            "seed {seed}, step {step}, {case}"
                        );
                        "still exhausted"
                    }
                }
            };
            *counts.entry(what).or_insert(0) += 1;
            let stored = rows(&world);
            assert_eq!(
                stored.len(),
                after.len(),
                "seed {seed}, step {step}: {what}"
            );
            for (id, row) in &after {
                if let Err(why) = same(row, &stored[id]) {
                    panic!("seed {seed}, step {step}, {what} {id}: {why}");
                }
            }
        }
    }
    println!("{counts:?}");
    assert!(
        ["created", "deleted", "spent", "changed"]
            .iter()
            .all(|what| counts.contains_key(what))
    );
}

/// As a single key is told: with its group.
fn with_group(row: &Row) -> Row {
    let mut row = row.clone();
    let name = match row["group_id"].as_i64() {
        Some(2) => "openai-main",
        Some(3) => "claude-main",
        _ => return row,
    };
    row.insert(
        "group".to_owned(),
        json!({"id": row["group_id"], "name": name}),
    );
    row
}

/// Dies or loses the answer at one request.
fn strike(world: &World, number: usize, when: Moment, end: End) {
    world
        .port
        .watch(move |moment, count, _| (moment == when && count == number).then(|| end.clone()));
}

#[test]
fn a_key_is_made_once_whatever_dies_and_a_repeat_is_the_same_request() {
    for kind in ["sub2api", "aihubmix"] {
        for number in 1..12 {
            for (when, end) in [
                (Moment::Before, End::Death),
                (Moment::After, End::Death),
                (Moment::After, End::Lost(HttpError::TimedOut)),
            ] {
                let world = World::start(kind, 3, 9);
                let values = KeyValues {
                    name: "made once".to_owned(),
                    quota: Quota::Limited(DOLLAR),
                    enabled: true,
                    ..KeyValues::default()
                };
                let held = rows(&world).len();
                let made = RefCell::new(vec![making(values)]);
                let shown = Shown::default();
                strike(&world, number, when, end.clone());
                let mut ends = create(&world, &made, &shown);
                world.port.leave_alone();
                for _ in 0..3 {
                    let over = |end: &KeyEnd| !end.again();
                    if ends.as_ref().is_some_and(|ends| ends.iter().all(over)) {
                        break;
                    }
                    ends = create(&world, &made, &shown);
                }
                let case = format!("{kind}, {when:?} of {number}: {end:?}");
                let stored = rows(&world);
                assert_eq!(stored.len(), held + 1, "{case}");
                let ends = ends.expect(&case);
                // A key that is shown once is read, or it is said that nobody can read it.
                let read = kind == "sub2api" || !shown.borrow().is_empty();
                let want = if read {
                    KeyEnd::Done
                } else {
                    KeyEnd::MadeUnread
                };
                assert_eq!(ends, [want], "{case}");
            }
        }
    }
}

#[test]
fn a_change_that_died_is_done_once_and_nothing_else_with_it() {
    for number in 1..6 {
        for when in [Moment::Before, Moment::After] {
            let world = World::start("sub2api", 10, 4);
            let before = rows(&world);
            let (id, row) = before
                .iter()
                .find(|(_, row)| row["quota"] == 12.5)
                .expect("a limited key");
            let patch = KeyPatch {
                name: Some("l'été & <more>".to_owned()),
                quota: Some(Quota::Limited(3 * DOLLAR)),
                enabled: Some(false),
                ..KeyPatch::default()
            };
            let sent = RefCell::new(None);
            let key = RemoteId(id.clone());
            for turn in 0..3 {
                if turn == 0 {
                    strike(&world, number, when, End::Death);
                } else {
                    world.port.leave_alone();
                }
                let note = sent.borrow().clone();
                let how = Change {
                    seen: None,
                    sent: note.as_ref(),
                    used_then: None,
                    made: None,
                };
                let save = async |note, _: &RemoteKey| {
                    *sent.borrow_mut() = Some(note);
                    ControlFlow::Continue(())
                };
                if run(change_key(&world.visit(), &key, &patch, how, save)).is_some() {
                    break;
                }
            }
            let stored = rows(&world);
            same(&expected(row, &patch), &stored[id]).unwrap_or_else(|why| {
                panic!("{when:?} of {number}: {why}");
            });
            for (other, row) in before.iter().filter(|(other, _)| *other != id) {
                same(row, &stored[other]).expect("untouched");
            }
        }
    }
}

#[test]
fn what_sub2api_cannot_hold_is_said_and_not_written() {
    let world = World::start("sub2api", 10, 5);
    let before = rows(&world);
    let grouped = before
        .iter()
        .find(|(_, row)| row["group_id"] == 2)
        .expect("one")
        .0;
    world.writes();
    let refused = |patch: KeyPatch| change(&world, grouped, &patch).expect("an answer");
    let nothing = KeyPatch {
        quota: Some(Quota::Limited(0)),
        ..KeyPatch::default()
    };
    assert_eq!(refused(nothing), KeyEnd::NotTaken(vec![KeyField::Quota]));
    for group in ["", "vip-only", "no such group"] {
        let moved = KeyPatch {
            group: Some(group.to_owned()),
            ..KeyPatch::default()
        };
        assert_eq!(
            refused(moved),
            KeyEnd::NotTaken(vec![KeyField::Group]),
            "{group}"
        );
    }
    assert_eq!(world.writes().1, 0);
    let gone = KeyPatch {
        enabled: Some(true),
        ..KeyPatch::default()
    };
    assert_eq!(change(&world, "99999", &gone).ok(), Some(KeyEnd::Gone));
}

#[test]
fn sub2api_tells_who_what_and_how_much() {
    let world = World::start("sub2api", 10, 6);
    let facts = run(status(&world.port, &world.clock, &world.place)).expect("alive");
    let facts = facts.expect("an answer");
    assert_eq!(facts.unit.per_dollar, 1e8);
    let who = run(whoami(
        &world.port,
        &world.clock,
        &world.place,
        &world.login,
    ))
    .expect("alive");
    let (who, _) = who.expect("an answer");
    assert_eq!(
        (who.user_id.as_str(), who.balance),
        ("2", Some(100 * DOLLAR))
    );
    let offers = run(groups(
        &world.port,
        &world.clock,
        &world.place,
        &world.login,
        None,
    ))
    .expect("alive");
    let names: Vec<String> = offers
        .expect("groups")
        .into_iter()
        .map(|offer| offer.name)
        .collect();
    assert_eq!(names, ["openai-main", "claude-main", "default"]);

    let stored = rows(&world);
    let (id, row) = stored
        .iter()
        .find(|(_, row)| row["quota"] == 12.5)
        .expect("one");
    world.control("sub2api", &json!({"spend": {"id": row["id"], "usd": 0.5}}));
    let visit = world.visit();
    let used = run(key_usage(&visit, id, "", now() - 86_400))
        .expect("alive")
        .expect("lines");
    let sum: i64 = used.days.iter().map(|line| line.quota).sum();
    assert_eq!((sum, used.cut), (DOLLAR / 2, false));

    let listing = run(list_keys(
        &world.port,
        &world.clock,
        &world.place,
        &world.login,
        |_| {},
    ));
    let listing = listing.expect("alive").expect("keys");
    assert!(listing.complete);
    let of = |wanted: &dyn Fn(&Row) -> bool| {
        let id = stored
            .iter()
            .find(|(_, row)| wanted(row))
            .expect("such a key")
            .0;
        let key = listing
            .keys
            .iter()
            .find(|key| key.id.0 == *id)
            .expect("listed");
        key.full.clone().expect("in full")
    };
    let check = |key| run(check_key(&world.port, &world.clock, &world.place, &key)).expect("alive");
    assert_eq!(
        check(of(&|row| row["name"] == "claude-code &amp; laptop")).ok(),
        Some(Some(2))
    );
    let trouble =
        |wanted: &dyn Fn(&Row) -> bool| check(of(wanted)).err().map(|error| error.trouble());
    // A key that spent its own limit answers 429, and nobody else has to wait for that.
    assert_eq!(
        trouble(&|row| row["status"] == "quota_exhausted"),
        Some(SiteTrouble::Refused)
    );
    assert_eq!(
        trouble(&|row| row["status"] == "inactive"),
        Some(SiteTrouble::Refused)
    );
    assert_eq!(
        trouble(&|row| row["group_id"].is_null()),
        Some(SiteTrouble::Refused)
    );
    let totals = |key| {
        let told = run(key_totals(&world.port, &world.clock, &world.place, &key)).expect("alive");
        told.expect("an answer").expect("totals")
    };
    let limited = totals(of(&|row| row["quota"] == 12.5));
    assert_eq!((limited.granted, limited.unlimited), (1_250_000_000, false));
    assert!(totals(of(&|row| row["name"] == "claude-code &amp; laptop")).unlimited);
}

#[test]
fn a_session_of_our_own_begins_with_a_password_and_goes_on_with_tokens_taken_once() {
    let world = World::start("sub2api", 3, 8);
    let begin = |password: &str| {
        let password = Secret::new(password.to_owned());
        let mail = "alice@relay.example";
        run(sign_in(
            &world.port,
            &world.clock,
            &world.place,
            mail,
            &password,
        ))
        .expect("alive")
    };
    let problem = |problem| Some(NoSession::Problem(problem));
    assert_eq!(begin("wrong").err(), problem(SignInProblem::NotAccepted));
    let session = begin("alice-pass-123").expect("a session");
    assert!(session.until > WorldClock.now() + 80_000_000);
    let login = session.login(Some("2".to_owned()), &world.place.base);
    let visit = relaykeep_core::site::Visit {
        http: &world.port,
        clock: &world.clock,
        place: &world.place,
        login: &login,
    };
    assert!(
        run(whoami(visit.http, visit.clock, visit.place, &login))
            .expect("alive")
            .is_ok()
    );
    let bound = |secret: &Secret| relaykeep_core::http::Bound {
        secret: secret.clone(),
        origins: vec![world.place.base.origin().to_owned()],
    };
    let turn = |token: &Secret| {
        run(refresh(
            &world.port,
            &world.clock,
            &world.place,
            &bound(token),
        ))
        .expect("alive")
    };
    let next = turn(&session.refresh).expect("a pair");
    assert!(!next.refresh.same_as(&session.refresh));
    // Taken once: a worker that died before it kept the new one signs in again.
    let again = turn(&session.refresh).err().map(|error| error.trouble());
    assert_eq!(again, Some(SiteTrouble::LoginExpired));
    assert!(turn(&next.refresh).is_ok());
    let mut foreign = bound(&next.refresh);
    foreign.origins = vec!["https://elsewhere.example".to_owned()];
    let sent = world.port.count();
    let refused = run(refresh(&world.port, &world.clock, &world.place, &foreign)).expect("alive");
    assert_eq!(refused.err(), Some(HttpError::ForeignOrigin.into()));
    assert_eq!(world.port.count(), sent);

    world.control("user", &json!({"user": "2", "second_factor": "123456"}));
    assert_eq!(
        begin("alice-pass-123").err(),
        problem(SignInProblem::SecondFactor)
    );
    world.control("sub2api", &json!({"turnstile": true}));
    world.port.watch(|_, _, request| {
        assert_ne!(request.method, Method::Post, "the password stays here");
        None
    });
    assert_eq!(
        begin("alice-pass-123").err(),
        problem(SignInProblem::Puzzle)
    );
}

#[test]
fn keys_shown_once_are_made_read_changed_and_deleted() {
    for kind in ["openrouter", "aihubmix"] {
        let world = World::start(kind, 0, 11);
        let per = if kind == "openrouter" {
            DOLLAR
        } else {
            500_000
        };
        for step in 0..25 {
            let mut dice = Dice::new(11, step);
            let before = rows(&world);
            let ids: Vec<String> = before.keys().cloned().collect();
            if ids.len() < 3 {
                let values = KeyValues {
                    name: format!("key {step}"),
                    quota: Quota::Limited(2 * per),
                    expires: Some(now() + 100_000),
                    enabled: !dice.once_in(3),
                    ..KeyValues::default()
                };
                let made = RefCell::new(vec![making(values)]);
                let shown = Shown::default();
                let ends = create(&world, &made, &shown).expect("it goes well");
                assert_eq!(ends, [KeyEnd::Done], "{kind}, step {step}");
                let shown = shown.into_inner();
                let id = &shown[0].id.0;
                let full = shown[0].full.as_ref().expect("shown");
                let row = rows(&world).into_iter().find(|(_, row)| {
                    row["key"].as_str() == Some(full.expose()) // compared with the site's own
                });
                assert!(row.is_some(), "{kind}: {id}");
                continue;
            }
            let id = dice.pick(&ids).clone();
            let row = &before[&id];
            let id_there = row.get("hash").or_else(|| row.get("id")).expect("an id");
            let there = id_there
                .as_str()
                .map_or_else(|| id_there.to_string(), str::to_owned);
            if dice.once_in(4) {
                let key = RemoteId(there);
                let gone = run(delete_key(&world.visit(), &key)).expect("nobody dies");
                assert_eq!(gone.ok(), Some(KeyEnd::Done), "{kind}");
                assert!(!rows(&world).contains_key(&id));
                continue;
            }
            let patch = KeyPatch {
                name: dice.once_in(2).then(|| format!("renamed {step}")),
                quota: dice.once_in(2).then_some(Quota::Limited(7 * per)),
                enabled: dice.once_in(2).then(|| dice.once_in(2)),
                ..KeyPatch::default()
            };
            let end = change(&world, &there, &patch).expect("the site answers");
            assert!(end.good(), "{kind}, step {step}: {end:?} of {patch:?}");
            let stored = rows(&world);
            assert_eq!(stored.len(), before.len());
            let now = values_of(&Secret::new(Value::Object(stored[&id].clone()).to_string()));
            let was = values_of(&Secret::new(Value::Object(row.clone()).to_string()));
            assert_eq!(
                now,
                relaykeep_core::form::patched(&was, &patch),
                "{kind}, step {step}"
            );
            for (other, row) in before.iter().filter(|(other, _)| **other != id) {
                assert_eq!(&stored[other], row, "{kind}: untouched");
            }
        }
    }
}
