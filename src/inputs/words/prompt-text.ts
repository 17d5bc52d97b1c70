/** A prompt given as text, such as "person. traffic light.", which is used as written. */

import { namesInPrompt, type Prompt, type PromptOptions, promptOfCaption, promptOfClasses } from "./prompts.ts";
import type { Span, WordPieces } from "./word-pieces.ts";

/**
 * Makes the captions for a text of names separated by points: the text itself, as in the published demonstrations,
 * or several captions of its names if it is longer than the model reads. Throws InputError as `namesInPrompt` and `promptOfClasses` do.
 */
export function promptOfText(pieces: WordPieces, text: string, options: Pick<PromptOptions, "maxTokens"> = {}): Prompt {
  const names = namesInPrompt(text);
  const { maxTokens = 256 } = options;
  const planned = promptOfClasses(pieces, names, options);
  if (pieces.encode(text).ids.length > maxTokens) return planned;
  return promptOfCaption(pieces, text, spansOf(names, text), options);
}

/** First position of each name; each search starts after the name before, so that no name is found inside another. */
function spansOf(names: readonly string[], text: string): Span[] {
  let from = 0;
  return names.map((name) => {
    const start = text.indexOf(name, from);
    from = start + name.length;
    return [start, from];
  });
}
