import assert from "node:assert/strict";
import { test } from "node:test";
import { CLIP_PIXELS, cropSquare, prepareCrop } from "./prepare-crop.ts";
import type { Picture } from "./resize.ts";

/** Red differs by column, green by row. */
function picture(width: number, height: number): Picture {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    data[3 * i] = i % width;
    data[3 * i + 1] = Math.floor(i / width);
  }
  return { data, width, height };
}

test("the square is cropped from the centre, with half pixels rounded to even", () => {
  // (7 - 4) / 2 rounds to 2, (5 - 4) / 2 to 0.
  assert.equal(cropSquare(picture(7, 4), 4).data[0], 2);
  assert.equal(cropSquare(picture(5, 4), 4).data[0], 0);
  assert.equal(cropSquare(picture(4, 7), 4).data[1], 2);
  assert.deepEqual(cropSquare(picture(4, 4), 4).data, picture(4, 4).data);
});

test("pictures smaller than the square are enlarged", () => {
  const { data, width, height } = cropSquare(picture(2, 1), 8);
  assert.deepEqual([width, height, data.length], [8, 8, 192]);
});

test("channels are red, green and blue, normalised in float32", () => {
  const { fround } = Math;
  const one: Picture = { data: Uint8Array.of(255, 128, 0), width: 1, height: 1 };
  const { mean, deviation } = CLIP_PIXELS;
  const expected = [255, 128, 0].map((level, k) =>
    fround(fround(fround(level / 255) - fround(mean[k]!)) / fround(deviation[k]!)),
  );
  assert.deepEqual([...prepareCrop(one, { side: 1, ...CLIP_PIXELS })], expected);
});

test("a very long picture is refused with its size", () => {
  assert.throws(() => cropSquare({ data: new Uint8Array(3 * 4000), width: 4000, height: 1 }, 224), {
    name: "InputError",
    message: /a picture of 4000 × 1 pixels would become 896000 × 224/,
  });
});
