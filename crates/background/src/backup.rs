//! Backup files in, and setting an old vault aside.

use crate::worker::{Worker, code, ports};
use relaykeep_core::book::Book;
use relaykeep_core::secret::Secret;
use relaykeep_core::vault;
use relaykeep_protocol::{BackupPreview, ErrorCode, SecretState, VaultMode};

use std::rc::Rc;

/// Opens a backup in memory and counts what it holds.
pub(crate) async fn preview(
    worker: &Rc<Worker>,
    text: &str,
    passphrase: &Secret,
) -> Result<BackupPreview, ErrorCode> {
    let contents = vault::preview_backup(text, passphrase)
        .await
        .map_err(code)?;
    let records = u32::try_from(contents.records.len()).unwrap_or(u32::MAX);
    let (book, _) = Book::load(
        contents
            .records
            .into_iter()
            .filter(|(id, _)| Book::wants(id))
            .collect(),
    );
    let same_vault = match worker.open().await {
        Ok(open) => open.vault.lock().await.keys().vault_id() == contents.vault_id,
        Err(_) => false,
    };
    let rows = || book.accounts().flat_map(|account| account.rows());
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(BackupPreview {
        written: contents.written,
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
    let keys = vault::restore_backup(ports(), text, passphrase)
        .await
        .map_err(code)?;
    worker.forget_open();
    worker.begin_session(keys, VaultMode::Passphrase).await?;
    crate::events::tell_state(worker).await;
    Ok(())
}

/// Sets the vault aside and begins anew. Nothing is deleted.
pub(crate) async fn start_over(worker: &Rc<Worker>, confirmed: bool) -> Result<(), ErrorCode> {
    if !confirmed {
        return Err(ErrorCode::NotAllowed);
    }
    vault::start_over(ports()).await.map_err(code)?;
    worker.forget_open();
    crate::session::Session::forget().await;
    crate::events::tell_state(worker).await;
    Ok(())
}
