/** Loads a model's tokenizer. */

import { existsSync } from "node:fs";
import { readTextFile } from "../../files/read-file.ts";
import { type WordSource, type Words, wordsOf } from "./words.ts";

/** Of a vocabulary. */
const MOST_BYTES = 2 ** 26;

/** Throws WeightsError if the vocabulary is missing or not the model's own, which would give wrong word vectors. */
export async function readWords(source: WordSource): Promise<Words> {
  if (source.kind === "classes") return wordsOf(source);
  return wordsOf(source, existsSync(source.file) ? readTextFile(source.file, MOST_BYTES) : undefined);
}
