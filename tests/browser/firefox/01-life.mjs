// The whole of it in Firefox: accounts and keys from the real panel of the toolbar button and from our
// pages, with the browser's own clipboard, questions and accessibility tree.
import assert from "node:assert/strict";
import { addByHand, ensure, PASSPHRASE, withSites } from "../context.mjs";
import { until } from "../driver.mjs";
import { wholeLife } from "../e2e/14-work.mjs";

/** What is counted in the browser's own tree, and whether each name is asked for there too (half a second each). */
const ROLES = { heading: false, button: false, textbox: false, radio: true, checkbox: true, combobox: true };
const names = (rows) => rows.map((row) => row.name).toSorted();

export default {
  name: "firefox life",
  ...withSites([{ kind: "newapi-jwt", keys: 6, limits: "off" }, { kind: "oneapi", keys: 5, limits: "off" }]),
  cases: [
    {
      name: "what the suites look for is what the browser's accessibility tree says",
      async run({ app }) {
        const { page } = await app.options("settings");
        // A person calls a field for a passphrase a text box; the standard gives it no role.
        const secret = await page.$$eval("input[type=password]", (fields) => fields.filter((one) => one.checkVisibility()).map((one) => one.labels[0].innerText.trim()));
        for (const [role, byName] of Object.entries(ROLES)) {
          const all = (await page.ariaNames(role)).filter((one) => role !== "textbox" || !secret.includes(one));
          assert.equal(await page.ariaOfBrowser(role), all.length, `${role}: ${all.join(" · ")}`);
          if (byName) for (const name of new Set(all)) assert.equal(await page.ariaOfBrowser(role, name), all.filter((one) => one === name).length, `${role} "${name}"`);
        }
      },
    },
    {
      name: "added from the panel over its site, synced, revealed, searched and copied",
      async run({ app, sites: [site] }) {
        const page = await site.signIn(app);
        await site.resetLog();
        const read = await app.addAccountFromTab(page, { token: site.accessToken, userId: site.userId, name: "Orchard" });
        assert.match(read, /New API/);
        await page.close();
        const there = await site.keys();
        assert.deepEqual(names(await app.keys({ account: "Orchard" })), names(there));
        assert.match((await app.reveal({ account: "Orchard" })).join(), new RegExp(`revealed ${there.length}`));
        for (const key of [there[0], there.at(-1)]) {
          assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full, key.name);
          assert.deepEqual(names(await app.keys({ search: key.full.slice(10, 24) })), [key.name]);
        }
        assert.match((await app.sync("Orchard"))[0], /nothing changed/);
      },
    },
    {
      name: "copied from the panel by the keyboard alone, over a page of nobody",
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const page = await app.visit("about:blank");
        const popup = await app.popup(page);
        const [key] = await site.keys();
        const box = await popup.find("searchbox", "Search keys");
        await until("the search box to have the focus", () => box.evaluate((one) => document.activeElement === one));
        for (const letter of key.name) await popup.page.keyboard.press(letter);
        await until("the one key", () => popup.page.$$eval('[role="option"]', (all) => all.filter((one) => one.checkVisibility()).length === 1));
        await popup.page.keyboard.press("Enter");
        await until("the key in the clipboard", async () => (await app.clipboard()) === key.full);
        if (await popup.page.look()) await app.closePopup(popup);
        await page.close();
      },
    },
    {
      name: "a new token is made in the page only on a yes, under the page's own lock",
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        await app.removeAccount("Orchard");
        const page = await site.signIn(app);
        await site.resetLog();
        await app.addAccountFromTab(page, { make: true, name: "Orchard" });
        const calls = (path) => log.filter((one) => one.path === path).length;
        const log = await site.log();
        assert.equal(calls("/api/user/token"), 1);
        assert.ok(calls("/api/user/auth/refresh") <= 1, `${calls("/api/user/auth/refresh")} refreshes`);
        site.accessToken = (await site.state()).users.find((user) => user.id === site.userId).accessToken;
        assert.deepEqual(names(await app.keys({ account: "Orchard" })), names(await site.keys()));
        await page.close();
      },
    },
    {
      name: "made, edited field by field, switched, rotated, deleted",
      longest: 200_000,
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const left = await wholeLife(app, site, "Orchard", "fox ");
        assert.equal((await app.keys({ account: "Orchard", search: left })).filter((row) => row.name === left).length, 1);
      },
    },
    {
      name: "by hand at a One API, and a key made there",
      async run({ app, sites: [, site] }) {
        await addByHand(app, site, "Harbour");
        assert.deepEqual(names(await app.keys({ account: "Harbour" })), names(await site.keys()));
        await app.createKey({ account: "Harbour", name: "fox", raw: 1000 });
        const key = (await site.keys()).find((one) => one.name === "fox");
        assert.equal(await app.copyKey({ account: "Harbour", name: "fox" }), key.full);
      },
    },
    {
      name: "repaired: a group without a key gets one, which is revealed",
      longest: 200_000,
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const held = [...new Set((await site.keys()).map((key) => key.group))];
        const groups = Object.fromEntries([...held, "fresh"].map((name) => [name, name]));
        await site.options({ usable_groups: groups, group_ratios: Object.fromEntries(Object.keys(groups).map((name) => [name, 1])) });
        await app.sync("Orchard");
        const view = await app.options("repair");
        await view.click("button", "Look again");
        await app.repair({ section: "Groups without a key", choose: "all", pattern: "for {group}", quota: null }, { timeout: 100_000 });
        const made = (await site.keys()).find((key) => key.name === "for fresh");
        assert.equal(made?.group, "fresh");
        assert.equal(await app.copyKey({ account: "Orchard", name: "for fresh" }), made.full);
      },
    },
    {
      name: "the clipboard is cleared by the event page, once the browser allows it to look",
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const view = await app.options("settings");
        await Promise.all([app.answer(true), view.tick("Clear a copied key after 60 s")]);
        await until("the yes to be kept", () => view.page.evaluate(() => chrome.permissions.contains({ permissions: ["clipboardRead"] })));
        const [key] = await site.keys();
        const before = await view.page.evaluate(() => chrome.alarms.getAll());
        assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full);
        // The very alarm that is set for a minute from now is set to ring soon.
        const armed = (await view.page.evaluate(() => chrome.alarms.getAll())).find((one) => !before.some((old) => old.name === one.name));
        assert.ok(armed, "no alarm was set");
        const ring = () => view.page.evaluate((name) => chrome.alarms.create(name, { when: Date.now() + 300 }), armed.name);
        const cleared = () => until("the clipboard to be cleared", async () => (await app.clipboard()).trim() === "", { every: 300 });
        await ring();
        await cleared();
        // Several are one text, and cleared as that.
        const two = (await site.keys()).filter((one) => one.status === 1).slice(0, 2);
        for (const one of two) assert.equal(await app.copyKey({ account: "Orchard", name: one.name }), one.full);
        await app.select({ account: "Orchard", names: two.map((one) => one.name) });
        await app.onSelection("Copy");
        const lines = async () => (await app.clipboard()).split("\n").map((one) => one.trim()).toSorted();
        await until("both in the clipboard", async () => (await lines()).join() === two.map((one) => one.full).toSorted().join(), { every: 300 });
        await ring();
        await cleared();
      },
    },
    {
      name: "what Firefox cannot do is said where it would be offered",
      async run({ app }) {
        const view = await app.options("settings");
        await view.reads("it does not tell extensions when the screen locks");
        assert.ok(!(await view.has("checkbox", "Lock with the screen")));
      },
    },
    {
      name: "locked, a panel shows nothing; a wrong passphrase is told apart; closed and opened again, all is there",
      longest: 120_000,
      async run(context) {
        const { app, sites: [site] } = context;
        await ensure(app, site, "Orchard");
        const held = names(await app.keys());
        await app.lock();
        const page = await app.visit("about:blank");
        const popup = await app.popup(page);
        await popup.find("textbox", "Passphrase");
        for (const name of held) assert.ok(!(await popup.text()).includes(name), name);
        await app.closePopup(popup);
        await page.close();
        await assert.rejects(app.unlock("not the passphrase"), /Wrong passphrase/);
        await app.unlock(PASSPHRASE);
        await app.overhear();
        await app.closeBrowser();
        await app.relaunch();
        assert.equal(await app.state(), "Relaykeep is locked");
        await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await app.keys()), held);
      },
    },
  ],
};
