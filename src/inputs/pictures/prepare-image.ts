/** Prepares pictures for models. Sources: GLIP `data/transforms/transforms.py`, `structures/image_list.py`; OpenAI `clip/clip.py`, _transform. */
import { InputError } from "../../errors.ts";
import type { PicturePreparation, SizeRule } from "./preparation.ts";
import { type Picture, resizeBicubic, resizeBilinear, roundToEven, type Size } from "./resize.ts";

/** A picture as a model's input. */
export interface PreparedImage {
  /** [1, 3, paddedHeight, paddedWidth], normalised; zeros at the right and the bottom. */
  readonly tensor: Float32Array;
  /** Size of the resized picture within the tensor. */
  readonly width: number;
  readonly height: number;
  readonly paddedWidth: number;
  readonly paddedHeight: number;
}

type AnyPreparation = PicturePreparation<SizeRule | Size>;

const MAX_RESIZED = 100_000_000;

/** The size to which GLIP resizes a picture of `width` × `height` pixels; a side is at least one pixel, where the reference fails. */
export function resizedSize({ width, height }: Size, { short, max }: SizeRule): Size {
  const low = Math.min(width, height);
  const high = Math.max(width, height);
  const side = (high / low) * short > max ? roundToEven((max * low) / high) : short;
  if (low === side) return { width, height };
  const long = side === 0 ? max : Math.trunc((side * high) / low);
  const one = Math.max(1, side);
  return width < height ? { width: one, height: long } : { width: long, height: one };
}

/**
 * Resizes, crops, normalises and pads a picture. Throws InputError if the result would be too large, or the picture is smaller than the
 * crop.
 */
export function prepareImage(picture: Picture, preparation: AnyPreparation): PreparedImage {
  const { multiple } = preparation;
  const resized = resizedPicture(picture, preparation);
  const { width, height } = resized;
  const paddedWidth = Math.ceil(width / multiple) * multiple;
  const paddedHeight = Math.ceil(height / multiple) * multiple;
  const tensor = planes(resized, { width: paddedWidth, height: paddedHeight }, preparation);
  return { tensor, width, height, paddedWidth, paddedHeight };
}

/** The picture before normalisation: resized, and cropped if the preparation says so. Errors as `prepareImage`. */
export function resizedPicture(
  picture: Picture,
  { size, filter, crop }: Pick<AnyPreparation, "size" | "filter" | "crop">,
): Picture {
  const { width, height } = "short" in size ? resizedSize(picture, size) : size;
  if (width * height > MAX_RESIZED) {
    const from = `a picture of ${picture.width} × ${picture.height} pixels`;
    throw new InputError(
      `${from} would become ${width} × ${height}; give a smaller size or a limit on the longer side`,
    );
  }
  const resize = filter === "bilinear" ? resizeBilinear : resizeBicubic;
  const resized = resize(picture, { width, height });
  return crop ? middle(resized, crop) : resized;
}

/** The centre crop; half pixels are rounded to even, as in Python. */
function middle(picture: Picture, { width, height }: Size): Picture {
  if (picture.width < width || picture.height < height)
    throw new InputError(
      `a picture resized to ${picture.width} × ${picture.height} is smaller than the crop of ${width} × ${height}; give a larger size`,
    );
  const left = roundToEven((picture.width - width) / 2);
  const top = roundToEven((picture.height - height) / 2);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 3 * (picture.width * (top + y) + left);
    data.set(picture.data.subarray(start, start + 3 * width), 3 * width * y);
  }
  return { data, width, height };
}

/** Normalised planes of the channels, with zeros at the right and the bottom. */
function planes({ data, width, height }: Picture, padded: Size, preparation: AnyPreparation): Float32Array {
  const plane = padded.width * padded.height;
  const tensor = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const table = normalised(channel, preparation);
    const from = preparation.channels === "rgb" ? channel : 2 - channel;
    for (let y = 0; y < height; y++) {
      let out = channel * plane + y * padded.width;
      const end = 3 * width * (y + 1);
      for (let at = 3 * width * y + from; at < end; at += 3) tensor[out++] = table[data[at]!]!;
    }
  }
  return tensor;
}

/** The 256 values a channel can have, in float32. GLIP's code divides by 255 and multiplies by it again. */
function normalised(channel: number, { highest, mean, deviation }: AnyPreparation): Float32Array {
  const { fround } = Math;
  return Float32Array.from({ length: 256 }, (_, level) => {
    const share = fround(level / 255);
    const scaled = highest === 1 ? share : fround(share * 255);
    return fround(scaled - fround(mean[channel]!)) / fround(deviation[channel]!);
  });
}
