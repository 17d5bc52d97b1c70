/** Golden evaluations made with the published Python tools: where they are, and how ours are compared with them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PrecisionRecall } from "../../src/metrics/accumulate.ts";
import type { CocoEvaluation } from "../../src/metrics/coco.ts";
import { matchTable } from "../../src/metrics/match-table.ts";
import { areaRanges } from "../../src/metrics/matching.ts";
import { curveOf } from "../../src/metrics/summary.ts";

const repository = join(import.meta.dirname, "..", "..");

/** Folders with golden evaluations: the committed subset, and the complete set if it is present. */
export const goldenFolders = [
  join(import.meta.dirname, "fixtures"),
  join(repository, "..", "shared", "golden", "eval"),
].filter((folder) => existsSync(folder));

/** Every copy of a golden evaluation with this file, as a function that reads its files. */
export function goldenCopies(name: string, file = "expected.json"): { folder: string; read: <T>(file: string) => T }[] {
  return goldenFolders
    .map((folder) => join(folder, name))
    .filter((folder) => existsSync(join(folder, file)))
    .map((folder) => ({ folder, read: (file) => JSON.parse(readFileSync(join(folder, file), "utf8")) }));
}

export interface GoldenGrid {
  shape: number[];
  minusOne: number;
  zero: number;
  one: number;
  sum: number;
  sumOfSquares: number;
  samples?: number[][];
  areaAll?: Record<string, Record<string, number[]> | number[]>;
}

export interface GoldenMatches {
  image_id: number | string;
  category_id: number;
  area: string;
  none?: boolean;
}

export interface GoldenEvaluation {
  summary: Record<string, number>;
  perCategory?: ({ id: number } & Record<string, number | string>)[];
  precision: GoldenGrid;
  recall: GoldenGrid;
  scores?: GoldenGrid;
  curves?: { category_id: number; iouThr: number; precision: number[]; scores?: number[] }[];
  matches?: GoldenMatches[];
  matchesByArea?: GoldenMatches[];
}

/** Asserts that two records of numbers agree to 1e-12. */
export function assertClose(actual: Record<string, number>, expected: Record<string, number>, what: string): void {
  assert.deepEqual(Object.keys(actual), Object.keys(expected), what);
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(Math.abs(actual[name]! - value) <= 1e-12, `${what} ${name}: ${actual[name]}, expected ${value}`);
  }
}

/** Asserts counts exactly, sums to 1e-10, and samples exactly. */
export function assertGrid(values: Float64Array, expected: GoldenGrid, what: string): void {
  assert.equal(
    values.length,
    expected.shape.reduce((product, size) => product * size, 1),
    `${what} size`,
  );
  const above = values.filter((value) => value > -1);
  const sum = above.reduce((total, value) => total + value, 0);
  const sumOfSquares = above.reduce((total, value) => total + value * value, 0);
  assert.equal(values.filter((value) => value === -1).length, expected.minusOne, `${what} −1s`);
  assert.equal(values.filter((value) => value === 0).length, expected.zero, `${what} zeros`);
  assert.equal(values.filter((value) => value === 1).length, expected.one, `${what} ones`);
  assert.ok(Math.abs(sum - expected.sum) <= 1e-10 * Math.abs(expected.sum), `${what} sum`);
  assert.ok(Math.abs(sumOfSquares - expected.sumOfSquares) <= 1e-10 * expected.sumOfSquares, `${what} squares`);
  for (const sample of expected.samples ?? []) {
    const at = expected.shape.reduce((index, size, axis) => index * size + sample[axis]!, 0);
    assert.equal(values[at], sample.at(-1), `${what} [${sample.slice(0, -1)}]`);
  }
}

/** Asserts the grids, curves and match tables of an evaluation in COCO's format. */
export function assertEvaluation(evaluation: CocoEvaluation, expected: GoldenEvaluation, what: string): void {
  assertGrid(evaluation.precision, expected.precision, `${what} precision`);
  assertGrid(evaluation.recall, expected.recall, `${what} recall`);
  if (expected.scores) assertGrid(evaluation.scores, expected.scores, `${what} scores`);
  assertRecalls(evaluation, expected.recall.areaAll ?? {}, what);
  for (const curve of expected.curves ?? []) {
    const at = {
      threshold: curve.iouThr === 0.5 ? 0 : 5,
      category: evaluation.catIds.indexOf(curve.category_id),
      limit: evaluation.limits - 1,
    };
    assert.deepEqual(curveOf(evaluation, "precision", at), curve.precision, `${what} curve of ${curve.category_id}`);
    if (curve.scores) assert.deepEqual(curveOf(evaluation, "scores", at), curve.scores);
  }
  for (const table of [...(expected.matches ?? []), ...(expected.matchesByArea ?? [])]) {
    const { image_id, category_id, area, none, ...columns } = table;
    const category = evaluation.catIds.indexOf(category_id);
    const areaIndex = areaRanges.findIndex((range) => range.name === area);
    const actual = matchTable(evaluation, { imageId: image_id, category, area: areaIndex });
    if (none) assert.equal(actual, undefined);
    else {
      const shown = Object.fromEntries(
        Object.keys(columns).map((name) => [name, actual?.[name as keyof typeof actual]]),
      );
      assert.deepEqual(shown, columns, `${what} matches of image ${image_id}, category ${category_id}, ${area}`);
    }
  }
}

function assertRecalls(evaluation: CocoEvaluation, areaAll: NonNullable<GoldenGrid["areaAll"]>, what: string): void {
  const recalls = (category: number, limit: number, grid: PrecisionRecall) =>
    Array.from({ length: 10 }, (_, t) => {
      const row = t * grid.categories + category;
      return grid.recall[row * areaRanges.length * grid.limits + limit];
    });
  const check = (id: string, expected: number[], limit: number) => {
    const category = evaluation.catIds.indexOf(Number(id));
    assert.deepEqual(recalls(category, limit, evaluation), expected, `${what} recall of category ${id}`);
  };
  for (const [key, value] of Object.entries(areaAll)) {
    if (Array.isArray(value)) check(key, value, 0);
    else
      for (const [id, expected] of Object.entries(value)) {
        check(id, expected, evaluation.maxDets.indexOf(Number(key)));
      }
  }
}
