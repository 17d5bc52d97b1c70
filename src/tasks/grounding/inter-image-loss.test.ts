import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../grad/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { constant, input } from "../../tensor/index.ts";
import { contrastOfLogits } from "./inter-image-loss.ts";

/** A worked example: `[cat . dog | dog . person]` against cat, dog, dog, person. */
const S = [
  [2, 0, 1, 1, 0, 0],
  [0, 0, 2, 1, 0, 1],
  [1, 0, 1, 3, 0, 0],
  [0, 1, 0, 0, 0, 2],
];
const table = (positives: readonly (readonly [number, number, number?])[]) => {
  const matrix = new Float32Array(24);
  for (const [r, t, weight = 1] of positives) matrix[6 * r + t] = weight;
  return matrix;
};
const own = [
  [0, 0],
  [1, 2],
  [2, 3],
  [3, 5],
] as const;

async function lossOf(target: Float32Array, ignore = new Float32Array(24)) {
  const logits = constant(Float32Array.from(S.flat()), [4, 6]);
  const targets = { target: constant(target, [4, 6]), ignore: constant(ignore, [4, 6]) };
  const { loss, toWords, toRegions } = await evaluate(contrastOfLogits(logits, targets));
  return [toWords[0]!, toRegions[0]!, loss[0]!];
}

const rows = {
  "exact propagation": {
    target: table([...own, [1, 3], [2, 2]]),
    expected: [4.020634588807775, 3.392125162756481, 0.926594968945532],
  },
  "no propagation": { target: table(own), expected: [2.520634588807776, 1.892125162756481, 0.551594968945532] },
  "cross pairs ignored": {
    target: table(own),
    ignore: table([
      [1, 3],
      [2, 2],
    ]),
    expected: [2.232019927861443, 1.565075402145143, 0.474636916250823],
  },
  "cross pairs of weight 0.5": {
    target: table([...own, [1, 3, 0.5], [2, 2, 0.5]]),
    expected: [3.520634588807776, 2.892125162756481, 0.801594968945532],
  },
};

for (const [name, row] of Object.entries(rows))
  test(`${name} has the losses of the worked example`, async () => {
    const found = await lossOf(row.target, "ignore" in row ? row.ignore : undefined);
    row.expected.forEach((value, i) => {
      assert.ok(Math.abs(found[i]! - value) < 1e-5, `${found[i]}, not ${value}`);
    });
  });

test("a batch without positives has a loss of 0 and finite gradients, even if all is ignored", async () => {
  const logits = input("logits", [2, 3]);
  const none = constant(new Float32Array(6), [2, 3]);
  const all = constant(new Float32Array(6).fill(1), [2, 3]);
  for (const ignore of [none, all]) {
    const { loss } = contrastOfLogits(logits, { target: none, ignore });
    const [slope] = gradients(loss, [logits]);
    const found = await evaluate({ loss, slope: slope! }, { logits: Float32Array.of(1, 2, 3, 4, 5, 6) });
    assert.ok(found.loss[0] === 0 && found.slope.every((value) => value === 0));
  }
});
