//! A site asked as if it were of a kind: what answers and what does not, before anything is saved.

use super::account::verify_account;
use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::list::first_page;
use super::offers::{groups, models};
use super::place::{Login, Place};
use super::protocol;
use crate::http::{Bucket, Http, HttpError};
use crate::ports::Clock;
use relaykeep_protocol::{TrialResult, TrialStep};

/// Asks the five things every other work rests on, one request each.
///
/// # Errors
/// Only when the work was stopped; whatever else happens is a result.
pub async fn trial(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
) -> Result<Vec<(TrialStep, TrialResult)>, HttpError> {
    let mut place = place.clone();
    let mut lines = Vec::new();
    let status = async {
        let response = http.send(adapter::status_request(&place)).await?;
        let asking = Asking {
            bucket: Bucket::Ordinary,
            expects_auth_version: false,
            protocol: protocol::of(place.kind),
            now: clock.now(),
        };
        // Any answer in the family's form will do: an unknown fork may lack every known field.
        classify(&response, &asking).map(|_| None)
    };
    lines.push((TrialStep::Status, result(status.await)?));
    let who = verify_account(http, clock, &place, login).await;
    let accepted = who.is_ok();
    let who = who.map(|(_, learned)| {
        place.quirks.learn(&learned);
        None
    });
    lines.push((TrialStep::Login, result(who)?));
    if !accepted {
        let rest = [TrialStep::Keys, TrialStep::Groups, TrialStep::Models];
        lines.extend(rest.map(|step| (step, TrialResult::Skipped)));
        return Ok(lines);
    }
    let count = |length: usize| Some(u32::try_from(length).unwrap_or(u32::MAX));
    let keys = first_page(http, clock, &place, login).await;
    lines.push((TrialStep::Keys, result(keys.map(count))?));
    let offered = if place.kind.habits().groups.is_some() {
        let groups = groups(http, clock, &place, login, None).await;
        result(groups.map(|groups| count(groups.len())))?
    } else {
        TrialResult::NotThere
    };
    lines.push((TrialStep::Groups, offered));
    let models = models(http, clock, &place, login).await;
    lines.push((
        TrialStep::Models,
        result(models.map(|models| count(models.len())))?,
    ));
    Ok(lines)
}

fn result(answer: Result<Option<u32>, SiteError>) -> Result<TrialResult, HttpError> {
    match answer {
        Ok(count) => Ok(TrialResult::Good(count)),
        Err(SiteError::Http(HttpError::Stopped)) => Err(HttpError::Stopped),
        Err(error) => Ok(TrialResult::Bad(error.trouble())),
    }
}
