/** How a GLIPv2's configuration in files is checked. */

import { z } from "zod";
import { glipSchemas } from "../glip/schemas.ts";
import { upTo } from "../parts/detector-schema.ts";
import type { DetectorSchemas } from "../parts/schemas.ts";
import type { GlipV2Config } from "./glip-v2.ts";

const config = glipSchemas.config.extend({
  fusion: z.strictObject({ width: upTo(16_384), heads: upTo(1024) }),
  contrast: z.strictObject({ width: upTo(4096), regions: z.enum(["c4", "fpn"]) }).exactOptional(),
  heads: z.strictObject({
    maskedWords: z.literal(true).exactOptional(),
    masks: z.literal(true).exactOptional(),
    captions: z.literal(true).exactOptional(),
  }),
  answers: z
    .array(z.string().min(1))
    .min(1)
    .max(100_000)
    .refine((answers) => new Set(answers).size === answers.length, "has an answer twice; each answer stands once")
    .exactOptional(),
});

export const glipV2Schemas = {
  config,
  recipe: config.extend({ kind: z.literal("glip-v2") }),
} satisfies DetectorSchemas<GlipV2Config>;
