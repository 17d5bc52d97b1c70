/** Identifies the base model of an adapted prompt or adapters, because their shapes can also fit other models. */

import { createHash } from "node:crypto";
import { countOf } from "../../tensor/index.ts";
import type { NamedShape } from "../../weights/fit.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";
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
    if (isInDigest({ name, shape: [numbers.length] })) hash.update(name).update(fromFloat32("F16", numbers));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Whether a weight is in the digest. */
export function isInDigest({ name, shape }: NamedShape): boolean {
  return name === TEXT_PROJECTION || countOf(shape) <= MOST_NUMBERS;
}

export function baseOf({ name, weights }: { name: string; weights: Weights }): Base {
  return { name, digest: baseDigest(weights) };
}
