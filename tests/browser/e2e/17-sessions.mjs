// Accounts that share the browser's login, and sites behind a shield that a person passes in a tab.
// All sites stand on one host, and cookies know no ports: each case signs in anew where it begins.
import assert from "node:assert/strict";
import { addByHand, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const SITES = [
  { kind: "newapi-cookie", keys: 6 },
  { kind: "oneapi", keys: 5 },
  { kind: "newapi-jwt", keys: 7 },
];
const of = (sites, kind) => sites.find((one) => one.kind === kind);
const OTHER = "bob";

/** Somebody else signs in at the site, in the same browser. */
async function signInAs(app, site, username) {
  const page = await app.visit(`${site.base}/`);
  const answer = await page.evaluate(
    async (body) => (await fetch("/api/user/login", { method: "POST", headers: { "content-type": "application/json" }, body })).json(),
    JSON.stringify({ username, password: `${username}-pass-123` }),
  );
  assert.equal(answer.success, true, JSON.stringify(answer));
  await page.close();
}

/** Adds the site of a signed-in tab with the browser's login; the tab stays. */
async function shared(app, site, name) {
  const page = await site.signIn(app);
  await app.addAccountFromTab(page, { browserLogin: true, name });
  return page;
}

const names = async (app, account) => (await app.keys({ account })).map((row) => row.name).toSorted();
const there = async (site) => (await site.keys()).map((key) => key.name).toSorted();
const sent = (one) => Object.fromEntries(one.rawHeaders);
const writes = (log) => log.filter((one) => one.method !== "GET" && one.path.startsWith("/api/token"));

export default {
  name: "sessions",
  ...withSites(SITES),
  cases: [
    {
      name: "the browser's cookie reads, reveals and writes, with the user's number and no token",
      async run({ app, sites }) {
        const site = of(sites, "newapi-cookie");
        const page = await shared(app, site, "Cookie");
        await page.close();
        const [row] = (await app.accounts()).filter((one) => one.text.includes("Cookie"));
        assert.match(row.text, /shares the browser's login/);
        assert.deepEqual(await names(app, "Cookie"), await there(site));
        const first = (await site.keys()).find((key) => key.status === 1);
        await site.resetLog();
        assert.match((await app.reveal({ account: "Cookie" })).join(), /revealed 6/);
        await app.setEnabled({ account: "Cookie", names: [first.name], on: false });
        const log = await site.log({ raw: true });
        const own = log.filter((one) => one.path.startsWith("/api/token"));
        assert.ok(own.length >= 2);
        for (const one of own) {
          assert.equal(sent(one).authorization, undefined, one.path);
          assert.match(sent(one).cookie ?? "", /session=/, one.path);
          assert.equal(sent(one)["new-api-user"], String(site.userId));
        }
        // Who is signed in is asked right before each write.
        for (const write of writes(log)) assert.equal(log[log.indexOf(write) - 1].path, "/api/user/self", write.path);
        assert.equal((await site.keys()).find((key) => key.id === first.id).status, 2);
      },
    },
    {
      name: "somebody else's login in the browser is noticed before anything is written, also where the server would not",
      async run({ app, sites }) {
        for (const kind of ["newapi-cookie", "oneapi"]) {
          const site = of(sites, kind);
          const name = `Mine ${kind}`;
          if (kind === "newapi-cookie") await app.removeAccount("Cookie").catch(() => {});
          const page = await shared(app, site, name);
          await page.close();
          const key = (await site.keys()).find((one) => one.status === 1).name;
          await signInAs(app, site, OTHER);
          await site.resetLog();
          const job = await app.setEnabled({ account: name, names: [key], on: false });
          assert.match(job.text, /somebody else/i, job.text);
          assert.deepEqual(writes(await site.log()), []);
          const [line] = await app.sync(name);
          assert.match(line, /somebody else/i, line);
          assert.deepEqual(await names(app, name), await there(site), "what is held stays");
          await app.removeAccount(name);
        }
      },
    },
    {
      name: "a login that has ended waits for a new one, and goes on by itself once that is there",
      async run({ app, sites }) {
        const site = of(sites, "newapi-cookie");
        const first = await shared(app, site, "Ended");
        await first.deleteCookie(...(await first.cookies()));
        await first.close();
        const [line] = await app.sync("Ended");
        assert.match(line, /nobody is signed in/i, line);
        await site.changeKeys({ add: [{ name: "made meanwhile" }] });
        const page = await app.openSite("Ended");
        await page.goto(site.consoleUrl, { waitUntil: "load" });
        await until("the account to go on", async () => (await names(app, "Ended")).includes("made meanwhile"));
        await page.close();
        await app.removeAccount("Ended");
      },
    },
    {
      name: "of the JWT era an open tab gives a short-lived token, under the page's own lock; the cookie stays where it is",
      async run({ app, sites }) {
        const site = of(sites, "newapi-jwt");
        await site.resetLog();
        const page = await shared(app, site, "Page");
        assert.deepEqual(await names(app, "Page"), await there(site));
        const log = await site.log({ raw: true });
        const lists = log.filter((one) => one.path === "/api/token/" && (sent(one).origin ?? "") === "" && !sent(one).referer);
        assert.ok(lists.length >= 1);
        for (const one of lists) {
          assert.match(sent(one).authorization ?? "", /^Bearer ey/);
          assert.equal(sent(one).cookie, undefined);
        }
        for (const one of log.filter((entry) => entry.path === "/api/user/auth/refresh"))
          assert.equal(sent(one)["sec-fetch-site"], "same-origin", "only the page itself refreshes");
        // The person stays signed in, in the same session.
        await page.reload();
        await page.waitForNetworkIdle({ idleTime: 300 });
        assert.equal((await site.state()).users.find((user) => user.id === site.userId).activeSessions, 1);
        // A token that is held is used again: no second refresh.
        await site.resetLog();
        await app.sync("Page");
        assert.equal((await site.log()).filter((one) => one.path === "/api/user/auth/refresh").length, 0);
        await page.close();
      },
    },
    {
      name: "without an open tab the account waits; a click opens the site, and work goes on by itself",
      async run({ app, sites }) {
        const site = of(sites, "newapi-jwt");
        if (!(await app.accounts()).some((one) => one.text.includes("Page"))) await (await shared(app, site, "Page")).close();
        await app.killWorker(); // the token was in its memory only
        await site.changeKeys({ add: [{ name: "came later" }] });
        await site.resetLog();
        const before = (await app.browser.pages()).length;
        const [line] = await app.sync("Page");
        assert.match(line, /no tab of the site is open/i, line);
        assert.deepEqual(await site.log(), []);
        assert.equal((await app.browser.pages()).length, before, "nothing opens by itself");
        const page = await app.openSite("Page");
        await until("the sync to go on", async () => (await names(app, "Page")).includes("came later"), { timeout: 20_000 });
        const refreshes = (await site.log()).filter((one) => one.path === "/api/user/auth/refresh").length;
        assert.ok(refreshes <= 3, `${refreshes} refreshes`); // the page's own is one of them
        await page.close();
      },
    },
    {
      name: "the offer to change to an access token names its side effect, and one click does it",
      async run({ app, sites }) {
        const site = of(sites, "newapi-jwt");
        const page = await site.signIn(app);
        if (!(await app.accounts()).some((one) => one.text.includes("Page"))) await app.addAccountFromTab(page, { browserLogin: true, name: "Page" });
        const before = (await site.state()).users.find((user) => user.id === site.userId).accessToken;
        const view = await app.options("accounts");
        await view.reads(/the one in use, if there is one, stops working at once/);
        await view.click("button", "Change to an access token");
        await view.gone("button", "Change to an access token");
        await view.reads(/signs in with an access token of its own now/);
        const after = (await site.state()).users.find((user) => user.id === site.userId).accessToken;
        assert.notEqual(after, before);
        site.accessToken = after;
        await page.close();
        await app.killWorker();
        const [line] = await app.sync("Page");
        assert.match(line, /nothing changed|updated/, line);
        const [row] = (await app.accounts()).filter((one) => one.text.includes("Page"));
        assert.doesNotMatch(row.text, /shares the browser's login/);
        await app.removeAccount("Page");
      },
    },
    {
      name: "after an upgrade in place a token goes on, and the cookie's account says that it needs a new sign-in",
      async run({ app, sites }) {
        const site = of(sites, "newapi-cookie");
        await (await shared(app, site, "By cookie")).close();
        await site.becomes("newapi-jwt");
        try {
          const [line] = await app.sync("By cookie");
          assert.match(line, /nobody is signed in/i, line);
          const page = await app.openSite("By cookie");
          await page.goto(site.consoleUrl, { waitUntil: "load" });
          await until("the account to go on", async () => {
            const [row] = (await app.accounts()).filter((one) => one.text.includes("By cookie"));
            return /\bworking\b/.test(row.text) && (await app.jobs())[0].items.some((item) => /nothing changed|updated/.test(item));
          }, { timeout: 20_000 });
          await page.close();
          await app.removeAccount("By cookie");
          await addByHand(app, site, "By token");
          assert.match((await app.sync("By token"))[0], /nothing changed|updated/);
          await app.removeAccount("By token");
        } finally {
          await site.becomes("newapi-cookie");
        }
      },
    },
    ...["cloudflare403", "acw"].map((variant) => ({
      name: `a shield (${variant}) is waited for without asking again; passed in a tab that a click opened, the sync goes on`,
      async run({ app, sites }) {
        const site = of(sites, "newapi-jwt");
        await addByHand(app, site, "Shielded");
        await site.changeKeys({ add: [{ name: `behind ${variant}` }] });
        await site.fault({ fault: "challenge", variant, until_visited: `clear_${variant}` });
        try {
          const before = (await app.browser.pages()).length;
          const [line] = await app.sync("Shielded");
          assert.match(line, /protection page/i, line);
          await site.resetLog();
          await sleep(1500);
          assert.deepEqual(await site.log(), [], "it waits");
          assert.equal((await app.browser.pages()).length, before, "nothing opens by itself");
          const page = await app.openSite("Shielded");
          await until("the sync to go on", async () => (await names(app, "Shielded")).includes(`behind ${variant}`), { timeout: 20_000 });
          await page.close();
          // Without the shield the cookie stays at home again.
          await site.clearFaults();
          await app.sync("Shielded");
          await site.resetLog();
          await app.sync("Shielded");
          for (const one of await site.log({ raw: true })) assert.equal(sent(one).cookie, undefined, one.path);
        } finally {
          await site.clearFaults();
          await app.removeAccount("Shielded");
        }
      },
    })),
  ],
};
