// Sites that keep us waiting: how long is the product's to say, so these cases take their time.
import assert from "node:assert/strict";
import { ensure, withSites } from "../context.mjs";

const names = (list) => list.map((one) => one.name).toSorted();

export default {
  name: "patience",
  beside: true,
  ...withSites([{ kind: "newapi-cookie", keys: 8 }, { kind: "newapi-jwt", keys: 5 }]),
  cases: [
    {
      name: "an answer that trickles in, and none at all: said in words, and the keys stay",
      longest: 120_000,
      async run({ app, sites: [trickling, silent] }) {
        await ensure(app, trickling, "trickling");
        await ensure(app, silent, "silent");
        const before = names(await app.keys());
        await trickling.fault({ path: "/api/token/*", fault: "slow_loris", ms_per_byte: 400 });
        await silent.fault({ path: "/api/token/*", fault: "hang" });
        try {
          const lines = await app.sync(undefined, { timeout: 90_000 });
          assert.equal(lines.length, 2);
          for (const line of lines) assert.match(line, /in time/i);
          assert.deepEqual(names(await app.keys()), before);
        } finally {
          await trickling.clearFaults();
          await silent.clearFaults();
        }
        for (const line of await app.sync()) assert.match(line, /nothing changed|updated/);
      },
    },
  ],
};
