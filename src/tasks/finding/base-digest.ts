/** Identifies the base model of an adapted prompt or adapters. */

import { createHash } from "node:crypto";
import type { Base } from "./base.ts";
import { DIGEST_DIGITS, digestedBytes } from "./digested-weights.ts";

type Weights = ReadonlyMap<string, Float32Array>;

/** A digest of the weights, independent of the file and of float16 or float32; empty for a detector without a text encoder. */
export function baseDigest(weights: Weights): string {
  const parts = digestedBytes(weights);
  if (parts.length === 0) return "";
  const hash = createHash("sha256");
  for (const bytes of parts) hash.update(bytes);
  return hash.digest("hex").slice(0, DIGEST_DIGITS);
}

export function baseOf({ name, weights }: { name: string; weights: Weights }): Base {
  return { name, digest: baseDigest(weights) };
}
