/** Reads a model's words from where they come from. */

import { existsSync } from "node:fs";
import { WeightsError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import { KnownClasses } from "./known-classes.ts";
import { WordPieces } from "./word-pieces.ts";
import { AnyWords, type WordSource, type Words } from "./words.ts";

/** Of a vocabulary. */
const MOST_BYTES = 2 ** 26;

/** Throws WeightsError where a vocabulary is missing or is not the model's own, which would look words up in the wrong rows. */
export async function readWords(source: WordSource): Promise<Words> {
  if (source.kind === "classes") return new KnownClasses(source.names);
  const { file, size } = source;
  if (!existsSync(file))
    throw new WeightsError(`${file}: missing; the model reads words by this vocabulary, one piece a line`);
  const pieces = WordPieces.parse(readTextFile(file, MOST_BYTES));
  if (size !== undefined && pieces.size !== size)
    throw new WeightsError(
      `${file}: the model has ${size} word pieces, the vocabulary ${pieces.size}; give a folder with the vocab.txt it was trained with`,
    );
  return new AnyWords(pieces);
}
