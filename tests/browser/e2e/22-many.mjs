// Many accounts in one job: what went wrong stands out, and a list that nobody looks at catches up.
import assert from "node:assert/strict";
import { addByHand, withSites } from "../context.mjs";
import { until } from "../driver.mjs";

const COUNT = 13;
/** How many lines the newest job shows. */
const lines = (view) => view.page.evaluate(() => document.querySelector("[data-job]").querySelectorAll("ul > li").length);

export default {
  name: "many",
  ...withSites(Array.from({ length: COUNT }, () => ({ kind: "newapi-2025-04", keys: 2 }))),
  cases: [
    {
      name: "a job of many accounts shows those that went wrong, and the others on a press; Keys catches up",
      async run({ app, sites }) {
        for (const [at, site] of sites.entries()) await addByHand(app, site, `Station ${at + 1}`);
        assert.equal((await app.keys()).length, COUNT * 2);
        const bad = sites[4];
        await bad.fault({ fault: "status", status: 503, path: "/api/*" });
        const [changed] = await sites[2].keys();
        await sites[2].changeKeys({ update: [{ id: changed.id, name: "renamed-at-the-site" }] });
        const shown = await app.sync();
        assert.equal(shown.length, 1, shown.join("\n"));
        assert.match(shown[0], /^Station 5 /);
        const view = await app.options("activity");
        await view.click("button", `All ${COUNT} accounts`);
        await until("a line for each", async () => (await lines(view)) === COUNT);
        await view.click("button", `All ${COUNT} accounts`);
        await until("one line", async () => (await lines(view)) === 1);
        // The list was built before, and drew nothing while Activity was looked at.
        const keys = await app.keys();
        assert.ok(keys.some((key) => key.name === "renamed-at-the-site"), keys.map((key) => key.name).join());
        await bad.clearFaults();
        const again = await app.sync();
        assert.equal(again.length, 0, again.join("\n"));
      },
    },
  ],
};
