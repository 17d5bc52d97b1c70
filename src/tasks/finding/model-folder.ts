/** A model on disk: config.json, preprocessor_config.json, vocab.txt, model.safetensors and a model card, as on the Hugging Face hub. */

import { copyFile, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { InputError, WeightsError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { writeWholeFolder } from "../../files/write-whole.ts";
import {
  type PicturePreparation,
  preparationFile,
  preparationFileSchema,
  type SizeRule,
} from "../../inputs/pictures/preparation.ts";
import { nameListSchema, type StoredNames } from "../../inputs/words/name-list.ts";
import { readWords } from "../../inputs/words/read-words.ts";
import type { AnyWords, Words } from "../../inputs/words/words.ts";
import { configFile, configFileSchema, families, type ModelType, modelTypes } from "../../models/families.ts";
import type { Detector } from "../../models/parts/detector.ts";
import type { Capability, Family } from "../../models/parts/family.ts";
import { loadWeights } from "../../weights/fit.ts";
import { openWeights } from "../../weights/open-weights.ts";
import type { TensorToWrite } from "../../weights/write-safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { type FetchingOptions, fetchingOf, fetchModel, zoo } from "../../weights/zoo.ts";
import { refuseToReplaceOthers } from "./replaceable-folder.ts";

export interface StoredDetector {
  /** Name of the built-in model, or of the model's folder or file. */
  name: string;
  type: ModelType;
  model: Detector;
  weights: Map<string, Float32Array>;
  words: Words;
  /** The vocabulary file of `words`, one token per line; if there is one. */
  vocabulary?: string;
  preparation: PicturePreparation;
  /** File of the companion, a second detector of fixed classes. */
  companion?: string;
  /** The names it was trained on, and synonyms. */
  names?: StoredNames;
}

/** A detector with open vocabulary. */
export interface StoredModel extends StoredDetector {
  words: AnyWords;
  vocabulary: string;
}

const COMPANION = "companion.safetensors";
const NAMES = "names.json";
const root = new URL("../../../", import.meta.url);
/** The model that comes with the package. */
export const BUILT_IN = "everyday";

/** Maximum size of config.json and the folder's other text files. */
const MOST_TEXT = 2 ** 26;
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
  if (nameOrPath === BUILT_IN) return readFolder(fileURLToPath(new URL(`assets/models/${BUILT_IN}`, root)));
  const found = await stat(nameOrPath).catch(() => undefined);
  if (!found && Object.hasOwn(zoo, nameOrPath))
    return readCheckpoint(await fetchModel(nameOrPath, fetchingOf(options)));
  if (!found)
    throw new InputError(
      `${nameOrPath}: no such model; give a folder, a checkpoint file, ${BUILT_IN} for the built-in model, or ${Object.keys(zoo).join(", ")}`,
    );
  return found.isDirectory() ? readFolder(nameOrPath) : readCheckpoint(nameOrPath);
}

async function readFolder(folder: string): Promise<StoredDetector> {
  const { type, config } = await readJson(join(folder, "config.json"), configFileSchema);
  const family = families[type];
  const huge = family.tooLarge?.(config);
  if (huge) throw new WeightsError(`${join(folder, "config.json")}: ${huge}`);
  const source = family.words(config, (name) => join(folder, name));
  const model = detectorOf(family, config, folder);
  const [companion, listed] = [await present(join(folder, COMPANION)), await present(join(folder, NAMES))];
  return {
    ...{ name: basename(resolve(folder)), type, model, words: await readWords(source) },
    ...(source.kind === "word-pieces" ? { vocabulary: source.file } : {}),
    preparation: await readJson(join(folder, "preprocessor_config.json"), preparationFileSchema(family.preparation)),
    weights: await weightsOf(model, join(folder, "model.safetensors"), family),
    ...(companion === undefined ? {} : { companion }),
    ...(listed === undefined ? {} : { names: await readJson(listed, nameListSchema) }),
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
  const weights = await weightsOf(model, path, family);
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

function detectorOf(family: Family, config: unknown, source: string): Detector {
  if (family.detector) return family.detector(config);
  const wanted: Capability = "detect";
  throw new WeightsError(
    `${source}: a ${family.title} cannot ${wanted}, only ${family.capabilities.join(", ")}; use a GLIP model`,
  );
}

async function weightsOf(
  { parameters }: Detector,
  path: string,
  { published }: Family,
): Promise<Map<string, Float32Array>> {
  const file = await openWeights(path);
  try {
    return await loadWeights(parameters, file, published ? { mayBeUnused: published.mayBeUnused } : {});
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

async function readJson<Value>(path: string, schema: z.ZodType<Value>): Promise<Value> {
  const text = await readTextOf(path);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new WeightsError(`${path}: not JSON (${error instanceof Error ? error.message : error})`);
  }
  const checked = schema.safeParse(raw);
  if (!checked.success) throw new WeightsError(`${path}: ${z.prettifyError(checked.error)}`);
  return checked.data;
}

async function readTextOf(path: string): Promise<string> {
  if (!(await stat(path).catch(() => undefined))) missing(path)();
  return readTextFile(path, MOST_TEXT);
}

function missing(path: string) {
  return (): never => {
    throw new WeightsError(
      `${path}: missing; a model folder needs config.json, preprocessor_config.json, vocab.txt and model.safetensors`,
    );
  };
}
