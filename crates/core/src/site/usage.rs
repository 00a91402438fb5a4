//! What one key spent: from its account's logs, and from the key alone.

use super::adapter;
use super::answer::{Asking, SiteError, classify, readable};
use super::change::Visit;
use super::fields::fields;
use super::lax::{self, Capped};
use super::place::Place;
use super::protocol::{self, Protocol};
use super::words;
use crate::http::{Bound, Bucket, Http};
use crate::ports::Clock;
use crate::secret::{ApiKey, Secret};
use crate::sorted::SortedMap;
use relaykeep_protocol::{KeyRow, KeyUsage, ShownAs, SiteTrouble, Unit, UsageLine, UsageTotals};
use serde_json::value::RawValue;

/// Ten pages tell enough, and more would eat into the site's limit.
const MOST_PAGES: u32 = 10;
const DAY: i64 = 24 * 3600;

fields! {
    struct PageData { items "items" = null, data "data" = null }
}

fields! {
    struct Line {
        created_at "created_at",
        model_name "model_name",
        token_name "token_name",
        token_id "token_id",
        quota "quota",
    }
}

/// Calls and quota, by day and model.
type Days = SortedMap<(i64, String), (u32, i64)>;

fn add(days: &mut Days, at: i64, model: String, quota: i64) {
    let sum = days.entry((at - at.rem_euclid(DAY), model)).or_default();
    sum.0 += 1;
    sum.1 = sum.1.saturating_add(quota);
}

/// What the key of this name spent since then (seconds since 1970), by day and model. Where logs
/// carry the key's id, keys of the same name are told apart.
///
/// # Errors
/// When the site does not say.
pub async fn key_usage(
    site: &Visit<'_, impl Http, impl Clock>,
    id: &str,
    name: &str,
    since: i64,
) -> Result<KeyUsage, SiteError> {
    let mut days = Days::new();
    let sub2api = protocol::of(site.place.kind) == Protocol::Sub2Api;
    let mut cut = true;
    for page in 0..MOST_PAGES {
        let whose = (id, name);
        let Some(request) = adapter::logs_request(site.place, site.login, whose, since, page)
        else {
            // No log to be cut.
            cut = false;
            break;
        };
        let response = site.http.send(request).await?;
        let answer = classify(&response, &site.asking())?;
        let bad = || SiteError::from(SiteTrouble::BadAnswer);
        let data = answer.data.map_or("null", RawValue::get);
        let items = if data.starts_with('{') {
            let page = PageData::read(data).map_err(|_| bad())?;
            page.items.or(page.data).ok_or_else(bad)?.get()
        } else {
            data
        };
        let listed = Capped::read(items).map_err(|_| bad())?;
        for raw in &listed.items {
            if sub2api {
                let Some((at, model, cost)) = super::sub2api::log_line(raw) else {
                    continue;
                };
                if at >= since {
                    add(&mut days, at, model, cost);
                }
                continue;
            }
            let Ok(line) = Line::read(raw.get()) else {
                continue;
            };
            let other = lax::id(line.token_id).is_some_and(|own| own != "0" && own != id)
                || lax::text(line.token_name).is_some_and(|own| own != name);
            let Some(at) = lax::int(line.created_at).filter(|at| !other && *at >= since) else {
                continue;
            };
            let model = words::name(&lax::text(line.model_name).unwrap_or_default());
            add(&mut days, at, model, lax::int(line.quota).unwrap_or(0));
        }
        if listed.count < site.place.kind.habits().log_page_len {
            cut = false;
            break;
        }
    }
    let days = days
        .into_iter()
        .map(|((day, model), (calls, quota))| UsageLine {
            day,
            model,
            calls,
            quota,
        })
        .collect();
    Ok(KeyUsage {
        days,
        cut,
        totals: None,
    })
}

/// What a key says of its own quota, where its kind of site can be asked that with the key.
///
/// # Errors
/// When the site does not say.
pub async fn key_totals(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    key: &ApiKey,
) -> Result<Option<UsageTotals>, SiteError> {
    fields! {
        struct Whole { data "data" }
    }
    if !place.kind.habits().key_usage {
        return Ok(None);
    }
    let bound = Bound {
        // Sent to the site that issued it.
        secret: Secret::new(key.expose().to_owned()),
        origins: vec![place.base.origin().to_owned()],
    };
    let response = http.send(adapter::key_usage_request(place, bound)).await?;
    let spoken = protocol::of(place.kind);
    // Its envelope has no `success` (seen on e2c7aa7b).
    let text = readable(&response.body).filter(|_| response.status == 200);
    let whole = text.and_then(|text| Whole::read(text).ok());
    let data = whole.and_then(|whole| whole.data);
    let totals = match spoken {
        Protocol::Family => data.and_then(|data| family_totals(data.get())),
        Protocol::Sub2Api => text.and_then(super::sub2api::totals),
        Protocol::OpenRouter => super::openrouter::totals(data),
    };
    let Some(totals) = totals else {
        let asking = Asking {
            bucket: Bucket::Critical,
            expects_auth_version: false,
            protocol: spoken,
            now: clock.now(),
        };
        return match classify(&response, &asking) {
            Err(SiteError::Trouble(SiteTrouble::Absent | SiteTrouble::NotARelay, _)) => Ok(None),
            Err(error) => Err(error),
            Ok(_) => Err(SiteTrouble::BadAnswer.into()),
        };
    };
    Ok(Some(totals))
}

fn family_totals(data: &str) -> Option<UsageTotals> {
    fields! {
        struct Totals {
            total_granted "total_granted",
            total_used "total_used",
            total_available "total_available",
            unlimited_quota "unlimited_quota",
        }
    }
    let totals = Totals::read(data).ok()?;
    let number = |raw| lax::int(raw).unwrap_or(0);
    Some(UsageTotals {
        granted: number(totals.total_granted),
        used: number(totals.total_used),
        left: number(totals.total_available),
        unlimited: lax::truth(totals.unlimited_quota).unwrap_or(false),
        of_account: false,
    })
}

/// What a site bills an unlimited key as [QuantumNous/new-api e2c7aa7b controller/billing.go;
/// songquanpeng/one-api 8df4a267 the same].
const BILLED_UNLIMITED: f64 = 100_000_000.0;

/// The same in the form of OpenAI's billing, for sites that cannot say more. Many answer with the
/// whole account's numbers (`DisplayTokenStatEnabled` off): what was granted tells that, which
/// spending does not change.
///
/// # Errors
/// When the site does not say.
pub async fn key_billing(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
    key: &ApiKey,
    row: &KeyRow,
    unit: &Unit,
) -> Result<Option<UsageTotals>, SiteError> {
    fields! {
        struct Billing {
            hard_limit_usd "hard_limit_usd",
            total_usage "total_usage",
        }
    }
    // As the site shows amounts; an own currency stays plain dollars here (recorded 505, 506).
    let raw = match unit.shown_as {
        ShownAs::Tokens => 1.0,
        ShownAs::Usd | ShownAs::Custom { .. } => unit.per_dollar,
        ShownAs::Cny { rate } => unit.per_dollar / rate,
    };
    let mut amounts = [0.0; 2];
    for (amount, what) in amounts.iter_mut().zip(["subscription", "usage"]) {
        let path = format!("/v1/dashboard/billing/{what}");
        let bound = Bound {
            // Sent to the site that issued it.
            secret: Secret::new(key.expose().to_owned()),
            origins: vec![place.base.origin().to_owned()],
        };
        let response = http
            .send(adapter::billing_request(place, bound, &path))
            .await?;
        let billing = readable(&response.body).and_then(|text| Billing::read(text).ok());
        let said = billing
            .filter(|_| response.status == 200)
            .and_then(|billing| lax::number(billing.hard_limit_usd.or(billing.total_usage)));
        let Some(said) = said else {
            let asking = Asking {
                bucket: Bucket::Ordinary,
                expects_auth_version: false,
                protocol: protocol::of(place.kind),
                now: clock.now(),
            };
            // A key that is over is refused here; that says nothing about what it spent.
            return match classify(&response, &asking) {
                Err(SiteError::Trouble(trouble @ SiteTrouble::RateLimited { .. }, said)) => {
                    Err(SiteError::Trouble(trouble, said))
                }
                Ok(_) | Err(_) => Ok(None),
            };
        };
        *amount = said;
    }
    let [granted, hundredths] = amounts;
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
    let quota = |amount: f64| (amount * raw).round() as i64;
    let held = row.remaining.zip(row.used).map(|(left, used)| left + used);
    let unlimited = row.unlimited && granted >= BILLED_UNLIMITED;
    let its =
        unlimited || !row.unlimited && held.is_some_and(|held| (quota(granted) - held).abs() <= 1);
    let (granted, used) = (quota(granted), quota(hundredths / 100.0));
    Ok(Some(UsageTotals {
        granted,
        used,
        left: granted.saturating_sub(used),
        unlimited,
        of_account: !its,
    }))
}
