/** A model on disk: config.json, preprocessor_config.json, vocab.txt, model.safetensors and a card, as the hubs lay them out. */

import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { InputError, WeightsError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { writeWholeFolder } from "../../files/write-whole.ts";
import type { SizeRule } from "../../inputs/pictures/prepare-image.ts";
import { KnownClasses } from "../../inputs/words/known-classes.ts";
import { nameListSchema, type StoredNames } from "../../inputs/words/name-list.ts";
import { WordPieces } from "../../inputs/words/word-pieces.ts";
import { dynamicHeadConfigSchema, glipConfigSchema, hugeWords } from "../../models/detector-config.ts";
import { type DynamicHeadConfig, dynamicHead } from "../../models/dynamic-head/dynamic-head.ts";
import { type Glip, type GlipConfig, glip, publishedExtras } from "../../models/glip/glip.ts";
import { inferConfig } from "../../models/glip/infer-config.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { loadWeights } from "../../weights/fit.ts";
import { openWeights } from "../../weights/open-weights.ts";
import type { TensorToWrite } from "../../weights/write-safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { fetchModel, zoo } from "../../weights/zoo.ts";
import type { Words } from "./grounding-model.ts";

export interface StoredDetector {
  /** Of the built-in model, or of the folder or file that it was read from. */
  name: string;
  model: Detector;
  weights: Map<string, Float32Array>;
  words: Words;
  size: SizeRule;
  /** File of a detector of fixed classes that answers beside it. */
  companion?: string;
  /** What it was trained on, and other words for these names. */
  names?: StoredNames;
}

export interface StoredModel extends StoredDetector {
  model: Glip;
  words: WordPieces;
  /** File with one token a line, of which `words` are made. */
  vocabulary: string;
}

const COMPANION = "companion.safetensors";
const NAMES = "names.json";
const GLIP = "groundling-glip";
const DYNAMIC_HEAD = "groundling-dynamic-head";
/** What the published models were tested with. */
const PUBLISHED_SIZE: SizeRule = { short: 800, max: 1333 };
const root = new URL("../../../", import.meta.url);
/** The model that comes with the package. */
export const BUILT_IN = "everyday";
const BERT_WORDS = fileURLToPath(new URL("assets/bert-base-uncased/vocab.txt", root));

const configSchema = z.discriminatedUnion("model_type", [
  z.object({ model_type: z.literal(GLIP), glip: glipConfigSchema }),
  z.object({ model_type: z.literal(DYNAMIC_HEAD), dynamic_head: dynamicHeadConfigSchema }),
]);
/** Of config.json and the other texts of a folder. */
const MOST_TEXT = 2 ** 26;
const sizeSchema = z.object({
  size: z.object({ shortest_edge: z.int().positive().max(10_000), longest_edge: z.int().positive().max(100_000) }),
});

export interface ReadOptions {
  /** Fetches no model of the zoo; takes what is in the cache. */
  offline?: boolean;
}

/** Reads a GLIP: `readDetector` for what needs its words. Throws WeightsError for a folder with a detector of fixed classes. */
export async function readModel(nameOrPath: string = BUILT_IN, options: ReadOptions = {}): Promise<StoredModel> {
  const stored = await readDetector(nameOrPath, options);
  if (isGlip(stored)) return stored;
  throw new WeightsError(`${nameOrPath}: is a detector of fixed classes, which reads no words; a GLIP is needed here`);
}

function isGlip(stored: StoredDetector): stored is StoredModel {
  return stored.words instanceof WordPieces;
}

/** Reads the built-in model or one of the zoo by its name, a folder, or a published checkpoint file (`.pth` or safetensors). */
export async function readDetector(
  nameOrPath: string = BUILT_IN,
  { offline = false }: ReadOptions = {},
): Promise<StoredDetector> {
  if (nameOrPath === BUILT_IN) return readFolder(fileURLToPath(new URL(`assets/models/${BUILT_IN}`, root)));
  const found = await stat(nameOrPath).catch(() => undefined);
  if (!found && Object.hasOwn(zoo, nameOrPath)) return readCheckpoint(await fetchModel(nameOrPath, { offline }));
  if (!found)
    throw new InputError(
      `${nameOrPath}: no such model; give a folder, a checkpoint file, ${BUILT_IN} for the built-in one, or ${Object.keys(zoo).join(", ")}`,
    );
  return found.isDirectory() ? readFolder(nameOrPath) : readCheckpoint(nameOrPath);
}

async function readFolder(folder: string): Promise<StoredDetector | StoredModel> {
  const stored = await readJson(join(folder, "config.json"), configSchema);
  const huge = hugeWords(stored.model_type === DYNAMIC_HEAD ? stored.dynamic_head : stored.glip);
  if (huge) throw new WeightsError(`${join(folder, "config.json")}: ${huge}`);
  const { size: sides } = await readJson(join(folder, "preprocessor_config.json"), sizeSchema);
  const size: SizeRule = { short: sides.shortest_edge, max: sides.longest_edge };
  const file = join(folder, "model.safetensors");
  const name = basename(resolve(folder));
  if (stored.model_type === DYNAMIC_HEAD) {
    const model = dynamicHead(stored.dynamic_head);
    return { name, model, weights: await weightsOf(model, file), words: new KnownClasses(model.config.classes), size };
  }
  const config = stored.glip;
  const vocabulary = join(folder, "vocab.txt");
  const words = WordPieces.parse(await readTextOf(vocabulary));
  wantWords(words, config, folder);
  const model = glip(config);
  const [companion, listed] = [await present(join(folder, COMPANION)), await present(join(folder, NAMES))];
  const names = listed === undefined ? undefined : await readJson(listed, nameListSchema);
  const weights = await weightsOf(model, file);
  const beside = { ...(companion === undefined ? {} : { companion }), ...(names ? { names } : {}) };
  return { name, model, weights, words, vocabulary, size, ...beside };
}

/** A path where something lies, nothing where not. */
async function present(path: string): Promise<string | undefined> {
  return (await stat(path).catch(() => undefined)) && path;
}

async function readCheckpoint(path: string): Promise<StoredModel> {
  const file = await openWeights(path);
  let config: GlipConfig;
  try {
    config = inferConfig(file.entries, path);
  } finally {
    await file.close();
  }
  const words = WordPieces.parse(await readFile(BERT_WORDS, "utf8"));
  wantWords(words, config, path);
  const model = glip(config);
  const weights = await weightsOf(model, path);
  return { name: basename(path), model, weights, words, vocabulary: BERT_WORDS, size: PUBLISHED_SIZE };
}

/** A vocabulary that is not the model's own would look words up in the wrong rows. */
function wantWords(words: WordPieces, { bert }: GlipConfig, source: string): void {
  if (words.size === bert.vocabularySize) return;
  throw new WeightsError(
    `${source}: the model has ${bert.vocabularySize} word pieces, the vocabulary ${words.size}; give a folder with the vocab.txt it was trained with`,
  );
}

async function weightsOf(model: Detector, path: string): Promise<Map<string, Float32Array>> {
  const file = await openWeights(path);
  try {
    return await loadWeights(model.parameters, file, { mayBeUnused: publishedExtras });
  } finally {
    await file.close();
  }
}

export interface FolderContents {
  config: GlipConfig | DynamicHeadConfig;
  size: SizeRule;
  /** File with one token a line; a detector of fixed classes has none. */
  vocabulary?: string;
  /** Text of the model card. */
  card: string;
  weights: Iterable<TensorToWrite>;
  /** File of a companion. */
  companion?: string;
  names?: StoredNames;
}

/** Writes a model folder; it appears under its name only when it is whole. */
export async function writeModelFolder(
  folder: string,
  { config, size, vocabulary, card, weights, companion, names }: FolderContents,
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const stored =
    "classes" in config ? { model_type: DYNAMIC_HEAD, dynamic_head: config } : { model_type: GLIP, glip: config };
  const processor = { size: { shortest_edge: size.short, longest_edge: size.max } };
  await writeWholeFolder(folder, async (part) => {
    await writeFile(join(part, "config.json"), json(stored));
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
