//! Pages a person sees: each generation's console, and sites that are no relay at all.

use serde_json::json;

use crate::answer::Answer;
use crate::ask::Ask;
use crate::kind::{Fork, Generation};
use crate::state::State;

const CONSOLE: &str = include_str!("../pages/console.html");
const PLAIN: &str = include_str!("../pages/plain.html");
const PLANTED: &str = include_str!("../pages/planted.html");
const LOOKALIKE: &str = include_str!("../pages/lookalike.html");

/// The single page a relay serves for every path without a route.
pub(crate) fn console(state: &State, ask: &Ask) -> Answer {
    let era = match state.generation {
        _ if state.hub() => "hub",
        _ if state.is(Fork::Veloera) => "veloera",
        Generation::April2025 => "april",
        Generation::Cookie => "cookie",
        Generation::Jwt => "jwt",
        Generation::OneApi => "oneapi",
    };
    let path = state.base.strip_prefix(&state.origin).unwrap_or("");
    let demo = state.user(2);
    // `?autologin=1` signs the demo user in; no other page holds the password, so that a search
    // of a browser's profile finds it only where a test put it.
    let demo = demo.filter(|_| ask.query("autologin") == "1");
    let setup = json!({
        "era": era, "base": path,
        "demo": demo.map(|user| json!({"username": user.username, "password": user.password})),
    });
    // `</` cannot end the script early once the slash is escaped.
    let setup = setup.to_string().replace("</", "<\\/");
    let fork = state.options.fork;
    let title = fork.map_or(state.generation.default_name(), Fork::default_name);
    Answer::html(
        200,
        CONSOLE
            .replace("__TITLE__", title)
            .replace("\"__SETUP__\"", &setup),
    )
}

/// Another product that also speaks `success:true` and leaves relay-like words in localStorage.
pub(crate) fn lookalike(state: &State, ask: &Ask) -> Answer {
    if ask.path == "/api/status" {
        return Answer::json(
            200,
            &json!({"success": true, "message": "", "data": {
                "service": "Hosting Panel", "uptime": state.now() - state.started, "version": "4.2.1",
                "regions": ["fra", "sin"], "status": "operational",
            }}),
        );
    }
    if ask.path.starts_with("/api/") {
        return Answer::json(
            200,
            &json!({"success": true, "message": "ok", "data": {"items": [], "total": 0}}),
        );
    }
    if ask.path == "/planted" {
        return Answer::html(200, PLANTED);
    }
    Answer::html(200, LOOKALIKE)
}

/// An ordinary page, with an ordinary 404 for everything else.
pub(crate) fn plain(ask: &Ask) -> Answer {
    if matches!(ask.path.as_str(), "/" | "/index.html") {
        Answer::html(200, PLAIN)
    } else {
        not_found()
    }
}

/// 200 and the same page, whatever is asked.
pub(crate) fn everything() -> Answer {
    Answer::html(200, PLAIN)
}

/// Where redirects are sent to see what they carry; every page may read the answer.
pub(crate) fn caught() -> Answer {
    Answer::json(200, &json!({"caught": true}))
        .with("Access-Control-Allow-Origin", "*")
        .with("Access-Control-Allow-Headers", "*")
        .with("Access-Control-Allow-Methods", "*")
}

/// What a web server says beside the mounted sub path.
pub(crate) fn not_found() -> Answer {
    Answer::html(
        404,
        "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>",
    )
}
