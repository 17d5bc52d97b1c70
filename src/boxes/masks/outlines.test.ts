import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../data/random.ts";
import { oneOutline, outlinesOf } from "./outlines.ts";
import { rasterise, rasterisePart } from "./polygons.ts";
import { runLengthsOf } from "./run-lengths.ts";

const drawn = (...rows: string[]) =>
  runLengthsOf(
    Uint8Array.from(rows.join(""), (pixel) => (pixel === "#" ? 1 : 0)),
    rows.length,
    rows[0]!.length,
  );

test("an outline goes clockwise around the corners of a part, and pixels that touch at a corner are two parts", () => {
  assert.deepEqual(outlinesOf(drawn("....", ".##.", ".#..")), [[1, 1, 3, 1, 3, 2, 2, 2, 2, 3, 1, 3]]);
  assert.deepEqual(outlinesOf(drawn("#.", ".#")), [
    [0, 0, 1, 0, 1, 1, 0, 1],
    [1, 1, 2, 1, 2, 2, 1, 2],
  ]);
  assert.deepEqual(outlinesOf(drawn("...", "...")), []);
  assert.deepEqual(oneOutline(drawn("...", "...")), []);
});

test("a hole is joined to the outline of its part, not to a part within the hole", () => {
  const mask = drawn("#####", "#...#", "#.#.#", "#...#", "#####");
  const outlines = outlinesOf(mask);
  assert.equal(outlines.length, 2);
  assert.deepEqual(rasterisePart(outlines[0]!, 5, 5), drawn("#####", "#...#", "#...#", "#...#", "#####"));
  assert.deepEqual(rasterisePart(outlines[1]!, 5, 5), drawn(".....", ".....", "..#..", ".....", "....."));
});

test("the outlines of any mask, and its one outline, give the same mask when they are drawn again", () => {
  const random = new Random(11);
  for (let round = 0; round < 60; round++) {
    const [height, width] = [1 + Math.floor(random.unit() * 12), 1 + Math.floor(random.unit() * 12)];
    const share = random.unit();
    const mask = runLengthsOf(
      Uint8Array.from({ length: height * width }, () => (random.unit() < share ? 1 : 0)),
      height,
      width,
    );
    const outlines = outlinesOf(mask);
    if (outlines.length > 0) {
      assert.deepEqual(rasterise(outlines, height, width), mask);
      assert.deepEqual(rasterisePart(oneOutline(mask), height, width), mask);
    }
    for (const points of outlines) assert.ok(points.length >= 8);
  }
});
