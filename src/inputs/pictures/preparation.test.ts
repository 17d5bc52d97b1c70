import assert from "node:assert/strict";
import { test } from "node:test";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { type PicturePreparation, preparationFile, preparationIn } from "./preparation.ts";
import { preparationSchema } from "./preparation-schema.ts";
import { CLIP_PIXELS, cropPreparation, prepareCrop } from "./prepare-crop.ts";
import { prepareImage } from "./prepare-image.ts";

const clipPictures = cropPreparation({ side: 224, ...CLIP_PIXELS });
const read = (file: unknown, usual = glipPictures) => preparationIn(preparationSchema.parse(file), usual);

test("a file with only sizes, as in version 0.1.0, has the family's default preparation", () => {
  assert.deepEqual(read({ size: { shortest_edge: 192, longest_edge: 384 } }), {
    ...glipPictures,
    size: { short: 192, max: 384 },
  });
});

test("a written preparation is read back unchanged", () => {
  for (const one of [glipPictures, clipPictures])
    for (const usual of [glipPictures, clipPictures]) {
      const file = JSON.parse(JSON.stringify(preparationFile(one)));
      const whole: PicturePreparation = { ...usual, size: { ...usual.size, max: one.size.max } };
      const { crop: _, ...plain } = whole;
      assert.deepEqual(read(file, one.crop ? whole : plain), one);
    }
});

test("Hugging Face's file for CLIP gives CLIP's preparation", () => {
  const file = {
    ...{ do_center_crop: true, do_normalize: true, do_resize: true, crop_size: { height: 32, width: 32 } },
    ...{ image_mean: CLIP_PIXELS.mean, image_std: CLIP_PIXELS.deviation, resample: 3, size: { shortest_edge: 32 } },
    rescale_factor: 0.00392156862745098,
  };
  const picture = { data: Uint8Array.from({ length: 3 * 50 * 40 }, (_, i) => (i * 37) % 256), width: 50, height: 40 };
  const { tensor } = prepareImage(picture, read(file, clipPictures));
  assert.deepEqual(tensor, prepareCrop(picture, { side: 32, ...CLIP_PIXELS }));
});

test("zero deviations and unknown filters are refused", () => {
  const size = { shortest_edge: 32, longest_edge: 64 };
  for (const wrong of [{ image_std: [1, 0, 1] }, { resample: 7 }, { channel_order: "grb" }, { rescale_factor: 2 }])
    assert.throws(() => read({ size, ...wrong }), JSON.stringify(wrong));
});

test("a crop must be inside the picture", () => {
  const picture = { data: new Uint8Array(3 * 8 * 8), width: 8, height: 8 };
  const wide = { ...clipPictures, size: { short: 8, max: 8 }, crop: { width: 9, height: 8 } };
  assert.throws(() => prepareImage(picture, wide), {
    name: "InputError",
    message: /8 × 8 is smaller than the crop of 9 × 8/,
  });
});
