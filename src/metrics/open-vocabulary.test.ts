import assert from "node:assert/strict";
import { test } from "node:test";
import type { CocoGroundTruth } from "../data/readers/coco-records.ts";
import { evaluateCoco } from "./coco.ts";
import { summarizeOdinw } from "./odinw.ts";
import {
  baseClasses,
  detectionsOfRegions,
  novelClasses,
  onlyClasses,
  recognizeBoxes,
  summarizeOpenVocabulary,
} from "./open-vocabulary.ts";

const regions = {
  image_id: 1,
  // The second overlaps the first by more than half; the third overlaps neither.
  boxes: [
    [0, 0, 10, 10],
    [0, 0, 10, 8],
    [20, 0, 30, 10],
  ],
  // person, cat, background
  scores: [
    [0.9, 0.4, 0.5],
    [0.8, 0.0005, 0.5],
    [0.1, 0.7, 0.5],
  ],
};

test("a given box may have many names, and suppression is per class", () => {
  const rows = recognizeBoxes(regions, [1, 17]).map(({ box, category_id, score }) => [box, category_id, score]);
  assert.deepEqual(rows, [
    [0, 1, 0.9],
    [2, 17, 0.7],
    [0, 17, 0.4],
    [2, 1, 0.1],
  ]);
});

test("gaussian suppression lowers the score of a box by its overlap with a better one", () => {
  const rows = recognizeBoxes(regions, [1, 17], { suppression: "gaussian" });
  const lowered = rows.find(({ box }) => box === 1)!;
  assert.ok(Math.abs(lowered.score - 0.8 * Math.exp(-(0.8 ** 2) / 0.5)) < 1e-12);
});

test("base and novel classes are averaged apart, and one group can be evaluated alone", () => {
  assert.deepEqual([baseClasses.length, novelClasses.length], [48, 17]);
  const groundTruth: CocoGroundTruth = {
    images: [{ id: 1 }, { id: 2 }],
    categories: [
      { id: 1, name: "person" },
      { id: 17, name: "cat" },
    ],
    annotations: [
      { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 10, 10], area: 100 },
      { id: 2, image_id: 2, category_id: 17, bbox: [0, 0, 10, 10], area: 100 },
    ],
  };
  const detections = detectionsOfRegions(groundTruth, [regions]);
  const summary = summarizeOpenVocabulary(evaluateCoco(groundTruth, detections), groundTruth.categories);
  assert.ok(Math.abs(summary.AP50_base - 1) < 1e-12);
  assert.deepEqual([summary.AP50_novel, summary.AP50_all * 2], [0, summary.AP50_base]);
  const only = onlyClasses(groundTruth, detections, baseClasses);
  assert.deepEqual([only.groundTruth.images, only.detections.length], [[{ id: 1 }], 2]);
});

test("ODinW averages sets and takes the middle one, or the mean of the two in the middle", () => {
  const set = (AP: number) => ({ summary: { AP, AP50: 2 * AP } });
  assert.deepEqual(summarizeOdinw([set(0.5), set(0.125), set(0.25), set(0.125)]), {
    mean: { AP: 0.25, AP50: 0.5 },
    median: { AP: 0.1875, AP50: 0.375 },
  });
});
