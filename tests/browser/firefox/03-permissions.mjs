// Access host by host, with the shipped build and the browser's real questions.
import assert from "node:assert/strict";
import { withSites } from "../context.mjs";
import { until } from "../driver.mjs";

const HELD = "http://127.0.0.1/*";
const origins = async (app) => (await (await app.options("accounts")).page.evaluate(() => chrome.permissions.getAll())).origins;
const line = async (app, name) => (await app.accounts()).find((one) => one.text.includes(name))?.text ?? "";
const byHand = (site, more) => ({ origin: site.base, userId: site.userId, token: site.accessToken, ...more });

/** Does what makes the browser ask, and answers it; returns the question's words. */
async function asked(app, allow, act) {
  const [words] = await Promise.all([app.answer(allow), act()]);
  return words;
}

/** An account without access, in the open vault. */
async function refused(app, site, name) {
  if (await line(app, name)) return;
  // There is nothing to sync: the verb's wait for the first sync is not ours.
  await asked(app, false, async () => {
    const view = await app.options("accounts");
    await view.click("button", "Add account");
    await view.type("textbox", "Site address", site.base);
    await view.choose("Site kind", "New API");
    await view.type("textbox", "User id", String(site.userId));
    await view.type("textbox", "Access token", site.accessToken);
    await view.type("textbox", "Name", name);
    await view.click("button", "Save account");
  });
  await until("the account to be saved", async () => /permission missing/.test(await line(app, name)));
}

export default {
  name: "firefox permissions",
  beside: true,
  ...withSites([{ kind: "newapi-jwt", keys: 3 }, { kind: "oneapi", keys: 2 }], { shipped: true }),
  cases: [
    {
      name: "the shipped build holds no permission for any site",
      async run({ app }) {
        const held = await (await app.options()).page.evaluate(() => chrome.permissions.getAll());
        assert.deepEqual(held.origins, []);
        assert.deepEqual(held.permissions.toSorted(), ["activeTab", "alarms", "idle", "scripting", "storage", "unlimitedStorage"]);
      },
    },
    {
      name: "a refused question is said, nothing is asked of the site, and nothing is saved that is not known",
      async run({ app, sites: [site] }) {
        await site.resetLog();
        const view = await app.options("accounts");
        await asked(app, false, () => assert.rejects(app.addAccount(byHand(site)), /permission for this site is missing/));
        assert.deepEqual(await site.log(), []);
        await view.click("button", "Cancel");
        assert.deepEqual(await app.accounts(), []);
        assert.deepEqual(await origins(app), []);
      },
    },
    {
      name: "refused for a site whose kind is told, the account is kept and says what is missing; granted, it syncs",
      async run({ app, sites: [site] }) {
        await refused(app, site, "Orchard");
        await site.resetLog();
        const [said] = await app.sync("Orchard");
        assert.match(said, /permission/i);
        assert.deepEqual(await site.log(), []);
        const view = await app.options("accounts");
        const words = await asked(app, true, () => view.click("button", "Grant access"));
        assert.match(words, /127\.0\.0\.1/, words);
        await until("the sync after it", async () => (await app.keys({ account: "Orchard" })).length === 3);
        assert.deepEqual(await origins(app), [HELD]);
      },
    },
    {
      name: "taken away in the browser's settings, it is noticed, and the keys stay",
      async run({ app, sites: [site] }) {
        await refused(app, site, "Orchard");
        await app.permit([HELD], true);
        await until("the keys", async () => (await app.keys({ account: "Orchard" })).length === 3);
        await app.permit([HELD], false);
        await until("it to be said", async () => /permission missing/.test(await line(app, "Orchard")));
        assert.equal((await app.keys({ account: "Orchard" })).length, 3);
      },
    },
    {
      name: "from the panel over a site: recognised without a permission, asked on saving, synced after the yes",
      async run({ app, sites: [, site] }) {
        assert.deepEqual(await origins(app), []);
        await site.resetLog();
        const page = await site.signIn(app);
        await site.resetLog();
        const popup = await app.popup(page);
        await popup.find("button", "Add this site");
        const asks = await site.log();
        assert.ok(asks.length <= 2, `${asks.length} requests`);
        for (const one of asks) assert.equal(one.carriesCredential, false, one.path);
        await popup.click("button", "Add this site");
        await popup.type("textbox", "Access token", site.accessToken);
        await asked(app, true, () => popup.click("button", "Save account"));
        const there = (await site.keys()).length;
        await until("the keys", async () => (await app.keys()).filter((row) => row.account !== "Orchard").length === there);
        await app.closePopup(popup);
        await page.close();
        assert.deepEqual(await origins(app), [HELD]);
      },
    },
  ],
};
