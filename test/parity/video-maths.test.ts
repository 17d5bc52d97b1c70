import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assign,
  assignClamped,
  assignLimited,
  assignThenDrop,
  type Costs,
  type Pair,
} from "../../src/tracking/assignment.ts";
import { type Motion, predict } from "../../src/tracking/kalman.ts";
import { bufferedOverlap, generalisedOverlap, plainOverlap, type Xyxy } from "../../src/tracking/overlap.ts";
import { near, needsVideo, readVideoJson } from "./golden-video.ts";

const skip = needsVideo;

interface Assignments {
  cases: {
    cost: number[][];
    gate: number;
    total: number;
    plainFilter: Pair[];
    clampFilter: Pair[];
    limited: Pair[];
    unique?: { plainFilter: boolean; clampFilter: boolean; limited: boolean };
  }[];
  large: {
    cases: { rows: number; columns: number; seed: number; total: number; columnOfRow: number[]; limited02: number[] }[];
  };
}

function totalOf(costs: Costs, pairs: readonly Pair[]): number {
  return pairs.reduce((sum, [row, column]) => sum + costs[row]![column]!, 0);
}

test("assignments and their limits are the stored ones", { skip }, () => {
  for (const [k, { cost, gate, unique, ...wanted }] of readVideoJson<Assignments>(
    "maths",
    "assignment.json",
  ).cases.entries()) {
    const costs = cost.map((row) => Float64Array.from(row));
    near(totalOf(costs, assign(costs)), wanted.total, 1e-9, `case ${k}`);
    if (unique?.plainFilter !== false)
      assert.deepEqual(assignThenDrop(costs, gate), wanted.plainFilter, `case ${k} dropped`);
    if (unique?.clampFilter !== false)
      assert.deepEqual(assignClamped(costs, gate), wanted.clampFilter, `case ${k} clamped`);
    if (unique?.limited !== false) assert.deepEqual(assignLimited(costs, gate), wanted.limited, `case ${k} limited`);
  }
});

test("large assignments are the stored ones, 200 × 200 within 50 ms", { skip }, () => {
  for (const { rows, columns, seed, ...wanted } of readVideoJson<Assignments>("maths", "assignment.json").large.cases) {
    let x = BigInt(seed);
    const costs = Array.from({ length: rows }, () =>
      Float64Array.from({ length: columns }, () => {
        x = (1103515245n * x + 12345n) % 2n ** 31n;
        return Number(x) / 2 ** 31;
      }),
    );
    const columnOf = (pairs: readonly Pair[]) => {
      const result = new Array<number>(rows).fill(-1);
      for (const [row, column] of pairs) result[row] = column;
      return result;
    };
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      assert.deepEqual(columnOf(assign(costs)), wanted.columnOfRow);
      return performance.now() - start;
    });
    assert.ok(Math.min(...times) < 50, `${rows} × ${columns} took ${Math.min(...times)} ms`);
    near(totalOf(costs, assign(costs)), wanted.total, 1e-9);
    assert.deepEqual(columnOf(assignLimited(costs, 0.02)), wanted.limited02);
  }
});

/** The reference has no number for two boxes without area; ours is 0. */
test("overlaps, generalised and buffered overlaps are the stored ones", { skip }, () => {
  interface Pairs {
    pairs: { a: Xyxy; b: Xyxy; iou: number | null; giou: number | null; buffered: Record<string, number | null> }[];
  }
  for (const { a, b, iou, giou, buffered } of readVideoJson<Pairs>("maths", "overlaps.json").pairs) {
    near(plainOverlap(a, b), iou ?? 0, 1e-9, `overlap of ${a} and ${b}`);
    near(generalisedOverlap(a, b), giou ?? 0, 1e-9, `generalised overlap of ${a} and ${b}`);
    for (const [share, wanted] of Object.entries(buffered))
      near(bufferedOverlap(Number(share))(a, b), wanted ?? 0, 1e-9, `overlap of ${a} and ${b}, buffered by ${share}`);
  }
});

test("a prediction over several frames equals as many of one frame", { skip }, () => {
  interface Cases {
    cases: { qPosition: number; qVelocity: number; P: number[][]; n: number; result: number[][] }[];
  }
  for (const { qPosition, qVelocity, P, n, result } of readVideoJson<Cases>("maths", "n-step-kalman.json").cases) {
    const four = (value: number) => new Float64Array(4).fill(value);
    const motion: Motion = {
      position: four(0),
      velocity: four(1),
      pp: four(P[0]![0]!),
      pv: four(P[0]![1]!),
      vv: four(P[1]![1]!),
    };
    predict(motion, n, {
      position: [qPosition, qPosition, qPosition, qPosition],
      velocity: [qVelocity, qVelocity, qVelocity, qVelocity],
    });
    const found = [motion.pp[3], motion.pv[3], motion.vv[3]];
    for (const [k, wanted] of [result[0]![0]!, result[0]![1]!, result[1]![1]!].entries())
      near(found[k], wanted, 1e-9 * Math.max(1, Math.abs(wanted)), `${n} frames`);
    near(motion.position[3], n, 1e-9);
  }
});
