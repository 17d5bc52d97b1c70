import assert from "node:assert/strict";
import { test } from "node:test";
import type { CocoDetection, CocoGroundTruth } from "../../src/data/readers/coco-records.ts";
import { type CocoOptions, evaluateCoco, summarizeCoco } from "../../src/metrics/coco.ts";
import { assertClose, assertEvaluation, assertGrid, type GoldenEvaluation, goldenCopies } from "./golden.ts";

interface Variant {
  name: string;
  params: { useCats?: 0 | 1; maxDets?: [number, number, number]; imgIds?: number[]; catIds?: number[] };
  stats: number[];
  precision: GoldenEvaluation["precision"];
  recall: GoldenEvaluation["recall"];
}

function assertSummaries(evaluation: ReturnType<typeof evaluateCoco>, expected: GoldenEvaluation, what: string): void {
  assertClose(summarizeCoco(evaluation), expected.summary, what);
  (expected.perCategory ?? []).forEach(({ id, name, ...numbers }, category) => {
    assert.equal(evaluation.catIds[category], id);
    assertClose(summarizeCoco(evaluation, [category]), numbers as Record<string, number>, `${what} ${name}`);
  });
}

for (const name of ["coco-box-1", "coco-box-2", "coco-box-3"]) {
  for (const { folder, read } of goldenCopies(name)) {
    test(`boxes score as the original scores them: ${folder.includes("fixtures") ? "committed " : ""}${name}`, () => {
      const groundTruth = read<CocoGroundTruth>("annotations.json");
      const detections = read<CocoDetection[]>("detections.json");
      const expected = read<GoldenEvaluation & { variants: Variant[] }>("expected.json");
      const evaluation = evaluateCoco(groundTruth, detections);
      assertSummaries(evaluation, expected, name);
      assertEvaluation(evaluation, expected, name);
      for (const { name: variant, params, stats, precision, recall } of expected.variants) {
        const options: CocoOptions = {
          classes: params.useCats === 0 ? "class-agnostic" : "per-category",
          ...(params.maxDets && { maxDets: params.maxDets }),
          ...(params.imgIds && { imgIds: params.imgIds }),
          ...(params.catIds && { catIds: params.catIds }),
        };
        const raised = groundTruth.annotations.map((annotation) => ({ ...annotation, id: annotation.id + 1 }));
        const truth = variant === "annotation-ids-plus-one" ? { ...groundTruth, annotations: raised } : groundTruth;
        const other = evaluateCoco(truth, variant === "no-detections" ? [] : detections, options);
        Object.values(summarizeCoco(other)).forEach((value, i) => {
          assert.ok(Math.abs(value - stats[i]!) <= 1e-12, `${name} ${variant} ${i}: ${value}, expected ${stats[i]}`);
        });
        assertGrid(other.precision, precision, `${name} ${variant} precision`);
        assertGrid(other.recall, recall, `${name} ${variant} recall`);
      }
    });
  }
}
for (const { folder, read } of goldenCopies("coco-mask-1")) {
  test(`masks score as the original scores them: ${folder.includes("fixtures") ? "committed" : "all"}`, () => {
    const groundTruth = read<CocoGroundTruth>("annotations.json");
    const expected = read<Record<"segm" | "segmWithBoxes" | "bbox", GoldenEvaluation>>("expected.json");
    for (const [key, file, type] of [
      ["segm", "detections.json", "segm"],
      ["segmWithBoxes", "detections-with-boxes.json", "segm"],
      ["bbox", "detections-with-boxes.json", "bbox"],
    ] as const) {
      const evaluation = evaluateCoco(groundTruth, read<CocoDetection[]>(file), { type });
      assertSummaries(evaluation, expected[key], key);
      assertEvaluation(evaluation, expected[key], key);
    }
  });
}
