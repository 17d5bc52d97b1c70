/** Seeded changes to a file: to its bytes, or to the words and numbers that its readers look for. */

import type { Random } from "../../src/data/random.ts";

/** Values that have caused errors in other readers. */
const wild = [
  "-1",
  "0",
  "1e308",
  "-1e308",
  "1e999",
  "9007199254740993",
  "4294967296",
  "100000000",
  "0.5",
  "null",
  "true",
  "[]",
  "{}",
  '""',
  '"../../../../../../../../etc/passwd"',
  '"/proc/self/environ"',
  '"/dev/zero"',
  '"pipe"',
  '"a\\u0000b"',
  '"\\u001b[2J"',
  '"__proto__"',
  '"constructor"',
  '{"__proto__": {"x": 1}}',
  "NaN",
  "<!--",
  "<![CDATA[",
  "&#x110000;",
  "]]>",
];

type Change = (bytes: Buffer, random: Random) => Buffer;

const at = (random: Random, length: number) => Math.floor(random.unit() * length);

const changes: readonly Change[] = [
  // Changes a bit.
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    if (bytes.length > 0) changed[at(random, bytes.length)]! ^= 1 << at(random, 8);
    return changed;
  },
  // Writes four bytes with an extreme number.
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    const limits = [0, 0xffffffff, 0x7fffffff, 0x80000000, 1, 0xff];
    if (bytes.length >= 4) changed.writeUInt32LE(limits[at(random, limits.length)]!, at(random, bytes.length - 3));
    return changed;
  },
  // Removes the end.
  (bytes, random) => bytes.subarray(0, at(random, bytes.length + 1)),
  // Removes a range.
  (bytes, random) => {
    const from = at(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + at(random, 64))]);
  },
  // Repeats a range many times.
  (bytes, random) => {
    const from = at(random, bytes.length);
    const part = bytes.subarray(from, from + 1 + at(random, 64));
    const times = [2, 10, 1000, 20_000][at(random, 4)]!;
    return Buffer.concat([bytes.subarray(0, from), ...new Array<Buffer>(times).fill(part), bytes.subarray(from)]);
  },
  // Writes random bytes.
  (bytes, random) => {
    const from = at(random, bytes.length + 1);
    const part = Buffer.from(Array.from({ length: 1 + at(random, 16) }, () => at(random, 256)));
    return Buffer.concat([bytes.subarray(0, from), part, bytes.subarray(from)]);
  },
  // Replaces a number, a word or a text by another value.
  (bytes, random) => {
    const text = bytes.toString("latin1");
    const places = [...text.matchAll(/"(?:[^"\\\n]|\\.){0,200}"|-?\d+(?:\.\d+)?|\b[a-z_]{2,20}\b/gi)];
    const place = places[at(random, places.length)];
    if (!place) return bytes;
    const value = wild[at(random, wild.length)]!;
    return Buffer.from(text.slice(0, place.index) + value + text.slice(place.index + place[0].length), "latin1");
  },
  // Nests deeply.
  (bytes, random) => {
    const text = bytes.toString("latin1");
    const places = [...text.matchAll(/[\d[{"<]/g)];
    const place = places[at(random, places.length)]?.index ?? 0;
    const [open, close] = [
      ["[", "]"],
      ['{"a":', "}"],
      ["<a>", "</a>"],
    ][at(random, 3)] as [string, string];
    const depth = [10, 1000, 30_000][at(random, 3)]!;
    return Buffer.from(
      `${text.slice(0, place)}${open.repeat(depth)}1${close.repeat(depth)}${text.slice(place)}`,
      "latin1",
    );
  },
];

/** A file with one to four changes. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  for (let count = 1 + at(random, 4); count > 0; count--)
    changed = changes[at(random, changes.length)]!(changed, random);
  // Larger files only take more time.
  return changed.subarray(0, 4_000_000);
}
