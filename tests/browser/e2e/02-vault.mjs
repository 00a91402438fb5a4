// The vault as a person meets it: made, locked, opened, killed, moved, lost.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addByHand, fresh, PASSPHRASE, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const OTHER = "another passphrase entirely";
const names = (rows) => rows.map((row) => row.name).toSorted();

/** An account with its keys in a fresh profile. */
async function filled(context, app, mode = "passphrase") {
  await app.onboard({ mode, passphrase: PASSPHRASE });
  await addByHand(app, context.sites[0], "Orchard");
  const held = names(await app.keys());
  assert.deepEqual(held, names(await context.sites[0].keys()));
  return held;
}

const local = (app) => join(app.profile, "Default", "Local Extension Settings");
const indexed = (app) => join(app.profile, "Default", "IndexedDB");

const DECRYPTOR = fileURLToPath(new URL("../../decryptor/open_vault.py", import.meta.url));

/** What the independent decryptor, which has no line of ours, reads in a dump or a backup file. */
function decrypt(file, passphrase, ...more) {
  const said = execFileSync(process.env.RELAYKEEP_PYTHON ?? "python3", [DECRYPTOR, file, "--passphrase", passphrase, ...more], { encoding: "utf8", stdio: "pipe" });
  const { records, damaged } = JSON.parse(said);
  assert.deepEqual(damaged, []);
  const bodies = (kind) => records.filter((one) => one.kind === kind).map((one) => one.body);
  return {
    accounts: bodies(5).map((body) => body.name).filter(Boolean),
    sites: bodies(3).map((body) => body.base_url),
    tokens: bodies(6).map((body) => body.token),
    names: names(bodies(4).flatMap((body) => body.k.map((key) => ({ name: key.n })))),
    keys: bodies(7).flatMap((body) => body.k.map((key) => key.v)).toSorted(),
  };
}

/** Saves a backup file by the button; returns its path. */
async function saveBackup(app, dir, passphrase) {
  const view = await app.options("backup");
  await app.downloadTo(dir);
  if (passphrase) {
    await view.type("textbox", "Backup passphrase", passphrase);
    await view.type("textbox", "Repeat passphrase", passphrase);
  }
  await view.click("button", "Save a backup file");
  const name = await until("the backup file", () => readdirSync(dir).find((one) => !/crdownload|\.part$|^\./.test(one)));
  return join(dir, name);
}

async function restore(view, file, passphrase) {
  await view.click("button", "Restore a backup");
  const dialog = await view.find("dialog", "Restore a backup");
  await (await dialog.waitForSelector("input[type=file]")).uploadFile(file);
  await view.type("textbox", "Backup passphrase", passphrase, { within: dialog });
  await view.click("button", "Preview", { within: dialog });
  await view.find("button", "Restore", { within: dialog });
  const preview = await dialog.evaluate((one) => one.innerText);
  await view.click("button", "Restore", { within: dialog });
  return preview;
}

const withFolder = async (act) => {
  const dir = mkdtempSync(join(tmpdir(), "relaykeep-backup-"));
  try {
    return await act(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
};

export default {
  name: "vault",
  ...withSites([{ kind: "newapi-2025-04", keys: 12 }], { vault: false }),
  cases: [
    {
      name: "a wrong passphrase is told apart, the right one opens",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        await app.lock();
        await assert.rejects(app.unlock("not the passphrase"), /Wrong passphrase/);
        await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await app.keys()), before);
      }),
    },
    {
      name: "too short a passphrase, or two that differ, make no vault",
      run: (context) => fresh(context, async (app) => {
        const view = await app.options();
        await view.click("radio", /^Passphrase/);
        for (const [one, two] of [["short", "short"], [PASSPHRASE, `${PASSPHRASE}x`]]) {
          await view.type("textbox", "New passphrase", one);
          await view.type("textbox", "Repeat passphrase", two);
          await view.click("button", "Create vault");
          await until("a refusal", () => view.alert());
        }
        assert.equal(await app.state(), "Welcome to Relaykeep");
      }),
    },
    {
      name: "closing the browser locks; what was saved is there again",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        await app.closeBrowser();
        await app.relaunch();
        assert.equal(await app.state(), "Relaykeep is locked");
        await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await app.keys()), before);
      }),
    },
    {
      name: "stopping the worker does not lock",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        await app.killWorker();
        const view = await app.options();
        await view.page.reload();
        assert.deepEqual(names(await app.keys()), before);
      }),
    },
    {
      name: "a page shows its first rows before it asks the worker; a lock leaves it none",
      run: (context) => fresh(context, async (app) => {
        await filled(context, app);
        const glimpse = () => app.options().then((view) => view.page.evaluate(async () => (await chrome.storage.session.get("g")).g ?? ""));
        await until("a glimpse", async () => (await glimpse()).includes('"Keys'), { every: 50 });
        const shownWhenAsking = async () => {
          const page = await app.browser.newPage();
          await page.evaluateOnNewDocument(() => {
            const connect = chrome.runtime.connect.bind(chrome.runtime);
            chrome.runtime.connect = (...how) => {
              globalThis.shownThen ??= document.querySelectorAll('[role=grid] [data-key]:not([data-key=""])').length;
              return connect(...how);
            };
          });
          await app.killWorker();
          await page.goto(app.url("options.html#/keys"));
          const shown = await until("the line to the worker", async () => String((await page.evaluate(() => globalThis.shownThen)) ?? ""), { every: 20 });
          await page.close();
          return Number(shown);
        };
        assert.ok((await shownWhenAsking()) > 0);
        await app.lock();
        assert.equal(await glimpse(), "");
        assert.equal(await shownWhenAsking(), 0);
        await app.unlock(PASSPHRASE);
        await until("a glimpse again", async () => (await glimpse()).includes('"Keys'), { every: 50 });
      }),
    },
    {
      name: "a page shows its picture until it runs, hears what is typed over it, and has none after a lock",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        const pictures = () => app.options().then((view) => view.page.evaluate(async () => Object.keys(await chrome.storage.session.get()).filter((name) => name.startsWith("p-"))));
        await until("a glimpse", () => app.options().then((view) => view.page.evaluate(async () => ((await chrome.storage.session.get("g")).g ?? "").includes('"Keys'))), { every: 50 });
        /** Opens a page anew: names in its picture, what can be pressed in it, and the page. */
        const open = async (path, type = "") => {
          const page = await app.browser.newPage();
          await page.setViewport({ width: 1280, height: 760 });
          await page.evaluateOnNewDocument((type) => {
            new MutationObserver((_, observer) => {
              const parts = [...document.querySelectorAll("[data-picture]")];
              if (!parts.length) return;
              observer.disconnect();
              globalThis.picture = { text: parts.map((one) => one.textContent).join(), inert: parts.every((one) => one.inert), keys: document.querySelectorAll("[data-key]").length };
              for (const key of type) dispatchEvent(new KeyboardEvent("keydown", { key }));
            }).observe(document, { childList: true, subtree: true });
          }, type);
          await app.killWorker();
          await page.goto(app.url(path));
          await page.waitForFunction(() => !document.querySelector("[data-picture]") && document.querySelector("input[type=search]"));
          return page;
        };
        for (const path of ["options.html#/keys", "popup.html"]) {
          const name = path.startsWith("popup") ? "p-popup" : "p-options";
          const first = await open(path);
          await until(`the picture ${name}`, async () => (await pictures()).includes(name), { every: 50 });
          await first.close();
          const page = await open(path, path.startsWith("popup") ? "zz" : "");
          const shown = await page.evaluate(() => globalThis.picture);
          assert.ok(before.some((key) => shown.text.includes(key)), shown.text);
          assert.ok(shown.inert);
          assert.equal(shown.keys, 0);
          assert.equal(await page.$("[data-picture]"), null);
          if (path.startsWith("popup")) assert.equal(await page.$eval("input[type=search]", (input) => input.value), "zz");
          await page.close();
        }
        await app.lock();
        assert.deepEqual(await pictures(), []);
        const locked = await app.browser.newPage();
        await locked.goto(app.url("options.html#/keys"));
        await locked.waitForSelector("main.gate");
        assert.equal(await locked.$("[data-picture]"), null);
        await locked.close();
      }),
    },
    {
      // The press wakes the worker, which opens the vault for the page; the click locks it meanwhile.
      name: "Lock pressed while the worker is just opening the vault locks it",
      run: (context) => fresh(context, async (app) => {
        await filled(context, app);
        for (let round = 0; round < 3; round += 1) {
          const view = await app.options();
          const lock = await view.find("button", "Lock");
          await app.killWorker();
          await lock.evaluate((button) => {
            button.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
            button.click();
          });
          await view.find("heading", "Relaykeep is locked");
          assert.deepEqual(await view.page.evaluate(async () => Object.keys(await chrome.storage.session.get()).filter((name) => /^(s|g|p-.*)$/.test(name))), []);
          await app.unlock(PASSPHRASE);
        }
      }),
    },
    {
      name: "this-device-only opens by itself and offers no lock",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app, "device");
        const view = await app.options();
        assert.ok(!(await view.has("button", "Lock")));
        await app.killBrowser();
        await app.relaunch();
        assert.equal(await app.state(), "open");
        assert.deepEqual(names(await app.keys()), before);
      }),
    },
    {
      name: "killing the browser during commits loses nothing that was committed",
      longest: 600_000,
      run: (context) => fresh(context, async (app) => {
        const [site] = context.sites;
        let before = await filled(context, app);
        for (const wait of [0, 5, 10, 20, 40, 80]) {
          await site.addKeys([{ name: `cut-${wait}` }]);
          await site.resetLog();
          const view = await app.options("accounts");
          await view.click("button", "Sync all");
          // What was listed is committed right after its last page.
          await until("the list to be asked for", async () => (await site.log()).some((one) => one.path === "/api/token/"), { every: 2 });
          await sleep(wait);
          await app.killBrowser();
          await app.relaunch();
          assert.equal(await app.state(), "Relaykeep is locked", `after ${wait} ms`);
          await app.unlock(PASSPHRASE);
          const after = names(await app.keys());
          for (const name of before) assert.ok(after.includes(name), `${name} is lost after ${wait} ms`);
          await app.sync();
          before = names(await app.keys());
          assert.deepEqual(before, names(await site.keys()), `after ${wait} ms`);
        }
      }),
    },
    {
      name: "a new passphrase takes the old one's place; this device only takes it away",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        const sealed = (view) => view.reads("Everything is sealed anew", { timeout: 60_000 });
        await sealed(await app.changePassphrase(PASSPHRASE, OTHER));
        await app.lock();
        await assert.rejects(app.unlock(PASSPHRASE), /Wrong passphrase/);
        await app.unlock(OTHER);
        assert.deepEqual(names(await app.keys()), before);
        const view = await app.options("settings");
        await view.type("textbox", "Current passphrase", OTHER);
        await view.click("radio", /^This device only/);
        await view.click("button", "Change protection");
        await sealed(view);
        await app.closeBrowser();
        await app.relaunch();
        assert.equal(await app.state(), "open");
        assert.deepEqual(names(await app.keys()), before);
      }),
    },
    {
      name: "a change of passphrase that is killed half way ends as one or the other",
      longest: 600_000,
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        let [now, next] = [PASSPHRASE, OTHER];
        for (const wait of [150, 300, 450, 700]) {
          await app.changePassphrase(now, next);
          await sleep(wait);
          await app.killBrowser();
          await app.relaunch();
          const opened = await app.unlock(next).then(() => true, () => false);
          if (opened) [now, next] = [next, now];
          else await app.unlock(now);
          assert.deepEqual(names(await app.keys()), before, `after ${wait} ms`);
        }
      }),
    },
    {
      name: "an independent program opens what the extension wrote, and its backup file",
      run: (context) => fresh(context, (app) => withFolder(async (dir) => {
        const [site] = context.sites;
        const held = await filled(context, app);
        const there = {
          accounts: ["Orchard"],
          sites: [site.base],
          tokens: [site.accessToken],
          names: held,
          keys: (await site.keys()).map((key) => key.full).toSorted(),
        };
        const view = await app.options();
        const dump = join(dir, "storage.json");
        writeFileSync(dump, JSON.stringify(await view.page.evaluate(() => chrome.storage.local.get())));
        assert.deepEqual(decrypt(dump, PASSPHRASE), there);
        assert.deepEqual(decrypt(dump, PASSPHRASE, "--without-roots"), there);
        assert.throws(() => decrypt(dump, OTHER), /no intact slot opens/);
        rmSync(dump);
        assert.deepEqual(decrypt(await saveBackup(app, dir), PASSPHRASE), there);
      })),
    },
    {
      name: "records that vanished open Recovery, never Welcome",
      run: (context) => fresh(context, async (app) => {
        await filled(context, app);
        await app.closeBrowser();
        assert.ok(existsSync(local(app)));
        rmSync(local(app), { recursive: true });
        await app.relaunch();
        assert.equal(await app.state(), "Recovery");
      }),
    },
    {
      name: "a lost IndexedDB alone does no harm",
      run: (context) => fresh(context, async (app) => {
        const before = await filled(context, app);
        await app.closeBrowser();
        rmSync(indexed(app), { recursive: true });
        await app.relaunch();
        await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await app.keys()), before);
      }),
    },
    {
      name: "a backup file restores everything after starting over",
      run: (context) => fresh(context, (app) => withFolder(async (dir) => {
        const before = await filled(context, app);
        const file = await saveBackup(app, dir);
        const text = readFileSync(file, "latin1");
        for (const name of before) assert.ok(!text.includes(name), "a name stands in the backup file in clear");
        await app.lock();
        const view = await app.options();
        await view.click("button", "Forgot the passphrase?");
        await view.reads("no way to reset it");
        await view.click("button", "Start over");
        await view.type("textbox", "Confirmation", "start over");
        await view.click("button", "Start over", { within: await view.find("dialog", "Start over") });
        await view.find("heading", "Welcome to Relaykeep");
        await app.onboard({ passphrase: OTHER });
        assert.deepEqual(await app.keys(), []);
        const preview = await restore(await app.options("backup"), file, PASSPHRASE);
        assert.match(preview, new RegExp(`\\b${before.length}\\b`));
        // From then on the backup's passphrase is the vault's.
        await until("the vault to settle", async () => ["open", "Relaykeep is locked"].includes(await app.state()));
        if ((await app.state()) !== "open") await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await until("the keys", async () => { const rows = await app.keys(); return rows.length && rows; })), before);
        await app.lock();
        await app.unlock(PASSPHRASE);
      })),
    },
    {
      name: "Recovery takes a backup file; a wrong passphrase and a damaged file are refused",
      run: (context) => fresh(context, (app) => withFolder(async (dir) => {
        const before = await filled(context, app);
        const file = await saveBackup(app, dir);
        await app.closeBrowser();
        rmSync(local(app), { recursive: true });
        await app.relaunch();
        assert.equal(await app.state(), "Recovery");
        const view = await app.options();
        await view.click("button", "Restore a backup");
        const dialog = await view.find("dialog", "Restore a backup");
        await (await dialog.waitForSelector("input[type=file]")).uploadFile(file);
        await view.type("textbox", "Backup passphrase", "not the passphrase", { within: dialog });
        await view.click("button", "Preview", { within: dialog });
        await until("a refusal", async () => /Wrong passphrase/.test(await view.alert()));
        await view.click("button", "Cancel", { within: dialog });
        await restore(view, file, PASSPHRASE);
        await until("the vault to settle", async () => ["open", "Relaykeep is locked"].includes(await app.state()));
        if ((await app.state()) !== "open") await app.unlock(PASSPHRASE);
        assert.deepEqual(names(await until("the keys", async () => { const rows = await app.keys(); return rows.length && rows; })), before);
      })),
    },
    {
      name: "a device vault's backup opens with a passphrase of its own",
      run: (context) => fresh(context, (app) => withFolder(async (dir) => {
        const before = await filled(context, app, "device");
        const file = await saveBackup(app, dir, OTHER);
        await fresh(context, async (second) => {
          await second.onboard({ passphrase: PASSPHRASE });
          await restore(await second.options("backup"), file, OTHER);
          await until("the vault to settle", async () => ["open", "Relaykeep is locked"].includes(await second.state()));
          if ((await second.state()) !== "open") await second.unlock(OTHER);
          assert.deepEqual(names(await until("the keys", async () => { const rows = await second.keys(); return rows.length && rows; })), before);
        });
      })),
    },
  ],
};
