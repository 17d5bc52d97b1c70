/** Identifies the base model of an adapted prompt or adapters, because their shapes can also fit other models. */

import { createHash } from "node:crypto";
import { WeightsError } from "../../errors.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";

/** The base model of an adaptation. */
export interface Base {
  /** Name of the built-in model, or of the model's folder or file. */
  readonly name: string;
  /** Digest of its weights, see `baseMark`. */
  readonly mark: string;
}

type Weights = ReadonlyMap<string, Float32Array>;
/** The weights in the digest: biases and scales of all layers, which any training changes. */
const MARKED = "rpn.head.dot_product_projection_text.weight";
const FEW = 4096;

/** A digest of the weights, independent of the file and of float16 or float32; empty for a detector without a text encoder. */
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

/** Throws WeightsError if the mark is not the mark of the base model. */
export function refuseOtherBase(base: Base, mark: string, what: string): void {
  if (base.mark !== mark)
    throw new WeightsError(
      `${what} was trained for the model ${base.name} with the mark ${base.mark}, but this model has the mark ${mark || "none"}; use ${base.name}, or adapt this model`,
    );
}

/** The base model as metadata of a file. */
export function baseMetadata({ name, mark }: Base): Record<string, string> {
  return { base: mark, base_name: name };
}

/** Throws WeightsError if the metadata has no base model. */
export function baseIn(metadata: ReadonlyMap<string, string>, path: string): Base {
  const [mark, name] = [metadata.get("base"), metadata.get("base_name")];
  if (mark !== undefined && name !== undefined) return { mark, name };
  throw new WeightsError(`${path}: has no record of its base model; create it again with groundling adapt`);
}
