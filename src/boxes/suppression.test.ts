import assert from "node:assert/strict";
import { test } from "node:test";
import { descending, suppress, suppressByLabel } from "./suppression.ts";

// 0 and 1 overlap by 90 of 110 inclusive pixels; 2 does not overlap them.
const boxes = Float32Array.of(0, 0, 9, 9, 1, 0, 10, 9, 50, 50, 60, 60);

test("a box is dropped if a better one of its label overlaps it, and the others keep their order", () => {
  assert.deepEqual([...suppressByLabel(boxes, Float32Array.of(0.5, 0.9, 0.1), Int32Array.of(1, 1, 1), 0.6)], [1, 2]);
  assert.deepEqual([...suppressByLabel(boxes, Float32Array.of(0.5, 0.9, 0.1), Int32Array.of(1, 2, 1), 0.6)], [0, 1, 2]);
});

test("an overlap equal to the threshold stays", () => {
  const pair = Float32Array.of(0, 0, 9, 9, 0, 0, 9, 4);
  assert.deepEqual([...suppressByLabel(pair, Float32Array.of(0.5, 0.4), Int32Array.of(0, 0), 0.5)], [0, 1]);
  assert.deepEqual([...suppressByLabel(pair, Float32Array.of(0.5, 0.4), Int32Array.of(0, 0), 0.499)], [0]);
});

test("a box is not suppressed by a suppressed box", () => {
  const chain = Float32Array.of(0, 0, 9, 9, 2, 0, 11, 9, 4, 0, 13, 9);
  assert.deepEqual([...suppressByLabel(chain, Float32Array.of(0.9, 0.8, 0.7), Int32Array.of(0, 0, 0), 0.6)], [0, 2]);
});

test("suppression over all labels returns the best first", () => {
  assert.deepEqual([...suppress(boxes, Float32Array.of(0.5, 0.9, 0.95), 0.6)], [2, 1]);
});

test("of equal scores the earlier is the better", () => {
  assert.deepEqual([...descending(Float32Array.of(1, 2, 1, 2))], [1, 3, 0, 2]);
});
