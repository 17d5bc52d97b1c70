/** The schemas of a family: a row of the table of schemas. */

import type { z } from "zod";

/** `InFolder` is what a config.json holds of the configuration; the shapes of the weights give the rest. */
export interface FamilySchemas<InFolder = unknown> {
  readonly config: z.ZodType<InFolder>;
}

export interface DetectorSchemas<Config = unknown> extends FamilySchemas<Config> {
  /** The `model` of a recipe: its `kind`, and the configuration without the values that come from the data. */
  readonly recipe: z.ZodObject;
}
