import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { stripes, tarOf } from "../../data/pairs/fixtures/pictures.ts";
import { openDataset } from "../../data/readers/find-dataset.ts";
import { readSource } from "../../data/training/sources.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { workHere } from "../../jobs/here.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import { GroundingModel } from "../finding/grounding-model.ts";
import { Predictor } from "../finding/predictor.ts";
import { createComposer } from "../grounding/dataset-composer.ts";
import { tinyModel, vocabulary } from "../grounding/fixtures/tiny-model.ts";
import { openLabelJob, readJobStatus } from "./label-job.ts";

const root = mkdtempSync(join(tmpdir(), "label-job-"));
after(() => rmSync(root, { recursive: true }));
const source = join(root, "source");
const settings = { model: "tiny", threshold: 0.3, rows: 10 };
let loaded = 0;

async function loadModel(): Promise<GroundingModel> {
  loaded++;
  const { model, weights } = tinyModel();
  const words = WordPieces.parse(readFileSync(vocabulary, "utf8"));
  return new GroundingModel(new Predictor(model, weights, { threads: 1 }), new AnyWords(words), {
    ...glipPictures,
    size: { short: 64, max: 96 },
  });
}

async function labelInto(out: string, more = {}, from = source) {
  const job = await openLabelJob({ source: from, out: join(root, out), settings: { ...settings, ...more }, loadModel });
  try {
    const dead = await workHere(job, { attempts: 1, retryDelay: 0 });
    assert.deepEqual(dead, []);
    return await job.gather();
  } finally {
    await job.dispose();
  }
}

test("the result is read as a dataset with scores, and training reads pictures from their tars", async () => {
  mkdirSync(source);
  for (const shard of [0, 1]) {
    const members: [string, string | Buffer][] = [];
    for (const i of [0, 1, 2])
      members.push([`${i}.png`, await stripes(10 * shard + i)], [`${i}.txt`, `a dog and ${i} red balls`]);
    members.push(["3.png", Buffer.from("broken")], ["3.txt", "a cat"], ["4.png", await stripes(1)]);
    writeFileSync(join(source, `${shard}.tar`), await tarOf(members));
  }
  const figures = await labelInto("out");
  assert.deepEqual(
    [figures.shards, figures.pairs, figures.labelled, figures.refused],
    [2, 10, 6, { "no caption": 2, "unreadable picture": 2 }],
  );

  const file = join(root, "out", "grounding.jsonl");
  const { dataset, problems } = await openDataset(file, { as: "odvg" });
  const { images } = dataset;
  assert.deepEqual(problems.list, []);
  const objects = images.flatMap((image) => image.objects);
  assert.equal(objects.length, figures.boxes);
  assert.ok(objects.every(({ score }) => score! > 0.3));
  const phrases = images.flatMap(({ captions }) =>
    captions.flatMap(({ text, phrases }) => phrases.map(({ spans }) => text.slice(...spans[0]!))),
  );
  assert.equal(new Set(phrases).size, figures.phrases);

  const { examples } = await readSource({ data: file, images: source });
  // Training leaves out boxes of less than a pixel, which random weights find.
  assert.ok(examples.length > 0 && examples.length <= figures.withBoxes);
  const composer = await createComposer({
    words: { kind: "word-pieces", file: vocabulary },
    preparation: glipPictures,
    seed: 1,
    pictures: 2,
    sizes: [64],
    longest: 64,
    tokens: 32,
    maxTokens: 32,
    flip: 0,
    negatives: { most: 1, one: 0, none: 0, all: 0 },
    sources: [{ data: file, images: source, weight: 1 }],
  });
  assert.equal((await composer.compose(0)).pictures, 2);
});

test("a second run makes only missing shards, with the same bytes, and loads no model if none is missing", async () => {
  const shards = join(root, "out", "shards");
  const bytes = () =>
    readdirSync(shards)
      .sort()
      .map((name) => [name, readFileSync(join(shards, name), "base64")]);
  const first = bytes();
  assert.deepEqual(
    first.map(([name]) => name),
    ["0.json", "0.jsonl", "0.parquet", "0.problems.jsonl", "1.json", "1.jsonl", "1.parquet", "1.problems.jsonl"],
  );
  const before = loaded;
  await labelInto("out");
  assert.equal(loaded, before);
  rmSync(join(shards, "1.json"));
  rmSync(join(shards, "1.parquet"));
  await labelInto("out");
  assert.deepEqual(bytes(), first);
});

test("a folder labelled with other settings is refused", async () => {
  await assert.rejects(
    labelInto("out", { threshold: 0.4 }),
    /was labelled with .*0\.3.* not .*0\.4.*; use another folder/,
  );
});

test("the first of equal pairs in several shards is kept, in any order of work, and the others are refused", async () => {
  const twins = join(root, "twins");
  mkdirSync(twins);
  const shardOf = async (pictures: readonly number[]) =>
    tarOf(
      (await Promise.all(pictures.map((number) => stripes(number)))).flatMap(
        (picture, i): [string, string | Buffer][] => [
          [`${i}.png`, picture],
          [`${i}.txt`, "a dog and two red balls"],
        ],
      ),
    );
  for (const [shard, pictures] of [
    [1, 2],
    [3, 1, 2],
    [2, 4],
  ].entries())
    writeFileSync(join(twins, `${shard}.tar`), await shardOf(pictures));
  const gathered = [];
  for (const [out, order] of [
    ["forth", [0, 1, 2]],
    ["back", [2, 1, 0]],
  ] as const) {
    const job = await openLabelJob({ source: twins, out: join(root, out), settings, loadModel });
    const shards = order.map((place) => job.shards[place]!);
    await workHere({ ...job, shards }, { attempts: 1, retryDelay: 0 });
    const figures = await job.gather();
    await job.dispose();
    assert.deepEqual([figures.pairs, figures.labelled, figures.refused], [7, 4, { duplicate: 3 }]);
    const files = ["grounding.jsonl", "problems.jsonl", "statistics.json"];
    gathered.push(files.map((file) => readFileSync(join(root, out, file), "utf8")));
  }
  assert.deepEqual(gathered[0], gathered[1]);
  const [labels, problems] = gathered[0]!.map((text) => text.split("\n").slice(0, -1));
  const files = (lines: string[] | undefined, of: "filename" | "file") => lines!.map((line) => JSON.parse(line)[of]);
  assert.deepEqual(files(labels, "filename"), ["0.tar/0.png", "0.tar/1.png", "1.tar/0.png", "2.tar/1.png"]);
  assert.deepEqual(files(problems, "file"), ["1.tar/1.png", "1.tar/2.png", "2.tar/0.png"]);
});

test("the refused pairs do not depend on the number of shards", async () => {
  const folder = join(root, "cut");
  mkdirSync(folder);
  // Two names of one picture, and another of the same bytes in another shape.
  for (const name of ["a", "b"])
    writeFileSync(join(folder, `${name}.png`), await stripes(3, { width: 64, height: 32 }));
  writeFileSync(join(folder, "c.png"), await stripes(3, { width: 32, height: 64 }));
  const long = `a dog ${"and a cat ".repeat(40)}`;
  const rows = `b:a dog|a:a dog and a ball|c:a dog|a:a dog|a:DOG!|a:${long}|b:a dog and a ball|a:it|a:${long}|c:a dog`;
  const lines = rows.split("|").map((row) => {
    const [name, caption] = row.split(":");
    return `${JSON.stringify({ image: `${name}.png`, caption })}\n`;
  });
  const from = join(folder, "pairs.jsonl");
  writeFileSync(from, lines.join(""));
  const result = async (size: number) => {
    const { shards, ...figures } = await labelInto(`cut-${size}`, { rows: size, threshold: 0.05 }, from);
    assert.equal(shards, Math.ceil(10 / size));
    const text = (name: string) => readFileSync(join(root, `cut-${size}`, name), "utf8");
    return { figures, labels: text("grounding.jsonl"), problems: text("problems.jsonl").split("\n").sort() };
  };
  const whole = await result(10);
  assert.deepEqual([whole.figures.pairs, whole.figures.labelled], [10, 4]);
  assert.deepEqual(whole.figures.refused, { duplicate: 3, "no noun phrase": 1, "unreadable caption": 2 });
  for (const size of [1, 3]) assert.deepEqual(await result(size), whole);
});

test("an unsupported language is refused before anything is written", async () => {
  await assert.rejects(labelInto("klingon", { language: "klingon" }), /language klingon is not supported/);
  assert.equal(existsSync(join(root, "klingon")), false);
});

test("captions refused by length or language are counted by reason, and only when filters are set", async () => {
  const figures = await labelInto("strict", { words: [5, 9], language: "de" });
  assert.deepEqual(figures.refused, { "another language": 6, "few words": 2, "no caption": 2 });
});

test("a folder's job is read as it was written, and refused by its file where it is damaged or leads out of the folder", async () => {
  const out = join(root, "stored");
  const job = {
    settings: { model: "tiny", rows: 10 },
    shards: [{ kind: "tar", key: "in/a", file: "in/a.tar", bytes: 9 }],
  };
  mkdirSync(join(out, "shards/in"), { recursive: true });
  const put = (name: string, value: unknown) =>
    writeFileSync(join(out, name), typeof value === "string" ? value : JSON.stringify(value));
  put("job.json", job);
  put("shards/in/a.json", { shard: job.shards[0], pairs: 3, boxes: 2 });
  const { done, pairs, boxes } = await readJobStatus(out);
  assert.deepEqual({ done, pairs, boxes }, { done: 1, pairs: 3, boxes: 2 });
  put("shards/in/a.json", "{");
  await assert.rejects(readJobStatus(out), { name: "InputError", message: /shards\/in\/a\.json.*not JSON/ });
  for (const damaged of ["{", "null", { ...job, shards: 3 }, { ...job, shards: [{ key: "../../a" }] }]) {
    put("job.json", damaged);
    await assert.rejects(readJobStatus(out), { name: "InputError", message: /stored\/job\.json/ });
  }
});
