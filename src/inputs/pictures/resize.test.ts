import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { resizeBicubic, resizeBilinear, resizeLinear, roundToEven } from "./resize.ts";

interface Case {
  from: [number, number];
  to: [number, number];
  sha256: string;
}
const cases: Record<string, Case[]> = JSON.parse(
  readFileSync(new URL("fixtures/resize.json", import.meta.url), "utf8"),
);

/** The noise of scripts/fixtures/inputs-resize.py. */
function noise(width: number, height: number) {
  let state = 1;
  const data = Uint8Array.from({ length: 3 * width * height }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
  return { data, width, height };
}

const kinds = {
  bilinear: { resize: resizeBilinear, original: "Pillow's bilinear" },
  bicubic: { resize: resizeBicubic, original: "Pillow's bicubic" },
  linear: { resize: resizeLinear, original: "OpenCV's linear" },
};

for (const [kind, { resize, original }] of Object.entries(kinds)) {
  test(`every size gives the bytes of ${original}`, () => {
    for (const { from, to, sha256 } of cases[kind]!) {
      const result = resize(noise(...from), { width: to[0], height: to[1] });
      assert.deepEqual([result.width, result.height], to);
      assert.equal(createHash("sha256").update(result.data).digest("hex"), sha256, `${from} to ${to}`);
    }
  });

  test(`${original} leaves a picture of the wanted size as it is`, () => {
    const picture = noise(9, 7);
    assert.deepEqual(resize(picture, { width: 9, height: 7 }).data, picture.data);
  });
}

test("halves round to the even neighbour", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, 2.4, 2.6].map(roundToEven), [0, 2, 2, 0, 2, 3].map(Number));
});
