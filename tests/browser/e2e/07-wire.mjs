// What goes over the wire, seen by a proxy that also sees the worker: only to sites the user
// named, nothing on its own, and never a credential to anybody else.
import assert from "node:assert/strict";
import { ensure, PASSPHRASE, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";
import { watch } from "../wire.mjs";

const setting = async (app, name, option) => (await app.options("settings")).choose(name, option);

/** One account at each of the first two sites. */
async function both(app, sites) {
  await ensure(app, sites[0], "one");
  await ensure(app, sites[1], "two");
}

export default {
  name: "wire",
  ...withSites([{ kind: "newapi-jwt", keys: 6 }, { kind: "oneapi", keys: 4 }, { kind: "plain" }, { kind: "catcher" }, { kind: "newapi-2025-04", keys: 2 }], {
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
        const bystander = sites[4];
        // Signed in beside it at a relay that was never added.
        const page = await bystander.signIn(app);
        await bystander.resetLog();
        wire.clear();
        await both(app, sites);
        await sites[0].changeKeys({ rekey: (await sites[0].keys()).map((key) => key.id) });
        await app.sync();
        await app.reveal();
        await app.keys({ search: "cursor" });
        assert.deepEqual(wire.origins().toSorted(), [sites[0].origin, sites[1].origin].toSorted());
        assert.deepEqual(await bystander.log(), []);
        await page.close();
      },
    },
    {
      name: "with refreshing switched off, opening pages asks nobody",
      async run({ app, sites, wire }) {
        await both(app, sites);
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
      },
    },
    {
      name: "an account younger than the setting is not refreshed on opening",
      async run({ app, sites, wire }) {
        await both(app, sites);
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
        // `Authorization: Bearer` with `New-Api-User` at one, a bare `Authorization` at the other.
        const [one, two, , catcher] = sites;
        await both(app, sites);
        await one.changeKeys({ rekey: [(await one.keys())[0].id] }); // so that there is something to reveal
        await app.sync();
        await catcher.resetLog();
        const itself = (site) => site.origin;
        const port = () => catcher.origin;
        const host = () => catcher.origin.replace("127.0.0.1", "localhost");
        for (const target of [itself, port, host]) {
          for (const site of [one, two]) await site.fault({ fault: "redirect", status, to: `${target(site)}/caught`, path: "/api/*" });
          for (const site of [one, two]) await site.resetLog();
          wire.clear();
          const lines = await app.sync();
          assert.equal(lines.length, 2);
          for (const line of lines) assert.match(line, /redirect|elsewhere/i);
          // A body goes with this one. Once: a site lets few of these through.
          if (target === host) assert.match((await app.reveal()).join(), /redirect|elsewhere/i);
          for (const site of [one, two]) {
            const asked = await site.log();
            assert.ok(asked.length > 0);
            assert.deepEqual(asked.filter((each) => each.path.includes("caught")), [], "the redirect was followed");
            await site.clearFaults();
          }
          assert.deepEqual(wire.origins().toSorted(), [one.origin, two.origin].toSorted());
        }
        assert.deepEqual(await catcher.log({ raw: true }), []);
        for (const line of await app.sync()) assert.match(line, /nothing changed|updated|new/);
      },
    })),
    {
      name: "no cookie of a signed-in tab goes with the extension's requests",
      async run({ app, sites }) {
        const [, site] = sites;
        await ensure(app, site, "two");
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
      async run({ app, sites, wire }) {
        await both(app, sites);
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
