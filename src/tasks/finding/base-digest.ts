/** Identifies the base model of an adapted prompt or adapters, because their shapes can also fit other models. */

import { createHash } from "node:crypto";
import { countOf } from "../../tensor/index.ts";
import { type NamedShape, readWeights } from "../../weights/fit.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { Base } from "./base.ts";

type Weights = ReadonlyMap<string, Float32Array>;
/** The weights in the digest: biases and scales of all layers, which any training changes. */
const TEXT_PROJECTION = "rpn.head.dot_product_projection_text.weight";
const MOST_NUMBERS = 4096;

/** A digest of the weights, independent of the file and of float16 or float32; empty for a detector without a text encoder. */
export function baseDigest(weights: Weights): string {
  if (!weights.has(TEXT_PROJECTION)) return "";
  const hash = createHash("sha256");
  for (const name of [...weights.keys()].sort()) {
    const numbers = weights.get(name)!;
    if (name === TEXT_PROJECTION || numbers.length <= MOST_NUMBERS)
      hash.update(name).update(fromFloat32("F16", numbers));
  }
  return hash.digest("hex").slice(0, 16);
}

/** The same of weights that are still in their file, of which it reads few. */
export async function baseDigestIn(file: WeightsFile, parameters: readonly NamedShape[]): Promise<string> {
  const isMarked = ({ name, shape }: NamedShape) => name === TEXT_PROJECTION || countOf(shape) <= MOST_NUMBERS;
  const isKnown = parameters.some(({ name }) => name === TEXT_PROJECTION);
  return isKnown ? baseDigest(await readWeights(parameters.filter(isMarked), file)) : "";
}

export function baseOf({ name, weights }: { name: string; weights: Weights }): Base {
  return { name, digest: baseDigest(weights) };
}
