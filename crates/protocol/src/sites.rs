use crate::{AccountId, SiteKind};
use serde::{Deserialize, Serialize};

/// A generation of New API; other kinds have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Generation {
    /// Cookie sessions, keys listed in clear (until 2026-03-08).
    Unmasked,
    /// Cookie sessions, keys listed with stars (2026-03-08 to 2026-07-20).
    MaskedCookie,
    /// Stateless JWT and refresh cookie (from 2026-07-20).
    Jwt,
}

/// One thing seen that speaks for or against a site kind. Shown under "Why?".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clue {
    /// A message id of the catalogue, e.g. `clue_status_answer`.
    pub what: String,
    /// Which kind it speaks for.
    pub kind: Option<SiteKind>,
    /// Points; negative speaks against.
    pub points: i32,
}

/// What a look at a site found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Recognition {
    /// Nothing hints at a relay, and no request was made.
    NoHint,
    /// Something answered, but not like any relay we know.
    NotARelay(Vec<Clue>),
    /// The site could not be asked; says nothing about what it is.
    Unreachable,
    /// A challenge page stands before the site; says nothing about what it is.
    Challenge,
    /// A relay.
    Relay {
        /// Which software.
        kind: SiteKind,
        /// Which generation, if it showed.
        generation: Option<Generation>,
        /// Where it stands: origin plus path, without a slash at the end.
        base_url: String,
        /// The name the operator gave it.
        site_name: Option<String>,
        /// How sure, and why.
        clues: Vec<Clue>,
    },
}

/// Whether the page can give the access token without side effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenOffer {
    /// The site shows the token the login already has; nothing changes there.
    Shown,
    /// A token can only be made anew, which ends the one in use.
    OnlyByReplacing,
    /// Nobody is signed in on the page.
    SignedOut,
}

/// What the popup knows of the tab it was opened over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TabSite {
    /// The tab's origin; `None` where the browser lets nobody look (its own pages, the stores).
    pub origin: Option<String>,
    /// What was found.
    pub recognition: Recognition,
    /// Accounts held at this base URL (or, before recognition, at this origin).
    pub accounts: Vec<AccountId>,
    /// Login the page itself names, if it does.
    pub user_id: Option<String>,
    /// Name of that login.
    pub username: Option<String>,
    /// What can be had without typing.
    pub token: Option<TokenOffer>,
    /// The browser already allows us to reach this origin.
    pub permitted: bool,
    /// Keys its pages showed in full, that may be recorded.
    pub seen: Vec<SeenKey>,
}

/// A key that a site's page showed in full after the person clicked there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenKey {
    /// Names it in the answer to the offer.
    pub number: u32,
    /// The account it would be recorded in.
    pub account: AccountId,
    /// The masked key it fits; none: the account has no such key yet.
    pub name: Option<String>,
    /// First and last characters.
    pub mask: String,
}
