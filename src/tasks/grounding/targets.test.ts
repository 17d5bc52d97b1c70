import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOf } from "../../boxes/anchors.ts";
import { targetsOf } from "./targets.ts";

const levels = anchorsOf(64, 96);
const anchors = levels.reduce((count, level) => count + level.length / 4, 0);
const box = Float32Array.of(8, 8, 71, 55);

test("anchors of a box are positive for its tokens, and their centerness is summed", () => {
  const targets = targetsOf([{ boxes: box, tokens: [[1, 3]] }], levels, { tokens: 5, maxTokens: 256 });
  const positive = targets["target.positive"]!;
  const count = positive.reduce((sum, value) => sum + value, 0);
  assert.ok(count > 0);
  assert.equal(targets["target.positiveCount"]![0], count);
  positive.forEach((value, anchor) => {
    const row = [...targets["target.tokens"]!.subarray(5 * anchor, 5 * anchor + 5)];
    assert.deepEqual(row, value ? [0, 1, 0, 1, 0] : [0, 0, 0, 0, 0]);
    const centerness = targets["target.centerness"]![anchor]!;
    assert.ok(value ? centerness > 0 && centerness <= 1 : centerness === 0);
  });
  const sum = targets["target.centerness"]!.reduce((total, value) => total + value, 0);
  assert.ok(Math.abs(sum - targets["target.centernessSum"]![0]!) < 1e-5);
});

test("a box found by a model has its score as the target of its tokens instead of 1", () => {
  const truth = { boxes: box, tokens: [[1]], confidences: [0.75] };
  const targets = targetsOf([truth], levels, { tokens: 4, maxTokens: 256 });
  targets["target.positive"]!.forEach((positive, anchor) => {
    assert.equal(targets["target.tokens"]![4 * anchor + 1], 0.75 * positive);
  });
});

test("in a prompt that uses all tokens, background is positive for the last one", () => {
  const targets = targetsOf([{ boxes: box, tokens: [[1]] }], levels, { tokens: 4, maxTokens: 4 });
  targets["target.positive"]!.forEach((positive, anchor) => {
    assert.equal(targets["target.tokens"]![4 * anchor + 3], positive ? 0 : 1);
  });
});

test("a batch without boxes divides by one", () => {
  const targets = targetsOf([{ boxes: new Float32Array(0), tokens: [] }], levels, { tokens: 4, maxTokens: 256 });
  assert.equal(targets["target.positiveCount"]![0], 1);
  assert.equal(targets["target.centernessSum"]![0], 1);
  assert.deepEqual(targets["target.positive"], new Float32Array(anchors));
});
