//! AIHubMix (aihubmix.com): a closed fork of One API, by its public documentation (docs.aihubmix.com,
//! CLI endpoints) and what another client does with it; nobody here has an account to prove it with.

use super::facts::SiteFacts;
use super::fields::fields;
use super::key::read_full_key;
use super::lax;
use crate::secret::ApiKey;
use relaykeep_protocol::{SiteKind, Unit};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// It does not say what it is; the documented unit is One API's.
pub(super) fn facts() -> SiteFacts {
    SiteFacts {
        unit: Unit::default(),
        site_name: Some(SiteKind::AiHubMix.name().to_owned()),
        kind: Some(SiteKind::AiHubMix),
        ..SiteFacts::default()
    }
}

/// The full key in the answer to a create, wherever this build puts it.
pub(super) fn made_key(data: &RawValue) -> Option<ApiKey> {
    fields! {
        struct Made {
            full_key "full_key",
            key "key",
            token "token",
            value "value",
        }
    }
    let made = Made::read(data.get()).ok()?;
    [made.full_key, made.key, made.token, made.value]
        .into_iter()
        .filter_map(lax::text)
        .find_map(|text| read_full_key(&Zeroizing::new(text)))
}
