use crate::{Generation, Millis, Sensitive, SiteKind, SiteTrouble};
use serde::{Deserialize, Serialize};

/// Names one account for life: 32 hex digits, random, never derived from the site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub String);

/// The unit a site shows quota in, as the site itself defines it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Quota per one US dollar (`quota_per_unit`); always above zero.
    pub per_dollar: f64,
    /// How the site shows amounts.
    pub shown_as: ShownAs,
}

/// How a site shows amounts (`quota_display_type`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ShownAs {
    /// US dollars.
    Usd,
    /// Yuan, at this many per dollar.
    Cny {
        /// Yuan per dollar.
        rate: f64,
    },
    /// Raw quota, no currency.
    Tokens,
    /// The site's own currency.
    Custom {
        /// Its symbol, as the site writes it.
        symbol: String,
        /// Units per dollar.
        rate: f64,
    },
}

impl Default for Unit {
    /// What servers use unless told otherwise: 500 000 quota to the dollar.
    fn default() -> Self {
        Self {
            per_dollar: 500_000.0,
            shown_as: ShownAs::Usd,
        }
    }
}

/// What an account signs in with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LoginWay {
    /// An access token held in the vault.
    #[default]
    Token,
    /// The browser's own login at the site: its cookies, shared with the site's pages.
    Cookie,
    /// A short-lived token taken from an open tab of the site, held in memory only.
    Page,
    /// A session of our own, begun with a password that was not kept.
    Own,
}

impl LoginWay {
    /// Whether it is the login of whoever is signed in in the browser.
    #[must_use]
    pub const fn shares(self) -> bool {
        match self {
            Self::Cookie | Self::Page => true,
            Self::Token | Self::Own => false,
        }
    }
}

/// Whether an account can be worked with, and if not, why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Health {
    /// Saved, never synced.
    #[default]
    New,
    /// The last sync went through.
    Good,
    /// The last sync did not; what was known before is kept.
    Trouble(SiteTrouble),
}

/// One account as the lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    /// The account.
    pub id: AccountId,
    /// The name the user gave, or the site's name.
    pub name: String,
    /// Scheme, host, port and path the site stands at, without a slash at the end.
    pub base_url: String,
    /// Which software runs there.
    pub kind: SiteKind,
    /// Which generation of it, once known.
    pub generation: Option<Generation>,
    /// What it signs in with.
    pub way: LoginWay,
    /// The login's number at the site.
    pub user_id: Option<String>,
    /// The login's name at the site.
    pub username: Option<String>,
    /// The login's own group at the site.
    pub group: Option<String>,
    /// How amounts are shown.
    pub unit: Unit,
    /// Quota left.
    pub balance: Option<i64>,
    /// Quota used.
    pub used: Option<i64>,
    /// Can it be worked with.
    pub health: Health,
    /// When the last sync that went through ended.
    pub synced_at: Option<Millis>,
    /// How many keys are held.
    pub keys: u32,
    /// Only this many of the site's keys were listed, because the server or we stopped there.
    pub cut_at: Option<u32>,
    /// The site is reached without TLS: the token travels in clear.
    pub in_clear: bool,
    /// A token was being made here when the work was cut: the old one was probably replaced.
    pub token_in_doubt: bool,
    /// The login is an administrator's there (role 10 or more on New API and One API).
    pub admin: bool,
    /// It shares the browser's login, and the offer to change to an access token is open.
    pub offers_token: bool,
}

/// What the user says to add an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AccountDraft {
    /// As typed; parsed and checked by the worker.
    pub address: String,
    /// None: let the probe decide, fail if it cannot.
    pub kind: Option<SiteKind>,
    /// What it shall sign in with.
    pub way: LoginWay,
    /// Empty: the site's own name, else its host.
    pub name: String,
    /// As typed; needed where the kind needs it.
    pub user_id: String,
    /// The site's access token, as typed.
    pub token: Sensitive,
    /// The e-mail address of a sign-in of our own.
    #[serde(default)]
    pub email: String,
    /// Its password: used for this one sign-in and kept nowhere.
    #[serde(default)]
    pub password: Sensitive,
    /// The user was warned that the token travels in clear and said yes.
    pub clear_is_fine: bool,
    /// The user was told that this login is already here and wants it updated.
    pub update_existing: bool,
}

/// What became of an [`AccountDraft`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AddOutcome {
    /// Verified at the site and saved; its first sync has begun.
    Added(AccountId),
    /// The same login at the same base URL is already here; nothing was changed.
    AlreadyHere(AccountId),
    /// The token of an account already here was replaced.
    Updated(AccountId),
    /// Saved unverified: the browser's permission for the site is missing.
    SavedWithoutPermission(AccountId),
}

/// What the user changes of an account. `None` leaves it as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AccountEdit {
    /// A new name.
    pub name: Option<String>,
    /// A new access token; verified before it replaces the old one.
    pub token: Option<Sensitive>,
    /// A new user id; verified likewise.
    pub user_id: Option<String>,
}
