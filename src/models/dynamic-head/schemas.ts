/** How a Dynamic Head's configuration in files is checked. */

import { z } from "zod";
import { detectorShape } from "../parts/detector-schema.ts";
import type { DetectorSchemas } from "../parts/schemas.ts";
import type { DynamicHeadConfig } from "./dynamic-head.ts";

const config = z.strictObject({ ...detectorShape, classes: z.array(z.string().min(1).max(1000)).min(1).max(100_000) });

export const dynamicHeadSchemas = {
  config,
  recipe: config.extend({ kind: z.literal("dynamic-head"), classes: config.shape.classes.exactOptional() }),
} satisfies DetectorSchemas<DynamicHeadConfig>;
