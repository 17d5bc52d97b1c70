/** What a method trains: its numbers, and how to compute the model's weights from them and their gradients from the model's. */

import { Random } from "../../data/random.ts";
import type { NamedArrays } from "../../learning/optimizer.ts";
import { adapterGradients, newAdapters, withAdapters } from "../../tasks/finding/adapters.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { TUNABLE_PROMPT, withTunablePrompt } from "../../tasks/finding/tunable-prompt.ts";
import { type Method, trainedNames } from "./methods.ts";

export interface Learnable {
  /** The base model, or the base model with a tunable prompt. */
  model: StoredModel["model"];
  /** The parameters whose gradients are needed. */
  names: readonly string[];
  /** The trained numbers; training updates these arrays in place. */
  numbers: NamedArrays;
  weights(numbers: NamedArrays): NamedArrays;
  gradients(numbers: NamedArrays, ofWeights: NamedArrays): NamedArrays;
}

/** Does not change the base's arrays. Errors as `trainedNames`. */
export function learnableOf(
  base: StoredModel,
  { method, frozen, seed }: { method: Method; frozen?: readonly string[] | undefined; seed: number },
): Learnable {
  const model = method === "prompt" ? withTunablePrompt(base.model) : base.model;
  const first = new Map(base.weights);
  if (method === "prompt") first.set(TUNABLE_PROMPT, new Float32Array(model.maxTokens * model.textWidth));
  const names = trainedNames([...first.keys()], method, frozen);
  if (method === "adapters")
    return {
      ...{ model, names, numbers: newAdapters(model, names, new Random(seed, "adapters")) },
      weights: (numbers) => withAdapters(base.weights, numbers),
      gradients: adapterGradients,
    };
  return {
    ...{ model, names, numbers: new Map(names.map((name) => [name, first.get(name)!.slice()])) },
    weights: (numbers) => new Map([...first, ...numbers]),
    gradients: (_, ofWeights) => ofWeights,
  };
}
