// Simulated sites (tests/relay-sim) as the suites use them, and real servers in the same words.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const USAGE_ENDS = 20_000;

/** Starts one process with all these sites: `[{ kind, keys, … }]`, `many: { kind, count, … }`. */
export async function simulate(sites, { many } = {}) {
  const words = (site) => Object.entries(site).map(([name, value]) => `${name}=${value}`).join(",");
  const args = [...sites.flatMap((site) => ["--site", words(site)]), ...(many ? ["--many", words(many)] : []), "--die-with-parent", "--for", "7200"];
  // It ends when its standard input closes, which happens however we end.
  const child = spawn(process.env.RELAYKEEP_SIM, args, { stdio: ["pipe", "pipe", "inherit"] });
  const expected = sites.length + (many?.count ?? 0);
  const told = [];
  const lines = createInterface({ input: child.stdout });
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("relay-sim did not start")), USAGE_ENDS);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`relay-sim ended with ${code}`)));
    lines.on("line", (line) => {
      told.push(new SimSite(JSON.parse(line)));
      if (told.length === expected) {
        clearTimeout(timer);
        resolve();
      }
    });
  });
  child.removeAllListeners("exit");
  return {
    sites: told,
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 3000))]);
      child.kill("SIGKILL");
    },
  };
}

const KINDS = {
  "newapi-2025-04": "new-api", "newapi-cookie": "new-api", "newapi-jwt": "new-api", oneapi: "one-api",
  veloera: "veloera", onehub: "one-hub", donehub: "done-hub",
};
/** What the product calls a family. */
export const FAMILIES = { "new-api": "New API", "one-api": "One API", veloera: "Veloera", "one-hub": "One Hub", "done-hub": "Done Hub" };

/** A simulated site: what it told of itself, and what may be done behind its visitors' backs. */
export class SimSite {
  constructor(told) {
    Object.assign(this, told);
    /** What a person calls it. */
    this.family = KINDS[this.kind];
    this.masks = this.kind === "newapi-cookie" || this.kind === "newapi-jwt";
    this.host = new URL(this.origin).host;
  }

  async #ask(method, word, body) {
    const answer = await fetch(`${this.control}/${word}`, { method, body: body && JSON.stringify(body) });
    const value = await answer.json();
    if (!answer.ok) throw new Error(`relay-sim: ${value.error}`);
    return value;
  }

  /** What the address bar shows after the person has signed in. */
  get consoleUrl() {
    return `${this.base}/?autologin=1`;
  }

  /** Signs in as a person does, in a tab of the browser. */
  async signIn(app) {
    const page = await app.visit(this.consoleUrl);
    await page.waitForNetworkIdle({ idleTime: 200 });
    return page;
  }

  /** Requests so far; each `{ method, path, query, headers, credentialHeaders, secrets, carriesCredential, status }`. */
  log({ raw = false } = {}) {
    return this.#ask("GET", `log${raw ? "?raw=1" : ""}`);
  }

  resetLog() {
    return this.#ask("POST", "reset-log", {});
  }

  state() {
    return this.#ask("GET", "state");
  }

  /** The demo user's keys: `{ id, name, full }`. */
  async keys() {
    const { keys } = await this.state();
    return keys.filter((key) => key.user_id === this.userId).map((key) => ({ ...key, full: `sk-${key.key}` }));
  }

  /** Makes keys; answers the ids. */
  addKeys(keys) {
    return this.changeKeys({ add: keys });
  }

  /** `{ add, bulk, update, rekey, delete, clear }` as the control API has them. */
  changeKeys(change) {
    return this.#ask("POST", "keys", change);
  }

  /** A call with one of its keys: `{ id, quota }`. */
  spend(change) {
    return this.#ask("POST", "spend", change);
  }

  fault(rule) {
    return this.#ask("POST", "fault", rule);
  }

  clearFaults() {
    return this.#ask("POST", "clear-faults", {});
  }

  /** Moves the site's clock by seconds. */
  clock(offset) {
    return this.#ask("POST", "clock", { offset });
  }

  /** Fills a limiter to the brim: `ct` (reveal and login), `ga` (all of /api), `sr`, `uc`. */
  exhaust(bucket) {
    return this.#ask("POST", "limit", { bucket });
  }

  limits(rates) {
    return this.#ask("POST", "limits", rates);
  }

  resetLimits() {
    return this.#ask("POST", "reset-limits", {});
  }

  user(change) {
    return this.#ask("POST", "user", change);
  }

  /** Another access token takes the old one's place, as if it had been made in another browser. */
  replaceToken() {
    return this.#ask("POST", "pat", {});
  }

  options(change) {
    return this.#ask("POST", "options", change);
  }

  /** The operator replaces the program and keeps the database. */
  async becomes(kind) {
    await this.#ask("POST", "kind", { kind });
    this.kind = kind;
  }
}

/** A real server, from the file given to `--sites`. Touches only keys whose names carry `run`. */
export class RealSite {
  constructor(told, run) {
    const { origin, username, password, userId, accessToken } = told; // the file may hold more
    Object.assign(this, { origin, username, password, userId, accessToken });
    this.family = told.kind;
    this.base = told.base ?? told.origin;
    this.run = run;
    this.host = new URL(this.origin).host;
  }

  async #api(method, path, body) {
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        Authorization: this.family === "one-api" ? this.accessToken : `Bearer ${this.accessToken}`,
        [this.family === "veloera" ? "Veloera-User" : "New-Api-User"]: String(this.userId),
        ...(body && { "Content-Type": "application/json" }),
      },
      body: body && JSON.stringify(body),
    });
    const value = await answer.json();
    if (!value.success) throw new Error(`${this.origin} ${method} ${path}: ${value.message}`);
    return value.data;
  }

  async #list() {
    const found = new Map();
    // Pages begin at 0 on One API and old New API, at 1 since; asking for one more does no harm.
    for (let page = 0; page < 50; page++) {
      const data = await this.#api("GET", `/api/token/?p=${page}&page=${page}&size=100&page_size=100`);
      const items = Array.isArray(data) ? data : (data?.items ?? data?.data ?? []);
      for (const item of items) found.set(item.id, item);
      if (items.length === 0 && page > 0) break;
    }
    return [...found.values()];
  }

  /** This run's keys, with their full text fetched apart from the extension. */
  async keys() {
    const own = (await this.#list()).filter((key) => key.name.includes(this.run));
    return Promise.all(
      own.map(async (key) => {
        const masked = /[*•]/.test(key.key);
        const text = masked ? (await this.#api("POST", `/api/token/${key.id}/key`)).key : key.key;
        this.masks ||= masked;
        return { ...key, full: text.startsWith("sk-") ? text : `sk-${text}` };
      }),
    );
  }

  async addKeys(keys) {
    for (const { name } of keys)
      await this.#api("POST", "/api/token/", { name, remain_quota: 500_000, expired_time: -1, unlimited_quota: false });
  }

  async cleanUp() {
    for (const key of await this.#list()) if (key.name.includes(this.run)) await this.#api("DELETE", `/api/token/${key.id}`);
  }

  /** Through the site's own form; where the server was built without its pages, as they would do it. */
  async signIn(app) {
    const page = await app.visit(`${this.base}/login`);
    const password = await page.waitForSelector("input[type=password]", { timeout: 5_000 }).catch(() => null);
    if (!password) return this.#signInWithoutPages(page);
    const name = await page.$("input[name=username], input[type=text], input[type=email]");
    await name.type(this.username);
    await password.type(this.password);
    await password.press("Enter");
    await page.waitForFunction(() => !location.pathname.startsWith("/login"), { timeout: 20_000 });
    await page.waitForNetworkIdle({ idleTime: 500 });
    return page;
  }

  /** The request the front end's form makes, and what it keeps of the answer (helpers under web/). */
  async #signInWithoutPages(page) {
    const said = await page.evaluate(async (base, username, password) => {
      const ask = async (path, options) => (await fetch(base + path, options)).json();
      const login = await ask("/api/user/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ username, password }) });
      if (!login.success) return login.message;
      const status = await ask("/api/status");
      // The hubs keep the status under another name, and no login at all.
      const hub = "PaymentUSDRate" in status.data;
      localStorage.setItem(hub ? "siteInfo" : "status", JSON.stringify(status.data));
      if (hub) return;
      // The JWT era keeps its token in memory, and nothing that names the user anywhere.
      if (!login.data.access_token) localStorage.setItem("user", JSON.stringify(login.data));
    }, this.base, this.username, this.password);
    if (said) throw new Error(`${this.origin} refused the login: ${said}`);
    await page.goto(`${this.base}/`);
    return page;
  }
}
