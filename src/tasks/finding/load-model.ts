/** Loads a model from a name or a path. */

import { decodePicture } from "../../inputs/pictures/picture.ts";
import { isNative } from "../../onnx/index.ts";
import { type NamedNumbers, type StoredWeights, storeWeights } from "../../onnx/stored-weights.ts";
import { type NamedShape, readWeights } from "../../weights/fit.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { LocatedModel } from "../loading/locate.ts";
import type { Adapted } from "./adapted-file.ts";
import { baseDigest } from "./base-digest.ts";
import { companionAndNames } from "./companion.ts";
import { isInDigest } from "./digested-weights.ts";
import { GroundingModel } from "./grounding-model.ts";
import { type HeadCommand, headOf, withHead } from "./heads.ts";
import { type OpenDetector, openDetector, type ReadOptions } from "./model-folder.ts";
import { Predictor, type PredictorOptions } from "./predictor.ts";
import { readCompanion } from "./read-companion.ts";
import { withWeights } from "./read-folder.ts";

/** How a published model is fetched, its backend (`device`), and its precision. */
export interface LoadOptions extends PredictorOptions, ReadOptions {
  /** A file from `groundling adapt`: adapters, or a prompt that `detect` uses if no other is given. */
  adapted?: string;
}

/**
 * Loads a model folder, a checkpoint file, or a published model by its name, which is first fetched into the cache. Without a name, loads
 * the built-in model. Weights in float32 or float16 are mapped from their file, which must stay as it is while the model is used; others are
 * in a temporary file until the model is disposed or the process ends. `await using` disposes it at the end of a block. Throws InputError or
 * WeightsError that name the file, or the signal's reason if it is aborted.
 */
export function loadModel(nameOrPath?: string, options: LoadOptions = {}): Promise<GroundingModel> {
  return loadModelFor("detect", nameOrPath, options);
}

/** The same, for one of the things that models do; a model of a family that cannot do it is refused. Closes the file of a located model. */
export async function loadModelFor(
  wanted: "detect" | "ground" | HeadCommand,
  nameOrPath?: string | LocatedModel,
  options: LoadOptions = {},
): Promise<GroundingModel> {
  // Read first, so that a wrong file is reported before a model is fetched or read.
  const adapted = options.adapted === undefined ? undefined : await adaptedIn(options.adapted);
  const opened = await openDetector(nameOrPath, options, wanted);
  if (wanted !== "detect" && wanted !== "ground") await wantHead(opened, wanted);
  const { model, words, preparation, companion, names } = opened;
  const running = runningOf(options);
  const { digest, numbers } = await numbersOf(opened, adapted, await isNative(options.device));
  const predictor = new Predictor(model, numbers, running);
  try {
    // An adapted model is used without its companion, which was not adapted.
    const known = companion && !adapted ? await readCompanion(companion, names?.photos) : undefined;
    const loaded = new GroundingModel(predictor, words, preparation, {
      name: opened.name,
      digest,
      decode: decodePicture,
      readFrames,
      ...companionAndNames(known, names, running),
    });
    if (adapted?.prompt) loaded.setClasses(adapted.prompt);
    return loaded;
  } catch (error) {
    await predictor.dispose();
    throw error;
  }
}

/** Throws InputError if the model has no head for the command, and closes its file. */
async function wantHead({ model, file }: OpenDetector, command: HeadCommand): Promise<void> {
  try {
    withHead(model, headOf[command]);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Few models are adapted, so what reads the file is loaded at first use. */
async function adaptedIn(path: string): Promise<Adapted> {
  const { readAdapted } = await import("./adapted-file.ts");
  return readAdapted(path);
}

/** Frames of a video file; what reads it is loaded at first use. */
async function* readFrames(path: string, options: { rate?: number }) {
  const { openVideo } = await import("../../inputs/video/frames.ts");
  yield* (await openVideo(path)).frames(options);
}

/** The options that say how a model runs, which may be sent to other threads. */
function runningOf({ adapted, offline, progress, signal, ...running }: LoadOptions): PredictorOptions {
  return running;
}

/** A model's weights as sessions take them, and their digest. Closes their file. */
async function numbersOf(
  opened: OpenDetector,
  adapted: Adapted | undefined,
  native: boolean,
): Promise<{ digest: string; numbers: StoredWeights | ReadonlyMap<string, Float32Array> }> {
  // WebAssembly cannot map files, and adapters are added to numbers.
  if (adapted || !native) {
    const read = await withWeights(opened);
    const { weights } = adapted ? (await import("./adapted-file.ts")).withAdapted(read, adapted) : read;
    return { digest: baseDigest(weights), numbers: native ? await storeWeights(drained(weights)) : weights };
  }
  const { model, file } = opened;
  try {
    const few = await readWeights(model.parameters.filter(isInDigest), file);
    const others = model.parameters.filter(({ name }) => !few.has(name));
    return { digest: baseDigest(few), numbers: await storeWeights(inFile(others, file), few) };
  } finally {
    await file.close();
  }
}

/** Each weight's place in the file, or its numbers where they cannot be mapped. */
async function* inFile(parameters: Iterable<NamedShape>, file: WeightsFile): AsyncGenerator<NamedNumbers> {
  for (const { name } of parameters) yield [name, file.inFile(name) ?? (await file.readFloat32(name))];
}

/** Iterates over the entries and removes each from the map, to free its memory. */
function* drained<Value>(map: Map<string, Value>): Generator<[string, Value]> {
  for (const entry of map) {
    map.delete(entry[0]);
    yield entry;
  }
}
