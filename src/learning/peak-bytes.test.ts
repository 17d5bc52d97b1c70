import assert from "node:assert/strict";
import { test } from "node:test";
import { add, input, multiply, reshape, sum } from "../tensor/index.ts";
import { peakBytes } from "./peak-bytes.ts";

test("each value counts until its last use; inputs, outputs and reshapes do not", () => {
  const x = input("x", [10]);
  const doubled = multiply(x, 2);
  const squared = multiply(doubled, doubled);
  const third = add(squared, 1);
  // Of a chain, two at once.
  assert.equal(peakBytes([sum(doubled)]), 40);
  assert.equal(peakBytes([sum(multiply(third, third))]), 80);
  // The first is needed again at the end.
  assert.equal(peakBytes([sum(add(multiply(third, third), doubled))]), 120);
  assert.equal(peakBytes([sum(reshape(squared, [5, 2]))]), 80);
  assert.equal(peakBytes([doubled, squared, sum(third)]), 40);
});
