/** `groundling segment`, `answer` and `describe` with a small GLIPv2 with random weights. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { loadModel } from "../../src/tasks/finding/load-model.ts";
import { groundling, type Ran, temporaryFolder, writeTinyGlipV2, writeTinyModel } from "./running.ts";

const folder = temporaryFolder();
const model = join(folder, "model");
const onlyMasks = join(folder, "only-masks");
const plain = join(folder, "plain");
const pictures = join(folder, "images");
const [first, second] = [join(pictures, "first.png"), join(pictures, "second.png")];

before(async () => {
  await writeTinyGlipV2(model, { heads: { masks: true, captions: true }, answers: ["yes", "no", "two", "red"] });
  await writeTinyGlipV2(onlyMasks, { heads: { masks: true } });
  await writeTinyModel(plain);
  mkdirSync(pictures);
  for (const [k, file] of [first, second].entries()) {
    const data = Uint8Array.from({ length: 3 * 96 * 64 }, (_, i) => (i * (i + k)) % 251);
    await sharp(data, { raw: { width: 96, height: 64, channels: 3 } })
      .png()
      .toFile(file);
  }
});
after(() => rmSync(folder, { recursive: true }));

const clean = ({ code, stdout, stderr }: Ran): string => {
  assert.equal(code, 0, stderr);
  return stdout;
};

test("segment finds what detect finds, with a mask for each, and writes masks as polygons and label maps", async () => {
  const words = ["--model", model, "--classes", "dog,red car", "--threshold", "0.2", "--top-k", "3", "--quiet"];
  const found = JSON.parse(clean(await groundling(["segment", pictures, ...words, "--format", "json"])));
  await using loaded = await loadModel(model);
  const expected = await loaded.segment(second, ["dog", "red car"], { threshold: 0.2, topK: 3 });
  assert.deepEqual(
    found[1].detections,
    expected.map(({ mask, ...one }) => ({ ...one, segmentation: mask })),
  );
  assert.equal(found[0].detections.length, 3);
  const out = join(folder, "maps");
  clean(await groundling(["segment", pictures, ...words, "--format", "png", "--out", out, "--draw"]));
  assert.deepEqual(readdirSync(join(out, "masks")).sort(), ["first.png", "second.png"]);
  assert.equal(readFileSync(join(out, "classes.txt"), "utf8"), "background\ndog\nred car\n");
  const { width, height } = await sharp(join(out, "first.groundling.png")).metadata();
  assert.deepEqual([width, height], [96, 64]);
});

test("answer answers each question of each picture, with the boxes of its phrases if asked, and draws them", async () => {
  const questions = ["Is there a dog?", "How many cars?"];
  const words = questions.flatMap((question) => ["--question", question]);
  const asked = ["answer", pictures, "--model", model, ...words, "--quiet"];
  const out = join(folder, "answers");
  const grounds = ["--ground", "--threshold", "0", "--top-k", "2", "--draw", "--out", out];
  const lines = clean(await groundling([...asked, "--format", "jsonl", ...grounds]))
    .trimEnd()
    .split("\n");
  assert.equal(readFileSync(join(out, "answers.jsonl"), "utf8"), `${lines.join("\n")}\n`);
  await using loaded = await loadModel(model);
  for (const [i, image] of [first, second].entries()) {
    const { answers, ...rest } = JSON.parse(lines[i]!);
    assert.deepEqual(rest, { image, width: 96, height: 64 });
    for (const [k, question] of questions.entries()) {
      const expected = await loaded.answer(image, question, { ground: true, threshold: 0, topK: 2 });
      assert.deepEqual(answers[k], { question, ...expected });
      assert.equal(expected.phrases!.length, 2);
    }
  }
  const { height } = await sharp(join(out, "first.groundling.png")).metadata();
  assert.ok(height > 64, "the answers are below the picture");
  const table = clean(await groundling(asked));
  assert.match(
    table,
    /first\.png \(96 × 64\)\nquestion {9}answer {2}score\n─+ .*\nIs there a dog\? {2,}(yes|no|two|red) /,
  );
});

test("describe writes the library's caption of each picture, and its phrases if asked", async () => {
  const asked = ["describe", first, "--model", model, "--words", "6", "--beams", "2", "--quiet"];
  const csv = clean(await groundling([...asked, "--format", "csv"]));
  await using loaded = await loadModel(model);
  const { caption, score } = await loaded.describe(first, { most: 6, beams: 2 });
  assert.match(csv, /^image,caption,score\r\n/);
  assert.ok(csv.includes(String(score)));
  const [entry] = JSON.parse(
    clean(await groundling([...asked, "--masks", "--threshold", "0", "--top-k", "2", "--format", "json"])),
  );
  const grounded = await loaded.describe(first, { most: 6, beams: 2, ground: "masks", threshold: 0, topK: 2 });
  assert.equal(entry.caption, caption);
  assert.deepEqual(
    entry.phrases,
    grounded.phrases!.map(({ mask, ...one }) => ({ ...one, segmentation: mask })),
  );
});

test("a question without words, a model without the head and a command of another family are refused before any picture", async () => {
  const out = join(folder, "nothing");
  for (const [words, expected] of [
    [["answer", first, "--question", "?!", "--model", model], /the question "\?!" has no words; ask with words/],
    [
      ["describe", first, "--model", onlyMasks],
      /this model has no caption head; it can detect, ground, segment; load a GLIPv2 model whose config.json has heads.captions/,
    ],
    [
      ["segment", first, "--classes", "dog", "--model", plain],
      /is a GLIP model, but groundling segment needs a GLIPv2 model; use it with groundling detect/,
    ],
    [["segment", first, "--model", model], /no names to find; give --prompt/],
    [
      ["detect", first, "--classes", "dog", "--threshold", "0.2", "--format", "png", "--model", plain],
      /--format png writes masks, but the model found boxes only; use groundling segment/,
    ],
  ] as const) {
    const ran = await groundling([...words, "--out", out]);
    assert.notEqual(ran.code, 0);
    assert.match(ran.stderr, expected);
    assert.ok(!existsSync(out) || readdirSync(out).length === 0);
  }
});
