//! Somebody puts old or foreign bytes into the stores.

use super::*;
use crate::body::Take;
use crate::vault::disk::{root_name, root_names};
use crate::vault::object::{Dice, Head, MAX_RECORD, object_name, seal};
use proptest::prelude::*;
use relaykeep_protocol::Notice;

const RECORD: RecordId = RecordId {
    group: [0x10; 16],
    kind: Kind::Login,
    part: 0,
};

fn object_of(vault: &Vault, id: RecordId) -> String {
    let row = &vault.shards[usize::from(id.group[0] >> 4)].rows[&id];
    object_name(&row.object.expect("there"))
}

/// A vault in which the record was "old" and is "new", and what its stores held at "old".
fn with_past() -> (TestWorld, Vault, TestWorld, Vault) {
    let (world, mut vault) = TestWorld::with_device();
    world.write(&mut vault, vec![put(RECORD, "\"old\"")]);
    let past = world.copy();
    let old = past.open(vault.keys().clone());
    world.write(&mut vault, vec![put(RECORD, "\"new\"")]);
    (world, vault, past, old)
}

#[track_caller]
fn check_never_old_unsaid(world: &TestWorld) {
    let (vault, notices) = world.enter(&device());
    let read = world.all(&vault);
    match read.get(&RECORD) {
        Some(Ok(body)) if body == "\"new\"" => {}
        Some(Err(_)) => {}
        other => assert!(
            notices
                .iter()
                .any(|n| matches!(n, Notice::RolledBack | Notice::OlderStateOpened)),
            "{other:?} unsaid"
        ),
    }
}

#[test]
fn an_old_version_under_the_new_name_is_noticed() {
    let (world, vault, past, old) = with_past();
    let text = past.local.text(&object_of(&old, RECORD)).expect("there");
    world
        .local
        .held
        .borrow_mut()
        .insert(object_of(&vault, RECORD), text);
    assert_eq!(world.all(&vault)[&RECORD], Err(Damaged::NotIt));
    check_never_old_unsaid(&world);
}

#[test]
fn an_object_of_another_version_with_the_right_id_and_key_is_noticed() {
    let (world, vault, _, _) = with_past();
    let row = &vault.shards[1].rows[&RECORD];
    let object = row.object.expect("there");
    let head = |counter, schema| Head {
        schema,
        kind: RECORD.kind.number(),
        part: RECORD.part,
        group: RECORD.group,
        counter,
        writer: row.writer,
    };
    for (head, expected) in [
        (head(row.counter, 1), Ok("\"forged\"".to_owned())),
        (head(row.counter + 1, 1), Err(Damaged::NotIt)),
        (head(row.counter, 2), Err(Damaged::NotIt)),
    ] {
        let fresh = (object, [9; 12]);
        let class = Class::Site;
        let sealed = seal(vault.keys(), class, fresh, head, "\"forged\"", MAX_RECORD);
        let text = sealed.expect("sealed").text;
        world
            .local
            .held
            .borrow_mut()
            .insert(object_of(&vault, RECORD), text);
        assert_eq!(world.all(&vault)[&RECORD], expected);
    }
}

#[test]
fn a_dropped_record_is_noticed() {
    let (world, vault, _, _) = with_past();
    world
        .local
        .held
        .borrow_mut()
        .remove(&object_of(&vault, RECORD));
    assert_eq!(world.all(&vault)[&RECORD], Err(Damaged::Missing));
}

#[test]
fn an_old_shard_under_the_new_name_is_not_taken() {
    let (world, vault, past, old) = with_past();
    let [new, old] = [&vault, &old].map(|v| object_name(&v.root.shards[1].expect("named")));
    let text = past.local.text(&old).expect("there");
    for store in [&world.local, &world.mirror] {
        store.held.borrow_mut().insert(new.clone(), text.clone());
        check_never_old_unsaid(&world);
    }
}

#[test]
fn one_old_root_in_any_place_or_all_of_them_is_noticed() {
    let (_, _, past, _) = with_past();
    let old_root = past.local.text(&root_name(2)).expect("the second root");
    for index in 0..8 {
        let (world, _, _, _) = with_past();
        world
            .local
            .held
            .borrow_mut()
            .insert(root_name(index), old_root.clone());
        check_never_old_unsaid(&world);
    }
    let (world, _, past, _) = with_past();
    for name in root_names() {
        let mut held = world.local.held.borrow_mut();
        match past.local.text(&name) {
            Some(text) => held.insert(name, text),
            None => held.remove(&name),
        };
    }
    check_never_old_unsaid(&world);
}

#[test]
fn a_whole_store_put_back_is_noticed_until_something_is_written() {
    let (world, _, past, _) = with_past();
    world.local.held.replace(past.local.held.borrow().clone());
    for _ in 0..2 {
        let (vault, notices) = world.enter(&device());
        assert_eq!(notices, [Notice::RolledBack]);
        assert_eq!(world.all(&vault)[&RECORD], Ok("\"old\"".to_owned()));
    }
    let (mut vault, _) = world.enter(&device());
    assert!(world.write(&mut vault, vec![]).root);
    assert_eq!(world.enter(&device()).1, []);
    // The root that was rolled back over is not mistaken for a newer one.
    world.write(&mut vault, vec![put(RECORD, "\"newest\"")]);
    let (vault, notices) = world.enter(&device());
    assert_eq!(
        (notices, world.all(&vault)[&RECORD].clone()),
        (vec![], Ok("\"newest\"".into()))
    );
}

#[test]
fn a_root_lost_from_the_ring_comes_back_from_the_mirror_with_nothing_lost() {
    let (world, _, _, _) = with_past();
    world.local.held.borrow_mut().remove(&root_name(3));
    let (vault, notices) = world.enter(&device());
    assert_eq!(notices, []);
    assert_eq!(world.all(&vault)[&RECORD], Ok("\"new\"".to_owned()));
}

#[test]
fn records_of_two_accounts_cannot_be_swapped() {
    let (world, mut vault) = TestWorld::with_device();
    let kinds = [Kind::Account, Kind::Login, Kind::Keys, Kind::Raw];
    let groups = [0x10, 0x11, 0x80];
    let all: Vec<_> = groups
        .iter()
        .flat_map(|g| kinds.map(|kind| id(*g, kind, 0)))
        .collect();
    world.write(
        &mut vault,
        all.iter()
            .map(|id| put(*id, &format!("\"{id:?}\"")))
            .collect(),
    );
    for one in &all {
        for other in all.iter().filter(|other| *other != one) {
            let hurt = world.copy();
            let text = world.local.text(&object_of(&vault, *other)).expect("there");
            hurt.local
                .held
                .borrow_mut()
                .insert(object_of(&vault, *one), text);
            assert!(hurt.all(&vault)[one].is_err(), "{one:?} {other:?}");
        }
    }
}

#[test]
fn another_vaults_records_roots_and_shards_do_not_open() {
    let (world, mut vault) = TestWorld::with_device();
    world.write(&mut vault, vec![put(RECORD, "1")]);
    let other = TestWorld::new();
    other.entropy.0.set(50_000);
    let keys = now(create_with(other.ports(), &device(), &[WEAK]))
        .expect("made")
        .keys;
    let mut foreign = other.open(keys);
    for n in 0..9 {
        other.write(&mut foreign, vec![put(RECORD, &n.to_string())]);
    }
    for (name, text) in other.local.held.borrow().iter() {
        assert!(
            object::open(vault.keys(), Class::Site, text).is_err(),
            "{name}"
        );
        assert!(
            object::open(vault.keys(), Class::Root, text).is_err(),
            "{name}"
        );
    }
}

#[test]
fn what_a_newer_version_wrote_keeps_its_bytes_and_is_not_written_over() {
    let (world, mut vault) = TestWorld::with_device();
    let unknown = id(0x10, Kind::Unknown(99), 7);
    let newer = id(0x10, Kind::Account, 0);
    let mut dice = Dice::new(world.ports(), []);
    for (record, class, schema) in [(unknown, Class::Secret, 1), (newer, Class::List, 2)] {
        let head = Head {
            schema,
            kind: record.kind.number(),
            part: record.part,
            group: record.group,
            counter: 41,
            writer: [3; 8],
        };
        let fresh = dice.draw().expect("random");
        let body = r#"{"from":"the future"}"#;
        let sealed = seal(vault.keys(), class, fresh, head, body, MAX_RECORD).expect("sealed");
        world
            .local
            .held
            .borrow_mut()
            .insert(object_name(&sealed.id), sealed.text);
        let row = crate::vault::manifest::Row {
            object: Some(sealed.id),
            schema,
            counter: 41,
            writer: [3; 8],
            tag: None,
            removed_at: None,
            extra: Take::from(r#"{"field":[1.10,"of the future"]}"#)
                .expect("an object")
                .rest(),
        };
        vault.shards[1].rows.insert(record, row);
    }
    let names = [unknown, newer].map(|record| object_of(&vault, record));
    let texts = names.clone().map(|name| world.local.text(&name));
    for n in 0..10 {
        world.write(&mut vault, vec![put(RECORD, &n.to_string())]);
        now(vault.sweep(world.ports())).expect("swept");
        vault = world.open(vault.keys().clone());
    }
    assert_eq!(names.map(|name| world.local.text(&name)), texts);
    let fields = &vault.shards[1].rows[&unknown].extra;
    // To the letter: what we do not understand is not read and written anew either.
    assert_eq!(
        *fields,
        Take::from(r#"{"field":[1.10,"of the future"]}"#)
            .expect("an object")
            .rest()
    );
    let all = world.all(&vault);
    assert_eq!(all[&newer], Err(Damaged::Newer));
    for change in [
        put(newer, "{}"),
        put(unknown, "{}"),
        Change::Delete(newer),
        Change::Delete(unknown),
        Change::SetAside(newer),
    ] {
        let said = now(vault.commit(world.ports(), vec![change]));
        assert_eq!(said, Err(VaultError::Newer));
    }
    // They are carried through a change of protection too.
    let done = now(vault.reseal_with(world.ports(), &device_key(9), &[WEAK])).expect("resealed");
    assert_eq!((done.records, done.set_aside), (3, 0));
    let (vault, _) = world.enter(&device_key(9));
    assert_eq!(world.all(&vault)[&newer], Err(Damaged::Newer));
    assert_eq!(
        world.all(&vault)[&unknown],
        Ok(r#"{"from":"the future"}"#.to_owned())
    );
    assert_eq!(vault.shards[1].rows[&unknown].counter, 41);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Any one bit of any text in either store, and any two texts in each other's place.
    #[test]
    fn no_damage_ever_gives_wrong_data(
        seed in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        swap in any::<bool>(),
        in_mirror in any::<bool>(),
    ) {
        let (world, vault, _, _) = with_past();
        let store = if in_mirror { &world.mirror } else { &world.local };
        let names: Vec<_> = store.held.borrow().keys().cloned().collect();
        let name = &names[seed.index(names.len())];
        let text = store.text(name).expect("there");
        let replaced = if swap {
            store.text(&names[other.index(names.len())]).expect("there")
        } else {
            rot(&text, bit.index(text.len() * 6 / 8 * 8))
        };
        store.held.borrow_mut().insert(name.clone(), replaced);
        drop(vault);
        if now(look(world.ports())) != Start::Newer {
            check_never_old_unsaid(&world);
        }
    }
}
