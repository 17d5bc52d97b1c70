/** Pictures as the GLIP models take them. Source: GLIP `data/transforms/transforms.py` and `structures/image_list.py`. */
import { InputError } from "../../errors.ts";
import { type Picture, resizeBilinear, roundToEven, type Size } from "./resize.ts";

/** Wanted length of the shorter side and the most that the longer may have, in pixels. */
export interface SizeRule {
  readonly short: number;
  readonly max: number;
}

export interface PreparedImage {
  /** [1, 3, paddedHeight, paddedWidth]: blue, green, red; normalised; zero at the right and the bottom. */
  readonly tensor: Float32Array;
  /** Size of the resized picture within the tensor. */
  readonly width: number;
  readonly height: number;
  readonly paddedWidth: number;
  readonly paddedHeight: number;
}

/** Mean and deviation of blue, green and red on the scale of 0 to 255. */
export const PIXEL_MEAN = [103.53, 116.28, 123.675];
export const PIXEL_DEVIATION = [57.375, 57.12, 58.395];
const MULTIPLE = 32;
const MAX_RESIZED = 100_000_000;

/** The size GLIP gives a picture of `width` × `height` pixels; a side is at least one pixel, where the reference fails. */
export function resizedSize({ width, height }: Size, { short, max }: SizeRule): Size {
  const low = Math.min(width, height);
  const high = Math.max(width, height);
  const side = (high / low) * short > max ? roundToEven((max * low) / high) : short;
  if (low === side) return { width, height };
  const long = side === 0 ? max : Math.trunc((side * high) / low);
  const one = Math.max(1, side);
  return width < height ? { width: one, height: long } : { width: long, height: one };
}

/** Resizes, normalises and pads a picture to multiples of 32. Throws InputError when it would be too large. */
export function prepareImage(picture: Picture, rule: SizeRule): PreparedImage {
  const { width, height } = resizedSize(picture, rule);
  if (width * height > MAX_RESIZED) {
    const from = `a picture of ${picture.width} × ${picture.height} pixels`;
    throw new InputError(
      `${from} would become ${width} × ${height}; give a smaller size or a limit on the longer side`,
    );
  }
  const paddedWidth = Math.ceil(width / MULTIPLE) * MULTIPLE;
  const paddedHeight = Math.ceil(height / MULTIPLE) * MULTIPLE;
  const tensor = planes(resizeBilinear(picture, { width, height }), paddedWidth, paddedHeight);
  return { tensor, width, height, paddedWidth, paddedHeight };
}

/** A picture stretched to a square: [1, 3, side, side], blue, green, red, normalised as by `prepareImage`. */
export function prepareSquare(picture: Picture, side: number): Float32Array {
  return planes(resizeBilinear(picture, { width: side, height: side }), side, side);
}

/** Normalised planes of blue, green and red, with zeros at the right and the bottom. */
function planes({ data, width, height }: Picture, paddedWidth: number, paddedHeight: number): Float32Array {
  const plane = paddedWidth * paddedHeight;
  const tensor = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const table = normalised(channel);
    for (let y = 0; y < height; y++) {
      let out = channel * plane + y * paddedWidth;
      const end = 3 * width * (y + 1);
      for (let at = 3 * width * y + 2 - channel; at < end; at += 3) tensor[out++] = table[data[at]!]!;
    }
  }
  return tensor;
}

/** The 256 values a channel can have; the reference divides by 255 and multiplies by it again, in float32. */
function normalised(channel: number): Float32Array {
  const { fround } = Math;
  return Float32Array.from({ length: 256 }, (_, level) => {
    const scaled = fround(fround(level / 255) * 255);
    return fround(scaled - fround(PIXEL_MEAN[channel]!)) / fround(PIXEL_DEVIATION[channel]!);
  });
}
