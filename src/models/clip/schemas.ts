/** How the config.json of a `CLIPModel` is checked. */

import { z } from "zod";
import type { FamilySchemas } from "../parts/schemas.ts";
import type { ClipModelFile } from "./hugging-face-clip.ts";

const part = z.looseObject({
  num_attention_heads: z.int().min(1).optional(),
  hidden_act: z.string().default("quick_gelu"),
});

export const clipSchemas = {
  config: z.looseObject({ model_type: z.literal("clip"), text_config: part.nullish(), vision_config: part.nullish() }),
} satisfies FamilySchemas<ClipModelFile>;
