// The worker's start. Every listener is registered synchronously, before anything is awaited:
// the browser wakes a stopped worker only for listeners it finds at once.
import init, * as core from "./background/relaykeep_background.js";
import * as inPage from "./site/inpage.js";

let started;
const start = () => (started ??= init({ module_or_path: chrome.runtime.getURL("background/relaykeep_background_bg.wasm") }));
const tell = (name, ...values) => start().then(() => core[name](...values)).catch(() => {});

chrome.runtime.onMessage.addListener((message, sender, reply) => {
  if (typeof message?.site === "string") {
    // A script of ours in a site's page. It may tell, and is told no more than one word.
    if (sender.id !== chrome.runtime.id || sender.tab?.id === undefined || sender.frameId !== 0) return false;
    start()
      .then(() => core.on_page(sender.tab.id, sender.url ?? "", message.site, String(message.text ?? "").slice(0, 300)))
      .then(reply, () => reply(""));
    return true;
  }
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
  // A page that never finishes loading, or is frozen, would never answer: longer than any of our
  // functions takes by itself is not waited.
  async inPage(tab, name, json) {
    let timer;
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("late")), 70000); });
    try {
      const asked = chrome.scripting.executeScript({ target: { tabId: tab }, func: inPage[name], args: JSON.parse(json) });
      const [answer] = await Promise.race([asked, late]);
      return JSON.stringify(answer.result ?? null);
    } finally {
      clearTimeout(timer);
    }
  },

  // A tab of a site: best one below its base address, best one in front. Never one put away.
  async tabOf(pattern, base) {
    const { origin } = new URL(base);
    const rank = (tab) => (tab.url.startsWith(base) ? 2 : 0) + (tab.active ? 1 : 0);
    const tabs = (await chrome.tabs.query({ url: pattern, discarded: false }))
      .filter((tab) => tab.url && new URL(tab.url).origin === origin);
    return tabs.sort((a, b) => rank(b) - rank(a))[0]?.id;
  },

  async script(id, file, matches, keep) {
    const [held] = await chrome.scripting.getRegisteredContentScripts({ ids: [id] });
    if ((held?.matches ?? []).join() === matches.join()) return false;
    if (held) await chrome.scripting.unregisterContentScripts({ ids: [id] });
    if (matches.length) {
      await chrome.scripting.registerContentScripts([
        { id, js: [file], matches, runAt: "document_idle", persistAcrossSessions: keep },
      ]);
    }
    return true;
  },

  async mark(tabId, text, title) {
    await chrome.action.setBadgeText({ tabId, text }).catch(() => {});
    await chrome.action.setTitle({ tabId, title: chrome.i18n.getMessage(title) }).catch(() => {});
  },

  async clearMarks() {
    for (const { id: tabId } of await chrome.tabs.query({})) {
      chrome.action.setBadgeText({ tabId, text: "" }).catch(() => {});
      chrome.action.setTitle({ tabId, title: "" }).catch(() => {});
    }
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
