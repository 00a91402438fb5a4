//! Reading an account from its site, and fetching the full keys behind masks.

use crate::browser_login;
use crate::jobs::{Ending, JobHttp};
use crate::ports::SystemClock;
use crate::worker::{Open, Worker};
use relaykeep_core::book::{Found, is_somebody_else, merge, merge_revealed, needs_sealed_parts};
use relaykeep_core::site::{self, Login, Place, RevealEnd, SiteError};
use relaykeep_protocol::{
    AccountId, ErrorCode, Health, ItemState, KeyRow, LoginWay, Millis, Outcome, RemoteId,
    SiteTrouble, Step,
};
use relaykeep_webext::worker as browser;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;

/// A site's unit and name are asked for again after this long.
const FACTS_LAST: Millis = 6 * 3600 * 1000;

/// Where an account's requests go, and what signs them.
pub(crate) async fn site_and_login(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
) -> Result<(Place, Login), Ending> {
    let account = open.account(id)?;
    if account.is_disabled() {
        return Err(ErrorCode::AccountDisabled.into());
    }
    let place = account
        .place()
        .ok_or(Ending::Failed(SiteTrouble::NotARelay, None))?;
    match account.way() {
        LoginWay::Cookie => {
            let user_id = account.user_id().map(str::to_owned);
            return Ok((place, Login::of_the_browser(user_id)));
        }
        LoginWay::Page => {
            let login = browser_login::page_login(worker, &place, account.user_id()).await?;
            return Ok((place, login));
        }
        LoginWay::Own => {
            let login = crate::own::login(worker, open, &account, &place).await?;
            return Ok((place, login));
        }
        LoginWay::Token => {}
    }
    let bodies = open.read(&[account.login_record()]).await?;
    let login = bodies
        .first()
        .and_then(|(_, body)| account.read_login(body));
    Ok((
        place,
        login.ok_or(Ending::Failed(SiteTrouble::LoginExpired, None))?,
    ))
}

/// Syncs one account.
pub(crate) async fn sync(http: &JobHttp, at: usize, id: &AccountId) -> Result<Outcome, Ending> {
    let JobHttp {
        worker, open, job, ..
    } = http;
    job.set(at, ItemState::Running(Step::Account));
    let (mut place, login) = site_and_login(worker, open, id).await?;
    if place.quirks.shielded {
        // Whether the challenge still stands shows only without the cookie that passes it.
        place.quirks.shielded = false;
        match site::status(http, &SystemClock, &place).await {
            Ok(_) => {}
            Err(SiteError::Trouble(SiteTrouble::Challenge, _)) => place.quirks.shielded = true,
            Err(error) => return Err(error.into()),
        }
    }
    let old = open
        .book
        .borrow()
        .facts_are_old(id, browser::now(), FACTS_LAST);
    let facts = if old {
        match site::status(http, &SystemClock, &place).await {
            Ok(facts) => Some(facts),
            // A fork may say nothing of itself and still keep keys: the login and the list tell.
            Err(SiteError::Trouble(
                SiteTrouble::NotARelay | SiteTrouble::BadAnswer | SiteTrouble::Absent,
                _,
            )) => None,
            Err(error) => return Err(error.into()),
        }
    } else {
        None
    };
    let (whoami, learned) = site::whoami(http, &SystemClock, &place, &login).await?;
    place.quirks.learn(&learned);
    job.set(at, ItemState::Running(Step::Listing { read: 0 }));
    let asked_facts = facts.is_some();
    // A list read while a key is being changed would be old where it matters.
    let desk = open.desk(id);
    let _at_desk = desk.lock().await;
    let mut listing = site::list_keys(http, &SystemClock, &place, &login, |read| {
        job.set(at, ItemState::Running(Step::Listing { read }));
    })
    .await?;
    place.quirks.learn(&listing.learned);
    if (login.with_cookie || place.quirks.shielded) && place.kind.user_header().is_none() {
        // Nothing in these answers says whose keys they are: somebody may have signed in meanwhile.
        site::whoami(http, &SystemClock, &place, &login).await?;
    }
    open.fingerprint(&mut listing.keys).await;
    let found = Found {
        whoami: Some(whoami),
        facts,
        listing,
        quirks: place.quirks,
    };

    let lane = open.lane(id);
    let _one = lane.lock().await;
    let before = open.account(id)?;
    if is_somebody_else(&before, &found) {
        return Err(SiteError::from(SiteTrouble::AnsweredAsOther).into());
    }
    let (keyring, raws) = if needs_sealed_parts(&before, &found.listing) {
        open.unseal(&before).await?
    } else {
        Default::default()
    };
    let merged = merge(&before, &found, keyring, raws, browser::now());
    if before.generation() != merged.account.generation() {
        crate::sight::forget(worker, before.base_url()).await;
    }
    if merged.changes.is_empty() {
        note_synced(open, id, asked_facts);
    } else {
        open.commit(merged.changes).await?;
        open.searchable.take();
        open.book.borrow_mut().keep(merged.account);
        note_synced(open, id, asked_facts);
    }
    tell_account(worker, open, id, merged.rows);
    // What its work waited for may have been overwritten by another trouble since.
    crate::waiting::through(worker, open, id).await;
    Ok(merged.outcome)
}

fn note_synced(open: &Open, id: &AccountId, asked_facts: bool) {
    let now = browser::now();
    let mut book = open.book.borrow_mut();
    book.note_synced(id, now);
    if asked_facts {
        book.note_facts(id, now);
    }
}

/// Tells the pages how an account is now, and which rows changed.
pub(crate) fn tell_account(worker: &Worker, open: &Open, id: &AccountId, rows: Vec<KeyRow>) {
    if open.is_over() {
        return;
    }
    let book = open.book.borrow();
    if let Some(account) = book.account(id) {
        worker.pages.account(book.view(account));
        worker.pages.keys(account, rows, Vec::new());
    }
}

/// Reveals an account's masked keys, or some of them.
pub(crate) async fn reveal(
    http: &JobHttp,
    at: usize,
    id: &AccountId,
    keys: &[RemoteId],
) -> Result<Outcome, Ending> {
    let JobHttp {
        worker, open, job, ..
    } = http;
    let account = open.account(id)?;
    let wanted = account.to_reveal(keys);
    let left = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    // What was revealed before a wait or a death counts as well.
    let of = {
        let mut view = job.view.borrow_mut();
        let goal = &mut view.items[at].goal;
        *goal = (*goal).max(left);
        *goal
    };
    let done = Cell::new(of - left);
    if wanted.is_empty() {
        return Ok(Outcome::Revealed {
            revealed: of,
            missing: 0,
        });
    }
    job.set(
        at,
        ItemState::Running(Step::Revealing {
            done: done.get(),
            of,
        }),
    );
    let (place, login) = site_and_login(worker, open, id).await?;
    let ours: RefCell<Option<ErrorCode>> = RefCell::new(None);
    let end: RevealEnd = site::reveal(http, &SystemClock, &place, &login, &wanted, async |got| {
        // Sealed before the next request: a key that has arrived is never asked for again.
        let _precious = open.hold_precious();
        let lane = open.lane(id);
        let _one = lane.lock().await;
        let Some(before) = open.book.borrow().account(id).cloned() else {
            return ControlFlow::Break(());
        };
        let sealed = async {
            let (keyring, _) = open.unseal(&before).await?;
            let merged = merge_revealed(&before, &got, keyring, browser::now());
            open.commit(merged.changes).await?;
            open.searchable.take();
            open.book.borrow_mut().keep(merged.account);
            Ok::<_, ErrorCode>(merged.rows)
        };
        match sealed.await {
            Ok(rows) => {
                done.set(done.get() + u32::try_from(rows.len()).unwrap_or(0));
                tell_account(worker, open, id, rows);
                job.set(
                    at,
                    ItemState::Running(Step::Revealing {
                        done: done.get(),
                        of,
                    }),
                );
                ControlFlow::Continue(())
            }
            Err(error) => {
                *ours.borrow_mut() = Some(error);
                ControlFlow::Break(())
            }
        }
    })
    .await;
    if let Some(error) = ours.take() {
        return Err(Ending::Ours(error));
    }
    learn(open, id, &end.learned).await?;
    if end.stopped_by.is_none() {
        note_refused(open, id, [&end.missing[..], &end.wrong].concat()).await?;
    }
    match end.stopped_by {
        Some(error) => Err(error.into()),
        None if !end.wrong.is_empty() => Err(SiteError::from(SiteTrouble::WrongKey).into()),
        None => Ok(Outcome::Revealed {
            revealed: done.get(),
            missing: of.saturating_sub(done.get()),
        }),
    }
}

/// Keeps which keys the site did not give: Repair makes them anew.
async fn note_refused(
    open: &Rc<Open>,
    id: &AccountId,
    refused: Vec<RemoteId>,
) -> Result<(), Ending> {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let Some(mut account) = open.book.borrow().account(id).cloned() else {
        return Ok(());
    };
    let changes = account.note_refused(&refused);
    if !changes.is_empty() {
        open.commit(changes).await?;
        open.book.borrow_mut().keep(account);
    }
    Ok(())
}

/// Keeps what was learned of a server's ways.
async fn learn(open: &Rc<Open>, id: &AccountId, learned: &site::Quirks) -> Result<(), Ending> {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let Some(mut account) = open.book.borrow().account(id).cloned() else {
        return Ok(());
    };
    if account.learn(learned) {
        open.commit(account.changes()).await?;
        open.book.borrow_mut().keep(account);
    }
    Ok(())
}

/// Writes an account's trouble down, and tells the pages.
pub(crate) async fn note_trouble(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    trouble: SiteTrouble,
) {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let account = open.book.borrow().account(id).cloned();
    let Some(mut account) = account else { return };
    let challenge = trouble == SiteTrouble::Challenge;
    if challenge {
        // Passed in a tab, it is the browser's cookie that opens the site.
        account.set_shielded(true);
    }
    if account.way() == LoginWay::Own && trouble == SiteTrouble::LoginExpired {
        crate::own::forget(open, id).await;
    }
    if account.set_health(Health::Trouble(trouble)) && open.commit(account.changes()).await.is_ok()
    {
        open.book.borrow_mut().keep(account);
    }
    tell_account(worker, open, id, Vec::new());
    crate::waiting::arrange(worker, open).await;
}
