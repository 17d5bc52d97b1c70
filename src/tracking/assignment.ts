/** Assigns rows to columns with the least total cost, with the limits that trackers use. */

import { munkres } from "munkres";

/** Costs row by row; all rows have the same length, all costs are finite. */
export type Costs = readonly Float64Array[];

/** A row and its column. */
export type Pair = readonly [row: number, column: number];

/** Pairs of least total cost, as many as the shorter side allows; by row. */
export function assign(costs: Costs): Pair[] {
  if (!costs.length || !costs[0]!.length) return [];
  return munkres(costs as Float64Array[]).sort(([a], [b]) => a - b);
}

/** Solves the assignment, then drops pairs that cost more than `most`. SORT matches in this way. */
export function assignThenDrop(costs: Costs, most: number): Pair[] {
  return assign(costs).filter(([row, column]) => costs[row]![column]! <= most);
}

/** The same where costs above `most` count as a little more than it before the assignment is solved. DeepSORT matches in this way. */
export function assignClamped(costs: Costs, most: number): Pair[] {
  const clamped = costs.map((row) => row.map((cost) => (cost > most ? most + 1e-5 : cost)));
  return assignThenDrop(clamped, most);
}

/**
 * Pairs of least total cost where a free row or column costs `most / 2`, so no pair costs more than `most`. ByteTrack matches in this
 * way. A pair that costs `most` or more never helps, so rows and columns that have only such pairs are left out before solving.
 */
export function assignLimited(costs: Costs, most: number): Pair[] {
  const rows = costs.flatMap((row, index) => (row.some((cost) => cost < most) ? [index] : []));
  const columns = Array.from(costs[0] ?? [], (_, index) => index).filter((index) =>
    rows.some((row) => costs[row]![index]! < most),
  );
  const size = rows.length + columns.length;
  const extended = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => {
      if (i < rows.length) return j < columns.length ? costs[rows[i]!]![columns[j]!]! : most / 2;
      return j < columns.length ? most / 2 : 0;
    }),
  );
  return assign(extended)
    .filter(([i, j]) => i < rows.length && j < columns.length)
    .map(([i, j]): Pair => [rows[i]!, columns[j]!])
    .filter(([row, column]) => costs[row]![column]! <= most);
}

/** Rows or columns 0, 1, …, count − 1 that no pair holds at `side` (0: rows, 1: columns). */
export function free(pairs: readonly Pair[], side: 0 | 1, count: number): number[] {
  const taken = new Set(pairs.map((pair) => pair[side]));
  return Array.from({ length: count }, (_, index) => index).filter((index) => !taken.has(index));
}
