import { test } from "node:test";
import { Scope } from "../../nn/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { concat, constant, type Tensor } from "../../tensor/index.ts";
import { assertKnown, waves, waveWeights } from "../fixtures/check-vectors.ts";
import { biAttention } from "./bi-attention.ts";

const projections = ["v_proj", "l_proj", "values_v_proj", "values_l_proj", "out_v_proj", "out_l_proj"];
const order = [
  "gamma_v",
  "gamma_l",
  ...["layer_norm_v", "layer_norm_l", ...projections.map((name) => `attn.${name}`)].flatMap((name) => [
    `${name}.weight`,
    `${name}.bias`,
  ]),
];

/** Check vector V4: the attention's output for five maps and the given words. */
async function fused(words: Tensor, mask: Tensor) {
  const s = new Scope();
  const fuse = biAttention(s, { channels: 16, textWidth: 24, width: 32, heads: 4, steps: 1 });
  const byName = new Map(s.parameters.map((parameter) => [parameter.name, parameter]));
  const weights = waveWeights(
    order.map((name) => byName.get(name)!),
    30,
    0.2,
  );
  const sides = [4, 2, 1, 1, 1];
  const found = fuse(
    sides.map((side, i) => waves([1, 16, side, side], i + 1)),
    words,
    mask,
  );
  const [v0, v1, v2, v3, v4] = found.maps as [Tensor, Tensor, Tensor, Tensor, Tensor];
  return evaluate({ v0, v1, v2, v3, v4, text: found.words }, {}, { weights });
}

function assertVector({ v0, v1, v2, v3, v4, text }: Awaited<ReturnType<typeof fused>>): void {
  assertKnown(v0, {
    first: [1.39731, 1.52676, 0.99048],
    last: [0.79371, 0.24135, -0.48547],
    sum: -8.0487,
    size: 234.8437,
  });
  assertKnown(v1, { first: [1.4643, 0.70375, -0.31906], sum: -2.3524, size: 55.6946 });
  assertKnown(v2, { sum: -2.2657 });
  assertKnown(v3, { sum: -2.7574 });
  assertKnown(v4, { sum: -1.366 });
  const five = text.subarray(0, 5 * 24);
  assertKnown(five, {
    first: [-0.72713, 0.2192, 0.87006],
    last: [-0.23522, 0.77671, 1.51599],
    sum: -7.2723,
    size: 108.0244,
  });
  assertKnown(text.subarray(0, 3 * 24), { sum: -2.662, size: 64.4717 });
}

test("few words are multiplied with the weights first, with the reference's numbers (check vector V4)", async () => {
  assertVector(await fused(waves([1, 5, 24], 6), constant([1, 1, 1, 0, 0], [1, 5])));
});

test("many words project every position to all heads, with the same numbers", async () => {
  const padding = constant(new Float32Array(11 * 24), [1, 11, 24]);
  const mask = Float32Array.of(1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  assertVector(await fused(concat([waves([1, 5, 24], 6), padding], 1), constant(mask, [1, 16])));
});
