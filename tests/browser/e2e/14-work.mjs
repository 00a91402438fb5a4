// The life of a key, at each generation: what the site stores is what the person typed, and what
// was not touched is as it was.
import assert from "node:assert/strict";
import { addByHand, realSites, withSites } from "../context.mjs";
import { launch, until } from "../driver.mjs";
import { PASSPHRASE } from "../context.mjs";

const KINDS = [
  { kind: "newapi-jwt", name: "Orchard" },
  { kind: "newapi-cookie", name: "Meadow" },
  { kind: "newapi-2025-04", name: "Quarry" },
  { kind: "oneapi", name: "Harbour" },
];
/** More sites: one origin is asked no oftener than 150 times in three minutes, also by a test. */
const MORE = [{ kind: "newapi-jwt", name: "Vale" }, { kind: "newapi-jwt", name: "Dale" }];
/** Forks: the hubs share what they do with keys, so one of them stands for both here. */
const FORKS = [{ kind: "veloera", name: "Moor" }, { kind: "donehub", name: "Fjord" }];
const ALL = [...KINDS, ...MORE, ...FORKS];

const writes = (log) => log.filter((one) => ["POST", "PUT", "DELETE"].includes(one.method));
const stored = async (site, name) => {
  const found = (await site.keys()).filter((key) => key.name === name);
  assert.equal(found.length, 1, `keys named ${name} at the site`);
  return found[0];
};
const isOne = (site) => site.family === "one-api";
const isHub = (site) => site.family.endsWith("-hub");
const listed = (limit, list) => (limit.enabled ? (limit[list] ?? []) : []).join(",");
/** A model list as the site holds it. */
const models = (site, key) =>
  isHub(site) ? listed(key.setting.limits.limit_model_setting, "models") : isOne(site) ? key.models || "" : key.model_limits_enabled ? key.model_limits : "";
const addresses = (site, key) => (isHub(site) ? listed(key.setting.limits.limits_ip_setting, "whitelist") : isOne(site) ? key.subnet : key.allow_ips) || "";

/** What no edit may move by itself. */
const untouched = (key) => {
  const { id, name, status, expired_time, remain_quota, unlimited_quota, group, model_limits, model_limits_enabled, allow_ips, models: list, subnet, backup_group, setting, key: text } = key;
  return { id, name, status, expired_time, remain_quota, unlimited_quota, group, model_limits, model_limits_enabled, allow_ips, list, subnet, backup_group, setting, text };
};
const others = (keys, name) => keys.filter((key) => key.name !== name).map(untouched);

/** Creates with every limit, edits each single field, switches, deletes; the same at a real server. */
export async function wholeLife(app, site, account, prefix) {
  const name = `${prefix}life`;
  const address = isOne(site) ? "127.0.0.0/8" : "127.0.0.1";
  await app.createKey({ account, name, raw: 123_456, expires: { at: "2030-05-06T07:08:09" }, models: ["gpt-4o-mini"], addresses: address });
  let key = await stored(site, name);
  assert.equal(key.remain_quota, 123_456);
  assert.equal(key.expired_time, Date.parse("2030-05-06T07:08:09") / 1000, "a second shown is the same second saved");
  assert.equal(models(site, key), "gpt-4o-mini");
  assert.equal(addresses(site, key), address);
  assert.equal(await app.copyKey({ account, name }), key.full, "the new key can be copied at once");

  const edit = async (change, expected, holds = name) => {
    const before = await site.keys();
    await app.editKey({ account, name: holds, ...change });
    const now = change.rename ?? holds;
    key = await stored(site, now);
    for (const [field, value] of Object.entries(expected)) assert.equal(key[field], value, `${field} after ${JSON.stringify(change)}`);
    assert.deepEqual(others(await site.keys(), now), others(before, holds), "other keys are as they were");
    const was = before.find((one) => one.id === key.id);
    for (const field of ["remain_quota", "expired_time", "unlimited_quota", "status", "group", "model_limits", "models", "allow_ips", "subnet", "backup_group"])
      if (!(field in expected)) assert.equal(key[field], was[field], `${field} moved with ${JSON.stringify(change)}`);
    // What a hub keeps beside its limits is no business of ours, and stays.
    assert.deepEqual(key.setting?.heartbeat, was.setting?.heartbeat, `heartbeat moved with ${JSON.stringify(change)}`);
  };
  await edit({ rename: `${prefix}renamed` }, {}, name);
  const renamed = `${prefix}renamed`;
  await edit({ raw: 777 }, { remain_quota: 777 }, renamed);
  await edit({ expires: null }, { expired_time: -1 }, renamed);
  await edit({ raw: null }, { unlimited_quota: true }, renamed);
  await edit({ raw: 5000 }, { unlimited_quota: false, remain_quota: 5000 }, renamed);
  await edit({ models: null }, isHub(site) ? {} : isOne(site) ? { models: "" } : { model_limits_enabled: false, model_limits: "" }, renamed);
  assert.equal(models(site, key), "");
  await edit({ addresses: "" }, isHub(site) ? {} : isOne(site) ? { subnet: "" } : { allow_ips: "" }, renamed);
  assert.equal(addresses(site, key), "");
  if (!isOne(site)) await edit({ group: "vip" }, { group: "vip" }, renamed);

  await app.setEnabled({ account, names: [renamed], on: false });
  assert.equal((await stored(site, renamed)).status, 2);
  await app.setEnabled({ account, names: [renamed], on: true });
  assert.equal((await stored(site, renamed)).status, 1);

  const job = await app.rotate({ account, name: renamed });
  assert.match(job.text, /accepts it|models|stands in/i, job.text);
  const twins = (await site.keys()).filter((one) => one.name === renamed);
  assert.equal(twins.length, 2, "the old one stays until the person decides");
  assert.equal(twins[0].remain_quota, twins[1].remain_quota);

  const all = (await site.keys()).length;
  await app.deleteKey({ account, names: [renamed] });
  assert.deepEqual([(await site.keys()).length, (await site.keys()).filter((one) => one.name === renamed).length], [all - 1, 1], "exactly one is deleted");
  return renamed;
}

/** A hub's key with more than limits: an edit of each kind leaves the rest of it as it was. */
async function besideLimits(app, site, account, prefix) {
  const name = `${prefix}beat`;
  const limits = { limit_model_setting: { enabled: true, models: ["gpt-4o"] }, limits_ip_setting: { enabled: true, whitelist: ["127.0.0.1", "10.0.0.0/8"] } };
  await site.addKeys([{ name, group: "default", backup_group: "vip", setting: { heartbeat: { enabled: true, timeout_seconds: 45 }, limits } }]);
  await app.sync(account);
  const before = await stored(site, name);
  for (const change of [{ raw: 4321 }, { models: ["gpt-4o", "gpt-4o-mini"] }, { addresses: "127.0.0.1" }, { expires: "1 year" }, { group: "vip" }]) {
    await app.editKey({ account, name, ...change });
    const { setting, backup_group } = await stored(site, name);
    assert.deepEqual([setting.heartbeat, backup_group], [before.setting.heartbeat, "vip"], JSON.stringify(change));
    if (!change.addresses) assert.ok(setting.limits.limits_ip_setting.enabled, JSON.stringify(change));
    if (!change.models) assert.ok(setting.limits.limit_model_setting.enabled, JSON.stringify(change));
  }
  const { setting } = await stored(site, name);
  assert.deepEqual(setting.limits.limit_model_setting, { enabled: true, models: ["gpt-4o", "gpt-4o-mini"] });
  assert.deepEqual(setting.limits.limits_ip_setting, { enabled: true, whitelist: ["127.0.0.1"] });
}

const suite = withSites(ALL.map((one) => ({ ...one, keys: 4, limits: "off" })), {
  async ready({ app, sites }) {
    for (const [at, site] of sites.entries()) await addByHand(app, site, ALL[at].name);
  },
});

export default {
  name: "work",
  ...suite,
  // Real servers have a browser of their own.
  before: (options) => (options.sites ? { options } : suite.before(options)),
  cases: [
    ...[...KINDS, ...FORKS].map(({ kind, name }) => ({
      name: `a key's whole life at ${kind}`,
      longest: 300_000,
      async run({ app, sites }) {
        const site = sites[ALL.findIndex((one) => one.name === name)];
        const left = await wholeLife(app, site, name, `${kind} `);
        const rows = (await app.keys({ account: name, search: left })).filter((row) => row.name === left);
        assert.equal(rows.length, 1);
      },
    })),
    {
      name: "spent quota is not given back by a rename, and what was spent is said where the quota is changed",
      async run({ app, sites: [site] }) {
        await app.createKey({ account: "Orchard", name: "spender", raw: 100_000 });
        const { id } = await stored(site, "spender");
        const { view, dialog } = await app.openKey({ account: "Orchard", name: "spender" });
        await site.spend({ id, quota: 1_234 }); // the form shows the old number now
        await app.fillKey(view, dialog, { name: "spender 2" });
        await app.sendKey(view, "Save changes");
        const key = await stored(site, "spender 2");
        assert.equal(key.remain_quota, 100_000 - 1_234);
        assert.equal(key.used_quota, 1_234);
      },
    },
    {
      name: "two windows edit one key: nothing is written, both are shown, the person decides",
      async run({ app, sites: [site] }) {
        await app.createKey({ account: "Orchard", name: "contested", raw: 100_000 });
        const { id } = await stored(site, "contested");
        const { view, dialog } = await app.openKey({ account: "Orchard", name: "contested" });
        await site.changeKeys({ update: [{ id, group: "vip" }] });
        await app.fillKey(view, dialog, { expires: null, raw: 5 });
        await site.resetLog();
        await view.click("button", "Save changes");
        await until("both to be shown", async () => /At the site now/i.test(await view.text()) && /vip/.test(await view.text()));
        assert.equal(writes(await site.log()).length, 0, "nothing was written");
        await view.click("button", "Write my changes");
        await until("the window to close", async () => !(await view.page.$("dialog[open]")));
        const key = await stored(site, "contested");
        assert.equal(key.remain_quota, 5);
        assert.equal(key.group, "vip", "the other window's change stays");
      },
    },
    {
      name: "an expired key lives again with another expiry, in one go",
      async run({ app, sites }) {
        for (const at of [0, 3]) {
          const site = sites[at];
          await site.addKeys([{ name: "late", expired_time: 1_600_000_000, remain_quota: 1000, status: 3 }]);
          await app.sync(KINDS[at].name);
          await app.editKey({ account: KINDS[at].name, name: "late", expires: "1 year" });
          const key = await stored(site, "late");
          assert.equal(key.status, 1, KINDS[at].name);
          assert.ok(key.expired_time > Date.now() / 1000);
        }
      },
    },
    {
      name: "a key that the site does not enable is explained, with the field to change",
      async run({ app, sites: [site] }) {
        await site.addKeys([{ name: "over", expired_time: 1_600_000_000, remain_quota: 1000, status: 3 }, { name: "empty", remain_quota: 0, status: 4 }]);
        await app.sync("Orchard");
        const late = await app.setEnabled({ account: "Orchard", names: ["over"], on: true });
        assert.match(late.text, /expired/i);
        const spent = await app.setEnabled({ account: "Orchard", names: ["empty"], on: true });
        assert.match(spent.text, /quota/i);
      },
    },
    {
      name: "several at once: disable, enable, another expiry; delete asks for the number of more than five",
      longest: 300_000,
      async run({ app, sites: { 4: site } }) {
        await app.createKey({ account: "Vale", name: "many {n}", count: 7, raw: 1000 });
        const names = (await site.keys()).map((key) => key.name).filter((name) => name.startsWith("many "));
        assert.equal(names.length, 7);
        await app.bulk({ search: "many ", act: "disable" });
        for (const name of names) assert.equal((await stored(site, name)).status, 2);
        await app.bulk({ search: "many ", act: "enable" });
        await app.bulk({ search: "many ", act: "edit", expires: null, raw: 4321 });
        for (const name of names) assert.deepEqual([(await stored(site, name)).remain_quota, (await stored(site, name)).status], [4321, 1]);
        const others = (await site.keys()).filter((key) => !names.includes(key.name)).map((key) => key.id);
        await app.bulk({ search: "many ", act: "delete", number: 7 });
        assert.deepEqual((await site.keys()).map((key) => key.id), others);
        assert.equal((await app.keys({ search: "many " })).length, 0);
      },
    },
    {
      name: "removed here, the site is not asked; undone, the full key is back too",
      async run({ app, sites: { 5: site } }) {
        await app.createKey({ account: "Dale", name: "put away", raw: 1000 });
        const { full } = await stored(site, "put away");
        await site.resetLog();
        const job = await app.removeLocally({ account: "Dale", names: ["put away"] });
        assert.equal((await app.keys({ search: "put away" })).length, 0);
        await stored(site, "put away");
        assert.equal((await site.log()).length, 0);
        await app.sync("Dale");
        assert.equal((await app.keys({ search: "put away" })).length, 0, "a sync does not bring it back");
        await app.undo(job.id);
        await site.resetLog();
        assert.equal(await app.copyKey({ account: "Dale", name: "put away" }), full);
        assert.equal((await site.log()).length, 0, "nothing was asked for again");
      },
    },
    {
      name: "what an edit wrote can be looked at, and undone, less what was spent since",
      async run({ app, sites: { 5: site } }) {
        await app.createKey({ account: "Dale", name: "regret", raw: 10_000 });
        const { id, group } = await stored(site, "regret");
        const job = await app.job(() => app.editKey({ account: "Dale", name: "regret", raw: 20_000, group: "vip" }));
        const [line] = await app.trace(job.id);
        assert.match(line.name, /^regret/);
        assert.ok(line.fields.some((field) => /group/i.test(field.field) && /vip/.test(field.after)), JSON.stringify(line));
        await site.spend({ id, quota: 225 });
        await app.undo(job.id);
        const key = await stored(site, "regret");
        assert.deepEqual([key.remain_quota, key.group], [10_000 - 225, group]);
      },
    },
    {
      name: "a clone goes to another site with what that site can do",
      async run({ app, sites }) {
        await app.createKey({ account: "Dale", name: "pattern", raw: 2222, models: ["gpt-4o"], expires: null });
        await app.clone({ account: "Dale", name: "pattern", to: "Harbour", as: "copy of pattern" });
        const copy = await stored(sites[3], "copy of pattern");
        assert.deepEqual([copy.remain_quota, copy.models, copy.expired_time], [2222, "gpt-4o", -1]);
      },
    },
    {
      name: "a clone and a twin at a hub have the backup group and the heartbeat, which no form shows",
      async run({ app, sites }) {
        const site = sites[ALL.findIndex((one) => one.name === "Fjord")];
        await app.createKey({ account: "Fjord", name: "beating", raw: 4444 });
        const { id, setting } = await stored(site, "beating");
        const heartbeat = { enabled: true, timeout_seconds: 45 };
        await site.changeKeys({ update: [{ id, backup_group: "default", setting: { ...setting, heartbeat } }] });
        await app.sync("Fjord");
        await app.clone({ account: "Fjord", name: "beating", as: "beating too" });
        await app.rotate({ account: "Fjord", name: "beating" });
        const all = (await site.keys()).filter((key) => key.name.startsWith("beating"));
        assert.equal(all.length, 3, all.map((key) => key.name).join());
        for (const key of all) assert.deepEqual([key.backup_group, key.setting.heartbeat, key.remain_quota], ["default", heartbeat, 4444], key.name);
      },
    },
    {
      name: "a site that answers success and stores something else is found out",
      async run({ app, sites: { 5: site } }) {
        await app.createKey({ account: "Dale", name: "lied to", raw: 1000 });
        // The answer says yes, and nothing is carried out.
        await site.fault({ fault: "answer", status: 200, body: { success: true, message: "", data: null }, path: "/api/token/", method: "PUT", count: 1 });
        const { view, dialog } = await app.openKey({ account: "Dale", name: "lied to" });
        await app.fillKey(view, dialog, { raw: 9999 });
        await view.click("button", "Save changes");
        await until("the field to be named", async () => /quota/i.test((await view.alert()) ?? ""), { timeout: 30_000 });
        assert.equal((await stored(site, "lied to")).remain_quota, 1000);
        await view.page.keyboard.press("Escape");
        await site.clearFaults();
      },
    },
    {
      name: "a group that vanished while the form was open is refused before anything is written",
      async run({ app, sites: { 5: site } }) {
        await site.options({ add_group: { name: "brief", about: "for a while", ratio: 1 } });
        await app.repair({ preview: true });
        await (await app.options("repair")).click("button", "Look again"); // the groups are known anew
        await app.repair({ preview: true });
        await app.createKey({ account: "Dale", name: "in brief", raw: 1000, group: "brief" });
        await app.createKey({ account: "Dale", name: "to brief", raw: 1000 });
        const { view, dialog } = await app.openKey({ account: "Dale", name: "to brief" });
        await app.fillKey(view, dialog, { group: "brief" });
        await site.options({ remove_group: "brief" });
        // The minute for which an answer is believed.
        await new Promise((resolve) => setTimeout(resolve, 61_000));
        await site.resetLog();
        await view.click("button", "Save changes");
        await until("the group to be refused", async () => /no longer does/.test(await dialog.evaluate((one) => one.innerText)), { timeout: 30_000 });
        assert.equal(writes(await site.log()).length, 0);
        await view.page.keyboard.press("Escape");
      },
    },
    {
      name: "bad input is refused in words, before anything is sent, and nothing typed is lost",
      longest: 300_000,
      async run({ app, sites: [site] }) {
        await site.resetLog();
        const bad = [
          [{ name: "密".repeat(17), raw: 1 }, /51|50 bytes/],
          [{ name: "net", raw: 1, addresses: "10.0.0.0/33" }, /address/i],
          [{ name: "much", raw: 2_147_483_648 }, /2,147,483,647|more than/i],
          [{ name: "below", raw: -1 }, /./],
          [{ name: "past", raw: 1, expires: { at: "2020-01-01T00:00:00" } }, /past/],
        ];
        for (const [fields, says] of bad) {
          await assert.rejects(app.createKey({ account: "Orchard", ...fields, timeout: 8_000 }), (error) => says.test(error.message), JSON.stringify(fields));
          const view = await app.options("keys");
          const typed = await (await view.find("textbox", "Name")).evaluate((one) => one.value);
          assert.equal(typed, fields.name);
          await view.page.keyboard.press("Escape");
          if (await view.page.$("dialog[open]")) await view.page.keyboard.press("Escape");
          await until("the window to close", async () => !(await view.page.$("dialog[open]")));
        }
        assert.equal(writes(await site.log()).length, 0);
      },
    },
    {
      name: "the form asks nothing of a site whose models and groups are younger than ten minutes",
      async run({ app, sites: { 4: site } }) {
        await site.addKeys([{ name: "still", remain_quota: 1000 }]);
        await app.sync("Vale");
        const open = async () => {
          const view = await app.options("keys");
          const { view: same } = await app.openKey({ account: "Vale", name: "still" });
          await same.page.keyboard.press("Escape");
          await until("the window to close", async () => !(await view.page.$("dialog[open]")));
        };
        await open();
        await site.resetLog();
        await open();
        assert.deepEqual(await site.log(), []);
      },
    },
    {
      name: "a key's whole life at each real server",
      real: true,
      onlyReal: true,
      longest: 600_000,
      async run({ options }) {
        const real = await realSites(options);
        const app = await launch({ dist: real.dist });
        try {
          await app.onboard({ passphrase: PASSPHRASE });
          for (const [at, site] of real.sites.entries()) {
            await addByHand(app, site, `real ${at}`);
            await wholeLife(app, site, `real ${at}`, `${options.run} `);
            if (/-hub$/.test(site.family)) await besideLimits(app, site, `real ${at}`, `${options.run} `);
          }
        } finally {
          await app.close();
          await real.cleanUp();
        }
      },
    },
  ],
};
