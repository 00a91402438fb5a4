// A site without access tokens: signed in once with e-mail and password, which lie nowhere
// afterwards; then the life of a key there.
import assert from "node:assert/strict";
import { faultless, withSites } from "../context.mjs";
import { until } from "../driver.mjs";

const PASSWORD = "CanaryPasswordOfSub2api-1Q";

const rows = async (site) => (await fetch(`${site.control}/rows?user=2`)).json();
const row = async (site, name) => (await rows(site)).find((one) => one.name === name);
const behind = (site, body) => fetch(`${site.control}/sub2api`, { method: "POST", body: JSON.stringify(body) }).then((answer) => answer.json());

async function signIn(app, site, name) {
  const view = await app.options("accounts");
  await view.click("button", "Add account");
  await view.find("dialog", "Add account");
  await view.type("textbox", "Site address", site.base);
  await view.choose("Site kind", "Sub2API");
  await view.type("textbox", "E-mail address", site.email);
  await view.type("textbox", "Password", PASSWORD);
  await view.type("textbox", "Name", name);
  await app.job(() => view.click("button", "Save account"));
}

export default {
  name: "sub2api",
  beside: true,
  ...withSites([{ kind: "sub2api", keys: 6, password: PASSWORD }, { kind: "sub2api", keys: 4 }]),
  cases: [
    {
      name: "e-mail and password once; then list, copy, create, edit, disable, delete",
      longest: 60_000,
      async run({ app, sites }) {
        const [site] = sites;
        await signIn(app, site, "Harbour");
        const held = await app.keys();
        assert.deepEqual(held.length, 6);
        const first = (await rows(site))[1];
        assert.equal(await app.copyKey({ name: first.name }), first.key);

        await app.job(() => app.createKey({ account: "Harbour", name: "a & <b>", quota: 12.5, group: "openai-main" }));
        const made = await row(site, "a &amp; &lt;b&gt;");
        assert.deepEqual([made.quota, made.group_id, made.status], [12.5, 2, "active"]);
        await app.job(() => app.editKey({ name: "a & <b>", quota: 3, addresses: "10.0.0.0/8" }));
        const edited = await row(site, "a &amp; &lt;b&gt;");
        assert.deepEqual([edited.quota, edited.ip_whitelist], [3, ["10.0.0.0/8"]]);
        await app.setEnabled({ names: ["a & <b>"], on: false });
        assert.equal((await row(site, edited.name)).status, "inactive");
        await app.deleteKey({ names: ["a & <b>"] });
        assert.equal(await row(site, edited.name), undefined);

        // The session goes on by its refresh token, which is taken once.
        await behind(site, { lasts: 1, end_access: true });
        await app.sync().catch(() => null);
        await app.sync();
        const log = await site.log({ raw: true });
        const turns = log.filter((one) => one.path === "/api/v1/auth/refresh");
        assert.ok(turns.length >= 1 && turns.every((one) => one.status === 200), JSON.stringify(turns.map((one) => one.status)));
        assert.equal(log.filter((one) => one.path === "/api/v1/auth/login").length, 1, "one sign-in");

        const tokens = log.flatMap((one) => {
          const sent = one.rawHeaders.find(([name]) => name === "authorization")?.[1].slice(7);
          const refresh = /rt_[0-9a-f]{64}/.exec(one.rawBody)?.[0];
          return [sent, refresh].filter(Boolean);
        });
        const needles = Object.fromEntries([...new Set(tokens)].map((token, at) => [`token ${at}`, token]));
        await until("tokens to look for", () => Object.keys(needles).length > 1);
        const hits = app.profileHits({ ...needles, password: PASSWORD, email: site.email });
        assert.deepEqual(hits.map((hit) => `${hit.needle} in ${hit.file}`), []);
        faultless(app);
      },
    },
    {
      name: "by an open page: the token it holds is read and never refreshed by us; without the page the account waits",
      longest: 60_000,
      async run({ app, sites }) {
        const site = sites[1];
        const refreshes = async () => (await site.log()).filter((one) => one.path === "/api/v1/auth/refresh").length;
        const page = await site.signIn(app);
        await app.addAccountFromTab(page, { browserLogin: true, name: "Follow" });
        const [added] = (await app.accounts()).filter((one) => one.text.includes("Follow"));
        assert.match(added.text, /shares the browser's login/);
        const names = async () => (await app.keys({ account: "Follow" })).map((row) => row.name).toSorted();
        const there = async () => (await rows(site)).map((one) => one.name.replaceAll("&amp;", "&")).toSorted();
        assert.deepEqual(await names(), await there());
        const first = (await rows(site)).find((one) => one.status === "active" && !one.name.includes("&"));
        await app.setEnabled({ account: "Follow", names: [first.name], on: false });
        assert.equal((await row(site, first.name)).status, "inactive");
        const kept = await page.evaluate(() => ({ ...localStorage }));
        for (const one of (await site.log({ raw: true })).filter((entry) => entry.path === "/api/v1/keys"))
          assert.equal(Object.fromEntries(one.rawHeaders).authorization, `Bearer ${kept.auth_token}`);
        assert.doesNotMatch(JSON.stringify(await (await app.options()).page.evaluate(() => chrome.storage.session.get())), new RegExp(kept.auth_token), "in memory only");

        // The site ends the token: only the page may turn its refresh token.
        await behind(site, { end_access: true });
        const [ended] = await app.sync("Follow");
        assert.match(ended, /nobody is signed in/i, ended);
        assert.equal(await refreshes(), 0);
        assert.deepEqual(await names(), await there(), "what is held stays");
        await page.evaluate(async () => {
          const body = JSON.stringify({ refresh_token: localStorage.refresh_token });
          const { data } = await (await fetch("/api/v1/auth/refresh", { method: "POST", headers: { "content-type": "application/json" }, body })).json();
          Object.assign(localStorage, { auth_token: data.access_token, refresh_token: data.refresh_token, token_expires_at: String(Date.now() + data.expires_in * 1000) });
        });
        assert.match((await app.sync("Follow")).join(), /nothing changed|updated/);
        assert.equal(await refreshes(), 1, "the page's own");

        await page.close();
        await app.killWorker(); // the token was in its memory only
        await site.resetLog();
        const [line] = await app.sync("Follow");
        assert.match(line, /no tab of the site is open/i, line);
        assert.deepEqual(await site.log(), []);
        faultless(app);
      },
    },
  ],
};
