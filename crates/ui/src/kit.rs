//! The parts views are made of. Each is built in one place and erased, so that a page costs
//! only its own words.

use crate::dom;
use crate::el::{el, live};
use crate::icons::{Icon, icon};
use crate::words::t;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsCast;
use web_sys::Event;
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
    expanded: Option<Signal<bool>>,
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
            expanded: None,
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

    /// Opens and closes something below it.
    pub(crate) fn expands(mut self, expanded: impl Into<Signal<bool>>) -> Self {
        self.expanded = Some(expanded.into());
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
        self.made(Box::new(act))
    }

    #[inline(never)]
    fn made(self, act: Box<dyn Fn()>) -> AnyView {
        let Self {
            label,
            icon: drawn,
            class,
            silent,
            name,
            badge,
            off,
            expanded,
            submit,
        } = self;
        let words = if silent {
            ().into_any()
        } else {
            el("span").kid(label).into_any()
        };
        let badge = badge.map(|badge| {
            el("span")
                .class("tag warn")
                .a("aria-hidden", "true")
                .live("hidden", move || badge.get().is_none())
                .kid(live(move || badge.get().map(crate::words::number)))
                .into_any()
        });
        let title = move || silent.then(|| label.get());
        let name = move || name.clone().or_else(|| silent.then(|| label.get()));
        el("button")
            .a("type", if submit { "submit" } else { "button" })
            .class(class)
            .live("title", title)
            .live("aria-label", name)
            .live("disabled", move || off.get())
            .live("aria-expanded", move || {
                expanded.map(|open| if open.get() { "true" } else { "false" })
            })
            .kid(drawn.map(icon))
            .kid(words)
            .kid(badge)
            .on("click", move |_: Event| act())
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
    el("div")
        .class("field")
        .kid(el("label").a("for", id.clone()).kid(t(label, &[])))
        .kid(
            el("input")
                .class("input")
                .a("id", id)
                .a(
                    "type",
                    match takes {
                        Takes::Text => "text",
                        Takes::Password => "password",
                    },
                )
                .a("autocomplete", "off")
                .a("autocapitalize", "off")
                .a("spellcheck", "false")
                .live("aria-describedby", move || {
                    has_hint().then(|| described.clone())
                })
                .value(move || value.get())
                .on("input", move |event: Event| {
                    value.set(event_target_value(&event))
                }),
        )
        .kid(
            el("span")
                .class("hint")
                .a("id", hint_id)
                .live("hidden", move || !has_hint())
                .kid(live(move || hint.get())),
        )
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
    el("div")
        .class("check")
        .kid(
            el("input")
                .a("type", "checkbox")
                .a("id", id.clone())
                .a("aria-describedby", has_hint.then(|| hint_id.clone()))
                .checked(move || on.get())
                .on("change", move |event: Event| {
                    set(event_target_checked(&event))
                }),
        )
        .kid(
            el("div")
                .kid(el("label").a("for", id).kid(label))
                .kid(has_hint.then(|| el("span").class("hint").a("id", hint_id).kid(hint))),
        )
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
            el("option")
                .a("value", place.to_string())
                .flag("selected", move || chosen.get() == place)
                .kid(text)
                .into_any()
        })
        .collect();
    el("select")
        .class(class)
        .a("aria-label", t(label, &[]))
        .on("change", move |event: Event| {
            if let Ok(place) = event_target_value(&event).parse() {
                set(place);
            }
        })
        .kid(options)
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
    el("div")
        .class(format!("note {}", tone.class()))
        .kid(icon(tone.icon()))
        .kid(
            el("div")
                .class("grow")
                .kid(text)
                .kid(has_steps.then(|| el("div").class("row wrap").kid(steps))),
        )
        .into_any()
}

/// Where a form says what went wrong.
pub(crate) fn alert(text: RwSignal<Option<String>>) -> AnyView {
    el("div")
        .a("role", "alert")
        .kid(live(move || {
            text.get().map(|text| note(Tone::Bad, text, Vec::new()))
        }))
        .into_any()
}

/// A window over the page: there while `open` holds. Focus goes in, and back to where it was.
pub(crate) fn dialog(
    open: RwSignal<bool>,
    title: &'static str,
    body: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    dialog_of(open, move || t(title, &[]), body)
}

/// The same, with a title that says what it is about.
pub(crate) fn dialog_of(
    open: RwSignal<bool>,
    title: impl Fn() -> String + Send + 'static,
    body: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let title: Box<dyn Fn() -> String + Send> = Box::new(title);
    let body: Box<dyn Fn() -> AnyView + Send> = Box::new(body);
    live(move || {
        open.get().then(|| {
            let before: Option<HtmlElement> = dom::document().active_element().and_then(|element| element.dyn_into().ok());
            BEFORE.with_borrow_mut(|stack| stack.push(before));
            on_cleanup(|| {
                let before = BEFORE.with_borrow_mut(Vec::pop).flatten();
                // While the dialog still stands, nothing behind it takes the focus.
                dom::after(0, move || {
                    if let Some(before) = before.filter(|element| element.is_connected()) {
                        let _ = before.focus();
                    }
                });
            });
            let show = |dialog: web_sys::Element| {
                let dialog: web_sys::HtmlDialogElement = dialog.unchecked_into();
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
            };
            let title = title();
            let label = title.clone();
            el("dialog").born(show).a("aria-label", label).on("close", move |_: Event| open.set(false)).on("cancel", move |_: web_sys::Event| open.set(false))
.kid(el("div").class("sheet")
.kid(el("h2")
.kid(title))
.kid(body()))
            .into_any()
        })
    })
    .into_any()
}

/// Where what happens is said for a screen reader.
pub(crate) fn status() -> AnyView {
    el("div")
        .class("sr")
        .a("id", SAID)
        .a("role", "status")
        .a("aria-live", "polite")
        .a("aria-atomic", "false")
        .into_any()
}

const SAID: &str = "said";

/// Says a line. Lines are added and never exchanged, so that of two things said at once both are
/// heard.
pub(crate) fn say(text: &str) {
    // Longer than any reader takes to notice it.
    const STAYS: i32 = 5_000;
    let Some(region) = dom::document().get_element_by_id(SAID) else {
        return;
    };
    let line = dom::make("p", "");
    line.set_text_content(Some(text));
    let _ = region.append_child(&line);
    dom::after(STAYS, move || line.remove());
}

/// Says a line when nothing else was to be said so for a moment: a count after typing.
pub(crate) fn say_soon(text: impl FnOnce() -> Option<String> + 'static) {
    const PAUSE: i32 = 400;
    thread_local! {
        static TURN: Cell<u32> = const { Cell::new(0) };
    }
    let mine = TURN.get() + 1;
    TURN.set(mine);
    dom::after(PAUSE, move || {
        // Locked meanwhile, there is nothing left to speak of.
        if TURN.get() == mine
            && let Some(text) = text()
        {
            say(&text);
        }
    });
}

/// Takes back what was said.
pub(crate) fn unsay() {
    if let Some(region) = dom::document().get_element_by_id(SAID) {
        region.set_text_content(None);
    }
}
