import assert from "node:assert/strict";
import { test } from "node:test";
import { anchorsOfLevel, levelsOf } from "./anchors.ts";
import { readArrays } from "./fixtures/arrays.ts";

test("the first anchor of each level is the published cell", () => {
  const first = levelsOf(800, 1344).map((level) => [...anchorsOfLevel(level).subarray(0, 4)]);
  assert.deepEqual(first, [
    [-28, -28, 35, 35],
    [-56, -56, 71, 71],
    [-112, -112, 143, 143],
    [-224, -224, 287, 287],
    [-448, -448, 575, 575],
  ]);
});

test("the anchors of a 128 × 192 picture are the reference's, bit for bit", () => {
  const golden = readArrays("select.json");
  levelsOf(128, 192).forEach((level, k) => {
    assert.deepEqual(anchorsOfLevel(level), golden.floats(`anchors.p${k + 3}`));
  });
});

test("the feature maps of 256 × 320 pixels have 1,706 positions, because each map rounds up", () => {
  const places = levelsOf(256, 320).map(({ height, width }) => height * width);
  assert.deepEqual(places, [32 * 40, 16 * 20, 8 * 10, 4 * 5, 2 * 3]);
});
