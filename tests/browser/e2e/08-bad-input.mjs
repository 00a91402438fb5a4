// Bad input: always a sentence that says what to do, and what is held stays held.
import assert from "node:assert/strict";
import { addByHand, distFor, ensure, fresh, PASSPHRASE, withSites } from "../context.mjs";

const HELD = 8;
const MANY = 130;

/** Tries to save; returns the words of the refusal. The dialog is closed again. */
async function refusal(app, account) {
  let said;
  await assert.rejects(app.addAccount(account), (error) => ((said = error.message), true), `${account.origin} was taken`);
  await app.cancel();
  const view = await app.options("accounts");
  await view.gone("dialog", "Add account");
  return said;
}

const address = (typed, words) => ({
  name: `the address ${JSON.stringify(typed)} is refused in words`,
  run: async ({ app, sites: [site] }) => {
    await site.resetLog();
    const said = await refusal(app, { origin: typed.replace("HOST", site.host), token: site.accessToken, userId: site.userId, kind: "new-api", inClear: true });
    assert.match(said, words);
    assert.deepEqual(await site.log(), []);
  },
});

const token = (name, make, words) => ({
  name: `${name} is refused in words`,
  run: async ({ app, sites: [site] }) => {
    assert.match(await refusal(app, { origin: site.base, token: make(site), userId: site.userId, kind: "new-api" }), words);
  },
});

const accepted = (name, change) => ({
  name: `${name} is understood`,
  run: async ({ app, sites }) => {
    const { site, ...rest } = change(sites);
    await addByHand(app, site, `understood ${name}`, rest);
    assert.equal((await app.keys({ account: `understood ${name}` })).length, (await site.keys()).length);
    await app.removeAccount(`understood ${name}`);
  },
});

const names = (list) => list.map((one) => one.name).toSorted();

/** Nothing may be taken for gone, in however many syncs. */
const fault = (name, rule, words, { account = "held", times = 1 } = {}) => ({
  name: `${name}: said in words, and the keys stay`,
  run: async ({ app, sites }) => {
    const site = sites[account === "held" ? 1 : 3];
    await ensure(app, site, account);
    await site.fault({ path: "/api/token/*", ...rule });
    try {
      for (let time = 0; time < times; time++) {
        const [line] = await app.sync(account);
        assert.match(line, words, line);
      }
      const rows = await app.keys({ account });
      assert.deepEqual(names(rows), names(await site.keys()));
      assert.deepEqual(rows.filter((row) => row.state === "Gone"), []);
    } finally {
      await site.clearFaults();
    }
    assert.match((await app.sync(account))[0], /nothing changed|updated|new/);
    assert.equal((await app.keys({ account })).filter((row) => row.state !== "Gone").length, (await site.keys()).length);
  },
});

/** The site invents keys without end: they are shown, with the number they were cut at, and the
 *  real ones stay. When it comes to its senses the invented ones go. */
const endless = (kind, words, first, times = 3) => ({
  name: `a list that never ends, at ${kind}: cut, said in words, and the keys stay`,
  run: async ({ app, sites }) => {
    const site = sites.findLast((one) => one.kind === kind);
    await addByHand(app, site, "endless");
    const real = names(await site.keys());
    await site.fault({ path: "/api/token/*", fault: "endless_list" });
    try {
      for (let time = 0; time < times; time++) {
        const [line] = await app.sync("endless", { timeout: 90_000 });
        assert.match(line, words, line);
      }
      const rows = await app.keys({ account: "endless" });
      assert.deepEqual(rows.filter((row) => row.state === "Gone"), []);
      assert.deepEqual(names(rows.filter((row) => !row.name.startsWith("endless-"))), real);
      assert.equal(rows.length, real.length + first);
      assert.ok((await app.accounts()).find((one) => one.text.includes("endless")).text.includes(`first ${first.toLocaleString("en")} keys`));
    } finally {
      await site.clearFaults();
    }
    await app.sync("endless");
    await app.sync("endless");
    assert.deepEqual(names((await app.keys({ account: "endless" })).filter((row) => row.state !== "Gone")), real);
    await app.removeAccount("endless");
  },
});

const ANSWERED = /unreadable|could not be read|page instead|failed|larger|did not answer|add up|listed|protection page|server/i;

export default {
  name: "bad input",
  ...withSites([
    { kind: "newapi-jwt", keys: 3 },
    { kind: "newapi-cookie", keys: HELD, limits: "off" },
    { kind: "newapi-2025-04", keys: 5, limits: "off" },
    { kind: "newapi-cookie", keys: MANY, limits: "off" },
    { kind: "oneapi", keys: 4, limits: "off" },
    { kind: "newapi-cookie", keys: 6, limits: "off" },
  ]),
  cases: [
    address("", /Enter the site's address/),
    address("javascript:alert(1)", /https:\/\/ or http:\/\/|not an address/),
    address("ftp://HOST/", /https:\/\/ or http:\/\//),
    address("file:///etc/passwd", /https:\/\/ or http:\/\//),
    address("http://user:secret@HOST/", /must not hold a user name/),
    address("not an address at all", /not an address/),
    address("http://", /not an address/),

    token("no token", () => "", /Enter the access token/),
    token("an sk- key as token", () => `sk-${"a".repeat(48)}`, /sk- key/),
    token("a token with a line end inside", () => "abc\tdef ghi 0123456789", /not an access token|no longer takes/),
    token("a token nobody made", () => "A".repeat(32), /Login expired|no longer takes|token/),
    {
      name: "a wrong user id is refused in words",
      run: async ({ app, sites: [site] }) =>
        assert.match(await refusal(app, { origin: site.base, token: site.accessToken, userId: 999, kind: "new-api" }), /user id/i),
    },
    {
      // The JWT era needs none: the token says whose it is.
      name: "a missing user id is asked for where the site needs it",
      run: async ({ app, sites: [, site] }) =>
        assert.match(await refusal(app, { origin: site.base, token: site.accessToken, kind: "new-api" }), /user id/i),
    },
    {
      name: "the token of another user is refused in words",
      async run({ app, sites: [site] }) {
        const other = (await site.state()).users.find((user) => user.username === "bob").accessToken;
        assert.match(await refusal(app, { origin: site.base, token: other, userId: site.userId, kind: "new-api" }), /user id|somebody else/i);
      },
    },
    {
      name: "an http address is taken only after saying that the token travels in clear",
      // Loopback is exempt: nobody listens on the way. So the site gets a name of its own.
      async run({ options, sites: [site] }) {
        const address = new URL(site.base);
        address.hostname = "in-clear.example";
        const { dist, remove } = distFor(options.dist, [address]);
        try {
          await fresh({ options }, async (app) => {
            await app.onboard({ passphrase: PASSPHRASE });
            await site.resetLog();
            const account = { origin: address.href, token: site.accessToken, userId: site.userId, kind: "new-api", name: "in clear" };
            assert.match(await refusal(app, { ...account, inClear: false }), /in clear/);
            assert.deepEqual(await site.log(), [], "it was asked before the yes");
            await app.addAccount(account);
            assert.match((await app.accounts())[0].text, /travel in clear/);
            assert.deepEqual(names(await app.keys()), names(await site.keys()));
          }, { dist, flags: [`--host-resolver-rules=MAP ${address.hostname} 127.0.0.1`] });
        } finally {
          remove();
        }
      },
    },
    {
      name: "an unreachable address is said to be unreachable",
      run: async ({ app }) => assert.match(await refusal(app, { origin: "http://127.0.0.1:9", token: "A".repeat(32), userId: 2, kind: "new-api" }), /cannot be reached|unreachable/i),
    },

    accepted("a token with Bearer in front", ([site]) => ({ site, token: `Bearer ${site.accessToken}` })),
    accepted("a token in quotes with blanks around", ([site]) => ({ site, token: `  "${site.accessToken}" ` })),
    accepted("an address copied from deep inside the console", ([site]) => ({ site, origin: `${site.base}/console/token?page=2#top` })),

    fault("a 502 page", { fault: "status", status: 502 }, ANSWERED),
    fault("a 500", { fault: "status", status: 500 }, ANSWERED),
    fault("a Cloudflare challenge, 403", { fault: "challenge", variant: "cloudflare403" }, /protection page/i),
    fault("a Cloudflare challenge, 503", { fault: "challenge", variant: "cloudflare503" }, /protection page/i),
    fault("an acw_sc__v2 challenge", { fault: "challenge", variant: "acw" }, /protection page/i),
    fault("a 200 with a page", { fault: "status", status: 200, body: "<!doctype html><html><body>SPA</body></html>" }, ANSWERED),
    fault("an empty 200", { fault: "empty_200" }, ANSWERED),
    fault("JSON that breaks off", { fault: "wrong_json" }, ANSWERED),
    fault("a body that breaks off", { fault: "cut_body", at: 40 }, ANSWERED),
    fault("eleven megabytes", { fault: "huge_body" }, /larger/i),
    // This one says how many keys it has, one; the others know no end but an empty page.
    endless("newapi-cookie", /did not add up after 100 keys/, 100),
    endless("newapi-2025-04", /Only the first 1,000 keys were listed/, 1000),
    // A hundred pages: three times as many would be more than we ask of a site in three minutes.
    endless("oneapi", /Only the first 1,000 keys were listed/, 1000, 1),
    fault("the same page for ever", { fault: "same_page" }, /did not add up after 100 keys/, { account: "many", times: 3 }),
    fault("a list that shrinks while it is read", { fault: "shrinking_list" }, /did not add up/i, { account: "many", times: 3 }),
    fault("ids that come twice", { fault: "duplicate_ids" }, /nothing changed|updated|add up/i, { times: 3 }),
    {
      name: "keys with hostile names and numbers are shown as text, each in its row",
      async run({ app, sites }) {
        const site = sites[2];
        const hostile = [
          { name: "control \u0001\u0007\u001b[31m characters" },
          { name: "right \u202eot tfel\u202c to left" },
          { name: '<img src=x onerror="document.title=\'broken\'">' },
          { name: `long ${"x".repeat(10_000)}` },
          { name: "more than 2^53", remain_quota: 9_223_372_036_854_775_000 },
          { name: "negative", remain_quota: -5, unlimited_quota: false },
          { name: "expires 0", expired_time: 0 },
          { name: "expires never", expired_time: -1, remain_quota: 5 },
          { name: "expired in 1970", expired_time: 1 },
          { name: "expires in the year 9999", expired_time: 253_402_300_799 },
          { name: "unknown status", status: 99 },
          { name: "", remain_quota: 1 },
        ];
        await site.changeKeys({ clear: true });
        await site.addKeys(hostile);
        await addByHand(app, site, "hostile");
        const rows = await app.keys({ account: "hostile" });
        assert.equal(rows.length, hostile.length);
        const state = (name) => rows.find((row) => row.name.startsWith(name))?.state;
        assert.equal(state("expired in 1970"), "Expired");
        assert.equal(state("expires never"), "Active");
        assert.equal(state("negative"), "Exhausted");
        assert.equal(state("unknown status"), "Unknown");
        const view = await app.options("keys");
        const page = await view.page.evaluate(() => ({
          title: document.title,
          images: document.querySelectorAll("[role=grid] img").length,
          sideways: document.documentElement.scrollWidth > innerWidth,
          controls: /[\u0000-\u0008\u000e-\u001f\u202a-\u202e]/.test(document.querySelector("[role=grid]").innerText),
        }));
        assert.deepEqual(page, { title: "Relaykeep", images: 0, sideways: false, controls: false });
        for (const key of (await site.keys()).filter((one) => /^(negative|more)/.test(one.name)))
          assert.equal(await app.copyKey({ account: "hostile", name: key.name }), key.full);
        await app.removeAccount("hostile");
      },
    },
    {
      name: "a site replaced by another kind is said, and its keys stay",
      async run({ app, sites: [, other, site] }) {
        await ensure(app, other, "held");
        await addByHand(app, site, "replaced");
        const before = names(await app.keys({ account: "replaced" }));
        assert.ok(before.length > 0);
        const become = (kind) => fetch(`${site.control}/kind`, { method: "POST", body: JSON.stringify({ kind }) });
        await become("html-everything");
        try {
          const lines = await app.sync();
          assert.match(lines.find((line) => line.includes("replaced")), /page instead|Something else|answers at this address|could not be read/);
          assert.match(lines.find((line) => line.includes("held")), /nothing changed|updated/);
          assert.deepEqual(names(await app.keys({ account: "replaced" })), before);
        } finally {
          await become(site.kind);
        }
        await app.removeAccount("replaced");
      },
    },
  ],
};
