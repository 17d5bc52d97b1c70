/** The subjects of fuzzing: valid files, which of them are mutated, and the reader that must read or refuse them. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { readRecipe } from "../../src/apps/training/recipe.ts";
import { isRefusal } from "../../src/data/pairs/pair.ts";
import { cutSource, readShard } from "../../src/data/pairs/shards.ts";
import { checkDataset } from "../../src/data/readers/check.ts";
import { readCocoDetections } from "../../src/data/readers/coco-files.ts";
import { openDataset } from "../../src/data/readers/find-dataset.ts";
import { readFlickrPredictions } from "../../src/data/readers/flickr-truth.ts";
import { picturesIn } from "../../src/data/readers/folders.ts";
import type { Format } from "../../src/data/readers/format-names.ts";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";
import { glipPresets } from "../../src/models/glip/glip-presets.ts";
import { inferConfig } from "../../src/models/glip/infer-config.ts";
import { readDetector } from "../../src/tasks/finding/model-folder.ts";
import { readJobStatus } from "../../src/tasks/labelling/label-job.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { modelSubjects } from "./model-subjects.ts";

export interface Subject {
  /** Files by path in the folder of a case. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Paths of the mutated files, one in each case. */
  readonly changed: readonly string[];
  /** Reads the content of the folder. */
  readonly read: (folder: string) => Promise<unknown>;
}

const repository = fileURLToPath(new URL("../../", import.meta.url));
const weightsFixtures = join(repository, "src/weights/fixtures");

const picture = await sharp({ create: { width: 32, height: 24, channels: 3, background: "teal" } })
  .png()
  .toBuffer();
const json = (value: unknown) => Buffer.from(`${JSON.stringify(value)}\n`);

const coco = {
  images: [
    { id: 1, file_name: "a.png", width: 32, height: 24 },
    { id: 2, file_name: "b.png", width: 32, height: 24, neg_category_ids: [2], not_exhaustive_category_ids: [] },
  ],
  annotations: [
    {
      id: 1,
      image_id: 1,
      category_id: 1,
      bbox: [1, 2, 10, 12],
      area: 100,
      iscrowd: 0,
      segmentation: [[1, 2, 11, 2, 11, 14]],
    },
    {
      id: 2,
      image_id: 2,
      category_id: 2,
      bbox: [0, 0, 8, 8],
      area: 64,
      iscrowd: 1,
      segmentation: { size: [24, 32], counts: [8, 16, 744] },
    },
  ],
  categories: [
    { id: 1, name: "cat", frequency: "f" },
    { id: 2, name: "traffic light", frequency: "r" },
  ],
};
const mdetr = {
  images: [{ id: 1, file_name: "a.png", width: 32, height: 24, caption: "a cat on a mat", original_img_id: 7 }],
  annotations: [
    { id: 1, image_id: 1, bbox: [1, 2, 10, 12], area: 120, iscrowd: 0, category_id: 1, tokens_positive: [[2, 5]] },
  ],
  categories: [{ id: 1, name: "object" }],
};
const odvg = [
  {
    filename: "a.png",
    height: 24,
    width: 32,
    detection: { instances: [{ bbox: [1, 2, 11, 14], label: 0, category: "cat" }] },
  },
  {
    filename: "b.png",
    height: 24,
    width: 32,
    grounding: {
      caption: "a cat",
      regions: [{ bbox: [[1, 2, 11, 14]], phrase: "a cat", tokens_positive: [[0, 5]], score: [0.5] }],
    },
  },
];
const voc = `<?xml version="1.0"?>\n<annotation><filename>a.png</filename><size><width>32</width><height>24</height><depth>3</depth></size>
<!-- one --><object><name>cat &amp; dog</name><difficult>0</difficult><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>11</xmax><ymax>14</ymax></bndbox></object></annotation>\n`;
const flickr = `<annotation><size><width>32</width><height>24</height><depth>3</depth></size><object><name>1</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>14</ymax></bndbox></object><object><name>2</name><scene>1</scene><nobndbox>0</nobndbox></object></annotation>`;

const lineOf = json;
const found = { image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], score: 0.5 };
const phrasesFound = [
  { image_id: "1", sentence_id: 0, boxes: [[[1, 2, 3, 4]]] },
  { image_id: "1", sentence_id: 1, phrases: 1, detections: [{ label: 0, box: [1, 2, 3, 4], score: 0.5 }] },
];
const cocoCaptions = {
  images: [{ id: 1, file_name: "a.png", width: 32, height: 24 }],
  annotations: [{ id: 1, image_id: 1, caption: "a cat on a mat" }],
};

/** Sources of image-text pairs, of which every pair is read with its picture. */
function pairs(files: Record<string, Buffer | string>, path: string): Subject {
  return {
    files: new Map([
      ["a.png", picture],
      ...Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const),
    ]),
    changed: Object.keys(files),
    read: async (folder) => {
      const source = await cutSource(join(folder, path), { rows: 10 });
      // Of a line that comes again thousands of times, some pairs are read and a few pictures decoded.
      let read = 0;
      for (const shard of source.shards)
        for await (const pair of readShard(shard, source)) {
          if (read++ > 1000) return;
          if (!isRefusal(pair) && read <= 20) await decodePicture(pair.picture);
        }
    },
  };
}

function dataset(
  format: Format,
  path: string,
  files: Record<string, Buffer | string>,
  changed: readonly string[],
): Subject {
  const pictures = ["a.png", "b.png", "images/a.png", "images/b.png", "JPEGImages/a.png"].map(
    (name) => [name, picture] as const,
  );
  return {
    files: new Map([...pictures, ...Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const)]),
    changed,
    read: async (folder) => {
      const { problems } = await checkDataset(join(folder, path), {
        as: format,
        ...(format === "flickr30k" ? { images: folder } : {}),
      });
      if (problems.some(({ severity }) => severity === "error")) return;
      // Valid files are read as training reads them.
      const read = await openDataset(join(folder, path), { as: format });
      if (format !== "tars")
        picturesIn(
          read.pictures,
          read.dataset.images.map(({ file }) => file),
        );
    },
  };
}

/** A tar with a picture and a text, made by the system's tar in the scratch folder. */
function tarOf(scratch: string): Buffer {
  mkdirSync(join(scratch, "tar"));
  for (const stem of ["000", "001"]) {
    writeFileSync(join(scratch, "tar", `${stem}.png`), picture);
    writeFileSync(
      join(scratch, "tar", `${stem}.${stem === "000" ? "txt" : "json"}`),
      stem === "000" ? "a cat" : '{"caption": "a dog"}',
    );
  }
  execFileSync("tar", [
    "-cf",
    join(scratch, "pairs.tar"),
    "--format=pax",
    "-C",
    join(scratch, "tar"),
    "000.png",
    "000.txt",
    "001.json",
    "001.png",
  ]);
  return readFileSync(join(scratch, "pairs.tar"));
}

function weights(names: readonly string[], ending: string): Subject {
  const files = new Map(names.map((name) => [name, readFileSync(join(weightsFixtures, name))]));
  return {
    files,
    changed: names,
    read: async (folder) => {
      for (const name of readdirSync(folder).filter((file) => file.endsWith(ending))) {
        const file = await openWeights(join(folder, name));
        try {
          for (const { name: tensor, bytes } of file.entries.values())
            if (bytes < 2 ** 26) await file.readFloat32(tensor);
          inferConfig(file.entries, name);
        } finally {
          await file.close();
        }
      }
    },
  };
}

async function modelFolder(scratch: string): Promise<Subject> {
  const path = join(scratch, "weights.safetensors");
  await writeSafetensors(path, [{ name: "none", dtype: "F32", shape: [1], data: new Float32Array(1) }]);
  const config = { ...glipPresets.nano, bert: { ...glipPresets.nano.bert, vocabularySize: 5 } };
  return {
    files: new Map([
      ["config.json", json({ model_type: "groundling-glip", glip: config })],
      ["preprocessor_config.json", json({ size: { shortest_edge: 96, longest_edge: 160 } })],
      ["vocab.txt", Buffer.from("[PAD]\n[UNK]\n[CLS]\n[SEP]\ncat\n")],
      ["model.safetensors", readFileSync(path)],
    ]),
    changed: ["config.json", "config.json", "config.json", "preprocessor_config.json", "vocab.txt"],
    read: (folder) => readDetector(folder),
  };
}

function recipes(): Subject {
  const folder = join(repository, "recipes");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return {
    files: new Map(names.map((name) => [name, readFileSync(join(folder, name))])),
    changed: names,
    read: async (at) => {
      for (const name of names) readRecipe(join(at, name));
    },
  };
}

/** All subjects by name; `scratch` is an empty folder for temporary files. */
export async function subjects(scratch: string): Promise<Record<string, Subject>> {
  const lines = odvg.map((record) => JSON.stringify(record)).join("\n");
  return {
    coco: dataset("coco", "instances.json", { "instances.json": json(coco) }, ["instances.json"]),
    mdetr: dataset("mdetr", "mdetr.json", { "mdetr.json": json(mdetr) }, ["mdetr.json"]),
    odvg: dataset("odvg", "odvg.jsonl", { "odvg.jsonl": lines }, ["odvg.jsonl"]),
    voc: dataset("voc", ".", { "Annotations/a.xml": voc }, ["Annotations/a.xml"]),
    flickr30k: dataset(
      "flickr30k",
      ".",
      { "Annotations/a.xml": flickr, "Sentences/a.txt": "A [/EN#1/animals cat] on a mat .\n", "train.txt": "a\n" },
      ["Annotations/a.xml", "Sentences/a.txt", "train.txt"],
    ),
    yolo: dataset(
      "yolo",
      ".",
      {
        "labels/a.txt": "0 0.5 0.5 0.2 0.3\n1 0.1 0.1 0.4 0.1 0.4 0.4\n",
        "data.yaml": "train: images\nval: images\nnc: 2\nnames:\n  0: cat\n  1: traffic light\n",
      },
      ["labels/a.txt", "data.yaml"],
    ),
    tars: dataset("tars", "pairs.tar", { "pairs.tar": tarOf(scratch) }, ["pairs.tar"]),
    detections: {
      files: new Map(
        ["found.json", "found.jsonl"].map((name) => [name, name.endsWith("l") ? lineOf(found) : json([found])]),
      ),
      changed: ["found.json", "found.jsonl"],
      read: async (folder) => {
        for (const name of ["found.json", "found.jsonl"]) await readCocoDetections(join(folder, name));
      },
    },
    phrases: {
      files: new Map(
        ["found.json", "found.jsonl"].map((name) => [
          name,
          name.endsWith("l") ? Buffer.concat(phrasesFound.map(lineOf)) : json(phrasesFound),
        ]),
      ),
      changed: ["found.json", "found.jsonl"],
      read: async (folder) => {
        for (const name of ["found.json", "found.jsonl"]) await readFlickrPredictions(join(folder, name));
      },
    },
    captions: pairs({ "captions_val.json": json(cocoCaptions) }, "captions_val.json"),
    pairs: pairs(
      {
        "list.jsonl": lineOf({ image: "a.png", caption: "a cat on a mat" }),
        "list.tsv": "image\tcaption\na.png\ta cat\n",
      },
      ".",
    ),
    job: {
      files: new Map([
        [
          "job.json",
          json({
            settings: { model: "x", rows: 10 },
            shards: [{ kind: "tar", key: "in/a", file: "in/a.tar", bytes: 9 }],
          }),
        ],
        [
          "shards/in/a.json",
          json({ shard: { kind: "tar", key: "in/a", file: "in/a.tar", bytes: 9 }, pairs: 1, boxes: 2 }),
        ],
        ["shards/in/a.dead.json", json({ key: "in/a", reason: "broken", attempts: 2 })],
      ]),
      changed: ["job.json", "shards/in/a.json", "shards/in/a.dead.json"],
      read: (folder) => readJobStatus(folder),
    },
    safetensors: weights(["types.safetensors", "conversions.safetensors"], ".safetensors"),
    pth: weights(["state-dict.pth", "training-legacy.pth", "views.pth", "views-legacy.pth", "types.pth"], ".pth"),
    config: await modelFolder(scratch),
    recipes: recipes(),
    ...(await modelSubjects(scratch)),
  };
}

/** Writes the files of a case. */
export function layOut(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  execFileSync("mkfifo", [join(folder, "pipe")]);
}
