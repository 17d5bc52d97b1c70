/** How a GLIP's configuration in files is checked. */

import { z } from "zod";
import { detectorShape, upTo } from "../parts/detector-schema.ts";
import type { DetectorSchemas } from "../parts/schemas.ts";
import type { GlipConfig } from "./glip.ts";

const config = z.strictObject({
  ...detectorShape,
  bert: z.strictObject({
    hiddenSize: upTo(8192),
    layers: z.int().min(0).max(128),
    heads: upTo(1024),
    intermediateSize: upTo(65_536),
    vocabularySize: upTo(2_000_000),
    positions: upTo(65_536),
  }),
  maxTokens: upTo(65_536),
  fusion: z.strictObject({ width: upTo(16_384), heads: upTo(1024) }).exactOptional(),
});

export const glipSchemas = {
  config,
  recipe: config.extend({ kind: z.literal("glip").exactOptional() }),
} satisfies DetectorSchemas<GlipConfig>;
