/** By what an adapted prompt or adapters know the model that they were learned for: their shapes fit others, too. */

import { createHash } from "node:crypto";
import { WeightsError } from "../../errors.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";

/** A model that something was learned for. */
export interface Base {
  /** Of the built-in model, or of the folder or file that it was read from. */
  readonly name: string;
  /** Of its weights, see `baseMark`. */
  readonly mark: string;
}

type Weights = ReadonlyMap<string, Float32Array>;
/** With the biases and scales of all layers, what any training of a part changes. */
const MARKED = "rpn.head.dot_product_projection_text.weight";
const FEW = 4096;

/** The same for the same weights, in float16 or float32 and whatever file they come from; empty for a detector without language. */
export function baseMark(weights: Weights): string {
  if (!weights.has(MARKED)) return "";
  const hash = createHash("sha256");
  for (const name of [...weights.keys()].sort()) {
    const numbers = weights.get(name)!;
    if (name === MARKED || numbers.length <= FEW) hash.update(name).update(fromFloat32("F16", numbers));
  }
  return hash.digest("hex").slice(0, 16);
}

export function baseOf({ name, weights }: { name: string; weights: Weights }): Base {
  return { name, mark: baseMark(weights) };
}

/** Throws WeightsError where the model of this mark is not the one that something was learned for. */
export function refuseOtherBase(base: Base, mark: string, what: string): void {
  if (base.mark !== mark)
    throw new WeightsError(
      `${what} was learned for the model ${base.name} with the mark ${base.mark}, not for this one with ${mark || "none"}; take ${base.name}, or adapt this one`,
    );
}

/** As it stands in a file of what was learned. */
export function baseMetadata({ name, mark }: Base): Record<string, string> {
  return { base: mark, base_name: name };
}

/** Throws WeightsError where a file does not say for which model it was learned. */
export function baseIn(metadata: ReadonlyMap<string, string>, path: string): Base {
  const [mark, name] = [metadata.get("base"), metadata.get("base_name")];
  if (mark !== undefined && name !== undefined) return { mark, name };
  throw new WeightsError(`${path}: does not say for which model it was learned; make it anew by groundling adapt`);
}
