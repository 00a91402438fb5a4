//! The few things of the document that are done by hand.

use js_sys::{Array, Function, Reflect};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, Window};

/// The window.
pub(crate) fn window() -> Window {
    web_sys::window().expect("a page has a window")
}

/// The document.
pub(crate) fn document() -> Document {
    window().document().expect("a page has a document")
}

/// Somebody can see the page.
pub(crate) fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Does something once, this many milliseconds later.
pub(crate) fn after(milliseconds: i32, act: impl FnOnce() + 'static) {
    let act = Closure::once_into_js(act);
    let _ = window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(act.unchecked_ref(), milliseconds);
}

/// The window's height.
pub(crate) fn window_height() -> f64 {
    let height = window().inner_height().ok();
    height.and_then(|height| height.as_f64()).unwrap_or(0.0)
}

/// Does something once, just before the next frame.
pub(crate) fn next_frame(act: impl FnOnce() + 'static) {
    let act = Closure::once_into_js(act);
    let _ = window().request_animation_frame(act.unchecked_ref());
}

/// Does something once, when what stands now is on screen: the next frame but one follows that.
/// A hidden page has no frames.
pub(crate) fn once_painted(act: impl FnOnce() + 'static) {
    const AT_THE_LATEST: i32 = 500;
    if !is_visible() {
        return after(0, act);
    }
    let act = Rc::new(Cell::new(Some(act)));
    let late = Rc::clone(&act);
    let once = move || {
        if let Some(act) = act.take() {
            act();
        }
    };
    next_frame(move || next_frame(move || after(0, once)));
    after(AT_THE_LATEST, move || {
        if let Some(act) = late.take() {
            act();
        }
    });
}

/// Hears an event for as long as the page lives.
pub(crate) fn listen_forever(target: &EventTarget, name: &str, act: impl FnMut(Event) + 'static) {
    let act = Closure::<dyn FnMut(Event)>::new(act);
    let _ = target.add_event_listener_with_callback(name, act.as_ref().unchecked_ref());
    act.forget();
}

/// Tells whenever the element's size changes, and once now: also when it comes on screen or leaves
/// it. Before the next paint.
pub(crate) fn on_resize(element: &Element, act: impl FnMut() + 'static) {
    let Some(make) = Reflect::get(&window(), &"ResizeObserver".into())
        .ok()
        .and_then(|made| made.dyn_into::<Function>().ok())
    else {
        return;
    };
    let act = Closure::<dyn FnMut()>::new(act).into_js_value();
    let Ok(observer) = Reflect::construct(&make, &Array::of1(&act)) else {
        return;
    };
    if let Some(observe) = Reflect::get(&observer, &"observe".into())
        .ok()
        .and_then(|found| found.dyn_into::<Function>().ok())
    {
        // It lives as long as the element does.
        let _ = observe.call1(&observer, element);
    }
}

/// A new element.
pub(crate) fn make(tag: &str, class: &str) -> HtmlElement {
    let element = document().create_element(tag).expect("a literal tag name");
    if !class.is_empty() {
        element.set_class_name(class);
    }
    element.unchecked_into()
}

/// Sets an attribute.
pub(crate) fn set(element: &Element, name: &str, value: &str) {
    let _ = element.set_attribute(name, value);
}

/// A length in whole pixels.
pub(crate) fn px(length: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a length on a page")]
    let length = length.round() as i32;
    format!("{length}px")
}

/// A silent icon.
pub(crate) fn icon(path: &str) -> Element {
    const SVG: Option<&str> = Some("http://www.w3.org/2000/svg");
    let document = document();
    let svg = document
        .create_element_ns(SVG, "svg")
        .expect("a literal tag name");
    set(&svg, "class", "icon");
    set(&svg, "viewBox", "0 0 24 24");
    set(&svg, "aria-hidden", "true");
    let stroke = document
        .create_element_ns(SVG, "path")
        .expect("a literal tag name");
    set(&stroke, "d", path);
    let _ = svg.append_child(&stroke);
    svg
}

/// Writes text in which the found parts are marked.
pub(crate) fn write_marked(element: &HtmlElement, text: &str, terms: &[String]) {
    write_marks(element, text, &find_marks(text, terms));
}

/// Writes text with these parts of it marked.
pub(crate) fn write_marks(element: &HtmlElement, text: &str, marks: &[(usize, usize)]) {
    if marks.is_empty() {
        element.set_text_content(Some(text));
        return;
    }
    element.set_text_content(None);
    let mut at = 0;
    for (from, to) in marks {
        if at < *from {
            let _ = element.append_with_str_1(&text[at..*from]);
        }
        let mark = make("mark", "");
        mark.set_text_content(Some(&text[*from..*to]));
        let _ = element.append_child(&mark);
        at = *to;
    }
    if at < text.len() {
        let _ = element.append_with_str_1(&text[at..]);
    }
}

/// Where the terms (in lower case) stand in the text, as byte ranges in order.
pub(crate) fn find_marks(text: &str, terms: &[String]) -> Vec<(usize, usize)> {
    if terms.is_empty() {
        return Vec::new();
    }
    // Lower case can be longer or shorter than the letter it comes from.
    let mut low = String::with_capacity(text.len());
    let mut origin = Vec::with_capacity(text.len() + 1);
    for (at, letter) in text.char_indices() {
        for small in letter.to_lowercase() {
            origin.extend(std::iter::repeat_n(
                (at, at + letter.len_utf8()),
                small.len_utf8(),
            ));
            low.push(small);
        }
    }
    let mut found: Vec<(usize, usize)> = terms
        .iter()
        .flat_map(|term| low.match_indices(term.as_str()))
        .filter(|(_, part)| !part.is_empty())
        .map(|(at, part)| (origin[at].0, origin[at + part.len() - 1].1))
        .collect();
    found.sort_unstable();
    let mut marks: Vec<(usize, usize)> = Vec::new();
    for (from, to) in found {
        match marks.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            Some(_) | None => marks.push((from, to)),
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, terms: &[&str], expected: &[&str]) {
        let terms: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
        let marks: Vec<&str> = find_marks(text, &terms)
            .into_iter()
            .map(|(from, to)| &text[from..to])
            .collect();
        assert_eq!(marks, expected);
    }

    #[test]
    fn marks_fall_on_whole_letters_whatever_their_case() {
        check("claude-code", &["cl", "code"], &["cl", "code"]);
        check("Claude CLI", &["cl"], &["Cl", "CL"]);
        check("İstanbul", &["i"], &["İ"]);
        check("试用 – 共享", &["共"], &["共"]);
        check("aaa", &["aa", "a"], &["aaa"]);
        check("abc", &["x"], &[]);
    }
}
