//! Vaults written once and kept for ever in `tests/fixtures/vault`: format 1 has to open them.
//! `tests/decryptor/check.sh` opens the same ones without any of our code.

use super::*;
use serde_json::{Value, json};
use std::path::PathBuf;

const PHRASE: &str = "Grün wie Gräser 中文";
const DEVICE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/vault")
        .join(name)
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture(name)).expect("the fixture is there");
    serde_json::from_str(&text).expect("json")
}

/// As the decryptor prints it.
fn printed(world: &TestWorld, vault: &Vault) -> Value {
    let records: Vec<_> = world
        .all(vault)
        .into_iter()
        .map(|(id, body)| {
            let row = &vault.shards[usize::from(id.group[0] >> 4)].rows[&id];
            let body: Value = match body {
                Ok(body) => serde_json::from_str(&body).expect("json"),
                Err(Damaged::Newer) => Value::Null,
                Err(other) => panic!("{id:?}: {other:?}"),
            };
            json!({
                "group": text::hex(&id.group), "kind": id.kind.number(), "part": id.part,
                "counter": row.counter, "schema": row.schema, "body": body,
            })
        })
        .collect();
    let jobs: serde_json::Map<_, _> = now(vault.read_jobs(world.ports()))
        .into_iter()
        .map(|(slot, body)| {
            let body = body.expect("it opens");
            (slot.to_string(), serde_json::from_str(&body).expect("json"))
        })
        .collect();
    json!({
        "vault_id": text::hex(&vault.keys().vault_id()), "epoch": vault.keys().epoch(),
        "seq": vault.root.seq, "records": records, "jobs": jobs, "damaged": [],
    })
}

#[track_caller]
fn check_frozen(name: &str, protection: &Protection) {
    let world = TestWorld::new();
    let held = read(&format!("{name}.json"));
    let held = held.as_object().expect("names and texts").clone();
    let text = |value: Value| value.as_str().expect("a text").to_owned();
    world
        .local
        .held
        .replace(held.into_iter().map(|(n, t)| (n, text(t))).collect());
    let (vault, notices) = world.enter(protection);
    assert_eq!(notices, []);
    assert_eq!(
        printed(&world, &vault),
        read(&format!("{name}.expected.json"))
    );
}

#[test]
fn the_frozen_passphrase_vault_of_format_1_opens() {
    check_frozen("format1-passphrase", &passphrase(PHRASE));
}

#[test]
fn the_frozen_device_vault_of_format_1_opens() {
    let key = Protection::Device(Secret::new(DEVICE_KEY.to_owned()));
    check_frozen("format1-device", &key);
}

#[test]
fn the_frozen_backup_of_format_1_opens() {
    let text = std::fs::read_to_string(fixture("format1-backup.json")).expect("there");
    let backup = preview_backup(&text, &Secret::new(PHRASE.to_owned())).expect("it opens");
    let expected = read("format1-passphrase.expected.json");
    assert_eq!(
        backup.records().count(),
        expected["records"].as_array().expect("list").len()
    );
}

/// How the fixtures were made. Not to be run again: a change that needs it is another format.
#[test]
#[ignore = "writes the fixtures"]
fn write_the_frozen_vaults() {
    for (name, protection) in [
        ("format1-passphrase", passphrase(PHRASE)),
        (
            "format1-device",
            Protection::Device(Secret::new(DEVICE_KEY.to_owned())),
        ),
    ] {
        let world = TestWorld::new();
        let made = now(create(world.ports(), &protection)).expect("made");
        let mut vault = world.open(made.keys);
        let account = |part, kind| id(0xA1, kind, part);
        for round in 1..4 {
            world.write(
                &mut vault,
                vec![
                    put(
                        account(0, Kind::Account),
                        &format!(r#"{{"name":"例え","round":{round}}}"#),
                    ),
                    put(
                        account(0, Kind::KeyList),
                        r#"{"keys":[{"id":"9007199254740993"}]}"#,
                    ),
                    put(
                        account(0, Kind::Login),
                        r#"{"token":"tök","origins":["https://a.example"]}"#,
                    ),
                    put(
                        account(0, Kind::Keys),
                        &format!(r#"{{"sk":"sk-{}"}}"#, "x".repeat(3_000 * round)),
                    ),
                    put(account(1, Kind::Keys), r#"{"emoji":"🔑"}"#),
                    put(account(0, Kind::Raw), r#"{"raw":"{\"a\":1,\"a\":2}"}"#),
                    put(id(0, Kind::Settings, 0), &format!(r#"{{"round":{round}}}"#)),
                    put(id(0x2B, Kind::Credential, 0), "{}"),
                ],
            );
        }
        world.write(&mut vault, vec![Change::Delete(account(1, Kind::Keys))]);
        now(vault.write_job(world.ports(), 3, r#"{"step":1}"#)).expect("written");
        now(vault.write_job(world.ports(), 3, r#"{"step":2}"#)).expect("written");
        let save = |name: String, value: &Value| {
            let text = serde_json::to_string_pretty(value).expect("json") + "\n";
            std::fs::write(fixture(&name), text).expect("written");
        };
        save(format!("{name}.json"), &json!(*world.local.held.borrow()));
        save(format!("{name}.expected.json"), &printed(&world, &vault));
        if let Protection::Passphrase(_) = protection {
            let backup = now(vault.backup(world.ports(), None)).expect("written");
            std::fs::write(fixture("format1-backup.json"), backup + "\n").expect("written");
        }
    }
}
