//! Work on keys: what it would do, and the job that does it.

use crate::jobs;
use crate::worker::{Open, ports, the_worker};
use relaykeep_core::book::{Account, RawObjects, Trace};
use relaykeep_core::form;
use relaykeep_core::keys::{KeyState, state};
use relaykeep_core::site::{abilities, fields_of, has_rest, rest_of};
use relaykeep_core::sorted::SortedMap;
use relaykeep_protocol::{
    AccountId, Chosen, ErrorCode, FieldProblem, ItemState, JobId, JobItem, JobKind, JobView,
    KeyAbilities, KeyField, KeyPatch, Making, NewKey, Outcome, PlanLine, RemoteId, SecretState,
    Task, TraceLine, WhyNot, Work, WorkPlan,
};
use relaykeep_webext::worker as browser;
use std::rc::Rc;

/// A job's journal holds this many keys with room for what is to be said of them.
const MOST_KEYS: usize = 1_000;
/// New keys are written down whole.
const MOST_NEW: usize = 100;

/// What a piece of work would do. Asks no site.
pub(crate) fn plan(open: &Open, work: &Work) -> Result<WorkPlan, ErrorCode> {
    let book = open.book.borrow();
    let mut plan = WorkPlan::default();
    let mut skipped: SortedMap<WhyNot, u32> = SortedMap::new();
    let mut line = |account: &AccountId, keys: usize, each: u32, once: u32| {
        let keys = u32::try_from(keys).unwrap_or(u32::MAX);
        if keys > 0 {
            plan.lines.push(PlanLine {
                account: account.clone(),
                keys,
                requests: keys.saturating_mul(each).saturating_add(once),
            });
        }
    };
    let chosen = match work {
        Work::Create { keys } => {
            let mut counts: SortedMap<&AccountId, usize> = SortedMap::new();
            for key in keys {
                *counts.entry(&key.account).or_default() += 1;
            }
            for (account, count) in counts {
                // Each is made; the list is read before and after, and what is masked revealed.
                line(account, count, 1, 3);
            }
            &[][..]
        }
        Work::Change { keys, .. }
        | Work::Delete { keys }
        | Work::Remove { keys }
        | Work::Replace { keys } => keys,
        Work::Undo { job } => {
            let view = finished(open, job).ok_or(ErrorCode::NoSuchJob)?;
            let each = if view.kind == JobKind::Remove { 0 } else { 3 };
            for item in &view.items {
                line(&item.account, item.keys.len(), each, 0);
            }
            &[]
        }
    };
    for Chosen { account, keys } in chosen {
        let Some(held) = book.account(account) else {
            *skipped.entry(WhyNot::Unknown).or_default() +=
                u32::try_from(keys.len()).unwrap_or(u32::MAX);
            continue;
        };
        let mut todo = 0;
        for id in keys {
            match why_not(held, id, work) {
                None => todo += 1,
                Some(why) => *skipped.entry(why).or_default() += 1,
            }
        }
        let (each, once) = match work {
            Work::Change { patch, .. } => {
                let toggles = u32::from(patch.enabled.is_some());
                let replaces = fields_of(patch)
                    .iter()
                    .any(|field| *field != KeyField::Enabled);
                (2 + toggles + u32::from(replaces), 0)
            }
            // The first one is looked at before: is it still the key we hold?
            Work::Delete { .. } => (1, 1),
            Work::Remove { .. } | Work::Create { .. } | Work::Undo { .. } => (0, 0),
            // Made and renamed, checked; the list before and after, and one reveal.
            Work::Replace { .. } => (5, 4),
        };
        line(account, todo, each, once);
    }
    plan.skipped = skipped.into_iter().collect();
    Ok(plan)
}

/// Why nothing would be done to a key, as far as we know here.
fn why_not(account: &Account, id: &RemoteId, work: &Work) -> Option<WhyNot> {
    let Some(row) = account.row(id) else {
        return Some(WhyNot::Unknown);
    };
    let gone = row.gone_since.is_some();
    match work {
        Work::Remove { .. } => None,
        _ if gone => Some(WhyNot::Gone),
        Work::Change { patch, .. } => {
            let only_toggles = fields_of(patch) == [KeyField::Enabled];
            let so = patch
                .enabled
                .is_some_and(|on| row.status == if on { 1 } else { 2 });
            // A key that is on but over is asked about at the site: there is something to say.
            let over = matches!(
                state(&row, browser::now()),
                KeyState::Expired | KeyState::Exhausted
            );
            (only_toggles && so && !over).then_some(WhyNot::AlreadySo)
        }
        Work::Delete { .. } | Work::Replace { .. } | Work::Create { .. } | Work::Undo { .. } => {
            None
        }
    }
}

/// Starts it.
pub(crate) async fn start(open: &Rc<Open>, work: Work) -> Result<JobId, ErrorCode> {
    let (kind, items) = match work {
        Work::Create { keys } => (JobKind::Create, create_items(open, keys).await?),
        Work::Undo { job } => (JobKind::Undo, undo_items(open, &job)?),
        work @ (Work::Change { .. }
        | Work::Delete { .. }
        | Work::Remove { .. }
        | Work::Replace { .. }) => items_on(open, work)?,
    };
    if items.is_empty() {
        return Err(ErrorCode::NothingToDo);
    }
    check_groups(open, &items).await?;
    let keys: usize = items.iter().map(|item| item.keys.len()).sum();
    if keys > MOST_KEYS {
        return Err(too_many(MOST_KEYS));
    }
    jobs::start(open, kind, items).await
}

fn too_many(most: usize) -> ErrorCode {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    ErrorCode::TooMany { most }
}

/// Every group that would be written must still be on offer.
async fn check_groups(open: &Rc<Open>, items: &[JobItem]) -> Result<(), ErrorCode> {
    let mut wanted: SortedMap<(&AccountId, &str), ()> = SortedMap::new();
    for item in items {
        match item.task.as_deref() {
            Some(Task::Create(making)) => {
                let groups = making.iter().map(|one| one.values.group.as_str());
                wanted.extend(groups.map(|group| ((&item.account, group), ())));
            }
            Some(Task::Change { patch, .. }) => {
                let group = patch.group.as_deref();
                wanted.extend(group.map(|group| ((&item.account, group), ())));
            }
            Some(Task::Delete | Task::Remove | Task::Replace(_) | Task::Undo(_)) | None => {}
        }
    }
    let worker = the_worker();
    // One after the other: the first answer of an account serves its other groups.
    for (account, group) in wanted.keys() {
        if !crate::repair::offers_group(&worker, open, account, group).await {
            return Err(ErrorCode::Field(KeyField::Group, FieldProblem::NotOffered));
        }
    }
    Ok(())
}

fn items_on(open: &Open, work: Work) -> Result<(JobKind, Vec<JobItem>), ErrorCode> {
    let book = open.book.borrow();
    let (kind, task, chosen) = match &work {
        Work::Change { keys, patch, seen } => {
            let kind = match (&fields_of(patch)[..], patch.enabled) {
                ([], _) => return Err(ErrorCode::NothingToDo),
                ([KeyField::Enabled], Some(true)) => JobKind::Enable,
                ([KeyField::Enabled], Some(false)) => JobKind::Disable,
                _ => JobKind::Edit,
            };
            let task = Task::Change {
                patch: patch.clone(),
                seen: seen.clone(),
            };
            (kind, task, keys)
        }
        Work::Delete { keys } => (JobKind::Delete, Task::Delete, keys),
        Work::Remove { keys } => (JobKind::Remove, Task::Remove, keys),
        Work::Replace { keys } => {
            // Their twins are written down whole.
            let many: usize = keys.iter().map(|chosen| chosen.keys.len()).sum();
            if many > MOST_NEW {
                return Err(too_many(MOST_NEW));
            }
            (JobKind::Replace, Task::Replace(Vec::new()), keys)
        }
        Work::Create { .. } | Work::Undo { .. } => return Err(ErrorCode::Internal),
    };
    let mut items = Vec::new();
    for Chosen { account, keys } in chosen {
        let held = book.account(account).ok_or(ErrorCode::NoSuchAccount)?;
        let mut task = task.clone();
        if let Task::Change { patch, .. } = &mut task {
            let can = abilities_of(held)?;
            form::check_patch(patch, &can).map_err(wrong)?;
            if let Some(addresses) = &mut patch.addresses {
                *addresses = written_for(addresses, &can)?;
            }
        }
        let keys: Vec<RemoteId> = keys
            .iter()
            .filter(|id| why_not(held, id, &work).is_none())
            .cloned()
            .collect();
        if !keys.is_empty() {
            items.push(JobItem {
                task: Some(Box::new(task)),
                ..jobs::item(held, keys)
            });
        }
    }
    Ok((kind, items))
}

async fn create_items(open: &Open, keys: Vec<NewKey>) -> Result<Vec<JobItem>, ErrorCode> {
    if keys.len() > MOST_NEW {
        return Err(too_many(MOST_NEW));
    }
    let mut by_account: SortedMap<AccountId, Vec<Making>> = SortedMap::new();
    let mut raws: SortedMap<AccountId, RawObjects> = SortedMap::new();
    for NewKey {
        account,
        mut values,
        like,
    } in keys
    {
        let held = open.account(&account)?;
        let can = abilities_of(&held)?;
        form::check_values(&values, &can).map_err(wrong)?;
        values.addresses = written_for(&values.addresses, &can)?;
        let rest = match like {
            Some(like) if has_rest(held.kind()) => {
                if raws.get(&account).is_none() {
                    raws.insert(account.clone(), open.unseal(&held).await?.1);
                }
                let raw = raws.get(&account).and_then(|raws| raws.raw(&like));
                raw.map(|raw| rest_of(held.kind(), &raw))
                    .unwrap_or_default()
            }
            Some(_) | None => String::new(),
        };
        by_account.entry(account).or_default().push(Making {
            values,
            called: String::new(),
            sent: false,
            id: None,
            once: String::new(),
            rest,
            read: false,
        });
    }
    let book = open.book.borrow();
    let items = by_account.into_iter().filter_map(|(id, making)| {
        Some(JobItem {
            task: Some(Box::new(Task::Create(making))),
            ..jobs::item(book.account(&id)?, Vec::new())
        })
    });
    Ok(items.collect())
}

fn abilities_of(account: &Account) -> Result<KeyAbilities, ErrorCode> {
    let place = account.place().ok_or(ErrorCode::Internal)?;
    Ok(abilities(&place))
}

fn wrong((field, problem): (KeyField, FieldProblem)) -> ErrorCode {
    ErrorCode::Field(field, problem)
}

/// Addresses in the site's own form: one list may be meant for keys of many sites.
fn written_for(addresses: &[String], can: &KeyAbilities) -> Result<Vec<String>, ErrorCode> {
    form::addresses_for(addresses, can.addresses)
        .map_err(|problem| ErrorCode::Field(KeyField::Addresses, problem))
}

fn undo_items(open: &Open, job: &JobId) -> Result<Vec<JobItem>, ErrorCode> {
    let view = finished(open, job).ok_or(ErrorCode::NoSuchJob)?;
    let can = match view.kind {
        JobKind::Edit | JobKind::Enable | JobKind::Disable | JobKind::Remove => true,
        // What was deleted at a site can only be made anew; what was made can be deleted.
        JobKind::Create
        | JobKind::Delete
        | JobKind::Replace
        | JobKind::Undo
        | JobKind::Sync
        | JobKind::SyncByAlarm
        | JobKind::SyncOnOpen
        | JobKind::Reveal
        | JobKind::MakeToken => false,
    };
    if !can {
        return Err(ErrorCode::NothingToDo);
    }
    let book = open.book.borrow();
    let items = view.items.into_iter().filter_map(|item| {
        // One whose write was under way when its part failed may be changed, too.
        let over = item.over + u32::from(item.sent.is_some());
        let over = usize::try_from(over).unwrap_or(usize::MAX);
        let keys: Vec<RemoteId> = item.keys.into_iter().take(over).collect();
        let account = book.account(&item.account).filter(|_| !keys.is_empty())?;
        Some(JobItem {
            task: Some(Box::new(Task::Undo(job.clone()))),
            ..jobs::item(account, keys)
        })
    });
    Ok(items.collect())
}

fn finished(open: &Open, id: &JobId) -> Option<JobView> {
    let finished = open.book.borrow().jobs.newest_first();
    finished.into_iter().find(|view| view.id == *id)
}

/// What a job wrote of each key: for an undo, only these fields are put back.
pub(crate) fn patch_of(open: &Open, job: &JobId) -> KeyPatch {
    let view = finished(open, job);
    let items = view.into_iter().flat_map(|view| view.items);
    let mut patches = items.filter_map(|item| match item.task.map(|task| *task) {
        Some(Task::Change { patch, .. }) => Some(patch),
        Some(Task::Create(_) | Task::Delete | Task::Remove | Task::Replace(_) | Task::Undo(_))
        | None => None,
    });
    patches.next().unwrap_or_default()
}

/// What failed in a job of this kind, once more: only what is worth it, and where it stood.
pub(crate) fn again(item: &JobItem, account: &Account) -> Option<JobItem> {
    let ended = match &item.state {
        ItemState::Ended(outcome) => outcome,
        ItemState::Pending
        | ItemState::Running(_)
        | ItemState::Waiting { .. }
        | ItemState::Blocked(_) => return None,
    };
    let over = usize::try_from(item.over).unwrap_or(usize::MAX);
    let failed = |id: &RemoteId| item.failed.contains(id);
    let task = item.task.as_deref()?;
    let (keys, task) = match task {
        Task::Create(making) => {
            // What is at the site has an id; what may be is looked for by its name first.
            let missing = making.iter().filter(|making| making.id.is_none());
            let left: Vec<Making> = missing.cloned().collect();
            if left.is_empty() {
                return None;
            }
            (Vec::new(), Task::Create(left))
        }
        Task::Replace(making) => {
            let pairs = item.keys.iter().enumerate();
            let left: Vec<(RemoteId, Option<Making>)> = pairs
                .filter(|(at, id)| *at >= over || failed(id))
                .map(|(at, id)| (id.clone(), making.get(at).cloned()))
                .collect();
            let (keys, making): (Vec<_>, Vec<_>) = left.into_iter().unzip();
            (keys, Task::Replace(making.into_iter().flatten().collect()))
        }
        task @ (Task::Change { .. } | Task::Delete | Task::Remove | Task::Undo(_)) => {
            let pairs = item.keys.iter().enumerate();
            let keys: Vec<RemoteId> = pairs
                .filter(|(at, id)| *at >= over || failed(id))
                .map(|(_, id)| id.clone())
                .collect();
            (keys, task.clone())
        }
    };
    let none = keys.is_empty() && !matches!(task, Task::Create(_));
    let removed = matches!(ended, Outcome::Removed);
    if none || removed {
        return None;
    }
    Some(JobItem {
        task: Some(Box::new(task)),
        sent: item.sent.clone(),
        unsure: item.unsure.clone(),
        ..jobs::item(account, keys)
    })
}

/// What a job found and left.
pub(crate) async fn trace(open: &Rc<Open>, job: &JobId) -> Result<Vec<TraceLine>, ErrorCode> {
    Ok(load_trace(open, job).await?.lines())
}

/// A job's traces, from the vault.
pub(crate) async fn load_trace(open: &Rc<Open>, job: &JobId) -> Result<Trace, ErrorCode> {
    let ids: Vec<_> = {
        let vault = open.vault.lock().await;
        vault.records().filter(|id| Trace::is_of(job, id)).collect()
    };
    let vault = open.vault.lock().await;
    let mut trace = Trace::default();
    for (id, body) in vault.read(ports(), &ids).await {
        // A damaged part keeps its number taken.
        trace.load(id.part, &body.unwrap_or_default());
    }
    Ok(trace)
}

/// Whether the full key is held.
pub(crate) fn is_held(account: &Account, id: &RemoteId) -> bool {
    account
        .row(id)
        .is_some_and(|row| row.secret == SecretState::Held)
}
