/** Few-shot subsets, as in GLIP for Object Detection in the Wild (`data/datasets/modulated_coco.py`). */

import { Random } from "../random.ts";

/**
 * Indices of pictures, in the seed's order. A picture is chosen if one of its classes occurs in fewer than `shots` chosen pictures; it then
 * counts for all of its classes. `classes` are those of each picture.
 */
export function fewShot(classes: readonly (readonly string[])[], shots: number, seed: number): number[] {
  const seen = new Map<string, number>();
  return new Random(seed, "shots").shuffled([...classes.keys()]).filter((picture) => {
    const shown = new Set(classes[picture]);
    const isNeeded = [...shown].some((name) => (seen.get(name) ?? 0) < shots);
    if (isNeeded) for (const name of shown) seen.set(name, (seen.get(name) ?? 0) + 1);
    return isNeeded;
  });
}
