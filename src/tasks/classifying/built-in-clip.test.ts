import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { test } from "node:test";
import { Random } from "../../data/random.ts";
import { readClassified } from "../../data/readers/classified.ts";
import { pictureAt } from "../../data/readers/tar-pictures.ts";
import { loadEncoder } from "./load-encoder.ts";
import { dot } from "./unit-vectors.ts";

const file = new URL("../../../assets/models/small-clip/model.safetensors", import.meta.url).pathname;
const photosFolder = new URL("../../../../shared/photos/tiny-imagenet", import.meta.url).pathname;
const PHOTOS = 400;

test("the built-in CLIP has at most 8 MB and loads without a name", async () => {
  assert.ok(statSync(file).size <= 8e6);
  await using encoder = await loadEncoder();
  const [vector] = await encoder.embedText(["a goldfish"]);
  assert.ok(Math.abs(dot(vector!, vector!) - 1) < 1e-5);
});

const skip = !existsSync(photosFolder) && "the photos are absent";
test("of photos kept aside, it finds the right one of 20 names for 55 % or more", { skip }, async () => {
  const { classes, photos } = await readClassified(photosFolder, "val");
  const random = new Random(1, "asked");
  const some = random.shuffled([...photos]).slice(0, PHOTOS);
  await using encoder = await loadEncoder();
  const texts = await encoder.classVectors(classes.map(({ name }) => name));
  const pictures = await encoder.embedImage(some.map(({ picture }) => pictureAt(picture)));
  const right = some.filter(({ key }, i) => {
    const own = classes.findIndex((one) => one.key === key);
    const cosines = texts.map((text) => dot(pictures[i]!, text));
    const others = random.shuffled(cosines.filter((_, k) => k !== own)).slice(0, 19);
    return others.every((cosine) => cosine < cosines[own]!);
  });
  assert.ok(right.length / PHOTOS >= 0.55, `${right.length} of ${PHOTOS}`);
});
