/** Loads an encoder of pictures and texts from a name or a path. */

import { type FetchingOptions, fetchingOf } from "../../weights/zoo.ts";
import { BUILT_IN_CLIP } from "../loading/locate.ts";
import { readClip } from "./clip-folder.ts";
import { type ClipSessionOptions, ClipSessions } from "./clip-sessions.ts";
import { Encoder } from "./encoder.ts";
import { modelMark } from "./model-mark.ts";

/** How a published model is fetched, its backend (`device`), and its precision. */
export interface LoadEncoderOptions extends ClipSessionOptions, FetchingOptions {}

/**
 * Loads a CLIP (default: the built-in one): OpenAI's archive (`.pt`), a state dictionary, a safetensors file, a folder of Hugging Face's `CLIPModel`, or a published model
 * by its name ("clip-vit-b32", "openai/clip-vit-base-patch32"), which is first fetched into the cache. The weights are in a temporary file
 * until the encoder is disposed or the process ends; `await using` disposes it at the end of a block. Throws InputError or WeightsError that
 * name the file, or the signal's reason if it is aborted.
 */
export async function loadEncoder(
  nameOrPath: string = BUILT_IN_CLIP,
  options: LoadEncoderOptions = {},
): Promise<Encoder> {
  const { config, weights, words, pictures } = await readClip(nameOrPath, fetchingOf(options));
  const scale = Math.exp(weights.get("logit_scale")![0]!);
  const mark = modelMark({ config, weights, pictures });
  return new Encoder(await ClipSessions.open(config, weights, options), words, pictures, { scale, mark });
}
