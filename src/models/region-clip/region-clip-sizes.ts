/** The sizes that a RegionCLIP may have, several times those of the largest published model: a file of a few kB can claim any. */

import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { modifiedResNetShape } from "../clip/clip-sizes.ts";
import { upTo } from "../parts/detector-schema.ts";
import type { RegionClipConfig } from "./region-clip.ts";

const sizes = z.looseObject({
  embedding: upTo(16_384),
  recogniser: z.looseObject({ ...modifiedResNetShape, side: upTo(64) }),
  boxOutputs: upTo(100_000),
  masks: z.looseObject({ channels: upTo(16_384), classes: upTo(100_000) }).optional(),
  localiser: z
    .looseObject({
      stem: upTo(16_384),
      channels: upTo(16_384),
      blocks: z.array(upTo(256)),
      pyramid: upTo(16_384).optional(),
    })
    .optional(),
});

/** The same configuration. Throws WeightsError if a size is not possible. */
export function checkedRegionClipSizes(config: RegionClipConfig, source: string): RegionClipConfig {
  const checked = sizes.safeParse(config);
  if (checked.success) return config;
  throw new WeightsError(`${source}: a RegionCLIP cannot have these sizes: ${z.prettifyError(checked.error)}`);
}
