import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { overlapInclusive } from "../../boxes/overlap.ts";
import { SSD_SIDE, ssdMirror } from "../../models/coco-ssd/coco-ssd.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { baseOf } from "./base-digest.ts";
import { Companion } from "./companion.ts";
import type { Detection } from "./detection.ts";
import { loadModel } from "./load-model.ts";
import { readModel } from "./model-folder.ts";
import { readCompanion } from "./read-companion.ts";

const BUILT_IN = "assets/models/everyday";
const folder = mkdtempSync(join(tmpdir(), "companion-"));
after(() => rmSync(folder, { recursive: true }));
/** The built-in model without its companion. */
const alone = join(folder, "alone");
cpSync(BUILT_IN, alone, { recursive: true });
rmSync(join(alone, "companion.safetensors"));

const { photos } = JSON.parse(readFileSync(join(BUILT_IN, "names.json"), "utf8"));
const storedCompanion = await readCompanion(join(BUILT_IN, "companion.safetensors"), photos);
const companion = new Companion(storedCompanion, { threads: 1 });
const [together, single] = [await loadModel(undefined, { threads: 1 }), await loadModel(alone, { threads: 1 })];
after(async () => {
  for (const used of [companion, together, single]) await used.dispose();
});
/** Detections of any score. */
const ALL = { threshold: 0 };
const scene = readFileSync("examples/pictures/scene-1.jpg");
const photo = readFileSync("examples/photos/coffee.jpg");

function overlap(a: Detection["box"], b: Detection["box"]): number {
  const [one, other] = [a, b].map(({ xmin, ymin, xmax, ymax }) => Float32Array.of(xmin, ymin, xmax, ymax));
  return overlapInclusive(one!, 0, other!, 0);
}

test("names, their plurals, phrases of only a name and narrower words refer to a class; other words do not", () => {
  const name = (label: string) => {
    const number = companion.classOf(label);
    return number === undefined ? undefined : storedCompanion.classes[number]![0];
  };
  for (const [label, expected] of [
    ["dog", "dog"],
    ["Dogs", "dog"],
    ["two dogs", "dog"],
    ["a bus", "bus"],
    ["buses", "bus"],
    ["knives", "knife"],
    ["people", "person"],
    ["sofas", "couch"],
    ["puppy", "dog"],
    ["two kittens", "cat"],
    ["man", "person"],
    ["Women", "person"],
    ["a child", "person"],
    ["fridge", "refrigerator"],
    ["TV", "tv"],
    ["bike", "bicycle"],
    ["Traffic_Light", "traffic light"],
    ["ball", "sports ball"],
    ["red dog", undefined],
    ["dog house", undefined],
    ["window", undefined],
    ["", undefined],
  ] as const)
    assert.equal(name(label), expected, label);
});

test("names that the companion does not know get the model's detections, in the same bits", async () => {
  const names = ["castle", "red dog"];
  assert.deepEqual(await together.detect(scene, names, ALL), await single.detect(scene, names, ALL));
});

test("weights are read at the first use, from the open file", async () => {
  const copy = join(folder, "deleted.safetensors");
  cpSync(join(BUILT_IN, "companion.safetensors"), copy);
  const late = new Companion(await readCompanion(copy), { threads: 1 });
  rmSync(copy);
  const square = new Float32Array(3 * SSD_SIDE * SSD_SIDE).fill(0.5);
  const size = { width: 32, height: 32 };
  assert.deepEqual(await late.look({ tensor: square }, size), await companion.look({ tensor: square }, size));
  await late.dispose();
  cpSync(join(BUILT_IN, "companion.safetensors"), copy);
  const shortened = new Companion(await readCompanion(copy), { threads: 1 });
  truncateSync(copy, 100_000);
  await assert.rejects(shortened.look({ tensor: square }, size), /deleted\.safetensors: cannot be read/);
  await shortened.dispose();
});

test("boxes of a known name come from both detectors, and the better one of two overlapping boxes is kept", async () => {
  const names = ["castle", "cup", "spoon"];
  const [both, own] = [await together.detect(photo, names, ALL), await single.detect(photo, names, ALL)];
  const isOf = (all: Detection[], one: Detection) =>
    all.some(({ label, score, box }) => label === one.label && score === one.score && overlap(box, one.box) > 0.999);
  const added = both.filter((one) => !isOf(own, one));
  assert.ok(added.length > 0, "the companion adds something");
  assert.ok(added.every(({ label }) => label !== "castle"));
  const { width, height } = { width: 600, height: 400 };
  for (const { box, score } of added) {
    assert.ok(score > 0 && score <= 1);
    assert.ok(box.xmin >= 0 && box.ymin >= 0 && box.xmax <= width && box.ymax <= height);
  }
  // What the model found itself is there, or gave way to a better box of the same name, or to the limit.
  const last = both.at(-1)!.score;
  for (const one of own) {
    if (isOf(both, one) || one.score <= last) continue;
    const better = both.filter(({ label, score, box }) => {
      return label === one.label && score >= one.score && overlap(box, one.box) > 0.6;
    });
    assert.ok(better.length > 0, `${one.label} ${one.score}`);
  }
});

test("the cat and the cup of the example photos are found, and nothing else above a threshold", async () => {
  for (const [file, name, truth] of [
    ["cat", "cat", { xmin: 0, ymin: 0, xmax: 382, ymax: 299 }],
    ["coffee", "cup", { xmin: 173, ymin: 17, xmax: 407, ymax: 308 }],
  ] as const) {
    const found = await together.detect(`examples/photos/${file}.jpg`, ["cat", "cup"], { threshold: 0.65 });
    assert.deepEqual(
      found.map(({ label }) => label),
      [name],
    );
    assert.ok(overlap(found[0]!.box, truth) >= 0.5, `${file}: ${JSON.stringify(found[0]!.box)}`);
  }
});

test("a kitten and a cat emoji are found in a photo of a cat, under the requested names", async () => {
  for (const asked of [["kitten"], ["🐱"], "🐈"]) {
    const [best] = await together.detect("examples/photos/cat.jpg", asked, { threshold: 0.6 });
    assert.equal(best?.label, [asked].flat()[0]);
    assert.ok(overlap(best!.box, { xmin: 0, ymin: 0, xmax: 382, ymax: 299 }) >= 0.5);
  }
});

test("names outside the training data are reported, others are not", () => {
  const known = [
    "red dog",
    "Traffic_Light",
    "two kittens",
    "🐱",
    "glass of milk",
    "sofas",
    "cups of coffee",
    "dogs on a beach",
  ];
  assert.deepEqual(together.unknownWords([...known, "alembic", "猫", "beach of dogs", "🧿"]), ["alembic", "猫", "🧿"]);
  assert.deepEqual(together.unknownWords("alembic. cat."), ["alembic"]);
  assert.deepEqual(together.remarks(["cat", "couch"]), []);
});

test("the mirror image has the same detections on the other side", async () => {
  const size = { width: 256, height: 192 };
  const square = Float32Array.from({ length: 3 * SSD_SIDE ** 2 }, (_, i) => Math.sin(i / 7) * Math.cos(i / 1931));
  const turned = square.slice();
  for (let row = 0; row < turned.length; row += SSD_SIDE) turned.subarray(row, row + SSD_SIDE).reverse();
  const [seen, other] = [
    await companion.look({ tensor: square }, size),
    await companion.look({ tensor: turned }, size),
  ];
  const mirror = ssdMirror();
  const classes = seen.logits.length / mirror.length;
  assert.deepEqual(
    other.logits,
    seen.logits.map((_, i) => seen.logits[mirror[Math.floor(i / classes)]! * classes + (i % classes)]!),
  );
  assert.deepEqual(
    other.offsets,
    seen.offsets.map((_, i) => {
      const side = Math.floor(i / mirror.length);
      const value = seen.offsets[side * mirror.length + mirror[i % mirror.length]!]!;
      return side === 0 ? -value : value;
    }),
  );
});

test("an adapted prompt does not use the companion", async () => {
  const stored = await readModel();
  const { digest } = baseOf(stored);
  const tokens = stored.words.pieces.encode("dog. chair").ids.length;
  const vectors = new Float32Array(tokens * stored.model.textWidth);
  const learned = { classes: ["dog", "chair"], vectors, tokens, inPlace: false, base: { name: stored.name, digest } };
  assert.deepEqual(await together.detect(scene, learned, ALL), await single.detect(scene, ["dog", "chair"], ALL));
});

test("a file without class names is refused", async () => {
  const broken = join(folder, "broken");
  cpSync(alone, broken, { recursive: true });
  const file = await openSafetensors(join(BUILT_IN, "companion.safetensors"));
  const [entry] = file.entries.values();
  const data = await file.readFloat32(entry!.name);
  await file.close();
  await writeSafetensors(join(broken, "companion.safetensors"), [
    { name: "x", dtype: "F32", shape: [data.length], data },
  ]);
  await assert.rejects(loadModel(broken), /companion\.safetensors: has no class names/);
});
