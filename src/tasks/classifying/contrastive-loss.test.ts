import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../grad/index.ts";
import { evaluate } from "../../onnx/index.ts";
import { input } from "../../tensor/index.ts";
import { contrastiveLoss, limitLogitScale } from "./contrastive-loss.ts";

test("the loss is the mean of the cross-entropies of rows and columns, and so is its gradient", async () => {
  const logits = input("logits", [2, 2]);
  const loss = contrastiveLoss(logits);
  const [slope] = gradients(loss, [logits]);
  const { found, slopes } = await evaluate(
    { found: loss, slopes: slope! },
    { logits: Float32Array.of(Math.log(3), 0, 0, 0) },
  );
  // Rows: 3 of 4 and 1 of 2; columns: the same.
  assert.ok(Math.abs(found[0]! - (Math.log(4 / 3) + Math.log(2)) / 2) < 1e-6);
  // By row and by column, each logit's probability minus the target.
  const expected = [-1 / 4 - 1 / 4, 1 / 4 + 1 / 2, 1 / 2 + 1 / 4, -1 / 2 - 1 / 2].map((sum) => sum / 4);
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(slopes[i]! - value) < 1e-6, `${i}: ${slopes[i]}`);
});

test("the learned scale is limited to a hundred", () => {
  const weights = new Map([["logit_scale", Float32Array.of(5)]]);
  limitLogitScale(weights);
  assert.equal(weights.get("logit_scale")![0], Math.fround(Math.log(100)));
  weights.get("logit_scale")![0] = 2;
  limitLogitScale(weights);
  assert.equal(weights.get("logit_scale")![0], 2);
});
