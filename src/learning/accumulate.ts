/** Adds the gradients of several batches, for a step over more pictures than fit in memory at once. */

import { WeightsError } from "../errors.ts";
import type { NamedArrays } from "./optimizer.ts";

/**
 * Adds up gradients batch by batch. The first batch's arrays are not copied, so a run with one
 * batch per step costs nothing; the second batch is added to a copy. A parameter may be absent from some batches.
 */
export class GradientSum {
  /** The sum so far. */
  readonly total: NamedArrays = new Map();
  /** How many batches are in the sum. */
  count = 0;
  private readonly owned = new Set<string>();

  add(gradients: NamedArrays): void {
    for (const [name, gradient] of gradients) {
      const before = this.total.get(name);
      if (!before) {
        this.total.set(name, gradient);
        continue;
      }
      if (before.length !== gradient.length) {
        throw new WeightsError(
          `gradient of ${name}: ${gradient.length} entries, but ${before.length} in the batch before`,
        );
      }
      const sum = this.owned.has(name) ? before : before.slice();
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + gradient[i]!;
      this.owned.add(name);
      this.total.set(name, sum);
    }
    this.count++;
  }
}
