/** What an adaptation stores beside its model: an adapted prompt or adapters. */

import { WeightsError } from "../../errors.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { type AdaptedPrompt, PROMPT_FORMAT, promptIn } from "./adapted-prompt.ts";
import { ADAPTERS_FORMAT, type Adapters, adaptersIn, withAdapters } from "./adapters.ts";
import { type Base, baseIn, baseMark, refuseOtherBase } from "./base-mark.ts";

/** One of the two, the model that it was learned for, and the file. */
export interface Adapted {
  prompt?: AdaptedPrompt;
  adapters?: Adapters;
  base: Base;
  path: string;
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
    if (format === ADAPTERS_FORMAT) return { adapters: await adaptersIn(file), base, path };
    return { prompt: { ...(await promptIn(file, path)), base }, base, path };
  } finally {
    await file.close();
  }
}

/** The model with the adapters of a file; with its prompt, which adds nothing to weights, or without a file, as it is. Throws WeightsError for another model. */
export function withAdapted<Stored extends { weights: Map<string, Float32Array> }>(
  stored: Stored,
  adapted: Adapted | undefined,
): Stored {
  if (!adapted) return stored;
  const { adapters, base, path } = adapted;
  refuseOtherBase(base, baseMark(stored.weights), path);
  return adapters ? { ...stored, weights: withAdapters(stored.weights, adapters) } : stored;
}
