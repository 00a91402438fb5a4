//! How a vault shall be protected: asked on welcome, in settings and for a backup.

use crate::el::{all, el, live};
use crate::kit::{Takes, field, fresh_id, no_hint};
use crate::words::{t, tn};
use js_sys::JsString;
use leptos::prelude::*;
use relaykeep_protocol::{Sensitive, VaultMode};
use web_sys::Event;

/// The fewest characters of a passphrase.
pub(crate) const LEAST: u32 = 10;

/// The answers so far.
#[derive(Clone, Copy)]
pub(crate) struct Protection {
    /// Nothing is chosen beforehand.
    pub(crate) mode: RwSignal<Option<VaultMode>>,
    /// As typed.
    pub(crate) new: RwSignal<String>,
    /// As typed again.
    pub(crate) repeat: RwSignal<String>,
}

impl Protection {
    /// Unanswered.
    pub(crate) fn new() -> Self {
        Self {
            mode: RwSignal::new(None),
            new: RwSignal::new(String::new()),
            repeat: RwSignal::new(String::new()),
        }
    }

    /// Forgets what was typed.
    pub(crate) fn forget(self) {
        self.new.set(String::new());
        self.repeat.set(String::new());
    }

    /// The chosen mode and its passphrase, or what is missing.
    pub(crate) fn read(self) -> Result<(VaultMode, Option<Sensitive>), String> {
        match self.mode.get_untracked() {
            None => Err(t("choose_protection", &[])),
            Some(VaultMode::Device) => Ok((VaultMode::Device, None)),
            Some(VaultMode::Passphrase) => Ok((VaultMode::Passphrase, Some(self.passphrase()?))),
        }
    }

    /// The passphrase, typed twice, or what is missing.
    pub(crate) fn passphrase(self) -> Result<Sensitive, String> {
        let new = self.new.get_untracked();
        if length(&new) < LEAST {
            return Err(tn("error_passphrase_short", LEAST, &[]));
        }
        if new != self.repeat.get_untracked() {
            return Err(t("error_passphrases_differ", &[]));
        }
        Ok(Sensitive(new))
    }

    /// The two boxes.
    pub(crate) fn boxes(self, new: &'static str) -> AnyView {
        let hint = Signal::derive(move || {
            let missing = self.new.with(|new| {
                if new.is_empty() {
                    0
                } else {
                    LEAST.saturating_sub(length(new))
                }
            });
            if missing > 0 {
                tn("passphrase_missing", missing, &[])
            } else {
                tn("passphrase_hint", LEAST, &[])
            }
        });
        let differs = Signal::derive(move || {
            let differs = self.repeat.with(|repeat| {
                !repeat.is_empty() && self.new.with(|new| !new.starts_with(repeat.as_str()))
            });
            if differs {
                t("error_passphrases_differ", &[])
            } else {
                String::new()
            }
        });
        (
            field(new, Takes::Password, self.new, hint),
            field("repeat_passphrase", Takes::Password, self.repeat, differs),
        )
            .into_any()
    }

    /// The two modes and, for a passphrase, its boxes.
    pub(crate) fn choices(self) -> AnyView {
        let group = fresh_id();
        let option = move |mode: VaultMode, name: &str, about: &str, badge: Option<&str>| {
            let id = fresh_id();
            let about_id = format!("{id}a");
            el("div")
                .class("choice")
                .on("click", move |_: Event| self.mode.set(Some(mode)))
                .kid(
                    el("input")
                        .a("type", "radio")
                        .a("name", group.clone())
                        .a("id", id.clone())
                        .a("aria-describedby", about_id.clone())
                        .checked(move || self.mode.get() == Some(mode))
                        .on("change", move |_: Event| self.mode.set(Some(mode))),
                )
                .kid(
                    el("div")
                        .class("row")
                        .kid(el("label").a("for", id).kid(el("b").kid(t(name, &[]))))
                        .kid(badge.map(|badge| el("span").class("tag accent").kid(t(badge, &[])))),
                )
                .kid(el("p").a("id", about_id).kid(t(about, &[])))
                .into_any()
        };
        all![
            el("fieldset")
                .class("stack")
                .kid(el("legend").class("sr").kid(t("protection", &[])))
                .kid(option(
                    VaultMode::Passphrase,
                    "mode_passphrase",
                    "mode_passphrase_about",
                    Some("recommended")
                ))
                .kid(option(
                    VaultMode::Device,
                    "mode_device",
                    "mode_device_about",
                    None
                )),
            live(move || (self.mode.get() == Some(VaultMode::Passphrase))
                .then(|| self.boxes("new_passphrase")))
        ]
        .into_any()
    }
}

/// Characters as the vault counts them: after composing (NFC).
fn length(text: &str) -> u32 {
    let composed: String = JsString::from(text).normalize("NFC").into();
    u32::try_from(composed.chars().count()).unwrap_or(u32::MAX)
}

/// One passphrase in use.
pub(crate) fn current(label: &'static str, value: RwSignal<String>) -> AnyView {
    field(label, Takes::Password, value, no_hint())
}
