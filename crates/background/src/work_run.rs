//! Carrying out work on keys, one account's part at a time. What is under way stands in the
//! journal before it is sent, and what a key was like in a sealed trace.

use crate::jobs::{Ending, JobHttp, is_a_persons, keys_in};
use crate::ports::SystemClock;
use crate::sync::{reveal, site_and_login, tell_account};
use crate::work::{is_held, load_trace, patch_of};
use crate::worker::Open;
use relaykeep_core::book::{Account, Found, Keyring, RawObjects, Trace, merge, merge_keys};
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{
    Change, Created, Listing, Login, Place, RemoteKey, SiteError, Visit, change_key, check_key,
    create_keys, delete_key, fields_of, is_still, list_keys, rest_of, restricted, values_of,
    whole_patch,
};
use relaykeep_core::vault;
use relaykeep_protocol::{
    AccountId, ErrorCode, ItemState, JobId, JobItem, KeyEnd, KeyPatch, KeyRef, KeyResult,
    KeyValues, Making, Outcome, RemoteId, Sent, SiteTrouble, Step, Task,
};
use relaykeep_webext::worker as browser;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;

/// A job's record lists so many results; after that only those that did not go well, as many again.
const MOST_RESULTS: usize = 100;
/// The site's own words stand with so many of them.
const MOST_SAID: usize = 20;
/// Work that may have left something at a site is taken up again after this long.
const AGAIN_IN: u64 = 60_000;
/// Of so many keys whose write may have arrived, a part keeps how they were.
const MOST_UNSURE: usize = 100;

/// Carries out one account's part.
pub(crate) async fn carry_out(
    http: &JobHttp,
    at: usize,
    id: &AccountId,
) -> Result<Outcome, Ending> {
    let part = Part { http, at, id };
    let item = part.item();
    match item.task.as_deref() {
        Some(Task::Change { patch, seen }) => {
            let wish = Wish {
                patch: patch.clone(),
                seen: seen.as_deref().cloned(),
                used_then: None,
            };
            part.change_all(&item, async |_: &RemoteId| Ok(wish.clone()))
                .await?;
        }
        Some(Task::Delete) => part.delete_all(&item).await?,
        Some(Task::Remove) => part.remove_all(&item).await?,
        Some(Task::Create(making)) => part.create_all(making.clone()).await?,
        Some(Task::Replace(making)) => part.replace_all(&item, making.clone()).await?,
        Some(Task::Undo(job)) => part.undo_all(&item, job).await?,
        None => return Err(Ending::Ours(ErrorCode::Internal)),
    }
    let item = part.item();
    let all = u32::try_from(keys_in(&item)).unwrap_or(u32::MAX);
    Ok(Outcome::Worked {
        good: all.saturating_sub(item.bad),
        bad: item.bad,
    })
}

/// What is wanted of one key.
#[derive(Clone, Default)]
struct Wish {
    patch: KeyPatch,
    /// What it was when that was decided.
    seen: Option<KeyValues>,
    /// What it had used then, where the quota counts from there.
    used_then: Option<i64>,
}

/// One account's part of a job.
struct Part<'a> {
    http: &'a JobHttp,
    at: usize,
    id: &'a AccountId,
}

impl Part<'_> {
    fn open(&self) -> &Rc<Open> {
        &self.http.open
    }

    fn item(&self) -> JobItem {
        self.http.job.view.borrow().items[self.at].clone()
    }

    fn edit(&self, edit: impl FnOnce(&mut JobItem)) {
        edit(&mut self.http.job.view.borrow_mut().items[self.at]);
    }

    fn job(&self) -> JobId {
        self.http.job.view.borrow().id.clone()
    }

    /// On disk before anything hangs on it.
    async fn journal(&self) -> Result<(), Ending> {
        if self.http.job.journal(self.open(), true).await {
            Ok(())
        } else {
            Err(Ending::Ours(ErrorCode::StorageFailed))
        }
    }

    fn account(&self) -> Result<Account, Ending> {
        Ok(self.open().account(self.id)?)
    }

    fn key(&self, id: &RemoteId) -> KeyRef {
        KeyRef {
            account: self.id.clone(),
            id: id.clone(),
        }
    }

    fn name(&self, id: &RemoteId) -> String {
        let row = self.account().ok().and_then(|account| account.row(id));
        row.map(|row| row.name).unwrap_or_default()
    }

    /// When the key we hold under this number was made.
    fn made(&self, id: &RemoteId) -> Option<i64> {
        self.account().ok()?.row(id)?.created
    }

    fn show(&self, done: u32, of: usize) {
        let of = u32::try_from(of).unwrap_or(u32::MAX);
        self.http
            .job
            .set(self.at, ItemState::Running(Step::Working { done, of }));
    }

    /// Stops between two keys, if the user or a lock wants that.
    fn may_go_on(&self) -> Result<(), Ending> {
        if self.http.job.stop.get() || self.open().is_closing() {
            Err(SiteError::Http(relaykeep_core::http::HttpError::Stopped).into())
        } else {
            Ok(())
        }
    }

    /// One key is over.
    fn over(&self, key: &RemoteId, name: String, end: KeyEnd) {
        self.edit(|item| {
            item.over += 1;
            let sent = item.sent.take_if(|sent| sent.key == *key);
            let held = item.unsure.iter().position(|sent| sent.key == *key);
            let held = held.map(|at| item.unsure.remove(at));
            // Tried again, it may be found as it was wanted.
            let may_be_there = matches!(
                end,
                KeyEnd::Failed(
                    SiteTrouble::BadAnswer
                        | SiteTrouble::AnswerTooLarge
                        | SiteTrouble::ServerError { .. },
                    _
                )
            );
            if may_be_there && item.unsure.len() < MOST_UNSURE {
                item.unsure.extend(sent.or(held));
            }
            item.bad += u32::from(!end.good());
            if end.again() {
                item.failed.push(key.clone());
            }
            keep_result(
                &mut item.results,
                KeyResult {
                    key: key.clone(),
                    name,
                    end,
                },
            );
        });
    }

    /// Works on the job's traces, which are read from the vault at first.
    async fn with_trace(
        &self,
        work: impl FnOnce(&mut Trace),
    ) -> Result<Vec<vault::Change>, Ending> {
        let job = self.job();
        let mut trace = self.http.job.trace.lock().await;
        if trace.is_none() {
            *trace = Some(load_trace(self.open(), &job).await?);
        }
        let trace = trace.get_or_insert_with(Trace::default);
        work(trace);
        Ok(trace.changes(&job))
    }

    /// Takes in keys as the site has them now, and keeps what they became.
    async fn take_in(&self, keys: &[RemoteKey]) -> Result<(), Ending> {
        let open = self.open();
        let _precious = open.hold_precious();
        let lane = open.lane(self.id);
        let _one = lane.lock().await;
        let before = self.account()?;
        let (keyring, raws) = open.unseal(&before).await?;
        let mut keys = keys.to_vec();
        open.fingerprint(&mut keys).await;
        let merged = merge_keys(&before, &keys, keyring, raws, browser::now());
        let mut changes = merged.changes;
        changes.extend(
            self.with_trace(|trace| {
                for key in &keys {
                    trace.note_after(&self.key(&key.id), &key.row.name, &key.raw);
                }
            })
            .await?,
        );
        open.commit(changes).await?;
        open.searchable.take();
        open.book.borrow_mut().keep(merged.account);
        tell_account(&self.http.worker, open, self.id, merged.rows);
        Ok(())
    }

    /// A whole list that was read in passing.
    async fn take_list(&self, place: &Place, mut listing: Listing) -> Result<(), Ending> {
        let open = self.open();
        open.fingerprint(&mut listing.keys).await;
        let _precious = open.hold_precious();
        let lane = open.lane(self.id);
        let _one = lane.lock().await;
        let before = self.account()?;
        let (keyring, raws) = open.unseal(&before).await?;
        let mut quirks = place.quirks.clone();
        quirks.learn(&listing.learned);
        let found = Found {
            whoami: None,
            facts: None,
            listing,
            quirks,
        };
        let merged = merge(&before, &found, keyring, raws, browser::now());
        open.commit(merged.changes).await?;
        open.searchable.take();
        open.book.borrow_mut().keep(merged.account);
        tell_account(&self.http.worker, open, self.id, merged.rows);
        Ok(())
    }

    /// Changes each key that is left, by what `wish` says of it.
    async fn change_all(
        &self,
        item: &JobItem,
        wish: impl AsyncFn(&RemoteId) -> Result<Wish, Ending>,
    ) -> Result<(), Ending> {
        let (place, login) = site_and_login(&self.http.worker, self.open(), self.id).await?;
        for id in left(item) {
            self.may_go_on()?;
            self.show(self.item().over, item.keys.len());
            let wish = wish(id).await?;
            let ended = self.change_one(&place, &login, id, &wish).await;
            let (name, end) = match ended {
                Ok(end) => (self.name(id), end),
                Err(ending) => (self.name(id), of_one_key(ending)?),
            };
            self.over(id, name, end);
        }
        Ok(())
    }

    async fn change_one(
        &self,
        place: &Place,
        login: &Login,
        id: &RemoteId,
        wish: &Wish,
    ) -> Result<KeyEnd, Ending> {
        let desk = self.open().desk(self.id);
        let _at_desk = desk.lock().await;
        let sent = {
            let item = self.item();
            let all = item.sent.into_iter().chain(item.unsure);
            all.into_iter().find(|sent| sent.key == *id)
        };
        let how = Change {
            seen: wish.seen.as_ref(),
            sent: sent.as_ref(),
            used_then: wish.used_then,
            made: self.made(id),
        };
        let fault: RefCell<Option<Ending>> = RefCell::default();
        let changed = change_key(
            &self.visit(place, login),
            id,
            &wish.patch,
            how,
            async |sent: Sent, before: &RemoteKey| match self.about_to_write(sent, before).await {
                Ok(()) => ControlFlow::Continue(()),
                Err(ending) => {
                    *fault.borrow_mut() = Some(ending);
                    ControlFlow::Break(())
                }
            },
        )
        .await;
        if let Some(ending) = fault.take() {
            return Err(ending);
        }
        let changed = changed?;
        if let Some(now) = changed.after.or(changed.before) {
            self.take_in(&[now]).await?;
        }
        Ok(changed.end)
    }

    fn visit<'b>(&'b self, place: &'b Place, login: &'b Login) -> Visit<'b, JobHttp, SystemClock> {
        Visit {
            http: self.http,
            clock: &SystemClock,
            place,
            login,
        }
    }

    /// On disk before the write leaves: that it leaves, and what the key was like.
    async fn about_to_write(&self, sent: Sent, before: &RemoteKey) -> Result<(), Ending> {
        let key = self.key(&before.id);
        let changes = self
            .with_trace(|trace| trace.note_before(&key, &before.row.name, &before.raw, None))
            .await?;
        self.open().commit(changes).await?;
        self.edit(|item| {
            // Another key's, whose part was cut before its end was known, is not lost over this.
            let other = item.sent.replace(sent).filter(|one| one.key != before.id);
            item.unsure.extend(other);
        });
        self.journal().await
    }

    async fn delete_all(&self, item: &JobItem) -> Result<(), Ending> {
        let (place, login) = site_and_login(&self.http.worker, self.open(), self.id).await?;
        self.trace_all(left(item)).await?;
        // After a reset the numbers stand for other keys: until one was seen to be ours, each is
        // looked at before it is deleted.
        let mut ours = false;
        for id in left(item) {
            self.may_go_on()?;
            self.show(self.item().over, item.keys.len());
            let desk = self.open().desk(self.id);
            let _at_desk = desk.lock().await;
            let name = self.name(id);
            let was_sent = self.item().sent.is_some_and(|sent| sent.key == *id);
            let visit = self.visit(&place, &login);
            let still = if ours {
                Ok(Some(true))
            } else {
                is_still(&visit, id, self.made(id)).await
            };
            let ended = match still {
                Ok(Some(true)) => {
                    ours = true;
                    self.edit(|item| {
                        item.sent = Some(Sent {
                            key: id.clone(),
                            remaining: None,
                            used: None,
                        });
                    });
                    delete_key(&visit, id).await
                }
                Ok(Some(false) | None) => Ok(KeyEnd::Gone),
                Err(error) => Err(error),
            };
            let end = match ended {
                // Sent before the worker died, and carried out.
                Ok(KeyEnd::Gone) if was_sent => KeyEnd::Done,
                Ok(end) => end,
                Err(error) => of_one_key(error.into())?,
            };
            if matches!(end, KeyEnd::Done | KeyEnd::Gone) {
                self.forget(std::slice::from_ref(id), false).await?;
            }
            self.over(id, name, end);
        }
        Ok(())
    }

    async fn remove_all(&self, item: &JobItem) -> Result<(), Ending> {
        let ids: Vec<RemoteId> = left(item).to_vec();
        self.trace_all(&ids).await?;
        let names: Vec<String> = ids.iter().map(|id| self.name(id)).collect();
        self.forget(&ids, true).await?;
        for (id, name) in ids.iter().zip(names) {
            self.over(id, name, KeyEnd::Done);
        }
        Ok(())
    }

    /// Keeps how these keys are, with their full keys, before their records go.
    async fn trace_all(&self, ids: &[RemoteId]) -> Result<(), Ending> {
        let account = self.account()?;
        let (keyring, raws) = self.open().unseal(&account).await?;
        let changes = self
            .with_trace(|trace| {
                for id in ids {
                    let raw = raws.raw(id).unwrap_or_else(|| Secret::new(just_its_id(id)));
                    let name = account.row(id).map(|row| row.name).unwrap_or_default();
                    trace.note_before(&self.key(id), &name, &raw, keyring.key(id).as_ref());
                }
            })
            .await?;
        self.open().commit(changes).await?;
        Ok(())
    }

    /// Takes keys' records out: deleted at the site, or removed here only.
    async fn forget(&self, ids: &[RemoteId], here_only: bool) -> Result<(), Ending> {
        let open = self.open();
        let _precious = open.hold_precious();
        let lane = open.lane(self.id);
        let _one = lane.lock().await;
        let mut account = self.account()?;
        let (mut keyring, mut raws) = open.unseal(&account).await?;
        let changes = if here_only {
            account.remove_keys(ids, &mut keyring, &mut raws)
        } else {
            account.forget_keys(ids, &mut keyring, &mut raws)
        };
        open.commit(changes).await?;
        open.searchable.take();
        self.http
            .worker
            .pages
            .keys(&account, Vec::new(), ids.to_vec());
        open.book.borrow_mut().keep(account);
        tell_account(&self.http.worker, open, self.id, Vec::new());
        Ok(())
    }

    async fn create_all(&self, mut making: Vec<Making>) -> Result<(), Ending> {
        let (place, login) = site_and_login(&self.http.worker, self.open(), self.id).await?;
        self.show(0, making.len());
        let created = self.create(&place, &login, &mut making, Task::Create).await;
        let created = match created {
            Ok(created) => created,
            Err(ending) => return Err(self.unfinished(&making, ending)),
        };
        self.reveal_new(&made(&making)).await?;
        let account = self.account()?;
        let mut ends = created.ends;
        for (making, end) in making.iter().zip(&mut ends) {
            // Taken in, and the worker died before it wrote that down.
            let held = |id: &RemoteId| is_held(&account, id);
            if *end == KeyEnd::MadeUnread && making.id.as_ref().is_some_and(held) {
                *end = KeyEnd::Done;
            }
        }
        let bad = ends.iter().filter(|end| !end.good()).count();
        let mut results = Vec::new();
        for (making, end) in making.iter().zip(ends) {
            let result = KeyResult {
                key: making.id.clone().unwrap_or_default(),
                name: making.values.name.clone(),
                end,
            };
            keep_result(&mut results, result);
        }
        self.edit(|item| {
            item.over = u32::try_from(making.len()).unwrap_or(u32::MAX);
            item.bad = u32::try_from(bad).unwrap_or(u32::MAX);
            item.results = results;
        });
        Ok(())
    }

    /// Keys may be at the site that are not taken in yet. What passes by itself is waited for; what
    /// the user stopped says which those are.
    fn unfinished(&self, making: &[Making], ending: Ending) -> Ending {
        let lost: Vec<&Making> = making.iter().filter(|one| one.sent).collect();
        if lost.is_empty() {
            return ending;
        }
        match ending {
            Ending::Failed(
                SiteTrouble::Offline
                | SiteTrouble::Unreachable
                | SiteTrouble::TimedOut
                | SiteTrouble::BadAnswer
                | SiteTrouble::ServerError { .. },
                _,
            ) => Ending::Waits(browser::now() + AGAIN_IN),
            Ending::Stopped if self.open().is_closing() => Ending::Stopped,
            // The part waits, and reads the list first when it goes on.
            Ending::Failed(trouble, said) if is_a_persons(&trouble) => {
                Ending::Failed(trouble, said)
            }
            Ending::Failed(..) | Ending::Stopped => {
                self.say_lost(&lost);
                ending
            }
            Ending::Waits(_) | Ending::Ours(_) => ending,
        }
    }

    fn say_lost(&self, lost: &[&Making]) {
        let results = lost.iter().map(|one| KeyResult {
            key: one.id.clone().unwrap_or_default(),
            name: relaykeep_core::text::one_line(&one.called, 40),
            end: KeyEnd::InDoubt,
        });
        let results: Vec<KeyResult> = results.collect();
        self.edit(|item| {
            item.bad = u32::try_from(results.len()).unwrap_or(u32::MAX);
            item.results = results;
        });
    }

    /// Makes keys and takes them in. The journal holds each before it is sent.
    async fn create(
        &self,
        place: &Place,
        login: &Login,
        making: &mut [Making],
        task: impl Fn(Vec<Making>) -> Task,
    ) -> Result<Created, Ending> {
        let desk = self.open().desk(self.id);
        let _at_desk = desk.lock().await;
        let fault: RefCell<Option<Ending>> = RefCell::default();
        let created = create_keys(
            &self.visit(place, login),
            making,
            names()?,
            async |making: &[Making]| {
                self.edit(|item| item.task = Some(Box::new(task(making.to_vec()))));
                // The one on its way is not done yet.
                let begun = making.iter().filter(|one| one.sent).count();
                let done = u32::try_from(begun.saturating_sub(1)).unwrap_or(u32::MAX);
                self.show(done, making.len());
                match self.journal().await {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(ending) => {
                        *fault.borrow_mut() = Some(ending);
                        ControlFlow::Break(())
                    }
                }
            },
            async |key: RemoteKey| match self.take_in(&[key]).await {
                Ok(()) => ControlFlow::Continue(()),
                Err(ending) => {
                    *fault.borrow_mut() = Some(ending);
                    ControlFlow::Break(())
                }
            },
        )
        .await;
        if let Some(ending) = fault.take() {
            return Err(ending);
        }
        let created = created?;
        self.edit(|item| item.task = Some(Box::new(task(making.to_vec()))));
        let ids = made(making);
        let listed = created.listing.keys.iter();
        let new: Vec<RemoteKey> = listed
            .filter(|key| ids.contains(&key.id))
            .cloned()
            .collect();
        let changes = self
            .with_trace(|trace| {
                for key in &new {
                    trace.note_after(&self.key(&key.id), &key.row.name, &key.raw);
                }
            })
            .await?;
        self.open().commit(changes).await?;
        let (ends, listing) = (created.ends, created.listing);
        self.take_list(place, listing.clone()).await?;
        Ok(Created { ends, listing })
    }

    /// Fetches the full keys of what was made. Where the site refuses that, they stay masked, and
    /// Repair says so; only a limit is waited for.
    async fn reveal_new(&self, ids: &[RemoteId]) -> Result<(), Ending> {
        let account = self.account()?;
        if ids.is_empty() || account.to_reveal(ids).is_empty() {
            return Ok(());
        }
        match reveal(self.http, self.at, self.id, ids).await {
            Err(ending @ (Ending::Waits(_) | Ending::Stopped | Ending::Ours(_))) => Err(ending),
            Ok(_) | Err(Ending::Failed(..)) => Ok(()),
        }
    }

    async fn replace_all(&self, item: &JobItem, mut making: Vec<Making>) -> Result<(), Ending> {
        let (place, login) = site_and_login(&self.http.worker, self.open(), self.id).await?;
        self.show(0, item.keys.len());
        let mut keys = item.keys.clone();
        if making.is_empty() {
            (keys, making) = self.twins_of(item, &place, &login).await?;
            self.edit(|item| item.keys.clone_from(&keys));
        }
        let created = self
            .create(&place, &login, &mut making, Task::Replace)
            .await;
        let created = match created {
            Ok(created) => created,
            Err(ending) => return Err(self.unfinished(&making, ending)),
        };
        self.reveal_new(&made(&making)).await?;
        self.edit(|item| {
            (item.over, item.bad) = (0, 0);
            item.failed.clear();
            item.results.clear();
        });
        for old in keys.iter().skip(making.len()) {
            self.over(old, self.name(old), KeyEnd::Gone);
        }
        for ((old, making), end) in keys.iter().zip(&making).zip(created.ends) {
            let name = relaykeep_core::text::one_line(&making.values.name, 128);
            let end = match (&making.id, end) {
                (Some(twin), KeyEnd::Done) => {
                    let limited_to = &making.values.addresses;
                    self.put_in_place(&place, old, twin, limited_to).await?
                }
                (_, end) => end,
            };
            self.over(old, name, end);
        }
        Ok(())
    }

    /// What twins are to be set to: what the old keys are set to now. Keys that are gone have none,
    /// and stand behind the others.
    async fn twins_of(
        &self,
        item: &JobItem,
        place: &Place,
        login: &Login,
    ) -> Result<(Vec<RemoteId>, Vec<Making>), Ending> {
        let listing = list_keys(self.http, &SystemClock, place, login, |_| {}).await?;
        let account = self.account()?;
        let (_, raws) = self.open().unseal(&account).await?;
        let (mut keys, mut gone, mut twins) = (Vec::new(), Vec::new(), Vec::new());
        for id in &item.keys {
            let now = listing.keys.iter().find(|key| key.id == *id);
            // A list that was cut does not show that a key is gone.
            let held = || raws.raw(id).filter(|_| !listing.complete);
            let Some(raw) = now.map(|key| key.raw.clone()).or_else(held) else {
                gone.push(id.clone());
                continue;
            };
            let mut values = values_of(&raw);
            values.enabled = true;
            keys.push(id.clone());
            twins.push(Making {
                values,
                called: String::new(),
                sent: false,
                id: None,
                once: String::new(),
                rest: rest_of(place.kind, &raw),
                read: false,
            });
        }
        keys.extend(gone);
        Ok((keys, twins))
    }

    /// Checks a twin, and only then puts it in the old key's place.
    async fn put_in_place(
        &self,
        place: &Place,
        old: &RemoteId,
        twin: &RemoteId,
        limited_to: &[String],
    ) -> Result<KeyEnd, Ending> {
        let account = self.account()?;
        if !is_held(&account, twin) {
            return Ok(KeyEnd::Failed(SiteTrouble::VerificationRequired, None));
        }
        let (keyring, _) = self.open().unseal(&account).await?;
        let Some(full) = keyring.key(twin) else {
            return Ok(KeyEnd::NotSaved(ErrorCode::RecordDamaged));
        };
        let models = match check_key(self.http, &SystemClock, place, &full).await {
            Ok(models) => models,
            // Known, and not let in: a key for other addresses cannot be tried from this one.
            Err(SiteError::Trouble(SiteTrouble::Refused, _)) if !limited_to.is_empty() => None,
            Err(SiteError::Trouble(SiteTrouble::LoginExpired, said)) => {
                return Ok(KeyEnd::Failed(SiteTrouble::Refused, said));
            }
            Err(error) => return of_one_key(error.into()),
        };
        let open = self.open();
        let lane = open.lane(self.id);
        let _one = lane.lock().await;
        let mut account = self.account()?;
        open.commit(account.replace_key(old, twin)).await?;
        let row = account.row(old);
        open.book.borrow_mut().keep(account);
        tell_account(&self.http.worker, open, self.id, row.into_iter().collect());
        Ok(KeyEnd::Replaced {
            by: twin.clone(),
            models,
        })
    }

    async fn undo_all(&self, item: &JobItem, job: &JobId) -> Result<(), Ending> {
        let trace = load_trace(self.open(), job).await?;
        let wrote = fields_of(&patch_of(self.open(), job));
        if wrote.is_empty() {
            return self.bring_back(item, &trace).await;
        }
        self.change_all(item, async |id: &RemoteId| {
            let key = self.key(id);
            let Some(before) = trace.before(&key) else {
                // Nothing was written to it.
                return Ok(Wish::default());
            };
            // What the site holds decides, not our record: what was spent since stays spent, and
            // what was changed since by somebody else is asked about.
            Ok(Wish {
                patch: restricted(&whole_patch(&values_of(&before.raw)), &wrote),
                seen: trace.after(&key).map(|after| values_of(&after.raw)),
                used_then: before.row.used,
            })
        })
        .await
    }

    /// Brings records back that were removed here.
    async fn bring_back(&self, item: &JobItem, trace: &Trace) -> Result<(), Ending> {
        let open = self.open();
        let ids: Vec<RemoteId> = left(item).to_vec();
        let keys: Vec<RemoteKey> = ids
            .iter()
            .filter_map(|id| {
                let mut key = trace.before(&self.key(id))?;
                key.full = trace.full(&self.key(id)).or(key.full);
                Some(key)
            })
            .collect();
        {
            let _precious = open.hold_precious();
            let lane = open.lane(self.id);
            let _one = lane.lock().await;
            let mut before = self.account()?;
            before.unhide(&ids);
            let (keyring, raws): (Keyring, RawObjects) = open.unseal(&before).await?;
            let mut keys = keys;
            open.fingerprint(&mut keys).await;
            let merged = merge_keys(&before, &keys, keyring, raws, browser::now());
            let mut changes = merged.changes;
            changes.extend(merged.account.changes());
            open.commit(changes).await?;
            open.searchable.take();
            open.book.borrow_mut().keep(merged.account);
            tell_account(&self.http.worker, open, self.id, merged.rows);
        }
        for id in &ids {
            let there = self.account()?.has(id);
            let end = if there { KeyEnd::Done } else { KeyEnd::Gone };
            self.over(id, self.name(id), end);
        }
        Ok(())
    }
}

fn left(item: &JobItem) -> &[RemoteId] {
    let over = usize::try_from(item.over).unwrap_or(usize::MAX);
    item.keys.get(over..).unwrap_or_default()
}

/// Keys that are at the site now.
fn made(making: &[Making]) -> Vec<RemoteId> {
    making
        .iter()
        .filter_map(|making| making.id.clone())
        .collect()
}

fn keep_result(results: &mut Vec<KeyResult>, result: KeyResult) {
    let room = if result.end.good() {
        MOST_RESULTS
    } else {
        2 * MOST_RESULTS
    };
    if results.len() >= room {
        return;
    }
    let mut result = result;
    result.name = relaykeep_core::text::one_line(&result.name, 40);
    if let (KeyEnd::Failed(_, said), true) = (&mut result.end, results.len() >= MOST_SAID) {
        *said = None;
    }
    results.push(result);
}

/// What is one key's own trouble, and lets the others go on. All else ends the account's part.
fn of_one_key(ending: Ending) -> Result<KeyEnd, Ending> {
    match ending {
        Ending::Failed(trouble, said) => match trouble {
            SiteTrouble::Refused
            | SiteTrouble::BadAnswer
            | SiteTrouble::AnswerTooLarge
            | SiteTrouble::ServerError { .. }
            | SiteTrouble::WrongKey => Ok(KeyEnd::Failed(trouble, said)),
            trouble @ (SiteTrouble::Offline
            | SiteTrouble::Unreachable
            | SiteTrouble::TimedOut
            | SiteTrouble::PermissionMissing
            | SiteTrouble::Redirected
            | SiteTrouble::LoginExpired
            | SiteTrouble::UserDisabled
            | SiteTrouble::UserIdMismatch
            | SiteTrouble::AnsweredAsOther
            | SiteTrouble::SignInAtSite
            | SiteTrouble::TabNeeded
            | SiteTrouble::RateLimited { .. }
            | SiteTrouble::Challenge
            | SiteTrouble::NotARelay
            | SiteTrouble::VerificationRequired
            | SiteTrouble::Absent
            | SiteTrouble::KindChanged { .. }) => Err(Ending::Failed(trouble, said)),
        },
        ending @ (Ending::Stopped | Ending::Waits(_) | Ending::Ours(_)) => Err(ending),
    }
}

/// Names no other key has, drawn from one seed.
fn names() -> Result<impl FnMut() -> String, Ending> {
    let mut seed = [0; 5];
    getrandom::fill(&mut seed).map_err(|_| Ending::Ours(ErrorCode::Randomness))?;
    let seed = seed
        .iter()
        .fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    let mut drawn = 0_u32;
    Ok(move || {
        drawn += 1;
        format!("rk-{seed:010x}-{drawn}")
    })
}

/// What is kept of a key whose object does not read any more: enough to bring its full key back.
fn just_its_id(id: &RemoteId) -> String {
    format!("{{\"id\":{}}}", relaykeep_core::json::write(&id.0))
}
