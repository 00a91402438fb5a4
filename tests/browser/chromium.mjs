// A Chromium with one unpacked extension, started the same way everywhere.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { puppeteer } from "./packages.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--lang=en-US",
];

/** A profile folder of its own, for the caller to remove. */
export const freshProfile = () => mkdtempSync(join(tmpdir(), "relaykeep-profile-"));

/** Removes a profile; a dying browser may still be writing, so it is tried again. */
export const removeProfile = (profile) => rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

/** Browsers that were started and not yet closed: killed with us, whatever ends us. */
const alive = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    killAll();
    process.exit(130);
  });
}
process.on("exit", killAll);

function killAll() {
  for (const entry of alive) {
    if (entry.end) entry.end();
    else kill(entry.process.pid);
    if (entry.temporary) removeProfile(entry.profile);
  }
  alive.clear();
}

/** Has another kind of browser killed with us too: `{ end, profile, temporary }`. Returns how to forget it. */
export function whenEnding(entry) {
  alive.add(entry);
  return () => alive.delete(entry);
}

function kill(pid) {
  try {
    process.kill(-pid, "SIGKILL"); // the whole group: a browser is many processes
  } catch {
    // It is dead already.
  }
}

/** Starts Chromium and loads `dist`. Ends with `close()` or `kill()`; `headless: false` for people. */
export async function start({ dist, profile, headless = true, flags = [], temporary = false, size = { width: 1280, height: 760 }, scheme }) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    headless: false, // puppeteer's own headless flags are not ours
    pipe: true,
    enableExtensions: true,
    // No debugger on the worker: attached, it would neither die by itself nor wake undisturbed.
    targetFilter: (target) => target.type() !== "service_worker",
    userDataDir: profile,
    defaultViewport: null,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    protocolTimeout: 120_000,
    // Ours name what is kept quiet; puppeteer's would also switch off what people have on.
    args: [...FLAGS, ...(headless ? ["--headless=new"] : []), `--window-size=${size.width},${size.height + 87}`, ...flags],
  });
  const entry = { process: browser.process(), profile, temporary };
  alive.add(entry);
  const id = await browser.installExtension(dist);
  const extension = (await browser.extensions()).get(id);
  const gone = new Promise((resolve) => entry.process.once("exit", resolve));
  return {
    browser,
    id,
    extension,
    profile,
    scheme,
    /** Ends it as a person closing the last window does. */
    async close() {
      await Promise.race([browser.close().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 10_000))]);
      kill(entry.process.pid);
      await gone;
      alive.delete(entry);
    },
    /** Ends it as a power cut does. */
    async kill() {
      kill(entry.process.pid);
      await gone;
      alive.delete(entry);
    },
  };
}
