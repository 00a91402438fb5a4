// Repair and Activity as a person uses them; mixed into the driver's App.
import { until } from "./aria.mjs";

/** What the window that asks before a part of a repair is confirmed with. */
const YES = [
  [/^Create/, /^Create [\d,]+ keys?$/],
  [/^Move/, /^Move$/],
  [/^Disable/, /^Disable$/],
  [/^Re-create/, /^Re-create [\d,]+ keys?$/],
  [/^Delete/, /^Delete at the site$/],
  [/^Remove/, /^Remove here$/],
];

/** Runs in the page: the parts of a repair as they stand. */
function readRepair() {
  const words = (one) => (one?.innerText ?? "").replaceAll(/\s+/g, " ").trim();
  const sections = [...document.querySelectorAll("main section")].filter((one) => one.checkVisibility()).map((one) => ({
    name: one.ariaLabel,
    tags: [...one.querySelectorAll(":scope > header .tag")].map(words),
    lines: [...one.querySelectorAll("ul.lines > li")].map((line) => {
      const box = line.querySelector("input[type=checkbox]");
      return { name: words(line.querySelector("label")), text: words(line), chosen: box ? box.checked : null, buttons: [...line.querySelectorAll("button")].map(words) };
    }),
    items: [...one.querySelectorAll(":scope > ul:not(.lines) > li")].map(words),
    foot: words([...one.querySelectorAll(":scope > .foot")].at(-1)),
    buttons: [...one.querySelectorAll(":scope > .foot button")].map((button) => ({ name: words(button), off: button.disabled })),
  }));
  return { lead: words(document.querySelector("main .lead")), inOrder: /Everything is in order/.test(document.querySelector("main").innerText), sections };
}

/** Runs in the page: jobs with what happened to each key. */
function readActivity() {
  const words = (one) => (one?.textContent ?? "").replaceAll(/\s+/g, " ").trim();
  return [...document.querySelectorAll("[data-job]")].map((one) => ({
    id: one.dataset.job,
    title: words(one.querySelector("h2")),
    summary: words(one.querySelector("header > .muted")),
    running: [...one.querySelectorAll("header button")].some((button) => words(button) === "Stop"),
    buttons: [...one.querySelectorAll("button")].map(words),
    items: [...one.querySelectorAll(":scope > ul > li")].map((item) => ({
      name: words(item.querySelector(":scope > .cut")),
      text: words(item.querySelector(":scope > .say")),
      results: [...item.querySelectorAll(".res li:not(.fold)")].map((key) => ({ name: words(key.querySelector(".cut")), text: words(key.querySelector(".say")) })),
    })),
  }));
}

/** Runs in the page: what a job found and left, by key. */
function readTrace(region) {
  const words = (one) => (one?.innerText ?? "").replaceAll(/\s+/g, " ").trim();
  return [...region.querySelectorAll("h3")].map((head) => ({
    name: head.firstChild.textContent.trim(),
    account: words(head.lastElementChild).replace(/^· /, ""),
    fields: [...head.parentElement.querySelectorAll("tbody tr")].map((row) => {
      const [field, before, after] = [...row.children].map(words);
      return { field, before, after };
    }),
  }));
}

export const work = {
  /**
   * With `preview`, the parts of a repair as shown. Otherwise does one part and answers its job:
   * `section` (the part's name), `choose` ("all", "none" or lines' names), `act` (the button's
   * beginning), and for new keys `pattern`, `quota`, `expires`, for moved ones `group`.
   */
  async repair({ preview = false, section, choose, act, pattern, quota, expires, group, number } = {}, options) {
    if (preview) return (await this.lookAtRepair()).page.evaluate(readRepair);
    return this.job(async () => {
      const view = await this.lookAtRepair();
      const part = await view.find("region", section);
      const click = (role, name) => view.click(role, name, { within: part });
      if (choose) await this.chooseLines(view, part, choose);
      if (pattern !== undefined) await view.type("textbox", "Name pattern", pattern, { within: part });
      if (quota !== undefined) {
        await view.tick("Unlimited", quota === null, { within: part });
        if (quota !== null) await view.type("textbox", "Quota", String(quota), { within: part });
      }
      if (expires) await view.choose("Expires", expires, { within: part });
      if (group) await view.choose("Move to group", group, { within: part });
      const begins = new RegExp(`^${act ?? (section.startsWith("Reveal") ? "Reveal" : section.startsWith("Groups") ? "Create" : "Re-create")}`);
      await click("button", begins);
      const yes = YES.find(([button]) => button.test(begins.source.slice(1)))?.[1];
      if (yes) await this.sayYes(view, yes, number);
    }, options);
  },

  /** The Repair page once all sites have answered. */
  async lookAtRepair() {
    const view = await this.options("repair");
    await until(async () => `the look at the sites to end; the page reads: ${(await view.text()).slice(0, 400)}`, async () => {
      const button = await view.look("button", "Look again");
      return button && !(await button.evaluate((one) => one.disabled)) && !(await view.has("progressbar", /^Asking the sites/));
    }, { timeout: 60_000 });
    return view;
  },

  /** Ticks exactly these lines of a part. */
  async chooseLines(view, part, choose) {
    const boxes = await part.$$("ul.lines input[type=checkbox]");
    for (const box of boxes) {
      const [name, is] = await box.evaluate((one) => [one.labels[0]?.innerText.trim() ?? "", one.checked]);
      const wanted = choose === "all" || (choose !== "none" && choose.some((one) => name === one || name.endsWith(` · ${one}`)));
      if (is !== wanted) await box.click();
    }
  },

  /** Reads the plan in the window that asks, types the number if it wants it, and says yes. */
  async sayYes(view, yes, number) {
    const dialog = await until("the window that asks", () => view.page.$("dialog[open]"));
    const read = await until("the plan", async () => {
      const text = await dialog.evaluate((one) => one.innerText);
      return !/Looking at what that takes/.test(text) && text;
    });
    if (await view.has("textbox", "Number of keys")) await view.type("textbox", "Number of keys", String(number ?? read.match(/Type ([\d,]+)/)?.[1].replaceAll(",", "")));
    await view.click("button", yes, { within: dialog });
    await until(async () => `the window to close; it reads: ${await view.alert()}`, async () => !(await view.page.$("dialog[open]")));
    return read;
  },

  /** Jobs with what happened to each key, newest first. */
  async activity() {
    const view = await this.options("activity");
    return view.page.evaluate(readActivity);
  },

  async jobCard(id) {
    const view = await this.options("activity");
    const card = await until(`the job ${id}`, () => view.page.$(`[data-job="${id}"]`));
    return { view, card };
  },

  /** Presses "Retry these" of a job; answers the job that became of it. */
  retry(id, options) {
    return this.job(async () => {
      const { view, card } = await this.jobCard(id);
      await view.click("button", "Retry these", { within: card });
    }, options);
  },

  /** Opens a job's details: by key, what was before and after. */
  async trace(id) {
    const { view, card } = await this.jobCard(id);
    if (!(await card.$("section.trace"))) await view.click("button", "Details", { within: card });
    const region = await until("the details of the job", () => card.$("section.trace"));
    await until("the details to be read", () => region.evaluate((one) => one.querySelector("h3") || /Nothing was kept/.test(one.innerText)));
    return region.evaluate(readTrace);
  },

  /** Undoes a job (of a deletion: makes the keys again); answers the job that did. */
  undo(id, options) {
    return this.job(async () => {
      await this.trace(id);
      const { view, card } = await this.jobCard(id);
      await view.click("button", /^(Undo…|Make again…)$/, { within: card });
      await this.sayYes(view, /^(Undo|Create [\d,]+ keys?)$/);
    }, options);
  },
};
