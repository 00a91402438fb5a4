use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::fields::fields;
use super::key::{RemoteKey, of_the_jwt_era, read_key};
use super::lax::{self, Capped};
use super::place::{Login, Place, Quirks};
use super::protocol;
use crate::http::{Bucket, Http, HttpError, HttpResponse};
use crate::ports::Clock;
use crate::sorted::SortedSet;
use relaykeep_protocol::{CutReason, Generation, SiteTrouble};
use serde_json::value::RawValue;

/// New API lets a user own this many keys [e2c7aa7b controller/token.go]; more is not read.
const MOST_KEYS: usize = 1_000;

/// One API's 10 a page, a thousand times, and some to spare.
const MOST_PAGES: u32 = 110;

/// What a site listed.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The keys, in the site's order, each once.
    pub keys: Vec<RemoteKey>,
    /// Nothing is missing: only then may an absent key be taken for gone.
    pub complete: bool,
    /// Why something is missing.
    pub cut: Option<CutReason>,
    /// What stopped the reading, where `cut` is `Failed`.
    pub failed: Option<SiteError>,
    /// What was learned of the site; to be handed in the next time.
    pub learned: Quirks,
    /// Entries that could not be read as keys, and were passed over.
    pub odd: u32,
}

/// Lists the login's keys: one request for up to 100 of them on New API since June 2025.
/// `progress` hears how many have come so far.
///
/// # Errors
/// When not even the first page came, or the work was stopped. A page that fails later leaves a
/// listing that is cut.
pub async fn list_keys(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    login: &Login,
    mut progress: impl FnMut(u32),
) -> Result<Listing, SiteError> {
    let mut reading = Reading::new(place);
    loop {
        let page = reading.next;
        let answered = match http.send(adapter::list_request(place, login, page)).await {
            Ok(response) => read_page(&response, &reading, clock.now()),
            Err(error) => Err(error.into()),
        };
        match answered {
            Ok(page) => {
                let over = reading.take(page);
                progress(u32::try_from(reading.keys.len()).unwrap_or(u32::MAX));
                if over {
                    return Ok(reading.close());
                }
            }
            Err(error) => return reading.fail(error),
        }
    }
}

/// One page, as read.
struct Page {
    rows: Vec<RemoteKey>,
    /// Entries on the page, readable or not.
    count: usize,
    /// Where lists carry their own numbers.
    numbered: Option<Numbers>,
    auth_version: bool,
    jwt_era: bool,
}

/// What a page says of the whole.
struct Numbers {
    total: Option<usize>,
    page_len: Option<usize>,
    pages: Option<u32>,
}

fields! {
    struct PageData {
        items "items" = null,
        data "data" = null,
        total "total",
        total_count "total_count",
        page_size "page_size",
        size "size",
        pages "pages",
    }
}

/// Four shapes: a bare array; `items` and `total`; `data` and `total_count`; `items` and `pages`.
fn read_page(response: &HttpResponse, reading: &Reading<'_>, now: u64) -> Result<Page, SiteError> {
    let asking = Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: reading.place.quirks.sends_auth_version
            || reading.learned.sends_auth_version,
        protocol: protocol::of(reading.place.kind),
        now,
    };
    let answer = classify(response, &asking)?;
    let bad = || SiteError::from(SiteTrouble::BadAnswer);
    let data = answer.data.map_or("", RawValue::get);
    let (listed, numbered) = if data.starts_with('{') {
        let page = PageData::read(data).map_err(|_| bad())?;
        let count = |raw| lax::int(raw).and_then(|number| usize::try_from(number).ok());
        let numbers = Numbers {
            total: count(page.total).or_else(|| count(page.total_count)),
            page_len: count(page.page_size)
                .or_else(|| count(page.size))
                .filter(|length| *length > 0),
            pages: count(page.pages).and_then(|pages| u32::try_from(pages).ok()),
        };
        let items = page.items.or(page.data).ok_or_else(bad)?.get();
        (Capped::read(items).map_err(|_| bad())?, Some(numbers))
    } else {
        // `null` is how Go writes a list that was never made.
        (Capped::read(data).map_err(|_| bad())?, None)
    };
    Ok(Page {
        rows: listed
            .items
            .iter()
            .filter_map(|raw| read_key(raw))
            .collect(),
        count: listed.count,
        numbered,
        auth_version: answer.auth_version,
        jwt_era: listed.items.first().is_some_and(|raw| of_the_jwt_era(raw)),
    })
}

/// A listing under way.
struct Reading<'a> {
    place: &'a Place,
    /// The page to ask for next.
    next: u32,
    /// The first page there is; unknown until the first answer shows the shape.
    first: Option<u32>,
    requests: u32,
    keys: Vec<RemoteKey>,
    seen: SortedSet<String>,
    /// Entries passed, each page's once: readable, unreadable and repeated.
    passed: usize,
    odd: u32,
    repeated: usize,
    total: Option<usize>,
    restarted: bool,
    cut: Option<CutReason>,
    learned: Quirks,
    /// How full the first array page was.
    first_len: usize,
    jwt_era: bool,
}

impl<'a> Reading<'a> {
    fn new(place: &'a Place) -> Self {
        let zero_based = place.quirks.zero_based.or(place.kind.habits().zero_based);
        Self {
            place,
            next: if zero_based == Some(true) { 0 } else { 1 },
            first: None,
            requests: 0,
            keys: Vec::new(),
            seen: SortedSet::new(),
            passed: 0,
            odd: 0,
            repeated: 0,
            total: None,
            restarted: false,
            cut: None,
            learned: Quirks::default(),
            first_len: 0,
            jwt_era: false,
        }
    }

    /// Takes one page in. True when there is nothing more to ask.
    fn take(&mut self, page: Page) -> bool {
        self.requests += 1;
        self.learned.sends_auth_version |= page.auth_version;
        self.jwt_era |= page.jwt_era;
        let is_array = page.numbered.is_none();
        if self.first.is_none() {
            // Newer servers take page 0 for page 1; arrays count from 0.
            self.learned.zero_based = Some(is_array);
            self.first = Some(if is_array { 0 } else { self.next.max(1) });
            if is_array && self.next != 0 {
                // What came was the second page: with few keys an empty one, which says nothing
                // of the first (seen on ef8ae4db).
                self.next = 0;
                return false;
            }
        } else if self.learned.zero_based != Some(is_array) {
            self.cut = Some(CutReason::Inconsistent);
            return true;
        }
        if let Some(total) = page.numbered.as_ref().and_then(|numbers| numbers.total) {
            if self.total.is_some_and(|before| before != total) {
                return self.restart();
            }
            self.total = Some(total);
        }
        let at_first = self.passed == 0;
        let new = self.keep(&page);
        if at_first {
            self.first_len = page.count;
        }
        if page.count == 0 {
            return true;
        }
        if self.keys.len() > MOST_KEYS || page.count > MOST_KEYS {
            self.keys.truncate(MOST_KEYS);
            self.cut = Some(CutReason::Cap);
            return true;
        }
        if new == 0 {
            // The same page again, or a ring of pages.
            self.cut = Some(CutReason::Inconsistent);
            return true;
        }
        if self.at_the_end(&page) {
            return true;
        }
        if self.requests >= MOST_PAGES {
            self.cut = Some(CutReason::Cap);
            return true;
        }
        self.next = if at_first {
            self.first.unwrap_or(0) + 1
        } else {
            self.next + 1
        };
        false
    }

    /// Keeps what is new of a page, and says how much that was (unreadable entries count as new).
    fn keep(&mut self, page: &Page) -> usize {
        let unreadable = page
            .count
            .min(MOST_KEYS + 1)
            .saturating_sub(page.rows.len());
        let mut new = unreadable;
        for key in &page.rows {
            if self.seen.insert(key.id.0.clone()) {
                self.keys.push(key.clone());
                new += 1;
            } else {
                self.repeated += 1;
            }
        }
        self.odd = self
            .odd
            .saturating_add(u32::try_from(unreadable).unwrap_or(u32::MAX));
        self.passed += page.count;
        new
    }

    /// Whether this page was the last.
    fn at_the_end(&self, page: &Page) -> bool {
        let Some(numbers) = &page.numbered else {
            // More than was wished for: this server knows no pages.
            return page.count < self.full_array() || page.count > 100;
        };
        let by_total = numbers.total.is_some_and(|total| self.passed >= total);
        let by_pages = numbers.pages.is_some_and(|pages| self.next.max(1) >= pages);
        let short = numbers.page_len.is_some_and(|length| page.count < length);
        let unknown = numbers.page_len.is_none() && numbers.total.is_none();
        by_total || by_pages || short || (unknown && page.count < 10)
    }

    /// How many entries an array page holds that is not the last. A round number on the first page
    /// may be a fixed page length that takes no wish (One API's 10).
    fn full_array(&self) -> usize {
        let known = self
            .place
            .quirks
            .page_len
            .or(self.place.kind.habits().page_len);
        match known {
            Some(length) => usize::try_from(length).unwrap_or(usize::MAX),
            None if [10, 20, 50].contains(&self.first_len) => self.first_len,
            None => 100,
        }
    }

    /// The list changed while it was read: once from the start again, then it is not complete.
    fn restart(&mut self) -> bool {
        if self.restarted {
            self.cut = Some(CutReason::Inconsistent);
            return true;
        }
        self.restarted = true;
        self.keys.clear();
        self.seen.clear();
        (self.passed, self.odd, self.repeated, self.total) = (0, 0, 0, None);
        self.next = self.first.unwrap_or(1);
        false
    }

    /// Ends with an error: a cut listing if there is something to show.
    fn fail(mut self, error: SiteError) -> Result<Listing, SiteError> {
        if self.keys.is_empty() || error == SiteError::Http(HttpError::Stopped) {
            return Err(error);
        }
        let limited = matches!(error.trouble(), SiteTrouble::RateLimited { .. });
        self.cut = Some(if limited {
            CutReason::Limited
        } else {
            CutReason::Failed
        });
        let mut listing = self.close();
        listing.failed = Some(error);
        Ok(listing)
    }

    fn close(mut self) -> Listing {
        // Numbers that do not add up: fewer or more than the site says it has, or rows that moved
        // from page to page meanwhile.
        let apart = self
            .total
            .is_some_and(|total| total != self.passed.saturating_sub(self.repeated));
        if self.cut.is_none() && (apart || (self.repeated > 0 && self.requests > 1)) {
            self.cut = Some(CutReason::Inconsistent);
        }
        if self.learned.zero_based == Some(true)
            && self.passed > self.first_len
            && self.first_len > 0
        {
            self.learned.page_len = u32::try_from(self.first_len).ok();
        }
        self.learned.generation = self.generation();
        Listing {
            complete: self.cut.is_none(),
            cut: self.cut,
            failed: None,
            learned: self.learned,
            odd: self.odd,
            keys: self.keys,
        }
    }

    /// What the list shows of New API's generation: stars since d67f446b6, `auto_groups` since
    /// 0ab020206, which is after the JWT.
    fn generation(&self) -> Option<Generation> {
        if !self.place.kind.habits().generations {
            return None;
        }
        if self.jwt_era {
            return Some(Generation::Jwt);
        }
        match self.place.quirks.generation {
            // A site goes on to the next generation and never back.
            Some(Generation::Jwt) => Some(Generation::Jwt),
            Some(Generation::MaskedCookie | Generation::Unmasked) | None => {
                let masked = self.keys.iter().any(|key| key.masked.is_some());
                let full = self.keys.iter().any(|key| key.full.is_some());
                match (masked, full) {
                    (true, _) => Some(Generation::MaskedCookie),
                    (false, true) => Some(Generation::Unmasked),
                    (false, false) => None,
                }
            }
        }
    }
}
