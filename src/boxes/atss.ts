/** Assigns anchors to boxes: adaptive training sample selection (Zhang et al. 2020), as GLIP `modeling/rpn/loss.py` does it. */
import { encodeBoxes } from "./box-coder.ts";
import { overlapInclusive } from "./overlap.ts";
import { smallestIndices } from "./smallest.ts";

const { fround, min, sqrt } = Math;

export interface Assignment {
  /** For each anchor, the index of its box, or −1 for background [a]. */
  readonly owner: Int32Array;
  /** Anchors with a box, in ascending order. */
  readonly positives: Int32Array;
}

export interface Targets {
  /** For each anchor, the label of its box; 0 for background [a]. */
  readonly labels: Int32Array;
  /** For each anchor, the offsets to its box; for background to box 0, which is not used [a, 4]. */
  readonly offsets: Float32Array;
  /** For each anchor, the row of the positive map of its box; for background only the last token is set [a, tokens]. */
  readonly tokens: Uint8Array;
}

/**
 * Assigns boxes xyxy [g, 4] to anchors. `levels` holds the anchors xyxy of each feature map; anchors are numbered through all of them.
 *
 * Candidates of a box are the `perLevel` anchors of each level whose centres are nearest to its own; a candidate is positive when its
 * overlap reaches the mean plus the standard deviation (n − 1) of the candidates' overlaps and its centre lies in the box. An anchor
 * positive for several boxes goes to the one it overlaps most. Of equal distances those count as nearer that PyTorch takes on a CPU (`smallest.ts`).
 */
export function assignAnchors(levels: readonly Float32Array[], boxes: Float32Array, perLevel = 9): Assignment {
  const anchors = concatenate(levels);
  const owner = new Int32Array(anchors.length / 4).fill(-1);
  const best = new Float32Array(owner.length);
  for (let box = 0; box < boxes.length / 4; box++) {
    const candidates = nearest(levels, boxes, box, perLevel);
    const overlaps = candidates.map((anchor) => overlapInclusive(anchors, anchor, boxes, box));
    const limit = meanPlusDeviation(overlaps);
    candidates.forEach((anchor, k) => {
      const overlap = overlaps[k]!;
      if (overlap < limit || !centreInside(anchors, anchor, boxes, box)) return;
      if (owner[anchor]! >= 0 && overlap <= best[anchor]!) return;
      owner[anchor] = box;
      best[anchor] = overlap;
    });
  }
  return { owner, positives: Int32Array.from(owner.keys()).filter((anchor) => owner[anchor]! >= 0) };
}

/**
 * The targets of the losses: labels [g] (from 1), offsets, and rows of the positive map [g, tokens].
 * `anchors` are the anchors of all levels [a, 4]; `boxes` are xyxy [g, 4].
 */
export function assignmentTargets(
  { owner }: Assignment,
  {
    anchors,
    boxes,
    labels,
    positiveMap,
  }: { anchors: Float32Array; boxes: Float32Array; labels: ArrayLike<number>; positiveMap: ArrayLike<number> },
  tokens: number,
): Targets {
  const result = {
    labels: new Int32Array(owner.length),
    offsets: new Float32Array(4 * owner.length),
    tokens: new Uint8Array(owner.length * tokens),
  };
  const owned = new Float32Array(anchors.length);
  owner.forEach((box, anchor) => {
    owned.set(boxes.subarray(4 * Math.max(box, 0), 4 * Math.max(box, 0) + 4), 4 * anchor);
    if (box < 0) {
      result.tokens[anchor * tokens + tokens - 1] = 1;
      return;
    }
    result.labels[anchor] = labels[box]!;
    for (let t = 0; t < tokens; t++) if (positiveMap[box * tokens + t]! > 0) result.tokens[anchor * tokens + t] = 1;
  });
  if (boxes.length > 0) result.offsets.set(encodeBoxes(owned, anchors));
  return result;
}

/** Concatenates arrays, such as the anchors of all levels. */
export function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** The indices of the `count` anchors of each level whose centres are nearest to the box's centre. */
function nearest(levels: readonly Float32Array[], boxes: Float32Array, box: number, count: number): number[] {
  const x = centre(boxes, 4 * box);
  const y = centre(boxes, 4 * box + 1);
  const found: number[] = [];
  let start = 0;
  for (const level of levels) {
    const distances = Float32Array.from({ length: level.length / 4 }, (_, anchor) => {
      const dx = fround(centre(level, 4 * anchor) - x);
      const dy = fround(centre(level, 4 * anchor + 1) - y);
      return sqrt(fround(fround(dx * dx) + fround(dy * dy)));
    });
    for (const anchor of smallestIndices(distances, count)) found.push(start + anchor);
    start += distances.length;
  }
  return found;
}

function meanPlusDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return fround(fround(mean) + fround(sqrt(squares / (values.length - 1))));
}

/** Whether the anchor's centre is more than 0.01 pixel within the box. */
function centreInside(anchors: Float32Array, anchor: number, boxes: Float32Array, box: number): boolean {
  const x = centre(anchors, 4 * anchor);
  const y = centre(anchors, 4 * anchor + 1);
  const [left, top, right, bottom] = boxes.subarray(4 * box, 4 * box + 4);
  return fround(min(x - left!, y - top!, right! - x, bottom! - y)) > fround(0.01);
}

function centre(boxes: Float32Array, axis: number): number {
  return fround(fround(boxes[axis]! + boxes[axis + 2]!) / 2);
}
