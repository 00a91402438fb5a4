//! Adding, changing and removing accounts. What is saved was verified at the site first, or says
//! that it was not.

use crate::browser_login::{page_login, shared};
use crate::ports::{SystemClock, SystemEntropy};
use crate::worker::{Open, Worker};
use relaykeep_core::book::{Account, Basics};
use relaykeep_core::http::{Http, HttpError, HttpRequest, HttpResponse};
use relaykeep_core::ports::Entropy;
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{self, BaseUrl, Login, Place, SiteError, Whoami};
use relaykeep_core::vault::{Change, RecordId};
use relaykeep_protocol::{
    AccountDraft, AccountEdit, AccountId, AddOutcome, ErrorCode, Event, Health, JobKind, LoginWay,
    Recognition, SiteKind, SiteTrouble, TrialResult, TrialStep,
};
use std::rc::Rc;

/// The HTTP port of a call, outside any job.
pub(crate) struct CallHttp<'a> {
    pub(crate) worker: &'a Rc<Worker>,
    pub(crate) open: Option<&'a Rc<Open>>,
}

impl Http for CallHttp<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let stopped = || self.open.is_some_and(|open| open.is_closing());
        self.worker.egress.send(request, stopped).await
    }
}

/// A draft, read.
struct Wanted {
    base: BaseUrl,
    kind: Option<SiteKind>,
    user_id: Option<String>,
    /// None where it signs in as the browser does.
    token: Option<Secret>,
}

fn read_draft(
    open: &Open,
    draft: &AccountDraft,
    token: Option<Secret>,
) -> Result<Wanted, ErrorCode> {
    let base = BaseUrl::parse(&draft.address).map_err(ErrorCode::Address)?;
    // Before anything is sent there. A token that the site just made is already its own.
    if token.is_none() {
        may_go_to(open, &base, draft)?;
    }
    let token = match (token, draft.way) {
        (Some(token), _) => Some(token),
        (None, LoginWay::Cookie | LoginWay::Page) => None,
        (None, LoginWay::Token | LoginWay::Own) => {
            Some(site::read_token(&draft.token.0).map_err(ErrorCode::Token)?)
        }
    };
    let user_id = site::read_user_id(&draft.user_id).map_err(|_| ErrorCode::UserIdNeeded)?;
    // On this machine itself nobody listens in between.
    if base.in_clear() && !base.is_loopback() && !draft.clear_is_fine {
        return Err(ErrorCode::InClear);
    }
    Ok(Wanted {
        base,
        kind: draft.kind,
        user_id,
        token,
    })
}

/// An address that can be taken for an account's is gone to only after the user was told so.
pub(crate) fn may_go_to(
    open: &Open,
    base: &BaseUrl,
    draft: &AccountDraft,
) -> Result<(), ErrorCode> {
    match crate::sight::looks_like(open, base) {
        Some(known) if !draft.look_alike_is_fine => Err(ErrorCode::LooksLike(known)),
        Some(_) | None => Ok(()),
    }
}

/// Asks a site as if it were of the draft's kind. Saves nothing.
pub(crate) async fn try_kind(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    draft: &AccountDraft,
) -> Result<Vec<(TrialStep, TrialResult)>, ErrorCode> {
    let wanted = read_draft(open, draft, None)?;
    let kind = wanted.kind.ok_or(ErrorCode::KindNeeded)?;
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    let place = Place::new(kind, wanted.base);
    let login = match wanted.token {
        Some(token) => Login::new(token, wanted.user_id, &place.base),
        None => Login::of_the_browser(wanted.user_id),
    };
    let tried = site::trial(&http, &SystemClock, &place, &login).await;
    // Only a lock stops it.
    tried.map_err(|_| ErrorCode::Locked)
}

/// Which software a site runs: what the user says, else what it is recognised as.
pub(crate) async fn kind_of(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    base: &BaseUrl,
    said: Option<SiteKind>,
) -> Result<SiteKind, ErrorCode> {
    if let Some(kind) = said {
        return Ok(kind);
    }
    let sight = crate::sight::of(worker, Some(open), base, false).await;
    match sight.recognition {
        Recognition::Relay { kind, .. } => Ok(kind),
        // The browser's question was answered with no: nothing was asked of the site.
        Recognition::Unreachable if !worker.egress.may_reach(base).await => {
            Err(ErrorCode::Site(SiteTrouble::PermissionMissing))
        }
        Recognition::Unreachable => Err(ErrorCode::Site(SiteTrouble::Unreachable)),
        Recognition::Challenge => Err(ErrorCode::Site(SiteTrouble::Challenge)),
        Recognition::NoHint | Recognition::NotARelay(_) => Err(ErrorCode::KindNeeded),
    }
}

/// The account a login is saved in: the one that is here already, else a new one.
pub(crate) fn account_for(
    known: Option<Account>,
    base: BaseUrl,
    kind: SiteKind,
    name: &str,
) -> Result<Account, ErrorCode> {
    if let Some(account) = known {
        return Ok(account);
    }
    let mut group = [0; 16];
    SystemEntropy
        .fill(&mut group)
        .map_err(|_| ErrorCode::Randomness)?;
    let basics = Basics {
        base,
        kind,
        name: name.to_owned(),
        user_id: None,
    };
    Ok(Account::new(group, basics))
}

/// Verifies a draft at the site and saves it. `token` stands in for the draft's where the site
/// has just made one: then it is saved whatever the site says next, for it exists nowhere else.
pub(crate) async fn add(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    draft: &AccountDraft,
    made: Option<Secret>,
) -> Result<AddOutcome, ErrorCode> {
    let just_made = made.is_some();
    if draft.way == LoginWay::Own && !just_made {
        return crate::own::add(worker, open, draft).await;
    }
    let wanted = read_draft(open, draft, made)?;
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    let known = wanted.user_id.as_deref().and_then(|user| {
        open.book
            .borrow()
            .same_login(wanted.base.as_str(), user)
            .map(Account::id)
    });
    if let (Some(id), false) = (&known, draft.update_existing || just_made) {
        return Ok(AddOutcome::AlreadyHere(id.clone()));
    }
    let kind = kind_of(worker, open, &wanted.base, wanted.kind).await?;
    let mut place = Place::new(kind, wanted.base.clone());
    let login = match (&wanted.token, draft.way) {
        (Some(token), _) => Ok(Login::new(
            token.clone(),
            wanted.user_id.clone(),
            &wanted.base,
        )),
        (None, LoginWay::Page) => page_login(worker, &place, wanted.user_id.as_deref()).await,
        (None, LoginWay::Cookie | LoginWay::Token | LoginWay::Own) => {
            Ok(Login::of_the_browser(wanted.user_id.clone()))
        }
    };
    let answer = match login {
        Ok(login) => verify(&http, &mut place, &login).await,
        Err(error) => Err(ErrorCode::Site(trouble(error))),
    };
    let answer = match answer {
        Err(ErrorCode::Site(trouble)) if wanted.token.is_none() => {
            Err(ErrorCode::Site(shared(trouble)))
        }
        answer => answer,
    };
    let (whoami, trouble) = match answer {
        Ok(whoami) => (Some(whoami), None),
        Err(ErrorCode::Site(trouble @ SiteTrouble::PermissionMissing)) => (None, Some(trouble)),
        Err(ErrorCode::Site(trouble)) if just_made => (None, Some(trouble)),
        Err(ErrorCode::Site(SiteTrouble::UserIdMismatch | SiteTrouble::AnsweredAsOther))
            if wanted.user_id.is_none() =>
        {
            return Err(ErrorCode::UserIdNeeded);
        }
        Err(error) => return Err(error),
    };
    let user_id = whoami
        .as_ref()
        .map(|whoami| whoami.user_id.clone())
        .or(wanted.user_id);
    let known = user_id.as_deref().and_then(|user| {
        open.book
            .borrow()
            .same_login(wanted.base.as_str(), user)
            .map(Account::id)
    });
    // Work on the account that is under way is not undone by an older copy of it.
    let lane = known.as_ref().map(|id| open.lane(id));
    let _one = match &lane {
        Some(lane) => Some(lane.lock().await),
        None => None,
    };
    let known = known.and_then(|id| open.account(&id).ok());
    if let (Some(account), false) = (&known, draft.update_existing || just_made) {
        return Ok(AddOutcome::AlreadyHere(account.id()));
    }
    let updated = known.is_some();
    let mut account = account_for(known, wanted.base, kind, &draft.name)?;
    account.set_user_id(user_id);
    account.forget_username();
    account.set_token_in_doubt(false);
    account.learn(&place.quirks);
    account.set_way(if wanted.token.is_some() {
        LoginWay::Token
    } else {
        draft.way
    });
    account.set_health(trouble.clone().map_or(Health::New, Health::Trouble));
    save(worker, open, account, wanted.token.as_ref())
        .await
        .map(|id| {
            if matches!(trouble, Some(SiteTrouble::PermissionMissing)) {
                AddOutcome::SavedWithoutPermission(id)
            } else if updated {
                AddOutcome::Updated(id)
            } else {
                AddOutcome::Added(id)
            }
        })
}

/// Commits an account and its token, tells the pages, and begins its first sync.
async fn save(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    account: Account,
    token: Option<&Secret>,
) -> Result<AccountId, ErrorCode> {
    let mut changes = account.changes();
    if let Some(token) = token {
        changes.push(account.login_change(token).ok_or(ErrorCode::Internal)?);
    } else if account.shares_login() {
        // The token it had is of no use any more, and no secret is kept for nothing.
        changes.push(Change::Delete(account.login_record()));
    }
    open.commit(changes).await?;
    let id = account.id();
    let may_sync = !account.is_disabled()
        && !matches!(account.trouble(), Some(SiteTrouble::PermissionMissing));
    open.book.borrow_mut().keep(account);
    {
        let book = open.book.borrow();
        if let Some(account) = book.account(&id) {
            worker.pages.account(book.view(account));
        }
    }
    if may_sync {
        let items = crate::jobs::items_for(open, std::slice::from_ref(&id));
        let _ = crate::jobs::start(open, JobKind::Sync, items).await;
    }
    Ok(id)
}

async fn verify(
    http: &CallHttp<'_>,
    place: &mut Place,
    login: &Login,
) -> Result<Whoami, ErrorCode> {
    match site::verify_account(http, &SystemClock, place, login).await {
        Ok((whoami, learned)) => {
            place.quirks.learn(&learned);
            Ok(whoami)
        }
        Err(error) => Err(ErrorCode::Site(trouble(error))),
    }
}

/// What a site's error means to the user.
pub(crate) fn trouble(error: SiteError) -> SiteTrouble {
    error.trouble()
}

/// Changes an account. A new token is verified before it takes the old one's place.
pub(crate) async fn edit(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    edit: AccountEdit,
) -> Result<(), ErrorCode> {
    let account = open.account(id)?;
    let token = edit
        .token
        .map(|token| site::read_token(&token.0).map_err(ErrorCode::Token))
        .transpose()?;
    let user_id = match &edit.user_id {
        Some(typed) => site::read_user_id(typed).map_err(|_| ErrorCode::UserIdNeeded)?,
        None => account.user_id().map(str::to_owned),
    };
    let mut verified = false;
    let kind = edit.kind.unwrap_or_else(|| account.kind());
    if token.is_some() && account.way() == LoginWay::Own && kind.signs_in() {
        // There are no tokens to be typed: one signs in again.
        return Err(ErrorCode::SignIn(
            relaykeep_protocol::SignInProblem::Missing,
        ));
    }
    if token.is_some() || edit.user_id.is_some() {
        let http = CallHttp {
            worker,
            open: Some(open),
        };
        let mut place = account.place().ok_or(ErrorCode::Internal)?;
        if let Some(kind) = edit.kind.filter(|kind| *kind != place.kind) {
            place = Place::new(kind, place.base);
        }
        let held = open.read(&[account.login_record()]).await?;
        let held = held.first().and_then(|(_, body)| account.read_login(body));
        let login = match (&token, held) {
            (Some(token), _) => Login::new(token.clone(), user_id.clone(), &place.base),
            (None, _) if account.way() == LoginWay::Page => {
                let login = page_login(worker, &place, user_id.as_deref()).await;
                login.map_err(|error| ErrorCode::Site(trouble(error)))?
            }
            (None, _) if account.shares_login() => Login::of_the_browser(user_id.clone()),
            (
                None,
                Some(Login {
                    token: Some(held), ..
                }),
            ) => Login::new(held.secret, user_id.clone(), &place.base),
            (None, _) => return Err(ErrorCode::Site(SiteTrouble::LoginExpired)),
        };
        verify(&http, &mut place, &login).await?;
        verified = true;
    }
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let mut account = open.account(id)?;
    if let Some(name) = &edit.name {
        account.rename(name);
    }
    let was_disabled = account.is_disabled();
    if let Some(own) = edit.own {
        account.set_own_words(own).map_err(ErrorCode::Own)?;
    }
    let other_kind = edit.kind.is_some_and(|kind| kind != account.kind());
    if let Some(kind) = edit.kind {
        account.set_kind(kind);
    }
    if !verified && (other_kind || (was_disabled && !account.is_disabled())) {
        save(worker, open, account, None).await?;
        return Ok(());
    }
    if verified {
        account.forget_username();
        account.set_user_id(user_id);
        account.set_token_in_doubt(false);
        if token.is_some() {
            account.set_way(LoginWay::Token);
        }
        account.set_health(Health::New);
        save(worker, open, account, token.as_ref()).await?;
        return Ok(());
    }
    open.commit(account.changes()).await?;
    let mut book = open.book.borrow_mut();
    worker.pages.account(book.view(&account));
    book.keep(account);
    Ok(())
}

/// Puts the accounts into the order the user made by hand.
pub(crate) async fn order(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    wanted: &[AccountId],
) -> Result<(), ErrorCode> {
    let all: Vec<AccountId> = open.book.borrow().accounts().map(Account::id).collect();
    for id in all {
        let place = wanted.iter().position(|one| *one == id);
        let place = place.and_then(|place| u32::try_from(place).ok());
        let lane = open.lane(&id);
        let _one = lane.lock().await;
        let Ok(mut account) = open.account(&id) else {
            continue;
        };
        if account.set_place(place) {
            open.commit(vec![account.own_change()]).await?;
            let mut book = open.book.borrow_mut();
            worker.pages.account(book.view(&account));
            book.keep(account);
        }
    }
    Ok(())
}

/// Removes an account here: every record of its group. The site is not touched.
pub(crate) async fn remove(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
) -> Result<(), ErrorCode> {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let group = open
        .book
        .borrow()
        .account(id)
        .map(Account::group)
        .ok_or(ErrorCode::NoSuchAccount)?;
    let records: Vec<RecordId> = open
        .vault
        .lock()
        .await
        .records()
        .filter(|record| record.group == group)
        .collect();
    let mut changes: Vec<Change> = records.into_iter().map(Change::Delete).collect();
    let jobs = open.book.borrow().jobs.newest_first();
    let its = |job: &&relaykeep_protocol::JobView| {
        job.kind.is_work() && job.items.iter().any(|item| item.account == *id)
    };
    for job in jobs.iter().filter(its) {
        // What was kept of its keys goes with it.
        let mut trace = crate::work::load_trace(open, &job.id).await?;
        trace.forget_account(id);
        changes.extend(trace.changes(&job.id));
    }
    open.commit(changes).await?;
    open.book.borrow_mut().drop_account(id);
    // What waited for a person ends, as its account is removed.
    crate::jobs::unblock(worker, open, std::slice::from_ref(id));
    open.searchable.take();
    crate::waiting::arrange(worker, open).await;
    worker.pages.tell(&Event::AccountRemoved(id.clone()));
    Ok(())
}

/// A permission came or went: accounts that waited for it sync, accounts that lost it say so.
pub(crate) async fn permissions_changed(worker: &Rc<Worker>) {
    worker.egress.forget_permissions();
    let Ok(open) = worker.open().await else {
        return;
    };
    let accounts: Vec<(AccountId, Option<BaseUrl>, Option<SiteTrouble>)> = open
        .book
        .borrow()
        .accounts()
        .map(|account| {
            (
                account.id(),
                BaseUrl::parse(account.base_url()).ok(),
                account.trouble().cloned(),
            )
        })
        .collect();
    let mut regained = Vec::new();
    for (id, base, trouble) in accounts {
        let Some(base) = base else { continue };
        if open.account(&id).is_ok_and(|account| account.is_disabled()) {
            continue;
        }
        let allowed = relaykeep_webext::worker::may_reach(&base.permission_pattern()).await;
        let missing = trouble == Some(SiteTrouble::PermissionMissing);
        if allowed && missing {
            regained.push(id);
        } else if !allowed && !missing {
            crate::sync::note_trouble(worker, &open, &id, SiteTrouble::PermissionMissing).await;
        }
    }
    crate::watch::permissions_changed(worker, &open).await;
    if !regained.is_empty() {
        crate::jobs::unblock(worker, &open, &regained);
        let items = crate::jobs::items_for(&open, &regained);
        let _ = crate::jobs::start(&open, JobKind::Sync, items).await;
    }
}
