//! Secrets cannot be printed, compared, serialised or reached unsaid.

use std::path::Path;

use relaykeep_core::secret::{ApiKey, Secret};
use relaykeep_protocol::Sensitive;

use crate::files::{below, product_lines, read, root, rust_files, shown};

/// Fails to compile if the type implements any of the traits: two candidates for one call.
macro_rules! never {
    ($type:ty: $($trait:path),+ $(,)?) => {$({
        trait Ambiguous<A> {
            fn asked() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        #[allow(dead_code, reason = "a type to tell the second candidate apart")]
        struct Implemented;
        impl<T: ?Sized + $trait> Ambiguous<Implemented> for T {}
        <$type as Ambiguous<_>>::asked();
    })+};
}

#[test]
fn a_secret_has_no_trait_that_lets_it_out() {
    never!(Secret: std::fmt::Display, serde::Serialize, PartialEq, std::hash::Hash, std::ops::Deref, AsRef<str>, AsRef<[u8]>);
    never!(ApiKey: std::fmt::Display, serde::Serialize, PartialEq, std::hash::Hash, std::ops::Deref, AsRef<str>, AsRef<[u8]>);
    never!(Sensitive: std::fmt::Display, PartialEq, std::hash::Hash, std::ops::Deref, AsRef<str>, AsRef<[u8]>);
}

#[test]
fn what_debug_prints_of_a_secret_says_nothing() {
    let text = "sk-0123456789abcdefWXYZ";
    let key = ApiKey::read(text).expect("a key");
    for printed in [
        format!("{:?}", Secret::new(text.to_owned())),
        format!("{key:?}"),
        format!("{:?}", Sensitive(text.to_owned())),
    ] {
        assert!(
            !printed.contains("0123") && !printed.contains("WXYZ"),
            "{printed}"
        );
    }
}

/// Types that wipe themselves are secrets, whatever they are called.
#[test]
fn no_type_that_wipes_itself_derives_a_way_out() {
    let mut seen = 0;
    for path in rust_files() {
        let text = read(&path);
        let lines = product_lines(&text);
        for (number, line) in lines.iter().enumerate() {
            if !(line.contains("ZeroizeOnDrop") && line.contains("derive(")) {
                continue;
            }
            seen += 1;
            for way in [
                "Debug",
                "Serialize",
                "Deserialize",
                "PartialEq",
                "Eq",
                "Hash",
                "PartialOrd",
            ] {
                let derived = line
                    .split(['(', ',', ')', ' '])
                    .any(|word| word.rsplit("::").next() == Some(way));
                assert!(!derived, "{}: {line}", shown(&path));
            }
            let name = name_of_type(&lines[number..]);
            for way in [
                "Display",
                "Serialize",
                "PartialEq",
                "Hash",
                "Deref",
                "AsRef<",
                "Borrow<",
            ] {
                let offered = lines.iter().any(|line| {
                    line.contains("impl")
                        && line.contains(way)
                        && line.contains(&format!(" for {name}"))
                });
                assert!(!offered, "{}: {way} for {name}", shown(&path));
            }
        }
    }
    assert!(seen > 0, "no secret type was found: the test is blind");
}

fn name_of_type<'a>(lines: &[&'a str]) -> &'a str {
    lines
        .iter()
        .find_map(|line| {
            line.split("struct ")
                .nth(1)
                .or_else(|| line.split("enum ").nth(1))
        })
        .and_then(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .expect("a type follows its attributes")
}

#[test]
fn every_use_of_expose_says_why() {
    let mut seen = 0;
    let mut silent = Vec::new();
    for path in rust_files() {
        let text = read(&path);
        let lines = product_lines(&text);
        for number in 0..lines.len() {
            if !code(lines[number]).contains(".expose()") {
                continue;
            }
            seen += 1;
            if !says_why(&lines, number) {
                silent.push(format!("{}: {}", shown(&path), lines[number].trim()));
            }
        }
    }
    assert!(
        silent.is_empty(),
        "each needs a comment that says why, beside it or above:\n{}",
        silent.join("\n")
    );
    assert!(seen > 0, "no use of expose was found: the test is blind");
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// A comment on a line of the statement, or on the line above it. `expose` itself may expose.
fn says_why(lines: &[&str], number: usize) -> bool {
    let mut at = number;
    loop {
        if lines[at].contains("//") {
            return true;
        }
        let Some(above) = at.checked_sub(1).map(|above| lines[above]) else {
            return false;
        };
        if above.trim_start().starts_with("//") || above.contains("fn expose(&self)") {
            return true;
        }
        if code(above).trim_end().ends_with([';', '{', '}']) {
            return lines[number..]
                .iter()
                .take_while(|line| !code(line).trim_end().ends_with([';', '{']))
                .any(|line| line.contains("//"))
                || above.contains("//");
        }
        at -= 1;
    }
}

#[test]
fn nothing_is_logged() {
    let words = [
        "println!",
        "eprintln!",
        "print!(",
        "dbg!",
        "web_sys::console",
        "console::log",
        "leptos::logging",
        "gloo_console",
        "console_error_panic_hook",
        "log::",
        "tracing::",
    ];
    for path in rust_files() {
        for line in product_lines(&read(&path)) {
            for word in words {
                // `plan_dialog::` is not `log::`.
                let of_its_own = code(line).match_indices(word).any(|(at, _)| {
                    let before = code(line)[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                });
                assert!(!of_its_own, "{}: {line}", shown(&path));
            }
        }
    }
}

/// A fault of ours may go to the console as it was thrown; nothing else does.
#[test]
fn no_script_logs_values() {
    for path in below(&root().join("extension"), &["js", "mjs", "html"]) {
        for line in read(&path).lines() {
            let told = code(line).contains("console.");
            assert!(
                !told || code(line).contains("console.error("),
                "{}: {line}",
                shown(&path)
            );
            for word in ["eval(", "new Function", "document.write", "innerHTML"] {
                assert!(!code(line).contains(word), "{}: {line}", shown(&path));
            }
        }
    }
}

/// What crosses to a page as a failure is numbers and times: it cannot carry a secret.
#[test]
fn error_codes_carry_no_text() {
    let path = root().join("crates/protocol/src/trouble.rs");
    for line in product_lines(&read(&path)) {
        for word in ["String", "str>", "Sensitive", "Value", "Vec<u8>"] {
            assert!(!code(line).contains(word), "{}: {line}", shown(&path));
        }
    }
}

/// Bytes that wrap a secret reach storage only through the vault: nobody else seals or unseals.
#[test]
fn only_the_vault_names_the_ciphers() {
    let vault = root().join("crates/core/src/vault");
    for path in rust_files() {
        if path.starts_with(&vault) || path == Path::new(&format!("{}.rs", vault.display())) {
            continue;
        }
        for line in product_lines(&read(&path)) {
            for word in ["aes_gcm", "argon2::", "hkdf::"] {
                assert!(!code(line).contains(word), "{}: {line}", shown(&path));
            }
        }
    }
}
