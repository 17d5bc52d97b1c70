import assert from "node:assert/strict";
import { test } from "node:test";
import { overlapInclusive, overlapPlain, overlapsInclusive, overlapsPlain } from "./overlap.ts";

const boxes = Float32Array.of(0, 0, 9, 9, 5, 0, 14, 9, 20, 20, 30, 30, 10, 0, 12, 9);

test("inclusive ends make a box one pixel wider than the difference of its coordinates", () => {
  assert.equal(overlapInclusive(boxes, 0, boxes, 1), Math.fround(50 / 150));
  assert.equal(overlapPlain(boxes, 0, boxes, 1), Math.fround(36 / 126));
});

test("a table of overlaps holds one row per box of the first list", () => {
  const f = Math.fround;
  assert.deepEqual(
    [...overlapsInclusive(boxes.subarray(0, 8), boxes)],
    [1, f(1 / 3), 0, 0, f(1 / 3), 1, 0, f(30 / 100)],
  );
  assert.equal(overlapsPlain(boxes, boxes).length, 16);
});

test("separate boxes and boxes without area do not overlap", () => {
  assert.equal(overlapInclusive(boxes, 0, boxes, 2), 0);
  assert.equal(overlapPlain(Float32Array.of(1, 1, 1, 1), 0, Float32Array.of(1, 1, 1, 1), 0), 0);
  assert.equal(overlapInclusive(Float32Array.of(1, 1, 1, 1), 0, Float32Array.of(1, 1, 1, 1), 0), 1);
});
