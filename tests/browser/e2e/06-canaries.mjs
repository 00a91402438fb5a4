// Secrets that must not lie anywhere in the profile: not typed, not saved, not edited, not deleted
// ones; unlocked, locked, after closing, after a crash.
import assert from "node:assert/strict";
import { addByHand, fresh, PASSPHRASE, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";
import { sizeOf } from "../profile.mjs";

const TOKEN = "CanaryAccessToken+/0123456789ab=";
const NEEDLES = {
  passphrase: "canary passphrase 七面鳥 0xCAFE",
  "wrong passphrase": "canary-wrong-passphrase-1Q",
  token: TOKEN,
  "token typed, never saved": "CanaryNeverSavedToken+/98765432=",
  "user id typed, never saved": "880011223344",
  "account name": "Canary Account Kolibri",
  "account name, edited": "Canary Account Zeisig",
  "account name, removed": "Canary Account Wiedehopf",
  "account name typed, never saved": "Canary Account Never",
  "key name": "canary-key-name-Pirol",
  "key name, changed": "canary-key-name-Specht",
  "key name, deleted": "canary-key-name-Elster",
  "search text": "canary-search-Nachtigall",
  "new passphrase typed, never used": "canary unused passphrase Lerche",
};
/** What a page of anybody keeps: proof that the search sees what lies in this very profile. */
const CONTROL = "canary-control-of-a-visited-page";

async function expectClean(app, needles, when) {
  const hits = app.profileHits(needles);
  assert.deepEqual(hits, [], `${when}: ${hits.map((hit) => `${hit.needle} in ${hit.file} (${hit.dress})`).join("; ")}`);
}

/** Everything a secret can go through here. */
async function lead(app, site, second, { mode }) {
  await app.onboard({ mode, passphrase: NEEDLES.passphrase });
  await site.changeKeys({ clear: true });
  await site.addKeys([{ name: NEEDLES["key name"] }, { name: NEEDLES["key name, changed"] }, { name: NEEDLES["key name, deleted"] }]);

  // Typed into the form and cancelled.
  const view = await app.options("accounts");
  await view.click("button", "Add account");
  await view.type("textbox", "Site address", site.base);
  await view.type("textbox", "User id", NEEDLES["user id typed, never saved"]);
  await view.type("textbox", "Access token", NEEDLES["token typed, never saved"]);
  await view.type("textbox", "Name", NEEDLES["account name typed, never saved"]);
  await view.click("button", "Cancel");

  await addByHand(app, site, NEEDLES["account name"], { token: TOKEN });
  await addByHand(app, second, NEEDLES["account name, removed"]);
  if (site.masks) await app.reveal();
  await app.keys({ search: NEEDLES["search text"] });
  const keys = await site.keys();
  const full = Object.fromEntries(keys.slice(-3).map((key, index) => [`full key ${index}`, key.full.slice(3)]));
  for (const key of keys.slice(-3)) assert.equal(await app.copyKey({ name: key.name }), key.full);

  // Edited, changed at the site, deleted at the site, removed here.
  await view.page.bringToFront();
  await app.options("accounts");
  await view.click("button", "Edit", { within: await until("the row", async () => {
    for (const row of await view.visible("[data-account]")) if ((await row.evaluate((one) => one.innerText)).includes(NEEDLES["account name"])) return row;
    return null;
  }) });
  await view.type("textbox", "Name", NEEDLES["account name, edited"]);
  await view.click("button", /^Save/);
  await view.reads(NEEDLES["account name, edited"]);
  await site.changeKeys({
    update: [{ id: keys.find((key) => key.name === NEEDLES["key name, changed"]).id, name: "renamed" }],
    delete: [keys.find((key) => key.name === NEEDLES["key name, deleted"]).id],
  });
  await app.sync();
  await app.sync();
  await app.removeAccount(NEEDLES["account name, removed"]);

  // A new passphrase typed in Settings and left there.
  const settings = await app.options("settings");
  await settings.click("radio", /^Passphrase/);
  await settings.type("textbox", "New passphrase", NEEDLES["new passphrase typed, never used"]);
  await app.options("keys");
  return { ...NEEDLES, ...full };
}

/** A tab of somebody's page with the control in its storage. */
async function plantControl(app, page) {
  const tab = await app.visit(`${page.base}/`);
  await tab.evaluate((text) => localStorage.setItem("control", text), CONTROL);
  await tab.close();
}

const inMode = (mode) => ({
  name: `nothing secret lies in the profile, ${mode} mode`,
  longest: 400_000,
  run: (context) => fresh(context, async (app) => {
    const { sites: [site, second, page] } = context;
    await plantControl(app, page);
    const needles = await lead(app, site, second, { mode });
    await sleep(1500); // what the browser writes lazily
    await expectClean(app, needles, "unlocked");
    if (mode === "passphrase") {
      await app.lock();
      await assert.rejects(app.unlock(NEEDLES["wrong passphrase"]));
      await sleep(1500);
      await expectClean(app, needles, "locked");
      await app.unlock(NEEDLES.passphrase);
    }
    await app.killWorker();
    await app.killBrowser();
    await expectClean(app, needles, "after a crash");
    await app.relaunch();
    if (mode === "passphrase") await app.unlock(NEEDLES.passphrase);
    assert.ok((await app.keys({ search: NEEDLES["key name"] })).length, "the vault was to hold the canaries");
    await app.closeBrowser();
    await expectClean(app, needles, "after closing");

    assert.ok(sizeOf(app.profile) > 500_000, "there is no profile to search");
    assert.ok(app.profileHits([CONTROL]).length > 0, "the search is blind: it does not see what a page stored");
    await app.relaunch();
  }),
});

export default {
  name: "canaries",
  beside: true,
  // Added by hand and never opened in a tab: a site's own page stores what it likes.
  ...withSites([
    { kind: "newapi-jwt", keys: 4, token: TOKEN, limits: "off" },
    { kind: "oneapi", keys: 2 },
    { kind: "plain" },
  ], { vault: false }),
  cases: [
    inMode("passphrase"),
    inMode("device"),
    {
      name: "a form half filled in the popup stays in memory",
      run: (context) => fresh(context, async (app) => {
        const [site] = context.sites;
        await app.onboard({ passphrase: PASSPHRASE });
        const page = await site.signIn(app);
        const popup = await app.popup(page);
        await popup.click("button", "Add this site");
        await popup.type("textbox", "Access token", NEEDLES["token typed, never saved"]);
        await popup.type("textbox", "Name", NEEDLES["account name typed, never saved"]);
        await sleep(600);
        await app.closePopup(popup);
        await sleep(1500);
        const needles = { token: NEEDLES["token typed, never saved"], name: NEEDLES["account name typed, never saved"] };
        await expectClean(app, needles, "popup closed");
        await app.closeBrowser();
        await expectClean(app, needles, "browser closed");
        await app.relaunch();
      }),
    },
  ],
};
