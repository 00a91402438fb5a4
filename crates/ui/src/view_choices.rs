//! How the user likes to look at the list. Kept in this browser in the clear, so: no names.

use crate::listing::{GroupBy, Sort};
use gloo_storage::{LocalStorage, Storage};

const GROUP: &str = "view.group";
const SORT: &str = "view.sort";

const SORTS: [Sort; 5] = [
    Sort::Name,
    Sort::Remaining,
    Sort::Expiry,
    Sort::LastUsed,
    Sort::Newest,
];

/// What was chosen last.
pub(crate) fn load() -> (GroupBy, Sort) {
    let read = |name: &str| {
        let text = LocalStorage::raw().get_item(name).ok().flatten()?;
        text.parse::<usize>().ok()
    };
    let group = if read(GROUP) == Some(1) {
        GroupBy::Nothing
    } else {
        GroupBy::Account
    };
    let sort = sort_at(read(SORT).unwrap_or_default());
    (group, sort)
}

/// Remembers the choice; a full storage only forgets it. Two small numbers as plain text: the
/// typed way would bring a JSON reader into the pages.
pub(crate) fn save(group: GroupBy, sort: Sort) {
    let storage = LocalStorage::raw();
    let _ = storage.set_item(GROUP, if group == GroupBy::Nothing { "1" } else { "0" });
    let _ = storage.set_item(SORT, &sort_place(sort).to_string());
}

/// The orders on offer.
pub(crate) const SORT_WORDS: [&str; 5] = [
    "sort_name",
    "sort_remaining",
    "sort_expiry",
    "sort_used",
    "sort_newest",
];

/// An order by its place.
pub(crate) fn sort_at(place: usize) -> Sort {
    SORTS.get(place).copied().unwrap_or_default()
}

/// Its place.
pub(crate) fn sort_place(sort: Sort) -> usize {
    SORTS.iter().position(|one| *one == sort).unwrap_or(0)
}
