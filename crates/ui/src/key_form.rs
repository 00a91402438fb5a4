//! The form of a key: a new one, or one that is there. What was typed is kept until it is saved.

use crate::acts::{FormOf, by_account, follow, results, trouble_of};
use crate::app::{app, with_stock};
use crate::dom;
use crate::el::{El, all, el, live};
use crate::grid;
use crate::key_ends::{Verdict, differs, verdict_view};
use crate::key_field_views::{
    Line, addresses_field, auto_fields, expires_field, group_field, labelled_choice, name_field,
    quota_field, text_box,
};
use crate::key_fields::{Fields, RAW, account_label, patch_of};
use crate::key_words::end_words;
use crate::kit::{Btn, Tone, dialog, note, tick};
use crate::line::{ask, spawn};
use crate::local_time::now_seconds;
use crate::model_picker::models_field;
use crate::troubles::{self, site_trouble};
use crate::words::{t, tn};
use leptos::prelude::*;
use relaykeep_core::form::{self, names};
use relaykeep_protocol::{
    AccountId, ErrorCode, JobId, JobView, KeyEnd, KeyForm, KeyPatch, KeyRef, KeyValues, NewKey,
    OpenKeyForm, Quota, RemoteId, StartWork, Work,
};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement};

/// So many keys are made at once.
const MOST_AT_ONCE: u32 = 20;
/// What the site writes for a key that has expired, and for one that is used up.
const EXPIRED: i64 = 3;
const EXHAUSTED: i64 = 4;

/// One open form.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) fields: Fields,
    account: RwSignal<Option<AccountId>>,
    key: StoredValue<Option<RemoteId>>,
    /// What the site's keys can be set to, and what is on offer.
    pub(crate) form: RwSignal<Option<KeyForm>>,
    /// What the key is set to as far as the user saw.
    pub(crate) before: RwSignal<Option<KeyValues>>,
    how_many: RwSignal<String>,
    /// A key that the site switched off is switched on again.
    again: RwSignal<bool>,
    /// The time lies in the past, and the user is asked whether that is meant.
    past: RwSignal<bool>,
    pub(crate) job: RwSignal<Option<JobId>>,
    pub(crate) busy: RwSignal<bool>,
    pub(crate) verdict: RwSignal<Option<Verdict>>,
    open: RwSignal<bool>,
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
    let new = state.is_new();
    el("form")
        .class("plain keyform")
        .a("novalidate", true)
        .on("submit", move |event: Event| {
            event.prevent_default();
            state.save();
        })
        .kid(whose(state))
        .kid(
            el("fieldset")
                .class("stack")
                .flag("disabled", move || state.busy.get())
                .kid(live(move || match state.form.get() {
                    Some(form) => inputs(state, &form, new),
                    None if state.verdict.with(Option::is_none) => {
                        el("p").class("muted").kid(t("opening", &[])).into_any()
                    }
                    None => ().into_any(),
                })),
        )
        .kid(live(move || progress(state)))
        .kid(live(move || state.past.get().then(|| ask_past(state))))
        .kid(live(move || {
            state
                .verdict
                .get()
                .map(|verdict| verdict_view(state, verdict))
        }))
        .kid(buttons(state, new))
        .into_any()
}

impl State {
    fn is_new(self) -> bool {
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
            if fill {
                self.fields.fill(values, &form.unit);
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
    fn wish(self) -> Option<Result<KeyValues, ErrorCode>> {
        let (form, before) = (self.form.get()?, self.before.get());
        let wish = self.fields.read(&form.can, &form.unit, before.as_ref());
        Some(wish.map_err(|(field, problem)| ErrorCode::Field(field, problem)))
    }

    /// What the user really changes.
    fn patch(self, wish: &KeyValues) -> KeyPatch {
        let before = self.before.get().unwrap_or_default();
        let mut patch = patch_of(&before, wish);
        if self.mends(wish) && self.again.get() {
            patch.enabled = Some(true);
        }
        patch
    }

    /// The site switched the key off for a reason that this removes.
    fn mends(self, wish: &KeyValues) -> bool {
        let status = self.form.with(|form| form.as_ref().map(|form| form.status));
        let before = self.before.get().unwrap_or_default();
        let lasts = wish.expires.is_none_or(|at| at > now_seconds());
        let has = !matches!(wish.quota, Quota::Limited(raw) if raw <= 0);
        let changed = wish.expires != before.expires || wish.quota != before.quota;
        matches!(status, Some(EXPIRED | EXHAUSTED)) && changed && lasts && has
    }

    fn count(self) -> u32 {
        self.how_many
            .with(|text| text.trim().parse().unwrap_or(1))
            .clamp(1, MOST_AT_ONCE)
    }

    /// Checks, asks about a time in the past, then starts the work.
    fn save(self) {
        if !self.busy.get_untracked() {
            self.go_on(false);
        }
    }

    fn go_on(self, past_is_meant: bool) {
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
        match code {
            ErrorCode::Field(field, problem) => {
                self.fields.wrong.try_set(Some((field, problem)));
                focus_on("dialog[open] [aria-invalid]");
            }
            other => {
                self.verdict
                    .try_set(Some(Verdict::Wrong(troubles::error(&other))));
            }
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
            [only] => match &only.end {
                KeyEnd::Differs(now) => Verdict::Differs(now.clone()),
                end => Verdict::End(end.clone()),
            },
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

/// Whose key it is; a new one's account is chosen where there are several.
fn whose(state: State) -> AnyView {
    let accounts: Vec<AccountId> = with_stock(|stock| {
        stock
            .accounts
            .iter()
            .map(|account| account.view.id.clone())
            .collect()
    });
    if !state.is_new() || accounts.len() < 2 {
        return live(move || {
            state
                .account
                .get()
                .map(|account| el("p").class("muted whose").kid(account_label(&account)))
        });
    }
    let labels = accounts.iter().map(account_label).collect();
    let places = accounts.clone();
    let chosen = Signal::derive(move || {
        let account = state.account.get();
        places
            .iter()
            .position(|one| Some(one) == account.as_ref())
            .unwrap_or(0)
    });
    let set = move |place: usize| {
        if let Some(account) = accounts.get(place) {
            state.account.set(Some(account.clone()));
            state.ask(true);
        }
    };
    labelled_choice("account", labels, chosen, Box::new(set)).into_any()
}

fn inputs(state: State, form: &KeyForm, new: bool) -> AnyView {
    let f = state.fields;
    let can = &form.can;
    let again = move || {
        let mends = !new && matches!(state.wish(), Some(Ok(wish)) if state.mends(&wish));
        mends.then(|| {
            tick(
                t("enable_again", &[]),
                t("enable_again_hint", &[]),
                state.again.into(),
                move |on| state.again.set(on),
            )
        })
    };
    let stopped = !new && matches!(form.status, EXPIRED | EXHAUSTED);
    let why = stopped.then(|| {
        let word = if form.status == EXPIRED {
            "was_expired"
        } else {
            "was_exhausted"
        };
        note(Tone::Warn, t(word, &[]), Vec::new())
    });
    let trouble = form.trouble.as_ref().map(|trouble| {
        let words = t("offers_missing", &[&site_trouble(trouble)]);
        note(Tone::Warn, words, Vec::new())
    });
    all![
        trouble,
        why,
        if new {
            all![
                el("div")
                    .class("name-many")
                    .kid(name_field(f, can.name_bytes))
                    .kid(how_many(state))
                    .into_any(),
                preview(state)
            ]
        } else {
            name_field(f, can.name_bytes)
        },
        quota_field(
            f,
            if new { "key_quota" } else { "quota_left" },
            Some(form.unit.clone())
        ),
        expires_field(f),
        can.groups.then(|| group_field(f, form)),
        can.groups.then(|| auto_fields(f, form)),
        can.models.then(|| models_field(f, form.models.clone())),
        addresses_field(f, can.addresses),
        (!new && !stopped).then(|| tick(
            t("key_enabled", &[]),
            String::new(),
            f.enabled.into(),
            move |on| f.enabled.set(on),
        )),
        live(again),
    ]
}

fn how_many(state: State) -> AnyView {
    let input: El = text_box(
        state.how_many,
        Box::new(move |text| state.how_many.set(text)),
    )
    .a("type", "number")
    .a("min", "1")
    .a("max", MOST_AT_ONCE);
    Line {
        label: t("how_many", &[]),
        input,
        hint: Signal::stored(String::new()),
        wrong: Signal::stored(None),
    }
    .view()
}

/// The names, where there are several.
fn preview(state: State) -> AnyView {
    live(move || {
        let count = state.count();
        (count > 1).then(|| {
            let names = names(&state.fields.name.get(), count).join(", ");
            el("p")
                .class("muted small")
                .kid(t("names_preview", &[&names]))
        })
    })
}

fn ask_past(state: State) -> AnyView {
    note(
        Tone::Warn,
        t("expiry_past_ask", &[]),
        vec![
            Btn::new("expiry_past_back")
                .class("small")
                .on(move || state.past.set(false)),
            Btn::new("expiry_past_yes")
                .class("small")
                .on(move || state.go_on(true)),
        ],
    )
}

/// The job under way, as Activity shows it too.
fn progress(state: State) -> AnyView {
    if !state.busy.get() {
        return ().into_any();
    }
    let words = state
        .job
        .get()
        .and_then(|id| {
            app().jobs.with(|jobs| {
                jobs.iter()
                    .find(|job| job.id == id)
                    .map(crate::activity_words::summary)
            })
        })
        .unwrap_or_else(|| t("saving", &[]));
    el("div")
        .class("stack")
        .kid(
            el("div")
                .class("row")
                .kid(el("span").class("muted").kid(words.clone()))
                .kid(el("progress").a("aria-label", words)),
        )
        .kid(el("p").class("faint small").kid(t("goes_on_behind", &[])))
        .into_any()
}

fn buttons(state: State, new: bool) -> AnyView {
    let word = Signal::derive(move || {
        if new {
            tn("create_keys", state.count(), &[])
        } else {
            t("save_changes", &[])
        }
    });
    let off = Signal::derive(move || {
        if state.busy.get() {
            return true;
        }
        match state.wish() {
            None => true,
            // Pressing it says what is wrong.
            Some(Err(_)) => false,
            Some(Ok(wish)) => !new && state.patch(&wish) == KeyPatch::default(),
        }
    });
    let close = Signal::derive(move || t(if state.busy.get() { "close" } else { "cancel" }, &[]));
    el("div")
        .class("acts")
        .kid(Btn::saying(close).on(move || state.open.set(false)))
        .kid(live(move || {
            state
                .verdict
                .with(|verdict| differs(verdict.as_ref()).is_none())
                .then(|| Btn::saying(word).primary().off(off).submit())
        }))
        .into_any()
}
