//! What is typed into the form of a key: read and checked here, by the page while it is typed and
//! by the worker before anything is sent. No server read so far checks all of it by itself.

use relaykeep_protocol::{
    AddressRule, Expiry, FieldProblem, KeyAbilities, KeyField, KeyPatch, KeyValues, ModelLimit,
    Quota, ShownAs, Unit, Windows,
};
use std::net::IpAddr;

/// The group whose keys go through other groups in turn. Only its keys can have
/// `cross_group_retry` and groups of their own (New API controller/token.go at e2c7aa7b).
pub const AUTO_GROUP: &str = "auto";

/// What a key will be set to.
#[must_use]
pub fn patched(values: &KeyValues, patch: &KeyPatch) -> KeyValues {
    let KeyPatch {
        name,
        quota,
        expires,
        models,
        addresses,
        denied,
        windows,
        group,
        cross_group_retry,
        auto_groups,
        enabled,
    } = patch.clone();
    KeyValues {
        name: name.unwrap_or_else(|| values.name.clone()),
        quota: quota.unwrap_or(values.quota),
        expires: match expires {
            None => values.expires,
            Some(Expiry::Never) => None,
            Some(Expiry::At(at)) => Some(at),
        },
        models: match models {
            None => values.models.clone(),
            Some(ModelLimit::Any) => None,
            Some(ModelLimit::Only(models)) => Some(models),
        },
        addresses: addresses.unwrap_or_else(|| values.addresses.clone()),
        denied: denied.unwrap_or_else(|| values.denied.clone()),
        windows: windows.unwrap_or(values.windows),
        group: group.unwrap_or_else(|| values.group.clone()),
        cross_group_retry: cross_group_retry.unwrap_or(values.cross_group_retry),
        auto_groups: match auto_groups {
            None => values.auto_groups.clone(),
            Some(list) => Some(list).filter(|list| !list.is_empty()),
        },
        enabled: enabled.unwrap_or(values.enabled),
    }
}

/// Whether a site with these abilities can take this change. The first field that does not fit.
///
/// # Errors
/// The field, and what is wrong with it.
pub fn check_patch(patch: &KeyPatch, can: &KeyAbilities) -> Result<(), (KeyField, FieldProblem)> {
    if let Some(name) = &patch.name {
        check_name(name, can).map_err(at(KeyField::Name))?;
    }
    if let Some(quota) = patch.quota {
        check_quota(quota, can).map_err(at(KeyField::Quota))?;
    }
    if let Some(Expiry::At(second)) = patch.expires {
        check_expiry(second).map_err(at(KeyField::Expires))?;
    }
    if let Some(ModelLimit::Only(models)) = &patch.models {
        check_models(models, can).map_err(at(KeyField::Models))?;
    }
    if let Some(addresses) = &patch.addresses {
        addresses_for(addresses, can.addresses).map_err(at(KeyField::Addresses))?;
    }
    if let Some(denied) = &patch.denied {
        check_denied(denied, can).map_err(at(KeyField::Denied))?;
    }
    if let Some(windows) = patch.windows {
        check_windows(windows, can).map_err(at(KeyField::Windows))?;
    }
    if let Some(group) = &patch.group {
        offered(can.groups || group.is_empty()).map_err(at(KeyField::Group))?;
    }
    if patch.cross_group_retry == Some(true) {
        offered(can.cross_group_retry).map_err(at(KeyField::CrossGroupRetry))?;
    }
    if let Some(groups) = patch.auto_groups.as_deref().filter(|list| !list.is_empty()) {
        check_auto_groups(groups, can).map_err(at(KeyField::AutoGroups))?;
    }
    Ok(())
}

/// Whether a site with these abilities can hold a key set to this. The first field that does not
/// fit.
///
/// # Errors
/// The field, and what is wrong with it.
pub fn check_values(
    values: &KeyValues,
    can: &KeyAbilities,
) -> Result<(), (KeyField, FieldProblem)> {
    check_name(&values.name, can).map_err(at(KeyField::Name))?;
    check_quota(values.quota, can).map_err(at(KeyField::Quota))?;
    if let Some(second) = values.expires {
        check_expiry(second).map_err(at(KeyField::Expires))?;
    }
    if let Some(models) = &values.models {
        check_models(models, can).map_err(at(KeyField::Models))?;
    }
    addresses_for(&values.addresses, can.addresses).map_err(at(KeyField::Addresses))?;
    check_denied(&values.denied, can).map_err(at(KeyField::Denied))?;
    check_windows(values.windows, can).map_err(at(KeyField::Windows))?;
    offered(can.groups || values.group.is_empty()).map_err(at(KeyField::Group))?;
    let auto = values.group == AUTO_GROUP;
    offered((auto && can.cross_group_retry) || !values.cross_group_retry)
        .map_err(at(KeyField::CrossGroupRetry))?;
    if let Some(groups) = &values.auto_groups {
        offered(auto).map_err(at(KeyField::AutoGroups))?;
        check_auto_groups(groups, can).map_err(at(KeyField::AutoGroups))?;
    }
    Ok(())
}

/// The fields set here that a site with these abilities cannot do: what a key loses, or must have
/// changed, before it can be made there.
#[must_use]
pub fn fits(values: &KeyValues, can: &KeyAbilities) -> Vec<KeyField> {
    let lacking = [
        (KeyField::Name, check_name(&values.name, can).is_err()),
        (KeyField::Quota, check_quota(values.quota, can).is_err()),
        (
            KeyField::Models,
            values
                .models
                .as_ref()
                .is_some_and(|models| check_models(models, can).is_err()),
        ),
        (
            KeyField::Addresses,
            addresses_for(&values.addresses, can.addresses).is_err(),
        ),
        (KeyField::Denied, check_denied(&values.denied, can).is_err()),
        (
            KeyField::Windows,
            check_windows(values.windows, can).is_err(),
        ),
        (KeyField::Group, !can.groups && !values.group.is_empty()),
        (
            KeyField::CrossGroupRetry,
            values.cross_group_retry && !can.cross_group_retry,
        ),
        (
            KeyField::AutoGroups,
            values.auto_groups.is_some() && !can.auto_groups,
        ),
    ];
    lacking
        .into_iter()
        .filter_map(|(field, lacks)| lacks.then_some(field))
        .collect()
}

/// What every one of these sites can do. None: nothing can be said.
#[must_use]
pub fn common(all: &[KeyAbilities]) -> Option<KeyAbilities> {
    let (first, rest) = all.split_first()?;
    Some(rest.iter().fold(first.clone(), |can, other| KeyAbilities {
        name_bytes: can.name_bytes.min(other.name_bytes),
        most_quota: match (can.most_quota, other.most_quota) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        },
        models: can.models && other.models,
        // A plain address can be written for every site, so plain ones are what all share.
        addresses: match (can.addresses, other.addresses) {
            (AddressRule::None, _) | (_, AddressRule::None) => AddressRule::None,
            (AddressRule::PlainOnly, _) | (_, AddressRule::PlainOnly) => AddressRule::PlainOnly,
            (AddressRule::NetworksOnly, _) | (_, AddressRule::NetworksOnly) => {
                AddressRule::NetworksOnly
            }
            (AddressRule::Any, AddressRule::Any) => AddressRule::Any,
        },
        html_names: can.html_names || other.html_names,
        zero_is_unlimited: can.zero_is_unlimited || other.zero_is_unlimited,
        denied: can.denied && other.denied,
        windows: can.windows && other.windows,
        groups: can.groups && other.groups,
        cross_group_retry: can.cross_group_retry && other.cross_group_retry,
        auto_groups: can.auto_groups && other.auto_groups,
    }))
}

/// Addresses and networks as typed, split at commas, semicolons, blanks and line ends, as a site
/// with this rule wants them. The same one twice is kept once.
///
/// # Errors
/// [`FieldProblem::Unreadable`] if any is none, [`FieldProblem::NoNetworks`] if the site's keys
/// take plain addresses only.
pub fn read_addresses(typed: &str, rule: AddressRule) -> Result<Vec<String>, FieldProblem> {
    let mut seen: Vec<(IpAddr, u8)> = Vec::new();
    let mut addresses = Vec::new();
    for word in address_words(typed) {
        let (address, bits, text) = read_address(word, rule)?;
        if !seen.contains(&(address, bits)) {
            seen.push((address, bits));
            addresses.push(text);
        }
    }
    Ok(addresses)
}

/// The words of [`read_addresses`] that it refuses, in their order: what to point at.
#[must_use]
pub fn bad_addresses(typed: &str, rule: AddressRule) -> Vec<&str> {
    address_words(typed)
        .filter(|word| read_address(word, rule).is_err())
        .collect()
}

/// Addresses as a site with this rule wants them written. What one site calls `10.0.0.1` and
/// another `10.0.0.1/32` is the same.
///
/// # Errors
/// As [`read_addresses`].
pub fn addresses_for(addresses: &[String], rule: AddressRule) -> Result<Vec<String>, FieldProblem> {
    addresses
        .iter()
        .map(|text| read_address(text, rule).map(|(_, _, text)| text))
        .collect()
}

/// An amount typed in the site's own unit, as raw quota, to the nearest whole. Takes `1.5`, `1,5`,
/// `1,234.5` and `1.234,5`, with or without the currency; `1,234` is a thousand and more.
///
/// # Errors
/// Not a number, below zero, or beyond every quota.
pub fn read_amount(typed: &str, unit: &Unit) -> Result<i64, FieldProblem> {
    let (symbol, rate) = match &unit.shown_as {
        ShownAs::Usd => ("$", 1.0),
        ShownAs::Cny { rate } => ("¥", *rate),
        ShownAs::Custom { symbol, rate } => (symbol.as_str(), *rate),
        ShownAs::Tokens => {
            let typed = Fraction::read(&plain_number(typed, "")?)?;
            return match typed.over {
                1 => i64::try_from(typed.top).map_err(|_| TOO_MUCH),
                _ => Err(FieldProblem::Unreadable),
            };
        }
    };
    let typed = Fraction::read(&plain_number(typed, symbol)?)?;
    let per_unit = Fraction::of(unit.per_dollar)
        .and_then(|per_dollar| per_dollar.times(Fraction::of(rate)?.inverted()?));
    let raw = per_unit.and_then(|per_unit| typed.times(per_unit));
    raw.and_then(Fraction::rounded).ok_or(TOO_MUCH)
}

/// Raw quota as text in the site's own unit, which [`read_amount`] reads as exactly that.
#[must_use]
pub fn write_amount(raw: i64, unit: &Unit) -> String {
    let rate = match &unit.shown_as {
        ShownAs::Usd => 1.0,
        ShownAs::Cny { rate } | ShownAs::Custom { rate, .. } => *rate,
        ShownAs::Tokens => return raw.to_string(),
    };
    let value = Fraction::of(unit.per_dollar)
        .and_then(Fraction::inverted)
        .and_then(|per_raw| per_raw.times(Fraction::of(rate)?))
        .and_then(|per_raw| {
            Fraction {
                top: i128::from(raw.max(0)),
                over: 1,
            }
            .times(per_raw)
        });
    for decimals in 0..=12 {
        let Some(text) = value.and_then(|value| value.written(decimals)) else {
            break;
        };
        if read_amount(&text, unit) == Ok(raw) {
            return text;
        }
    }
    String::new()
}

/// The names of this many new keys: `{n}` is the number of each. Several without it get their
/// number at the end.
#[must_use]
pub fn names(pattern: &str, count: u32) -> Vec<String> {
    (1..=count)
        .map(|n| {
            let n = n.to_string();
            if pattern.contains("{n}") {
                pattern.replace("{n}", &n)
            } else if count == 1 {
                pattern.to_owned()
            } else if pattern.is_empty() {
                n
            } else {
                [pattern, " ", &n].concat()
            }
        })
        .collect()
}

const TOO_MUCH: FieldProblem = FieldProblem::TooMuch { most: i64::MAX };

fn at(field: KeyField) -> impl FnOnce(FieldProblem) -> (KeyField, FieldProblem) {
    move |problem| (field, problem)
}

fn offered(yes: bool) -> Result<(), FieldProblem> {
    if yes {
        Ok(())
    } else {
        Err(FieldProblem::NotOffered)
    }
}

/// Servers count bytes, not characters, and some cut what is longer.
fn check_name(name: &str, can: &KeyAbilities) -> Result<(), FieldProblem> {
    let html = |c: char| match c {
        '&' | '"' | '\'' => 5,
        '<' | '>' => 4,
        _ => c.len_utf8(),
    };
    let bytes = if can.html_names {
        name.chars().map(html).sum()
    } else {
        name.len()
    };
    let has = u32::try_from(bytes).unwrap_or(u32::MAX);
    if has > can.name_bytes {
        return Err(FieldProblem::TooLong {
            most: can.name_bytes,
            has,
        });
    }
    Ok(())
}

fn check_quota(quota: Quota, can: &KeyAbilities) -> Result<(), FieldProblem> {
    match (quota, can.most_quota) {
        (Quota::Limited(raw), _) if raw < 0 => Err(FieldProblem::Negative),
        (Quota::Limited(0), _) if can.zero_is_unlimited => Err(FieldProblem::NotOffered),
        (Quota::Limited(raw), Some(most)) if raw > most => Err(FieldProblem::TooMuch { most }),
        (Quota::Limited(_) | Quota::Unlimited, _) => Ok(()),
    }
}

fn check_denied(denied: &[String], can: &KeyAbilities) -> Result<(), FieldProblem> {
    offered(can.denied || denied.is_empty())?;
    addresses_for(denied, AddressRule::Any).map(|_| ())
}

fn check_windows(windows: Windows, can: &KeyAbilities) -> Result<(), FieldProblem> {
    offered(can.windows || windows == [0; 3])?;
    let most = can.most_quota.unwrap_or(i64::MAX);
    if windows.iter().any(|amount| *amount < 0) {
        Err(FieldProblem::Negative)
    } else if windows.iter().any(|amount| *amount > most) {
        Err(FieldProblem::TooMuch { most })
    } else {
        Ok(())
    }
}

/// Zero and -1 mean other things at the servers, and four-digit years are all that dates can show.
fn check_expiry(second: i64) -> Result<(), FieldProblem> {
    const YEAR_10000: i64 = 253_402_300_800;
    match second {
        i64::MIN..=0 => Err(FieldProblem::Negative),
        1..YEAR_10000 => Ok(()),
        _ => Err(FieldProblem::TooMuch {
            most: YEAR_10000 - 1,
        }),
    }
}

/// Names are joined with commas and split again without trimming: a comma makes two of one, and a
/// blank at an end makes a name that no model has (New API model/token.go at e2c7aa7b).
fn check_models(models: &[String], can: &KeyAbilities) -> Result<(), FieldProblem> {
    offered(can.models)?;
    if models.is_empty() || models.iter().any(String::is_empty) {
        return Err(FieldProblem::Empty);
    }
    for model in models {
        if model.contains(',') {
            return Err(FieldProblem::Comma);
        }
        if model.trim() != model || model.contains(char::is_control) {
            return Err(FieldProblem::Unreadable);
        }
    }
    Ok(())
}

fn check_auto_groups(groups: &[String], can: &KeyAbilities) -> Result<(), FieldProblem> {
    offered(can.auto_groups)?;
    if groups.is_empty() || groups.iter().any(String::is_empty) {
        return Err(FieldProblem::Empty);
    }
    // The server wants each once (New API controller/token.go at e2c7aa7b).
    for (index, group) in groups.iter().enumerate() {
        if groups[..index].contains(group) {
            return Err(FieldProblem::Unreadable);
        }
    }
    Ok(())
}

fn address_words(typed: &str) -> impl Iterator<Item = &str> {
    typed
        .split(|c: char| c.is_whitespace() || ",;，；、".contains(c))
        .filter(|word| !word.is_empty())
}

/// An address or network: what it is, and how this site wants it written.
fn read_address(word: &str, rule: AddressRule) -> Result<(IpAddr, u8, String), FieldProblem> {
    let (plain, bits) = match word.split_once('/') {
        None => (word, None),
        Some((plain, bits)) => {
            // `parse` alone would take "+8".
            if !bits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(FieldProblem::Unreadable);
            }
            let bits: u8 = bits.parse().map_err(|_| FieldProblem::Unreadable)?;
            (plain, Some(bits))
        }
    };
    let address: IpAddr = plain.parse().map_err(|_| FieldProblem::Unreadable)?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let width = bits.unwrap_or(widest);
    if width > widest {
        return Err(FieldProblem::Unreadable);
    }
    let text = match (rule, bits) {
        (AddressRule::Any, None) => plain.to_owned(),
        (AddressRule::Any, Some(_)) | (AddressRule::NetworksOnly, _) => {
            [plain, "/", &width.to_string()].concat()
        }
        // A network of one is that one.
        (AddressRule::PlainOnly, _) if width == widest => plain.to_owned(),
        (AddressRule::PlainOnly, _) => return Err(FieldProblem::NoNetworks),
        (AddressRule::None, _) => return Err(FieldProblem::NotOffered),
    };
    Ok((address, width, text))
}

/// A number as people type it, as digits with at most one point.
fn plain_number(typed: &str, symbol: &str) -> Result<String, FieldProblem> {
    let typed = typed.trim().trim_start_matches('￥');
    let typed = typed.strip_prefix(symbol).unwrap_or(typed);
    let typed = typed.strip_suffix(symbol).unwrap_or(typed).trim();
    if typed.starts_with(['-', '−', '－']) {
        return Err(FieldProblem::Negative);
    }
    let typed: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && !"'’_".contains(*c))
        .map(|c| match c {
            // What Chinese and Japanese keyboards make of these.
            '０'..='９' => {
                char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c)
            }
            '．' | '。' => '.',
            '，' | '、' => ',',
            other => other,
        })
        .collect();
    let (points, commas) = (typed.matches('.').count(), typed.matches(',').count());
    let last = typed.rfind(['.', ',']);
    let whole_end = match last {
        None => None,
        Some(last) => {
            let mark = typed.as_bytes()[last];
            let thousand = typed.len() - last == 4 && last <= 3 && !typed.starts_with(['0', ',']);
            match (points, commas) {
                (1, 0) => Some(last),
                (0, 1) if thousand => None,
                (0, 1) => Some(last),
                // Twice the same: it parts thousands. Two kinds: the last one is the point.
                (0, _) | (_, 0) => None,
                (1, _) if mark == b'.' => Some(last),
                (_, 1) if mark == b',' => Some(last),
                _ => return Err(FieldProblem::Unreadable),
            }
        }
    };
    let (whole, rest) = match whole_end {
        Some(end) => (&typed[..end], &typed[end + 1..]),
        None => (typed.as_str(), ""),
    };
    let mut groups = whole.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || !(1..=3).contains(&first.len()) {
            return Err(FieldProblem::Unreadable);
        }
        digits.push_str(group);
    }
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() + rest.len() == 0 || !all_digits(&digits) || !all_digits(rest) {
        return Err(FieldProblem::Unreadable);
    }
    digits.push('.');
    digits.push_str(rest);
    Ok(digits)
}

/// A number that is exactly what was typed; `over` is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fraction {
    top: i128,
    over: i128,
}

impl Fraction {
    /// Of digits with one point.
    fn read(digits: &str) -> Result<Self, FieldProblem> {
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
        let rest = rest.trim_end_matches('0');
        let over = u32::try_from(rest.len())
            .ok()
            .and_then(|decimals| 10_i128.checked_pow(decimals))
            .ok_or(FieldProblem::Unreadable)?;
        let top = [whole, rest].concat().parse().or_else(|_| {
            if whole.len() + rest.len() == 0 {
                Ok(0)
            } else {
                Err(TOO_MUCH)
            }
        })?;
        Ok(Self { top, over }.reduced())
    }

    /// Of a rate as its site wrote it: the shortest digits that mean it, not its binary rounding.
    fn of(rate: f64) -> Option<Self> {
        (rate.is_finite() && rate > 0.0)
            .then(|| Self::read(&rate.to_string()).ok())
            .flatten()
    }

    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.top, self.over);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self {
            top: self.top / a,
            over: self.over / a,
        }
    }

    fn inverted(self) -> Option<Self> {
        (self.top > 0).then_some(Self {
            top: self.over,
            over: self.top,
        })
    }

    fn times(self, other: Self) -> Option<Self> {
        // Reduced crosswise first, so that only what is really large overflows.
        let one = Self {
            top: self.top,
            over: other.over,
        }
        .reduced();
        let two = Self {
            top: other.top,
            over: self.over,
        }
        .reduced();
        Some(Self {
            top: one.top.checked_mul(two.top)?,
            over: one.over.checked_mul(two.over)?,
        })
    }

    fn rounded(self) -> Option<i64> {
        let doubled = self.top.checked_mul(2)?.checked_add(self.over)?;
        i64::try_from(doubled / self.over.checked_mul(2)?).ok()
    }

    /// With this many decimals at most, rounded.
    fn written(self, decimals: u32) -> Option<String> {
        let scale = 10_i128.checked_pow(decimals)?;
        let top = self.top.checked_mul(scale)?.checked_mul(2)?;
        let scaled = top.checked_add(self.over)? / self.over.checked_mul(2)?;
        let whole = (scaled / scale).to_string();
        if decimals == 0 {
            return Some(whole);
        }
        let rest = (scaled % scale + scale).to_string();
        Some([&whole, ".", &rest[1..]].concat())
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
