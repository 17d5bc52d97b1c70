/**
 * Temporal localisation of actions: mean average precision over classes. Source: activitynet/ActivityNet
 * `Evaluation/eval_detection.py`.
 */

import { areaUnderPrecision, type Interval, matchIntervals } from "./intervals.ts";

/** An action in a video. */
export interface Action {
  video: string;
  label: string;
  interval: Interval;
}

/** A predicted action. */
export interface ScoredAction extends Action {
  score: number;
}

/** Average precision of actions. */
export interface LocalisationScores {
  /** Mean over the classes of the truth, for each threshold. */
  mAP: number[];
  /** Mean over the thresholds. */
  average: number;
  perClass: Map<string, number[]>;
}

/** Thresholds 0.5, 0.55, … 0.95 of ActivityNet, as hundredths: sums of 0.05 would miss an overlap of exactly 0.9. */
export const ACTIVITYNET_OVERLAPS: readonly number[] = Array.from({ length: 10 }, (_, k) => (50 + 5 * k) / 100);
/** Thresholds 0.3, 0.4, … 0.7 of THUMOS. */
export const THUMOS_OVERLAPS: readonly number[] = Array.from({ length: 5 }, (_, k) => (3 + k) / 10);

/** Average precision of each class of the truth, and means. A class without predictions scores 0. */
export function localisationScores(
  truth: readonly Action[],
  predictions: readonly ScoredAction[],
  thresholds: readonly number[] = ACTIVITYNET_OVERLAPS,
): LocalisationScores {
  const perClass = new Map<string, number[]>();
  for (const label of new Set(truth.map((action) => action.label))) {
    const own = truth.filter((action) => action.label === label);
    const byVideo = new Map<string, Interval[]>();
    for (const { video, interval } of own) byVideo.set(video, [...(byVideo.get(video) ?? []), interval]);
    const ranked = predictions.filter((action) => action.label === label).sort((a, b) => b.score - a.score);
    perClass.set(
      label,
      thresholds.map((least) => areaUnderPrecision(matchIntervals(byVideo, ranked, least), own.length)),
    );
  }
  const mAP = thresholds.map((_, k) => mean([...perClass.values()].map((values) => values[k]!)));
  return { mAP, average: mean(mAP), perClass };
}

function mean(values: readonly number[]): number {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
}
