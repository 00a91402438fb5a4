//! Words for what keys are set to and for how the work on them ended.

use crate::troubles::{self, site_trouble};
use crate::words::{amount, exact_time, from_seconds, number, t, tn};
use relaykeep_core::text::one_line;
use relaykeep_protocol::{FieldProblem, KeyEnd, KeyField, KeyValues, Quota, Unit, WhyNot};

/// All fields, in the order they are shown.
pub(crate) const FIELDS: [KeyField; 11] = [
    KeyField::Name,
    KeyField::Quota,
    KeyField::Expires,
    KeyField::Group,
    KeyField::CrossGroupRetry,
    KeyField::AutoGroups,
    KeyField::Models,
    KeyField::Addresses,
    KeyField::Denied,
    KeyField::Windows,
    KeyField::Enabled,
];

/// A field's name.
pub(crate) fn field_name(field: KeyField) -> String {
    t(
        match field {
            KeyField::Name => "key_name",
            KeyField::Quota => "key_quota",
            KeyField::Expires => "expires",
            KeyField::Models => "models",
            KeyField::Addresses => "allowed_addresses",
            KeyField::Denied => "denied_addresses",
            KeyField::Windows => "spending_windows",
            KeyField::Group => "group",
            KeyField::CrossGroupRetry => "cross_group_retry",
            KeyField::AutoGroups => "auto_groups",
            KeyField::Enabled => "key_enabled",
        },
        &[],
    )
}

/// Several, in a row.
pub(crate) fn field_names(fields: &[KeyField]) -> String {
    let names: Vec<String> = fields.iter().map(|field| field_name(*field)).collect();
    names.join(", ")
}

/// What a field is set to, on one line.
pub(crate) fn field_value(field: KeyField, values: &KeyValues, unit: &Unit) -> String {
    let list = |list: &[String]| one_line(&list.join(", "), 400);
    let yes = |on: bool| t(if on { "yes" } else { "no" }, &[]);
    match field {
        KeyField::Name => one_line(&values.name, 200),
        KeyField::Quota => match values.quota {
            Quota::Unlimited => t("unlimited", &[]),
            Quota::Limited(raw) => amount(raw, unit),
        },
        KeyField::Expires => values
            .expires
            .map_or_else(|| t("never", &[]), |at| exact_time(from_seconds(at))),
        KeyField::Models => match &values.models {
            None => t("no_limit", &[]),
            Some(models) if models.is_empty() => t("no_models", &[]),
            Some(models) => list(models),
        },
        KeyField::Addresses if values.addresses.is_empty() => t("no_limit", &[]),
        KeyField::Addresses => list(&values.addresses),
        KeyField::Denied if values.denied.is_empty() => t("no_limit", &[]),
        KeyField::Denied => list(&values.denied),
        KeyField::Windows => {
            let shown = values.windows.map(|most| match most {
                0 => t("no_limit", &[]),
                most => amount(most, unit),
            });
            t("windows_value", &[&shown[0], &shown[1], &shown[2]])
        }
        KeyField::Group if values.group.is_empty() => t("group_own", &[]),
        KeyField::Group => one_line(&values.group, 200),
        KeyField::CrossGroupRetry => yes(values.cross_group_retry),
        KeyField::AutoGroups => match &values.auto_groups {
            None => t("auto_groups_site", &[]),
            Some(groups) => list(groups),
        },
        KeyField::Enabled => yes(values.enabled),
    }
}

/// The fields in which two settings differ.
pub(crate) fn differing(one: &KeyValues, two: &KeyValues) -> Vec<KeyField> {
    FIELDS
        .into_iter()
        .filter(|field| match field {
            KeyField::Name => one.name != two.name,
            KeyField::Quota => one.quota != two.quota,
            KeyField::Expires => one.expires != two.expires,
            KeyField::Models => one.models != two.models,
            KeyField::Addresses => one.addresses != two.addresses,
            KeyField::Denied => one.denied != two.denied,
            KeyField::Windows => one.windows != two.windows,
            KeyField::Group => one.group != two.group,
            KeyField::CrossGroupRetry => one.cross_group_retry != two.cross_group_retry,
            KeyField::AutoGroups => one.auto_groups != two.auto_groups,
            KeyField::Enabled => one.enabled != two.enabled,
        })
        .collect()
}

/// What is wrong with what was typed, and what to do.
pub(crate) fn problem(field: KeyField, problem: FieldProblem) -> String {
    let plain = |id: &str| t(id, &[]);
    match problem {
        FieldProblem::TooLong { most, has } => t("field_too_long", &[&number(most), &number(has)]),
        FieldProblem::Unreadable => plain(match field {
            KeyField::Quota | KeyField::Windows => "field_quota_unreadable",
            KeyField::Expires => "field_time_unreadable",
            KeyField::Addresses | KeyField::Denied => "field_address_unreadable",
            KeyField::Models => "field_model_blank",
            KeyField::Name
            | KeyField::Group
            | KeyField::CrossGroupRetry
            | KeyField::AutoGroups
            | KeyField::Enabled => "field_unreadable",
        }),
        FieldProblem::Negative => plain("field_negative"),
        FieldProblem::TooMuch { most } => t("field_too_much", &[&most.to_string()]),
        FieldProblem::NoNetworks => plain("field_no_networks"),
        FieldProblem::Empty => plain(match field {
            KeyField::Models => "field_no_models",
            KeyField::Name
            | KeyField::Quota
            | KeyField::Expires
            | KeyField::Addresses
            | KeyField::Denied
            | KeyField::Windows
            | KeyField::Group
            | KeyField::CrossGroupRetry
            | KeyField::AutoGroups
            | KeyField::Enabled => "field_empty",
        }),
        FieldProblem::Comma => plain("field_comma"),
        FieldProblem::NotOffered => plain("field_not_offered"),
    }
}

/// How the work on one key ended.
pub(crate) fn end_words(end: &KeyEnd, unit: Option<&Unit>) -> String {
    let plain = |id: &str| t(id, &[]);
    match end {
        KeyEnd::Done => plain("end_done"),
        KeyEnd::AlreadySo => plain("end_already"),
        KeyEnd::DoneAfterSpending(spent) => {
            let spent = unit.map_or_else(|| spent.to_string(), |unit| amount(*spent, unit));
            t("end_spent", &[&spent])
        }
        KeyEnd::NotTaken(fields) => t("end_not_taken", &[&field_names(fields)]),
        KeyEnd::Differs(_) => plain("end_differs"),
        KeyEnd::StillExpired => plain("end_expired"),
        KeyEnd::StillExhausted => plain("end_exhausted"),
        KeyEnd::Gone => plain("end_gone"),
        KeyEnd::InDoubt => plain("end_in_doubt"),
        KeyEnd::MadeUnread => plain("end_made_unread"),
        KeyEnd::Replaced {
            models: Some(models),
            ..
        } => tn("end_replaced_models", *models, &[]),
        KeyEnd::Replaced { models: None, .. } => plain("end_replaced"),
        KeyEnd::Failed(trouble, said) => match said {
            Some(said) => format!("{} “{said}”", site_trouble(trouble)),
            None => site_trouble(trouble),
        },
        KeyEnd::NotSaved(code) => troubles::error(code),
    }
}

/// How many keys nothing is done to, and why.
pub(crate) fn skipped_words(why: WhyNot, count: u32) -> String {
    tn(
        match why {
            WhyNot::Gone => "skip_gone",
            WhyNot::AlreadySo => "skip_already",
            WhyNot::NotOffered => "skip_not_offered",
            WhyNot::Unknown => "skip_unknown",
        },
        count,
        &[],
    )
}
