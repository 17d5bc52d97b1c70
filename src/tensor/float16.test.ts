import assert from "node:assert/strict";
import { test } from "node:test";
import { toFloat16 } from "./index.ts";

const bits = (value: number) => toFloat16([value])[0]!.toString(16);

test("float16 bits are those of IEEE 754, rounded to nearest and ties to even", () => {
  assert.deepEqual([1, -2, 0.5, 0, -0, 65504].map(bits), ["3c00", "c000", "3800", "0", "8000", "7bff"]);
  assert.deepEqual([1 / 3, Math.PI, 2 ** -14].map(bits), ["3555", "4248", "400"]);
  assert.deepEqual([1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20].map(bits), ["3c00", "3c02", "3c01"]);
});

test("small numbers become subnormal halves, then zero", () => {
  assert.deepEqual([2 ** -24, 3 * 2 ** -25, 2 ** -25, 1e-10, -(2 ** -15)].map(bits), ["1", "2", "0", "0", "8200"]);
  assert.equal(bits(2 ** -14 - 2 ** -26), "400");
});

test("large finite numbers stay finite", () => {
  assert.deepEqual([1e9, -1e9, 65520, Number.POSITIVE_INFINITY].map(bits), ["7bff", "fbff", "7bff", "7c00"]);
  assert.equal(bits(Number.NaN), "7e00");
});
