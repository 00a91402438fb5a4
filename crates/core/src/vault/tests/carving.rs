//! Somebody carves all that was ever written from the browser's logs.

use super::*;
use crate::vault::object::claimed_epoch;
use crate::vault::slot::{Opener, Slot};

/// All texts ever given to either store, as logs keep them.
fn carve(world: &TestWorld) -> Vec<String> {
    let logs = [&world.local, &world.mirror].map(|store| store.log.borrow().clone());
    logs.into_iter().flatten().map(|(_, text)| text).collect()
}

/// Every body that these openers reach, through every slot and every object ever written.
fn recover(carved: &[String], openers: &[Opener]) -> SortedSet<String> {
    let slots = carved.iter().filter_map(|text| Slot::read(text));
    let unique: SortedMap<_, _> = slots.map(|slot| (slot.text(), slot)).collect();
    let mut bodies = SortedSet::new();
    for slot in unique.values() {
        for opener in openers {
            let Ok(master) = slot.open(opener) else {
                continue;
            };
            // Whoever holds a master key tries it for every epoch.
            for epoch in 1..5 {
                let keys = Keys::derive(&master, slot.vault_id(), epoch);
                for text in carved.iter().filter(|text| claimed_epoch(text).is_some()) {
                    for class in [
                        Class::Root,
                        Class::List,
                        Class::Site,
                        Class::Secret,
                        Class::Job,
                    ] {
                        if let Ok(opened) = object::open(&keys, class, text) {
                            bodies.extend(opened.body().map(str::to_owned));
                        }
                    }
                }
            }
        }
    }
    bodies
}

fn canaries(when: &str) -> Vec<Change> {
    [Kind::Account, Kind::Login, Kind::Keys, Kind::Raw, Kind::Own]
        .map(|kind| put(id(0x44, kind, 0), &format!("\"canary {when} {kind:?}\"")))
        .into()
}

#[track_caller]
fn check_switch(from: &Protection, to: &Protection) {
    let world = TestWorld::new();
    let made = now(create_with(world.ports(), from, &[WEAK])).expect("made");
    let mut vault = world.open(made.keys);
    world.write(&mut vault, canaries("before"));
    now(vault.reseal_with(world.ports(), to, &[WEAK])).expect("changed");
    world.write(&mut vault, canaries("after"));
    now(vault.write_job(world.ports(), 0, "\"canary after job\"")).expect("written");
    now(vault.sweep(world.ports())).expect("swept");
    let carved = carve(&world);
    // No body is ever there in the clear.
    assert!(!carved.iter().any(|text| text.contains("canary")));
    let with_old = recover(&carved, &[from.opener().expect("an opener")]);
    assert!(
        with_old.iter().any(|body| body.contains("canary before")),
        "the carving works"
    );
    assert!(
        !with_old.iter().any(|body| body.contains("after")),
        "{with_old:?}"
    );
    let with_new = recover(&carved, &[to.opener().expect("an opener")]);
    assert!(
        with_new.iter().any(|body| body.contains("canary after")),
        "the carving works"
    );
}

#[test]
fn after_a_switch_to_a_passphrase_the_old_device_key_recovers_nothing_saved_since() {
    check_switch(&device(), &passphrase("correct horse"));
}

#[test]
fn after_a_change_the_old_passphrase_recovers_nothing_saved_since() {
    check_switch(&passphrase("correct horse"), &passphrase("battery staple"));
}

#[test]
fn a_change_fills_the_logs_three_times_over_and_leaves_no_filler() {
    let (world, mut vault) = TestWorld::with_device();
    world.write(&mut vault, canaries("before"));
    for store in [&world.local, &world.mirror] {
        store.log.borrow_mut().clear();
    }
    now(vault.reseal_with(world.ports(), &device_key(8), &[WEAK])).expect("changed");
    for store in [&world.local, &world.mirror] {
        let log = store.log.borrow();
        let filler = log.iter().filter(|(name, _)| name.starts_with("rk1/f/"));
        let bytes: usize = filler.map(|(_, text)| text.len()).sum();
        assert!(bytes >= 3 * 4 * 1024 * 1024, "{bytes}");
        assert_eq!(store.names_with("rk1/f/"), [""; 0]);
    }
    // And nothing of the old epoch is left under any name.
    for store in [&world.local, &world.mirror] {
        for (name, text) in store.held.borrow().iter() {
            let old = claimed_epoch(text) == Some(1)
                || Slot::read(text).is_some_and(|slot| slot.epoch() == 1);
            assert!(!old, "{name}");
        }
    }
}
