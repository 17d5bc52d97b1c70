/** Makes a model's prompt from names, an adapted prompt or a caption, and remarks about its words. */

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

/** Class names or class prompts; a text is used as the prompt without changes. */
export type Names = readonly (string | ClassPrompt)[] | string;

/** Class names, class prompts, or an adapted prompt. */
export type RequestedClasses = readonly (string | ClassPrompt)[] | AdaptedPrompt;

/** The parts of a model that prompts need. */
export interface PromptSource {
  readonly words: Words;
  readonly model: Pick<Detector, "maxTokens" | "textWidth">;
  /** Digest of the model's weights (`baseDigest`); adapted prompts of another model are refused. */
  readonly digest?: string;
  /** The names the model was trained on, and the names of emoji. */
  readonly names?: NameList;
}

const READS_NO_WORDS = "this model only finds the classes it was trained on and cannot read captions; use a GLIP model";

/** Throws InputError if there are no names or the model cannot read prompts, and WeightsError for another model's adapted prompt. */
export function promptOfRequest(source: PromptSource, asked: RequestedClasses | string): Prompt {
  const { words, model, digest = "", names } = source;
  if (typeof asked !== "string" && "vectors" in asked)
    return promptOfAdapted({ pieces: piecesOf(words), model, digest }, asked);
  if (typeof asked !== "string" && asked.length === 0)
    throw new InputError("the list of classes is empty; give at least one name");
  const limits = { maxTokens: model.maxTokens };
  if (!names) return words.promptOf(asked, limits);
  if (typeof asked !== "string") return words.promptOf(names.allSpelledOut(asked), limits);
  const listed = namesInPrompt(asked);
  const spelled = names.allSpelledOut(listed);
  // A text without emoji is used without changes.
  return words.promptOf(spelled.every((name, k) => name === listed[k]) ? asked : spelled, limits);
}

/** The prompt for the phrases of a caption (default: its noun phrases). */
export function promptOfPhrases(
  { words, model }: PromptSource,
  caption: string,
  phrases: GroundOptions["phrases"],
): Prompt & { spans: readonly Span[] } {
  const pieces = piecesOf(words);
  return promptOfCaption(pieces, caption, phrasesOf(caption, phrases), { maxTokens: model.maxTokens });
}

/** The given names that the model does not know. */
export function unknownAmong({ words: { pieces }, names }: PromptSource, asked: Names): string[] {
  return pieces ? unknownNames(pieces, namesOf(asked), names) : [];
}

/** Remarks for a user about requested names. */
export function remarksOn({ words: { pieces }, names }: PromptSource, asked: Names): string[] {
  return pieces ? nameRemarks(pieces, namesOf(asked), names) : [];
}

/** Remarks for a user about the phrases of a caption. */
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
