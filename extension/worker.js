// The worker's start. Every listener is registered synchronously, before anything is awaited:
// the browser wakes a stopped worker only for listeners it finds at once.
import init, * as core from "./background/relaykeep_background.js";
import * as inPage from "./site/inpage.js";

let started;
const start = () => (started ??= init({ module_or_path: chrome.runtime.getURL("background/relaykeep_background_bg.wasm") }));
const tell = (name, ...values) => start().then(() => core[name](...values)).catch(() => {});

chrome.runtime.onMessage.addListener((message, sender, reply) => {
  // Messages to the offscreen document pass by here too; those to us are texts.
  if (typeof message !== "string") return false;
  const url = sender.url ?? "";
  start()
    .then(() => core.on_message(message, sender.id === chrome.runtime.id && url.startsWith(chrome.runtime.getURL("")), sender.documentLifecycle ?? "active"))
    .then(reply, () => reply('{"Err":"Internal"}'));
  return true;
});
chrome.runtime.onConnect.addListener((port) => {
  if (port.sender?.url?.startsWith(chrome.runtime.getURL(""))) tell("on_connect", port);
  else port.disconnect();
});
chrome.alarms.onAlarm.addListener((alarm) => tell("on_alarm", alarm.name));
chrome.permissions.onAdded.addListener(() => tell("on_permissions_changed"));
chrome.permissions.onRemoved.addListener(() => tell("on_permissions_changed"));
chrome.idle.onStateChanged.addListener((state) => { if (state === "locked") tell("on_screen_locked"); });
chrome.runtime.onStartup.addListener(() => tell("on_browser_start"));
chrome.runtime.onInstalled.addListener(() => tell("on_browser_start"));

globalThis.relaykeepHost = {
  async inPage(tab, name, json) {
    const [answer] = await chrome.scripting.executeScript({ target: { tabId: tab }, func: inPage[name], args: JSON.parse(json) });
    return JSON.stringify(answer.result ?? null);
  },

  // Chromium's worker has no clipboard: an offscreen document looks and clears. Firefox's event
  // page is a document itself.
  async clearClipboard(print) {
    if (globalThis.document) {
      const { clearIfOurs } = await import("./clipboard.js");
      return clearIfOurs(print);
    }
    await chrome.offscreen.createDocument({ url: "offscreen.html", reasons: ["CLIPBOARD"], justification: "Clears a copied key from the clipboard." }).catch(() => {});
    await chrome.runtime.sendMessage({ to: "offscreen", print });
    await chrome.offscreen.closeDocument().catch(() => {});
  },
};
