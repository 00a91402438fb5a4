//! What a sync changes: the plan is worked out on a copy, and printed as changes and counts,
//! before anything is written.

use super::account::{Account, Keyring, RawObjects};
use super::records::{KeyEntry, RawEntry, SecretEntry};
use crate::secret::{ApiKey, MaskedKey, Secret};
use crate::site::{Listing, Quirks, RemoteKey, SiteFacts, Whoami, read_raw};
use crate::vault::Change;
use relaykeep_protocol::{KeyRow, Millis, Outcome, RemoteId, SecretState};
use std::collections::HashSet;

/// What a site answered to one account's sync.
pub struct Found {
    /// Who the site says we are, if it was asked this time.
    pub whoami: Option<Whoami>,
    /// The site's unit and name, if they were asked for this time.
    pub facts: Option<SiteFacts>,
    /// The keys.
    pub listing: Listing,
    /// What was learned of the server's ways.
    pub quirks: Quirks,
}

/// What a sync or reveal makes of an account.
pub struct Merged {
    /// The account afterwards; it goes into the book when the changes are committed.
    pub account: Account,
    /// What to write. Empty: nothing changed.
    pub changes: Vec<Change>,
    /// Rows that changed or are new.
    pub rows: Vec<KeyRow>,
    /// How to say it.
    pub outcome: Outcome,
}

/// Takes the keyed fingerprints of raw objects: they tell a changed one without unsealing the old.
pub fn fingerprint(keys: &mut [RemoteKey], print: impl Fn(&Secret) -> String) {
    for key in keys {
        key.print = print(&key.raw);
    }
}

/// Merges what a site answered, with its fingerprints taken, into what is held.
#[must_use]
pub fn merge(
    before: &Account,
    found: &Found,
    mut keyring: Keyring,
    mut raws: RawObjects,
    now: Millis,
) -> Merged {
    let mut account = before.clone();
    let (mut updated, mut new, mut gone, mut unchanged) = (0, 0, 0, 0);
    let mut rows = give_up(&mut account, &mut keyring, &raws, now);
    let mut seen = HashSet::new();
    if ids_moved(&account, &found.listing) {
        // What was hidden by its id is another key now.
        account.own.hidden.clear();
    }
    for remote in &found.listing.keys {
        if !seen.insert(&remote.id) || account.own.hidden.contains(&remote.id) {
            continue;
        }
        let held = account.keys.get(&remote.id).cloned();
        let held = held.filter(|held| !is_another(held, remote));
        let entry = take_remote(
            held.clone().unwrap_or_default(),
            remote,
            &mut keyring,
            &mut raws,
            &account,
            now,
        );
        match held {
            Some(held) if held == entry => unchanged += 1,
            Some(_) => updated += 1,
            None => new += 1,
        }
        if account.keys.get(&remote.id) != Some(&entry) {
            rows.push(entry.row());
            account.keys.put(entry);
        }
    }
    if found.listing.complete {
        let absent: Vec<KeyEntry> = account
            .keys
            .iter()
            .filter(|entry| !seen.contains(&entry.id) && entry.gone_since.is_none())
            .cloned()
            .collect();
        for mut entry in absent {
            // One complete listing without it may be a hiccup of the server; two are not.
            if entry.missed {
                entry.gone_since = Some(now);
                gone += 1;
                rows.push(entry.row());
            } else {
                entry.missed = true;
                unchanged += 1;
            }
            account.keys.put(entry);
        }
    }
    account.take(found);
    account.body.cut_at = (!found.listing.complete)
        .then(|| u32::try_from(found.listing.keys.len()).unwrap_or(u32::MAX));
    let changes = all_changes(before, &mut account, &mut keyring, &mut raws);
    let masked = account.to_reveal(&[]).len();
    let cut = account.body.cut_at.zip(found.listing.cut);
    Merged {
        changes,
        rows,
        outcome: Outcome::Synced {
            updated,
            new,
            gone,
            unchanged,
            masked: u32::try_from(masked).unwrap_or(u32::MAX),
            cut,
        },
        account,
    }
}

/// Takes in keys that were read one by one, in the middle of other work.
#[must_use]
pub fn merge_keys(
    before: &Account,
    keys: &[RemoteKey],
    mut keyring: Keyring,
    mut raws: RawObjects,
    now: Millis,
) -> Merged {
    let mut account = before.clone();
    let mut rows = give_up(&mut account, &mut keyring, &raws, now);
    for remote in keys {
        let held = account.keys.get(&remote.id).cloned();
        let held = held
            .filter(|held| !is_another(held, remote))
            .unwrap_or_default();
        let (ring, raws) = (&mut keyring, &mut raws);
        let entry = take_remote(held, remote, ring, raws, &account, now);
        rows.push(entry.row());
        account.keys.put(entry);
    }
    let good = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let changes = all_changes(before, &mut account, &mut keyring, &mut raws);
    Merged {
        account,
        changes,
        rows,
        outcome: Outcome::Worked { good, bad: 0 },
    }
}

/// Gives up what stood in sealed parts that are damaged for good; the parts stay as they are. A
/// key that its object tells in full is taken from there; any other is masked again, for the next
/// reveal to fetch. An object comes with the next list. Says which rows that concerns.
fn give_up(
    account: &mut Account,
    keyring: &mut Keyring,
    raws: &RawObjects,
    now: Millis,
) -> Vec<KeyRow> {
    let entries = account.keys.iter();
    let lost = entries.filter(|entry| keyring.has_lost(entry) || raws.has_lost(entry));
    let lost: Vec<KeyEntry> = lost.cloned().collect();
    let mut rows = Vec::new();
    for mut entry in lost {
        if keyring.has_lost(&entry) {
            let mask = entry.mask.clone();
            let fits = |key: &ApiKey| MaskedKey::read(&mask).is_some_and(|mask| mask.fits(key));
            let object = raws.0.get(&entry.id);
            let told = object.and_then(|object| read_raw(&object.raw)?.full);
            match told.filter(fits) {
                Some(full) => hold(&mut entry, &full, &mask, keyring, account, now),
                None => entry.secret = SecretState::Masked,
            }
            rows.push(entry.row());
        }
        if raws.has_lost(&entry) {
            entry.raw_part = None;
            entry.raw_print.clear();
        }
        account.keys.put(entry);
    }
    rows
}

/// Whether an id stands for another key than the one held under it: a site that was set up anew
/// counts from 1 again. No server changes the time at which a key was made, so where both are
/// known it decides.
fn is_another(held: &KeyEntry, remote: &RemoteKey) -> bool {
    let made = (held.created, remote.row.created);
    matches!(made, (Some(before), Some(now)) if before != now && before > 0 && now > 0)
}

/// Some id of a key held stands for another key now.
fn ids_moved(account: &Account, listing: &Listing) -> bool {
    listing.keys.iter().any(|remote| {
        let held = account.keys.get(&remote.id);
        held.is_some_and(|held| is_another(held, remote))
    })
}

/// Whether a site that answers under another login name is the one we knew, set up anew: keys are
/// held, and it has none of them. A login that was only renamed keeps its keys.
#[must_use]
pub fn is_somebody_else(account: &Account, found: &Found) -> bool {
    let Some(who) = &found.whoami else {
        return false;
    };
    let renamed = matches!((&account.body.username, &who.username), (Some(before), Some(now)) if before != now);
    let held = || {
        account
            .keys
            .iter()
            .filter(|entry| entry.gone_since.is_none())
    };
    let same = |remote: &RemoteKey| {
        let known = account.keys.get(&remote.id);
        known.is_some_and(|held| {
            !is_another(held, remote) && site_mask(remote).is_none_or(|mask| mask == held.mask)
        })
    };
    renamed && held().next().is_some() && !found.listing.keys.iter().any(same)
}

/// Whether merging needs the account's sealed parts: only if some raw object or mask changed.
#[must_use]
pub fn needs_sealed_parts(account: &Account, listing: &Listing) -> bool {
    listing.keys.iter().any(|remote| {
        account.keys.get(&remote.id).is_none_or(|held| {
            held.raw_print != remote.print
                || site_mask(remote).is_some_and(|mask| held.mask != mask)
        })
    })
}

/// Takes in full keys that a site revealed. Keys that do not fit their mask were refused before.
#[must_use]
pub fn merge_revealed(
    before: &Account,
    got: &[(RemoteId, ApiKey)],
    mut keyring: Keyring,
    now: Millis,
) -> Merged {
    let mut account = before.clone();
    let mut rows = Vec::new();
    for (id, key) in got {
        let Some(mut entry) = account.keys.get(id).cloned() else {
            continue;
        };
        let mask = entry.mask.clone();
        hold(&mut entry, key, &mask, &mut keyring, &account, now);
        rows.push(entry.row());
        account.keys.put(entry);
    }
    let mut none = RawObjects::default();
    let revealed = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let changes = all_changes(before, &mut account, &mut keyring, &mut none);
    Merged {
        account,
        changes,
        rows,
        outcome: Outcome::Revealed {
            revealed,
            missing: 0,
        },
    }
}

fn take_remote(
    mut entry: KeyEntry,
    remote: &RemoteKey,
    keyring: &mut Keyring,
    raws: &mut RawObjects,
    account: &Account,
    now: Millis,
) -> KeyEntry {
    let unknown = || MaskedKey::of("").as_str().to_owned();
    // A site that tells no mask, after the one answer that had the key, takes none away.
    let mask = site_mask(remote)
        .or_else(|| Some(entry.mask.clone()).filter(|mask| !mask.is_empty()))
        .unwrap_or_else(unknown);
    // An entry without an id is new, whatever a full key under that id says; one that comes along
    // now is its own.
    let is_new = entry.id.0.is_empty() && remote.full.is_none();
    let mask_changed = entry.mask != mask;
    // Another key behind it may be given.
    entry.refused &= !mask_changed;
    entry.take(remote.row.clone());
    entry.id.clone_from(&remote.id);
    if entry.raw_print != remote.print {
        let raw = RawEntry {
            id: remote.id.clone(),
            raw: remote.raw.expose().to_owned(), // into its own sealed record
        }; // into its own sealed record
        entry.raw_part = raws.0.put(raw);
        entry.raw_print.clone_from(&remote.print);
        if let Some(full) = &remote.full {
            hold(&mut entry, full, &mask, keyring, account, now);
        }
    }
    if let (Some(site_mask), true) = (&remote.masked, mask_changed) {
        // A station that begins to mask keeps its keys: one that still fits stays held. So does one
        // whose row was lost with its part of the list, if the mask shows enough to tell it by.
        let unlisted = account.keys.get(&remote.id).is_none() && site_mask.tells();
        let fits = keyring.key(&remote.id);
        let still_fits = fits.is_some_and(|key| site_mask.fits(&key));
        entry.secret = if still_fits && (!is_new || unlisted) {
            entry.secret_part = keyring.0.place_of(&remote.id);
            SecretState::Held
        } else {
            SecretState::Masked
        };
    }
    entry.mask = mask;
    entry
}

/// The mask that tells, if any does, whether a key was replaced: the site's, or our own of a key in clear.
fn site_mask(remote: &RemoteKey) -> Option<String> {
    match (&remote.full, &remote.masked) {
        (Some(full), _) => Some(full.mask().as_str().to_owned()),
        (None, Some(mask)) => Some(mask.as_str().to_owned()),
        (None, None) => None,
    }
}

/// Puts a full key on the ring. One that it replaces is kept behind it.
fn hold(
    entry: &mut KeyEntry,
    key: &ApiKey,
    mask: &str,
    keyring: &mut Keyring,
    account: &Account,
    now: Millis,
) {
    const KEPT: usize = 3;
    let old = keyring.0.get(&entry.id);
    let same = old.is_some_and(|old| old.key == key.expose()); // compared with its own sealed copy
    let mut was = old.map(|old| old.was.clone()).unwrap_or_default();
    if let (Some(old), false) = (old, same) {
        was.insert(0, old.key.clone());
        was.truncate(KEPT);
    }
    let since = old.filter(|_| same).map_or(now, |old| old.since);
    let secret = SecretEntry {
        id: entry.id.clone(),
        mask: mask.to_owned(),
        key: key.expose().to_owned(), // into its own sealed record
        origins: account.origin().into_iter().collect(),
        since,
        was,
    };
    entry.secret_part = keyring.0.put(secret);
    entry.secret = SecretState::Held;
}

fn all_changes(
    before: &Account,
    account: &mut Account,
    keyring: &mut Keyring,
    raws: &mut RawObjects,
) -> Vec<Change> {
    let group = account.group();
    let mut changes = account.keys.changes(group);
    changes.extend(keyring.0.changes(group));
    changes.extend(raws.0.changes(group));
    if crate::json::write(&before.body) != crate::json::write(&account.body)
        || crate::json::write(&before.own) != crate::json::write(&account.own)
    {
        changes.extend(account.changes());
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::{Basics, account_id, unsealed};
    use super::*;
    use crate::site::BaseUrl;
    use crate::vault::{Damaged, Kind, RecordId};
    use relaykeep_protocol::{CutReason, SiteKind, Unit};

    const FULL: &str = "sk-AbCd0123456789AbCd0123456789AbCd0123456789wXyZ";
    const MASK: &str = "AbCd**********wXyZ";

    fn account() -> Account {
        let basics = Basics {
            base: BaseUrl::parse("https://relay.example").expect("an address"),
            kind: SiteKind::NewApi,
            name: String::new(),
            user_id: Some("2".to_owned()),
        };
        Account::new([9; 16], basics)
    }

    fn remote(id: u32, key: &str, used: i64) -> RemoteKey {
        let id = RemoteId(id.to_string());
        let row = KeyRow {
            id: id.clone(),
            name: "a".to_owned(),
            status: 1,
            used: Some(used),
            ..KeyRow::default()
        };
        let raw = format!(
            "{{\"id\":{},\"key\":\"{key}\",\"used_quota\":{used}}}",
            id.0
        );
        RemoteKey {
            row,
            full: ApiKey::read(key),
            masked: MaskedKey::read(key),
            models: None,
            addresses: None,
            // As good as a keyed print for telling texts apart.
            print: raw.clone(),
            raw: Secret::new(raw),
            id,
        }
    }

    fn found(keys: Vec<RemoteKey>, cut: Option<CutReason>) -> Found {
        Found {
            whoami: Some(Whoami {
                user_id: "2".to_owned(),
                balance: Some(5),
                ..Whoami::default()
            }),
            facts: Some(SiteFacts {
                unit: Unit::default(),
                ..SiteFacts::default()
            }),
            listing: Listing {
                keys,
                complete: cut.is_none(),
                cut,
                ..Listing::default()
            },
            quirks: Quirks::default(),
        }
    }

    /// A vault of three kinds of parts, kept as the worker keeps it.
    #[derive(Default)]
    struct Held {
        account: Option<Account>,
        keyring: Keyring,
        raws: RawObjects,
        written: Vec<RecordId>,
    }

    impl Held {
        fn keep(&mut self, merged: Merged) -> Outcome {
            self.written.clear();
            for change in &merged.changes {
                self.written.push(match change {
                    Change::Put { id, .. } | Change::Delete(id) | Change::SetAside(id) => *id,
                });
                if let Change::Put { id, body } = change {
                    match id.kind {
                        Kind::Keys => {
                            self.keyring = Keyring::default();
                            assert!(self.keyring.load(id.part, body));
                        }
                        Kind::Raw => {
                            self.raws = RawObjects::default();
                            assert!(self.raws.load(id.part, body));
                        }
                        Kind::Account
                        | Kind::KeyList
                        | Kind::Own
                        | Kind::Login
                        | Kind::Credential
                        | Kind::CredentialSummary
                        | Kind::Settings
                        | Kind::FinishedJob
                        | Kind::Ledger
                        | Kind::Trace
                        | Kind::Unknown(_) => {}
                    }
                }
            }
            self.account = Some(merged.account);
            merged.outcome
        }

        fn sync(&mut self, found: &Found) -> Outcome {
            let before = self.account.clone().unwrap_or_else(account);
            self.keep(merge(
                &before,
                found,
                self.keyring.clone(),
                self.raws.clone(),
                1_000,
            ))
        }

        fn reveal(&mut self, id: &str, key: &str) -> Outcome {
            let before = self.account.clone().expect("synced before");
            let got = [(RemoteId(id.to_owned()), ApiKey::read(key).expect("a key"))];
            self.keep(merge_revealed(&before, &got, self.keyring.clone(), 2_000))
        }

        /// The first part of this kind, read as damaged in this way.
        fn hurt(&mut self, kind: Kind, damage: Damaged) {
            let id = RecordId {
                group: [9; 16],
                kind,
                part: 0,
            };
            let (keyring, raws) = unsealed(vec![(id, Err(damage))]);
            if kind == Kind::Keys {
                self.keyring = keyring;
            } else {
                self.raws = raws;
            }
        }

        fn parts(&self, kind: Kind) -> Vec<u16> {
            let written = self.written.iter().filter(|id| id.kind == kind);
            written.map(|id| id.part).collect()
        }

        fn row(&self, id: &str) -> KeyRow {
            self.account
                .as_ref()
                .and_then(|account| account.row(&RemoteId(id.to_owned())))
                .expect("a row")
        }

        fn key(&self, id: &str) -> Option<String> {
            self.keyring
                .key(&RemoteId(id.to_owned()))
                .map(|key| key.expose().to_owned()) // dummies only
        }
    }

    #[track_caller]
    fn counts(outcome: &Outcome) -> (u32, u32, u32, u32, u32) {
        match outcome {
            Outcome::Synced {
                updated,
                new,
                gone,
                unchanged,
                masked,
                ..
            } => (*updated, *new, *gone, *unchanged, *masked),
            Outcome::Revealed { .. }
            | Outcome::Worked { .. }
            | Outcome::TokenMade
            | Outcome::TokenInDoubt
            | Outcome::Failed(_)
            | Outcome::NotSaved(_)
            | Outcome::Stopped
            | Outcome::Removed => panic!("{outcome:?}"),
        }
    }

    #[test]
    fn a_second_unchanged_sync_writes_nothing() {
        let mut held = Held::default();
        let site = found(vec![remote(1, MASK, 0), remote(2, FULL, 0)], None);
        assert_eq!(counts(&held.sync(&site)), (0, 2, 0, 0, 1));
        assert_eq!(counts(&held.sync(&site)), (0, 0, 0, 2, 1));
        assert_eq!(held.written, []);
        assert!(!needs_sealed_parts(
            held.account.as_ref().expect("synced"),
            &site.listing,
        ));
    }

    #[test]
    fn a_mask_never_overwrites_a_full_key() {
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, MASK, 0)], None));
        assert_eq!(held.row("1").secret, SecretState::Masked);
        held.reveal("1", FULL);
        assert_eq!(held.row("1").secret, SecretState::Held);
        held.sync(&found(vec![remote(1, MASK, 50)], None));
        assert_eq!(
            held.row("1").secret,
            SecretState::Held,
            "quota moved, the mask did not"
        );
        assert_eq!(held.key("1").as_deref(), Some(FULL));
        assert!(
            held.account
                .as_ref()
                .expect("synced")
                .to_reveal(&[])
                .is_empty(),
            "not asked for again"
        );
    }

    #[test]
    fn a_replaced_key_is_asked_for_again_and_the_old_one_is_kept_behind_it() {
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, MASK, 0)], None));
        held.reveal("1", FULL);
        held.sync(&found(vec![remote(1, "QwEr**********TyUi", 0)], None));
        assert_eq!(held.row("1").secret, SecretState::Masked);
        assert_eq!(
            held.key("1").as_deref(),
            Some(FULL),
            "what was revealed is not thrown away"
        );
        let new = "sk-QwEr0123456789AbCd0123456789AbCd0123456789TyUi";
        held.reveal("1", new);
        assert_eq!(held.key("1").as_deref(), Some(new));
        assert_eq!(
            held.keyring
                .0
                .get(&RemoteId("1".to_owned()))
                .expect("held")
                .was,
            [FULL]
        );
    }

    #[test]
    fn a_station_that_begins_to_mask_keeps_its_keys_held() {
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, FULL, 0)], None));
        held.sync(&found(vec![remote(1, MASK, 0)], None));
        assert_eq!(held.row("1").secret, SecretState::Held);
        assert_eq!(held.key("1").as_deref(), Some(FULL));
    }

    #[test]
    fn only_two_complete_listings_without_it_make_a_key_gone() {
        let mut held = Held::default();
        let both = || vec![remote(1, MASK, 0), remote(2, FULL, 0)];
        held.sync(&found(both(), None));
        let one = || found(vec![remote(1, MASK, 0)], None);
        assert_eq!(counts(&held.sync(&one())).2, 0);
        assert_eq!(held.row("2").gone_since, None);
        assert_eq!(counts(&held.sync(&one())).2, 1);
        assert_eq!(held.row("2").gone_since, Some(1_000));
        assert_eq!(
            held.key("2").as_deref(),
            Some(FULL),
            "kept until the user removes it"
        );
        assert_eq!(counts(&held.sync(&one())).2, 0, "told once");
        held.sync(&found(both(), None));
        assert_eq!(held.row("2").gone_since, None, "back again");
    }

    #[test]
    fn a_cut_listing_makes_nothing_gone() {
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, MASK, 0), remote(2, MASK, 0)], None));
        for _ in 0..3 {
            let outcome = held.sync(&found(vec![remote(1, MASK, 0)], Some(CutReason::Cap)));
            assert!(
                matches!(
                    outcome,
                    Outcome::Synced {
                        cut: Some((1, CutReason::Cap)),
                        gone: 0,
                        ..
                    }
                ),
                "{outcome:?}"
            );
        }
        assert_eq!(held.row("2").gone_since, None);
    }

    #[test]
    fn an_emptied_site_loses_nothing_at_once() {
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, FULL, 0)], None));
        let outcome = held.sync(&found(Vec::new(), None));
        assert_eq!(counts(&outcome), (0, 0, 0, 1, 0));
        assert_eq!(held.row("1").gone_since, None);
    }

    #[test]
    fn lists_hold_neither_full_keys_nor_raw_objects() {
        let before = account();
        let mut key = remote(1, FULL, 0);
        key.print = "p".to_owned();
        let merged = merge(
            &before,
            &found(vec![key], None),
            Keyring::default(),
            RawObjects::default(),
            1,
        );
        for change in &merged.changes {
            if let Change::Put { id, body } = change {
                let secret = matches!(id.kind, Kind::Keys | Kind::Raw);
                assert_eq!(body.contains("0123456789"), secret, "{id:?}");
            }
        }
    }

    #[test]
    fn a_key_removed_here_stays_away_while_the_site_lists_it() {
        let mut held = Held::default();
        let site = found(vec![remote(1, MASK, 0), remote(2, MASK, 0)], None);
        held.sync(&site);
        let mut account = held.account.take().expect("synced");
        account.remove_keys(
            &[RemoteId("1".to_owned())],
            &mut held.keyring,
            &mut held.raws,
        );
        held.account = Some(account);
        assert_eq!(counts(&held.sync(&site)), (0, 0, 0, 1, 1));
        assert_eq!(
            account_id([9; 16]),
            held.account.as_ref().expect("synced").id()
        );
    }

    fn made(mut remote: RemoteKey, at: i64) -> RemoteKey {
        remote.row.created = Some(at);
        remote.print = format!("{at} {}", remote.print);
        remote
    }

    #[test]
    fn an_id_that_stands_for_another_key_takes_no_full_key_over() {
        let mut held = Held::default();
        held.sync(&found(vec![made(remote(1, MASK, 5), 100)], None));
        held.reveal("1", FULL);
        assert_eq!(held.row("1").secret, SecretState::Held);
        // The site was set up anew: the same number, and even a mask that the old key would fit.
        let site = found(vec![made(remote(1, MASK, 0), 200)], None);
        assert_eq!(counts(&held.sync(&site)), (0, 1, 0, 0, 1));
        assert_eq!(held.row("1").secret, SecretState::Masked);
        assert_eq!(held.row("1").created, Some(200));
        let account = held.account.clone().expect("synced");
        let id = RemoteId("1".to_owned());
        assert_eq!(account.secret_record(&id), None, "nothing to copy");
        // It is revealed anew, and what was revealed once is still kept behind it.
        let other = FULL.replace("0123456789AbCd01", "9876543210AbCd01");
        held.reveal("1", &other);
        assert_eq!(held.key("1"), Some(other));
        let kept = held.keyring.0.get(&id).expect("on the ring");
        assert_eq!(kept.was, [FULL]);
    }

    #[test]
    fn a_key_that_was_only_changed_stays_the_one_it_is() {
        let mut held = Held::default();
        held.sync(&found(vec![made(remote(1, MASK, 5), 100)], None));
        held.reveal("1", FULL);
        let site = found(vec![made(remote(1, MASK, 9), 100)], None);
        assert_eq!(counts(&held.sync(&site)), (1, 0, 0, 0, 0));
        assert_eq!(held.row("1").secret, SecretState::Held);
        // A site that does not say when a key was made says nothing against it.
        let site = found(vec![remote(1, MASK, 10)], None);
        assert_eq!(counts(&held.sync(&site)), (1, 0, 0, 0, 0));
        assert_eq!(held.row("1").secret, SecretState::Held);
    }

    #[test]
    fn what_was_hidden_by_its_number_is_another_key_after_a_reset() {
        let mut held = Held::default();
        let before = vec![made(remote(1, MASK, 0), 100), made(remote(2, MASK, 0), 100)];
        held.sync(&found(before.clone(), None));
        let mut account = held.account.clone().expect("synced");
        let two = [RemoteId("2".to_owned())];
        account.remove_keys(&two, &mut held.keyring, &mut held.raws);
        held.account = Some(account);
        held.sync(&found(before, None));
        assert!(
            held.account
                .as_ref()
                .is_some_and(|account| !account.has(&two[0]))
        );
        let after = vec![made(remote(1, MASK, 0), 200), made(remote(2, MASK, 0), 200)];
        assert_eq!(counts(&held.sync(&found(after, None))), (0, 2, 0, 0, 2));
        assert!(
            held.account
                .as_ref()
                .is_some_and(|account| account.has(&two[0]))
        );
    }

    #[test]
    fn another_name_without_any_key_we_know_is_somebody_else() {
        let named = |name: &str, keys: Vec<RemoteKey>| {
            let mut found = found(keys, None);
            if let Some(who) = &mut found.whoami {
                who.username = Some(name.to_owned());
            }
            found
        };
        let mut held = Held::default();
        held.sync(&named("demo", vec![made(remote(1, MASK, 0), 100)]));
        let account = held.account.clone().expect("synced");
        let check = |found: &Found| is_somebody_else(&account, found);
        assert!(!check(&named("demo", Vec::new())), "only the keys are gone");
        let renamed = named("other", vec![made(remote(1, MASK, 3), 100)]);
        assert!(!check(&renamed), "the login was renamed, and has its keys");
        assert!(check(&named("other", vec![made(remote(1, MASK, 0), 200)])));
        assert!(check(&named("other", Vec::new())));
        let none = self::account();
        let anyone = named("other", Vec::new());
        assert!(!is_somebody_else(&none, &anyone), "nothing is held");
    }

    #[test]
    fn what_the_user_says_outlives_syncs_and_what_a_later_version_wrote_stays() {
        let mut account = account();
        let said = r#"{"name":"Mine","tags":["a"],"notes":"n","colour":"green","pinned":true}"#;
        let id = RecordId {
            group: [9; 16],
            kind: Kind::Own,
            part: 0,
        };
        assert!(account.load_more(&id, said));
        let mut held = Held {
            account: Some(account),
            ..Held::default()
        };
        held.sync(&found(vec![remote(1, MASK, 0)], None));
        let mut account = held.account.expect("synced");
        let own = account.own_words();
        assert_eq!(
            (own.tags.as_slice(), own.notes.as_str(), own.pinned),
            (&["a".to_owned()][..], "n", true)
        );
        assert!(account.set_place(Some(3)));
        assert!(!account.set_place(Some(3)));
        account
            .set_own_words(relaykeep_protocol::Own {
                disabled: true,
                place: Some(9),
                ..own
            })
            .expect("fits");
        let Change::Put { body, .. } = account.own_change() else {
            panic!("a put");
        };
        let read: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(read["colour"], "green");
        assert_eq!(read["name"], "Mine");
        assert_eq!(read["disabled"], true);
        assert_eq!(read["place"], 3, "its place is given by the order alone");
    }

    #[test]
    fn a_key_whose_part_is_damaged_is_masked_and_sealed_anew_beside_it() {
        for damage in [Damaged::Rotten, Damaged::NotIt, Damaged::Missing] {
            let mut held = Held::default();
            held.sync(&found(vec![remote(1, MASK, 0)], None));
            held.reveal("1", FULL);
            held.hurt(Kind::Keys, damage);
            held.sync(&found(vec![remote(1, MASK, 0)], None));
            assert_eq!(held.row("1").secret, SecretState::Masked, "{damage:?}");
            assert_eq!(held.parts(Kind::Keys), Vec::<u16>::new());
            assert_eq!(held.parts(Kind::KeyList), [0]);
            let account = held.account.as_ref().expect("there");
            assert_eq!(account.to_reveal(&[]).len(), 1);
            held.sync(&found(vec![remote(1, MASK, 0)], None));
            assert_eq!(held.written, [], "once");
            held.reveal("1", FULL);
            assert_eq!(held.parts(Kind::Keys), [1], "the damaged part stays");
            assert_eq!(held.key("1").as_deref(), Some(FULL));
        }
    }

    #[test]
    fn what_may_come_back_is_not_given_up() {
        for damage in [Some(Damaged::Unreadable), Some(Damaged::Newer), None] {
            let mut held = Held::default();
            held.sync(&found(vec![remote(1, MASK, 0)], None));
            held.reveal("1", FULL);
            match damage {
                Some(damage) => held.hurt(Kind::Keys, damage),
                // Nobody has looked.
                None => held.keyring = Keyring::default(),
            }
            held.sync(&found(vec![remote(1, MASK, 7)], None));
            assert_eq!(held.row("1").secret, SecretState::Held, "{damage:?}");
            assert_eq!(held.parts(Kind::Keys), Vec::<u16>::new());
        }
    }

    #[test]
    fn a_key_its_object_tells_in_full_is_taken_from_there() {
        // The object is the only copy left, and the site masks from now on.
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, FULL, 0)], None));
        held.hurt(Kind::Keys, Damaged::Rotten);
        held.sync(&found(vec![remote(1, MASK, 0)], None));
        assert_eq!(held.row("1").secret, SecretState::Held);
        assert_eq!(held.parts(Kind::Keys), [1]);
        assert_eq!(held.key("1").as_deref(), Some(FULL));
    }

    #[test]
    fn an_object_that_is_lost_comes_with_the_next_list() {
        let mut held = Held::default();
        held.sync(&found(vec![remote(1, MASK, 0)], None));
        held.hurt(Kind::Raw, Damaged::Rotten);
        let before = held.account.clone().expect("there");
        let (keyring, raws) = (held.keyring.clone(), held.raws.clone());
        held.keep(merge_keys(&before, &[], keyring, raws, 3_000));
        let account = held.account.as_ref().expect("there");
        let listing = found(vec![remote(1, MASK, 0)], None);
        assert!(needs_sealed_parts(account, &listing.listing));
        held.sync(&listing);
        assert_eq!(held.parts(Kind::Raw), [1]);
        held.sync(&listing);
        assert_eq!(held.written, []);
    }

    #[test]
    fn a_lost_list_finds_its_keys_on_the_ring() {
        for (mask, state) in [(MASK, SecretState::Held), ("****", SecretState::Masked)] {
            let mut held = Held::default();
            held.sync(&found(vec![remote(1, mask, 0)], None));
            held.reveal("1", FULL);
            held.account = Some(account());
            held.sync(&found(vec![remote(1, mask, 0)], None));
            assert_eq!(held.row("1").secret, state, "{mask}");
            assert_eq!(held.parts(Kind::Keys), Vec::<u16>::new());
            assert_eq!(held.key("1").as_deref(), Some(FULL));
        }
    }
}
