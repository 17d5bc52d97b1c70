/** A model's picture preparation as data, stored in preprocessor_config.json with the model and not in code. */

import { z } from "zod";
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

/** Hugging Face's numbers of filters, as in Pillow. */
const FILTERS = { 2: "bilinear", 3: "bicubic" } as const;
const three = z.tuple([z.number(), z.number(), z.number()]);
const side = z.int().positive().max(10_000);

const fileSchema = z.object({
  size: z.object({ shortest_edge: side, longest_edge: z.int().positive().max(100_000).exactOptional() }),
  resample: z.union([z.literal(2), z.literal(3)]).exactOptional(),
  crop_size: z.object({ width: side, height: side }).exactOptional(),
  size_divisor: z.int().positive().max(1024).exactOptional(),
  channel_order: z.enum(["rgb", "bgr"]).exactOptional(),
  rescale_factor: z.union([z.literal(1), z.literal(1 / 255)]).exactOptional(),
  image_mean: three.exactOptional(),
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).exactOptional(),
});

/** Reads the content of a preprocessor_config.json; missing values are taken from `usual`. */
export function preparationFileSchema(usual: PicturePreparation): z.ZodType<PicturePreparation> {
  return fileSchema.transform((file): PicturePreparation => {
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
  });
}

/** The content of a preprocessor_config.json, in the words of Hugging Face's files; `channel_order` is ours. */
export function preparationFile(preparation: PicturePreparation): Record<string, unknown> {
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
