/** The metrics of an evaluation with weighted images, for resampling; uses the existing matches. */
import { rankSlots, recallThresholds } from "./accumulate.ts";
import type { WeightedScore } from "./bootstrap.ts";
import type { CocoEvaluation } from "./coco.ts";
import { overlapThresholds } from "./matching.ts";
import type { Slices } from "./summary.ts";

const thresholds = overlapThresholds.length;
const everyThreshold = (1 << thresholds) - 1;

/** [threshold · categories + category]: mean precision over the 101 recalls, and final recall; −1 without objects. */
interface Grid {
  precision: Float64Array;
  recall: Float64Array;
}

/**
 * The means of slices for weighted images. A weight of two has the same effect as a second copy of the image, if no two detections of a
 * class in that image have the same score.
 */
export function weightedMetrics(evaluation: CocoEvaluation, slices: Slices): WeightedScore {
  const grids = new Map<string, (weights: Float64Array) => Grid>();
  const keyOf = ({ area = 0, limit = 0 }: Slices[string]) => `${area} ${limit}`;
  for (const slice of Object.values(slices)) {
    if (!grids.has(keyOf(slice))) grids.set(keyOf(slice), weightedGrid(evaluation, slice.area ?? 0, slice.limit ?? 0));
  }
  return (weights) => {
    const made = new Map([...grids].map(([key, grid]) => [key, grid(weights)]));
    return Object.fromEntries(
      Object.entries(slices).map(([name, slice]) => [
        name,
        meanOf(made.get(keyOf(slice))!, slice, evaluation.categories),
      ]),
    );
  };
}

function meanOf(grid: Grid, { of, threshold, categories }: Slices[string], count: number): number {
  let [sum, entries] = [0, 0];
  for (let t = threshold ?? 0; t <= (threshold ?? thresholds - 1); t++) {
    for (const category of categories ?? Array(count).keys()) {
      const value = grid[of][t * count + category]!;
      if (value <= -1) continue;
      sum += value;
      entries++;
    }
  }
  return entries ? sum / entries : -1;
}

/** Arranges the data of one area range and limit in the order of use, once for all samples. */
function weightedGrid(evaluation: CocoEvaluation, area: number, limit: number): (weights: Float64Array) => Grid {
  const { problem, pairs, outcomes, limits, maxDets } = evaluation;
  const { categories } = problem;
  const most = limits === 1 ? Infinity : maxDets[limit]!;
  const [allHits, allFalse] = [outcomes.hits[area]!, outcomes.falseAlarms[area]!];
  const { ranking } = rankSlots(problem, pairs);
  const slots = ranking.filter((slot) => pairs.ranks[slot]! < most && (allHits[slot]! | allFalse[slot]!) !== 0);
  const image = slots.map((slot) => problem.detections.image[pairs.slots[slot]!]!);
  const hits = Uint16Array.from(slots, (slot) => allHits[slot]!);
  const falseAlarms = Uint16Array.from(slots, (slot) => allFalse[slot]!);
  const ends = new Int32Array(categories);
  const hitCounts = new Int32Array(categories);
  slots.forEach((slot, place) => {
    const category = problem.detections.category[pairs.slots[slot]!]!;
    ends[category] = place + 1;
    if (hits[place]) hitCounts[category]!++;
  });
  const occupied = pairs.list.flatMap(({ category, image }, pair) => {
    const count = outcomes.objects[area]![pair]!;
    return count ? [{ category, image, count }] : [];
  });
  const room = hitCounts.reduce((a, b) => Math.max(a, b), 0);
  const curves = Array.from({ length: thresholds }, () => ({
    right: 0,
    wrong: 0,
    count: 0,
    found: new Float64Array(room),
    envelope: new Float64Array(room),
  }));

  return (weights) => {
    const objects = new Float64Array(categories);
    for (const { category, image, count } of occupied) objects[category]! += weights[image]! * count;
    const grid: Grid = {
      precision: new Float64Array(thresholds * categories).fill(-1),
      recall: new Float64Array(thresholds * categories).fill(-1),
    };
    for (let category = 0, place = 0; category < categories; category++) {
      const end = Math.max(place, ends[category]!);
      if (objects[category] === 0) {
        place = end;
        continue;
      }
      for (const curve of curves) curve.right = curve.wrong = curve.count = 0;
      // Most detections are false positives at every threshold; these are counted once.
      let wrongEverywhere = 0;
      for (; place < end; place++) {
        const weight = weights[image[place]!]!;
        if (weight === 0) continue;
        if (falseAlarms[place] === everyThreshold) {
          wrongEverywhere += weight;
          continue;
        }
        for (let threshold = 0; threshold < thresholds; threshold++) {
          const curve = curves[threshold]!;
          if ((hits[place]! >> threshold) & 1) {
            curve.right += weight;
            curve.found[curve.count] = curve.right;
            curve.envelope[curve.count++] = curve.right / (curve.wrong + wrongEverywhere + curve.right + 2 ** -52);
          } else if ((falseAlarms[place]! >> threshold) & 1) curve.wrong += weight;
        }
      }
      for (let threshold = 0; threshold < thresholds; threshold++) {
        const curve = curves[threshold]!;
        grid.precision[threshold * categories + category] = meanPrecision(curve, objects[category]!);
        grid.recall[threshold * categories + category] = curve.right / objects[category]!;
      }
    }
    return grid;
  };
}

/** Mean precision at the 101 recalls, as in `accumulate`. */
function meanPrecision(
  { count, found, envelope }: { count: number; found: Float64Array; envelope: Float64Array },
  objects: number,
): number {
  for (let hit = count - 2; hit >= 0; hit--) {
    if (envelope[hit]! < envelope[hit + 1]!) envelope[hit] = envelope[hit + 1]!;
  }
  let sum = 0;
  for (let r = 0, hit = 0; r < recallThresholds.length; r++) {
    while (hit < count && found[hit]! / objects < recallThresholds[r]!) hit++;
    if (hit === count) break;
    sum += envelope[hit]!;
  }
  return sum / recallThresholds.length;
}
