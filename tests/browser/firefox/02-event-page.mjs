// The event page comes to its end when it has nothing to do, and in the middle of things: it is woken
// by a page and by an alarm, the vault stays open, and no job is lost.
import assert from "node:assert/strict";
import { ensure, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const stopped = (app) => until("the event page to be suspended", async () => (await app.eventPage()) === "stopped", { timeout: 40_000, every: 100 });

/** Leaves a page of nobody in front and closes ours: an open page would take its line up again. */
async function leave(app) {
  const blank = await app.visit("about:blank");
  const view = await app.options("accounts");
  await view.page.close();
  app.views.clear();
  return blank;
}

export default {
  name: "firefox event page",
  beside: true,
  // The browser's own rule, with three seconds in place of thirty.
  ...withSites([{ kind: "newapi-jwt", keys: 8, latency: 150, limits: "off" }, { kind: "oneapi", keys: 4 }], { prefs: { "extensions.background.idle.timeout": 3000 } }),
  cases: [
    {
      name: "it is suspended by the browser when nobody needs it, and a page wakes it with the vault open",
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const blank = await leave(app);
        await stopped(app);
        assert.equal(await app.state(), "open");
        assert.equal((await app.keys({ account: "Orchard" })).length, (await site.keys()).length);
        assert.notEqual(await app.eventPage(), "stopped");
        await blank.close();
      },
    },
    {
      name: "under an open page it comes and goes, and the page goes on working",
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const view = await app.options("keys");
        await stopped(app);
        await until("it to be woken for the page's line", async () => (await app.eventPage()) === "running", { timeout: 10_000 });
        await site.addKeys([{ name: "made meanwhile" }]);
        await app.sync("Orchard");
        assert.equal((await app.keys({ search: "made meanwhile" })).length, 1);
        assert.ok(!(await view.has("heading", "Relaykeep is locked")));
      },
    },
    {
      name: "ended after each request of a sync and of a reveal, the job goes on by itself",
      longest: 180_000,
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        for (let step = 1; step <= 3; step++) {
          await site.addKeys([{ name: `step ${step}` }]);
          await site.resetLog();
          const job = await app.job(async () => {
            const view = await app.options("accounts");
            await view.click("button", "Sync all");
            await until(`request ${step}`, async () => (await site.log()).length >= step, { every: 5 });
            await app.killWorker();
          }, { timeout: 100_000 });
          assert.match(job.text, /new 1|nothing changed/, `ended after request ${step}: ${job.text}`);
          assert.equal((await app.keys({ search: `step ${step}` })).length, 1, `ended after request ${step}: ${job.text}`);
        }
        await site.resetLog();
        const job = await app.job(() => Promise.all([
          app.reveal({ account: "Orchard" }).catch(() => {}),
          until("the reveal's request", async () => (await site.log()).some((one) => /\/batch\/keys$/.test(one.path)), { every: 5, timeout: 30_000 }).then(() => app.killWorker()),
        ]), { timeout: 100_000 });
        const keys = await site.keys();
        assert.match(job.text, new RegExp(`revealed ${keys.length}`), job.text);
        for (const key of [keys[0], keys.at(-1)]) assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full);
      },
    },
    {
      name: "an alarm wakes it while no page is open, and what it synced is there",
      async run({ app, sites: [, site] }) {
        await ensure(app, site, "Harbour");
        const view = await app.options("keys");
        const alarms = await view.page.evaluate(() => chrome.alarms.getAll());
        const sync = alarms.find((one) => one.periodInMinutes > 1);
        assert.ok(sync, `no alarm is set: ${JSON.stringify(alarms)}`);
        await view.page.evaluate((name) => chrome.alarms.create(name, { when: Date.now() + 9000 }), sync.name);
        const blank = await leave(app);
        await stopped(app);
        await site.changeKeys({ add: [{ name: "made while nobody looked" }] });
        await site.resetLog();
        await until("the alarm's requests", async () => (await site.log()).some((one) => one.path.startsWith("/api/token")), { timeout: 40_000, every: 200 });
        await sleep(500);
        await blank.close();
        assert.equal((await app.keys({ search: "made while nobody looked" })).length, 1);
      },
    },
    {
      name: "locked, it stays locked over its end",
      async run(context) {
        const { app, sites: [site] } = context;
        await ensure(app, site, "Orchard");
        await app.lock();
        await app.killWorker();
        assert.equal(await app.state(), "Relaykeep is locked");
        await app.unlock(context.PASSPHRASE);
        assert.ok((await app.keys({ account: "Orchard" })).length > 0);
      },
    },
  ],
};
