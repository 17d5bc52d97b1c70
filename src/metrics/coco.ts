/** COCO average precision and recall, equal to cocodataset/cocoapi to the last digit. */

import type { CocoDetection, CocoGroundTruth, Id } from "../data/readers/coco-records.ts";
import { InputError } from "../errors.ts";
import { accumulate, matchAll, type Outcomes, type PrecisionRecall } from "./accumulate.ts";
import { ascendingIds, indexOfIds, refuseUnknownImages } from "./ids.ts";
import { type MatchingProblem, type Pairs, pairUp } from "./matching.ts";
import { regionProblem } from "./region-problem.ts";
import { detectionRegions, type RegionType } from "./regions.ts";
import { positions } from "./stable-order.ts";
import { type Slice, summarize } from "./summary.ts";

/** The options of COCO's evaluation. */
export interface CocoOptions {
  /** Boxes or masks; default: boxes. */
  type?: RegionType;
  /** Three limits of detections per image and category: default 1, 10, 100. */
  maxDets?: readonly [number, number, number];
  /** "per-category", or "class-agnostic": all categories as one, the limit then being per image. */
  classes?: "per-category" | "class-agnostic";
  /** Only these images. */
  imgIds?: readonly Id[];
  /** Only these categories. */
  catIds?: readonly number[];
}

/** Names of COCO's twelve metrics. */
export type CocoMetric =
  | ("AP" | "AP50" | "AP75" | "APs" | "APm" | "APl")
  | ("AR1" | "AR10" | "AR100" | "ARs" | "ARm" | "ARl");

/** COCO's twelve metrics; −1 if there is nothing to average. */
export type CocoSummary = Record<CocoMetric, number>;

/** An evaluation: the curves, and the matching problem behind them. */
export interface CocoEvaluation extends PrecisionRecall {
  /** Images and categories in the order used, ascending. */
  imgIds: Id[];
  catIds: number[];
  maxDets: number[];
  problem: MatchingProblem;
  pairs: Pairs;
  outcomes: Outcomes;
}

/**
 * Evaluates detections against COCO ground truth. Detections of unknown categories are dropped; ties are ordered by image id, then by the
 * given order.
 * @throws InputError for detections of unknown images, or records without the regions that the type needs.
 */
export function evaluateCoco(
  groundTruth: CocoGroundTruth,
  detections: readonly CocoDetection[],
  options: CocoOptions = {},
): CocoEvaluation {
  const { type = "bbox", classes = "per-category" } = options;
  const maxDets = [...(options.maxDets ?? [1, 10, 100])].sort((a, b) => a - b);
  if (maxDets.length !== 3) throw new InputError(`maxDets needs three limits, not ${maxDets.length}`);
  refuseUnknownImages(detections, groundTruth.images);
  const imgIds = ascendingIds(options.imgIds ?? groundTruth.images.map((image) => image.id));
  const catIds = ascendingIds(options.catIds ?? groundTruth.categories.map((category) => category.id));
  const imageIndex = indexOfIds(imgIds);
  const categoryIndex = indexOfIds(catIds);
  const images = new Map(groundTruth.images.map((image) => [image.id, image]));

  const isJudged = (record: { image_id: Id; category_id: number }) =>
    imageIndex.has(record.image_id) && categoryIndex.has(record.category_id);
  const annotations = groundTruth.annotations.filter(isJudged);
  let rows = positions(detections.length).filter((row) => isJudged(detections[row]!));
  const isClassAgnostic = classes === "class-agnostic";
  if (isClassAgnostic) {
    // The original concatenates the categories in ascending order before ranking.
    const categoryOf = (record: { category_id: number }) => categoryIndex.get(record.category_id)!;
    annotations.sort((a, b) => categoryOf(a) - categoryOf(b));
    rows = rows.sort((a, b) => categoryOf(detections[a]!) - categoryOf(detections[b]!) || a - b);
  }
  const crowd = Uint8Array.from(annotations, (annotation) => (annotation.iscrowd ? 1 : 0));
  const problem = regionProblem({
    type,
    images,
    imgIds,
    catIds,
    isClassAgnostic,
    annotations,
    crowd,
    ignored: crowd,
    detections,
    regions: detectionRegions(detections, type, images),
    rows,
    positionOf: (row) => row,
    isForgiven: () => false,
    limit: maxDets[2]!,
  });
  const pairs = pairUp(problem);
  const outcomes = matchAll(problem, pairs);
  return {
    ...accumulate(problem, pairs, { outcomes, limits: maxDets }),
    outcomes,
    imgIds,
    catIds,
    maxDets,
    problem,
    pairs,
  };
}

/** The slices of the twelve means, over all categories or over those at the given indices of `catIds`. */
export function cocoSlices(maxDets: readonly number[], categories?: readonly number[]): Record<CocoMetric, Slice> {
  const among = categories ? { categories } : {};
  const precision = (choice: object): Slice => ({ of: "precision", ...among, limit: 2, ...choice });
  const recall = (choice: object): Slice => ({ of: "recall", ...among, limit: 2, ...choice });
  const hundred = maxDets.indexOf(100);
  return {
    // The original always uses the limit 100 here, and has no result without it.
    AP: precision(hundred < 0 ? { categories: [] } : { limit: hundred }),
    AP50: precision({ threshold: 0 }),
    AP75: precision({ threshold: 5 }),
    APs: precision({ area: 1 }),
    APm: precision({ area: 2 }),
    APl: precision({ area: 3 }),
    AR1: recall({ limit: 0 }),
    AR10: recall({ limit: 1 }),
    AR100: recall({}),
    ARs: recall({ area: 1 }),
    ARm: recall({ area: 2 }),
    ARl: recall({ area: 3 }),
  };
}

/** The twelve metrics over all categories, or over those at the given indices of `catIds`. */
export function summarizeCoco(evaluation: CocoEvaluation, categories?: readonly number[]): CocoSummary {
  return summarize(evaluation, cocoSlices(evaluation.maxDets, categories));
}
