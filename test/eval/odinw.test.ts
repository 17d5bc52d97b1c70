import assert from "node:assert/strict";
import { test } from "node:test";
import type { CocoDetection, CocoGroundTruth } from "../../src/data/readers/coco-records.ts";
import { evaluateCoco, summarizeCoco } from "../../src/metrics/coco.ts";
import { evaluateOdinw } from "../../src/metrics/odinw.ts";
import { assertClose, assertEvaluation, type GoldenEvaluation, goldenCopies } from "./golden.ts";

type GoldenSet = GoldenEvaluation & {
  withoutDetections: Record<string, number>;
  annotationIdsPlusOne?: Record<string, number>;
};
interface GoldenOdinw {
  order: string[];
  mean: { AP: number; AP50: number };
  median: { AP: number; AP50: number };
  firstTwoSets: { mean: number; median: number };
  secondSetWithoutDetections: { mean: number; median: number };
  sets: Record<string, GoldenSet>;
}

for (const { folder, read } of goldenCopies("odinw-1")) {
  test(`ODinW sets, their mean and median equal the original's: ${folder.includes("fixtures") ? "committed" : "all"}`, () => {
    const expected = read<GoldenOdinw>("expected.json");
    const sets = expected.order.map((name) => ({
      name,
      groundTruth: read<CocoGroundTruth>(`${name}/annotations.json`),
      detections: read<CocoDetection[]>(`${name}/detections.json`),
    }));
    for (const { name, groundTruth, detections } of sets) {
      const golden = expected.sets[name]!;
      const evaluation = evaluateCoco(groundTruth, detections);
      assertClose(summarizeCoco(evaluation), golden.summary, name);
      assertEvaluation(evaluation, golden, name);
      assertClose(summarizeCoco(evaluateCoco(groundTruth, [])), golden.withoutDetections, name);
      if (golden.annotationIdsPlusOne) {
        const annotations = groundTruth.annotations.map((annotation) => ({ ...annotation, id: annotation.id + 1 }));
        const raised = summarizeCoco(evaluateCoco({ ...groundTruth, annotations }, detections));
        assertClose(raised, golden.annotationIdsPlusOne, name);
      }
    }
    const all = evaluateOdinw(sets);
    assertClose(all.mean, expected.mean, "mean");
    assertClose(all.median, expected.median, "median");
    const both = ({ mean, median }: typeof all) => ({ mean: mean.AP, median: median.AP });
    assertClose(both(evaluateOdinw(sets.slice(0, 2))), expected.firstTwoSets, "first two");
    const silenced = sets.map((set, place) => (place === 1 ? { ...set, detections: [] } : set));
    assertClose(both(evaluateOdinw(silenced)), expected.secondSetWithoutDetections, "second silenced");
    assert.deepEqual(
      all.sets.map(({ name }) => name),
      expected.order,
    );
  });
}
