/** Overlaps of boxes in float64, as trackers and video metrics compare them. */

/** A box by its left, top, right and bottom sides, in pixels. */
export type Xyxy = readonly [x1: number, y1: number, x2: number, y2: number];

/** The overlap of two boxes, 0 to 1 (generalised overlap: from −1). */
export type Overlap = (a: Xyxy, b: Xyxy) => number;

/** Intersection over union by plain areas; 0 where the boxes do not meet. */
export const plainOverlap: Overlap = (a, b) => shared(a, b, 0);

/** Intersection over union with inclusive ends: a box is x2 − x1 + 1 wide. */
export const inclusiveOverlap: Overlap = (a, b) => shared(a, b, 1);

function shared(a: Xyxy, b: Xyxy, extra: number): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + extra;
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + extra;
  if (!(width > 0 && height > 0)) return 0;
  const both = width * height;
  return both / (area(a, extra) + area(b, extra) - both);
}

/** Generalised overlap: the overlap less the part of the common hull that neither box covers;
 * 0 where both boxes have no area. Source: Rezatofighi et al. 2019. */
export const generalisedOverlap: Overlap = (a, b) => {
  const hull = (Math.max(a[2], b[2]) - Math.min(a[0], b[0])) * (Math.max(a[3], b[3]) - Math.min(a[1], b[1]));
  const both = intersection(a, b);
  const union = area(a, 0) + area(b, 0) - both;
  return union > 0 ? both / union - (hull - union) / hull : 0;
};

/** The overlap after both boxes grow on each side by `share` of their width and height. Source: Yang et al. 2023 (C-BIoU). */
export function bufferedOverlap(share: number): Overlap {
  return (a, b) => plainOverlap(grown(a, share), grown(b, share));
}

/** Area of the intersection of two boxes; 0 where they do not meet. */
export function intersection(a: Xyxy, b: Xyxy): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** The overlap of every box of `rows` with every box of `columns`, row by row. */
export function overlapTable(rows: readonly Xyxy[], columns: readonly Xyxy[], overlap: Overlap): Float64Array[] {
  return rows.map((row) => Float64Array.from(columns, (column) => overlap(row, column)));
}

function area(box: Xyxy, extra: number): number {
  return (box[2] - box[0] + extra) * (box[3] - box[1] + extra);
}

function grown([x1, y1, x2, y2]: Xyxy, share: number): Xyxy {
  const [dx, dy] = [share * (x2 - x1), share * (y2 - y1)];
  return [x1 - dx, y1 - dy, x2 + dx, y2 + dy];
}
