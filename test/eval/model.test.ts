import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasGoldenModel, printedEval, writeGoldenModel, writeNoise, writeRandomModel } from "./small-model.ts";

const root = mkdtempSync(join(tmpdir(), "groundling-model-"));
after(() => rmSync(root, { recursive: true }));

/** A dataset of noise in COCO's format, and models with random weights and (if present) with golden weights. */
before(async () => {
  const images = Array.from({ length: 4 }, (_, i) => ({
    id: i + 1,
    file_name: `${i}.png`,
    width: 80 + 9 * i,
    height: 64,
  }));
  for (const { file_name, width, height } of images) {
    await writeNoise(join(root, "set", "images", file_name), width, height);
  }
  const annotations = images.map(({ id }) => ({
    id,
    image_id: id,
    category_id: 2,
    bbox: [4, 4, 40, 40],
    area: 1600,
    iscrowd: 0,
  }));
  const categories = [
    { id: 2, name: "dog" },
    { id: 1, name: "cat" },
  ];
  writeFileSync(join(root, "set", "annotations.json"), JSON.stringify({ images, annotations, categories }));
  await writeRandomModel(join(root, "random"));
  if (hasGoldenModel) await writeGoldenModel(join(root, "golden"));
});

/** The output of `groundling eval` for a model; the detections are written to a file. */
function evaluate(model: string, detections: string, ...more: string[]): Promise<string> {
  const paths = ["--data", join(root, "set"), "--model", join(root, model), "--detections", join(root, detections)];
  return printedEval(...paths, "--format", "json", ...more);
}

const bytes = (file: string) => readFileSync(join(root, file), "utf8");

for (const model of ["random", ...(hasGoldenModel ? ["golden"] : [])]) {
  test(`a ${model} model evaluated twice, once by two threads, gives identical bytes`, async () => {
    const first = await evaluate(model, `${model}-1.jsonl`, "--workers", "1");
    assert.ok(bytes(`${model}-1.jsonl`).split("\n").length > 10, "it finds something");
    assert.equal(await evaluate(model, `${model}-2.jsonl`, "--workers", "2"), first);
    assert.equal(bytes(`${model}-2.jsonl`), bytes(`${model}-1.jsonl`));
    assert.equal(JSON.parse(first).metrics.AP50 >= 0, true);
  });
}

test("an existing file of detections is refused with its name, and stays", async () => {
  writeFileSync(join(root, "mine.jsonl"), "mine\n");
  await assert.rejects(evaluate("random", "mine.jsonl", "--workers", "1"), {
    name: "InputError",
    message:
      /mine\.jsonl exists already; score it with --ground-truth and --detections \(without --data\), delete it, or give/,
  });
  assert.equal(bytes("mine.jsonl"), "mine\n");
});

test("an evaluation interrupted by a damaged picture continues there and ends with the same bytes", async () => {
  const whole = await evaluate("random", "whole.jsonl", "--workers", "1");
  const picture = join(root, "set", "images", "2.png");
  const good = readFileSync(picture);
  writeFileSync(picture, "no picture");
  await assert.rejects(evaluate("random", "broken.jsonl", "--workers", "1"), { name: "InputError" });
  await assert.rejects(evaluate("random", "threads.jsonl", "--workers", "2"), { name: "InputError" });
  await assert.rejects(evaluate("no-such-model", "none.jsonl", "--workers", "2"), { name: "InputError" });
  const kept = bytes("broken.jsonl.part");
  assert.equal(kept.split("\n").length, 1 + 2 + 1);
  writeFileSync(picture, good);
  assert.equal(await evaluate("random", "broken.jsonl", "--workers", "1"), whole);
  assert.equal(bytes("broken.jsonl"), bytes("whole.jsonl"));
  assert.ok(!existsSync(join(root, "broken.jsonl.part")));
});
