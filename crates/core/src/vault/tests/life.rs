//! A vault's ordinary days.

use super::*;
use crate::secret::ApiKey;
use crate::vault::slot::tests::MEMORY_LIMIT;
use relaykeep_protocol::{Notice, RecoveryCause, VaultMode};

#[test]
fn nobody_is_new_twice() {
    let world = TestWorld::new();
    assert_eq!(now(look(world.ports())), Start::New);
    now(create_with(world.ports(), &device(), &[WEAK])).expect("made");
    assert_eq!(now(look(world.ports())), Start::Sealed(VaultMode::Device));
    let again = now(create_with(world.ports(), &device(), &[WEAK]));
    assert_eq!(again.err(), Some(VaultError::Exists));
}

#[test]
fn a_device_key_kept_first_does_not_stand_in_the_way() {
    let world = TestWorld::new();
    let key = make_device_key(world.ports()).expect("random");
    let item = [("rk1/dk".to_owned(), key.expose().to_owned())];
    now(world.mirror.set(&item)).expect("set");
    assert_eq!(now(look(world.ports())), Start::New);
    now(create(world.ports(), &Protection::Device(key))).expect("made");
}

#[test]
fn a_passphrase_opens_what_was_saved_and_no_other_does() {
    let world = TestWorld::new();
    let right = passphrase(" correct horse battery");
    let made = now(create(world.ports(), &right)).expect("made");
    assert_eq!(made.notices, []);
    let mut vault = world.open(made.keys);
    let record = id(0x51, Kind::Account, 0);
    world.write(&mut vault, vec![put(record, r#"{"name":"a"}"#)]);
    assert_eq!(
        now(look(world.ports())),
        Start::Sealed(VaultMode::Passphrase)
    );
    for wrong in ["correct horse battery", " correct horse batterY", "x"] {
        let said = world.unlock(&passphrase(wrong)).err();
        assert_eq!(said, Some(VaultError::WrongPassphrase), "{wrong:?}");
    }
    let (vault, notices) = world.enter(&right);
    assert_eq!(notices, []);
    assert_eq!(
        world.all(&vault),
        SortedMap::from([(record, Ok(r#"{"name":"a"}"#.to_owned()))])
    );
}

#[test]
fn short_memory_makes_a_weaker_vault_and_says_so_and_never_calls_a_passphrase_wrong() {
    let world = TestWorld::new();
    let right = passphrase("correct horse");
    MEMORY_LIMIT.set(64 * 1024 - 1);
    let made = now(create(world.ports(), &right)).expect("made");
    MEMORY_LIMIT.set(1024);
    let said = world.unlock(&right).err();
    MEMORY_LIMIT.set(usize::MAX);
    assert_eq!(made.notices, [Notice::WeakerWorkFactors]);
    assert_eq!(said, Some(VaultError::NotEnoughMemory));
    assert!(world.unlock(&right).is_ok());
}

#[test]
fn session_memory_carries_the_keys_and_nothing_more() {
    let (world, mut vault) = TestWorld::with_device();
    world.write(&mut vault, vec![put(id(1, Kind::Keys, 0), "{}")]);
    let text = vault.keys().to_session();
    let keys = Keys::from_session(text.expose()).expect("readable");
    assert_eq!(world.all(&world.open(keys)).len(), 1);
    for text in [
        "",
        "AAAA",
        &text.expose()[..40],
        &format!("{}A", text.expose()),
    ] {
        assert!(Keys::from_session(text).is_none(), "{text:?}");
    }
    assert_eq!(format!("{:?}", vault.keys()), "Keys(secret)");
}

#[test]
fn fingerprints_tell_keys_apart_and_differ_between_vaults() {
    let (_, one) = TestWorld::with_device();
    let world = TestWorld::new();
    world.entropy.0.set(1_000);
    let two = now(create_with(world.ports(), &device(), &[WEAK]))
        .expect("made")
        .keys;
    let key = |text| ApiKey::read(text).expect("a key");
    let (a, b) = (key("sk-aaaaaaaaaaaa"), key("sk-bbbbbbbbbbbb"));
    assert_eq!(one.keys().fingerprint(&a), one.keys().fingerprint(&a));
    assert_ne!(one.keys().fingerprint(&a), one.keys().fingerprint(&b));
    assert_ne!(one.keys().fingerprint(&a), two.fingerprint(&a));
}

#[test]
fn what_did_not_change_is_not_written() {
    let (world, mut vault) = TestWorld::with_device();
    let (a, b) = (id(0x10, Kind::KeyList, 0), id(0x10, Kind::Keys, 0));
    let first = world.write(&mut vault, vec![put(a, "[1]"), put(b, "[2]")]);
    let expected = Committed {
        list: 1,
        secret: 1,
        shards: 1,
        root: true,
        ..Default::default()
    };
    assert_eq!(first, expected);
    let before = (
        world.local.held.borrow().clone(),
        world.local.log.borrow().len(),
    );
    let (operations, second) =
        world.cost(|| world.write(&mut vault, vec![put(a, "[1]"), put(b, "[2]")]));
    assert_eq!((operations, second), (0, Committed::default()));
    assert_eq!(
        before,
        (
            world.local.held.borrow().clone(),
            world.local.log.borrow().len()
        )
    );
    let third = world.write(&mut vault, vec![put(a, "[1,1]"), put(b, "[2]")]);
    assert_eq!(
        third,
        Committed {
            list: 1,
            shards: 1,
            root: true,
            ..Default::default()
        }
    );
}

#[test]
fn one_more_key_in_an_account_of_300_writes_one_list_part_one_secret_part_one_shard_one_root() {
    let (world, mut vault) = TestWorld::with_device();
    let body = |part: u16, keys: usize| {
        let key = |n| format!("sk-{part:04}{n:044}");
        serde_json::to_string(&(0..keys).map(key).collect::<Vec<_>>()).expect("json")
    };
    let mut changes = vec![put(id(0x33, Kind::Account, 0), "{}")];
    for part in 0..3 {
        let keys = [128, 128, 44][usize::from(part)];
        changes.push(put(id(0x33, Kind::KeyList, part), &body(part, keys)));
        changes.push(put(id(0x33, Kind::Keys, part), &body(part, keys)));
        changes.push(put(id(0x33, Kind::Raw, part), &body(part, keys)));
    }
    world.write(&mut vault, changes.clone());
    let objects = world.local.names_with("rk1/o/").len();
    changes.push(put(id(0x33, Kind::KeyList, 2), &body(2, 45)));
    changes.push(put(id(0x33, Kind::Keys, 2), &body(2, 45)));
    let done = world.write(&mut vault, changes);
    let expected = Committed {
        list: 1,
        secret: 1,
        shards: 1,
        root: true,
        ..Default::default()
    };
    assert_eq!(done, expected);
    assert_eq!(world.local.names_with("rk1/o/").len(), objects + 3);
}

#[test]
fn opening_costs_root_and_shards_however_much_there_is() {
    let cost = |records: u16| {
        let (world, mut vault) = TestWorld::with_device();
        let record = |n: u16| put(id((n * 37 % 251) as u8, Kind::KeyList, n), "{}");
        world.write(&mut vault, (0..records).map(record).collect());
        let keys = vault.keys().clone();
        world.cost(|| world.open(keys)).0
    };
    assert_eq!(cost(1), 3);
    assert_eq!(cost(400), 3);
}

#[test]
fn removed_records_are_not_listed_and_may_come_back() {
    let (world, mut vault) = TestWorld::with_device();
    let record = id(0xF0, Kind::Own, 3);
    world.write(&mut vault, vec![put(record, "1")]);
    let done = world.write(&mut vault, vec![Change::Delete(record)]);
    assert_eq!(
        done,
        Committed {
            removed: 1,
            shards: 1,
            root: true,
            ..Default::default()
        }
    );
    assert_eq!(vault.records().count(), 0);
    let gone = now(vault.read(world.ports(), &[record]));
    assert_eq!(gone[0].1.as_ref().err(), Some(&Damaged::Missing));
    assert_eq!(
        world.write(&mut vault, vec![Change::Delete(record)]),
        Committed::default()
    );
    world.write(&mut vault, vec![put(record, "1")]);
    assert_eq!(
        world.all(&world.open(vault.keys().clone()))[&record],
        Ok("1".to_owned())
    );
}

#[test]
fn it_is_forgotten_after_180_days_that_a_record_was_removed() {
    let (world, mut vault) = TestWorld::with_device();
    let (gone, other) = (id(0x20, Kind::Own, 0), id(0x21, Kind::Own, 0));
    world.write(&mut vault, vec![put(gone, "1")]);
    world.write(&mut vault, vec![Change::Delete(gone)]);
    let remembered = |vault: &Vault| vault.shards[2].rows.contains_key(&gone);
    world.clock.0.set(TODAY + 179 * 86_400_000);
    world.write(&mut vault, vec![put(other, "1")]);
    assert!(remembered(&vault));
    world.clock.0.set(TODAY + 181 * 86_400_000);
    world.write(&mut vault, vec![put(other, "2")]);
    assert!(!remembered(&vault));
}

#[test]
fn one_class_opens_without_the_others() {
    let (world, mut vault) = TestWorld::with_device();
    let kinds = [
        Kind::Account,
        Kind::KeyList,
        Kind::Own,
        Kind::Login,
        Kind::Keys,
        Kind::Raw,
        Kind::Credential,
        Kind::CredentialSummary,
        Kind::Settings,
        Kind::FinishedJob,
        Kind::Ledger,
    ];
    world.write(
        &mut vault,
        kinds.map(|kind| put(id(9, kind, 0), r#""canary""#)).into(),
    );
    for leaked in [
        Class::Root,
        Class::List,
        Class::Site,
        Class::Secret,
        Class::Job,
        Class::Tag,
    ] {
        vault.keys = vault.keys.only(leaked);
        let open: Vec<_> = world
            .all(&vault)
            .into_iter()
            .filter(|(_, b)| b.is_ok())
            .map(|(id, _)| id.kind)
            .collect();
        let expected: Vec<_> = kinds
            .into_iter()
            .filter(|kind| kind.class() == Some(leaked))
            .collect();
        assert_eq!(open, expected, "{leaked:?}");
        vault.keys = world.unlock(&device()).expect("unlocked").keys;
    }
    assert!(
        !matches!(Kind::Raw.class(), Some(Class::List)),
        "some servers put full keys in it"
    );
}

#[test]
fn a_body_over_its_cap_or_with_a_name_twice_is_refused_and_nothing_is_written() {
    let (world, mut vault) = TestWorld::with_device();
    let record = id(1, Kind::Raw, 0);
    let before = world.local.held.borrow().clone();
    let over = format!("\"{}\"", "x".repeat(MAX_BODY - 1));
    for body in [over.as_str(), r#"{"a":1,"a":1}"#] {
        let said = now(vault.commit(world.ports(), vec![put(record, body)]));
        assert_eq!(said, Err(VaultError::Unfit));
    }
    assert_eq!(*world.local.held.borrow(), before);
    let fits = format!("\"{}\"", "x".repeat(MAX_BODY - 2));
    world.write(&mut vault, vec![put(record, &fits)]);
}

#[test]
fn thousands_of_records_in_one_commit_fit() {
    let (world, mut vault) = TestWorld::with_device();
    let record = |n: u16| {
        let group = std::array::from_fn(|i| (n.wrapping_mul(40_503) >> (i % 2 * 8)) as u8);
        put(
            RecordId {
                group,
                kind: Kind::Keys,
                part: n,
            },
            "{}",
        )
    };
    world.write(&mut vault, (0..4_000).map(record).collect());
    assert_eq!(world.open(vault.keys().clone()).records().count(), 4_000);
}

#[test]
fn two_writers_do_not_overwrite_each_other() {
    let (world, mut one) = TestWorld::with_device();
    let mut two = world.open(one.keys().clone());
    world.write(&mut one, vec![put(id(1, Kind::Own, 0), "1")]);
    let said = now(two.commit(world.ports(), vec![put(id(1, Kind::Own, 1), "2")]));
    assert_eq!(said, Err(VaultError::Conflict));
    two = world.open(one.keys().clone());
    world.write(&mut two, vec![put(id(1, Kind::Own, 1), "2")]);
    assert_eq!(world.all(&two).len(), 2);
}

#[test]
fn a_job_is_read_back_as_last_written_until_it_is_cleared() {
    let (world, vault) = TestWorld::with_device();
    let jobs = |vault: &Vault| -> Vec<_> {
        let read = now(vault.read_jobs(world.ports()));
        read.into_iter()
            .map(|(slot, body)| (slot, body.map(|b| b.to_string())))
            .collect()
    };
    for state in ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"] {
        now(vault.write_job(world.ports(), 15, state)).expect("written");
        // A worker that wakes up knows only what is stored.
        let woken = world.open(vault.keys().clone());
        assert_eq!(jobs(&woken), [(15, Ok(state.to_owned()))]);
    }
    let woken = world.open(vault.keys().clone());
    now(woken.write_job(world.ports(), 15, "{\"n\":4}")).expect("written");
    assert_eq!(jobs(&vault), [(15, Ok("{\"n\":4}".to_owned()))]);
    let vault = world.open(vault.keys().clone());
    now(vault.clear_job(world.ports(), 15)).expect("cleared");
    assert_eq!(jobs(&vault), []);
    assert_eq!(world.local.names_with("rk1/j/"), [""; 0]);
}

#[test]
fn a_lost_device_key_is_told_from_a_damaged_vault() {
    let (world, _) = TestWorld::with_device();
    let gone = Some(VaultError::NeedsRecovery(RecoveryCause::DeviceKeyGone));
    assert_eq!(now(unlock_with_device_key(world.ports(), &[])).err(), gone);
    assert_eq!(world.unlock(&device_key(8)).err(), gone);
    let (Protection::Device(good) | Protection::Passphrase(good)) = device();
    for bit in 0..256 {
        let bad = Secret::new(rot(good.expose(), bit));
        let copies = [bad, Secret::new("not a key".to_owned()), good.clone()];
        assert!(
            now(unlock_with_device_key(world.ports(), &copies)).is_ok(),
            "bit {bit}"
        );
    }
}
