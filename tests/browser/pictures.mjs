// The pictures of the README: `node pictures.mjs --dist DIR --out DIR`, from simulated sites with dummies.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { launch, sleep } from "./driver.mjs";
import { simulate } from "./sim.mjs";

const { values } = parseArgs({ options: { dist: { type: "string" }, out: { type: "string" } } });
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const sim = await simulate([{ kind: "newapi-jwt", name: "Orchard", keys: 14 }, { kind: "oneapi", name: "Harbour", keys: 9 }, { kind: "newapi-cookie", name: "Meadow", keys: 6, unit: "cny" }]);
const app = await launch({ dist: resolve(values.dist), size: { width: 1280, height: 760 } });
const shoot = async (page, name, scheme = "light") => {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await sleep(200);
  await page.screenshot({ path: join(out, `${name}.png`) });
};
try {
  await app.onboard({ mode: "passphrase", passphrase: "a picture of Relaykeep" });
  for (const site of sim.sites) await app.addAccount({ origin: site.base, userId: site.family === "one-api" ? undefined : site.userId, token: site.accessToken, name: site.name });
  await app.reveal({ account: "Orchard", names: ["cursor", "claude-code · laptop"] });
  const view = await app.options("keys");
  await app.search(view, "");
  const row = (await app.keys({ account: "Orchard" })).find((one) => one.name === "cursor");
  await shoot(view.page, "keys-light");
  await (await view.page.$(`[data-key="${row.ref}"]`)).click();
  await sleep(400);
  await shoot(view.page, "keys-dark", "dark");
  await view.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  for (const section of ["accounts", "activity", "settings", "backup"]) await shoot((await app.options(section)).page, section);
  await sim.sites[2].options({ add_group: { name: "premium", about: "Premium models", ratio: 1.5 } }).catch(() => {});
  await app.lookAtRepair();
  await shoot(view.page, "repair-light");
  const form = await app.openKey({ account: "Orchard", name: "cursor" });
  await sleep(300);
  await shoot(form.view.page, "key-form");
  await form.view.page.keyboard.press("Escape");
  await sleep(200);
  await app.search(view, "");
  const page = await sim.sites[0].signIn(app);
  const popup = await app.popup(page);
  await sleep(500);
  await shoot(popup.page, "popup-site");
  await popup.page.keyboard.type("cl");
  await sleep(300);
  await shoot(popup.page, "popup-search");
} finally {
  await app.close();
  await sim.stop();
}
