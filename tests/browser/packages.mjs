// npm packages live outside the clone, by lock file; build.sh says where.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const where = process.env.RELAYKEEP_NPM;
if (!where) throw new Error("RELAYKEEP_NPM is not set: start this through ./build.sh");
const require = createRequire(join(where, "package.json"));

export const puppeteer = (await import(pathToFileURL(require.resolve("puppeteer-core")))).default;

/** The web socket that puppeteer itself uses: node has had one of its own only since version 22. */
export const WebSocket = createRequire(require.resolve("puppeteer-core"))("ws");

/** The file of axe-core to put into a page. */
export const axePath = require.resolve("axe-core/axe.min.js");
