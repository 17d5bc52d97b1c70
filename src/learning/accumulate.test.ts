import assert from "node:assert/strict";
import { test } from "node:test";
import { GradientSum } from "./accumulate.ts";
import { averageTasks, copyNumbers } from "./ema.ts";
import { perform } from "./kernels.ts";

test("gradients of batches are added without changing the input arrays", () => {
  const first = new Map([["a", Float32Array.of(1, 2)]]);
  const second = new Map([
    ["a", Float32Array.of(10, 20)],
    ["b", Float32Array.of(5)],
  ]);
  const sum = new GradientSum(3);
  for (const gradients of [first, second, second]) sum.add(gradients);
  assert.equal(sum.count, 3);
  assert.deepEqual([...sum.total.get("a")!], [21, 42]);
  assert.deepEqual([...sum.total.get("b")!], [10]);
  assert.deepEqual([...first.get("a")!], [1, 2]);
  assert.deepEqual([...second.get("b")!], [5]);
});

test("a moving average follows the weights by one minus its decay", () => {
  const weights = new Map([["a", Float32Array.of(1, 4)]]);
  const average = copyNumbers(weights);
  weights.get("a")!.set([2, 8]);
  averageTasks(average, weights, 0.75).forEach(perform);
  assert.deepEqual([...average.get("a")!], [1.25, 5]);
  assert.throws(() => averageTasks(new Map(), weights, 0.5), { name: "WeightsError", message: /a has no entries/ });
});
