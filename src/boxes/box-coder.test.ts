import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBoxes, encodeBoxes } from "./box-coder.ts";

const anchors = Float32Array.of(-28, -28, 35, 35, 100, 50, 227, 177);
const boxes = Float32Array.of(0, 2, 40, 60, 110, 40, 260, 190);

function assertClose(actual: Float32Array, expected: number[], tolerance: number) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, k) => {
    assert.ok(Math.abs(value - expected[k]!) <= tolerance, `${value} at ${k}, expected ${expected[k]}`);
  });
}

test("two boxes encode to the reference's offsets (check vector V7)", () => {
  const expected = [2.578125, 4.296875, -2.226555, -0.406728, 1.6796875, 0.1171875, 0.826248, 0.826248];
  assertClose(encodeBoxes(boxes, anchors), expected, 1e-6);
});

test("decoding encoded boxes gives the boxes", () => {
  assertClose(decodeBoxes(encodeBoxes(boxes, anchors), anchors), [...boxes], 1e-4);
});

test("a predicted size is at most 62.5 anchors, and has no minimum", () => {
  const [left, , right] = decodeBoxes(Float32Array.of(0, 0, 1000, -1000), anchors.subarray(0, 4));
  assert.ok(Math.abs(right! - left! + 1 - 62.5 * 64) < 0.01);
  const [, top, , bottom] = decodeBoxes(Float32Array.of(0, 0, 1000, -1000), anchors.subarray(0, 4));
  assert.equal(bottom! - top! + 1, 0);
});
