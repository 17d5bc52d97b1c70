/** The Dynamic Head's row in the table of families. */

import { z } from "zod";
import { detectorShape, tooLargeText } from "../parts/detector-schema.ts";
import type { DetectorFamily } from "../parts/family.ts";
import { glipPictures } from "../parts/glip-pictures.ts";
import { type DynamicHeadConfig, dynamicHead } from "./dynamic-head.ts";

const schema = z.strictObject({ ...detectorShape, classes: z.array(z.string().min(1).max(1000)).min(1).max(100_000) });
const recipe = schema.extend({ kind: z.literal("dynamic-head"), classes: schema.shape.classes.exactOptional() });

export const dynamicHeadFamily = {
  title: "Dynamic Head",
  kind: "dynamic-head",
  configKey: "dynamic_head",
  schema,
  recipe,
  capabilities: ["detect", "train"],
  preparation: glipPictures,
  completed: async (inRecipe: z.infer<typeof recipe>, classes) => ({
    ...inRecipe,
    classes: inRecipe.classes ?? (await classes()),
  }),
  words: ({ classes }) => ({ kind: "classes", names: classes }),
  tooLarge: tooLargeText,
  detector: dynamicHead,
} satisfies DetectorFamily<DynamicHeadConfig>;
