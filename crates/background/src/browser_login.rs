//! Accounts that share the browser's login: by its cookies, or by a short-lived token out of an
//! open page. Neither is ever stored; a token lives in this module's memory until it ends.

use crate::accounts::CallHttp;
use crate::jobs::Ending;
use crate::ports::SystemClock;
use crate::worker::{Open, Worker};
use relaykeep_core::http::{Bucket, HttpError, HttpRequest};
use relaykeep_core::secret::Secret;
use relaykeep_core::site::{self, Login, Place, SiteError, inpage};
use relaykeep_protocol::{AccountId, Generation, LoginWay, Millis, Recognition, SiteTrouble};
use relaykeep_webext::worker as browser;
use std::cell::RefCell;
use std::rc::Rc;

/// A token is not used when it ends this soon.
const SPARE: Millis = 60_000;
/// How long one is used at the most, whatever the site says (New API: 15 minutes).
const LONGEST: Millis = 10 * 60_000;

/// The tokens pages gave, for as long as the worker lives.
#[derive(Default)]
pub(crate) struct PageTokens {
    held: RefCell<Vec<Held>>,
    /// One page is asked at a time: two refreshes at once would look like a theft.
    asking: futures_util::lock::Mutex<()>,
}

struct Held {
    base: String,
    user_id: String,
    token: Secret,
    until: Millis,
}

impl PageTokens {
    fn find(&self, place: &Place, user_id: Option<&str>) -> Option<Login> {
        let now = browser::now();
        let mut held = self.held.borrow_mut();
        held.retain(|one| one.until > now);
        // Where nobody is named, the page is asked: another may have signed in there since.
        let one = held
            .iter()
            .find(|one| one.base == place.base.as_str() && user_id == Some(&one.user_id))?;
        let user_id = Some(one.user_id.clone());
        Some(Login::new(one.token.clone(), user_id, &place.base))
    }

    fn drop_of(&self, base: &str) {
        self.held.borrow_mut().retain(|one| one.base != base);
    }

    /// The vault is locked.
    pub(crate) fn forget(&self) {
        self.held.borrow_mut().clear();
    }
}

/// Signs in with a short-lived token out of an open tab of the site.
pub(crate) async fn page_login(
    worker: &Rc<Worker>,
    place: &Place,
    user_id: Option<&str>,
) -> Result<Login, SiteError> {
    let name = inpage::page_token(place.kind).ok_or(SiteTrouble::Absent)?;
    if let Some(login) = worker.page_tokens.find(place, user_id) {
        return Ok(login);
    }
    let _one = worker.page_tokens.asking.lock().await;
    if let Some(login) = worker.page_tokens.find(place, user_id) {
        return Ok(login);
    }
    let tab = browser::tab_of(&place.base.permission_pattern(), place.base.as_str())
        .await
        .ok_or(SiteTrouble::TabNeeded)?;
    // The page's refresh counts in the site's narrow limit like our own requests.
    worker
        .egress
        .spend(place.base.origin(), Bucket::Critical)
        .await?;
    let arguments =
        relaykeep_core::json::write(&[place.base.as_str(), user_id.unwrap_or_default()]);
    let report = browser::in_page(tab, name, &arguments)
        .await
        .map_err(|_| SiteTrouble::TabNeeded)?;
    let given =
        inpage::read_page_token(&report).map_err(|problem| shared(crate::tab::trouble(problem)))?;
    if worker.open().await.is_err() {
        // Locked meanwhile: nothing stays in memory.
        return Err(HttpError::Stopped.into());
    }
    worker.page_tokens.drop_of(place.base.as_str());
    let now = browser::now();
    let ends = u64::try_from(given.expires_at).unwrap_or(0) * 1000;
    worker.page_tokens.held.borrow_mut().push(Held {
        base: place.base.as_str().to_owned(),
        user_id: given.user_id.clone(),
        token: given.token.clone(),
        // The site's clock may be off: what it refuses is fetched again.
        until: ends.saturating_sub(SPARE).clamp(now + SPARE, now + LONGEST),
    });
    Ok(Login::new(given.token, Some(given.user_id), &place.base))
}

/// Asks the site who the browser's cookies belong to, right before something is written with
/// them: another person may have signed in meanwhile, and One API would not notice.
pub(crate) async fn same_login(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    request: &HttpRequest,
) -> Result<(), HttpError> {
    let account = open.account(id).map_err(|_| HttpError::Stopped)?;
    let place = account.place().ok_or(HttpError::Stopped)?;
    let login = Login {
        token: request.bearer.clone(),
        with_cookie: true,
        user_id: account.user_id().map(str::to_owned),
    };
    let http = CallHttp {
        worker,
        open: Some(open),
    };
    match site::whoami(&http, &SystemClock, &place, &login).await {
        Ok(_) => Ok(()),
        Err(SiteError::Http(error)) => Err(error),
        Err(SiteError::Trouble(SiteTrouble::RateLimited { until }, _)) => {
            Err(HttpError::NotBefore(until))
        }
        Err(SiteError::Trouble(trouble, _)) => Err(HttpError::NotOurLogin(trouble)),
    }
}

/// What a trouble means for an account that shares the browser's login: not a token is refused,
/// but nobody, or somebody else, is signed in there.
pub(crate) fn shared(trouble: SiteTrouble) -> SiteTrouble {
    if trouble == SiteTrouble::LoginExpired {
        SiteTrouble::SignInAtSite
    } else if trouble == SiteTrouble::UserIdMismatch {
        SiteTrouble::AnsweredAsOther
    } else {
        trouble
    }
}

/// The end of an item in the words of its account's way of signing in. A site that no longer
/// takes the cookie may have been upgraded in place: then its pages hold the login from now on.
pub(crate) async fn read_ending(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    ending: Ending,
) -> Ending {
    let Ending::Failed(trouble, said) = ending else {
        return ending;
    };
    let Ok(account) = open.account(id) else {
        return Ending::Failed(trouble, said);
    };
    if !account.shares_login() {
        return Ending::Failed(trouble, said);
    }
    let refused = matches!(
        trouble,
        SiteTrouble::LoginExpired | SiteTrouble::SignInAtSite
    );
    match (account.way(), account.place()) {
        (LoginWay::Cookie, Some(place)) if refused && inpage::page_token(place.kind).is_some() => {
            // The answer does not fit what it was: asked anew.
            let now = crate::sight::of(worker, Some(open), &place.base, true).await;
            let now = now.recognition;
            if let Recognition::Relay {
                generation: Some(Generation::Jwt),
                ..
            } = now
            {
                turn_to_page(worker, open, id).await;
            }
        }
        (LoginWay::Page, Some(place)) if refused => {
            worker.page_tokens.drop_of(place.base.as_str());
        }
        _ => {}
    }
    Ending::Failed(shared(trouble), said)
}

async fn turn_to_page(worker: &Rc<Worker>, open: &Rc<Open>, id: &AccountId) {
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let Ok(mut account) = open.account(id) else {
        return;
    };
    account.set_way(LoginWay::Page);
    account.learn(&site::Quirks {
        generation: Some(Generation::Jwt),
        ..site::Quirks::default()
    });
    if open.commit(account.changes()).await.is_ok() {
        open.book.borrow_mut().keep(account);
        crate::sync::tell_account(worker, open, id, Vec::new());
    }
}
