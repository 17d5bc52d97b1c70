/** A model's picture preparation as data, stored in preprocessor_config.json with the model and not in code. */

import type { Size } from "./resize.ts";

/** Length of the resized shorter side and maximum length of the longer side, in pixels. */
export interface SizeRule {
  readonly short: number;
  readonly max: number;
}

/** `Rule` is the size: of the sides, or of the whole picture, which is then resized without keeping its aspect ratio. */
export interface PicturePreparation<Rule extends SizeRule | Size = SizeRule> {
  readonly size: Rule;
  readonly filter: "bilinear" | "bicubic";
  /** Size of the centre crop of the resized picture. Default: no crop. */
  readonly crop?: Size;
  /** Both sides are padded to multiples of this by zeros at the right and the bottom; 1 pads nothing. */
  readonly multiple: number;
  readonly channels: "rgb" | "bgr";
  /** The maximum of a channel: values are 0 to 255, or 0 to 1. */
  readonly highest: 255 | 1;
  /** For each channel in the order of `channels`, on the scale of `highest`. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** The content of a preprocessor_config.json, in the words of Hugging Face's files; `channel_order` is ours. */
export interface PreparationFile {
  readonly size: { readonly shortest_edge: number; readonly longest_edge?: number };
  readonly resample?: 2 | 3;
  readonly crop_size?: Size;
  readonly size_divisor?: number;
  readonly channel_order?: "rgb" | "bgr";
  readonly rescale_factor?: number;
  readonly image_mean?: readonly [number, number, number];
  readonly image_std?: readonly [number, number, number];
}

/** Hugging Face's numbers of filters, as in Pillow. */
const FILTERS = { 2: "bilinear", 3: "bicubic" } as const;

/** The preparation that a checked file states; missing values are taken from `usual`. */
export function preparationIn(file: PreparationFile, usual: PicturePreparation): PicturePreparation {
  const crop = file.crop_size ?? usual.crop;
  return {
    size: { short: file.size.shortest_edge, max: file.size.longest_edge ?? usual.size.max },
    filter: file.resample ? FILTERS[file.resample] : usual.filter,
    ...(crop ? { crop } : {}),
    multiple: file.size_divisor ?? usual.multiple,
    channels: file.channel_order ?? usual.channels,
    highest: file.rescale_factor === undefined ? usual.highest : file.rescale_factor === 1 ? 255 : 1,
    mean: file.image_mean ?? usual.mean,
    deviation: file.image_std ?? usual.deviation,
  };
}

/** The content of a preprocessor_config.json. */
export function preparationFile(preparation: PicturePreparation): PreparationFile {
  const { size, filter, crop, multiple, channels, highest, mean, deviation } = preparation;
  return {
    size: { shortest_edge: size.short, ...(Number.isFinite(size.max) ? { longest_edge: size.max } : {}) },
    resample: filter === "bilinear" ? 2 : 3,
    ...(crop ? { crop_size: { height: crop.height, width: crop.width } } : {}),
    size_divisor: multiple,
    channel_order: channels,
    rescale_factor: highest === 255 ? 1 : 1 / 255,
    image_mean: mean,
    image_std: deviation,
  };
}
