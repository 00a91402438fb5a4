// Starts a page. The line to the worker is opened before the WASM is compiled, so that both
// happen at once; what is heard meanwhile waits here until the page takes it over.
const early = { port: chrome.runtime.connect({ name: "relaykeep" }), heard: [], ended: false };
const hear = (event) => early.heard.push(event);
const end = () => { early.ended = true; };
early.port.onMessage.addListener(hear);
early.port.onDisconnect.addListener(end);
early.leave = () => {
  early.port.onMessage.removeListener(hear);
  early.port.onDisconnect.removeListener(end);
  delete globalThis.relaykeepEarly;
};
globalThis.relaykeepEarly = early;

try {
  const { default: start, mount_options, mount_popup } = await import("./ui/relaykeep_ui.js");
  await start();
  (document.body.id === "popup" ? mount_popup : mount_options)();
} catch (fault) {
  console.error(fault);
  const failed = document.getElementById("failed");
  failed.textContent = chrome.i18n.getMessage("page_failed");
  failed.setAttribute("role", "alert");
  failed.hidden = false;
}
