//! The least a Leptos page can be. The bench opens it in the same extension and the same run as
//! ours, and states every opening time as a multiple of this one.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

/// Mounts the page.
#[wasm_bindgen(start)]
pub fn start() {
    mount_to_body(|| view! { <p id="floor">"Hello"</p> });
}
