/** Pictures as CLIP takes them: the middle square of the short side. Source: OpenAI `clip/clip.py`, _transform. */

import { InputError } from "../../errors.ts";
import { type Picture, resizeBicubic, roundToEven } from "./resize.ts";

/** How pictures become squares of numbers. */
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

const MAX_RESIZED = 100_000_000;

/** Resizes the short side to `side` as Pillow's bicubic does and cuts the square out of the middle. Throws InputError for a very long picture. */
export function cropSquare(picture: Picture, side: number): Picture {
  const { width, height } = picture;
  const long = (along: number, across: number) => Math.trunc((side * along) / across);
  const size =
    width <= height ? { width: side, height: long(height, width) } : { width: long(width, height), height: side };
  if (size.width * size.height > MAX_RESIZED)
    throw new InputError(
      `a picture of ${width} × ${height} pixels would become ${size.width} × ${size.height}; cut it to a less long one`,
    );
  const resized = resizeBicubic(picture, size);
  const left = roundToEven((size.width - side) / 2);
  const top = roundToEven((size.height - side) / 2);
  const data = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    const start = 3 * (size.width * (top + y) + left);
    data.set(resized.data.subarray(start, start + 3 * side), 3 * side * y);
  }
  return { data, width: side, height: side };
}

/** A picture as a model takes it: [3, side, side]; red, green, blue; normalised. */
export function prepareCrop(picture: Picture, { side, mean, deviation }: CropRule): Float32Array {
  const { data } = cropSquare(picture, side);
  const plane = side * side;
  const tensor = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const table = normalised(mean[channel]!, deviation[channel]!);
    for (let i = 0; i < plane; i++) tensor[channel * plane + i] = table[data[3 * i + channel]!]!;
  }
  return tensor;
}

/** The 256 values that a channel can have, in float32. */
function normalised(mean: number, deviation: number): Float32Array {
  const { fround } = Math;
  return Float32Array.from(
    { length: 256 },
    (_, level) => fround(fround(level / 255) - fround(mean)) / fround(deviation),
  );
}
