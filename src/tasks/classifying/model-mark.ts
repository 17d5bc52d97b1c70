/** Identifies a CLIP, because vectors of different models cannot be compared even if their lengths are equal. */

import { createHash } from "node:crypto";
import { fromFloat32 } from "../../weights/float-conversion.ts";
import type { StoredClip } from "./clip-folder.ts";

/** Maximum number of values of a tensor in the digest, evenly spaced. */
const FEW = 4096;

/** A digest of the sizes, the picture preparation and values of every tensor, independent of the file and of float16 or float32. */
export function modelMark({ config, pictures, weights }: Omit<StoredClip, "words">): string {
  const hash = createHash("sha256").update(JSON.stringify([config.image, config.embedding, pictures]));
  for (const name of [...weights.keys()].sort()) {
    const numbers = weights.get(name)!;
    const step = Math.ceil(numbers.length / FEW);
    const some = step === 1 ? numbers : numbers.filter((_, i) => i % step === 0);
    hash.update(name).update(fromFloat32("F16", some));
  }
  return hash.digest("hex").slice(0, 16);
}
