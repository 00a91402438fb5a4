// A lock that comes while something is under way: it holds, nothing is lost, nothing goes out after it.
import assert from "node:assert/strict";
import { addByHand, PASSPHRASE, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const OTHER = "another passphrase entirely";
const names = (rows) => rows.map((row) => row.name).toSorted();

/** What is left of an open vault in the browser's memory. */
const left = (view) => view.page.evaluate(async () => Object.keys(await chrome.storage.session.get()).filter((name) => "sgaov".includes(name)));

/** Presses Copy on a masked key at a slow site, and Lock once the site has been asked. */
async function lockWhileRevealing(app, site, name, ms) {
  await site.fault({ fault: "latency", ms, path: "/api/token/*" });
  await site.resetLog();
  const view = await app.options("keys");
  await app.search(view, name);
  const row = await until("its row", async () => {
    for (const one of await view.visible("[data-key]")) if (await one.$('::-p-aria([name="Reveal"][role="button"])')) return one;
    return null;
  });
  await (await row.waitForSelector('::-p-aria([name="Copy"][role="button"])')).click();
  await sleep(400); // it is on its way, and the site takes its time
  await view.click("button", "Lock");
  await view.find("heading", "Relaykeep is locked");
  return view;
}

const reveals = async (site) => (await site.log()).filter((one) => one.method === "POST" && /\/(key|keys)$/.test(one.path)).length;

export default {
  name: "locks",
  beside: true,
  ...withSites([{ kind: "newapi-jwt", keys: 12, limits: "off" }], {
    ready: ({ app, sites }) => addByHand(app, sites[0], "Orchard"),
  }),
  cases: [
    {
      name: "while a masked key is fetched to be copied: nothing reaches the clipboard, and the key is held afterwards",
      async run({ app, sites: [site] }) {
        const key = (await site.keys()).find((one) => one.name === "research batch");
        const before = await app.clipboard();
        const view = await lockWhileRevealing(app, site, key.name, 3000);
        await until("the answer to be sealed", async () => (await reveals(site)) === 1 && (await left(view)).length === 0);
        await sleep(3500);
        assert.equal(await app.state(), "Relaykeep is locked");
        assert.equal(await app.clipboard(), before);
        await site.clearFaults();
        await app.unlock(PASSPHRASE);
        assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full);
        assert.equal(await reveals(site), 1, "what was paid for is not asked for again");
      },
    },
    {
      name: "a worker that ends while a lock awaits an answer comes back locked",
      async run({ app, sites: [site] }) {
        const view = await lockWhileRevealing(app, site, "", 6000);
        await app.killWorker();
        await view.page.reload();
        await view.find("heading", "Relaykeep is locked");
        assert.deepEqual(await left(view), []);
        await site.clearFaults();
        await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await app.keys()), names(await site.keys()));
      },
    },
    {
      name: "while all is being sealed anew: it is locked when that has ended, with the new passphrase",
      async run({ app, sites: [site] }) {
        const view = await app.changePassphrase(PASSPHRASE, OTHER);
        await view.click("button", "Lock");
        await view.find("heading", "Relaykeep is locked");
        await sleep(3000);
        assert.equal(await app.state(), "Relaykeep is locked");
        assert.deepEqual(await left(view), []);
        await app.unlock(OTHER);
        assert.deepEqual(names(await app.keys()), names(await site.keys()));
      },
    },
  ],
};
