//! The form of a key: a new one, or one that is there. What was typed is kept until it is saved.

use crate::acts::{FormOf, by_account, follow, results, trouble_of};
use crate::app::app;
use crate::dom;
use crate::el::all;
use crate::grid;
use crate::key_ends::Verdict;
use crate::key_fields::{Fields, RAW, patch_of};
use crate::key_form_views::form_view;
use crate::key_words::end_words;
use crate::kit::dialog;
use crate::line::{ask, spawn};
use crate::local_time::now_seconds;
use crate::troubles;
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_core::form::{self, names};
use relaykeep_protocol::{
    AccountId, ErrorCode, JobId, JobView, KeyEnd, KeyForm, KeyPatch, KeyRef, KeyValues, NewKey,
    OpenKeyForm, Quota, RemoteId, StartWork, Work,
};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// So many keys are made at once.
pub(crate) const MOST_AT_ONCE: u32 = 20;
/// What the site writes for a key that has expired, and for one that is used up.
pub(crate) const EXPIRED: i64 = 3;
pub(crate) const EXHAUSTED: i64 = 4;

/// One open form.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) fields: Fields,
    pub(crate) account: RwSignal<Option<AccountId>>,
    key: StoredValue<Option<RemoteId>>,
    /// What the site's keys can be set to, and what is on offer.
    pub(crate) form: RwSignal<Option<KeyForm>>,
    /// What the key is set to as far as the user saw.
    pub(crate) before: RwSignal<Option<KeyValues>>,
    pub(crate) how_many: RwSignal<String>,
    /// A key that the site switched off is switched on again.
    pub(crate) again: RwSignal<bool>,
    /// The time lies in the past, and the user is asked whether that is meant.
    pub(crate) past: RwSignal<bool>,
    pub(crate) job: RwSignal<Option<JobId>>,
    pub(crate) busy: RwSignal<bool>,
    pub(crate) verdict: RwSignal<Option<Verdict>>,
    pub(crate) open: RwSignal<bool>,
}

/// The windows of both forms.
pub(crate) fn key_form_dialogs() -> AnyView {
    let form = app().acts.form;
    let one = |title: &'static str, new: bool| {
        let open = RwSignal::new(false);
        let mine = move |form: &Option<FormOf>| match form {
            Some(FormOf::New(_)) => new,
            Some(FormOf::Edit(_)) => !new,
            None => false,
        };
        Effect::new(move || open.set(form.with(mine)));
        Effect::new(move || {
            if !open.get() && form.with_untracked(mine) {
                form.set(None);
            }
        });
        dialog(open, title, move || match form.get_untracked() {
            Some(FormOf::New(account)) => key_form(account, None, open),
            Some(FormOf::Edit(key)) => key_form(Some(key.account), Some(key.id), open),
            None => ().into_any(),
        })
    };
    all![one("new_key", true), one("edit_key", false)]
}

fn key_form(account: Option<AccountId>, key: Option<RemoteId>, open: RwSignal<bool>) -> AnyView {
    let state = State {
        fields: Fields::new(),
        account: RwSignal::new(account),
        key: StoredValue::new(key),
        form: RwSignal::new(None),
        before: RwSignal::new(None),
        how_many: RwSignal::new("1".to_owned()),
        again: RwSignal::new(true),
        past: RwSignal::new(false),
        job: RwSignal::new(None),
        busy: RwSignal::new(false),
        verdict: RwSignal::new(None),
        open,
    };
    state.ask(true);
    form_view(state)
}

impl State {
    pub(crate) fn is_new(self) -> bool {
        self.key.with_value(Option::is_none)
    }

    /// Asks what can be set and what is on offer. `fill`: the fields say what the key is set to.
    pub(crate) fn ask(self, fill: bool) {
        let Some(account) = self.account.get_untracked() else {
            return;
        };
        let key = self.key.get_value();
        spawn(async move {
            let answer = ask(OpenKeyForm {
                account: account.clone(),
                key,
            })
            .await;
            if self.account.try_get_untracked() != Some(Some(account)) {
                return;
            }
            match answer {
                Ok(form) => self.take(form, fill),
                Err(code) => {
                    self.verdict
                        .try_set(Some(Verdict::Wrong(troubles::error(&code))));
                }
            }
        });
    }

    fn take(self, form: KeyForm, fill: bool) {
        if let Some(values) = &form.values {
            let old = self.before.get_untracked();
            let wish = untrack(|| self.wish()).and_then(Result::ok);
            if fill {
                self.fields.fill(values, &form.unit);
            } else if let (Some(old), Some(wish)) = (old, wish) {
                // What the user did not touch follows the site; only what was typed stays.
                let typed = form::patched(values, &patch_of(&old, &wish));
                self.fields.fill(&typed, &form.unit);
            }
            self.before.set(Some(values.clone()));
        }
        // The account's own group follows the account; groups of another mean nothing here.
        if self.is_new() && fill {
            self.fields.group.set(String::new());
            // The raw number counts; another site has another unit for it.
            if let Ok(raw) = form::read_amount(&self.fields.raw.get_untracked(), &RAW) {
                self.fields.amount.set(form::write_amount(raw, &form.unit));
            }
        }
        let first = self.form.with_untracked(Option::is_none);
        self.form.set(Some(form));
        if first {
            focus_on("dialog[open] .keyform fieldset input");
        }
    }

    /// What the fields ask for, or the field that does not fit. Follows every field.
    pub(crate) fn wish(self) -> Option<Result<KeyValues, ErrorCode>> {
        let (form, before) = (self.form.get()?, self.before.get());
        let wish = self.fields.read(&form.can, &form.unit, before.as_ref());
        Some(wish.map_err(|(field, problem)| ErrorCode::Field(field, problem)))
    }

    /// What the user really changes.
    pub(crate) fn patch(self, wish: &KeyValues) -> KeyPatch {
        let before = self.before.get().unwrap_or_default();
        let mut patch = patch_of(&before, wish);
        if self.mends(wish) && self.again.get() {
            patch.enabled = Some(true);
        }
        patch
    }

    /// The site switched the key off for a reason that this removes.
    pub(crate) fn mends(self, wish: &KeyValues) -> bool {
        let status = self.form.with(|form| form.as_ref().map(|form| form.status));
        let before = self.before.get().unwrap_or_default();
        match status {
            Some(EXPIRED) => {
                wish.expires != before.expires && wish.expires.is_none_or(|at| at > now_seconds())
            }
            Some(EXHAUSTED) => {
                wish.quota != before.quota && !matches!(wish.quota, Quota::Limited(raw) if raw <= 0)
            }
            Some(_) | None => false,
        }
    }

    pub(crate) fn count(self) -> u32 {
        self.how_many
            .with(|text| text.trim().parse().unwrap_or(1))
            .clamp(1, MOST_AT_ONCE)
    }

    /// Checks, asks about a time in the past, then starts the work.
    pub(crate) fn save(self) {
        if !self.busy.get_untracked() {
            self.go_on(false);
        }
    }

    pub(crate) fn go_on(self, past_is_meant: bool) {
        let fields = self.fields;
        fields.wrong.set(None);
        self.verdict.set(None);
        self.past.set(false);
        let Some((account, form)) = self.account.get_untracked().zip(self.form.get_untracked())
        else {
            return;
        };
        let wish = match untrack(|| self.wish()) {
            Some(Ok(wish)) => wish,
            Some(Err(code)) => return self.refuse(code),
            None => return,
        };
        let patch = untrack(|| self.patch(&wish));
        let checked = if self.is_new() {
            let count = untrack(|| self.count());
            names(&wish.name, count).into_iter().try_for_each(|name| {
                let values = KeyValues {
                    name,
                    ..wish.clone()
                };
                form::check_values(&values, &form.can)
            })
        } else {
            form::check_patch(&patch, &form.can)
        };
        if let Err((field, problem)) = checked {
            return self.refuse(ErrorCode::Field(field, problem));
        }
        let ends = if self.is_new() || patch.expires.is_some() {
            wish.expires
        } else {
            None
        };
        if ends.is_some_and(|at| at <= now_seconds()) && !past_is_meant {
            return self.past.set(true);
        }
        let work = match self.key.get_value() {
            None => Work::Create {
                keys: names(&wish.name, untrack(|| self.count()))
                    .into_iter()
                    .map(|name| NewKey {
                        account: account.clone(),
                        values: KeyValues {
                            name,
                            ..wish.clone()
                        },
                        like: None,
                    })
                    .collect(),
            },
            Some(id) => Work::Change {
                keys: by_account(&[KeyRef { account, id }]),
                patch,
                seen: self.before.get_untracked().map(Box::new),
            },
        };
        self.start(work);
    }

    /// Writes what the user changed over what the site says now.
    pub(crate) fn write_over(self, now: KeyValues) {
        let Some(Ok(wish)) = untrack(|| self.wish()) else {
            return;
        };
        let Some((account, id)) = self.account.get_untracked().zip(self.key.get_value()) else {
            return;
        };
        let patch = untrack(|| self.patch(&wish));
        self.verdict.set(None);
        self.start(Work::Change {
            keys: by_account(&[KeyRef { account, id }]),
            patch,
            seen: Some(Box::new(now)),
        });
    }

    /// Begins again with what the site says now.
    pub(crate) fn start_over(self, now: KeyValues) {
        if let Some(form) = self.form.get_untracked() {
            self.fields.fill(&now, &form.unit);
            self.before.set(Some(now));
            self.verdict.set(None);
            // The choice of groups and models is drawn around what is chosen.
            self.form.set(Some(form));
        }
    }

    fn refuse(self, code: ErrorCode) {
        if let ErrorCode::Field(field, problem) = code {
            self.fields.wrong.try_set(Some((field, problem)));
            focus_on("dialog[open] [aria-invalid]");
        } else {
            self.verdict
                .try_set(Some(Verdict::Wrong(troubles::error(&code))));
        }
    }

    fn start(self, work: Work) {
        self.busy.set(true);
        spawn(async move {
            match ask(StartWork { work }).await {
                Ok(job) => {
                    self.job.try_set(Some(job.clone()));
                    follow(job, move |job| self.ended(job));
                }
                Err(code) => {
                    self.busy.try_set(false);
                    self.refuse(code);
                }
            }
        });
    }

    /// The job is over; the window may have been closed meanwhile.
    fn ended(self, job: &JobView) {
        let all: Vec<_> = results(job).cloned().collect();
        let account = job.items.first().map(|item| item.account.clone());
        let new = self.key.try_get_value().map(|key| key.is_none());
        if new == Some(true)
            && let Some((account, made)) =
                account.zip(all.iter().find(|made| !made.key.0.is_empty()))
        {
            // Its row comes with the next drawing.
            let key = KeyRef {
                account,
                id: made.key.clone(),
            };
            dom::after(60, move || grid::choose(key));
        }
        let bad: Vec<_> = all.iter().filter(|result| !result.end.good()).collect();
        let trouble = trouble_of(job);
        if bad.is_empty() && trouble.is_none() && !all.is_empty() {
            if let Some(KeyEnd::DoneAfterSpending(_)) = all.first().map(|result| &result.end) {
                app().say(end_words(&all[0].end, None));
            }
            self.open.try_set(false);
            return;
        }
        self.busy.try_set(false);
        self.job.try_set(None);
        let verdict = match bad.as_slice() {
            [only] => {
                if let KeyEnd::Differs(now) = &only.end {
                    Verdict::Differs(now.clone())
                } else {
                    Verdict::End(only.end.clone())
                }
            }
            [] => Verdict::Wrong(trouble.unwrap_or_else(|| t("outcome_stopped", &[]))),
            several => Verdict::Wrong(
                std::iter::once(tn(
                    "created_of",
                    crate::stock::count(all.len() - several.len()),
                    &[&crate::words::number(crate::stock::count(all.len()))],
                ))
                .chain(
                    several
                        .iter()
                        .map(|result| format!("{}: {}", result.name, end_words(&result.end, None))),
                )
                .collect::<Vec<_>>()
                .join("\n"),
            ),
        };
        if matches!(verdict, Verdict::End(_)) && new == Some(false) {
            // Something may have been written: what the site holds now is where the rest begins.
            self.ask(false);
        }
        self.verdict.try_set(Some(verdict));
    }
}

/// Puts the cursor there, once it is drawn.
fn focus_on(selector: &'static str) {
    dom::after(0, move || {
        if let Ok(Some(found)) = dom::document().query_selector(selector) {
            // Its words stand under it, and the buttons lie over the end of the window.
            if let Ok(Some(field)) = found.closest(".field") {
                field.scroll_into_view_with_bool(false);
            }
            let _ = found.unchecked_into::<HtmlElement>().focus();
        }
    });
}
