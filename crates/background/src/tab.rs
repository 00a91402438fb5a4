//! The tab the popup stands over: what site it is, and what its page can give.

use crate::accounts;
use crate::worker::{Open, Worker};
use relaykeep_core::site::{BaseUrl, Seen, detect, inpage};
use relaykeep_protocol::{
    AccountDraft, AccountId, AddOutcome, ErrorCode, Generation, LoginWay, Look, Outcome,
    Recognition, Sensitive, SiteKind, SiteTrouble, TabSite,
};
use relaykeep_webext::worker as browser;
use std::rc::Rc;

/// The tab as far as its page lets itself be looked into.
struct Looked {
    tab: f64,
    verdict: detect::Verdict,
    look: Look,
}

/// Looks at the tab in front. The page is asked nothing unless something hints at a relay, or
/// the user pressed "Check this site".
pub(crate) async fn look(worker: &Rc<Worker>, ask_anyway: bool) -> Result<TabSite, ErrorCode> {
    let open = worker.open().await?;
    let nothing = TabSite {
        origin: None,
        recognition: Recognition::NoHint,
        accounts: Vec::new(),
        user_id: None,
        username: None,
        token: None,
        permitted: false,
        look: Look::default(),
        looks_like: None,
        seen: Vec::new(),
    };
    let Some(tab) = browser::tab_in_front().await else {
        return Ok(nothing);
    };
    let Some(base) = tab.url.as_deref().and_then(|url| BaseUrl::parse(url).ok()) else {
        return Ok(nothing);
    };
    let permitted = browser::may_reach(&base.permission_pattern()).await;
    let site = TabSite {
        origin: Some(base.origin().to_owned()),
        permitted,
        looks_like: crate::sight::looks_like(&open, &base),
        seen: crate::watch::offers(worker, &open, base.origin()),
        ..nothing
    };
    let Ok(looked) = look_into(worker, tab.id, ask_anyway).await else {
        return Ok(TabSite {
            accounts: accounts_at(&open, base.origin(), None),
            ..site
        });
    };
    let verdict = looked.verdict;
    let base_url = match &verdict.recognition {
        Recognition::Relay { base_url, .. } => Some(base_url.clone()),
        Recognition::NoHint
        | Recognition::NotARelay(_)
        | Recognition::Unreachable
        | Recognition::Challenge => None,
    };
    Ok(TabSite {
        accounts: accounts_at(&open, base.origin(), base_url.as_deref()),
        recognition: verdict.recognition,
        user_id: verdict.user_id,
        username: verdict.username,
        token: verdict.token,
        look: looked.look,
        ..site
    })
}

/// What the site of a tab is, as far as its page lets itself be looked into.
pub(crate) async fn recognised(worker: &Rc<Worker>, tab: f64) -> Option<Recognition> {
    let looked = look_into(worker, tab, false).await.ok()?;
    Some(looked.verdict.recognition)
}

pub(crate) fn accounts_at(open: &Open, origin: &str, base_url: Option<&str>) -> Vec<AccountId> {
    open.book
        .borrow()
        .accounts()
        .filter(|account| match base_url {
            Some(base_url) => account.base_url() == base_url,
            None => BaseUrl::parse(account.base_url()).is_ok_and(|base| base.origin() == origin),
        })
        .map(relaykeep_core::book::Account::id)
        .collect()
}

async fn look_into(worker: &Rc<Worker>, tab: f64, ask_anyway: bool) -> Result<Looked, ErrorCode> {
    let report = browser::in_page(tab, "evidence", "[]")
        .await
        .map_err(|_| ErrorCode::TabClosed)?;
    let evidence = detect::read_evidence(&report).ok_or(ErrorCode::TabClosed)?;
    let now = browser::now();
    let bases = detect::bases(&evidence);
    // Two sites may share an origin: what is known is known of the place the page stands at.
    let place = bases.first().map(|base| base.as_str().to_owned());
    if let (Some(place), false) = (&place, ask_anyway)
        && let Some(seen) = crate::sight::recall(worker, place).await
        && let Some(verdict) = seen.recall(&evidence, now)
    {
        let look = seen.look;
        return Ok(Looked { tab, verdict, look });
    }
    let mut verdict = detect::weigh(Some(&evidence), &[]);
    let mut look = Look {
        at: now,
        requests: 0,
    };
    // Where there is one of it, its own address is proof enough.
    let known =
        matches!(&verdict.recognition, Recognition::Relay { kind, .. } if kind.home().is_some());
    if known || !(verdict.hinted || ask_anyway) {
        return Ok(Looked { tab, verdict, look });
    }
    let asked: Vec<String> = bases.iter().map(|base| base.as_str().to_owned()).collect();
    // What the page keeps tells which question comes first.
    let first = if detect::looks_like_sub2api(&evidence) {
        "settings"
    } else {
        "status"
    };
    let arguments = relaykeep_core::json::write(&(asked, first));
    let report = browser::in_page(tab, "ask", &arguments)
        .await
        .map_err(|_| ErrorCode::TabClosed)?;
    let asked = inpage::read_asked(&report).unwrap_or_default();
    for asked in &asked {
        look.requests += 1 + u32::from(asked.bare_self.is_some());
    }
    verdict = detect::weigh(Some(&evidence), &asked);
    if asked.is_empty() {
        // What a page keeps in its storage anyone can plant: without an answer it is no proof.
        verdict.recognition = Recognition::Unreachable;
    }
    if let Some(place) = place {
        let seen = Seen {
            recognition: verdict.recognition.clone(),
            look,
            offer: verdict.token,
        };
        crate::sight::keep(worker, &place, seen).await;
    }
    Ok(Looked { tab, verdict, look })
}

/// A relay in the tab in front, freshly looked at.
struct Here {
    tab: f64,
    base: BaseUrl,
    kind: SiteKind,
    generation: Option<Generation>,
    user_id: Option<String>,
}

async fn here(worker: &Rc<Worker>) -> Result<Here, ErrorCode> {
    let tab = browser::tab_in_front().await.ok_or(ErrorCode::TabClosed)?;
    let Looked { tab, verdict, .. } = look_into(worker, tab.id, true).await?;
    match verdict.recognition {
        Recognition::Relay {
            kind,
            generation,
            base_url,
            ..
        } => Ok(Here {
            tab,
            base: BaseUrl::parse(&base_url).map_err(ErrorCode::Address)?,
            kind,
            generation,
            user_id: verdict.user_id,
        }),
        Recognition::NoHint | Recognition::NotARelay(_) => Err(ErrorCode::KindNeeded),
        Recognition::Unreachable => Err(ErrorCode::Site(SiteTrouble::Unreachable)),
        Recognition::Challenge => Err(ErrorCode::Site(SiteTrouble::Challenge)),
    }
}

/// The token the site shows its login anyway. Nothing changes at the site.
pub(crate) async fn shown_token(worker: &Rc<Worker>) -> Result<Sensitive, ErrorCode> {
    let here = here(worker).await?;
    let user_id = here.user_id.unwrap_or_default();
    let arguments = relaykeep_core::json::write(&[
        here.base.as_str(),
        user_id.as_str(),
        here.kind.user_header().unwrap_or_default(),
    ]);
    let report = browser::in_page(here.tab, "shownToken", &arguments)
        .await
        .map_err(|_| ErrorCode::TabClosed)?;
    let shown =
        inpage::read_shown_token(&report).map_err(|problem| ErrorCode::Site(trouble(problem)))?;
    // Into the form the user is filling in.
    shown
        .token
        .map(|token| Sensitive(token.expose().to_owned()))
        .ok_or(ErrorCode::Site(SiteTrouble::Absent))
}

/// What a page's problem means to the user.
pub(crate) fn trouble(problem: inpage::MakeProblem) -> SiteTrouble {
    match problem {
        inpage::MakeProblem::SignedOut => SiteTrouble::LoginExpired,
        inpage::MakeProblem::OtherUser => SiteTrouble::AnsweredAsOther,
        inpage::MakeProblem::Busy | inpage::MakeProblem::Refused => SiteTrouble::Refused,
        inpage::MakeProblem::Limited => SiteTrouble::RateLimited {
            until: browser::now() + 1_200_000,
        },
        inpage::MakeProblem::NoAnswer => SiteTrouble::TimedOut,
        inpage::MakeProblem::BadAnswer => SiteTrouble::BadAnswer,
    }
}

/// Has the site make a new token, and saves it before anything else can go wrong.
pub(crate) async fn make_token(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    draft: &AccountDraft,
) -> Result<AddOutcome, ErrorCode> {
    let here = here(worker).await?;
    accounts::may_go_to(open, &here.base, draft)?;
    make_token_in(worker, open, here, draft).await
}

/// Answers the offer to change an account from the browser's login to a token of its own.
pub(crate) async fn answer_token_offer(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    id: &AccountId,
    yes: bool,
) -> Result<(), ErrorCode> {
    let account = open.account(id)?;
    if yes {
        let place = account.place().ok_or(ErrorCode::Internal)?;
        let tab = browser::tab_of(&place.base.permission_pattern(), place.base.as_str())
            .await
            .ok_or(ErrorCode::Site(SiteTrouble::TabNeeded))?;
        let here = Here {
            tab,
            kind: place.kind,
            generation: place.quirks.generation,
            user_id: account.user_id().map(str::to_owned),
            base: place.base,
        };
        match make_token_in(worker, open, here, &AccountDraft::default()).await {
            Ok(_) => {}
            Err(ErrorCode::Site(trouble)) => {
                return Err(ErrorCode::Site(crate::browser_login::shared(trouble)));
            }
            Err(error) => return Err(error),
        }
    }
    let lane = open.lane(id);
    let _one = lane.lock().await;
    let mut account = open.account(id)?;
    account.note_token_offer_answered();
    open.commit(account.changes()).await?;
    open.book.borrow_mut().keep(account);
    crate::sync::tell_account(worker, open, id, Vec::new());
    Ok(())
}

async fn make_token_in(
    worker: &Rc<Worker>,
    open: &Rc<Open>,
    here: Here,
    draft: &AccountDraft,
) -> Result<AddOutcome, ErrorCode> {
    let known = here.user_id.as_deref().and_then(|user| {
        open.book
            .borrow()
            .same_login(here.base.as_str(), user)
            .map(relaykeep_core::book::Account::id)
    });
    // From here to the end a lock waits: the answer cannot be asked for a second time.
    let _precious = open.hold_precious();
    if open.is_closing() {
        return Err(ErrorCode::Locked);
    }
    let job = crate::jobs::begin_token(open, known, here.base.host().to_owned()).await?;
    let generation = match here.generation {
        Some(Generation::Jwt) => "jwt",
        Some(Generation::Unmasked | Generation::MaskedCookie) | None => "cookie",
    };
    let arguments = [
        here.base.as_str(),
        generation,
        here.user_id.as_deref().unwrap_or_default(),
        here.kind.user_header().unwrap_or_default(),
    ];
    let arguments = relaykeep_core::json::write(&arguments);
    let made = match browser::in_page(here.tab, "makeToken", &arguments).await {
        Ok(report) => inpage::read_made_token(&report),
        // The page went away in the middle.
        Err(_) => inpage::read_made_token(""),
    };
    match made {
        inpage::MadeToken::Made {
            user_id,
            username: _,
            token,
        } => {
            let draft = AccountDraft {
                address: here.base.as_str().to_owned(),
                kind: Some(here.kind),
                user_id: user_id.or(here.user_id).unwrap_or_default(),
                way: LoginWay::Token,
                clear_is_fine: true,
                update_existing: true,
                ..draft.clone()
            };
            let added = accounts::add(worker, open, &draft, Some(token)).await;
            let outcome = if added.is_ok() {
                Outcome::TokenMade
            } else {
                Outcome::TokenInDoubt
            };
            crate::jobs::end_token(worker, open, &job, outcome).await;
            added
        }
        inpage::MadeToken::Failed {
            in_doubt,
            problem,
            step: _,
        } => {
            let trouble = trouble(problem);
            let outcome = if in_doubt {
                Outcome::TokenInDoubt
            } else {
                Outcome::Failed(trouble.clone())
            };
            crate::jobs::end_token(worker, open, &job, outcome).await;
            Err(ErrorCode::Site(trouble))
        }
    }
}
