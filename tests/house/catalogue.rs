//! All words on screen come from one catalogue: every id used is there, every id there is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::files::{below, json, product_lines, read, root, rust_files, shown};

fn locales() -> Vec<String> {
    let dir = root().join("extension/_locales");
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("a folder's entry")
                .file_name()
                .into_string()
                .expect("ASCII")
        })
        .collect();
    names.sort();
    names
}

fn catalogue(locale: &str) -> BTreeMap<String, Value> {
    let file = json(
        root()
            .join("extension/_locales")
            .join(locale)
            .join("messages.json"),
    );
    file.as_object()
        .expect("an object")
        .clone()
        .into_iter()
        .collect()
}

/// Calls that take an id as their first argument; those of the second kind add `_one`, `_other`.
const PLAIN: [&str; 5] = ["t(", "message(", "getMessage(", "tr(", "text("];
const COUNTED: [&str; 1] = ["tn("];

/// Ids that calls name outright: `(id, counted, where)`.
fn named() -> Vec<(String, bool, String)> {
    let mut found = Vec::new();
    let mut scan = |text: &str, place: &str| {
        for (calls, counted) in [(&PLAIN[..], false), (&COUNTED[..], true)] {
            for call in calls {
                for (at, _) in text.match_indices(call) {
                    let before = text[..at].chars().next_back();
                    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                        continue;
                    }
                    let rest = text[at + call.len()..].trim_start();
                    let Some(rest) = rest.strip_prefix('"') else {
                        continue;
                    };
                    let id = rest.split('"').next().unwrap_or_default();
                    if is_id(id) {
                        found.push((id.to_owned(), counted, place.to_owned()));
                    }
                }
            }
        }
    };
    for path in rust_files() {
        scan(&product_lines(&read(&path)).join("\n"), &shown(&path));
    }
    for path in below(&root().join("extension"), &["js"]) {
        scan(&read(&path), &shown(&path));
    }
    for path in [root().join("manifest.json")]
        .into_iter()
        .chain(below(&root().join("extension"), &["html", "css"]))
    {
        for part in read(&path).split("__MSG_").skip(1) {
            let id = part.split("__").next().unwrap_or_default();
            if is_id(id) && id != "@@" {
                found.push((id.to_owned(), false, shown(&path)));
            }
        }
    }
    found
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Every text literal of the product: an id may also travel through a table or a `match`.
fn literals() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut scan = |text: &str| {
        found.extend(
            text.split('"')
                .filter(|part| is_id(part))
                .map(str::to_owned),
        );
    };
    for path in rust_files() {
        scan(&product_lines(&read(&path)).join("\n"));
    }
    for path in below(&root().join("extension"), &["js"]) {
        scan(&read(&path));
    }
    found.extend(named().into_iter().map(|(id, _, _)| id));
    found
}

/// Endings that the code adds to a word it holds: `format!("{word}_hint")`.
fn endings() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in rust_files() {
        for part in product_lines(&read(&path)).join("\n").split('"') {
            if let Some((place, end)) = part.strip_prefix('{').and_then(|rest| rest.split_once('}'))
                && is_id(place)
                && end.starts_with('_')
                && is_id(end)
            {
                found.insert(end.to_owned());
            }
        }
    }
    found
}

const PLURALS: [&str; 6] = ["_zero", "_one", "_two", "_few", "_many", "_other"];

#[test]
fn every_id_that_is_asked_for_is_in_the_catalogue() {
    let messages = catalogue("en");
    for (id, counted, place) in named() {
        if counted {
            for end in ["_one", "_other"] {
                assert!(
                    messages.contains_key(&format!("{id}{end}")),
                    "{place} asks for {id}{end}"
                );
            }
        } else {
            assert!(messages.contains_key(&id), "{place} asks for {id}");
        }
    }
}

#[test]
fn every_id_in_the_catalogue_is_asked_for() {
    let literals = literals();
    let endings = endings();
    let unused: Vec<String> = catalogue("en")
        .into_keys()
        .filter(|id| {
            let made = PLURALS
                .iter()
                .copied()
                .chain(endings.iter().map(String::as_str));
            !literals.contains(id)
                && !made
                    .filter_map(|end| id.strip_suffix(end))
                    .any(|bare| literals.contains(bare))
        })
        .collect();
    assert!(unused.is_empty(), "nothing asks for {unused:?}");
}

#[test]
fn messages_have_words_and_name_their_places() {
    for locale in locales() {
        for (id, message) in catalogue(&locale) {
            let text = message["message"].as_str().unwrap_or_default();
            assert!(!text.trim().is_empty(), "{locale}: {id} has no words");
            assert!(!text.contains('!'), "{locale}: {id} exclaims");
            for (at, _) in text.match_indices('$') {
                let rest = &text[at + 1..];
                let numbered = rest.starts_with(|c: char| c.is_ascii_digit());
                let dollar = rest.starts_with('$') || text[..at].ends_with('$');
                let place = rest.split('$').next().unwrap_or_default().to_lowercase();
                let known = message["placeholders"].get(place).is_some();
                let closes = text[..at].matches('$').count() % 2 == 1;
                assert!(
                    numbered || dollar || known || closes,
                    "{locale}: {id}: {text}"
                );
            }
        }
    }
}

#[test]
fn every_language_says_the_same_things() {
    let english: BTreeSet<String> = catalogue("en").into_keys().collect();
    let bare = |id: &String| {
        PLURALS
            .iter()
            .find_map(|end| id.strip_suffix(end))
            .map_or_else(|| id.clone(), str::to_owned)
    };
    for locale in locales() {
        let other: BTreeSet<String> = catalogue(&locale).keys().map(bare).collect();
        let english: BTreeSet<String> = english.iter().map(bare).collect();
        assert_eq!(
            english.symmetric_difference(&other).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "{locale}"
        );
    }
}
