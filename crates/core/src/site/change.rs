//! Changing and deleting one key: read it, change only what is wanted, read it again.
//!
//! Servers replace the whole key on a write, so everything is read right before it is sent back:
//! the quota that is left is absolute, and a stale copy would give spent quota back (seen live on
//! all four servers).

use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::key::{RemoteKey, read_key};
use super::place::{Login, Place};
use super::protocol::{self, Protocol};
use super::values::{
    Meter, STATUS, cannot_hold, differing, fields_of, meter_of, replace_body, values_of,
};
use crate::form::patched;
use crate::http::{Bound, Bucket, Http, HttpError, HttpRequest, HttpResponse};
use crate::ports::Clock;
use crate::secret::{ApiKey, Secret};
use relaykeep_protocol::{
    KeyEnd, KeyField, KeyPatch, KeyValues, Quota, RemoteId, Sent, SiteTrouble,
};
use serde_json::value::RawValue;
use std::ops::ControlFlow;

/// What is known before a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// What the user saw; if the site says something else now, nothing is written.
    pub seen: Option<&'a KeyValues>,
    /// The change was sent before, and its answer is not known.
    pub sent: Option<&'a Sent>,
    /// What the key had used when its wanted quota was right: what it spent since is spent.
    pub used_then: Option<i64>,
    /// When the key we hold was made: another key under its number is not touched.
    pub made: Option<i64>,
}

/// How a change ended.
#[derive(Clone, Debug)]
pub struct Changed {
    /// How.
    pub end: KeyEnd,
    /// The key right before the write.
    pub before: Option<RemoteKey>,
    /// The key afterwards, read again. `None`: nothing was written, or the key is gone.
    pub after: Option<RemoteKey>,
}

/// Changes one key. `about_to_write` hears of every write before it leaves, and may stop it.
///
/// # Errors
/// When the site cannot be asked, refuses, or does not say what became of it.
pub async fn change_key(
    site: &Visit<'_, impl Http, impl Clock>,
    id: &RemoteId,
    patch: &KeyPatch,
    how: Change<'_>,
    mut about_to_write: impl AsyncFnMut(Sent, &RemoteKey) -> ControlFlow<()>,
) -> Result<Changed, SiteError> {
    let Visit { place, login, .. } = *site;
    let found = site.get(id).await?;
    let Some(before) = found.filter(|found| is_meant(found, how.made)) else {
        return Ok(Changed {
            end: KeyEnd::Gone,
            before: None,
            after: None,
        });
    };
    let sent = how.sent.filter(|sent| sent.key == *id);
    let patch = &less_spent(patch, how.used_then, &before);
    let counts_down = protocol::of(place.kind) == Protocol::Family;
    let mut work = Work::new(&before, patch, sent, counts_down);
    let ended = |end, before, after| Ok(Changed { end, before, after });
    if let Some(seen) = how.seen
        && !work.is_as(seen, sent.is_some())
    {
        let now = Box::new(work.now);
        return ended(KeyEnd::Differs(now), Some(before), None);
    }
    let impossible = cannot_hold(place.kind, patch, Some(&before.raw));
    if !impossible.is_empty() {
        return ended(KeyEnd::NotTaken(impossible), Some(before), None);
    }
    if let Some(end) = work.cannot_enable(site.clock.now()) {
        return ended(end, Some(before), None);
    }
    if !work.replaces && !work.toggles {
        let end = match sent {
            Some(_) => KeyEnd::Done,
            None => KeyEnd::AlreadySo,
        };
        return ended(end, Some(before.clone()), sent.map(|_| before));
    }
    let moves = patch
        .group
        .as_deref()
        .filter(|group| *group != work.now.group);
    let group = match moves {
        Some(name) => match site.group_id(name).await? {
            Some(id) => id,
            // Not one the login may use, or not any more.
            None => {
                let end = KeyEnd::NotTaken(vec![KeyField::Group]);
                return ended(end, Some(before), None);
            }
        },
        None => None,
    };
    let note = match sent.filter(|_| work.arrived) {
        // The limit is there since then: what is spent from then on is spent.
        Some(sent) => sent.clone(),
        None => Sent {
            key: id.clone(),
            remaining: work.meter.remaining,
            used: work.meter.used,
        },
    };
    if about_to_write(note, &before).await.is_break() {
        return Err(HttpError::Stopped.into());
    }
    let mut unsure = None;
    if work.replaces {
        let quota = work.arrived.then_some(work.wanted.quota).or(patch.quota);
        let patch = KeyPatch {
            quota,
            ..patch.clone()
        };
        let body = replace_body(place.kind, &before.raw, &patch, group.as_deref());
        let request = adapter::write_request(place, login, id, body.to_string());
        unsure = site.write(request).await?;
    }
    if work.toggles && unsure.is_none() {
        let on = work.wanted.enabled;
        let request = adapter::status_request_for(place, login, id, on);
        unsure = site.write(request).await?;
    }
    // Not taken at its word: a server may answer success and store something else.
    let after = match (site.get(id).await, unsure.take()) {
        (Ok(Some(after)), unsure) => {
            work.spend(&after);
            if let (Some(error), false) = (unsure, work.is_done(&after)) {
                return Err(error);
            }
            after
        }
        (Ok(None), _) => return ended(KeyEnd::Gone, Some(before), None),
        (Err(_), Some(error)) | (Err(error), None) => return Err(error),
    };
    // After a death the key is as we left it, and no longer as the user saw it.
    let seen = how.seen.filter(|_| sent.is_none());
    let end = match work.not_taken(&after) {
        fields if !fields.is_empty() => KeyEnd::NotTaken(fields),
        _ => match seen.map_or(0, |seen| spent(seen, &work.now)) {
            0 => KeyEnd::Done,
            spent => KeyEnd::DoneAfterSpending(spent),
        },
    };
    ended(end, Some(before), Some(after))
}

/// A change under way.
struct Work<'a> {
    patch: &'a KeyPatch,
    now: KeyValues,
    wanted: KeyValues,
    meter: Meter,
    /// The limit was sent before, and is there, less what was spent since.
    arrived: bool,
    /// The whole key is to be written.
    replaces: bool,
    /// Then it is to be enabled or disabled, which takes a request of its own: a replace leaves
    /// the status alone, and one that asks for it is refused for what is stored.
    toggles: bool,
    /// The status that makes it so.
    status: Option<i64>,
}

impl<'a> Work<'a> {
    /// `counts_down`: a key's limit is what it has left.
    fn new(
        before: &RemoteKey,
        patch: &'a KeyPatch,
        sent: Option<&Sent>,
        counts_down: bool,
    ) -> Self {
        let now = values_of(&before.raw);
        let meter = meter_of(&before.raw);
        let mut wanted = patched(&now, patch);
        // Sent before, and arrived: what was spent since does not count as another value.
        let mut arrived = false;
        if let (Some(Quota::Limited(want)), Some(sent), Quota::Limited(left)) =
            (patch.quota, sent, now.quota)
        {
            let since = meter.used.unwrap_or(0) - sent.used.unwrap_or(0);
            // Some of it may have been spent before the write came there.
            let untouched = sent.remaining.map(|then| then - since) == Some(left);
            let early = counts_down && !untouched && (want - since..=want).contains(&left);
            arrived = left == want - since || early;
            if arrived {
                wanted.quota = now.quota;
            }
        }
        let fields = fields_of(patch);
        let replaces = differing(&now, &wanted)
            .iter()
            .any(|field| *field != KeyField::Enabled && fields.contains(field));
        let status = match patch.enabled {
            None => None,
            Some(true) => Some(STATUS.enabled),
            Some(false) => Some(STATUS.disabled),
        };
        Self {
            patch,
            now,
            wanted,
            meter,
            arrived,
            replaces,
            toggles: status.is_some_and(|status| status != meter.status),
            status,
        }
    }

    /// Whether the key is still what the user saw: it may have spent, and, if the change was sent
    /// before, it may be as it was wanted.
    fn is_as(&self, seen: &KeyValues, sent: bool) -> bool {
        let asked = fields_of(self.patch);
        let open = differing(&self.wanted, &self.now);
        differing(seen, &self.now).iter().all(|field| {
            let ours = sent && asked.contains(field) && !open.contains(field);
            let only_spent = *field == KeyField::Quota
                && match (seen.quota, self.now.quota) {
                    (Quota::Limited(then), Quota::Limited(now)) => now <= then,
                    (Quota::Unlimited, _) | (_, Quota::Unlimited) => false,
                };
            ours || only_spent
        })
    }

    /// Why the site would refuse to enable the key, as the whole of it would be then.
    fn cannot_enable(&self, now: u64) -> Option<KeyEnd> {
        if !(self.toggles && self.wanted.enabled) {
            return None;
        }
        let now = i64::try_from(now / 1_000).unwrap_or(i64::MAX);
        let over = self.wanted.expires.is_some_and(|at| at <= now);
        let empty = matches!(self.wanted.quota, Quota::Limited(left) if left <= 0);
        if self.meter.status == STATUS.expired && over {
            Some(KeyEnd::StillExpired)
        } else if self.meter.status == STATUS.exhausted && empty {
            Some(KeyEnd::StillExhausted)
        } else {
            None
        }
    }

    /// What the key spent between the two readings is spent, and no fault of the write.
    fn spend(&mut self, after: &RemoteKey) {
        let used = meter_of(&after.raw).used.unwrap_or(0) - self.meter.used.unwrap_or(0);
        if let (Quota::Limited(left), true) = (self.wanted.quota, used > 0) {
            // Before our write or after it: a limit that was asked for is there either way.
            let asked = self.patch.quota.is_some();
            let stored = values_of(&after.raw).quota;
            let early = asked
                && matches!(stored, Quota::Limited(stored) if (left - used..=left).contains(&stored));
            self.wanted.quota = if early {
                stored
            } else {
                Quota::Limited(left - used)
            };
        }
    }

    fn is_done(&self, after: &RemoteKey) -> bool {
        let fields = fields_of(self.patch);
        !self
            .not_taken(after)
            .iter()
            .any(|field| fields.contains(field))
    }

    /// Fields that are not as they should be, those nobody meant to change included.
    fn not_taken(&self, after: &RemoteKey) -> Vec<KeyField> {
        let got = values_of(&after.raw);
        let mut fields = differing(&self.wanted, &got);
        // Expired and exhausted keys are not disabled by their owner, and not enabled either.
        let status = self.status.unwrap_or(self.meter.status);
        if self.toggles
            && meter_of(&after.raw).status != status
            && !fields.contains(&KeyField::Enabled)
        {
            fields.push(KeyField::Enabled);
        }
        // Both belong to group `auto`, and servers drop them with it.
        if self.wanted.group != "auto" {
            let asked = fields_of(self.patch);
            fields.retain(|field| match field {
                KeyField::CrossGroupRetry | KeyField::AutoGroups => asked.contains(field),
                KeyField::Name
                | KeyField::Quota
                | KeyField::Expires
                | KeyField::Models
                | KeyField::Addresses
                | KeyField::Denied
                | KeyField::Windows
                | KeyField::Group
                | KeyField::Enabled => true,
            });
        }
        fields
    }
}

/// What was spent since a quota was right is spent.
fn less_spent(patch: &KeyPatch, used_then: Option<i64>, before: &RemoteKey) -> KeyPatch {
    let mut patch = patch.clone();
    if let (Some(Quota::Limited(left)), Some(then)) = (patch.quota, used_then) {
        let since = meter_of(&before.raw).used.unwrap_or(0) - then;
        patch.quota = Some(Quota::Limited(left.saturating_sub(since.max(0)).max(0)));
    }
    patch
}

fn spent(seen: &KeyValues, now: &KeyValues) -> i64 {
    match (seen.quota, now.quota) {
        (Quota::Limited(then), Quota::Limited(now)) => then.saturating_sub(now).max(0),
        (Quota::Unlimited, _) | (_, Quota::Unlimited) => 0,
    }
}

/// Whether a key at a site is the one we hold. A site that was set up anew counts from 1 again, and
/// no server changes the time at which a key was made.
fn is_meant(found: &RemoteKey, made: Option<i64>) -> bool {
    let times = made.zip(found.row.created);
    times.is_none_or(|(held, found)| held == found || held <= 0 || found <= 0)
}

/// Whether the key under this number is still the one we hold; `None`: there is none.
///
/// # Errors
/// When the site cannot be asked.
pub async fn is_still(
    site: &Visit<'_, impl Http, impl Clock>,
    id: &RemoteId,
    made: Option<i64>,
) -> Result<Option<bool>, SiteError> {
    let found = site.get(id).await?;
    Ok(found.map(|found| is_meant(&found, made)))
}

/// Deletes one key. One that is not there any more is as good as deleted.
///
/// # Errors
/// When the site cannot be asked, refuses, or does not say what became of it.
pub async fn delete_key(
    site: &Visit<'_, impl Http, impl Clock>,
    id: &RemoteId,
) -> Result<KeyEnd, SiteError> {
    let request = adapter::delete_request(site.place, site.login, id);
    match site.write(request).await {
        Ok(None) => Ok(KeyEnd::Done),
        Ok(Some(unsure)) => match site.get(id).await? {
            None => Ok(KeyEnd::Done),
            Some(_) => Err(unsure),
        },
        Err(error) if no_such_key(&error) => Ok(KeyEnd::Gone),
        Err(error) => Err(error),
    }
}

/// What a full key lists with `GET /v1/models`: that the site accepts it, and no more than that
/// (April 2025 and One API do not even look at its group there). `None`: accepted, by a site whose
/// list of models says nothing of the key.
///
/// # Errors
/// When the site cannot be asked, does not know the key (`LoginExpired`), or knows it and does not
/// let it in from here or for its group (`Refused`, with 403).
pub async fn check_key(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    key: &ApiKey,
) -> Result<Option<u32>, SiteError> {
    let bound = Bound {
        // Sent to the site that issued it.
        secret: Secret::new(key.expose().to_owned()),
        origins: vec![place.base.origin().to_owned()],
    };
    let response = http.send(adapter::key_models_request(place, bound)).await?;
    match listed_models(&response) {
        Some(count) => Ok(Some(count)),
        None => {
            let asking = Asking {
                bucket: Bucket::Ordinary,
                expects_auth_version: false,
                protocol: protocol::of(place.kind),
                now: clock.now(),
            };
            match classify(&response, &asking) {
                // Its models are the same for everybody; what the key says of itself is asked for.
                Ok(_) if asking.protocol == Protocol::OpenRouter => Ok(None),
                Ok(_) => Err(SiteTrouble::BadAnswer.into()),
                Err(error) => Err(error),
            }
        }
    }
}

fn listed_models(response: &HttpResponse) -> Option<u32> {
    super::fields::fields! {
        struct Models { data "data" = null }
    }
    if response.status != 200 {
        return None;
    }
    let text = super::answer::readable(&response.body)?;
    let data = Models::read(text).ok()?.data?;
    let listed = super::lax::Capped::read(data.get()).ok()?;
    u32::try_from(listed.count).ok()
}

/// A site, a login there, and what is needed to ask it.
pub struct Visit<'a, H, C> {
    /// Carries requests out.
    pub http: &'a H,
    /// The wall clock.
    pub clock: &'a C,
    /// The site.
    pub place: &'a Place,
    /// Who asks.
    pub login: &'a Login,
}

impl<H: Http, C: Clock> Visit<'_, H, C> {
    pub(super) fn asking(&self) -> Asking {
        Asking {
            bucket: Bucket::Ordinary,
            expects_auth_version: self.place.quirks.sends_auth_version,
            protocol: protocol::of(self.place.kind),
            now: self.clock.now(),
        }
    }

    /// One key, as it is now; `None`: there is none.
    pub(super) async fn get(&self, id: &RemoteId) -> Result<Option<RemoteKey>, SiteError> {
        let request = adapter::get_request(self.place, self.login, id);
        let response = self.http.send(request).await?;
        let answer = match classify(&response, &self.asking()) {
            Err(error) if no_such_key(&error) => return Ok(None),
            answer => answer?,
        };
        let key = answer.data.and_then(read_key).filter(|key| key.id == *id);
        key.map(Some).ok_or_else(|| SiteTrouble::BadAnswer.into())
    }

    /// The id behind a group's name, where groups are written by id. The outer `None`: the login
    /// may not use such a group.
    pub(super) async fn group_id(&self, name: &str) -> Result<Option<Option<String>>, SiteError> {
        if protocol::of(self.place.kind) != Protocol::Sub2Api || name.is_empty() {
            return Ok(Some(None));
        }
        if let Some(id) = name.strip_prefix('#')
            && !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_digit())
        {
            return Ok(Some(Some(id.to_owned())));
        }
        let Some(request) = adapter::groups_request(self.place, self.login) else {
            return Ok(None);
        };
        let data = self.send(request).await?;
        let data = data.ok_or_else(protocol::bad)?;
        Ok(super::sub2api::group_id(data.get(), name).map(Some))
    }

    /// Sends a write. `Some`: it may or may not have arrived.
    pub(super) async fn write(&self, request: HttpRequest) -> Result<Option<SiteError>, SiteError> {
        match self.send(request).await {
            Ok(_) => Ok(None),
            Err(error) if is_unsure(&error) => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// Sends a request and gives the answer's content.
    pub(super) async fn send(
        &self,
        request: HttpRequest,
    ) -> Result<Option<Box<RawValue>>, SiteError> {
        let response = self.http.send(request).await?;
        let answer = classify(&response, &self.asking())?;
        Ok(answer.data.map(ToOwned::to_owned))
    }
}

/// Whether a write that ended so may have been carried out all the same.
pub(super) fn is_unsure(error: &SiteError) -> bool {
    match error {
        SiteError::Http(error) => match error {
            // Why a request failed is found out only afterwards: it may have arrived before that.
            HttpError::TimedOut
            | HttpError::Cut
            | HttpError::Unreachable
            | HttpError::TooLarge
            | HttpError::Offline
            | HttpError::PermissionMissing
            | HttpError::Redirected => true,
            HttpError::NotBefore(_)
            | HttpError::ForeignOrigin
            | HttpError::NotOurLogin(_)
            | HttpError::Stopped => false,
        },
        SiteError::Trouble(trouble, _) => matches!(
            trouble,
            SiteTrouble::BadAnswer | SiteTrouble::ServerError { .. } | SiteTrouble::NotARelay
        ),
    }
}

/// Gorm's own words for an id that is not there or not this login's, in every language, and those
/// of Sub2API (API_KEY_NOT_FOUND) and OpenRouter.
fn no_such_key(error: &SiteError) -> bool {
    error.said().is_some_and(|said| {
        let said = said.to_ascii_lowercase();
        said.contains("record not found") || said.contains("api key not found")
    })
}
