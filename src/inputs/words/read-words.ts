/** Loads a model's tokenizer. */

import { existsSync } from "node:fs";
import { WeightsError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { KnownClasses } from "./known-classes.ts";
import { WordPieces } from "./word-pieces.ts";
import { AnyWords, type WordSource, type Words } from "./words.ts";

/** Options of a vocabulary. */
const MOST_BYTES = 2 ** 26;

/** Throws WeightsError if the vocabulary is missing or not the model's own, which would give wrong word vectors. */
export async function readWords(source: WordSource): Promise<Words> {
  if (source.kind === "classes") return new KnownClasses(source.names);
  const { file, size } = source;
  if (!existsSync(file))
    throw new WeightsError(`${file}: missing; the model needs this vocabulary, one piece per line`);
  const pieces = WordPieces.parse(readTextFile(file, MOST_BYTES));
  if (size !== undefined && pieces.size !== size)
    throw new WeightsError(
      `${file}: the model has ${size} word pieces, the vocabulary ${pieces.size}; give a folder with the vocab.txt it was trained with`,
    );
  return new AnyWords(pieces);
}
