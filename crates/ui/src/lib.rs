//! The options page and the popup: one WASM, two mounts. Rows stand in plain vectors and are
//! drawn by hand into recycled elements; everything around them is Leptos.

mod account_form;
mod account_page;
mod accounts;
mod activity;
mod activity_words;
mod activity_work;
mod acts;
mod app;
mod backup;
mod browser_login;
mod bulk_edit;
mod clone_dialog;
mod copying;
mod details;
mod dom;
mod el;
mod finder;
mod gate;
mod grid;
mod grid_row;
mod icons;
mod key_ends;
mod key_field_views;
mod key_fields;
mod key_form;
mod key_form_views;
mod key_words;
mod keys_page;
mod kit;
mod line;
mod listing;
mod local_time;
mod menu;
mod model_picker;
mod options;
mod part;
mod paste;
mod plan_box;
mod plan_dialog;
mod popup;
mod popup_list;
mod protection;
mod repair;
mod repair_groups;
mod repair_parts;
mod repair_section;
mod reveal;
mod settings;
mod stock;
mod tab_site;
mod trace;
mod troubles;
mod usage;
mod view_choices;
mod watching;
mod windows;
mod words;

use wasm_bindgen::prelude::wasm_bindgen;

/// Draws the options page into the document.
#[wasm_bindgen]
pub fn mount_options() {
    app::begin();
    // What is known already is there when the page is built.
    line::listen();
    leptos::mount::mount_to_body(options::options);
}

/// Draws the popup into the document.
#[wasm_bindgen]
pub fn mount_popup() {
    app::begin();
    line::listen();
    leptos::mount::mount_to_body(popup::popup);
}
