//! What is shipped: how large it is, what it must not hold, and that what is tested is what ships.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::files::{below, built, json as read_json, read, shown};

fn size(path: &Path) -> u64 {
    fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .len()
}

/// The budgets are 1 600 000 bytes in all with the life of a key, and 600 000 for the worker before
/// it. They are not reached: these are ratchets, to be lowered with every saving.
const WHOLE: u64 = 2_820_000;
const WORKER: u64 = 1_258_000;
const UI: u64 = 1_282_000;

#[test]
fn the_extension_stays_small() {
    let Some(dist) = built("dist/chromium") else {
        return;
    };
    let whole: u64 = below(&dist, &[]).iter().map(|path| size(path)).sum();
    assert!(
        whole <= WHOLE,
        "dist/chromium has {whole} bytes, more than {WHOLE}"
    );
    for (module, most) in [
        ("background/relaykeep_background_bg.wasm", WORKER),
        ("ui/relaykeep_ui_bg.wasm", UI),
    ] {
        let bytes = size(&dist.join(module));
        assert!(
            bytes <= most,
            "{module} has {bytes} bytes, more than {most}"
        );
        assert!(
            bytes > 10_000,
            "{module} has {bytes} bytes: that is no module of ours"
        );
    }
}

#[test]
fn only_what_runs_is_shipped() {
    for browser in ["dist/chromium", "dist/firefox"] {
        let Some(dist) = built(browser) else { continue };
        for path in below(&dist, &[]) {
            let name = shown(&path);
            let kind = path
                .extension()
                .and_then(|end| end.to_str())
                .unwrap_or_default();
            assert!(
                ["html", "css", "js", "wasm", "json", "png", "svg"].contains(&kind),
                "{name}"
            );
            assert!(
                !name.ends_with("package.json") && !name.contains("node_modules"),
                "{name}"
            );
        }
    }
}

/// Pages ask the worker; they reach no store of the extension themselves. The loader reads the glimpse
/// and the page's picture, and keeps the picture.
#[test]
fn the_built_pages_name_no_store() {
    let Some(dist) = built("dist/chromium") else {
        return;
    };
    let mut scripts = below(&dist.join("ui"), &["js", "wasm"]);
    scripts.extend(["page.js", "early.js"].map(|name| dist.join(name)));
    let mut looked = 0;
    for path in scripts {
        looked += 1;
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let bytes = if path.ends_with("early.js") {
            let mut text = String::from_utf8(bytes).expect("UTF-8");
            for call in [
                "get([\"g\", NAME])",
                "set({ [NAME]: text })",
                "get(\"g\")",
                "remove(NAME)",
            ] {
                let rest = text.replacen(&format!("chrome.storage.session.{call}"), "", 1);
                assert_ne!(rest, text, "the loader has no {call}");
                text = rest;
            }
            text.into_bytes()
        } else {
            bytes
        };
        for word in [
            "storage.local",
            "storage.session",
            "indexedDB",
            "aes256gcm",
            "argon2",
        ] {
            let found = bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes());
            assert!(!found, "{} holds {word}", shown(&path));
        }
    }
    assert!(
        looked >= 4,
        "a module, its glue and the loaders were to be looked at"
    );
}

/// The browser tests may not prove something about another extension than the one that ships.
#[test]
fn the_test_build_differs_in_the_permission_for_this_machine_only() {
    let (Some(dist), Some(test)) = (built("dist/chromium"), built("target/test/chromium")) else {
        return;
    };
    let names = |dir: &Path| -> Vec<String> {
        below(dir, &[])
            .iter()
            .map(|path| {
                path.strip_prefix(dir)
                    .expect("it lies below")
                    .display()
                    .to_string()
            })
            .collect()
    };
    assert_eq!(names(&dist), names(&test));
    for name in names(&dist) {
        if name != "manifest.json" {
            assert!(
                fs::read(dist.join(&name)).ok() == fs::read(test.join(&name)).ok(),
                "{name} differs"
            );
        }
    }
    let mut manifest = read_json(test.join("manifest.json"));
    let added = manifest
        .as_object_mut()
        .expect("an object")
        .remove("host_permissions");
    assert_eq!(
        added,
        Some(json!(["http://127.0.0.1/*", "http://localhost/*"]))
    );
    assert_eq!(manifest, read_json(dist.join("manifest.json")));
}

/// A page needs the catalogue, the worker and its files under the names the manifest gives.
#[test]
fn the_manifest_names_files_that_are_there() {
    for browser in ["dist/chromium", "dist/firefox"] {
        let Some(dist) = built(browser) else { continue };
        let manifest = read_json(dist.join("manifest.json"));
        let mut named: Vec<Value> = vec![
            manifest["action"]["default_popup"].clone(),
            manifest["options_ui"]["page"].clone(),
        ];
        named.extend(
            manifest["icons"]
                .as_object()
                .expect("icons")
                .values()
                .cloned(),
        );
        for path in named {
            let path = dist.join(path.as_str().expect("a path"));
            assert!(path.is_file(), "{}", shown(&path));
        }
        assert!(!read(dist.join("worker.js")).is_empty());
    }
}
