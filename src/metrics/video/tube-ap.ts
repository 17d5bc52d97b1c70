/**
 * Average precision of tubes, by class over clips. Source: JonathonLuiten/TrackEval `trackeval/metrics/track_map.py` and
 * `trackeval/datasets/tao.py`, with the overlap of whole tubes.
 */

import { intersection, type Xyxy } from "../../tracking/overlap.ts";

/** Boxes by frame number. */
export type Tube = ReadonlyMap<number, Xyxy>;

/** A predicted tube. */
export interface ScoredTube {
  score: number;
  boxes: Tube;
}

/** The tubes of one class in one clip. */
export interface ClipTubes {
  truth: readonly Tube[];
  predictions: readonly ScoredTube[];
}

/** Overlap of two tubes: the sum of intersections over the sum of unions, over the frames of either. */
export function tubeOverlap(a: Tube, b: Tube): number {
  let [both, all] = [0, 0];
  for (const box of a.values()) all += area(box);
  for (const [frame, box] of b) {
    all += area(box);
    const other = a.get(frame);
    if (other) both += intersection(box, other);
  }
  return both > 0 ? both / (all - both) : 0;
}

/** Average precision and recall by threshold. */
export interface TubeAverages {
  /** By threshold; undefined where the class has no tube. */
  AP: (number | undefined)[];
  AR: (number | undefined)[];
}

/** Average precision and recall of a class at each threshold of the overlap. */
export function tubeAp(clips: readonly ClipTubes[], thresholds: readonly number[]): TubeAverages {
  const compared = clips.map(({ truth, predictions }) => {
    const order = byScore(predictions.map(({ score }) => score));
    return {
      scores: order.map((p) => predictions[p]!.score),
      overlaps: order.map((p) => truth.map((tube) => tubeOverlap(predictions[p]!.boxes, tube))),
    };
  });
  const scores = compared.flatMap((clip) => clip.scores);
  const order = byScore(scores);
  const objects = clips.reduce((sum, { truth }) => sum + truth.length, 0);
  if (!objects) return { AP: thresholds.map(() => undefined), AR: thresholds.map(() => undefined) };
  const averages = thresholds.map((least) => {
    const hits = compared.flatMap(({ overlaps }) => matched(overlaps, least));
    return precisionAndRecall(
      order.map((k) => hits[k]!),
      objects,
    );
  });
  return { AP: averages.map(({ precision }) => precision), AR: averages.map(({ recall }) => recall) };
}

/** Which predictions, best first, find a tube that no better one found; of equal overlaps the later tube. */
function matched(overlaps: readonly (readonly number[])[], least: number): boolean[] {
  const taken = new Set<number>();
  return overlaps.map((row) => {
    let [best, at] = [Math.min(least, 1 - 1e-10), -1];
    for (const [tube, overlap] of row.entries()) {
      if (taken.has(tube) || overlap < best) continue;
      [best, at] = [overlap, tube];
    }
    if (at >= 0) taken.add(at);
    return at >= 0;
  });
}

/** Mean over 101 recalls of the precision, made monotone; and the recall at the end. */
function precisionAndRecall(hits: readonly boolean[], objects: number): { precision: number; recall: number } {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let found = 0;
  for (const [k, hit] of hits.entries()) {
    if (hit) found++;
    recalls.push(found / objects);
    precisions.push(found / (k + 1 + Number.EPSILON));
  }
  for (let k = precisions.length - 2; k >= 0; k--) precisions[k] = Math.max(precisions[k]!, precisions[k + 1]!);
  let [sum, at] = [0, 0];
  for (let step = 0; step <= 100; step++) {
    while (at < recalls.length && recalls[at]! < step / 100) at++;
    sum += precisions[at] ?? 0;
  }
  return { precision: sum / 101, recall: found / objects };
}

/** Positions by descending score, in the given order among equal ones. */
function byScore(scores: readonly number[]): number[] {
  return scores.map((_, k) => k).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

function area([x1, y1, x2, y2]: Xyxy): number {
  return (x2 - x1) * (y2 - y1);
}
