import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedArrays } from "./shared-arrays.ts";

test("an array of one type and length keeps its memory, another gets new memory", () => {
  const arrays = new SharedArrays();
  const first = arrays.copy("x", Float32Array.of(1, 2));
  assert.ok(first.buffer instanceof SharedArrayBuffer);
  assert.equal(arrays.copy("x", Float32Array.of(3, 4)), first);
  assert.deepEqual([...first], [3, 4]);
  assert.notEqual(arrays.like("y", first), first);
  assert.equal(arrays.copy("x", Float32Array.of(5)).length, 1);
  assert.deepEqual([...arrays.copy("x", BigInt64Array.of(5n))], [5n]);
});
