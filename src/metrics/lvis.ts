/** LVIS average precision (federated annotation), equal to lvis-dataset/lvis-api, and its "fixed" form. */

import type { CocoDetection, Id, LvisGroundTruth } from "../data/readers/coco-records.ts";
import { accumulate, matchAll } from "./accumulate.ts";
import type { CocoEvaluation } from "./coco.ts";
import { ascendingIds, refuseUnknownImages } from "./ids.ts";
import { pairUp } from "./matching.ts";
import { regionProblem } from "./region-problem.ts";
import { detectionRegions, type RegionType } from "./regions.ts";
import { byDescendingScore, positions } from "./stable-order.ts";
import { type Slices, summarize } from "./summary.ts";

/** The options of LVIS's evaluation. */
export interface LvisOptions {
  /** Boxes or masks; default: boxes. */
  type?: RegionType;
  /** Maximum number of detections per image, over all categories; default 300, −1 for all. */
  maxDets?: number;
}

export interface LvisEvaluation extends CocoEvaluation {
  /** Indices in `catIds` of the rare, common and frequent categories. */
  frequencyGroups: Record<"r" | "c" | "f", number[]>;
  /** Indices of the detections within the limit per image, and of the evaluated ones. */
  afterLimit: Int32Array;
  judged: Int32Array;
}

/**
 * Evaluates detections against LVIS ground truth. A detection counts only where its image has an object of the category or lists it as
 * absent; false positives of a category that is not exhaustively annotated are ignored; records of area 0 are dropped.
 * @throws InputError for detections of unknown images, or records without the regions that the type needs.
 */
export function evaluateLvis(
  groundTruth: LvisGroundTruth,
  detections: readonly CocoDetection[],
  { type = "bbox", maxDets = 300 }: LvisOptions = {},
): LvisEvaluation {
  const kept = maxDets < 0 ? positions(detections.length) : bestPerImage(detections, maxDets);
  return evaluateKept(groundTruth, detections, { type, maxDets, kept });
}

/**
 * "Fixed AP": the best detections of each category over the whole set (default 10,000), and no limit per image
 * (Dave et al. 2021; achalddave/large-vocab-devil).
 */
export function evaluateLvisFixed(
  groundTruth: LvisGroundTruth,
  detections: readonly CocoDetection[],
  { type = "bbox", perCategory = 10000 }: { type?: RegionType; perCategory?: number } = {},
): LvisEvaluation {
  const kept = bestPerCategory(detections, perCategory);
  return evaluateKept(groundTruth, detections, { type, maxDets: -1, kept });
}

function evaluateKept(
  groundTruth: LvisGroundTruth,
  detections: readonly CocoDetection[],
  { type, maxDets, kept }: { type: RegionType; maxDets: number; kept: Int32Array },
): LvisEvaluation {
  refuseUnknownImages(detections, groundTruth.images);
  const imgIds = ascendingIds(groundTruth.images.map((image) => image.id));
  const catIds = ascendingIds(groundTruth.categories.map((category) => category.id));
  const images = new Map(groundTruth.images.map((image) => [image.id, image]));
  const categories = new Set(catIds);
  const annotations = groundTruth.annotations.filter(
    (annotation) => images.has(annotation.image_id) && categories.has(annotation.category_id) && annotation.area > 0,
  );

  const limited = [...kept].map((position) => detections[position]!);
  const regions = detectionRegions(limited, type, images);
  const judgedCategories = new Map<Id, Set<number>>();
  const unfinished = new Map<Id, Set<number>>();
  for (const image of groundTruth.images) {
    judgedCategories.set(image.id, new Set(image.neg_category_ids));
    unfinished.set(image.id, new Set(image.not_exhaustive_category_ids));
  }
  for (const { image_id, category_id } of annotations) judgedCategories.get(image_id)!.add(category_id);
  const rows = positions(limited.length).filter((row) => {
    const { image_id, category_id } = limited[row]!;
    const isJudged = judgedCategories.get(image_id)!.has(category_id) && categories.has(category_id);
    return isJudged && regions.area[row]! > 0;
  });
  const problem = regionProblem({
    type,
    images,
    imgIds,
    catIds,
    isClassAgnostic: false,
    annotations,
    crowd: new Uint8Array(annotations.length),
    ignored: Uint8Array.from(annotations, (annotation) => (annotation.ignore ? 1 : 0)),
    detections: limited,
    regions,
    rows,
    positionOf: (row) => kept[row]!,
    isForgiven: (detection) => unfinished.get(detection.image_id)!.has(detection.category_id),
    limit: Infinity,
  });
  const pairs = pairUp(problem);
  const outcomes = matchAll(problem, pairs);
  const frequency = new Map(groundTruth.categories.map((category) => [category.id, category.frequency]));
  const group = (name: "r" | "c" | "f") => [...catIds.keys()].filter((place) => frequency.get(catIds[place]!) === name);
  return {
    ...accumulate(problem, pairs, { outcomes, limits: [Infinity] }),
    outcomes,
    imgIds,
    catIds,
    maxDets: [maxDets],
    problem,
    pairs,
    frequencyGroups: { r: group("r"), c: group("c"), f: group("f") },
    afterLimit: kept,
    judged: problem.detections.position,
  };
}

/** The slices of LVIS's thirteen means, by its own names; recall is named after the limit, as in AR@300. */
export function lvisSlices({ frequencyGroups, maxDets }: LvisEvaluation): Slices {
  const { r, c, f } = frequencyGroups;
  return {
    ...precisions,
    APr: { of: "precision", categories: r },
    APc: { of: "precision", categories: c },
    APf: { of: "precision", categories: f },
    [`AR@${maxDets[0]}`]: { of: "recall" },
    [`ARs@${maxDets[0]}`]: { of: "recall", area: 1 },
    [`ARm@${maxDets[0]}`]: { of: "recall", area: 2 },
    [`ARl@${maxDets[0]}`]: { of: "recall", area: 3 },
  };
}

const precisions = {
  AP: { of: "precision" },
  AP50: { of: "precision", threshold: 0 },
  AP75: { of: "precision", threshold: 5 },
  APs: { of: "precision", area: 1 },
  APm: { of: "precision", area: 2 },
  APl: { of: "precision", area: 3 },
} satisfies Slices;

/** LVIS's thirteen metrics. */
export function summarizeLvis(evaluation: LvisEvaluation): Record<string, number> {
  return summarize(evaluation, lvisSlices(evaluation));
}

/** The metrics of one category, by its index in `catIds`. */
export function summarizeLvisCategory(evaluation: LvisEvaluation, category: number): Record<string, number> {
  const slices: Slices = { ...precisions, AR: { of: "recall" } };
  const own = Object.entries(slices).map(([name, slice]) => [name, { ...slice, categories: [category] }]);
  return summarize(evaluation, Object.fromEntries(own));
}

/** The indices of the best detections of each category over the whole set, in the given order. */
export function bestPerCategory(detections: readonly CocoDetection[], perCategory: number): Int32Array {
  return bestOfEach(detections, (detection) => detection.category_id, perCategory);
}

/** The indices of the best detections of each image over all categories, in the given order. */
export function bestPerImage(detections: readonly CocoDetection[], perImage: number): Int32Array {
  return bestOfEach(detections, (detection) => detection.image_id, perImage);
}

function bestOfEach(
  detections: readonly CocoDetection[],
  keyOf: (detection: CocoDetection) => Id,
  most: number,
): Int32Array {
  const scores = Float64Array.from(detections, (detection) => detection.score);
  const taken = new Map<Id, number>();
  const kept = byDescendingScore(positions(detections.length), scores).filter((position) => {
    const key = keyOf(detections[position]!);
    const count = taken.get(key) ?? 0;
    taken.set(key, count + 1);
    return count < most;
  });
  return kept.sort();
}
