// What most suites begin with: sites, a browser, a vault.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./driver.mjs";
import { RealSite, simulate } from "./sim.mjs";

export const PASSPHRASE = "correct horse 电池 staple";

/** `before` and `after` of a suite that needs these simulated sites and one browser with a vault;
 *  `ready` does what is left to do then. */
export function withSites(sites, { mode = "passphrase", vault = true, flags, prefs, many, shipped = false, ready } = {}) {
  return {
    async before(options) {
      const context = { options, PASSPHRASE };
      try {
        if (sites.length || many) {
          context.sim = await simulate(sites, { many });
          context.sites = context.sim.sites;
        }
        context.flags = typeof flags === "function" ? await flags(context) : flags;
        context.app = await launch({ browser: options.browser, dist: shipped ? options.shipped : options.dist, flags: context.flags, prefs });
        if (vault) await context.app.onboard({ mode, passphrase: PASSPHRASE });
        await ready?.(context);
      } catch (error) {
        await end(context);
        throw error;
      }
      context.shoot = async (path) => (await context.app.options()).page.screenshot({ path });
      return context;
    },
    after: end,
  };
}

async function end(context) {
  await context?.app?.close();
  await context?.sim?.stop();
  await context?.wire?.stop();
}

/** A browser of its own for one case; always closed. */
export async function fresh({ options }, act, given) {
  const app = await launch({ browser: options.browser, dist: options.dist, ...given });
  try {
    const answer = await act(app);
    await app.overhear?.();
    faultless(app);
    return answer;
  } finally {
    await app.close();
  }
}

/** Fails if a page of ours threw or complained meanwhile. */
export function faultless(app) {
  const faults = app?.faults.splice(0) ?? [];
  if (faults.length) throw new Error(`a page of ours failed: ${faults.join("\n").slice(0, 2000)}`);
}

/** Adds a simulated or real site's account by hand. */
export const addByHand = (app, site, name, change = {}) =>
  app.addAccount({ origin: site.base, userId: site.namesUser ? site.userId : undefined, token: site.accessToken, name, ...change });

/** The same, unless an account of this name is there. */
export async function ensure(app, site, name) {
  const lines = (await app.accounts()).flatMap((one) => one.text.split("\n").map((line) => line.trim()));
  if (!lines.includes(name)) await addByHand(app, site, name);
}

/** Real servers as sites with two keys of this run each, and a build that may ask them: those that
 *  give access tokens, unless others are wanted. */
export async function realSites(options, wanted = (told) => told.accessToken) {
  const sites = options.sites.filter(wanted).map((told) => new RealSite(told, options.run));
  for (const site of sites) await site.addKeys([{ name: `${options.run} a` }, { name: `${options.run} b` }]);
  const { dist, remove } = distFor(options.dist, sites.map((site) => new URL(site.origin)));
  return {
    sites,
    dist,
    async cleanUp() {
      for (const site of sites) await site.cleanUp();
      remove();
    },
  };
}

/** A copy of the build that may ask these sites too: a permission prompt cannot be clicked headless. */
export function distFor(from, urls) {
  const dist = mkdtempSync(join(tmpdir(), "relaykeep-dist-"));
  cpSync(from, dist, { recursive: true });
  const path = join(dist, "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  for (const { protocol, hostname } of urls) manifest.host_permissions.push(`${protocol}//${hostname}/*`);
  writeFileSync(path, JSON.stringify(manifest));
  return { dist, remove: () => rmSync(dist, { recursive: true }) };
}
