//! Backup files, and beginning anew.

use super::cuts::deaths;
use super::*;
use crate::vault::backup::restore_with;
use relaykeep_protocol::VaultMode;

const PHRASE: &str = "correct horse";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn full(
    world: &TestWorld,
    vault: &mut Vault,
    word: &str,
) -> SortedMap<RecordId, Result<String, Damaged>> {
    let records = [
        id(0x10, Kind::Account, 0),
        id(0x10, Kind::Keys, 0),
        id(0xB0, Kind::Own, 0),
    ];
    world.write(
        vault,
        records
            .map(|record| put(record, &format!("\"{word}\"")))
            .into(),
    );
    world.all(vault)
}

fn with_passphrase(words: &[&str]) -> (TestWorld, Vault) {
    let world = TestWorld::new();
    let made = now(create_with(world.ports(), &passphrase(PHRASE), &[WEAK])).expect("made");
    let mut vault = world.open(made.keys);
    for word in words {
        full(&world, &mut vault, word);
    }
    (world, vault)
}

#[test]
fn a_backup_opens_with_the_vaults_passphrase_and_with_no_other() {
    let (world, mut vault) = with_passphrase(&["old"]);
    let expected = full(&world, &mut vault, "kept");
    let file = now(vault.backup(world.ports(), None)).expect("written");
    assert!(!file.contains("kept") && file.starts_with("{\n  \"relaykeep-backup\": 1"));
    let backup = preview_backup(&file, &secret(PHRASE)).expect("it opens");
    assert_eq!(
        (backup.written(), backup.vault_id()),
        (TODAY, vault.keys().vault_id())
    );
    let read: SortedMap<_, _> = backup
        .records()
        .map(|id| (id, backup.read(id).map(|body| body.to_string())))
        .collect();
    assert_eq!(read, expected);
    let wrong = preview_backup(&file, &secret("battery staple")).err();
    assert_eq!(wrong, Some(VaultError::WrongPassphrase));
}

#[test]
fn a_device_vaults_backup_needs_a_passphrase_and_the_device_key_does_not_open_it() {
    let (world, mut vault) = TestWorld::with_device();
    let expected = full(&world, &mut vault, "kept");
    let least = VaultError::PassphraseTooShort { least: 10 };
    assert_eq!(now(vault.backup(world.ports(), None)), Err(least));
    assert_eq!(
        now(vault.backup(world.ports(), Some(&secret("short")))),
        Err(least)
    );
    let file =
        now(vault.backup_with(world.ports(), Some(&secret(PHRASE)), &[WEAK])).expect("written");
    let backup = preview_backup(&file, &secret(PHRASE)).expect("it opens");
    assert_eq!(backup.records().count(), expected.len());
    assert!(backup.records().all(|id| backup.read(id).is_ok()));
    // None of the vault's own texts is in it: they open with the device key.
    for (name, text) in world.local.held.borrow().iter() {
        assert!(!file.contains(text.as_str()), "{name}");
    }
}

#[test]
fn what_is_no_backup_or_a_damaged_one_is_said_to_be_so() {
    let (world, vault) = with_passphrase(&["kept"]);
    let file = now(vault.backup(world.ports(), None)).expect("written");
    let unreadable = Some(VaultError::BackupUnreadable);
    for text in [
        "",
        "{}",
        "not json",
        &file[..file.len() / 2],
        &file.replace("RK", "Rk"),
    ] {
        let said = preview_backup(text, &secret(PHRASE)).err();
        assert!(said == unreadable || text == file, "{said:?}");
    }
    let newer = file.replace("\"relaykeep-backup\": 1", "\"relaykeep-backup\": 2");
    assert_eq!(
        preview_backup(&newer, &secret(PHRASE)).err(),
        Some(VaultError::Newer)
    );
    // Any one damaged text: either it is said, or only that record is missing.
    let parsed: serde_json::Value = serde_json::from_str(&file).expect("json");
    let texts: Vec<_> = parsed["objects"]
        .as_object()
        .expect("objects")
        .values()
        .chain(parsed["slots"].as_array().expect("slots"))
        .chain([&parsed["root"]])
        .map(|text| text.as_str().expect("text").to_owned())
        .collect();
    for text in texts {
        let damaged = file.replace(&text, &rot(&text, 333));
        match preview_backup(&damaged, &secret(PHRASE)) {
            Err(error) => assert_eq!(Some(error), unreadable),
            Ok(backup) => {
                let bad = backup
                    .records()
                    .filter(|id| backup.read(*id).is_err())
                    .count();
                assert_eq!(bad, 1);
            }
        }
    }
}

#[test]
fn a_backup_comes_back_in_an_empty_browser() {
    let (world, mut vault) = with_passphrase(&["old"]);
    let expected = full(&world, &mut vault, "kept");
    let file = now(vault.backup(world.ports(), None)).expect("written");
    let other = TestWorld::new();
    other.entropy.0.set(70_000);
    let restored =
        now(restore_with(other.ports(), &file, &secret(PHRASE), &[WEAK])).expect("restored");
    assert_eq!(restored.keys.vault_id(), vault.keys().vault_id());
    assert_eq!(other.all(&other.open(restored.keys)), expected);
    assert_eq!(
        now(look(other.ports())),
        Start::Sealed(VaultMode::Passphrase)
    );
    assert_eq!(other.all(&other.enter(&passphrase(PHRASE)).0), expected);
}

#[test]
fn a_backup_takes_the_place_of_another_vault_which_is_set_aside_whole() {
    let (source, mut vault) = with_passphrase(&[]);
    let expected = full(&source, &mut vault, "kept");
    let file = now(vault.backup(source.ports(), None)).expect("written");
    let (world, mut present) = TestWorld::with_device();
    for n in 0..12 {
        full(&world, &mut present, &format!("present {n}"));
    }
    now(present.write_job(world.ports(), 0, "\"a job of the old\"")).expect("written");
    let before = [&world.local, &world.mirror].map(|store| store.held.borrow().clone());
    let restored =
        now(restore_with(world.ports(), &file, &secret(PHRASE), &[WEAK])).expect("restored");
    let vault = world.open(restored.keys);
    assert_eq!(world.all(&vault), expected);
    assert!(now(vault.read_jobs(world.ports())).is_empty());
    assert!(world.unlock(&device()).is_err());
    now(vault.sweep(world.ports())).expect("swept");
    assert_eq!(world.all(&world.enter(&passphrase(PHRASE)).0), expected);
    // The old one is there byte for byte, and opens once put back.
    let back = TestWorld::new();
    for ((store, put_back), before) in [(&world.local, &back.local), (&world.mirror, &back.mirror)]
        .into_iter()
        .zip(before)
    {
        let aside = store.held.borrow().clone();
        let aside: SortedMap<_, _> = aside
            .into_iter()
            .filter_map(|(name, text)| Some((name.strip_prefix("rk1/a/0/")?.to_owned(), text)))
            .collect();
        assert_eq!(aside, before);
        put_back.held.replace(aside);
    }
    let (old, _) = back.enter(&device());
    assert!(
        back.all(&old)
            .values()
            .all(|body| *body == Ok("\"present 11\"".to_owned()))
    );
}

#[test]
fn an_older_backup_of_the_same_vault_comes_back_without_a_warning() {
    let (world, mut vault) = with_passphrase(&[]);
    let expected = full(&world, &mut vault, "kept");
    let file = now(vault.backup(world.ports(), None)).expect("written");
    for n in 0..9 {
        full(&world, &mut vault, &n.to_string());
    }
    now(restore_with(world.ports(), &file, &secret(PHRASE), &[WEAK])).expect("restored");
    let (restored, notices) = world.enter(&passphrase(PHRASE));
    assert_eq!((notices, world.all(&restored)), (vec![], expected));
    let said = now(vault.commit(world.ports(), vec![put(id(1, Kind::Own, 0), "1")]));
    assert_eq!(said, Err(VaultError::Conflict));
}

#[test]
fn a_backup_comes_back_where_the_store_is_rotten() {
    let (world, mut vault) = with_passphrase(&[]);
    let expected = full(&world, &mut vault, "kept");
    let file = now(vault.backup(world.ports(), None)).expect("written");
    world.local.unlistable.set(true);
    let rotten = ["rk/m", "rk1/s/0", "rk1/s/1", "rk1/r/1", "rk1/r/2"];
    for set in [&world.local.unreadable, &world.local.unwritable] {
        set.replace(rotten.iter().map(|&name| name.to_owned()).collect());
    }
    now(restore_with(world.ports(), &file, &secret(PHRASE), &[WEAK])).expect("restored");
    let (restored, _) = world.enter(&passphrase(PHRASE));
    assert_eq!(world.all(&restored), expected);
}

#[test]
fn a_restore_cut_anywhere_leaves_the_old_vault_or_the_backup() {
    let (source, mut vault) = with_passphrase(&[]);
    let kept = full(&source, &mut vault, "kept");
    let file = now(vault.backup(source.ports(), None)).expect("written");
    let (start, mut present) = TestWorld::with_device();
    start.entropy.0.set(90_000);
    let old = full(&start, &mut present, "present");
    let restore =
        |world: &TestWorld| now(restore_with(world.ports(), &file, &secret(PHRASE), &[WEAK]));
    let whole = start.copy();
    let (operations, _) = whole.cost(|| restore(&whole).expect("restored"));
    let mut seen = SortedSet::new();
    for death in deaths(operations) {
        let world = start.copy();
        let said = world.dying(death, || restore(&world));
        let mode = now(look(world.ports()));
        seen.insert(format!("{mode:?}"));
        let (with, expected) = match mode {
            Start::Sealed(VaultMode::Device) => (device(), &old),
            Start::Sealed(VaultMode::Passphrase) => (passphrase(PHRASE), &kept),
            Start::New | Start::Recovery(_) | Start::Newer => panic!("{death:?} {mode:?}"),
        };
        assert!(said.is_err() || mode == Start::Sealed(VaultMode::Passphrase));
        assert_eq!(world.all(&world.enter(&with).0), *expected, "{death:?}");
        restore(&world).expect("restored");
        assert_eq!(
            world.all(&world.enter(&passphrase(PHRASE)).0),
            kept,
            "{death:?}"
        );
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn starting_over_sets_the_old_vault_aside_and_deletes_nothing() {
    let (start, _) = with_passphrase(&["one", "two"]);
    let before = [&start.local, &start.mirror].map(|store| store.held.borrow().clone());
    let whole = start.copy();
    let (operations, _) = whole.cost(|| now(start_over(whole.ports())).expect("set aside"));
    for death in deaths(operations) {
        let world = start.copy();
        let said = world.dying(death, || now(start_over(world.ports())));
        // Every text is still there, under its own name or set aside.
        for (store, before) in [&world.local, &world.mirror].into_iter().zip(&before) {
            for (name, text) in before {
                let aside = store.text(&format!("rk1/a/0/{name}"));
                assert!(
                    store.text(name).or(aside).as_ref() == Some(text),
                    "{death:?} {name}"
                );
            }
        }
        if said.is_err() && now(look(world.ports())) != Start::New {
            now(start_over(world.ports())).expect("set aside");
        }
        assert_eq!(now(look(world.ports())), Start::New, "{death:?}");
        now(create_with(world.ports(), &device(), &[WEAK])).expect("made");
        now(start_over(world.ports())).expect("set aside again");
        assert_eq!(now(look(world.ports())), Start::New, "{death:?}");
    }
}

#[test]
fn starting_over_stops_where_something_cannot_be_kept() {
    let (world, _) = with_passphrase(&["one"]);
    let before = world.local.held.borrow().clone();
    world
        .local
        .unreadable
        .borrow_mut()
        .insert("rk1/r/2".to_owned());
    assert_eq!(now(start_over(world.ports())), Err(VaultError::Storage));
    for (name, text) in before {
        assert_eq!(world.local.text(&name), Some(text));
    }
}
