// What goes over the wire, seen by a proxy that also sees the worker: only to sites the user
// named, nothing on its own, and never a credential to anybody else.
import assert from "node:assert/strict";
import { addByHand, PASSPHRASE, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";
import { watch } from "../wire.mjs";

const setting = async (app, name, option) => (await app.options("settings")).choose(name, option);

export default {
  name: "wire",
  ...withSites([{ kind: "newapi-jwt", keys: 6 }, { kind: "oneapi", keys: 4 }, { kind: "plain" }, { kind: "catcher" }], {
    flags: async (context) => {
      context.wire = await watch();
      return context.wire.flags;
    },
  }),
  cases: [
    {
      name: "a page that was not opted in sees no script and gets no request",
      async run({ app, sites, wire }) {
        const plain = sites[2];
        const page = await app.visit(`${plain.base}/`);
        const before = await page.evaluate(() => [document.documentElement.outerHTML, Object.keys(globalThis).length, JSON.stringify(localStorage)]);
        await sleep(500);
        wire.clear();
        await plain.resetLog();
        const elsewhere = await sites[0].signIn(app);
        const popup = await app.popup(elsewhere);
        await popup.find("button", "Add this site");
        await app.closePopup(popup);
        await sleep(1500);
        assert.deepEqual(await plain.log(), []);
        const after = await page.evaluate(() => [document.documentElement.outerHTML, Object.keys(globalThis).length, JSON.stringify(localStorage)]);
        assert.deepEqual(after, before);
        const view = await app.options();
        assert.deepEqual(await view.page.evaluate(() => chrome.scripting.getRegisteredContentScripts()), []);
        await page.close();
        await elsewhere.close();
      },
    },
    {
      name: "the whole job asks only the sites that were named",
      async run({ app, sites, wire }) {
        for (const page of await app.browser.pages()) if (page.url().startsWith("http")) await page.close();
        wire.clear();
        await addByHand(app, sites[0], "one");
        await addByHand(app, sites[1], "two");
        await app.sync();
        await app.reveal();
        await app.keys({ search: "cursor" });
        assert.deepEqual(wire.origins().toSorted(), [sites[0].origin, sites[1].origin].toSorted());
      },
    },
    {
      name: "with refreshing switched off, opening pages asks nobody",
      async run({ app, sites, wire }) {
        await setting(app, "On opening, refresh what is older than", "never");
        await setting(app, "Sync by itself every", "never");
        const view = await app.options("keys");
        await app.killWorker();
        wire.clear();
        await view.page.reload();
        assert.equal((await app.keys()).length, 10 + 1); // One API gives each user a first key
        const page = await app.visit("about:blank");
        const popup = await app.popup(page);
        await popup.find("listbox", "Keys");
        await app.closePopup(popup);
        await page.close();
        await sleep(2500);
        assert.deepEqual(wire.others(), []);
        for (const site of sites) await site.resetLog();
      },
    },
    {
      name: "an account younger than the setting is not refreshed on opening",
      async run({ app, wire }) {
        await setting(app, "On opening, refresh what is older than", "30 minutes");
        await app.sync();
        const view = await app.options("keys");
        wire.clear();
        await view.page.reload();
        await app.keys();
        await sleep(2500);
        assert.deepEqual(wire.others(), []);
      },
    },
    ...[301, 302, 303, 307, 308].map((status) => ({
      name: `a ${status} carries no credential anywhere`,
      async run({ app, sites, wire }) {
        const [site, , , catcher] = sites;
        await catcher.resetLog();
        for (const to of [catcher.origin, catcher.origin.replace("127.0.0.1", "localhost")]) {
          await site.fault({ fault: "redirect", status, to: `${to}/caught`, path: "/api/*" });
          wire.clear();
          const [line] = await app.sync("one");
          assert.match(line, /redirect|elsewhere/i, line);
          await app.reveal({ account: "one" }).catch(() => {});
          await site.clearFaults();
        }
        for (const one of await catcher.log({ raw: true })) {
          assert.equal(one.carriesCredential, false, JSON.stringify(one));
          assert.ok(!JSON.stringify(one).includes(site.accessToken));
        }
        assert.match((await app.sync("one"))[0], /nothing changed|updated|new/);
      },
    })),
    {
      name: "no cookie of a signed-in tab goes with the extension's requests",
      async run({ app, sites }) {
        const [, site] = sites;
        const page = await site.signIn(app);
        await site.resetLog();
        await app.sync("two");
        const asked = (await site.log()).filter((one) => one.path.startsWith("/api/"));
        assert.ok(asked.length > 0);
        for (const one of asked) assert.ok(!one.headers.includes("cookie"), `${one.path} carried a cookie`);
        await page.close();
      },
    },
    {
      name: "a locked vault asks nobody",
      async run({ app, wire }) {
        await app.lock();
        await sleep(500);
        wire.clear();
        const view = await app.options();
        await view.page.reload();
        await view.find("heading", "Relaykeep is locked");
        await sleep(2000);
        assert.deepEqual(wire.others(), []);
        await app.unlock(PASSPHRASE);
        await until("keys", async () => (await app.keys()).length);
      },
    },
  ],
};
