//! What a login may put on keys, and what would bring the inventory into order.

use crate::accounts::CallHttp;
use crate::jobs::Ending;
use crate::ports::SystemClock;
use crate::session;
use crate::sync::site_and_login;
use crate::worker::{Open, Worker};
use futures_util::future::join_all;
use relaykeep_core::book::Account;
use relaykeep_core::keys::{KeyState, state};
use relaykeep_core::site::{self, SiteError, abilities, values_of};
use relaykeep_core::sorted::SortedMap;
use relaykeep_protocol::{
    AccountId, ErrorCode, GroupOffer, KeyForm, KeyRow, Millis, Quota, RemoteId, RepairPart,
    RepairPlan, SiteTrouble,
};
use relaykeep_webext::worker as browser;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// Models and groups are asked for again after this long.
const OFFERS_LAST: Millis = 10 * 60 * 1000;
/// A key that is disabled and was not used for this long is dead.
const LONG_DISABLED: i64 = 30 * 24 * 3600;

/// What a login may put on a key, as the site last said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Offers {
    groups_at: Option<Millis>,
    groups: Vec<GroupOffer>,
    models_at: Option<Millis>,
    models: Vec<String>,
    auto_groups: Vec<String>,
}

/// Every account's.
pub(crate) type AllOffers = SortedMap<AccountId, Offers>;

fn is_fresh(at: Option<Millis>) -> bool {
    let now = browser::now();
    at.is_some_and(|at| at <= now && now - at < OFFERS_LAST)
}

/// What a site offers now: what it said in the last ten minutes, or what it says when asked.
async fn offers(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    with_models: bool,
    anew: bool,
) -> (Offers, Option<SiteTrouble>) {
    let mut held = recall(worker, id).await;
    if anew {
        held.groups_at = None;
    }
    let asked = ask(worker, open, id, with_models, &mut held).await;
    if let Ok(true) = asked {
        remember(worker, id, &held).await;
    }
    (held, asked.err())
}

/// What this account's site last said. The session is read once, however many accounts are asked.
async fn recall(worker: &Rc<Worker>, id: &AccountId) -> Offers {
    let mut all = worker.offers.lock().await;
    if all.is_none() {
        *all = Some(session::offers().await);
    }
    let held = all.as_ref().and_then(|all| all.get(id));
    held.cloned().unwrap_or_default()
}

async fn remember(worker: &Rc<Worker>, id: &AccountId, offers: &Offers) {
    // Many accounts are asked at once, and all stand in one place.
    let mut all = worker.offers.lock().await;
    if let Some(all) = all.as_mut().filter(|_| worker.peek().is_some()) {
        all.insert(id.clone(), offers.clone());
        session::keep_offers(all).await;
    }
}

/// Whether a group is on offer, as the site says now or said in the last minute: it may have
/// vanished while a form was open, and most servers take any name and refuse the key later. A site
/// that cannot be asked decides by itself.
pub(crate) async fn offers_group(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    group: &str,
) -> bool {
    const A_MINUTE: Millis = 60_000;
    let own = open
        .account(id)
        .is_ok_and(|account| account.own_group() == Some(group));
    if group.is_empty() || own {
        return true;
    }
    let mut held = recall(worker, id).await;
    held.groups_at = held
        .groups_at
        .filter(|at| browser::now().saturating_sub(*at) < A_MINUTE);
    match ask(worker, open, id, false, &mut held).await {
        Ok(asked) => {
            if asked {
                remember(worker, id, &held).await;
            }
            held.groups.is_empty() || held.groups.iter().any(|offer| offer.name == group)
        }
        Err(_) => true,
    }
}

/// Says whether anything was asked for.
async fn ask(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    with_models: bool,
    offers: &mut Offers,
) -> Result<bool, SiteTrouble> {
    let models_too = with_models && !is_fresh(offers.models_at);
    if is_fresh(offers.groups_at) && !models_too {
        return Ok(false);
    }
    let (place, login) = site_and_login(worker, open, id)
        .await
        .map_err(Ending::trouble)?;
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    let trouble = |error: SiteError| error.trouble();
    if !is_fresh(offers.groups_at) {
        let account = open.account(id).ok();
        let own = account.as_ref().and_then(|account| account.own_group());
        offers.groups = site::groups(&http, &SystemClock, &place, &login, own)
            .await
            .map_err(trouble)?;
        offers.groups_at = Some(browser::now());
    }
    if models_too {
        offers.models = site::models(&http, &SystemClock, &place, &login)
            .await
            .map_err(trouble)?;
        offers.auto_groups = Vec::new();
        let has_auto = offers.groups.iter().any(|group| group.name == "auto");
        if abilities(&place).auto_groups && has_auto {
            // A build without it has no such groups to choose from.
            offers.auto_groups = site::auto_groups(&http, &SystemClock, &place, &login)
                .await
                .unwrap_or_default();
        }
        offers.models_at = Some(browser::now());
    }
    Ok(true)
}

/// What the form for a key starts from.
pub(crate) async fn form(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    key: Option<&RemoteId>,
) -> Result<KeyForm, ErrorCode> {
    let account = open.account(id)?;
    let place = account.place().ok_or(ErrorCode::Internal)?;
    let row = match key {
        None => None,
        Some(key) => Some(account.row(key).ok_or(ErrorCode::NoSuchKey)?),
    };
    let values = match key {
        None => None,
        Some(key) => {
            let (_, raws) = open.unseal(&account).await?;
            let Some(raw) = raws.raw(key) else {
                // The next sync brings it, also where nothing changed at the site.
                crate::keys::give_up(open, id).await?;
                return Err(ErrorCode::RecordDamaged);
            };
            Some(values_of(&raw))
        }
    };
    let (offers, trouble) = offers(worker, open, id, true, false).await;
    Ok(KeyForm {
        can: abilities(&place),
        unit: account.unit().clone(),
        values,
        status: row.map_or(0, |row| row.status),
        models: offers.models,
        groups: offers.groups,
        auto_groups: offers.auto_groups,
        trouble,
        own_group: account.own_group().map(str::to_owned),
    })
}

/// What would bring these accounts into order.
pub(crate) async fn plan(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    accounts: &[AccountId],
    anew: bool,
) -> Result<RepairPlan, ErrorCode> {
    let wanted: Vec<AccountId> = {
        let book = open.book.borrow();
        book.accounts()
            .filter(|account| !account.is_disabled())
            .map(Account::id)
            .filter(|id| accounts.is_empty() || accounts.contains(id))
            .collect()
    };
    let asked = wanted.iter().map(async |id| {
        let (offers, trouble) = offers(worker, open, id, false, anew).await;
        let account = open.account(id).ok()?;
        let mut part = part(&account, offers, trouble, browser::now());
        part.alike = alike(open, &account, part.alike).await;
        Some(part)
    });
    Ok(RepairPlan {
        accounts: join_all(asked).await.into_iter().flatten().collect(),
    })
}

fn part(
    account: &Account,
    offers: Offers,
    trouble: Option<SiteTrouble>,
    now: Millis,
) -> RepairPart {
    let rows: Vec<KeyRow> = account
        .rows()
        .filter(|row| row.gone_since.is_none())
        .collect();
    let own = account.own_group().unwrap_or("default");
    let group_of = |row: &KeyRow| {
        if row.group.is_empty() {
            own.to_owned()
        } else {
            row.group.clone()
        }
    };
    let ids = |keep: &dyn Fn(&KeyRow) -> bool| -> Vec<RemoteId> {
        let kept = rows.iter().filter(|row| keep(row));
        kept.map(|row| row.id.clone()).collect()
    };
    let hidden_for_good = account.hidden_for_good();
    let masked = account
        .to_reveal(&[])
        .into_iter()
        .map(|(id, _)| id)
        .filter(|id| !hidden_for_good.contains(id))
        .collect();
    let excluded = account.excluded_groups().to_vec();
    let covered: Vec<String> = rows
        .iter()
        .filter(|row| state(row, now) == KeyState::Active)
        .map(group_of)
        .collect();
    let known = !offers.groups.is_empty();
    let offered = |name: &str| offers.groups.iter().any(|group| group.name == name);
    RepairPart {
        account: account.id(),
        masked,
        // What has a twin in its place is done with.
        hidden_for_good: hidden_for_good
            .into_iter()
            .filter(|id| {
                !rows
                    .iter()
                    .any(|row| row.id == *id && row.replaced_by.is_some())
            })
            .collect(),
        uncovered: offers
            .groups
            .iter()
            .filter(|group| !covered.contains(&group.name) && !excluded.contains(&group.name))
            .cloned()
            .collect(),
        // Only a list that came shows that a group is gone.
        lost_group: if known && trouble.is_none() {
            ids(&|row| !row.group.is_empty() && row.group != own && !offered(&row.group))
        } else {
            Vec::new()
        },
        dead: ids(&|row| is_dead(row, now)),
        alike: perhaps_alike(&rows),
        excluded,
        groups: offers.groups,
        trouble,
        groups_at: offers.groups_at,
    }
}

fn is_dead(row: &KeyRow, now: Millis) -> bool {
    let last = row.last_used.max(row.created).unwrap_or(0);
    let now_seconds = i64::try_from(now / 1_000).unwrap_or(i64::MAX);
    match state(row, now) {
        KeyState::Expired | KeyState::Exhausted => true,
        KeyState::Disabled => now_seconds - last > LONG_DISABLED,
        KeyState::Active | KeyState::Unknown | KeyState::Gone => false,
    }
}

/// Of keys that look alike, those that are set to the same in everything; a limit is what was
/// granted, not what is left of it.
async fn alike(open: &Rc<Open>, account: &Account, sets: Vec<Vec<RemoteId>>) -> Vec<Vec<RemoteId>> {
    if sets.is_empty() {
        return sets;
    }
    let Ok((_, raws)) = open.unseal(account).await else {
        return Vec::new();
    };
    let mut groups: SortedMap<String, Vec<RemoteId>> = SortedMap::new();
    for id in sets.into_iter().flatten() {
        let Some(raw) = raws.raw(&id) else { continue };
        let mut values = values_of(&raw);
        let used = account.row(&id).and_then(|row| row.used).unwrap_or(0);
        if let Quota::Limited(left) = &mut values.quota {
            *left = left.saturating_add(used);
        }
        let set = relaykeep_core::json::write(&values);
        groups.entry(set).or_default().push(id);
    }
    groups.into_values().filter(|set| set.len() > 1).collect()
}

/// Keys of one name, group, limit and expiry.
fn perhaps_alike(rows: &[KeyRow]) -> Vec<Vec<RemoteId>> {
    let mut sets: SortedMap<(&str, &str, bool, Option<i64>), Vec<RemoteId>> = SortedMap::new();
    for row in rows.iter().filter(|row| row.replaced_by.is_none()) {
        sets.entry((&row.name, &row.group, row.unlimited, row.expires))
            .or_default()
            .push(row.id.clone());
    }
    sets.into_values().filter(|set| set.len() > 1).collect()
}

/// Groups the user wants no key for.
pub(crate) async fn exclude(
    open: &Rc<Open>,
    id: &AccountId,
    groups: Vec<String>,
) -> Result<(), ErrorCode> {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let mut account = open.account(id)?;
    account.exclude_groups(groups);
    open.commit(account.changes()).await?;
    open.book.borrow_mut().keep(account);
    Ok(())
}
