import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { smallestIndices } from "./smallest.ts";

interface Case {
  numbers: number[];
  count: number;
  /** Of PyTorch 1.13's `topk(largest=False)` on a CPU, ascending. */
  indices: number[];
}

test("of equal numbers those are chosen that PyTorch chooses on a CPU", () => {
  const cases: Case[] = JSON.parse(readFileSync(new URL("fixtures/smallest.json", import.meta.url), "utf8"));
  for (const { numbers, count, indices } of cases)
    assert.deepEqual(
      smallestIndices(numbers, count).sort((a, b) => a - b),
      indices,
      `${count} of ${numbers.length}`,
    );
  assert.ok(cases.length > 20);
});
