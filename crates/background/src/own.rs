//! Sessions of our own at sites that give no access tokens (Sub2API): begun with e-mail and password,
//! which are used for that and kept nowhere, and kept up by one refresher.

use crate::accounts::{CallHttp, account_for, kind_of};
use crate::jobs::Ending;
use crate::ports::SystemClock;
use crate::session::{self, Access};
use crate::worker::{Open, Worker};
use relaykeep_core::book::Account;
use relaykeep_core::http::Bound;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{self, BaseUrl, Login, NoSession, Place, Session};
use relaykeep_protocol::{
    AccountDraft, AccountId, AddOutcome, ErrorCode, Health, JobKind, LoginWay, SignInProblem,
    SiteTrouble,
};
use relaykeep_webext::worker as browser;
use std::rc::Rc;

/// An access token is not used in its last minute.
const SPARE: u64 = 60_000;

/// Signs in and saves the account, or gives one that is here already a new session.
pub(crate) async fn add(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    draft: &AccountDraft,
) -> Result<AddOutcome, ErrorCode> {
    let base = BaseUrl::parse(&draft.address).map_err(ErrorCode::Address)?;
    if base.in_clear() && !base.is_loopback() && !draft.clear_is_fine {
        return Err(ErrorCode::InClear);
    }
    // Before anything is sent there.
    crate::accounts::may_go_to(open, &base, draft)?;
    let email = draft.email.trim();
    if email.is_empty() || draft.password.0.is_empty() {
        return Err(ErrorCode::SignIn(SignInProblem::Missing));
    }
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    let kind = kind_of(worker, open, &base, draft.kind).await?;
    if !kind.signs_in() {
        return Err(ErrorCode::KindNeeded);
    }
    let place = Place::new(kind, base.clone());
    // Into the one request it was typed for.
    let password = Secret::new(draft.password.0.clone());
    // From here on a lock waits: the session exists nowhere else.
    let _precious = open.hold_precious();
    let session = match site::sign_in(&http, &SystemClock, &place, email, &password).await {
        Ok(session) => session,
        Err(NoSession::Problem(problem)) => return Err(ErrorCode::SignIn(problem)),
        Err(NoSession::Site(error)) => return Err(ErrorCode::Site(error.trouble())),
    };
    let login = session.login(None, &place.base);
    let who = site::whoami(&http, &SystemClock, &place, &login).await;
    let (who, _) = who.map_err(|error| ErrorCode::Site(error.trouble()))?;
    let known = open
        .book
        .borrow()
        .same_login(base.as_str(), &who.user_id)
        .map(Account::id);
    // A refresh or a sync that is under way is not undone by an older copy of the account.
    let refresher = known.as_ref().map(|id| open.refresher(id));
    let _refreshes = match &refresher {
        Some(refresher) => Some(refresher.lock().await),
        None => None,
    };
    let lane = known.as_ref().map(|id| open.lane(id));
    let _one = match &lane {
        Some(lane) => Some(lane.lock().await),
        None => None,
    };
    let known = known.and_then(|id| open.account(&id).ok());
    let updated = known.is_some();
    let mut account = account_for(known, base, kind, &draft.name)?;
    account.set_way(LoginWay::Own);
    account.set_kind(kind);
    account.forget_username();
    account.set_token_in_doubt(false);
    account.set_user_id(Some(who.user_id));
    account.set_health(Health::New);
    let id = account.id();
    let mut changes = account.changes();
    let sealed = account.refresh_change(&session.refresh);
    changes.push(sealed.ok_or(ErrorCode::Internal)?);
    open.commit(changes).await?;
    hold(open, &id, &session).await;
    open.book.borrow_mut().keep(account);
    {
        let book = open.book.borrow();
        if let Some(account) = book.account(&id) {
            worker.pages.account(book.view(account));
        }
    }
    let items = crate::jobs::items_for(open, std::slice::from_ref(&id));
    let _ = crate::jobs::start(open, JobKind::Sync, items).await;
    Ok(if updated {
        AddOutcome::Updated(id)
    } else {
        AddOutcome::Added(id)
    })
}

/// The login of an account with a session of its own; refreshed first where it is about to end.
/// One refresher an account, because each refresh token is taken once.
pub(crate) async fn login(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    account: &Account,
    place: &Place,
) -> Result<Login, Ending> {
    let id = account.id();
    let refresher = open.refresher(&id);
    let _one = refresher.lock().await;
    let user = account.user_id().map(str::to_owned);
    if let Some(access) = held(open, &id).await
        && access.until > browser::now() + SPARE
    {
        // Into the login, which binds it to the site.
        return Ok(Login::new(Secret::new(access.token), user, &place.base));
    }
    let bodies = open.read(&[account.login_record()]).await?;
    let refresh: Option<Bound> = bodies
        .first()
        .and_then(|(_, body)| account.read_refresh(body));
    let Some(refresh) = refresh else {
        return Err(Ending::Failed(SiteTrouble::LoginExpired, None));
    };
    // The old token is dead once this is sent, and the answer has the only new one.
    let _precious = open.hold_precious();
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    let session = site::refresh(&http, &SystemClock, place, &refresh).await?;
    let sealed = account
        .refresh_change(&session.refresh)
        .ok_or(Ending::Ours(ErrorCode::Internal))?;
    // On disk before anything is done with the new pair.
    open.commit(vec![sealed]).await?;
    hold(open, &id, &session).await;
    Ok(session.login(user, &place.base))
}

/// The site does not take the access token any more: the next look refreshes it.
pub(crate) async fn forget(open: &Open, id: &AccountId) {
    if open.is_closing() {
        // The lock takes all of them; nothing is written after it.
        return;
    }
    let all = {
        let mut all = open.access.borrow_mut();
        let all = all.get_or_insert_default();
        all.remove(id);
        all.clone()
    };
    session::keep_access(&all).await;
}

async fn held(open: &Open, id: &AccountId) -> Option<Access> {
    if open.access.borrow().is_none() {
        let all = session::access().await;
        open.access.borrow_mut().get_or_insert(all);
    }
    let all = open.access.borrow();
    all.as_ref()?.get(id).cloned()
}

async fn hold(open: &Open, id: &AccountId, session: &Session) {
    held(open, id).await;
    let access = Access {
        // Session memory, beside the opened sub-keys; never the disk.
        token: session.access.expose().to_owned(),
        until: session.until,
    };
    let all = {
        let mut all = open.access.borrow_mut();
        let all = all.get_or_insert_default();
        all.insert(id.clone(), access);
        all.clone()
    };
    session::keep_access(&all).await;
}
