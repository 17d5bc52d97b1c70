import assert from "node:assert/strict";
import { test } from "node:test";
import type { CocoDetection, LvisGroundTruth } from "../../src/data/readers/coco-records.ts";
import {
  bestPerCategory,
  evaluateLvis,
  evaluateLvisFixed,
  type LvisEvaluation,
  summarizeLvis,
  summarizeLvisCategory,
} from "../../src/metrics/lvis.ts";
import { assertClose, assertEvaluation, type GoldenEvaluation, goldenCopies } from "./golden.ts";

interface GoldenLvis extends GoldenEvaluation {
  params: { frequencyGroups: Record<"r" | "c" | "f", number[]> };
  counts: { detectionsAfterLimit: number; detectionsThatCount: number };
  limit?: { image_id: number; detections: number; kept: number; lowestScoreKept: number; dropped: number[] }[];
  withoutLimit?: Record<string, number>;
  limit100?: Record<string, number>;
}

function assertLvis(evaluation: LvisEvaluation, expected: GoldenLvis, what: string): void {
  assertClose(summarizeLvis(evaluation), expected.summary, what);
  assertEvaluation(evaluation, expected, what);
  (expected.perCategory ?? []).forEach(({ id, name, frequency, ...numbers }, category) => {
    assert.equal(evaluation.catIds[category], id);
    assert.ok(evaluation.frequencyGroups[frequency as "r" | "c" | "f"].includes(category));
    assertClose(summarizeLvisCategory(evaluation, category), numbers as Record<string, number>, `${what} ${name}`);
  });
  for (const group of ["r", "c", "f"] as const) {
    const ids = evaluation.frequencyGroups[group].map((place) => evaluation.catIds[place]);
    assert.deepEqual(ids, expected.params.frequencyGroups[group]);
  }
  assert.equal(evaluation.afterLimit.length, expected.counts.detectionsAfterLimit);
  assert.equal(evaluation.judged.length, expected.counts.detectionsThatCount);
}

for (const { folder, read } of goldenCopies("lvis-1")) {
  test(`LVIS scores as the original scores it: ${folder.includes("fixtures") ? "committed" : "all"}`, () => {
    const groundTruth = read<LvisGroundTruth>("annotations.json");
    const expected = read<Record<"bbox" | "segm", GoldenLvis>>("expected.json");
    for (const type of ["bbox", "segm"] as const) {
      const detections = read<CocoDetection[]>(type === "bbox" ? "detections.json" : "detections-segm.json");
      const evaluation = evaluateLvis(groundTruth, detections, { type });
      assertLvis(evaluation, expected[type], type);
      const { limit, withoutLimit, limit100 } = expected[type];
      for (const { image_id, dropped } of limit ?? []) {
        const kept = new Set(evaluation.afterLimit);
        const actual = [...detections.keys()].filter(
          (position) => detections[position]!.image_id === image_id && !kept.has(position),
        );
        assert.deepEqual(
          actual,
          [...dropped].sort((a, b) => a - b),
        );
      }
      for (const [maxDets, numbers] of [
        [-1, withoutLimit],
        [100, limit100],
      ] as const) {
        const other = summarizeLvis(evaluateLvis(groundTruth, detections, { type, maxDets }));
        if (numbers) assertClose(other, numbers, `${type} ${maxDets}`);
      }
    }
  });
}

for (const { folder, read } of goldenCopies("lvis-fixed-1")) {
  test(`fixed AP scores as the original scores it: ${folder.includes("fixtures") ? "committed" : "all"}`, () => {
    const groundTruth = read<LvisGroundTruth>("annotations.json");
    const detections = read<CocoDetection[]>("detections.json");
    const expected = read<{
      standard: GoldenLvis;
      fixed: Record<string, GoldenLvis & { kept?: Record<string, number[]> }>;
    }>("expected.json");
    assertLvis(evaluateLvis(groundTruth, detections), expected.standard, "standard");
    for (const [perCategory, numbers] of Object.entries(expected.fixed)) {
      const kept = bestPerCategory(detections, Number(perCategory));
      for (const [category, positions] of Object.entries(numbers.kept ?? {})) {
        const ours = [...kept].filter((position) => detections[position]!.category_id === Number(category));
        assert.deepEqual(
          ours,
          [...positions].sort((a, b) => a - b),
        );
      }
      const options = { perCategory: Number(perCategory) };
      assertLvis(evaluateLvisFixed(groundTruth, detections, options), numbers, `fixed ${perCategory}`);
    }
  });
}
