// Puts one unpacked extension together: extension/ as it is, each built module in a folder of its
// own, and the manifest for one browser. Refuses what would fail only when the browser loads it.
//
//   node assemble.mjs --browser chromium|firefox --modules DIR --version 1.2.3 --out DIR
//                     [--loopback] [--extra DIR]
//
// --loopback  the test build: host_permissions for this machine, the ONLY difference.
// --extra     files laid over the result (the bench build's floor page).
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export const LOOPBACK = ["http://127.0.0.1/*", "http://localhost/*"];

/** The one manifest as one browser gets it. */
export function manifestFor(browser, whole, version) {
  const manifest = structuredClone(whole);
  manifest.version = version;
  if (browser === "chromium") {
    // Chromium warns of the other browser's background key, and of settings it does not know.
    delete manifest.background.scripts;
    delete manifest.browser_specific_settings;
  } else {
    delete manifest.background.service_worker;
    delete manifest.minimum_chrome_version;
    // Firefox has no offscreen documents: its event page reaches the clipboard itself.
    manifest.permissions = manifest.permissions.filter((name) => name !== "offscreen");
  }
  return manifest;
}

/** All files below a folder, as sorted paths relative to it. */
export function filesBelow(dir) {
  const found = [];
  const walk = (at) => {
    for (const name of readdirSync(at)) {
      const path = join(at, name);
      if (statSync(path).isDirectory()) walk(path);
      else found.push(relative(dir, path));
    }
  };
  walk(dir);
  return found.sort();
}

/** What the manifest and the pages point at but the extension does not hold. */
export function dangling(dir) {
  const missing = [];
  const need = (path, by) => {
    if (!existsSync(join(dir, path))) missing.push(`${by} needs ${path}`);
  };
  const manifest = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8"));
  for (const path of Object.values(manifest.icons)) need(path, "manifest.json");
  for (const path of Object.values(manifest.action.default_icon)) need(path, "manifest.json");
  need(manifest.action.default_popup, "manifest.json");
  need(manifest.options_ui.page, "manifest.json");
  for (const path of [manifest.background.service_worker, ...(manifest.background.scripts ?? [])])
    if (path) need(path, "manifest.json");
  const catalogue = `_locales/${manifest.default_locale}/messages.json`;
  need(catalogue, "manifest.json");
  if (existsSync(join(dir, catalogue))) {
    const messages = JSON.parse(readFileSync(join(dir, catalogue), "utf8"));
    for (const [, id] of JSON.stringify(manifest).matchAll(/__MSG_(\w+?)__/g))
      if (!messages[id]) missing.push(`manifest.json needs the message ${id} in ${catalogue}`);
  }
  for (const page of filesBelow(dir).filter((path) => path.endsWith(".html"))) {
    const html = readFileSync(join(dir, page), "utf8");
    for (const [, path] of html.matchAll(/(?:src|href)="([^"#:]+)"/g)) need(join(dirname(page), path), page);
  }
  for (const script of filesBelow(dir).filter((path) => path.endsWith(".js"))) {
    for (const path of imports(readFileSync(join(dir, script), "utf8"))) need(join(dirname(script), path), script);
  }
  return missing;
}

/** Of what wasm-pack made, the glue, the module, and the scripts the glue really imports. */
function whatRuns(modules) {
  const kept = new Set();
  const keep = (path) => {
    if (kept.has(path)) return;
    kept.add(path);
    if (!path.endsWith(".js")) return;
    for (const to of imports(readFileSync(join(modules, path), "utf8"))) keep(join(dirname(path), to));
  };
  for (const path of filesBelow(modules)) if (/\.(js|wasm)$/.test(path) && !path.includes("/snippets/")) keep(path);
  return kept;
}

/** The relative paths a script imports. */
const imports = (script) => [...script.matchAll(/(?:\bfrom|\bimport)\s*\(?["'](\.{1,2}\/[^"']+)["']/g)].map(([, path]) => path);

function assemble({ browser, modules, version, out, loopback, extra }) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  cpSync(join(ROOT, "extension"), out, { recursive: true });
  for (const path of whatRuns(modules)) cpSync(join(modules, path), join(out, path), { recursive: true });
  const whole = JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8"));
  const manifest = manifestFor(browser, whole, version);
  if (loopback) manifest.host_permissions = LOOPBACK;
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  // Descriptions are for translators; the browser reads the messages alone.
  for (const path of filesBelow(join(out, "_locales")).map((path) => join(out, "_locales", path))) {
    const messages = JSON.parse(readFileSync(path, "utf8"));
    for (const message of Object.values(messages)) delete message.description;
    writeFileSync(path, `${JSON.stringify(messages)}\n`);
  }
  if (extra) cpSync(extra, out, { recursive: true });
  const missing = dangling(out);
  if (missing.length) throw new Error(`${relative(ROOT, out)} would not load:\n  ${missing.join("\n  ")}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      browser: { type: "string" },
      modules: { type: "string" },
      version: { type: "string" },
      out: { type: "string" },
      loopback: { type: "boolean", default: false },
      extra: { type: "string" },
    },
  });
  try {
    assemble(values);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
