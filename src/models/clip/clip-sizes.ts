/** The sizes that a CLIP may have: a file of a few kB can claim sizes that no memory holds. */

import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { upTo } from "../parts/detector-schema.ts";
import type { ClipConfig } from "./clip.ts";

/** Pixels; the largest published models read 448 and 512. */
const MOST_SIDE = 2048;
/** Of a picture; attention holds the square of this. The largest published models read 1,024. */
const MOST_PATCHES = 4096;

const transformer = z
  .looseObject({ width: upTo(16_384), layers: upTo(256), heads: upTo(256), hidden: upTo(65_536) })
  .refine(({ width, heads }) => width % heads === 0, "the width is not a multiple of the number of heads");
const vit = transformer.and(
  z
    .looseObject({ patch: upTo(MOST_SIDE), resolution: upTo(MOST_SIDE) })
    .refine(({ patch, resolution }) => (resolution / patch) ** 2 <= MOST_PATCHES, `more than ${MOST_PATCHES} patches`),
);
/** The modified ResNet of CLIP and RegionCLIP; its heads are half its width. */
export const modifiedResNetShape = {
  blocks: z.array(upTo(256)).length(4),
  width: upTo(1024).refine((width) => width % 2 === 0, "the width is not even"),
};
const sizes = z.looseObject({
  embedding: upTo(16_384),
  image: z.union([
    vit,
    z.looseObject({ kind: z.literal("mobilenet"), hidden: upTo(16_384), resolution: upTo(MOST_SIDE) }),
    z.looseObject({ ...modifiedResNetShape, kind: z.literal("resnet"), resolution: upTo(MOST_SIDE) }),
  ]),
  text: transformer.and(z.looseObject({ vocabulary: upTo(1_000_000), context: upTo(4096) })),
});

/** The same configuration. Throws WeightsError if a size is not possible. */
export function checkedClipSizes(config: ClipConfig, source: string): ClipConfig {
  const checked = sizes.safeParse(config);
  if (checked.success) return config;
  throw new WeightsError(`${source}: a CLIP cannot have these sizes: ${z.prettifyError(checked.error)}`);
}
