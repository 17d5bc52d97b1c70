import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../grad/index.ts";
import { evaluate } from "../onnx/index.ts";
import { dropBlock, dropout, dropPath, input, total } from "./index.ts";

/** Uniform random numbers that keep these numbers of elements before each zero, and then all. */
function keeping(rate: number, ...counts: number[]): () => number {
  let i = 0;
  return () => 1 - (1 - rate) ** ((counts[i++] ?? Number.POSITIVE_INFINITY) + 0.5);
}

test("dropout is the identity outside training", async () => {
  const x = input("x", [4]);
  const found = await evaluate({ y: dropout(x, 0.5) }, { x: Float32Array.of(1, 2, 3, 4) });
  assert.deepEqual([...found.y], [1, 2, 3, 4]);
  assert.equal(dropout(x, 0), x);
});

test("dropout drops and scales by the random numbers, and its gradient passes at the kept elements", async () => {
  const x = input("x", [4]);
  const y = dropout(x, 0.5);
  const [slope] = gradients(total(y), [x]);
  const feeds = { x: Float32Array.of(1, 2, 3, 4) };
  const found = await evaluate({ y, slope: slope! }, feeds, { training: true, random: keeping(0.5, 0, 0) });
  assert.deepEqual([...found.y], [0, 0, 6, 8]);
  assert.deepEqual([...found.slope], [0, 0, 2, 2]);
});

test("drop path drops complete samples", async () => {
  const x = input("x", [4, 2]);
  const found = await evaluate(
    { y: dropPath(x, 0.25) },
    { x: new Float32Array(8).fill(3) },
    { training: true, random: keeping(0.25, 0) },
  );
  assert.deepEqual([...found.y], [0, 0, 4, 4, 4, 4, 4, 4]);
});

test("drop block drops squares of all channels and keeps the mean of what is kept", async () => {
  const x = input("x", [1, 2, 5, 5]);
  const random = keeping(0.3 / 9, 12);
  const feeds = { x: new Float32Array(50).fill(16 / 25) };
  const found = await evaluate({ y: dropBlock(x, 0.3, 3) }, feeds, { training: true, random });
  const row = [1, 0, 0, 0, 1];
  const channel = [1, 1, 1, 1, 1, ...row, ...row, ...row, 1, 1, 1, 1, 1];
  [...found.y].forEach((value, i) => {
    assert.ok(Math.abs(value - channel[i % 25]!) < 1e-6, `${i}: ${value}`);
  });
});

test("a rate outside 0..1 is refused", () => {
  assert.throws(() => dropout(input("x", [2]), 1), { message: /dropout: rate 1 is outside 0..1; operands \[2\]/ });
});

test("a map dropped completely by drop block becomes zero, not NaN", async () => {
  const y = dropBlock(input("x", [1, 1, 2, 2]), 0.9, 3);
  const found = await evaluate({ y }, { x: Float32Array.of(1, 2, 3, 4) }, { training: true, random: keeping(0.1, 0) });
  assert.deepEqual([...found.y], [0, 0, 0, 0]);
});
