/**
 * Makes the names.json of the built-in model: the names in its training data, emoji for them, and synonyms of COCO's names. The synonyms
 * are kept as they are in the file.
 *
 *     npx tsx scripts/build-names.ts
 */

import { readFileSync, writeFileSync } from "node:fs";
import { readNameTable } from "../src/data/scenes/names.ts";
import { nameListSchema } from "../src/inputs/words/name-list-schema.ts";

const FILE = "assets/models/everyday/names.json";
const LOOKS = /^(?:fe0f|1f3f[b-f])$/;

const table = readNameTable();
const { photos } = nameListSchema.parse(JSON.parse(readFileSync(FILE, "utf8")));
const more = [...table.more.values()].flatMap((icons) => [...icons.keys()]);
const trained = [...new Set([...table.names.keys(), ...table.modelled, ...more])].sort();
const characters: Record<string, string> = JSON.parse(
  readFileSync("node_modules/@iconify-json/twemoji/chars.json", "utf8"),
);
const nameOf = new Map(
  [...table.names].flatMap(([name, icons]) => icons.map((icon) => [table.idIn("twemoji", icon), name] as const)),
);
for (const [name, icons] of table.more.get("twemoji") ?? []) for (const icon of icons) nameOf.set(icon, name);
const people = { man: "man", woman: "woman", boy: "boy", girl: "girl", child: "child", baby: "baby", person: "person" };
const emoji = Object.fromEntries(
  Object.entries(characters).flatMap(([codes, icon]) => {
    const name = nameOf.get(icon) ?? Object.entries(people).find(([id]) => id === icon)?.[1];
    const parts = codes.split("-");
    if (name === undefined || parts.some((code) => LOOKS.test(code))) return [];
    return [[String.fromCodePoint(...parts.map((code) => Number.parseInt(code, 16))), name]];
  }),
);
writeFileSync(FILE, `${JSON.stringify({ photos, trained, emoji }, null, 2)}\n`);
console.log(`${trained.length} names, ${Object.keys(emoji).length} emoji`);
