/** Intersections and unions of masks, and what evaluators of referring segmentation make of them. */

import { maskArea, overlapAreas, type RunLengths } from "../boxes/masks/run-lengths.ts";

/** Two masks that are compared, in pixels. */
export interface MaskPair {
  readonly intersection: number;
  readonly union: number;
}

/** Compares two masks of one size. */
export function compareMasks(target: RunLengths, prediction: RunLengths): MaskPair {
  const intersection = overlapAreas(target, prediction);
  return { intersection, union: maskArea(target) + maskArea(prediction) - intersection };
}

/** Intersection over union; 0 where the masks do not meet, also for two empty ones. */
export function maskIou({ intersection, union }: MaskPair): number {
  return intersection === 0 ? 0 : intersection / union;
}

/** Mean and overall intersection over union, and the share of pairs at or above each threshold. */
export interface ReferringSegmentation {
  readonly mIoU: number;
  readonly overallIoU: number;
  readonly precision: Readonly<Record<string, number>>;
}

/** Overlaps at which hits are counted. */
export const MASK_THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9] as const;

/** RefCOCO's mask scores as yz93/LAVT-RIS `test.py` computes them. */
export function scoreReferringMasks(pairs: readonly MaskPair[]): ReferringSegmentation {
  const overlaps = pairs.map(maskIou);
  return {
    mIoU: mean(overlaps),
    overallIoU: sumOf(pairs, "intersection") / sumOf(pairs, "union"),
    precision: Object.fromEntries(
      MASK_THRESHOLDS.map((least) => [least, mean(overlaps.map((overlap) => Number(overlap >= least)))]),
    ),
  };
}

/** The pixels of all pairs. */
export function sumOf(pairs: readonly MaskPair[], part: keyof MaskPair): number {
  return pairs.reduce((sum, pair) => sum + pair[part], 0);
}

/** The mean of numbers; not-a-number for none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
