/**
 * Scores of tracking: HOTA, CLEAR, Identity and counts, over sequences of boxes with ids.
 * Source: JonathonLuiten/TrackEval, `trackeval/metrics/{hota,clear,identity,count}.py`.
 */

import { assign } from "../tracking/assignment.ts";
import { overlapTable, plainOverlap, type Xyxy } from "../tracking/overlap.ts";

/** A box with the id of its thing. */
export interface BoxWithId {
  id: number;
  box: Xyxy;
}

/** Boxes of a sequence, frame by frame; an id stands at most once in a frame. Both lists have the same length. */
export interface TrackingSequence {
  truth: readonly (readonly BoxWithId[])[];
  predictions: readonly (readonly BoxWithId[])[];
}

/** Rounding allowed at thresholds: the step of float64 at 1. */
export const ROUNDING = Number.EPSILON;

/** A sequence prepared for the scores: ids counted from 0, and overlaps. */
export interface ComparedFrames {
  frames: {
    truth: Int32Array;
    predictions: Int32Array;
    /** Overlap of each box of the truth with each prediction. */
    overlaps: Float64Array[];
  }[];
  truths: number;
  predicted: number;
  truthBoxes: number;
  predictedBoxes: number;
}

/** Overlaps of a sequence, computed once for all scores. Throws RangeError where an id stands twice in a frame. */
export function compareFrames({ truth, predictions }: TrackingSequence): ComparedFrames {
  if (truth.length !== predictions.length)
    throw new RangeError(`${truth.length} frames of truth, but ${predictions.length} of predictions`);
  const truthIds = counter("truth");
  const predictedIds = counter("predictions");
  const frames = truth.map((boxes, frame) => ({
    truth: truthIds.number(boxes, frame),
    predictions: predictedIds.number(predictions[frame]!, frame),
    overlaps: overlapTable(
      boxes.map(({ box }) => box),
      predictions[frame]!.map(({ box }) => box),
      plainOverlap,
    ),
  }));
  return {
    frames,
    truths: truthIds.ids.size,
    predicted: predictedIds.ids.size,
    truthBoxes: truth.reduce((sum, boxes) => sum + boxes.length, 0),
    predictedBoxes: predictions.reduce((sum, boxes) => sum + boxes.length, 0),
  };
}

function counter(what: string) {
  const ids = new Map<number, number>();
  const number = (boxes: readonly BoxWithId[], frame: number) => {
    const seen = new Set<number>();
    return Int32Array.from(boxes, ({ id }) => {
      if (seen.has(id)) throw new RangeError(`id ${id} stands twice in frame ${frame} of the ${what}`);
      seen.add(id);
      const known = ids.get(id) ?? ids.size;
      ids.set(id, known);
      return known;
    });
  };
  return { ids, number };
}

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
  const { predicted } = compared;
  const alignment = globalAlignment(compared);
  const { truthCounts, predictedCounts } = boxCounts(compared);
  const matches = HOTA_OVERLAPS.map(() => new Map<number, number>());
  const overlapSums = each(0);
  const found = each(0);
  for (const { truth, predictions, overlaps } of compared.frames) {
    if (!truth.length || !predictions.length) continue;
    const costs = overlaps.map((row, g) =>
      row.map((value, p) => -value * alignment[truth[g]! * predicted + predictions[p]!]!),
    );
    for (const [g, p] of assign(costs)) {
      const overlap = overlaps[g]![p]!;
      const key = truth[g]! * predicted + predictions[p]!;
      for (const [a, least] of HOTA_OVERLAPS.entries()) {
        if (overlap < least - ROUNDING) break;
        matches[a]!.set(key, (matches[a]!.get(key) ?? 0) + 1);
        overlapSums[a]! += overlap;
        found[a]!++;
      }
    }
  }
  const association = (of: (together: number, key: number) => number) =>
    matches.map((pairs, a) => {
      let sum = 0;
      for (const [key, together] of pairs) sum += together * of(together, key);
      return sum / Math.max(found[a]!, 1);
    });
  const ofTruth = (key: number) => truthCounts[Math.floor(key / predicted)]!;
  const ofPredicted = (key: number) => predictedCounts[key % predicted]!;
  return withHotaRatios({
    HOTA_TP: found,
    HOTA_FN: found.map((count) => compared.truthBoxes - count),
    HOTA_FP: found.map((count) => compared.predictedBoxes - count),
    AssA: association((n, key) => n / Math.max(1, ofTruth(key) + ofPredicted(key) - n)),
    AssRe: association((n, key) => n / Math.max(1, ofTruth(key))),
    AssPr: association((n, key) => n / Math.max(1, ofPredicted(key))),
    LocA: overlapSums.map((sum, a) => Math.max(1e-10, sum) / Math.max(1e-10, found[a]!)),
  });
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

/** The counts of CLEAR, from which its ratios follow. */
export interface ClearCounts {
  CLR_TP: number;
  CLR_FN: number;
  CLR_FP: number;
  IDSW: number;
  /** Objects matched in more than 80 % of their frames, from 20 % on, in fewer. */
  MT: number;
  PT: number;
  ML: number;
  Frag: number;
  CLR_Frames: number;
  MOTP_sum: number;
}

/** CLEAR: counts and ratios under the names of TrackEval. */
export interface ClearScores extends ClearCounts {
  MOTA: number;
  MOTP: number;
  MODA: number;
  CLR_Re: number;
  CLR_Pr: number;
  MTR: number;
  PTR: number;
  MLR: number;
  sMOTA: number;
  CLR_F1: number;
  FP_per_frame: number;
  MOTAL: number;
}

/** Least overlap of a match in CLEAR and Identity. */
const MATCH = 0.5;

/** CLEAR of a sequence. */
export function clear(compared: ComparedFrames): ClearScores {
  const { frames, truths, truthBoxes, predictedBoxes } = compared;
  const none = { CLR_TP: 0, IDSW: 0, MT: 0, PT: 0, Frag: 0, MOTP_sum: 0 };
  if (!predictedBoxes) return emptyClear({ ...none, CLR_FN: truthBoxes, CLR_FP: 0, ML: truths, CLR_Frames: 0 });
  if (!truthBoxes) return emptyClear({ ...none, CLR_FN: 0, CLR_FP: predictedBoxes, ML: 0, CLR_Frames: 0 });
  const counts: ClearCounts = { ...none, CLR_FN: 0, CLR_FP: 0, ML: 0, CLR_Frames: frames.length };
  const life = new Int32Array(truths);
  const matched = new Int32Array(truths);
  const runs = new Int32Array(truths);
  /** The prediction last matched with each truth, ever and in the frame before (−1: none). */
  const lastEver = new Int32Array(truths).fill(-1);
  let lastFrame = new Int32Array(truths).fill(-1);
  for (const { truth, predictions, overlaps } of frames) {
    for (const id of truth) life[id]!++;
    // As published, a frame without truth or predictions leaves the memory of the frame before as it is.
    if (!truth.length || !predictions.length) {
      counts.CLR_FN += truth.length;
      counts.CLR_FP += predictions.length;
      continue;
    }
    const scores = overlaps.map((row, g) =>
      row.map((value, p) =>
        value < MATCH - ROUNDING ? 0 : value + (lastFrame[truth[g]!] === predictions[p] ? 1000 : 0),
      ),
    );
    const now = new Int32Array(truths).fill(-1);
    let found = 0;
    for (const [g, p] of assign(scores.map((row) => row.map((score) => -score)))) {
      if (!(scores[g]![p]! > ROUNDING)) continue;
      const [id, other] = [truth[g]!, predictions[p]!];
      if (lastEver[id]! >= 0 && lastEver[id] !== other) counts.IDSW++;
      if (lastFrame[id] === -1) runs[id]!++;
      lastEver[id] = now[id] = other;
      matched[id]!++;
      found++;
      counts.MOTP_sum += overlaps[g]![p]!;
    }
    counts.CLR_TP += found;
    counts.CLR_FN += truth.length - found;
    counts.CLR_FP += predictions.length - found;
    lastFrame = now;
  }
  for (let id = 0; id < truths; id++) {
    const share = matched[id]! / life[id]!;
    if (share > 0.8) counts.MT++;
    else if (share >= 0.2) counts.PT++;
    if (runs[id]! > 0) counts.Frag += runs[id]! - 1;
  }
  counts.ML = truths - counts.MT - counts.PT;
  return withClearRatios(counts);
}

/** As published: where nothing can be compared, all ratios but `MLR` are 0. */
function emptyClear(counts: ClearCounts): ClearScores {
  const ratios = { MOTA: 0, MOTP: 0, MODA: 0, CLR_Re: 0, CLR_Pr: 0, MTR: 0, PTR: 0, MLR: 1 };
  return { ...counts, ...ratios, sMOTA: 0, CLR_F1: 0, FP_per_frame: 0, MOTAL: 0 };
}

function withClearRatios(counts: ClearCounts): ClearScores {
  const { CLR_TP, CLR_FN, CLR_FP, IDSW, MT, PT, ML, CLR_Frames, MOTP_sum } = counts;
  const objects = Math.max(1, MT + PT + ML);
  const boxes = Math.max(1, CLR_TP + CLR_FN);
  const switches = IDSW > 0 ? Math.log10(IDSW) : 0;
  return {
    ...counts,
    MTR: MT / objects,
    PTR: PT / objects,
    MLR: ML / objects,
    CLR_Re: CLR_TP / boxes,
    CLR_Pr: CLR_TP / Math.max(1, CLR_TP + CLR_FP),
    MODA: (CLR_TP - CLR_FP) / boxes,
    MOTA: (CLR_TP - CLR_FP - IDSW) / boxes,
    MOTP: MOTP_sum / Math.max(1, CLR_TP),
    sMOTA: (MOTP_sum - CLR_FP - IDSW) / boxes,
    CLR_F1: CLR_TP / Math.max(1, CLR_TP + 0.5 * CLR_FN + 0.5 * CLR_FP),
    FP_per_frame: CLR_FP / Math.max(1, CLR_Frames),
    MOTAL: (CLR_TP - CLR_FP - switches) / boxes,
  };
}

/** CLEAR of several sequences together: counts are summed. */
export function combineClear(sequences: readonly ClearScores[]): ClearScores {
  const sum = (field: keyof ClearCounts) => sequences.reduce((total, scores) => total + scores[field], 0);
  return withClearRatios({
    CLR_TP: sum("CLR_TP"),
    CLR_FN: sum("CLR_FN"),
    CLR_FP: sum("CLR_FP"),
    IDSW: sum("IDSW"),
    MT: sum("MT"),
    PT: sum("PT"),
    ML: sum("ML"),
    Frag: sum("Frag"),
    CLR_Frames: sum("CLR_Frames"),
    MOTP_sum: sum("MOTP_sum"),
  });
}

/** Identity: counts and ratios. */
export interface IdentityScores {
  IDTP: number;
  IDFN: number;
  IDFP: number;
  IDR: number;
  IDP: number;
  IDF1: number;
}

/** Identity of a sequence: each truth belongs to at most one prediction for the whole sequence. */
export function identity(compared: ComparedFrames): IdentityScores {
  const { frames, truths, predicted, truthBoxes, predictedBoxes } = compared;
  const together = Array.from({ length: truths }, () => new Float64Array(predicted));
  for (const { truth, predictions, overlaps } of frames)
    for (const [g, row] of overlaps.entries())
      for (let p = 0; p < row.length; p++) if (row[p]! >= MATCH - ROUNDING) together[truth[g]!]![predictions[p]!]!++;
  // A pair saves as many false negatives and false positives as it has common boxes, so the most common boxes win.
  const IDTP = assign(together.map((row) => row.map((count) => -count))).reduce(
    (sum, [g, p]) => sum + together[g]![p]!,
    0,
  );
  return withIdentityRatios({ IDTP, IDFN: truthBoxes - IDTP, IDFP: predictedBoxes - IDTP });
}

function withIdentityRatios({ IDTP, IDFN, IDFP }: Pick<IdentityScores, "IDTP" | "IDFN" | "IDFP">): IdentityScores {
  return {
    IDTP,
    IDFN,
    IDFP,
    IDR: IDTP / Math.max(1, IDTP + IDFN),
    IDP: IDTP / Math.max(1, IDTP + IDFP),
    IDF1: IDTP / Math.max(1, IDTP + 0.5 * IDFP + 0.5 * IDFN),
  };
}

/** Identity of several sequences together: counts are summed. */
export function combineIdentity(sequences: readonly IdentityScores[]): IdentityScores {
  const sum = (field: "IDTP" | "IDFN" | "IDFP") => sequences.reduce((total, scores) => total + scores[field], 0);
  return withIdentityRatios({ IDTP: sum("IDTP"), IDFN: sum("IDFN"), IDFP: sum("IDFP") });
}
