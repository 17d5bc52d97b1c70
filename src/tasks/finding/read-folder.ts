/** A model folder, read from wherever its files lie: a disk or a server. */

import { WeightsError } from "../../errors.ts";
import { type PicturePreparation, preparationIn } from "../../inputs/pictures/preparation.ts";
import type { StoredNames } from "../../inputs/words/name-list.ts";
import { type Words, wordsOf } from "../../inputs/words/words.ts";
import {
  configIn,
  type DetectorType,
  detectorFamilies,
  families,
  isDetector,
  type ModelType,
  wantCapability,
} from "../../models/families.ts";
import type { Detector } from "../../models/parts/detector.ts";
import type { Capability, Family } from "../../models/parts/family.ts";
import { checkFit, readWeights } from "../../weights/fit.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { FolderJson } from "./folder-json.ts";

/** The files of a model folder by their names. */
export interface ModelFiles {
  /** Name of the model. */
  readonly name: string;
  /** Whether the folder is in this package: its tests check the JSON files, so that loading does not. */
  readonly isBuiltIn?: boolean;
  /** Path or address of a file, for messages. */
  placeOf(file: string): string;
  /** The text of a file; undefined where there is none. */
  text(file: string): Promise<string | undefined>;
  /** A file of weights, to be closed after use; undefined where there is none. */
  weights(file: string): Promise<WeightsFile | undefined>;
}

/** A model without its companion, whose weights are still in their file. */
export interface OpenModel {
  /** Name of the built-in model, or of the model's folder or file. */
  name: string;
  type: DetectorType;
  model: Detector;
  /** The file of its weights, which fits the model; to be closed. */
  file: WeightsFile;
  words: Words;
  /** The vocabulary file of `words`, one token per line; if there is one. */
  vocabulary?: string;
  preparation: PicturePreparation;
  /** The names it was trained on, and synonyms. */
  names?: StoredNames;
}

/** The same with its weights. */
export interface ReadModel extends Omit<OpenModel, "file"> {
  weights: Map<string, Float32Array>;
}

export const COMPANION = "companion.safetensors";
export const NAMES = "names.json";
const PREPARATION = "preprocessor_config.json";
const WEIGHTS = "model.safetensors";

const parsed = (text: string) => JSON.parse(text);
const uncheckedJson: FolderJson = { config: configIn, preparation: parsed, names: parsed };

/** Reads a model folder. Throws WeightsError, which names the file, where one is missing or malformed. */
export async function readFolder(files: ModelFiles): Promise<ReadModel> {
  return withWeights(await openFolder(files));
}

/** The same without reading the weights. */
export async function openFolder(files: ModelFiles): Promise<OpenModel> {
  const json = files.isBuiltIn ? uncheckedJson : (await import("./folder-json.ts")).checkedJson;
  const place = files.placeOf("config.json");
  const { type, config } = json.config((await files.text("config.json")) ?? missing(files, "config.json"), place);
  const detector = detectorType(type, "detect", files.name);
  const family = detectorFamilies[detector];
  const huge = family.tooLarge?.(config);
  if (huge) throw new WeightsError(`${place}: ${huge}`);
  const source = family.words(config, (file) => files.placeOf(file));
  const model = family.detector(config);
  const words = wordsOf(source, source.kind === "word-pieces" ? await files.text("vocab.txt") : undefined);
  const stated = (await files.text(PREPARATION)) ?? missing(files, PREPARATION);
  const preparation = preparationIn(json.preparation(stated, files.placeOf(PREPARATION)), family.preparation);
  const names = await files.text(NAMES);
  const known = names === undefined ? {} : { names: json.names(names, files.placeOf(NAMES)) };
  const file = (await files.weights(WEIGHTS)) ?? missing(files, WEIGHTS);
  await wantFit(model, file, family);
  return {
    ...{ name: files.name, type: detector, model, file, words, preparation },
    ...(source.kind === "word-pieces" ? { vocabulary: source.file } : {}),
    ...known,
  };
}

/** The family of a detector of words. Throws WeightsError for a family that is asked otherwise, or not at all, for what is wanted. */
export function detectorType(type: ModelType, wanted: Capability, source: string): DetectorType {
  wantCapability(type, wanted, source);
  if (isDetector(type)) return type;
  throw new WeightsError(`${source}: is a ${families[type].title} model; load it with loadRegionModel`);
}

/** Closes the file and throws WeightsError if its weights do not fit a detector. */
export async function wantFit({ parameters }: Detector, file: WeightsFile, { published }: Family): Promise<void> {
  try {
    checkFit(parameters, file, published ? { mayBeUnused: published.mayBeUnused } : {});
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Reads the weights of a model and closes their file. */
export async function withWeights<Model extends OpenModel>({
  file,
  ...read
}: Model): Promise<Omit<Model, "file"> & { weights: Map<string, Float32Array> }> {
  try {
    return { ...read, weights: await readWeights(read.model.parameters, file) };
  } finally {
    await file.close();
  }
}

function missing(files: ModelFiles, file: string): never {
  throw new WeightsError(
    `${files.placeOf(file)}: missing; a model folder needs config.json, preprocessor_config.json, vocab.txt and model.safetensors`,
  );
}
