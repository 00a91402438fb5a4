//! Backup files, out and in.

use crate::app::app;
use crate::dom;
use crate::el::{all, el, live};
use crate::icons::Icon;
use crate::kit::{Btn, Tone, alert, dialog, fresh_id, note};
use crate::line::{ask, spawn};
use crate::protection::{Protection, current};
use crate::troubles;
use crate::words::{full_time, number, t};
use js_sys::Array;
use leptos::prelude::*;
use relaykeep_protocol::{
    BackupPreview, MakeBackup, PreviewBackup, RestoreBackup, Sensitive, VaultMode,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, HtmlInputElement, Url};

/// The section.
pub(crate) fn backup_page() -> AnyView {
    let app = app();
    let restoring = RwSignal::new(false);
    let wrong = RwSignal::new(None);
    let saved = RwSignal::new(false);
    let protection = Protection::new();
    let save = move || {
        let device = app.mode() == Some(VaultMode::Device);
        let passphrase = if device {
            match protection.passphrase() {
                Ok(passphrase) => Some(passphrase),
                Err(missing) => return wrong.set(Some(missing)),
            }
        } else {
            None
        };
        wrong.set(None);
        spawn(async move {
            match ask(MakeBackup { passphrase }).await {
                Ok(text) => {
                    let done = download(&text).is_ok();
                    saved.try_set(done);
                    protection.forget();
                    app.say(t("backup_saved", &[]));
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
        });
    };
    el("div")
        .class("page")
        .kid(
            el("div")
                .class("in")
                .kid(el("div").class("head").kid(el("h1").kid(t("backup", &[]))))
                .kid(el("p").class("lead").kid(t("backup_lead", &[])))
                .kid(
                    el("section")
                        .class("card")
                        .kid(el("header").kid(el("h2").kid(t("backup_out", &[]))))
                        .kid(
                            el("div")
                                .class("body")
                                .kid(el("p").class("muted").kid(live(move || {
                                    t(
                                        if app.mode() == Some(VaultMode::Device) {
                                            "backup_out_device"
                                        } else {
                                            "backup_out_passphrase"
                                        },
                                        &[],
                                    )
                                })))
                                .kid(live(move || {
                                    (app.mode() == Some(VaultMode::Device)).then(|| {
                                        el("div")
                                            .class("two")
                                            .kid(protection.boxes("backup_passphrase"))
                                    })
                                }))
                                .kid(alert(wrong))
                                .kid(live(move || {
                                    saved.get().then(|| {
                                        note(Tone::Good, t("backup_saved_about", &[]), Vec::new())
                                    })
                                }))
                                .kid(
                                    el("div").class("row").kid(
                                        Btn::new("save_backup")
                                            .icon(Icon::Backup)
                                            .primary()
                                            .on(save),
                                    ),
                                ),
                        ),
                )
                .kid(
                    el("section")
                        .class("card")
                        .kid(el("header").kid(el("h2").kid(t("backup_in", &[]))))
                        .kid(
                            el("div")
                                .class("body")
                                .kid(el("p").class("muted").kid(t("backup_in_about", &[])))
                                .kid(el("div").class("row").kid(
                                    Btn::new("restore_backup").on(move || restoring.set(true)),
                                )),
                        ),
                ),
        )
        .kid(dialog(restoring, "restore_backup", move || {
            restore_form(restoring)
        }))
        .into_any()
}

/// The steps of a restore: file and passphrase, what is in it, yes.
pub(crate) fn restore_form(open: RwSignal<bool>) -> AnyView {
    let passphrase = RwSignal::new(String::new());
    let wrong = RwSignal::new(None);
    let busy = RwSignal::new(false);
    let text: RwSignal<Option<String>> = RwSignal::new(None);
    let preview: RwSignal<Option<BackupPreview>> = RwSignal::new(None);
    let id = fresh_id();
    let read = move |event: leptos::ev::Event| {
        preview.set(None);
        let file = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .and_then(|input| input.files())
            .and_then(|files| files.get(0));
        spawn(async move {
            let read = match file {
                Some(file) => JsFuture::from(file.text())
                    .await
                    .ok()
                    .and_then(|text| JsValue::as_string(&text)),
                None => None,
            };
            text.try_set(read);
        });
    };
    let look = move || {
        let Some(text) = text.get_untracked() else {
            return wrong.set(Some(t("error_no_file", &[])));
        };
        wrong.set(None);
        busy.set(true);
        let passphrase = Sensitive(passphrase.get_untracked());
        spawn(async move {
            match ask(PreviewBackup { text, passphrase }).await {
                Ok(found) => {
                    preview.try_set(Some(found));
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            busy.try_set(false);
        });
    };
    let restore = move || {
        let Some(text) = text.get_untracked() else {
            return;
        };
        busy.set(true);
        let passphrase = Sensitive(passphrase.get_untracked());
        spawn(async move {
            match ask(RestoreBackup { text, passphrase }).await {
                Ok(()) => {
                    app().say(t("backup_restored", &[]));
                    open.try_set(false);
                }
                Err(code) => {
                    wrong.try_set(Some(troubles::error(&code)));
                }
            }
            busy.try_set(false);
        });
    };
    all![
        el("div")
            .class("field")
            .kid(el("label").a("for", id.clone()).kid(t("backup_file", &[])))
            .kid(
                el("input")
                    .a("type", "file")
                    .a("id", id)
                    .a("accept", ".relaykeep,.txt,.json")
                    .on("change", read)
            ),
        current("backup_passphrase", passphrase),
        alert(wrong),
        live(move || preview.get().map(|preview| summary(&preview))),
        el("div")
            .class("acts")
            .kid(Btn::new("cancel").on(move || open.set(false)))
            .kid(live(move || {
                if preview.with(Option::is_some) {
                    Btn::new("restore").primary().off(busy).on(restore)
                } else {
                    Btn::new("preview").primary().off(busy).on(look)
                }
            }))
    ]
    .into_any()
}

fn summary(preview: &BackupPreview) -> AnyView {
    let line = |word: &str, value: String| {
        all![el("dt").kid(t(word, &[])), el("dd").kid(value)].into_any()
    };
    all![
        el("dl")
            .class("counts")
            .kid(line("backup_written", full_time(preview.written)))
            .kid(line("backup_accounts", number(preview.accounts)))
            .kid(line("backup_keys", number(preview.keys)))
            .kid(line("backup_held", number(preview.held))),
        note(
            Tone::Warn,
            t(
                if preview.same_vault {
                    "restore_same"
                } else {
                    "restore_other"
                },
                &[]
            ),
            Vec::new()
        )
    ]
    .into_any()
}

/// Hands the text to the browser as a file. The name says nothing but the day.
fn download(text: &str) -> Result<(), JsValue> {
    let blob = Blob::new_with_str_sequence(&Array::of1(&JsValue::from_str(text)))?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = dom::document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    let day: String = js_sys::Date::new_0().to_iso_string().into();
    link.set_download(&format!(
        "relaykeep-{}.relaykeep",
        day.get(..10).unwrap_or_default()
    ));
    link.click();
    dom::after(60_000, move || {
        let _ = Url::revoke_object_url(&url);
    });
    Ok(())
}
