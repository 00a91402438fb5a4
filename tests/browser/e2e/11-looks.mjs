// Every page and state, light and dark, at four widths: nothing for axe to find, nothing sideways,
// and a picture of each in target/shots for a person to look at.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensure, PASSPHRASE, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";
import { axePath } from "../packages.mjs";

const AXE = readFileSync(axePath, "utf8");
const WIDTHS = [1280, 900, 600, 380];
const SECTIONS = ["keys", "repair", "accounts", "activity", "backup", "settings"];
const shots = resolve("target/shots");
mkdirSync(shots, { recursive: true });

async function inspect(view, name) {
  await view.page.evaluate(`${AXE};undefined`);
  const found = await view.page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).slice(0, 4).join(" | ")}`);
  });
  assert.deepEqual(found, [], name);
}

async function everyLook(view, name, { widths = WIDTHS } = {}) {
  for (const scheme of ["light", "dark"]) {
    await view.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const width of widths) {
      if (width) await view.page.setViewport({ width, height: 760 });
      await sleep(60);
      await view.page.screenshot({ path: join(shots, `${name}-${scheme}${width ? `-${width}` : ""}.png`) });
      const sideways = await view.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(sideways <= 0, `${name} at ${width} px is ${sideways} px too wide`);
      if (width === widths[0] || width === widths.at(-1)) await inspect(view, `${name}, ${scheme}, ${width} px`);
    }
  }
  await view.page.setViewport(null);
}

/** The vault is open, whatever came before. */
async function opened(app) {
  const state = await app.state();
  if (state === "Welcome to Relaykeep") await app.onboard({ passphrase: PASSPHRASE });
  else if (state === "Relaykeep is locked") await app.unlock(PASSPHRASE);
}

/** And two accounts with their keys are in it. */
async function filled({ app, sites }) {
  await opened(app);
  await ensure(app, sites[0], "A name of sixty characters, which is as long as names may be");
  await ensure(app, sites[1], "港口 Harbour");
}

export default {
  name: "looks",
  ...withSites([{ kind: "newapi-jwt", keys: 40, name: "Orchard" }, { kind: "oneapi", keys: 9, name: "Harbour" }], { vault: false }),
  cases: [
    { name: "first run", run: async ({ app }) => everyLook(await app.options(), "welcome") },
    {
      name: "the empty list",
      async run({ app }) {
        await opened(app);
        const view = await app.options("keys");
        await view.find("heading", "No keys yet");
        await everyLook(view, "empty");
      },
    },
    {
      name: "every section with something in it",
      longest: 300_000,
      async run(context) {
        const { app } = context;
        await filled(context);
        for (const section of SECTIONS) {
          const view = await app.options(section);
          await view.page.setViewport(null);
          await everyLook(view, section);
          assert.equal(await view.page.title(), "Relaykeep");
        }
      },
    },
    {
      name: "twelve keys on the first screen at 1280 × 760",
      async run(context) {
        const { app } = context;
        await filled(context);
        // Another size while another section is shown: the list must notice when it comes back.
        const elsewhere = await app.options("settings");
        await elsewhere.page.setViewport({ width: 1280, height: 760 });
        const view = await app.options("keys");
        await app.search(view, "");
        const whole = await view.page.$$eval("[data-key]", (rows) => rows.filter((row) => {
          const box = row.getBoundingClientRect();
          return box.top >= 0 && box.bottom <= innerHeight && row.checkVisibility();
        }).length);
        await view.page.setViewport(null);
        assert.ok(whole >= 12, `${whole} rows`);
        await until("every row of the screen", async () => {
          const [drawn, there] = await view.page.$eval('[role="grid"]', (list) => [
            Math.max(...[...list.querySelectorAll('[role="row"]')].filter((row) => row.checkVisibility()).map((row) => row.getBoundingClientRect().bottom)),
            list.getBoundingClientRect().bottom,
          ]);
          return drawn >= there;
        });
      },
    },
    {
      name: "partial failure, dialogs and details",
      longest: 300_000,
      async run(context) {
        const { app, sites } = context;
        await filled(context);
        await sites[1].fault({ fault: "status", status: 503, path: "/api/*" });
        await app.sync();
        await sites[1].clearFaults();
        await everyLook(await app.options("accounts"), "accounts-failed", { widths: [1280, 380] });
        await everyLook(await app.options("activity"), "activity-failed", { widths: [1280, 380] });
        const view = await app.options("accounts");
        await view.click("button", "Add account");
        await everyLook(view, "add-account", { widths: [1280, 380] });
        await view.click("button", "Cancel");
        await app.options("keys");
        await view.click("button", /^Reveal masked/);
        await everyLook(view, "reveal", { widths: [1280, 380] });
        await view.click("button", "Cancel");
      },
    },
    {
      name: "the popup, with a site, with keys, and locked",
      longest: 300_000,
      async run(context) {
        const { app, sites } = context;
        await filled(context);
        const page = await sites[0].signIn(app);
        let popup = await app.popup(page);
        await popup.find("listbox", "Keys");
        await sleep(500);
        await everyLook(popup, "popup", { widths: [0] });
        const whole = await popup.page.$$eval('[role="option"]', (rows) => rows.filter((row) => row.getBoundingClientRect().bottom <= innerHeight && row.checkVisibility()).length);
        assert.ok(whole >= 6, `${whole} keys on the popup's first screen`);
        await app.closePopup(popup);
        await app.lock();
        await everyLook(await app.options(), "locked");
        popup = await app.popup(page);
        await popup.find("heading", "Relaykeep is locked");
        await everyLook(popup, "popup-locked", { widths: [0] });
        await app.closePopup(popup);
        await page.close();
      },
    },
    {
      name: "nothing moves for whoever asked for less motion",
      async run({ app }) {
        await opened(app);
        const view = await app.options("keys");
        await view.page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
        const moving = await view.page.evaluate(() => [...document.querySelectorAll("*")].filter((one) => {
          const style = getComputedStyle(one);
          const long = (text) => text.split(",").some((part) => parseFloat(part) > 0.001);
          return (style.transitionDuration && long(style.transitionDuration)) || (style.animationName !== "none" && long(style.animationDuration));
        }).map((one) => one.className || one.tagName));
        await view.page.emulateMediaFeatures([]);
        assert.deepEqual(moving, []);
      },
    },
  ],
};
