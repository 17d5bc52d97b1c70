/**
 * Dense captions: sentences with intervals. Sources: ranjaykrishna/densevid_eval `evaluate.py`; fujiso/SODA `soda.py`. How alike two
 * sentences are is given by the caller, for example METEOR.
 */

import type { Interval } from "./intervals.ts";

/** Sentences of a video with their intervals, in the order of time. */
export interface Captions {
  intervals: readonly Interval[];
}

/** How alike the sentence of a prediction and that of a reference are, 0 to 1, by their positions. */
export type SentenceScore = (prediction: number, reference: number) => number;

/** Precision, recall and F1 of captions. */
export interface CaptionScores {
  precision: number;
  recall: number;
  f1: number;
}

/** Overlap as both programs compute it: against the hull, or the sum of lengths where that is less. */
export function captionOverlap([a, b]: Interval, [c, d]: Interval): number {
  const both = Math.max(0, Math.min(b, d) - Math.max(a, c));
  return both / (Math.min(Math.max(b, d) - Math.min(a, c), b - a + d - c) + 1e-8);
}

/**
 * What is summed along an order-preserving matching. `c`, the published score: overlap · sentence score. `d`: overlap. `a` and `b`:
 * the sentence scores of the matching by overlap, for `a` averaged over least overlaps of 0.3, 0.5, 0.7 and 0.9.
 */
export type SodaKind = "a" | "b" | "c" | "d";

/** Least overlaps over which kind `a` is averaged. */
export const SODA_OVERLAPS: readonly number[] = [0.3, 0.5, 0.7, 0.9];

/** SODA of one video against one reference; overlaps below `least` count as 0. */
export function soda(
  predictions: Captions,
  reference: Captions,
  score: SentenceScore,
  { kind = "c", least = 0 }: { kind?: SodaKind; least?: number } = {},
): CaptionScores {
  const overlaps = reference.intervals.map((wanted) =>
    predictions.intervals.map((interval) => {
      const overlap = captionOverlap(interval, wanted);
      return overlap < least ? 0 : overlap;
    }),
  );
  if (!overlaps.length || !predictions.intervals.length) return { precision: 0, recall: 0, f1: 0 };
  const scored = kind === "c" ? overlaps.map((row, r) => row.map((overlap, p) => overlap * score(p, r))) : overlaps;
  const { sum, pairs } = orderedMatching(scored);
  const total = kind === "c" || kind === "d" ? sum : pairs.reduce((all, [r, p]) => all + score(p, r), 0);
  const precision = total / predictions.intervals.length;
  const recall = total / reference.intervals.length;
  return { precision, recall, f1: precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0 };
}

/** The scores of the reference with the best F1; of equal ones the first. */
export function bestReference(scores: readonly CaptionScores[]): CaptionScores {
  return scores.reduce((best, one) => (one.f1 > best.f1 ? one : best));
}

/**
 * Largest sum over pairs that keep the order of both sides, and the pairs as the published program walks back: in each row, from the
 * last, the last cell up to the column where a pair was best, whatever lies between.
 */
function orderedMatching(table: readonly (readonly number[])[]): {
  sum: number;
  pairs: [row: number, column: number][];
} {
  const sums: number[][] = [];
  const paired: boolean[][] = [];
  for (const [i, row] of table.entries()) {
    sums.push([]);
    paired.push([]);
    for (const [j, value] of row.entries()) {
      const without = Math.max(sums[i - 1]?.[j] ?? -1, sums[i]![j - 1] ?? -1);
      const together = (sums[i - 1]?.[j - 1] ?? 0) + value;
      sums[i]!.push(Math.max(without, together));
      paired[i]!.push(together > without);
    }
  }
  const pairs: [number, number][] = [];
  let limit = table[0]!.length - 1;
  for (let row = table.length - 1; row >= 0 && limit >= 0; row--) {
    const column = paired[row]!.lastIndexOf(true, limit);
    if (column < 0) continue;
    pairs.push([row, column]);
    limit = column - 1;
  }
  return { sum: sums.at(-1)!.at(-1)!, pairs };
}

/** The scores of ActivityNet's protocol at one least overlap. */
export interface DenseScores {
  /** Mean sentence score of the video's pairs. */
  score: number;
  /** Share of predictions that overlap a reference by more, and of references that a prediction overlaps by more. */
  precision: number;
  recall: number;
}

/**
 * ActivityNet's protocol for one video: every pair with an overlap of at least `least` is scored, a prediction without any scores 0. For
 * several references give their pairs together; precision and recall are those of the best reference.
 */
export function denseScores(
  predictions: Captions,
  references: readonly Captions[],
  score: (prediction: number, set: number, reference: number) => number,
  least: number,
): DenseScores {
  const pairScores: number[] = [];
  for (const [p, interval] of predictions.intervals.entries()) {
    const before = pairScores.length;
    for (const [set, { intervals }] of references.entries())
      for (const [r, wanted] of intervals.entries())
        if (captionOverlap(interval, wanted) >= least) pairScores.push(score(p, set, r));
    if (pairScores.length === before) pairScores.push(0);
  }
  const each = references.map(({ intervals }) => ({
    precision: share(predictions.intervals, intervals, least),
    recall: share(intervals, predictions.intervals, least),
  }));
  return {
    score: pairScores.length ? pairScores.reduce((sum, value) => sum + value, 0) / pairScores.length : 0,
    precision: Math.max(0, ...each.map(({ precision }) => precision)),
    recall: Math.max(0, ...each.map(({ recall }) => recall)),
  };
}

/** Share of some intervals that overlap one of the others by more than `least`. */
function share(some: readonly Interval[], others: readonly Interval[], least: number): number {
  if (!some.length) return 0;
  return some.filter((one) => others.some((other) => captionOverlap(one, other) > least)).length / some.length;
}
