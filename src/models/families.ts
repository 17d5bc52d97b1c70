/** The families of models by the `model_type` in config.json. To add one, add a folder and a row (docs/adding-a-model.md). */

import { WeightsError } from "../errors.ts";
import { clipFamily } from "./clip/family.ts";
import { dynamicHeadFamily } from "./dynamic-head/family.ts";
import { glipFamily } from "./glip/family.ts";
import { glipV2Family } from "./glip-v2/family.ts";
import type { Capability, DetectorFamily, Family, NamedShapes } from "./parts/family.ts";
import { regionClipFamily } from "./region-clip/family.ts";

const detectors = {
  "groundling-glip": glipFamily,
  "groundling-glip-v2": glipV2Family,
  "groundling-dynamic-head": dynamicHeadFamily,
} satisfies Record<string, DetectorFamily>;

const rows = {
  ...detectors,
  "groundling-region-clip": regionClipFamily,
  clip: clipFamily,
} satisfies Record<string, Family>;

/** A family of detectors, which recipes train. */
export type DetectorType = keyof typeof detectors;
export type ModelType = keyof typeof rows;
export const detectorFamilies: Readonly<Record<DetectorType, DetectorFamily>> = detectors;
export const families: Readonly<Record<ModelType, Family>> = rows;
export const detectorTypes = Object.keys(detectors) as DetectorType[];
export const modelTypes = Object.keys(rows) as ModelType[];

/** The families whose published checkpoints are recognised by their tensors. */
const publishedTypes = modelTypes.filter((type) => families[type].published);

/** The family of a published checkpoint, recognised by the names and shapes of its tensors. Throws WeightsError if it belongs to none. */
export function familyOfTensors(entries: NamedShapes, source: string): ModelType {
  const found = publishedTypes.find((type) => families[type].published!.recognises(entries));
  if (found) return found;
  const titles = publishedTypes.map((type) => families[type].title);
  const [first = "none"] = entries.keys();
  throw new WeightsError(
    `${source}: not a checkpoint of ${listed(titles, "or")}: its first tensor is ${first}; a folder with a config.json can say what it is`,
  );
}

/** Throws WeightsError, which says what the model can do, if its family does not have the capability. */
export function wantCapability(type: ModelType, capability: Capability, source: string): void {
  const { title, capabilities } = families[type];
  if (capabilities.includes(capability)) return;
  const able = modelTypes.map((other) => families[other]).filter((family) => family.capabilities.includes(capability));
  const titles = able.map((family) => family.title);
  const commands = capabilities.map((known) => `groundling ${known}`);
  throw new WeightsError(
    `${source}: is a ${title} model, but groundling ${capability} needs a ${listed(titles, "or")} model; ` +
      `use it with ${listed(commands, "or")}, or give another model`,
  );
}

/** Whether a family is a family of detectors. */
export function isDetector(type: ModelType): type is DetectorType {
  return Object.hasOwn(detectors, type);
}

/** The family of a recipe's model. */
export function typeOfRecipe({ kind = glipFamily.kind }: { readonly kind?: string }): DetectorType {
  return detectorTypes.find((type) => detectors[type].kind === kind)!;
}

/** The family that a config.json names, and its configuration. The text must have been checked (schemas.ts), or be of this package. */
export function configIn(text: string): { type: ModelType; config: unknown } {
  const file = JSON.parse(text) as Record<string, unknown> & { model_type: ModelType };
  const { configKey } = families[file.model_type];
  return { type: file.model_type, config: configKey === undefined ? file : file[configKey] };
}

/** The content of a config.json. */
export function configFile(type: ModelType, config: object): Record<string, unknown> {
  const { configKey } = families[type];
  return { model_type: type, ...(configKey === undefined ? config : { [configKey]: config }) };
}

/** "a", "a or b", "a, b or c". */
function listed(words: readonly string[], last: string): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
