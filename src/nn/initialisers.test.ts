import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fanInUniform,
  filled,
  type Initialiser,
  kaimingUniform,
  normal,
  truncatedNormal,
  uniformWithin,
  xavierUniform,
} from "./initialisers.ts";

/** Uniform numbers from a seed (Park and Miller 1988). */
function uniform(seed = 9): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function statistics(initialise: Initialiser, shape: readonly number[]) {
  const numbers = initialise(shape, uniform());
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { count: numbers.length, mean, deviation: Math.sqrt(squares / numbers.length), largest };
}

function assertUniform(initialise: Initialiser, shape: readonly number[], bound: number): void {
  const { mean, deviation, largest } = statistics(initialise, shape);
  assert.ok(Math.abs(mean) < 0.03 * bound);
  assert.ok(Math.abs(deviation / (bound / Math.sqrt(3)) - 1) < 0.03);
  assert.ok(largest <= bound && largest > 0.99 * bound);
}

test("uniform weights are spread over their range", () => {
  assertUniform(uniformWithin(0.3), [100, 100], 0.3);
});

test("the range depends on the numbers of inputs and outputs of a layer", () => {
  assertUniform(fanInUniform, [64, 16, 3, 3], 1 / 12);
  assertUniform(kaimingUniform, [64, 16, 3, 3], Math.sqrt(3) / 12);
  assertUniform(xavierUniform, [150, 50], Math.sqrt(6 / 200));
  assertUniform(xavierUniform, [32, 16, 3, 3], Math.sqrt(6 / (9 * 48)));
});

test("normal weights have their deviation, and truncated ones stay within two deviations", () => {
  const whole = statistics(normal(0.02), [100, 100]);
  assert.ok(Math.abs(whole.deviation / 0.02 - 1) < 0.03 && Math.abs(whole.mean) < 1e-3);
  assert.ok(whole.largest > 0.06);
  const cut = statistics(truncatedNormal(0.02), [100, 100]);
  // The deviation of a normal cut at two deviations.
  assert.ok(Math.abs(cut.deviation / (0.02 * 0.8796) - 1) < 0.03);
  assert.ok(cut.largest <= 0.04 && cut.largest > 0.039);
});

test("the same random numbers give the same weights", () => {
  assert.deepEqual(normal(1)([5, 3], uniform(4)), normal(1)([5, 3], uniform(4)));
  assert.deepEqual([...filled(0.25)([2], uniform())], [0.25, 0.25]);
});
