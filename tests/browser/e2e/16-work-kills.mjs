// The worker is killed before and after every request of making, changing, switching, deleting and
// rotating a key. Taken up again, there is exactly one effective write, and no key nobody knows.
import assert from "node:assert/strict";
import { addByHand, withSites } from "../context.mjs";
import { until } from "../driver.mjs";


/** Holds the request `skip` (before it is carried out, or its answer), kills the worker, lets go. */
async function strike(app, site, act, { skip, after }) {
  const { id } = await site.fault({ fault: "hold", skip, count: 1, after });
  return app.job(async () => {
    await act();
    await until(`request ${skip + 1}`, async () => (await site.state()).faults.find((one) => one.id === id)?.hits > 0, { timeout: 20_000, every: 20 });
    await app.killWorker();
    await site.clearFaults();
    // The window that waited for the job goes; the job goes on without it.
    await (await app.options("keys")).page.close();
  }, { timeout: 120_000 });
}

/** How many requests an undisturbed run makes. */
async function undisturbed(app, site, act) {
  await site.resetLog();
  await app.job(act);
  return (await site.log()).length;
}

const named = async (site, name) => (await site.keys()).filter((key) => key.name === name);

const ACTS = {
  async create(app, site, account, tag) {
    return {
      async act() {
        const view = await app.options("keys");
        await view.click("button", `New key at ${account}`);
        await app.fillKey(view, await app.window(view, "New key"), { name: `made ${tag}`, raw: 500 });
        await view.click("button", "Create key");
      },
      async holds() {
        const made = await named(site, `made ${tag}`);
        assert.equal(made.length, 1, "made exactly once");
        assert.equal(made[0].remain_quota, 500);
        assert.ok(!(await site.keys()).some((key) => key.name.startsWith("rk-")), "no key under a drawn name is left");
      },
    };
  },
  async edit(app, site, account, tag) {
    await app.createKey({ account, name: `edit ${tag}`, raw: 500 });
    return {
      async act() {
        const { view, dialog } = await app.openKey({ account, name: `edit ${tag}` });
        await app.fillKey(view, dialog, { raw: 900, group: "vip" });
        await view.click("button", "Save changes");
      },
      async holds() {
        const [key] = await named(site, `edit ${tag}`);
        assert.deepEqual([key.remain_quota, key.group, key.status], [900, "vip", 1]);
      },
    };
  },
  async disable(app, site, account, tag) {
    await app.createKey({ account, name: `off ${tag}`, raw: 500 });
    return {
      act: () => app.fromMenu({ account, name: `off ${tag}` }, "Disable"),
      async holds() {
        const [key] = await named(site, `off ${tag}`);
        assert.deepEqual([key.status, key.remain_quota], [2, 500]);
      },
    };
  },
  async delete(app, site, account, tag) {
    await app.createKey({ account, name: `gone ${tag}`, raw: 500 });
    const before = (await site.keys()).length;
    return {
      async act() {
        const view = await app.fromMenu({ account, name: `gone ${tag}` }, "Delete at the site…");
        await app.agree(view, "Delete at the site");
      },
      async holds() {
        assert.equal((await site.keys()).length, before - 1);
        assert.equal((await app.keys({ search: `gone ${tag}` })).length, 0);
      },
    };
  },
  async rotate(app, site, account, tag) {
    await app.createKey({ account, name: `twin ${tag}`, raw: 500 });
    return {
      async act() {
        const view = await app.fromMenu({ account, name: `twin ${tag}` }, "Rotate…");
        await app.agree(view, "Rotate");
      },
      async holds() {
        assert.equal((await named(site, `twin ${tag}`)).length, 2, "the old one and one twin");
        assert.ok(!(await site.keys()).some((key) => key.name.startsWith("rk-")), "no key under a drawn name is left");
      },
    };
  },
};

/** The account and its site, for each act. One origin is asked no oftener than 150 times in three
 *  minutes, and for full keys no oftener than 15 times in twenty, also by a test: rotating takes many
 *  requests, so it has four sites, of the generation whose keys need not be revealed. */
const SITES = [...Object.keys(ACTS), "rotate 2", "rotate 3", "rotate 4"];
const sitesOf = (name) => SITES.flatMap((one, at) => (one.startsWith(name) ? [at] : []));

export default {
  name: "work kills",
  beside: true,
  ...withSites(SITES.map((name) => ({ kind: name.startsWith("rotate") ? "newapi-2025-04" : "newapi-jwt", keys: 3, limits: "off" })), {
    async ready({ app, sites }) {
      for (const [at, name] of SITES.entries()) await addByHand(app, sites[at], name);
    },
  }),
  cases: Object.entries(ACTS).map(([name, prepare]) => ({
    name: `${name}, killed before and after each request: one effective write`,
    longest: 900_000,
    async run({ app, sites }) {
      const own = sitesOf(name);
      const [at] = own;
      // Once before counting: the form asks for models and groups the first time only.
      for (const one of own) await app.job((await prepare(app, sites[one], SITES[one], "first")).act);
      const first = await prepare(app, sites[at], SITES[at], "undisturbed");
      const requests = await undisturbed(app, sites[at], first.act);
      await first.holds();
      assert.ok(requests >= 1, `${requests} requests`);
      let turn = 0;
      for (let skip = 0; skip < requests; skip++) {
        for (const after of [false, true]) {
          const place = own[turn++ % own.length];
          const site = sites[place];
          const tag = `${skip}${after ? "b" : "a"}`;
          const { act, holds } = await prepare(app, site, SITES[place], tag);
          await app.options("keys");
          const job = await strike(app, site, act, { skip, after });
          try {
            await holds();
          } catch (error) {
            error.message = `struck ${after ? "after" : "before"} request ${skip + 1} of ${requests} (${job.text}): ${error.message}`;
            throw error;
          }
        }
      }
    },
  })),
};
