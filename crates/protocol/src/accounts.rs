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
    /// What the user says of it.
    pub own: Own,
}

/// What the user says of an account besides its name. Kept here, never told to the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Own {
    /// Left out of syncs, looks of Repair and totals. Its keys stay.
    pub disabled: bool,
    /// Stands before all that are not pinned.
    pub pinned: bool,
    /// Its place in the order made by hand; none: after those that have one.
    pub place: Option<u32>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Whatever is worth remembering.
    pub notes: String,
    /// Where one checks in, if not at the site itself. Opened on a click, never asked.
    pub check_in: Option<String>,
    /// Its balance is not counted in totals.
    pub excluded: bool,
}

/// How accounts are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountOrder {
    /// By name.
    #[default]
    Name,
    /// As the user put them.
    Hand,
    /// The greatest balance first.
    Balance,
    /// By the sites' software.
    Kind,
    /// The latest synced first.
    Synced,
}

impl AccountOrder {
    /// Every order, as they are offered.
    pub const ALL: [Self; 5] = [
        Self::Name,
        Self::Hand,
        Self::Balance,
        Self::Kind,
        Self::Synced,
    ];
}

impl AccountView {
    /// Where it stands among others: what is pinned, then as the order says, then by name.
    #[must_use]
    pub fn rank(&self, order: AccountOrder) -> (bool, i64, String) {
        let place = match order {
            AccountOrder::Name => 0,
            AccountOrder::Hand => self.own.place.map_or(i64::MAX, i64::from),
            AccountOrder::Balance => match self.balance {
                // In dollars, so that sites of different units compare; the fourth digit is enough.
                #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
                Some(balance) => {
                    ((balance as f64 / self.unit.per_dollar * 10_000.0) as i64).saturating_neg()
                }
                None => i64::MAX,
            },
            AccountOrder::Kind => {
                let at = SiteKind::ALL.iter().position(|kind| *kind == self.kind);
                at.and_then(|at| i64::try_from(at).ok()).unwrap_or(i64::MAX)
            }
            AccountOrder::Synced => match self.synced_at {
                Some(at) => i64::try_from(at).unwrap_or(i64::MAX).saturating_neg(),
                None => i64::MAX,
            },
        };
        (!self.own.pinned, place, self.name.to_lowercase())
    }
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
    /// The user was told that the address looks like another account's and said yes.
    pub look_alike_is_fine: bool,
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
    /// Its site is of this kind from now on.
    pub kind: Option<SiteKind>,
    /// What the user says of it, all of it but its place, which [`crate::OrderAccounts`] gives.
    pub own: Option<Own>,
}

/// What stands in the way of an account's own words. Each is too long, or no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnProblem {
    /// More tags than this.
    TooManyTags(u32),
    /// A tag is longer than this.
    TagTooLong(u32),
    /// The notes are longer than this.
    NotesTooLong(u32),
    /// The check-in address is no address of a web page.
    CheckIn,
}
