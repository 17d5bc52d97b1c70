import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkDataset } from "./check.ts";
import { readCocoAnnotations } from "./coco-files.ts";
import { linesOfPaths } from "./json.ts";
import { Problems } from "./problems.ts";

const root = mkdtempSync(join(tmpdir(), "check-"));
after(() => rmSync(root, { recursive: true }));

const image = { id: 1, file_name: "a.png", width: 40, height: 30 };
const categories = [{ id: 1, name: "cat" }];

test("at most a hundred problems are listed, errors first, with the total number", async () => {
  const count = 20_000;
  const annotation = { image_id: 1, category_id: 1, bbox: [1, 1, 0, 3], area: 0 };
  const annotations = Array.from({ length: count }, (_, i) => ({ ...annotation, id: i + 1 }));
  const bad = annotations.map((one, i) => (i % 2 ? { ...one, category_id: 9, bbox: [1, 1, 2, 3] } : one));
  const file = join(root, "many.json");
  writeFileSync(file, JSON.stringify({ images: [image], annotations: bad, categories }, null, 1));
  const { problems, errors, warnings } = await checkDataset(file, { images: root });
  // Half of the annotations and the missing picture; half of the boxes.
  assert.deepEqual([errors, warnings, problems.length], [count / 2 + 1, count / 2, 100]);
  assert.ok(problems.every(({ severity }) => severity === "error"));
  const [first, second] = problems.filter(({ path }) => path !== undefined);
  assert.deepEqual(first!.path, ["annotations", 1]);
  // An annotation takes twelve lines.
  assert.equal(second!.line! - first!.line!, 24);
});

test("of millions of problems, the first are kept and all are counted, in little memory", () => {
  const problems = new Problems();
  const before = process.memoryUsage().heapUsed;
  const count = 2_000_000;
  for (let line = 1; line <= count; line++) problems.error({ file: "train.txt", line }, `${line} is listed twice`);
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 2 ** 26, `the heap grew by ${grown} bytes`);
  assert.deepEqual([problems.errors, problems.warnings, problems.count], [count, 0, count]);
  // A warning after millions of errors is kept.
  problems.warn({ file: "train.txt" }, "the last");
  assert.deepEqual(problems.list.at(-1), { file: "train.txt", severity: "warning", message: "the last" });
  assert.throws(
    () => problems.refuseErrors("train"),
    new RegExp(`${count} errors:\n {2}train.txt:1: 1 is[\\s\\S]*:20: [\\s\\S]*and ${count - 20} more$`),
  );
  assert.equal(problems.take()[0]!.line, 1);
  assert.deepEqual([problems.count, problems.list.length], [0, 0]);
});

test("the lines of many paths are found together", () => {
  const source = '\uFEFF{ "a{": [1,\n {"b": "]\\"}",\n "c": [\n[2]]}],\n"d":\n{}, "e": 3\n}';
  const paths = [["a{", 1, "c", 0, 0], [], ["a{", 0], ["e"], ["d", "gone"], ["a{", 1, "b"], ["a{", 7]];
  assert.deepEqual(linesOfPaths(source, paths), [4, 1, 1, 6, 6, 2, 1]);
});

test("run lengths that do not fit their picture and a polygon of two points are found with their lines", async () => {
  const one = { image_id: 1, category_id: 1, bbox: [2, 2, 10, 5] };
  const annotations = [
    { ...one, id: 1, segmentation: [[2, 2, 12, 2, 12, 7]] },
    { ...one, id: 2, segmentation: [[2, 2, 12, 7]] },
    { ...one, id: 3, segmentation: { size: [40, 30], counts: [0, 7, 1193] } },
    { ...one, id: 4, segmentation: { size: [30, 40], counts: [0, 7, 1193] } },
  ];
  const file = join(root, "masks.json");
  const text = JSON.stringify({ images: [image], annotations, categories }).replaceAll('{"image_id"', '\n{"image_id"');
  writeFileSync(file, text);
  const { problems } = await checkDataset(file, { images: root });
  const lines = problems.filter(({ path }) => path?.at(-1) === "segmentation");
  assert.deepEqual(
    lines.map(({ line, message }) => [line, message]),
    [
      [3, "polygon: 4 numbers are not x and y of at least 3 points; correct or remove it"],
      [4, "run lengths of 30 × 40 pixels do not fit the picture of 40 × 30; correct their size"],
    ],
  );
});

test("a missing area is computed from the mask, or from the box if there is no mask", () => {
  const one = { image_id: 1, category_id: 1, bbox: [2, 2, 10, 5] };
  const annotations = [
    { ...one, id: 1 },
    { ...one, id: 2, segmentation: [[2, 2, 12, 2, 12, 7, 2, 7]] },
    { ...one, id: 3, area: null, segmentation: { size: [30, 40], counts: [0, 7, 1193] } },
    { ...one, id: 4, area: 3 },
    { ...one, id: 5, segmentation: [] },
  ];
  const file = join(root, "areas.json");
  writeFileSync(file, JSON.stringify({ images: [image], annotations, categories }));
  assert.deepEqual(
    readCocoAnnotations(file).annotations.map(({ area }) => area),
    [50, 50, 7, 3, 50],
  );
});
