import assert from "node:assert/strict";
import { test } from "node:test";
import { type Material, readTriangles, renderModel } from "../../scripts/world/wavefront.ts";

const red: Material = { colour: [200, 0, 0], opacity: 1, texture: undefined };
const blue: Material = { colour: [0, 0, 200], opacity: 1, texture: undefined };
const square = (z: number, reach: number) =>
  [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ]
    .map(([x = 0, y = 0]) => `v ${x * reach} ${y * reach} ${z}`)
    .join("\n");
/** A red square in front of the left part of a wider blue one. */
const model = `${square(0, 1)}\n${square(1, 0.5)}\nusemtl blue\nf 1 2 3 4\nusemtl red\nf -4/1 -3/1 -2/1 -1/1`;
const triangles = readTriangles(
  model,
  new Map([
    ["red", red],
    ["blue", blue],
  ]),
);

test("polygons become triangles, and indices may count from the end", () => {
  assert.equal(triangles.length, 4);
  assert.deepEqual(triangles[2]?.corners[0]?.slice(0, 3), [-0.5, -0.5, 1]);
});

test("near triangles hide far ones, and a half turn shows the back", () => {
  const at = (pixels: Uint8Array, x: number, y: number) => [...pixels.subarray((y * 32 + x) * 4, (y * 32 + x) * 4 + 4)];
  const front = renderModel(triangles, { around: 0, down: 0 }, 32);
  const [r = 0, , b = 0, a] = at(front, 16, 16);
  assert.ok(r > 100 && b === 0 && a === 255);
  const [, , edge = 0] = at(front, 3, 16);
  assert.ok(edge > 100);
  const back = renderModel(triangles, { around: 1e6, down: 0 }, 32);
  assert.ok((at(back, 16, 16)[2] ?? 0) > 100);
});
