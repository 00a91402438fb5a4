// Real servers without access tokens: signed in once with e-mail and password, then a key's life.
import assert from "node:assert/strict";
import { PASSPHRASE, realSites } from "../context.mjs";
import { launch } from "../driver.mjs";
import { FAMILIES } from "../sim.mjs";

const only = (app, name) => app.keys({ account: name });
const stored = async (site, name) => {
  const found = (await site.keys()).filter((key) => key.name === name);
  assert.equal(found.length, 1, `keys named ${name} at the site`);
  return found[0];
};
/** What no edit may move by itself. */
const KEPT = ["name", "status", "group_id", "quota", "expires_at", "ip_whitelist", "ip_blacklist", "rate_limit_5h", "rate_limit_1d", "rate_limit_7d", "full"];

async function signIn(app, site, name) {
  const view = await app.options("accounts");
  await view.click("button", "Add account");
  await view.find("dialog", "Add account");
  await view.type("textbox", "Site address", site.base);
  await view.choose("Site kind", FAMILIES[site.family]);
  await view.type("textbox", "E-mail address", site.email);
  await view.type("textbox", "Password", site.password);
  await view.type("textbox", "Name", name);
  await app.job(async () => {
    await view.click("button", "Save account");
    // Over http that is said first, as it is of tokens.
    const clear = await view.find("checkbox", /in clear/, { timeout: 3_000 }).catch(() => null);
    if (!clear) return;
    await clear.click();
    await view.click("button", "Save account");
  });
}

async function life(app, site, account, prefix) {
  const name = `${prefix}life`;
  await app.createKey({ account, name, quota: 12.5, expires: { at: "2030-05-06T07:08:09" }, addresses: "127.0.0.1", group: "openai-main" });
  let key = await stored(site, name);
  assert.deepEqual([key.quota, Date.parse(key.expires_at), key.ip_whitelist, key.group.name], [12.5, Date.parse("2030-05-06T07:08:09"), ["127.0.0.1"], "openai-main"]);
  assert.equal(await app.copyKey({ account, name }), key.full, "the new key can be copied at once");
  const edit = async (change, ...moves) => {
    const was = await stored(site, name);
    await app.editKey({ account, name, ...change });
    key = await stored(site, name);
    for (const field of KEPT) if (!moves.includes(field)) assert.deepEqual(key[field], was[field], `${field} moved with ${JSON.stringify(change)}`);
  };
  await edit({ quota: 3.25 }, "quota");
  assert.equal(key.quota, 3.25);
  await edit({ expires: null }, "expires_at");
  assert.equal(key.expires_at, null);
  await edit({ quota: null }, "quota");
  assert.equal(key.quota, 0, "no limit there");
  await edit({ addresses: "10.0.0.0/8" }, "ip_whitelist");
  assert.deepEqual(key.ip_whitelist, ["10.0.0.0/8"]);
  await edit({ addresses: "" }, "ip_whitelist");
  assert.equal(key.ip_whitelist?.length ?? 0, 0);
  await edit({ group: "openai-cheap" }, "group_id");
  assert.equal(key.group.name, "openai-cheap");
  await app.setEnabled({ account, names: [name], on: false });
  assert.equal((await stored(site, name)).status, "inactive");
  await app.setEnabled({ account, names: [name], on: true });
  assert.equal((await stored(site, name)).status, "active");
  const job = await app.rotate({ account, name });
  assert.match(job.text, /accepts it|models|stands in/i, job.text);
  const twins = (await site.keys()).filter((one) => one.name === name);
  assert.deepEqual([twins.length, new Set(twins.map((one) => one.group_id)).size], [2, 1]);
  await app.deleteKey({ account, names: [name] });
  await stored(site, name);
}

export default {
  name: "own sign-in",
  before: (options) => options,
  cases: [
    {
      name: "recognised, signed in once, every key as the site has it, and a key's life, at each real server",
      real: true,
      onlyReal: true,
      wants: (told) => !told.accessToken,
      longest: 600_000,
      async run(options) {
        const real = await realSites(options, (told) => !told.accessToken);
        const app = await launch({ browser: options.browser, dist: real.dist });
        try {
          await app.onboard({ passphrase: PASSPHRASE });
          for (const [at, site] of real.sites.entries()) {
            const account = `own ${at}`;
            await signIn(app, site, account);
            const there = await site.keys();
            const shown = (await only(app, account)).filter((row) => row.name.includes(options.run));
            assert.deepEqual(shown.map((row) => row.name).toSorted(), there.map((key) => key.name).toSorted());
            for (const key of there) assert.equal(await app.copyKey({ account, name: key.name }), key.full);
            const [again] = await app.sync(account);
            assert.match(again, /nothing changed/, again);
            await life(app, site, account, `${options.run} `);
          }
        } finally {
          await app.close();
          await real.cleanUp();
        }
      },
    },
  ],
};
