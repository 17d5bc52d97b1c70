import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../grad/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { input, type Tensor } from "../../tensor/index.ts";
import { boxLoss, classLoss, maskLoss } from "./detector-losses.ts";
import { conceptContrastLoss, distillationLoss, sameLabels, teacherLabels } from "./pretraining-losses.ts";

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-5, `${found}, not ${expected}`);

async function lossOf(loss: Tensor, feeds: Parameters<typeof evaluate>[1]): Promise<number> {
  return (await evaluate({ loss }, feeds)).loss[0]!;
}

test("a teacher keeps the regions with a certain label, or all if there are none", () => {
  const shares = Float32Array.of(0.6, 0.3, 0.1, 0.34, 0.33, 0.33, 0.1, 0.2, 0.7);
  assert.deepEqual(teacherLabels(shares, 3, 0.5), {
    kept: Int32Array.of(0, 2),
    labels: Int32Array.of(0, 2),
    shares: Float32Array.of(0.6, 0.3, 0.1, 0.1, 0.2, 0.7),
  });
  assert.deepEqual([...teacherLabels(shares, 3, 0.9).kept], [0, 1, 2]);
  assert.deepEqual([...sameLabels(Int32Array.of(1, 2, 1))], [1, 0, 1, 0, 1, 0, 1, 0, 1]);
});

test("distillation is the divergence of probabilities, and a probability of 0 contributes nothing", async () => {
  // Cosines 0.01 · ln 3 and 0 give probabilities of 3/4 and 1/4.
  const angle = Math.acos(0.01 * Math.log(3));
  const loss = distillationLoss(input("vectors", [1, 2]), input("concepts", [2, 2]), input("shares", [1, 2]));
  const feeds = {
    vectors: Float32Array.of(5, 0),
    concepts: Float32Array.of(Math.cos(angle), Math.sin(angle), 0, 2),
  };
  near(await lossOf(loss, { ...feeds, shares: Float32Array.of(0.5, 0.5) }), 0.5 * Math.log(2 / 3) + 0.5 * Math.log(2));
  near(await lossOf(loss, { ...feeds, shares: Float32Array.of(1, 0) }), Math.log(4 / 3));
});

test("a label that several regions have counts as often above as below, and gradients are finite", async () => {
  const vectors = input("vectors", [3, 2]);
  const loss = conceptContrastLoss(vectors, input("targets", [3, 2]), input("same", [3, 3]));
  const feeds = {
    vectors: Float32Array.of(1, 0, 1, 0, 0, 1),
    targets: Float32Array.of(1, 0, 1, 0, 1, 0),
    same: sameLabels(Int32Array.of(4, 4, 7)),
  };
  // All scores of a row are equal: two of three are right in the first rows, one of three in the last.
  near(await lossOf(loss, feeds), (2 * Math.log(3 / 2) + Math.log(3)) / 3);
  const [slope] = gradients(loss, [vectors]);
  const { slopes } = await evaluate({ slopes: slope! }, feeds);
  assert.ok(slopes.every(Number.isFinite));
});

test("class losses are divided by the sum of weights, or by the number of regions with focal weighting", async () => {
  const logits = input("logits", [2, 2]);
  const feeds = {
    logits: Float32Array.of(Math.log(3), 0, 0, 0),
    classes: BigInt64Array.of(0n, 1n),
    weights: Float32Array.of(1, 0.5),
  };
  const of = (options: { gamma?: number }) =>
    classLoss(logits, input("classes", [2], "int64"), input("weights", [2]), options);
  const [first, second] = [Math.log(4 / 3), Math.log(2)];
  near(await lossOf(of({}), feeds), (first + 0.5 * second) / 1.5);
  near(await lossOf(of({ gamma: 2 }), feeds), (first / 16 + (0.5 * second) / 4) / 2);
});

test("box offsets have an L1 loss over all regions, and masks a cross-entropy", async () => {
  const boxes = boxLoss(input("offsets", [3, 4]), input("shown", [1], "int64"), input("wanted", [1, 4]), 3);
  const offsets = Float32Array.of(9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9);
  near(await lossOf(boxes, { offsets, shown: BigInt64Array.of(1n), wanted: Float32Array.of(0, 2, 5, 4) }), 1);
  const masks = maskLoss(input("logits", [1, 1, 2]), input("masks", [1, 1, 2]));
  const expected = (Math.log(4 / 3) + Math.log(2)) / 2;
  near(await lossOf(masks, { logits: Float32Array.of(Math.log(3), 0), masks: Float32Array.of(1, 0) }), expected);
});
