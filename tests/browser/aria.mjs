// Finding things as a person does: by what they are and what they are called.

const escape = (text) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
const selector = (role, name) => `::-p-aria([name="${escape(name)}"][role="${role}"])`;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is truthy; `what` completes "waited in vain for …". */
export async function until(what, ask, { timeout = 15_000, every = 40 } = {}) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      // The page may be between two documents, or redrawing the very element we held.
      if (!/context|detached|navigat|not (a|clickable|visible)|Node|closed|JSHandle|Protocol/i.test(error.message)) throw error;
      last = error;
    }
    if (Date.now() > end) break;
    await sleep(every);
  }
  const said = typeof what === "function" ? await what().catch(() => "?") : what;
  throw new Error(`waited in vain for ${said}${last ? ` (${last.message.split("\n")[0]})` : ""}`);
}

/** One page or popup, with eyes and hands. */
export class View {
  constructor(page) {
    this.page = page;
    this.session = undefined;
  }

  async cdp() {
    this.session ??= await this.page.createCDPSession();
    return this.session;
  }

  /** Accessible names of everything with this role, in document order. */
  async names(role) {
    if (this.page.ariaNames) return this.page.ariaNames(role);
    const cdp = await this.cdp();
    const { root } = await cdp.send("DOM.getDocument", { depth: 0 });
    const { nodes } = await cdp.send("Accessibility.queryAXTree", { nodeId: root.nodeId, role });
    return nodes.filter((node) => !node.ignored).map((node) => node.name?.value ?? "");
  }

  /** The element, or null. `name` may be a pattern; `within` narrows the search to another element. */
  async look(role, name, { within } = {}) {
    const names = name instanceof RegExp ? new Set((await this.names(role)).filter((one) => name.test(one))) : [name];
    for (const full of names) {
      const found = await (within ?? this.page).$(selector(role, full));
      if (found) return found;
    }
    return null;
  }

  /** Elements on screen; lists keep spare ones that are not. */
  async visible(css) {
    const found = [];
    for (const one of await this.page.$$(css)) if (await one.evaluate((element) => element.checkVisibility())) found.push(one);
    return found;
  }

  /** The element, waited for. */
  find(role, name, { within, timeout } = {}) {
    const complaint = async () => `the ${role} ${name} on ${this.page.url().replace(/^.*\//, "")}; there is: ${(await this.names(role)).join(" · ")}`;
    return until(complaint, () => this.look(role, name, { within }), { timeout });
  }

  /** Whether it is there now. */
  async has(role, name) {
    return (await this.look(role, name)) !== null;
  }

  /** Waits until it is there no more. */
  gone(role, name, { timeout } = {}) {
    return until(`the ${role} ${name} to go`, async () => !(await this.has(role, name)), { timeout });
  }

  /** Clicks it, as soon as it is there and enabled. */
  async click(role, name, { within, timeout } = {}) {
    await until(
      async () => `the ${role} ${name} to be clickable; there is: ${(await this.names(role)).join(" · ")}`,
      async () => {
        const element = await this.look(role, name, { within });
        if (!element || (await element.evaluate((one) => one.disabled || one.ariaDisabled === "true"))) return false;
        await element.click();
        return true;
      },
      { timeout },
    );
  }

  /** Replaces what a field holds by typing. */
  async type(role, name, text, { within, timeout } = {}) {
    const element = await this.find(role, name, { within, timeout });
    await element.click();
    await this.chord("Control", "KeyA");
    await this.page.keyboard.press("Delete");
    await element.type(text);
  }

  /** Chooses an option of a list by its words. */
  async choose(name, option, { within } = {}) {
    const element = await this.find("combobox", name, { within });
    const value = await element.evaluate((select, words) => [...select.options].find((one) => one.label === words || one.text.trim() === words)?.value, option);
    if (value === undefined) throw new Error(`"${name}" does not offer "${option}"`);
    await element.select(value);
  }

  /** Sets or clears a box. */
  async tick(name, on = true, { within } = {}) {
    const box = await this.find("checkbox", name, { within });
    if ((await box.evaluate((one) => one.checked ?? one.ariaChecked === "true")) !== on) await box.click();
  }

  /** Presses keys together. */
  async chord(...keys) {
    for (const key of keys.slice(0, -1)) await this.page.keyboard.down(key);
    await this.page.keyboard.press(keys.at(-1));
    for (const key of keys.slice(0, -1).reverse()) await this.page.keyboard.up(key);
  }

  /** What an alert says, or "". */
  alert() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('[role="alert"]')].map((one) => (one.checkVisibility() ? one.innerText.trim() : "")).filter(Boolean).join(" · "),
    );
  }

  /** Listens like a screen reader: what is returned tells the lines said since, as they were said. */
  async listen() {
    const heard = await this.page.evaluateHandle(() => {
      const lines = [];
      const region = document.querySelector('[role="status"][aria-live="polite"]');
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) lines.push(node.textContent.trim());
      }).observe(region, { childList: true, characterData: true, subtree: true });
      return lines;
    });
    return () => heard.evaluate((lines) => [...lines]);
  }

  /** All that is to be read. */
  text() {
    return this.page.evaluate(() => document.body?.innerText ?? "");
  }

  /** Waits for words anywhere on the page. */
  reads(words, { timeout } = {}) {
    const holds = (text) => (words instanceof RegExp ? words.test(text) : text.includes(words));
    return until(async () => `"${words}"; the page reads: ${(await this.text()).slice(0, 600)}`, async () => holds(await this.text()), { timeout });
  }
}
