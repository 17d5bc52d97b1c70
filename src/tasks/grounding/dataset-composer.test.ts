import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { Random } from "../../data/random.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { createComposer, type DatasetComposerSetup } from "./dataset-composer.ts";
import { vocabulary } from "./fixtures/tiny-model.ts";
import type { GroundingBatch } from "./training-step.ts";

const folder = mkdtempSync(join(tmpdir(), "dataset-composer-"));
after(() => rmSync(folder, { recursive: true }));
const pieces = WordPieces.parse(readFileSync(vocabulary, "utf8"));

/** A set of one caption a picture: pixels of noise, one box. */
async function captionSet(name: string, pictures: { caption: string; spans: number[][]; size: [number, number] }[]) {
  const random = new Random(3);
  for (const [i, { size }] of pictures.entries()) {
    const [width, height] = size;
    const pixels = Uint8Array.from({ length: 3 * width * height }, () => random.below(256));
    await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(join(folder, `${name}-${i}.png`));
  }
  const images = pictures.map(({ caption, size: [width, height] }, i) => ({
    ...{ id: i, file_name: `${name}-${i}.png`, width, height, caption },
  }));
  const annotations = pictures.map(({ spans }, i) => ({ image_id: i, bbox: [4, 8, 20, 16], tokens_positive: spans }));
  const data = join(folder, `${name}.json`);
  writeFileSync(data, JSON.stringify({ images, annotations }));
  return { data, images: folder, weight: 1 };
}

const setup = (source: DatasetComposerSetup["sources"][number], changes: Partial<DatasetComposerSetup> = {}) => ({
  words: { kind: "word-pieces" as const, file: vocabulary },
  preparation: glipPictures,
  ...{ sources: [source], seed: 1, pictures: 1, sizes: [40], tokens: 8, maxTokens: 32 },
  ...{ longest: 64, flip: 0, negatives: { most: 5, one: 0, none: 0, all: 1 }, ...changes },
});

/** The boxes that anchors of a picture are assigned, each once, rounded. */
function boxesOf({ targets, pictures }: GroundingBatch, picture = 0): string[] {
  const anchors = targets["target.positive"]!.length / pictures;
  const found = new Set<string>();
  for (let a = picture * anchors; a < (picture + 1) * anchors; a++)
    if (targets["target.positive"]![a] === 1)
      found.add(String([...targets["target.boxes"]!.subarray(4 * a, 4 * a + 4)].map((side) => Math.round(side))));
  return [...found];
}

/** The words that anchors of a picture are assigned. */
function wordsOf({ targets, pictures, tokens, ids }: GroundingBatch, picture = 0): number[] {
  const rows = targets["target.tokens"]!.length / pictures / tokens;
  const found = new Set<number>();
  for (let a = picture * rows; a < (picture + 1) * rows; a++)
    for (let t = 0; t < tokens; t++)
      if (targets["target.tokens"]![a * tokens + t] === 1) found.add(Number(ids[picture * tokens + t]));
  return [...found];
}

test("a mirrored picture has its columns and boxes mirrored, with inclusive right edges", async () => {
  const source = await captionSet("plain", [{ caption: "a dog", spans: [[0, 5]], size: [64, 40] }]);
  const plain = await (await createComposer(setup(source))).compose(0);
  const mirrored = await (await createComposer(setup(source, { flip: 1 }))).compose(0);
  assert.deepEqual([plain.height, plain.width], [64, 64]);
  for (let row = 0; row < 3 * 64; row++) {
    const columns = (batch: GroundingBatch) => [...batch.image.subarray(row * 64, row * 64 + 64)];
    assert.deepEqual(columns(mirrored), columns(plain).reverse());
  }
  assert.deepEqual(boxesOf(plain), ["4,8,23,23"]);
  assert.deepEqual(boxesOf(mirrored), ["40,8,59,23"]);
});

test("a picture with left or right in its caption is not mirrored", async () => {
  const source = await captionSet("sides", [{ caption: "dog on the Left", spans: [[0, 3]], size: [64, 40] }]);
  assert.deepEqual(boxesOf(await (await createComposer(setup(source, { flip: 1 }))).compose(0)), ["4,8,23,23"]);
});

test("pictures are padded with zeros to the largest, and boxes are resized with them", async () => {
  const caption = { caption: "a dog", spans: [[2, 5]] };
  const source = await captionSet("sizes", [
    { ...caption, size: [128, 80] },
    { ...caption, size: [90, 80] },
  ]);
  const batch = await (await createComposer(setup(source, { pictures: 2, sizes: [60], longest: 96 }))).compose(0);
  assert.deepEqual([batch.height, batch.width, batch.pictures], [64, 96, 2]);
  for (const picture of [0, 1]) assert.deepEqual(boxesOf(batch, picture), ["3,6,17,17"]);
  const row = (picture: number, y: number) =>
    batch.image.subarray((picture * 192 + y) * 96, (picture * 192 + y + 1) * 96);
  for (const picture of [0, 1]) {
    assert.ok(row(picture, 60).every((value) => value === 0));
    assert.equal(
      row(picture, 59).some((value) => value !== 0),
      true,
    );
  }
  const ends = [0, 1].map((picture) => row(picture, 10).findLastIndex((value) => value !== 0) + 1).sort();
  assert.deepEqual(ends, [67, 96]);
});

test("a caption that is too long is truncated, and boxes of the rest are left out", async () => {
  const caption = "a dog and a chair and an apple";
  const spans = ["dog", "apple"].map((word) => [caption.indexOf(word), caption.indexOf(word) + word.length]);
  const source = await captionSet("long", [{ caption, spans, size: [64, 40] }]);
  const dog = pieces.encode("dog").ids[1]!;
  const apple = pieces.encode("apple").ids[1]!;
  const whole = await (await createComposer(setup(source, { tokens: 16 }))).compose(0);
  assert.deepEqual(wordsOf(whole), [dog, apple]);
  const short = await (await createComposer(setup(source, { tokens: 6 }))).compose(0);
  assert.deepEqual(wordsOf(short), [dog]);
  assert.deepEqual(Number(short.ids[5]), pieces.encode("").ids.at(-1));
  assert.ok(short.mask.every((value) => value === 1));
});

test("a batch depends only on its number and the seed", async () => {
  const many = Array.from({ length: 6 }, (_, i) => ({
    ...{ caption: `a dog ${"and a cat ".repeat(i % 3)}`, spans: [[2, 5]] },
    size: (i % 2 ? [40, 70] : [64, 40]) as [number, number],
  }));
  const source = await captionSet("many", many);
  const given = setup(source, { pictures: 2, sizes: [32, 40, 64], longest: 96, flip: 0.5 });
  const composer = await createComposer(given);
  const batches = [];
  for (let job = 0; job < 8; job++) batches.push(await composer.compose(job));
  const again = await createComposer(given);
  for (const job of [5, 0, 7]) assert.deepEqual(await again.compose(job), batches[job]);
  const other = await createComposer({ ...given, seed: 2 });
  assert.notDeepEqual(await Promise.all([0, 1, 2].map((job) => other.compose(job))), batches.slice(0, 3));
  assert.ok(new Set(batches.map(({ height }) => height)).size > 1, "batches have several sizes");
});

test("an unreadable picture, or one of another size than in its annotations, is refused with its name", async () => {
  const source = await captionSet("bad", [{ caption: "a dog", spans: [[2, 5]], size: [64, 40] }]);
  const composer = await createComposer(setup(source));
  const file = join(folder, "bad-0.png");
  await sharp({ create: { width: 65, height: 40, channels: 3, background: "red" } }).toFile(file);
  await assert.rejects(composer.compose(0), { name: "InputError", message: /bad-0\.png is 65 × 40, .* have 64 × 40/ });
  writeFileSync(file, readFileSync(file).subarray(0, 60));
  await assert.rejects(composer.compose(0), { name: "InputError", message: /bad-0\.png/ });
  rmSync(file);
  await assert.rejects(composer.compose(0), { name: "InputError", message: /bad-0\.png cannot be opened/ });
});

test("in a federated set, captions have all classes in order, and classes that may lack boxes have no loss", async () => {
  const federated = await captionSet("federated", [
    { caption: "a dog", spans: [[0, 5]], size: [64, 40] },
    { caption: "a dog", spans: [[0, 5]], size: [64, 40] },
  ]);
  const set = JSON.parse(readFileSync(federated.data, "utf8"));
  set.categories = ["dog", "cat", "owl"].map((name, i) => ({ id: i + 1, name }));
  set.images.forEach((image: object, i: number) => {
    Object.assign(image, { caption: undefined, neg_category_ids: [], not_exhaustive_category_ids: i ? [1, 2] : [] });
  });
  const box = { area: 320, iscrowd: 0, bbox: [4, 8, 20, 16] };
  set.annotations = [1, 3].map((category_id, i) => ({ ...box, id: i + 1, image_id: i, category_id }));
  writeFileSync(federated.data, JSON.stringify(set));
  const negatives = { most: 3, one: 0, none: 0, all: 1, ordered: true };
  const composer = await createComposer(setup(federated, { negatives }));
  // [CLS] dog . cat . owl [SEP] and a pad.
  const ids = [...pieces.encode("dog. cat. owl").ids, 0].map(BigInt);
  const taught = new Map<string, unknown>();
  for (let job = 0; job < 2; job++) {
    const batch = await composer.compose(job);
    assert.deepEqual([...batch.ids], ids);
    assert.deepEqual([...batch.mask], [1, 1, 1, 1, 1, 1, 1, 0]);
    taught.set(pieces.encode("dog").ids[1] === wordsOf(batch)[0] ? "dog" : "owl", batch.targets["target.mask"]);
  }
  assert.equal(taught.get("dog"), undefined);
  assert.deepEqual(taught.get("owl"), Float32Array.of(1, 0, 1, 0, 1, 1, 1, 0));
});

test("with few shots, each class has only that many pictures; a fixed class is its number", async () => {
  const plain = await captionSet("shots", new Array(6).fill({ caption: "a dog", spans: [[0, 5]], size: [64, 40] }));
  const set = JSON.parse(readFileSync(plain.data, "utf8"));
  for (const image of set.images) delete image.caption;
  // Boxes 4 pixels apart say which picture is seen.
  set.annotations = set.images.map(({ id }: { id: number }) => ({
    ...{ id, image_id: id, category_id: 1 + (id % 2), area: 320, iscrowd: 0, bbox: [4 + 4 * id, 8, 20, 16] },
  }));
  set.categories = ["dog", "cat"].map((name, i) => ({ id: i + 1, name }));
  writeFileSync(plain.data, JSON.stringify(set));
  const seen = async (shots?: number) => {
    const source = { ...plain, ...(shots === undefined ? {} : { shots }) };
    const composer = await createComposer(
      setup(source, { words: { kind: "classes", names: ["dog", "cat"] }, tokens: 2, maxTokens: 3 }),
    );
    const boxes = new Map<string, number[]>();
    for (let job = 0; job < 12; job++) {
      const batch = await composer.compose(job);
      assert.deepEqual([...batch.ids], [0n, 1n]);
      boxes.set(boxesOf(batch)[0]!, wordsOf(batch));
    }
    return boxes;
  };
  assert.equal((await seen()).size, 6);
  const few = await seen(1);
  assert.deepEqual([...few.values()].sort(), [[0], [1]]);
  for (const [box, classes] of few) assert.equal((Number(box.split(",")[0]) / 4 - 1) % 2, classes[0]);
});
