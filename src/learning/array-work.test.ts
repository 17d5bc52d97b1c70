import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../data/random.ts";
import { AdamW } from "./adamw.ts";
import { performAll } from "./array-work.ts";
import { globalNorm } from "./clip.ts";
import { averageTasks, copyNumbers } from "./ema.ts";
import type { NamedArrays } from "./optimizer.ts";
import { parameterGroups } from "./parameter-groups.ts";
import { isShared, sharedCopy } from "./shared-arrays.ts";

const random = new Random(4);
/** Enough numbers that helper threads are used. */
const lengths = [150_000, 3, 90_000, 70_001, 1, 120_000];
const numbers = (): NamedArrays =>
  new Map(lengths.map((length, i) => [`x${i}`, Float32Array.from({ length }, () => random.unit() - 0.5)]));

test("updates of shared arrays by several threads have the bits of those by one", async () => {
  const weights = numbers();
  const shared = sharedCopy(weights);
  const gradients = [numbers(), numbers(), numbers()];
  const alone = await updated(weights, gradients);
  const divided = await updated(shared, gradients.map(sharedCopy));
  assert.ok(
    [...Object.values(divided.state), ...divided.average.values()].every((x) => typeof x === "number" || isShared(x)),
  );
  assert.deepEqual(weights, plain(shared));
  assert.deepEqual(alone.norms, divided.norms);
  assert.deepEqual(alone.average, plain(divided.average));
  const state = Object.entries(divided.state).map(([name, x]) => [name, typeof x === "number" ? x : x.slice()]);
  assert.deepEqual(alone.state, Object.fromEntries(state));
});

test("sums are rounded after each addition in the order of the parts, and answers come in the order of the tasks", async () => {
  const parts = [numbers(), numbers(), numbers()].map(sharedCopy);
  const total = sharedCopy(numbers());
  const names = [...total.keys()];
  await performAll(
    names.map((name) => {
      const arrays = { total: total.get(name)!, parts: parts.map((part) => part.get(name)!) };
      return { kernel: "sum", arrays, numbers: {} };
    }),
  );
  for (const name of names) {
    const [a, b, c] = parts.map((part) => part.get(name)!) as [Float32Array, Float32Array, Float32Array];
    assert.deepEqual(
      total.get(name)!.slice(),
      a.map((x, i) => Math.fround(x + b[i]!) + c[i]!),
    );
  }
  const tasks = names.map(
    (name) => ({ kernel: "squares", arrays: { values: total.get(name)! }, numbers: {} }) as const,
  );
  const expected = names.map((name) => total.get(name)!.reduce((sum, x) => sum + x * x, 0));
  assert.deepEqual(await performAll(tasks), expected);
  assert.deepEqual(await performAll([]), []);
});

async function updated(weights: NamedArrays, gradients: readonly NamedArrays[]) {
  const optimizer = new AdamW(parameterGroups(weights.keys(), { learningRate: 0.1, weightDecay: 0.01 }));
  const average = copyNumbers(weights);
  const norms: number[] = [];
  for (const each of gradients) {
    norms.push(await globalNorm(each));
    await performAll([...optimizer.tasks(weights, each), ...averageTasks(average, weights, 0.9)]);
  }
  return { norms, average, state: optimizer.save() };
}

/** Copies outside shared memory. */
function plain(arrays: NamedArrays): NamedArrays {
  return new Map([...arrays].map(([name, values]) => [name, values.slice()]));
}
