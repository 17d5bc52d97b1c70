import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { odinwFolders } from "../readers/odinw-folder.ts";
import { readSource } from "../training/sources.ts";
import { downstreamCounts, downstreamSets, writeDownstreamSets } from "./downstream.ts";

const root = mkdtempSync(join(tmpdir(), "downstream-"));
after(() => rmSync(root, { recursive: true }));
const options = { sprites: join(root, "sprites") };
const sets = join(root, "sets");
before(() => writeDownstreamSets(sets, options));

interface Annotations {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: { image_id: number; category_id: number; bbox: [number, number, number, number] }[];
  categories: { id: number; name: string }[];
}

function read(set: string, split: string): Annotations {
  return JSON.parse(readFileSync(join(sets, set, split, "annotations_without_background.json"), "utf8"));
}

test("the thirteen sets load like ODinW's, with the right sizes and boxes of every class in every split", async () => {
  assert.deepEqual(
    odinwFolders(sets).map(({ name }) => name),
    downstreamSets.map(({ name }) => name),
  );
  assert.equal(downstreamSets.length, 13);
  for (const { name, names, classes = names, width, height } of downstreamSets)
    for (const [split, count] of Object.entries(downstreamCounts)) {
      const { images, annotations, categories } = read(name, split);
      assert.deepEqual(
        categories.map((category) => category.name),
        classes,
      );
      assert.equal(images.length, count);
      assert.deepEqual(
        new Set(annotations.map(({ category_id }) => category_id)).size,
        classes.length,
        `${name} ${split}`,
      );
      for (const { bbox } of annotations) {
        assert.ok(bbox[0] >= 0 && bbox[1] >= 0 && bbox[2] > 0 && bbox[3] > 0);
        assert.ok(bbox[0] + bbox[2] <= width && bbox[1] + bbox[3] <= height);
      }
    }
  const picture = await sharp(join(sets, "Traffic", "valid", "0003.png")).metadata();
  assert.deepEqual([picture.width, picture.height], [160, 96]);
  const { names, examples } = await readSource({ data: join(sets, "Balloons", "train") });
  assert.deepEqual(names, ["red balloon", "green balloon", "purple balloon"]);
  assert.ok(examples.length > 20);
});

test("a seed always writes the same bytes, another seed other pictures, and splits share no picture", async () => {
  const [again, other] = [join(root, "again"), join(root, "other")];
  const only = ["NightSky", "OldPets"];
  await writeDownstreamSets(again, { ...options, only });
  await writeDownstreamSets(other, { ...options, only, seed: 1 });
  for (const set of only) {
    const files = readdirSync(join(sets, set), { recursive: true, encoding: "utf8" }).filter((file) =>
      file.includes("."),
    );
    const bytes = (folder: string) => files.map((file) => readFileSync(join(folder, set, file), "base64"));
    assert.deepEqual(bytes(again), bytes(sets));
    const known = new Set(bytes(sets));
    assert.equal(known.size, files.length);
    assert.ok(bytes(other).every((text) => !known.has(text)));
  }
});

test("thermal pictures have no colours, and night pictures are dark", async () => {
  const pixels = (set: string) =>
    sharp(join(sets, set, "train", "0000.png"))
      .raw()
      .toBuffer();
  const thermal = await pixels("ThermalPets");
  for (let at = 0; at < thermal.length; at += 3)
    assert.ok(thermal[at] === thermal[at + 1] && thermal[at] === thermal[at + 2]);
  assert.ok((await pixels("NightSky")).every((value) => value <= 128));
});
