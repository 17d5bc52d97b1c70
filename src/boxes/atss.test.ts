import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOfLevel, levelsOf } from "./anchors.ts";
import { assignAnchors, assignmentTargets, concatenate } from "./atss.ts";
import { readArrays } from "./fixtures/arrays.ts";

const levels = (height: number, width: number) => levelsOf(height, width).map((level) => anchorsOfLevel(level));

test("four boxes get the reference's anchors (check vector V9)", () => {
  const boxes = Float32Array.of(20, 30, 140, 200, 100, 60, 180, 120, 250, 10, 290, 40, 120, 70, 170, 110);
  const { owner, positives } = assignAnchors(levels(256, 320), boxes);
  const of = (box: number) => [...positives].filter((anchor) => owner[anchor] === box);
  assert.deepEqual(of(0), [1404, 1405, 1406, 1423, 1424, 1425, 1426, 1444, 1445]);
  assert.deepEqual(of(1), [416, 417, 418, 456, 457, 458, 496, 497, 498]);
  assert.deepEqual(of(2), [112, 113, 114, 152, 153, 154, 155, 193, 194]);
  assert.deepEqual(of(3), [419, 459]);
});

test("a training batch gets the reference's labels, offsets and tokens", () => {
  const golden = readArrays("assign.json");
  const maps = levels(192, 224);
  for (const image of [0, 1]) {
    const boxes = golden.floats(`boxes.${image}`);
    const positiveMap = golden.integers(`positiveMap.${image}`);
    const tokens = positiveMap.length / (boxes.length / 4);
    const assignment = assignAnchors(maps, boxes);
    const labels = golden.integers(`labels.${image}`);
    const targets = assignmentTargets(assignment, { anchors: concatenate(maps), boxes, labels, positiveMap }, tokens);
    assert.deepEqual(assignment.positives, golden.integers(`positives.${image}`));
    assert.deepEqual(targets.labels, golden.integers(`assignedLabels.${image}`));
    const offsets = golden.floats(`assignedOffsets.${image}`);
    const rows = golden.integers(`assignedTokens.${image}`);
    assignment.positives.forEach((anchor, k) => {
      for (let side = 0; side < 4; side++) {
        const difference = targets.offsets[4 * anchor + side]! - offsets[4 * k + side]!;
        assert.ok(Math.abs(difference) < 2e-6, `offset ${side} of anchor ${anchor} is off by ${difference}`);
      }
      const row = targets.tokens.subarray(tokens * anchor, tokens * anchor + 32);
      assert.deepEqual([...row], [...rows.subarray(32 * k, 32 * k + 32)]);
    });
  }
});

test("background anchors point at the last token only", () => {
  const maps = levels(32, 32);
  const boxes = Float32Array.of(2, 2, 5, 5);
  const assignment = assignAnchors(maps, boxes);
  const background = assignment.owner.indexOf(-1);
  const anchors = concatenate(maps);
  const { labels, tokens } = assignmentTargets(
    assignment,
    { anchors, boxes, labels: [7], positiveMap: [0, 1, 0, 0] },
    4,
  );
  assert.equal(labels[background], 0);
  assert.deepEqual([...tokens.subarray(4 * background, 4 * background + 4)], [0, 0, 0, 1]);
});

test("a picture without boxes is all background", () => {
  const maps = levels(64, 64);
  const assignment = assignAnchors(maps, new Float32Array(0));
  assert.equal(assignment.positives.length, 0);
  const none = { anchors: concatenate(maps), boxes: new Float32Array(0), labels: [], positiveMap: [] };
  assert.ok(assignmentTargets(assignment, none, 2).tokens.every((value, k) => value === k % 2));
});
