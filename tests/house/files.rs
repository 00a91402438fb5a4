//! The repository's files, as the other tests read them.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the root")
        .to_owned()
}

/// A file's text.
#[track_caller]
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file's JSON.
#[track_caller]
pub(crate) fn json(path: impl AsRef<Path>) -> serde_json::Value {
    let path = path.as_ref();
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder with one of these endings (all files if none is given), sorted.
pub(crate) fn below(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                open.push(path);
            } else if endings.is_empty()
                || path
                    .extension()
                    .is_some_and(|end| endings.iter().any(|one| end == *one))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as people write it, from the root of the repository.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A built folder. `build.sh` builds before it tests and says so; a bare `cargo test` may not
/// have built, and then there is nothing to look at.
pub(crate) fn built(dir: &str) -> Option<PathBuf> {
    let path = root().join(dir);
    let there = path.join("manifest.json").is_file();
    assert!(
        there || std::env::var_os("RELAYKEEP_BUILT").is_none(),
        "{dir} was not built"
    );
    there.then_some(path)
}

/// The lines of a Rust file that are compiled into the product: without its tests.
pub(crate) fn product_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        if line.trim() != "#[cfg(test)]" {
            lines.push(line);
            continue;
        }
        // What the attribute stands on: everything up to the brace that closes it, or its `;`.
        let mut depth = 0_i64;
        for line in rest.by_ref() {
            depth += line.matches('{').count() as i64 - line.matches('}').count() as i64;
            let ends = line.trim_end();
            if depth == 0 && (ends.ends_with('}') || ends.ends_with(';')) {
                break;
            }
        }
    }
    lines
}

/// The Rust files of our own crates that go into the product: no tests.
pub(crate) fn rust_files() -> Vec<PathBuf> {
    rust_files_of("")
}

/// The same of one crate.
pub(crate) fn rust_files_of(package: &str) -> Vec<PathBuf> {
    let part = |path: &Path, name: &str| path.components().any(|part| part.as_os_str() == name);
    below(&root().join("crates").join(package), &["rs"])
        .into_iter()
        .filter(|path| part(path, "src") && !part(path, "tests") && !path.ends_with("tests.rs"))
        .collect()
}
