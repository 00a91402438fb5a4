// The sites' limiters: said with the time they end, obeyed, and gone on from by itself.
import assert from "node:assert/strict";
import { addByHand, ensure, fresh, PASSPHRASE, withSites } from "../context.mjs";
import { paused, until } from "../driver.mjs";

const reveals = (log) => log.filter((one) => one.path.startsWith("/api/token/batch/keys") || /^\/api\/token\/\d+\/key$/.test(one.path));

async function revealAll(app) {
  const view = await app.options("keys");
  await view.click("button", /^Reveal masked/);
  const dialog = await view.find("dialog", "Reveal masked keys");
  await (await dialog.waitForSelector('::-p-aria([name="Reveal"][role="button"])')).click();
}

/** Lets so many critical requests through, and forgets those made. */
async function critical(site, rate = "20/1200") {
  await site.limits({ ct: rate });
  await site.resetLimits();
}

export default {
  name: "limits",
  beside: true,
  ...withSites([{ kind: "newapi-jwt", keys: 250 }, { kind: "oneapi", keys: 5 }, { kind: "newapi-cookie", keys: 3 }]),
  cases: [
    {
      name: "a 429 in the middle of a reveal is said, obeyed and resumed",
      longest: 300_000,
      async run({ app, sites: [site] }) {
        await ensure(app, site, "limited");
        await site.changeKeys({ rekey: (await site.keys()).map((key) => key.id) });
        await app.sync("limited");
        await critical(site, "2/12");
        await site.resetLog();
        const waiting = await app.job(() => revealAll(app), { ended: paused });
        assert.match(waiting.text, /\d{1,2}:\d\d/, "the time it goes on is said");
        const view = await app.options("activity");
        await view.page.close(); // nobody watches
        const log = await until("all reveals", async () => {
          const asked = reveals(await site.log());
          return asked.filter((one) => one.status === 200).length >= 3 && asked;
        }, { timeout: 150_000, every: 500 });
        const refused = log.findIndex((one) => one.status === 429);
        assert.ok(refused >= 0);
        assert.ok(log[refused + 1].atMs - log[refused].atMs >= 11_000, "Retry-After was not obeyed");
        await until("the end to be said", async () => (await app.jobs()).some((job) => /revealed 250/.test(job.text)));
        const key = (await site.keys()).at(-1);
        assert.equal(await app.copyKey({ account: "limited", name: key.name }), key.full);
        await critical(site);
      },
    },
    {
      name: "the queue of a reveal survives the browser",
      longest: 300_000,
      run: (context) => fresh(context, async (app) => {
        const [site] = context.sites;
        await critical(site, "2/15");
        await app.onboard({ passphrase: PASSPHRASE });
        await addByHand(app, site, "restarted");
        await app.job(() => revealAll(app), { ended: paused });
        await app.killBrowser();
        await app.relaunch();
        await app.unlock(PASSPHRASE);
        await until("the end", async () => (await app.jobs()).some((job) => /revealed 250/.test(job.text)), { timeout: 150_000, every: 500 });
        await critical(site);
      }),
    },
    {
      name: "a limit at one site lets the others go on, and keeps what is held",
      async run({ app, sites: [limited, free] }) {
        await ensure(app, limited, "limited");
        await ensure(app, free, "free");
        const held = (await app.keys({ account: "limited" })).length;
        await limited.exhaust("ga");
        const view = await app.options("accounts");
        const before = new Set((await app.jobs()).map((job) => job.id));
        await app.options("accounts");
        await view.click("button", "Sync all");
        await until("one done, one limited", async () => {
          const job = (await app.jobs()).find((one) => !before.has(one.id));
          return job && job.items.some((line) => /free.*(new|nothing|updated)/.test(line)) && job.items.some((line) => /limited.*(by itself|Too many|until)/i.test(line));
        }, { timeout: 60_000 });
        assert.equal((await app.keys({ account: "limited" })).length, held);
        await limited.resetLimits();
      },
    },
    {
      name: "single reveals stay below the server's twenty in twenty minutes",
      longest: 300_000,
      async run({ app, sites }) {
        const site = sites[2];
        await site.changeKeys({ clear: true });
        await site.changeKeys({ bulk: 30 });
        // A fork without the batch call: each key has to be asked for by itself.
        await site.fault({ fault: "answer", path: "/api/token/batch/keys", status: 404, body: { error: { message: "Invalid URL" } } });
        await addByHand(app, site, "singles");
        await site.resetLog();
        await app.job(() => revealAll(app), { ended: paused });
        const asked = reveals(await site.log());
        assert.ok(asked.length < 20, `${asked.length} critical requests`);
        assert.ok(asked.every((one) => one.status !== 429), "the limit was run into");
        await site.clearFaults();
        await app.removeAccount("singles");
      },
    },
  ],
};
