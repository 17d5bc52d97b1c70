/** Adds the gradients of several batches, for a step over more pictures than fit in memory at once. */

import { WeightsError } from "../errors.ts";
import type { NamedArrays } from "./optimizer.ts";

/**
 * Adds up gradients batch by batch. With several batches arrays are copied when they come first, so that a batch may be written over the
 * one before; with one they are taken as they are. A parameter may be absent from some batches.
 */
export class GradientSum {
  /** The sum so far. */
  readonly total: NamedArrays = new Map();
  /** How many batches are in the sum. */
  count = 0;

  /** `batches`: how many will be added. */
  constructor(private readonly batches: number) {}

  add(gradients: NamedArrays): void {
    for (const [name, gradient] of gradients) {
      const before = this.total.get(name);
      if (!before) {
        this.total.set(name, this.batches > 1 ? gradient.slice() : gradient);
        continue;
      }
      if (before.length !== gradient.length) {
        throw new WeightsError(
          `gradient of ${name}: ${gradient.length} entries, but ${before.length} in the batch before`,
        );
      }
      for (let i = 0; i < before.length; i++) before[i] = before[i]! + gradient[i]!;
    }
    this.count++;
  }
}
