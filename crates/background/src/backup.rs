//! Backup files in, and setting an old vault aside.

use crate::ports::DATABASE;
use crate::worker::{Worker, ports, writing};
use relaykeep_core::book::Book;
use relaykeep_core::secret::Secret;
use relaykeep_core::vault::{self, RecordId};
use relaykeep_protocol::{BackupPreview, ErrorCode, SecretState, VaultMode};
use relaykeep_webext::forget_device_key;

use std::rc::Rc;

/// Opens a backup in memory and counts what it holds.
pub(crate) async fn preview(
    worker: &Rc<Worker>,
    text: &str,
    passphrase: &Secret,
) -> Result<BackupPreview, ErrorCode> {
    let backup = vault::preview_backup(text, passphrase)?;
    let ids: Vec<RecordId> = backup.records().collect();
    let records = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let wanted = ids.into_iter().filter(Book::wants);
    let bodies = wanted.filter_map(|id| Some((id, backup.read(id).ok()?)));
    let (book, _) = Book::load(bodies.collect());
    let same_vault = match worker.open().await {
        Ok(open) => open.vault.lock().await.keys().vault_id() == backup.vault_id(),
        Err(_) => false,
    };
    let rows = || book.accounts().flat_map(|account| account.rows());
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(BackupPreview {
        written: backup.written(),
        records,
        accounts: count(book.accounts().count()),
        keys: count(rows().count()),
        held: count(rows().filter(|row| row.secret == SecretState::Held).count()),
        same_vault,
    })
}

/// Puts a backup in the place of what is here, which is set aside.
pub(crate) async fn restore(
    worker: &Rc<Worker>,
    text: &str,
    passphrase: &Secret,
) -> Result<(), ErrorCode> {
    let (text, passphrase) = (text.to_owned(), passphrase.clone());
    let restored = worker
        .replace_session(VaultMode::Passphrase, async |_| {
            let work = async move { vault::restore_backup(ports(), &text, &passphrase).await };
            let unlocked = writing(work).await?;
            // A backup opens with its passphrase; no device key stands beside one.
            forget_device_key(DATABASE).await;
            Ok(unlocked)
        })
        .await;
    // Also where it failed: then what was open is opened again.
    crate::events::tell_state(worker).await;
    restored.map(|_| ())
}

/// Sets the vault aside and begins anew. Nothing is deleted.
pub(crate) async fn start_over(worker: &Rc<Worker>, confirmed: bool) -> Result<(), ErrorCode> {
    if !confirmed {
        return Err(ErrorCode::NotAllowed);
    }
    let setting_aside = async {
        // Sets a device key aside with what it opens.
        writing(vault::start_over(ports())).await?;
        forget_device_key(DATABASE).await;
        Ok(())
    };
    let ended = worker.end_session(setting_aside).await;
    crate::events::tell_state(worker).await;
    ended
}
