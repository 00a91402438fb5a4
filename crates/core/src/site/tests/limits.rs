//! The budget of one origin.

use crate::http::Bucket;
use crate::site::budget::Budget;

const START: u64 = 1_795_200_000_000;

#[test]
fn fifteen_critical_uses_in_twenty_minutes_and_no_more() {
    let mut budget = Budget::default();
    for use_ in 0..15 {
        let now = START + use_ * 1_000;
        assert_eq!(budget.may_send(Bucket::Critical, now), Ok(()), "use {use_}");
        assert_eq!(
            budget.critical_left(now),
            15 - usize::try_from(use_).unwrap()
        );
        budget.note_sent(Bucket::Critical, now);
    }
    let now = START + 15_000;
    assert_eq!(
        budget.may_send(Bucket::Critical, now),
        Err(START + 1_200_000)
    );
    assert_eq!(budget.critical_left(now), 0);
    assert_eq!(budget.may_send(Bucket::Ordinary, now), Ok(()));
    assert_eq!(
        budget.may_send(Bucket::Critical, START + 1_199_999),
        Err(START + 1_200_000)
    );
    assert_eq!(budget.may_send(Bucket::Critical, START + 1_200_000), Ok(()));
}

#[test]
fn never_are_more_than_150_requests_sent_in_any_180_seconds() {
    let mut budget = Budget::default();
    let mut sent: Vec<u64> = Vec::new();
    let mut now = START + 7;
    while now < START + 900_000 {
        if budget.may_send(Bucket::Ordinary, now).is_ok() {
            budget.note_sent(Bucket::Ordinary, now);
            sent.push(now);
        }
        now += 137;
    }
    assert!(
        sent.len() > 500,
        "it goes on after each pause: {}",
        sent.len()
    );
    for (at, first) in sent.iter().enumerate() {
        let within = sent[at..]
            .iter()
            .take_while(|later| *later - first < 180_000)
            .count();
        assert!(within <= 150, "{within}");
    }
}

#[test]
fn a_refused_moment_is_one_at_which_it_works() {
    let mut budget = Budget::default();
    let mut now = START;
    for _ in 0..600 {
        if let Err(until) = budget.may_send(Bucket::Critical, now) {
            assert!(until > now && until <= now + 1_210_000);
            now = until;
            assert_eq!(budget.may_send(Bucket::Critical, now), Ok(()));
        }
        budget.note_sent(Bucket::Critical, now);
        now += 50;
    }
}

#[test]
fn a_sites_own_limit_holds_its_bucket_and_the_wide_one_holds_both() {
    let mut budget = Budget::default();
    budget.note_limited(Bucket::Critical, START + 60_000);
    assert_eq!(
        budget.may_send(Bucket::Critical, START),
        Err(START + 60_000)
    );
    assert_eq!(budget.may_send(Bucket::Ordinary, START), Ok(()));
    budget.note_limited(Bucket::Ordinary, START + 90_000);
    budget.note_limited(Bucket::Ordinary, START + 10_000);
    assert_eq!(
        budget.may_send(Bucket::Critical, START),
        Err(START + 90_000)
    );
    assert_eq!(
        budget.may_send(Bucket::Ordinary, START + 89_999),
        Err(START + 90_000)
    );
    assert_eq!(budget.may_send(Bucket::Ordinary, START + 90_000), Ok(()));
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let mut budget = Budget::default();
    let wrong = START + 400 * 86_400_000;
    for _ in 0..15 {
        budget.note_sent(Bucket::Critical, wrong);
    }
    budget.note_limited(Bucket::Ordinary, wrong + 180_000);
    assert!(budget.may_send(Bucket::Critical, wrong).is_err());
    assert_eq!(budget.may_send(Bucket::Critical, START), Ok(()));
    // Set back by a little, the uses count as of now.
    let mut budget = Budget::default();
    for _ in 0..15 {
        budget.note_sent(Bucket::Critical, START);
    }
    assert_eq!(
        budget.may_send(Bucket::Critical, START - 60_000),
        Err(START + 1_140_000)
    );
}

#[test]
fn a_budget_survives_being_written_down_and_is_idle_after_a_while() {
    let mut budget = Budget::default();
    assert!(budget.is_idle(START));
    for _ in 0..10 {
        budget.note_sent(Bucket::Critical, START);
    }
    budget.note_limited(Bucket::Critical, START + 5_000);
    let text = serde_json::to_string(&budget).unwrap();
    assert_eq!(serde_json::from_str::<Budget>(&text).unwrap(), budget);
    assert!(!budget.is_idle(START + 1_000_000));
    assert!(budget.is_idle(START + 1_300_000));
    assert_eq!(
        serde_json::from_str::<Budget>("{}").unwrap(),
        Budget::default()
    );
}
