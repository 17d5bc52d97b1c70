/** What a model accepts as a prompt: any words, or only the names of its classes. */

import type { KnownClasses } from "./known-classes.ts";
import { promptOfText } from "./prompt-text.ts";
import { type ClassPrompt, type Prompt, type PromptOptions, promptOfClasses } from "./prompts.ts";
import type { WordPieces } from "./word-pieces.ts";

/** Any words, split into word pieces. */
export class AnyWords {
  constructor(readonly pieces: WordPieces) {}

  /** Makes the prompt for a list of names, or for a text such as "person. bicycle.", which is used as written. Throws InputError. */
  promptOf(asked: string | readonly (string | ClassPrompt)[], options: PromptOptions = {}): Prompt {
    if (typeof asked === "string") return promptOfText(this.pieces, asked, options);
    return promptOfClasses(this.pieces, asked, options);
  }
}

export type Words = AnyWords | KnownClasses;

/** Source of a model's tokenizer; plain data that can be sent to worker threads. */
export type WordSource =
  | {
      readonly kind: "word-pieces";
      /** File with one piece per line. */
      readonly file: string;
      /** Pieces that the file must have. */
      readonly size?: number;
    }
  | { readonly kind: "classes"; readonly names: readonly string[] };
