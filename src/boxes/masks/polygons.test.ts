import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../errors.ts";
import { rasterise, rasterisePart } from "./polygons.ts";
import { maskArea } from "./run-lengths.ts";

test("a circle of 200,000 corners fills its area", () => {
  const corners = Array.from({ length: 200_000 }, (_, i) => (2 * Math.PI * i) / 200_000);
  const part = corners.flatMap((angle) => [50 + 40 * Math.cos(angle), 50 + 40 * Math.sin(angle)]);
  const area = maskArea(rasterisePart(part, 100, 100));
  assert.ok(Math.abs(area - Math.PI * 1600) < 60, String(area));
});

test("an outline longer than any picture's is refused before it is walked", () => {
  const zigzag = Array.from({ length: 200_000 }, (_, i) => [i % 2 ? 1e6 : 0, i % 7]).flat();
  assert.throws(
    () => rasterisePart(zigzag, 100, 100),
    (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /outline of 200000 corners is longer than 2000000 pixels; correct or simplify it/);
      return true;
    },
  );
});

test("20,000 parts are joined in less than quadratic time", () => {
  const parts = Array.from({ length: 20_000 }, (_, i) => {
    const [x, y] = [3 * (i % 200), 3 * Math.floor(i / 200)];
    return [x, y, x + 2, y, x + 2, y + 2, x, y + 2];
  });
  const begun = process.cpuUsage().user;
  const { height, width, counts } = rasterise(parts, 300, 600);
  assert.equal(maskArea({ height, width, counts }), 80_000);
  // Joining them one after another takes about two minutes.
  assert.ok(process.cpuUsage().user - begun < 20e6);
});
