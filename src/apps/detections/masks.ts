/** The masks of detections, as formats need them. */

import { oneOutline, outlinesOf } from "../../boxes/masks/outlines.ts";
import { expandRuns, maskArea, pixelsOf, type RunLengths } from "../../boxes/masks/run-lengths.ts";
import { InputError } from "../../errors.ts";
import type { Mask } from "../../tasks/finding/detection.ts";
import type { PictureResult } from "./picture-result.ts";

/** A mask's run lengths. */
export function runsOfMask({ size: [height, width], counts }: Mask): RunLengths {
  return { height, width, counts: expandRuns(counts) };
}

/** Number of pixels that are set. */
export function areaOfMask(mask: Mask): number {
  return maskArea(runsOfMask(mask));
}

/** Polygons in pixels, x, y, x, y, …, one for each part. */
export function polygonsOfMask(mask: Mask): number[][] {
  return outlinesOf(runsOfMask(mask));
}

/** One polygon in fractions of the picture, in which parts are joined by lines; empty for a mask without pixels. */
export function shareOutline(mask: Mask): number[] {
  const [height, width] = mask.size;
  return oneOutline(runsOfMask(mask)).map((side, i) => side / (i % 2 === 0 ? width : height));
}

/**
 * A greyscale PNG with the number of each pixel's label, which is its line in classes.txt from 0, the background; better detections are on
 * top. It has 16 bits if a number is above 255. @throws InputError if a detection has no mask.
 */
export async function labelMap(
  { image, width, height, detections }: PictureResult,
  labels: readonly string[],
): Promise<Uint8Array> {
  const numbers = new Uint16Array(width * height);
  for (const { label, mask } of detections.toReversed()) {
    if (!mask)
      throw new InputError(
        `${image}: --format png writes masks, but the model found boxes only; use groundling segment, or another format`,
      );
    const number = labels.indexOf(label) + 1;
    pixelsOf(runsOfMask(mask)).forEach((pixel, i) => {
      if (pixel) numbers[i] = number;
    });
  }
  const { default: sharp } = await import("sharp");
  const isWide = labels.length > 255;
  const raw = { width, height, channels: 1 as const };
  const picture = sharp(isWide ? numbers : Uint8Array.from(numbers), { raw });
  return picture
    .toColourspace(isWide ? "grey16" : "b-w")
    .png()
    .toBuffer();
}
