/** Prepares pictures for CLIP: resize and centre crop. Source: OpenAI `clip/clip.py`, _transform. */

import type { PicturePreparation } from "./preparation.ts";
import { prepareImage, resizedPicture } from "./prepare-image.ts";
import type { Picture } from "./resize.ts";

/** How pictures are prepared as squares. */
export interface CropRule {
  /** Side of the square, in pixels. */
  readonly side: number;
  /** Mean and deviation of red, green and blue on the scale of 0 to 1. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** Mean and deviation of the pictures that CLIP was trained on. */
export const CLIP_PIXELS = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  deviation: [0.26862954, 0.26130258, 0.27577711],
} as const;

/** The rule in the words of `prepareImage`. */
export function cropPreparation({ side, mean, deviation }: CropRule): PicturePreparation {
  return {
    ...{ size: { short: side, max: Number.POSITIVE_INFINITY }, filter: "bicubic", crop: { width: side, height: side } },
    ...{ multiple: 1, channels: "rgb", highest: 1, mean, deviation },
  };
}

/**
 * Resizes the shorter side to `side` with Pillow's bicubic filter, and crops the centre square. Throws InputError for a very long picture.
 */
export function cropSquare(picture: Picture, side: number): Picture {
  return resizedPicture(picture, cropPreparation({ side, ...CLIP_PIXELS }));
}

/** A picture as a model takes it: [3, side, side]; red, green, blue; normalised. */
export function prepareCrop(picture: Picture, rule: CropRule): Float32Array {
  return prepareImage(picture, cropPreparation(rule)).tensor;
}
