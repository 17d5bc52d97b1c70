/** The target of a proposal's mask: its object's mask, cropped to the proposal and resized (GLIP `structures/segmentation_mask.py`). */

import { overlapInclusive } from "../overlap.ts";
import { rasterisePart } from "./polygons.ts";
import { pixelsOf, type RunLengths, uniteMasks } from "./run-lengths.ts";

const { ceil, floor, fround, max, min } = Math;

/** A box as its four numbers xyxy, in pixels. */
type Box = ArrayLike<number>;

/** The object [g] of each proposal [p], both xyxy with inclusive ends; −1 below the overlap, of equals the first object. */
export function matchProposals(proposals: Float32Array, objects: Float32Array, overlap = 0.5): Int32Array {
  return Int32Array.from({ length: proposals.length / 4 }, (_, p) => {
    let [best, owner] = [-1, -1];
    for (let g = 0; g < objects.length / 4; g++) {
      const found = overlapInclusive(proposals, p, objects, g);
      if (found > best) [best, owner] = [found, g];
    }
    return best >= overlap ? owner : -1;
  });
}

/** Polygon parts (x, y, x, y, … in pixels) moved to a box and scaled to [side,side], filled as COCO fills them: 0 or 1 per pixel. */
export function polygonTarget(parts: readonly (readonly number[])[], box: Box, side: number): Uint8Array {
  const [x, y] = [fround(box[0]!), fround(box[1]!)];
  const across = fround(side / max(fround(box[2]!) - x, 1));
  const down = fround(side / max(fround(box[3]!) - y, 1));
  const moved = parts.map((part) =>
    part.map((value, i) => {
      const [corner, scale] = i % 2 === 0 ? [x, across] : [y, down];
      return fround(fround(fround(value) - corner) * scale);
    }),
  );
  return pixelsOf(uniteMasks(moved.map((part) => rasterisePart(part, side, side))));
}

/** A bitmap of a whole picture cut to a box: 1 where the mean of a bin of RoIAlign, aligned by half a pixel, is at least one half. */
export function bitmapTarget(mask: RunLengths, box: Box, side: number): Uint8Array {
  const bitmap = pixelsOf(mask);
  const { height, width } = mask;
  const rows = samplesOf(box[1]!, box[3]!, side, height);
  const columns = samplesOf(box[0]!, box[2]!, side, width);
  const at = (y: number, x: number) => bitmap[y * width + x]!;
  return Uint8Array.from({ length: side * side }, (_, cell) => {
    const [down, across] = [rows[floor(cell / side)]!, columns[cell % side]!];
    let sum = 0;
    for (const row of down)
      for (const column of across) {
        if (!row || !column) continue;
        const { low: y, high: below, rest: v } = row;
        const { low: x, high: beside, rest: u } = column;
        const [up, left] = [fround(1 - v), fround(1 - u)];
        const first = fround(fround(fround(up * left) * at(y, x)) + fround(fround(up * u) * at(y, beside)));
        const second = fround(first + fround(fround(v * left) * at(below, x)));
        sum = fround(sum + fround(second + fround(fround(v * u) * at(below, beside))));
      }
    return Number(fround(sum / max(down.length * across.length, 1)) >= 0.5);
  });
}

/** For each bin of a side the places that its samples read; undefined for those outside the picture. */
function samplesOf(low: number, high: number, bins: number, size: number) {
  const start = fround(fround(low) - 0.5);
  const length = fround(fround(fround(high) - 0.5) - start);
  const bin = fround(length / bins);
  const count = max(ceil(length / bins), 0);
  return Array.from({ length: bins }, (_, i) =>
    Array.from({ length: count }, (_, k) => {
      const within = fround(fround(fround(k + 0.5) * bin) / count);
      const place = fround(fround(start + fround(i * bin)) + within);
      if (place < -1 || place > size) return undefined;
      const inside = max(place, 0);
      const first = floor(inside);
      if (first >= size - 1) return { low: size - 1, high: size - 1, rest: 0 };
      return { low: first, high: min(first + 1, size - 1), rest: fround(inside - first) };
    }),
  );
}
