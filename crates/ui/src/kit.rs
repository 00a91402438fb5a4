//! The parts views are made of. Each is built in one place and erased, so that a page costs
//! only its own words.

use crate::dom;
use crate::icons::{Icon, icon};
use crate::words::t;
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// A button in the making.
pub(crate) struct Btn {
    label: Signal<String>,
    icon: Option<Icon>,
    class: String,
    silent: bool,
    name: Option<String>,
    badge: Option<Signal<Option<u32>>>,
    off: Signal<bool>,
    submit: bool,
}

impl Btn {
    /// A button with the catalogue's word on it.
    pub(crate) fn new(word: &str) -> Self {
        Self::saying(t(word, &[]))
    }

    /// A button with any text on it.
    pub(crate) fn saying(label: impl Into<Signal<String>>) -> Self {
        Self {
            label: label.into(),
            icon: None,
            class: String::from("btn"),
            silent: false,
            name: None,
            badge: None,
            off: Signal::stored(false),
            submit: false,
        }
    }

    /// With an icon before the word.
    pub(crate) fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Only the icon shows; the word is its title.
    pub(crate) fn silent(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self.silent = true;
        self.class("ghost icon-only")
    }

    /// With more classes.
    pub(crate) fn class(mut self, class: &str) -> Self {
        self.class.push(' ');
        self.class.push_str(class);
        self
    }

    /// The one that does what the page is for.
    pub(crate) fn primary(self) -> Self {
        self.class("primary")
    }

    /// Not to be pressed while this holds.
    pub(crate) fn off(mut self, off: impl Into<Signal<bool>>) -> Self {
        self.off = off.into();
        self
    }

    /// With a count beside the word.
    pub(crate) fn badge(mut self, badge: Signal<Option<u32>>) -> Self {
        self.badge = Some(badge);
        self
    }

    /// Sends its form.
    pub(crate) fn submit(mut self) -> AnyView {
        self.submit = true;
        self.on(|| {})
    }

    /// Does this when pressed.
    pub(crate) fn on(self, act: impl Fn() + 'static) -> AnyView {
        let act: Box<dyn Fn()> = Box::new(act);
        let Self {
            label,
            icon: drawn,
            class,
            silent,
            name,
            badge,
            off,
            submit,
        } = self;
        let words = if silent {
            ().into_any()
        } else {
            view! { <span>{label}</span> }.into_any()
        };
        let badge = badge.map(|badge| {
            view! {
                <span class="tag warn" aria-hidden="true" hidden=move || badge.get().is_none()>
                    {move || badge.get().map(crate::words::number)}
                </span>
            }
            .into_any()
        });
        let title = move || silent.then(|| label.get());
        let name = move || name.clone().or_else(|| silent.then(|| label.get()));
        html::button()
            .r#type(if submit { "submit" } else { "button" })
            .class(class)
            .title(title)
            .aria_label(name)
            .disabled(move || off.get())
            .child((drawn.map(icon), words, badge))
            .on(ev::click, move |_| act())
            .into_any()
    }
}

thread_local! {
    static NAMES: Cell<u32> = const { Cell::new(0) };
    // What had the focus before each open dialog.
    static BEFORE: RefCell<Vec<Option<HtmlElement>>> = const { RefCell::new(Vec::new()) };
}

/// An id no other element has.
pub(crate) fn fresh_id() -> String {
    let next = NAMES.get() + 1;
    NAMES.set(next);
    format!("f{next}")
}

/// What a field takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Text,
    Password,
}

/// A labelled line of input. Nothing typed is kept by the browser.
pub(crate) fn field(
    label: &str,
    takes: Takes,
    value: RwSignal<String>,
    hint: Signal<String>,
) -> AnyView {
    let id = fresh_id();
    let hint_id = format!("{id}h");
    let described = hint_id.clone();
    let has_hint = move || !hint.with(String::is_empty);
    view! {
        <div class="field">
            <label for=id.clone()>{t(label, &[])}</label>
            <input
                class="input"
                id=id
                type=match takes {
                    Takes::Text => "text",
                    Takes::Password => "password",
                }
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-describedby=move || has_hint().then(|| described.clone())
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            <span class="hint" id=hint_id hidden=move || !has_hint()>
                {move || hint.get()}
            </span>
        </div>
    }
    .into_any()
}

/// No hint.
pub(crate) fn no_hint() -> Signal<String> {
    Signal::stored(String::new())
}

/// A labelled box to tick.
pub(crate) fn tick(
    label: String,
    hint: String,
    on: Signal<bool>,
    set: impl Fn(bool) + 'static,
) -> AnyView {
    let set: Box<dyn Fn(bool)> = Box::new(set);
    let id = fresh_id();
    let hint_id = format!("{id}h");
    let has_hint = !hint.is_empty();
    view! {
        <div class="check">
            <input
                type="checkbox"
                id=id.clone()
                aria-describedby=has_hint.then(|| hint_id.clone())
                prop:checked=move || on.get()
                on:change=move |event| set(event_target_checked(&event))
            />
            <div>
                <label for=id>{label}</label>
                {has_hint.then(|| view! { <span class="hint" id=hint_id>{hint}</span> })}
            </div>
        </div>
    }
    .into_any()
}

/// A labelled choice from a list; values are the options' places.
pub(crate) fn choice(
    label: &str,
    class: &'static str,
    options: Vec<String>,
    chosen: Signal<usize>,
    set: impl Fn(usize) + 'static,
) -> AnyView {
    let set: Box<dyn Fn(usize)> = Box::new(set);
    let options: Vec<AnyView> = options
        .into_iter()
        .enumerate()
        .map(|(place, text)| {
            view! {
                <option value=place.to_string() selected=move || chosen.get() == place>
                    {text}
                </option>
            }
            .into_any()
        })
        .collect();
    view! {
        <select
            class=class
            aria-label=t(label, &[])
            on:change=move |event| {
                if let Ok(place) = event_target_value(&event).parse() {
                    set(place);
                }
            }
        >
            {options}
        </select>
    }
    .into_any()
}

/// How a note is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// Its class.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// Its shape, for whoever does not see the colour.
    pub(crate) const fn icon(self) -> Icon {
        match self {
            Self::Plain => Icon::Clock,
            Self::Good => Icon::Check,
            Self::Warn => Icon::Warn,
            Self::Bad => Icon::Bad,
        }
    }
}

/// A sentence that stands out, with next steps.
pub(crate) fn note(tone: Tone, text: String, steps: Vec<AnyView>) -> AnyView {
    let has_steps = !steps.is_empty();
    view! {
        <div class=format!("note {}", tone.class())>
            {icon(tone.icon())} <div class="grow">
                {text} {has_steps.then(|| view! { <div class="row wrap">{steps}</div> })}
            </div>
        </div>
    }
    .into_any()
}

/// Where a form says what went wrong.
pub(crate) fn alert(text: RwSignal<Option<String>>) -> AnyView {
    view! { <div role="alert">{move || text.get().map(|text| note(Tone::Bad, text, Vec::new()))}</div> }.into_any()
}

/// A window over the page: there while `open` holds. Focus goes in, and back to where it was.
pub(crate) fn dialog(
    open: RwSignal<bool>,
    title: &'static str,
    body: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let body: Box<dyn Fn() -> AnyView + Send> = Box::new(body);
    (move || {
        open.get().then(|| {
            let before: Option<HtmlElement> = dom::document().active_element().and_then(|element| element.dyn_into().ok());
            BEFORE.with_borrow_mut(|stack| stack.push(before));
            on_cleanup(|| {
                let before = BEFORE.with_borrow_mut(Vec::pop).flatten();
                if let Some(before) = before.filter(|element| element.is_connected()) {
                    let _ = before.focus();
                }
            });
            let node: NodeRef<html::Dialog> = NodeRef::new();
            node.on_load(|dialog| {
                let dialog: web_sys::HtmlDialogElement = dialog;
                // In the next turn the element is in the document.
                dom::after(0, move || {
                    let _ = dialog.show_modal();
                    // Without a field to type in, the window itself reads its words out.
                    if let Ok(Some(first)) = dialog.query_selector("[data-first], .sheet input:not([type=checkbox]), form input:not([type=checkbox])")
                        && let Ok(first) = first.dyn_into::<HtmlElement>()
                    {
                        let _ = first.focus();
                    }
                });
            });
            let title = t(title, &[]);
            let label = title.clone();
            view! {
                <dialog
                    node_ref=node
                    aria-label=label
                    on:close=move |_| open.set(false)
                    on:cancel=move |_: web_sys::Event| open.set(false)
                >
                    <div class="sheet">
                        <h2>{title}</h2>
                        {body()}
                    </div>
                </dialog>
            }
            .into_any()
        })
    })
    .into_any()
}

/// The line that says what happened, for a screen reader, once.
pub(crate) fn live() -> AnyView {
    let said = crate::app::app().said;
    view! {
        <div class="sr" role="status" aria-live="polite">
            {move || said.get()}
        </div>
    }
    .into_any()
}
