import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../data/random.ts";
import type { CocoDetection, CocoGroundTruth, LvisGroundTruth } from "../data/readers/coco-records.ts";
import { cocoSlices, evaluateCoco, summarizeCoco } from "./coco.ts";
import { evaluateLvis, lvisSlices, summarizeLvis } from "./lvis.ts";
import { weightedMetrics } from "./weighted-metrics.ts";

const imageCount = 12;

/** Boxes of three classes and all sizes with some crowds, and near and far detections with tied scores. */
function drawnSet(): { groundTruth: CocoGroundTruth; detections: CocoDetection[] } {
  const random = new Random(11);
  const images = Array.from({ length: imageCount }, (_, id) => ({ id, width: 300, height: 300 }));
  const drawn = () => [...[0, 0].map(() => 150 * random.unit()), ...[0, 0].map(() => 10 + 140 * random.unit() ** 2)];
  const annotations = Array.from({ length: 70 }, (_, i) => {
    const bbox = drawn();
    const iscrowd = random.chance(0.1) ? 1 : 0;
    return { id: i + 1, image_id: i % imageCount, category_id: i % 3, bbox, area: bbox[2]! * bbox[3]!, iscrowd };
  });
  // Scores are tied between images, not within one.
  const near = annotations.map(({ image_id, category_id, bbox }, i) => ({
    image_id,
    category_id,
    bbox: bbox.map((side) => side + 8 * random.unit()),
    score: Math.round(20 * random.unit()) / 20 + 1e-6 * Math.floor(i / imageCount),
  }));
  const far = near.map((detection) => ({
    ...detection,
    bbox: drawn(),
    score: detection.score + (random.chance(0.3) ? 1e-5 : -1e-5),
  }));
  const categories = [0, 1, 2].map((id) => ({ id, name: `class ${id}` }));
  return { groundTruth: { images, annotations, categories }, detections: [...near, ...far] };
}

/** The set with each image repeated by its weight. */
function copied<Truth extends CocoGroundTruth>(groundTruth: Truth, detections: CocoDetection[], weights: Float64Array) {
  const of = <T extends { image_id: number | string }>(records: T[]) =>
    records.flatMap((record) =>
      Array.from({ length: weights[Number(record.image_id)]! }, (_, copy) => ({
        ...record,
        image_id: 100 * Number(record.image_id) + copy,
      })),
    );
  const annotations = of(groundTruth.annotations).map((annotation, place) => ({ ...annotation, id: place + 1 }));
  const images = groundTruth.images.flatMap((image) =>
    Array.from({ length: weights[Number(image.id)]! }, (_, copy) => ({ ...image, id: 100 * Number(image.id) + copy })),
  );
  return { groundTruth: { ...groundTruth, images, annotations } as Truth, detections: of(detections) };
}

const weights = Float64Array.from({ length: imageCount }, (_, image) => [1, 2, 0, 3][image % 4]!);

function assertEqual(actual: Record<string, number>, expected: Record<string, number>): void {
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(value > 0 && Math.abs(actual[name]! - value) < 1e-12, `${name}: ${actual[name]}, expected ${value}`);
  }
}

test("weights give COCO's twelve metrics of a set with copies of the images", () => {
  const { groundTruth, detections } = drawnSet();
  const evaluation = evaluateCoco(groundTruth, detections);
  const score = weightedMetrics(evaluation, cocoSlices(evaluation.maxDets));
  assertEqual(score(new Float64Array(imageCount).fill(1)), summarizeCoco(evaluation));
  const many = copied(groundTruth, detections, weights);
  assertEqual(score(weights), summarizeCoco(evaluateCoco(many.groundTruth, many.detections)));
});

test("weights give LVIS's metrics of a set with copies, including unfinished classes and groups", () => {
  const { groundTruth, detections } = drawnSet();
  const lvis: LvisGroundTruth = {
    images: groundTruth.images.map((image, i) => ({
      ...image,
      neg_category_ids: [i % 3],
      not_exhaustive_category_ids: i % 4 ? [] : [(i + 1) % 3],
    })),
    annotations: groundTruth.annotations,
    categories: groundTruth.categories.map((category, i) => ({
      ...category,
      frequency: (["r", "c", "f"] as const)[i]!,
    })),
  };
  const evaluation = evaluateLvis(lvis, detections);
  const many = copied(lvis, detections, weights);
  const expected = summarizeLvis(evaluateLvis(many.groundTruth, many.detections));
  assertEqual(weightedMetrics(evaluation, lvisSlices(evaluation))(weights), expected);
});
