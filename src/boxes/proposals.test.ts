import assert from "node:assert/strict";
import { test } from "node:test";
import { applyDeltas, clipBoxes, hasArea, PROPOSAL_DELTAS, REGION_DELTAS } from "./box-deltas.ts";
import { gridAnchors } from "./grid-anchors.ts";
import { proposals } from "./proposals.ts";

test("anchors are around the corners of positions, ordered by size, then ratio", () => {
  const anchors = gridAnchors({ height: 1, width: 2, stride: 16 }, { sizes: [32, 64], ratios: [1, 0.25] });
  assert.deepEqual(
    Array.from({ length: 8 }, (_, i) => [...anchors.subarray(4 * i, 4 * i + 4)]),
    [
      [-16, -16, 16, 16],
      [-32, -8, 32, 8],
      [-32, -32, 32, 32],
      [-64, -16, 64, 16],
      [0, -16, 32, 16],
      [-16, -8, 48, 8],
      [-16, -32, 48, 32],
      [-48, -16, 80, 16],
    ],
  );
});

test("offsets move centres by fractions of the size and scale sizes by exponentials, at most 1000/16", () => {
  const boxes = Float32Array.of(10, 10, 30, 20);
  const moved = applyDeltas(Float32Array.of(0.5, -1, Math.log(2), 0), boxes, PROPOSAL_DELTAS);
  // Centre (20, 15) moves by (10, -10) to (30, 5); 40 wide, 10 high.
  assert.deepEqual([...moved].map(Math.round), [10, 0, 50, 10]);
  const same = applyDeltas(Float32Array.of(5, -10, 5 * Math.log(2), 0), boxes, REGION_DELTAS);
  assert.deepEqual([...same].map(Math.round), [10, 0, 50, 10]);
  const huge = applyDeltas(Float32Array.of(0, 0, 100, 0), boxes, PROPOSAL_DELTAS);
  assert.equal(Math.round(huge[2]! - huge[0]!), 1250);
});

test("several boxes can have the same reference box", () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 20, 20, 30, 30);
  const deltas = new Float32Array(16);
  deltas[4] = 1;
  assert.deepEqual(
    [...applyDeltas(deltas, boxes, PROPOSAL_DELTAS)],
    [0, 0, 10, 10, 10, 0, 20, 10, 20, 20, 30, 30, 20, 20, 30, 30],
  );
});

test("boxes are clipped to the picture, and a box outside becomes empty", () => {
  const cut = clipBoxes(Float32Array.of(-5, 5, 50, 40, 60, 0, 70, 10), { height: 20, width: 40 });
  assert.deepEqual([...cut], [0, 5, 40, 20, 40, 0, 40, 10]);
  assert.deepEqual([hasArea(cut, 0), hasArea(cut, 1)], [true, false]);
});

test("levels do not suppress each other, and the best of all levels come first", () => {
  const box = [10, 10, 30, 30];
  const level = (boxes: number[][], logits: number[]) => ({
    anchors: Float32Array.from(boxes.flat()),
    logits: Float32Array.from(logits),
    deltas: new Float32Array(4 * boxes.length),
  });
  const first = level([box, [11, 10, 30, 30], [200, 200, 210, 210]], [1, 3, 9]);
  const second = level([box, [0, 0, 5, 5]], [2, -4]);
  const options = { before: 10, overlap: 0.7, after: 10, height: 100, width: 100 };
  const { boxes, logits } = proposals([first, second], options);
  assert.deepEqual([...logits], [3, 2, -4]);
  assert.deepEqual([...boxes.subarray(0, 8)], [11, 10, 30, 30, ...box]);
  assert.deepEqual([...proposals([first, second], { ...options, after: 1 }).logits], [3]);
  assert.deepEqual([...proposals([first, second], { ...options, before: 1 }).logits], [2]);
});
