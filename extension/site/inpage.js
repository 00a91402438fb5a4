// Functions that run inside a site's page, in the isolated world, by
// chrome.scripting.executeScript({ func, args }). The browser sends their source text, so each
// must be complete in itself: no imports, nothing from outside its own braces.
// They report and never decide; the core reads what they return (core/src/site/detect.rs and
// inpage.rs).

// What the page shows without being asked: its address and named entries of its storage.
// No request is made.
export function evidence() {
  const stored = {};
  const names = [
    "status", "siteInfo", "system_name", "quota_per_unit", "display_in_currency",
    "quota_display_type", "newapi:default:cache-version",
  ];
  try {
    for (const name of names) {
      const value = localStorage.getItem(name);
      if (value !== null) stored[name] = value.slice(0, 65536);
    }
    // Some builds keep the whole login here, with whatever belongs to it: only who it is comes along.
    const user = JSON.parse(localStorage.getItem("user") ?? "null");
    if (user && typeof user === "object") {
      const { id, username, role } = user;
      stored.user = JSON.stringify({ id, username, role }).slice(0, 4096);
    } else {
      // The newer page of the cookie era keeps the number beside it.
      const uid = localStorage.getItem("uid");
      if (uid !== null) stored.uid = uid.slice(0, 64);
    }
    // Sub2API's page: who it is, and that there is a token, which stays where it is.
    const own = JSON.parse(localStorage.getItem("auth_user") ?? "null");
    if (own && typeof own === "object" && localStorage.getItem("auth_token") !== null) {
      const { id, username, role } = own;
      stored.auth_user = JSON.stringify({ id, username, role }).slice(0, 4096);
      stored.auth_token = "";
    }
  } catch {
    // A page without storage, or with damaged entries: what was read so far is the evidence.
  }
  return { origin: location.origin, path: location.pathname.slice(0, 2048), stored };
}

// At most two anonymous requests to the page's own origin: is there a relay at one of these base
// URLs, and how does it refuse a stranger? The second request goes to the second base if the first
// is no relay.
export async function ask(bases, first) {
  const get = async (base, what) => {
    const path = what === "settings" ? "/api/v1/settings/public" : what === "status" ? "/api/status" : "/api/user/self";
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 5000);
    try {
      const answer = await fetch(base + path, {
        credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer",
        headers: { Accept: "application/json", "Accept-Language": "en" }, signal: stop.signal,
      });
      const headers = {};
      for (const name of ["content-type", "x-new-api-version", "x-oneapi-request-id", "auth-version",
        "cf-mitigated", "retry-after", "date"]) {
        const value = answer.headers.get(name);
        if (value !== null) headers[name] = value.slice(0, 256);
      }
      const reader = answer.body?.getReader();
      const decoder = new TextDecoder();
      let body = "";
      while (reader && body.length < 1048576) {
        const { done, value } = await reader.read();
        if (done) break;
        body += decoder.decode(value, { stream: true });
      }
      reader?.cancel().catch(() => {});
      // Announcements and footers can be long; only short fields tell kinds apart.
      let relay = false;
      try {
        const { success, message, code, data } = JSON.parse(body);
        relay = success === true && data?.quota_per_unit !== undefined && typeof data.system_name === "string";
        const short = data && typeof data === "object" && !Array.isArray(data)
          ? Object.fromEntries(Object.entries(data).slice(0, 400).map(([name, value]) =>
            [name, typeof value === "string" ? value.slice(0, 128) : value && typeof value === "object" ? [] : value]))
          : undefined;
        body = JSON.stringify({ success, message, code, data: short });
      } catch {
        // No JSON: the beginning tells a page from a challenge.
      }
      return [{ base, what, failed: false, status: answer.status, headers, body: body.slice(0, 65536) }, relay];
    } catch {
      return [{ base, what, failed: true }, false];
    } finally {
      clearTimeout(timer);
    }
  };
  const heard = [];
  // A page that keeps what Sub2API's does is asked what only Sub2API answers, at the root.
  if (first === "settings") return [(await get(bases[bases.length - 1], "settings"))[0]];
  for (const base of bases.slice(0, 2)) {
    const [status, relay] = await get(base, "status");
    heard.push(status);
    if (relay && heard.length < 2) heard.push((await get(base, "self"))[0]);
    if (relay || heard.length >= 2) break;
  }
  return heard;
}

// New API of before September 2025, Veloera and the hubs show a login its own access token. Nothing
// changes at the site. `header` is the one that names the user there, if any does.
export async function shownToken(base, userId, header) {
  try {
    const answer = await fetch(base + "/api/user/self", {
      credentials: "same-origin", cache: "no-store", redirect: "error", signal: AbortSignal.timeout(10000),
      headers: { Accept: "application/json", ...(userId && header ? { [header]: userId } : {}) },
    });
    const { success, data } = await answer.json();
    if (success !== true || !data) return { problem: answer.status === 429 ? "limited" : "signed-out" };
    return { user_id: String(data.id), username: data.username, token: data.access_token || null };
  } catch {
    return { problem: "no-answer" };
  }
}

// A short-lived token out of the page's own session (JWT era). The refresh turns the page's cookie
// in place, under the page's own lock; the cookie itself is never read. On the sign-in's own pages
// nobody is signed in: a refused refresh would delete the cookie of a sign-in under way.
export async function pageToken(base, userId) {
  if (/\/(sign-?in|sign-?up|login|register|reset|oauth|otp|forgot)/i.test(location.pathname)) return { problem: "signed-out" };
  const refresh = async () => {
    const answer = await fetch(base + "/api/user/auth/refresh", {
      method: "POST", credentials: "same-origin", cache: "no-store", redirect: "error",
      headers: { Accept: "application/json", "Accept-Language": "en" }, signal: AbortSignal.timeout(15000),
    });
    if (answer.status === 429) return { problem: "limited" };
    if (/html/.test(answer.headers.get("content-type") ?? "")) return { problem: "bad-answer" };
    const { success, data } = await answer.json();
    if (success !== true) return { problem: answer.status === 401 ? "signed-out" : answer.status === 409 ? "busy" : "refused" };
    return data;
  };
  let data, fault;
  const turn = () => refresh().then((answer) => { data = answer; }, (error) => { fault = error; });
  // In Firefox the page's world sees nothing of ours: see makeToken.
  const held = typeof exportFunction !== "function" ? turn : exportFunction(
    () => new window.Promise(exportFunction((done) => { turn().then(() => done()); }, window)), window);
  try {
    // Outside of secure contexts there are no locks, for the page neither.
    if (navigator.locks) await navigator.locks.request("new-api:auth-refresh", { signal: AbortSignal.timeout(15000) }, held);
    else await turn();
    if (fault) throw fault;
    if (data?.problem) return data;
    const { user, access_token: token, access_expires_at: expires_at } = data ?? {};
    if (typeof token !== "string" || user?.id === undefined || user.id === null) return { problem: "bad-answer" };
    // Another login's token is of no use here and stays where it is.
    if (userId && String(user.id) !== userId) return { problem: "other-user" };
    return { user_id: String(user.id), username: user.username, token, expires_at };
  } catch (error) {
    return { problem: error?.name === "SyntaxError" ? "bad-answer" : "no-answer" };
  }
}

// The access token that Sub2API's page holds just now. It is read and nothing else: the page itself
// refreshes it, and a refresh from elsewhere would sign the page out.
export function storedToken(base, userId) {
  try {
    // The tab may have gone elsewhere meanwhile: another site's token is none of this one's.
    if (location.origin !== new URL(base).origin) return { problem: "no-answer" };
    const token = localStorage.getItem("auth_token");
    const user = JSON.parse(localStorage.getItem("auth_user") ?? "null");
    if (!token || user?.id === undefined || user.id === null) return { problem: "signed-out" };
    if (userId && String(user.id) !== userId) return { problem: "other-user" };
    const ends = Number(localStorage.getItem("token_expires_at"));
    return { user_id: String(user.id), username: user.username, token, expires_at: Number.isFinite(ends) ? Math.floor(ends / 1000) : 0 };
  } catch {
    return { problem: "bad-answer" };
  }
}

// Has the site make a new access token, which ends the one in use. Called only after the person
// said yes to exactly that, and after the worker wrote down that it is about to. Each step runs
// once; whatever fails ends it. `generation` is "jwt" or "cookie"; `userId`, where known, is the
// only login it may be done for.
export async function makeToken(base, generation, userId, header) {
  const failed = (step, problem) => ({ step, problem });
  const call = async (path, options) => {
    try {
      const answer = await fetch(base + path, {
        credentials: "same-origin", cache: "no-store", redirect: "error", signal: AbortSignal.timeout(20000),
        ...options,
        headers: {
          Accept: "application/json", "Accept-Language": "en", ...(userId && header ? { [header]: userId } : {}),
          ...options?.headers,
        },
      });
      if (answer.status === 429) return { problem: "limited" };
      let body;
      try {
        body = JSON.parse(await answer.text());
      } catch (error) {
        return { problem: error instanceof SyntaxError ? "bad-answer" : "no-answer" };
      }
      if (body?.success === true) return { data: body.data };
      if (answer.status >= 500) return { problem: "bad-answer" };
      return { problem: answer.status === 401 ? "signed-out" : answer.status === 409 ? "busy" : "refused" };
    } catch {
      return { problem: "no-answer" };
    }
  };
  let who, authorization;
  if (generation === "jwt") {
    // The page holds its access token in memory only. A refresh turns the cookie: together with
    // the page's own it would look stolen, so the page's own lock keeps them apart.
    let session;
    const refresh = async () => { session = await call("/api/user/auth/refresh", { method: "POST" }); };
    // In Firefox the page's world sees nothing of ours: what the lock calls, and what it then waits
    // for, must be handed over to it.
    const held = typeof exportFunction !== "function" ? refresh : exportFunction(
      () => new window.Promise(exportFunction((done) => { refresh().then(() => done()); }, window)), window);
    try {
      // Outside of secure contexts there are no locks, for the page neither.
      if (navigator.locks) await navigator.locks.request("new-api:auth-refresh", { signal: AbortSignal.timeout(15000) }, held);
      else await refresh();
    } catch {
      return failed("lock", "busy");
    }
    if (session.problem) return failed("session", session.problem);
    who = session.data?.user;
    if (typeof session.data?.access_token !== "string") return failed("session", "bad-answer");
    authorization = { Authorization: "Bearer " + session.data.access_token };
  } else {
    const self = await call("/api/user/self");
    if (self.problem) return failed("session", self.problem === "refused" ? "signed-out" : self.problem);
    who = self.data;
  }
  if (who?.id === undefined || who.id === null) return failed("session", "bad-answer");
  if (userId && String(who.id) !== userId) return failed("session", "other-user");
  const made = await call("/api/user/token", authorization
    ? { headers: authorization, credentials: "omit" }
    : { headers: header ? { [header]: String(who.id) } : {} });
  if (made.problem) return failed("token", made.problem === "signed-out" ? "refused" : made.problem);
  if (typeof made.data !== "string" || made.data === "") return failed("token", "bad-answer");
  return { user_id: String(who.id), username: who.username, token: made.data };
}
