// Starts a page: its WASM is compiled while early.js finds out what can be shown meanwhile.
async function module() {
  const ui = await import("./ui/relaykeep_ui.js");
  await ui.default();
  return ui;
}

try {
  const { ready } = globalThis.relaykeepEarly;
  const [{ mount_options, mount_popup }, begin] = await Promise.all([module(), ready]);
  begin(document.body.id === "popup" ? mount_popup : mount_options);
} catch (fault) {
  console.error(fault);
  for (const part of document.querySelectorAll("[data-picture]")) part.remove();
  const failed = document.getElementById("failed");
  failed.textContent = chrome.i18n.getMessage("page_failed");
  failed.setAttribute("role", "alert");
  failed.hidden = false;
}
