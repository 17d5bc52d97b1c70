/** Small masks of boxes as masks of whole pictures, as GLIP does it (`roi_heads/mask_head/inference.py`, paste_mask_in_image). */

import type { BoxMask } from "./paste.ts";

const { fround, max, min, trunc } = Math;

/**
 * 1 at the pixels of a picture [height,width] where the mask, resized to its box, is above the threshold, else 0. The mask gets a border of
 * zeros and the box grows with it; then its corners are cut to whole pixels. Pixels outside the picture are left out.
 */
export function pasteInBox(
  { shares, side, box }: BoxMask,
  { height, width }: { height: number; width: number },
  threshold = 0.5,
): Uint8Array {
  const [left, right] = grown(box[0]!, box[2]!, side);
  const [top, bottom] = grown(box[1]!, box[3]!, side);
  const padded = side + 2;
  const columns = tapsOf(max(right - left + 1, 1), padded);
  const rows = tapsOf(max(bottom - top + 1, 1), padded);
  const at = (row: number, column: number) =>
    row < 1 || column < 1 || row > side || column > side ? 0 : shares[(row - 1) * side + column - 1]!;
  const picture = new Uint8Array(height * width);
  for (let y = max(top, 0); y < min(bottom + 1, height); y++) {
    const row = rows[y - top]!;
    for (let x = max(left, 0); x < min(right + 1, width); x++) {
      const column = columns[x - left]!;
      const across = (r: number) => at(r, column.first) * column.share + at(r, column.next) * column.rest;
      if (fround(across(row.first) * row.share + across(row.next) * row.rest) > threshold) picture[y * width + x] = 1;
    }
  }
  return picture;
}

/** The ends of a side that is grown about its middle as the mask grows by two, cut toward zero. */
function grown(low: number, high: number, side: number): readonly [number, number] {
  const centre = fround(fround(fround(high) + fround(low)) * 0.5);
  const half = fround(fround(fround(fround(high) - fround(low)) * 0.5) * fround((side + 2) / side));
  return [trunc(fround(centre - half)), trunc(fround(centre + half))];
}

/** For each of `size` places the two places of `from` that are read and their shares, as PyTorch's bilinear interpolation. */
function tapsOf(size: number, from: number) {
  const scale = fround(from / size);
  return Array.from({ length: size }, (_, i) => {
    const place = max(fround(fround(scale * (i + 0.5)) - 0.5), 0);
    const first = min(trunc(place), from - 1);
    const rest = fround(place - first);
    return { first, next: min(first + 1, from - 1), share: fround(1 - rest), rest };
  });
}
