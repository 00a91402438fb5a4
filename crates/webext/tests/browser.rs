//! The browser layer, in a real browser: what can be had on an ordinary page.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    reason = "a test may say what it expects by unwrapping"
)]

use relaykeep_webext::{
    Database, forget_device_key, from_js, load_device_key, locks, save_device_key, to_js, worker,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const DATABASE: Database = Database("relaykeep-test");

fn text(text: &str) -> String {
    text.to_owned()
}

#[wasm_bindgen_test]
async fn a_table_keeps_texts_and_removes_them() {
    DATABASE
        .set(&[(text("a"), text("1")), (text("b"), text("2"))])
        .await
        .unwrap();
    assert_eq!(DATABASE.get("a").await.unwrap().as_deref(), Some("1"));
    assert_eq!(DATABASE.get("nothing").await.unwrap(), None);
    assert_eq!(DATABASE.names().await.unwrap(), ["a", "b"]);
    DATABASE.set(&[(text("a"), text("3"))]).await.unwrap();
    DATABASE
        .remove(&[text("b"), text("nothing")])
        .await
        .unwrap();
    assert_eq!(DATABASE.names().await.unwrap(), ["a"]);
    assert_eq!(DATABASE.get("a").await.unwrap().as_deref(), Some("3"));
    DATABASE.remove(&[text("a")]).await.unwrap();
}

#[wasm_bindgen_test]
async fn the_device_key_stands_in_two_places() {
    save_device_key(DATABASE, "abc").await.unwrap();
    assert_eq!(
        load_device_key(DATABASE).await,
        [b"abc".to_vec(), b"abc".to_vec()]
    );
    DATABASE.remove(&[text("rk1/dk")]).await.unwrap();
    assert_eq!(
        load_device_key(DATABASE).await,
        [b"abc".to_vec()],
        "the second copy is elsewhere"
    );
    forget_device_key(DATABASE).await;
    assert!(load_device_key(DATABASE).await.is_empty());
}

#[wasm_bindgen_test]
async fn work_under_a_lock_never_overlaps() {
    let trace = Rc::new(RefCell::new(Vec::new()));
    let work = |name: &'static str| {
        let trace = Rc::clone(&trace);
        async move {
            trace.borrow_mut().push(format!("{name} begins"));
            worker::sleep(20).await;
            trace.borrow_mut().push(format!("{name} ends"));
            name
        }
    };
    let (first, second) = futures_util::future::join(
        locks::exclusively("test", work("one")),
        locks::exclusively("test", work("two")),
    )
    .await;
    assert_eq!((first, second), (Ok("one"), Ok("two")));
    assert_eq!(
        *trace.borrow(),
        ["one begins", "one ends", "two begins", "two ends"]
    );
}

#[wasm_bindgen_test]
fn a_map_arrives_whole_and_large_numbers_exact() {
    let map: BTreeMap<String, i64> =
        [(text("balance"), 9_007_199_254_740_991), (text("used"), -5)].into();
    let there: BTreeMap<String, i64> = from_js(to_js(&map).unwrap()).unwrap();
    assert_eq!(there, map);
    let plain = js_sys::JSON::stringify(&to_js(&map).unwrap()).unwrap();
    assert_eq!(
        plain.as_string().unwrap(),
        r#"{"balance":9007199254740991,"used":-5}"#
    );
}

#[wasm_bindgen_test]
fn numbers_beyond_what_javascript_can_hold_are_refused() {
    // Which is why the book clamps what it shows: see `book::records::shown`.
    assert!(to_js(&(1_i64 << 53)).is_err());
    assert!(to_js(&((1_i64 << 53) - 1)).is_ok());
}

/// The core's own tests read addresses with the `url` crate; the shipped worker asks the browser.
#[wasm_bindgen_test]
fn the_browser_takes_addresses_apart_as_the_standard_says() {
    for (typed, scheme, user_info, host, origin, path) in [
        (
            "https://Relay.Example:443/a/../b?c#d",
            "https",
            false,
            "relay.example",
            "https://relay.example",
            "/b",
        ),
        (
            "http://relay.example:3000",
            "http",
            false,
            "relay.example",
            "http://relay.example:3000",
            "/",
        ),
        (
            "https://bücher.example/ü",
            "https",
            false,
            "xn--bcher-kva.example",
            "https://xn--bcher-kva.example",
            "/%C3%BC",
        ),
        (
            "https://中转.example/",
            "https",
            false,
            "xn--fiqq40n.example",
            "https://xn--fiqq40n.example",
            "/",
        ),
        (
            "http://[::1]:3000/x",
            "http",
            false,
            "[::1]",
            "http://[::1]:3000",
            "/x",
        ),
        (
            "https://0x7f.1/",
            "https",
            false,
            "127.0.0.1",
            "https://127.0.0.1",
            "/",
        ),
        (
            "https://me:secret@relay.example/",
            "https",
            true,
            "relay.example",
            "https://relay.example",
            "/",
        ),
    ] {
        let parts = relaykeep_webext::text::url_parts(typed).unwrap();
        assert_eq!(
            (
                &*parts.scheme,
                parts.user_info,
                &*parts.host,
                &*parts.origin,
                &*parts.path
            ),
            (scheme, user_info, host, origin, path),
            "{typed}"
        );
    }
    for typed in [
        "",
        "relay.example",
        "https://",
        "https://relay.example:99999",
    ] {
        assert_eq!(relaykeep_webext::text::url_parts(typed), None, "{typed}");
    }
}

#[wasm_bindgen_test]
fn text_is_composed() {
    assert_eq!(
        relaykeep_webext::text::nfc("e\u{301}\u{1112}\u{1161}\u{11ab}").as_deref(),
        Some("\u{e9}\u{d55c}")
    );
}
