use super::address::BaseUrl;
use crate::http::Bound;
use crate::secret::Secret;
use relaykeep_protocol::{Generation, SiteKind};
use serde::{Deserialize, Serialize};

/// What is learned of a site while it is used. No secret; kept beside the account and handed in
/// again. Capabilities are learned, never read off a version: three forks of one upstream showed
/// three combinations (unorouter b06f09f9, zhongruan0522 0efc1740, SolveaCX c8c492ac).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quirks {
    /// Which generation of New API it shows itself to be.
    pub generation: Option<Generation>,
    /// Whether `POST /api/token/batch/keys` is there.
    pub batch_reveal: Option<bool>,
    /// Lists are bare arrays whose first page is page 0.
    pub zero_based: Option<bool>,
    /// How many keys a full page of such an array holds.
    pub page_len: Option<u32>,
    /// Answers carry `Auth-Version` exactly when the login was accepted
    /// (New API from 4fdd12ac7, 2026-02-12).
    pub sends_auth_version: bool,
    /// A challenge stood before the site: the cookie that passes it goes along.
    pub shielded: bool,
}

impl Quirks {
    /// Takes over what was learned later.
    pub fn learn(&mut self, later: &Self) {
        self.generation = later.generation.or(self.generation);
        self.batch_reveal = later.batch_reveal.or(self.batch_reveal);
        self.zero_based = later.zero_based.or(self.zero_based);
        self.page_len = later.page_len.or(self.page_len);
        self.sends_auth_version |= later.sends_auth_version;
        self.shielded |= later.shielded;
    }
}

/// A site: which software, where, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Which software.
    pub kind: SiteKind,
    /// Where.
    pub base: BaseUrl,
    /// What was learned of it.
    pub quirks: Quirks,
}

impl Place {
    /// A site nothing is known of yet.
    #[must_use]
    pub fn new(kind: SiteKind, base: BaseUrl) -> Self {
        Self {
            kind,
            base,
            quirks: Quirks::default(),
        }
    }
}

/// What signs in at a site.
#[derive(Clone, Debug)]
pub struct Login {
    /// The token, and the only origin it goes to. None where the browser's cookies sign in.
    pub token: Option<Bound>,
    /// The browser's own cookies of the site go along.
    pub with_cookie: bool,
    /// The login's number at the site.
    pub user_id: Option<String>,
}

impl Login {
    /// Binds a token to the one site it was made at.
    #[must_use]
    pub fn new(token: Secret, user_id: Option<String>, base: &BaseUrl) -> Self {
        Self {
            token: Some(Bound {
                secret: token,
                origins: vec![base.origin().to_owned()],
            }),
            with_cookie: false,
            user_id,
        }
    }

    /// The browser's own login, of exactly this user where the number is known.
    #[must_use]
    pub fn of_the_browser(user_id: Option<String>) -> Self {
        Self {
            token: None,
            with_cookie: true,
            user_id,
        }
    }
}
