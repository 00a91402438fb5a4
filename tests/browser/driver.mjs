// Relaykeep as a person uses it: every verb finds by role and accessible name, clicks and types.
// The words are those of the English catalogue.
import { sleep, until, View } from "./aria.mjs";
import { freshProfile, removeProfile, start } from "./chromium.mjs";
import { keys } from "./driver-keys.mjs";
import { sessions } from "./driver-sessions.mjs";
import { work } from "./driver-work.mjs";
import { hits } from "./profile.mjs";

export { sleep, until, View };

const KIND_WORDS = { "new-api": "New API", "one-api": "One API", veloera: "Veloera", "one-hub": "One Hub", "done-hub": "Done Hub", sub2api: "Sub2API" };

/** Starts the browser with the extension. Without `profile` a fresh one is made, and removed by `close()`. */
export async function launch({ browser = "chromium", dist, profile, flags, prefs, headless = true, size } = {}) {
  const options = { dist, profile: profile ?? freshProfile(), temporary: !profile, flags, prefs, headless, size };
  const app = browser === "firefox" ? new (await import("./driver-firefox.mjs")).FirefoxApp(options) : new App(options);
  await app.start();
  return app;
}

/** One browser profile with the extension in it. */
export class App {
  constructor(options) {
    this.given = options;
    this.profile = options.profile;
    /** What our own pages threw or complained of; a test that leaves any here has failed. */
    this.faults = [];
  }

  /** A page of ours, its faults overheard. */
  viewOf(page) {
    const place = () => page.url().replace(/^chrome-extension:\/\/\w+\//, "");
    page.on("pageerror", (error) => this.faults.push(`${place()}: ${error.stack ?? error}`));
    page.on("console", (said) => {
      if (said.type() === "error") this.faults.push(`${place()}: ${said.text()}`);
    });
    return new View(page);
  }

  async start() {
    this.chromium = await start(this.given);
    this.browser = this.chromium.browser;
    this.views = new Map();
  }

  /** Closes the browser and removes a profile that was only ours. */
  async close() {
    await this.chromium.close();
    if (this.given.temporary) removeProfile(this.profile);
  }

  /** SIGKILL to the whole browser: nothing is flushed, nobody says goodbye. */
  async killBrowser() {
    await this.chromium.kill();
  }

  /** The same profile again, after `killBrowser` or `closeBrowser`. */
  async relaunch() {
    await this.start();
  }

  /** Closes the browser, keeps the profile. */
  async closeBrowser() {
    await this.chromium.close();
  }

  url(path) {
    return `chrome-extension://${this.chromium.id}/${path}`;
  }

  // ---- pages ------------------------------------------------------------------------------

  /** The options page at a section: the tab that is open, or a new one. */
  async options(section = "keys") {
    let view = this.views.get("options");
    if (!view || view.page.isClosed()) {
      view = this.viewOf(await this.browser.newPage());
      this.views.set("options", view);
      await view.page.goto(this.url(`options.html#/${section}`));
    } else {
      await view.page.bringToFront();
      const at = await view.page.evaluate(() => location.hash);
      if (at !== `#/${section}`) {
        const link = await view.look("link", section[0].toUpperCase() + section.slice(1));
        if (link) await link.click();
        else await view.page.goto(this.url(`options.html#/${section}`));
      }
    }
    // Either the section stands, as its link says, or a page that lets nobody in.
    await until(`the section ${section} to stand`, () =>
      view.page.evaluate((hash) => document.querySelector("nav [aria-current=page]")?.getAttribute("href") === hash || document.querySelector("main.gate h1"), `#/${section}`));
    return view;
  }

  /** Opens the real popup over a tab, which grants `activeTab` for it. */
  async popup(page) {
    await page.bringToFront();
    const opened = this.browser.waitForTarget((target) => target.url().startsWith(this.url("popup.html")), { timeout: 15_000 });
    await page.triggerExtensionAction(this.chromium.extension);
    const view = this.viewOf(await (await opened).asPage());
    await until("the popup to draw", () => view.page.evaluate(() => document.body?.innerText.trim().length > 0));
    return view;
  }

  /** A tab of a site, as any visitor has it. */
  async visit(url) {
    const page = await this.browser.newPage();
    await page.goto(url, { waitUntil: "load" });
    return page;
  }

  // ---- the vault ----------------------------------------------------------------------------

  /** First run. */
  async onboard({ mode = "passphrase", passphrase } = {}) {
    const view = await this.options();
    await view.find("heading", "Welcome to Relaykeep");
    await view.click("radio", mode === "device" ? /^This device only/ : /^Passphrase/);
    if (mode !== "device") {
      await view.type("textbox", "New passphrase", passphrase);
      await view.type("textbox", "Repeat passphrase", passphrase);
    }
    await view.click("button", "Create vault");
    await this.#opened(view);
  }

  /** Waits until the vault is open, or says why it is not. */
  async #opened(view) {
    const said = await until("the vault to open", async () => {
      if (await view.has("link", "Keys")) return "open";
      return view.alert();
    }, { timeout: 30_000 });
    if (said !== "open") throw new Error(said);
  }

  /** Locks by the button. */
  async lock() {
    const view = await this.options();
    await view.click("button", "Lock");
    await view.find("heading", "Relaykeep is locked");
  }

  /** Unlocks; fails with the words of the page. */
  async unlock(passphrase) {
    const view = await this.options();
    await view.find("heading", "Relaykeep is locked");
    await view.type("textbox", "Passphrase", passphrase);
    await view.click("button", "Unlock");
    await this.#opened(view);
  }

  /** Asks for another passphrase; what comes of it is on the page that is answered. */
  async changePassphrase(current, next) {
    const view = await this.options("settings");
    await view.type("textbox", "Current passphrase", current);
    await view.click("radio", /^Passphrase/);
    await view.type("textbox", "New passphrase", next);
    await view.type("textbox", "Repeat passphrase", next);
    await view.click("button", "Change protection");
    return view;
  }

  /** The heading of the whole page: "Welcome to Relaykeep", "Relaykeep is locked", "Recovery" or "open". */
  async state() {
    const view = await this.options();
    return until("a known state", async () => {
      if (await view.has("link", "Keys")) return "open";
      const names = await view.names("heading");
      return ["Welcome to Relaykeep", "Relaykeep is locked", "Recovery", "Made by a newer version"].find((one) => names.includes(one));
    });
  }

  // ---- accounts -----------------------------------------------------------------------------

  /** Does what adds an account, then waits for its first sync to end or pause. */
  async #added(act) {
    const before = new Set((await this.jobs()).map((job) => job.id));
    const answer = await act();
    const view = await this.options("activity");
    const synced = (job) => !before.has(job.id) && /^Sync/.test(job.title) && (!job.running || paused(job));
    await until(async () => `the first sync; Activity reads: ${(await view.text()).slice(0, 800)}`, async () => (await this.#jobsOn(view)).some(synced), { timeout: 40_000 });
    return answer;
  }

  /** Adds the site of a tab from the popup. Returns what the popup read when it looked at the tab. */
  addAccountFromTab(page, account) {
    return this.#added(() => this.#addFromTab(page, account));
  }

  async #addFromTab(page, account) {
    const popup = await this.popup(page);
    try {
      return await this.#fillIn(popup, account);
    } catch (error) {
      // What was refused is not left there for the next time.
      await popup.look("button", "Cancel").then((cancel) => cancel?.click()).catch(() => {});
      throw error;
    } finally {
      await this.closePopup(popup);
    }
  }

  async #fillIn(popup, { userId, token, name, kind, make = false, shown = false, browserLogin = false } = {}) {
    await popup.find("region", "This site");
    if (!(await this.#soon(popup, "button", "Add this site"))) await popup.click("button", "Check this site");
    const read = await popup.text();
    await popup.click("button", "Add this site");
    if (kind) await popup.choose("Site kind", KIND_WORDS[kind] ?? kind);
    if (shown) {
      await popup.click("button", "Use the token the site shows");
      const field = await popup.find("textbox", "Access token");
      const said = await until("the token the site shows", async () => (await popup.alert()) || ((await field.evaluate((one) => one.value)) ? "shown" : ""));
      if (said !== "shown") throw new Error(said);
    }
    if (name) await popup.type("textbox", "Name", name);
    if (browserLogin) {
      await popup.click("button", "Use the browser's login");
    } else if (make) {
      await popup.click("button", "Make a new token");
      await popup.click("button", "Replace the token");
    } else {
      if (userId !== undefined && (await popup.has("textbox", "User id"))) await popup.type("textbox", "User id", String(userId));
      if (token) await popup.type("textbox", "Access token", token);
      await popup.click("button", "Save account");
    }
    await this.#saved(popup);
    return read;
  }

  async #soon(view, role, name) {
    return view.find(role, name, { timeout: 3000 }).then(() => true, () => false);
  }

  /** Waits until a form was accepted (it goes) or refused (its words are thrown). */
  async #saved(view) {
    const said = await until("the account to be saved", async () => {
      if (!(await view.has("textbox", "Access token"))) return "saved";
      if (await view.has("button", "Update the token")) return "Update the token";
      return view.alert();
    }, { timeout: 40_000 });
    if (said !== "saved") throw new Error(said);
  }

  async closePopup(popup) {
    if (popup.page.isClosed()) return;
    await popup.page.close().catch(() => {});
    await until("the popup to close", () => popup.page.isClosed());
  }

  /** Adds an account by hand. `inClear` answers the warning that the token travels unencrypted. */
  addAccount(account) {
    return this.#added(() => this.#addByHand(account));
  }

  async #addByHand({ origin, kind, userId, token, name, inClear = true }) {
    const view = await this.options("accounts");
    await view.click("button", "Add account");
    await view.find("dialog", "Add account");
    await view.type("textbox", "Site address", origin);
    if (kind) await view.choose("Site kind", KIND_WORDS[kind] ?? kind);
    if (userId !== undefined) await view.type("textbox", "User id", String(userId));
    if (token !== undefined) await view.type("textbox", "Access token", token);
    if (name !== undefined) await view.type("textbox", "Name", name);
    await view.click("button", "Save account");
    // The warning about http is the only refusal that can be answered on the spot.
    const refused = await this.#saved(view).then(() => null, (error) => error);
    if (!refused) return;
    if (!inClear || !(await view.has("checkbox", /^Send the token in clear/))) throw refused;
    await view.click("checkbox", /^Send the token in clear/);
    await view.click("button", "Save account");
    await until("the warning to go", async () => !/in clear/.test(await view.alert()));
    await this.#saved(view);
  }

  /** Closes the dialog that is open. */
  async cancel() {
    const view = await this.options();
    await view.click("button", "Cancel");
  }

  /** The accounts as listed: `{ id, text }`. */
  async accounts() {
    const view = await this.options("accounts");
    await sleep(100);
    return view.page.evaluate(() => [...document.querySelectorAll("[data-account]")].filter((one) => one.checkVisibility()).map((one) => ({ id: one.dataset.account, text: one.innerText })));
  }

  async #accountRow(view, name) {
    return until(`the account ${name}`, async () => {
      for (const row of await view.page.$$("[data-account]"))
        if ((await row.evaluate((one) => (one.checkVisibility() ? one.innerText : ""))).split("\n").some((line) => line.trim() === name)) return row;
      return null;
    });
  }

  /** Presses a button of an account's row, which is drawn anew whenever its account changes. */
  #clickInRow(view, name, button) {
    return until(`the button ${button} of ${name}`, async () => {
      const found = await view.look("button", button, { within: await this.#accountRow(view, name) });
      // The row may go between the look and the press; then nothing was pressed.
      return found?.click().then(() => true, () => false);
    });
  }

  /** Removes an account here. */
  async removeAccount(name) {
    const view = await this.options("accounts");
    await this.#clickInRow(view, name, /^Remove here…/);
    await view.click("button", "Remove here");
    await until("the account to go", async () => !(await view.text()).split("\n").some((line) => line.trim() === name));
  }

  // ---- jobs -----------------------------------------------------------------------------------

  /** Jobs as shown, newest first: `{ id, title, text, items, running }`. */
  async jobs() {
    const view = await this.options("activity");
    await until("Activity to know all jobs", () => view.page.evaluate(() => !document.querySelector("[aria-busy=true] > .head")), { every: 20 });
    return this.#jobsOn(view);
  }

  #jobsOn(view) {
    return view.page.evaluate(() =>
      [...document.querySelectorAll("[data-job]")].map((one) => ({
        id: one.dataset.job,
        title: one.querySelector("h1,h2,h3,h4,[role=heading]")?.innerText.trim() ?? "",
        text: one.innerText,
        items: [...one.querySelectorAll("li,[role=listitem]")].filter((item) => !item.parentElement.closest("li")).map((item) => item.innerText.replaceAll(/\s+/g, " ").trim()),
        running: [...one.querySelectorAll("button")].some((button) => (button.ariaLabel ?? button.innerText).trim().startsWith("Stop")),
      })),
    );
  }

  /** Does `act`, then waits on Activity for the job it began to end (or, with `wait`, to pause). */
  async job(act, { timeout = 60_000, ended = (job) => !job.running } = {}) {
    // An account's first sync may still be under way, and a sync asked for now would be that one.
    // A job that waits for a limit goes on being there: that is not waited for.
    for (let left = 40; left > 0 && (await this.jobs()).some((job) => job.running); left--) await sleep(50);
    const before = new Set((await this.jobs()).map((job) => job.id));
    await act();
    const view = await this.options("activity");
    return until(
      async () => `the job to end; Activity reads: ${(await view.text()).slice(0, 800)}`,
      async () => (await this.#jobsOn(view)).find((job) => !before.has(job.id) && ended(job)),
      { timeout, every: 60 },
    );
  }

  /** Syncs one account, or all; returns one line per account as shown. */
  async sync(name, options) {
    const job = await this.job(async () => {
      const view = await this.options("accounts");
      if (name) await this.#clickInRow(view, name, "Sync");
      else await view.click("button", "Sync all");
    }, options);
    return job.items;
  }

  // ---- keys -------------------------------------------------------------------------------------

  /** Rows as shown, read by scrolling through the whole list: `{ ref, account, name, key, group, state, … }`. */
  async keys({ search = "", account } = {}) {
    const view = await this.options("keys");
    await this.search(view, search);
    const rows = await this.#everyRow(view);
    return account === undefined ? rows : rows.filter((row) => row.account === account);
  }

  /** Types into the search box of a page or popup and lets the list settle. */
  async search(view, text) {
    const box = await view.find("searchbox", "Search keys");
    if ((await box.evaluate((one) => one.value)) !== text) {
      await box.click();
      await view.chord("Control", "KeyA");
      await view.page.keyboard.press("Delete");
      if (text) await box.type(text);
    }
    // Hits inside keys come from the worker, after the first paint.
    await until("the list to settle", () => view.page.evaluate(() => !document.querySelector('[role="grid"][aria-busy], [role="listbox"][aria-busy]')));
    await sleep(20);
  }

  async #everyRow(view) {
    const grid = await view.look("grid", "Keys");
    if (!grid) return [];
    const seen = new Map();
    const scroller = await grid.evaluateHandle((one) => {
      let at = one;
      while (at && !(at.scrollHeight > at.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(at).overflowY))) at = at.parentElement;
      if (at) at.scrollTop = 0;
      return at;
    });
    await sleep(60);
    for (let idle = 0; idle < 2; ) {
      const before = seen.size;
      for (const row of await grid.evaluate(readRows)) seen.set(row.index, row);
      const moved = await scroller.evaluate(async (one) => {
        if (!one) return false;
        const from = one.scrollTop;
        one.scrollTop += one.clientHeight * 0.8;
        // The list is drawn on the scroll event, which comes with a frame; a busy machine is late.
        const frame = () => new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 1000); });
        await frame();
        await frame();
        return one.scrollTop > from;
      });
      await sleep(20);
      idle = moved || seen.size > before ? 0 : idle + 1;
    }
    await scroller.evaluate((one) => one && (one.scrollTop = 0));
    let account;
    const rows = [];
    for (const row of [...seen.values()].sort((a, b) => a.index - b.index)) {
      if (row.header !== undefined) account = row.header;
      else rows.push({ account, ...row });
    }
    return rows;
  }

  async #row(view, { account, name }) {
    const rows = await this.keys({ search: name });
    const row = rows.find((one) => one.name === name && (account === undefined || one.account === account));
    if (!row) throw new Error(`no key ${name} is listed; there is: ${rows.map((one) => one.name).join(" · ")}`);
    return until(`the row of ${name}`, async () => (await view.visible(`[data-key="${CSS_escape(row.ref)}"]`))[0]);
  }

  /** Reveals keys by name (of one account), or all masked ones; returns the job's lines as shown. */
  async reveal({ account, names } = {}, options) {
    const job = await this.job(async () => {
      const view = await this.options("keys");
      if (!names) {
        await this.search(view, "");
        await view.click("button", /^Reveal masked/);
      } else {
        for (const name of names) {
          const row = await this.#row(view, { account, name });
          await (await row.waitForSelector(`::-p-aria([role="checkbox"])`)).click();
        }
        await this.search(view, "");
        await this.onSelection("Reveal");
      }
      await this.#confirm(view, "Reveal");
    }, options);
    return job.items;
  }

  /** Presses a button of the bar that says how many are selected. */
  async onSelection(button) {
    const view = await this.options("keys");
    const bar = await until("the selection bar", () =>
      view.page.evaluateHandle((words) => {
        const named = (one) => (one.ariaLabel ?? one.innerText).trim();
        const clear = [...document.querySelectorAll("button")].find((one) => named(one) === "Clear selection");
        for (let bar = clear?.parentElement; bar; bar = bar.parentElement) {
          const found = [...bar.querySelectorAll("button")].find((one) => named(one) === words && !one.closest('[role="row"]'));
          if (found) return found;
        }
        return null;
      }, button).then((found) => found.asElement()));
    await bar.click();
  }

  /** Says yes in the dialog that names what will be done. */
  async #confirm(view, button) {
    const dialog = await until(`the dialog with ${button}`, () => view.page.$('dialog[open], [role="dialog"], [role="alertdialog"]'));
    await (await dialog.waitForSelector(`::-p-aria([name="${button}"][role="button"])`)).click();
  }

  /** Copies a key by its row's button; returns what lies in the clipboard, read by pasting elsewhere. */
  async copyKey({ account, name }) {
    const view = await this.options("keys");
    const row = await this.#row(view, { account, name });
    const heard = await view.listen();
    await (await row.waitForSelector(`::-p-aria([name="Copy"][role="button"])`)).click();
    await until(async () => `"Copied"; it says: ${await heard()} ${await view.alert()}`, async () => (await heard()).includes("Copied"), { timeout: 30_000 });
    return this.clipboard();
  }

  /** What a paste brings, in a page of nobody. */
  async clipboard() {
    const page = await this.browser.newPage();
    try {
      await page.setContent("<textarea aria-label=paste></textarea>");
      await page.bringToFront();
      await page.click("textarea");
      const view = new View(page);
      await view.chord("Control", "KeyV");
      return await page.$eval("textarea", (one) => one.value);
    } finally {
      await page.close();
    }
  }

  // ---- the worker, the profile ------------------------------------------------------------------

  /** Stops the worker as the browser does when it has been idle, at whatever it is doing. */
  async killWorker() {
    // Any page's session will do; one of nobody's leaves ours as they are.
    const pages = await this.browser.pages();
    const page = pages.find((one) => !one.url().startsWith("chrome-extension:")) ?? (await this.browser.newPage());
    const cdp = await page.createCDPSession();
    await cdp.send("ServiceWorker.enable");
    await cdp.send("ServiceWorker.stopAllWorkers");
    await cdp.detach();
  }

  /** Where the browser puts what is saved from now on. */
  async downloadTo(dir) {
    const cdp = await this.browser.target().createCDPSession();
    await cdp.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: dir });
  }

  /** Whether the worker runs now; looks without touching it. */
  async workerAlive() {
    this.watcher ??= new WeakMap();
    let cdp = this.watcher.get(this.browser);
    if (!cdp) this.watcher.set(this.browser, (cdp = await this.browser.target().createCDPSession()));
    const { targetInfos } = await cdp.send("Target.getTargets", { filter: [{ type: "service_worker" }] });
    return targetInfos.some((one) => one.url.startsWith(`chrome-extension://${this.chromium.id}/`));
  }

  /** Where in the profile on disk these bytes lie, in any dress: see profile.mjs. */
  profileHits(needles) {
    return hits(this.profile, needles);
  }
}

Object.assign(App.prototype, work, keys, sessions);

/** A job that waits for a limit to be over. */
export const paused = (job) => /goes on by itself/i.test(job.text);

const CSS_escape = (text) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');

/** Runs in the page: the rows drawn now. */
function readRows(grid) {
  return [...grid.querySelectorAll('[role="row"]')].flatMap((row) => {
    if (!row.checkVisibility()) return []; // a spare of the virtual list
    const index = Number(row.ariaRowIndex ?? row.getAttribute("aria-rowindex"));
    if (row.dataset.account !== undefined && row.dataset.key === undefined) {
      const button = [...row.querySelectorAll("button")].map((one) => one.ariaLabel ?? one.title ?? one.innerText).find((one) => /^(Collapse|Expand) /.test(one));
      return [{ index, header: button?.replace(/^(Collapse|Expand) /, "") ?? row.innerText.split("\n")[0].trim() }];
    }
    if (row.dataset.key === undefined) return [];
    // The name's cell may also say whose key it is.
    const named = (one) => one.querySelectorAll('[role="gridcell"]')[1]?.firstElementChild?.innerText.trim();
    const cells = [...row.querySelectorAll('[role="gridcell"]')].map((one) => one.innerText.replaceAll(/\s+/g, " ").trim());
    const [, shown, key, group, state, remaining, expiry, lastUsed] = cells;
    return [{ index, ref: row.dataset.key, name: row.dataset.name ?? named(row) ?? shown, key, group, state, remaining, expiry, lastUsed }];
  });
}
