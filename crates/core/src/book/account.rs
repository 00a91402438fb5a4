//! One account: what the site says of it, what the user says, and its keys' list.

use super::parts::Parts;
use super::records::{AccountBody, KeyEntry, LoginBody, OwnBody, RawEntry, SecretEntry, shown};
use super::{account_id, merge::Found};
use crate::body::{Body, More};
use crate::http::Bound;
use crate::keys;
use crate::secret::{ApiKey, MaskedKey, Secret};
use crate::site::{BaseUrl, Login, Place};
use crate::sorted::SortedSet;
use crate::vault::{Change, Kind, RecordId};
use relaykeep_protocol::{
    AccountId, AccountView, Generation, Health, KeyRow, LoginWay, Own, OwnProblem, RemoteId,
    SecretState, SiteKind, SiteTrouble, Unit,
};

/// What must be known to keep an account.
pub struct Basics {
    /// Where the site stands.
    pub base: BaseUrl,
    /// Which software.
    pub kind: SiteKind,
    /// The name the user gave; may be empty.
    pub name: String,
    /// The login's number, where it is known.
    pub user_id: Option<String>,
}

/// An account. A copy is changed, committed, and only then put into the book.
#[derive(Clone)]
pub struct Account {
    group: [u8; 16],
    pub(crate) body: AccountBody,
    pub(crate) own: OwnBody,
    pub(crate) keys: Parts<KeyEntry>,
}

impl Account {
    /// A new account under a random group.
    #[must_use]
    pub fn new(group: [u8; 16], basics: Basics) -> Self {
        let Basics {
            base,
            kind,
            name,
            user_id,
        } = basics;
        Self {
            group,
            body: AccountBody {
                base_url: base.as_str().to_owned(),
                kind,
                generation: None,
                way: LoginWay::Token,
                user_id,
                username: None,
                site_name: None,
                group: None,
                unit: Unit::default(),
                balance: None,
                used: None,
                health: Health::New,
                cut_at: None,
                quirks: crate::site::Quirks::default(),
                token_in_doubt: false,
                token_offer_answered: false,
                admin: false,
                more: More::default(),
            },
            own: OwnBody {
                name,
                ..OwnBody::default()
            },
            keys: Parts::default(),
        }
    }

    pub(super) fn load(group: [u8; 16], body: &str) -> Option<Self> {
        Some(Self {
            group,
            body: AccountBody::read(body).ok()?,
            own: OwnBody::default(),
            keys: Parts::default(),
        })
    }

    pub(super) fn load_more(&mut self, id: &RecordId, body: &str) -> bool {
        match id.kind {
            Kind::KeyList => self.keys.load(id.part, body),
            Kind::Own => super::read_into(&mut self.own, body),
            Kind::Account
            | Kind::Login
            | Kind::Keys
            | Kind::Raw
            | Kind::Credential
            | Kind::CredentialSummary
            | Kind::Settings
            | Kind::FinishedJob
            | Kind::Ledger
            | Kind::Trace
            | Kind::Unknown(_) => false,
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn id(&self) -> AccountId {
        account_id(self.group)
    }

    /// Its group in the vault.
    #[must_use]
    pub fn group(&self) -> [u8; 16] {
        self.group
    }

    /// Where its site stands.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.body.base_url
    }

    /// Which software runs there.
    #[must_use]
    pub fn kind(&self) -> SiteKind {
        self.body.kind
    }

    /// What it signs in with.
    #[must_use]
    pub fn way(&self) -> LoginWay {
        self.body.way
    }

    /// It signs in with something else from now on.
    pub fn set_way(&mut self, way: LoginWay) {
        self.body.way = way;
    }

    /// Whether it signs in as whoever is signed in in the browser.
    #[must_use]
    pub fn shares_login(&self) -> bool {
        self.body.way.shares()
    }

    /// Whether only a visit to the site, in a tab, can end what troubles it.
    #[must_use]
    pub fn waits_for_a_visit(&self) -> bool {
        self.trouble().is_some_and(|trouble| match trouble {
            SiteTrouble::Challenge | SiteTrouble::SignInAtSite | SiteTrouble::TabNeeded => true,
            SiteTrouble::AnsweredAsOther => self.shares_login(),
            SiteTrouble::Offline
            | SiteTrouble::Unreachable
            | SiteTrouble::TimedOut
            | SiteTrouble::PermissionMissing
            | SiteTrouble::Redirected
            | SiteTrouble::LoginExpired
            | SiteTrouble::UserDisabled
            | SiteTrouble::UserIdMismatch
            | SiteTrouble::RateLimited { .. }
            | SiteTrouble::NotARelay
            | SiteTrouble::BadAnswer
            | SiteTrouble::AnswerTooLarge
            | SiteTrouble::Refused
            | SiteTrouble::VerificationRequired
            | SiteTrouble::Absent
            | SiteTrouble::ServerError { .. }
            | SiteTrouble::KindChanged { .. }
            | SiteTrouble::WrongKey => false,
        })
    }

    /// The offer to change to an access token was answered.
    pub fn note_token_offer_answered(&mut self) {
        self.body.token_offer_answered = true;
    }

    /// A challenge stands before its site, or no longer does.
    pub fn set_shielded(&mut self, shielded: bool) {
        self.body.quirks.shielded = shielded;
    }

    /// The key among these that a key in full text may be: a masked one whose mask it fits.
    #[must_use]
    pub fn fitting(&self, full: &ApiKey) -> Option<KeyRow> {
        self.rows().find(|row| {
            MaskedKey::read(&row.mask).is_some_and(|mask| mask.tells() && mask.fits(full))
        })
    }

    /// The login's number at the site.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.body.user_id.as_deref()
    }

    /// The name shown: the user's, else the site's own, else its host.
    #[must_use]
    pub fn name(&self) -> String {
        [Some(self.own.name.as_str()), self.body.site_name.as_deref()]
            .into_iter()
            .flatten()
            .find(|name| !name.trim().is_empty())
            .map_or_else(
                || {
                    self.body
                        .base_url
                        .trim_start_matches("https://")
                        .trim_start_matches("http://")
                        .to_owned()
                },
                |name| crate::text::one_line(name, 128),
            )
    }

    /// Where requests go. `None` if the stored address no longer reads.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Some(Place {
            kind: self.body.kind,
            base: BaseUrl::parse(&self.body.base_url).ok()?,
            quirks: self.body.quirks.clone(),
        })
    }

    pub(super) fn view(&self, synced_at: Option<u64>) -> AccountView {
        AccountView {
            id: self.id(),
            name: self.name(),
            base_url: self.body.base_url.clone(),
            kind: self.body.kind,
            generation: self.body.generation,
            way: self.body.way,
            user_id: self.body.user_id.clone(),
            username: self.body.username.clone(),
            group: self.body.group.clone(),
            unit: self.body.unit.clone(),
            balance: self.body.balance.map(shown),
            used: self.body.used.map(shown),
            health: self.body.health.clone(),
            synced_at,
            keys: u32::try_from(self.keys.len()).unwrap_or(u32::MAX),
            cut_at: self.body.cut_at,
            in_clear: BaseUrl::parse(&self.body.base_url)
                .is_ok_and(|base| base.in_clear() && !base.is_loopback()),
            token_in_doubt: self.body.token_in_doubt,
            admin: self.body.admin,
            own: self.own_words(),
            offers_token: self.shares_login() && !self.body.token_offer_answered,
        }
    }

    /// What the user says of it.
    #[must_use]
    pub fn own_words(&self) -> Own {
        let own = &self.own;
        Own {
            disabled: own.disabled,
            pinned: own.pinned,
            place: own.place,
            tags: own.tags.clone(),
            notes: own.notes.clone(),
            check_in: own.check_in.clone(),
            excluded: own.excluded,
        }
    }

    /// Takes what the user says of it; its place in the order stays.
    ///
    /// # Errors
    /// What does not fit.
    pub fn set_own_words(&mut self, said: Own) -> Result<(), OwnProblem> {
        let said = super::own::checked(said)?;
        let own = &mut self.own;
        own.disabled = said.disabled;
        own.pinned = said.pinned;
        own.tags = said.tags;
        own.notes = said.notes;
        own.check_in = said.check_in;
        own.excluded = said.excluded;
        Ok(())
    }

    /// Its place in the order made by hand. Says whether that is new.
    pub fn set_place(&mut self, place: Option<u32>) -> bool {
        std::mem::replace(&mut self.own.place, place) != place
    }

    /// The user wants no request to its site.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.own.disabled
    }

    /// The record of what the user says of it.
    #[must_use]
    pub fn own_change(&self) -> Change {
        Change::Put {
            id: self.record(Kind::Own),
            body: crate::json::write(&self.own),
        }
    }

    /// Its site is of another kind from now on: what was learned of the old one holds no more.
    /// The keys stay.
    pub fn set_kind(&mut self, kind: SiteKind) {
        if self.body.kind != kind {
            self.body.kind = kind;
            self.body.generation = None;
            self.body.quirks = crate::site::Quirks::default();
            self.body.health = Health::New;
        }
    }

    /// Its site is of another generation now: habits of the old one are learned anew. Says whether
    /// that is new.
    pub fn set_generation(&mut self, generation: Generation) -> bool {
        let changed = self.body.generation != Some(generation);
        if changed {
            self.body.generation = Some(generation);
            self.body.quirks = crate::site::Quirks {
                generation: Some(generation),
                ..crate::site::Quirks::default()
            };
        }
        changed
    }

    /// Which generation of its software runs there, as far as it is known.
    #[must_use]
    pub fn generation(&self) -> Option<Generation> {
        self.body.generation
    }

    /// The login was checked anew by the user: whoever answered is the one meant.
    pub fn forget_username(&mut self) {
        self.body.username = None;
    }

    /// Its keys, in the order they are stored.
    pub fn rows(&self) -> impl Iterator<Item = KeyRow> + '_ {
        self.keys.iter().map(KeyEntry::row)
    }

    /// The keys that are wanted, by when they were last used.
    pub fn rows_by_use(&self, mut wanted: impl FnMut(Option<i64>) -> bool) -> Vec<KeyRow> {
        let wanted = self.keys.iter().filter(|entry| wanted(entry.last_used));
        wanted.map(KeyEntry::row).collect()
    }

    /// When each key that ever was used was used last.
    pub fn last_uses(&self) -> impl Iterator<Item = i64> + '_ {
        self.keys.iter().filter_map(|entry| entry.last_used)
    }

    /// One key.
    #[must_use]
    pub fn row(&self, id: &RemoteId) -> Option<KeyRow> {
        self.keys.get(id).map(KeyEntry::row)
    }

    /// Of the given keys (all, if none are given), those whose full key is not held, with their masks.
    #[must_use]
    pub fn to_reveal(&self, among: &[RemoteId]) -> Vec<(RemoteId, MaskedKey)> {
        self.keys
            .iter()
            .filter(|entry| keys::is_masked(&entry.row()))
            .filter(|entry| among.is_empty() || among.contains(&entry.id))
            .filter_map(|entry| Some((entry.id.clone(), MaskedKey::read(&entry.mask)?)))
            .collect()
    }

    /// Sets how the account does. Says whether anything changed.
    pub fn set_health(&mut self, health: Health) -> bool {
        let changed = self.body.health != health;
        self.body.health = health;
        changed
    }

    /// What troubles the account, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<&SiteTrouble> {
        match &self.body.health {
            Health::New | Health::Good => None,
            Health::Trouble(trouble) => Some(trouble),
        }
    }

    /// Marks that a token was being made when the work was cut, or that this is settled.
    pub fn set_token_in_doubt(&mut self, in_doubt: bool) {
        self.body.token_in_doubt = in_doubt;
    }

    /// The user's own name for it.
    pub fn rename(&mut self, name: &str) {
        name.trim().clone_into(&mut self.own.name);
    }

    /// The login's number, once it is known or corrected.
    pub fn set_user_id(&mut self, user_id: Option<String>) {
        self.body.user_id = user_id;
    }

    /// Takes over what was learned of the server's ways. Says whether that is new.
    pub fn learn(&mut self, learned: &crate::site::Quirks) -> bool {
        let mut quirks = self.body.quirks.clone();
        quirks.learn(learned);
        let changed = quirks != self.body.quirks;
        self.body.generation = quirks.generation.or(self.body.generation);
        self.body.quirks = quirks;
        changed
    }

    /// What the site said of the login and of itself.
    pub(crate) fn take(&mut self, found: &Found) {
        let body = &mut self.body;
        if let Some(whoami) = &found.whoami {
            body.user_id = Some(whoami.user_id.clone());
            body.username.clone_from(&whoami.username);
            body.group.clone_from(&whoami.group);
            body.balance = whoami.balance;
            body.used = whoami.used;
            body.admin = whoami.admin;
        }
        body.quirks.clone_from(&found.quirks);
        body.generation = found.quirks.generation.or(body.generation);
        if let Some(facts) = &found.facts {
            body.unit.clone_from(&facts.unit);
            body.site_name.clone_from(&facts.site_name);
        }
        body.health = Health::Good;
    }

    /// The records of the account itself: all of it that is not keys.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        vec![
            Change::Put {
                id: self.record(Kind::Account),
                body: crate::json::write(&self.body),
            },
            self.own_change(),
        ]
    }

    /// The record of its login.
    #[must_use]
    pub fn login_record(&self) -> RecordId {
        self.record(Kind::Login)
    }

    /// Seals a token, bound to the site's origin.
    #[must_use]
    pub fn login_change(&self, token: &Secret) -> Option<Change> {
        let origin = BaseUrl::parse(&self.body.base_url)
            .ok()?
            .origin()
            .to_owned();
        let login = LoginBody {
            token: token.expose().to_owned(), // into its own sealed record
            origins: vec![origin],
            refresh: None,
            more: More::default(),
        };
        Some(Change::Put {
            id: self.login_record(),
            body: crate::json::write(&login),
        })
    }

    /// Seals what keeps a session of our own going, bound to the site's origin.
    #[must_use]
    pub fn refresh_change(&self, token: &Secret) -> Option<Change> {
        let origin = self.origin()?;
        let login = LoginBody {
            token: String::new(),
            origins: vec![origin],
            refresh: Some(token.expose().to_owned()), // into its own sealed record
            more: More::default(),
        };
        Some(Change::Put {
            id: self.login_record(),
            body: crate::json::write(&login),
        })
    }

    /// Reads what keeps a session of our own going.
    #[must_use]
    pub fn read_refresh(&self, body: &str) -> Option<Bound> {
        let login = LoginBody::read(body).ok()?;
        Some(Bound {
            secret: Secret::new(login.refresh?),
            origins: login.origins,
        })
    }

    /// Reads the login's record.
    #[must_use]
    pub fn read_login(&self, body: &str) -> Option<Login> {
        let login = LoginBody::read(body).ok()?;
        if login.token.is_empty() {
            return None;
        }
        Some(Login {
            token: Some(Bound {
                secret: Secret::new(login.token),
                origins: login.origins,
            }),
            with_cookie: false,
            user_id: self.body.user_id.clone(),
        })
    }

    /// Takes keys' records out: those that are gone at the site vanish, the others stay hidden.
    pub fn remove_keys(
        &mut self,
        ids: &[RemoteId],
        keyring: &mut Keyring,
        raws: &mut RawObjects,
    ) -> Vec<Change> {
        let there = ids.iter().filter(|id| {
            let entry = self.keys.get(id);
            entry.is_some_and(|entry| entry.gone_since.is_none())
        });
        let there: Vec<RemoteId> = there.cloned().collect();
        let hides = !there.is_empty();
        self.own.hidden.extend(there);
        let mut changes = self.forget_keys(ids, keyring, raws);
        if hides {
            changes.extend(self.changes());
        }
        changes
    }

    /// Takes out the records of keys that were deleted at the site.
    pub fn forget_keys(
        &mut self,
        ids: &[RemoteId],
        keyring: &mut Keyring,
        raws: &mut RawObjects,
    ) -> Vec<Change> {
        for id in ids {
            self.keys.remove(id);
            keyring.0.remove(id);
            raws.0.remove(id);
        }
        let mut changes = self.keys.changes(self.group);
        changes.extend(keyring.0.changes(self.group));
        changes.extend(raws.0.changes(self.group));
        changes
    }

    /// Shows keys again that were removed here.
    pub fn unhide(&mut self, ids: &[RemoteId]) {
        self.own.hidden.retain(|id| !ids.contains(id));
    }

    /// Puts a key in the place of another.
    pub fn replace_key(&mut self, old: &RemoteId, new: &RemoteId) -> Vec<Change> {
        if let Some(mut entry) = self.keys.get(old).cloned() {
            entry.replaced_by = Some(new.clone());
            self.keys.put(entry);
        }
        self.keys.changes(self.group)
    }

    /// Marks which of these keys the site did not give when it was asked for them.
    pub fn note_refused(&mut self, asked: &[RemoteId]) -> Vec<Change> {
        for id in asked {
            if let Some(mut entry) = self.keys.get(id).cloned() {
                entry.refused = entry.secret == SecretState::Masked;
                self.keys.put(entry);
            }
        }
        self.keys.changes(self.group)
    }

    /// Masked keys that the site did not give when it was asked, or never gives.
    #[must_use]
    pub fn hidden_for_good(&self) -> Vec<RemoteId> {
        let never = !crate::site::reveals(self.body.kind);
        self.keys
            .iter()
            .filter(|entry| keys::is_masked(&entry.row()) && (never || entry.refused))
            .map(|entry| entry.id.clone())
            .collect()
    }

    /// Groups the user wants no key for.
    #[must_use]
    pub fn excluded_groups(&self) -> &[String] {
        &self.own.no_key_for
    }

    /// Changes them.
    pub fn exclude_groups(&mut self, groups: Vec<String>) {
        self.own.no_key_for = groups;
    }

    /// How the site shows amounts.
    #[must_use]
    pub fn unit(&self) -> &Unit {
        &self.body.unit
    }

    /// The login's own group.
    #[must_use]
    pub fn own_group(&self) -> Option<&str> {
        self.body.group.as_deref()
    }

    /// Whether a key is held.
    #[must_use]
    pub fn has(&self, id: &RemoteId) -> bool {
        self.keys.get(id).is_some()
    }

    pub(crate) fn origin(&self) -> Option<String> {
        Some(
            BaseUrl::parse(&self.body.base_url)
                .ok()?
                .origin()
                .to_owned(),
        )
    }

    fn record(&self, kind: Kind) -> RecordId {
        RecordId {
            group: self.group,
            kind,
            part: 0,
        }
    }

    /// Which secret part a key's full key stands in, if it is held.
    #[must_use]
    pub fn secret_record(&self, id: &RemoteId) -> Option<RecordId> {
        let entry = self.keys.get(id)?;
        (entry.secret == SecretState::Held).then_some(())?;
        Some(RecordId {
            group: self.group,
            kind: Kind::Keys,
            part: entry.secret_part?,
        })
    }

    /// Which raw part a key's object stands in.
    #[must_use]
    pub fn raw_record(&self, id: &RemoteId) -> Option<RecordId> {
        let part = self.keys.get(id)?.raw_part?;
        Some(RecordId {
            group: self.group,
            kind: Kind::Raw,
            part,
        })
    }

    /// The sealed parts its list names.
    #[must_use]
    pub fn sealed_records(&self) -> SortedSet<RecordId> {
        let named = |entry: &KeyEntry| [self.secret_record(&entry.id), self.raw_record(&entry.id)];
        self.keys.iter().flat_map(named).flatten().collect()
    }
}

/// The full keys of one account, unsealed for as long as this lives.
#[derive(Clone, Default)]
pub struct Keyring(pub(super) Parts<SecretEntry>);

impl Keyring {
    /// Reads one part.
    pub fn load(&mut self, part: u16, body: &str) -> bool {
        self.0.load(part, body)
    }

    /// One full key.
    #[must_use]
    pub fn key(&self, id: &RemoteId) -> Option<ApiKey> {
        ApiKey::read(&self.0.get(id)?.key)
    }

    /// Said to be held, and lost with its part.
    pub(super) fn has_lost(&self, entry: &KeyEntry) -> bool {
        entry.secret == SecretState::Held && self.0.has_lost(&entry.id, entry.secret_part)
    }

    /// When a key was revealed.
    #[must_use]
    pub fn since(&self, id: &RemoteId) -> Option<u64> {
        self.0.get(id).map(|entry| entry.since)
    }

    /// Every full key with its id.
    pub fn iter(&self) -> impl Iterator<Item = (&RemoteId, Option<ApiKey>)> {
        self.0
            .iter()
            .map(|entry| (&entry.id, ApiKey::read(&entry.key)))
    }
}

/// The raw objects of one account.
#[derive(Clone, Default)]
pub struct RawObjects(pub(super) Parts<RawEntry>);

impl RawObjects {
    /// Reads one part.
    pub fn load(&mut self, part: u16, body: &str) -> bool {
        self.0.load(part, body)
    }

    /// Lost with its part.
    pub(super) fn has_lost(&self, entry: &KeyEntry) -> bool {
        self.0.has_lost(&entry.id, entry.raw_part)
    }

    /// What the site sent for a key, to the letter. May hold the full key: a secret.
    #[must_use]
    pub fn raw(&self, id: &RemoteId) -> Option<Secret> {
        self.0.get(id).map(|entry| Secret::new(entry.raw.clone()))
    }
}
