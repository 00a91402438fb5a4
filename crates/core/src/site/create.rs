//! Making keys. Most servers do not say which key they made: it is made under a name that no
//! other key has, and found by that name.

use super::adapter;
use super::answer::{SiteError, classify};
use super::change::{Change, Visit, change_key, is_unsure};
use super::key::{RemoteKey, read_key};
use super::list::{Listing, list_keys};
use super::protocol::{self, Protocol};
use super::values::{cannot_hold, create_body, differing, name_of, values_of, whole_patch};
use super::{aihubmix, openrouter};
use crate::http::{Http, HttpError, HttpRequest};
use crate::ports::Clock;
use crate::secret::ApiKey;
use relaykeep_protocol::{
    CutReason, Expiry, KeyEnd, KeyField, KeyPatch, KeyValues, Making, Quota, SiteKind, SiteTrouble,
};
use std::ops::ControlFlow;

/// What became of the keys that were to be made.
#[derive(Debug)]
pub struct Created {
    /// How each ended, in the order they were given.
    pub ends: Vec<KeyEnd>,
    /// The account's keys afterwards.
    pub listing: Listing,
}

/// Makes keys, as far as they are not made yet: `making` is what a journal holds, and `save`
/// writes it down before anything is sent that hangs on it. Run again with what was saved, it
/// finds what was made and makes the rest; it never makes a key twice. `got` takes in a key that
/// stands in full in the answer to its making and nowhere else, before anything else is done.
///
/// # Errors
/// When the site cannot be asked, or does not say what became of it.
pub async fn create_keys(
    site: &Visit<'_, impl Http, impl Clock>,
    making: &mut [Making],
    mut draw_name: impl FnMut() -> String,
    mut save: impl AsyncFnMut(&[Making]) -> ControlFlow<()>,
    mut got: impl AsyncFnMut(RemoteKey) -> ControlFlow<()>,
) -> Result<Created, SiteError> {
    let Visit { place, login, .. } = *site;
    let mut ends: Vec<Option<KeyEnd>> = vec![None; making.len()];
    let mut listing = list_keys(site.http, site.clock, place, login, |_| {}).await?;
    find(making, &listing);
    let lost = making.iter().any(|one| one.sent && one.id.is_none());
    if let (true, Some(CutReason::Failed | CutReason::Limited | CutReason::Inconsistent)) =
        (lost, listing.cut)
    {
        // What was not seen may be there all the same: made again, it might be made twice.
        return Err(listing
            .failed
            .unwrap_or_else(|| SiteTrouble::BadAnswer.into()));
    }
    for one in making
        .iter_mut()
        .filter(|one| !one.sent && one.id.is_none())
    {
        // Chosen in an earlier run and not used then: somebody else may have it by now.
        if listing
            .keys
            .iter()
            .any(|key| name_of(&key.raw) == one.called)
        {
            one.called.clear();
        }
    }
    name_all(making, &listing, &mut draw_name);
    let once = place.kind.habits().shown_once;
    let mut shown: Vec<RemoteKey> = Vec::new();
    stop_if(save(making).await)?;

    let mut made_any = false;
    for at in 0..making.len() {
        if making[at].id.is_some() {
            continue;
        }
        let listed = |key: &RemoteKey| name_of(&key.raw) == making[at].called;
        if making[at].sent && listing.keys.iter().any(listed) {
            // More than one has its name: which is ours is not clear, but one may be.
            ends[at] = Some(KeyEnd::InDoubt);
            continue;
        }
        let wanted = &making[at].values;
        let impossible = cannot_hold(place.kind, &whole_patch(wanted), None);
        let group = match site.group_id(&wanted.group).await? {
            Some(id) if impossible.is_empty() => id,
            _ => {
                ends[at] = Some(KeyEnd::Failed(SiteTrouble::Refused, None));
                continue;
            }
        };
        // Sent in an earlier run and not in the list: it did not arrive. Marked as the first was,
        // it is carried out once even if that one is still under way.
        if !making[at].sent || making[at].once.is_empty() {
            making[at].once = mark(&mut draw_name);
        }
        let sent_before = std::mem::replace(&mut making[at].sent, true);
        stop_if(save(making).await)?;
        let one = &making[at];
        let now = site.clock.now();
        let body = create_body(place.kind, one, group.as_deref(), now);
        let request = adapter::create_request(place, login, body, &one.once);
        match made(site, request).await {
            Ok(made) => {
                made_any = true;
                // One API and others say what they made, done-hub its id and its key.
                // A key shown only now is kept whatever it is called.
                let own = made.filter(|key| {
                    let name = name_of(&key.raw);
                    once || name.is_empty() || name == making[at].called
                });
                if let Some(key) = own {
                    making[at].id = Some(key.id.clone());
                    if once && key.full.is_some() {
                        stop_if(got(key.clone()).await)?;
                        making[at].read = true;
                        stop_if(save(making).await)?;
                        shown.push(key);
                    }
                }
            }
            Err(error) if is_unsure(&error) => {
                ends[at] = Some(KeyEnd::InDoubt);
                made_any = true;
            }
            Err(SiteError::Http(HttpError::Stopped)) => return Err(HttpError::Stopped.into()),
            Err(error) => {
                // An earlier one may still be under way.
                making[at].sent = sent_before;
                let trouble = error.trouble();
                let all = !matches!(trouble, SiteTrouble::Refused | SiteTrouble::BadAnswer);
                let waits = matches!(trouble, SiteTrouble::RateLimited { .. });
                if waits || (all && !made_any) {
                    let _ = save(making).await;
                    return Err(error);
                }
                let end = KeyEnd::Failed(trouble, error.said().map(str::to_owned));
                ends[at] = Some(end.clone());
                if all {
                    // The rest would fare the same, but what was made is found.
                    for later in ends.iter_mut().skip(at + 1) {
                        later.get_or_insert_with(|| end.clone());
                    }
                    break;
                }
            }
        }
    }
    if made_any {
        listing = list_keys(site.http, site.clock, place, login, |_| {}).await?;
        find(making, &listing);
        for key in shown {
            let held = listing.keys.iter_mut().find(|one| one.id == key.id);
            held.into_iter()
                .for_each(|one| one.full.clone_from(&key.full));
        }
        stop_if(save(making).await)?;
    }
    for (making, end) in making.iter().zip(&mut ends) {
        // What was sent and is not in the list did not arrive; it may still, so it is not sent
        // again by itself.
        if let Some(found) = in_list(making, &listing) {
            let (ended, after) = match finish(site, making, found).await {
                // It is there, under the name it was made with: refused once, its own name will
                // be refused again.
                Err(error) if error.trouble() == SiteTrouble::Refused => {
                    let fields = not_as_wanted(&making.values, &values_of(&found.raw));
                    (KeyEnd::NotTaken(fields), None)
                }
                finished => finished?,
            };
            // Found in the list and not in an answer.
            let unread = ended == KeyEnd::Done && once && !making.read;
            *end = Some(if unread { KeyEnd::MadeUnread } else { ended });
            if let Some(after) = after {
                let held = listing.keys.iter_mut().find(|key| key.id == after.id);
                held.into_iter().for_each(|held| {
                    let full = held.full.take();
                    *held = after.clone();
                    held.full = after.full.clone().or(full);
                });
            }
        }
    }
    Ok(Created {
        ends: ends
            .into_iter()
            .map(|end| end.unwrap_or(KeyEnd::InDoubt))
            .collect(),
        listing,
    })
}

/// Sends a create and reads what was made, if the site says so.
async fn made(
    site: &Visit<'_, impl Http, impl Clock>,
    request: HttpRequest,
) -> Result<Option<RemoteKey>, SiteError> {
    let response = site.http.send(request).await?;
    let answer = classify(&response, &site.asking())?;
    let Some(data) = answer.data else {
        return Ok(None);
    };
    let full: Option<ApiKey> = match (site.place.kind, protocol::of(site.place.kind)) {
        (SiteKind::AiHubMix, _) => aihubmix::made_key(data),
        (_, Protocol::OpenRouter) => {
            super::answer::readable(&response.body).and_then(openrouter::made_key)
        }
        (_, Protocol::Family | Protocol::Sub2Api) => None,
    };
    Ok(read_key(data).map(|key| RemoteKey {
        full: full.or(key.full),
        ..key
    }))
}

/// A text no other request has: printable, and short enough for a header.
fn mark(draw: &mut impl FnMut() -> String) -> String {
    let mark: String = [draw(), draw()].concat();
    mark.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn stop_if(answer: ControlFlow<()>) -> Result<(), SiteError> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(HttpError::Stopped.into()),
    }
}

/// Finds keys by the names they were made under.
fn find(making: &mut [Making], listing: &Listing) {
    for one in making.iter_mut().filter(|one| one.sent && one.id.is_none()) {
        let mut named = listing
            .keys
            .iter()
            .filter(|key| name_of(&key.raw) == one.called);
        // Two of one name: it is not clear which is ours.
        one.id = named
            .next()
            .filter(|_| named.next().is_none())
            .map(|key| key.id.clone());
    }
}

/// Gives each a name no other key has: its own, if that is free.
fn name_all(making: &mut [Making], listing: &Listing, draw_name: &mut impl FnMut() -> String) {
    let mut taken: Vec<String> = listing.keys.iter().map(|key| name_of(&key.raw)).collect();
    taken.extend(making.iter().map(|one| one.called.clone()));
    for one in making.iter_mut().filter(|one| one.called.is_empty()) {
        // A list that was cut does not show that a name is free.
        let own = &one.values.name;
        let free = listing.complete && !own.is_empty() && !taken.contains(own);
        one.called = if free { own.clone() } else { draw_name() };
        taken.push(one.called.clone());
    }
}

fn in_list<'a>(making: &Making, listing: &'a Listing) -> Option<&'a RemoteKey> {
    let id = making.id.as_ref()?;
    listing.keys.iter().find(|key| key.id == *id)
}

/// Gives a key its own name and state, if it was made under another, and compares what is stored.
async fn finish(
    site: &Visit<'_, impl Http, impl Clock>,
    making: &Making,
    found: &RemoteKey,
) -> Result<(KeyEnd, Option<RemoteKey>), SiteError> {
    let wanted = &making.values;
    let now = values_of(&found.raw);
    let patch = KeyPatch {
        // A key that was renamed or switched off meanwhile was so by a person.
        name: (now.name != wanted.name && name_of(&found.raw) == making.called)
            .then(|| wanted.name.clone()),
        enabled: (now.enabled && !wanted.enabled).then_some(false),
        // Where a new key's expiry is counted in days.
        expires: (protocol::of(site.place.kind) == Protocol::Sub2Api
            && now.expires != wanted.expires)
            .then(|| wanted.expires.map_or(Expiry::Never, Expiry::At)),
        ..KeyPatch::default()
    };
    let mut after = None;
    if patch != KeyPatch::default() {
        let go = async |_, _: &RemoteKey| ControlFlow::Continue(());
        let how = Change::default();
        let changed = change_key(site, &found.id, &patch, how, go).await?;
        after = changed.after;
    }
    let stored = after.as_ref().map_or(now, |after| values_of(&after.raw));
    let fields = not_as_wanted(wanted, &stored);
    let end = if fields.is_empty() {
        KeyEnd::Done
    } else {
        KeyEnd::NotTaken(fields)
    };
    Ok((end, after))
}

fn not_as_wanted(wanted: &KeyValues, stored: &KeyValues) -> Vec<KeyField> {
    let mut fields = differing(wanted, stored);
    fields.retain(|field| match field {
        // Kept for group `auto` only.
        KeyField::CrossGroupRetry | KeyField::AutoGroups => wanted.group == "auto",
        // An unlimited key's number means nothing, and a limited one may be in use already.
        KeyField::Quota => match (wanted.quota, stored.quota) {
            (Quota::Limited(wanted), Quota::Limited(stored)) => stored > wanted,
            (Quota::Unlimited, Quota::Unlimited) => false,
            (Quota::Unlimited, Quota::Limited(_)) | (Quota::Limited(_), Quota::Unlimited) => true,
        },
        KeyField::Name
        | KeyField::Expires
        | KeyField::Models
        | KeyField::Addresses
        | KeyField::Denied
        | KeyField::Windows
        | KeyField::Group
        | KeyField::Enabled => true,
    });
    fields
}
