/** The schema of every detector's configuration, for model folders and recipes. */

import { z } from "zod";

/** The upper limits are several times the largest published model, so that a wrong file is refused before a model is built. */
export const upTo = (most: number) => z.int().positive().max(most);

const swin = z.strictObject({
  embedDim: upTo(4096),
  depths: z.array(upTo(128)).length(4),
  heads: z.array(upTo(1024)).length(4),
  // The table of positions has the fourth power of it; the largest published GLIP has 12.
  window: upTo(24),
  dropPathRate: z.number().min(0).max(0.9),
});

/** The settings of all detectors. */
export const detectorShape = {
  backbone: z.union([swin, z.literal("mobilenet-v2")]),
  channels: upTo(8192),
  groups: upTo(8192),
  steps: z.int().min(0).max(64),
};
