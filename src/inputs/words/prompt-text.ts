/** A prompt in the user's own writing, such as "person. traffic light.", read as it stands. */

import { namesInPrompt, type Prompt, type PromptOptions, promptOfCaption, promptOfClasses } from "./prompts.ts";
import type { Span, WordPieces } from "./word-pieces.ts";

/**
 * Plans how to ask for the names of a text that points part: the caption is the text itself, as the published demonstrations have it,
 * or several captions of its names where it is longer than the model reads. Throws InputError as `namesInPrompt` and `promptOfClasses` do.
 */
export function promptOfText(pieces: WordPieces, text: string, options: Pick<PromptOptions, "maxTokens"> = {}): Prompt {
  const names = namesInPrompt(text);
  const { maxTokens = 256 } = options;
  const planned = promptOfClasses(pieces, names, options);
  if (pieces.encode(text).ids.length > maxTokens) return planned;
  return promptOfCaption(pieces, text, spansOf(names, text), options);
}

/** Where each name stands first; names are sought one behind the other, so that none is found within another. */
function spansOf(names: readonly string[], text: string): Span[] {
  let from = 0;
  return names.map((name) => {
    const start = text.indexOf(name, from);
    from = start + name.length;
    return [start, from];
  });
}
