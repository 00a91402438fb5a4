//! What runs in pages that are not ours: small, asking nobody, changing nothing.

use crate::files::{read, root};

/// Scripts the browser puts into pages by itself, and their largest sizes in bytes.
const SCRIPTS: [(&str, usize); 2] = [("watch.js", 6 * 1024), ("arrive.js", 1024)];

#[test]
fn scripts_in_pages_are_small_and_only_look() {
    for (name, most) in SCRIPTS {
        let text = read(root().join("extension/site").join(name));
        assert!(text.len() <= most, "{name} has {} bytes", text.len());
        for word in [
            "fetch",
            "XMLHttpRequest",
            "WebSocket",
            "sendBeacon",
            "EventSource",
            "import",
            "WebAssembly",
            "eval",
            "createElement",
            "append",
            "innerHTML",
            "insertAdjacent",
            "setItem",
            "removeItem",
            "document.cookie",
            "postMessage",
            "dispatchEvent",
            "console",
            ".value =",
        ] {
            assert!(!text.contains(word), "{name} says {word}");
        }
    }
}

#[test]
fn the_worker_registers_scripts_in_one_place() {
    let worker = read(root().join("extension/worker.js"));
    assert_eq!(
        worker.matches("scripting.registerContentScripts").count(),
        1
    );
    let manifest = read(root().join("manifest.json"));
    assert!(
        !manifest.contains("content_scripts"),
        "they come and go with a setting"
    );
}
