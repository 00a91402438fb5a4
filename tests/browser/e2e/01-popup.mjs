// The shipped build, which may ask no site at all, from its real popup.
import assert from "node:assert/strict";
import { withSites } from "../context.mjs";
import { FAMILIES } from "../sim.mjs";

const KINDS = ["newapi-jwt", "newapi-cookie", "newapi-2025-04", "oneapi", "veloera", "onehub", "donehub"];
const OTHERS = ["plain", "lookalike", "html-everything"];

const site = (context, kind) => context.sites.find((one) => one.kind === kind);
const region = (popup) => popup.page.$eval('[aria-label="This site"]', (one) => one.innerText);

/** Opens the popup over a fresh tab of a site, looks, and returns what it asked the site meanwhile. */
async function look(context, one, act) {
  const page = one.consoleUrl && KINDS.includes(one.kind) ? await one.signIn(context.app) : await context.app.visit(`${one.base}/`);
  await page.waitForNetworkIdle({ idleTime: 300 });
  await one.resetLog();
  const popup = await context.app.popup(page);
  try {
    await popup.find("region", "This site");
    await act(popup);
  } finally {
    await context.app.closePopup(popup);
    await page.close();
  }
  return one.log();
}

export default {
  name: "popup",
  ...withSites([...KINDS, ...OTHERS].map((kind) => ({ kind, keys: 3 })), { shipped: true }),
  cases: [
    {
      name: "the shipped build holds no permission for any site",
      async run({ app }) {
        const view = await app.options();
        const held = await view.page.evaluate(() => chrome.permissions.getAll());
        assert.deepEqual(held.origins, []);
        assert.deepEqual(held.permissions.toSorted(), ["activeTab", "alarms", "idle", "offscreen", "scripting", "storage", "unlimitedStorage"]);
      },
    },
    ...KINDS.map((kind) => ({
      name: `recognises ${kind} with at most two anonymous requests`,
      async run(context) {
        const one = site(context, kind);
        const asked = await look(context, one, async (popup) => {
          await popup.find("button", "Add this site");
          const read = await region(popup);
          assert.match(read, new RegExp(`\\b${FAMILIES[one.family]}\\b`));
          assert.ok(read.includes(one.host), read);
        });
        assert.ok(asked.length <= 2, `${asked.length} requests: ${asked.map((each) => each.path)}`);
        for (const each of asked) assert.equal(each.carriesCredential, false, each.path);
      },
    })),
    {
      name: "takes the user id from the page where the site keeps it there",
      async run(context) {
        await look(context, site(context, "newapi-cookie"), async (popup) => {
          await popup.click("button", "Add this site");
          const box = await popup.find("textbox", "User id");
          assert.equal(await box.evaluate((input) => input.value), "2");
        });
      },
    },
    {
      name: "a page without a hint is asked nothing until told to",
      async run(context) {
        const asked = await look(context, site(context, "plain"), async (popup) => {
          await popup.find("button", "Check this site");
          await new Promise((resolve) => setTimeout(resolve, 500));
        });
        assert.deepEqual(asked.map((each) => each.path), []);
      },
    },
    ...OTHERS.map((kind) => ({
      name: `does not take ${kind} for a relay site, asked or not`,
      async run(context) {
        const asked = await look(context, site(context, kind), async (popup) => {
          await popup.click("button", "Check this site");
          await popup.reads(/does not answer like a relay|did not answer/);
          const read = (await region(popup)).replaceAll(site(context, kind).host, "");
          assert.ok(!(await popup.has("button", "Add this site")), read);
        });
        assert.ok(asked.length <= 2, `${asked.length} requests`);
        for (const each of asked) assert.equal(each.carriesCredential, false, each.path);
      },
    })),
    {
      name: "a half-filled form waits while the user looks for the token, and over its own site only",
      async run(context) {
        const one = site(context, "newapi-jwt");
        await look(context, one, async (popup) => {
          await popup.click("button", "Add this site");
          await popup.type("textbox", "User id", "4711");
          await popup.type("textbox", "Access token", "half-a-token");
          await new Promise((resolve) => setTimeout(resolve, 600));
        });
        await look(context, site(context, "newapi-cookie"), async (popup) => {
          await popup.find("button", "Add this site");
          assert.ok(!(await popup.has("textbox", "Access token")), "what was typed for one site stands over another");
        });
        await look(context, one, async (popup) => {
          const box = await popup.find("textbox", "User id");
          assert.equal(await box.evaluate((input) => input.value), "4711");
          await popup.click("button", "Cancel");
          await popup.click("button", "Add this site");
          assert.equal(await (await popup.find("textbox", "Access token")).evaluate((input) => input.value), "", "it was cancelled");
          await popup.click("button", "Cancel");
        });
      },
    },
  ],
};
