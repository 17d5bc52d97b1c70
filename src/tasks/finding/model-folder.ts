/** A model on disk: config.json, preprocessor_config.json, vocab.txt, model.safetensors and a model card, as on the Hugging Face hub. */

import { copyFile, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { WeightsError } from "../../errors.ts";
import { readTextIfThere } from "../../files/read-file.ts";
import { writeWholeFolder } from "../../files/write-whole.ts";
import { type PicturePreparation, preparationFile, type SizeRule } from "../../inputs/pictures/preparation.ts";
import type { StoredNames } from "../../inputs/words/name-list.ts";
import { readWords } from "../../inputs/words/read-words.ts";
import type { AnyWords } from "../../inputs/words/words.ts";
import { configFile, type DetectorType, detectorFamilies } from "../../models/families.ts";
import type { Capability } from "../../models/parts/family.ts";
import { openWeights } from "../../weights/open-weights.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { TensorToWrite } from "../../weights/write-safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { type FetchingOptions, fetchingOf } from "../../weights/zoo.ts";
import { BUILT_IN, type LocatedModel, locateModel } from "../loading/locate.ts";
import {
  COMPANION,
  detectorType,
  type ModelFiles,
  NAMES,
  type OpenModel,
  openFolder,
  type ReadModel,
  wantFit,
  withWeights,
} from "./read-folder.ts";
import { refuseToReplaceOthers } from "./replaceable-folder.ts";

export interface StoredDetector extends ReadModel {
  /** File of the companion, a second detector of fixed classes. */
  companion?: string;
}

/** The same with its weights still in their file, which is to be closed. */
export interface OpenDetector extends OpenModel {
  companion?: string;
}

/** A detector with open vocabulary. */
export interface StoredModel extends StoredDetector {
  words: AnyWords;
  vocabulary: string;
}

const root = new URL("../../../", import.meta.url);

/** How a published model is fetched. */
export type ReadOptions = FetchingOptions;

/** Reads a detector with open vocabulary. Throws WeightsError for a model of a family without what is wanted. */
export async function readModel(
  nameOrPath: string = BUILT_IN,
  options: ReadOptions = {},
  wanted: Capability = "ground",
): Promise<StoredModel> {
  const { words, vocabulary, ...stored } = await readDetector(nameOrPath, options, wanted);
  if (words.pieces && vocabulary !== undefined) return { ...stored, words, vocabulary };
  throw new WeightsError(`${nameOrPath}: is a detector of fixed classes and cannot read prompts; use a GLIP model`);
}

/** Reads the built-in or a published model by its name, a model folder, or a published checkpoint file (`.pth` or safetensors). */
export async function readDetector(
  nameOrPath?: string,
  options: ReadOptions = {},
  wanted: Capability = "detect",
): Promise<StoredDetector> {
  return withWeights(await openDetector(nameOrPath, options, wanted));
}

/** The same without reading the weights. */
export async function openDetector(
  model: string | LocatedModel = BUILT_IN,
  options: ReadOptions = {},
  wanted: Capability = "detect",
): Promise<OpenDetector> {
  const located = typeof model === "string" ? await locateModel(model, wanted, fetchingOf(options)) : model;
  const { name, path, type, isBuiltIn, file } = located;
  try {
    const detector = detectorType(type, wanted, name);
    return file ? await openCheckpoint(file, detector) : await openStored(path, isBuiltIn);
  } catch (error) {
    await file?.close();
    throw error;
  }
}

async function openStored(folder: string, isBuiltIn: boolean): Promise<OpenDetector> {
  const companion = await present(join(folder, COMPANION));
  return {
    ...(await openFolder({ ...filesIn(folder), isBuiltIn })),
    ...(companion === undefined ? {} : { companion }),
  };
}

/** The files of a folder on disk. */
function filesIn(folder: string): ModelFiles {
  const placeOf = (file: string) => join(folder, file);
  return {
    name: basename(resolve(folder)),
    placeOf,
    text: async (file) => readTextIfThere(placeOf(file)),
    weights: (file) => openWeights(placeOf(file)),
  };
}

/** The path if it exists, else undefined. */
async function present(path: string): Promise<string | undefined> {
  return (await stat(path).catch(() => undefined)) && path;
}

/** A published checkpoint has no configuration; its shapes tell it. */
async function openCheckpoint(file: WeightsFile, type: DetectorType): Promise<OpenDetector> {
  const { path } = file;
  const family = detectorFamilies[type];
  const { vocabulary: list, published } = family;
  if (!published || list === undefined)
    throw new WeightsError(`${path}: a ${family.title} model has no checkpoint files; give its folder`);
  const vocabulary = fileURLToPath(new URL(list, root));
  const config = published.configOf(file.entries, path);
  const model = family.detector(config);
  await wantFit(model, file, family);
  const words = await readWords(family.words(config, () => vocabulary));
  return { name: basename(path), type, model, file, words, vocabulary, preparation: family.preparation };
}

export interface FolderContents {
  type: DetectorType;
  config: object;
  /** The sides of resized pictures, with the family's defaults for the rest of the preparation. */
  size?: SizeRule;
  preparation?: PicturePreparation;
  /** Vocabulary file, one token per line; a detector of fixed classes has none. */
  vocabulary?: string;
  /** Text of the model card. */
  card: string;
  weights: Iterable<TensorToWrite>;
  /** File of a companion. */
  companion?: string;
  names?: StoredNames;
}

/**
 * Writes a model folder. It appears when it is complete and replaces an existing model. Throws InputError if the folder contains
 * anything else.
 */
export async function writeModelFolder(
  folder: string,
  { type, config, size, preparation, vocabulary, card, weights, companion, names }: FolderContents,
): Promise<void> {
  await refuseToReplaceOthers(folder);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const usual = detectorFamilies[type].preparation;
  const processor = preparationFile({ ...usual, ...preparation, ...(size ? { size } : {}) });
  await writeWholeFolder(folder, async (part) => {
    await writeFile(join(part, "config.json"), json(configFile(type, config)));
    await writeFile(join(part, "preprocessor_config.json"), json(processor));
    if (vocabulary !== undefined) await copyFile(vocabulary, join(part, "vocab.txt"));
    if (companion !== undefined) await copyFile(companion, join(part, COMPANION));
    if (names) await writeFile(join(part, NAMES), json(names));
    await writeFile(join(part, "README.md"), card);
    await writeSafetensors(join(part, "model.safetensors"), weights, { format: "pt" });
  });
}
