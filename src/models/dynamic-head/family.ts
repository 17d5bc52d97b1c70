/** The Dynamic Head's row in the table of families. */

import type { z } from "zod";
import type { DetectorFamily } from "../parts/family.ts";
import { glipPictures } from "../parts/glip-pictures.ts";
import { tooLargeText } from "../parts/model-size.ts";
import { type DynamicHeadConfig, dynamicHead } from "./dynamic-head.ts";
import type { dynamicHeadSchemas } from "./schemas.ts";

export const dynamicHeadFamily = {
  title: "Dynamic Head",
  kind: "dynamic-head",
  configKey: "dynamic_head",
  capabilities: ["detect", "train"],
  preparation: glipPictures,
  completed: async (inRecipe: z.infer<typeof dynamicHeadSchemas.recipe>, classes) => ({
    ...inRecipe,
    classes: inRecipe.classes ?? (await classes()),
  }),
  words: ({ classes }) => ({ kind: "classes", names: classes }),
  tooLarge: tooLargeText,
  detector: dynamicHead,
} satisfies DetectorFamily<DynamicHeadConfig>;
