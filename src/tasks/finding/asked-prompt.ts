/** From names, an adapted prompt or a caption to the prompt that a model is asked by, and remarks about the words in it. */

import { InputError } from "../../errors.ts";
import type { NameList } from "../../inputs/words/name-list.ts";
import { captionRemarks, nameRemarks, unknownNames } from "../../inputs/words/name-remarks.ts";
import { phrasesOf } from "../../inputs/words/noun-phrases.ts";
import { type ClassPrompt, labelsOf, namesInPrompt, type Prompt, promptOfCaption } from "../../inputs/words/prompts.ts";
import type { Span } from "../../inputs/words/word-pieces.ts";
import type { Words } from "../../inputs/words/words.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { type AdaptedPrompt, promptOfAdapted } from "./adapted-prompt.ts";
import type { GroundOptions } from "./detect-options.ts";

/** Names, some perhaps in words around them; as a text they are read as they stand. */
export type Names = readonly (string | ClassPrompt)[] | string;

/** Names, some perhaps in words around them, or a prompt that was learned. */
export type Asked = readonly (string | ClassPrompt)[] | AdaptedPrompt;

/** What prompts are made with. */
export interface PromptSource {
  readonly words: Words;
  readonly model: Pick<Detector, "maxTokens" | "textWidth">;
  /** Of the model's weights (`baseMark`): prompts that were learned for another model are refused. */
  readonly mark?: string;
  /** What the model was trained on, and how emoji are read. */
  readonly names?: NameList;
}

const READS_NO_WORDS = "this model finds the classes it was trained on and reads no captions; take a GLIP for them";

/** Throws InputError where nothing is named or the model reads no prompts, and WeightsError for another model's adapted prompt. */
export function promptOfAsked(source: PromptSource, asked: Asked | string): Prompt {
  const { words, model, mark = "", names } = source;
  if (typeof asked !== "string" && "vectors" in asked)
    return promptOfAdapted({ pieces: piecesOf(words), model, mark }, asked);
  if (typeof asked !== "string" && asked.length === 0)
    throw new InputError("the list of classes is empty; name at least one thing to find");
  const limits = { maxTokens: model.maxTokens };
  if (!names) return words.promptOf(asked, limits);
  if (typeof asked !== "string") return words.promptOf(names.allSpelledOut(asked), limits);
  const listed = namesInPrompt(asked);
  const spelled = names.allSpelledOut(listed);
  // A text without emoji is read as it stands.
  return words.promptOf(spelled.every((name, k) => name === listed[k]) ? asked : spelled, limits);
}

/** Asks for the phrases of a caption; its noun phrases when none are given. */
export function promptOfPhrases(
  { words, model }: PromptSource,
  caption: string,
  phrases: GroundOptions["phrases"],
): Prompt & { spans: readonly Span[] } {
  const pieces = piecesOf(words);
  return promptOfCaption(pieces, caption, phrasesOf(caption, phrases), { maxTokens: model.maxTokens });
}

/** The names among these that the model does not know, as they were given. */
export function unknownAmong({ words: { pieces }, names }: PromptSource, asked: Names): string[] {
  return pieces ? unknownNames(pieces, namesOf(asked), names) : [];
}

/** Sentences for a user about names asked for. */
export function remarksOn({ words: { pieces }, names }: PromptSource, asked: Names): string[] {
  return pieces ? nameRemarks(pieces, namesOf(asked), names) : [];
}

/** Sentences for a user about the phrases of a caption. */
export function remarksOnCaption(
  { words: { pieces }, names }: PromptSource,
  caption: string,
  phrases: GroundOptions["phrases"],
): string[] {
  if (!pieces) return [];
  const read = phrasesOf(caption, phrases).map((one) => (typeof one === "string" ? one : caption.slice(...one)));
  return captionRemarks(pieces, { caption, phrases: read }, names);
}

function piecesOf({ pieces }: Words) {
  if (!pieces) throw new InputError(READS_NO_WORDS);
  return pieces;
}

function namesOf(asked: Names): string[] {
  return typeof asked === "string" ? namesInPrompt(asked) : labelsOf(asked);
}
