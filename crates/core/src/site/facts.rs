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
    match place.kind {
        SiteKind::AiHubMix => return Ok(super::aihubmix::facts()),
        SiteKind::OpenRouter => return Ok(super::openrouter::facts()),
        SiteKind::NewApi | SiteKind::OneApi | SiteKind::Sub2Api => {}
    }
    let response = http.send(adapter::status_request(place)).await?;
    let facts = read_status(&response, protocol::of(place.kind), clock.now())?;
    if facts.kind.is_some_and(|kind| kind != place.kind) {
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
    Ok(fields.facts(response.header("x-new-api-version").is_some()))
}

fields! {
    /// The fields that tell kinds and units apart; the rest of the answer is not looked at.
    pub(super) struct StatusFields {
        system_name "system_name",
        version "version",
        quota_per_unit "quota_per_unit",
        display_in_currency "display_in_currency",
        quota_display_type "quota_display_type",
        usd_exchange_rate "usd_exchange_rate",
        custom_currency_symbol "custom_currency_symbol",
        custom_currency_exchange_rate "custom_currency_exchange_rate",
        setup "setup",
        chats "chats",
        price "price",
        self_use_mode_enabled "self_use_mode_enabled",
        lark_client_id "lark_client_id",
        check_in_enabled "check_in_enabled",
        payment_usd_rate "PaymentUSDRate",
        enable_safe "EnableSafe",
        uptime_enabled "UptimeEnabled",
        invite_code_register "invite_code_register",
        gemini_api_enabled "GeminiAPIEnabled",
    }
}

pub(super) fn fields_of(data: Option<&RawValue>) -> Option<StatusFields<'_>> {
    StatusFields::read(data?.get()).ok()
}

impl StatusFields<'_> {
    /// The two fields that every member of the family sends.
    pub(super) fn of_the_family(&self) -> bool {
        lax::number(self.quota_per_unit).is_some() && lax::text(self.system_name).is_some()
    }

    /// Fields that New API has had since before April 2025 and One API never had
    /// [ef8ae4db, 8df4a267 controller/misc.go].
    pub(super) fn new_api(&self) -> bool {
        [
            self.setup,
            self.chats,
            self.price,
            self.self_use_mode_enabled,
        ]
        .iter()
        .flatten()
        .count()
            >= 2
            && self.lark_client_id.is_none()
    }

    /// Its own field, and none of New API's.
    pub(super) fn one_api(&self) -> bool {
        self.lark_client_id.is_some()
            && [self.setup, self.chats, self.price]
                .iter()
                .all(Option::is_none)
    }

    /// Fields that only other members of the family send: Veloera's `check_in_enabled`
    /// [8117f302 controller/misc.go], and those of one-hub and done-hub
    /// [387f8bf1, 42841b35 controller/misc.go].
    pub(super) fn look_alike(&self) -> bool {
        [
            self.check_in_enabled,
            self.payment_usd_rate,
            self.enable_safe,
            self.uptime_enabled,
            self.invite_code_register,
            self.gemini_api_enabled,
        ]
        .iter()
        .any(Option::is_some)
    }

    pub(super) fn site_name(&self) -> Option<String> {
        lax::text(self.system_name)
            .map(|name| words::name(&name))
            .filter(|name| !name.is_empty())
    }

    pub(super) fn facts(&self, versioned: bool) -> SiteFacts {
        let new_api = self.new_api() || versioned;
        SiteFacts {
            unit: self.unit(),
            site_name: self.site_name(),
            version: lax::text(self.version)
                .map(|text| words::name(&text))
                .filter(|text| !text.is_empty()),
            kind: match (new_api, self.one_api()) {
                _ if self.look_alike() => None,
                (true, _) => Some(SiteKind::NewApi),
                (false, true) => Some(SiteKind::OneApi),
                (false, false) => None,
            },
            // The header X-New-Api-Version is as old as 2026-01-30 [d7c55b92b]: without it keys
            // were not masked yet. With it the list itself shows it.
            generation: (self.new_api() && !versioned).then_some(Generation::Unmasked),
            look_alike: self.look_alike(),
        }
    }

    /// The login's token is still in `GET /api/user/self`: so until 2025-08-31 [d0d6168e2], a
    /// month before `quota_display_type` came [8294a76bc].
    pub(super) fn may_show_the_token(&self) -> bool {
        self.new_api() && self.quota_display_type.is_none()
    }

    /// [e2c7aa7b setting/operation_setting/general_setting.go]
    fn unit(&self) -> Unit {
        let rate = |raw, default| {
            lax::number(raw)
                .filter(|rate| *rate > 0.0)
                .unwrap_or(default)
        };
        let shown_as = match lax::text(self.quota_display_type).as_deref() {
            Some("CNY") => ShownAs::Cny {
                rate: rate(self.usd_exchange_rate, 7.3),
            },
            Some("TOKENS") => ShownAs::Tokens,
            Some("CUSTOM") => ShownAs::Custom {
                symbol: lax::text(self.custom_currency_symbol)
                    .map(|symbol| crate::text::one_line(&symbol, 8))
                    .filter(|symbol| !symbol.is_empty())
                    .unwrap_or_else(|| "¤".to_owned()),
                rate: rate(self.custom_currency_exchange_rate, 1.0),
            },
            Some(_) => ShownAs::Usd,
            // Before 2025-09-29 and on One API a switch alone decides.
            None if lax::truth(self.display_in_currency) == Some(false) => ShownAs::Tokens,
            None => ShownAs::Usd,
        };
        Unit {
            per_dollar: rate(self.quota_per_unit, 500_000.0),
            shown_as,
        }
    }
}
