// The main job at every kind of server, simulated or real: add, sync, reveal, search, copy.
import assert from "node:assert/strict";
import { addByHand, PASSPHRASE, realSites, withSites } from "../context.mjs";
import { launch, until } from "../driver.mjs";
import { FAMILIES, WAYS } from "../sim.mjs";

const SIMULATED = [
  { kind: "newapi-jwt", keys: 130, name: "Orchard" },
  { kind: "newapi-cookie", keys: 14, name: "Meadow" },
  { kind: "newapi-2025-04", keys: 105, name: "Hill" },
  { kind: "oneapi", keys: 23, name: "Harbour" },
  { kind: "veloera", keys: 105, name: "Moor" },
  { kind: "onehub", keys: 14, name: "Cove" },
  { kind: "donehub", keys: 105, name: "Fjord" },
];

/** Sync, compare with what the site has, reveal, compare again, search and copy. */
async function journey({ app, site, name, mine = () => true }) {
  const [first] = await app.sync(name);
  assert.match(first, /new \d+|nothing changed|updated \d+/, first); // adding has synced once already
  const there = (await site.keys()).toSorted((a, b) => a.id - b.id);
  const shown = (await app.keys({ account: name })).filter((row) => mine(row.name));
  assert.deepEqual(shown.map((row) => row.name).toSorted(), there.map((key) => key.name).toSorted());

  if (site.masks) {
    const names = site.run ? shown.map((row) => row.name) : undefined;
    const lines = await app.reveal({ account: name, names });
    assert.match(lines.join(), new RegExp(`revealed ${there.length}`));
  }
  for (const key of [there[0], there.at(-1)]) {
    assert.equal(await app.copyKey({ account: name, name: key.name }), key.full, key.name);
    // Any part of the key itself finds it.
    const found = await app.keys({ search: key.full.slice(10, 24) });
    assert.deepEqual(found.map((row) => row.name), [key.name]);
  }
  const [again] = await app.sync(name);
  assert.match(again, /nothing changed/, again);
}

const simulated = ({ kind }) => ({
  name: `the whole way at a simulated ${kind}, added from its tab`,
  why: "is the simulated server's own case",
  longest: 300_000,
  async run({ app, sites }) {
    const site = sites.find((one) => one.kind === kind);
    const page = await site.signIn(app);
    await app.addAccountFromTab(page, { userId: site.userId, token: site.accessToken, name: `${kind} from tab` });
    await page.close();
    await journey({ app, site, name: `${kind} from tab` });
    await app.removeAccount(`${kind} from tab`);
    assert.deepEqual(await app.keys({ account: `${kind} from tab` }), []);
  },
});

const only = (name, run, more = {}) => ({ name, run, why: "changes or spoils the server", ...more });

export default {
  name: "sites",
  async before(options) {
    if (!options.sites) return withSites(SIMULATED).before(options);
    const real = await realSites(options);
    const app = await launch({ dist: real.dist });
    await app.onboard({ passphrase: PASSPHRASE });
    return { options, app, real, sites: real.sites, shoot: async (path) => (await app.options()).page.screenshot({ path }) };
  },
  async after(context) {
    await context?.real?.cleanUp();
    await withSites([]).after(context);
  },
  cases: [
    ...SIMULATED.map(simulated),
    {
      name: "the whole way at each real server, from its tab and by hand",
      real: true,
      onlyReal: true,
      longest: 600_000,
      async run({ app, sites, options }) {
        for (const site of sites) {
          const name = `${site.family} ${site.host}`;
          const page = await site.signIn(app);
          const read = await app.addAccountFromTab(page, { userId: site.userId, token: site.accessToken, name });
          assert.match(read, new RegExp(FAMILIES[site.family]));
          await page.close();
          await journey({ app, site, name, mine: (one) => one.includes(options.run) });
          await app.removeAccount(name);
          await addByHand(app, site, `${name} by hand`);
          await app.sync(`${name} by hand`);
          assert.ok((await app.keys({ search: options.run })).length >= 2);
        }
      },
    },
    {
      name: "the token that a real server shows is taken, and none is made",
      real: true,
      onlyReal: true,
      wants: (told) => WAYS[told.kind]?.shows,
      longest: 600_000,
      async run({ app, sites, options }) {
        for (const site of sites.filter((one) => one.way.shows)) {
          const page = await site.signIn(app);
          await app.addAccountFromTab(page, { shown: true, name: `${site.host} shown` });
          await page.close();
          // The suite's own token still works: no other took its place.
          assert.equal((await site.keys()).length, 2);
          assert.equal((await app.keys({ account: `${site.host} shown`, search: options.run })).length, 2);
          await app.removeAccount(`${site.host} shown`);
        }
      },
    },
    only("an old token is taken from the page where the site shows it", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "newapi-2025-04");
      const page = await site.signIn(app);
      await app.addAccountFromTab(page, { shown: true, name: "shown" });
      await page.close();
      assert.equal((await site.state()).users.find((user) => user.id === site.userId).accessToken, site.accessToken, "the token was replaced");
      assert.equal((await app.keys({ account: "shown" })).length, 105);
      await app.removeAccount("shown");
    }),
    only("a page whose login has ended shows no token, and it is said", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "newapi-2025-04");
      const page = await site.signIn(app);
      // The page goes on believing in the login it keeps beside the cookie.
      await page.deleteCookie(...(await page.cookies()));
      await assert.rejects(app.addAccountFromTab(page, { shown: true }), /Nobody is signed in on this page/);
      await page.close();
    }),
    only("a new token is made only on a yes, with one refresh, and the page stays signed in", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "newapi-jwt");
      const page = await site.signIn(app);
      await site.resetLog();
      await app.addAccountFromTab(page, { make: true, name: "made" });
      const log = await site.log();
      const calls = (path) => log.filter((one) => one.path === path).length;
      assert.equal(calls("/api/user/token"), 1);
      assert.ok(calls("/api/user/auth/refresh") <= 1, `${calls("/api/user/auth/refresh")} refreshes`);
      const now = (await site.state()).users.find((user) => user.id === site.userId);
      assert.notEqual(now.accessToken, site.accessToken);
      assert.equal(now.activeSessions, 1);
      assert.equal((await app.keys({ account: "made" })).length, 130);
      await page.reload();
      await page.waitForNetworkIdle({ idleTime: 300 });
      assert.equal((await site.state()).users.find((user) => user.id === site.userId).activeSessions, 1, "the person was signed out");
      await page.close();
      site.accessToken = now.accessToken;
      await app.removeAccount("made");
    }),
    only("a cookie of somebody else does not win over the token", async ({ app, sites }) => {
      for (const site of sites.filter((one) => one.kind === "oneapi" || one.kind === "newapi-2025-04")) {
        await addByHand(app, site, `own ${site.kind}`);
        const page = await app.visit(`${site.base}/`);
        const signedIn = await page.evaluate(async () => {
          const answer = await fetch("/api/user/login", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: "bob", password: "bob-pass-123" }) });
          return (await answer.json()).success;
        });
        assert.equal(signedIn, true);
        await app.sync(`own ${site.kind}`);
        assert.deepEqual((await app.keys({ account: `own ${site.kind}` })).map((row) => row.name).toSorted(), (await site.keys()).map((key) => key.name).toSorted());
        await page.close();
        await app.removeAccount(`own ${site.kind}`);
      }
    }),
    only("two hundred masked keys take two calls, and no second look", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "newapi-cookie");
      await site.changeKeys({ clear: true });
      await site.changeKeys({ bulk: 200 });
      await addByHand(app, site, "many");
      await app.sync("many");
      await site.resetLog();
      assert.match((await app.reveal()).join(), /revealed 200/);
      const paths = (await site.log()).map((one) => one.path);
      assert.deepEqual(paths, ["/api/token/batch/keys", "/api/token/batch/keys"]);
      await app.sync("many");
      await site.resetLog();
      const [key] = await site.keys();
      assert.equal(await app.copyKey({ account: "many", name: key.name }), key.full);
      assert.deepEqual(await site.log(), []);
      await app.removeAccount("many");
    }),
    only("copying a masked key reveals that one and no other", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "newapi-jwt");
      await addByHand(app, site, "one by one");
      await app.sync("one by one");
      const key = (await site.keys())[3];
      await site.resetLog();
      assert.equal(await app.copyKey({ account: "one by one", name: key.name }), key.full);
      assert.equal((await site.log()).length, 1);
      const view = await app.options("keys");
      await view.find("button", /^Reveal masked/);
      await app.removeAccount("one by one");
    }),
    only("a key is gone after two complete listings, and its full text is kept", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "oneapi");
      await site.changeKeys({ add: [{ name: "leaving" }] });
      await addByHand(app, site, "leavers");
      await app.sync("leavers");
      const key = (await site.keys()).find((one) => one.name === "leaving");
      await site.changeKeys({ delete: [key.id] });
      const [first] = await app.sync("leavers");
      assert.doesNotMatch(first, /gone/, first);
      const [second] = await app.sync("leavers");
      assert.match(second, /gone 1/, second);
      const [row] = await app.keys({ search: "leaving" });
      assert.equal(row.state, "Gone");
      assert.equal(await app.copyKey({ account: "leavers", name: "leaving" }), key.full);
      await app.removeAccount("leavers");
    }),
    only("a token made elsewhere is said, and what is held stays", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "newapi-cookie");
      await addByHand(app, site, "expired");
      await app.sync("expired");
      const held = (await app.keys({ account: "expired" })).length;
      const { accessToken } = await site.replaceToken();
      const [line] = await app.sync("expired");
      assert.match(line, /Login expired/, line);
      assert.equal((await app.keys({ account: "expired" })).length, held);
      site.accessToken = accessToken;
      await app.removeAccount("expired");
    }),
    only("the same login twice is recognised and offered for update", async ({ app, sites }) => {
      const site = sites.find((one) => one.kind === "oneapi");
      await addByHand(app, site, "once");
      await assert.rejects(addByHand(app, site, "twice"), /Update the token/);
      const view = await app.options("accounts");
      await view.click("button", "Update the token");
      await view.gone("dialog", "Add account");
      assert.equal((await app.accounts()).filter((one) => one.text.includes(site.host)).length, 1);
      await app.removeAccount("once");
    }),
    only("a failing account does not hurt another", async ({ app, sites }) => {
      const [bad, good] = [sites.find((one) => one.kind === "newapi-2025-04"), sites.find((one) => one.kind === "oneapi")];
      await addByHand(app, bad, "failing");
      await addByHand(app, good, "working");
      await bad.fault({ fault: "status", status: 503, path: "/api/*" });
      const lines = await app.sync();
      await bad.clearFaults();
      assert.match(lines.find((line) => line.includes("failing")), /failed|503/);
      assert.match(lines.find((line) => line.includes("working")), /new \d+|nothing changed/);
      await app.removeAccount("failing");
      await app.removeAccount("working");
    }),
    only("a deployment under a path is one site, its neighbours another", async ({ options }) => {
      const { simulate } = await import("../sim.mjs");
      const sim = await simulate([{ kind: "newapi-cookie", keys: 4, path: "/hub" }]);
      const app = await launch({ browser: options.browser, dist: options.dist });
      try {
        await app.onboard({ passphrase: PASSPHRASE });
        const [site] = sim.sites;
        const page = await site.signIn(app);
        await app.addAccountFromTab(page, { userId: site.userId, token: site.accessToken, name: "below" });
        await app.sync();
        assert.equal((await app.keys()).length, 4);
        await until("the address with its path", async () => (await app.accounts())[0].text.includes("/hub"));
      } finally {
        await app.close();
        await sim.stop();
      }
    }),
  ],
};
