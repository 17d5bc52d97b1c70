/** Means over slices of precision and recall. */
import { type PrecisionRecall, recallThresholds } from "./accumulate.ts";
import { areaRanges, overlapThresholds } from "./matching.ts";

/** Which entries to average: all thresholds and categories, the range "all" and the first limit by default. */
export interface Slice {
  of: "precision" | "recall";
  threshold?: number;
  area?: number;
  limit?: number;
  categories?: readonly number[];
}

/** Slices by the names of their metrics. */
export type Slices = Readonly<Record<string, Slice>>;

/** The mean of each slice. */
export function summarize<Name extends string>(
  grid: PrecisionRecall,
  slices: Readonly<Record<Name, Slice>>,
): Record<Name, number> {
  const means = Object.entries<Slice>(slices).map(([name, slice]) => [name, meanAbove(grid, slice)]);
  return Object.fromEntries(means) as Record<Name, number>;
}

/** The mean of the entries above −1 in a slice; −1 if there are none. */
function meanAbove(grid: PrecisionRecall, slice: Slice): number {
  const { of, area = 0, limit = 0 } = slice;
  const thresholds = slice.threshold === undefined ? overlapThresholds.keys() : [slice.threshold];
  const categories = slice.categories ?? Array.from({ length: grid.categories }, (_, category) => category);
  const recalls = of === "precision" ? recallThresholds.length : 1;
  const values: number[] = [];
  for (const threshold of thresholds) {
    for (let recall = 0; recall < recalls; recall++) {
      for (const category of categories) {
        const row = (threshold * recalls + recall) * grid.categories + category;
        const value = grid[of][(row * areaRanges.length + area) * grid.limits + limit]!;
        if (value > -1) values.push(value);
      }
    }
  }
  return values.length ? pairwiseSum(values, 0, values.length) / values.length : -1;
}

/** Sums as NumPy does, so that means agree to the last digit: eight running sums for up to 128 terms, halves above. */
function pairwiseSum(values: readonly number[], start: number, count: number): number {
  if (count < 8) {
    let sum = 0;
    for (let i = start; i < start + count; i++) sum += values[i]!;
    return sum;
  }
  if (count > 128) {
    const half = (count >> 1) - ((count >> 1) % 8);
    return pairwiseSum(values, start, half) + pairwiseSum(values, start + half, count - half);
  }
  const lanes = values.slice(start, start + 8);
  const whole = count - (count % 8);
  for (let i = 8; i < whole; i++) lanes[i % 8]! += values[start + i]!;
  let sum = lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!) + (lanes[4]! + lanes[5]! + (lanes[6]! + lanes[7]!));
  for (let i = start + whole; i < start + count; i++) sum += values[i]!;
  return sum;
}

/** The 101 precisions, or scores, of one category. */
export function curveOf(
  grid: PrecisionRecall,
  of: "precision" | "scores",
  at: { threshold: number; category: number; area?: number; limit?: number },
): number[] {
  const { area = 0, limit = 0 } = at;
  return Array.from(recallThresholds, (_, recall) => {
    const row = (at.threshold * recallThresholds.length + recall) * grid.categories + at.category;
    return grid[of][(row * areaRanges.length + area) * grid.limits + limit]!;
  });
}
