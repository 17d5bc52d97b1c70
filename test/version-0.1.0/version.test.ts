import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRecipe } from "../../src/apps/training/recipe.ts";
import { runRecipe } from "../../src/apps/training/run.ts";
import { type Detection, loadModel } from "../../src/index.ts";
import { readCheckpoint } from "../../src/learning/checkpoint.ts";
import type { NamedArrays } from "../../src/learning/optimizer.ts";
import { readJobStatus } from "../../src/tasks/labelling/label-job.ts";
import { groundling, repository } from "../cli/running.ts";

/** Files and results of version 0.1.0; README.md describes how they were made. */
const stored = fileURLToPath(new URL("fixtures/", import.meta.url));
const answers: {
  processor: string;
  detections: Record<string, Detection[]>;
  trained: { step: number; hash: string; averageHash: string; first: Record<string, number[]> };
} = JSON.parse(readFileSync(join(stored, "answers.json"), "utf8"));

/** On the kind of processor that recorded the results, every bit must be the same; on others, kernels add in another order. */
const sameProcessor = processorKind() === answers.processor;
const tolerance = { score: 1e-4, pixels: 0.05, weight: 4e-3 };

const scene = join(stored, "data/images/000000.png");
const photo = join(repository, "examples/photos/cat.jpg");
const options = { size: { short: 96, max: 96 }, threshold: 0.01, topK: 10 };

test("the built-in model finds names and phrases as version 0.1.0 did, also in photos", async () => {
  const model = await loadModel();
  try {
    sameDetections(await model.detect(scene, ["apple", "chair", "dog"], options), "names");
    sameDetections(await model.ground(scene, "two red apples and a dog beside a chair", options), "caption");
    const ofPhoto = { size: { short: 128, max: 200 }, threshold: 0.05, topK: 10 };
    sameDetections(await model.detect(photo, "cat. cup.", ofPhoto), "photo");
  } finally {
    await model.dispose();
  }
});

test("a prompt and adapters of version 0.1.0 load and give the same detections", async () => {
  for (const [name, classes] of [
    ["prompt", undefined],
    ["adapters", ["apple", "chair", "dog"]],
  ] as const) {
    const model = await loadModel(undefined, { adapted: join(stored, `${name}.safetensors`) });
    try {
      sameDetections(await model.detect(scene, classes, options), name);
    } finally {
      await model.dispose();
    }
  }
});

test("a run started by version 0.1.0 ends with the same weights", async () => {
  const folder = mkdtempSync(join(tmpdir(), "groundling-0.1.0-"));
  try {
    copyFileSync(join(stored, "checkpoint.safetensors"), join(folder, "last.safetensors"));
    const data = join(stored, "data/instances.json");
    const recipe = readRecipe(join(stored, "recipe.json"), [
      `data.sources=[{"data":${JSON.stringify(data)},"weight":1}]`,
    ]);
    await runRecipe(recipe, { folder, resume: true, sprites: join(folder, "sprites") });
    const { weights, average, state } = await readCheckpoint(join(folder, "last.safetensors"));
    const { step, hash, averageHash, first } = answers.trained;
    assert.equal(state.step, step);
    assert.deepEqual([...weights.keys()].sort(), Object.keys(first).sort());
    if (sameProcessor) assert.deepEqual([hashOf(weights), hashOf(average!)], [hash, averageHash]);
    for (const [name, numbers] of Object.entries(first))
      numbers.forEach((number, i) => {
        assert.ok(Math.abs(weights.get(name)![i]! - number) <= tolerance.weight, `${name}[${i}]`);
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a labelling job of version 0.1.0 is recognised as finished and not repeated", async () => {
  const folder = mkdtempSync(join(tmpdir(), "groundling-0.1.0-"));
  try {
    cpSync(join(stored, "labelled"), join(folder, "labelled"), { recursive: true });
    cpSync(join(stored, "pairs.tar"), join(folder, "pairs/000000.tar"));
    const { shards, done, deadLetters } = await readJobStatus(join(folder, "labelled"));
    assert.deepEqual({ shards, done, deadLetters }, { shards: 1, done: 1, deadLetters: [] });
    const command = ["pseudo-label", "pairs", "--out", "labelled", "--threshold", "0.2", "--size", "128,128"];
    const { code, stderr } = await groundling(command, { cwd: folder });
    assert.equal(code, 0, stderr);
    for (const name of readdirSync(join(stored, "labelled"), { recursive: true, encoding: "utf8" })) {
      const before = join(stored, "labelled", name);
      if (!name.includes(".")) continue;
      assert.ok(existsSync(join(folder, "labelled", name)), name);
      assert.ok(readFileSync(before).equals(readFileSync(join(folder, "labelled", name))), `${name} was written anew`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function sameDetections(found: readonly Detection[], name: string): void {
  const expected = answers.detections[name]!;
  if (sameProcessor) {
    assert.deepEqual(found, expected, name);
    return;
  }
  const sure = (all: readonly Detection[]) => all.filter(({ score }) => score >= options.threshold + tolerance.score);
  assert.equal(sure(found).length, sure(expected).length, name);
  for (const { label, score, box } of sure(expected)) {
    const sides = Object.entries(box) as [keyof Detection["box"], number][];
    assert.ok(
      found.some(
        (one) =>
          one.label === label &&
          Math.abs(one.score - score) <= tolerance.score &&
          sides.every(([side, at]) => Math.abs(one.box[side] - at) <= tolerance.pixels),
      ),
      `${name}: ${label} ${score}`,
    );
  }
}

function hashOf(numbers: NamedArrays): string {
  const hash = createHash("sha256");
  for (const [name, { buffer, byteOffset, byteLength }] of [...numbers].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex");
}

/** The processor features that Linux lists, which decide the kernels. */
function processorKind(): string {
  if (!existsSync("/proc/cpuinfo")) return "unknown";
  const flags = /^flags\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  return createHash("sha256").update(flags.split(" ").sort().join(" ")).digest("hex");
}
