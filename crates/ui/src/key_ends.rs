//! What a form says when its work did not come out as wanted.

use crate::el::{all, el};
use crate::key_fields::patch_of;
use crate::key_form::State;
use crate::key_words::{differing, end_words, field_name, field_value};
use crate::kit::{Btn, Tone, note};
use crate::words::t;
use leptos::prelude::*;
use relaykeep_protocol::{KeyEnd, KeyField, KeyPatch, KeyValues};

/// How the form's work ended, if not well.
#[derive(Clone, PartialEq)]
pub(crate) enum Verdict {
    /// In words.
    Wrong(String),
    /// The key's own end.
    End(KeyEnd),
    /// The site says something else than the user saw.
    Differs(Box<KeyValues>),
}

/// What the site says now, if that is the trouble.
pub(crate) fn differs(verdict: Option<&Verdict>) -> Option<&KeyValues> {
    match verdict {
        Some(Verdict::Differs(now)) => Some(now),
        Some(Verdict::Wrong(_) | Verdict::End(_)) | None => None,
    }
}

/// The verdict, with what can be done.
pub(crate) fn verdict_view(state: State, verdict: Verdict) -> AnyView {
    let said = match verdict {
        Verdict::Wrong(words) => note(Tone::Bad, words, Vec::new()),
        Verdict::End(end) => {
            let unit = state
                .form
                .with_untracked(|form| form.as_ref().map(|form| form.unit.clone()));
            let tone = match end {
                KeyEnd::NotTaken(_) | KeyEnd::InDoubt | KeyEnd::MadeUnread => Tone::Warn,
                KeyEnd::Done
                | KeyEnd::AlreadySo
                | KeyEnd::DoneAfterSpending(_)
                | KeyEnd::Differs(_)
                | KeyEnd::StillExpired
                | KeyEnd::StillExhausted
                | KeyEnd::Gone
                | KeyEnd::Replaced { .. }
                | KeyEnd::Failed(..)
                | KeyEnd::NotSaved(_) => Tone::Bad,
            };
            note(tone, end_words(&end, unit.as_ref()), Vec::new())
        }
        Verdict::Differs(now) => comparison(state, *now),
    };
    el("div")
        .class("verdict stack")
        .a("role", "alert")
        .born(|said| crate::dom::after(0, move || said.scroll_into_view_with_bool(false)))
        .kid(said)
        .into_any()
}

/// What the user saw, what the site says now, what the user wants.
fn comparison(state: State, now: KeyValues) -> AnyView {
    let (before, form) = (
        state.before.get_untracked().unwrap_or_default(),
        state.form.get_untracked(),
    );
    let Some(form) = form else {
        return ().into_any();
    };
    let wish = untrack(|| state.fields.read(&form.can, &form.unit, Some(&before)))
        .unwrap_or_else(|_| before.clone());
    let patch = patch_of(&before, &wish);
    let moved = differing(&before, &now);
    let rows: Vec<AnyView> = crate::key_words::FIELDS
        .into_iter()
        .filter(|field| moved.contains(field) || touches(&patch, *field))
        .map(|field| {
            let wanted = if touches(&patch, field) {
                field_value(field, &wish, &form.unit)
            } else {
                t("as_it_is", &[])
            };
            let cells = [
                field_value(field, &before, &form.unit),
                field_value(field, &now, &form.unit),
                wanted,
            ];
            let cells: Vec<AnyView> = cells
                .into_iter()
                .map(|text| el("td").kid(text).into_any())
                .collect();
            el("tr")
                .kid(el("th").a("scope", "row").kid(field_name(field)))
                .kid(cells)
                .into_any()
        })
        .collect();
    let heads: Vec<AnyView> = ["you_saw", "at_site_now", "you_want"]
        .into_iter()
        .map(|word| el("th").a("scope", "col").kid(t(word, &[])).into_any())
        .collect();
    let (over, again) = (now.clone(), now);
    all![
        note(Tone::Warn, t("end_differs", &[]), Vec::new()),
        el("div").class("diff").kid(
            el("table")
                .kid(el("thead").kid(el("tr").kid(el("td")).kid(heads)))
                .kid(el("tbody").kid(rows)),
        ),
        el("div")
            .class("acts")
            .kid(Btn::new("start_from_site").on(move || state.start_over(again.clone())))
            .kid(
                Btn::new("write_mine")
                    .primary()
                    .on(move || state.write_over(over.clone())),
            ),
    ]
}

fn touches(patch: &KeyPatch, field: KeyField) -> bool {
    match field {
        KeyField::Name => patch.name.is_some(),
        KeyField::Quota => patch.quota.is_some(),
        KeyField::Expires => patch.expires.is_some(),
        KeyField::Models => patch.models.is_some(),
        KeyField::Addresses => patch.addresses.is_some(),
        KeyField::Denied => patch.denied.is_some(),
        KeyField::Windows => patch.windows.is_some(),
        KeyField::Group => patch.group.is_some(),
        KeyField::CrossGroupRetry => patch.cross_group_retry.is_some(),
        KeyField::AutoGroups => patch.auto_groups.is_some(),
        KeyField::Enabled => patch.enabled.is_some(),
    }
}
