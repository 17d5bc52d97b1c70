import assert from "node:assert/strict";
import { test } from "node:test";
import { byDescendingScore, byGroup, positions } from "./stable-order.ts";

test("scores are sorted in descending order, and equal scores keep the given order", () => {
  const scores = Float64Array.of(0.5, -1, 1e300, 0.5, -0, 0, Number.MIN_VALUE, -1e-300, 7, 0.5);
  const expected = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  assert.deepEqual([...byDescendingScore(positions(scores.length), scores)], expected);
  assert.deepEqual([...byDescendingScore(Int32Array.of(9, 3, 0), scores)], [9, 3, 0]);
});

test("groups are in ascending order and their members keep the given order", () => {
  assert.deepEqual([...byGroup(Int32Array.of(3, 2, 1, 0), Int32Array.of(1, 0, 1, 0), 2)], [3, 1, 2, 0]);
});
