import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { pack } from "tar-stream";
import { checkDataset } from "./check.ts";
import { cocoOfDataset } from "./coco.ts";
import type { Dataset } from "./dataset.ts";
import { findDataset, openDataset } from "./find-dataset.ts";
import type { WritableFormat } from "./formats.ts";
import { placeText } from "./problems.ts";
import { writeDataset } from "./write-dataset.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-readers-"));
after(() => rmSync(root, { recursive: true }));

const labelled: Dataset = {
  labels: [
    { id: 3, name: "cat" },
    { id: 7, name: "dog & co" },
  ],
  images: [
    {
      id: 1,
      file: "images/a.png",
      width: 64,
      height: 32,
      captions: [],
      objects: [
        { xywh: [1.5, 2, 10, 20], label: 3, area: 200, isCrowd: false },
        { xywh: [0, 0, 64, 32], label: 7, area: 2048, isCrowd: false },
      ],
    },
    { id: 2, file: "images/b.png", width: 40, height: 40, captions: [], objects: [] },
  ],
};

const captioned: Dataset = {
  labels: [],
  images: [
    {
      id: 1,
      file: "a.png",
      width: 64,
      height: 32,
      objects: [
        { xywh: [1, 2, 10, 20], area: 200, isCrowd: false },
        { xywh: [30, 2, 10, 20], area: 200, isCrowd: false },
      ],
      captions: [
        {
          text: "two cats by a cat",
          phrases: [
            { spans: [[0, 8]], objects: [0, 1] },
            { spans: [[12, 17]], objects: [1] },
          ],
        },
      ],
    },
  ],
};

async function picture(file: string, width: number, height: number): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  await sharp({ create: { width, height, channels: 3, background: "green" } })
    .png()
    .toFile(file);
}

async function write(name: string, format: WritableFormat, dataset: Dataset): Promise<string> {
  const endings = { coco: ".json", mdetr: ".json", odvg: ".jsonl", yolo: "", voc: "" };
  const path = join(root, name, `set${endings[format]}`);
  for (const { file, width, height } of dataset.images) await picture(join(root, name, file), width, height);
  await writeDataset([{ dataset, pictures: join(root, name) }], { format, path });
  return path;
}

/** Labels by name and boxes by picture: what every format of boxes can store. */
function boxesOf({ labels, images }: Dataset): object {
  const names = new Map(labels.map(({ id, name }) => [id, name]));
  const tidy = (value: number) => Math.round(value * 1e9) / 1e9;
  return Object.fromEntries(
    images.map(({ file, width, height, objects }) => [
      file.split("/").at(-1),
      [width, height, objects.map(({ xywh, label }) => [names.get(label!), ...xywh.map(tidy)])],
    ]),
  );
}

for (const format of ["coco", "odvg", "yolo", "voc"] as const) {
  test(`boxes and labels survive a round trip through ${format}`, async () => {
    const path = await write(`round-${format}`, format, labelled);
    assert.equal(findDataset(path).format, format);
    const { dataset: read, problems, pictures } = await openDataset(path);
    assert.deepEqual(problems.list, []);
    assert.deepEqual(boxesOf(read), boxesOf(labelled));
    const again = join(root, `again-${format}`, path.split("/").at(-1)!);
    await writeDataset([{ dataset: read, pictures }], { format, path: again });
    if (format === "coco" || format === "odvg") assert.equal(readFileSync(again, "utf8"), readFileSync(path, "utf8"));
  });
}

for (const format of ["mdetr", "odvg"] as const) {
  test(`captions, phrases and their boxes survive a round trip through ${format}`, async () => {
    const path = await write(`phrases-${format}`, format, captioned);
    assert.equal(findDataset(path).format, format);
    const { dataset, problems } = await openDataset(path);
    const { images } = dataset;
    assert.deepEqual(problems.list, []);
    const phrases = images[0]!.captions[0]!.phrases.map(({ spans, objects }) => ({
      spans,
      boxes: objects.map((object) => images[0]!.objects[object]!.xywh),
    }));
    assert.equal(images[0]!.captions[0]!.text, "two cats by a cat");
    assert.deepEqual(phrases, [
      {
        spans: [[0, 8]],
        boxes: [
          [1, 2, 10, 20],
          [30, 2, 10, 20],
        ],
      },
      { spans: [[12, 17]], boxes: [[30, 2, 10, 20]] },
    ]);
  });
}

test("LVIS's absent and unfinished labels and COCO's masks and crowds are kept", async () => {
  const file = join(root, "lvis.json");
  const coco = {
    images: [
      { id: 5, file_name: "a.png", width: 8, height: 8, neg_category_ids: [2], not_exhaustive_category_ids: [1] },
    ],
    annotations: [
      {
        id: 1,
        image_id: 5,
        category_id: 1,
        bbox: [1, 1, 4, 4],
        area: 16,
        iscrowd: 1,
        segmentation: { size: [8, 8], counts: [9, 4, 51] },
      },
    ],
    categories: [
      { id: 1, name: "cat", frequency: "r" },
      { id: 2, name: "dog", frequency: "f" },
    ],
  };
  writeFileSync(file, JSON.stringify(coco));
  assert.deepEqual(cocoOfDataset((await openDataset(file)).dataset), coco);
});

test("a YOLO folder may name classes in data.yaml and draw polygons", async () => {
  const folder = join(root, "yolo-yaml");
  await picture(join(folder, "images/p.png"), 100, 50);
  mkdirSync(join(folder, "labels"));
  writeFileSync(join(folder, "data.yaml"), "train: images\nnc: 2\nnames:\n  0: 'cat'\n  1: dog # brown\n");
  writeFileSync(join(folder, "labels/p.txt"), "1 0.1 0.2 0.5 0.2 0.5 0.6 0.1 0.6\n");
  const { labels, images } = (await openDataset(folder)).dataset;
  assert.deepEqual(
    labels.map(({ name }) => name),
    ["cat", "dog"],
  );
  assert.deepEqual(images[0]!.objects[0]!.xywh, [10, 10, 40, 20]);
  assert.equal(images[0]!.objects[0]!.area, 800);
  writeFileSync(join(folder, "data.yaml"), 'names: ["cat", "dog"]\n');
  assert.deepEqual((await openDataset(folder)).dataset.labels[1], { id: 1, name: "dog" });
});

test("image–text tars give a caption per picture, and unpaired members are named", async () => {
  const shard = join(root, "shard.tar");
  const tar = pack();
  const bytes = await sharp({ create: { width: 9, height: 7, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
  tar.entry({ name: "one.jpg" }, bytes);
  tar.entry({ name: "one.txt" }, "a red field\n");
  tar.entry({ name: "two.txt" }, "nothing to see");
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  writeFileSync(shard, Buffer.concat(chunks));
  const { problems, images, captions } = await checkDataset(shard);
  assert.deepEqual([images, captions], [1, 1]);
  assert.deepEqual(
    problems.map(({ message }) => message),
    ["two has a text but no picture"],
  );
  writeFileSync(shard, Buffer.concat(chunks).subarray(0, 700));
  assert.match((await checkDataset(shard)).problems[0]!.message, /one.jpg is truncated: \d+ of its \d+ bytes/);
});

test("all problems in a COCO file are reported at once, with lines", async () => {
  const folder = join(root, "bad-coco");
  await picture(join(folder, "a.png"), 10, 10);
  const file = join(folder, "annotations.json");
  const lines = [
    '{"images": [{"id": 1, "file_name": "a.png", "width": 10, "height": 12},',
    '{"id": 1, "file_name": "missing.png", "width": 0, "height": 10}],',
    '"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],',
    '"annotations": [',
    '{"id": 0, "image_id": 1, "category_id": 1, "bbox": [1, 1, 0, 3], "area": 3},',
    '{"id": 7, "image_id": 9, "category_id": 4, "bbox": [1, 1, 2, 3], "area": 6},',
    '{"id": 7, "image_id": 1, "category_id": 1,',
    '  "bbox": [1, 1, 2], "area": "big"},',
    '{"id": 8, "image_id": 1, "category_id": 1, "bbox": [5, 5, 20, 2], "area": 6, "segmentation": {"size": [9, 9], "counts": "\\u0001"}}]}',
  ];
  writeFileSync(file, lines.join("\n"));
  const { problems } = await checkDataset(file);
  const said = problems.map((problem) => `${placeText(problem).replace(`${folder}/`, "")}: ${problem.message}`);
  for (const expected of [
    /^annotations.json:8 \$\.annotations\[2\]\.bbox: must be four numbers/,
    /^annotations.json:8 \$\.annotations\[2\]\.area: must be a number/,
    /^annotations.json:2 \$\.images\[1\]: two images have the id 1/,
    /^annotations.json:2 \$\.images\[1\]: width and height must be above 0/,
    /^annotations.json:5 \$\.annotations\[0\]: annotation id 0/,
    /^annotations.json:5 \$\.annotations\[0\]\.bbox: box .* has no area/,
    /^annotations.json:6 \$\.annotations\[1\]: there is no image with the id 9/,
    /^annotations.json:6 \$\.annotations\[1\]: there is no category with the id 4/,
    /categories: 1 category has no object: dog/,
  ]) {
    assert.ok(
      said.some((text) => expected.test(text)),
      `${expected} in\n${said.join("\n")}`,
    );
  }
});

test("problems in ODVG, YOLO and VOC are reported with file and line", async () => {
  const odvg = join(root, "bad.jsonl");
  writeFileSync(odvg, '{"filename": "a.png", "height": 1, "width": 1}\n{"filename": 3}\n');
  const ofOdvg = (await checkDataset(odvg, { images: root })).problems;
  assert.deepEqual(ofOdvg.map(({ line }) => line).slice(0, 2), [1, 2]);

  const yolo = join(root, "bad-yolo");
  await picture(join(yolo, "images/p.png"), 10, 10);
  mkdirSync(join(yolo, "labels"));
  writeFileSync(join(yolo, "classes.txt"), "cat\n");
  writeFileSync(join(yolo, "labels/p.txt"), "0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n0 0.5 0.5\n0 50 50 10 10\n");
  writeFileSync(join(yolo, "labels/q.txt"), "");
  const ofYolo = (await checkDataset(yolo)).problems;
  assert.deepEqual(
    ofYolo.map(({ line }) => line),
    [2, 3, 4, 4, undefined],
  );

  const voc = join(root, "bad-voc");
  mkdirSync(join(voc, "Annotations"), { recursive: true });
  writeFileSync(
    join(voc, "Annotations/a.xml"),
    "<annotation>\n<size><width>3</width>\n<height>x</height></size></annotation>",
  );
  writeFileSync(join(voc, "Annotations/b.xml"), "<annotation>\n<size>\n</annotation>");
  writeFileSync(
    join(voc, "Annotations/c.xml"),
    "<annotation><size><width>3</width><height>3</height></size>\n<object><name>a</name>\n<bndbox/></object>\n<object/></annotation>",
  );
  const ofVoc = (await checkDataset(voc)).problems;
  assert.deepEqual(ofVoc.map(({ file, line, message }) => [basename(file), line, message]).slice(0, 4), [
    ["a.xml", 3, '<height> holds "x", not a number'],
    ["b.xml", 3, "</annotation> closes <size>, which was opened on line 2"],
    ["c.xml", 3, "<bndbox> has no <xmin>"],
    ["c.xml", 4, "an object needs <name> and <bndbox>"],
  ]);
});

test("a malformed record does not hide the records after it or their lines", async () => {
  const odvg = join(root, "hidden.jsonl");
  writeFileSync(odvg, 'no JSON\n{"filename": 3}\n');
  const lines = (await checkDataset(odvg, { images: root })).problems.map(({ line, message }) => [line, message]);
  assert.match(String(lines[0]), /^1,not JSON/);
  assert.deepEqual(lines[1], [2, "a record needs filename, height and width"]);

  const coco = join(root, "hidden.json");
  const image = { id: 1, file_name: "a.png", width: 4, height: 4 };
  const annotation = { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 2, 2], area: 4 };
  const mask = { size: [4, 4], counts: [3, 4] };
  const annotations = [{}, { ...annotation, image_id: 7 }, { ...annotation, id: 2, segmentation: mask }];
  const json = {
    images: [null, { ...image, neg_category_ids: 3 }, image],
    annotations,
    categories: [{ id: 1, name: "a" }],
  };
  writeFileSync(coco, JSON.stringify(json));
  const said = (await checkDataset(coco, { images: root })).problems.map(
    ({ path, message }) => `${path?.join(".")} ${message}`,
  );
  for (const expected of [
    "images.0 must be a JSON object",
    "images.1.neg_category_ids must be a list of category ids",
    "annotations.1 there is no image with the id 7",
    "annotations.2.segmentation run lengths cover 7 pixels, but their size [4, 4] has 16",
  ]) {
    assert.ok(said.includes(expected), `${expected} in\n${said.join("\n")}`);
  }

  const flickr = join(root, "bad-flickr");
  for (const folder of ["Annotations", "Sentences"]) mkdirSync(join(flickr, folder), { recursive: true });
  writeFileSync(join(flickr, "train.txt"), "1\n2\n");
  writeFileSync(join(flickr, "Sentences/1.txt"), "[/EN#1/people A man .\n[EN#2/people A man] .\n");
  writeFileSync(
    join(flickr, "Annotations/1.xml"),
    "<annotation><size><width>3</width><height>3</height><depth>3</depth></size>\n<object><name>1</name></object></annotation>",
  );
  writeFileSync(join(flickr, "Sentences/2.txt"), "A man .\n");
  const ofFlickr = (await checkDataset(flickr)).problems.map(({ file, line }) => [basename(file), line]);
  assert.deepEqual(ofFlickr.slice(0, 4), [
    ["1.xml", 2],
    ["1.txt", 1],
    ["1.txt", 2],
    ["2.xml", undefined],
  ]);
});
