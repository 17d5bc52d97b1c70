/** A CLIP on disk: a checkpoint file with OpenAI's names, or a folder of Hugging Face's `CLIPModel`. */

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { readTextIfThere } from "../../files/read-file.ts";
import { CLIP_PIXELS, type CropRule } from "../../inputs/pictures/prepare-crop.ts";
import { BytePairs } from "../../inputs/words/byte-pairs.ts";
import type { ClipConfig } from "../../models/clip/clip.ts";
import { clip } from "../../models/clip/clip.ts";
import { checkedClipSizes } from "../../models/clip/clip-sizes.ts";
import { clipFamily } from "../../models/clip/family.ts";
import { withClipModel } from "../../models/clip/hugging-face-clip.ts";
import { clipSchemas } from "../../models/clip/schemas.ts";
import { loadWeights } from "../../weights/fit.ts";
import { openWeights } from "../../weights/open-weights.ts";
import { parsedJson } from "../../weights/parsed-json.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { ZooOptions } from "../../weights/zoo.ts";
import { locateModel } from "../loading/locate.ts";

/** A CLIP's parts, read and checked. */
export interface StoredClip {
  readonly config: ClipConfig;
  /** By OpenAI's names, with separate batch norms; float16 is converted to float32. */
  readonly weights: Map<string, Float32Array>;
  readonly words: BytePairs;
  readonly pictures: CropRule;
}

const MERGES = fileURLToPath(new URL("../../../assets/clip/merges.txt.gz", import.meta.url));
/** The entries of a vocabulary besides its merges: the start and end tokens, and every byte twice. */
const BESIDE_MERGES = 514;

const channels = (number: z.ZodNumber) => z.tuple([number, number, number]);
const sideSchema = z.union([
  z.int().min(1),
  z.looseObject({ shortest_edge: z.int().min(1) }).transform(({ shortest_edge }) => shortest_edge),
  z
    .looseObject({ height: z.int().min(1), width: z.int().min(1) })
    .refine(({ height, width }) => height === width, "the crop is not a square")
    .transform(({ height }) => height),
]);
const processorSchema = z.looseObject({
  crop_size: sideSchema.optional(),
  image_mean: channels(z.number()).default([...CLIP_PIXELS.mean]),
  image_std: channels(z.number().positive()).default([...CLIP_PIXELS.deviation]),
});

/**
 * Reads OpenAI's archive (`.pt`), a state dictionary (`.pt`, `.pth`), a safetensors file, or a folder with config.json, model.safetensors or
 * pytorch_model.bin, and optionally merges.txt and preprocessor_config.json. A published model, given by its name, is first fetched into
 * the cache. Throws InputError if there is no such file, WeightsError if it is not a CLIP.
 */
export async function readClip(nameOrPath: string, options: ZooOptions = {}): Promise<StoredClip> {
  const { path, file } = await locateModel(nameOrPath, "embed", options);
  return file ? readCheckpoint(file, path) : readFolder(path);
}

async function readCheckpoint(file: WeightsFile, path: string): Promise<StoredClip> {
  const { config, weights } = await readTensors(file, (inferred) => inferred);
  const { resolution } = config.image;
  return { config, weights, words: await wordsOf(config, path), pictures: { side: resolution, ...CLIP_PIXELS } };
}

async function readFolder(folder: string): Promise<StoredClip> {
  const file = readJson(join(folder, "config.json"), clipSchemas.config);
  if (!file) throw new WeightsError(`${folder}: has no config.json`);
  const source = await firstOf(folder, ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"]);
  const { config, weights } = await readTensors(await openWeights(source), (inferred) =>
    withClipModel(inferred, file, folder),
  );
  const processor = readJson(join(folder, "preprocessor_config.json"), processorSchema);
  const { resolution } = config.image;
  if (processor?.crop_size !== undefined && processor.crop_size !== resolution)
    throw new WeightsError(
      `${folder}: preprocessor_config.json has a crop size of ${processor.crop_size} pixels, but the model needs ${resolution}`,
    );
  const { mean, deviation } = CLIP_PIXELS;
  const pictures = {
    side: resolution,
    mean: processor?.image_mean ?? mean,
    deviation: processor?.image_std ?? deviation,
  };
  return { config, weights, words: await wordsOf(config, folder, join(folder, "merges.txt")), pictures };
}

/** The weights of a file, which is closed, and the configuration from the weights and the folder. */
async function readTensors(opened: WeightsFile, completed: (inferred: ClipConfig) => ClipConfig) {
  const { underOwnNames, configOf, mayBeUnused } = clipFamily.published;
  try {
    const file = underOwnNames(opened);
    const config = checkedClipSizes(completed(configOf(file.entries, opened.path)), opened.path);
    return { config, weights: await loadWeights(clip(config).parameters, file, { mayBeUnused }) };
  } finally {
    await opened.close();
  }
}

/** The folder's merges if it has any, or as many of OpenAI's merges as the model has tokens for. */
export async function wordsOf({ text }: Pick<ClipConfig, "text">, source: string, merges?: string): Promise<BytePairs> {
  const own = merges === undefined ? undefined : readTextIfThere(merges);
  const words = own === undefined ? await openAiWords(text.vocabulary) : firstMerges(own, text.vocabulary);
  if (words.size === text.vocabulary) return words;
  throw new WeightsError(
    `${source}: the model has ${text.vocabulary} tokens, but the merges give ${words.size}; give a folder with the model's own merges.txt`,
  );
}

/** OpenAI's byte pairs, cut to so many tokens. */
export async function openAiWords(vocabulary: number): Promise<BytePairs> {
  return firstMerges(gunzipSync(await readFile(MERGES)).toString(), vocabulary);
}

function firstMerges(merges: string, vocabulary: number): BytePairs {
  const lines = merges.split("\n").slice(0, vocabulary - BESIDE_MERGES + 1);
  return BytePairs.parse(lines.join("\n"));
}

async function firstOf(folder: string, names: readonly string[]): Promise<string> {
  for (const name of names) if (await stat(join(folder, name)).catch(() => undefined)) return join(folder, name);
  throw new WeightsError(`${folder}: has no weights; it needs ${names.join(" or ")}`);
}

/** Undefined if there is no such file. Throws WeightsError if it is malformed. */
function readJson<Value>(path: string, schema: z.ZodType<Value>): Value | undefined {
  const text = readTextIfThere(path);
  return text === undefined ? undefined : parsedJson(text, path, schema);
}
