import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSource } from "./sources.ts";

const folder = mkdtempSync(join(tmpdir(), "sources-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "images"));
for (const name of ["a.png", "b.png", "c.png"]) writeFileSync(join(folder, "images", name), "never opened here");

const images = ["a", "b", "c"].map((name, i) => ({ id: i + 1, file_name: `${name}.png`, width: 40, height: 30 }));
const categories = ["dog", "cat", "red_apple"].map((name, i) => ({ id: i + 1, name }));
const box = (id: number, image_id: number, category_id: number, bbox: number[], iscrowd = 0) => ({
  ...{ id, image_id, category_id, bbox, iscrowd, area: bbox[2]! * bbox[3]! },
});
const write = (name: string, content: unknown) => {
  writeFileSync(join(folder, name), JSON.stringify(content));
  return join(folder, name);
};
const picture = (name: string) => ({ picture: join(folder, "images", name), width: 40, height: 30 });

test("crowds, boxes without area and pictures without a box are left out of a detection set", async () => {
  const annotations = [
    box(1, 1, 2, [5, 6, 10, 12]),
    box(2, 1, 1, [5, 6, 10, 12], 1),
    box(3, 1, 1, [5, 6, 10, 0]),
    // A single column of pixels has no area if its last pixel does not count; neither does a box outside the picture.
    box(4, 1, 1, [5, 6, 1, 9]),
    box(5, 2, 1, [39.5, 6, 9, 9]),
    box(6, 3, 3, [-4, -4, 20, 20]),
  ];
  const file = write("instances.json", {
    images: images.map((image, i) => (i === 2 ? { ...image, not_exhaustive_category_ids: [1] } : image)),
    annotations,
    categories,
  });
  assert.deepEqual(await readSource({ data: file }), {
    names: ["dog", "cat", "red_apple"],
    examples: [
      { ...picture("a.png"), objects: [{ name: "cat", xywh: [5, 6, 10, 12] }], unfinished: [] },
      { ...picture("c.png"), objects: [{ name: "red_apple", xywh: [-4, -4, 20, 20] }], unfinished: ["dog"] },
    ],
  });
});

test("a caption is used unchanged, and a thing named by two phrases has both spans", async () => {
  const text = "a dog beside its ball";
  const phrases = [
    { bbox: [[1, 2, 11, 12]], phrase: "a dog", tokens_positive: [[0, 5]] },
    { bbox: [5, 5, 9, 9], phrase: "ball", tokens_positive: [[17, 21]] },
  ];
  const line = (caption: string, regions: object[]) =>
    JSON.stringify({ filename: "a.png", width: 40, height: 30, grounding: { caption, regions } });
  const odvg = join(folder, "odvg.jsonl");
  writeFileSync(odvg, `${line(text, phrases)}\n${line("nothing here", [])}\n`);
  const expected = [
    { spans: [[0, 5]], xywh: [1, 2, 10, 10] },
    { spans: [[17, 21]], xywh: [5, 5, 4, 4] },
  ];
  const fromOdvg = await readSource({ data: odvg });
  assert.deepEqual(fromOdvg.examples, [{ ...picture("a.png"), caption: text, objects: expected }]);

  const spans = [
    [0, 5],
    [13, 16],
  ];
  const mdetr = write("grounding.json", {
    images: [{ ...images[0], caption: text }],
    annotations: [{ ...box(1, 1, 1, [1, 2, 10, 10]), tokens_positive: spans }],
  });
  const fromMdetr = await readSource({ data: mdetr });
  assert.deepEqual(fromMdetr.names, []);
  assert.deepEqual(fromMdetr.examples[0]!.objects, [{ spans, xywh: [1, 2, 10, 10] }]);
});

test("a missing picture, a malformed annotation and a set without boxes are refused with the file's name", async () => {
  const refused = (file: string, message: RegExp) =>
    assert.rejects(readSource({ data: file }), { name: "InputError", message });
  const gone = write("gone.json", { images: [{ ...images[0], file_name: "gone.png" }], annotations: [], categories });
  await refused(gone, /images: 1 of 1 pictures are missing \(gone\.png\)/);
  const broken = write("broken.json", { images, annotations: [box(1, 9, 1, [1, 2, 3, 4])], categories });
  await refused(broken, /broken\.json \$\.annotations\[0\]: there is no image with the id 9/);
  writeFileSync(join(folder, "cut.json"), '{"images": [');
  await refused(join(folder, "cut.json"), /cut\.json/);
  await refused(write("none.json", { images, annotations: [], categories }), /none\.json has no picture with a box/);
  await refused(join(folder, "nowhere.json"), /nowhere\.json does not exist/);
});
