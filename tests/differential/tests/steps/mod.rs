//! The steps of a random history, and what is checked after each.

mod chance;
mod change;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use chance::{foreign_edit, key_values};
use relaykeep_core::site::{RemoteKey, create_keys, delete_key};
use relaykeep_differential::{Dice, Row, Rows, Rules, World, expected_create, row_text, run};
use relaykeep_protocol::{KeyEnd, KeyValues, Making, RemoteId, SiteTrouble};
use serde_json::{Value, json};

/// Groups a user may select on a fresh simulated site.
pub(crate) const USABLE: [&str; 2] = ["default", "vip"];

/// What went wrong, after which steps.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) history: Vec<String>,
}

/// What a history did, so that no part of it is missing without notice.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, u32>);

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(crate) fn covers_everything(&self) -> bool {
        let all = [
            "created",
            "done",
            "already so",
            "refused",
            "deleted",
            "gone",
            "spent",
            "still",
            "differs",
            "interrupted",
        ];
        std::env::var("RELAYKEEP_STEPS").is_ok()
            || all.into_iter().all(|what| self.0.contains_key(what))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        out.write_str(&words.join(", "))
    }
}

/// A history being played.
struct Play {
    rules: Rules,
    world: World,
    /// What the user meant, and what others did at the site.
    meant: Rows,
    tally: Tally,
    drawn: u32,
}

/// Plays these steps of a seed's history on a fresh site.
pub(crate) fn play(rules: Rules, seed: u64, steps: &[u64]) -> Result<Tally, Failure> {
    let world = World::start(rules.kind(), 14, seed);
    let meant = world.rows();
    let mut play = Play {
        rules,
        world,
        meant,
        tally: Tally::default(),
        drawn: 0,
    };
    let mut history = Vec::new();
    for step in steps {
        let mut dice = Dice::new(seed, *step);
        let mut told = String::new();
        let done = play.step(&mut dice, &mut told);
        history.push(format!("{step}: {told}"));
        if let Err(what) = done {
            return Err(Failure { what, history });
        }
    }
    Ok(play.tally)
}

fn remote(id: i64) -> RemoteId {
    RemoteId(id.to_string())
}

fn unix_now() -> i64 {
    use relaykeep_core::ports::Clock as _;
    i64::try_from(relaykeep_differential::WorldClock.now() / 1000).expect("a date of our time")
}

impl Play {
    fn step(&mut self, dice: &mut Dice, told: &mut String) -> Result<(), String> {
        self.world.writes();
        let chosen = self.choose(dice);
        match (dice.below(100), chosen) {
            (0..14, _) | (_, None) => self.create(dice, told),
            (14..16, Some(_)) => self.change_gone(dice, told),
            (16..70, Some(id)) => self.change(dice, id, told),
            (70..80, Some(id)) => self.toggle(dice, id, told),
            (80..85, Some(id)) => self.delete(dice, id, told),
            (85..92, Some(id)) => self.spend(dice, id, told),
            (92..96, Some(id)) => self.use_key(id, told),
            (_, Some(id)) => self.elsewhere(dice, id, told),
        }?;
        self.compare(&[], None)
    }

    fn choose(&self, dice: &mut Dice) -> Option<i64> {
        if self.meant.is_empty() {
            return None;
        }
        let ids: Vec<i64> = self.meant.keys().copied().collect();
        Some(*dice.pick(&ids))
    }

    /// Every stored row against what was meant; `or_kept` columns of one key may be as before.
    fn compare(&mut self, or_kept: &[&str], of: Option<(i64, &Row)>) -> Result<(), String> {
        let stored = self.world.rows();
        let ids = |rows: &Rows| rows.keys().copied().collect::<Vec<_>>();
        if ids(&stored) != ids(&self.meant) {
            return Err(format!(
                "keys {:?} are there, meant {:?}",
                ids(&stored),
                ids(&self.meant)
            ));
        }
        let mut wrong = Vec::new();
        for (id, row) in &stored {
            let meant = self.meant.get_mut(id).expect("the same ids");
            let columns = row
                .keys()
                .chain(meant.keys().filter(|name| !row.contains_key(*name)));
            let columns: Vec<String> = columns.cloned().collect();
            for column in columns {
                let (got, want) = (row.get(&column), meant.get(&column).cloned());
                if got == want.as_ref() {
                    continue;
                }
                let kept = of
                    .filter(|(one, _)| one == id)
                    .and_then(|(_, before)| before.get(&column));
                if let (true, Some(got), true) =
                    (kept == got, got, or_kept.contains(&column.as_str()))
                {
                    meant.insert(column, got.clone());
                    continue;
                }
                let show =
                    |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
                wrong.push(format!(
                    "key {id}, {column}: stored {}, meant {}",
                    show(got),
                    show(want.as_ref())
                ));
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    /// What a key read by the core says, against the rows.
    fn compare_read(read: &RemoteKey, stored: &Rows) -> Result<(), String> {
        let plain = |row: &Row| {
            let mut row = row.clone();
            row.remove("key");
            row
        };
        let row: Row =
            serde_json::from_str(read.raw.expose()).map_err(|error| error.to_string())?;
        let id = row["id"].as_i64().unwrap_or(0);
        let held = stored
            .get(&id)
            .ok_or_else(|| format!("key {id} was read and is not there"))?;
        if plain(&row) == plain(held) {
            Ok(())
        } else {
            let (read, held) = (row_text(&row), row_text(held));
            Err(format!("read {read}, stored {held}"))
        }
    }

    fn create(&mut self, dice: &mut Dice, told: &mut String) -> Result<(), String> {
        let count = 1 + dice.below(3);
        let wanted: Vec<KeyValues> = (0..count).map(|_| key_values(dice, self.rules)).collect();
        *told = format!("create {wanted:?}");
        let mut making: Vec<Making> = wanted
            .iter()
            .map(|values| Making {
                values: values.clone(),
                called: String::new(),
                sent: false,
                id: None,
                once: String::new(),
                rest: String::new(),
                read: false,
            })
            .collect();
        let newest = self.meant.keys().next_back().copied().unwrap_or(0);
        let from = unix_now();
        let visit = self.world.visit();
        let drawn = &mut self.drawn;
        let draw = || {
            *drawn += 1;
            format!("rk-{drawn:06}")
        };
        let save = async |_: &[Making]| ControlFlow::Continue(());
        let created = run(create_keys(
            &visit,
            &mut making,
            draw,
            save,
            relaykeep_differential::shown_to_nobody,
        ))
        .expect("nobody dies")
        .map_err(|error| format!("create: {error:?}"))?;
        let stored = self.world.rows();
        let mut good = 0;
        for ((values, end), making) in wanted.iter().zip(&created.ends).zip(&making) {
            let expected = expected_create(self.rules, values, &USABLE);
            match (expected, end) {
                (None, KeyEnd::Failed(SiteTrouble::Refused, Some(_))) => {
                    self.tally.count("refused")
                }
                (Some(row), KeyEnd::Done) => {
                    good += 1;
                    self.tally.count("created");
                    let id = making.id.as_ref().and_then(|id| id.0.parse::<i64>().ok());
                    let id = id
                        .filter(|id| *id > newest)
                        .ok_or("a new key has no id of its own")?;
                    let mut row = row;
                    let made = stored.get(&id).ok_or("a new key is not there")?;
                    // What the server alone decides, as far as it must be.
                    for (column, right) in [
                        ("id", made["id"] == id),
                        (
                            "key",
                            made["key"]
                                .as_str()
                                .is_some_and(|key| key.len() == self.rules.key_length()),
                        ),
                        (
                            "created_time",
                            made["created_time"].as_i64().is_some_and(|at| at >= from),
                        ),
                        (
                            "accessed_time",
                            made["accessed_time"].as_i64().is_some_and(|at| at >= from),
                        ),
                    ] {
                        if !right {
                            return Err(format!("a new key's {column} is {}", made[column]));
                        }
                        row.insert(column.to_owned(), made[column].clone());
                    }
                    if self.meant.insert(id, row).is_some() {
                        return Err(format!("key {id} was made twice"));
                    }
                }
                (expected, end) => {
                    let meant = if expected.is_some() {
                        "made"
                    } else {
                        "refused"
                    };
                    return Err(format!("ended {end:?}, meant to be {meant}: {values:?}"));
                }
            }
        }
        for key in created.listing.keys.iter().filter(|_| good > 0) {
            Self::compare_read(key, &stored)?;
        }
        Ok(())
    }

    fn delete(&mut self, dice: &mut Dice, id: i64, told: &mut String) -> Result<(), String> {
        let there = !dice.once_in(4);
        let id = if there { id } else { id + 1_000_000 };
        *told = format!("delete {id}");
        let end = run(delete_key(&self.world.visit(), &remote(id)))
            .expect("nobody dies")
            .map_err(|error| format!("delete: {error:?}"))?;
        let meant = if there { KeyEnd::Done } else { KeyEnd::Gone };
        self.tally.count(if there { "deleted" } else { "gone" });
        self.meant.remove(&id);
        if end == meant {
            Ok(())
        } else {
            Err(format!("ended {end:?}, meant {meant:?}"))
        }
    }

    fn spend(&mut self, dice: &mut Dice, id: i64, told: &mut String) -> Result<(), String> {
        let spent = self.spend_some(dice, id)?;
        *told = format!("spend {spent} with {id}");
        Ok(())
    }

    /// As one relayed call: what is left falls, what is used grows, nothing else moves.
    fn spend_some(&mut self, dice: &mut Dice, id: i64) -> Result<i64, String> {
        let quota = [1, 225, 60_000, 3_000_000][usize::try_from(dice.below(4)).expect("an index")];
        self.world
            .control("spend", &json!({"id": id, "quota": quota}));
        let used_at = self.world.rows()[&id]["accessed_time"].clone();
        let row = self.meant.get_mut(&id).ok_or("the key is there")?;
        for (column, by) in [("remain_quota", -quota), ("used_quota", quota)] {
            let was = row[column].as_i64().ok_or("a number")?;
            row.insert(column.to_owned(), json!(was + by));
        }
        row.insert("accessed_time".to_owned(), used_at);
        self.tally.count("spent");
        Ok(quota)
    }

    /// Only use writes that a key is over or empty.
    fn use_key(&mut self, id: i64, told: &mut String) -> Result<(), String> {
        *told = format!("use {id}");
        let row = self.meant.get_mut(&id).ok_or("the key is there")?;
        self.world.use_key(row);
        let number = |name: &str| row[name].as_i64().unwrap_or(0);
        let expires = number("expired_time");
        if number("status") == 1 {
            if expires != -1 && expires < unix_now() {
                // A hub's status never turns to expired by itself.
                if !self.rules.is_hub() {
                    row.insert("status".to_owned(), json!(3));
                }
            } else if row["unlimited_quota"] != true && number("remain_quota") <= 0 {
                row.insert("status".to_owned(), json!(4));
            }
        }
        Ok(())
    }

    fn elsewhere(&mut self, dice: &mut Dice, id: i64, told: &mut String) -> Result<(), String> {
        self.edit_elsewhere(dice, id)?;
        *told = format!("elsewhere {id} becomes {}", row_text(&self.meant[&id]));
        Ok(())
    }

    /// Somebody changes the key at the site, also into states that no client of ours makes.
    fn edit_elsewhere(&mut self, dice: &mut Dice, id: i64) -> Result<(), String> {
        let mut edit = foreign_edit(dice, self.rules);
        let row = self.meant.get_mut(&id).ok_or("the key is there")?;
        for (column, value) in &edit {
            let column = if column == "extra" {
                "model_blacklist"
            } else {
                column
            };
            row.insert(column.to_owned(), value.clone());
        }
        edit.insert("id".to_owned(), json!(id));
        self.world.control("keys", &json!({"update": [edit]}));
        Ok(())
    }
}
