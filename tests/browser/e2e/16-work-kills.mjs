// The worker is killed before and after every request of making, changing, switching, deleting and
// rotating a key. Taken up again, there is exactly one effective write, and no key nobody knows.
import assert from "node:assert/strict";
import { addByHand, withSites } from "../context.mjs";
import { sleep, until } from "../driver.mjs";

const ACCOUNT = "Orchard";

/** Holds the request `skip` (before it is carried out, or its answer), kills the worker, lets go. */
async function strike(app, site, act, { skip, after }) {
  const { id } = await site.fault({ fault: "hold", skip, count: 1, after });
  let acting;
  const job = await app.job(async () => {
    acting = act().catch(() => {});
    const struck = await until(`request ${skip + 1}`, async () => {
      const fault = (await site.state()).faults.find((one) => one.id === id);
      return fault?.hits > 0 ? "held" : false;
    }, { timeout: 20_000, every: 20 });
    assert.equal(struck, "held");
    await app.killWorker();
    await site.clearFaults();
    // The window that waited for the job goes; the job goes on without it.
    await (await app.options("keys")).page.close();
    await acting;
  }, { timeout: 120_000 });
  return job;
}

/** How many requests an undisturbed run makes. */
async function undisturbed(site, act) {
  await site.resetLog();
  await act();
  await sleep(300);
  return (await site.log()).length;
}

const named = async (site, name) => (await site.keys()).filter((key) => key.name === name);

const ACTS = {
  async create(app, site, tag) {
    return {
      act: () => app.createKey({ account: ACCOUNT, name: `made ${tag}`, raw: 500 }),
      async holds() {
        const made = await named(site, `made ${tag}`);
        assert.equal(made.length, 1, "made exactly once");
        assert.equal(made[0].remain_quota, 500);
        assert.ok(!(await site.keys()).some((key) => key.name.startsWith("rk-")), "no key under a drawn name is left");
      },
    };
  },
  async edit(app, site, tag) {
    await app.createKey({ account: ACCOUNT, name: `edit ${tag}`, raw: 500 });
    return {
      act: () => app.editKey({ account: ACCOUNT, name: `edit ${tag}`, raw: 900, group: "vip" }),
      async holds() {
        const [key] = await named(site, `edit ${tag}`);
        assert.deepEqual([key.remain_quota, key.group, key.status], [900, "vip", 1]);
      },
    };
  },
  async disable(app, site, tag) {
    await app.createKey({ account: ACCOUNT, name: `off ${tag}`, raw: 500 });
    return {
      act: () => app.setEnabled({ account: ACCOUNT, names: [`off ${tag}`], on: false }),
      async holds() {
        const [key] = await named(site, `off ${tag}`);
        assert.deepEqual([key.status, key.remain_quota], [2, 500]);
      },
    };
  },
  async delete(app, site, tag) {
    await app.createKey({ account: ACCOUNT, name: `gone ${tag}`, raw: 500 });
    const before = (await site.keys()).length;
    return {
      act: () => app.deleteKey({ account: ACCOUNT, names: [`gone ${tag}`] }),
      async holds() {
        assert.equal((await site.keys()).length, before - 1);
        assert.equal((await app.keys({ search: `gone ${tag}` })).length, 0);
      },
    };
  },
  async rotate(app, site, tag) {
    await app.createKey({ account: ACCOUNT, name: `twin ${tag}`, raw: 500 });
    return {
      act: () => app.rotate({ account: ACCOUNT, name: `twin ${tag}` }),
      async holds() {
        assert.equal((await named(site, `twin ${tag}`)).length, 2, "the old one and one twin");
        assert.ok(!(await site.keys()).some((key) => key.name.startsWith("rk-")), "no key under a drawn name is left");
      },
    };
  },
};

export default {
  name: "work kills",
  beside: true,
  ...withSites([{ kind: "newapi-jwt", keys: 3, limits: "off" }], {
    async ready({ app, sites: [site] }) {
      await addByHand(app, site, ACCOUNT);
    },
  }),
  cases: Object.entries(ACTS).map(([name, prepare]) => ({
    name: `${name}, killed before and after each request: one effective write`,
    longest: 900_000,
    async run({ app, sites: [site] }) {
      const first = await prepare(app, site, "undisturbed");
      const requests = await undisturbed(site, first.act);
      await first.holds();
      assert.ok(requests >= 1, `${requests} requests`);
      for (let skip = 0; skip < requests; skip++) {
        for (const after of [false, true]) {
          const tag = `${skip}${after ? "b" : "a"}`;
          const { act, holds } = await prepare(app, site, tag);
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
