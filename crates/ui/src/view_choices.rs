//! How the user likes to look at the list. Kept in this browser in the clear, so: no names.

use crate::listing::{GroupBy, Sort};
use gloo_storage::{LocalStorage, Storage};

const GROUP: &str = "view.group";
const SORT: &str = "view.sort";

const SORTS: [Sort; 5] = [Sort::Name, Sort::Remaining, Sort::Expiry, Sort::LastUsed, Sort::Newest];

/// What was chosen last.
pub(crate) fn load() -> (GroupBy, Sort) {
    let group = match LocalStorage::get::<u8>(GROUP) {
        Ok(1) => GroupBy::Nothing,
        Ok(_) | Err(_) => GroupBy::Account,
    };
    let sort = LocalStorage::get::<usize>(SORT).ok().and_then(|place| SORTS.get(place)).copied().unwrap_or_default();
    (group, sort)
}

/// Remembers the choice; a full or forbidden storage only forgets it.
pub(crate) fn save(group: GroupBy, sort: Sort) {
    let _ = LocalStorage::set(GROUP, u8::from(group == GroupBy::Nothing));
    let _ = LocalStorage::set(SORT, sort_place(sort));
}

/// The orders on offer.
pub(crate) const SORT_WORDS: [&str; 5] = ["sort_name", "sort_remaining", "sort_expiry", "sort_used", "sort_newest"];

/// An order by its place.
pub(crate) fn sort_at(place: usize) -> Sort {
    SORTS.get(place).copied().unwrap_or_default()
}

/// Its place.
pub(crate) fn sort_place(sort: Sort) -> usize {
    SORTS.iter().position(|one| *one == sort).unwrap_or(0)
}
