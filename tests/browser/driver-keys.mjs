// The life of a key as a person leads it: made, changed, switched, cloned, rotated, deleted. Mixed
// into the driver's App.
import { sleep, until } from "./aria.mjs";

const PRESETS = ["Never", "1 day", "7 days", "30 days", "90 days", "1 year"];

const bar = (text) => new RegExp(`^${text}`);

export const keys = {
  /** The row of one key, in sight. */
  async rowOf({ account, name }) {
    const view = await this.options("keys");
    const rows = await this.keys({ search: name });
    const row = rows.find((one) => one.name === name && (account === undefined || one.account === account));
    if (!row) throw new Error(`no key ${name} is listed; there is: ${rows.map((one) => `${one.account}/${one.name}`).join(" · ")}`);
    const css = `[data-key="${row.ref.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`;
    const element = await until(`the row of ${name}`, async () => (await view.visible(css))[0]);
    return { view, row, element };
  },

  /** Opens a row's menu and presses one of its words. */
  async fromMenu({ account, name }, word) {
    const { view, element } = await this.rowOf({ account, name });
    await view.click("button", `More for ${name}`, { within: element });
    await view.click("menuitem", word);
    return view;
  },

  /** The dialog that is open. */
  async window(view, title) {
    return until(`the window ${title}`, () => view.page.$("dialog[open]"));
  },

  /**
   * Fills in a key's form. `quota` is typed in the site's unit, `raw` as the raw number, `null` is
   * unlimited; `expires` is a preset, `{ at: "2027-01-31T12:00:05" }` in the user's zone, or null;
   * `models` a list or null; `addresses` text; `group` the beginning of an option's words.
   */
  async fillKey(view, dialog, { name, quota, raw, expires, models, addresses, group, retry, autoGroups, enabled, again, count }, { named = true } = {}) {
    const within = dialog;
    const box = async (names, text) => {
      for (const one of names) if (await view.look("textbox", one, { within })) return view.type("textbox", one, text, { within });
      throw new Error(`no field ${names.join(" or ")}`);
    };
    if (named) await until("the fields", () => view.look("textbox", "Name", { within }));
    if (name !== undefined) await view.type("textbox", "Name", name, { within });
    if (count !== undefined) await view.type("spinbutton", "How many", String(count), { within });
    if (quota !== undefined || raw !== undefined) {
      await view.tick("Unlimited", quota === null || raw === null, { within });
      if (raw !== undefined && raw !== null) await box(["Raw quota", "Quota left", "Quota"], String(raw));
      else if (quota !== undefined && quota !== null) await box(["Quota left", "Quota"], String(quota));
    }
    if (expires !== undefined) await this.fillExpiry(view, within, expires);
    if (group !== undefined) {
      const list = await view.find("combobox", "Group", { within });
      const words = await list.evaluate((select, wanted) => [...select.options].map((one) => one.text).find((one) => one === wanted || one.startsWith(`${wanted} ·`)), group);
      if (words === undefined) throw new Error(`no group ${group} is offered`);
      await view.choose("Group", words, { within });
    }
    if (retry !== undefined) await view.tick("Try the next group on failure", retry, { within });
    for (const one of autoGroups ?? []) await view.click("checkbox", new RegExp(`(^|\\. )${one}$`), { within });
    if (models !== undefined) await this.fillModels(view, within, models);
    if (addresses !== undefined) await box(["Allowed addresses"], addresses);
    if (enabled !== undefined) await view.tick("Enabled", enabled, { within });
    if (again !== undefined) await view.click("checkbox", bar("Enable it again"), { within });
  },

  async fillExpiry(view, within, expires) {
    if (expires === null || PRESETS.includes(expires)) return view.choose("Expires", expires ?? "Never", { within });
    await view.choose("Expires", "Date and time", { within });
    // A person types the parts; their order is the locale's, so the value is set as the picker does.
    const input = await until("the date and time", () => within.$("input[type=datetime-local]"));
    await input.evaluate((one, text) => {
      one.value = text;
      one.dispatchEvent(new Event("input", { bubbles: true }));
    }, expires.at);
  },

  async fillModels(view, within, models) {
    const limit = await until("Limit models", async () => view.look("checkbox", "Limit models", { within }));
    if ((await limit.evaluate((one) => one.checked)) !== (models !== null)) await limit.click();
    if (models === null) return;
    const wanted = new Set(models);
    // First what is chosen and not wanted, then what is wanted and not chosen.
    const chosen = await within.$$eval('[role=listbox] [role=option][aria-selected="true"]', (all) => all.map((one) => one.querySelector(".cut").innerText));
    const turn = async (model) => {
      const search = await view.find("searchbox", "Search models", { within });
      await search.click();
      await view.chord("Control", "KeyA");
      await search.type(model);
      const option = await until(`the model ${model}`, async () => {
        for (const one of await within.$$("[role=listbox] [role=option]")) if ((await one.evaluate((row) => row.querySelector(".cut").innerText)) === model) return one;
        return null;
      });
      await option.click();
    };
    for (const model of chosen) if (!wanted.has(model)) await turn(model);
    for (const model of models) if (!chosen.includes(model)) await turn(model);
  },

  /** Presses the form's button and waits until it is taken, or throws what it says. */
  async sendKey(view, button, { past = false, timeout = 60_000 } = {}) {
    await view.click("button", button);
    if (past) await view.click("button", "Save it anyway");
    const said = await until("the form to be taken", async () => {
      const dialog = await view.page.$("dialog[open]");
      if (!dialog) return "taken";
      if (!past && (await view.has("button", "Save it anyway"))) return "This is in the past";
      // What an act before this one came to may still stand elsewhere on the page.
      return dialog.$$eval('[role="alert"]', (all) => all.filter((one) => one.checkVisibility()).map((one) => one.innerText.trim()).filter(Boolean).join(" · ")).catch(() => "");
    }, { timeout });
    if (said !== "taken") throw new Error(said);
  },

  /** Makes a key, or `count` of them. What the form refuses is thrown, and the form is left open. */
  async createKey({ account, past, timeout, ...fields }) {
    const view = await this.options("keys");
    await this.search(view, "");
    await view.click("button", "New key");
    const dialog = await this.window(view, "New key");
    if (account !== undefined && (await view.look("combobox", "Account", { within: dialog }))) {
      const list = await view.find("combobox", "Account", { within: dialog });
      const words = await list.evaluate((select, wanted) => [...select.options].map((one) => one.text).find((one) => one === wanted || one.startsWith(`${wanted} ·`)), account);
      await view.choose("Account", words, { within: dialog });
      await sleep(150);
    }
    await this.fillKey(view, dialog, fields);
    await this.sendKey(view, /^Create (key|\d+ keys)$/, { past, timeout });
  },

  /** Opens a key's form from its row's menu. */
  async openKey({ account, name }) {
    const view = await this.fromMenu({ account, name }, "Edit…");
    return { view, dialog: await this.window(view, "Edit key") };
  },

  /** Changes a key; `rename` is its new name. */
  async editKey({ account, name, rename, past, timeout, ...fields }) {
    const { view, dialog } = await this.openKey({ account, name });
    await this.fillKey(view, dialog, { name: rename, ...fields });
    await this.sendKey(view, "Save changes", { past, timeout });
  },

  /** Selects exactly these keys of an account. */
  async select({ account, names }) {
    const view = await this.options("keys");
    const clear = await view.look("button", "Clear selection");
    if (clear && (await clear.evaluate((one) => one.checkVisibility()))) await clear.click();
    for (const name of names) {
      const { element } = await this.rowOf({ account, name });
      await view.click("checkbox", `Select ${name}`, { within: element });
    }
    await this.search(view, "");
    return view;
  },

  /** Reads the plan, types the number where it is asked for, and says yes. */
  async agree(view, yes, { number } = {}) {
    const dialog = await this.window(view, yes);
    const read = await until("the plan", async () => {
      const text = await dialog.evaluate((one) => one.innerText);
      return !/Looking at what that takes/.test(text) && text;
    });
    if (await view.look("textbox", "Number of keys", { within: dialog })) {
      await view.type("textbox", "Number of keys", String(number ?? read.match(/Type (\d+)/)?.[1]), { within: dialog });
    }
    await view.click("button", yes, { within: dialog });
    await until(async () => `the window to close; it reads: ${await view.alert()}`, async () => !(await view.page.$("dialog[open]")));
    return read;
  },

  /** Enables or disables keys; one from its row's menu, several from the bar. Answers the job. */
  setEnabled({ account, names, on }, options) {
    const word = on ? "Enable" : "Disable";
    return this.job(async () => {
      if (names.length === 1) return this.fromMenu({ account, name: names[0] }, word);
      const view = await this.select({ account, names });
      await this.onSelection(word);
      await this.agree(view, word);
    }, options);
  },

  /** One of the acts of the bar (of the menu, for one key) that first shows its plan. */
  planned({ account, names }, word, yes, { number, ...options } = {}) {
    return this.job(async () => {
      if (names.length === 1) {
        const view = await this.fromMenu({ account, name: names[0] }, word);
        return this.agree(view, yes);
      }
      const view = await this.select({ account, names });
      await this.onSelection(word);
      return this.agree(view, yes, { number });
    }, options);
  },

  /** Deletes keys at their site. Answers the job. */
  deleteKey({ account, names, number }, options) {
    return this.planned({ account, names }, "Delete at the site…", "Delete at the site", { number, ...options });
  },

  /** Removes keys here; the site keeps them. */
  removeLocally({ account, names }, options) {
    return this.planned({ account, names }, "Remove here…", "Remove here", options);
  },

  /** Puts a twin in a key's place. */
  rotate({ account, name, names = [name] }, options) {
    return this.planned({ account, names }, "Rotate…", "Rotate", options);
  },

  /** Makes a key once more, at its own account or another (`to`), by another name (`as`). */
  clone({ account, name, to, as }, options) {
    return this.job(async () => {
      const view = await this.fromMenu({ account, name }, "Clone…");
      const dialog = await this.window(view, "Clone key");
      if (to !== undefined) {
        const list = await view.find("combobox", "Account", { within: dialog });
        const words = await list.evaluate((select, wanted) => [...select.options].map((one) => one.text).find((one) => one === wanted || one.startsWith(`${wanted} ·`)), to);
        await view.choose("Account", words, { within: dialog });
      }
      if (as !== undefined) {
        await until("the name", async () => (await (await view.find("textbox", "Name", { within: dialog })).evaluate((one) => one.value)) !== "");
        await view.type("textbox", "Name", as, { within: dialog });
      }
      await view.click("button", "Create key", { within: dialog });
      await until(async () => `the window to close; it reads: ${await view.alert()}`, async () => !(await view.page.$("dialog[open]")));
    }, options);
  },

  /**
   * Something done to several keys (of an account, or with `search` to all that fit): `act` is
   * "enable", "disable", "delete", "remove", "rotate" or "edit" with the fields to change.
   */
  bulk({ account, names, search, act, number, ...fields }, options) {
    const words = {
      enable: ["Enable", "Enable"],
      disable: ["Disable", "Disable"],
      delete: ["Delete at the site…", "Delete at the site"],
      remove: ["Remove here…", "Remove here"],
      rotate: ["Rotate…", "Rotate"],
      edit: ["Edit…", /^Change \d+ keys?$/],
    };
    const [word, yes] = words[act];
    return this.job(async () => {
      let view;
      if (names) view = await this.select({ account, names });
      else {
        const first = (await this.keys({ search }))[0];
        view = await this.options("keys");
        await this.search(view, search);
        const row = await until("a row", async () => (await view.visible(`[data-key="${first.ref}"]`))[0]);
        await view.click("checkbox", `Select ${first.name}`, { within: row });
        await view.click("button", "Select all shown");
      }
      await this.onSelection(word);
      if (act === "edit") {
        const dialog = await this.window(view, "Edit keys");
        await this.fillBulk(view, dialog, fields);
      }
      return this.agree(view, yes, { number });
    }, options);
  },

  /** Ticks what is to be changed on several keys, and says to what. */
  async fillBulk(view, within, { quota, raw, expires, group, models, addresses }) {
    const ticks = [[quota ?? raw, "Change quota"], [expires, "Change expiry"], [group, "Change group"], [models, "Change models"], [addresses, "Change allowed addresses"]];
    for (const [value, box] of [...ticks, [quota === null || raw === null ? 1 : undefined, "Change quota"]]) {
      if (value === undefined || (value === null && box === "Change quota")) continue;
      const one = await until(box, () => view.look("checkbox", box, { within }));
      if (!(await one.evaluate((element) => element.checked))) await one.click();
    }
    const named = { quota, raw, expires, group, models, addresses };
    const set = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
    await this.fillKey(view, within, set, { named: false });
    await sleep(400);
  },
};
