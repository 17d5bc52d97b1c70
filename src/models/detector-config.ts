/** A detector's configuration as it stands in a model folder or a recipe: read, checked, never trusted. */

import { z } from "zod";

const whole = z.int().positive();

const swin = z.strictObject({
  embedDim: whole,
  depths: z.array(whole).length(4),
  heads: z.array(whole).length(4),
  window: whole,
  dropPathRate: z.number().min(0).max(0.9),
});

/** What all detectors are told. */
export const detectorConfigShape = {
  backbone: z.union([swin, z.literal("mobilenet-v2")]),
  channels: whole,
  groups: whole,
  steps: z.int().min(0),
};

export const glipConfigSchema = z.strictObject({
  ...detectorConfigShape,
  bert: z.strictObject({
    hiddenSize: whole,
    layers: z.int().min(0),
    heads: whole,
    intermediateSize: whole,
    vocabularySize: whole,
    positions: whole,
  }),
  maxTokens: whole,
  fusion: z.strictObject({ width: whole, heads: whole }).exactOptional(),
});

export const dynamicHeadConfigSchema = z.strictObject({
  ...detectorConfigShape,
  classes: z.array(z.string().min(1)).min(1),
});
