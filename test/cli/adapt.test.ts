/** A user's steps from a dataset to an adapted model, and the ways to use it. */

import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { anchorsOf } from "../../src/boxes/anchors.ts";
import { bestFirst, selectDetections } from "../../src/boxes/select.ts";
import { decodePicture } from "../../src/inputs/pictures/picture.ts";
import { prepareImage } from "../../src/inputs/pictures/prepare-image.ts";
import { glipPictures } from "../../src/models/parts/glip-pictures.ts";
import { runtime } from "../../src/onnx/index.ts";
import { groundling, temporaryFolder } from "./running.ts";

const folder = temporaryFolder();
const data = join(folder, "set");
const out = (name: string) => join(folder, name);
const short = ["--size", "96,96"];
const json = ["--format", "json", "--threshold", "0"];
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  const sprites = ["--sprites", join(folder, "sprites")];
  const scenes = ["--names", "apple,chair", "--count", "8", "--size", "96", "--seed", "7", "--objects", "3"];
  await run(["scenes", ...scenes, ...sprites, "--out", data]);
});

async function run(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await groundling(words);
  assert.equal(code, 0, stderr);
  return stdout;
}
const report = (name: string) => JSON.parse(readFileSync(join(out(name), "adaptation.json"), "utf8"));

test("full tuning writes a model, and reports what was forgotten of everyday things", async () => {
  const table = await run(["adapt", "--data", data, "--epochs", "1", ...short, "--out", out("full")]);
  assert.match(table, /full: \d+ parameters trained in 2 steps/);
  assert.match(table, /other things/);
  const { retained, steps, classes } = report("full");
  assert.deepEqual([steps, classes], [2, ["apple", "chair"]]);
  assert.ok(retained.before > 0.02 && retained.after !== retained.before);
  const found = JSON.parse(
    await run(["detect", picture(), ...json, "--classes", "apple,chair", "--model", join(out("full"), "model")]),
  );
  assert.equal(found.length, 1);
});

test("a tuned prompt has a few kB, changes no other prompt, and works with detect, eval and export", async () => {
  const way = ["--method", "prompt", "--steps", "5", "--in-place"];
  const table = await run(["adapt", "--data", data, ...way, ...short, "--out", out("prompt")]);
  assert.match(table, /^other things: scored once, because a tuned prompt does not change/m);
  const file = join(out("prompt"), "prompt.safetensors");
  assert.ok(statSync(file).size < 8192);
  const { retained } = report("prompt");
  assert.equal(retained.after, retained.before);
  assert.match(retained.note, /scored once/);

  const [{ detections }] = JSON.parse(await run(["detect", picture(), ...json, "--adapted", file, ...short]));
  assert.ok(detections.length > 0);
  const plain = JSON.parse(await run(["detect", picture(), ...json, "--classes", "apple,chair", ...short]));
  assert.notDeepEqual(detections, plain[0].detections);

  for (const words of [
    ["--prompt", "apple"],
    ["--classes", "apple"],
  ]) {
    const { code, stdout, stderr } = await groundling(["detect", picture(), "--adapted", file, ...words]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /prompt\.safetensors is a prompt for the classes apple, chair; remove --prompt and --classes, or/,
    );
  }

  const records = join(folder, "records.jsonl");
  await run(["eval", "--data", data, "--adapted", file, ...short, "--detections", records, "--workers", "1"]);
  const ofPicture = readFileSync(records, "utf8")
    .split("\n")
    .filter((line) => line.includes('"image_id":0,'))
    .map((line) => JSON.parse(line));
  const scores = (all: { score: number }[]) => all.map(({ score }) => score).sort((a, b) => b - a);
  assert.deepEqual(scores(ofPicture), scores(detections));
  // COCO's boxes include their last pixel.
  const { bbox } = ofPicture.find(({ score }) => score === detections[0].score);
  const { xmin, ymin, xmax, ymax } = detections[0].box;
  near(bbox, [xmin, ymin, xmax - xmin + 1, ymax - ymin + 1], 1e-4);

  const onnx = join(folder, "model.onnx");
  await run(["export", "--adapted", file, "--size", "96x96", "--out", onnx]);
  const answers = await answersOf(onnx);
  assert.equal(answers.scores.length, detections.length);
  near([...answers.scores], scores(detections), 1e-4);
  const sides = detections.flatMap(({ box }: { box: Record<string, number> }) => Object.values(box));
  near([...answers.boxes], sides, 0.01);
});

test("adapters accept any words, and are refused for another model", async () => {
  const few = ["--shots", "1", "--steps", "1", "--retain", "none"];
  const table = await run(["adapt", "--data", data, "--method", "adapters", ...few, ...short, "--out", out("thin")]);
  assert.doesNotMatch(table, /other things/);
  assert.equal(report("thin").retained, undefined);
  const adapted = ["--adapted", join(out("thin"), "adapters.safetensors"), "--classes", "apple,dog"];
  const [{ detections }] = JSON.parse(await run(["detect", picture(), ...json, ...short, ...adapted]));
  assert.ok(detections.length > 0);
  const model = ["--model", join(out("full"), "model")];
  const { code, stderr } = await groundling(["detect", picture(), ...short, ...adapted, ...model]);
  assert.equal(code, 1);
  assert.match(stderr, /trained for the model everyday .*; use everyday/);
});

test("contradictory options are refused before training", async () => {
  const refusals: [string[], RegExp][] = [
    [["--epochs", "1", "--steps", "1"], /--epochs.*cannot be used with.*--steps/],
    [["--method", "full", "--in-place"], /use the method prompt/],
    [["--method", "prompt", "--replay", data], /replay has no effect/],
    [["--replay-weight", "2"], /a replay weight needs a replay set/],
    [["--retain", join(folder, "nowhere.json")], /nowhere\.json/],
  ];
  for (const [words, message] of refusals) {
    const { code, stderr } = await groundling(["adapt", "--data", data, ...words, "--out", out("none")]);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /^step/m);
  }
});

function picture(): string {
  return join(data, "images", "000000.png");
}

function near(found: readonly number[], wanted: readonly number[], most: number) {
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - wanted[i]!) < most, `number ${i}: ${value} and ${wanted[i]}`);
  });
}

/** The exported model's detections in the picture, read as its note describes. */
async function answersOf(onnx: string) {
  const { tensor, width, height } = prepareImage(await decodePicture(picture()), {
    ...glipPictures,
    size: { short: 96, max: 96 },
  });
  const { InferenceSession, Tensor } = await runtime();
  const session = await InferenceSession.create(onnx);
  const { logits, offsets, centerness } = await session.run({ image: new Tensor("float32", tensor, [1, 3, 96, 96]) });
  await session.release();
  const { classes } = JSON.parse(readFileSync(`${onnx}.json`, "utf8"));
  const numbers = (tensor: { data: unknown } | undefined) => tensor!.data as Float32Array;
  const [, count, tokens] = logits!.dims as [number, number, number];
  let at = 0;
  const levels = anchorsOf(96, 96).map((anchors) => {
    const length = anchors.length / 4;
    const part = (of: Float32Array, width: number) => of.subarray(width * at, width * (at + length));
    const level = {
      logits: part(numbers(logits), tokens),
      // [a,4] to [4,a], as in the model's own maps.
      offsets: turned(part(numbers(offsets), 4), length),
      centerness: part(numbers(centerness), 1),
      anchors,
    };
    at += length;
    return level;
  });
  assert.equal(at, count);
  const labelTokens = classes.map(({ tokens }: { tokens: number[] }) => tokens);
  return bestFirst(selectDetections(levels, { labelTokens, width, height }));
}

function turned(rows: Float32Array, length: number): Float32Array {
  return Float32Array.from({ length: 4 * length }, (_, i) => rows[4 * (i % length) + Math.floor(i / length)]!);
}
