/** Loads a model from a name or a path. */

import { decodePicture } from "../../inputs/pictures/picture.ts";
import { isNative } from "../../onnx/index.ts";
import { storeWeights } from "../../onnx/stored-weights.ts";
import { readAdapted, withAdapted } from "./adapted-file.ts";
import { baseDigest } from "./base-digest.ts";
import { companionAndNames } from "./companion.ts";
import { GroundingModel } from "./grounding-model.ts";
import { type ReadOptions, readDetector } from "./model-folder.ts";
import { Predictor, type PredictorOptions } from "./predictor.ts";
import { readCompanion } from "./read-companion.ts";

/** How a published model is fetched, its backend (`device`), and its precision. */
export interface LoadOptions extends PredictorOptions, ReadOptions {
  /** A file from `groundling adapt`: adapters, or a prompt that `detect` uses if no other is given. */
  adapted?: string;
}

/**
 * Loads a model folder, a checkpoint file, or a published model by its name, which is first fetched into the cache. Without a name, loads
 * the built-in model. The weights are in a temporary file until the model is disposed or the process ends; `await using` disposes it at the
 * end of a block. Throws InputError or WeightsError that name the file, or the signal's reason if it is aborted.
 */
export function loadModel(nameOrPath?: string, options: LoadOptions = {}): Promise<GroundingModel> {
  return loadModelFor("detect", nameOrPath, options);
}

/** The same, for one of the things that models do; a model of a family that cannot do it is refused. */
export async function loadModelFor(
  wanted: "detect" | "ground",
  nameOrPath?: string,
  options: LoadOptions = {},
): Promise<GroundingModel> {
  // Read first, so that a wrong file is reported before a model is fetched or read.
  const adapted = options.adapted === undefined ? undefined : await readAdapted(options.adapted);
  const { model, weights, words, preparation, companion, names } = withAdapted(
    await readDetector(nameOrPath, options, wanted),
    adapted,
  );
  // An adapted model is used without its companion, which was not adapted.
  const known = companion && !adapted ? await readCompanion(companion, names?.photos) : undefined;
  const digest = baseDigest(weights);
  const running = runningOf(options);
  // WebAssembly cannot map files.
  const numbers = (await isNative(options.device))
    ? await storeWeights(drained(weights)).catch(async (error) => {
        await known?.close();
        throw error;
      })
    : weights;
  const predictor = new Predictor(model, numbers, running);
  const loaded = new GroundingModel(predictor, words, preparation, {
    digest,
    decode: decodePicture,
    ...companionAndNames(known, names, running),
  });
  try {
    if (adapted?.prompt) loaded.setClasses(adapted.prompt);
  } catch (error) {
    await loaded.dispose();
    throw error;
  }
  return loaded;
}

/** The options that say how a model runs, which may be sent to other threads. */
function runningOf({ adapted, offline, progress, signal, ...running }: LoadOptions): PredictorOptions {
  return running;
}

/** Iterates over the entries and removes each from the map, to free its memory. */
function* drained<Value>(map: Map<string, Value>): Generator<[string, Value]> {
  for (const entry of map) {
    map.delete(entry[0]);
    yield entry;
  }
}
