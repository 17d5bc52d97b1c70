/** Computes precision and recall from matches: cocodataset/cocoapi `COCOeval.accumulate`, with bits instead of tables. */
import {
  areaRanges,
  createMatcher,
  isDetectionIgnored,
  type MatchingProblem,
  overlapThresholds,
  type Pairs,
} from "./matching.ts";
import { byDescendingScore, byGroup, column, positions } from "./stable-order.ts";

/** The 101 recalls with a precision: `i · 0.01`, which differs from `i / 100` for ten of them. */
export const recallThresholds = Float64Array.from({ length: 101 }, (_, i) => i * 0.01);

const epsilon = 2 ** -52;
const everyThreshold = (1 << overlapThresholds.length) - 1;

/**
 * Precision, the score at each recall, and final recall; −1 if a category has no object. `precision` and `scores` are [threshold, recall,
 * category, area, limit], `recall` is [threshold, category, area, limit].
 */
export interface PrecisionRecall {
  precision: Float64Array;
  scores: Float64Array;
  recall: Float64Array;
  categories: number;
  limits: number;
}

/** Match results of all ranked detections and objects. */
export interface Outcomes {
  /** [area][slot]: one bit per threshold. A detection without either bit is ignored. */
  hits: Uint16Array[];
  falseAlarms: Uint16Array[];
  /** [area][pair]: objects that are not ignored. */
  objects: Int32Array[];
}

/** Slots by category, then descending score, image and rank: the order of the curves. */
export function rankSlots(problem: MatchingProblem, pairs: Pairs): { ranking: Int32Array; scores: Float64Array } {
  const { score, category } = problem.detections;
  const scores = column(pairs.slots, (detection) => score[detection]!);
  const categories = pairs.slots.map((detection) => category[detection]!);
  const byScore = byDescendingScore(positions(pairs.slots.length), scores);
  return { ranking: byGroup(byScore, categories, problem.categories), scores };
}

/** Computes precision and recall at each limit of detections per pair. */
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
  const { ranking, scores } = rankSlots(problem, pairs);
  const ranked: Ranked = {
    count: 0,
    scores: new Float64Array(ranking.length),
    hits: new Uint16Array(ranking.length),
    falseAlarms: new Uint16Array(ranking.length),
    places: new Int32Array(ranking.length),
    envelope: new Float64Array(ranking.length),
  };
  let start = 0;
  for (let category = 0; category < categories; category++) {
    let end = start;
    while (end < ranking.length && problem.detections.category[pairs.slots[ranking[end]!]!] === category) end++;
    for (let limit = 0; limit < limits.length; limit++) {
      for (let area = 0; area < areaRanges.length; area++) {
        const objects = objectCounts[category * areaRanges.length + area]!;
        if (objects === 0) continue;
        const [hits, falseAlarms] = [outcomes.hits[area]!, outcomes.falseAlarms[area]!];
        ranked.count = 0;
        for (let i = start; i < end; i++) {
          const slot = ranking[i]!;
          if (pairs.ranks[slot]! >= limits[limit]!) continue;
          ranked.scores[ranked.count] = scores[slot]!;
          ranked.hits[ranked.count] = hits[slot]!;
          ranked.falseAlarms[ranked.count++] = falseAlarms[slot]!;
        }
        const cell = (category * areaRanges.length + area) * limits.length + limit;
        for (let threshold = 0; threshold < overlapThresholds.length; threshold++) {
          readCurve(ranked, { threshold, objects }, { result, cell, cells });
        }
      }
    }
    start = end;
  }
  return result;
}

/** Detections of a category in one area range, best first, and buffers for a curve; only the first `count` entries are used. */
interface Ranked {
  count: number;
  scores: Float64Array;
  hits: Uint16Array;
  falseAlarms: Uint16Array;
  /** The position of each hit, and the highest precision from it on. */
  places: Int32Array;
  envelope: Float64Array;
}

/** One curve. Precision falls at false positives, so only hits determine its envelope. */
function readCurve(
  { count, scores, hits, falseAlarms, places, envelope }: Ranked,
  { threshold, objects }: { threshold: number; objects: number },
  { result, cell, cells }: { result: PrecisionRecall; cell: number; cells: number },
): void {
  const bit = 1 << threshold;
  let right = 0;
  let wrong = 0;
  for (let place = 0; place < count; place++) {
    if (hits[place]! & bit) {
      places[right++] = place;
      envelope[right - 1] = right / (wrong + right + epsilon);
    } else if (falseAlarms[place]! & bit) wrong++;
  }
  for (let hit = right - 2; hit >= 0; hit--) {
    if (envelope[hit]! < envelope[hit + 1]!) envelope[hit] = envelope[hit + 1]!;
  }
  result.recall[threshold * cells + cell] = right / objects;
  let hit = 0;
  for (let r = 0; r < recallThresholds.length; r++) {
    while (hit < right && (hit + 1) / objects < recallThresholds[r]!) hit++;
    const at = (threshold * recallThresholds.length + r) * cells + cell;
    result.precision[at] = hit < right ? envelope[hit]! : 0;
    // The first detection reaches recall 0, whether it is a hit or not.
    if (r === 0) result.scores[at] = count ? scores[0]! : 0;
    else result.scores[at] = hit < right ? scores[places[hit]!]! : 0;
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
    const hasObjects = pair.objectEnd > pair.objectStart;
    if (hasObjects) matcher.open(pair);
    const detections = pair.slotEnd - pair.slotStart;
    for (let area = 0; area < areaRanges.length; area++) {
      if (hasObjects) matcher.match(area);
      for (let place = 0; place < pair.objectEnd - pair.objectStart; place++) {
        if (!matcher.ignored[place]) outcomes.objects[area]![index]!++;
      }
      for (let d = 0; d < detections; d++) {
        const slot = pair.slotStart + d;
        const ifAlone = isDetectionIgnored(problem, pairs.slots[slot]!, area, undefined) ? 0 : everyThreshold;
        if (!hasObjects || matcher.isAlone(d)) {
          outcomes.falseAlarms[area]![slot] = ifAlone;
          continue;
        }
        let hits = 0;
        let unmatched = 0;
        for (let threshold = 0; threshold < overlapThresholds.length; threshold++) {
          const found = matcher.assigned[threshold * detections + d]!;
          if (found >= 0 && matcher.ignored[found]) continue;
          const isHit = found >= 0 && objects.id[pairs.objectOrder[pair.objectStart + found]!] !== 0;
          if (isHit) hits |= 1 << threshold;
          else unmatched |= 1 << threshold;
        }
        outcomes.hits[area]![slot] = hits;
        outcomes.falseAlarms[area]![slot] = unmatched & ifAlone;
      }
    }
  }
  return outcomes;
}
