/** Boxes by the level of the feature pyramid that their masks are cut out of. */

const { fround, log2, max, min, sqrt } = Math;
const LEVELS = 5;
const CANONICAL_SIDE = 224;
const CANONICAL_LEVEL = 4;
const FINEST = 3;

/** The level 3 to 7 of a box xyxy, larger boxes at coarser levels (GLIP `modeling/poolers.py`, LevelMapper; area with inclusive ends). */
export function maskLevel(box: ArrayLike<number>): number {
  const side = (low: number) => fround(fround(fround(box[low + 2]!) - fround(box[low]!)) + 1);
  const relative = fround(fround(sqrt(fround(side(0) * side(1)))) / CANONICAL_SIDE);
  const level = Math.floor(fround(CANONICAL_LEVEL + fround(log2(fround(relative + 1e-6)))));
  return min(max(level, FINEST), FINEST + LEVELS - 1);
}

/** Boxes sorted by level, as the mask head cuts them out. */
export interface BoxesByLevel {
  /** Per level 3 to 7: xyxy [r,4], and the picture of each [r]. */
  readonly levels: readonly { readonly boxes: Float32Array; readonly pictures: BigInt64Array }[];
  /** The place of each box among those of all levels, one level after the other [p]. */
  readonly order: BigInt64Array;
}

/** Sorts boxes xyxy [p,4], each of a picture [p], by level; within a level they keep their order. */
export function byMaskLevel(boxes: Float32Array, pictures: ArrayLike<number>): BoxesByLevel {
  const count = boxes.length / 4;
  const box = (i: number) => boxes.subarray(4 * i, 4 * i + 4);
  const members = Array.from({ length: LEVELS }, (_, level) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => maskLevel(box(i)) === level + FINEST),
  );
  const order = new BigInt64Array(count);
  members.flat().forEach((i, place) => {
    order[i] = BigInt(place);
  });
  return {
    order,
    levels: members.map((indices) => ({
      boxes: Float32Array.from(indices.flatMap((i) => [...box(i)])),
      pictures: BigInt64Array.from(indices, (i) => BigInt(pictures[i]!)),
    })),
  };
}
