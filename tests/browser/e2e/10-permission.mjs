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
  ],
};
