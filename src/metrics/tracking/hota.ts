/** HOTA, higher order tracking accuracy (TrackEval `trackeval/metrics/hota.py`). */

import { assign } from "../../tracking/assignment.ts";
import { type ComparedFrames, ROUNDING } from "./compared-frames.ts";

/** HOTA and its parts, one number for each of the 19 overlaps `HOTA_OVERLAPS`. */
export interface HotaScores {
  HOTA: number[];
  DetA: number[];
  AssA: number[];
  DetRe: number[];
  DetPr: number[];
  AssRe: number[];
  AssPr: number[];
  LocA: number[];
  OWTA: number[];
  HOTA_TP: number[];
  HOTA_FN: number[];
  HOTA_FP: number[];
  "HOTA(0)": number;
  "LocA(0)": number;
  "HOTALocA(0)": number;
}

/** The overlaps of HOTA: 0.05, 0.10, … 0.95, as NumPy's `arange` makes them. */
export const HOTA_OVERLAPS: readonly number[] = Array.from({ length: 19 }, (_, i) => 0.05 + i * 0.05);

type HotaCounts = Pick<HotaScores, "HOTA_TP" | "HOTA_FN" | "HOTA_FP" | "AssA" | "AssRe" | "AssPr" | "LocA">;

/** HOTA of a sequence. The score that is printed is the mean of `HOTA` over the overlaps. */
export function hota(compared: ComparedFrames): HotaScores {
  const each = (value: number) => HOTA_OVERLAPS.map(() => value);
  if (!compared.truthBoxes || !compared.predictedBoxes)
    return withHotaRatios({
      HOTA_TP: each(0),
      HOTA_FN: each(compared.truthBoxes),
      HOTA_FP: each(compared.predictedBoxes),
      AssA: each(0),
      AssRe: each(0),
      AssPr: each(0),
      LocA: each(1),
    });
  const { found, overlapSums, matches } = countMatches(compared);
  return withHotaRatios({
    HOTA_TP: found,
    HOTA_FN: found.map((count) => compared.truthBoxes - count),
    HOTA_FP: found.map((count) => compared.predictedBoxes - count),
    ...associations(compared, matches, found),
    LocA: overlapSums.map((sum, a) => Math.max(1e-10, sum) / Math.max(1e-10, found[a]!)),
  });
}

/** Matches at each overlap: their number, the sum of their overlaps, and the number by pair of ids (truth · predicted + prediction). */
interface Matches {
  found: number[];
  overlapSums: number[];
  matches: Map<number, number>[];
}

function countMatches(compared: ComparedFrames): Matches {
  const { frames, predicted } = compared;
  const alignment = globalAlignment(compared);
  const matches = HOTA_OVERLAPS.map(() => new Map<number, number>());
  const overlapSums = HOTA_OVERLAPS.map(() => 0);
  const found = HOTA_OVERLAPS.map(() => 0);
  for (const { truth, predictions, overlaps } of frames) {
    if (!truth.length || !predictions.length) continue;
    const keyOf = (g: number, p: number) => truth[g]! * predicted + predictions[p]!;
    const costs = overlaps.map((row, g) => row.map((value, p) => -value * alignment[keyOf(g, p)]!));
    for (const [g, p] of assign(costs)) {
      const overlap = overlaps[g]![p]!;
      const key = keyOf(g, p);
      for (const [a, least] of HOTA_OVERLAPS.entries()) {
        if (overlap < least - ROUNDING) break;
        matches[a]!.set(key, (matches[a]!.get(key) ?? 0) + 1);
        overlapSums[a]! += overlap;
        found[a]!++;
      }
    }
  }
  return { found, overlapSums, matches };
}

function associations(
  compared: ComparedFrames,
  matches: readonly ReadonlyMap<number, number>[],
  found: readonly number[],
): Pick<HotaScores, "AssA" | "AssRe" | "AssPr"> {
  const { predicted } = compared;
  const { truthCounts, predictedCounts } = boxCounts(compared);
  const association = (of: (together: number, key: number) => number) =>
    matches.map((pairs, a) => {
      let sum = 0;
      for (const [key, together] of pairs) sum += together * of(together, key);
      return sum / Math.max(found[a]!, 1);
    });
  const ofTruth = (key: number) => truthCounts[Math.floor(key / predicted)]!;
  const ofPredicted = (key: number) => predictedCounts[key % predicted]!;
  return {
    AssA: association((n, key) => n / Math.max(1, ofTruth(key) + ofPredicted(key) - n)),
    AssRe: association((n, key) => n / Math.max(1, ofTruth(key))),
    AssPr: association((n, key) => n / Math.max(1, ofPredicted(key))),
  };
}

/** How well each truth and prediction agree over the whole sequence: soft counts of common boxes over those of either. */
function globalAlignment(compared: ComparedFrames): Float64Array {
  const { truths, predicted, frames } = compared;
  const soft = new Float64Array(truths * predicted);
  for (const { truth, predictions, overlaps } of frames) {
    const columns = new Float64Array(predictions.length);
    for (const row of overlaps) for (let p = 0; p < row.length; p++) columns[p]! += row[p]!;
    for (let g = 0; g < truth.length; g++) {
      const row = overlaps[g]!;
      const sum = row.reduce((total, value) => total + value, 0);
      for (let p = 0; p < row.length; p++) {
        const all = columns[p]! + sum - row[p]!;
        if (all > ROUNDING) soft[truth[g]! * predicted + predictions[p]!]! += row[p]! / all;
      }
    }
  }
  const { truthCounts, predictedCounts } = boxCounts(compared);
  return soft.map((value, key) => {
    const all = truthCounts[Math.floor(key / predicted)]! + predictedCounts[key % predicted]!;
    return value / (all - value);
  });
}

function boxCounts({ frames, truths, predicted }: ComparedFrames) {
  const truthCounts = new Float64Array(truths);
  const predictedCounts = new Float64Array(predicted);
  for (const { truth, predictions } of frames) {
    for (const id of truth) truthCounts[id]!++;
    for (const id of predictions) predictedCounts[id]!++;
  }
  return { truthCounts, predictedCounts };
}

function withHotaRatios(counts: HotaCounts): HotaScores {
  const { HOTA_TP: found, HOTA_FN, HOTA_FP, AssA, LocA } = counts;
  const over = (of: (a: number) => number) => found.map((count, a) => count / Math.max(1, of(a)));
  const DetRe = over((a) => found[a]! + HOTA_FN[a]!);
  const DetA = over((a) => found[a]! + HOTA_FN[a]! + HOTA_FP[a]!);
  const HOTA = DetA.map((value, a) => Math.sqrt(value * AssA[a]!));
  return {
    ...counts,
    DetRe,
    DetPr: over((a) => found[a]! + HOTA_FP[a]!),
    DetA,
    HOTA,
    OWTA: DetRe.map((value, a) => Math.sqrt(value * AssA[a]!)),
    "HOTA(0)": HOTA[0]!,
    "LocA(0)": LocA[0]!,
    "HOTALocA(0)": HOTA[0]! * LocA[0]!,
  };
}

/** HOTA of several sequences together: counts are summed, associations and overlaps weighted by true positives. */
export function combineHota(sequences: readonly HotaScores[]): HotaScores {
  const sum = (field: "HOTA_TP" | "HOTA_FN" | "HOTA_FP") =>
    HOTA_OVERLAPS.map((_, a) => sequences.reduce((total, scores) => total + scores[field][a]!, 0));
  const found = sum("HOTA_TP");
  const weighted = (field: "AssA" | "AssRe" | "AssPr") =>
    found.map((all, a) => weightedSum(sequences, field, a) / Math.max(1, all));
  return withHotaRatios({
    HOTA_TP: found,
    HOTA_FN: sum("HOTA_FN"),
    HOTA_FP: sum("HOTA_FP"),
    AssA: weighted("AssA"),
    AssRe: weighted("AssRe"),
    AssPr: weighted("AssPr"),
    LocA: found.map((all, a) => Math.max(1e-10, weightedSum(sequences, "LocA", a)) / Math.max(1e-10, all)),
  });
}

function weightedSum(sequences: readonly HotaScores[], field: "AssA" | "AssRe" | "AssPr" | "LocA", a: number): number {
  return sequences.reduce((total, scores) => total + scores[field][a]! * scores.HOTA_TP[a]!, 0);
}
