//! A seeded random sequence of creates, edits, toggles, deletes and spendings, through the core
//! against every server generation. After each step every row the server stores equals the model
//! in every column, columns nobody knows included, and keys that were not meant are untouched.
//!
//! `RELAYKEEP_SEEDS=7,8` runs other seeds, `RELAYKEEP_STEPS=50` other lengths.
#![allow(clippy::print_stdout, reason = "the counts are part of the result")]

mod steps;

use relaykeep_differential::Rules;
use steps::{Failure, Tally, play};

const STEPS: u64 = 200;
const SEEDS: [u64; 5] = [1, 2, 3, 20_260_815, 4_000_000_007];

fn setting(name: &str) -> Option<Vec<u64>> {
    let text = std::env::var(name).ok()?;
    Some(
        text.split(',')
            .map(|word| word.trim().parse().expect("a number"))
            .collect(),
    )
}

fn differential(rules: Rules) {
    let seeds = setting("RELAYKEEP_SEEDS").unwrap_or_else(|| SEEDS.to_vec());
    let count = setting("RELAYKEEP_STEPS").map_or(STEPS, |counts| counts[0]);
    let mut all = Tally::default();
    for seed in seeds {
        let steps: Vec<u64> = (0..count).collect();
        match play(rules, seed, &steps) {
            Ok(tally) => all.add(&tally),
            Err(failure) => {
                let (steps, failure) = shortest(rules, seed, steps, failure);
                panic!(
                    "{rules:?}, seed {seed}: {}\nshortest history, {} steps {steps:?}:\n{}",
                    failure.what,
                    steps.len(),
                    failure.history.join("\n")
                );
            }
        }
    }
    println!("{rules:?}: {all}");
    assert!(
        all.covers_everything(),
        "{rules:?} left something out: {all}"
    );
}

/// Leaves steps out, ever smaller pieces, as long as something still fails.
fn shortest(rules: Rules, seed: u64, steps: Vec<u64>, failure: Failure) -> (Vec<u64>, Failure) {
    let upto = failure.history.len();
    let mut steps: Vec<u64> = steps.into_iter().take(upto).collect();
    let mut best = failure;
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let end = (at + piece).min(steps.len());
            let fewer: Vec<u64> = [&steps[..at], &steps[end..]].concat();
            match play(rules, seed, &fewer) {
                Err(failure) => {
                    steps = fewer.into_iter().take(failure.history.len()).collect();
                    best = failure;
                }
                Ok(_) => at = end,
            }
        }
        piece /= 2;
    }
    (steps, best)
}

#[test]
fn new_api_of_april_2025_stores_what_was_meant() {
    differential(Rules::April2025);
}

#[test]
fn new_api_of_the_cookie_era_stores_what_was_meant() {
    differential(Rules::Cookie);
}

#[test]
fn new_api_of_the_jwt_era_stores_what_was_meant() {
    differential(Rules::Jwt);
}

#[test]
fn one_api_stores_what_was_meant() {
    differential(Rules::OneApi);
}

#[test]
fn veloera_stores_what_was_meant() {
    differential(Rules::Veloera);
}

#[test]
fn one_hub_stores_what_was_meant() {
    differential(Rules::OneHub);
}

#[test]
fn done_hub_stores_what_was_meant() {
    differential(Rules::DoneHub);
}
