import assert from "node:assert/strict";
import { test } from "node:test";
import { pasteMask } from "./paste.ts";

const picture = { height: 4, width: 8 };
const rowsOf = (mask: Uint8Array) => Array.from({ length: 4 }, (_, y) => [...mask.subarray(8 * y, 8 * y + 8)].join(""));

test("a mask is spread over its box, and pixels count by their centres", () => {
  const pasted = pasteMask({ shares: Float32Array.of(1, 0, 1, 0), side: 2, box: [2, 1, 6, 3] }, picture);
  // The mask falls from 1 to 0 between the middles of its columns, at pixels 3 and 5; outside it falls to nothing within half a column.
  assert.deepEqual(rowsOf(pasted), ["00000000", "00110000", "00110000", "00000000"]);
});

test("a box beyond the picture is clipped, and a box without area gives an empty mask", () => {
  const full = Float32Array.of(1, 1, 1, 1);
  const beyond = pasteMask({ shares: full, side: 2, box: [-4, -4, 4, 8] }, picture);
  assert.deepEqual(rowsOf(beyond), ["11110000", "11110000", "11110000", "11110000"]);
  const empty = pasteMask({ shares: full, side: 2, box: [3, 1, 3, 3] }, picture);
  assert.ok(empty.every((pixel) => pixel === 0));
});
