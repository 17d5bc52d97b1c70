/** An exponential moving average of the weights during training. */

import { WeightsError } from "../errors.ts";
import type { NamedArrays } from "./optimizer.ts";

/** average ← average · decay + weights · (1 − decay), written into `average`, which must have every name of `weights`. */
export function updateAverage(average: NamedArrays, weights: NamedArrays, decay: number): void {
  const rest = 1 - decay;
  for (const [name, weight] of weights) {
    const mean = average.get(name);
    if (mean?.length !== weight.length)
      throw new WeightsError(
        `moving average: ${name} has ${mean?.length ?? "no"} entries, but the weight has ${weight.length}`,
      );
    for (let i = 0; i < weight.length; i++) mean[i] = mean[i]! * decay + weight[i]! * rest;
  }
}

/** A copy of weights, to start an average from. */
export function copyNumbers(weights: NamedArrays): NamedArrays {
  return new Map([...weights].map(([name, weight]) => [name, weight.slice()]));
}
