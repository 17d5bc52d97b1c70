/** The `model` of a recipe that trains a CLIP. */

import { z } from "zod";
import type { ClipConfig } from "./clip.ts";
import { transformerSizes } from "./clip-presets.ts";

const size = z.int().positive().max(65_536);
/** Attention heads have width 64. */
const width = size.refine((number) => number % 64 === 0, "must be a multiple of 64, the width of an attention head");
const transformer = { width, layers: size };

export const clipRecipeModel = z.strictObject({
  kind: z.literal("clip"),
  /** Length of a vector. */
  embedding: size,
  /** Sizes of the picture encoder; `resolution` and `patch` are in pixels. */
  image: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("vit"), ...transformer, patch: size, resolution: size }),
    z.strictObject({
      kind: z.literal("resnet"),
      blocks: z.tuple([size, size, size, size]),
      width: size,
      resolution: size,
    }),
  ]),
  /** Sizes of the text encoder. `vocabulary` is 514 more than the number of OpenAI's merges that are used, at most 49,408. */
  text: z.strictObject({ ...transformer, vocabulary: z.int().min(515).max(49_408), context: z.int().min(3).max(1024) }),
});

/** The model of a recipe. */
export type ClipRecipeModel = z.infer<typeof clipRecipeModel>;

/** The sizes of a recipe's model. */
export function clipConfigOf({ embedding, image, text }: ClipRecipeModel): ClipConfig {
  const { vocabulary, context } = text;
  return {
    embedding,
    image: image.kind === "resnet" ? image : { ...transformerSizes(image.width, image.layers), ...image },
    text: { ...transformerSizes(text.width, text.layers), vocabulary, context },
  };
}
