//! Every call, and who answers it.

use crate::ports::DATABASE;
use crate::session;
use crate::worker::{Open, Worker, ports, the_worker, writing};
use relaykeep_core::json;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::BaseUrl;
use relaykeep_core::sorted::SortedMap;
use relaykeep_core::vault::{self, Protection, Unlocked};
use relaykeep_protocol::{
    AccountDraft, AnyCall, ErrorCode, Event, ItemState, JobItem, JobKind, JobState, KeyRef, Notice,
    Outcome, Sensitive, SiteKind, VaultMode,
};
use relaykeep_webext::{forget_device_key, save_device_key};
use serde::Serialize;
use std::cell::Cell;
use std::rc::Rc;

/// A refusal, as the page reads it.
pub(crate) fn refusal(error: ErrorCode) -> String {
    reply::<()>(Err(error))
}

fn reply<T: Serialize>(result: Result<T, ErrorCode>) -> String {
    json::write(&result)
}

fn done<T: Serialize>(value: T) -> Result<String, ErrorCode> {
    Ok(reply(Ok(value)))
}

/// What a call needs before it is looked at.
enum Needs {
    Nothing,
    /// An open vault.
    Vault,
    /// An open vault; and it is a person's act, which puts the automatic lock off.
    VaultForAPerson,
}

fn needs(call: &AnyCall) -> Needs {
    match call {
        AnyCall::GetState(_)
        | AnyCall::CreateVault(_)
        | AnyCall::Unlock(_)
        | AnyCall::Lock(_)
        | AnyCall::ChangeProtection(_)
        | AnyCall::PreviewBackup(_)
        | AnyCall::RestoreBackup(_)
        | AnyCall::StartOver(_)
        | AnyCall::LookAtTab(_)
        | AnyCall::CheckAddress(_)
        | AnyCall::KindsFor(_) => Needs::Nothing,
        // Settings move the deadline themselves, once the new ones hold.
        AnyCall::SetSettings(_)
        | AnyCall::MakeBackup(_)
        | AnyCall::TakeShownToken(_)
        | AnyCall::RefreshStale(_)
        | AnyCall::KeepDraft(_)
        | AnyCall::TakeDraft(_) => Needs::Vault,
        AnyCall::Touch(_)
        | AnyCall::MakeToken(_)
        | AnyCall::AnswerTokenOffer(_)
        | AnyCall::AnswerSeenKey(_)
        | AnyCall::AddAccount(_)
        | AnyCall::EditAccount(_)
        | AnyCall::OrderAccounts(_)
        | AnyCall::TryKind(_)
        | AnyCall::RemoveAccount(_)
        | AnyCall::Sync(_)
        | AnyCall::Reveal(_)
        | AnyCall::TakeKey(_)
        | AnyCall::NoteCopied(_)
        | AnyCall::FindInKeys(_)
        | AnyCall::GetKeyDetails(_)
        | AnyCall::OpenKeyForm(_)
        | AnyCall::PlanWork(_)
        | AnyCall::StartWork(_)
        | AnyCall::PlanRepair(_)
        | AnyCall::ExcludeGroups(_)
        | AnyCall::PasteKey(_)
        | AnyCall::GetTrace(_)
        | AnyCall::GetKeyUsage(_)
        | AnyCall::StopJob(_)
        | AnyCall::RetryJob(_) => Needs::VaultForAPerson,
    }
}

/// Answers one call.
pub(crate) async fn answer(call: AnyCall) -> String {
    carry_out(&the_worker(), call).await.unwrap_or_else(refusal)
}

async fn carry_out(worker: &Rc<Worker>, call: AnyCall) -> Result<String, ErrorCode> {
    let open = match needs(&call) {
        Needs::Nothing => Err(ErrorCode::Locked),
        Needs::Vault => Ok(worker.open().await?),
        Needs::VaultForAPerson => {
            let open = worker.open().await?;
            open.touch().await;
            Ok(open)
        }
    };
    let answer = carry_out_in(worker, open.clone(), call).await?;
    if open.is_ok_and(|open| open.is_closing()) {
        // Locked meanwhile, nothing of the vault goes out any more; opened anew, it does.
        worker.open().await?;
    }
    Ok(answer)
}

async fn carry_out_in(
    worker: &Rc<Worker>,
    open: Result<Rc<Open>, ErrorCode>,
    call: AnyCall,
) -> Result<String, ErrorCode> {
    match call {
        AnyCall::GetState(_) => {
            // Whoever tries again hears all of it where the vault opens now.
            crate::events::tell_state(worker).await;
            done(crate::events::app_state(worker).await.0)
        }
        AnyCall::Touch(_) => done(()),
        AnyCall::CreateVault(call) => done(create(worker, call.mode, call.passphrase).await?),
        AnyCall::Unlock(call) => done(unlock(worker, call.passphrase).await?),
        AnyCall::Lock(_) => {
            crate::worker::lock(true).await;
            done(())
        }
        AnyCall::ChangeProtection(call) => {
            done(change(worker, call.current, call.mode, call.passphrase).await?)
        }
        AnyCall::SetSettings(call) => {
            let open = open?;
            let changes = open.book.borrow_mut().set_settings(call.settings.clone());
            open.commit(changes).await?;
            open.touch().await;
            crate::jobs::schedule(&open).await;
            crate::watch::arrange(worker, &open).await;
            worker.pages.tell(&Event::Settings(call.settings));
            done(())
        }
        AnyCall::MakeBackup(call) => {
            let passphrase = call.passphrase.map(secret);
            let open = open?;
            let vault = open.vault.lock().await;
            done(vault.backup(ports(), passphrase.as_ref()).await?)
        }
        AnyCall::PreviewBackup(call) => {
            let passphrase = secret(call.passphrase);
            done(crate::backup::preview(worker, &call.text, &passphrase).await?)
        }
        AnyCall::RestoreBackup(call) => {
            let passphrase = secret(call.passphrase);
            done(crate::backup::restore(worker, &call.text, &passphrase).await?)
        }
        AnyCall::StartOver(call) => done(crate::backup::start_over(worker, call.confirmed).await?),
        AnyCall::LookAtTab(call) => done(crate::tab::look(worker, call.ask_anyway).await?),
        AnyCall::CheckAddress(call) => {
            let base = BaseUrl::parse(&call.address).map_err(ErrorCode::Address)?;
            let open = worker.open().await.ok();
            done(crate::sight::of(worker, open.as_ref(), &base, call.anew).await)
        }
        AnyCall::TryKind(call) => {
            done(crate::accounts::try_kind(worker, &open?, &call.draft).await?)
        }
        AnyCall::TakeShownToken(_) => done(crate::tab::shown_token(worker).await?),
        AnyCall::MakeToken(call) => {
            done(crate::tab::make_token(worker, &open?, &call.draft).await?)
        }
        AnyCall::AnswerTokenOffer(call) => {
            done(crate::tab::answer_token_offer(worker, &open?, &call.account, call.yes).await?)
        }
        AnyCall::AnswerSeenKey(call) => {
            done(crate::watch::answer(worker, &open?, call.number, call.yes).await?)
        }
        AnyCall::AddAccount(call) => {
            done(crate::accounts::add(worker, &open?, &call.draft, None).await?)
        }
        AnyCall::EditAccount(call) => {
            done(crate::accounts::edit(worker, &open?, &call.account, call.edit).await?)
        }
        AnyCall::OrderAccounts(call) => {
            done(crate::accounts::order(worker, &open?, &call.accounts).await?)
        }
        AnyCall::RemoveAccount(call) => {
            done(crate::accounts::remove(worker, &open?, &call.account).await?)
        }
        AnyCall::Sync(call) => {
            let open = open?;
            let items = crate::jobs::items_for(&open, &call.accounts);
            if items.is_empty() {
                let known = call.accounts.iter().any(|id| open.account(id).is_ok());
                return Err(if known {
                    ErrorCode::AccountDisabled
                } else {
                    ErrorCode::NoSuchAccount
                });
            }
            done(crate::jobs::start(&open, JobKind::Sync, items).await?)
        }
        AnyCall::RefreshStale(_) => done(refresh_stale(&open?).await?),
        AnyCall::Reveal(call) => {
            let open = open?;
            let items = to_reveal(&open, call.keys);
            done(crate::jobs::start(&open, JobKind::Reveal, items).await?)
        }
        AnyCall::NoteCopied(call) => {
            crate::keys::note_copied(&*open?, &secret(call.text)).await;
            done(())
        }
        AnyCall::TakeKey(call) => {
            done(crate::keys::take(&open?, &call.key, call.to_clipboard).await?)
        }
        AnyCall::FindInKeys(call) => done(crate::keys::find(&open?, &call.text.0).await?),
        AnyCall::GetKeyDetails(call) => done(crate::keys::details(&open?, &call.key).await?),
        AnyCall::OpenKeyForm(call) => {
            done(crate::repair::form(worker, &open?, &call.account, call.key.as_ref()).await?)
        }
        AnyCall::PlanWork(call) => done(crate::work::plan(&*open?, &call.work)?),
        AnyCall::StartWork(call) => done(crate::work::start(&open?, call.work).await?),
        AnyCall::PlanRepair(call) => {
            done(crate::repair::plan(worker, &open?, &call.accounts, call.anew).await?)
        }
        AnyCall::ExcludeGroups(call) => {
            done(crate::repair::exclude(&open?, &call.account, call.groups).await?)
        }
        AnyCall::PasteKey(call) => {
            done(crate::keys::paste(worker, &open?, &call.key, &call.text.0).await?)
        }
        AnyCall::GetTrace(call) => done(crate::work::trace(&open?, &call.job).await?),
        AnyCall::GetKeyUsage(call) => {
            done(crate::keys::usage(worker, &open?, &call.key, call.days).await?)
        }
        AnyCall::StopJob(call) => done(crate::jobs::stop(&open?, &call.job).await?),
        AnyCall::RetryJob(call) => done(retry(&open?, &call.job).await?),
        AnyCall::KeepDraft(call) => {
            let text = call.draft.map(|draft| json::write(&draft));
            session::keep_draft(text).await;
            done(())
        }
        AnyCall::TakeDraft(_) => {
            let text = session::draft().await;
            done(text.and_then(|text| json::read::<AccountDraft>(&text).ok()))
        }
        AnyCall::KindsFor(_) => done(SiteKind::ALL.to_vec()),
    }
}

/// The masked ones of these keys, by account.
fn to_reveal(open: &Open, keys: Vec<KeyRef>) -> Vec<JobItem> {
    let mut wanted: SortedMap<_, Vec<_>> = SortedMap::new();
    for key in keys {
        wanted.entry(key.account).or_default().push(key.id);
    }
    let book = open.book.borrow();
    let masked = wanted.into_iter().filter_map(|(id, keys)| {
        let account = book.account(&id)?;
        (!account.to_reveal(&keys).is_empty()).then(|| crate::jobs::item(account, keys))
    });
    masked.collect()
}

/// Text a person typed becomes a secret.
pub(crate) fn secret(typed: Sensitive) -> Secret {
    Secret::new(typed.0)
}

/// What a new vault is protected by; a new device key is on disk before the vault relies on it.
pub(crate) async fn protection(
    mode: VaultMode,
    passphrase: Option<Sensitive>,
) -> Result<Protection, ErrorCode> {
    match (mode, passphrase) {
        (VaultMode::Passphrase, Some(passphrase)) => Ok(Protection::Passphrase(secret(passphrase))),
        (VaultMode::Passphrase, None) => Err(ErrorCode::PassphraseTooShort { least: 10 }),
        (VaultMode::Device, _) => {
            let key = vault::make_device_key(ports())?;
            // Its own two places, never storage.local.
            save_device_key(DATABASE, key.expose())
                .await
                .map_err(|_| ErrorCode::StorageFailed)?;
            Ok(Protection::Device(key))
        }
    }
}

async fn create(
    worker: &Rc<Worker>,
    mode: VaultMode,
    passphrase: Option<Sensitive>,
) -> Result<(), ErrorCode> {
    match worker.open().await {
        Err(ErrorCode::NoVault) => {}
        Err(ErrorCode::NeedsRecovery) => return Err(ErrorCode::NeedsRecovery),
        Err(ErrorCode::NewerVersion) => return Err(ErrorCode::NewerVersion),
        Ok(_) | Err(_) => return Err(ErrorCode::VaultExists),
    }
    let protection = protection(mode, passphrase).await?;
    let made = Rc::new(Cell::new(false));
    let making = Rc::clone(&made);
    let create = writing(async move {
        making.set(true);
        vault::create(ports(), &protection).await
    });
    worker.begin_session(mode, create).await?;
    if !made.get() {
        return Err(ErrorCode::VaultExists);
    }
    crate::events::tell_state(worker).await;
    Ok(())
}

async fn unlock(worker: &Rc<Worker>, passphrase: Sensitive) -> Result<(), ErrorCode> {
    if worker.open().await.is_ok() {
        return Ok(());
    }
    let passphrase = secret(passphrase);
    let unlocking = async { Ok(vault::unlock(ports(), &passphrase).await?) };
    let open = worker
        .begin_session(VaultMode::Passphrase, unlocking)
        .await?;
    crate::events::tell_state(worker).await;
    crate::jobs::catch_up(&open).await;
    Ok(())
}

async fn change(
    worker: &Rc<Worker>,
    current: Option<Sensitive>,
    mode: VaultMode,
    passphrase: Option<Sensitive>,
) -> Result<(), ErrorCode> {
    let open = worker.open().await?;
    if open.mode == VaultMode::Passphrase {
        // The person at the keyboard must be the one who knows it.
        let current = secret(current.ok_or(ErrorCode::WrongPassphrase)?);
        vault::unlock(ports(), &current).await?;
    }
    let protection = protection(mode, passphrase).await?;
    let sealed_anew = worker
        .replace_session(mode, async |old| {
            let old = old.ok_or(ErrorCode::Locked)?;
            let was_device = old.mode == VaultMode::Device;
            let (keys, resealed) = writing(async move {
                let mut vault = old.vault.lock().await;
                let resealed = vault.reseal(ports(), &protection).await?;
                Ok((vault.keys().clone(), resealed))
            })
            .await?;
            if was_device && mode == VaultMode::Passphrase {
                forget_device_key(DATABASE).await;
            }
            let mut notices = Vec::new();
            if resealed.set_aside > 0 {
                notices.push(Notice::RecordsSetAside(resealed.set_aside));
            }
            if resealed.weaker {
                notices.push(Notice::WeakerWorkFactors);
            }
            Ok(Unlocked { keys, notices })
        })
        .await;
    // Also where it failed: then the vault is opened again as it was.
    crate::events::tell_state(worker).await;
    sealed_anew.map(|_| ())
}

/// Rows are on screen: now, and only now, old accounts are refreshed.
async fn refresh_stale(open: &Rc<Open>) -> Result<Option<relaykeep_protocol::JobId>, ErrorCode> {
    let Some(minutes) = open.settings().refresh_after_minutes else {
        return Ok(None);
    };
    let now = relaykeep_webext::worker::now();
    let stale: Vec<_> = {
        let book = open.book.borrow();
        book.accounts()
            .filter(|account| !account.is_disabled())
            .map(relaykeep_core::book::Account::id)
            .filter(|id| {
                book.synced_at(id)
                    .is_none_or(|at| now.saturating_sub(at) > u64::from(minutes) * 60_000)
            })
            .collect()
    };
    if stale.is_empty() {
        return Ok(None);
    }
    let items = crate::jobs::items_for(open, &stale);
    crate::jobs::start(open, JobKind::SyncOnOpen, items)
        .await
        .map(Some)
}

/// What failed in a finished job, once more.
async fn retry(
    open: &Rc<Open>,
    id: &relaykeep_protocol::JobId,
) -> Result<relaykeep_protocol::JobId, ErrorCode> {
    let job = open
        .book
        .borrow()
        .jobs
        .newest_first()
        .into_iter()
        .find(|job| job.id == *id);
    let job = job
        .filter(|job| matches!(job.state, JobState::Done | JobState::Stopped))
        .ok_or(ErrorCode::NoSuchJob)?;
    if job.retried {
        return Err(ErrorCode::NothingToDo);
    }
    let again = |outcome: &Outcome| match outcome {
        Outcome::Failed(_) | Outcome::NotSaved(_) | Outcome::Stopped => true,
        Outcome::Revealed { missing, .. } => *missing > 0,
        Outcome::Synced { cut, .. } => cut.is_some(),
        Outcome::Worked { .. } | Outcome::TokenMade | Outcome::TokenInDoubt | Outcome::Removed => {
            false
        }
    };
    if job.kind.is_work() {
        let items: Vec<_> = {
            let book = open.book.borrow();
            let again = job.items.iter().filter_map(|item| {
                let account = book.account(&item.account)?;
                crate::work::again(item, account)
            });
            again.collect()
        };
        if items.is_empty() {
            return Err(ErrorCode::NothingToDo);
        }
        // Once only: a second try of the same work could make a key twice.
        let note = async |retried| {
            let changes = open.book.borrow_mut().jobs.note_retried(id, retried);
            open.commit(changes).await?;
            the_worker().pages.job(&relaykeep_protocol::JobView {
                retried,
                ..job.clone()
            });
            Ok::<_, ErrorCode>(())
        };
        note(true).await?;
        let started = crate::jobs::start(open, job.kind, items).await;
        if started.is_err() {
            // Nothing was begun: it can be tried again.
            note(false).await?;
        }
        return started;
    }
    let items: Vec<_> = {
        let book = open.book.borrow();
        let failed = job.items.iter().filter(|item| match &item.state {
            ItemState::Ended(outcome) => again(outcome),
            ItemState::Pending
            | ItemState::Running(_)
            | ItemState::Waiting { .. }
            | ItemState::Blocked(_) => true,
        });
        failed
            .filter_map(|item| {
                Some(crate::jobs::item(
                    book.account(&item.account)?,
                    item.keys.clone(),
                ))
            })
            .collect()
    };
    if items.is_empty() || job.kind == JobKind::MakeToken {
        return Err(ErrorCode::NoSuchJob);
    }
    let kind = if job.kind == JobKind::Reveal {
        JobKind::Reveal
    } else {
        JobKind::Sync
    };
    crate::jobs::start(open, kind, items).await
}
