/** The mistakes in an evaluation: misses, false positives and confusions of classes. */
import type { CocoDetection, CocoGroundTruth, Id } from "../data/readers/coco-records.ts";
import { xywhOverlap } from "./box-overlap.ts";
import type { CocoEvaluation } from "./coco.ts";
import { createMatcher, type Pair } from "./matching.ts";
import { byDescendingScore, positions } from "./stable-order.ts";

/** Indices in `catIds`, and boxes as x, y, width, height. */
export interface Mistake {
  imageId: Id;
  category: number;
  /** For a phrase: its words. */
  name?: string;
  xywh: number[];
  /** For a false positive. */
  score?: number;
  /** The ground truth or detection that overlaps most. */
  nearest?: { category: number; name?: string; xywh: number[]; overlap: number; score?: number };
}

/** Counts of confusions at an overlap of one half. */
export interface Confusion {
  /** Detections below this score are not counted; if absent, the best box of each phrase is counted. */
  score?: number;
  /** [truth, called, count] with indices in `catIds`, most frequent first; called −1: missed, truth −1: background. */
  cells: [truth: number, called: number, count: number][];
}

/** Objects and detections of one image, as boxes. */
interface Region {
  category: number;
  xywh: number[];
  score: number;
}

/** Boxes of objects (without crowds and ignored ones) and of evaluated detections, by image. */
export interface RegionsByImage {
  objects: Map<Id, Region[]>;
  detections: Map<Id, Region[]>;
}

/** The compared boxes; masks are represented by their boxes. */
export function regionsByImage(
  evaluation: CocoEvaluation,
  groundTruth: CocoGroundTruth,
  detections: readonly CocoDetection[],
): RegionsByImage {
  const place = new Map(evaluation.catIds.map((id, index) => [id, index]));
  const gathered: RegionsByImage = { objects: new Map(), detections: new Map() };
  const add = (to: Map<Id, Region[]>, imageId: Id, region: Region) => {
    const list = to.get(imageId);
    if (list) list.push(region);
    else to.set(imageId, [region]);
  };
  for (const { image_id, category_id, bbox, iscrowd, ignore } of groundTruth.annotations) {
    const category = place.get(category_id);
    if (category === undefined || bbox?.length !== 4 || iscrowd || ignore) continue;
    add(gathered.objects, image_id, { category, xywh: bbox, score: 1 });
  }
  for (const position of evaluation.problem.detections.position) {
    const { image_id, category_id, bbox, score } = detections[position]!;
    if (bbox?.length === 4)
      add(gathered.detections, image_id, { category: place.get(category_id)!, xywh: bbox, score });
  }
  return gathered;
}

/** The largest objects without a detection of their class at an overlap of one half, and the false positives with the highest scores. */
export function worstMistakes(
  evaluation: CocoEvaluation,
  regions: RegionsByImage,
  {
    groundTruth,
    detections,
    most,
  }: { groundTruth: CocoGroundTruth; detections: readonly CocoDetection[]; most: number },
): { misses: Mistake[]; falseAlarms: Mistake[] } {
  const { problem, pairs, imgIds, outcomes } = evaluation;
  const missed = missedObjects(evaluation)
    .sort((a, b) => problem.objects.area[b.object]! - problem.objects.area[a.object]! || a.object - b.object)
    .slice(0, most);
  const annotations = new Map(groundTruth.annotations.map((annotation) => [annotation.id, annotation]));
  const misses = missed.flatMap(({ object, pair }) => {
    const { bbox, image_id } = annotations.get(problem.objects.id[object]!)!;
    if (bbox?.length !== 4) return [];
    return [
      { imageId: image_id, category: pair.category, xywh: bbox, ...nearestTo(bbox, regions.detections.get(image_id)) },
    ];
  });
  const scores = Float64Array.from(pairs.slots, (detection) => problem.detections.score[detection]!);
  const wrong = positions(scores.length).filter((slot) => (outcomes.falseAlarms[0]![slot]! & 1) === 1);
  const falseAlarms = [...byDescendingScore(wrong, scores).subarray(0, most)].flatMap((slot) => {
    const detection = pairs.slots[slot]!;
    const imageId = imgIds[problem.detections.image[detection]!]!;
    const { bbox, score } = detections[problem.detections.position[detection]!]!;
    if (bbox?.length !== 4) return [];
    const category = problem.detections.category[detection]!;
    return [{ imageId, category, xywh: bbox, score, ...nearestTo(bbox, regions.objects.get(imageId)) }];
  });
  return { misses, falseAlarms };
}

function missedObjects({ problem, pairs }: CocoEvaluation): { object: number; pair: Pair }[] {
  const matcher = createMatcher(problem, pairs);
  return pairs.list.flatMap((pair) => {
    matcher.open(pair);
    matcher.match(0);
    const found = new Set(matcher.assigned.subarray(0, pair.slotEnd - pair.slotStart));
    return [...pairs.objectOrder.subarray(pair.objectStart, pair.objectEnd)].flatMap((object, place) =>
      matcher.ignored[place] || found.has(place) ? [] : [{ object, pair }],
    );
  });
}

function nearestTo(xywh: readonly number[], regions: readonly Region[] = []): Pick<Mistake, "nearest"> {
  let nearest: Mistake["nearest"];
  for (const { category, xywh: other, score } of regions) {
    const overlap = xywhOverlap(Float64Array.from(xywh), 0, Float64Array.from(other), 0, false);
    if (overlap > (nearest?.overlap ?? 0.1)) nearest = { category, xywh: other, overlap, score };
  }
  return nearest ? { nearest } : {};
}

/**
 * The detected class of each object: each detection above a score, best first, is matched with the object of any class that it overlaps
 * most.
 */
export function confusionOf({ objects, detections }: RegionsByImage, score: number): Confusion {
  const pairs = countPairs();
  for (const image of new Set([...objects.keys(), ...detections.keys()])) {
    const free = new Set(objects.get(image));
    const seen = (detections.get(image) ?? []).filter((detection) => detection.score >= score);
    for (const detection of seen.sort((a, b) => b.score - a.score)) {
      const box = Float64Array.from(detection.xywh);
      let best: Region | undefined;
      let highest = 0.5;
      for (const object of free) {
        const overlap = xywhOverlap(box, 0, Float64Array.from(object.xywh), 0, false);
        // Of equal overlaps, the right class is chosen.
        if (overlap < highest || (overlap === highest && best?.category === detection.category)) continue;
        highest = overlap;
        best = object;
      }
      if (best) free.delete(best);
      pairs.add(best?.category ?? -1, detection.category);
    }
    for (const object of free) pairs.add(object.category, -1);
  }
  return { score, cells: pairs.cells() };
}

/** Counts pairs of true and detected class. */
export function countPairs(): { add(truth: number, called: number): void; cells(): Confusion["cells"] } {
  const counts = new Map<string, number>();
  return {
    add(truth, called) {
      const key = `${truth} ${called}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    cells() {
      const cells = [...counts].map(([key, times]): Confusion["cells"][number] => {
        const [truth, called] = key.split(" ").map(Number);
        return [truth!, called!, times];
      });
      return cells.sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
    },
  };
}

/** Precision, recall and F1 over all classes together for detections above each score. */
export interface ScoreCurve {
  scores: number[];
  precision: number[];
  recall: number[];
  /** The score at which F1 is highest. */
  bestScore: number;
}

/** The pooled score curve at an overlap of one half, reduced to about `points` points. */
export function scoreCurve({ problem, pairs, outcomes }: CocoEvaluation, points = 200): ScoreCurve {
  const objects = outcomes.objects[0]!.reduce((sum, count) => sum + count, 0);
  const scores = Float64Array.from(pairs.slots, (detection) => problem.detections.score[detection]!);
  const ranking = byDescendingScore(positions(scores.length), scores);
  const curve: ScoreCurve = { scores: [], precision: [], recall: [], bestScore: 0 };
  const step = Math.max(1, Math.floor(ranking.length / points));
  let [right, wrong, best] = [0, 0, -1];
  ranking.forEach((slot, rank) => {
    right += outcomes.hits[0]![slot]! & 1;
    wrong += outcomes.falseAlarms[0]![slot]! & 1;
    const isTied = rank + 1 < ranking.length && scores[ranking[rank + 1]!] === scores[slot];
    if (isTied || right + wrong === 0) return;
    const [precision, recall] = [right / (right + wrong), objects ? right / objects : 0];
    const f1 = (2 * precision * recall) / (precision + recall || 1);
    if (f1 > best) {
      best = f1;
      curve.bestScore = scores[slot]!;
    }
    if (rank % step && rank + 1 < ranking.length) return;
    curve.scores.push(scores[slot]!);
    curve.precision.push(precision);
    curve.recall.push(recall);
  });
  return curve;
}

/** Number of counted objects of each class, by index in `catIds`. */
export function objectCounts({ problem, pairs, outcomes }: CocoEvaluation): number[] {
  const counts = new Array<number>(problem.categories).fill(0);
  pairs.list.forEach(({ category }, pair) => {
    counts[category]! += outcomes.objects[0]![pair]!;
  });
  return counts;
}
