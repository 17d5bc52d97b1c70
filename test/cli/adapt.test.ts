/** From a dataset to a model that finds its things, and to the ways of asking it, as a user goes it. */

import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { bestFirst, selectDetections } from "../../src/boxes/select.ts";
import { decodePicture } from "../../src/inputs/picture.ts";
import { prepareImage } from "../../src/inputs/prepare-image.ts";
import { anchorsOf } from "../../src/tasks/grounding/targets.ts";
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

test("full tuning writes a model, and tells what was forgotten of everyday things", async () => {
  const table = await run(["adapt", "--data", data, "--epochs", "1", ...short, "--out", out("full")]);
  assert.match(table, /full: \d+ numbers learned in 2 steps/);
  assert.match(table, /other things/);
  const { retained, steps, classes } = report("full");
  assert.deepEqual([steps, classes], [2, ["apple", "chair"]]);
  assert.ok(retained.before > 0.02 && retained.after !== retained.before);
  const found = JSON.parse(
    await run(["detect", picture(), ...json, "--classes", "apple,chair", "--model", join(out("full"), "model")]),
  );
  assert.equal(found.length, 1);
});

test("a tuned prompt is a few kB, forgets nothing, and answers through detect, eval and export", async () => {
  await run([
    "adapt",
    "--data",
    data,
    "--method",
    "prompt",
    "--steps",
    "5",
    "--in-place",
    ...short,
    "--out",
    out("prompt"),
  ]);
  const file = join(out("prompt"), "prompt.safetensors");
  assert.ok(statSync(file).size < 8192);
  const { retained } = report("prompt");
  assert.equal(retained.after, retained.before);

  const [{ detections }] = JSON.parse(await run(["detect", picture(), ...json, "--adapted", file, ...short]));
  assert.ok(detections.length > 0);
  const plain = JSON.parse(await run(["detect", picture(), ...json, "--classes", "apple,chair", ...short]));
  assert.notDeepEqual(detections, plain[0].detections);

  const records = join(folder, "records.jsonl");
  await run(["eval", "--data", data, "--adapted", file, ...short, "--detections", records, "--workers", "1"]);
  const ofPicture = readFileSync(records, "utf8")
    .split("\n")
    .filter((line) => line.includes('"image_id":0,'))
    .map((line) => JSON.parse(line).score);
  assert.deepEqual(
    ofPicture.sort().reverse(),
    detections.map(({ score }: { score: number }) => score),
  );

  const onnx = join(folder, "model.onnx");
  await run(["export", "--adapted", file, "--size", "96x96", "--out", onnx]);
  const expected = detections.map(({ score }: { score: number }) => score);
  const scores = await scoresOf(onnx);
  assert.equal(scores.length, expected.length);
  scores.forEach((score, i) => {
    assert.ok(Math.abs(score - expected[i]) < 1e-4, `${score} and ${expected[i]}`);
  });
});

test("what makes no sense is refused before anything is trained", async () => {
  const refusals: [string[], RegExp][] = [
    [["--epochs", "1", "--steps", "1"], /--epochs.*cannot be used with.*--steps/],
    [["--method", "full", "--in-place"], /take the method prompt/],
    [["--method", "prompt", "--replay", data], /nothing to replay/],
  ];
  for (const [words, message] of refusals) {
    const { code, stderr } = await groundling(["adapt", "--data", data, ...words, "--out", out("none")]);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  }
});

function picture(): string {
  return join(data, "images", "000000.png");
}

/** Scores of the exported model's detections in the picture, read as the note beside it says. */
async function scoresOf(onnx: string): Promise<number[]> {
  const { tensor, width, height } = prepareImage(await decodePicture(picture()), { short: 96, max: 96 });
  const session = await InferenceSession.create(onnx);
  const { logits, offsets, centerness } = await session.run({ image: new Tensor("float32", tensor, [1, 3, 96, 96]) });
  await session.release();
  const { classes } = JSON.parse(readFileSync(`${onnx}.json`, "utf8"));
  const numbers = (tensor: Tensor | undefined) => tensor!.data as Float32Array;
  const [, count, tokens] = logits!.dims as [number, number, number];
  let at = 0;
  const levels = anchorsOf(96, 96).map((anchors) => {
    const length = anchors.length / 4;
    const part = (of: Float32Array, width: number) => of.subarray(width * at, width * (at + length));
    const level = {
      logits: part(numbers(logits), tokens),
      // [a,4] as [4,a], as the model's own maps are.
      offsets: turned(part(numbers(offsets), 4), length),
      centerness: part(numbers(centerness), 1),
      anchors,
    };
    at += length;
    return level;
  });
  assert.equal(at, count);
  const labelTokens = classes.map(({ tokens }: { tokens: number[] }) => tokens);
  return [...bestFirst(selectDetections(levels, { labelTokens, width, height })).scores];
}

function turned(rows: Float32Array, length: number): Float32Array {
  return Float32Array.from({ length: 4 * length }, (_, i) => rows[4 * (i % length) + Math.floor(i / length)]!);
}
