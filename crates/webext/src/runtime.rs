//! Messages, in both directions: one JSON text each. As objects they would cross the border of the
//! WASM field by field.

use crate::{BrowserError, to_js};
use js_sys::{Function, JSON, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["chrome", "runtime"], js_name = sendMessage, catch)]
    fn send_message(message: &str) -> Result<Promise, JsValue>;

    /// A long-lived line between a page and the worker.
    #[derive(Clone)]
    pub type Port;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &Port, message: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn disconnect(this: &Port);
    #[wasm_bindgen(method, getter)]
    fn name(this: &Port) -> String;
    #[wasm_bindgen(method, getter, js_name = onMessage)]
    fn on_message(this: &Port) -> Signal;
    #[wasm_bindgen(method, getter, js_name = onDisconnect)]
    fn on_disconnect(this: &Port) -> Signal;

    type Signal;
    #[wasm_bindgen(method, js_name = addListener)]
    fn add_listener(this: &Signal, listener: &Function);
}

/// Sends one message to the worker and waits for the text of the answer.
///
/// # Errors
/// When the worker is gone or answers no text.
pub async fn send<Q: Serialize>(message: &Q) -> Result<String, BrowserError> {
    let text: String = JSON::stringify(&to_js(message)?)?.into();
    let answer = JsFuture::from(send_message(&text)?).await?;
    answer.as_string().ok_or(BrowserError)
}

impl Port {
    /// The name it was opened under.
    #[must_use]
    pub fn opened_as(&self) -> String {
        self.name()
    }

    /// Sends one text along the line.
    ///
    /// # Errors
    /// When the other end is gone.
    pub fn post(&self, text: &str) -> Result<(), BrowserError> {
        Ok(self.post_message(text)?)
    }

    /// Hears every text from the other end, for the rest of the program.
    pub fn hear(&self, mut act: impl FnMut(String) + 'static) {
        let listener = Closure::<dyn FnMut(JsValue)>::new(move |text: JsValue| {
            if let Some(text) = text.as_string() {
                act(text);
            }
        });
        self.on_message()
            .add_listener(listener.as_ref().unchecked_ref());
        listener.forget();
    }

    /// Hears the end of the line.
    pub fn hear_end(&self, act: impl FnOnce() + 'static) {
        let listener = Closure::once_into_js(act);
        self.on_disconnect().add_listener(listener.unchecked_ref());
    }

    /// Ends the line.
    pub fn end(&self) {
        self.disconnect();
    }
}
