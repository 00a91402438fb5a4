//! Adding an account, by hand or from the site's tab.

use crate::app::app;
use crate::el::{el, live};
use crate::icons::icon;
use crate::kit::{Btn, Takes, Tone, alert, choice, field, note, tick};
use crate::line::{ask, spawn};
use crate::troubles;
use crate::words::{kind_name, t, tn};
use leptos::prelude::*;
use relaykeep_protocol::{
    AccountDraft, AddAccount, AddOutcome, ErrorCode, KeepDraft, LoginWay, Sensitive, SiteKind,
    TrialResult, TrialStep, TryKind,
};
use relaykeep_webext::page;
use std::future::Future;
use web_sys::Event;
use web_sys::Url;

/// Where the form stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the options page: the address is typed, and the browser's question is waited for.
    Options,
    /// In the popup, which the browser's question may close: nothing waits for it.
    Popup,
}

/// The form's fields.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub(crate) address: RwSignal<String>,
    pub(crate) kind: RwSignal<Option<SiteKind>>,
    pub(crate) user_id: RwSignal<String>,
    pub(crate) token: RwSignal<String>,
    /// For a sign-in of our own; neither is ever kept in a draft.
    email: RwSignal<String>,
    password: RwSignal<String>,
    pub(crate) name: RwSignal<String>,
    clear_is_fine: RwSignal<bool>,
    ask_clear: RwSignal<bool>,
    already_here: RwSignal<bool>,
    /// The address can be taken for an account's: that was said, and waits for a yes.
    ask_alike: RwSignal<bool>,
    alike_is_fine: RwSignal<bool>,
    /// The kind could not be recognised: the user picks one, and may try it.
    unknown: RwSignal<bool>,
    tried: RwSignal<Option<Vec<(TrialStep, TrialResult)>>>,
    pub(crate) wrong: RwSignal<Option<String>>,
    pub(crate) busy: RwSignal<bool>,
}

impl Form {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self {
            address: RwSignal::new(String::new()),
            kind: RwSignal::new(None),
            user_id: RwSignal::new(String::new()),
            token: RwSignal::new(String::new()),
            email: RwSignal::new(String::new()),
            password: RwSignal::new(String::new()),
            name: RwSignal::new(String::new()),
            clear_is_fine: RwSignal::new(false),
            ask_clear: RwSignal::new(false),
            already_here: RwSignal::new(false),
            ask_alike: RwSignal::new(false),
            alike_is_fine: RwSignal::new(false),
            unknown: RwSignal::new(false),
            tried: RwSignal::new(None),
            wrong: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    /// As new: nothing of an account added before, its token least of all.
    pub(crate) fn clear(self) {
        let signs_in = [self.email, self.password];
        let typed = [self.address, self.user_id, self.token, self.name];
        for text in typed.into_iter().chain(signs_in) {
            text.set(String::new());
        }
        for mark in [
            self.clear_is_fine,
            self.ask_clear,
            self.already_here,
            self.ask_alike,
            self.alike_is_fine,
            self.unknown,
        ] {
            mark.set(false);
        }
        self.tried.set(None);
        self.kind.set(None);
        self.wrong.set(None);
    }

    /// Fills in what was kept.
    pub(crate) fn fill(self, draft: AccountDraft) {
        self.address.set(draft.address);
        self.kind.set(draft.kind);
        self.user_id.set(draft.user_id);
        self.token.set(draft.token.0);
        self.name.set(draft.name);
    }

    /// What stands in the fields, but for e-mail and password, which are not to be kept; a change
    /// of any is noticed by whoever reads it in a view.
    pub(crate) fn draft(self) -> AccountDraft {
        AccountDraft {
            address: self.address.get(),
            kind: self.kind.get(),
            way: if self.signs_in() {
                LoginWay::Own
            } else {
                LoginWay::Token
            },
            name: self.name.get(),
            user_id: self.user_id.get(),
            token: Sensitive(self.token.get()),
            email: String::new(),
            password: Sensitive::default(),
            clear_is_fine: self.clear_is_fine.get(),
            update_existing: self.already_here.get(),
            look_alike_is_fine: self.alike_is_fine.get(),
        }
    }

    /// The kind chosen has no tokens.
    fn signs_in(self) -> bool {
        self.kind.get().is_some_and(SiteKind::signs_in)
    }

    /// What a save came to.
    pub(crate) fn read(self, answer: Result<AddOutcome, ErrorCode>, done: impl Fn()) {
        let app = app();
        self.busy.try_set(false);
        if answer.is_ok() {
            // Used for that one sign-in.
            self.password.try_set(String::new());
        }
        match answer {
            Ok(AddOutcome::Added(_)) => {
                app.say(t("account_added", &[]));
                done();
            }
            Ok(AddOutcome::Updated(_)) => {
                app.say(t("account_updated", &[]));
                done();
            }
            Ok(AddOutcome::SavedWithoutPermission(_)) => {
                app.say(t("account_without_permission", &[]));
                done();
            }
            Ok(AddOutcome::AlreadyHere(_)) => {
                self.already_here.try_set(true);
            }
            Err(code) => {
                self.heed(&code);
                self.wrong.try_set(Some(troubles::error(&code)));
            }
        }
    }
}

impl Form {
    /// What a refusal asks of the user.
    fn heed(self, code: &ErrorCode) {
        let mark = if *code == ErrorCode::InClear {
            self.ask_clear
        } else if *code == ErrorCode::KindNeeded {
            self.unknown
        } else if matches!(code, ErrorCode::LooksLike(_)) {
            self.ask_alike
        } else {
            return;
        };
        mark.try_set(true);
    }

    /// Tries the kind the user picked, and shows what answered.
    fn try_kind(self) {
        let asked = ask_for_site(&self.address.get_untracked());
        let draft = untrack(|| self.draft());
        self.busy.set(true);
        self.wrong.set(None);
        self.tried.set(None);
        spawn(async move {
            if let Some(asked) = asked {
                asked.await;
            }
            match ask(TryKind { draft }).await {
                Ok(lines) => {
                    self.tried.try_set(Some(lines));
                }
                Err(code) => {
                    self.heed(&code);
                    self.wrong.try_set(Some(troubles::error(&code)));
                }
            }
            self.busy.try_set(false);
        });
    }
}

/// Every kind by its name, as offered in lists.
pub(crate) fn kinds_on_offer() -> Vec<String> {
    SiteKind::ALL.iter().map(|kind| kind_name(*kind)).collect()
}

/// What answered as this kind does, and what did not.
fn trial_panel(lines: Vec<(TrialStep, TrialResult)>) -> AnyView {
    let line = |(step, result): (TrialStep, TrialResult)| {
        let name = t(
            match step {
                TrialStep::Status => "trial_status",
                TrialStep::Login => "trial_login",
                TrialStep::Keys => "trial_keys",
                TrialStep::Groups => "trial_groups",
                TrialStep::Models => "trial_models",
            },
            &[],
        );
        let (tone, words) = match result {
            TrialResult::Good(None) => (Tone::Good, t("trial_good", &[])),
            TrialResult::Good(Some(count)) => (Tone::Good, tn("trial_count", count, &[])),
            TrialResult::Bad(trouble) => (Tone::Bad, troubles::site_trouble(&trouble)),
            TrialResult::NotThere => (Tone::Plain, t("trial_not_there", &[])),
            TrialResult::Skipped => (Tone::Plain, t("trial_skipped", &[])),
        };
        el("li")
            .class(tone.class())
            .kid(icon(tone.icon()))
            .kid(el("b").kid(name))
            .kid(el("span").kid(words))
            .into_any()
    };
    el("ul")
        .class("trial")
        .a("aria-label", t("trial", &[]))
        .kid(lines.into_iter().map(line).collect::<Vec<_>>())
        .into_any()
}

/// The form. Under what is typed to sign in stand other ways to do it.
pub(crate) fn account_form(
    form: Form,
    place: Place,
    other_ways: AnyView,
    done: impl Fn() + Clone + Send + 'static,
    cancel: impl Fn() + 'static,
) -> AnyView {
    let save = {
        let done = done.clone();
        move || save(form, place, done.clone())
    };
    let update = save.clone();
    let submit = save.clone();
    let kinds: Vec<String> = std::iter::once(t("kind_recognise", &[]))
        .chain(kinds_on_offer())
        .collect();
    let chosen = Signal::derive(move || {
        form.kind
            .get()
            .and_then(|kind| SiteKind::ALL.iter().position(|one| *one == kind))
            .map_or(0, |place| place + 1)
    });
    let user_hint = Signal::derive(move || match form.kind.get() {
        Some(kind) if !kind.needs_user_id() => t("user_id_optional", &[]),
        Some(_) | None => t("user_id_hint", &[]),
    });
    el("form")
        .class("plain")
        .a("novalidate", true)
        .on("submit", move |event: Event| {
            event.prevent_default();
            submit();
        })
        .kid((place == Place::Options).then(|| {
            field(
                "site_address",
                Takes::Text,
                form.address,
                Signal::stored(t("site_address_hint", &[])),
            )
        }))
        .kid(
            el("div")
                .class("two")
                .kid(
                    el("div")
                        .class("field")
                        .kid(
                            el("span")
                                .class("legend")
                                .a("aria-hidden", "true")
                                .kid(t("site_kind", &[])),
                        )
                        .kid(choice("site_kind", "input", kinds, chosen, move |place| {
                            form.kind.set(
                                place
                                    .checked_sub(1)
                                    .and_then(|place| SiteKind::ALL.get(place))
                                    .copied(),
                            );
                        }))
                        .kid(live(move || {
                            form.kind
                                .get()
                                .filter(|kind| kind.unproven())
                                .map(|_| el("span").class("hint").kid(t("kind_unproven_hint", &[])))
                        })),
                )
                .kid(el("div").live("hidden", move || form.signs_in()).kid(field(
                    "user_id",
                    Takes::Text,
                    form.user_id,
                    user_hint,
                ))),
        )
        .kid(
            el("div")
                .class("stack")
                .live("hidden", move || !form.signs_in())
                .kid(
                    el("div")
                        .class("two")
                        .kid(field(
                            "sign_in_email",
                            Takes::Text,
                            form.email,
                            Signal::stored(String::new()),
                        ))
                        .kid(field(
                            "sign_in_password",
                            Takes::Password,
                            form.password,
                            Signal::stored(String::new()),
                        )),
                )
                .kid(el("span").class("hint").kid(t("sign_in_hint", &[]))),
        )
        .kid(
            el("div")
                .class("stack")
                .live("hidden", move || form.signs_in())
                .kid(field(
                    "access_token",
                    Takes::Password,
                    form.token,
                    Signal::stored(t("access_token_hint", &[])),
                )),
        )
        .kid(other_ways)
        .kid(field(
            "account_name",
            Takes::Text,
            form.name,
            Signal::stored(t("account_name_hint", &[])),
        ))
        .kid(alert(form.wrong))
        .kid(live(move || {
            form.ask_clear.get().then(|| {
                tick(
                    t("send_in_clear", &[]),
                    t("send_in_clear_hint", &[]),
                    form.clear_is_fine.into(),
                    move |on| form.clear_is_fine.set(on),
                )
            })
        }))
        .kid(live(move || {
            form.ask_alike.get().then(|| {
                tick(
                    t("look_alike_yes", &[]),
                    t("look_alike_hint", &[]),
                    form.alike_is_fine.into(),
                    move |on| form.alike_is_fine.set(on),
                )
            })
        }))
        .kid(live(move || {
            form.unknown.get().then(|| {
                note(
                    Tone::Plain,
                    t("trial_about", &[]),
                    vec![
                        Btn::new("try_kind")
                            .class("small")
                            .off(Signal::derive(move || {
                                form.busy.get() || form.kind.with(Option::is_none)
                            }))
                            .on(move || form.try_kind()),
                    ],
                )
            })
        }))
        .kid(
            el("div")
                .a("role", "status")
                .kid(live(move || form.tried.get().map(trial_panel))),
        )
        .kid(live(move || {
            let update = update.clone();
            form.already_here.get().then(|| {
                note(
                    Tone::Warn,
                    t("already_here", &[]),
                    vec![Btn::new("update_token").on(update)],
                )
            })
        }))
        .kid(
            el("div")
                .class("acts")
                .kid(Btn::new("cancel").on(cancel))
                .kid(
                    Btn::saying(Signal::derive(move || {
                        t(
                            if form.busy.get() {
                                "saving"
                            } else {
                                "save_account"
                            },
                            &[],
                        )
                    }))
                    .primary()
                    .off(form.busy)
                    .submit(),
                ),
        )
        .into_any()
}

fn save(form: Form, place: Place, done: impl Fn() + 'static) {
    // First of all, while the browser still sees the click.
    let asked = ask_for_site(&form.address.get_untracked());
    if form.busy.get_untracked() {
        return;
    }
    form.wrong.set(None);
    form.busy.set(true);
    let mut draft = untrack(|| form.draft());
    if draft.way == LoginWay::Own {
        draft.email = form.email.get_untracked();
        draft.password = Sensitive(form.password.get_untracked());
    }
    spawn(async move {
        if place == Place::Options
            && let Some(asked) = asked
        {
            // Declined is an answer too: the account is saved and says so.
            asked.await;
        }
        let answer = ask(AddAccount { draft }).await;
        let saved =
            matches!(answer, Ok(ref outcome) if !matches!(outcome, AddOutcome::AlreadyHere(_)));
        // The form goes first: a change that was still to be kept would come back after this.
        form.read(answer, done);
        if place == Place::Popup && saved {
            let _ = ask(KeepDraft { draft: None }).await;
        }
    });
}

/// Asks the browser for access to a site; call it first thing in a click.
pub(crate) fn ask_for_site(address: &str) -> Option<impl Future<Output = bool> + use<>> {
    Some(page::ask_for_origin(&pattern(address)?))
}

/// The match pattern of an address as typed.
pub(crate) fn pattern(address: &str) -> Option<String> {
    let address = address.trim();
    // Chromium would encode a blank in a host, and ask the user about a host that cannot be.
    if address.contains(char::is_whitespace) {
        return None;
    }
    let url = if address.contains("://") {
        Url::new(address)
    } else {
        Url::new(&format!("https://{address}"))
    }
    .ok()?;
    let scheme = url.protocol();
    if scheme != "https:" && scheme != "http:" {
        return None;
    }
    Some(format!("{scheme}//{}/*", url.host()))
}

/// Nothing under the token's box.
pub(crate) fn nothing() -> AnyView {
    ().into_any()
}
