/** What an adaptation stores beside its model: an adapted prompt or adapters. */

import { WeightsError } from "../../errors.ts";
import { openWeights } from "../../weights/open-weights.ts";
import { type AdaptedPrompt, PROMPT_FORMAT, promptIn } from "./adapted-prompt.ts";
import { ADAPTERS_FORMAT, type Adapters, adaptersIn } from "./adapters.ts";

/** One of the two. */
export interface Adapted {
  prompt?: AdaptedPrompt;
  adapters?: Adapters;
}

/** Reads what `groundling adapt` wrote by the method prompt or adapters. Throws WeightsError for another file. */
export async function readAdapted(path: string): Promise<Adapted> {
  const file = await openWeights(path);
  try {
    const format = file.metadata.get("format");
    if (format === PROMPT_FORMAT) return { prompt: await promptIn(file, path) };
    if (format === ADAPTERS_FORMAT) return { adapters: await adaptersIn(file) };
    throw new WeightsError(
      `${path}: is neither an adapted prompt nor adapters, as groundling adapt writes them; give a whole model as --model`,
    );
  } finally {
    await file.close();
  }
}
