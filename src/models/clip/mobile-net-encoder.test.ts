import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../data/random.ts";
import { evaluate } from "../../onnx/index.ts";
import { countOf, input } from "../../tensor/index.ts";
import { clip } from "./clip.ts";
import { clipPresets } from "./clip-presets.ts";
import { MOBILE_NET_FEATURES, MOBILE_NET_SIDE } from "./mobile-net-encoder.ts";

test("the small CLIP has at most 8 MB in float16, and gives each picture of a batch its own vector", async () => {
  const model = clip(clipPresets.small);
  assert.ok(2 * model.parameters.reduce((sum, { shape }) => sum + countOf(shape), 0) < 8e6);
  const random = new Random(2, "small clip");
  const weights = new Map(
    model.parameters.map(({ name, shape, initialise }) => [name, initialise(shape, () => random.unit())]),
  );
  const each = 3 * MOBILE_NET_SIDE ** 2;
  const both = Float32Array.from({ length: 2 * each }, () => 4 * random.unit() - 2);
  const vectorsOf = async (n: number, pictures: Float32Array) => {
    const vectors = model.image(input("pictures", [n, 3, MOBILE_NET_SIDE, MOBILE_NET_SIDE]));
    const features = model.records.get("visual.features")!;
    assert.deepEqual(features.shape, [n, MOBILE_NET_FEATURES]);
    return (await evaluate({ vectors }, { pictures }, { weights })).vectors;
  };
  const together = await vectorsOf(2, both);
  const alone = await vectorsOf(1, both.subarray(each));
  assert.equal(together.length, 2 * 256);
  const [first, second] = [together.subarray(0, 256), together.subarray(256)];
  const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
  assert.ok(apart(second, alone) < 1e-5 * Math.max(...alone.map(Math.abs)) + 1e-6);
  assert.ok(apart(first, second) > 0);
});
