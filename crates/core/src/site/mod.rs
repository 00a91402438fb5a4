//! Sites: what an address is, how one is recognised, how an account is read and its keys are
//! listed and revealed. Adapters build requests and read answers; flows string them together
//! over the `Http` port. Everything that differs between kinds is a constant in `SiteKind`'s table.

mod account;
mod adapter;
mod address;
mod aihubmix;
mod alike;
mod answer;
pub mod budget;
mod change;
mod create;
pub mod detect;
mod facts;
mod fields;
pub mod inpage;
mod key;
mod lax;
mod limit;
mod list;
mod moment;
mod offers;
mod openrouter;
mod place;
mod protocol;
mod reveal;
mod sight;
mod sub2api;
mod trial;
mod typed;
mod usage;
mod values;
mod words;

#[cfg(test)]
mod tests;

pub use account::{Whoami, verify_account, whoami};
pub use address::BaseUrl;
pub use alike::taken_for;
pub use answer::{Answer, Asking, SiteError, classify};
pub use change::{Change, Changed, Visit, change_key, check_key, delete_key, is_still};
pub use create::{Created, create_keys};
pub use detect::probe;
pub use facts::{SiteFacts, status};
pub use key::{Limits, RemoteKey, limits_of, read_raw};
pub use limit::limited_until;
pub use list::{Listing, list_keys};
pub use offers::{auto_groups, groups, models};
pub use place::{Login, Place, Quirks};
pub use protocol::Protocol;
pub use reveal::{RevealEnd, reveal};
pub use sight::{Seen, Sights};
pub use sub2api::session::{NoSession, Session, refresh, sign_in};
pub use trial::trial;
pub use typed::{NotAUserId, read_token, read_user_id, typed_key};
pub use usage::{key_billing, key_totals, key_usage};
pub use values::{
    abilities, differing, fields_of, has_rest, rest_of, restricted, values_of, whole_patch,
};

/// Whether a kind's sites have endpoints that give the full keys behind masks.
#[must_use]
pub fn reveals(kind: relaykeep_protocol::SiteKind) -> bool {
    kind.habits().reveals.is_some()
}
