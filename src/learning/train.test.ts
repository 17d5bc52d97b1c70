import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCheckpoint } from "./checkpoint.ts";
import { DivergenceError } from "./divergence.ts";
import { lineRun, type Points } from "./fixtures/line.ts";
import { checkpointFile, type TrainingOptions, train } from "./train.ts";

const root = mkdtempSync(join(tmpdir(), "train-"));
after(() => rmSync(root, { recursive: true }));

test("training fits a line; the moving average follows, and the best checkpoint is kept", async () => {
  const folder = join(root, "line");
  const steps: number[] = [];
  const result = await train({
    ...lineRun(200),
    checkpoints: { folder, every: 50, recipe: { name: "line" } },
    listeners: [{ stepped: ({ step, pictures }) => void steps.push(step * pictures) }],
  });
  assert.equal(result.interrupted, false);
  assert.ok(Math.abs(result.weights.get("slope")![0]! - 2) < 0.1);
  assert.ok(Math.abs(result.weights.get("offset.bias")![0]! + 0.95) < 0.1);
  assert.notDeepEqual(result.average, result.weights);
  assert.deepEqual(
    steps,
    Array.from({ length: 200 }, (_, i) => (i + 1) * 8),
  );
  const best = await readCheckpoint(checkpointFile(folder, "best"));
  assert.equal(best.state.best, result.best);
  assert.equal(best.state.best, -Math.abs(best.weights.get("slope")![0]! - 2));
  const last = await readCheckpoint(checkpointFile(folder, "last"));
  assert.deepEqual(last.state.recipe, { name: "line" });
  assert.deepEqual(last.weights, result.weights);
  assert.deepEqual(last.average, result.average);
});

test("a run stopped by its signal and resumed ends with the same bits", async () => {
  const whole = join(root, "whole");
  const parted = join(root, "parted");
  await train({ ...lineRun(60), checkpoints: { folder: whole, every: 10 } });
  for (const stopAt of [13, 14, 40, undefined]) {
    const controller = new AbortController();
    const result = await train({
      ...lineRun(60),
      signal: controller.signal,
      checkpoints: { folder: parted, every: 10, resume: true },
      listeners: [{ stepped: ({ step }) => (step === stopAt ? controller.abort() : undefined) }],
    });
    assert.deepEqual([result.step, result.interrupted], [stopAt ?? 60, stopAt !== undefined]);
  }
  for (const name of ["last", "best"] as const) {
    assert.ok(readFileSync(checkpointFile(whole, name)).equals(readFileSync(checkpointFile(parted, name))), name);
  }
});

test("resuming a finished run changes nothing", async () => {
  const folder = join(root, "whole");
  const before = readFileSync(checkpointFile(folder, "last"));
  const result = await train({ ...lineRun(60), checkpoints: { folder, every: 10, resume: true } });
  assert.equal(result.step, 60);
  assert.ok(before.equals(readFileSync(checkpointFile(folder, "last"))));
});

test("a loss of NaN stops the run and keeps the batch and the last checkpoint", async () => {
  const folder = join(root, "nan");
  const options = withLosses(17, (losses) => ({ ...losses, square: Number.NaN }));
  await assert.rejects(train({ ...options, checkpoints: { folder, every: 5 } }), (error) => {
    assert.ok(error instanceof DivergenceError);
    assert.match(error.message, /after step 8: the loss is not finite \(square NaN\)/);
    return true;
  });
  assert.equal((await readCheckpoint(checkpointFile(folder, "last"))).state.step, 5);
  const said = JSON.parse(readFileSync(join(folder, "failed-step-8-batch-1.json"), "utf8"));
  assert.deepEqual(said, { problem: "the loss is not finite", step: 8, losses: { square: "NaN" }, position: 17 });
  const batch = JSON.parse(readFileSync(join(folder, "failed-step-8-batch-1.data"), "utf8")) as Points;
  assert.equal(batch.job, 17);
  assert.equal(batch.x.length, 4);
});

test("a loss far above its mean, and a gradient that is not finite, stop the run too", async () => {
  const folder = join(root, "high");
  const high = withLosses(30, ({ square }) => ({ square: square! + 1e4 }));
  await assert.rejects(train({ ...high, checkpoints: { folder } }), { message: /20 times its running mean/ });
  assert.deepEqual(readdirSync(folder).slice(1), ["failed-step-15-batch-0.data", "failed-step-15-batch-0.json"]);

  const options = lineRun(40);
  const weights = structuredClone(options.weights);
  const endless: TrainingOptions<Points> = {
    ...options,
    step: async (...given) => {
      const { losses, gradients } = await options.step(...given);
      gradients.get("slope")![0] = Number.POSITIVE_INFINITY;
      return { losses, gradients };
    },
  };
  await assert.rejects(train(endless), { message: /after step 0: the gradient is not finite/ });
  assert.deepEqual(options.weights, weights);
});

test("a checkpoint of another model, a damaged one and an unknown metric are refused by name", async () => {
  const folder = join(root, "other");
  await train({ ...lineRun(4), checkpoints: { folder } });
  const checkpoints = { folder, resume: true };
  const other = lineRun(4, 3);
  other.weights.delete("slope");
  await assert.rejects(train({ ...other, checkpoints }), {
    name: "WeightsError",
    message: /size {5}ballast: run 3, file 0\n {2}unused {3}slope/,
  });
  writeFileSync(checkpointFile(folder, "last"), readFileSync(checkpointFile(folder, "last")).subarray(0, 300));
  await assert.rejects(train({ ...lineRun(4), checkpoints }), { name: "WeightsError", message: /last\.safetensors/ });

  const evaluation = { every: 2, best: "AP", run: async () => ({ AP50: 1 }) };
  await assert.rejects(train({ ...lineRun(4), evaluation }), { name: "RecipeError", message: /named AP;.* AP50/ });
});

test("listeners are called in order, and at the end even after an error", async () => {
  const events: string[] = [];
  const listener = {
    started: ({ step }: { step: number }) => void events.push(`started ${step}`),
    stepped: ({ step }: { step: number }) => void events.push(`stepped ${step}`),
    evaluated: ({ step, best }: { step: number; best: boolean }) => void events.push(`evaluated ${step} ${best}`),
    saved: ({ file }: { file: string }) => void events.push(`saved ${file.slice(root.length + 1)}`),
    ended: () => void events.push("ended"),
  };
  await train({ ...lineRun(2), checkpoints: { folder: join(root, "heard"), every: 1 }, listeners: [listener] });
  const files = ["best", "last"].map((name) => `saved ${checkpointFile("heard", name as "best")}`);
  assert.deepEqual(events, ["started 0", "stepped 1", files[1], "stepped 2", "evaluated 2 true", ...files, "ended"]);
  events.length = 0;
  await assert.rejects(train({ ...withLosses(0, () => ({ a: Number.NaN })), listeners: [listener] }));
  assert.deepEqual(events, ["started 0", "ended"]);
});

/** The line's run with the losses of one batch changed. */
function withLosses(
  job: number,
  change: (losses: Record<string, number>) => Record<string, number>,
): TrainingOptions<Points> {
  const options = lineRun(40);
  return {
    ...options,
    step: async (weights, batch) => {
      const { losses, gradients } = await options.step(weights, batch);
      return { losses: batch.job === job ? change(losses) : losses, gradients };
    },
  };
}
