/** A model on disk: config.json, preprocessor_config.json, vocab.txt, model.safetensors and a card, as the hubs lay them out. */

import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { InputError, WeightsError } from "../../errors.ts";
import type { SizeRule } from "../../inputs/prepare-image.ts";
import { WordPieces } from "../../inputs/word-pieces.ts";
import { type Glip, type GlipConfig, glip, publishedExtras } from "../../models/glip.ts";
import { glipConfigSchema } from "../../models/glip-config.ts";
import { inferConfig } from "../../models/infer-config.ts";
import { loadWeights } from "../../weights/fit.ts";
import { openWeights } from "../../weights/open-weights.ts";
import type { TensorToWrite } from "../../weights/write-safetensors.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { fetchModel, zoo } from "../../weights/zoo.ts";

export interface StoredModel {
  model: Glip;
  weights: Map<string, Float32Array>;
  words: WordPieces;
  size: SizeRule;
}

const MODEL_TYPE = "groundling-glip";
/** What the published models were tested with. */
const PUBLISHED_SIZE: SizeRule = { short: 800, max: 1333 };
const root = new URL("../../../", import.meta.url);
/** The model that comes with the package. */
export const BUILT_IN = "everyday";
const BERT_WORDS = fileURLToPath(new URL("assets/bert-base-uncased/vocab.txt", root));

const configSchema = z.object({ model_type: z.literal(MODEL_TYPE), glip: glipConfigSchema });
const sizeSchema = z.object({
  size: z.object({ shortest_edge: z.int().positive(), longest_edge: z.int().positive() }),
});

export interface ReadOptions {
  /** Fetches no model of the zoo; takes what is in the cache. */
  offline?: boolean;
}

/** Reads the built-in model or one of the zoo by its name, a folder, or a published checkpoint file (`.pth` or safetensors). */
export async function readModel(
  nameOrPath: string = BUILT_IN,
  { offline = false }: ReadOptions = {},
): Promise<StoredModel> {
  if (nameOrPath === BUILT_IN) return readFolder(fileURLToPath(new URL(`assets/models/${BUILT_IN}`, root)));
  const found = await stat(nameOrPath).catch(() => undefined);
  if (!found && Object.hasOwn(zoo, nameOrPath)) return readCheckpoint(await fetchModel(nameOrPath, { offline }));
  if (!found)
    throw new InputError(
      `${nameOrPath}: no such model; give a folder, a checkpoint file, ${BUILT_IN} for the built-in one, or ${Object.keys(zoo).join(", ")}`,
    );
  return found.isDirectory() ? readFolder(nameOrPath) : readCheckpoint(nameOrPath);
}

async function readFolder(folder: string): Promise<StoredModel> {
  const { glip: config } = await readJson(join(folder, "config.json"), configSchema);
  const { size } = await readJson(join(folder, "preprocessor_config.json"), sizeSchema);
  const words = WordPieces.parse(
    await readFile(join(folder, "vocab.txt"), "utf8").catch(missing(join(folder, "vocab.txt"))),
  );
  wantWords(words, config, folder);
  const model = glip(config);
  const weights = await weightsOf(model, join(folder, "model.safetensors"));
  return { model, weights, words, size: { short: size.shortest_edge, max: size.longest_edge } };
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
  return { model, weights: await weightsOf(model, path), words, size: PUBLISHED_SIZE };
}

/** A vocabulary that is not the model's own would look words up in the wrong rows. */
function wantWords(words: WordPieces, { bert }: GlipConfig, source: string): void {
  if (words.size === bert.vocabularySize) return;
  throw new WeightsError(
    `${source}: the model has ${bert.vocabularySize} word pieces, the vocabulary ${words.size}; give a folder with the vocab.txt it was trained with`,
  );
}

async function weightsOf(model: Glip, path: string): Promise<Map<string, Float32Array>> {
  const file = await openWeights(path);
  try {
    return await loadWeights(model.parameters, file, { mayBeUnused: publishedExtras });
  } finally {
    await file.close();
  }
}

export interface FolderContents {
  config: GlipConfig;
  size: SizeRule;
  /** File with one token a line. */
  vocabulary: string;
  /** Text of the model card. */
  card: string;
  weights: Iterable<TensorToWrite>;
}

/** Writes a model folder; it appears under its name only when it is whole. */
export async function writeModelFolder(
  folder: string,
  { config, size, vocabulary, card, weights }: FolderContents,
): Promise<void> {
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await writeFile(join(part, "config.json"), json({ model_type: MODEL_TYPE, glip: config }));
  const processor = { size: { shortest_edge: size.short, longest_edge: size.max } };
  await writeFile(join(part, "preprocessor_config.json"), json(processor));
  await copyFile(vocabulary, join(part, "vocab.txt"));
  await writeFile(join(part, "README.md"), card);
  await writeSafetensors(join(part, "model.safetensors"), weights, { format: "pt" });
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
}

async function readJson<Value>(path: string, schema: z.ZodType<Value>): Promise<Value> {
  const text = await readFile(path, "utf8").catch(missing(path));
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

function missing(path: string) {
  return (): never => {
    throw new WeightsError(
      `${path}: missing; a model folder holds config.json, preprocessor_config.json, vocab.txt and model.safetensors`,
    );
  };
}
