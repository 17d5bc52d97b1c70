/** From the address of a model folder to a model that finds things, in a page. */

import { decodePagePicture, type PagePicture } from "../../inputs/pictures/page-picture.ts";
import { useLexicon } from "../../inputs/words/word-classes.ts";
import { companionAndNames, companionIn } from "./companion.ts";
import { DIGEST_DIGITS, digestedBytes } from "./digested-weights.ts";
import { type FetchedOptions, fetchedFiles, heldFiles } from "./fetched-files.ts";
import { GroundingModel } from "./grounding-model.ts";
import { Predictor, type PredictorOptions } from "./predictor.ts";
import { COMPANION, type ModelFiles, readFolder } from "./read-folder.ts";

/** The backend and precision of a model in a page, and how its files are fetched. */
export interface PageLoadOptions extends PredictorOptions, FetchedOptions {}

/**
 * Loads a model from the address of its folder, relative to the page, or from its files by name: config.json, preprocessor_config.json,
 * vocab.txt, model.safetensors, and names.json and companion.safetensors where they are there. Give the runtime by `useRuntime` first. The page must come from https or
 * localhost, where browsers compute hashes. Throws WeightsError for a file that is missing, malformed or not to be fetched.
 */
export async function loadPageModel(
  place: string | URL | Readonly<Record<string, Blob>>,
  { signal, received, ...options }: PageLoadOptions = {},
): Promise<GroundingModel<PagePicture>> {
  const how = { ...(signal ? { signal } : {}), ...(received ? { received } : {}) };
  const files =
    typeof place === "string" || place instanceof URL
      ? fetchedFiles(new URL(place, globalThis.location?.href), how)
      : heldFiles(place, "the chosen folder");
  const { name, model, weights, words, preparation, names } = await readFolder(files);
  const known = await companionOf(files, names?.photos);
  return new GroundingModel(new Predictor(model, weights, options), words, preparation, {
    ...{ name, digest: await digestOf(weights) },
    decode: decodePagePicture,
    readLexicon,
    ...companionAndNames(known, names, options),
  });
}

/** The same digest as `baseDigest` in Node. */
async function digestOf(weights: ReadonlyMap<string, Float32Array>): Promise<string> {
  const parts = digestedBytes(weights);
  if (parts.length === 0) return "";
  const bytes = await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, DIGEST_DIGITS);
}

async function companionOf(files: ModelFiles, words?: Readonly<Record<string, readonly string[]>>) {
  const file = await files.weights(COMPANION);
  return file && companionIn(file, words);
}

/** The lexicon is larger than the model, so it is loaded when a caption is first read for its phrases. */
async function readLexicon(): Promise<void> {
  const [{ default: makeTagger }, { default: tags }] = await Promise.all([
    import("wink-pos-tagger"),
    import("wink-lexicon/src/lexicon.js"),
  ]);
  useLexicon({ tagger: makeTagger(), tags });
}
