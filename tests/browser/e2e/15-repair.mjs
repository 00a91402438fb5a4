// Repair: what it finds, what each part costs, and that a second look finds nothing to do.
import assert from "node:assert/strict";
import { addByHand, ensure, withSites } from "../context.mjs";
import { until } from "../driver.mjs";

const writes = (log) => log.filter((one) => ["POST", "PUT", "DELETE"].includes(one.method));
const section = (plan, name) => plan.sections.find((one) => one.name?.startsWith(name));

export default {
  name: "repair",
  beside: true,
  ...withSites([
    { kind: "newapi-jwt", keys: 200 },
    { kind: "newapi-cookie", keys: 3, limits: "off" },
  ]),
  cases: [
    {
      name: "200 masked keys under the server's own limits are two reveal calls",
      longest: 300_000,
      async run({ app, sites: [site] }) {
        await addByHand(app, site, "Orchard");
        await site.resetLog();
        await app.repair({ section: "Reveal masked keys", choose: "all" }, { timeout: 120_000 });
        const calls = (await site.log()).filter((one) => one.path === "/api/token/batch/keys");
        assert.equal(calls.length, 2);
        const key = (await site.keys())[7];
        assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full);
      },
    },
    {
      name: "ten groups without a key: ten creates, three reads, one reveal; then all is in order",
      longest: 300_000,
      async run({ app, sites: [, site] }) {
        const groups = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`team-${at}`, `Team ${at}`]));
        await site.options({ usable_groups: { default: "默认分组", ...groups }, group_ratios: { default: 1, ...Object.fromEntries(Object.keys(groups).map((name) => [name, 1])) } });
        await addByHand(app, site, "Meadow");
        const held = await site.keys();
        await site.changeKeys({ update: held.map(({ id }) => ({ id, group: "default" })) });
        await app.sync("Meadow");
        await app.repair({ section: "Reveal masked keys", choose: "all" });
        await site.resetLog();
        await app.repair({ section: "Groups without a key", choose: "all", pattern: "for {group}", quota: null }, { timeout: 120_000 });
        const log = await site.log();
        const creates = log.filter((one) => one.method === "POST" && one.path === "/api/token/");
        const reveals = log.filter((one) => one.path === "/api/token/batch/keys");
        const reads = log.filter((one) => one.method === "GET");
        assert.deepEqual([creates.length, reveals.length, writes(log).length], [10, 1, 11]);
        assert.ok(reads.length <= 3, `${reads.length} reads: ${reads.map((one) => one.path).join(" ")}`);
        const made = (await site.keys()).filter((key) => key.name.startsWith("for team-"));
        assert.deepEqual(made.map((key) => key.group).toSorted(), Object.keys(groups).toSorted());
        await site.resetLog();
        const again = await app.repair({ preview: true });
        assert.ok(!section(again, "Groups without a key")?.lines.length, JSON.stringify(section(again, "Groups")));
        assert.ok(!section(again, "Reveal masked")?.lines.length);
        assert.deepEqual(writes(await site.log()), [], "a second look writes nothing");
      },
    },
    {
      name: "a look that was left in the middle comes to its end",
      longest: 120_000,
      async run({ app, sites: [, site] }) {
        await ensure(app, site, "Meadow");
        await app.lookAtRepair();
        await site.fault({ path: "/api/user/self/groups", fault: "slow_loris", ms_per_byte: 15 });
        try {
          const view = await app.options("repair");
          await view.click("button", "Look again");
          await view.find("progressbar", /^Asking the sites/);
          await app.options("activity");
        } finally {
          await site.clearFaults();
        }
        await app.lookAtRepair();
      },
    },
    {
      name: "keys whose group vanished are listed and moved",
      longest: 300_000,
      async run({ app, sites: [, site] }) {
        await ensure(app, site, "Meadow");
        await site.options({ usable_groups: { default: "默认分组" }, group_ratios: { default: 1 } });
        await site.addKeys(["x", "y", "z"].map((name) => ({ name: `lost ${name}`, group: "vanished", remain_quota: 1000 })));
        await app.sync("Meadow");
        const view = await app.options("repair");
        // The groups may be younger than ten minutes: the look is pressed.
        await view.click("button", "Look again");
        await until("the lost groups", async () => {
          const read = await app.repair({ preview: true });
          const lines = section(read, "Keys whose group vanished")?.lines ?? [];
          return lines.filter((line) => /lost [xyz]/.test(line.text)).length === 3;
        }, { timeout: 60_000 });
        await app.repair({ section: "Keys whose group vanished", choose: "all", act: "Move", group: "default" }, { timeout: 120_000 });
        const moved = (await site.keys()).filter((key) => key.name.startsWith("lost "));
        assert.deepEqual(moved.map((key) => key.group), ["default", "default", "default"]);
      },
    },
    {
      name: "a site that wants a second proof: said, tried again after the visit, pasted in the end",
      longest: 300_000,
      async run({ app, sites: [, site] }) {
        await ensure(app, site, "Meadow");
        await site.addKeys([{ name: "proven", group: "default", remain_quota: 1000 }]);
        await site.options({ step_up: "user" });
        await app.sync("Meadow");
        const refused = await app.job(() => app.reveal({ account: "Meadow", names: ["proven"] }).catch(() => {}));
        assert.match(refused.text, /identity|verif|confirm/i, refused.text);
        const [job] = await app.activity();
        assert.ok(job.buttons.some((one) => /^Open the site/.test(one)), job.buttons.join(" · "));
        const { full } = (await site.keys()).find((key) => key.name === "proven");
        const view = await app.options("activity");
        await view.click("button", /^Paste the key/);
        await view.type("textbox", "Full key", "sk-another0Key0That0Does0Not0Fit0The0Mask0At0All00");
        await view.click("button", /^(Keep|Save)/);
        await until("the wrong key to be refused", async () => (await view.alert()) !== null);
        await view.type("textbox", "Full key", full);
        await view.click("button", /^(Keep|Save)/);
        await until("the window to close", async () => !(await view.page.$("dialog[open]")));
        await site.options({ step_up: "off" });
        assert.equal(await app.copyKey({ account: "Meadow", name: "proven" }), full);
      },
    },
  ],
};
