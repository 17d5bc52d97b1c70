import assert from "node:assert/strict";
import { test } from "node:test";
import { pairedBootstrap } from "./bootstrap.ts";

/** The mean of a number per image. */
const meanOf = (values: readonly number[]) => (weights: Float64Array) => ({
  mean: values.reduce((sum, value, image) => sum + weights[image]! * value, 0) / weights.reduce((a, b) => a + b, 0),
});

test("the interval of a mean's difference is that of the normal distribution for many images", () => {
  const gains = Array.from({ length: 400 }, (_, image) => ((image * 7919) % 400) / 400);
  const zeros = gains.map(() => 0);
  const runs = { first: meanOf(zeros), second: meanOf(gains) };
  const [difference] = pairedBootstrap([400], runs, { samples: 2000, seed: 1 });
  // Uniform numbers from 0 to 1: mean 1/2, deviation 1/√12; for a mean of 400 numbers divided by 20.
  const half = 1.96 / Math.sqrt(12) / 20;
  assert.ok(Math.abs(difference!.difference - 0.5) < 0.002);
  assert.ok(Math.abs(difference!.high - 0.5 - half) < 0.1 * half, String(difference!.high));
  assert.ok(Math.abs(0.5 - half - difference!.low) < 0.1 * half, String(difference!.low));
});

test("images are drawn within their set, so that every draw has as many of each", () => {
  const seen = new Set<string>();
  const counting = (weights: Float64Array) => {
    const count = (start: number, end: number) => weights.subarray(start, end).reduce((a, b) => a + b, 0);
    seen.add(`${count(0, 3)} ${count(3, 10)}`);
    return { any: weights[0]! };
  };
  pairedBootstrap([3, 7], { first: counting, second: counting }, { samples: 20 });
  assert.deepEqual([...seen], ["3 7"]);
});
