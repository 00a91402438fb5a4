//! Names that rot, stores that fail, dice that repeat.

use super::*;
use crate::ports::{Clock, Entropy, EntropyError};
use crate::vault::disk::{root_name, slot_name};
use crate::vault::manifest::Root;
use relaykeep_protocol::{Notice, RecoveryCause};

#[derive(Clone, Copy, Debug)]
enum Fault {
    Get,
    Set,
    Both,
}

/// A vault with some history, one of whose names does not answer.
#[track_caller]
fn check_next_commit(name: &str, fault: Fault, commits: u32) {
    let (world, mut vault) = TestWorld::with_device();
    for n in 0..commits {
        world.write(
            &mut vault,
            vec![put(id(0x10, Kind::Own, 0), &n.to_string())],
        );
    }
    let sick = |on| {
        for (set, hit) in [
            (
                &world.local.unreadable,
                matches!(fault, Fault::Get | Fault::Both),
            ),
            (
                &world.local.unwritable,
                matches!(fault, Fault::Set | Fault::Both),
            ),
        ] {
            set.replace(if on && hit {
                SortedSet::from([name.to_owned()])
            } else {
                SortedSet::new()
            });
        }
        world.local.unlistable.set(on);
    };
    sick(true);
    // Both the worker that goes on and one that wakes up.
    let (mut woken, _) = world.enter(&device());
    world.write(&mut woken, vec![put(id(0x20, Kind::Own, 0), "\"woken\"")]);
    let (mut again, notices) = world.enter(&device());
    assert_eq!(notices, [], "{name} {fault:?}");
    world.write(&mut again, vec![put(id(0x20, Kind::Own, 1), "\"again\"")]);
    for well in [false, true] {
        sick(!well);
        let (vault, _) = world.enter(&device());
        let all = world.all(&vault);
        assert_eq!(
            all[&id(0x20, Kind::Own, 0)],
            Ok("\"woken\"".into()),
            "{name} {fault:?}"
        );
        assert_eq!(
            all[&id(0x20, Kind::Own, 1)],
            Ok("\"again\"".into()),
            "{name} {fault:?}"
        );
        if let Some(last) = commits.checked_sub(1) {
            assert_eq!(
                all[&id(0x10, Kind::Own, 0)],
                Ok(last.to_string()),
                "{name} {fault:?}"
            );
        }
    }
}

#[test]
fn whichever_ring_name_or_slot_index_fails_the_next_commit_succeeds() {
    for fault in [Fault::Get, Fault::Set, Fault::Both] {
        for commits in [0, 1, 5, 9] {
            for index in 0..8 {
                check_next_commit(&root_name(index), fault, commits);
            }
        }
        for index in 0..16 {
            check_next_commit(&slot_name(index), fault, 3);
        }
    }
}

#[test]
fn whichever_shard_fails_the_next_commit_succeeds() {
    for fault in [Fault::Get, Fault::Set, Fault::Both] {
        for shard in 0..16u8 {
            let (world, mut vault) = TestWorld::with_device();
            let record = |n: u8| id(n << 4, Kind::Own, 0);
            world.write(&mut vault, (0..16).map(|n| put(record(n), "1")).collect());
            let object = vault.root.shards[usize::from(shard)].expect("named");
            let name = object::object_name(&object);
            if !matches!(fault, Fault::Set) {
                world.local.unreadable.borrow_mut().insert(name.clone());
            }
            if !matches!(fault, Fault::Get) {
                world.local.unwritable.borrow_mut().insert(name);
            }
            world.local.unlistable.set(true);
            for other in [shard, (shard + 1) % 16, 15 - shard] {
                let (mut woken, notices) = world.enter(&device());
                assert_eq!(notices, []);
                let body = format!("\"{shard} {other}\"");
                world.write(&mut woken, vec![put(record(other), &body)]);
                let (woken, _) = world.enter(&device());
                assert_eq!(world.all(&woken)[&record(other)], Ok(body));
                assert_eq!(woken.records().count(), 16);
            }
        }
    }
}

#[test]
fn a_shard_lost_in_both_stores_is_made_again_from_its_records_and_said() {
    let (world, mut vault) = TestWorld::with_device();
    for n in 0..12 {
        world.write(
            &mut vault,
            vec![put(id(0x40, Kind::Own, 0), &n.to_string())],
        );
    }
    world.write(&mut vault, vec![put(id(0x50, Kind::Own, 0), "5")]);
    let names: Vec<_> = (0..8)
        .filter_map(|n| Root::open(&vault.keys, &world.local.text(&root_name(n))?).ok())
        .filter_map(|root| root.shards[4])
        .map(|id| object::object_name(&id))
        .collect();
    for name in names {
        world.local.held.borrow_mut().remove(&name);
        world.mirror.held.borrow_mut().remove(&name);
    }
    let (mut vault, notices) = world.enter(&device());
    assert_eq!(notices, [Notice::OlderStateOpened]);
    assert_eq!(
        world.all(&vault)[&id(0x40, Kind::Own, 0)],
        Ok("11".to_owned())
    );
    assert_eq!(
        world.all(&vault)[&id(0x50, Kind::Own, 0)],
        Ok("5".to_owned())
    );
    // Once it is written again there is nothing to say.
    assert!(world.write(&mut vault, vec![]).root);
    assert_eq!(world.enter(&device()).1, []);
}

#[test]
fn a_rotten_record_hides_no_other_and_is_kept_when_set_aside() {
    let (world, mut vault) = TestWorld::with_device();
    let (bad, good) = (id(1, Kind::Keys, 0), id(1, Kind::Keys, 1));
    world.write(&mut vault, vec![put(bad, "1"), put(good, "2")]);
    let object = vault.shards[0].rows[&bad].object.expect("there");
    let name = object::object_name(&object);
    world.local.unreadable.borrow_mut().insert(name.clone());
    assert_eq!(world.all(&vault)[&bad], Err(Damaged::Unreadable));
    assert_eq!(world.all(&vault)[&good], Ok("2".to_owned()));
    world.local.unreadable.borrow_mut().clear();
    let rotten = rot(&world.local.text(&name).expect("there"), 4_000);
    world
        .local
        .held
        .borrow_mut()
        .insert(name.clone(), rotten.clone());
    assert_eq!(world.all(&vault)[&bad], Err(Damaged::Rotten));
    let done = world.write(&mut vault, vec![Change::SetAside(bad)]);
    assert_eq!(done.removed, 1);
    let aside = name.replace("/o/", "/q/");
    for n in 0..20 {
        world.write(&mut vault, vec![put(good, &n.to_string())]);
        now(vault.sweep(world.ports())).expect("swept");
    }
    assert_eq!(world.local.text(&aside), Some(rotten));
    assert_eq!(world.local.text(&name), None);
    world.write(&mut vault, vec![Change::SetAside(good), put(good, "19")]);
    assert_eq!(
        world.all(&vault),
        SortedMap::from([(good, Ok("19".to_owned()))])
    );
}

type Fill = dyn Fn(&mut [u8]) -> Result<(), EntropyError>;

/// Randomness of the test's choice.
struct Dice<F>(F);

impl<F: Fn(&mut [u8]) -> Result<(), EntropyError>> Entropy for Dice<F> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.0(bytes)
    }
}

#[test]
fn dice_that_repeat_or_give_zeros_write_nothing() {
    let (world, mut vault) = TestWorld::with_device();
    let known = vault.keys.vault_id();
    world.write(&mut vault, vec![put(id(1, Kind::Own, 0), "1")]);
    let used = vault.shards[0].objects().next().expect("one");
    // Superseded, so no longer in the manifest, but still in the store.
    world.write(&mut vault, vec![put(id(1, Kind::Own, 0), "2")]);
    let before = world.local.held.borrow().clone();
    let constant = |byte: u8| {
        move |bytes: &mut [u8]| {
            bytes.fill(byte);
            Ok(())
        }
    };
    let always = |id: [u8; 16]| {
        move |bytes: &mut [u8]| {
            bytes
                .iter_mut()
                .zip(id.iter().cycle())
                .for_each(|(byte, value)| *byte = *value);
            Ok(())
        }
    };
    let tries: [Box<Fill>; 5] = [
        Box::new(constant(0)),
        Box::new(constant(1)),
        Box::new(always(known)),
        Box::new(always(used)),
        Box::new(|_| Err(EntropyError)),
    ];
    for fill in tries {
        let dice = Dice(fill);
        let Ports {
            local,
            mirror,
            clock,
            ..
        } = world.ports();
        let ports = Ports {
            local,
            mirror,
            entropy: &dice,
            clock,
        };
        let said = now(vault.commit(ports, vec![put(id(2, Kind::Own, 0), "3")]));
        assert_eq!(said, Err(VaultError::Randomness));
        assert_eq!(*world.local.held.borrow(), before);
        let fresh = TestWorld::new();
        let Ports {
            local,
            mirror,
            clock,
            ..
        } = fresh.ports();
        let ports = Ports {
            local,
            mirror,
            entropy: &dice,
            clock,
        };
        let said = now(create_with(ports, &device(), &[WEAK]));
        assert_eq!(said.err(), Some(VaultError::Randomness));
        assert!(fresh.local.held.borrow().is_empty());
        assert_eq!(clock.now(), TODAY);
    }
    world.write(&mut vault, vec![put(id(2, Kind::Own, 0), "3")]);
}

/// Damages one store in many ways, looks, and sees that the other's names keep their bytes.
#[test]
fn looking_while_locked_changes_no_name_that_exists() {
    for stale in [false, true] {
        let (world, mut vault) = TestWorld::with_device();
        world.write(&mut vault, vec![put(id(1, Kind::Own, 0), "1")]);
        let old = world.copy();
        for n in 0..3 {
            world.write(&mut vault, vec![put(id(1, Kind::Own, 0), &n.to_string())]);
        }
        now(vault.reseal_with(world.ports(), &device_key(8), &[WEAK])).expect("resealed");
        for mirror_is_hurt in [false, true] {
            for wipe in [0usize, 1, 2, 3, 5, 7] {
                let hurt = world.copy();
                let store = if mirror_is_hurt {
                    &hurt.mirror
                } else {
                    &hurt.local
                };
                if stale {
                    let old = if mirror_is_hurt {
                        &old.mirror
                    } else {
                        &old.local
                    };
                    store.held.replace(old.held.borrow().clone());
                }
                let names: Vec<_> = store.held.borrow().keys().cloned().collect();
                for (nth, name) in names.iter().enumerate() {
                    let text = store.text(name).expect("there");
                    match wipe {
                        0 => {}
                        1 => drop(store.held.borrow_mut().remove(name)),
                        n if nth % n == 0 => {
                            store
                                .held
                                .borrow_mut()
                                .insert(name.clone(), rot(&text, nth % 64));
                        }
                        n if nth % n == 1 => drop(store.held.borrow_mut().remove(name)),
                        _ => {}
                    }
                }
                let before = [&hurt.local, &hurt.mirror].map(|store| store.held.borrow().clone());
                let start = now(look(hurt.ports()));
                assert_ne!(start, Start::New, "{stale} {mirror_is_hurt} {wipe}");
                for (store, before) in [&hurt.local, &hurt.mirror].into_iter().zip(before) {
                    for (name, text) in before {
                        assert_eq!(store.text(&name), Some(text), "{name}");
                    }
                }
                // What was removed on purpose is not brought back.
                let well = if mirror_is_hurt {
                    &hurt.local
                } else {
                    &hurt.mirror
                };
                let is_old = |text: &String| slot::Slot::read(text).is_some_and(|s| s.epoch() < 2);
                assert!(!well.held.borrow().values().any(is_old));
            }
        }
    }
}

#[test]
fn one_store_gives_the_other_marker_and_slots_back() {
    let (world, mut vault) = TestWorld::with_device();
    world.write(&mut vault, vec![put(id(1, Kind::Own, 0), "1")]);
    for lost in ["rk/m", "rk1/s/"] {
        for from in [&world.local, &world.mirror] {
            let before = from.held.borrow().clone();
            from.held
                .borrow_mut()
                .retain(|name, _| !name.starts_with(lost));
            assert_ne!(*from.held.borrow(), before);
            now(look(world.ports()));
            assert_eq!(*from.held.borrow(), before);
        }
    }
    // Without its root the mirror gets it back at the next unlock.
    let before = world.mirror.held.borrow().clone();
    world.mirror.held.borrow_mut().clear();
    now(look(world.ports()));
    world.enter(&device());
    let after = world.mirror.held.borrow().clone();
    assert_eq!(after, before);
}

#[test]
fn empty_is_never_new_where_there_was_a_vault() {
    let gone = Start::Recovery(RecoveryCause::RecordsGone);
    let check = |hurt: &dyn Fn(&TestWorld), expected: Start| {
        let (world, mut vault) = TestWorld::with_device();
        world.write(&mut vault, vec![put(id(1, Kind::Own, 0), "1")]);
        hurt(&world);
        assert_eq!(now(look(world.ports())), expected);
        // And looking again changes nothing about it.
        assert_eq!(now(look(world.ports())), expected);
        let again = now(create_with(world.ports(), &device(), &[WEAK]));
        assert!(again.is_err());
    };
    let sealed = Start::Sealed(relaykeep_protocol::VaultMode::Device);
    let every = |store: &TestStore, start: &str| {
        let names = store.names_with(start);
        names.iter().for_each(|name| {
            let rotten = rot(&store.text(name).expect("there"), 77);
            store.held.borrow_mut().insert(name.clone(), rotten);
        });
    };
    let without = |store: &TestStore, start: &str| {
        store
            .held
            .borrow_mut()
            .retain(|name, _| !name.starts_with(start));
    };
    check(&|w| w.local.held.borrow_mut().clear(), gone);
    check(&|w| w.mirror.held.borrow_mut().clear(), sealed);
    check(&|w| without(&w.local, "rk1/r"), sealed);
    check(
        &|w| {
            [&w.local, &w.mirror]
                .iter()
                .for_each(|s| without(s, "rk1/r"))
        },
        gone,
    );
    check(
        &|w| [&w.local, &w.mirror].iter().for_each(|s| every(s, "rk1/r")),
        Start::Recovery(RecoveryCause::RootsDamaged),
    );
    for damage in [&every as &dyn Fn(&TestStore, &str), &without] {
        check(
            &|w| {
                [&w.local, &w.mirror]
                    .iter()
                    .for_each(|s| damage(s, "rk1/s"))
            },
            Start::Recovery(RecoveryCause::SlotsDamaged),
        );
    }
    check(
        &|w| {
            [&w.local, &w.mirror]
                .iter()
                .for_each(|s| without(s, "rk/m"))
        },
        sealed,
    );
    check(
        &|w| [&w.local, &w.mirror].iter().for_each(|s| every(s, "rk/m")),
        sealed,
    );
    check(
        &|w| {
            w.local.held.borrow_mut().clear();
            w.local.unlistable.set(true);
            w.mirror.held.borrow_mut().clear();
        },
        Start::Recovery(RecoveryCause::StorageFails),
    );
}

#[test]
fn a_marker_of_a_newer_format_stops_every_write() {
    for store in [true, false] {
        let (world, _) = TestWorld::with_device();
        let mut marker = [b"RKM1".as_slice(), &[2, 0], &[9; 40]].concat();
        let sum = text::sum8(&marker);
        marker.extend_from_slice(&sum);
        let item = ("rk/m".to_owned(), text::encode(&marker));
        let hit = if store { &world.local } else { &world.mirror };
        hit.held.borrow_mut().insert(item.0, item.1);
        hit.held.borrow_mut().remove("rk1/s/0");
        let before = [&world.local, &world.mirror].map(|store| store.held.borrow().clone());
        assert_eq!(now(look(world.ports())), Start::Newer);
        let made = now(create_with(world.ports(), &device(), &[WEAK]));
        assert_eq!(made.err(), Some(VaultError::Newer));
        assert_eq!(now(start_over(world.ports())), Err(VaultError::Newer));
        let after = [&world.local, &world.mirror].map(|store| store.held.borrow().clone());
        assert_eq!(after, before);
    }
}

#[test]
fn cleaning_up_removes_what_is_superseded_and_nothing_that_is_named() {
    let (world, mut vault) = TestWorld::with_device();
    for n in 0..30 {
        world.write(&mut vault, vec![put(id(1, Kind::Own, 0), &n.to_string())]);
    }
    let before = world.local.names_with("rk1/o/").len();
    let removed = now(vault.sweep(world.ports())).expect("swept");
    assert_eq!(
        removed as usize,
        before - world.local.names_with("rk1/o/").len()
    );
    // Eight roots, each with its shard and its record.
    assert_eq!(world.local.names_with("rk1/o/").len(), 16);
    assert_eq!(world.mirror.names_with("rk1/o/").len(), 8);
    assert_eq!(now(vault.sweep(world.ports())), Ok(0));
    // Any of the eight still opens with all its records.
    let ring: Vec<_> = (0..8).map(root_name).collect();
    for _ in 0..7 {
        let newest = ring.iter().max_by_key(|name| {
            let text = world.local.text(name).unwrap_or_default();
            Root::open(vault.keys(), &text).map_or(0, |root| root.seq)
        });
        world.local.held.borrow_mut().remove(newest.expect("one"));
        world.mirror.held.borrow_mut().remove("rk1/r/last");
        let (older, _) = now(Vault::open(world.ports(), vault.keys().clone())).expect("opens");
        assert!(world.all(&older).values().all(Result::is_ok));
        world.mirror.held.borrow_mut().remove("rk1/r/last");
    }
}

#[test]
fn cleaning_up_removes_nothing_while_a_root_or_a_job_does_not_read() {
    let (world, mut vault) = TestWorld::with_device();
    for n in 0..30 {
        world.write(&mut vault, vec![put(id(1, Kind::Own, 0), &n.to_string())]);
    }
    now(vault.write_job(world.ports(), 3, "{}")).expect("written");
    let before = world.local.held.borrow().clone();
    for name in ["rk1/r/0", "rk1/r/5", "rk1/j/3/0"] {
        world.local.unreadable.borrow_mut().insert(name.to_owned());
        assert_eq!(now(vault.sweep(world.ports())), Ok(0), "{name}");
        world.local.unreadable.borrow_mut().clear();
        let text = world.local.text(name).expect("there");
        world
            .local
            .held
            .borrow_mut()
            .insert(name.to_owned(), rot(&text, 900));
        assert_eq!(now(vault.sweep(world.ports())), Ok(0), "{name}");
        world.local.held.borrow_mut().insert(name.to_owned(), text);
    }
    world
        .mirror
        .unreadable
        .borrow_mut()
        .insert("rk1/r/last".to_owned());
    assert_eq!(now(vault.sweep(world.ports())), Ok(0));
    world.mirror.unreadable.borrow_mut().clear();
    assert_eq!(*world.local.held.borrow(), before);
    assert!(now(vault.sweep(world.ports())).expect("swept") > 0);
}

#[test]
fn cleaning_up_removes_nothing_that_a_snapshot_or_a_job_names() {
    let (world, mut vault) = TestWorld::with_device();
    let record = id(1, Kind::Own, 0);
    world.write(&mut vault, vec![put(record, "\"kept\"")]);
    let kept_root = vault.root.clone();
    let kept_shards = vault.shards.clone();
    // A snapshot is a root that stands among the objects.
    let mut dice = object::Dice::new(world.ports(), []);
    let snapshot = kept_root
        .seal(vault.keys(), dice.draw().expect("random"))
        .expect("sealed");
    world
        .local
        .held
        .borrow_mut()
        .insert(object::object_name(&snapshot.id), snapshot.text.clone());
    vault.root.snapshots.push(snapshot.id);
    world.write(&mut vault, vec![put(record, "\"named by a job\"")]);
    let named = vault.shards[0].objects().next().expect("one");
    let job = format!("{{\"object\":\"{}\"}}", text::hex(&named));
    now(vault.write_job(world.ports(), 0, &job)).expect("written");
    for n in 0..30 {
        world.write(&mut vault, vec![put(record, &n.to_string())]);
    }
    let vault = world.open(vault.keys().clone());
    assert!(now(vault.sweep(world.ports())).expect("swept") > 0);
    assert!(world.local.text(&object::object_name(&named)).is_some());
    let old = Vault {
        root: kept_root,
        shards: kept_shards,
        ..world.open(vault.keys().clone())
    };
    assert_eq!(
        world.all(&old),
        SortedMap::from([(record, Ok("\"kept\"".to_owned()))])
    );
    assert!(
        world
            .local
            .text(&object::object_name(&snapshot.id))
            .is_some()
    );
    // A snapshot that does not read may name anything.
    let name = object::object_name(&snapshot.id);
    world
        .local
        .held
        .borrow_mut()
        .insert(name, rot(&snapshot.text, 700));
    for n in 0..10 {
        let mut vault = world.open(vault.keys().clone());
        world.write(&mut vault, vec![put(record, &(n + 100).to_string())]);
    }
    assert_eq!(
        now(world.open(vault.keys().clone()).sweep(world.ports())),
        Ok(0)
    );
}
