import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { printedEval, writeNoise, writeRandomModel } from "./small-model.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-protocols-"));
after(() => rmSync(root, { recursive: true }));
before(async () => {
  await writeRandomModel(join(root, "model"));
  for (let i = 0; i < 2; i++) await writeNoise(join(root, "images", `${i}.png`), 80 + i, 64);
});

const images = [0, 1].map((i) => ({ id: i + 1, file_name: `${i}.png`, width: 80 + i, height: 64 }));
const box = { bbox: [4, 4, 40, 40], area: 1600, iscrowd: 0 };

function write(path: string, content: unknown): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

async function evaluate(protocol: string, data: string, ...more: string[]): Promise<Record<string, number>> {
  const model = ["--model", join(root, "model"), "--workers", "1", "--images", join(root, "images")];
  const printed = await printedEval("--data", data, "--protocol", protocol, "--format", "json", ...model, ...more);
  return JSON.parse(printed).metrics;
}

function records(path: string): Record<string, unknown>[] {
  return readFileSync(join(root, path), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("LVIS uses prompts of 40 classes, each with its own detections", async () => {
  const categories = Array.from({ length: 41 }, (_, i) => ({
    id: i + 1,
    name: i % 2 ? `cat_(${i})` : `dog_(${i})`,
    frequency: "rcf"[i % 3],
  }));
  const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: 41, ...box }));
  const federated = images.map((image) => ({ ...image, neg_category_ids: [1], not_exhaustive_category_ids: [] }));
  const data = write("lvis.json", { images: federated, annotations, categories });
  for (const [protocol, limit] of [
    ["lvis", "AR@300"],
    ["lvis-fixed", "AR@-1"],
  ] as const) {
    const metrics = await evaluate(protocol, data, "--detections", join(root, `${protocol}.jsonl`));
    assert.deepEqual(
      Object.keys(metrics).slice(0, 10),
      "AP AP50 AP75 APs APm APl APr APc APf".split(" ").concat(limit),
    );
    const ofFirst = records(`${protocol}.jsonl`).filter(({ image_id }) => image_id === 1);
    assert.ok(ofFirst.length > 300, "the limit of 300 is each chunk's own");
    assert.ok(ofFirst.some(({ category_id }) => category_id === 41));
  }
});

test("open-vocabulary COCO uses only its 65 classes in prompts and scores", async () => {
  const categories = ["dog", "cat", "tennis racket"].map((name, i) => ({ id: i + 1, name }));
  const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: 2, ...box }));
  const data = write("ovd.json", { images, annotations, categories });
  const metrics = await evaluate("ovd", data, "--detections", join(root, "ovd.jsonl"));
  assert.deepEqual(Object.keys(metrics).slice(0, 4), ["AP50_novel", "AP50_base", "AP50_all", "AP"]);
  assert.equal(metrics.AP50_base, -1);
  assert.ok(records("ovd.jsonl").every(({ category_id }) => category_id !== 3));
});

test("ODinW sets are folders of splits, can use GLIP's prompts, and have a mean and a median", async () => {
  const set = (names: string[]) => ({
    images,
    annotations: images.map(({ id }) => ({ id, image_id: id, category_id: 1, ...box })),
    categories: names.map((name, id) => ({ id, name })),
  });
  write("odinw/CottontailRabbits/test/annotations_without_background.json", set(["background", "Cottontail-Rabbit"]));
  write("odinw/My Sets/small/valid/annotations_without_background.json", set(["cat", "dog"]));
  const found = async (folder: string, ...more: string[]) => {
    const metrics = await evaluate("odinw", join(root, "odinw"), "--detections", join(root, folder), ...more);
    assert.deepEqual(Object.keys(metrics), [
      "AP",
      "AP50",
      "AP median",
      "AP50 median",
      "AP CottontailRabbits",
      "AP My_Sets_small",
    ]);
    const rabbits = records(`${folder}/CottontailRabbits.jsonl`);
    assert.ok(
      rabbits.every(({ category_id }) => category_id === 1),
      "a background is not asked for",
    );
    assert.ok(records(`${folder}/My_Sets_small.jsonl`).some(({ category_id }) => category_id === 0));
    return rabbits;
  };
  assert.notDeepEqual(await found("prompted", "--prompts"), await found("plain"));
});

test("Flickr30k from the published files and from MDETR's JSON gives the same detections", async () => {
  write("flickr/test.txt", "0\n");
  write(
    "flickr/Sentences/0.txt",
    "[/EN#1/animals A cat] and [/EN#2/animals a dog] .\nNothing here .\n[/EN#2/animals The dog] .\n",
  );
  const object = (id: number, [x1, y1, x2, y2]: number[]) =>
    `<object><name>${id}</name><bndbox><xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox></object>`;
  write(
    "flickr/Annotations/0.xml",
    `<annotation><size><width>80</width><height>64</height><depth>3</depth></size>${object(1, [0, 0, 80, 64])}${object(2, [8, 8, 40, 40])}</annotation>`,
  );
  const sentence = (id: number, sentence_id: number, caption: string, tokens_positive_eval: number[][][]) => ({
    ...{ id, original_img_id: 0, sentence_id, caption, tokens_positive_eval },
    ...{ file_name: "0.png", width: 80, height: 64 },
  });
  const located = (id: number, image_id: number, bbox: number[], span: number[]) => ({
    ...{ id, image_id, bbox, tokens_positive: [span] },
    ...{ area: 1, iscrowd: 0, category_id: 1 },
  });
  const mdetr = write("mdetr.json", {
    images: [sentence(1, 0, "A cat and a dog .", [[[0, 5]], [[10, 15]]]), sentence(2, 2, "The dog .", [[[0, 7]]])],
    annotations: [
      located(1, 1, [0, 0, 80, 64], [0, 5]),
      located(2, 1, [8, 8, 32, 32], [10, 15]),
      located(3, 2, [8, 8, 32, 32], [0, 7]),
    ],
  });
  // Published pictures end in .jpg.
  writeFileSync(join(root, "images", "0.jpg"), readFileSync(join(root, "images", "0.png")));
  const published = await evaluate("flickr30k", join(root, "flickr"), "--detections", join(root, "published.jsonl"));
  const mixed = await evaluate("flickr30k", mdetr, "--detections", join(root, "mixed.jsonl"));
  for (const metric of ["R@1", "R@5", "R@10"]) assert.equal(mixed[metric], published[metric], metric);
  assert.equal(published["R@10_animals"], published["R@10"]);
  const answers = (path: string) =>
    records(path)
      .filter(({ phrases }) => phrases !== 0)
      .map(({ detections }) => detections);
  assert.deepEqual(answers("mixed.jsonl"), answers("published.jsonl"));
  assert.ok((answers("mixed.jsonl")[0] as unknown[]).length > 5, "it finds something");
});
