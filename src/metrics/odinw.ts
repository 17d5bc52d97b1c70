/** Object Detection in the Wild: COCO's metrics of each set, then their mean and median over the sets. */

import type { CocoDetection, CocoGroundTruth } from "../data/readers/coco-records.ts";
import { type CocoEvaluation, type CocoOptions, type CocoSummary, evaluateCoco, summarizeCoco } from "./coco.ts";

/** One dataset with the detections of a model. */
export interface OdinwSet {
  name: string;
  groundTruth: CocoGroundTruth;
  detections: readonly CocoDetection[];
}

/** The evaluations of all sets. */
export interface OdinwEvaluation {
  sets: { name: string; evaluation: CocoEvaluation; summary: CocoSummary }[];
  mean: { AP: number; AP50: number };
  median: { AP: number; AP50: number };
}

/** Evaluates every set by COCO's rules. A set without detections counts as 0. */
export function evaluateOdinw(sets: readonly OdinwSet[], options: CocoOptions = {}): OdinwEvaluation {
  const evaluated = sets.map(({ name, groundTruth, detections }) => {
    const evaluation = evaluateCoco(groundTruth, detections, options);
    return { name, evaluation, summary: summarizeCoco(evaluation) };
  });
  return { sets: evaluated, ...summarizeOdinw(evaluated) };
}

/** Mean and median of AP and AP50 over sets. */
export function summarizeOdinw(
  sets: readonly { summary: { AP: number; AP50: number } }[],
): Pick<OdinwEvaluation, "mean" | "median"> {
  const column = (metric: "AP" | "AP50") => sets.map(({ summary }) => summary[metric]);
  return {
    mean: { AP: mean(column("AP")), AP50: mean(column("AP50")) },
    median: { AP: median(column("AP")), AP50: median(column("AP50")) },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value; of an even number of values the mean of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : mean(sorted.slice(middle - 1, middle + 1));
}
