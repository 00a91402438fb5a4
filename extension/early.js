// What a page does before its WASM is there, as a classic script so that nothing is waited for.
//
// Where the session holds a glimpse (crates/background/src/glimpse.rs), the page begins with it and opens
// its line to the worker itself; beside the glimpse stands the picture, how the page looked when it last
// began, and that is on screen at once. Without a glimpse the line is opened here, and what is heard
// meanwhile waits until the page takes it over.
(() => {
  const early = { heard: [], ended: false, leave: () => { delete globalThis.relaykeepEarly; } };
  globalThis.relaykeepEarly = early;
  const popup = location.pathname === "/popup.html";
  const NAME = popup ? "p-popup" : "p-options";
  const VERSION = chrome.runtime.getManifest().version;

  async function glimpse() {
    try {
      const { g, [NAME]: kept } = await chrome.storage.session.get(["g", NAME]);
      const { version, since, until, events } = JSON.parse(g ?? "{}");
      const now = Date.now();
      return version === VERSION && since <= now && (until === null || now < until) ? { events, kept } : { events: [] };
    } catch {
      return { events: [] }; // no more than a first look that is missing
    }
  }

  function connect() {
    const hear = (event) => early.heard.push(event);
    const end = () => { early.ended = true; };
    early.port = chrome.runtime.connect({ name: "relaykeep" });
    early.port.onMessage.addListener(hear);
    early.port.onDisconnect.addListener(end);
    early.leave = () => {
      early.port.onMessage.removeListener(hear);
      early.port.onDisconnect.removeListener(end);
      delete globalThis.relaykeepEarly;
    };
  }

  // ---- the picture: names and attributes, never HTML text; nothing in it can be pressed, and
  // assistive technology passes it by

  const SVG = "http://www.w3.org/2000/svg";
  // Where tests and the page's own code look for rows, there must be none.
  const LEFT_OUT = new Set(["id", "tabindex", "style", "data-at", "data-key"]);
  // A list is drawn for its window's size; the popup gets its size from what is in it.
  const frame = () => [VERSION, location.hash, ...(popup ? [] : [innerWidth, innerHeight])].join(" ");

  // Lists of keys: a form's picture would show boxes and choices as nobody left them.
  const pictured = () => popup || ["", "#/keys"].includes(location.hash);

  function frozen(node) {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || node.hidden || (node.localName === "dialog" && !node.open)) return null;
    const attributes = Object.fromEntries([...node.attributes].filter(({ name }) => !LEFT_OUT.has(name)).map(({ name, value }) => [name, value]));
    if (node.localName === "option" && node.selected) attributes.selected = "";
    return [node.localName, node.namespaceURI === SVG, attributes, node.style?.cssText ?? "", [...node.childNodes].map(frozen).filter(Boolean)];
  }

  function thawed(part) {
    if (typeof part === "string") return document.createTextNode(part);
    const [name, drawn, attributes, style, kids] = part;
    const node = drawn ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (style) node.style.cssText = style;
    node.append(...kids.map(thawed));
    return node;
  }

  /** Shows the picture, if this page would look the same; answers what takes it away again. */
  function show(kept) {
    const held = JSON.parse(kept ?? "{}");
    if (!pictured() || held.frame !== frame()) return undefined;
    const parts = held.parts.map(thawed);
    for (const part of parts) {
      part.inert = true;
      part.dataset.picture = "";
    }
    document.body.append(...parts);
    return () => parts.forEach((part) => part.remove());
  }

  async function keep(kept) {
    const parts = [...document.body.children].filter((one) => one.id !== "failed");
    const text = JSON.stringify({ frame: frame(), parts: parts.map(frozen).filter(Boolean) });
    if (text === kept) return;
    await chrome.storage.session.set({ [NAME]: text });
    // Locked meanwhile: then it goes as the glimpse went.
    const { g } = await chrome.storage.session.get("g");
    if (!g) await chrome.storage.session.remove(NAME);
  }

  /** Once what was just put on the page has been painted; at once where nobody sees it. */
  function painted() {
    return new Promise((done) => {
      if (document.hidden) return done();
      requestAnimationFrame(() => setTimeout(done));
      setTimeout(done, 100);
    });
  }

  /** What is typed while the picture stands is typed into the popup's search. */
  function listen() {
    let typed = "";
    const press = ({ key, ctrlKey, metaKey }) => {
      if (key === "Backspace") typed = typed.slice(0, -1);
      else if (key.length === 1 && !ctrlKey && !metaKey) typed += key;
    };
    addEventListener("keydown", press);
    return () => {
      removeEventListener("keydown", press);
      const search = popup && document.querySelector("input[type=search]");
      // At once, or the next key would fall between.
      if (search) search.focus();
      if (!search || !typed) return false;
      search.value = typed;
      return search.dispatchEvent(new Event("input", { bubbles: true }));
    };
  }

  // Not DOMContentLoaded, which comes after the modules.
  const parsed = new Promise((done) => document.addEventListener("readystatechange", done, { once: true }));
  const hand = listen();
  /** Answers, once the page may be built, how to build it: `begin(mount)`. */
  early.ready = (async () => {
    const { events, kept } = await glimpse();
    const glimpsed = events.length > 0;
    early.heard = events;
    if (!glimpsed) connect();
    await parsed;
    let leave;
    try {
      leave = glimpsed && show(kept);
    } catch {
      leave = undefined; // what cannot be read is no picture, and is made anew
    }
    if (leave) await painted();
    return (mount) => {
      if (leave) leave();
      mount();
      const typed = hand();
      if (glimpsed && pictured() && !typed) painted().then(() => keep(kept)).catch(() => {});
    };
  })();
})();
