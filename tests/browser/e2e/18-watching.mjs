// Watching: relay sites recognised as one browses, and keys that their pages show in full.
import assert from "node:assert/strict";
import { addByHand, distFor, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const SITES = [{ kind: "newapi-cookie", keys: 5 }, { kind: "newapi-jwt", keys: 4 }, { kind: "lookalike" }, { kind: "plain" }, { kind: "oneapi", keys: 3 }];
const of = (sites, kind) => sites.find((one) => one.kind === kind);
/** Longer than the second look of the script. */
const SETTLED = 3600;
const anonymous = (log) => log.filter((one) => /\/api\/(status|user\/self)$/.test(one.path) && !one.carriesCredential);
/** What we asked ourselves: the pages' own requests carry no such header. */
const ours = async (site) => (await site.log({ raw: true })).filter((one) => one.path.includes("/api/") && Object.fromEntries(one.rawHeaders)["accept-language"] === "en");

async function badgeIs(app, page, text) {
  await until(async () => `the badge ${text}; it is ${JSON.stringify(await app.badge(page))}`, async () => (await app.badge(page))?.text === text);
}

const sites = withSites(SITES);

export default {
  name: "watching",
  async before(options) {
    const everywhere = distFor(options.dist, ["https:", "http:"].map((protocol) => ({ protocol, hostname: "*" })));
    const context = await sites.before({ ...options, dist: everywhere.dist });
    return { ...context, everywhere };
  },
  async after(context) {
    await sites.after(context);
    context?.everywhere.remove();
  },
  cases: [
    {
      name: "off at first: no script is registered, and no page is looked into",
      async run({ app, sites }) {
        await app.options("settings");
        assert.deepEqual(await app.scripts(), []);
        const site = of(sites, "newapi-cookie");
        const page = await site.signIn(app);
        await sleep(500);
        assert.deepEqual(await ours(site), []);
        assert.equal((await app.badge(page)).text, "");
        await page.close();
      },
    },
    {
      name: "on, an ordinary page is asked nothing, and its icon stays bare",
      async run({ app, sites }) {
        await app.watch("all");
        const site = of(sites, "plain");
        await site.resetLog();
        const page = await app.visit(`${site.base}/`);
        await sleep(SETTLED);
        assert.deepEqual((await site.log()).map((one) => one.path).filter((path) => path !== "/favicon.ico"), ["/"]);
        assert.equal((await app.badge(page)).text, "");
        await page.close();
      },
    },
    {
      name: "a relay is recognised with two anonymous requests, once, and the icon says so",
      async run({ app, sites }) {
        await app.watch("all");
        const site = of(sites, "newapi-jwt");
        await site.resetLog();
        const page = await site.signIn(app);
        await badgeIs(app, page, "+");
        assert.match((await app.badge(page)).title, /relay site/);
        const asked = await ours(site);
        assert.ok(asked.length <= 2, asked.map((one) => one.path).join());
        assert.ok(asked.every((one) => !one.carriesCredential));
        await page.reload({ waitUntil: "load" });
        await badgeIs(app, page, "+");
        assert.equal((await ours(site)).length, asked.length, "what was found is kept");
        await addByHand(app, site, "Watched");
        await page.reload({ waitUntil: "load" });
        await badgeIs(app, page, "✓");
        await page.close();
        await app.removeAccount("Watched");
      },
    },
    {
      name: "a look-alike that plants our names gets the anonymous questions and no more, and is not believed",
      async run({ app, sites }) {
        await app.watch("all");
        const site = of(sites, "lookalike");
        await site.resetLog();
        const page = await app.visit(`${site.base}/planted`);
        await sleep(SETTLED);
        const asked = await ours(site);
        assert.ok(asked.length >= 1 && anonymous(asked).length === asked.length && asked.length <= 2, asked.map((one) => one.path).join());
        assert.equal((await app.badge(page)).text, "");
        // What it shows is nobody's key.
        await page.click("#show");
        await sleep(300);
        const popup = await app.popup(page);
        await popup.find("region", "This site");
        assert.equal(await popup.has("button", "Record the key"), false);
        await app.closePopup(popup);
        await page.close();
      },
    },
    {
      name: "a key that a page shows in full after a click is offered in the popup, and kept only on a yes",
      async run({ app, sites }) {
        await app.watch("all");
        const site = of(sites, "newapi-cookie");
        await addByHand(app, site, "Shown");
        const page = await site.signIn(app);
        await badgeIs(app, page, "✓");
        const [first, second] = await site.keys();
        const show = (key) => page.click(`tr[data-id="${key.id}"] button`);
        await show(first);
        await badgeIs(app, page, "1");
        // Nothing of it is on disk, and nothing in the page tells of us.
        assert.deepEqual(await app.profileHits([first.full, first.key]), []);
        let popup = await app.popup(page);
        await popup.reads(new RegExp(first.name));
        await popup.click("button", "Forget it");
        await popup.gone("button", "Forget it");
        await app.closePopup(popup);
        await show(second);
        await badgeIs(app, page, "1");
        popup = await app.popup(page);
        await popup.reads(new RegExp(second.name));
        await popup.click("button", "Record the key");
        await popup.gone("button", "Record the key");
        await app.closePopup(popup);
        await site.resetLog();
        assert.equal(await app.copyKey({ account: "Shown", name: second.name }), second.full);
        assert.deepEqual((await site.log()).filter((one) => /\/key$|batch/.test(one.path)), [], "no reveal was needed");
        assert.equal(await app.copyKey({ account: "Shown", name: first.name }), first.full);
        assert.equal((await site.log()).filter((one) => /\/key$|batch/.test(one.path)).length, 1, "what was forgotten is not held");
        // Shown once more, there is nothing to offer.
        await page.reload({ waitUntil: "load" });
        await page.waitForNetworkIdle({ idleTime: 200 });
        await badgeIs(app, page, "✓");
        await show(second);
        await sleep(600);
        assert.equal((await app.badge(page)).text, "✓");
        await page.close();
      },
    },
    {
      name: "a key just made on the page is offered too: recording it reads the list first",
      async run({ app, sites }) {
        await app.watch("all");
        const site = of(sites, "newapi-cookie");
        if (!(await app.accounts()).some((one) => one.text.includes("Shown"))) await addByHand(app, site, "Shown");
        const page = await site.signIn(app);
        await badgeIs(app, page, "✓");
        await page.type("#new-name", "made on the page");
        await page.click("#create button");
        await page.waitForNetworkIdle({ idleTime: 200 });
        const made = (await site.keys()).find((key) => key.name === "made on the page");
        await page.click(`tr[data-id="${made.id}"] button`);
        await badgeIs(app, page, "1");
        const popup = await app.popup(page);
        await popup.reads(/not among the keys here yet/);
        await popup.click("button", "Record the key");
        await popup.gone("button", "Record the key");
        await app.closePopup(popup);
        await page.close();
        await site.resetLog();
        assert.equal(await app.copyKey({ account: "Shown", name: made.name }), made.full);
        assert.deepEqual((await site.log()).filter((one) => /\/key$|batch/.test(one.path)), []);
      },
    },
    {
      name: "on chosen sites only those are watched",
      async run({ app, sites }) {
        const site = of(sites, "oneapi");
        await app.watch([site.origin]);
        const [script] = await app.scripts();
        assert.deepEqual(script.matches, [`${site.origin}/*`]);
        const page = await site.signIn(app);
        await badgeIs(app, page, "+");
        await page.close();
        const other = of(sites, "newapi-jwt");
        await other.resetLog();
        const elsewhere = await other.signIn(app);
        await sleep(500);
        assert.deepEqual(await ours(other), []);
        assert.equal((await app.badge(elsewhere)).text, "");
        await elsewhere.close();
      },
    },
    {
      name: "switched off, the script is gone and the icons are bare",
      async run({ app, sites }) {
        await app.watch("all");
        const page = await of(sites, "oneapi").signIn(app);
        await badgeIs(app, page, "+");
        await app.watch("off");
        await until("the script to go", async () => (await app.scripts()).length === 0);
        await badgeIs(app, page, "");
        await page.reload({ waitUntil: "load" });
        await sleep(500);
        assert.equal((await app.badge(page)).text, "");
        await page.close();
      },
    },
  ],
};
