/** Computes the targets of the losses from boxes and their words. */

import { assignAnchors, concatenate } from "../../boxes/atss.ts";
import { decodeBoxes, encodeBoxes } from "../../boxes/box-coder.ts";
import { MOST_REGIONS } from "./contrast.ts";

/** The ground truth of one picture. */
export interface PictureTruth {
  /** xyxy [g,4] in pixels of the prepared picture. */
  boxes: Float32Array;
  /** For each box the tokens that name it. */
  tokens: readonly (readonly number[])[];
  /** For each box the target of its tokens: the score of the model that found it (default: 1). */
  confidences?: readonly number[];
}

/** The sizes that determine the shapes of a batch. */
export interface GroundingSizes {
  readonly pictures: number;
  /** Size of the padded pictures, in pixels. */
  readonly height: number;
  readonly width: number;
  readonly tokens: number;
}

/** Targets of losses, by name. */
export type TargetNumbers = Record<`target.${string}`, Float32Array>;

/**
 * Targets of n pictures of one padded size with captions of l tokens. In a prompt with `maxTokens` tokens, the last token
 * means "no object", as in the reference.
 */
export function targetsOf(
  pictures: readonly PictureTruth[],
  levels: readonly Float32Array[],
  { tokens, maxTokens, contrast = false }: { tokens: number; maxTokens: number; contrast?: boolean },
): TargetNumbers {
  const anchors = concatenate(levels);
  const count = anchors.length / 4;
  const n = pictures.length;
  const regions = new Float32Array(contrast ? n * MOST_REGIONS * count : 0);
  let regionCount = 0;
  const result = {
    "target.tokens": new Float32Array(n * count * tokens),
    "target.boxes": new Float32Array(n * count * 4),
    "target.positive": new Float32Array(n * count),
    "target.centerness": new Float32Array(n * count),
    "target.positiveCount": new Float32Array(1),
    "target.centernessSum": new Float32Array(1),
  };
  pictures.forEach((truth, picture) => {
    const { owner } = assignAnchors(levels, truth.boxes);
    if (contrast) regionCount += meansOfRegions(regions.subarray(picture * MOST_REGIONS * count), owner);
    owner.forEach((box, anchor) => {
      const at = picture * count + anchor;
      if (box < 0) {
        if (tokens === maxTokens) result["target.tokens"][at * tokens + tokens - 1] = 1;
        return;
      }
      const confidence = truth.confidences?.[box] ?? 1;
      for (const token of truth.tokens[box]!) result["target.tokens"][at * tokens + token] = confidence;
      result["target.positive"][at] = 1;
      result["target.positiveCount"][0]! += 1;
    });
    const boxes = boxesByAnchor(truth.boxes, owner, anchors);
    result["target.boxes"].set(boxes, 4 * picture * count);
    owner.forEach((box, anchor) => {
      if (box < 0) return;
      const value = centernessOf(boxes.subarray(4 * anchor), anchors.subarray(4 * anchor));
      result["target.centerness"][picture * count + anchor] = value;
      result["target.centernessSum"][0]! += value;
    });
  });
  if (result["target.positiveCount"][0] === 0) result["target.positiveCount"][0] = 1;
  if (result["target.centernessSum"][0] === 0) result["target.centernessSum"][0] = 1;
  if (!contrast) return result;
  return { ...result, "target.regions": regions, "target.regionCount": Float32Array.of(Math.max(1, regionCount)) };
}

/** The box of each anchor [anchors, 4], encoded and decoded again as in the reference. An anchor without a box is its own box. */
function boxesByAnchor(boxes: Float32Array, owner: Int32Array, anchors: Float32Array): Float32Array {
  const owned = anchors.slice();
  owner.forEach((box, anchor) => {
    if (box >= 0) owned.set(boxes.subarray(4 * box, 4 * box + 4), 4 * anchor);
  });
  return decodeBoxes(encodeBoxes(owned, anchors), anchors);
}

/** Writes a row for each box with the weights of its anchors in its mean. Returns the number of boxes with anchors. */
function meansOfRegions(rows: Float32Array, owner: Int32Array): number {
  const counts = new Map<number, number>();
  for (const box of owner) if (box >= 0 && box < MOST_REGIONS) counts.set(box, (counts.get(box) ?? 0) + 1);
  owner.forEach((box, anchor) => {
    if (counts.has(box)) rows[box * owner.length + anchor] = 1 / counts.get(box)!;
  });
  return counts.size;
}

/** Centerness of an anchor in its box, 0 to 1 (Tian et al. 2019). */
function centernessOf(box: Float32Array, anchor: Float32Array): number {
  const side = (axis: 0 | 1) => {
    const centre = (anchor[axis]! + anchor[axis + 2]!) / 2;
    const low = centre - box[axis]!;
    const high = box[axis + 2]! - centre;
    return Math.min(low, high) / Math.max(low, high);
  };
  return Math.sqrt(Math.max(0, side(0) * side(1)));
}
