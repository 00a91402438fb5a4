// What the stores' linter says of an unpacked extension, less what is allowed with a reason.
// An allowance that matches nothing fails too: it would hide something later.
//
//   node lint.mjs DIR
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const dir = process.argv[2];
const allowances = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), "web-ext-allow.json"), "utf8"));
const run = spawnSync(
  process.execPath,
  [join(process.env.RELAYKEEP_NPM, "node_modules/web-ext/bin/web-ext.js"), "lint", "--source-dir", dir, "--output", "json", "--no-config-discovery"],
  { encoding: "utf8", maxBuffer: 64 << 20 },
);
let report;
try {
  report = JSON.parse(run.stdout);
} catch {
  console.error(run.stdout, run.stderr);
  process.exit(1);
}
const used = new Set();
const left = [...report.errors, ...report.warnings, ...report.notices].filter((finding) => {
  const allowed = allowances.find(
    (one) => one.code === finding.code && one.file === finding.file && `${finding.message} ${finding.description}`.includes(one.says),
  );
  if (allowed) used.add(allowed);
  return !allowed;
});
for (const finding of left) console.error(`${finding._type} ${finding.code} ${finding.file ?? ""}:${finding.line ?? ""} ${finding.message}`);
for (const one of allowances) {
  if (used.has(one)) console.log(`allowed: ${one.code} in ${one.file}: ${one.reason}`);
  else console.error(`no longer needed in web-ext-allow.json: ${one.code} ${one.file}`);
}
const unused = allowances.length - used.size;
console.log(`${left.length} findings, ${used.size} allowed, ${unused} allowances unused`);
process.exit(left.length || unused ? 1 : 0);
