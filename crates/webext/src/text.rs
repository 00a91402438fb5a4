//! What the browser does with text by tables of its own.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = URL)]
    type Address;
    #[wasm_bindgen(constructor, js_class = "URL", catch)]
    fn new(text: &str) -> Result<Address, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn protocol(this: &Address) -> String;
    #[wasm_bindgen(method, getter)]
    fn username(this: &Address) -> String;
    #[wasm_bindgen(method, getter)]
    fn password(this: &Address) -> String;
    #[wasm_bindgen(method, getter)]
    fn hostname(this: &Address) -> String;
    #[wasm_bindgen(method, getter)]
    fn origin(this: &Address) -> String;
    #[wasm_bindgen(method, getter)]
    fn pathname(this: &Address) -> String;
}

/// An address, taken apart by the browser: just as `fetch` will read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlParts {
    /// Without the colon.
    pub scheme: String,
    /// A user name or a password stands in it.
    pub user_info: bool,
    /// As ASCII; IPv6 in brackets.
    pub host: String,
    /// Scheme, host and port.
    pub origin: String,
    /// Percent-encoded.
    pub path: String,
}

/// Takes an absolute address apart; `None` if it is none.
#[must_use]
pub fn url_parts(text: &str) -> Option<UrlParts> {
    let address = Address::new(text).ok()?;
    let mut scheme = address.protocol();
    scheme.pop();
    Some(UrlParts {
        scheme,
        user_info: !address.username().is_empty() || !address.password().is_empty(),
        host: address.hostname(),
        origin: address.origin(),
        path: address.pathname(),
    })
}

/// Unicode normalisation form C.
#[must_use]
pub fn nfc(text: &str) -> Option<String> {
    js_sys::JsString::from(text).normalize("NFC").as_string()
}
