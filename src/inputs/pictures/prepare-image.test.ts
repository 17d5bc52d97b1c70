import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { InputError } from "../../errors.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { decodePicture } from "./picture.ts";
import { prepareImage, resizedSize } from "./prepare-image.ts";

const usual = { short: 800, max: 1333 };

test("a resized picture becomes the reference's tensor, bit for bit", async () => {
  const picture = await decodePicture(fileURLToPath(new URL("fixtures/astronaut-128.png", import.meta.url)));
  const { tensor, ...sizes } = prepareImage(picture, { ...glipPictures, size: { short: 128, max: 213 } });
  assert.deepEqual(sizes, { width: 172, height: 128, paddedWidth: 192, paddedHeight: 128 });
  const digest = createHash("sha256").update(new Uint8Array(tensor.buffer)).digest("hex");
  assert.equal(digest, "65cf5b57f794230d3ff8345eb00b9d82533efc67821d61fdb83a256c4727a54f");
});

test("sizes follow the reference's rule", () => {
  const size = (width: number, height: number) => Object.values(resizedSize({ width, height }, usual));
  assert.deepEqual(size(640, 480), [1066, 800]);
  assert.deepEqual(size(640, 427), [1199, 800]);
  assert.deepEqual(size(1920, 1080), [1333, 750]);
  assert.deepEqual(size(480, 640), [800, 1066]);
  assert.deepEqual(size(1000, 300), [1333, 400]);
  assert.deepEqual(size(600, 600), [800, 800]);
  assert.deepEqual(size(800, 1000), [800, 1000]);
  assert.deepEqual(size(1, 1), [800, 800]);
});

test("a picture of one by ten thousand pixels keeps one pixel", () => {
  assert.deepEqual(resizedSize({ width: 1, height: 10000 }, usual), { width: 1, height: 1333 });
  assert.deepEqual(resizedSize({ width: 10000, height: 1 }, usual), { width: 1333, height: 1 });
  const { tensor, paddedWidth, paddedHeight } = prepareImage(
    { data: new Uint8Array(30000).fill(200), width: 1, height: 10000 },
    { ...glipPictures, size: usual },
  );
  assert.deepEqual([paddedWidth, paddedHeight], [32, 1344]);
  assert.equal(tensor.length, 3 * 32 * 1344);
});

test("the padding is zero and the channels are blue, green, red", () => {
  const { tensor } = prepareImage(
    { data: Uint8Array.of(255, 0, 0), width: 1, height: 1 },
    { ...glipPictures, size: { short: 1, max: 1 } },
  );
  const values = [tensor[0], tensor[1024], tensor[2048]].map((value) => Number(value!.toFixed(4)));
  assert.deepEqual(values, [-1.8044, -2.0357, 2.2489]);
  assert.equal(tensor.filter((value) => value !== 0).length, 3);
});

test("a thin picture without a limit on its longer side is refused", () => {
  const thin = { data: new Uint8Array(30000), width: 10000, height: 1 };
  assert.throws(
    () => prepareImage(thin, { ...glipPictures, size: { short: 800, max: Infinity } }),
    (error) => error instanceof InputError && /10000 × 1/.test(error.message),
  );
});
