/** A model on disk: config.json, preprocessor_config.json, vocab.txt, model.safetensors and a model card, as on the Hugging Face hub. */

import { copyFile, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, WeightsError } from "../../errors.ts";
import { readTextIfThere } from "../../files/read-file.ts";
import { writeWholeFolder } from "../../files/write-whole.ts";
import { type PicturePreparation, preparationFile, type SizeRule } from "../../inputs/pictures/preparation.ts";
import type { StoredNames } from "../../inputs/words/name-list.ts";
import { readWords } from "../../inputs/words/read-words.ts";
import type { AnyWords } from "../../inputs/words/words.ts";
import { configFile, families, type ModelType, modelTypes } from "../../models/families.ts";
import { openWeights } from "../../weights/open-weights.ts";
import type { TensorToWrite } from "../../weights/write-safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { type FetchingOptions, fetchingOf, fetchModel, zoo } from "../../weights/zoo.ts";
import { COMPANION, detectorOf, type ModelFiles, NAMES, type ReadModel, readFolder, weightsOf } from "./read-folder.ts";
import { refuseToReplaceOthers } from "./replaceable-folder.ts";

export interface StoredDetector extends ReadModel {
  /** File of the companion, a second detector of fixed classes. */
  companion?: string;
}

/** A detector with open vocabulary. */
export interface StoredModel extends StoredDetector {
  words: AnyWords;
  vocabulary: string;
}

const root = new URL("../../../", import.meta.url);
/** The model that comes with the package. */
export const BUILT_IN = "everyday";

/** How a published model is fetched. */
export type ReadOptions = FetchingOptions;

/** Reads a detector with open vocabulary. Throws WeightsError for a detector of fixed classes. */
export async function readModel(nameOrPath: string = BUILT_IN, options: ReadOptions = {}): Promise<StoredModel> {
  const { words, vocabulary, ...stored } = await readDetector(nameOrPath, options);
  if (words.pieces && vocabulary !== undefined) return { ...stored, words, vocabulary };
  throw new WeightsError(`${nameOrPath}: is a detector of fixed classes and cannot read prompts; use a GLIP model`);
}

/** Reads the built-in or a published model by its name, a model folder, or a published checkpoint file (`.pth` or safetensors). */
export async function readDetector(nameOrPath: string = BUILT_IN, options: ReadOptions = {}): Promise<StoredDetector> {
  if (nameOrPath === BUILT_IN) return readStored(fileURLToPath(new URL(`assets/models/${BUILT_IN}`, root)));
  const found = await stat(nameOrPath).catch(() => undefined);
  if (!found && Object.hasOwn(zoo, nameOrPath))
    return readCheckpoint(await fetchModel(nameOrPath, fetchingOf(options)));
  if (!found)
    throw new InputError(
      `${nameOrPath}: no such model; give a folder, a checkpoint file, ${BUILT_IN} for the built-in model, or ${Object.keys(zoo).join(", ")}`,
    );
  return found.isDirectory() ? readStored(nameOrPath) : readCheckpoint(nameOrPath);
}

async function readStored(folder: string): Promise<StoredDetector> {
  const companion = await present(join(folder, COMPANION));
  return { ...(await readFolder(filesIn(folder))), ...(companion === undefined ? {} : { companion }) };
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

async function readCheckpoint(path: string): Promise<StoredDetector> {
  const { type, config, published } = await publishedModel(path);
  const family = families[type];
  const vocabulary = fileURLToPath(new URL(published.vocabulary, root));
  const words = await readWords(family.words(config, () => vocabulary));
  const model = detectorOf(family, config, path);
  const weights = await weightsOf(model, await openWeights(path), family);
  return { name: basename(path), type, model, weights, words, vocabulary, preparation: family.preparation };
}

/** Infers the family and configuration of a checkpoint. Throws WeightsError if it belongs to no family. */
async function publishedModel(path: string) {
  const rows = modelTypes.flatMap((type) => {
    const { published } = families[type];
    return published ? [{ type, published }] : [];
  });
  const file = await openWeights(path);
  try {
    const { type, published } = rows.find((row) => row.published.recognises(file.entries)) ?? rows[0]!;
    return { type, published, config: published.configOf(file.entries, path) };
  } finally {
    await file.close();
  }
}

export interface FolderContents {
  type: ModelType;
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
  const usual = families[type].preparation;
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
