/** The words that a model accepts in a prompt: any words, or only the names of its classes. */

import { WeightsError } from "../../errors.ts";
import { KnownClasses } from "./known-classes.ts";
import { promptOfText } from "./prompt-text.ts";
import { type ClassPrompt, type Prompt, type PromptOptions, promptOfClasses } from "./prompts.ts";
import { WordPieces } from "./word-pieces.ts";

/** Any words, split into word pieces. */
export class AnyWords {
  constructor(readonly pieces: WordPieces) {}

  /** Makes the prompt for a list of names, or for a text such as "person. bicycle.", which is used as written. Throws InputError. */
  promptOf(asked: string | readonly (string | ClassPrompt)[], options: PromptOptions = {}): Prompt {
    if (typeof asked === "string") return promptOfText(this.pieces, asked, options);
    return promptOfClasses(this.pieces, asked, options);
  }
}

/** The words of a model: any, or the names of its classes. */
export type Words = AnyWords | KnownClasses;

/** Source of a model's tokenizer; plain data that can be sent to worker threads. */
export type WordSource =
  | {
      readonly kind: "word-pieces";
      /** File with one piece per line. */
      readonly file: string;
      /** Required number of pieces in the file. */
      readonly size?: number;
    }
  | { readonly kind: "classes"; readonly names: readonly string[] };

/**
 * The words of a model; `vocabulary` is the text of the source's file. Throws WeightsError if it is missing or not the model's own, which
 * would give wrong word vectors.
 */
export function wordsOf(source: WordSource, vocabulary?: string): Words {
  if (source.kind === "classes") return new KnownClasses(source.names);
  const { file, size } = source;
  if (vocabulary === undefined)
    throw new WeightsError(`${file}: missing; the model needs this vocabulary file, one word piece per line`);
  const pieces = WordPieces.parse(vocabulary);
  if (size !== undefined && pieces.size !== size)
    throw new WeightsError(
      `${file}: the model has ${size} word pieces, but the vocabulary has ${pieces.size}; give a folder with the vocab.txt it was trained with`,
    );
  return new AnyWords(pieces);
}
