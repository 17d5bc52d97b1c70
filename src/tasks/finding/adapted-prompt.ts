/** The result of prompt tuning: vectors for the tokens of one prompt, a few kB for a model of any size. */

import { WeightsError } from "../../errors.ts";
import { type ClassPrompt, labelsOf, type Pass, type Prompt, promptOfClasses } from "../../inputs/words/prompts.ts";
import type { WordPieces } from "../../inputs/words/word-pieces.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { type Base, refuseOtherBase } from "./base.ts";
import type { TextFeatures } from "./predictor.ts";

/** The classes in prompt order, and the learned vectors for their caption's tokens [tokens, d]. */
export interface AdaptedPrompt extends TextFeatures {
  readonly classes: readonly (string | ClassPrompt)[];
  /** Whether the vectors replace the text features, so that the text encoder is not needed, instead of being added to them. */
  readonly inPlace: boolean;
  /** The base model. */
  readonly base: Base;
}

/** The prompt for the model with a digest. Throws WeightsError if the adapted prompt was trained for another model. */
export function promptOfAdapted(
  { pieces, model, digest }: { pieces: WordPieces; model: Pick<Detector, "maxTokens" | "textWidth">; digest: string },
  { classes, vectors, tokens, inPlace, base }: AdaptedPrompt,
): Prompt {
  refuseOtherBase(base, digest, `the adapted prompt for ${labelsOf(classes).join(", ")}`);
  const { maxTokens, textWidth } = model;
  const { labels, passes } = promptOfClasses(pieces, classes, { maxTokens });
  const pass = passes[0]!;
  if (passes.length > 1 || pass.ids.length !== tokens || vectors.length !== tokens * textWidth)
    throw new WeightsError(
      `the adapted prompt for ${labels.join(", ")} has shape [${tokens}, ${vectors.length / tokens}], but this model needs [${pass.ids.length}, ${textWidth}]; use the model that it was trained for`,
    );
  return { labels, passes: [{ ...pass, learned: { vectors, inPlace } }] };
}

/** The text features of a pass with the learned vectors added, in new arrays, so that other prompts are not affected. */
export async function withLearnedVectors(
  pass: Pass,
  read: (pass: Pass) => Promise<TextFeatures>,
): Promise<TextFeatures> {
  const { learned } = pass;
  if (learned?.inPlace) return { vectors: learned.vectors, tokens: pass.ids.length };
  const { vectors, tokens } = await read(pass);
  return { vectors: learned ? vectors.map((value, i) => value + learned.vectors[i]!) : vectors, tokens };
}
