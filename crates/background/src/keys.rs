//! Full keys, one at a time and only because the user asked.

use crate::accounts::CallHttp;
use crate::ports::SystemClock;
use crate::sync::{site_and_login, tell_account};
use crate::worker::{ALARM_CLIPBOARD, Open, Worker, the_worker};
use relaykeep_core::book::{Account, Keyring, merge_keys, merge_revealed};
use relaykeep_core::secret::{ApiKey, Secret};
use relaykeep_core::site;
use relaykeep_core::vault::Kind;
use relaykeep_protocol::{
    AccountId, ErrorCode, ItemState, JobKind, KeyDetails, KeyRef, KeyUsage, Outcome, SecretState,
    Sensitive, SiteTrouble,
};
use relaykeep_webext::worker as browser;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::rc::Rc;

fn account_of(open: &Open, key: &KeyRef) -> Result<Account, ErrorCode> {
    let book = open.book.borrow();
    let account = book.account(&key.account).ok_or(ErrorCode::NoSuchAccount)?;
    account.row(&key.id).ok_or(ErrorCode::NoSuchKey)?;
    Ok(account.clone())
}

/// One full key; revealed first, just this one, if the site hides it.
pub(crate) async fn take(
    open: &Rc<Open>,
    key: &KeyRef,
    to_clipboard: bool,
) -> Result<Sensitive, ErrorCode> {
    let full = match held(open, key).await {
        Err(ErrorCode::RecordDamaged) => {
            // What is lost is masked from now on, and fetched like any other.
            give_up(open, &key.account).await?;
            None
        }
        full => full?,
    };
    let full = match full {
        Some(full) => full,
        None => fetched(open, key).await?,
    };
    if to_clipboard {
        // Only hashed, to know it again when the time has come.
        note_copied(open, &Secret::new(full.expose().to_owned())).await;
    }
    // The user asked for this one key: it goes to the page that asked.
    Ok(Sensitive(full.expose().to_owned()))
}

/// A key the site hides, once it has been revealed.
async fn fetched(open: &Rc<Open>, key: &KeyRef) -> Result<ApiKey, ErrorCode> {
    let account = account_of(open, key)?;
    if account
        .row(&key.id)
        .is_some_and(|row| row.secret == SecretState::Masked)
    {
        let job = match crate::jobs::revealing(open, key) {
            // Pressed again: the site is not asked twice for one key.
            Some(job) => job,
            None => {
                let item = crate::jobs::item(&account, vec![key.id.clone()]);
                crate::jobs::start(open, JobKind::Reveal, vec![item]).await?
            }
        };
        crate::jobs::rest_of(open, &job).await;
        match crate::jobs::item_state(open, &job, &key.account) {
            Some(ItemState::Waiting { until }) => {
                return Err(ErrorCode::Site(SiteTrouble::RateLimited { until }));
            }
            Some(ItemState::Ended(Outcome::Failed(trouble)) | ItemState::Blocked(trouble)) => {
                return Err(ErrorCode::Site(trouble));
            }
            Some(ItemState::Pending | ItemState::Running(_) | ItemState::Ended(_)) | None => {}
        }
    }
    held(open, key).await?.ok_or(ErrorCode::NotRevealed)
}

async fn held(open: &Rc<Open>, key: &KeyRef) -> Result<Option<ApiKey>, ErrorCode> {
    let Some(record) = account_of(open, key)?.secret_record(&key.id) else {
        return Ok(None);
    };
    let mut keyring = Keyring::default();
    if let Some((id, body)) = open.read(&[record]).await?.first() {
        keyring.load(id.part, body);
    }
    // The list says that it is there.
    let full = keyring.key(&key.id);
    full.map(Some).ok_or(ErrorCode::RecordDamaged)
}

/// Some sealed part of an account does not open: masks what is lost with it.
pub(crate) async fn give_up(open: &Rc<Open>, id: &AccountId) -> Result<(), ErrorCode> {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let before = open.account(id)?;
    let (keyring, raws) = open.unseal(&before).await?;
    let merged = merge_keys(&before, &[], keyring, raws, browser::now());
    open.commit(merged.changes).await?;
    open.searchable.take();
    open.book.borrow_mut().keep(merged.account);
    tell_account(&the_worker(), open, id, merged.rows);
    Ok(())
}

/// Which keys hold this text. Only ids leave the worker.
pub(crate) async fn find(open: &Rc<Open>, text: &str) -> Result<Vec<KeyRef>, ErrorCode> {
    let text = text.trim();
    if text.len() < 4 {
        return Ok(Vec::new());
    }
    let cached = open.searchable.borrow().clone();
    let all = match cached {
        Some(all) => all,
        None => {
            let all = Rc::new(all_keys(open).await?);
            *open.searchable.borrow_mut() = Some(Rc::clone(&all));
            all
        }
    };
    if open.is_closing() {
        return Err(ErrorCode::Locked);
    }
    let wanted = text.to_ascii_lowercase();
    // Compared inside the worker; the page learns which keys, not what they are.
    Ok(all
        .iter()
        .filter(|(_, key)| key.expose().contains(&wanted))
        .map(|(key, _)| key.clone())
        .collect())
}

/// Every full key in lower case, with its name.
async fn all_keys(open: &Rc<Open>) -> Result<Vec<(KeyRef, Secret)>, ErrorCode> {
    let ids: Vec<_> = {
        let vault = open.vault.lock().await;
        vault.records().filter(|id| id.kind == Kind::Keys).collect()
    };
    let mut all = Vec::new();
    for (id, body) in open.read(&ids).await? {
        let mut keyring = Keyring::default();
        keyring.load(id.part, &body);
        let account = relaykeep_core::book::account_id(id.group);
        all.extend(keyring.iter().filter_map(|(id, key)| {
            // Kept in memory until the lock, to be compared with what is typed.
            let text = Secret::new(key?.expose().to_ascii_lowercase());
            Some((
                KeyRef {
                    account: account.clone(),
                    id: id.clone(),
                },
                text,
            ))
        }));
    }
    Ok(all)
}

/// What the right panel shows.
pub(crate) async fn details(open: &Rc<Open>, key: &KeyRef) -> Result<KeyDetails, ErrorCode> {
    let account = account_of(open, key)?;
    let (keyring, raws) = open.unseal(&account).await?;
    let mut details = KeyDetails {
        base_url: account.base_url().to_owned(),
        ..KeyDetails::default()
    };
    details.revealed_at = keyring.since(&key.id);
    if let Some(raw) = raws.raw(&key.id) {
        let limits = site::limits_of(&raw);
        details.models = limits.models;
        details.addresses = limits.addresses;
    }
    Ok(details)
}

/// Keeps a salted fingerprint of what was copied, and rings when it is to be cleared.
pub(crate) async fn note_copied(open: &Open, text: &Secret) {
    let Some(seconds) = open.settings().clear_clipboard_seconds else {
        return;
    };
    let mut salt = [0; 16];
    if getrandom::fill(&mut salt).is_err() || !browser::has_permission("clipboardRead").await {
        return;
    }
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    let salt = hex(&salt);
    // Hashed, so that the clipboard can be compared later without keeping the key.
    let hash = Sha256::new()
        .chain_update(salt.as_bytes())
        .chain_update(text.expose().as_bytes())
        .finalize();
    crate::session::keep_clipboard_print(Some(format!("{salt}:{}", hex(&hash)))).await;
    browser::set_alarm(ALARM_CLIPBOARD, browser::now() + u64::from(seconds) * 1000);
}

/// The time has come: clears the clipboard if it still holds what was copied.
pub(crate) async fn clear_clipboard() {
    if let Some(print) = crate::session::clipboard_print().await {
        crate::session::keep_clipboard_print(None).await;
        browser::clear_clipboard(&print).await;
    }
}

/// A full key that the user copied from the site: kept if it fits the mask.
pub(crate) async fn paste(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    key: &KeyRef,
    text: &str,
) -> Result<(), ErrorCode> {
    let account = account_of(open, key)?;
    let typed = Secret::new(text.trim().to_owned());
    // Read as a key, and compared with the mask of the one it is said to be.
    let full = site::typed_key(typed.expose()).ok_or(ErrorCode::WrongKey)?;
    let masked = account.to_reveal(std::slice::from_ref(&key.id));
    if !masked.iter().any(|(_, mask)| mask.fits(&full)) {
        return Err(ErrorCode::WrongKey);
    }
    let lane = open.lane(&key.account);
    let _one = lane.lock().await;
    let before = account_of(open, key)?;
    let (keyring, _) = open.unseal(&before).await?;
    let merged = merge_revealed(&before, &[(key.id.clone(), full)], keyring, browser::now());
    open.commit(merged.changes).await?;
    open.searchable.take();
    worker.pages.keys(&merged.account, merged.rows, Vec::new());
    open.book.borrow_mut().keep(merged.account);
    Ok(())
}

/// What one key spent in these last days.
pub(crate) async fn usage(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    key: &KeyRef,
    days: u32,
) -> Result<KeyUsage, ErrorCode> {
    let account = account_of(open, key)?;
    let (_, raws) = open.unseal(&account).await?;
    let name = raws
        .raw(&key.id)
        .map_or_else(String::new, |raw| site::values_of(&raw).name);
    let now = i64::try_from(browser::now() / 1_000).unwrap_or(i64::MAX);
    let since = now - i64::from(days.clamp(1, 30)) * 24 * 3600;
    let (place, login) = site_and_login(worker, open, &key.account)
        .await
        .map_err(|ending| ErrorCode::Site(ending.trouble()))?;
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    let visit = site::Visit {
        http: &http,
        clock: &SystemClock,
        place: &place,
        login: &login,
    };
    let trouble = |error: site::SiteError| ErrorCode::Site(error.trouble());
    let mut usage = site::key_usage(&visit, &key.id.0, &name, since)
        .await
        .map_err(trouble)?;
    if let Ok(Some(full)) = held(open, key).await {
        // What the account's logs say stands also without it.
        usage.totals = site::key_totals(&http, &SystemClock, &place, &full)
            .await
            .ok()
            .flatten();
        let row = account.row(&key.id).filter(|_| usage.totals.is_none());
        if let Some(row) = row {
            let billed =
                site::key_billing(&http, &SystemClock, &place, &full, &row, account.unit());
            usage.totals = billed.await.ok().flatten();
        }
    }
    Ok(usage)
}
