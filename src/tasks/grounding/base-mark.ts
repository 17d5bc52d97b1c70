/** By what an adapted prompt or adapters know the model that they were learned for: their shapes fit others, too. */

import { createHash } from "node:crypto";
import { WeightsError } from "../../errors.ts";

/** Few numbers that every training of the whole changes. */
const MARKED = "rpn.head.dot_product_projection_text.weight";

/** The same for the same weights, whatever file they come from; empty for a detector without language. */
export function baseMark(weights: ReadonlyMap<string, Float32Array>): string {
  const numbers = weights.get(MARKED);
  return numbers ? createHash("sha256").update(numbers).digest("hex").slice(0, 16) : "";
}

/** Throws WeightsError where `base`, the mark that was stored with what was learned, is not the model's. */
export function refuseOtherBase(base: string | undefined, mark: string, what: string): void {
  if (base !== mark)
    throw new WeightsError(
      `${what} was learned for a model with the mark ${base}, not for this one with ${mark}; take the model that it was made for`,
    );
}
