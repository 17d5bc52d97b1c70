/** The weights that identify a base model, because the shapes of adapted prompts and adapters can also fit other models. */

import { countOf } from "../../tensor/index.ts";
import type { NamedShape } from "../../weights/fit.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";

type Weights = ReadonlyMap<string, Float32Array>;
/** The weights in the digest: biases and scales of all layers, which any training changes. */
const TEXT_PROJECTION = "rpn.head.dot_product_projection_text.weight";
const MOST_NUMBERS = 4096;
/** Hexadecimal digits of a digest. */
export const DIGEST_DIGITS = 16;

/** The bytes of the digest in order, independent of the file and of float16 or float32; none for a detector without a text encoder. */
export function digestedBytes(weights: Weights): Uint8Array[] {
  if (!weights.has(TEXT_PROJECTION)) return [];
  const encoder = new TextEncoder();
  return [...weights.keys()].sort().flatMap((name) => {
    const numbers = weights.get(name)!;
    if (!isInDigest({ name, shape: [numbers.length] })) return [];
    const { buffer, byteOffset, byteLength } = fromFloat32("F16", numbers);
    return [encoder.encode(name), new Uint8Array(buffer, byteOffset, byteLength)];
  });
}

/** Whether a weight is in the digest. */
export function isInDigest({ name, shape }: NamedShape): boolean {
  return name === TEXT_PROJECTION || countOf(shape) <= MOST_NUMBERS;
}
