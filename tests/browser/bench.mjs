// `./build.sh bench`: how fast it is, as ratios to a floor measured in the same run.
//
//   node bench.mjs --dist target/bench/chromium --shipped dist/chromium [--only NAME]
//
// The floor is a hello-world Leptos page in the same extension. Every opening is measured with the
// vault unlocked and the worker stopped. "Shown" is the first frame in which rows with their keys
// are laid out on screen, taken by the same script for the floor and for our pages.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { freshProfile, removeProfile, start } from "./chromium.mjs";
import { addByHand, PASSPHRASE } from "./context.mjs";
import { launch, sleep, until } from "./driver.mjs";
import { simulate } from "./sim.mjs";

const { values } = parseArgs({ options: { dist: { type: "string" }, shipped: { type: "string" }, only: { type: "string" } } });
const dist = resolve(values.dist ?? "target/bench/chromium");
const shipped = resolve(values.shipped ?? "dist/chromium");
const wanted = (name) => !values.only || name.includes(values.only);

const results = [];
const ROUNDS = 9;

const sorted = (list) => list.toSorted((a, b) => a - b);
const median = (list) => quantile(list, 0.5);
const quantile = (list, q) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * q))];
const round = (value, digits = 1) => Number(value.toFixed(digits));

function note(name, value, unit, budget, more = "") {
  const within = budget === null ? null : value <= budget;
  results.push({ name, value: round(value, unit === "×" ? 2 : 1), unit, budget, within, ...(more && { note: more }) });
  console.log(`    ${name}: ${round(value, 2)} ${unit}${budget === null ? "" : ` (budget ${budget})`}${more ? ` — ${more}` : ""}`);
}

// ---- what runs in the pages -----------------------------------------------------------------

/** Installed before the page's own scripts: notes the frames in which something that fits either
 *  selector is first on screen, and something that fits the second one. */
function watchFirst(first, live) {
  const seen = (selector) => new Promise((resolve) => {
    const look = () => {
      const found = document.querySelector(selector);
      const box = found?.getBoundingClientRect();
      if (!box || box.height === 0 || box.top >= innerHeight) return requestAnimationFrame(look);
      // A frame's callbacks come before its drawing, a message sent in one after it.
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.now());
      channel.port2.postMessage(0);
    };
    requestAnimationFrame(look);
  });
  globalThis.benchShown = Promise.all([seen(`${first}, ${live}`), seen(live)]);
}

// ---- opening ----------------------------------------------------------------------------------

// A group's heading and a line in reserve have an empty key.
const ROW = '[data-key]:not([data-key=""])';

/** Milliseconds from navigation to rows on screen, and to rows that can be pressed; the worker is
 *  stopped before. */
async function opening(app, path, selector, { size = { width: 1280, height: 760 }, live = selector } = {}) {
  const page = await app.browser.newPage();
  await page.setViewport(size);
  await page.evaluateOnNewDocument(watchFirst, selector, live);
  await stopWorker(app);
  await page.goto(app.url(path), { waitUntil: "domcontentloaded" });
  const [shown, ready] = await page.evaluate(() => globalThis.benchShown);
  return { page, shown, ready };
}

async function stopWorker(app) {
  // One that was being started for the page before comes only after the first stop.
  await until("the worker to stop", async () => {
    await app.killWorker();
    await sleep(100);
    return !(await app.workerAlive());
  });
  await sleep(150); // let the machine settle, for the floor as for ours
}

/** Medians of openings, the floor's between ours so that both meet the same machine. */
async function openings(app, list) {
  await (await app.options()).page.close(); // an open page would wake the worker again
  const times = Object.fromEntries(list.flatMap(([name]) => [[name, []], [`${name}, ready`, []]]));
  for (let i = 0; i < ROUNDS + 1; i++) {
    for (const [name, path, selector, options] of list) {
      const { page, shown, ready } = await opening(app, path, selector, options);
      await sleep(400); // the page keeps how it looks
      await page.close();
      if (i === 0) continue; // the first fills the code cache
      times[name].push(shown);
      times[`${name}, ready`].push(ready);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

const FLOOR = ["floor", "floor.html", "#floor"];
// Rows are on screen as the picture of the last opening first, and then for good: both are timed.
const OPTIONS = ["options", "options.html#/keys", "[data-picture] .r", { live: `[role=grid] ${ROW}` }];
const POPUP = ["popup", "popup.html", "[data-picture] .it", { size: { width: 400, height: 600 }, live: `[role=option]${ROW}` }];

/** A browser with a vault holding keys of `accounts` sites, `keys` each, never refreshed by itself. */
async function withKeys({ accounts, keys }, act) {
  const sim = await simulate([], { many: { kind: "newapi-2025-04", count: accounts, keys, limits: "off" } });
  const app = await launch({ dist });
  try {
    await app.onboard({ passphrase: PASSPHRASE });
    await neverByItself(app);
    await addAll(app, sim.sites);
    await act(app, sim.sites);
  } finally {
    await app.close();
    await sim.stop();
  }
}

async function neverByItself(app) {
  const settings = await app.options("settings");
  await settings.choose("Sync by itself every", "never");
  await settings.choose("On opening, refresh what is older than", "never");
}

async function addAll(app, sites) {
  let added = 0;
  for (const site of sites) {
    await addByHand(app, site, `account ${++added}`);
    if (added % 20 === 0) console.log(`    ${added} accounts added`);
  }
}

async function thousand() {
  await withKeys({ accounts: 10, keys: 100 }, async (app) => {
    const time = await openings(app, [FLOOR, OPTIONS, POPUP]);
    note("floor: first paint of a hello-world page", time.floor, "ms", null);
    note("options page, 1 000 keys shown", time.options / time.floor, "×", 1.8, `${round(time.options)} ms`);
    note("popup, 1 000 keys shown", time.popup / time.floor, "×", 1.5, `${round(time.popup)} ms`);
    for (const name of ["options", "popup"]) {
      const ready = time[`${name}, ready`];
      note(`${name}, 1 000 keys: rows that can be pressed`, ready / time.floor, "×", null, `${round(ready)} ms`);
    }
  });
}

async function tenThousand() {
  await withKeys({ accounts: 100, keys: 100 }, async (app, sites) => {
    const time = await openings(app, [FLOOR, OPTIONS]);
    note("10 000 keys: options page shown", time.options, "ms", 400);
    note("10 000 keys: options page against the floor", time.options / time.floor, "×", 5, `floor ${round(time.floor)} ms`);
    await heap(app);
    await keystrokes(app, sites);
    await scrolling(app);
    await everyRow(app, sites);
    await previewing(app);
    await requestsBeforeRows(app, sites);
    await unlocking(app);
  });
}

async function heap(app) {
  await (await app.options()).page.close();
  const sizes = [];
  for (let i = 0; i < 5; i++) {
    const { page } = await opening(app, ...OPTIONS.slice(1));
    await sleep(1500); // all chunks have come
    const cdp = await page.createCDPSession();
    await cdp.send("HeapProfiler.enable");
    await cdp.send("HeapProfiler.collectGarbage");
    const used = await cdp.send("Runtime.getHeapUsage");
    sizes.push(used.usedSize + (used.backingStorageSize ?? 0));
    await page.close();
  }
  note("10 000 keys: JS and wasm heap of the page", median(sizes) / 1_000_000, "MB", 30);
}

async function keystrokes(app, sites) {
  const view = await app.options("keys");
  const { page } = view;
  await page.bringToFront();
  await page.setViewport({ width: 1280, height: 760 });
  await page.evaluate(() => {
    const box = document.querySelector('[type=search],[role=searchbox]');
    globalThis.benchStrokes = [];
    let began;
    let last;
    addEventListener("input", () => {
      began = performance.now();
      last = undefined;
      const channel = new MessageChannel();
      // Everything that changed up to the next drawn frame belongs to this keystroke.
      requestAnimationFrame(() => {
        channel.port1.onmessage = () => {
          if (last !== undefined) globalThis.benchStrokes.push(last - began);
        };
        channel.port2.postMessage(0);
      });
    }, true);
    new MutationObserver(() => (last = performance.now())).observe(document.querySelector("[role=grid]").parentElement, { subtree: true, childList: true, characterData: true, attributes: true });
    box.focus();
  });
  const box = await view.find("searchbox", "Search keys");
  await box.click();
  for (const word of ["key-0", "cursor", "key-99", "vip", "key-12", "test", "key-5", "zed", "key-777", "nas", "key-31", "laptop"]) {
    for (const letter of word) {
      await page.keyboard.type(letter);
      await sleep(90);
    }
    for (let i = 0; i < word.length; i++) {
      await page.keyboard.press("Backspace");
      await sleep(90);
    }
  }
  const strokes = await page.evaluate(() => globalThis.benchStrokes);
  if (strokes.length < 60) throw new Error(`only ${strokes.length} keystrokes changed the list`);
  note("10 000 keys: keystroke to list updated, p50", quantile(strokes, 0.5), "ms", 8, `${strokes.length} keystrokes`);
  note("10 000 keys: keystroke to list updated, p95", quantile(strokes, 0.95), "ms", 16);

  const after = [];
  for (const at of [3, 25, 50, 75, 99]) {
    const key = (await sites[at].keys())[at];
    await app.search(view, "");
    await page.keyboard.type(key.full.slice(20, 27));
    await sleep(150);
    const waited = page.evaluate((id) => new Promise((resolve) => {
      addEventListener("input", () => {
        const began = performance.now();
        const look = () => (document.querySelector(`[data-key$="/${id}"]`) ? resolve(performance.now() - began) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      }, { once: true, capture: true });
    }), key.id);
    await sleep(50);
    await page.keyboard.type(key.full[27]);
    after.push(await waited);
  }
  note("10 000 keys: hits inside the key itself, after the keystroke", median(after), "ms", 100);
  await app.search(view, "");
}

async function scrolling(app) {
  const view = await app.options("keys");
  const ours = await framesOfScrolling(view.page, await (await view.find("grid", "Keys")).boundingBox());
  const plain = await app.browser.newPage();
  await plain.setViewport({ width: 1280, height: 760 });
  await plain.setContent(`<style>#list { height: 700px; overflow: auto } #list div { height: 38px }</style><div id="list">${"<div>a line of plain text</div>".repeat(10_000)}</div>`);
  await plain.bringToFront();
  const floor = await framesOfScrolling(plain, await (await plain.$("#list")).boundingBox());
  await plain.close();
  await view.page.bringToFront();
  note("10 000 keys: scrolling, p95 frame", ours, "ms", 20, `10 000 lines of plain text: ${round(floor)} ms`);
}

async function framesOfScrolling(page, box) {
  await page.mouse.move(box.x + box.width / 2, box.y + Math.min(box.height, 600) / 2);
  const p95 = [];
  for (let i = 0; i < 5; i++) {
    await page.evaluate(() => {
      globalThis.benchFrames = [];
      let before;
      const frame = (at) => {
        if (before !== undefined) globalThis.benchFrames.push(at - before);
        before = at;
        globalThis.benchScrolling = requestAnimationFrame(frame);
      };
      globalThis.benchScrolling = requestAnimationFrame(frame);
    });
    for (let n = 0; n < 120; n++) {
      await page.mouse.wheel({ deltaY: 400 * (i % 2 ? -1 : 1) });
      await sleep(12);
    }
    const frames = await page.evaluate(() => (cancelAnimationFrame(globalThis.benchScrolling), globalThis.benchFrames));
    p95.push(quantile(frames, 0.95));
  }
  return median(p95);
}

async function everyRow(app, sites) {
  const rows = await app.keys();
  let there = 0;
  for (const site of sites) there += (await site.keys()).length;
  const missing = there - new Set(rows.map((row) => row.ref)).size;
  note("10 000 keys: rows not reached by scrolling", missing, "rows", 0);
}

/** From the press on an act to the plan for all 10 000 keys. */
async function previewing(app) {
  const view = await app.options("keys");
  const { page } = view;
  await app.search(view, "");
  const row = await until("a row", async () => (await view.visible(ROW))[0]);
  await (await row.waitForSelector('::-p-aria([role="checkbox"])')).click();
  await view.click("button", "Select all shown");
  const times = [];
  for (let i = 0; i < 5; i++) {
    await page.evaluate(() => {
      globalThis.benchPlanned = new Promise((resolve) => {
        addEventListener("click", () => {
          const began = performance.now();
          const look = () => {
            const dialog = document.querySelector("dialog[open]");
            if (dialog && !/Looking at what that takes/.test(dialog.innerText) && /\d,\d{3} keys/.test(dialog.innerText)) resolve(performance.now() - began);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }, { capture: true, once: true });
      });
    });
    await app.onSelection("Disable");
    times.push(await page.evaluate(() => globalThis.benchPlanned));
    await page.keyboard.press("Escape");
    await until("the window to close", async () => !(await page.$("dialog[open]")));
  }
  note("10 000 keys: preview of a bulk act", median(times), "ms", 300);
  await view.click("button", "Clear selection");
}

async function requestsBeforeRows(app, sites) {
  await (await app.options()).page.close();
  for (const site of sites) await site.resetLog();
  for (const [, path, selector, options] of [OPTIONS, POPUP]) {
    const { page } = await opening(app, path, selector, options);
    await sleep(1500);
    await page.close();
  }
  let requests = 0;
  for (const site of sites) requests += (await site.log()).length;
  note("requests on opening pages, refresh-on-open off", requests, "requests", 0);
}

async function unlocking(app) {
  const times = [];
  for (let i = 0; i < 5; i++) {
    await app.lock();
    const view = await app.options();
    const { page } = view;
    await view.type("textbox", "Passphrase", PASSPHRASE);
    await page.evaluate((row) => {
      globalThis.benchUnlocked = new Promise((resolve) => {
        addEventListener("keydown", (event) => {
          if (event.key !== "Enter") return;
          const began = performance.now();
          const look = () => {
            const box = document.querySelector(row)?.getBoundingClientRect();
            if (box?.height > 0) resolve(performance.now() - began);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }, { capture: true });
      });
    }, OPTIONS[3].live);
    await page.keyboard.press("Enter");
    times.push(await page.evaluate(() => globalThis.benchUnlocked));
  }
  note("unlock (Argon2id 64 MiB, t=3) to 10 000 keys shown", median(times), "ms", 600);
}

// ---- syncing -----------------------------------------------------------------------------------

/** Presses Sync all and takes the time until Activity says that the job has ended. */
async function timedSync(app) {
  const before = (await app.jobs()).map((job) => job.id);
  const view = await app.options("accounts");
  await view.page.evaluate(() => addEventListener("click", () => (globalThis.benchClicked = performance.now()), { capture: true, once: true }));
  await view.click("button", "Sync all");
  const activity = await app.options("activity");
  return activity.page.evaluate((old) => new Promise((resolve) => {
    const look = () => {
      const job = [...document.querySelectorAll("[data-job]")].find((one) => !old.includes(one.dataset.job));
      const stop = job && [...job.querySelectorAll("button")].some((one) => /^Stop/.test((one.ariaLabel ?? one.textContent).trim()));
      if (job && !stop) resolve(performance.now() - globalThis.benchClicked);
      else requestAnimationFrame(look);
    };
    look();
  }), before);
}

/** Runs in the worker: the same requests, `most` in flight, nothing else. */
async function bareLoop(requests, most) {
  const began = performance.now();
  let next = 0;
  let failed = 0;
  const one = async () => {
    while (next < requests.length) {
      const { url, method, headers, body } = requests[next++];
      try {
        const answer = await fetch(url, { method, headers, body, redirect: "error", cache: "no-store", credentials: "omit" });
        await answer.arrayBuffer();
        if (!answer.ok) failed++;
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: most }, one));
  return { ms: performance.now() - began, failed };
}

/** Evaluates in the worker, through a debugger that is there only for that long. */
async function inWorker(app, act, ...args) {
  const root = await app.browser.target().createCDPSession();
  const { targetInfos } = await root.send("Target.getTargets", { filter: [{ type: "service_worker" }] });
  const worker = targetInfos.find((one) => one.url.startsWith(app.url("")));
  if (!worker) throw new Error("the worker does not run");
  const { sessionId } = await root.send("Target.attachToTarget", { targetId: worker.targetId, flatten: true });
  const session = root.connection().session(sessionId);
  const expression = `(${act})(${args.map((one) => JSON.stringify(one)).join(",")})`;
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  await root.send("Target.detachFromTarget", { sessionId });
  await root.detach();
  if (exceptionDetails) throw new Error(exceptionDetails.text);
  return result.value;
}

/** The requests of the last sync, site by site, as the sites saw them. */
async function requestsOf(sites) {
  const perSite = await Promise.all(sites.map(async (site) =>
    (await site.log({ raw: true })).map((one) => ({
      url: `${site.origin}${one.path}${one.query ? `?${one.query}` : ""}`,
      method: one.method,
      headers: Object.fromEntries(one.rawHeaders.filter(([name]) => ["authorization", "new-api-user", "accept", "content-type"].includes(name))),
      body: one.rawBody || undefined,
    })),
  ));
  return perSite;
}

async function syncing(name, { sites: siteCount, accounts }) {
  const LATENCY = 50;
  const sim = await simulate([], { many: { kind: "newapi-2025-04", count: siteCount, keys: 100, latency: LATENCY, limits: "off" } });
  const app = await launch({ dist });
  try {
    await app.onboard({ mode: "device" });
    await neverByItself(app);
    const each = accounts / siteCount;
    let added = 0;
    for (const [index, site] of sim.sites.entries()) {
      await addByHand(app, site, `account ${++added}`);
      for (let user = 1; user < each; user++) {
        const id = 10 + user;
        await site.user({ create: true, id, user: `user${user}` });
        await site.changeKeys({ user: id, bulk: 100 });
        const { accessToken } = await fetch(`${site.control}/pat`, { method: "POST", body: JSON.stringify({ user: id }) }).then((one) => one.json());
        await addByHand(app, site, `account ${++added}`, { userId: id, token: accessToken });
      }
      if (index % 20 === 19) console.log(`    ${added} accounts added`);
    }
    await timedSync(app); // brings the keys; from then on nothing changes
    const ours = [];
    const bare = [];
    let perSite;
    for (let i = 0; i < 5; i++) {
      for (const site of sim.sites) await site.resetLog();
      ours.push(await timedSync(app));
      perSite = await requestsOf(sim.sites);
      const flat = [];
      for (let n = 0; perSite.some((list) => n < list.length); n++) for (const list of perSite) if (list[n]) flat.push(list[n]);
      await app.jobs(); // wakes the worker
      const loop = await inWorker(app, bareLoop, flat, 16);
      if (loop.failed) throw new Error(`${loop.failed} of ${flat.length} bare requests failed`);
      bare.push(loop.ms);
    }
    const requests = perSite.reduce((sum, list) => sum + list.length, 0);
    const time = median(ours);
    if (each === 1) {
      const floor = median(bare);
      note(name, time / floor, "×", 1.3, `${round(time)} ms, ${requests} requests; bare loop ${round(floor)} ms`);
    } else {
      // One origin is asked one after the other: no client is faster than its longest queue.
      const single = median(bare) * 16 / requests;
      const longest = Math.max(...perSite.map((list) => list.length)) * single;
      const floor = Math.max(longest, (requests * single) / 16);
      note(name, time / floor, "×", 1.3, `${round(time)} ms, ${requests} requests; floor ${round(floor)} ms`);
    }
    await unchangedWrites(app, accounts);
  } finally {
    await app.close();
    await sim.stop();
  }
}

/** How many sealed objects an unchanged sync writes, beyond the run's own record: the finished job, the
 *  ledger of times, and the shard that names both. */
async function unchangedWrites(app, accounts) {
  const view = await app.options("accounts");
  await view.page.evaluate(() => {
    globalThis.benchWritten = new Set();
    chrome.storage.local.onChanged.addListener((changes) => {
      for (const [name, { newValue }] of Object.entries(changes)) if (newValue !== undefined) globalThis.benchWritten.add(name);
    });
  });
  await timedSync(app);
  const written = await view.page.evaluate(() => [...globalThis.benchWritten]);
  const objects = written.filter((one) => one.startsWith("rk1/o/")).length;
  note(`second, unchanged sync of ${accounts} accounts: objects written beyond the run's own record`, Math.max(0, objects - 3), "objects", 0, `${objects} objects in all`);
}

// ---- watching ----------------------------------------------------------------------------------

/** An ordinary page of some size, without anything of a relay's. */
const ORDINARY = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Ordinary</title><body>${"<section><h2>Sowing</h2><p>The tomatoes were sown on the third of March.</p><ul><li>Red<li>Yellow<li>Green</ul></section>".repeat(400)}<script>localStorage.setItem("theme", "dark"); localStorage.setItem("status", "open"); localStorage.setItem("user", JSON.stringify({ name: "maria" }));</script></body></html>`;

/** An extension that only puts this script into every page. */
function bareExtension(script) {
  const dir = mkdtempSync(join(tmpdir(), "relaykeep-bare-"));
  writeFileSync(join(dir, "script.js"), script);
  writeFileSync(join(dir, "manifest.json"), JSON.stringify({
    manifest_version: 3, name: "bare", version: "1", content_scripts: [{ matches: ["http://127.0.0.1/*"], js: ["script.js"], run_at: "document_idle" }],
  }));
  return dir;
}

/** What pages cost with this script: milliseconds of scripts, and bytes of heap, medians of `rounds`. */
async function pagesWith(script, url, rounds) {
  const dir = bareExtension(script);
  const profile = freshProfile();
  const chromium = await start({ dist: dir, profile });
  const time = [];
  const heap = [];
  try {
    for (let i = 0; i < rounds + 3; i++) {
      const page = await chromium.browser.newPage();
      const cdp = await page.createCDPSession();
      await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
      const read = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
      const before = await read();
      await page.goto(url, { waitUntil: "load" });
      await sleep(3600); // the script's second look is over
      const after = await read();
      await cdp.send("HeapProfiler.enable");
      await cdp.send("HeapProfiler.collectGarbage");
      const { usedSize } = await cdp.send("Runtime.getHeapUsage");
      await page.close();
      if (i < 3) continue;
      time.push((after.ScriptDuration - before.ScriptDuration) * 1000);
      heap.push(usedSize);
    }
  } finally {
    await chromium.close();
    removeProfile(profile);
    rmSync(dir, { recursive: true, force: true });
  }
  return { time: median(time), heap: median(heap) };
}

async function watchingCost() {
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(ORDINARY));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  try {
    const empty = await pagesWith("", url, ROUNDS);
    const ours = await pagesWith(readFileSync(join(shipped, "site/watch.js"), "utf8"), url, ROUNDS);
    note("watching: script time on an ordinary page, above an empty script", ours.time - empty.time, "ms", 3, `${round(empty.time, 2)} and ${round(ours.time, 2)} ms`);
    note("watching: heap of an ordinary page, above an empty script", (ours.heap - empty.heap) / 1_000_000, "MB", 0.1, `${round(empty.heap / 1e6, 3)} and ${round(ours.heap / 1e6, 3)} MB`);
  } finally {
    server.close();
  }
}

// ---- sizes ----------------------------------------------------------------------------------------

function sizes() {
  const all = (dir) => readdirSync(dir, { withFileTypes: true }).reduce((sum, one) => sum + (one.isDirectory() ? all(join(dir, one.name)) : statSync(join(dir, one.name)).size), 0);
  note("dist/chromium unpacked", all(shipped) / 1000, "kB", 1400);
  note("worker wasm", statSync(join(shipped, "background/relaykeep_background_bg.wasm")).size / 1000, "kB", 600);
  note("ui wasm", statSync(join(shipped, "ui/relaykeep_ui_bg.wasm")).size / 1000, "kB", 750);
}

/** From the click on "Check this site" to the verdict on screen, at sites 50 ms away. */
async function recognising() {
  const KINDS = ["newapi-2025-04", "newapi-cookie", "newapi-jwt", "oneapi"];
  const sim = await simulate(KINDS.map((kind) => ({ kind, keys: 1, latency: 50, limits: "off" })));
  const app = await launch({ dist });
  try {
    await app.onboard({ passphrase: PASSPHRASE });
    const times = [];
    let most = 0;
    for (const site of sim.sites) {
      const page = await site.signIn(app);
      const popup = await app.popup(page);
      await popup.find("button", "Check this site");
      await popup.find("button", "Add this site");
      const own = [];
      for (let round = 0; round < 5; round++) {
        await site.resetLog();
        const took = await popup.page.evaluate(() => new Promise((done) => {
          const button = () => [...document.querySelectorAll(".site button")].find((one) => one.textContent.trim() === "Check this site");
          const began = performance.now();
          let asked = false;
          button().click();
          const look = () => {
            const now = button();
            asked ||= now?.disabled ?? true;
            if (asked && now && !now.disabled) done(performance.now() - began);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }));
        own.push(took);
        const requests = (await site.log()).filter((one) => /\/api\/(status|user\/self)$/.test(one.path)).length;
        most = Math.max(most, requests);
      }
      times.push(...own);
      console.log(`    ${site.kind}: ${round(median(own))} ms`);
      await app.closePopup(popup);
      await page.close();
    }
    note("recognition: requests", most, "requests", 2);
    note("recognition at 50 ms latency", median(times), "ms", 300, `${times.length} looks at ${KINDS.length} kinds`);
  } finally {
    await app.close();
    await sim.stop();
  }
}

const PARTS = [
  ["sizes", sizes],
  ["recognition", recognising],
  ["watching", watchingCost],
  ["thousand", thousand],
  ["ten-thousand", tenThousand],
  ["sync-100", () => syncing("sync of 100 accounts × 100 keys on 100 origins, against bare fetches", { sites: 100, accounts: 100 })],
  ["sync-20x5", () => syncing("sync of 100 accounts, 5 a site, against the longest queue", { sites: 20, accounts: 100 })],
];

let broken = 0;
for (const [name, act] of PARTS.filter(([one]) => wanted(one))) {
  console.log(`\n${name}`);
  try {
    await act();
  } catch (error) {
    broken++;
    console.error(`    ${name} could not be measured: ${error.stack}`);
  }
}

mkdirSync("target", { recursive: true });
writeFileSync("target/bench.json", `${JSON.stringify({ results }, null, 2)}\n`);
const width = Math.max(...results.map((one) => one.name.length), 4);
console.log(`\n${"what".padEnd(width)}      value         budget`);
for (const one of results) {
  const mark = one.within === null ? "" : one.within ? "within" : "OVER";
  console.log(`${one.name.padEnd(width)}  ${String(one.value).padStart(9)} ${one.unit.padEnd(8)} ${one.budget === null ? "".padStart(6) : String(one.budget).padStart(6)}  ${mark}`);
}
console.log(`\n${cpus().length} × ${cpus()[0].model}; medians of ${ROUNDS} openings and 5 of the rest; target/bench.json`);
process.exit(broken || results.some((one) => one.within === false) ? 1 : 0);
