// A permission taken away in the browser's settings is noticed, said, and got over.
import assert from "node:assert/strict";
import { ensure, withSites } from "../context.mjs";
import { until } from "../driver.mjs";

/** What a person does on the extension's page of the browser. */
async function inSettings(app, call, ...args) {
  const page = await app.browser.newPage();
  try {
    await page.goto(`chrome://extensions/?id=${app.chromium.id}`);
    const failed = await page.evaluate(
      (name, values) => new Promise((resolve) => chrome.developerPrivate[name](...values, () => resolve(chrome.runtime.lastError?.message))),
      call,
      args,
    );
    assert.equal(failed, undefined);
  } finally {
    await page.close();
  }
}

const revoke = (app) => inSettings(app, "updateExtensionConfiguration", { extensionId: app.chromium.id, hostAccess: "ON_SPECIFIC_SITES" });
const grant = (app, site) => inSettings(app, "addHostPermission", app.chromium.id, `${site.origin}/*`);

/** The account is there, and its permission was taken away. */
async function revoked({ app, sites: [site] }) {
  await ensure(app, site, "Orchard");
  await revoke(app);
  // Granted again by an earlier case: the switch above is already where it belongs.
  await inSettings(app, "removeHostPermission", app.chromium.id, `${site.origin}/*`).catch(() => {});
  await (await app.options("accounts")).find("button", "Grant access");
}

export default {
  name: "permission",
  ...withSites([{ kind: "newapi-jwt", keys: 5 }]),
  cases: [
    {
      name: "a revoked permission is noticed without a sync, said on the account, and its keys stay",
      async run(context) {
        const { app } = context;
        await revoked(context);
        const view = await app.options("accounts");
        await view.reads(/permission/i);
        assert.equal((await app.keys()).length, 5);
      },
    },
    {
      name: "a sync says that the permission is missing, and asks the site nothing",
      async run(context) {
        const { app, sites: [site] } = context;
        await revoked(context);
        await site.resetLog();
        const [line] = await app.sync("Orchard");
        assert.match(line, /permission/i);
        assert.deepEqual(await site.log(), []);
      },
    },
    {
      name: "granted again, it works again",
      async run(context) {
        const { app, sites: [site] } = context;
        await revoked(context);
        await grant(app, site);
        const view = await app.options("accounts");
        await view.gone("button", "Grant access");
        await until("a sync that works", async () => /nothing changed|updated|new/.test((await app.sync("Orchard"))[0]));
      },
    },
    {
      name: "work on keys waits for the permission, and goes on by itself once it is back",
      async run(context) {
        const { app, sites: [site] } = context;
        await ensure(app, site, "Orchard");
        const names = (await site.keys()).filter((key) => key.status === 1).slice(0, 2).map((key) => key.name);
        await revoked(context);
        await site.resetLog();
        const waits = await app.setEnabled({ account: "Orchard", names, on: false }, { ended: (job) => /waits for you/i.test(job.text) });
        assert.match(waits.text, /Grant access/);
        assert.deepEqual(await site.log(), [], "nothing was asked without the permission");
        await grant(app, site);
        await until("the keys to be disabled", async () => (await site.keys()).filter((key) => names.includes(key.name)).every((key) => key.status === 2));
        const job = await until("the job to end", async () => (await app.jobs()).find((one) => one.id === waits.id && !one.running));
        assert.doesNotMatch(job.text, /waits for you/i);
        const writes = (await site.log()).filter((one) => one.method === "PUT");
        assert.equal(writes.length, names.length, "each was written once");
      },
    },
  ],
};
