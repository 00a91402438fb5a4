//! The program dies at any storage operation, and nothing committed is lost.

use super::*;
use relaykeep_protocol::{Notice, VaultMode};

/// Every death of a run that takes so many operations.
pub(super) fn deaths(operations: u32) -> impl Iterator<Item = Death> {
    (0..operations).flat_map(|n| [Death::Before(n), Death::After(n)])
}

type Bodies = SortedMap<RecordId, String>;

/// The history: what each commit does, and what must be there after it.
fn script() -> Vec<(Vec<Change>, Bodies)> {
    let ids = [
        id(0x10, Kind::Account, 0),
        id(0x10, Kind::Login, 0),
        id(0x10, Kind::Keys, 0),
        id(0x90, Kind::Own, 2),
        id(0xF0, Kind::Ledger, 0),
    ];
    let mut bodies = Bodies::new();
    let mut script = Vec::new();
    for step in 0..12usize {
        let mut changes = Vec::new();
        for (nth, record) in ids.iter().enumerate() {
            if (step + nth) % 3 == 0 {
                let body = format!("{{\"step\":{step}}}");
                changes.push(put(*record, &body));
                bodies.insert(*record, body);
            } else if (step * 5 + nth) % 7 == 0 {
                changes.push(Change::Delete(*record));
                bodies.remove(record);
            }
        }
        script.push((changes, bodies.clone()));
    }
    script
}

/// Plays the script, sweeping and writing a job now and then. Returns how many commits were
/// answered with yes, and the last job state that was.
fn play(world: &TestWorld, vault: &mut Vault) -> (usize, u32) {
    let (mut done, mut job) = (0, 0);
    for (step, (changes, _)) in script().into_iter().enumerate() {
        if now(vault.commit(world.ports(), changes)).is_err() {
            return (done, job);
        }
        done += 1;
        if step % 4 == 3 && now(vault.sweep(world.ports())).is_err() {
            return (done, job);
        }
        if step % 2 == 1 {
            let state = step as u32;
            if now(vault.write_job(world.ports(), 1, &format!("{state}"))).is_err() {
                return (done, job);
            }
            job = state;
        }
    }
    (done, job)
}

#[test]
fn nothing_committed_is_lost_wherever_the_program_dies() {
    let (start, vault) = TestWorld::with_device();
    let keys = vault.keys().clone();
    let whole = start.copy();
    let (operations, (commits, _)) = whole.cost(|| play(&whole, &mut whole.open(keys.clone())));
    assert_eq!(commits, script().len());
    let states: Vec<_> = [Bodies::new()]
        .into_iter()
        .chain(script().into_iter().map(|(_, b)| b))
        .collect();
    for death in deaths(operations) {
        let world = start.copy();
        let mut dying = world.open(keys.clone());
        let (done, job) = world.dying(death, || play(&world, &mut dying));
        assert_eq!(now(look(world.ports())), Start::Sealed(VaultMode::Device));
        let (mut vault, notices) = world.enter(&device());
        assert_eq!(notices, [], "{death:?}");
        let all = world.all(&vault);
        let read = |state: &Bodies| {
            state.len() == all.len()
                && all
                    .iter()
                    .all(|(id, body)| body.as_ref().ok() == state.get(id))
        };
        // Either the last that was answered, or the one that nobody heard of.
        let next = states.get(done + 1);
        assert!(
            read(&states[done]) || next.is_some_and(read),
            "{death:?} after {done}: {all:?}"
        );
        let jobs = now(vault.read_jobs(world.ports()));
        let state = jobs.first().map_or(0, |(_, body)| {
            body.as_ref().expect("it opens").parse().expect("a number")
        });
        assert!(
            [job, job + 2].contains(&state) || (job, state) == (0, 1),
            "{death:?}"
        );
        // And life goes on.
        now(vault.sweep(world.ports())).expect("swept");
        let record = id(0x77, Kind::Own, 0);
        world.write(&mut vault, vec![put(record, "\"on\"")]);
        assert_eq!(
            world.all(&world.enter(&device()).0)[&record],
            Ok("\"on\"".to_owned())
        );
    }
}

#[test]
fn a_vault_cut_in_the_making_is_either_there_or_a_trace_and_never_new_with_something_lost() {
    let whole = TestWorld::new();
    let (operations, _) =
        whole.cost(|| now(create_with(whole.ports(), &device(), &[WEAK])).expect("made"));
    let mut seen = SortedSet::new();
    for death in deaths(operations) {
        let world = TestWorld::new();
        let made = world.dying(death, || {
            now(create_with(world.ports(), &device(), &[WEAK]))
        });
        let start = now(look(world.ports()));
        seen.insert(format!("{start:?}"));
        match start {
            Start::New => {
                assert!(made.is_err());
                now(create_with(world.ports(), &device(), &[WEAK])).expect("made");
            }
            Start::Sealed(_) => assert_eq!(world.all(&world.enter(&device()).0).len(), 0),
            Start::Recovery(_) => {
                assert!(made.is_err());
                now(start_over(world.ports())).expect("set aside");
                assert_eq!(now(look(world.ports())), Start::New);
                now(create_with(world.ports(), &device(), &[WEAK])).expect("made");
            }
            Start::Newer => panic!("{death:?}"),
        }
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[test]
fn a_cleared_job_never_comes_back() {
    let (start, vault) = TestWorld::with_device();
    for n in 0..3 {
        now(vault.write_job(start.ports(), 4, &format!("{n}"))).expect("written");
    }
    let keys = vault.keys().clone();
    let clear = |world: &TestWorld| {
        let vault = world.open(keys.clone());
        world.cost(|| now(vault.clear_job(world.ports(), 4)))
    };
    let (operations, _) = clear(&start.copy());
    for death in deaths(operations) {
        let world = start.copy();
        let vault = world.open(keys.clone());
        let said = world.dying(death, || now(vault.clear_job(world.ports(), 4)));
        let jobs = now(world.open(keys.clone()).read_jobs(world.ports()));
        match jobs.as_slice() {
            [] => {}
            [(4, Ok(body))] if body.as_str() == "2" => assert!(said.is_err(), "{death:?}"),
            other => panic!("{death:?}: {other:?}"),
        }
    }
    // Nor if one of its names cannot be removed.
    for half in ["rk1/j/4/0", "rk1/j/4/1"] {
        let world = start.copy();
        world.local.unwritable.borrow_mut().insert(half.to_owned());
        let vault = world.open(keys.clone());
        now(vault.clear_job(world.ports(), 4)).expect("cleared");
        assert!(
            now(world.open(keys.clone()).read_jobs(world.ports())).is_empty(),
            "{half}"
        );
    }
}

/// A change of protection of a vault that has some history and a running job.
#[track_caller]
fn check_change(from: &Protection, to: &Protection) {
    let start = TestWorld::new();
    let made = now(create_with(start.ports(), from, &[WEAK])).expect("made");
    let mut vault = start.open(made.keys);
    let records = [
        id(0x10, Kind::Login, 0),
        id(0x10, Kind::Keys, 0),
        id(0xA0, Kind::Own, 0),
    ];
    for n in 0..3 {
        let body = format!("{{\"n\":{n}}}");
        start.write(&mut vault, records.map(|record| put(record, &body)).into());
        now(vault.write_job(start.ports(), 2, &n.to_string())).expect("written");
    }
    let keys = vault.keys().clone();
    let expected: SortedMap<_, _> = records
        .into_iter()
        .map(|record| (record, Ok("{\"n\":2}".to_owned())))
        .collect();
    let change =
        |world: &TestWorld, vault: &mut Vault| now(vault.reseal_with(world.ports(), to, &[WEAK]));
    let whole = start.copy();
    let (operations, done) = {
        let mut vault = whole.open(keys.clone());
        whole.cost(|| change(&whole, &mut vault))
    };
    assert_eq!(done.expect("changed").records, 3);
    let mut said = Vec::new();
    for death in deaths(operations) {
        let world = start.copy();
        let mut dying = world.open(keys.clone());
        let changed = world.dying(death, || change(&world, &mut dying)).is_ok();
        let before = [from, to].map(|protection| world.copy().unlock(protection).is_ok());
        assert_ne!(before, [false, false], "{death:?}");
        assert!(!changed || before[1], "{death:?}");
        let with = if before[0] { from } else { to };
        let start = now(look(world.ports()));
        let mode = match with {
            Protection::Passphrase(_) => VaultMode::Passphrase,
            Protection::Device(_) => VaultMode::Device,
        };
        assert_eq!(start, Start::Sealed(mode), "{death:?}");
        let (mut vault, notices) = world.enter(with);
        said.push((before, notices.clone()));
        assert!(
            notices.iter().all(|n| *n == Notice::ChangeFinished),
            "{death:?} {notices:?}"
        );
        assert_eq!(world.all(&vault), expected, "{death:?}");
        let jobs = now(vault.read_jobs(world.ports()));
        assert!(
            matches!(jobs.as_slice(), [(2, Ok(body))] if body.as_str() == "2"),
            "{death:?}"
        );
        // After that exactly one of them opens, and only its slots are left.
        let after = [from, to].map(|protection| world.copy().unlock(protection).is_ok());
        assert_ne!(after[0], after[1], "{death:?}");
        assert_eq!(after, [before[0], !before[0]], "{death:?}");
        for store in [&world.local, &world.mirror] {
            for name in store.names_with("rk1/s/") {
                let slot = slot::Slot::read(&store.text(&name).expect("there")).expect("sound");
                assert_eq!(slot.epoch(), vault.keys().epoch(), "{death:?} {name}");
            }
        }
        // A second try goes through, and a sweep leaves nothing of what was cut.
        if before[0] {
            change(&world, &mut vault).expect("changed");
        }
        now(vault.sweep(world.ports())).expect("swept");
        let (vault, _) = world.enter(to);
        assert_eq!(world.all(&vault), expected, "{death:?}");
        for store in [&world.local, &world.mirror] {
            assert_eq!(store.names_with("rk1/f/"), [""; 0], "{death:?}");
            for name in store.names_with("rk1/o/") {
                let epoch = object::claimed_epoch(&store.text(&name).expect("there"));
                assert_eq!(epoch, Some(vault.keys().epoch()), "{death:?} {name}");
            }
        }
    }
    // Old and new each opened somewhere, and somewhere the rest was done at unlock.
    assert!(said.contains(&([true, false], vec![])), "{said:?}");
    assert!(said.contains(&([false, true], vec![])), "{said:?}");
    assert!(
        said.contains(&([false, true], vec![Notice::ChangeFinished])),
        "{said:?}"
    );
}

#[test]
fn a_cut_change_of_device_key_leaves_the_old_or_the_new() {
    check_change(&device(), &device_key(8));
}

#[test]
fn a_cut_change_from_device_to_passphrase_leaves_the_old_or_the_new() {
    check_change(&device(), &passphrase("correct horse"));
}

#[test]
fn a_cut_change_from_passphrase_to_device_leaves_the_old_or_the_new() {
    check_change(&passphrase("correct horse"), &device());
}

#[test]
fn a_cut_change_of_passphrase_leaves_the_old_or_the_new() {
    check_change(&passphrase("correct horse"), &passphrase("battery staple"));
}

#[test]
fn the_new_slot_is_not_taken_back_while_a_root_does_not_read() {
    let (start, vault) = TestWorld::with_device();
    let keys = vault.keys().clone();
    let change = |world: &TestWorld, vault: &mut Vault| {
        now(vault.reseal_with(world.ports(), &device_key(8), &[WEAK]))
    };
    let whole = start.copy();
    let mut changing = whole.open(keys.clone());
    let (operations, _) = whole.cost(|| change(&whole, &mut changing));
    let mut met = 0;
    for death in deaths(operations) {
        let world = start.copy();
        let mut dying = world.open(keys.clone());
        let _ = world.dying(death, || change(&world, &mut dying));
        let is_new = |text: &str| object::claimed_epoch(text) == Some(2);
        let names = |store: &TestStore| -> SortedSet<String> {
            let held = store.held.borrow();
            let roots = held.iter().filter(|(name, _)| name.starts_with("rk1/r/"));
            roots
                .filter(|(_, text)| is_new(text))
                .map(|(name, _)| name.clone())
                .collect()
        };
        let (local, mirror) = (names(&world.local), names(&world.mirror));
        if local.is_empty() && mirror.is_empty() {
            continue;
        }
        world.local.unreadable.replace(local);
        world.mirror.unreadable.replace(mirror);
        // Where the old slots are still there, the old root is all that can be seen.
        if world.unlock(&device()).is_ok() {
            met += 1;
        }
        world.local.unreadable.borrow_mut().clear();
        world.mirror.unreadable.borrow_mut().clear();
        assert!(world.unlock(&device_key(8)).is_ok(), "{death:?}");
    }
    assert!(met > 0, "the case was never met");
}
