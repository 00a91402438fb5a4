use super::fields::fields;
use super::lax::{self, Raw};
use super::protocol::{self, Protocol};
use super::values::Nested;
use super::words;
use crate::secret::{ApiKey, MaskedKey, Secret};
use relaykeep_protocol::{KeyRow, RemoteId, SecretState};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// One key as a site lists it.
#[derive(Clone, Debug)]
pub struct RemoteKey {
    /// Its id at the site.
    pub id: RemoteId,
    /// What the list shows: names cleaned, the mask in our own form.
    pub row: KeyRow,
    /// The key as tools use it, with `sk-`; where the site lists it in full.
    pub full: Option<ApiKey>,
    /// The site's own mask, where it lists that.
    pub masked: Option<MaskedKey>,
    /// Models it is limited to; `None`: no limit.
    pub models: Option<Vec<String>>,
    /// Addresses it is limited to; `None`: no limit.
    pub addresses: Option<Vec<String>>,
    /// The object exactly as it was sent, for later edits without loss. A secret: where keys are
    /// not masked it holds the key.
    pub raw: Secret,
    /// A keyed fingerprint of that, once it was taken.
    pub print: String,
}

/// What a key is limited to; `None`: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Models.
    pub models: Option<Vec<String>>,
    /// Addresses it may be used from, in the server's own words.
    pub addresses: Option<Vec<String>>,
}

/// Reads the limits out of a kept raw object.
#[must_use]
pub fn limits_of(raw: &Secret) -> Limits {
    // Only the limits leave this function.
    let object = crate::json::raw(raw.expose()).ok();
    object
        .and_then(read_key)
        .map_or_else(Limits::default, |key| Limits {
            models: key.models,
            addresses: key.addresses,
        })
}

fields! {
    /// All fields are optional and of any type; a name that comes twice fails the object, because
    /// then it is not clear which key is meant.
    struct KeyData {
        id "id",
        key "key",
        status "status",
        name "name",
        created_time "created_time",
        accessed_time "accessed_time",
        expired_time "expired_time",
        remain_quota "remain_quota",
        unlimited_quota "unlimited_quota",
        used_quota "used_quota",
        group "group",
        model_limits_enabled "model_limits_enabled",
        model_limits "model_limits",
        models "models",
        allow_ips "allow_ips",
        subnet "subnet",
        setting "setting",
    }
}

/// Reads a kept raw object.
#[must_use]
pub fn read_raw(text: &str) -> Option<RemoteKey> {
    read_key(crate::json::raw(text).ok()?)
}

/// Reads one listed object. `None`: no id, or not an object of this kind at all.
pub(super) fn read_key(raw: &RawValue) -> Option<RemoteKey> {
    match protocol::of_object(raw) {
        Protocol::Family => read_family_key(raw),
        Protocol::Sub2Api => super::sub2api::read_key(raw),
        Protocol::OpenRouter => super::openrouter::read_key(raw),
    }
}

/// What a protocol of its own reads of a key.
pub(super) struct Listed {
    pub(super) id: RemoteId,
    pub(super) full: Option<ApiKey>,
    pub(super) masked: Option<MaskedKey>,
    pub(super) models: Option<Vec<String>>,
    pub(super) addresses: Option<Vec<String>>,
    /// Without what follows from the rest.
    pub(super) row: KeyRow,
}

impl Listed {
    /// With the object it was read from.
    pub(super) fn of(self, raw: &RawValue) -> Option<RemoteKey> {
        let Self {
            id,
            full,
            masked,
            models,
            addresses,
            mut row,
        } = self;
        row.id.clone_from(&id);
        row.mask = shown_mask(full.as_ref(), masked.as_ref());
        row.secret = state(full.as_ref());
        Some(RemoteKey {
            id,
            row,
            full,
            masked,
            models,
            addresses,
            raw: Secret::new(raw.get().to_owned()),
            print: String::new(),
        })
    }
}

fn shown_mask(full: Option<&ApiKey>, masked: Option<&MaskedKey>) -> String {
    match (full, masked) {
        (Some(full), _) => full.mask().as_str().to_owned(),
        (None, Some(mask)) => own_form(mask),
        (None, None) => String::new(),
    }
}

fn state(full: Option<&ApiKey>) -> SecretState {
    if full.is_some() {
        SecretState::Held
    } else {
        SecretState::Masked
    }
}

fn read_family_key(raw: &RawValue) -> Option<RemoteKey> {
    let data = KeyData::read(raw.get()).ok()?;
    let id = RemoteId(lax::id(data.id)?);
    let sent = Zeroizing::new(lax::text(data.key).unwrap_or_default());
    let masked = read_mask(&sent);
    let full = if masked.is_some() {
        None
    } else {
        read_full_key(&sent)
    };
    let unlimited = lax::truth(data.unlimited_quota).unwrap_or(false);
    let shown = |raw| {
        lax::text(raw)
            .map(|text| words::name(&text))
            .unwrap_or_default()
    };
    let row = KeyRow {
        id: id.clone(),
        name: shown(data.name),
        group: shown(data.group),
        mask: shown_mask(full.as_ref(), masked.as_ref()),
        secret: state(full.as_ref()),
        status: super::values::status(data.status),
        // On an unlimited key it counts down from 0 and means nothing (seen on all four servers).
        remaining: if unlimited {
            None
        } else {
            lax::int(data.remain_quota)
        },
        unlimited,
        used: lax::int(data.used_quota),
        expires: lax::int(data.expired_time).and_then(expiry),
        last_used: lax::int(data.accessed_time).and_then(moment),
        created: lax::int(data.created_time).and_then(moment),
        gone_since: None,
        replaced_by: None,
    };
    let (models, addresses) = match Nested::read(data.setting) {
        Some(nested) => (cleaned(nested.models), cleaned(nested.addresses)),
        None => (models(&data), addresses(&data)),
    };
    Some(RemoteKey {
        models,
        addresses,
        id,
        row,
        full,
        masked,
        raw: Secret::new(raw.get().to_owned()),
        print: String::new(),
    })
}

/// A key as sites store it has no `sk-`; the one tools use has.
pub(super) fn read_full_key(sent: &str) -> Option<ApiKey> {
    if sent.starts_with("sk-") {
        return ApiKey::read(sent);
    }
    // Too short for a key even before the prefix makes it longer.
    if sent.len() < 8 {
        return None;
    }
    ApiKey::read(&Zeroizing::new(format!("sk-{sent}")))
}

/// A mask; also one made of a letter or a dash, which would pass for a key.
fn read_mask(sent: &str) -> Option<MaskedKey> {
    const LONGEST: usize = 512;
    if sent.len() > LONGEST || sent.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    if MaskedKey::looks_masked(sent) {
        return MaskedKey::read(sent);
    }
    let (start, length, mark) = longest_run(sent);
    // Six equal letters in a row come about once in 10^8 keys by chance.
    let marks = length >= 6 && matches!(mark, b'x' | b'X' | b'#' | b'-' | b'_');
    if !marks {
        return None;
    }
    MaskedKey::read(&format!(
        "{}{}{}",
        &sent[..start],
        "*".repeat(length),
        &sent[start + length..]
    ))
}

/// The longest run of one ASCII byte: where, how long, which.
fn longest_run(text: &str) -> (usize, usize, u8) {
    let (mut best, mut start) = ((0, 0, 0), 0);
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        if bytes[at] != bytes[start] {
            start = at;
        }
        if bytes[at].is_ascii() && at + 1 - start > best.1 {
            best = (start, at + 1 - start, bytes[at]);
        }
    }
    best
}

/// A site's mask in the form we give our own, so that a row looks the same before and after.
fn own_form(mask: &MaskedKey) -> String {
    let is_mark = |c: char| matches!(c, '*' | '•' | '…' | '●' | '·' | '.');
    let bare = mask.as_str().strip_prefix("sk-").unwrap_or(mask.as_str());
    let head: String = bare.chars().take_while(|c| !is_mark(*c)).take(4).collect();
    let tail: Vec<char> = bare
        .chars()
        .rev()
        .take_while(|c| !is_mark(*c))
        .take(4)
        .collect();
    let tail: String = tail.into_iter().rev().collect();
    words::name(&format!("sk-{head}••••••••{tail}"))
}

/// Only −1 means never; 0 and anything past is over (`!= -1 && < now` on all four servers).
fn expiry(sent: i64) -> Option<i64> {
    if sent == -1 {
        None
    } else {
        Some(seconds(sent))
    }
}

/// 0 is no moment.
fn moment(sent: i64) -> Option<i64> {
    if sent <= 0 { None } else { Some(seconds(sent)) }
}

/// Seconds, also of what was sent in thousandths: as seconds, 10^11 lies in the year 5138.
fn seconds(sent: i64) -> i64 {
    const TOO_FAR: i64 = 100_000_000_000;
    let mut time = sent;
    while time >= TOO_FAR {
        time /= 1_000;
    }
    time
}

/// New API: a list and a switch, and a list without the switch is no limit. One API: a list.
fn models(data: &KeyData<'_>) -> Option<Vec<String>> {
    match lax::truth(data.model_limits_enabled) {
        // An empty list that is switched on allows nothing.
        Some(true) => Some(split(data.model_limits, &[','])),
        Some(false) => None,
        None => Some(split(data.models, &[','])).filter(|models| !models.is_empty()),
    }
}

/// New API: one address a line. One API: subnets with commas.
fn addresses(data: &KeyData<'_>) -> Option<Vec<String>> {
    let listed = if data.allow_ips.is_some() {
        split(data.allow_ips, &['\n', '\r'])
    } else {
        split(data.subnet, &[','])
    };
    (!listed.is_empty()).then_some(listed)
}

/// The hubs' lists, each name of its own.
fn cleaned(list: Option<Vec<String>>) -> Option<Vec<String>> {
    let clean = |name: &String| Some(words::name(name)).filter(|name| !name.is_empty());
    list.map(|list| list.iter().filter_map(clean).take(1_000).collect())
}

fn split(raw: Raw<'_>, at: &[char]) -> Vec<String> {
    let text = lax::text(raw).unwrap_or_default();
    text.split(at)
        .map(words::name)
        .filter(|part| !part.is_empty())
        .take(1_000)
        .collect()
}

/// The object carries a field that only the JWT era has.
pub(super) fn of_the_jwt_era(raw: &RawValue) -> bool {
    // `null` counts: the field is there.
    fields! {
        struct Mark { auto_groups "auto_groups" = null }
    }
    Mark::read(raw.get()).is_ok_and(|mark| mark.auto_groups.is_some())
}
