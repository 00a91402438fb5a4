use super::adapter;
use super::answer::{Asking, SiteError, classify};
use super::fields::fields;
use super::lax;
use super::place::Place;
use super::protocol::{self, Protocol};
use super::words;
use crate::http::{Bucket, Http, HttpResponse};
use crate::ports::Clock;
use relaykeep_protocol::{Generation, ShownAs, SiteKind, SiteTrouble, Unit};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a site says of itself to everyone, in `GET /api/status`. To be kept at least ten minutes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteFacts {
    /// How it shows amounts.
    pub unit: Unit,
    /// The name its operator gave it, cleaned for show.
    pub site_name: Option<String>,
    /// Whatever the fork writes there; shown, never relied on.
    pub version: Option<String>,
    /// Which software the fields of the answer belong to, where that is clear.
    pub kind: Option<SiteKind>,
    /// Which generation of New API at the latest, as far as this answer shows it.
    pub generation: Option<Generation>,
    /// Another product of the family, one we do not know.
    pub look_alike: bool,
}

/// Asks a site what it says of itself.
///
/// # Errors
/// When it does not answer, or is clearly another kind than it was (`KindChanged`).
pub async fn status(
    http: &impl Http,
    clock: &impl Clock,
    place: &Place,
) -> Result<SiteFacts, SiteError> {
    // These two stand in one place each and say nothing of themselves.
    if place.kind == SiteKind::AiHubMix {
        return Ok(super::aihubmix::facts());
    }
    if place.kind == SiteKind::OpenRouter {
        return Ok(super::openrouter::facts());
    }
    let response = http.send(adapter::status_request(place)).await?;
    let facts = read_status(&response, protocol::of(place.kind), clock.now())?;
    if facts
        .kind
        .is_some_and(|kind| !place.kind.may_pass_for(kind))
    {
        return Err(SiteTrouble::KindChanged { now: facts.kind }.into());
    }
    Ok(facts)
}

pub(super) fn read_status(
    response: &HttpResponse,
    protocol: Protocol,
    now: u64,
) -> Result<SiteFacts, SiteError> {
    let asking = Asking {
        bucket: Bucket::Ordinary,
        expects_auth_version: false,
        protocol,
        now,
    };
    let answer = classify(response, &asking)?;
    let bad = || SiteError::from(SiteTrouble::BadAnswer);
    if protocol == Protocol::Sub2Api {
        return super::sub2api::facts(answer.data).ok_or(SiteTrouble::NotARelay.into());
    }
    let fields = fields_of(answer.data).ok_or_else(bad)?;
    if !fields.of_the_family() {
        return Err(SiteTrouble::NotARelay.into());
    }
    Ok(fields.facts(response))
}

fields! {
    /// The fields that say how amounts are shown, and what the site calls itself.
    struct Shown {
        system_name "system_name",
        version "version",
        quota_per_unit "quota_per_unit",
        display_in_currency "display_in_currency",
        quota_display_type "quota_display_type",
        usd_exchange_rate "usd_exchange_rate",
        custom_currency_symbol "custom_currency_symbol",
        custom_currency_exchange_rate "custom_currency_exchange_rate",
    }
}

/// What `GET /api/status` answers: those fields, and the names of all there are.
pub(super) struct StatusFields<'a> {
    shown: Shown<'a>,
    names: Vec<Cow<'a, str>>,
}

pub(super) fn fields_of(data: Option<&RawValue>) -> Option<StatusFields<'_>> {
    let text = data?.get();
    let there = crate::json::entries(text).ok()?.into_iter();
    Some(StatusFields {
        shown: Shown::read(text).ok()?,
        names: there
            .filter(|(_, raw)| raw.get() != "null")
            .map(|(name, _)| name)
            .collect(),
    })
}

impl StatusFields<'_> {
    /// The two fields that every member of the family sends.
    pub(super) fn of_the_family(&self) -> bool {
        lax::number(self.shown.quota_per_unit).is_some()
            && lax::text(self.shown.system_name).is_some()
    }

    fn has(&self, names: &[&str]) -> usize {
        let there = |name: &&&str| self.names.iter().any(|one| one == **name);
        names.iter().filter(there).count()
    }

    /// The kind whose fields these are.
    pub(super) fn kind(&self) -> Option<SiteKind> {
        SiteKind::ALL.into_iter().find(|kind| {
            let marks = &kind.habits().marks;
            !marks.fields.is_empty()
                && self.has(marks.without) == 0
                && marks
                    .fields
                    .iter()
                    .all(|(names, least)| self.has(names) >= *least)
        })
    }

    /// Fields that neither New API nor One API ever had, and no kind that they all fit: another
    /// product of the family.
    pub(super) fn look_alike(&self) -> bool {
        let foreign = |kind: SiteKind, name: &str| kind.habits().marks.without.contains(&name);
        self.kind().is_none()
            && self
                .names
                .iter()
                .any(|name| foreign(SiteKind::NewApi, name) && foreign(SiteKind::OneApi, name))
    }

    pub(super) fn site_name(&self) -> Option<String> {
        lax::text(self.shown.system_name)
            .map(|name| words::name(&name))
            .filter(|name| !name.is_empty())
    }

    pub(super) fn facts(&self, response: &HttpResponse) -> SiteFacts {
        let look_alike = self.look_alike();
        let by_fields = self.kind();
        let generations = by_fields.is_some_and(|kind| kind.habits().generations);
        SiteFacts {
            unit: self.unit(),
            site_name: self.site_name(),
            version: lax::text(self.shown.version)
                .map(|text| words::name(&text))
                .filter(|text| !text.is_empty()),
            kind: by_fields.or_else(|| headed(response).next().filter(|_| !look_alike)),
            // The header X-New-Api-Version is as old as 2026-01-30 [d7c55b92b]: without it keys
            // were not masked yet. With it the list itself shows it.
            generation: (generations && headed(response).next().is_none())
                .then_some(Generation::Unmasked),
            look_alike,
        }
    }

    /// The login's token is still in `GET /api/user/self`: so until 2025-08-31 [d0d6168e2], a
    /// month before `quota_display_type` came [8294a76bc].
    pub(super) fn may_show_the_token(&self) -> bool {
        self.kind().is_some_and(|kind| kind.habits().generations)
            && self.shown.quota_display_type.is_none()
    }

    /// [e2c7aa7b setting/operation_setting/general_setting.go]
    fn unit(&self) -> Unit {
        let rate = |raw, default| {
            lax::number(raw)
                .filter(|rate| *rate > 0.0)
                .unwrap_or(default)
        };
        let shown_as = match lax::text(self.shown.quota_display_type).as_deref() {
            Some("CNY") => ShownAs::Cny {
                rate: rate(self.shown.usd_exchange_rate, 7.3),
            },
            Some("TOKENS") => ShownAs::Tokens,
            Some("CUSTOM") => ShownAs::Custom {
                symbol: lax::text(self.shown.custom_currency_symbol)
                    .map(|symbol| crate::text::one_line(&symbol, 8))
                    .filter(|symbol| !symbol.is_empty())
                    .unwrap_or_else(|| "¤".to_owned()),
                rate: rate(self.shown.custom_currency_exchange_rate, 1.0),
            },
            Some(_) => ShownAs::Usd,
            // Before 2025-09-29 and on One API a switch alone decides.
            None if lax::truth(self.shown.display_in_currency) == Some(false) => ShownAs::Tokens,
            None => ShownAs::Usd,
        };
        Unit {
            per_dollar: rate(self.shown.quota_per_unit, 500_000.0),
            shown_as,
        }
    }
}

/// The kinds whose own header an answer carries.
pub(super) fn headed(response: &HttpResponse) -> impl Iterator<Item = SiteKind> {
    SiteKind::ALL.into_iter().filter(|kind| {
        let header = kind.habits().marks.header;
        header.is_some_and(|name| response.header(name).is_some())
    })
}
