/** Open-vocabulary COCO as microsoft/RegionCLIP evaluates it: 48 base and 17 novel classes, and recognition of given boxes. */

import type { CocoDetection, CocoGroundTruth, Id } from "../data/readers/coco-records.ts";
import { xyxyOverlap } from "./box-overlap.ts";
import type { CocoEvaluation } from "./coco.ts";
import { refuseUnknownImages } from "./ids.ts";
import { type Slice, summarize } from "./summary.ts";

/** The classes with boxes in training (Bansal et al. 2018). */
export const baseClasses: readonly string[] = (
  "person bicycle car motorcycle train truck boat bench bird horse sheep bear zebra giraffe backpack handbag suitcase frisbee skis " +
  "kite surfboard bottle fork spoon bowl banana apple sandwich orange broccoli carrot pizza donut chair bed toilet tv laptop mouse " +
  "remote microwave oven toaster refrigerator book clock vase toothbrush"
).split(" ");

/** The classes without training data, only named. */
export const novelClasses: readonly string[] =
  "airplane bus cat dog cow elephant umbrella tie snowboard skateboard cup knife cake couch keyboard sink scissors".split(
    " ",
  );

export interface OpenVocabularySummary {
  AP50_novel: number;
  AP50_base: number;
  AP50_all: number;
}

/** The slices of AP50 of novel, base and all classes in the generalised setting: one evaluation over all classes, averaged by group. */
export function openVocabularySlices(
  { catIds, limits }: CocoEvaluation,
  categories: CocoGroundTruth["categories"],
): Record<keyof OpenVocabularySummary, Slice> {
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const of = (classes: readonly string[]) => ({
    categories: [...catIds.keys()].filter((place) => classes.includes(names.get(catIds[place]!)!)),
  });
  const half: Slice = { of: "precision", threshold: 0, limit: limits - 1 };
  return { AP50_novel: { ...half, ...of(novelClasses) }, AP50_base: { ...half, ...of(baseClasses) }, AP50_all: half };
}

/** AP50 of novel, base and all classes. */
export function summarizeOpenVocabulary(
  evaluation: CocoEvaluation,
  categories: CocoGroundTruth["categories"],
): OpenVocabularySummary {
  return summarize(evaluation, openVocabularySlices(evaluation, categories));
}

/** Keeps only the classes of a group: other annotations, images without any, and their detections are removed. */
export function onlyClasses(
  groundTruth: CocoGroundTruth,
  detections: readonly CocoDetection[],
  classes: readonly string[],
): { groundTruth: CocoGroundTruth; detections: CocoDetection[] } {
  const categories = groundTruth.categories.filter(({ name }) => classes.includes(name));
  const ids = new Set(categories.map((category) => category.id));
  const annotations = groundTruth.annotations.filter((annotation) => ids.has(annotation.category_id));
  const occupied = new Set(annotations.map((annotation) => annotation.image_id));
  return {
    groundTruth: { categories, annotations, images: groundTruth.images.filter((image) => occupied.has(image.id)) },
    detections: detections.filter(({ image_id, category_id }) => occupied.has(image_id) && ids.has(category_id)),
  };
}

/**
 * Removes classes that belong to neither group, such as the other 15 of COCO's 80, from a set and its detections. A set without such
 * classes, or without any class of the groups, stays unchanged.
 */
export function openVocabularyOf(
  groundTruth: CocoGroundTruth,
  detections: readonly CocoDetection[],
): { groundTruth: CocoGroundTruth; detections: readonly CocoDetection[] } {
  const classes = new Set([...baseClasses, ...novelClasses]);
  const among = groundTruth.categories.filter(({ name }) => classes.has(name)).length;
  if (among === 0 || among === groundTruth.categories.length) return { groundTruth, detections };
  refuseUnknownImages(detections, groundTruth.images);
  return onlyClasses(groundTruth, detections, [...classes]);
}

/** Given boxes of one image (xyxy) and the scores of every class for each: classes in ascending id, then background. */
export interface ScoredRegions {
  image_id: Id;
  boxes: number[][];
  scores: number[][];
}

export interface RecognizedBox {
  /** Index of the given box. */
  box: number;
  category_id: number;
  score: number;
}

export interface RecognitionOptions {
  /** Minimum score of a box–class pair, exclusive. */
  scoreThreshold?: number;
  /** "hard": drop overlaps above `overlap`; "gaussian": lower the scores of overlapping boxes by exp(−overlap² / sigma). */
  suppression?: "hard" | "gaussian";
  overlap?: number;
  sigma?: number;
  /** Maximum number of pairs per image. */
  most?: number;
}

/**
 * Detections from given boxes: each box may have many classes, suppression is per class, the best of the image are kept
 * (RegionCLIP's ground-truth-box protocol). Best first.
 */
export function recognizeBoxes(
  { boxes, scores }: ScoredRegions,
  categories: readonly number[],
  options: RecognitionOptions = {},
): RecognizedBox[] {
  const { scoreThreshold = 0.001, suppression = "hard", overlap = 0.5, sigma = 0.5, most = 100 } = options;
  const kept: RecognizedBox[] = [];
  for (const [place, category_id] of categories.entries()) {
    let candidates = boxes
      .map((_, box) => ({ box, category_id, score: scores[box]![place]! }))
      .filter(({ score }) => score > scoreThreshold);
    while (candidates.length) {
      const best = candidates.reduce((a, b) => (b.score > a.score ? b : a));
      kept.push(best);
      const rest = candidates.filter((candidate) => candidate !== best);
      const meets = (candidate: RecognizedBox) => xyxyOverlap(boxes[best.box]!, boxes[candidate.box]!);
      candidates =
        suppression === "hard"
          ? rest.filter((candidate) => !(meets(candidate) > overlap))
          : rest
              .map((candidate) => ({
                ...candidate,
                score: candidate.score * Math.exp(-(meets(candidate) ** 2) / sigma),
              }))
              .filter(({ score }) => score > scoreThreshold);
    }
  }
  return kept.sort((a, b) => b.score - a.score).slice(0, most);
}

/** Classifies the given boxes of every image. Scores are in ascending order of the ground truth's categories. */
export function detectionsOfRegions(
  groundTruth: CocoGroundTruth,
  regions: readonly ScoredRegions[],
  options: RecognitionOptions = {},
): CocoDetection[] {
  const categories = groundTruth.categories.map(({ id }) => id).sort((a, b) => a - b);
  return regions.flatMap((image) =>
    recognizeBoxes(image, categories, options).map(({ box, category_id, score }): CocoDetection => {
      const [x1, y1, x2, y2] = image.boxes[box] as [number, number, number, number];
      return { image_id: image.image_id, category_id, score, bbox: [x1, y1, x2 - x1, y2 - y1] };
    }),
  );
}
