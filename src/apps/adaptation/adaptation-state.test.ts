import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadWorld, writeSceneDataset } from "../../data/scenes/index.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { AnyWords } from "../../inputs/words/words.ts";
import { readCheckpoint, writeCheckpoint } from "../../learning/checkpoint.ts";
import { checkpointFile } from "../../learning/train.ts";
import { glipPictures } from "../../models/parts/glip-pictures.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { tinyModel, vocabulary } from "../../tasks/grounding/fixtures/tiny-model.ts";
import { adaptModel, TrainingSessions } from "./adapt-model.ts";
import type { AdaptationRequest } from "./adaptation-request.ts";
import { AdaptationState } from "./adaptation-state.ts";

const root = mkdtempSync(join(tmpdir(), "adaptation-state-"));
const words = new AnyWords(WordPieces.parse(readFileSync(vocabulary, "utf8")));
const base: StoredModel = {
  ...tinyModel(),
  words,
  vocabulary,
  preparation: { ...glipPictures, size: { short: 64, max: 64 } },
};
const sessions = new TrainingSessions({ optimization: "none" });
const annotations = join(root, "set", "instances.json");
const request: AdaptationRequest = {
  ...{
    method: "linear",
    train: { data: annotations },
    valid: { data: annotations },
    steps: 24,
    pictures: 2,
    shards: 1,
  },
};

before(async () => {
  const world = loadWorld(join(root, "sprites"), { names: "everyday" });
  await writeSceneDataset(world, { folder: join(root, "set"), count: 2, seed: 1, size: 64, form: "boxes" });
  const truth = JSON.parse(readFileSync(annotations, "utf8"));
  const used = new Set(truth.annotations.map(({ category_id }: { category_id: number }) => category_id));
  truth.categories = truth.categories.filter(({ id }: { id: number }) => used.has(id));
  writeFileSync(annotations, JSON.stringify(truth));
});
after(async () => {
  await sessions.dispose();
  rmSync(root, { recursive: true });
});

/** Adapts until a step, or to the end. */
function adapt(name: string, { until, ...more }: Partial<AdaptationRequest> & { until?: number; resume?: boolean }) {
  const controller = new AbortController();
  const stepped = ({ step }: { step: number }) => {
    if (step === until) controller.abort();
  };
  const { resume = false, ...given } = more;
  const checkpoints = { folder: join(root, name), every: 7, resume };
  const { signal } = controller;
  return adaptModel(base, { ...request, ...given, checkpoints, signal, listeners: [{ stepped }] }, sessions);
}

test("an adaptation interrupted before and after an evaluation ends with the same bits", async () => {
  const whole = await adapt("whole", {});
  assert.equal(whole.interrupted, false);
  for (const until of [5, 22]) {
    const part = await adapt("parts", { until, resume: until > 5 });
    assert.deepEqual([part.steps, part.interrupted], [until, true]);
  }
  const end = await adapt("parts", { resume: true });
  assert.deepEqual([end.steps, end.interrupted, end.best], [24, false, whole.best]);
  assert.deepEqual(end.learned, whole.learned);
  const [a, b] = await Promise.all(
    ["whole", "parts"].map((name) => readCheckpoint(checkpointFile(join(root, name), "last"))),
  );
  assert.deepEqual(a!.optimizer, b!.optimizer);
});

test("a run with other settings is not resumed, and the differing settings are named", async () => {
  const other = adapt("whole", { resume: true, steps: 30, learningRate: 0.1 });
  await assert.rejects(other, { name: "InputError", message: /with another steps, learningRate; give the same/ });
});

test("resuming a run with a scored checkpoint restores the best numbers", async () => {
  const folder = join(root, "best");
  const run = { ...request, checkpoints: { folder, resume: true } };
  const numbers = new Map([["a", Float32Array.of(1)]]);
  const { checkpoints } = new AdaptationState(numbers, run, base);
  const recipe = checkpoints!.recipe!;
  const better = new Map([["a", Float32Array.of(2)]]);
  const write = (name: "last" | "best", best: number | null) =>
    writeCheckpoint(checkpointFile(folder, name), { weights: better, optimizer: {}, state: { best, recipe } });
  await write("best", 0.4);
  for (const [best, wanted] of [
    [0.4, better],
    [null, numbers],
  ] as const) {
    await write("last", best);
    const kept = new AdaptationState(numbers, run, base);
    await kept.resume();
    assert.deepEqual(kept.best, wanted);
  }
});
