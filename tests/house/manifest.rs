//! What the extension asks for, and what its pages may load.

use serde_json::{Value, json};

use crate::files::{below, built, json, read, root, shown};

fn sorted(list: &Value) -> Vec<String> {
    let mut names: Vec<String> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn check_common(manifest: &Value) {
    assert_eq!(manifest["manifest_version"], 3);
    for absent in [
        "content_scripts",
        "web_accessible_resources",
        "externally_connectable",
        "host_permissions",
        "key",
        "update_url",
        "sandbox",
        "chrome_url_overrides",
    ] {
        assert!(manifest.get(absent).is_none(), "{absent}");
    }
    assert_eq!(
        sorted(&manifest["optional_permissions"]),
        ["clipboardRead", "clipboardWrite"]
    );
    assert_eq!(
        manifest["optional_host_permissions"],
        json!(["https://*/*", "http://*/*"])
    );
    // 'wasm-unsafe-eval' compiles our module; nothing else may run, and nobody may frame a page.
    assert_eq!(
        manifest["content_security_policy"],
        json!({"extension_pages": "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"})
    );
}

const AT_INSTALL: [&str; 7] = [
    "activeTab",
    "alarms",
    "idle",
    "offscreen",
    "scripting",
    "storage",
    "unlimitedStorage",
];

#[test]
fn nothing_is_asked_at_install_that_shows_a_warning() {
    let manifest = json(root().join("manifest.json"));
    check_common(&manifest);
    assert_eq!(sorted(&manifest["permissions"]), AT_INSTALL);
}

#[test]
fn chromium_gets_its_own_manifest() {
    let Some(dist) = built("dist/chromium") else {
        return;
    };
    let manifest = json(dist.join("manifest.json"));
    check_common(&manifest);
    assert_eq!(sorted(&manifest["permissions"]), AT_INSTALL);
    assert_eq!(
        manifest["background"],
        json!({"service_worker": "worker.js", "type": "module"})
    );
    assert!(manifest.get("browser_specific_settings").is_none());
}

#[test]
fn firefox_gets_its_own_manifest() {
    let Some(dist) = built("dist/firefox") else {
        return;
    };
    let manifest = json(dist.join("manifest.json"));
    check_common(&manifest);
    let without_offscreen: Vec<&str> = AT_INSTALL
        .into_iter()
        .filter(|name| *name != "offscreen")
        .collect();
    assert_eq!(sorted(&manifest["permissions"]), without_offscreen);
    assert_eq!(
        manifest["background"],
        json!({"scripts": ["worker.js"], "type": "module"})
    );
    let gecko = &manifest["browser_specific_settings"]["gecko"];
    assert_eq!(
        gecko["data_collection_permissions"],
        json!({"required": ["none"]})
    );
    assert!(gecko["id"].is_string() && manifest.get("minimum_chrome_version").is_none());
}

#[test]
fn both_carry_the_version_of_the_workspace() {
    for browser in ["chromium", "firefox"] {
        let Some(dist) = built(&format!("dist/{browser}")) else {
            continue;
        };
        assert_eq!(
            json(dist.join("manifest.json"))["version"],
            env!("CARGO_PKG_VERSION")
        );
    }
}

/// `content` of a page's CSP, directive by directive.
fn policy(page: &str) -> Vec<(String, String)> {
    let at = page
        .find("http-equiv=\"Content-Security-Policy\"")
        .expect("a policy in the page");
    let content = page[at..].split("content=\"").nth(1).expect("its content");
    let content = content.split('"').next().expect("its end");
    content
        .split(';')
        .filter_map(|one| one.trim().split_once(' '))
        .map(|(name, sources)| (name.to_owned(), sources.to_owned()))
        .collect()
}

#[test]
fn pages_reach_no_network_and_run_no_inline_script() {
    for path in below(&root().join("extension"), &["html"]) {
        let page = read(&path);
        let policy = policy(&page);
        let says = |name: &str| {
            policy
                .iter()
                .find(|(one, _)| one == name)
                .map(|(_, sources)| sources.as_str())
        };
        // What is not named falls back to default-src; 'none' is stricter than what is asked.
        let holds = |name: &str, most: &str| matches!(says(name).or_else(|| says("default-src")), Some(sources) if sources == most || sources == "'none'");
        assert!(
            holds("connect-src", "'self'"),
            "{}: {policy:?}",
            shown(&path)
        );
        assert!(
            holds("img-src", "'self' data:"),
            "{}: {policy:?}",
            shown(&path)
        );
        for (name, sources) in &policy {
            assert!(
                !sources.contains("http")
                    && !sources.contains('*')
                    && !sources.contains("unsafe-inline"),
                "{}: {name} {sources}",
                shown(&path)
            );
        }
        for tag in page.split("<script").skip(1) {
            let tag = tag.split("</script>").next().unwrap_or_default();
            let (attributes, body) = tag.split_once('>').expect("a tag that ends");
            assert!(
                attributes.contains("src=\"") && body.trim().is_empty(),
                "{}",
                shown(&path)
            );
        }
        for word in [
            " onclick=",
            " onload=",
            " onerror=",
            "javascript:",
            "<iframe",
            "<object",
            "<embed",
        ] {
            assert!(!page.contains(word), "{}: {word}", shown(&path));
        }
    }
}

/// Style sheets, pages and scripts load nothing from elsewhere.
#[test]
fn nothing_shipped_names_a_remote_address() {
    for path in below(&root().join("extension"), &["html", "css", "js"]) {
        for line in read(&path).lines() {
            let named = line.contains("http://") || line.contains("https://");
            // A namespace is a name, not an address anyone fetches.
            let namespace = line.contains("http://www.w3.org/");
            assert!(!named || namespace, "{}: {line}", shown(&path));
            assert!(
                !line.contains("url(//") && !line.contains("@import"),
                "{}: {line}",
                shown(&path)
            );
        }
    }
}
