//! An element that remembers what was last written into it: writing the same again costs
//! nothing, and most of what a recycled row shows is the same again.

use crate::dom::{self, find_marks, write_marks};
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use web_sys::HtmlElement;

/// An element and what it says.
pub(crate) struct Part {
    element: HtmlElement,
    text: RefCell<Option<(String, Vec<(usize, usize)>)>>,
    class: RefCell<String>,
    hidden: Cell<bool>,
    attributes: RefCell<Vec<(&'static str, String)>>,
}

impl Deref for Part {
    type Target = HtmlElement;

    fn deref(&self) -> &HtmlElement {
        &self.element
    }
}

impl Part {
    /// A new element.
    pub(crate) fn new(tag: &str, class: &str) -> Self {
        Self {
            element: dom::make(tag, class),
            text: RefCell::new(None),
            class: RefCell::new(class.to_owned()),
            hidden: Cell::new(false),
            attributes: RefCell::new(Vec::new()),
        }
    }

    /// Says this.
    pub(crate) fn say(&self, text: &str) {
        self.mark(text, &[]);
    }

    /// Says this, with what was found marked.
    pub(crate) fn mark(&self, text: &str, terms: &[String]) {
        let marks = find_marks(text, terms);
        let same = matches!(&*self.text.borrow(), Some((said, marked)) if said == text && *marked == marks);
        if !same {
            write_marks(&self.element, text, &marks);
            self.text.replace(Some((text.to_owned(), marks)));
        }
    }

    /// With exactly these classes.
    pub(crate) fn class(&self, names: &str) {
        if *self.class.borrow() != names {
            self.element.set_class_name(names);
            names.clone_into(&mut self.class.borrow_mut());
        }
    }

    /// Hidden or not.
    pub(crate) fn hide(&self, hidden: bool) {
        if self.hidden.replace(hidden) != hidden {
            self.element.set_hidden(hidden);
        }
    }

    /// With this attribute.
    pub(crate) fn put(&self, name: &'static str, value: &str) {
        let mut attributes = self.attributes.borrow_mut();
        match attributes.iter_mut().find(|(held, _)| *held == name) {
            Some((_, held)) if held == value => return,
            Some((_, held)) => value.clone_into(held),
            None => attributes.push((name, value.to_owned())),
        }
        dom::set(&self.element, name, value);
    }
}
