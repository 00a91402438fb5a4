//! The worker dies, or an answer gets lost, before and after every request of making, changing
//! and deleting keys. What was saved is all that survives. Run again with it, there is exactly one
//! effective write of each sort, every row is as meant, and no key is left that nobody knows.
#![allow(clippy::print_stdout, reason = "the counts are part of the result")]

use std::cell::RefCell;
use std::ops::ControlFlow;

use relaykeep_core::http::HttpError;
use relaykeep_core::site::{Change, RemoteKey, SiteError, change_key, create_keys, delete_key};
use relaykeep_differential::{
    End, Moment, Row, Rows, Rules, World, expected_change, expected_create, row_text, run,
};
use relaykeep_protocol::{Expiry, KeyEnd, KeyPatch, KeyValues, Making, Quota, RemoteId, Sent};
use serde_json::{Value, json};

const USABLE: [&str; 2] = ["default", "vip"];
/// No flow here sends more requests than this in one run.
const MOST_REQUESTS: usize = 30;

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Death,
    TimedOut,
    Cut,
    /// The network went while the answer was on its way.
    Offline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Strike {
    request: usize,
    moment: Moment,
    blow: Blow,
}

impl Strike {
    /// Before and after each request, in every way, until a run ends without being struck.
    fn all() -> impl Iterator<Item = Self> {
        (1..=MOST_REQUESTS).flat_map(|request| {
            [Moment::Before, Moment::After]
                .into_iter()
                .flat_map(move |moment| {
                    [Blow::Death, Blow::TimedOut, Blow::Cut, Blow::Offline].map(|blow| Self {
                        request,
                        moment,
                        blow,
                    })
                })
        })
    }

    /// Strikes once in the next run.
    fn aim(self, world: &World) {
        let mut left = true;
        world.port.watch(move |moment, number, _| {
            if !left || number != self.request || moment != self.moment {
                return None;
            }
            left = false;
            Some(match self.blow {
                Blow::Death => End::Death,
                Blow::TimedOut => End::Lost(HttpError::TimedOut),
                Blow::Cut => End::Lost(HttpError::Cut),
                Blow::Offline => End::Lost(HttpError::Offline),
            })
        });
    }
}

/// Succeeded writes by route since the last reset.
fn succeeded(world: &World, route: &str) -> u64 {
    world.told("writes")["routes"][route]["succeeded"]
        .as_u64()
        .unwrap_or(0)
}

fn now() -> i64 {
    use relaykeep_core::ports::Clock as _;
    i64::try_from(relaykeep_differential::WorldClock.now() / 1000).expect("a date of our time")
}

fn fresh(rules: Rules) -> World {
    let world = World::start(rules.kind(), 5, 7);
    world.writes();
    world
}

/// The rows but for some ids.
fn but(rows: &Rows, ids: &[i64]) -> Rows {
    let rest = rows.iter().filter(|(id, _)| !ids.contains(id));
    rest.map(|(id, row)| (*id, row.clone())).collect()
}

fn wanted(taken: &str) -> Vec<KeyValues> {
    let one = KeyValues {
        name: "a new name".to_owned(),
        quota: Quota::Limited(7_000),
        expires: Some(4_000_000_000),
        models: Some(vec!["gpt-4o".to_owned()]),
        enabled: true,
        ..KeyValues::default()
    };
    // Its name is taken and it is to be off: it is made under a drawn name, renamed, disabled.
    let two = KeyValues {
        name: taken.to_owned(),
        quota: Quota::Unlimited,
        enabled: false,
        ..one.clone()
    };
    vec![one, two]
}

/// Runs until an end is there that is none of "ask again". What `save` was given is all that is
/// kept from run to run.
fn make(
    world: &World,
    journal: &RefCell<Vec<Making>>,
    strikes: &[Strike],
) -> Result<Vec<KeyEnd>, String> {
    for number in 0..4 {
        if let Some(strike) = strikes.get(number) {
            strike.aim(world);
        }
        let mut making = journal.borrow().clone();
        let mut drawn = 0;
        let draw = || {
            drawn += 1;
            format!("rk-{number}-{drawn}")
        };
        let save = async |making: &[Making]| {
            *journal.borrow_mut() = making.to_vec();
            ControlFlow::Continue(())
        };
        let visit = world.visit();
        let ended = run(create_keys(
            &visit,
            &mut making,
            draw,
            save,
            relaykeep_differential::shown_to_nobody,
        ));
        world.port.leave_alone();
        match ended {
            Some(Ok(created)) if !created.ends.iter().any(KeyEnd::again) => return Ok(created.ends),
            Some(Ok(_) | Err(SiteError::Http(_) | SiteError::Trouble(..))) | None => {}
        }
    }
    Err("did not come to an end in four runs".to_owned())
}

/// Makes two keys through these strikes, and checks that both are there once.
fn made_once(rules: Rules, strikes: &[Strike]) -> World {
    let case = format!("{rules:?} {strikes:?}");
    let world = fresh(rules);
    let before = world.rows();
    let newest = *before.keys().next_back().expect("keys");
    let taken = before[&newest]["name"].as_str().expect("a name").to_owned();
    let wanted = wanted(&taken);
    let making = |values: &KeyValues| Making {
        values: values.clone(),
        called: String::new(),
        sent: false,
        id: None,
        once: String::new(),
        rest: String::new(),
        read: false,
    };
    let journal = RefCell::new(wanted.iter().map(making).collect::<Vec<_>>());
    let ends = make(&world, &journal, strikes).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(ends.iter().all(KeyEnd::good), "{case}: {ends:?}");
    let after = world.rows();
    let id = |one: &Making| one.id.as_ref().expect("found").0.parse::<i64>();
    let ids: Vec<i64> = journal
        .borrow()
        .iter()
        .map(|one| id(one).expect("a number"))
        .collect();
    assert_eq!(but(&after, &ids), before, "{case}: another key changed");
    assert_eq!(after.len(), before.len() + wanted.len(), "{case}");
    for (id, values) in ids.iter().zip(&wanted) {
        let meant = expected_create(rules, values, &USABLE).expect("not refused");
        for (column, value) in &meant {
            let row = row_text(&after[id]);
            assert_eq!(&after[id][column], value, "{case}: {column} of {row}");
        }
    }
    for (route, times) in [
        ("POST /api/token/", 2),
        // The one that was made under a drawn name.
        ("PUT /api/token/", 1),
        ("PUT /api/token/?status_only", 1),
    ] {
        assert_eq!(succeeded(&world, route), times, "{case}: {route}");
    }
    world
}

#[test]
fn a_key_is_made_once_wherever_it_was_interrupted() {
    for rules in Rules::ALL {
        let mut cases = 0;
        for strike in Strike::all() {
            let world = made_once(rules, &[strike]);
            cases += 1;
            if was_spared(&world, strike) {
                break;
            }
        }
        println!("{rules:?}: {cases} interrupted creations");
    }
}

/// Dead twice: the second time while it finds out how far it came the first time.
#[test]
fn a_key_is_made_once_also_after_two_deaths() {
    let deaths =
        || Strike::all().filter(|strike| strike.blow == Blow::Death && strike.request <= 8);
    for rules in Rules::ALL {
        let mut cases = 0;
        for first in deaths() {
            for second in deaths() {
                made_once(rules, &[first, second]);
                cases += 1;
            }
        }
        println!("{rules:?}: {cases} creations interrupted twice");
    }
}

/// The answer was lost, the key arrived late, and somebody made another of the same name.
#[test]
fn where_two_have_the_name_no_third_is_made() {
    for rules in Rules::ALL {
        let world = fresh(rules);
        let values = wanted("")[0].clone();
        let twin = json!({"name": values.name});
        world.control("keys", &json!({"add": [twin, twin]}));
        world.writes();
        let before = world.rows();
        let lost = Making {
            called: values.name.clone(),
            values,
            sent: true,
            id: None,
            once: "once".to_owned(),
            rest: String::new(),
            read: false,
        };
        let journal = RefCell::new(vec![lost]);
        assert!(make(&world, &journal, &[]).is_err(), "{rules:?}: in doubt");
        assert_eq!(succeeded(&world, "POST /api/token/"), 0, "{rules:?}");
        assert_eq!(world.rows(), before, "{rules:?}");
    }
}

/// The strike lay beyond the last request of an undisturbed run: everything before was tried.
fn was_spared(world: &World, strike: Strike) -> bool {
    let requests = world.told("state")["requests"].as_u64().unwrap_or(0);
    usize::try_from(requests).is_ok_and(|requests| strike.request > requests)
}

/// An exhausted key gets a name, a limit and its freedom: a replace and a status.
fn revived() -> KeyPatch {
    KeyPatch {
        name: Some("alive again".to_owned()),
        quota: Some(Quota::Limited(90_000)),
        expires: Some(Expiry::Never),
        enabled: Some(true),
        ..KeyPatch::default()
    }
}

struct Edit {
    world: World,
    id: i64,
    before: Rows,
}

impl Edit {
    fn begin(rules: Rules) -> Self {
        let world = fresh(rules);
        let id = *world.rows().keys().next_back().expect("keys");
        let odd = json!({"id": id, "status": 4, "unlimited_quota": false, "remain_quota": 0,
            "used_quota": 1_000, "extra": {"kept": [1, 2, {"é": null}]}});
        world.control("keys", &json!({"update": [odd]}));
        let before = world.rows();
        world.writes();
        Self { world, id, before }
    }

    /// Until it has an end. What `about_to_write` was given is all that is kept.
    fn change(&self, patch: &KeyPatch, between: impl Fn(&World)) -> Result<KeyEnd, String> {
        self.change_late(patch, between, |_| {})
    }

    /// `late` happens between the reading and each write.
    fn change_late(
        &self,
        patch: &KeyPatch,
        between: impl Fn(&World),
        late: impl Fn(&World),
    ) -> Result<KeyEnd, String> {
        let journal: RefCell<Option<Sent>> = RefCell::new(None);
        for run_number in 0..4 {
            if run_number > 0 {
                between(&self.world);
            }
            let sent = journal.borrow().clone();
            let how = Change {
                seen: None,
                sent: sent.as_ref(),
                used_then: None,
                made: None,
            };
            let save = async |note: Sent, _: &RemoteKey| {
                *journal.borrow_mut() = Some(note);
                late(&self.world);
                ControlFlow::Continue(())
            };
            let id = RemoteId(self.id.to_string());
            let visit = self.world.visit();
            let ended = run(change_key(&visit, &id, patch, how, save));
            self.world.port.leave_alone();
            if let Some(Ok(changed)) = ended {
                return Ok(changed.end);
            }
        }
        Err("did not come to an end in four runs".to_owned())
    }
}

#[test]
fn a_key_is_changed_once_wherever_it_was_interrupted() {
    for rules in Rules::ALL {
        let mut cases = 0;
        for strike in Strike::all() {
            let edit = Edit::begin(rules);
            let patch = revived();
            strike.aim(&edit.world);
            let case = format!("{rules:?} {strike:?}");
            let end = edit
                .change(&patch, |_| {})
                .unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(
                matches!(end, KeyEnd::Done | KeyEnd::AlreadySo),
                "{case}: {end:?}"
            );
            let meant = expected_change(rules, &edit.before[&edit.id], &patch, now(), &USABLE);
            let after = edit.world.rows();
            assert_eq!(row_text(&after[&edit.id]), row_text(&meant.row), "{case}");
            assert_eq!(
                but(&after, &[edit.id]),
                but(&edit.before, &[edit.id]),
                "{case}: another key changed"
            );
            assert_eq!(succeeded(&edit.world, "PUT /api/token/"), 1, "{case}");
            assert_eq!(
                succeeded(&edit.world, "PUT /api/token/?status_only"),
                1,
                "{case}"
            );
            cases += 1;
            if was_spared(&edit.world, strike) {
                break;
            }
        }
        println!("{rules:?}: {cases} interrupted changes");
    }
}

/// The worker dies in the middle of setting a limit, the key spends, and the worker comes back:
/// what was spent after the limit was set stays spent, and the limit is not set a second time.
#[test]
fn a_limit_set_before_the_worker_died_is_not_given_back() {
    const SPENT: i64 = 333;
    for rules in Rules::ALL {
        for strike in Strike::all().filter(|strike| strike.blow == Blow::Death) {
            let edit = Edit::begin(rules);
            let mut odd = Row::new();
            odd.insert("id".to_owned(), json!(edit.id));
            odd.insert("status".to_owned(), json!(1));
            odd.insert("remain_quota".to_owned(), json!(5_000));
            edit.world
                .control("keys", &json!({"update": [Value::Object(odd)]}));
            edit.world.writes();
            let patch = KeyPatch {
                quota: Some(Quota::Limited(90_000)),
                ..KeyPatch::default()
            };
            strike.aim(&edit.world);
            let arrived = RefCell::new(None);
            let case = format!("{rules:?} {strike:?}");
            let end = edit
                .change_late(
                    &patch,
                    |world| {
                        let there = succeeded(world, "PUT /api/token/") == 1;
                        *arrived.borrow_mut() = Some(there);
                        world.control("spend", &json!({"id": edit.id, "quota": SPENT}));
                    },
                    // What it spends right before the write comes there is no part of the new limit.
                    |world| {
                        world.control("spend", &json!({"id": edit.id, "quota": 50}));
                    },
                )
                .unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(
                matches!(end, KeyEnd::Done | KeyEnd::AlreadySo),
                "{case}: {end:?}"
            );
            let meant = match *arrived.borrow() {
                Some(true) => 90_000 - SPENT,
                Some(false) | None => 90_000,
            };
            assert_eq!(edit.world.rows()[&edit.id]["remain_quota"], meant, "{case}");
            assert_eq!(succeeded(&edit.world, "PUT /api/token/"), 1, "{case}");
            if was_spared(&edit.world, strike) {
                break;
            }
        }
    }
}

#[test]
fn a_key_is_deleted_once_wherever_it_was_interrupted() {
    for rules in Rules::ALL {
        let mut cases = 0;
        for strike in Strike::all() {
            let world = fresh(rules);
            let before = world.rows();
            let id = *before.keys().next_back().expect("keys");
            strike.aim(&world);
            let mut ended = None;
            for _ in 0..4 {
                let remote = RemoteId(id.to_string());
                if let Some(Ok(end)) = run(delete_key(&world.visit(), &remote)) {
                    ended = Some(end);
                    break;
                }
                world.port.leave_alone();
            }
            let case = format!("{rules:?} {strike:?}");
            assert!(
                matches!(ended, Some(KeyEnd::Done | KeyEnd::Gone)),
                "{case}: {ended:?}"
            );
            assert_eq!(world.rows(), but(&before, &[id]), "{case}");
            assert_eq!(succeeded(&world, "DELETE /api/token/:id"), 1, "{case}");
            cases += 1;
            if was_spared(&world, strike) {
                break;
            }
        }
        println!("{rules:?}: {cases} interrupted deletions");
    }
}
