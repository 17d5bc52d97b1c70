/** From a path to an encoder of pictures and texts. */

import { readClip } from "./clip-folder.ts";
import { type ClipSessionOptions, ClipSessions } from "./clip-sessions.ts";
import { Encoder } from "./encoder.ts";

/**
 * Loads a CLIP: OpenAI's archive (`.pt`), a state dictionary, a safetensors file, or a folder of Hugging Face's `CLIPModel`. Its weights lie in a
 * temporary file until the encoder is disposed or the process ends. Throws InputError or WeightsError, which name the file.
 */
export async function loadEncoder(path: string, options: ClipSessionOptions = {}): Promise<Encoder> {
  const { config, weights, words, pictures } = await readClip(path);
  const scale = Math.exp(weights.get("logit_scale")![0]!);
  return new Encoder(await ClipSessions.open(config, weights, options), words, pictures, scale);
}
