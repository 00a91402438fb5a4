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
  veloera: "veloera", onehub: "one-hub", donehub: "done-hub", sub2api: "sub2api",
};
/** What the product calls a family. */
export const FAMILIES = { "new-api": "New API", "one-api": "One API", veloera: "Veloera", "one-hub": "One Hub", "done-hub": "Done Hub", sub2api: "Sub2API" };

/** A simulated site: what it told of itself, and what may be done behind its visitors' backs. */
export class SimSite {
  constructor(told) {
    Object.assign(this, told);
    /** What a person calls it. */
    this.family = KINDS[this.kind];
    /** Its requests name the user. */
    this.namesUser = this.family === "new-api" || this.family === "veloera";
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

/** How kinds of real server differ in what the suites ask of them themselves. */
const HUB = {
  shows: true,
  listed: (page) => `page=${page + 1}&size=100&order=-id`,
  // No login [MartialBE/one-hub 387f8bf1 web/src/contexts/StatusContext.jsx, hooks/useLogin.js].
  keeps: (_, status) => ({ siteInfo: JSON.stringify(status), quota_per_unit: String(status.quota_per_unit), display_in_currency: String(status.display_in_currency) }),
};
const STATUS = (_, status) => ({ status: JSON.stringify(status) });
const USER = (login, status) => ({ ...STATUS(login, status), user: JSON.stringify(login) });
export const WAYS = {
  // The JWT era keeps its token in memory, and nothing that names the user anywhere.
  "new-api": { header: "New-Api-User", keeps: (login, status) => (login.access_token ? STATUS : USER)(login, status) },
  "one-api": { keeps: USER },
  veloera: { shows: true, header: "Veloera-User", keeps: USER },
  "one-hub": HUB,
  "done-hub": HUB,
  sub2api: {
    path: "/api/v1/keys",
    login: "/api/v1/auth/login",
    status: "/api/v1/settings/public",
    listed: (page) => `page=${page + 1}&page_size=1000`,
    made: (name) => ({ name, quota: 1 }),
    // [Wei-Shaw/sub2api 67380eaf frontend/src/stores/auth.ts]
    keeps: (login) => ({
      auth_token: login.access_token,
      auth_user: JSON.stringify(login.user),
      refresh_token: login.refresh_token,
      token_expires_at: String(Date.now() + login.expires_in * 1000),
    }),
  },
};
const FAMILY = {
  path: "/api/token/",
  login: "/api/user/login",
  status: "/api/status",
  listed: (page) => `p=${page}&size=100&page_size=100`,
  made: (name) => ({ name, remain_quota: 500_000, expired_time: -1, unlimited_quota: false }),
};
const accepted = (answer) => answer.success === true || answer.code === 0;

/** A real server, from the file given to `--sites`. Touches only keys whose names carry `run`. */
export class RealSite {
  constructor(told, run) {
    const { origin, username, email, password, userId, accessToken } = told; // the file may hold more
    Object.assign(this, { origin, username, email, password, userId, accessToken });
    this.family = told.kind;
    if (!WAYS[told.kind]) throw new Error(`${this.origin}: no kind ${told.kind}`);
    /** What it differs in: whether it shows its token, its user header, what its page keeps. */
    this.way = { ...FAMILY, ...WAYS[told.kind] };
    this.namesUser = this.way.header !== undefined;
    this.base = told.base ?? told.origin;
    this.run = run;
    this.host = new URL(this.origin).host;
  }

  /** What a login is asked with: a name, or where the site goes by it, an e-mail address. */
  get #credentials() {
    return this.email ? { email: this.email, password: this.password } : { username: this.username, password: this.password };
  }

  /** The token the suite itself asks with; where the site has none to give away, that of a login of its own. */
  async #token() {
    this.own ??= this.accessToken ?? (await this.#ask("POST", this.way.login, this.#credentials)).access_token;
    return this.own;
  }

  async #api(method, path, body) {
    return this.#ask(method, path, body, await this.#token());
  }

  async #ask(method, path, body, token) {
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        ...(token && { Authorization: this.family === "one-api" ? token : `Bearer ${token}` }),
        ...(this.way.header && { [this.way.header]: String(this.userId) }),
        ...(body && { "Content-Type": "application/json" }),
      },
      body: body && JSON.stringify(body),
    });
    const value = await answer.json();
    if (!accepted(value)) throw new Error(`${this.origin} ${method} ${path}: ${value.message}`);
    return value.data;
  }

  async #list() {
    const found = new Map();
    // Pages begin at 0 on One API and old New API, at 1 since; asking for one more does no harm.
    for (let page = 0; page < 50; page++) {
      const data = await this.#api("GET", `${this.way.path}?${this.way.listed(page)}`);
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

  /** `more` is in the site's own words. */
  async addKeys(keys) {
    for (const { name, ...more } of keys) await this.#api("POST", this.way.path, { ...this.way.made(name), ...more });
  }

  async cleanUp() {
    for (const key of await this.#list()) if (key.name.includes(this.run)) await this.#api("DELETE", `${this.way.path.replace(/\/?$/, "/")}${key.id}`);
  }

  /** Through the site's own form; where the server was built without its pages, as they would do it. */
  async signIn(app) {
    const page = await app.visit(`${this.base}/login`);
    const password = await page.waitForSelector("input[type=password]", { timeout: 5_000 }).catch(() => null);
    if (!password) return this.#signInWithoutPages(page);
    const name = await page.$("input[name=username], input[type=text], input[type=email]");
    await name.type(this.email ?? this.username);
    await password.type(this.password);
    await password.press("Enter");
    await page.waitForFunction(() => !location.pathname.startsWith("/login"), { timeout: 20_000 });
    await page.waitForNetworkIdle({ idleTime: 500 });
    return page;
  }

  /** The request the front end's form makes, and what it keeps of the answer (helpers under web/). */
  async #signInWithoutPages(page) {
    const login = await page.evaluate(async (base, { login, status }, credentials) => {
      const ask = async (path, options) => (await fetch(base + path, options)).json();
      const answer = await ask(login, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(credentials) });
      return { ...answer, status: (await ask(status)).data };
    }, this.base, { login: this.way.login, status: this.way.status }, this.#credentials);
    if (!accepted(login)) throw new Error(`${this.origin} refused the login: ${login.message}`);
    const kept = this.way.keeps(login.data, login.status);
    await page.evaluate((all) => Object.entries(all).forEach(([name, value]) => localStorage.setItem(name, value)), kept);
    await page.goto(`${this.base}/`);
    return page;
  }
}
