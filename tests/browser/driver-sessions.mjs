// Sessions shared with the browser, and watching, as a person uses them; mixed into the driver's App.
import { until } from "./aria.mjs";

const CHOICES = { off: "Only when I open the popup", chosen: "On sites I choose", all: "On all sites" };

export const sessions = {
  /** Presses "Open site" on an account; answers the tab that comes, once it has loaded. */
  async openSite(account) {
    const view = await this.options("accounts");
    const row = await until(`the account ${account}`, async () => {
      for (const one of await view.page.$$("[data-account]"))
        if ((await one.evaluate((element) => (element.checkVisibility() ? element.innerText : ""))).split("\n").some((line) => line.trim() === account)) return one;
      return null;
    });
    const before = new Set(await this.browser.pages());
    await view.click("button", "Open site", { within: row });
    const page = await until("the site's tab", async () => (await this.browser.pages()).find((one) => !before.has(one) && /^https?:/.test(one.url())));
    await page.waitForNetworkIdle({ idleTime: 300 }).catch(() => {});
    return page;
  },

  /** Switches watching: "off", "all", or a list of addresses. */
  async watch(where) {
    const view = await this.options("settings");
    await view.choose("Recognise relay sites as I browse", CHOICES[Array.isArray(where) ? "chosen" : where]);
    if (Array.isArray(where)) {
      for (const address of where) {
        await view.type("textbox", "Site to watch", address);
        await view.click("button", "Watch this site");
        await view.find("button", `Stop watching ${new URL(address).host}`);
      }
    }
  },

  /** What the icon says over a page: its letters and its title. Asked from our own page, as it lies. */
  badge(page) {
    return this.views.get("options").page.evaluate(async (url) => {
      const [tab] = (await chrome.tabs.query({})).filter((one) => one.url === url);
      return tab && { text: await chrome.action.getBadgeText({ tabId: tab.id }), title: await chrome.action.getTitle({ tabId: tab.id }) };
    }, page.url());
  },

  /** The scripts of ours that the browser puts into pages now. */
  scripts() {
    return this.views.get("options").page.evaluate(async () => (await chrome.scripting.getRegisteredContentScripts()).map(({ id, matches }) => ({ id, matches })));
  },
};
