// Nobody looks: no page of ours is open, no debugger is attached, the worker was stopped. The alarm
// still rings, and the sync it starts is seen at the site.
import assert from "node:assert/strict";
import { ensure, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

export default {
  name: "alarms",
  beside: true,
  ...withSites([{ kind: "newapi-cookie", keys: 4 }]),
  cases: [
    {
      name: "a sync by schedule runs in an idle browser after the worker was stopped",
      longest: 300_000,
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const view = await app.options("settings");
        const shortest = await view.page.$eval('[aria-label="Sync by itself every"]', (select) => [...select.options].map((one) => one.text).find((text) => /minute/.test(text)));
        await view.choose("Sync by itself every", shortest);
        await sleep(500);
        // The alarm is there with the period that was chosen; waiting that long proves nothing more,
        // so the very alarm is set to ring soon.
        const alarms = await view.page.evaluate(() => chrome.alarms.getAll());
        const sync = alarms.find((one) => one.periodInMinutes > 1);
        assert.ok(sync, `no alarm is set: ${JSON.stringify(alarms)}`);
        await view.page.evaluate((name) => chrome.alarms.create(name, { delayInMinutes: 0.5 }), sync.name);
        const blank = await app.visit("about:blank");
        await view.page.close(); // first: a page that is open takes its line up again
        app.views.clear();
        await app.killWorker();
        await until("the worker to be gone", async () => !(await app.workerAlive()));
        await site.changeKeys({ add: [{ name: "made while nobody looked" }] });
        await site.resetLog();
        await until("the alarm's requests", async () => (await site.log()).some((one) => one.path.startsWith("/api/token")), { timeout: 120_000, every: 500 });
        await blank.close();
        assert.equal((await app.keys({ search: "made while nobody looked" })).length, 1);
        await until("the job to be told", async () => (await app.jobs()).some((job) => /schedule/.test(job.title) && /new 1/.test(job.text)));
      },
    },
    {
      name: "the worker dies by itself when it has nothing to do",
      longest: 120_000,
      async run({ app, sites: [site] }) {
        await ensure(app, site, "Orchard");
        const view = await app.options("keys");
        await view.page.close();
        app.views.clear();
        const blank = await app.visit("about:blank");
        await until("the worker to go", async () => !(await app.workerAlive()), { timeout: 75_000, every: 500 });
        await blank.close();
        assert.equal((await app.keys()).length, (await site.keys()).length);
      },
    },
  ],
};
