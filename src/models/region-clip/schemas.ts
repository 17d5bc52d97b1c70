/** How the config.json of a RegionCLIP is checked. */

import { z } from "zod";
import type { FamilySchemas } from "../parts/schemas.ts";

/** Shapes determine everything else. */
export const regionClipSchemas = {
  config: z.looseObject({ model_type: z.literal("groundling-region-clip") }),
} satisfies FamilySchemas;
