// The search itself is tested first: a search that is blind finds every profile clean.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { hits, unsnap } from "./profile.mjs";

const NEEDLE = "sk-Canary/0123+456789=QRSTUVWXYZ";

/** Snappy with copies of 4 and more characters, so that a repeated needle does not lie there as it is. */
function snap(bytes) {
  const out = [];
  for (let n = bytes.length; ; n >>>= 7) {
    out.push(n > 127 ? (n & 127) | 128 : n);
    if (n <= 127) break;
  }
  const seen = new Map();
  let literal = 0;
  const flush = (to) => {
    for (let at = literal; at < to; at += 60) {
      const part = bytes.subarray(at, Math.min(at + 60, to));
      out.push((part.length - 1) << 2, ...part);
    }
  };
  for (let at = 0; at < bytes.length; ) {
    const four = bytes.subarray(at, at + 4).toString("latin1");
    const before = seen.get(four);
    seen.set(four, at);
    if (before === undefined || four.length < 4 || at - before > 65535) {
      at++;
      continue;
    }
    let length = 4;
    while (length < 64 && at + length < bytes.length && bytes[before + length] === bytes[at + length]) length++;
    flush(at);
    out.push(((length - 1) << 2) | 2, (at - before) & 255, (at - before) >> 8);
    at += length;
    literal = at;
  }
  flush(bytes.length);
  return Buffer.from(out);
}

const varint = (value) => {
  const out = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push((value & 127) | 128);
  return Buffer.from([...out, value]);
};
const entry = (key, value) => Buffer.concat([varint(0), varint(key.length), varint(value.length), key, value]);
const sealBlock = (content, packed) => Buffer.concat([packed ? snap(content) : content, Buffer.from([packed ? 1 : 0, 0, 0, 0, 0])]);
const ONE_RESTART = Buffer.from([0, 0, 0, 0, 1, 0, 0, 0]);

/** A LevelDB table of one data block. */
function table(key, value) {
  const data = sealBlock(Buffer.concat([entry(key, value), ONE_RESTART]), true);
  const index = sealBlock(Buffer.concat([entry(key, Buffer.concat([varint(0), varint(data.length - 5)])), ONE_RESTART]), false);
  const handles = Buffer.concat([varint(0), varint(0), varint(data.length), varint(index.length - 5)]);
  return Buffer.concat([data, index, handles, Buffer.alloc(40 - handles.length), Buffer.from("57fb808b247547db", "hex")]);
}

/** A LevelDB log in which one record is cut by the end of a 32 kB block in the middle of the needle. */
function log() {
  const text = Buffer.from(NEEDLE);
  const first = Buffer.concat([Buffer.alloc(32768 - 7 - 10, 0x61), text.subarray(0, 10)]);
  const rest = text.subarray(10);
  const record = (type, body) => Buffer.concat([Buffer.alloc(4), Buffer.from([body.length & 255, body.length >> 8, type]), body]);
  return Buffer.concat([record(2, first), record(4, rest)]);
}

/** What Firefox makes of its session: the needle's end is copied from before its beginning. */
function lz4() {
  const [head, tail] = [NEEDLE.slice(0, 22), NEEDLE.slice(22)];
  const before = Buffer.from(`${tail} ${head}`);
  const after = Buffer.from(" after");
  const back = before.length;
  const block = [0xf0 | (tail.length - 4), before.length - 15, ...before, back & 255, back >> 8, after.length << 4, ...after];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(before.length + tail.length + after.length);
  return Buffer.concat([Buffer.from("mozLz40\0"), size, Buffer.from(block)]);
}

// The middle of a needle is copied from before it, so that it lies nowhere as it is.
const hidden = Buffer.from(`${NEEDLE.slice(4, 20)} ${NEEDLE}`);
const text = Buffer.from(`before ${NEEDLE} after`);
const CASES = {
  "as it is": text,
  "in UTF-16": Buffer.from(`\u4e2d${NEEDLE}`, "utf16le"),
  "in base64, first alignment": Buffer.from(text.toString("base64")),
  "in base64, second alignment": Buffer.from(Buffer.from(`x${text}`).toString("base64")),
  "in base64, third alignment": Buffer.from(Buffer.from(`xy${text}`).toString("base64")),
  "in base64url": Buffer.from(text.toString("base64url")),
  "in base64 of UTF-16": Buffer.from(Buffer.from(`a${NEEDLE}b`, "utf16le").toString("base64")),
  "in hex": Buffer.from(text.toString("hex")),
  "in HEX": Buffer.from(text.toString("hex").toUpperCase()),
  "in an address": Buffer.from(`?q=${encodeURIComponent(NEEDLE)}`),
  "in gzip, behind other bytes": Buffer.concat([Buffer.from("header"), gzipSync(text)]),
  "in gzip that was cut": gzipSync(Buffer.concat([text, Buffer.alloc(100_000, 0x61)])).subarray(0, -20),
  "in zlib": Buffer.concat([Buffer.from("header"), deflateSync(text)]),
  "in brotli": brotliCompressSync(text),
  "in brotli in the browser's cache": Buffer.concat([
    Buffer.from("305c72a71b6dfbfc05000000", "hex"), Buffer.from([9, 0, 0, 0]), Buffer.alloc(8), Buffer.from("http://a/"), brotliCompressSync(text),
  ]),
  "packed as Firefox packs its session": lz4(),
  "in base64 in gzip": gzipSync(Buffer.from(`{"a":"${text.toString("base64")}"}`)),
  "in a LevelDB log, cut in two": log(),
  "in a packed LevelDB block": table(Buffer.from("k"), hidden),
  "in a packed value in a packed LevelDB block": table(Buffer.from("k"), Buffer.concat([Buffer.from([0xff, 0x11, 0x02]), snap(hidden)])),
};

/** Runs with the other suites. */
export default {
  name: "profile-search",
  cases: [
    ...Object.entries(CASES).map(([name, bytes]) => ({
      name: `finds a needle ${name}`,
      run: () => withFile(bytes, (dir) => {
        const found = hits(dir, [NEEDLE]);
        assert.ok(found.length > 0, "found nothing");
        assert.equal(hits(dir, ["sk-Another-needle-that-is-not-there"]).length, 0);
      }),
    })),
    {
      name: "the packed samples do not show the needle as it is",
      run: () => {
        for (const name of Object.keys(CASES).filter((one) => /packed|cut in two|gzip|zlib/.test(one))) assert.ok(!CASES[name].includes(NEEDLE), name);
        assert.deepEqual(unsnap(snap(hidden)), hidden);
      },
    },
  ],
};

function withFile(bytes, act) {
  const dir = mkdtempSync(join(tmpdir(), "relaykeep-search-"));
  try {
    writeFileSync(join(dir, "file"), bytes);
    act(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
