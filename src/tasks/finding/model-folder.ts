/** A model on disk: config.json, preprocessor_config.json, vocab.txt, model.safetensors and a card, as the hubs lay them out. */

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
  /** Of the built-in model, or of the folder or file that it was read from. */
  name: string;
  type: ModelType;
  model: Detector;
  weights: Map<string, Float32Array>;
  words: Words;
  /** File with one token a line, of which `words` are made where they come from a file. */
  vocabulary?: string;
  preparation: PicturePreparation;
  /** File of a detector of fixed classes that answers beside it. */
  companion?: string;
  /** What it was trained on, and other words for these names. */
  names?: StoredNames;
}

/** A detector that reads any words. */
export interface StoredModel extends StoredDetector {
  words: AnyWords;
  vocabulary: string;
}

const COMPANION = "companion.safetensors";
const NAMES = "names.json";
const root = new URL("../../../", import.meta.url);
/** The model that comes with the package. */
export const BUILT_IN = "everyday";

/** Of config.json and the other texts of a folder. */
const MOST_TEXT = 2 ** 26;
/** How a published model is fetched. */
export type ReadOptions = FetchingOptions;

/** Reads a detector that reads any words. Throws WeightsError for a folder with a detector of fixed classes. */
export async function readModel(nameOrPath: string = BUILT_IN, options: ReadOptions = {}): Promise<StoredModel> {
  const { words, vocabulary, ...stored } = await readDetector(nameOrPath, options);
  if (words.pieces && vocabulary !== undefined) return { ...stored, words, vocabulary };
  throw new WeightsError(`${nameOrPath}: is a detector of fixed classes, which reads no words; a GLIP is needed here`);
}

/** Reads the built-in model or one of the zoo by its name, a folder, or a published checkpoint file (`.pth` or safetensors). */
export async function readDetector(nameOrPath: string = BUILT_IN, options: ReadOptions = {}): Promise<StoredDetector> {
  if (nameOrPath === BUILT_IN) return readFolder(fileURLToPath(new URL(`assets/models/${BUILT_IN}`, root)));
  const found = await stat(nameOrPath).catch(() => undefined);
  if (!found && Object.hasOwn(zoo, nameOrPath))
    return readCheckpoint(await fetchModel(nameOrPath, fetchingOf(options)));
  if (!found)
    throw new InputError(
      `${nameOrPath}: no such model; give a folder, a checkpoint file, ${BUILT_IN} for the built-in one, or ${Object.keys(zoo).join(", ")}`,
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

/** A path where something lies, nothing where not. */
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

/** What a checkpoint of unknown form is. Throws WeightsError where it is of no family. */
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
    `${source}: a ${family.title} does not ${wanted}, it can be asked to ${family.capabilities.join(", ")}; a GLIP is needed here`,
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
  /** The sides that pictures are resized to, where the rest of their preparation is the family's; or all of it. */
  size?: SizeRule;
  preparation?: PicturePreparation;
  /** File with one token a line; a detector of fixed classes has none. */
  vocabulary?: string;
  /** Text of the model card. */
  card: string;
  weights: Iterable<TensorToWrite>;
  /** File of a companion. */
  companion?: string;
  names?: StoredNames;
}

/**
 * Writes a model folder; it appears under its name only when it is whole, in place of a model that is there. Throws InputError where
 * the folder holds anything else.
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
      `${path}: missing; a model folder holds config.json, preprocessor_config.json, vocab.txt and model.safetensors`,
    );
  };
}
