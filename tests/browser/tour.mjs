// `./build.sh run --tour`: the main job, done through the driver, with the time of each step and a
// picture after it.
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./driver.mjs";
import { simulate } from "./sim.mjs";

const { values } = parseArgs({ options: { dist: { type: "string" } } });
const shots = resolve("target/tour");
rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });

const steps = [];
let app;
let sim;

/** Does one step, keeps its time and what it showed, and takes a picture. */
async function step(what, act) {
  const began = performance.now();
  const shown = await act();
  const ms = Math.round(performance.now() - began);
  steps.push({ what, ms, shown: String(shown ?? "").replaceAll(/\s+/g, " ").slice(0, 70) });
  const page = app.views.get("options")?.page;
  if (page && !page.isClosed()) {
    await page.bringToFront();
    await page.screenshot({ path: join(shots, `${String(steps.length).padStart(2, "0")}-${what.toLowerCase().replaceAll(/\W+/g, "-")}.png`) });
  }
  return shown;
}

function assert(holds, what) {
  if (!holds) throw new Error(what);
}

let failure;
try {
  sim = await simulate([{ kind: "newapi-jwt", name: "Orchard", keys: 14 }, { kind: "oneapi", name: "Harbour", keys: 9 }]);
  const [masked, plain] = sim.sites;
  const began = performance.now();
  app = await launch({ dist: resolve(values.dist) });
  steps.push({ what: "Start Chromium", ms: Math.round(performance.now() - began), shown: await app.browser.version() });
  const tabs = [];
  for (const site of sim.sites) tabs.push(await site.signIn(app));

  await step("Set up the vault", () => app.onboard({ mode: "passphrase", passphrase: "a tour through Relaykeep" }));
  await step("Add the New API account from its tab", async () => {
    const read = await app.addAccountFromTab(tabs[0], { userId: masked.userId, token: masked.accessToken, name: "Orchard" });
    return read.split("\n").slice(0, 4).join(" ");
  });
  await step("Add the One API account from its tab", async () => {
    const read = await app.addAccountFromTab(tabs[1], { token: plain.accessToken, name: "Harbour" });
    return read.split("\n").slice(0, 4).join(" ");
  });
  await step("Sync both", async () => (await app.sync()).join(" · "));
  const listed = await step("List the keys", async () => {
    const rows = await app.keys();
    return `${rows.length} keys`;
  });
  const there = (await masked.keys()).length + (await plain.keys()).length;
  assert(listed === `${there} keys`, `the sites have ${there} keys, shown are ${listed}`);
  await step("Reveal the masked ones", async () => (await app.reveal()).join(" · "));
  const wanted = (await masked.keys()).find((key) => key.name === "cursor");
  await step("Search", async () => {
    const rows = await app.keys({ search: "cursor" });
    assert(rows.some((row) => row.name === "cursor"), "the search found no cursor");
    return `${rows.length} of ${there}`;
  });
  await step("Copy a key", async () => {
    const text = await app.copyKey({ account: "Orchard", name: "cursor" });
    assert(text === wanted.full, "the clipboard holds another text than the site's key");
    return `${text.slice(0, 7)}…${text.slice(-4)} (${text.length} characters, equal to the site's)`;
  });
  await step("Lock", () => app.lock());
} catch (error) {
  failure = error;
} finally {
  await app?.close().catch(() => {});
  await sim?.stop();
}

const width = Math.max(...steps.map((one) => one.what.length), 4);
console.log(`\n  #  ${"step".padEnd(width)}     time  what was shown`);
steps.forEach((one, index) => console.log(`${String(index + 1).padStart(3)}  ${one.what.padEnd(width)}  ${String(one.ms).padStart(4)} ms  ${one.shown}`));
console.log(`\nPictures: target/tour/`);
if (failure) {
  console.error(`\nThe tour ended early: ${failure.stack}`);
  process.exit(1);
}
process.exit(0);
