import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { readSource } from "../training/sources.ts";
import { checkDataset, checkSplits } from "./check.ts";
import type { Dataset } from "./dataset.ts";
import { divide, sharesOf } from "./divide.ts";
import { findDataset, findSets, openDataset, openSet } from "./find-dataset.ts";
import { type Format, formats } from "./format-names.ts";
import { formatRows, writableFormats } from "./formats.ts";
import { readGroundTruth } from "./ground-truth.ts";
import { writeDataset } from "./write-dataset.ts";

const root = mkdtempSync(join(tmpdir(), "layouts-"));
after(() => rmSync(root, { recursive: true }));

const picture = await sharp({ create: { width: 40, height: 30, channels: 3, background: "green" } })
  .png()
  .toBuffer();

/** Writes the files of a layout; files without a text are pictures. */
function layout(name: string, files: Record<string, string | object | undefined>): string {
  const folder = join(root, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const text = typeof content === "object" ? JSON.stringify(content) : content;
    writeFileSync(join(folder, path), text ?? picture);
  }
  return folder;
}

const coco = (...names: string[]) => ({
  images: names.map((file_name, i) => ({ id: i + 1, file_name, width: 40, height: 30 })),
  annotations: names.map((_, i) => ({ id: i + 1, image_id: i + 1, category_id: 1, bbox: [4, 3, 20, 15], area: 300 })),
  categories: [{ id: 1, name: "cat" }],
});
const captions = (name: string) => ({
  images: [{ id: 7, file_name: name, width: 40, height: 30 }],
  annotations: [
    { id: 1, image_id: 7, caption: "A cat on a mat. " },
    { id: 2, image_id: 7, caption: "a mat" },
  ],
});
const xml = (name: string) =>
  `<annotation><filename>${name}</filename><size><width>40</width><height>30</height></size><object><name>cat</name>` +
  "<bndbox><xmin>5</xmin><ymin>4</ymin><xmax>24</xmax><ymax>18</ymax></bndbox></object></annotation>";
const line = "0 0.35 0.35 0.5 0.5\n";

const layouts: { name: string; format: Format; splits: (string | undefined)[]; folder: string }[] = [
  {
    name: "COCO as published",
    format: "coco",
    splits: ["train2017", "val2017"],
    folder: layout("coco", {
      "annotations/instances_train2017.json": coco("1.png"),
      "annotations/instances_val2017.json": coco("2.png"),
      "annotations/person_keypoints_val2017.json": coco("2.png"),
      "train2017/1.png": undefined,
      "val2017/2.png": undefined,
    }),
  },
  {
    name: "LVIS with COCO's pictures",
    format: "coco",
    splits: ["val"],
    folder: layout("lvis", {
      "lvis_v1_val.json": {
        ...coco("2.png"),
        images: [{ id: 1, coco_url: "http://images.cocodataset.org/val2017/2.png", width: 40, height: 30 }],
      },
      "val2017/2.png": undefined,
    }),
  },
  {
    name: "Roboflow's COCO",
    format: "coco",
    splits: ["train", "valid"],
    folder: layout("roboflow-coco", {
      "train/_annotations.coco.json": {
        ...coco("1.png"),
        categories: [
          { id: 0, name: "pets", supercategory: "none" },
          { id: 1, name: "cat", supercategory: "pets" },
        ],
      },
      "train/1.png": undefined,
      "valid/_annotations.coco.json": coco("2.png"),
      "valid/2.png": undefined,
    }),
  },
  {
    name: "VOC as published",
    format: "voc",
    splits: ["train", "val"],
    folder: layout("voc", {
      "Annotations/1.xml": xml("1.png"),
      "Annotations/2.xml": xml("2.png"),
      "JPEGImages/1.png": undefined,
      "JPEGImages/2.png": undefined,
      "ImageSets/Main/train.txt": "1\n",
      "ImageSets/Main/val.txt": "2\n",
      "ImageSets/Main/cat_train.txt": "1 -1\n",
    }),
  },
  {
    name: "VOC's XML beside renamed pictures",
    format: "voc",
    splits: [undefined],
    folder: layout("voc-beside", { "1.xml": xml("old name.jpg"), "1.png": undefined }),
  },
  {
    name: "Roboflow's VOC",
    format: "voc",
    splits: ["test", "train"],
    folder: layout("roboflow-voc", {
      "train/1.xml": xml("1.png"),
      "train/1.png": undefined,
      "test/2.xml": xml("2.png"),
      "test/2.png": undefined,
    }),
  },
  {
    name: "Roboflow's YOLO",
    format: "yolo",
    splits: ["train", "val"],
    folder: layout("roboflow-yolo", {
      "data.yaml": "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['cat']\n",
      "README.roboflow.txt": "made by Roboflow",
      "train/images/1.png": undefined,
      "train/labels/1.txt": line,
      "valid/images/2.png": undefined,
      "valid/labels/2.txt": line,
    }),
  },
  {
    name: "YOLO with images/train",
    format: "yolo",
    splits: ["train", "val"],
    folder: layout("yolo", {
      "coco8.yaml": "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n",
      "images/train/1.png": undefined,
      "labels/train/1.txt": line,
      "images/val/2.png": undefined,
      "labels/val/2.txt": line,
    }),
  },
  {
    name: "YOLO with texts beside pictures and lists of files",
    format: "yolo",
    splits: ["train"],
    folder: layout("yolo-beside", {
      "data.yaml": "train: train.txt\nnames: [cat]\n",
      "train.txt": "a/1.png\n",
      "a/1.png": undefined,
      "a/1.txt": line,
    }),
  },
];

test("every format has a row, and those with a writer can be written", () => {
  assert.deepEqual(Object.keys(formatRows), [...formats]);
  assert.deepEqual(writableFormats, ["coco", "mdetr", "odvg", "yolo", "voc"]);
});

for (const { name, format, splits, folder } of layouts) {
  test(`${name} is recognised from its folder, and all verbs find its pictures`, async () => {
    const sets = findSets(folder);
    assert.deepEqual(
      sets.map(({ format, split }) => [format, split]),
      sets.length > 1 || splits[0] ? splits.map((split) => [format, split]) : [[format, undefined]],
    );
    for (const check of await checkSplits(folder)) {
      assert.deepEqual(
        check.problems.filter(({ severity }) => severity === "error"),
        [],
      );
      assert.equal(check.images, 1);
    }
    for (const { split } of sets) {
      const choice = split === undefined ? {} : { split };
      const { dataset, pictures } = await openDataset(folder, { ...choice, shown: { start: 0, count: 1 } });
      assert.deepEqual(dataset.images[0]!.objects[0]!.xywh.map(Math.round), [4, 3, 20, 15]);
      assert.ok(existsSync(pictures));
      const { truth } = await readGroundTruth(folder, choice);
      assert.deepEqual(
        truth.categories.map(({ name }) => name),
        ["cat"],
      );
      const { examples } = await readSource({ data: folder, ...choice });
      assert.ok(readFileSync(examples[0]!.picture).equals(picture));
    }
  });
}

test("a class of Pascal VOC has one number in all splits, and YOLO's names are numbered by numbers", async () => {
  const dog = xml("2.png").replace("cat", "a dog");
  const lists = layout("voc-classes", {
    "Annotations/1.xml": xml("1.png"),
    "Annotations/2.xml": dog,
    "ImageSets/Main/train.txt": "1\n",
    "ImageSets/Main/val.txt": "2\n",
  });
  const folders = layout("voc-class-folders", { "train/1.xml": xml("1.png"), "valid/2.xml": dog });
  for (const set of [lists, folders].flatMap((folder) => findSets(folder)))
    assert.deepEqual((await openSet(set)).dataset.labels, [
      { id: 1, name: "a dog" },
      { id: 2, name: "cat" },
    ]);
  const path = join(root, "numbered");
  await writeDataset([{ dataset: twoFolders, pictures: source }], { format: "yolo", path, pictures: "none" });
  assert.match(readFileSync(join(path, "data.yaml"), "utf8"), /names:\n {2}0: cat\n {2}1: dog\n/);
});

test("several splits and several formats are named with how to choose", async () => {
  const folder = join(root, "coco");
  const message = /train2017 \(coco, annotations\/instances_train2017\.json\).*val2017.*with --split NAME/;
  assert.throws(() => findDataset(folder), { name: "InputError", message });
  // The role of a split is enough.
  assert.equal(findDataset(folder, { split: "val" }).split, "val2017");
  assert.throws(() => findDataset(folder, { split: "dev" }), /no split "dev"; it has train2017/);
  const both = layout("both", {
    "annotations.json": coco("1.png"),
    "classes.txt": "cat\n",
    "images/1.png": undefined,
    "labels/1.txt": line,
  });
  assert.throws(() => findDataset(both), /annotations\.json.*yolo.*--as FORMAT/);
  assert.equal(findDataset(both, { as: "yolo" }).format, "yolo");
  const above = layout("above", { "VOC2007/Annotations/1.xml": xml("1.png") });
  assert.throws(() => findDataset(above), /did you mean .*VOC2007 \(voc\)/);
});

test("COCO's captions are captions, and boxes are never looked for in them", async () => {
  const folder = layout("captions", {
    "annotations/captions_val2017.json": captions("1.png"),
    "val2017/1.png": undefined,
  });
  const { format, images, captions: count, errors } = await checkDataset(folder);
  assert.deepEqual([format, images, count, errors], ["captions", 1, 2, 0]);
  const renamed = layout("captions-renamed", { "text.json": captions("1.png"), "1.png": undefined });
  assert.equal(findDataset(join(renamed, "text.json")).format, "captions");
  await assert.rejects(readSource({ data: folder }), {
    name: "InputError",
    message: /is not a dataset in one of the formats coco/,
  });
});

test("names of a data.yaml may contain commas and be a list or a map, and YAML errors have a line", async () => {
  const files = { "images/1.png": undefined, "labels/1.txt": "1 0.5 0.5 0.1 0.1\n" };
  const named = async (yaml: string) => {
    const folder = layout("yaml", { ...files, "data.yaml": yaml });
    return (await openDataset(folder)).dataset.labels.map(({ name }) => name);
  };
  assert.deepEqual(await named('names: ["cup, red", dog]\n'), ["cup, red", "dog"]);
  assert.deepEqual(await named("names:\n- cup # red\n- 'dog: big'\n"), ["cup", "dog: big"]);
  assert.deepEqual(await named("names: {1: dog, 0: 'cup, red'}\n"), ["cup, red", "dog"]);
  await assert.rejects(named("names: [cup\nval: x: y\n"), { name: "InputError", message: /data\.yaml:\d+: not YAML/ });
  await assert.rejects(named(`names: ${"[".repeat(9000)}\n`), { name: "InputError", message: /not YAML/ });
  await assert.rejects(named(`names: ${"[".repeat(20000)}\n`), { name: "InputError", message: /opening brackets/ });
  await assert.rejects(named("names: { 1000000000: cat }\n"), { name: "InputError", message: /is not a class number/ });
  // Pictures outside the file's folder are not read.
  const outside = layout("outside/inner", {
    "data.yaml": "path: ..\ntrain: more\nnames: [cat]\n",
    "../more/1.png": undefined,
  });
  assert.deepEqual((await openDataset(outside)).dataset.images, []);
});

const twoFolders: Dataset = {
  labels: [
    { id: 1, name: "cat" },
    { id: 2, name: "dog" },
  ],
  images: ["a/1.png", "b/1.png", "b/2.png"].map((file, i) => ({
    ...{ id: i + 1, file, width: 40, height: 30, captions: [] },
    objects: [{ xywh: [i, 2, 10, 10], label: 1 + (i % 2), area: 100, isCrowd: false }],
  })),
};
const source = layout("source", { "a/1.png": undefined, "b/1.png": undefined, "b/2.png": undefined });

for (const format of ["yolo", "voc"] as const) {
  test(`pictures of one name in two folders both stay in ${format}, with their pictures`, async () => {
    const path = join(root, `two-${format}`);
    await writeDataset([{ dataset: twoFolders, pictures: source }], { format, path });
    const { dataset, problems } = await openDataset(path);
    assert.deepEqual(problems.list, []);
    assert.deepEqual(
      dataset.images.map(({ file, objects }) => [file, Math.round(objects[0]!.xywh[0])]),
      [
        ["a/1.png", 0],
        ["b/1.png", 1],
        ["b/2.png", 2],
      ],
    );
    assert.equal((await checkDataset(path)).errors, 0);
    const { images: second } = (await openDataset(path, { shown: { start: 1, count: 1 } })).dataset;
    assert.deepEqual(
      second.map(({ file, objects }) => [file, objects.length]),
      [["b/1.png", 1]],
    );
    const [one, other] = ["a/1.png", "a/1.jpg"];
    const images = [one, other].map((file, i) => ({ ...twoFolders.images[0]!, id: i, file }));
    const clash = [{ dataset: { ...twoFolders, images }, pictures: source }];
    await assert.rejects(writeDataset(clash, { format, path, pictures: "none" }), /a\/1\.png and a\/1\.jpg/);
    const wild = ["a/1.png", "../../1.png"].map((file, i) => ({ ...twoFolders.images[0]!, id: i, file }));
    const out = [{ dataset: { ...twoFolders, images: wild }, pictures: source }];
    await assert.rejects(writeDataset(out, { format, path, pictures: "none" }), /is outside the picture folder/);
  });

  test(`a set divided by shares is written in splits of ${format}, the same for one seed`, async () => {
    const write = async (name: string) => {
      const path = join(root, name);
      const parts = divide(twoFolders, sharesOf("0.34,0.33,0.33")!, 3);
      await writeDataset(
        parts.map((part) => ({ ...part, pictures: source })),
        { format, path, pictures: "link" },
      );
      const sets = await Promise.all(findSets(path).map((set) => openSet(set)));
      return sets.map(({ place, dataset }) => [place.split, dataset.images.map(({ file }) => file)]);
    };
    const sets = await write(`shares-${format}`);
    assert.deepEqual(sets.map(([split]) => split).sort(), ["test", "train", "val"]);
    assert.equal(new Set(sets.flatMap(([, files]) => files)).size, format === "voc" ? 3 : 2);
    assert.deepEqual(await write(`shares-again-${format}`), sets);
  });
}

test("fractions that do not add up to 1 are distinguished from other text", () => {
  assert.throws(() => sharesOf("0.5,0.4"), /add up to 1/);
  assert.equal(sharesOf("val2017"), undefined);
});

test("boxes of classes become phrases of MDETR's captions, and captions alone are refused by formats of classes", async () => {
  const path = join(root, "names.json");
  const images = [{ ...twoFolders.images[0]!, objects: twoFolders.images.flatMap(({ objects }) => objects) }];
  await writeDataset([{ dataset: { ...twoFolders, images }, pictures: source }], { format: "mdetr", path });
  const { dataset } = await openDataset(path);
  const [{ text, phrases }] = dataset.images[0]!.captions as [Dataset["images"][number]["captions"][number]];
  assert.equal(text, "cat. dog");
  assert.deepEqual(
    phrases.map(({ spans, objects }) => [text.slice(...spans[0]!), objects.length]),
    [
      ["cat", 2],
      ["dog", 1],
    ],
  );
  const part = { dataset, pictures: source };
  await assert.rejects(writeDataset([part], { format: "coco", path: join(root, "none.json") }), /write mdetr or odvg/);
  assert.ok(!readdirSync(root).includes("none.json"));
});

test("masks and marks of crowds that a format cannot store are counted", async () => {
  const [first, ...others] = twoFolders.images;
  const [object, ...more] = first!.objects;
  const masked = { ...object!, isCrowd: true, segmentation: [[1, 1, 5, 1, 5, 5]] };
  const dataset = { ...twoFolders, images: [{ ...first!, objects: [masked, ...more] }, ...others] };
  for (const [format, masks, crowds] of [
    ["coco", 0, 0],
    ["mdetr", 1, 0],
    ["odvg", 1, 1],
    ["voc", 1, 0],
    ["yolo", 1, 1],
  ] as const) {
    const left = await writeDataset([{ dataset, pictures: source }], { format, path: join(root, `marks-${format}`) });
    assert.deepEqual(left, { captions: 0, objects: 0, masks, crowds }, format);
  }
});

test("links to nothing and in circles are passed over beside annotations, and are none by themselves", () => {
  const folder = layout("links", { "images/a.png": undefined });
  const set = layout("links with a set", { "boxes.json": coco("a.png"), "images/a.png": undefined });
  for (const [i, name] of ["x.json", "x.jsonl", "x.yaml", "annotations.json", "data.yaml"].entries()) {
    symlinkSync("nowhere", join(folder, name));
    if (i < 3)
      for (const [to, from] of [
        ["nowhere", `to-nothing-${name}`],
        [`circle-${name}`, `circle-${name}`],
      ] as const)
        symlinkSync(to, join(set, from));
  }
  // A hint would name the datasets of the folders in it.
  symlinkSync("circle", join(folder, "circle"));
  assert.throws(() => findDataset(folder), { name: "InputError", message: /is not a dataset in one of the formats/ });
  assert.deepEqual(
    findSets(set).map(({ path }) => path),
    [join(set, "boxes.json")],
  );
});
