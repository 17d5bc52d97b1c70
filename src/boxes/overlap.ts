/** Overlap of boxes (intersection over union), in float32 steps as the reference computes it. */

const { fround, max, min } = Math;

/**
 * Intersection over union of box `i` of `a` and box `j` of `b` (both xyxy, [n, 4]), with inclusive ends: a box is x2 − x1 + 1 wide.
 * Source: GLIP `structures/boxlist_ops.py` and `csrc/cuda/ml_nms.cu`.
 */
export function overlapInclusive(a: Float32Array, i: number, b: Float32Array, j: number): number {
  return overlap(a, i, b, j, 1);
}

/** Intersection over union of box `i` of `a` and box `j` of `b` (both xyxy, [n, 4]) by plain areas; 0 where both are empty. */
export function overlapPlain(a: Float32Array, i: number, b: Float32Array, j: number): number {
  return overlap(a, i, b, j, 0);
}

/** Intersection over union of every box of `a` [n, 4] with every box of `b` [m, 4], row by row [n, m], with inclusive ends. */
export function overlapsInclusive(a: Float32Array, b: Float32Array): Float32Array {
  return table(a, b, 1);
}

/** Intersection over union of every box of `a` [n, 4] with every box of `b` [m, 4], row by row [n, m], by plain areas. */
export function overlapsPlain(a: Float32Array, b: Float32Array): Float32Array {
  return table(a, b, 0);
}

function table(a: Float32Array, b: Float32Array, extra: number): Float32Array {
  const columns = b.length / 4;
  const result = new Float32Array((a.length / 4) * columns);
  for (let k = 0; k < result.length; k++) result[k] = overlap(a, Math.floor(k / columns), b, k % columns, extra);
  return result;
}

function overlap(a: Float32Array, i: number, b: Float32Array, j: number, extra: number): number {
  const p = 4 * i;
  const q = 4 * j;
  const left = max(a[p]!, b[q]!);
  const top = max(a[p + 1]!, b[q + 1]!);
  const width = fround(fround(min(a[p + 2]!, b[q + 2]!) - left) + extra);
  const height = fround(fround(min(a[p + 3]!, b[q + 3]!) - top) + extra);
  if (width <= 0 || height <= 0) return 0;
  const both = fround(width * height);
  return fround(both / fround(fround(area(a, p, extra) + area(b, q, extra)) - both));
}

function area(boxes: Float32Array, at: number, extra: number): number {
  const width = fround(fround(boxes[at + 2]! - boxes[at]!) + extra);
  return fround(width * fround(fround(boxes[at + 3]! - boxes[at + 1]!) + extra));
}
