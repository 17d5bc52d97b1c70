/**
 * Moment retrieval and highlights in the form of QVHighlights. Source: jayleicn/moment_detr `standalone_eval/eval.py`, `utils.py`.
 */

import { areaUnderPrecision, type Interval, intervalOverlap, matchIntervals } from "./intervals.ts";

/** A question about a video with its true moments. */
export interface MomentTruth {
  /** True moments, in seconds. */
  windows: readonly Interval[];
}

/** A moment with its score. */
export interface ScoredWindow {
  window: Interval;
  score: number;
}

/** Thresholds 0.5, 0.55, … 0.95. */
export const MOMENT_OVERLAPS: readonly number[] = Array.from({ length: 10 }, (_, k) => (50 + 5 * k) / 100);

const MOST_WINDOWS = 10;

/**
 * Average precision of one question at each threshold, over the first ten windows as listed, then ranked by score.
 */
export function momentAp(
  windows: readonly Interval[],
  predictions: readonly ScoredWindow[],
  thresholds: readonly number[] = MOMENT_OVERLAPS,
): number[] {
  const ranked = predictions
    .slice(0, MOST_WINDOWS)
    .sort((a, b) => b.score - a.score)
    .map(({ window }) => ({ video: "", interval: window }));
  const truth = new Map([["", windows]]);
  return thresholds.map((least) => areaUnderPrecision(matchIntervals(truth, ranked, least), windows.length));
}

/** Largest overlap of the first of the listed windows with a true one: R1 at a threshold is the share of questions that reach it. */
export function firstWindowOverlap(windows: readonly Interval[], predictions: readonly ScoredWindow[]): number {
  const first = predictions[0];
  return first ? Math.max(0, ...windows.map((window) => intervalOverlap(window, first.window))) : 0;
}

/** Largest overlap among the first `n` listed windows: R@n at a threshold is the share of questions that reach it. */
export function bestWindowOverlap(
  windows: readonly Interval[],
  predictions: readonly ScoredWindow[],
  n: number,
): number {
  const overlaps = predictions.slice(0, n).flatMap(({ window }) => windows.map((one) => intervalOverlap(one, window)));
  return Math.max(0, ...overlaps);
}

/** True moments of more than `above` and at most `most` seconds. */
export function windowsOfLength(windows: readonly Interval[], above: number, most: number): Interval[] {
  return windows.filter(([start, end]) => end - start > above && end - start <= most);
}

/**
 * Average precision of the scores of clips against clips that are highlights or not, as published: the plain mean of the precisions,
 * made monotone, at the distinct scores where the recall rises. All highlights score 1, none 0.
 */
export function highlightAp(truth: readonly boolean[], scores: readonly number[]): number {
  const positives = truth.filter(Boolean).length;
  if (!positives || positives === truth.length) return positives ? 1 : 0;
  const order = truth.map((_, k) => k).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const levels: { precision: number; rises: boolean }[] = [];
  let [found, before] = [0, 0];
  for (const [rank, k] of order.entries()) {
    if (truth[k]) found++;
    const next = order[rank + 1];
    if (next !== undefined && (scores[next] ?? 0) === (scores[k] ?? 0)) continue;
    levels.push({ precision: found / (rank + 1), rises: found > before });
    before = found;
  }
  let [best, sum, count] = [0, 0, 0];
  for (const { precision, rises } of levels.reverse()) {
    best = Math.max(best, precision);
    if (!rises) continue;
    sum += best;
    count++;
  }
  return sum / count;
}
