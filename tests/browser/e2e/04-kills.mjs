// The worker is killed at every step of a sync, a reveal and a token's making: after the first
// request, the second, … It resumes or ends honestly, and nothing is done twice that matters.
import assert from "node:assert/strict";
import { addByHand, ensure, withSites } from "../context.mjs";
import { until } from "../driver.mjs";

const MASKED = 0;
const LISTS = 1;

const names = (list) => list.map((one) => one.name).toSorted();

/** Lets `count` requests reach the site, then kills the worker. */
async function killAfter(app, site, count) {
  await until(`request ${count}`, async () => (await site.log()).length >= count, { every: 5, timeout: 20_000 });
  await app.killWorker();
}

/** How many requests an undisturbed run makes. */
async function undisturbed(site, act) {
  await site.resetLog();
  await act();
  return (await site.log()).length;
}

export default {
  name: "kills",
  beside: true,
  // Each answer waits, so that a kill falls between a request and its answer.
  ...withSites([
    { kind: "newapi-jwt", keys: 230, latency: 150, limits: "off" },
    { kind: "oneapi", keys: 23, latency: 150 },
  ]),
  cases: [
    ...[["New API", MASKED], ["One API", LISTS]].map(([kind, which]) => ({
      name: `sync of ${kind}, killed after each request`,
      longest: 900_000,
      async run({ app, sites }) {
        const site = sites[which];
        await addByHand(app, site, `sync ${kind}`);
        const steps = await undisturbed(site, () => app.sync(`sync ${kind}`));
        assert.ok(steps >= 3, `${steps} requests`);
        for (let step = 1; step <= steps; step++) {
          await site.changeKeys({ add: [{ name: `${kind} step ${step}` }] });
          await site.resetLog();
          const job = await app.job(async () => {
            const view = await app.options("accounts");
            await view.click("button", "Sync all");
            await killAfter(app, site, step);
          }, { timeout: 120_000 });
          // Ended honestly: either it resumed, or it says what failed; then one more sync mends all.
          if (!/new \d+/.test(job.text)) await app.sync(`sync ${kind}`);
          assert.deepEqual(names(await app.keys({ account: `sync ${kind}` })), names(await site.keys()), `killed after request ${step} of ${steps}: ${job.text}`);
        }
        await app.removeAccount(`sync ${kind}`);
      },
    })),
    {
      name: "a reveal of 230 keys, killed after each request, ends by itself with every key once",
      longest: 900_000,
      async run({ app, sites }) {
        const site = sites[MASKED];
        await addByHand(app, site, "reveal");
        for (let step = 1; step <= 3; step++) {
          const ids = (await site.keys()).map((key) => key.id);
          await site.changeKeys({ rekey: ids }); // other keys behind other masks: all are asked for again
          await app.sync();
          await site.resetLog();
          const job = await app.job(async () => {
            const view = await app.options("keys");
            await view.click("button", /^Reveal masked/);
            await (await view.find("dialog", "Reveal masked keys")).waitForSelector('::-p-aria([name="Reveal"][role="button"])').then((one) => one.click());
            await killAfter(app, site, step);
          }, { timeout: 180_000 });
          assert.match(job.text, new RegExp(`revealed ${ids.length}`), `killed after request ${step}: ${job.text}`);
          const calls = (await site.log()).filter((one) => one.path === "/api/token/batch/keys").length;
          assert.ok(calls <= Math.ceil(ids.length / 100) + 1, `${calls} calls for ${ids.length} keys`);
          for (const key of (await site.keys()).slice(0, 2)) assert.equal(await app.copyKey({ name: key.name }), key.full);
        }
        await app.removeAccount("reveal");
      },
    },
    {
      name: "a token whose making is killed is said to be in doubt, and never asked for again",
      longest: 300_000,
      async run({ app, sites }) {
        const site = sites[MASKED];
        const page = await site.signIn(app);
        await site.resetLog();
        await site.fault({ fault: "latency", ms: 4000, path: "/api/user/token" });
        const popup = await app.popup(page);
        await popup.click("button", "Add this site");
        await popup.click("button", "Make a new token");
        await popup.click("button", "Replace the token");
        await until("the request", async () => (await site.log()).some((one) => one.path === "/api/user/token"));
        await app.killWorker();
        await app.closePopup(popup);
        await site.clearFaults();
        await until("the doubt to be said", async () => (await app.jobs()).some((job) => /probably replaced/.test(job.text)), { timeout: 90_000 });
        assert.equal((await site.log()).filter((one) => one.path === "/api/user/token").length, 1);
        await page.close();
        site.accessToken = (await site.replaceToken()).accessToken;
      },
    },
    {
      name: "jobs wait while the vault is locked and go on after unlocking",
      longest: 300_000,
      async run({ app, sites, PASSPHRASE }) {
        const site = sites[LISTS];
        await ensure(app, site, "waits");
        await site.changeKeys({ add: [{ name: "made while locked" }] });
        const before = new Set((await app.jobs()).map((job) => job.id));
        const view = await app.options("accounts");
        await view.click("button", "Sync all");
        await app.lock();
        await app.unlock(PASSPHRASE);
        await until("the job to end", async () => (await app.jobs()).some((job) => !before.has(job.id) && !job.running), { timeout: 90_000 });
        if (!(await app.keys({ search: "made while locked" })).length) await app.sync();
        assert.equal((await app.keys({ search: "made while locked" })).length, 1);
        await app.removeAccount("waits");
      },
    },
  ],
};
