// Writes a zip whose bytes depend on the files alone: sorted names, one fixed time, no
// attributes of this machine.
//
//   SOURCE_DATE_EPOCH=… node zip.mjs DIR FILE.zip
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { filesBelow } from "./assemble.mjs";

/** MS-DOS date and time, in UTC so that the builder's time zone plays no part. */
function dosTime(seconds) {
  const at = new Date(Math.max(seconds, 315_532_800) * 1000); // the format begins in 1980
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return { date, time };
}

/** The archive of a folder. */
export function zipOf(dir, seconds) {
  const { date, time } = dosTime(seconds);
  const parts = [];
  const entries = [];
  let offset = 0;
  const files = filesBelow(dir);
  for (const path of files) {
    const name = Buffer.from(path, "utf8");
    const content = readFileSync(join(dir, path));
    const packed = deflateRawSync(content, { level: 9, memLevel: 9 });
    const stored = packed.length >= content.length;
    const body = stored ? content : packed;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // needs version 2.0
    common.writeUInt16LE(0x0800, 2); // names are UTF-8
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt16LE(time, 6);
    common.writeUInt16LE(date, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, name]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((0o100644 << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    entries.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, tail, name]));
    parts.push(local, body);
    offset += local.length + body.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

const [dir, file] = process.argv.slice(2);
writeFileSync(file, zipOf(dir, Number(process.env.SOURCE_DATE_EPOCH ?? 0)));
