/**
 * How config.json and the `model` of recipes are checked, by family. Apart from families.ts, so that a model of this package, which tests
 * check, is loaded without zod: loading zod takes more time than reading the model.
 */

import { z } from "zod";
import { parsedJson } from "../weights/parsed-json.ts";
import { clipSchemas } from "./clip/schemas.ts";
import { dynamicHeadSchemas } from "./dynamic-head/schemas.ts";
import { type DetectorType, families, type ModelType, modelTypes } from "./families.ts";
import { glipSchemas } from "./glip/schemas.ts";
import { glipV2Schemas } from "./glip-v2/schemas.ts";
import type { DetectorSchemas, FamilySchemas } from "./parts/schemas.ts";
import { regionClipSchemas } from "./region-clip/schemas.ts";

const detectors = {
  "groundling-glip": glipSchemas,
  "groundling-glip-v2": glipV2Schemas,
  "groundling-dynamic-head": dynamicHeadSchemas,
} satisfies Record<DetectorType, DetectorSchemas>;

const rows = {
  ...detectors,
  "groundling-region-clip": regionClipSchemas,
  clip: clipSchemas,
} satisfies Record<ModelType, FamilySchemas>;

export const detectorSchemas: Readonly<Record<DetectorType, DetectorSchemas>> = detectors;
const schemas: Readonly<Record<ModelType, FamilySchemas>> = rows;

/** The `model` of a recipe: of any family of detectors, told apart by `kind`; a GLIP where there is none. */
export type RecipeModel = { [Type in DetectorType]: z.infer<(typeof detectors)[Type]["recipe"]> }[DetectorType];

const [first, ...others] = Object.values(detectors).map(({ recipe }) => recipe);
export const recipeModelSchema = z.discriminatedUnion("kind", [first!, ...others]);

const typeSchema = z.looseObject({ model_type: z.enum(modelTypes) });
/** Reads the text of a config.json. Throws WeightsError, which names `place`, where it is malformed. */
export function readConfigFile(text: string, place: string): { type: ModelType; config: unknown } {
  const { model_type: type } = parsedJson(text, place, typeSchema);
  const { configKey } = families[type];
  const { config } = schemas[type];
  if (configKey === undefined) return { type, config: parsedJson(text, place, config) };
  return { type, config: parsedJson(text, place, z.object({ [configKey]: config }))[configKey] };
}
