//! What may depend on what (docs/architecture.md), asked of Cargo itself.

use std::collections::BTreeSet;
use std::process::Command;

use crate::files::{product_lines, read, root, rust_files_of, shown};

/// Every crate that a crate of ours brings into the browser, at any depth or only directly.
fn brought_by(package: &str, depth: &str) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let told = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--locked", "--package", package, "--depth", depth])
        .args([
            "--target",
            "wasm32-unknown-unknown",
            "--edges",
            "normal,no-proc-macro",
        ])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .expect("cargo runs, for it runs this test");
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    String::from_utf8(told.stdout)
        .expect("cargo writes UTF-8")
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check(package: &str, never: &[&str]) {
    check_depth(package, "999", never);
}

#[track_caller]
fn check_depth(package: &str, depth: &str, never: &[&str]) {
    let brought = brought_by(package, depth);
    for name in never {
        let found: Vec<&String> = match name.strip_suffix('*') {
            Some(start) => brought
                .iter()
                .filter(|one| one.starts_with(start))
                .collect(),
            None => brought.iter().filter(|one| one == name).collect(),
        };
        assert!(
            found.is_empty(),
            "{package} must not depend on {name}, but brings {found:?}; see: cargo tree -p {package} --invert {} --target wasm32-unknown-unknown",
            found[0]
        );
    }
}

const OUR_CRATES: [&str; 5] = [
    "relaykeep-protocol",
    "relaykeep-core",
    "relaykeep-webext",
    "relaykeep-background",
    "relaykeep-ui",
];

fn ours_but(allowed: &[&str]) -> Vec<&'static str> {
    OUR_CRATES
        .into_iter()
        .filter(|name| !allowed.contains(name))
        .collect()
}

#[test]
fn protocol_knows_serde_and_nothing_of_ours() {
    check("relaykeep-protocol", &ours_but(&["relaykeep-protocol"]));
    let others: Vec<String> = brought_by("relaykeep-protocol", "999")
        .into_iter()
        .filter(|name| !name.starts_with("serde"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn core_knows_no_browser_no_dice_and_no_clock() {
    check(
        "relaykeep-core",
        &ours_but(&["relaykeep-core", "relaykeep-protocol"]),
    );
    check(
        "relaykeep-core",
        &[
            "wasm-bindgen*",
            "js-sys",
            "web-sys",
            "gloo-*",
            "leptos*",
            "getrandom",
            "rand",
            "fastrand",
            "chrono",
            "time",
            "instant",
            "web-time",
            "jiff",
            "tokio",
            "reqwest",
        ],
    );
}

#[test]
fn core_asks_neither_clock_nor_disk_nor_threads_of_the_standard_library() {
    for path in rust_files_of("core") {
        for line in product_lines(&read(&path)) {
            for word in [
                "std::time::",
                "SystemTime",
                "std::fs",
                "TcpStream",
                "UdpSocket",
                "ToSocketAddrs",
                "std::thread",
                "std::env",
                "std::process",
            ] {
                assert!(!line.contains(word), "{}: {line}", shown(&path));
            }
        }
    }
}

#[test]
fn webext_knows_neither_core_nor_protocol() {
    check("relaykeep-webext", &ours_but(&["relaykeep-webext"]));
}

#[test]
fn background_knows_no_pages() {
    check(
        "relaykeep-background",
        &["leptos*", "relaykeep-ui", "gloo-storage"],
    );
}

#[test]
fn pages_know_no_cipher() {
    check(
        "relaykeep-ui",
        &[
            "aes-gcm",
            "aes",
            "argon2",
            "relaykeep-background",
            "hkdf",
            "hmac",
        ],
    );
}

#[test]
fn pages_do_not_fetch_by_themselves() {
    // Leptos brings gloo-net through server_fn; we do not name it.
    check_depth("relaykeep-ui", "1", &["gloo-net"]);
}

#[test]
fn a_forbidden_dependency_would_be_found() {
    let brought = brought_by("relaykeep-core", "999");
    for name in ["relaykeep-protocol", "aes-gcm", "argon2", "serde_json"] {
        assert!(
            brought.contains(name),
            "cargo tree is not read as it is meant: {brought:?}"
        );
    }
}

#[test]
fn only_background_and_webext_name_the_network_or_the_stores() {
    // Leptos compiles gloo-net in; that our pages use none of it is looked for in their sources.
    for path in rust_files_of("ui") {
        for line in product_lines(&read(&path)) {
            for word in [
                "gloo_net",
                "fetch_with",
                "XmlHttpRequest",
                "WebSocket",
                "EventSource",
                "send_beacon",
                "server_fn",
                "Area::",
                "Database::",
            ] {
                assert!(!line.contains(word), "{}: {line}", shown(&path));
            }
        }
    }
}
