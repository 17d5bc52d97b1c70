import assert from "node:assert/strict";
import { test } from "node:test";
import { rasterise } from "../../src/boxes/masks/polygons.ts";
import { InputError } from "../../src/errors.ts";
import { compareMasks, type MaskPair, maskIou, scoreReferringMasks } from "../../src/metrics/mask-scores.ts";
import { evaluatePhraseCut, type PhraseCutScores } from "../../src/metrics/phrase-cut.ts";
import { evaluateReferring } from "../../src/metrics/referring.ts";
import { languageSets } from "./golden-language.ts";

const near = (found: number, expected: number, what: string, tolerance = 1e-10) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${what}: ${found}, not ${expected}`);

/** A record of numbers or records, number by number. */
function assertNear(found: object, expected: object, what: string): void {
  for (const [key, value] of Object.entries(expected)) {
    const ours = (found as Record<string, unknown>)[key];
    if (typeof value === "number") near(ours as number, value, `${what} ${key}`);
    else assertNear(ours as object, value as object, `${what} ${key}`);
  }
}

interface ReferringExpected {
  mdetr: Record<string, { "P@1,5,10": number[] }>;
  accuracyInclusive: number;
  accuracyPlainIoU: number;
  differ: number[];
  perExpression: {
    image_id: number;
    order: number[];
    giou: number[];
    iou: number[];
    hit: Record<string, boolean>;
    iouInclusive: number;
  }[];
}

for (const { name, read } of languageSets("refexp", "expected.json"))
  test(`${name}: boxes of referring expressions are scored as MDETR and MAttNet do`, () => {
    type Picture = { id: number; dataset_name: string };
    const { images, annotations } = read<{
      images: Picture[];
      annotations: { image_id: number; bbox: number[] }[];
    }>("annotations.json");
    const boxes = new Map(annotations.map(({ image_id, bbox }) => [image_id, bbox]));
    const expressions = images.map(({ id, dataset_name }) => ({ id, dataset: dataset_name, box: boxes.get(id)! }));
    const predictions = read<{ image_id: number; scores: number[]; boxes: number[][] }[]>("predictions.json");
    const expected = read<ReferringExpected>("expected.json");
    const found = evaluateReferring(
      expressions,
      predictions.map(({ image_id, ...rest }) => ({ id: image_id, ...rest })),
    );
    for (const [set, { "P@1,5,10": shares }] of Object.entries(expected.mdetr))
      shares.forEach((share, k) => {
        near(found.precision[set]![k]!, share, `${set} ${k}`);
      });
    near(found.accuracyInclusive, expected.accuracyInclusive, "inclusive");
    near(found.accuracyPlainIoU, expected.accuracyPlainIoU, "plain");
    const rows = new Map(found.expressions.map((row) => [row.id, row]));
    for (const { image_id, order, giou, iou, hit, iouInclusive } of expected.perExpression) {
      const row = rows.get(image_id)!;
      assert.equal(row.order.length, order.length);
      giou.forEach((value, i) => {
        near(row.giou[i]!, value, `${image_id} giou ${i}`, 1e-5);
        near(row.iou[i]!, iou[i]!, `${image_id} iou ${i}`, 1e-5);
      });
      assert.deepEqual(row.hits, Object.values(hit));
      near(row.iouInclusive, iouInclusive, `${image_id} inclusive`);
    }
    const differ = found.expressions.filter(({ hits, iou }) => hits[0] !== iou[0]! >= 0.5).map(({ id }) => id);
    assert.deepEqual(differ, expected.differ);
    assert.throws(() => evaluateReferring(expressions, []), InputError);
  });

for (const { name, read } of languageSets("refseg", "expected.json"))
  test(`${name}: masks of referring expressions are scored as LAVT does`, () => {
    const expected = read<{ intersectionUnion: [number, number][]; iou: number[] } & object>("expected.json");
    const { intersectionUnion, iou, ...scores } = expected;
    const masks = read<{ size: [number, number]; target: number[]; prediction: number[] }[]>("masks.json");
    const pairs = masks.map(({ size: [height, width], target, prediction }): MaskPair => {
      const of = (counts: number[]) => ({ height, width, counts: Uint32Array.from(counts) });
      return compareMasks(of(target), of(prediction));
    });
    assert.deepEqual(
      pairs.map(({ intersection, union }) => [intersection, union]),
      intersectionUnion,
    );
    pairs.forEach((pair, i) => {
      near(maskIou(pair), iou[i]!, `pair ${i}`);
    });
    const { printed: _, ...wanted } = scores as { printed: unknown };
    assertNear(scoreReferringMasks(pairs), wanted, name);
  });

interface PhraseCutExpected {
  subsets: Record<string, PhraseCutScores & { box_acc?: number }>;
  "maskIoU, intersection, union": Record<string, [number, number, number] | null>;
  boxIoU: Record<string, number | null>;
  meanMaskIoUWithMissingAsZero: number;
}

for (const { name, read } of languageSets("phrasecut", "expected.json"))
  test(`${name}: masks and boxes of phrases are scored as PhraseCut's evaluator does`, () => {
    const { images, tasks } = read<{
      images: { image_id: number; width: number; height: number }[];
      tasks: { task_id: string; image_id: number; instance_boxes: number[][]; subsets: string[]; gtMask: number[] }[];
    }>("annotations.json");
    const sizes = new Map(images.map(({ image_id, width, height }) => [image_id, { width, height }]));
    const predictions =
      read<{ task_id: string; image_id: number; mask: number[]; boxes: number[][] }[]>("predictions.json");
    const of = (image: number, counts: number[]) => ({ ...sizes.get(image)!, counts: Uint32Array.from(counts) });
    const expected = read<PhraseCutExpected>("expected.json");
    const found = evaluatePhraseCut(
      tasks.map(({ image_id, gtMask, instance_boxes, ...task }) => ({
        ...task,
        mask: of(image_id, gtMask),
        boxes: instance_boxes,
      })),
      predictions.map(({ image_id, mask, ...rest }) => ({ ...rest, mask: of(image_id, mask) })),
    );
    for (const [id, row] of Object.entries(expected["maskIoU, intersection, union"])) {
      const task = found.tasks.get(id);
      if (!row) assert.equal(task, undefined);
      else {
        assert.deepEqual([task!.intersection, task!.union], row.slice(1), id);
        near(task!.maskIou, row[0], id);
        near(task!.boxIou, expected.boxIoU[id]!, `box ${id}`);
      }
    }
    assert.deepEqual(Object.keys(found.subsets).sort(), Object.keys(expected.subsets).sort());
    for (const [subset, { box_acc: _, ...scores }] of Object.entries(expected.subsets))
      assertNear(found.subsets[subset]!, scores, subset);
    near(found.meanMaskIoUWithMissingAsZero, expected.meanMaskIoUWithMissingAsZero, "with zeros");
  });

test("masks of two sizes are not compared", () => {
  const small = rasterise([[0, 0, 4, 0, 4, 4]], 8, 8);
  const large = rasterise([[0, 0, 4, 0, 4, 4]], 9, 8);
  assert.throws(() => compareMasks(small, large), /8 × 8 and 8 × 9 pixels/);
});
