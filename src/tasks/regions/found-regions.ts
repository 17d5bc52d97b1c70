/** Turns chosen regions into detections on the original picture. */

import { pasteMask } from "../../boxes/masks/paste.ts";
import { compressRuns, runsOf } from "../../boxes/masks/run-lengths.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import type { Box, Detection, Mask } from "../finding/detection.ts";

/** A region with its class, in pixels of the resized picture. */
export interface Found {
  readonly score: number;
  readonly label: number;
  readonly region: number;
  /** xyxy. */
  readonly box: Float32Array;
}

/** The best class of each box with its probability, best first; `logits` [r,k+1] have the background last. */
export function bestOfBoxes({
  boxes,
  logits,
  classes,
}: {
  boxes: Float32Array;
  logits: Float32Array;
  classes: number;
}) {
  const found = Array.from({ length: boxes.length / 4 }, (_, region): Found => {
    const shares = softmax(logits.subarray(region * (classes + 1), (region + 1) * (classes + 1)));
    const label = shares.subarray(0, classes).reduce((best, share, i) => (share > shares[best]! ? i : best), 0);
    return { score: shares[label]!, label, region, box: boxes.subarray(4 * region, 4 * region + 4) };
  });
  return found.sort((a, b) => b.score - a.score);
}

export function softmax(row: Float32Array): Float32Array {
  const top = row.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const parts = row.map((logit) => Math.exp(logit - top));
  const sum = parts.reduce((total, part) => total + part, 0);
  return parts.map((part) => part / sum);
}

/** A box in pixels of the original picture, clipped to it. */
export function onPicture(box: ArrayLike<number>, from: Size, to: Size): Box {
  const { fround } = Math;
  const [x, y] = [fround(to.width / from.width), fround(to.height / from.height)];
  const side = (i: number, factor: number, most: number) => Math.max(0, Math.min(fround(box[i]! * factor), most));
  return {
    xmin: side(0, x, to.width),
    ymin: side(1, y, to.height),
    xmax: side(2, x, to.width),
    ymax: side(3, y, to.height),
  };
}

export interface MaskedRegions {
  /** Probabilities [r,classes,side,side]. */
  readonly masks: Float32Array;
  readonly side: number;
  readonly classes: number;
  readonly found: readonly Found[];
  readonly picture: Size;
}

function maskOf(pixels: Uint8Array, { height, width }: Size): Mask {
  return { size: [height, width], counts: compressRuns(runsOf(pixels, { height, width }).counts) };
}

/** Detections with their masks on the whole picture; boxes without area are dropped. */
export function withMasks(detections: readonly Detection[], { masks, side, classes, found, picture }: MaskedRegions) {
  const each = side * side;
  return detections.flatMap((detection, i) => {
    const { xmin, ymin, xmax, ymax } = detection.box;
    if (!(xmax > xmin && ymax > ymin)) return [];
    // One mask serves all classes, or each class has its own.
    const at = each * (i * classes + (classes > 1 ? found[i]!.label : 0));
    const shares = masks.subarray(at, at + each);
    const pasted = pasteMask({ shares, side, box: [xmin, ymin, xmax, ymax] }, picture);
    return [{ ...detection, mask: maskOf(pasted, picture) }];
  });
}
