/** The methods of adapting a GLIP: the parameters and learning rate of each (GLIP `tools/finetune.py`, TUNING_HIGHLEVEL_OVERRIDE, and its README). */

import { InputError } from "../../errors.ts";
import { adaptedLayers } from "../../tasks/finding/adapters.ts";
import { TUNABLE_PROMPT } from "../../tasks/finding/tunable-prompt.ts";

export const methods = ["full", "linear", "prompt", "adapters"] as const;
export type Method = (typeof methods)[number];

export interface MethodSettings {
  /** Regular expression for the names of trained parameters. */
  trained: string;
  learningRate: number;
  weightDecay: number;
}

export const methodSettings: Record<Method, MethodSettings> = {
  full: { trained: "", learningRate: 1e-4, weightDecay: 0.05 },
  linear: {
    trained: "rpn\\.head\\.(bbox_pred|centerness|dot_product_projection_text|log_scale|bias_lang|bias0)\\b",
    learningRate: 1e-4,
    weightDecay: 0.05,
  },
  prompt: { trained: TUNABLE_PROMPT.replaceAll(".", "\\."), learningRate: 0.05, weightDecay: 0.25 },
  // Not in GLIP: a usual rate for low-rank adapters.
  adapters: { trained: adaptedLayers, learningRate: 1e-3, weightDecay: 0 },
};

/** Frozen by default: the first layers of a Swin (GLIP `FREEZE_CONV_BODY_AT` 2). */
const firstLayers = "^backbone\\.body\\.(patch_embed|layers\\.0)\\.";

/**
 * The names of the parameters that a method trains; `frozen` replaces `firstLayers`.
 * Throws InputError for an invalid pattern, for a pattern that matches nothing, and if no parameter is left.
 */
export function trainedNames(names: readonly string[], method: Method, frozen?: readonly string[]): string[] {
  const patterns = (frozen ?? [firstLayers]).map((pattern) => {
    try {
      return new RegExp(pattern);
    } catch {
      throw new InputError(`frozen: ${pattern} is not a regular expression`);
    }
  });
  const idle = patterns.filter((pattern) => !names.some((name) => pattern.test(name)));
  if (frozen && idle.length > 0)
    throw new InputError(`frozen: no parameter of the model matches ${idle.map(({ source }) => source).join(", ")}`);
  const ofWay = new RegExp(`^${methodSettings[method].trained}`);
  const trained = names.filter((name) => ofWay.test(name) && !patterns.some((pattern) => pattern.test(name)));
  if (trained.length === 0)
    throw new InputError(`frozen: no parameter is left for the method ${method} to train; freeze fewer`);
  return trained;
}
