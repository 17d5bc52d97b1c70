/** Overlap of boxes with exclusive ends, as in cocodataset/cocoapi `maskApi.c: bbIou`. */

/**
 * Intersection over union of row `a` of `first` and row `b` of `second`, both xywh rows of four; 0 where the intersection has no
 * area. Of a crowd: intersection over the area of the first.
 */
export function xywhOverlap(first: Float64Array, a: number, second: Float64Array, b: number, crowd: boolean): number {
  const i = 4 * a;
  const j = 4 * b;
  const width = Math.min(first[i]! + first[i + 2]!, second[j]! + second[j + 2]!) - Math.max(first[i]!, second[j]!);
  if (width <= 0) return 0;
  const height =
    Math.min(first[i + 3]! + first[i + 1]!, second[j + 3]! + second[j + 1]!) - Math.max(first[i + 1]!, second[j + 1]!);
  if (height <= 0) return 0;
  const intersection = width * height;
  const area = first[i + 2]! * first[i + 3]!;
  return intersection / (crowd ? area : area + second[j + 2]! * second[j + 3]! - intersection);
}

/** Intersection over union of two xyxy boxes; NaN (0/0, as in NumPy) if two boxes without area do not overlap. */
export function xyxyOverlap([x1, y1, x2, y2]: readonly number[], [u1, v1, u2, v2]: readonly number[]): number {
  const width = Math.max(Math.min(x2!, u2!) - Math.max(x1!, u1!), 0);
  const height = Math.max(Math.min(y2!, v2!) - Math.max(y1!, v1!), 0);
  const intersection = width * height;
  return intersection / ((x2! - x1!) * (y2! - y1!) + (u2! - u1!) * (v2! - v1!) - intersection);
}
