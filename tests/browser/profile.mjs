// Searches a browser profile on disk for bytes that must not be there, in every dress a browser
// or we could have put them: UTF-8, UTF-16LE, base64 at each alignment, hex; as they lie, in
// LevelDB logs (cut into 32 kB blocks) and tables (snappy blocks), and inside gzip, zlib, brotli
// and Blink's snappy-compressed values, and Firefox's LZ4 files. What can be opened is opened again, three layers deep.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliDecompressSync, constants, inflateRawSync, inflateSync } from "node:zlib";

/** `[{ needle, file, dress }]` for every needle found. `needles`: texts, or `{ label: text }`. */
export function hits(dir, needles) {
  const named = Array.isArray(needles) ? Object.fromEntries(needles.map((one) => [one, one])) : needles;
  const search = searchFor(Object.entries(named).flatMap(([needle, text]) => dresses(text).map((one) => ({ needle, ...one }))));
  const found = new Map();
  for (const file of filesBelow(dir)) {
    let bytes;
    try {
      bytes = readFileSync(file);
    } catch {
      continue; // a lock or a socket, or gone meanwhile
    }
    for (const { layer, content } of layers(bytes)) {
      for (const { needle, dress } of search(content)) {
        const hit = { needle, file: relative(dir, file), dress: layer ? `${dress} in ${layer}` : dress };
        found.set(Object.values(hit).join("\0"), hit);
      }
    }
  }
  return [...found.values()];
}

/** One pass over the bytes for all patterns: their first three bytes say where to look closer. */
function searchFor(patterns) {
  const starts = new Uint8Array(1 << 24);
  const byStart = new Map();
  for (const one of patterns) {
    const start = one.pattern.readUIntLE(0, 3);
    starts[start] = 1;
    byStart.set(start, [...(byStart.get(start) ?? []), one]);
  }
  return (content) => {
    const found = [];
    for (let at = 0, start = content.length > 2 ? content.readUInt16LE(0) << 8 : 0; at + 2 < content.length; at++) {
      start = (start >>> 8) | (content[at + 2] << 16);
      if (starts[start] === 0) continue;
      for (const one of byStart.get(start))
        if (content.compare(one.pattern, 0, one.pattern.length, at, Math.min(at + one.pattern.length, content.length)) === 0) found.push(one);
    }
    return found;
  };
}

function* filesBelow(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Every byte pattern a text may have. Short base64 ends depend on what follows: they are cut off. */
export function dresses(text) {
  const utf8 = Buffer.from(text, "utf8");
  const utf16 = Buffer.from(text, "utf16le");
  if (utf8.length < 6) throw new Error("a needle this short would be found by chance");
  const found = [
    { dress: "UTF-8", pattern: utf8 },
    { dress: "UTF-16LE", pattern: utf16 },
    { dress: "hex", pattern: Buffer.from(utf8.toString("hex")) },
    { dress: "HEX", pattern: Buffer.from(utf8.toString("hex").toUpperCase()) },
    { dress: "percent-encoded", pattern: Buffer.from(encodeURIComponent(text)) },
    { dress: "JSON-escaped", pattern: Buffer.from(JSON.stringify(text).slice(1, -1).replaceAll("/", "\\/")) },
  ];
  for (const [of, bytes] of [["UTF-8", utf8], ["UTF-16LE", utf16]]) {
    for (const before of [0, 1, 2]) {
      const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
      // Characters that hold a bit of what stands before or after the text say nothing of it.
      const from = before === 0 ? 0 : before + 1;
      const to = Math.floor(((before + bytes.length) * 8) / 6);
      const sure = whole.slice(from, to);
      found.push({ dress: `base64 of ${of}`, pattern: Buffer.from(sure) });
      found.push({ dress: `base64url of ${of}`, pattern: Buffer.from(sure.replaceAll("+", "-").replaceAll("/", "_")) });
      if (of === "UTF-8") found.push({ dress: "base64 in UTF-16LE", pattern: Buffer.from(sure, "utf16le") });
    }
  }
  const distinct = new Map();
  for (const one of found) if (!distinct.has(one.pattern.toString("latin1"))) distinct.set(one.pattern.toString("latin1"), one);
  return [...distinct.values()];
}

/** The bytes as they lie, then everything that can be unpacked from them. */
export function* layers(bytes, depth = 0, name = "") {
  yield { layer: name, content: bytes };
  if (depth >= 3) return;
  for (const [how, content] of unpacked(bytes, depth)) yield* layers(content, depth + 1, name ? `${how} in ${name}` : how);
}

const MOST = 64 << 20;
const CUT_IS_FINE = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST };

function* unpacked(bytes, depth) {
  if (depth === 0) {
    const log = levelLog(bytes);
    if (log) yield ["LevelDB log", log];
    for (const block of levelBlocks(bytes)) yield ["LevelDB block", block];
  }
  yield* streams(bytes, Buffer.from([0x1f, 0x8b, 0x08]), (at) => ["gzip", inflateRawSync(afterGzipHeader(bytes, at), CUT_IS_FINE)]);
  for (const second of [0x01, 0x5e, 0x9c, 0xda])
    yield* streams(bytes, Buffer.from([0x78, second]), (at) => ["zlib", inflateSync(bytes.subarray(at), CUT_IS_FINE)]);
  // Blink packs large structured clones: version tag, pseudo version, "snappy" (IndexedDB).
  yield* streams(bytes, Buffer.from([0xff, 0x11, 0x02]), (at) => ["snappy value", unsnap(bytes.subarray(at + 3))]);
  // Firefox keeps sessions and the like in LZ4.
  yield* streams(bytes, Buffer.from("mozLz40\0"), (at) => ["LZ4", unlz4(bytes.subarray(at + 12), bytes.readUInt32LE(at + 8))]);
  // Brotli has no mark. Cached answers begin behind a header of 20 or 24 bytes and the address.
  for (const at of brotliStarts(bytes)) {
    try {
      const content = brotliDecompressSync(bytes.subarray(at), {
        finishFlush: constants.BROTLI_OPERATION_FLUSH,
        maxOutputLength: MOST,
      });
      if (content.length > 0) yield ["brotli", content];
    } catch {
      // Not brotli.
    }
  }
}

function* streams(bytes, mark, open) {
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    let opened;
    try {
      opened = open(at);
    } catch {
      continue; // the mark by chance
    }
    if (opened[1]?.length > 0) yield opened;
  }
}

function afterGzipHeader(bytes, at) {
  const flags = bytes[at + 3];
  let from = at + 10;
  if (flags & 4) from += 2 + bytes.readUInt16LE(from);
  if (flags & 8) from = bytes.indexOf(0, from) + 1;
  if (flags & 16) from = bytes.indexOf(0, from) + 1;
  if (flags & 2) from += 2;
  return bytes.subarray(from);
}

const SIMPLE_CACHE = Buffer.from([0x30, 0x5c, 0x72, 0xa7, 0x1b, 0x6d, 0xfb, 0xfc]);

function* brotliStarts(bytes) {
  yield 0;
  // Chromium's simple cache: magic (8), version (4), key length (4), key hash (4), padding (4), key, body.
  if (bytes.subarray(0, 8).equals(SIMPLE_CACHE) && bytes.length > 24) {
    const key = bytes.readUInt32LE(12);
    yield 24 + key;
    yield 20 + key;
  }
}

/** The records of a LevelDB log put together again, or null if it is none. */
export function levelLog(bytes) {
  const parts = [];
  for (let block = 0; block < bytes.length; block += 32768) {
    const end = Math.min(block + 32768, bytes.length);
    let at = block;
    while (at + 7 <= end) {
      const length = bytes.readUInt16LE(at + 4);
      const type = bytes[at + 6];
      if (type === 0 && length === 0) break; // the rest of the block is preallocated
      if (type < 1 || type > 4 || at + 7 + length > end) return parts.length > 1 ? Buffer.concat(parts) : null;
      parts.push(bytes.subarray(at + 7, at + 7 + length));
      at += 7 + length;
    }
  }
  return parts.length > 0 ? Buffer.concat(parts) : null;
}

const TABLE_MAGIC = Buffer.from([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);

/** Every block of a LevelDB table (.ldb), unpacked, with its keys' shared beginnings written out. */
export function* levelBlocks(bytes) {
  if (bytes.length < 48 || !bytes.subarray(-8).equals(TABLE_MAGIC)) return;
  const footer = new Reader(bytes.subarray(-48));
  footer.varint();
  footer.varint(); // the filters
  const index = block(bytes, footer.varint(), footer.varint());
  if (!index) return;
  yield index;
  for (const { value } of entries(index)) {
    const handle = new Reader(value);
    const data = block(bytes, handle.varint(), handle.varint());
    if (!data) continue;
    yield Buffer.concat([...entries(data)].flatMap(({ key, value: one }) => [key, Buffer.from([0]), one, Buffer.from([0])]));
  }
}

function block(bytes, offset, size) {
  if (offset + size + 5 > bytes.length) return null;
  const body = bytes.subarray(offset, offset + size);
  try {
    return bytes[offset + size] === 1 ? unsnap(body) : body;
  } catch {
    return null;
  }
}

function* entries(content) {
  if (content.length < 4) return;
  const end = content.length - 4 - 4 * content.readUInt32LE(content.length - 4);
  const reader = new Reader(content);
  let key = Buffer.alloc(0);
  while (reader.at < end) {
    const shared = reader.varint();
    const rest = reader.varint();
    const length = reader.varint();
    key = Buffer.concat([key.subarray(0, shared), reader.take(rest)]);
    yield { key, value: reader.take(length) };
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  varint() {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError("cut");
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  }

  take(length) {
    const taken = this.bytes.subarray(this.at, this.at + length);
    if (taken.length < length) throw new RangeError("cut");
    this.at += length;
    return taken;
  }
}

/** Snappy's block format. Throws at the first thing that is not. */
export function unsnap(bytes) {
  const reader = new Reader(bytes);
  const size = reader.varint();
  if (size > MOST) throw new RangeError("too large");
  const out = Buffer.alloc(size);
  let to = 0;
  while (to < size) {
    const tag = reader.take(1)[0];
    if ((tag & 3) === 0) {
      let length = tag >> 2;
      if (length >= 60) length = reader.take(length - 59).readUIntLE(0, length - 59);
      to += reader.take(length + 1).copy(out, to);
      continue;
    }
    let length, back;
    if ((tag & 3) === 1) {
      length = ((tag >> 2) & 7) + 4;
      back = ((tag >> 5) << 8) | reader.take(1)[0];
    } else {
      length = (tag >> 2) + 1;
      back = (tag & 3) === 2 ? reader.take(2).readUInt16LE(0) : reader.take(4).readUInt32LE(0);
    }
    if (back === 0 || back > to || to + length > size) throw new RangeError("not snappy");
    for (let i = 0; i < length; i++, to++) out[to] = out[to - back];
  }
  return out;
}

/** LZ4's block format. Throws at the first thing that is not. */
export function unlz4(bytes, size) {
  if (size > MOST) throw new RangeError("too large");
  const reader = new Reader(bytes);
  const out = Buffer.alloc(size);
  const long = (length) => {
    if (length < 15) return length;
    for (let byte = 255; byte === 255; length += byte) byte = reader.take(1)[0];
    return length;
  };
  for (let to = 0; to < size; ) {
    const token = reader.take(1)[0];
    to += reader.take(long(token >> 4)).copy(out, to);
    if (to >= size) break; // the last sequence has literals only
    const back = reader.take(2).readUInt16LE(0);
    const length = long(token & 15) + 4;
    if (back === 0 || back > to || to + length > size) throw new RangeError("not LZ4");
    for (let i = 0; i < length; i++, to++) out[to] = out[to - back];
  }
  return out;
}

/** How large a profile is: a search that looked at nothing found nothing. */
export function sizeOf(dir) {
  let size = 0;
  for (const file of filesBelow(dir)) size += statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return size;
}
