/** GLIPv2's row in the table of families. */

import { z } from "zod";
import { glipFamily } from "../glip/family.ts";
import { upTo } from "../parts/detector-schema.ts";
import type { DetectorFamily } from "../parts/family.ts";
import { type GlipV2Config, glipV2 } from "./glip-v2.ts";

const schema = glipFamily.schema.extend({
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

const { vocabulary, published, ...shared } = glipFamily;

export const glipV2Family = {
  ...shared,
  title: "GLIPv2",
  kind: "glip-v2",
  configKey: "glip_v2",
  schema,
  recipe: schema.extend({ kind: z.literal("glip-v2") }),
  capabilities: ["detect", "ground", "export", "inspect"],
  detector: glipV2,
} satisfies DetectorFamily<GlipV2Config>;
