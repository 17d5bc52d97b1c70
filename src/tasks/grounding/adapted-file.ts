/** What an adaptation stores beside its model: an adapted prompt or adapters. */

import { WeightsError } from "../../errors.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { type AdaptedPrompt, PROMPT_FORMAT, promptIn } from "./adapted-prompt.ts";
import { ADAPTERS_FORMAT, type Adapters, adaptersIn, withAdapters } from "./adapters.ts";
import { type Base, baseIn, baseMark, refuseOtherBase } from "./base-mark.ts";

/** One of the two, and the model that it was learned for. */
export interface Adapted {
  prompt?: AdaptedPrompt;
  adapters?: Adapters;
  base: Base;
}

/** Reads what `groundling adapt` wrote by the method prompt or adapters. Throws WeightsError for another file. */
export async function readAdapted(path: string): Promise<Adapted> {
  const file = await openSafetensors(path);
  try {
    const format = file.metadata.get("format");
    if (format !== PROMPT_FORMAT && format !== ADAPTERS_FORMAT)
      throw new WeightsError(
        `${path}: is neither an adapted prompt nor adapters, as groundling adapt writes them; give a whole model as --model`,
      );
    const base = baseIn(file.metadata, path);
    if (format === ADAPTERS_FORMAT) return { adapters: await adaptersIn(file), base };
    return { prompt: { ...(await promptIn(file, path)), base }, base };
  } finally {
    await file.close();
  }
}

/** The model with what a file of `groundling adapt` adds to its weights; of a prompt, which adds nothing, as it is. Errors as `readAdapted`, and for another model. */
export async function withAdaptedFile<Stored extends { weights: Map<string, Float32Array> }>(
  stored: Stored,
  path: string,
): Promise<{ stored: Stored; prompt?: AdaptedPrompt }> {
  const { prompt, adapters, base } = await readAdapted(path);
  refuseOtherBase(base, baseMark(stored.weights), path);
  if (prompt) return { stored, prompt };
  return { stored: { ...stored, weights: withAdapters(stored.weights, adapters!) } };
}
