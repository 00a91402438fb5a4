use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::fields::fields;
use super::key::read_full_key;
use super::lax;
use super::place::{Login, Place, Quirks};
use crate::http::{Bucket, Http, HttpRequest};
use crate::ports::Clock;
use crate::secret::{ApiKey, MaskedKey};
use crate::sorted::SortedMap;
use relaykeep_protocol::{RemoteId, SiteTrouble};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use zeroize::Zeroizing;

/// More ids in one call are refused as a whole ("Too many items in batch request, maximum is 100",
/// seen on e2c7aa7b and 5a6c53d4).
const BATCH: usize = 100;

/// How a reveal ended. Every id asked for is in exactly one of the lists, or was handed over.
#[derive(Clone, Debug, Default)]
pub struct RevealEnd {
    /// How many keys were handed over.
    pub revealed: u32,
    /// Ids the site did not give: deleted meanwhile, or not this login's.
    pub missing: Vec<RemoteId>,
    /// Ids whose key came back but does not fit its mask. Not handed over.
    pub wrong: Vec<RemoteId>,
    /// Ids still to be asked for.
    pub left: Vec<RemoteId>,
    /// Why there are such ids. A limit says when to go on. `None` with ids left: the caller
    /// wanted no more.
    pub stopped_by: Option<SiteError>,
    /// What was learned of the site.
    pub learned: Quirks,
}

/// Fetches the full keys behind masks: 100 a request where the site can, else one by one. What a
/// request brought is handed to `got` before the next one is sent, so that it can be sealed; `got`
/// may break off. Every request is of the critical bucket: the port's budget ends the run with
/// `HttpError::NotBefore` before the site's limit does.
pub async fn reveal(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
    keys: &[(RemoteId, MaskedKey)],
    mut got: impl AsyncFnMut(Vec<(RemoteId, ApiKey)>) -> ControlFlow<()>,
) -> RevealEnd {
    let masks: SortedMap<&RemoteId, &MaskedKey> =
        keys.iter().map(|(id, mask)| (id, mask)).collect();
    let mut run = Run {
        end: RevealEnd::default(),
        left: masks.keys().copied().collect(),
        masks,
        batches: place.quirks.batch_reveal != Some(false),
        singles_work: false,
    };
    if place.kind.habits().reveals.is_none() {
        return run.stop(SiteTrouble::Absent.into());
    }
    while !run.left.is_empty() {
        let asked = run.next();
        let request = run.request(place, login, &asked);
        let batch = run.batches;
        let answered = match ask(http, clock, place, request).await {
            Ok(body) => {
                if batch {
                    read_batch(&body)
                } else {
                    read_single(&body, asked[0])
                }
            }
            Err(error) => Err(error),
        };
        let keys = match run.take(asked, answered) {
            ControlFlow::Continue(keys) => keys,
            ControlFlow::Break(error) => return run.stop(error),
        };
        run.end.revealed += u32::try_from(keys.len()).unwrap_or(u32::MAX);
        if !keys.is_empty() && got(keys).await.is_break() {
            run.end.left = run.left.iter().map(|id| (*id).clone()).collect();
            return run.end;
        }
    }
    run.end
}

/// A reveal under way.
struct Run<'a> {
    end: RevealEnd,
    masks: SortedMap<&'a RemoteId, &'a MaskedKey>,
    left: VecDeque<&'a RemoteId>,
    /// Whether to ask for many at once.
    batches: bool,
    /// One by one has worked in this run.
    singles_work: bool,
}

/// Ids and what the site sent as their keys.
type Sent = Vec<(String, Zeroizing<String>)>;

impl<'a> Run<'a> {
    fn next(&mut self) -> Vec<&'a RemoteId> {
        let many = if self.batches { BATCH } else { 1 };
        self.left.drain(..many.min(self.left.len())).collect()
    }

    fn request(&self, place: &Place, login: &Login, asked: &[&RemoteId]) -> HttpRequest {
        if self.batches {
            adapter::batch_reveal_request(place, login, asked)
        } else {
            adapter::reveal_request(place, login, asked[0])
        }
    }

    /// Sorts out what came. Continues with the keys that are good, breaks when no more may come.
    fn take(
        &mut self,
        asked: Vec<&'a RemoteId>,
        answered: Result<Sent, SiteError>,
    ) -> ControlFlow<SiteError, Vec<(RemoteId, ApiKey)>> {
        let sent = match answered {
            Ok(sent) => sent,
            Err(error) => return self.failed(asked, error),
        };
        if self.batches {
            self.end.learned.batch_reveal = Some(true);
        } else {
            self.singles_work = true;
        }
        let mut by_id: SortedMap<String, Zeroizing<String>> = sent.into_iter().collect();
        let mut keys = Vec::new();
        for id in asked {
            match by_id.remove(&id.0) {
                None => self.end.missing.push(id.clone()),
                // Still a mask: the site hides it from this login even here.
                Some(text) if MaskedKey::looks_masked(&text) => self.end.missing.push(id.clone()),
                Some(text) => match read_full_key(&text).filter(|key| self.masks[id].fits(key)) {
                    Some(key) => keys.push((id.clone(), key)),
                    None => self.end.wrong.push(id.clone()),
                },
            }
        }
        ControlFlow::Continue(keys)
    }

    fn failed(
        &mut self,
        asked: Vec<&'a RemoteId>,
        error: SiteError,
    ) -> ControlFlow<SiteError, Vec<(RemoteId, ApiKey)>> {
        let SiteError::Trouble(trouble, said) = &error else {
            self.put_back(asked);
            return ControlFlow::Break(error);
        };
        // Gorm's own words for an id that is not there or not this login's.
        let no_such = said
            .as_deref()
            .is_some_and(|said| said.contains("record not found"));
        if !self.batches && no_such && *trouble == SiteTrouble::Refused {
            self.singles_work = true;
            self.end.missing.extend(asked.into_iter().cloned());
            return ControlFlow::Continue(Vec::new());
        }
        self.put_back(asked);
        // The batch came a month after the single reveal [12a48c620], and a fork has its code
        // without the route [unorouter b06f09f9].
        let no_batch = matches!(
            trouble,
            SiteTrouble::Absent | SiteTrouble::Refused | SiteTrouble::NotARelay
        );
        if self.batches && no_batch {
            self.batches = false;
            // A refusal may have been of the moment; only what is not there is remembered.
            if *trouble != SiteTrouble::Refused {
                self.end.learned.batch_reveal = Some(false);
            }
            return ControlFlow::Continue(Vec::new());
        }
        ControlFlow::Break(error)
    }

    fn put_back(&mut self, asked: Vec<&'a RemoteId>) {
        for id in asked.into_iter().rev() {
            self.left.push_front(id);
        }
    }

    fn stop(mut self, error: SiteError) -> RevealEnd {
        self.end.left = self.left.iter().map(|id| (*id).clone()).collect();
        // A batch that was refused proves nothing as long as one by one does not work either.
        if !self.batches && !self.singles_work {
            self.end.learned.batch_reveal = None;
        }
        self.end.stopped_by = Some(error);
        self.end
    }
}

async fn ask(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    request: HttpRequest,
) -> Result<Zeroizing<String>, SiteError> {
    let response = http.send(request).await?;
    let asking = Asking {
        bucket: Bucket::Critical,
        expects_auth_version: place.quirks.sends_auth_version,
        protocol: super::protocol::of(place.kind),
        now: clock.now(),
    };
    let answer = classify(&response, &asking)?;
    Ok(Zeroizing::new(
        answer
            .data
            .map_or_else(String::new, |data| data.get().to_owned()),
    ))
}

/// `{"keys":{"11":"…"}}`
fn read_batch(data: &str) -> Result<Sent, SiteError> {
    fields! {
        struct Batch { keys "keys" = null }
    }
    let bad = || SiteError::from(SiteTrouble::BadAnswer);
    let keys = Batch::read(data).map_err(|_| bad())?.keys.ok_or_else(bad)?;
    if keys.get() == "null" {
        // Go's map that was never made.
        return Ok(Vec::new());
    }
    let entries = crate::json::entries(keys.get()).map_err(|_| bad())?;
    let mut keys: SortedMap<String, Zeroizing<String>> = SortedMap::new();
    for (id, raw) in entries {
        let text = Zeroizing::new(lax::text(Some(raw)).unwrap_or_default());
        // An id that comes twice fails the answer: it is not clear which key is meant.
        if keys.insert(id.into_owned(), text).is_some() {
            return Err(bad());
        }
    }
    Ok(keys.into_iter().collect())
}

/// `{"key":"…"}`, or the bare text.
fn read_single(data: &str, id: &RemoteId) -> Result<Sent, SiteError> {
    fields! {
        struct Single { key "key" }
    }
    let bad = || SiteError::from(SiteTrouble::BadAnswer);
    let text = if data.starts_with('"') {
        crate::json::read::<String>(data).map_err(|_| bad())?
    } else {
        let single = Single::read(data).map_err(|_| bad())?;
        lax::text(single.key).ok_or_else(bad)?
    };
    Ok(vec![(id.0.clone(), Zeroizing::new(text))])
}
