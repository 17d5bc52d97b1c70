/** From matches to precision and recall: cocodataset/cocoapi `COCOeval.accumulate`, over bits instead of tables. */
import {
  areaRanges,
  createMatcher,
  isDetectionIgnored,
  type MatchingProblem,
  overlapThresholds,
  type Pairs,
} from "./matching.ts";
import { byDescendingScore, byGroup, positions } from "./stable-order.ts";

/** The 101 recalls at which precision is read: `i · 0.01`, which is not `i / 100` for ten of them. */
export const recallThresholds = Float64Array.from({ length: 101 }, (_, i) => i * 0.01);

const epsilon = 2 ** -52;

/**
 * Precision, the score at which each recall was reached, and final recall; −1 where a category has no object to find.
 * `precision` and `scores` are [threshold, recall, category, area, limit], `recall` is [threshold, category, area, limit].
 */
export interface PrecisionRecall {
  precision: Float64Array;
  scores: Float64Array;
  recall: Float64Array;
  categories: number;
  limits: number;
}

/** What became of every ranked detection and every object. */
export interface Outcomes {
  /** [area][slot]: a bit per threshold. A detection that is neither is ignored. */
  hits: Uint16Array[];
  falseAlarms: Uint16Array[];
  /** [area][pair]: objects that are not ignored. */
  objects: Int32Array[];
}

/** Slots by category, then descending score, then image, then rank: the order in which curves are read. */
export function rankSlots(problem: MatchingProblem, pairs: Pairs): { ranking: Int32Array; scores: Float64Array } {
  const scores = Float64Array.from(pairs.slots, (detection) => problem.detections.score[detection]!);
  const categories = Int32Array.from(pairs.slots, (detection) => problem.detections.category[detection]!);
  const byScore = byDescendingScore(positions(pairs.slots.length), scores);
  return { ranking: byGroup(byScore, categories, problem.categories), scores };
}

/** Reads precision and recall at each limit of detections per pair. */
export function accumulate(
  problem: MatchingProblem,
  pairs: Pairs,
  { outcomes, limits }: { outcomes: Outcomes; limits: readonly number[] },
): PrecisionRecall {
  const { categories } = problem;
  const cells = categories * areaRanges.length * limits.length;
  const result: PrecisionRecall = {
    precision: new Float64Array(overlapThresholds.length * recallThresholds.length * cells).fill(-1),
    scores: new Float64Array(overlapThresholds.length * recallThresholds.length * cells).fill(-1),
    recall: new Float64Array(overlapThresholds.length * cells).fill(-1),
    categories,
    limits: limits.length,
  };
  const objectCounts = new Int32Array(categories * areaRanges.length);
  pairs.list.forEach(({ category }, pair) => {
    outcomes.objects.forEach((objects, area) => {
      objectCounts[category * areaRanges.length + area]! += objects[pair]!;
    });
  });
  const { ranking, scores: slotScores } = rankSlots(problem, pairs);
  let start = 0;
  for (let category = 0; category < categories; category++) {
    let end = start;
    while (end < ranking.length && problem.detections.category[pairs.slots[ranking[end]!]!] === category) end++;
    for (let limit = 0; limit < limits.length; limit++) {
      const kept = ranking.subarray(start, end).filter((slot) => pairs.ranks[slot]! < limits[limit]!);
      for (let area = 0; area < areaRanges.length; area++) {
        const objects = objectCounts[category * areaRanges.length + area]!;
        if (objects === 0) continue;
        const hits = Uint16Array.from(kept, (slot) => outcomes.hits[area]![slot]!);
        const falseAlarms = Uint16Array.from(kept, (slot) => outcomes.falseAlarms[area]![slot]!);
        const cell = (category * areaRanges.length + area) * limits.length + limit;
        for (let threshold = 0; threshold < overlapThresholds.length; threshold++) {
          const curve = { kept, hits, falseAlarms, slotScores, objects, threshold };
          readCurve(curve, result, { cell, cells });
        }
      }
    }
    start = end;
  }
  return result;
}

interface Curve {
  kept: Int32Array;
  hits: Uint16Array;
  falseAlarms: Uint16Array;
  slotScores: Float64Array;
  objects: number;
  threshold: number;
}

/** One curve. Precision falls at false alarms, so its envelope is decided by the hits alone. */
function readCurve(curve: Curve, result: PrecisionRecall, { cell, cells }: { cell: number; cells: number }): void {
  const { kept, hits, falseAlarms, slotScores, objects, threshold } = curve;
  const places: number[] = [];
  const envelope: number[] = [];
  let misses = 0;
  for (let place = 0; place < kept.length; place++) {
    if ((hits[place]! >> threshold) & 1) {
      places.push(place);
      envelope.push(places.length / (misses + places.length + epsilon));
    } else misses += (falseAlarms[place]! >> threshold) & 1;
  }
  for (let hit = envelope.length - 2; hit >= 0; hit--) {
    envelope[hit] = Math.max(envelope[hit]!, envelope[hit + 1]!);
  }
  result.recall[threshold * cells + cell] = places.length / objects;
  let hit = 0;
  for (let r = 0; r < recallThresholds.length; r++) {
    while (hit < places.length && (hit + 1) / objects < recallThresholds[r]!) hit++;
    const at = (threshold * recallThresholds.length + r) * cells + cell;
    // Recall 0 is reached before anything is found: by the first detection, whatever it is.
    const reached = r === 0 ? kept.length > 0 : hit < places.length;
    result.precision[at] = hit < places.length ? envelope[hit]! : 0;
    result.scores[at] = reached ? slotScores[kept[r === 0 ? 0 : places[hit]!]!]! : 0;
  }
}

/** Matches every pair once, in every area range and for every threshold. */
export function matchAll(problem: MatchingProblem, pairs: Pairs): Outcomes {
  const { objects } = problem;
  const slots = pairs.slots.length;
  const outcomes: Outcomes = {
    hits: areaRanges.map(() => new Uint16Array(slots)),
    falseAlarms: areaRanges.map(() => new Uint16Array(slots)),
    objects: areaRanges.map(() => new Int32Array(pairs.list.length)),
  };
  const matcher = createMatcher(problem, pairs);
  for (const [index, pair] of pairs.list.entries()) {
    matcher.open(pair);
    const detections = pair.slotEnd - pair.slotStart;
    for (let area = 0; area < areaRanges.length; area++) {
      matcher.match(area);
      for (let place = 0; place < pair.objectEnd - pair.objectStart; place++) {
        if (!matcher.ignored[place]) outcomes.objects[area]![index]!++;
      }
      for (let d = 0; d < detections; d++) {
        const detection = pairs.slots[pair.slotStart + d]!;
        const aloneIgnored = isDetectionIgnored(problem, detection, area, undefined);
        let hits = 0;
        let falseAlarms = 0;
        for (let threshold = 0; threshold < overlapThresholds.length; threshold++) {
          const found = matcher.assigned[threshold * detections + d]!;
          if (found >= 0 && matcher.ignored[found]) continue;
          const isHit = found >= 0 && objects.id[pairs.objectOrder[pair.objectStart + found]!] !== 0;
          if (isHit) hits |= 1 << threshold;
          else if (!aloneIgnored) falseAlarms |= 1 << threshold;
        }
        outcomes.hits[area]![pair.slotStart + d] = hits;
        outcomes.falseAlarms[area]![pair.slotStart + d] = falseAlarms;
      }
    }
  }
  return outcomes;
}
