/** The file of a companion in a model folder. */

import { openWeights } from "../../weights/open-weights.ts";
import { companionIn, type StoredCompanion } from "./companion.ts";

/** Reads the file of a COCO-SSD, as `companionIn`. Throws WeightsError for another file. */
export async function readCompanion(
  path: string,
  words: Readonly<Record<string, readonly string[]>> = {},
): Promise<StoredCompanion> {
  return companionIn(await openWeights(path), words);
}
