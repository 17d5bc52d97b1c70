/** An exponential moving average of the weights during training. */

import { WeightsError } from "../errors.ts";
import type { ArrayTask } from "./kernels.ts";
import type { NamedArrays } from "./optimizer.ts";
import { arrayLike } from "./shared-arrays.ts";

/** The work of average ← average · decay + weights · (1 − decay); `average` must have every name of `weights`. */
export function averageTasks(average: NamedArrays, weights: NamedArrays, decay: number): ArrayTask[] {
  return [...weights].map(([name, weight]) => {
    const mean = average.get(name);
    if (mean?.length !== weight.length)
      throw new WeightsError(
        `moving average: ${name} has ${mean?.length ?? "no"} entries, but the weight has ${weight.length}`,
      );
    return { kernel: "average", arrays: { mean, weight }, numbers: { decay } };
  });
}

/** A copy of weights in memory of the same kind, to start an average from. */
export function copyNumbers(weights: NamedArrays): NamedArrays {
  return new Map(
    [...weights].map(([name, weight]) => {
      const copy = arrayLike(weight);
      copy.set(weight);
      return [name, copy];
    }),
  );
}
