// What the driver does otherwise in Firefox: how it starts, where the popup is, what is asked of the
// browser itself. Every verb a person has is the same.
import { sleep, until } from "./aria.mjs";
import { App } from "./driver.mjs";
import { sessions } from "./driver-sessions.mjs";
import { ADDON, start } from "./firefox.mjs";

export class FirefoxApp extends App {
  async start() {
    this.firefox = await start(this.given);
    this.browser = this.firefox;
    this.views = new Map();
  }

  get chromium() {
    return this.firefox;
  }

  url(path) {
    return `moz-extension://${this.firefox.id}/${path}`;
  }

  /** Presses the toolbar button over a tab; the panel is the real one. */
  async popup(page) {
    await page.bringToFront();
    const view = this.viewOf(await this.firefox.press());
    await until("the popup to draw", () => view.page.evaluate(() => document.body?.innerText.trim().length > 0));
    return view;
  }

  /** Reads what our pages and the event page threw meanwhile. */
  async overhear() {
    this.faults.push(...(await this.chrome(() => Services.relaykeepHeard.splice(0))));
  }

  /** Runs a function in the browser's own scope. */
  chrome(act, ...args) {
    return this.firefox.session.chrome(act, ...args);
  }

  async downloadTo(dir) {
    await this.firefox.session.send("browser.setDownloadBehavior", { downloadBehavior: { type: "allowed", destinationFolder: dir } });
  }

  // ---- the event page -------------------------------------------------------------------------

  /** "running", "suspending", "stopped" or "starting". */
  eventPage() {
    return this.chrome((id) => WebExtensionPolicy.getByID(id).extension.backgroundState, ADDON);
  }

  async workerAlive() {
    return (await this.eventPage()) !== "stopped";
  }

  /** Ends the event page as the browser does when it has been idle, at whatever it is doing. */
  async killWorker() {
    if (!(await this.workerAlive())) return;
    await this.chrome((id) => WebExtensionPolicy.getByID(id).extension.terminateBackground({ ignoreDevToolsAttached: true, disableResetIdleForTest: true }), ADDON);
  }

  // ---- questions of the browser -----------------------------------------------------------------

  /** Waits for the browser's question about a permission and answers it; returns its words. */
  async answer(allow) {
    const words = await this.chrome(async (yes) => {
      const shown = () => [...window.document.querySelectorAll("#notification-popup popupnotification")].find((one) => /addon-webext|webext/.test(one.id));
      for (let left = 400; left > 0; left--) {
        const question = shown();
        const button = question && (yes ? question.button : question.secondaryButton);
        if (button && !button.disabled && window.PopupNotifications.isPanelOpen) {
          const text = question.textContent.replaceAll(/\s+/g, " ").trim();
          // A click on a question that has only just come is taken for a mistake.
          await new Promise((resolve) => window.setTimeout(resolve, 700));
          button.click();
          return text || question.id;
        }
        await new Promise((resolve) => window.setTimeout(resolve, 25));
      }
      return null;
    }, allow);
    if (words === null) throw new Error("the browser asked nothing");
    return words;
  }

  /** Watching every site is asked about once. */
  async watch(where) {
    const { page } = await this.options("settings");
    const held = await page.evaluate(() => chrome.permissions.contains({ origins: ["https://*/*", "http://*/*"] }));
    const act = sessions.watch.call(this, where);
    await (where === "all" && !held ? Promise.all([this.answer(true), act]) : act);
  }

  /** Gives or takes access to a host, as the add-on's page in the browser's settings does. */
  async permit(origins, given) {
    await this.chrome(async (id, list, on) => {
      const { ExtensionPermissions } = ChromeUtils.importESModule("resource://gre/modules/ExtensionPermissions.sys.mjs");
      const { extension } = WebExtensionPolicy.getByID(id);
      await ExtensionPermissions[on ? "add" : "remove"](id, { permissions: [], origins: list }, extension);
    }, ADDON, origins, given);
    await sleep(50);
  }
}
