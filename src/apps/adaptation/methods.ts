/** The ways of adapting a GLIP: what each trains, and how fast (GLIP `tools/finetune.py`, TUNING_HIGHLEVEL_OVERRIDE, and its README). */

import { InputError } from "../../errors.ts";
import { adaptedLayers } from "../../tasks/finding/adapters.ts";
import { TUNABLE_PROMPT } from "../../tasks/finding/tunable-prompt.ts";

export const methods = ["full", "linear", "prompt", "adapters"] as const;
export type Method = (typeof methods)[number];

export interface Way {
  /** Pattern of the names of what it trains. */
  trained: string;
  learningRate: number;
  weightDecay: number;
}

export const ways: Record<Method, Way> = {
  full: { trained: "", learningRate: 1e-4, weightDecay: 0.05 },
  linear: {
    trained: "rpn\\.head\\.(bbox_pred|centerness|dot_product_projection_text|log_scale|bias_lang|bias0)\\b",
    learningRate: 1e-4,
    weightDecay: 0.05,
  },
  prompt: { trained: TUNABLE_PROMPT.replaceAll(".", "\\."), learningRate: 0.05, weightDecay: 0.25 },
  // Not in GLIP: rates as low-rank adapters are trained elsewhere.
  adapters: { trained: adaptedLayers, learningRate: 1e-3, weightDecay: 0 },
};

/** Parts that stay as they are unless told: the first layers of a Swin (GLIP `FREEZE_CONV_BODY_AT` 2). */
export const firstLayers = "^backbone\\.body\\.(patch_embed|layers\\.0)\\.";

/**
 * Of all the names, those that a way trains; `frozen` are patterns in place of `firstLayers`.
 * Throws InputError for a pattern that is none, for one that meets nothing, and where nothing is left.
 */
export function trainedNames(names: readonly string[], method: Method, frozen?: readonly string[]): string[] {
  const patterns = (frozen ?? [firstLayers]).map((pattern) => {
    try {
      return new RegExp(pattern);
    } catch {
      throw new InputError(`frozen: ${pattern} is no regular expression`);
    }
  });
  const idle = patterns.filter((pattern) => !names.some((name) => pattern.test(name)));
  if (frozen && idle.length > 0)
    throw new InputError(`frozen: the model has no parameter like ${idle.map(({ source }) => source).join(", ")}`);
  const ofWay = new RegExp(`^${ways[method].trained}`);
  const trained = names.filter((name) => ofWay.test(name) && !patterns.some((pattern) => pattern.test(name)));
  if (trained.length === 0) throw new InputError(`frozen: nothing is left for ${method} to train; freeze less`);
  return trained;
}
