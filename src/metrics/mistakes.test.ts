import assert from "node:assert/strict";
import { test } from "node:test";
import type { CocoDetection, CocoGroundTruth } from "../data/readers/coco-records.ts";
import { evaluateCoco } from "./coco.ts";
import { confusionOf, objectCounts, regionsByImage, scoreCurve, worstMistakes } from "./mistakes.ts";

// Image 1: a cat found, a dog called a cat, a cat missed. Image 2: nothing, with a dog seen.
const groundTruth: CocoGroundTruth = {
  images: [{ id: 1 }, { id: 2 }],
  categories: [
    { id: 1, name: "cat" },
    { id: 2, name: "dog" },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 10, 10], area: 100 },
    { id: 2, image_id: 1, category_id: 2, bbox: [20, 0, 10, 10], area: 100 },
    { id: 3, image_id: 1, category_id: 1, bbox: [50, 50, 40, 40], area: 1600 },
  ],
};
const detections: CocoDetection[] = [
  { image_id: 1, category_id: 1, bbox: [0, 0, 10, 9], score: 0.9 },
  { image_id: 1, category_id: 1, bbox: [20, 0, 10, 10], score: 0.8 },
  { image_id: 2, category_id: 2, bbox: [5, 5, 5, 5], score: 0.95 },
  { image_id: 2, category_id: 2, bbox: [9, 5, 5, 5], score: 0.1 },
];
const evaluation = evaluateCoco(groundTruth, detections);
const regions = regionsByImage(evaluation, groundTruth, detections);

test("the largest misses and the highest-scoring false positives come first, with the nearest region", () => {
  const { misses, falseAlarms } = worstMistakes(evaluation, regions, { groundTruth, detections, most: 2 });
  assert.deepEqual(misses, [
    { imageId: 1, category: 0, xywh: [50, 50, 40, 40] },
    {
      imageId: 1,
      category: 1,
      xywh: [20, 0, 10, 10],
      nearest: { category: 0, xywh: [20, 0, 10, 10], overlap: 1, score: 0.8 },
    },
  ]);
  assert.deepEqual(
    falseAlarms.map(({ score, nearest }) => [score, nearest?.category]),
    [
      [0.95, undefined],
      [0.8, 1],
    ],
  );
});

test("the confusion table counts right names, wrong names, misses and false positives", () => {
  assert.deepEqual(confusionOf(regions, 0.5).cells, [
    [-1, 1, 1],
    [0, -1, 1],
    [0, 0, 1],
    [1, 0, 1],
  ]);
});

test("the score curve covers all classes together and gives the score of the best F1", () => {
  const { scores, precision, recall, bestScore } = scoreCurve(evaluation);
  assert.deepEqual(scores, [0.95, 0.9, 0.8, 0.1]);
  assert.deepEqual(precision, [0, 1 / 2, 1 / 3, 1 / 4]);
  assert.deepEqual(recall, [0, 1 / 3, 1 / 3, 1 / 3]);
  assert.equal(bestScore, 0.9);
  assert.deepEqual(objectCounts(evaluation), [2, 1]);
});
