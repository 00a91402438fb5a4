// Runs the browser suites one after the other and prints one line per case.
//
//   node run.mjs --dist DIR --shipped DIR [--browser firefox] [--only NAME] [--sites FILE] [--alone]
//
// A suite is a module with `export default { name, cases: [{ name, run, real? }], before?, after? }`.
// `run` gets the context that `before` returned: sites, a browser, a vault. Cases share it, because
// making it takes seconds, but none needs what another one left: after a failure all of it is made
// anew, and with --alone before every case. `real: true` marks what may run against real servers
// (`onlyReal`: nothing to do without those it `wants`, by default such as give access tokens); with --sites all others are listed as skipped, with the reason.
// A suite that mostly waits says `beside: true` and runs, with others like it, beside the rest.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { faultless } from "./context.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    dist: { type: "string" },
    shipped: { type: "string" },
    only: { type: "string" },
    sites: { type: "string" },
    alone: { type: "boolean" },
    browser: { type: "string" },
  },
});
const browser = values.browser ?? "chromium";
export const options = {
  browser,
  dist: resolve(values.dist ?? `target/test/${browser}`),
  shipped: resolve(values.shipped ?? `dist/${browser}`),
  sites: values.sites && JSON.parse(readFileSync(values.sites, "utf8")),
  /** Part of the names of all keys this run makes at real servers. */
  run: `rk${Date.now().toString(36)}`,
};

const LONGEST = 240_000;
const shots = resolve("target/shots");
mkdirSync(shots, { recursive: true });

const suitesIn = (folder) => readdirSync(join(HERE, folder)).filter((name) => name.endsWith(".mjs")).sort().map((name) => join(HERE, folder, name));
const files = browser === "firefox" ? suitesIn("firefox") : [join(HERE, "profile.test.mjs"), ...suitesIn("e2e")];
const results = [];
const times = [];
const only = values.only?.toLowerCase();

const suites = [];
for (const file of files) suites.push((await import(pathToFileURL(file))).default);
const lane = async (wanted) => {
  for (const suite of suites.filter(wanted)) await runSuite(suite);
};
await Promise.all([lane((suite) => !suite.beside), lane((suite) => suite.beside)]);

async function runSuite(suite) {
  const cases = suite.cases.filter((one) => !one.onlyReal || options.sites?.some(one.wants ?? ((told) => told.accessToken)));
  const wanted = cases.filter((one) => !only || `${suite.name}: ${one.name}`.toLowerCase().includes(only));
  if (wanted.length === 0) return;
  const may = (one) => !options.sites || one.real;
  const began = performance.now();
  let context;
  const end = async () => {
    const ended = context;
    context = undefined;
    if (ended) await limited(suite.after?.(ended)).catch((error) => report("FAIL", `${suite.name}: ends cleanly`, 0, error));
  };
  for (const one of wanted) {
    const label = `${suite.name}: ${one.name}`;
    if (!may(one)) {
      report("skip", label, 0, new Error(one.why ?? "needs a simulated site"));
      continue;
    }
    const began = performance.now();
    try {
      context ??= (await limited(suite.before?.(options))) ?? options;
      await limited(Promise.resolve().then(() => one.run(context)), one.longest);
      await context.app?.overhear?.();
      faultless(context.app);
      report("ok", label, performance.now() - began);
      if (values.alone) await end();
    } catch (error) {
      report("FAIL", label, performance.now() - began, error);
      await context?.shoot?.(join(shots, `${label.replaceAll(/\W+/g, "-").slice(0, 80)}.png`)).catch(() => {});
      await end();
    }
  }
  await end();
  times.push(`${suite.name} ${((performance.now() - began) / 1000).toFixed(0)} s`);
}

function limited(promise, longest = LONGEST) {
  let timer;
  return Promise.race([
    Promise.resolve(promise),
    new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${longest / 1000} s`)), longest);
    }),
  ]).finally(() => clearTimeout(timer));
}

function report(result, label, ms, error) {
  results.push({ result, label, ms: Math.round(ms), said: error?.message });
  const time = ms ? `  (${(ms / 1000).toFixed(1)} s)` : "";
  console.log(`${result.padEnd(4)} ${label}${time}${result === "skip" ? `  — ${error.message}` : ""}`);
  if (result === "FAIL") console.log(error.stack?.replaceAll(/^/gm, "       ") ?? error);
}

const count = (result) => results.filter((one) => one.result === result).length;
writeFileSync(resolve(browser === "chromium" ? "target/e2e.json" : `target/e2e-${browser}.json`), JSON.stringify(results, null, 1));
if (only && results.length === 0) {
  console.log(`no suite or case is called "${values.only}"`);
  process.exitCode = 1;
}
console.log(`times: ${times.join(" · ")}`);
console.log(`suites: ${count("ok")} passed, ${count("FAIL")} failed, ${count("skip")} skipped`);
process.exit(count("FAIL") || process.exitCode ? 1 : 0);
