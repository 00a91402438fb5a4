//! An element in the making. Leptos types every element by all it holds, and each type is
//! code: a page of this size came to 1.1 MB. Here attributes, listeners and children are
//! erased one by one, so that all elements are one type and cost only their own words.

use leptos::attr::any_attribute::{AnyAttribute, IntoAnyAttribute};
use leptos::attr::custom::custom_attribute;
use leptos::ev;
use leptos::html::custom;
use leptos::prelude::*;
use leptos::tachys::html::directive::directive;
use leptos::tachys::html::event::on;
use leptos::tachys::html::property::prop;
use leptos::tachys::view::iterators::StaticVec;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// An element with this tag.
pub(crate) fn el(tag: &'static str) -> El {
    El(Box::new(Making {
        tag,
        attributes: Vec::new(),
        kids: Vec::new(),
    }))
}

/// An element in the making. Boxed, because every step hands it on.
pub(crate) struct El(Box<Making>);

struct Making {
    tag: &'static str,
    attributes: Vec<AnyAttribute>,
    kids: Vec<AnyView>,
}

impl El {
    /// With an attribute.
    pub(crate) fn a(self, name: &'static str, value: impl Word) -> Self {
        self.attribute(name, value.word())
    }

    /// With an attribute that follows signals.
    pub(crate) fn live<W: Word>(
        self,
        name: &'static str,
        value: impl Fn() -> W + Send + 'static,
    ) -> Self {
        self.live_attribute(name, Box::new(move || value().word()))
    }

    /// With these classes.
    pub(crate) fn class(self, names: impl Word) -> Self {
        self.attribute("class", names.word())
    }

    /// An input whose text follows a signal.
    pub(crate) fn value(self, value: impl Fn() -> String + Send + 'static) -> Self {
        let value: Box<dyn FnMut() -> String + Send> = Box::new(value);
        self.with(prop("value", value).into_any_attr())
    }

    /// A box whose tick follows signals.
    pub(crate) fn checked(self, value: impl Fn() -> bool + Send + 'static) -> Self {
        self.flag("checked", value)
    }

    /// A property that follows signals.
    pub(crate) fn flag(
        self,
        name: &'static str,
        value: impl Fn() -> bool + Send + 'static,
    ) -> Self {
        let value: Box<dyn FnMut() -> bool + Send> = Box::new(value);
        self.with(prop(name, value).into_any_attr())
    }

    /// With a listener.
    pub(crate) fn on<E: JsCast>(
        self,
        name: &'static str,
        mut act: impl FnMut(E) + 'static,
    ) -> Self {
        self.listener(name, Box::new(move |event| act(event.unchecked_into())))
    }

    /// Does something with the element once it is made (it is not on the page yet).
    pub(crate) fn born(self, act: impl Fn(Element) + 'static) -> Self {
        let act: Box<dyn Fn(Element)> = Box::new(act);
        self.with(directive(act, ()).into_any_attr())
    }

    /// With something in it.
    pub(crate) fn kid(self, kid: impl Kid) -> Self {
        self.child(kid.view())
    }

    /// Made.
    #[inline(never)]
    pub(crate) fn into_any(self) -> AnyView {
        let Making {
            tag,
            attributes,
            kids,
        } = *self.0;
        let kids: StaticVec<AnyView> = kids.into();
        custom(tag).add_any_attr(attributes).child(kids).into_any()
    }

    #[inline(never)]
    fn attribute(self, name: &'static str, value: Option<String>) -> Self {
        self.with(custom_attribute(name, value).into_any_attr())
    }

    #[inline(never)]
    fn live_attribute(
        self,
        name: &'static str,
        value: Box<dyn FnMut() -> Option<String> + Send>,
    ) -> Self {
        self.with(custom_attribute(name, value).into_any_attr())
    }

    #[inline(never)]
    fn listener(self, name: &'static str, act: Box<dyn FnMut(Event)>) -> Self {
        self.with(on(ev::Custom::<Event>::new(name), act).into_any_attr())
    }

    #[inline(never)]
    fn with(mut self, attribute: AnyAttribute) -> Self {
        self.0.attributes.push(attribute);
        self
    }

    #[inline(never)]
    fn child(mut self, kid: AnyView) -> Self {
        self.0.kids.push(kid);
        self
    }
}

/// Things side by side.
macro_rules! all {
    ($($kid:expr),* $(,)?) => {
        $crate::el::side_by_side(vec![$($crate::el::Kid::view($kid)),*])
    };
}
pub(crate) use all;

/// Things side by side.
#[inline(never)]
pub(crate) fn side_by_side(kids: Vec<AnyView>) -> AnyView {
    let kids: StaticVec<AnyView> = kids.into();
    kids.into_any()
}

/// A part of the page that follows signals.
pub(crate) fn live<K: Kid>(make: impl Fn() -> K + Send + 'static) -> AnyView {
    live_part(Box::new(move || make().view()))
}

#[inline(never)]
fn live_part(make: Box<dyn FnMut() -> AnyView + Send>) -> AnyView {
    make.into_any()
}

/// What can stand in an element.
pub(crate) trait Kid {
    /// As a view.
    fn view(self) -> AnyView;
}

impl Kid for AnyView {
    fn view(self) -> AnyView {
        self
    }
}

impl Kid for El {
    fn view(self) -> AnyView {
        self.into_any()
    }
}

impl Kid for String {
    #[inline(never)]
    fn view(self) -> AnyView {
        self.into_any()
    }
}

impl Kid for &'static str {
    fn view(self) -> AnyView {
        self.to_owned().view()
    }
}

impl Kid for () {
    #[inline(never)]
    fn view(self) -> AnyView {
        self.into_any()
    }
}

impl Kid for Signal<String> {
    fn view(self) -> AnyView {
        live(move || self.get())
    }
}

impl<K: Kid> Kid for Option<K> {
    fn view(self) -> AnyView {
        match self {
            Some(kid) => kid.view(),
            None => ().view(),
        }
    }
}

impl Kid for Vec<AnyView> {
    fn view(self) -> AnyView {
        side_by_side(self)
    }
}

/// What an attribute can say; nothing means that it is not there.
pub(crate) trait Word {
    /// As text.
    fn word(self) -> Option<String>;
}

impl Word for String {
    fn word(self) -> Option<String> {
        Some(self)
    }
}

impl Word for &str {
    fn word(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl Word for bool {
    fn word(self) -> Option<String> {
        self.then(String::new)
    }
}

impl Word for u32 {
    fn word(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<W: Word> Word for Option<W> {
    fn word(self) -> Option<String> {
        self.and_then(Word::word)
    }
}
