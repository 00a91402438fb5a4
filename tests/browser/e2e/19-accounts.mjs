// What the user says of accounts, what sites are recognised as, and addresses that are not what
// they seem.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { distFor, ensure, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const ORCHARD = "orchard.example";
const FALSE_ORCHARD = "orchad.example";
const NAMES = [ORCHARD, FALSE_ORCHARD];

/** A place in front of sites: `front.to(path)` says where a request goes, or answers it itself. */
async function front() {
  const place = { seen: [] };
  const server = createServer((asked, answer) => {
    const path = asked.url.split("?")[0];
    place.seen.push(path);
    const to = place.to(path);
    if (typeof to !== "string") {
      answer.writeHead(to.status ?? 200, { "content-type": to.type ?? "application/json" });
      return answer.end(typeof to.body === "string" ? to.body : JSON.stringify(to.body));
    }
    const on = request(new URL(asked.url, to), { method: asked.method, headers: { ...asked.headers, host: new URL(to).host } }, (heard) => {
      answer.writeHead(heard.statusCode, heard.headers);
      heard.pipe(answer);
    });
    on.on("error", () => answer.destroy());
    asked.pipe(on);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  place.origin = `http://127.0.0.1:${server.address().port}`;
  place.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return place;
}

async function behind(act) {
  const place = await front();
  try {
    return await act(place);
  } finally {
    await place.stop();
  }
}

/** The page of one account. */
async function pageOf(app, name) {
  const view = await app.options("accounts");
  await view.click("link", name);
  await view.find("heading", name);
  return view;
}

const namesOnPage = (view) => view.page.evaluate(() => [...document.querySelectorAll(".acc .name")].map((one) => one.textContent));
const asked = async (site) => (await site.log()).map((one) => one.path);
/** What the popup reads once it has looked at the tab. */
async function popupOver(app, page, words) {
  const popup = await app.popup(page);
  try {
    return await until(`the popup to read ${words}`, async () => {
      const text = await popup.text();
      return words.test(text) && text;
    });
  } finally {
    await app.closePopup(popup);
  }
}

const kinds = withSites(
  [
    { kind: "newapi-jwt", keys: 3 },
    { kind: "oneapi", keys: 4 },
    { kind: "newapi-cookie", keys: 2, path: "/one" },
    { kind: "oneapi", keys: 2, path: "/two" },
  ],
  { flags: [`--host-resolver-rules=${NAMES.map((name) => `MAP ${name} 127.0.0.1`).join(",")}`] },
);

export default {
  name: "accounts",
  async before(options) {
    const { dist, remove } = distFor(options.dist, NAMES.map((name) => new URL(`http://${name}`)));
    const context = await kinds.before({ ...options, dist });
    return { ...context, remove };
  },
  async after(context) {
    await kinds.after(context);
    context?.remove();
  },
  cases: [
    {
      name: "tags, notes and a check-in address are kept over a sync and the worker's death, and find keys",
      async run({ app, sites: [orchard, meadow] }) {
        await ensure(app, orchard, "Orchard");
        await ensure(app, meadow, "Meadow");
        const view = await pageOf(app, "Orchard");
        await view.type("textbox", "New tag", "night");
        await view.page.keyboard.press("Enter");
        await view.find("button", "Remove the tag night");
        await view.type("textbox", "Notes", "cheap after ten\nask Ann");
        await view.type("textbox", "Check-in address", "javascript:alert(1)");
        await view.click("button", "Save");
        await until("the refusal", async () => /no address of a web page/.test(await view.alert()));
        await view.type("textbox", "Check-in address", `${orchard.base}/checkin`);
        await view.click("button", "Save");
        await view.find("button", "Check in");
        await app.sync("Orchard");
        await app.killWorker();
        const again = await pageOf(app, "Orchard");
        await again.find("button", "Remove the tag night");
        const notes = await again.find("textbox", "Notes");
        await until("the notes", async () => (await notes.evaluate((one) => one.value)) === "cheap after ten\nask Ann");
        // By tag and by note, and by the filters of both lists.
        assert.equal((await app.keys({ search: "night" })).length, 3);
        assert.equal((await app.keys({ search: "ten" })).length, 3);
        const keys = await app.options("keys");
        await app.search(keys, "");
        await keys.choose("Filter by tag", "night");
        await until("only its keys", async () => (await app.keys()).length === 3);
        await keys.choose("Filter by tag", "All tags");
        const list = await app.options("accounts");
        await list.click("button", "night");
        await until("only one account", async () => (await namesOnPage(list)).join() === "Orchard");
        await list.click("button", "night");
        const other = await pageOf(app, "Meadow");
        await other.click("button", "Add the tag night");
        await other.find("button", "Remove the tag night");
      },
    },
    {
      name: "accounts stand by rule or by hand, with the keyboard too, and a pinned one first",
      async run({ app, sites: [orchard, meadow] }) {
        await ensure(app, orchard, "Orchard");
        await ensure(app, meadow, "Meadow");
        const view = await app.options("accounts");
        const stand = (names) => until(`the order ${names}`, async () => (await namesOnPage(view)).join() === names);
        await stand("Meadow,Orchard");
        await view.choose("Order", "By hand");
        // The lines are drawn anew once the setting is kept: the focus is given to the one that stays.
        const label = () => view.page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
        await until("the button to have the focus", async () => {
          await (await view.look("button", "Move Meadow down"))?.focus().catch(() => {});
          await sleep(150);
          return (await label()) === "Move Meadow down";
        });
        await view.page.keyboard.press("Enter");
        await stand("Orchard,Meadow");
        await until("the focus to stay", () => view.page.evaluate(() => document.activeElement?.getAttribute("aria-label") === "Move Meadow down"));
        await app.killWorker();
        await view.page.reload();
        await stand("Orchard,Meadow");
        const page = await pageOf(app, "Meadow");
        await page.click("button", "Pin");
        await page.find("button", "Unpin");
        await app.options("accounts");
        await stand("Meadow,Orchard");
        await (await pageOf(app, "Meadow")).click("button", "Unpin");
        await (await app.options("accounts")).choose("Order", "Name");
        await stand("Meadow,Orchard");
      },
    },
    {
      name: "a disabled account is asked nothing and counted nowhere; its keys can be copied",
      async run({ app, sites: [orchard, meadow] }) {
        await ensure(app, orchard, "Orchard");
        await ensure(app, meadow, "Meadow");
        await app.reveal({ account: "Orchard" });
        const total = async () => /In all ([^\n]+)/.exec(await (await app.options("accounts")).text())?.[1];
        const before = await until("a total", total);
        const view = await pageOf(app, "Orchard");
        await view.click("button", "Disable account");
        await view.find("button", "Enable account");
        await until("the total to shrink", async () => (await total()) !== before);
        await orchard.resetLog();
        const job = await app.job(async () => (await app.options("accounts")).click("button", "Sync all"));
        assert.ok(!JSON.stringify(job).includes("Orchard"), JSON.stringify(job));
        await (await app.options("repair")).find("heading", "Repair");
        await sleep(600);
        assert.deepEqual(await asked(orchard), []);
        const [key] = await orchard.keys();
        assert.equal(await app.copyKey({ account: "Orchard", name: key.name }), key.full);
        const { view: keys, element } = await app.rowOf({ account: "Orchard", name: key.name });
        await (await element.$(".nm")).click();
        await keys.reads(/Of a disabled account/);
        await (await pageOf(app, "Orchard")).click("button", "Enable account");
        await until("a sync of its own", async () => (await asked(orchard)).length > 0);
        await until("the total of before", async () => (await total()) === before);
      },
    },
    {
      name: "a site is asked once what it is: two requests, shown under Why, then none",
      async run({ app, sites: [, , cookie] }) {
        const page = await cookie.signIn(app);
        await cookie.resetLog();
        const first = await popupOver(app, page, /not in Relaykeep|Add this site/);
        assert.match(first, /New API/);
        const own = async () => (await cookie.log()).filter((one) => !one.carriesCredential && /\/api\/(status|user\/self)$/.test(one.path)).length;
        const cost = await own();
        assert.ok(cost > 0 && cost <= 2, `${cost} requests`);
        await popupOver(app, page, /New API/);
        assert.equal(await own(), cost, "it was asked again");
        const popup = await app.popup(page);
        await popup.find("button", "Add this site");
        await popup.page.evaluate(() => (document.querySelector("details.why").open = true));
        await popup.reads(new RegExp(`Looked at [^\\n]*, with ${cost} requests`));
        await popup.reads(/Score/);
        await popup.click("button", "Check this site");
        await until("another look", async () => (await own()) === 2 * cost);
        await app.closePopup(popup);
        await page.close();
      },
    },
    {
      name: "a site that becomes another kind is said to be so, keeps its keys, and can be used as what it is",
      async run({ app, sites: [jwt, one] }) {
        await behind(async (place) => {
          place.to = () => jwt.origin;
          await app.addAccount({ origin: place.origin, userId: jwt.userId, token: jwt.accessToken, name: "Changing" });
          assert.equal((await app.keys({ account: "Changing" })).length, 3);
          place.to = () => one.origin;
          const [line] = await app.sync("Changing");
          assert.match(line, /One API answers at this address now/);
          assert.equal((await app.keys({ account: "Changing" })).length, 3);
          place.to = () => jwt.origin;
          const view = await app.options("accounts");
          await view.click("button", "Check again");
          await until("the trouble to pass", async () => !/answers at this address now/.test(await view.text()), { timeout: 20_000 });
          // Exchanged for good: another kind, another token, other keys under the same numbers.
          place.to = () => one.origin;
          await app.sync("Changing");
          await (await app.options("accounts")).click("button", "Use as One API");
          const page = await pageOf(app, "Changing");
          await page.reads(/One API/);
          await page.click("button", "Change token");
          await page.type("textbox", "Access token", one.accessToken);
          await page.type("textbox", "User id", String(one.userId));
          await page.click("button", "Save", { within: await page.find("dialog", "Edit account") });
          await until("the window to close", async () => !(await page.has("dialog", "Edit account")));
          const [synced] = await app.sync("Changing");
          assert.match(synced, /new \d|updated \d|gone \d|nothing changed/, synced);
          const key = (await one.keys()).at(-1);
          assert.equal(await app.copyKey({ account: "Changing", name: key.name }), key.full);
          await app.removeAccount("Changing");
        });
      },
    },
    {
      name: "an unknown site that is compatible is tried before anything is saved, and works",
      async run({ app, sites: [, one] }) {
        await behind(async (place) => {
          const there = await one.keys();
          place.to = (path) => (path === "/api/status" ? { body: { success: true, data: { name: "My own fork" } } } : path === "/api/user/available_models" ? { status: 404, body: "gone" } : one.origin);
          const view = await app.options("accounts");
          await view.click("button", "Add account");
          await view.type("textbox", "Site address", place.origin);
          await view.type("textbox", "Access token", one.accessToken);
          await view.click("button", "Save account");
          await view.find("button", "Try this kind");
          await view.choose("Site kind", "One API");
          await view.click("button", "Try this kind");
          const lines = await until("the trial", () => view.page.evaluate(() => {
            const found = [...document.querySelectorAll(".trial li")].map((one) => one.innerText.replace(/\s+/g, " ").trim());
            return found.length === 5 && found;
          }));
          assert.match(lines[0], /^Status Answers/);
          assert.match(lines[1], /^Login Answers/);
          assert.match(lines[2], /^Keys Answers; \d+ entries/);
          assert.match(lines[3], /^Groups This kind has none/);
          assert.match(lines[4], /^Models (?!Answers)/);
          assert.ok(!(await app.accounts()).some((row) => row.text.includes(new URL(place.origin).host)), "saved already");
          await view.type("textbox", "Name", "Fork");
          await view.click("button", "Save account");
          await until(async () => `its keys; the accounts read ${(await app.accounts()).map((row) => row.text).join(" | ")}, asked ${place.seen}`, async () => (await app.keys({ account: "Fork" })).length === there.length, { timeout: 20_000 });
          await app.removeAccount("Fork");
        });
      },
    },
    {
      name: "planted storage and another product's success are no relay",
      async run({ app }) {
        await behind(async (place) => {
          const planted = `<!doctype html><title>New API</title><script>
            localStorage.setItem("user", JSON.stringify({ id: 1, username: "root", role: 100, token: "x" }));
            localStorage.setItem("quota_per_unit", "500000");
            localStorage.setItem("quota_display_type", "USD");
            localStorage.setItem("status", JSON.stringify({ quota_per_unit: 500000, system_name: "New API", setup: true, chats: [], price: 1 }));
          </script>`;
          for (const body of [planted, { success: true, data: { items: [], version: "v3" } }, { success: true, message: "", data: "ok" }]) {
            place.to = (path) => (path.startsWith("/api/") ? { body, type: typeof body === "string" ? "text/html" : undefined } : { body: planted, type: "text/html" });
            const page = await app.visit(`${place.origin}/console`);
            const popup = await app.popup(page);
            await popup.click("button", "Check this site").catch(() => {});
            await until("the verdict", async () => /does not answer like a relay/.test(await popup.text()));
            assert.ok(!(await popup.has("button", "Add this site")));
            await app.closePopup(popup);
            await page.close();
          }
        });
      },
    },
    {
      name: "an address one letter off an account's is warned of, and nothing is sent before a yes",
      async run({ app, sites: [jwt] }) {
        const at = (host) => jwt.origin.replace("127.0.0.1", host);
        await app.addAccount({ origin: at(ORCHARD), userId: jwt.userId, token: jwt.accessToken, name: "True" });
        const page = await app.visit(`${at(FALSE_ORCHARD)}/?autologin=1`);
        await popupOver(app, page, /This is not orchard\.example/);
        await page.close();
        await jwt.resetLog();
        const refused = app.addAccount({ origin: at(FALSE_ORCHARD), userId: jwt.userId, token: jwt.accessToken, name: "False" });
        await assert.rejects(refused, /looks like the one of True/);
        assert.deepEqual(await asked(jwt), [], "something was sent");
        const view = await app.options("accounts");
        await view.click("checkbox", /^I know this site/);
        await view.click("button", "Save account");
        await until("the next warning", async () => view.has("checkbox", /^Send the token in clear/));
        await view.click("button", "Cancel");
        await app.removeAccount("True");
      },
    },
    {
      name: "two sites behind one origin keep apart, and one login by two addresses is noticed",
      async run({ app, sites: [jwt, , cookie, one] }) {
        await behind(async (place) => {
          place.to = (path) => (path.startsWith("/one") ? cookie.origin : one.origin);
          await app.addAccount({ origin: `${place.origin}/one`, userId: cookie.userId, token: cookie.accessToken, name: "First" });
          await app.addAccount({ origin: `${place.origin}/two`, token: one.accessToken, name: "Second" });
          assert.deepEqual((await app.keys({ account: "First" })).map((row) => row.name).toSorted(), (await cookie.keys()).map((key) => key.name).toSorted());
          assert.deepEqual((await app.keys({ account: "Second" })).map((row) => row.name).toSorted(), (await one.keys()).map((key) => key.name).toSorted());
          const text = (await app.accounts()).map((row) => row.text).join();
          assert.match(text, /New API/);
          assert.match(text, /One API/);
          await app.removeAccount("First");
          await app.removeAccount("Second");
        });
        await ensure(app, jwt, "Orchard");
        await app.addAccount({ origin: jwt.origin.replace("127.0.0.1", "localhost"), userId: jwt.userId, token: jwt.accessToken, name: "By name" });
        const view = await pageOf(app, "By name");
        await view.reads(/same login as at 127\.0\.0\.1/);
        await view.click("button", "Leave out of totals");
        await view.reads(/not in totals/);
        await app.removeAccount("By name");
      },
    },
    {
      name: "after a reset no full key is taken for another, and somebody else's keys are not taken in",
      why: "spoils the server",
      async run({ app, sites: [jwt] }) {
        await ensure(app, jwt, "Orchard");
        // Copied is held, whether an earlier case revealed it or not.
        for (const { name } of await jwt.keys()) await app.copyKey({ account: "Orchard", name });
        const [key, ...others] = await jwt.keys();
        // The same number and mask stand for a key made at another time.
        await jwt.changeKeys({ update: [{ id: key.id, created_time: key.created_time + 1000 }] });
        const [line] = await app.sync("Orchard");
        assert.match(line, /new 1/);
        const row = (await app.keys({ account: "Orchard" })).find((one) => one.name === key.name);
        assert.ok(row, "the row is there");
        const keys = await app.options("keys");
        await keys.reads(/Reveal/);
        // Another login under the same number, none of whose keys are ours.
        await jwt.user({ user: jwt.userId, username: "stranger" });
        await jwt.changeKeys({ update: [key, ...others].map(({ id }, at) => ({ id, name: `theirs ${at}`, created_time: key.created_time + 5000 + at })) });
        const [other] = await app.sync("Orchard");
        assert.match(other, /somebody else|another user|other login/i);
        assert.ok(!(await app.keys({ account: "Orchard" })).some((one) => one.name.startsWith("theirs")));
      },
    },
  ],
};
