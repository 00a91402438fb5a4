// The whole life of accounts and keys in Firefox, from its real toolbar panel.
import assert from "node:assert/strict";
import { addByHand, withSites } from "../context.mjs";

const ROLES = ["heading", "button", "link", "textbox", "radio", "checkbox", "combobox", "searchbox"];

export default {
  name: "firefox life",
  ...withSites([{ kind: "newapi-jwt", keys: 12, name: "Orchard" }, { kind: "oneapi", keys: 5, name: "Harbour" }]),
  cases: [
    {
      name: "what the suites look for is what the browser's accessibility tree says",
      async run({ app }) {
        for (const section of ["keys", "accounts", "settings"]) {
          const { page } = await app.options(section);
          for (const role of ROLES) {
            const all = await page.ariaNames(role);
            // A person calls a field for a passphrase a text box; the standard gives it no role.
            const secret = role === "textbox" ? await page.$$eval("input[type=password]", (fields) => fields.filter((one) => one.checkVisibility()).map((one) => one.labels[0].innerText.trim())) : [];
            const names = all.filter((one) => !secret.includes(one));
            assert.equal(await page.ariaOfBrowser(role), names.length, `${section}: ${role}: ${names.join(" · ")}`);
            for (const name of new Set(names)) assert.equal(await page.ariaOfBrowser(role, name), names.filter((one) => one === name).length, `${section}: ${role} "${name}"`);
          }
        }
      },
    },
    {
      name: "an account is added from the panel over its site",
      async run({ app, sites: [site] }) {
        const page = await site.signIn(app);
        await app.addAccountFromTab(page, { token: site.accessToken, userId: site.userId, name: "Orchard" });
        await page.close();
        assert.equal((await app.keys({ account: "Orchard" })).length, 12);
      },
    },
    {
      name: "an account is added by hand",
      async run({ app, sites: [, site] }) {
        await addByHand(app, site, "Harbour");
        assert.equal((await app.keys({ account: "Harbour" })).length, 5);
      },
    },
  ],
};
