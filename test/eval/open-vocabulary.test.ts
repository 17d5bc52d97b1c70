import assert from "node:assert/strict";
import { test } from "node:test";
import type { CocoDetection, CocoGroundTruth } from "../../src/data/readers/coco-records.ts";
import { evaluateCoco, summarizeCoco } from "../../src/metrics/coco.ts";
import {
  baseClasses,
  detectionsOfRegions,
  novelClasses,
  onlyClasses,
  recognizeBoxes,
  type ScoredRegions,
  summarizeOpenVocabulary,
} from "../../src/metrics/open-vocabulary.ts";
import { assertClose, assertEvaluation, type GoldenEvaluation, goldenCopies } from "./golden.ts";

type Groups = { novel: number; base: number; all: number };
interface GoldenBoxes {
  AP50: Groups;
  detections: Record<string, [number, number, number][]>;
}
interface GoldenOpenVocabulary {
  split: { base: string[]; novel: string[] };
  generalised: GoldenEvaluation & { AP50: Groups };
  onlyNovel: Restricted;
  onlyBase: Restricted;
  groundTruthBoxes: GoldenBoxes & { summary: Record<string, number>; softNms: GoldenBoxes };
}
interface Restricted {
  images: number;
  annotations: number;
  detections: number;
  summary: Record<string, number>;
}

for (const { folder, read } of goldenCopies("ovd-1")) {
  const copy = folder.includes("fixtures") ? "committed" : "all";
  const groundTruth = read<CocoGroundTruth>("annotations.json");
  const expected = read<GoldenOpenVocabulary>("expected.json");
  const groups = (evaluation: ReturnType<typeof evaluateCoco>): Groups => {
    const { AP50_novel, AP50_base, AP50_all } = summarizeOpenVocabulary(evaluation, groundTruth.categories);
    return { novel: AP50_novel, base: AP50_base, all: AP50_all };
  };

  test(`novel, base and all classes score as RegionCLIP scores them (${copy})`, () => {
    assert.deepEqual({ base: baseClasses, novel: novelClasses }, expected.split);
    const detections = read<CocoDetection[]>("detections.json");
    const evaluation = evaluateCoco(groundTruth, detections);
    assertClose(groups(evaluation), expected.generalised.AP50, "generalised");
    assertClose(summarizeCoco(evaluation), expected.generalised.summary, "generalised");
    assertEvaluation(evaluation, expected.generalised, "generalised");
    expected.generalised.perCategory?.forEach(({ id, name, ...numbers }, place) => {
      assert.equal(evaluation.catIds[place], id);
      assertClose(summarizeCoco(evaluation, [place]), numbers as Record<string, number>, String(name));
    });
    for (const [classes, restricted] of [
      [novelClasses, expected.onlyNovel],
      [baseClasses, expected.onlyBase],
    ] as const) {
      const only = onlyClasses(groundTruth, detections, classes);
      assert.equal(only.groundTruth.images.length, restricted.images);
      assert.equal(only.groundTruth.annotations.length, restricted.annotations);
      assert.equal(only.detections.length, restricted.detections);
      assertClose(summarizeCoco(evaluateCoco(only.groundTruth, only.detections)), restricted.summary, "only");
    }
  });

  test(`given boxes are recognised and scored as RegionCLIP does (${copy})`, () => {
    const regions = read<ScoredRegions[]>("regions.json");
    const golden = expected.groundTruthBoxes;
    const ids = groundTruth.categories.map(({ id }) => id).sort((a, b) => a - b);
    for (const image of regions) {
      const rows = recognizeBoxes(image, ids).map(({ box, category_id, score }) => [box, category_id, score]);
      assert.deepEqual(rows, golden.detections[String(image.image_id)]);
      const soft = golden.softNms.detections[String(image.image_id)];
      const softened = recognizeBoxes(image, ids, { suppression: "gaussian" });
      soft?.forEach(([box, category, score], rank) => {
        assert.deepEqual([softened[rank]!.box, softened[rank]!.category_id], [box, category]);
        assert.ok(Math.abs(softened[rank]!.score - score) <= 1e-5);
      });
    }
    const evaluation = evaluateCoco(groundTruth, detectionsOfRegions(groundTruth, regions));
    assertClose(summarizeCoco(evaluation), golden.summary, "given boxes");
    assertClose(groups(evaluation), golden.AP50, "given boxes");
    const softened = groups(
      evaluateCoco(groundTruth, detectionsOfRegions(groundTruth, regions, { suppression: "gaussian" })),
    );
    for (const group of ["novel", "base", "all"] as const) {
      assert.ok(Math.abs(softened[group] - golden.softNms.AP50[group]) <= 1e-5, `soft ${group}`);
    }
  });
}
