// A Firefox with the extension, started by geckodriver. Pages, ours and the sites', are driven over
// WebDriver BiDi; the browser's own scope does what no page can: press the toolbar button, answer a
// question about permissions, end the event page. puppeteer is not used here: Firefox keeps BiDi's
// events of extension pages to itself, and puppeteer waits for them. So this is a thin layer with
// the part of puppeteer's surface that the driver uses.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { sleep } from "./aria.mjs";
import { found, named } from "./aria-page.mjs";
import { whenEnding } from "./chromium.mjs";
import { WebSocket } from "./packages.mjs";

export const ADDON = "relaykeep@relaykeep.invalid";
const UUID = "5b1d3c52-6a0e-4c0b-9d3a-0f1e2d3c4b5a";

/** What the browser must not do by itself while it is watched, and an address for the add-on that is known before. */
const PREFS = {
  "extensions.webextensions.uuids": JSON.stringify({ [ADDON]: UUID }),
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.backup.enabled": false,
  "browser.newtabpage.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "sidebar.revamp": false,
};

const KEYS = {
  Control: "\uE009", Shift: "\uE008", Alt: "\uE00A", Enter: "\uE007", Escape: "\uE00C", Tab: "\uE004", Delete: "\uE017", Backspace: "\uE003",
  ArrowUp: "\uE013", ArrowDown: "\uE015", ArrowLeft: "\uE012", ArrowRight: "\uE014", Home: "\uE011", End: "\uE010", Space: " ",
};
const keyValue = (name) => KEYS[name] ?? (name.startsWith("Key") ? name.slice(3).toLowerCase() : name);

/** One session of geckodriver: its HTTP side and its BiDi side. */
class Session {
  #next = 1;
  #waiting = new Map();

  static async open({ profile, headless, size, prefs }) {
    const session = new Session();
    session.log = [];
    session.driver = spawn(process.env.GECKODRIVER ?? "geckodriver", ["--port", "0", "--websocket-port", "0", "--allow-system-access"], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      // Whatever the browser keeps at home lies in the profile too, and goes with it.
      env: { ...process.env, HOME: profile },
    });
    session.gone = new Promise((resolve) => session.driver.once("exit", resolve));
    const keep = (line) => session.log.push(line) > 400 && session.log.shift();
    createInterface({ input: session.driver.stderr }).on("line", keep);
    session.port = await new Promise((resolve, reject) => {
      session.driver.once("error", reject);
      session.driver.once("exit", (code) => reject(new Error(`geckodriver ended with ${code}: ${session.log.join("\n")}`)));
      createInterface({ input: session.driver.stdout }).on("line", (line) => {
        keep(line);
        const port = line.match(/Listening on 127\.0\.0\.1:(\d+)/);
        if (port) resolve(Number(port[1]));
      });
    });
    const options = {
      binary: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      args: [...(headless ? ["-headless"] : []), "-profile", profile, "-width", String(size.width), "-height", String(size.height + 100)],
      prefs,
    };
    const made = await session.http("POST", "/session", {
      capabilities: { alwaysMatch: { browserName: "firefox", webSocketUrl: true, unhandledPromptBehavior: "ignore", "moz:firefoxOptions": options } },
    });
    session.id = made.sessionId;
    session.capabilities = made.capabilities;
    session.socket = new WebSocket(made.capabilities.webSocketUrl);
    await new Promise((resolve, reject) => {
      session.socket.once("open", resolve);
      session.socket.once("error", reject);
    });
    session.socket.on("message", (text) => session.#hear(JSON.parse(String(text))));
    session.socket.on("close", () => {
      for (const { reject } of session.#waiting.values()) reject(new Error("the browser closed"));
      session.#waiting.clear();
    });
    await session.http("POST", "/moz/context", { context: "chrome" });
    return session;
  }

  async http(method, path, body) {
    const at = this.id ? `/session/${this.id}${path}` : path;
    const answer = await fetch(`http://127.0.0.1:${this.port}${at}`, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`Firefox: ${value.error}: ${value.message}`);
    return value;
  }

  send(method, params) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, method });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  #hear(said) {
    const waiting = this.#waiting.get(said.id);
    if (!waiting) return;
    this.#waiting.delete(said.id);
    if (said.type === "success") waiting.resolve(said.result);
    else waiting.reject(new Error(`Protocol: ${waiting.method}: ${said.error}: ${said.message}`));
  }

  /** Runs a function in the browser's own scope; plain values in and out. */
  chrome(act, ...args) {
    return this.http("POST", "/execute/sync", { script: `return (${act})(...arguments);`, args });
  }
}

// ---- pages and what is in them ----------------------------------------------------------------

const ARIA = /^::-p-aria\((.*)\)$/s;
function readSelector(text) {
  const aria = text.match(ARIA);
  if (!aria) return { css: text };
  const part = (name) => aria[1].match(new RegExp(`\\[${name}="((?:\\\\.|[^"\\\\])*)"\\]`))?.[1].replaceAll(/\\(.)/g, "$1");
  return { role: part("role"), name: part("name") };
}

/** Something in a page: an element or a value that stays there. */
class Handle {
  constructor(page, value) {
    this.page = page;
    this.value = value;
  }
  get reference() {
    const { type, sharedId, handle } = this.value;
    if (type === "node") return { sharedId };
    return handle ? { handle } : this.value; // a plain value travels as itself
  }
  asElement() {
    return this.value.type === "node" ? this : null;
  }
  evaluate(act, ...args) {
    return this.page.evaluate(act, this, ...args);
  }
  evaluateHandle(act, ...args) {
    return this.page.evaluateHandle(act, this, ...args);
  }
  $(selector) {
    return this.page.query(this, selector).then(([first]) => first ?? null);
  }
  $$(selector) {
    return this.page.query(this, selector);
  }
  $eval(selector, act, ...args) {
    return this.$(selector).then((one) => one.evaluate(act, ...args));
  }
  $$eval(selector, act, ...args) {
    return this.page.evaluate(`(root, css, ...args) => (${act})([...root.querySelectorAll(css)], ...args)`, this, selector, ...args);
  }
  waitForSelector(selector, options) {
    return this.page.waitForSelector(selector, options, this);
  }
  async click() {
    const shown = await this.evaluate((one) => {
      one.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      const { width, height } = one.getBoundingClientRect();
      return one.isConnected && one.checkVisibility() && width > 0 && height > 0;
    });
    if (!shown) throw new Error("not clickable: it is not on screen");
    await this.page.perform([{ type: "pointer", id: "mouse", actions: [
      { type: "pointerMove", x: 0, y: 0, origin: { type: "element", element: this.reference } },
      { type: "pointerDown", button: 0 },
      { type: "pointerUp", button: 0 },
    ] }]);
  }
  async type(text) {
    await this.evaluate((one) => one.focus());
    await this.page.perform([{ type: "key", id: "keys", actions: [...text].flatMap((value) => [{ type: "keyDown", value }, { type: "keyUp", value }]) }]);
  }
  press(name) {
    return this.page.keyboard.press(name);
  }
  async uploadFile(...files) {
    await this.page.session.send("input.setFiles", { context: this.page.context, element: this.reference, files });
  }
  select(value) {
    return this.evaluate((one, wanted) => {
      one.focus();
      one.value = wanted;
      one.dispatchEvent(new Event("input", { bubbles: true }));
      one.dispatchEvent(new Event("change", { bubbles: true }));
    }, value);
  }
}

/** A tab, or the panel of the toolbar button. */
class Page {
  constructor(session, context, url = "about:blank") {
    this.session = session;
    this.context = context;
    this.address = url;
    this.closed = false;
    const key = (...actions) => this.perform([{ type: "key", id: "keys", actions }]);
    this.keyboard = {
      down: (name) => key({ type: "keyDown", value: keyValue(name) }),
      up: (name) => key({ type: "keyUp", value: keyValue(name) }),
      press: (name) => key({ type: "keyDown", value: keyValue(name) }, { type: "keyUp", value: keyValue(name) }),
    };
  }

  on() {} // Firefox tells nothing of extension pages here; see `faults`.
  url() {
    return this.address;
  }
  isClosed() {
    return this.closed;
  }
  perform(actions) {
    return this.session.send("input.performActions", { context: this.context, actions });
  }

  async #call(act, args, keep) {
    const handles = [];
    const plain = args.map((one) => {
      if (!(one instanceof Handle)) return { plain: one };
      return { handle: handles.push(one.reference) - 1 };
    });
    const asked = `const args = JSON.parse(json).map((one) => ("handle" in one ? handles[one.handle] : one.plain)); const act = (${act});`;
    const told = keep ? "return act(...args);" : "return JSON.stringify(await act(...args));";
    const answer = await this.session.send("script.callFunction", {
      functionDeclaration: `${keep ? "" : "async "}(json, ...handles) => { ${asked} ${told} }`,
      awaitPromise: true,
      target: { context: this.context },
      arguments: [{ type: "string", value: JSON.stringify(plain) }, ...handles],
      resultOwnership: keep ? "root" : "none",
      serializationOptions: keep ? { maxDomDepth: 0, maxObjectDepth: keep === "list" ? 1 : 0 } : undefined,
      userActivation: false,
    }).catch((error) => {
      if (/no such frame|closed/.test(error.message)) this.closed = true;
      throw error;
    });
    if (answer.type === "exception") throw new Error(answer.exceptionDetails.text);
    return answer.result;
  }

  async evaluate(act, ...args) {
    const { value } = await this.#call(act, args, false);
    return value === undefined ? undefined : JSON.parse(value);
  }

  async evaluateHandle(act, ...args) {
    return new Handle(this, await this.#call(act, args, "one"));
  }

  /** The elements a selector finds, below `root` if one is given. */
  async query(root, text) {
    const { css, role, name } = readSelector(text);
    const { value = [] } = css === undefined
      ? await this.#call(`(root, role, name) => (${found})(root, role, name)`, [root, role, name], "list")
      : await this.#call((at, selector) => [...(at ?? document).querySelectorAll(selector)], [root, css], "list");
    return value.map((one) => new Handle(this, one));
  }
  $(selector) {
    return this.query(null, selector).then(([first]) => first ?? null);
  }
  $$(selector) {
    return this.query(null, selector);
  }
  $eval(selector, act, ...args) {
    return this.evaluate(`(css, ...args) => (${act})(document.querySelector(css), ...args)`, selector, ...args);
  }
  $$eval(selector, act, ...args) {
    return this.evaluate(`(css, ...args) => (${act})([...document.querySelectorAll(css)], ...args)`, selector, ...args);
  }
  /** Names of everything with a role; see aria.mjs. */
  ariaNames(role) {
    return this.evaluate(`(role) => (${named})(role, ${found})`, role);
  }
  /** What the browser's own accessibility tree says to the same question. */
  async ariaOfBrowser(role, name) {
    const { nodes } = await this.session.send("browsingContext.locateNodes", {
      context: this.context,
      locator: { type: "accessibility", value: name === undefined ? { role } : { role, name } },
      serializationOptions: { maxDomDepth: 0 },
    });
    return nodes.length;
  }
  async waitForSelector(selector, { timeout = 15_000 } = {}, root = null) {
    for (const end = Date.now() + timeout; ; await sleep(40)) {
      const [one] = await this.query(root, selector);
      if (one) return one;
      if (Date.now() > end) throw new Error(`waited in vain for ${selector}`);
    }
  }
  async waitForFunction(act, { timeout = 15_000 } = {}) {
    for (const end = Date.now() + timeout; !(await this.evaluate(act)); await sleep(40)) if (Date.now() > end) throw new Error(`waited in vain for ${act}`);
  }
  async click(selector) {
    await (await this.waitForSelector(selector)).click();
  }
  async goto(url) {
    const ours = url.startsWith("moz-extension:");
    await this.session.send("browsingContext.navigate", { context: this.context, url, wait: ours ? "none" : "complete" });
    this.address = url;
    if (!ours) return;
    const [page] = url.split("#");
    for (const end = Date.now() + 20_000; ; await sleep(30)) {
      const there = await this.evaluate((wanted) => location.href.startsWith(wanted) && document.readyState === "complete", page).catch(() => false);
      if (there) return;
      if (Date.now() > end) throw new Error(`${url} did not load`);
    }
  }
  async reload() {
    await this.evaluate(() => void setTimeout(() => location.reload()));
    await sleep(200);
    await this.waitForFunction(() => document.readyState === "complete");
  }
  async setContent(html) {
    await this.evaluate((text) => {
      document.documentElement.innerHTML = text;
    }, html);
  }
  async waitForNetworkIdle({ idleTime = 500 } = {}) {
    const seen = () => this.evaluate(() => (document.readyState === "complete" ? performance.getEntriesByType("resource").length : -1));
    for (let before = -2, now = await seen(); before !== now || now < 0; ) {
      before = now;
      await sleep(idleTime);
      now = await seen();
    }
  }
  async bringToFront() {
    await this.session.send("browsingContext.activate", { context: this.context });
  }
  async cookies() {
    const partition = { type: "context", context: this.context };
    return (await this.session.send("storage.getCookies", { partition })).cookies;
  }
  async deleteCookie(...cookies) {
    const partition = { type: "context", context: this.context };
    for (const { name, domain, path } of cookies) await this.session.send("storage.deleteCookies", { partition, filter: { name, domain, path } });
  }
  async screenshot({ path }) {
    const { data } = await this.session.send("browsingContext.captureScreenshot", { context: this.context });
    writeFileSync(path, Buffer.from(data, "base64"));
  }
  async close() {
    if (this.closed) return;
    await this.session.send("browsingContext.close", { context: this.context }).catch(() => {});
    this.closed = true;
  }
}

/** The panel under the toolbar button. */
class Panel extends Page {
  bringToFront() {}
  isClosed() {
    return this.closed;
  }
  /** Whether the browser has closed it, which it does for a question of its own. */
  async look() {
    this.closed ||= !(await this.session.chrome(() => !!window.document.querySelector(".webextension-popup-browser")));
    return !this.closed;
  }
  async close() {
    await this.session.chrome(async () => {
      for (const one of window.document.querySelectorAll(".webextension-popup-browser")) one.closest("panel")?.hidePopup();
      while (window.document.querySelector(".webextension-popup-browser")) await new Promise((resolve) => window.setTimeout(resolve, 20));
    });
    this.closed = true;
  }
}

// ---- the browser --------------------------------------------------------------------------------

/** Starts Firefox and loads `dist` as a temporary add-on. Ends with `close()` or `kill()`. */
export async function start({ dist, profile, headless = true, prefs, temporary = false, size = { width: 1280, height: 760 } }) {
  const session = await Session.open({ profile, headless, size, prefs: { ...PREFS, ...prefs } });
  const forget = whenEnding({ end: () => end(session), profile, temporary });
  try {
    await prepare(session, dist);
    return new Firefox(session, { profile, forget });
  } catch (error) {
    await end(session);
    forget();
    throw new Error(`${error.message}\n${session.log.slice(-20).join("\n")}`);
  }
}

function end(session) {
  for (const pid of [session.capabilities?.["moz:processID"], -session.driver.pid, session.driver.pid]) {
    try {
      if (pid) process.kill(pid, "SIGKILL");
    } catch {
      // It is dead already.
    }
  }
}

async function prepare(session, dist) {
  await session.http("POST", "/moz/addon/install", { path: dist, temporary: true });
  await session.chrome((id, uuid) => {
    // BiDi finds tabs only. A panel of ours, and the event page, are to be found like one.
    const { TabManager } = ChromeUtils.importESModule("chrome://remote/content/shared/TabManager.sys.mjs");
    const tabs = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(TabManager), "allTabs").get;
    Object.defineProperty(TabManager, "allTabs", {
      get() {
        const panels = [...Services.wm.getEnumerator("navigator:browser")].flatMap((one) => [...one.document.querySelectorAll(".webextension-popup-browser")]);
        const eventPage = WebExtensionPolicy.getByID(id)?.extension._backgroundPageFrameLoader?.ownerElement;
        return [...tabs.call(TabManager), ...[...panels, eventPage].filter(Boolean).map((linkedBrowser) => ({ linkedBrowser }))];
      },
    });
    // What goes wrong in our pages and our event page.
    const heard = (Services.relaykeepHeard = []);
    Services.console.registerListener({
      observe(said) {
        if (!(said instanceof Ci.nsIScriptError) || said.flags & Ci.nsIScriptError.warningFlag) return;
        // The panel was closed while an answer was on its way.
        if (/after context unloaded/.test(said.errorMessage)) return;
        if (said.sourceName.includes(uuid)) heard.push(`${said.sourceName.replace(/^.*\//, "")}:${said.lineNumber}: ${said.errorMessage}`);
      },
    });
    // The button stands in the toolbar, where its user has put it.
    window.CustomizableUI.addWidgetToArea(`${id.replaceAll(/[^a-z0-9_-]/gi, "_")}-browser-action`, "nav-bar");
  }, ADDON, UUID);
}

class Firefox {
  constructor(session, { profile, forget }) {
    Object.assign(this, { session, profile, forget });
    this.open = [];
  }
  get id() {
    return UUID;
  }
  async newPage() {
    const { context } = await this.session.send("browsingContext.create", { type: "tab" });
    const page = new Page(this.session, context);
    this.open.push(page);
    return page;
  }
  async pages() {
    return this.open.filter((one) => !one.isClosed());
  }

  /** Presses the toolbar button; answers the panel that opens. */
  async press() {
    const [button] = await this.session.http("POST", "/elements", { using: "css selector", value: `[id="${ADDON.replaceAll(/[^a-z0-9_-]/gi, "_")}-BAP"]` });
    if (!button) throw new Error("there is no toolbar button");
    await this.session.http("POST", `/element/${Object.values(button)[0]}/click`, {});
    const context = await this.session.chrome(async () => {
      const { NavigableManager } = ChromeUtils.importESModule("chrome://remote/content/shared/NavigableManager.sys.mjs");
      for (let left = 200; left > 0; left--) {
        // The page begins to load in another place, and is moved into the panel when that opens.
        const browser = window.document.querySelector("panelview .webextension-popup-browser");
        const there = browser?.closest("panel")?.state === "open" && browser.browsingContext?.currentWindowGlobal?.documentURI?.spec.endsWith("popup.html");
        if (there) {
          browser.permanentKey ??= new (Cu.getGlobalForObject(Services).Object)();
          return NavigableManager.getIdForBrowser(browser);
        }
        await new Promise((resolve) => window.setTimeout(resolve, 25));
      }
      return null;
    });
    if (!context) throw new Error("the panel did not open");
    return new Panel(this.session, context, `moz-extension://${UUID}/popup.html`);
  }

  /** The event page, to look into while it runs. */
  async eventPage() {
    const context = await this.session.chrome((id) => {
      const { NavigableManager } = ChromeUtils.importESModule("chrome://remote/content/shared/NavigableManager.sys.mjs");
      const browser = WebExtensionPolicy.getByID(id).extension._backgroundPageFrameLoader?.ownerElement;
      if (!browser) return null;
      browser.permanentKey ??= new (Cu.getGlobalForObject(Services).Object)();
      return NavigableManager.getIdForBrowser(browser);
    }, ADDON);
    if (!context) throw new Error("the event page does not run");
    return new Page(this.session, context, `moz-extension://${UUID}/_generated_background_page.html`);
  }

  /** Ends it as a person closing the last window does. */
  async close() {
    await Promise.race([this.session.http("DELETE", "").catch(() => {}), sleep(10_000)]);
    await this.kill();
  }
  /** Ends it as a power cut does. */
  async kill() {
    end(this.session);
    await this.session.gone;
    this.forget();
  }
}
