// Starts a page. Where the session holds a glimpse (crates/background/src/glimpse.rs), its rows are
// shown first, and the page opens its line to the worker itself. Else the line is opened before the
// WASM is compiled, so that both happen at once; what is heard meanwhile waits here until the page
// takes it over.
const early = { heard: [], ended: false, leave: () => { delete globalThis.relaykeepEarly; } };
globalThis.relaykeepEarly = early;

async function glimpse() {
  try {
    const { g } = await chrome.storage.session.get("g");
    const { version, since, until, events } = JSON.parse(g ?? "{}");
    const now = Date.now();
    return version === chrome.runtime.getManifest().version && since <= now && (until === null || now < until) ? events : [];
  } catch {
    return []; // no more than a picture that is missing
  }
}

function connect() {
  const hear = (event) => early.heard.push(event);
  const end = () => { early.ended = true; };
  early.port = chrome.runtime.connect({ name: "relaykeep" });
  early.port.onMessage.addListener(hear);
  early.port.onDisconnect.addListener(end);
  early.leave = () => {
    early.port.onMessage.removeListener(hear);
    early.port.onDisconnect.removeListener(end);
    delete globalThis.relaykeepEarly;
  };
}

async function module() {
  const ui = await import("./ui/relaykeep_ui.js");
  await ui.default();
  return ui;
}

try {
  const starting = module();
  early.heard = await glimpse();
  if (!early.heard.length) connect();
  const { mount_options, mount_popup } = await starting;
  (document.body.id === "popup" ? mount_popup : mount_options)();
} catch (fault) {
  console.error(fault);
  const failed = document.getElementById("failed");
  failed.textContent = chrome.i18n.getMessage("page_failed");
  failed.setAttribute("role", "alert");
  failed.hidden = false;
}
