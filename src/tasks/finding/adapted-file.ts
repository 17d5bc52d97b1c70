/** The result of an adaptation in its own file: an adapted prompt or adapters. */

import { WeightsError } from "../../errors.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import type { AdaptedPrompt } from "./adapted-prompt.ts";
import { PROMPT_FORMAT, promptIn } from "./adapted-prompt-format.ts";
import { ADAPTERS_FORMAT, type Adapters, adaptersIn, withAdapters } from "./adapters.ts";
import { type Base, baseIn, refuseOtherBase } from "./base.ts";
import { baseDigest } from "./base-digest.ts";

/** An adapted prompt or adapters, with their base model and their file. */
export interface Adapted {
  prompt?: AdaptedPrompt;
  adapters?: Adapters;
  base: Base;
  path: string;
}

/** Reads a file that `groundling adapt` wrote with the method prompt or adapters. Throws WeightsError for another file. */
export async function readAdapted(path: string): Promise<Adapted> {
  const file = await openSafetensors(path);
  try {
    const format = file.metadata.get("format");
    if (format !== PROMPT_FORMAT && format !== ADAPTERS_FORMAT)
      throw new WeightsError(
        `${path}: is not an adapted prompt or adapters from groundling adapt; give a model with --model`,
      );
    const base = baseIn(file.metadata, path);
    if (format === ADAPTERS_FORMAT) return { adapters: await adaptersIn(file), base, path };
    return { prompt: { ...(await promptIn(file, path)), base }, base, path };
  } finally {
    await file.close();
  }
}

/** The model with the adapters of a file added. Without a file, or with a prompt, the model is unchanged. Throws WeightsError for another model. */
export function withAdapted<Stored extends { weights: Map<string, Float32Array> }>(
  stored: Stored,
  adapted: Adapted | undefined,
): Stored {
  if (!adapted) return stored;
  const { adapters, base, path } = adapted;
  refuseOtherBase(base, baseDigest(stored.weights), path);
  return adapters ? { ...stored, weights: withAdapters(stored.weights, adapters) } : stored;
}
