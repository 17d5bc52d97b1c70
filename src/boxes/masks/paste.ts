/** Converts small masks of boxes to masks of whole pictures. Source: detectron2 `layers/mask_ops.py`, paste_masks_in_image. */

export interface BoxMask {
  /** Probabilities [side,side], row by row, spread evenly over the box. */
  readonly shares: Float32Array;
  readonly side: number;
  /** xyxy in pixels of the picture. */
  readonly box: ArrayLike<number>;
}

/**
 * The mask [height,width] of a picture: 1 at pixels whose centres have a value of at least the threshold, else 0. Values are bilinear
 * within the small mask and 0 outside.
 */
export function pasteMask(
  mask: BoxMask,
  { height, width }: { height: number; width: number },
  threshold = 0.5,
): Uint8Array {
  const { shares, side, box } = mask;
  const rows = tapsOf(box[1]!, box[3]!, side, height);
  const columns = tapsOf(box[0]!, box[2]!, side, width);
  const at = (row: number, column: number) =>
    row < 0 || column < 0 || row >= side || column >= side ? 0 : shares[row * side + column]!;
  const picture = new Uint8Array(height * width);
  rows.forEach((row, y) => {
    if (!row) return;
    columns.forEach((column, x) => {
      if (!column) return;
      const above = at(row.first, column.first) * (1 - column.rest) + at(row.first, column.first + 1) * column.rest;
      const below =
        at(row.first + 1, column.first) * (1 - column.rest) + at(row.first + 1, column.first + 1) * column.rest;
      if (above * (1 - row.rest) + below * row.rest >= threshold) picture[y * width + x] = 1;
    });
  });
  return picture;
}

/** For each pixel, the cell of the mask before it and the weight of the next cell; undefined outside the mask. */
function tapsOf(low: number, high: number, side: number, pixels: number) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const place = ((pixel + 0.5 - low) / (high - low)) * side - 0.5;
    const first = Math.floor(place);
    return place > -1 && place < side ? { first, rest: place - first } : undefined;
  });
}
