// Watching: runs in every page the user chose, and only while that is switched on. It must cost an
// ordinary page next to nothing: names of storage entries and one element are looked at, nothing is
// asked of anybody. Only a page that looks like a relay's is told to the worker, which decides; and
// only where it says "relay", a key that the page shows in full after a click is told as well.
(() => {
  const tell = (site, text) => chrome.runtime.sendMessage({ site, text }).catch(() => "");

  // What the front ends of New API, One API and the hubs leave beside the page. Each name alone is
  // too common, so the unit of quota, which nobody else has, must stand there too.
  const looks = () => {
    try {
      if (localStorage.length === 0) return false;
      if (localStorage.getItem("newapi:default:cache-version") !== null) return true;
      if (localStorage.getItem("quota_per_unit") !== null) return true;
      return ["status", "siteInfo"].some((name) => localStorage.getItem(name)?.includes('"quota_per_unit"'));
    } catch {
      return false; // a page without storage
    }
  };
  const marked = () => document.querySelector('meta[name="generator"][content="new-api" i]') !== null;

  // A first visit stores its status after the page stands: one more look then.
  const begin = async (again) => {
    if (looks() || marked()) {
      if ((await tell("looks")) === "relay") observe();
    } else if (again) {
      setTimeout(begin, 3000, false);
    }
  };

  // One API and New API name keys sk- and 48 letters and digits; forks and Sub2API write longer ones.
  const KEY = /^sk-[A-Za-z0-9_-]{32,128}$/;
  const told = new Set();
  const offer = (text) => {
    const key = text?.trim();
    if (!key || key.length > 140 || told.has(key) || !KEY.test(key)) return;
    told.add(key);
    if (told.size > 50) told.clear();
    tell("key", key);
  };

  const observe = () => {
    // A key is taken for shown when its text comes to stand alone in an element or a box within four
    // seconds of the person's click. What stands in a running text, or came unasked, is not looked at.
    const LONG = 4000;
    let until = 0;
    let watcher;
    const scan = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return offer(node.data);
      if (node.nodeType !== Node.ELEMENT_NODE) return;
      if (node.matches("input, textarea")) offer(node.value);
      const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
      for (let at = walk.nextNode(), most = 3000; at && most > 0; at = walk.nextNode(), most--) {
        if (at.nodeType === Node.TEXT_NODE) offer(at.data);
        else if (at.localName === "input" || at.localName === "textarea") offer(at.value);
      }
    };
    // A box's value changes without a trace in the tree: boxes are looked at once more at the end.
    const boxes = () => {
      for (const box of document.querySelectorAll("input, textarea")) offer(box.value);
    };
    const rest = () => {
      if (Date.now() < until) return void setTimeout(rest, until - Date.now());
      boxes();
      watcher?.disconnect();
      watcher = undefined;
    };
    const acted = (event) => {
      if (!event.isTrusted) return;
      until = Date.now() + LONG;
      setTimeout(boxes, 1000);
      if (watcher) return;
      watcher = new MutationObserver((records) => {
        for (const record of records) {
          if (record.type === "characterData") offer(record.target.data);
          else record.addedNodes.forEach(scan);
        }
      });
      watcher.observe(document.documentElement, { subtree: true, childList: true, characterData: true });
      setTimeout(rest, LONG);
    };
    addEventListener("click", acted, { capture: true, passive: true });
    addEventListener("keydown", (event) => event.key === "Enter" && acted(event), { capture: true, passive: true });
    // The older front ends copy by selecting: what is selected then is the key.
    addEventListener("copy", () => {
      const box = document.activeElement;
      offer(box?.matches?.("input, textarea") ? box.value.slice(box.selectionStart ?? 0, box.selectionEnd ?? 0) : String(getSelection()));
    }, { capture: true, passive: true });
  };

  begin(true);
})();
