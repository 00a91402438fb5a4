// `./build.sh run`: two simulated sites and a browser to try Relaykeep by hand.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./driver.mjs";
import { simulate } from "./sim.mjs";

const { values } = parseArgs({ options: { dist: { type: "string" } } });
const sim = await simulate([
  { kind: "newapi-jwt", name: "Orchard", keys: 14 },
  { kind: "oneapi", name: "Harbour", keys: 9 },
]);
const app = await launch({ dist: resolve(values.dist), headless: false });
const pages = [];
for (const site of sim.sites) pages.push(await site.signIn(app));
const options = await app.options();
for (const page of await app.browser.pages()) if (page.url() === "about:blank") await page.close();
await options.page.bringToFront();

const [masked, plain] = sim.sites;
console.log(`
Relaykeep is open, and so are two sites, signed in:

  ${masked.base}  New API of today: it hides keys behind stars
  ${plain.base}  One API: it shows them

  1. In the Relaykeep tab, choose how the vault is protected.
  2. Go to a site's tab and click Relaykeep's icon (behind the puzzle piece) → Add this site.
     User id and access token, if it asks:
       ${masked.host}   user id ${masked.userId}   access token ${masked.accessToken}
       ${plain.host}   user id ${plain.userId}   access token ${plain.accessToken}
  3. Sync, Reveal masked, search, Copy.

The sites' own login: ${masked.username} / ${masked.password}
Close the browser or press Ctrl+C to end; profile and sites go with it.
`);

await new Promise((resolve) => app.browser.once("disconnected", resolve));
await app.close();
await sim.stop();
process.exit(0);
