// The list: search, choose, copy, by mouse and by keyboard, on the page and in the popup.
import assert from "node:assert/strict";
import { addByHand, fresh, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const option = (popup) => popup.page.$$eval('[role="option"]', (all) => all.filter((one) => one.checkVisibility()).map((one) => one.innerText.split("\n")[0].trim()));

export default {
  name: "keys",
  ...withSites([{ kind: "newapi-jwt", keys: 30, limits: "off" }, { kind: "oneapi", keys: 9 }], {
    async ready({ app, sites }) {
      await addByHand(app, sites[0], "Orchard");
      await addByHand(app, sites[1], "Harbour");
    },
  }),
  cases: [
    {
      name: "an empty vault teaches the next step",
      run: (context) => fresh(context, async (app) => {
        await app.onboard({ mode: "device" });
        const view = await app.options("keys");
        await view.find("heading", "No keys yet");
        await view.click("button", "Add account");
        await view.find("dialog", "Add account");
      }),
    },
    {
      name: "search finds by name, account, site and any part of the key",
      async run({ app, sites: [masked, plain] }) {
        assert.deepEqual((await app.keys({ search: "openwebui" })).map((row) => row.name), ["openwebui @ nas", "openwebui @ nas"]);
        assert.equal((await app.keys({ search: "Harbour" })).length, 10);
        assert.equal((await app.keys({ search: plain.host })).length, 10);
        assert.deepEqual((await app.keys({ search: "公司" })).map((row) => row.name), ["公司服务器", "公司服务器"]);
        assert.deepEqual(await app.keys({ search: "no such key anywhere" }), []);
        const key = (await plain.keys())[4];
        for (const part of [key.full, key.full.slice(3), key.full.slice(20, 26), key.full.slice(-5)])
          assert.deepEqual((await app.keys({ search: part })).map((row) => row.name), [key.name], part);
        assert.ok(masked);
      },
    },
    {
      name: "the count says how many of all, and Escape clears the search",
      async run({ app }) {
        const view = await app.options("keys");
        await app.search(view, "");
        await sleep(1500); // what the search before came to is said by then
        const heard = await view.listen();
        await app.search(view, "cursor");
        await view.reads(/2 of 40/);
        await until("the count to be said", async () => (await heard()).includes("2 of 40"));
        assert.deepEqual(await heard(), ["2 of 40"], "once, after the last letter");
        await view.page.keyboard.press("Escape");
        const box = await view.find("searchbox", "Search keys");
        await until("an empty box", () => box.evaluate((one) => one.value === ""));
        assert.equal((await app.keys()).length, 40);
      },
    },
    {
      name: "states are computed from what the site sends",
      async run({ app }) {
        const rows = await app.keys({ account: "Orchard" });
        const state = (name) => rows.find((row) => row.name === name).state;
        assert.equal(state("ci-nightly"), "Expired");
        assert.equal(state("备用密钥 2"), "Exhausted");
        assert.equal(state("phone (Chatbox)"), "Disabled");
        assert.equal(state("cursor"), "Active");
        assert.equal(rows.find((row) => row.name === "cursor").remaining.toLowerCase(), "unlimited");
      },
    },
    {
      name: "filters show what they say",
      async run({ app }) {
        const view = await app.options("keys");
        await app.search(view, "");
        for (const [name, state] of [["Disabled", "Disabled"], ["Expired", "Expired"], ["Exhausted", "Exhausted"]]) {
          await view.click("button", new RegExp(`^${name}`));
          await sleep(150);
          const rows = await app.keys();
          assert.ok(rows.length > 0 && rows.every((row) => row.state === state), `${name}: ${rows.map((row) => row.state)}`);
          await view.click("button", /^All/);
        }
      },
    },
    {
      name: "several keys are chosen, revealed and copied together",
      async run({ app, sites: [site] }) {
        const lines = await app.reveal({ account: "Orchard", names: ["zed editor", "shared with Mia"] });
        assert.match(lines.join(), /revealed 2/);
        const wanted = (await site.keys()).filter((key) => ["zed editor", "shared with Mia"].includes(key.name));
        for (const key of wanted) assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full);
      },
    },
    {
      name: "Show shows a held key and Hide hides it",
      async run({ app, sites: [, site] }) {
        const key = (await site.keys()).find((one) => one.name === "test") ?? (await site.keys())[1];
        const view = await app.options("keys");
        await app.search(view, key.full.slice(5, 25));
        const row = await until("its row", async () => (await view.visible("[data-key]"))[0]);
        assert.ok(!(await view.text()).includes(key.full));
        await (await row.waitForSelector('::-p-aria([name="Show"][role="button"])')).click();
        await view.reads(key.full);
        await (await row.waitForSelector('::-p-aria([name="Hide"][role="button"])')).click();
        await until("the mask", async () => !(await view.text()).includes(key.full));
        await app.search(view, "");
      },
    },
    {
      name: "a reveal that outlasts the click copies nothing and offers Copy",
      longest: 120_000,
      async run({ app, sites: [site] }) {
        const held = await app.clipboard();
        await site.fault({ fault: "latency", ms: 5000, path: "/api/token/*" });
        const view = await app.options("keys");
        await app.search(view, "research batch");
        const row = await until("its row", async () => {
          for (const one of await view.visible("[data-key]")) if (await one.$('::-p-aria([name="Reveal"][role="button"])')) return one;
          return null;
        });
        const heard = await view.listen();
        await (await row.waitForSelector('::-p-aria([name="Copy"][role="button"])')).click();
        await until("the offer", async () => (await heard()).some((line) => /Revealed, press Copy/.test(line)), { timeout: 30_000 });
        assert.ok(!(await heard()).includes("Copied"));
        await site.clearFaults();
        assert.equal(await app.clipboard(), held, "something was copied behind the user's back");
        const key = (await site.keys()).find((one) => one.name === "research batch");
        assert.equal(await app.copyKey({ account: "Orchard", name: "research batch" }), key.full);
      },
    },
    {
      name: "the popup copies in two keystrokes: type, Enter",
      async run({ app, sites: [, site] }) {
        const key = (await site.keys()).find((one) => one.name === "cursor");
        const page = await app.visit("about:blank");
        const popup = await app.popup(page);
        await popup.find("searchbox", "Search keys");
        await until("the cursor in the box", () => popup.page.evaluate(() => document.activeElement?.type === "search" || document.activeElement?.role === "searchbox"));
        await popup.page.keyboard.type(key.full.slice(10, 20));
        await until("one hit", async () => (await option(popup)).length === 1);
        const heard = await popup.listen();
        await popup.page.keyboard.press("Enter");
        await until("Copied", async () => (await heard()).includes("Copied"));
        await popup.reads("Copied");
        await app.closePopup(popup);
        assert.equal(await app.clipboard(), key.full);
        await page.close();
      },
    },
    {
      name: "arrows choose in the popup, and the chosen row is said to assistive technology",
      async run({ app }) {
        const page = await app.visit("about:blank");
        const popup = await app.popup(page);
        await popup.find("listbox", "Keys");
        await popup.page.keyboard.type("openwebui");
        await until("two hits", async () => (await option(popup)).length === 2);
        const chosen = () => popup.page.$$eval('[role="option"]', (all) => all.filter((one) => one.checkVisibility()).findIndex((one) => one.ariaSelected === "true"));
        const first = await chosen();
        await popup.page.keyboard.press("ArrowDown");
        await until("the next", async () => (await chosen()) !== first);
        await popup.reads(/2 of 40/);
        await app.closePopup(popup);
        await page.close();
      },
    },
    {
      name: "everything on the page is reached by keyboard alone",
      async run({ app, sites: [, site] }) {
        const view = await app.options("keys");
        await app.search(view, "");
        await view.page.evaluate(() => document.activeElement?.blur());
        const heard = await view.listen();
        await view.page.keyboard.press("/");
        const key = (await site.keys()).find((one) => one.name === "翻译插件") ?? (await site.keys())[2];
        await view.page.keyboard.type(key.full.slice(8, 22));
        await until("one hit", async () => (await view.visible("[data-key]")).length === 1);
        await view.page.keyboard.press("ArrowDown");
        await until("a row in focus", () => view.page.evaluate(() => Boolean(document.activeElement?.closest("[role=grid]"))));
        // The account's head may come first.
        if (!(await view.page.evaluate(() => document.activeElement?.closest("[data-key]")))) await view.page.keyboard.press("ArrowDown");
        await view.page.keyboard.press("c");
        // How many there are and that it is copied: neither takes the other's place.
        await until(async () => `both to be said; heard: ${await heard()}`, async () => {
          const lines = await heard();
          return lines.includes("Copied") && lines.includes("1 of 40");
        });
        assert.equal(await app.clipboard(), key.full);
      },
    },
    {
      name: "removing a key here leaves it at the site",
      async run({ app, sites: [, site] }) {
        const count = (await site.keys()).length;
        const view = await app.options("keys");
        await app.search(view, "old tablet");
        for (const row of await view.visible("[data-key]")) await (await row.waitForSelector('::-p-aria([role="checkbox"])')).click();
        await app.search(view, "");
        await app.onSelection("Remove here…"); // the panel beside the list has such a button, too
        const dialog = await until("the question", () => view.page.$("dialog[open]"));
        assert.match(await dialog.evaluate((one) => one.innerText), /sites are not touched/);
        await (await dialog.waitForSelector('::-p-aria([name="Remove here"][role="button"])')).click();
        await until("them to go", async () => (await app.keys({ search: "old tablet" })).length === 0);
        assert.equal((await site.keys()).length, count);
      },
    },
  ],
};
