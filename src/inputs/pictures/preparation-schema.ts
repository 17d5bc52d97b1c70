/** How a preprocessor_config.json is checked. */

import { z } from "zod";
import type { PreparationFile } from "./preparation.ts";

const three = z.tuple([z.number(), z.number(), z.number()]);
const side = z.int().positive().max(10_000);

export const preparationSchema: z.ZodType<PreparationFile> = z.object({
  size: z.object({ shortest_edge: side, longest_edge: z.int().positive().max(100_000).exactOptional() }),
  resample: z.union([z.literal(2), z.literal(3)]).exactOptional(),
  crop_size: z.object({ width: side, height: side }).exactOptional(),
  size_divisor: z.int().positive().max(1024).exactOptional(),
  channel_order: z.enum(["rgb", "bgr"]).exactOptional(),
  rescale_factor: z.union([z.literal(1), z.literal(1 / 255)]).exactOptional(),
  image_mean: three.exactOptional(),
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).exactOptional(),
});
