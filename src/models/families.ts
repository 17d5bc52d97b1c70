/** The families of models by the `model_type` in config.json. To add one, add a folder and a row (docs/adding-a-model.md). */

import { z } from "zod";
import { dynamicHeadFamily } from "./dynamic-head/family.ts";
import { glipFamily } from "./glip/family.ts";
import type { Family } from "./parts/family.ts";

const rows = {
  "groundling-glip": glipFamily,
  "groundling-dynamic-head": dynamicHeadFamily,
} satisfies Record<string, Family>;

export type ModelType = keyof typeof rows;
export const families: Readonly<Record<ModelType, Family>> = rows;
export const modelTypes = Object.keys(rows) as ModelType[];

/** The `model` of a recipe: of any family, told apart by `kind`; a GLIP where there is none. */
export type RecipeModel = { [Type in ModelType]: z.infer<(typeof rows)[Type]["recipe"]> }[ModelType];

const [first, ...others] = modelTypes.map((type) => rows[type].recipe);
export const recipeModelSchema = z.discriminatedUnion("kind", [first!, ...others]);

/** The family of a recipe's model. */
export function typeOfRecipe({ kind = glipFamily.kind }: { readonly kind?: string }): ModelType {
  return modelTypes.find((type) => rows[type].kind === kind)!;
}

const [firstFile, ...otherFiles] = modelTypes.map((type) =>
  z.object({ model_type: z.literal(type), [families[type].configKey]: families[type].schema }),
);
/** Reads the content of a config.json. */
export const configFileSchema = z.discriminatedUnion("model_type", [firstFile!, ...otherFiles]).transform((file) => {
  const type = modelTypes.find((known) => known === file["model_type"])!;
  return { type, config: file[families[type].configKey] };
});

/** The content of a config.json. */
export function configFile(type: ModelType, config: object): Record<string, unknown> {
  return { model_type: type, [families[type].configKey]: config };
}
