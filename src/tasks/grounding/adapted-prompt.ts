/** What prompt tuning leaves: vectors for the words of one prompt, a few kB beside a model of any size. */

import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { type ClassPrompt, type Prompt, promptOfClasses } from "../../inputs/prompts.ts";
import type { WordPieces } from "../../inputs/word-pieces.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import type { TextFeatures } from "./predictor.ts";
import { TUNABLE_PROMPT } from "./tunable-prompt.ts";

/** Classes asked for in this order, and what is added to the vectors of their caption's tokens [tokens, d]. */
export interface AdaptedPrompt extends TextFeatures {
  readonly classes: readonly (string | ClassPrompt)[];
}

export const PROMPT_FORMAT = "groundling-prompt";
const classesSchema = z
  .array(
    z.union([
      z.string(),
      z.strictObject({
        label: z.string(),
        prefix: z.string().exactOptional(),
        name: z.string().exactOptional(),
        suffix: z.string().exactOptional(),
      }),
    ]),
  )
  .min(1);

/** Writes a safetensors file with the classes in its metadata. */
export async function writeAdaptedPrompt(path: string, { classes, vectors, tokens }: AdaptedPrompt): Promise<void> {
  const tensor = {
    name: TUNABLE_PROMPT,
    dtype: "F32" as const,
    shape: [tokens, vectors.length / tokens],
    data: vectors,
  };
  await writeSafetensors(path, [tensor], { format: PROMPT_FORMAT, classes: JSON.stringify(classes) });
}

/** The prompt of an open file. Throws WeightsError where it is malformed. */
export async function promptIn(file: WeightsFile, path: string): Promise<AdaptedPrompt> {
  const classes = classesIn(file.metadata.get("classes"));
  const entry = file.entries.get(TUNABLE_PROMPT);
  if (!classes || entry?.shape.length !== 2)
    throw new WeightsError(`${path}: is a broken prompt; make it anew by groundling adapt --method prompt`);
  return { classes, vectors: await file.readFloat32(TUNABLE_PROMPT), tokens: entry.shape[0]! };
}

/** How a model is asked by an adapted prompt. Throws WeightsError where it was made for another model. */
export function promptOfAdapted(
  words: WordPieces,
  { classes, vectors, tokens }: AdaptedPrompt,
  { maxTokens, textWidth }: { maxTokens: number; textWidth: number },
): Prompt {
  const { labels, passes } = promptOfClasses(words, classes, { maxTokens });
  const pass = passes[0]!;
  if (passes.length > 1 || pass.ids.length !== tokens || vectors.length !== tokens * textWidth)
    throw new WeightsError(
      `the adapted prompt for ${labels.join(", ")} holds [${tokens}, ${vectors.length / tokens}] numbers where this model needs [${pass.ids.length}, ${textWidth}]; take the model that it was made for`,
    );
  return { labels, passes: [{ ...pass, added: vectors }] };
}

/** Vectors of a caption's words with those that were learned for them; new ones, so that the words serve other prompts as before. */
export function withAdded({ vectors, tokens }: TextFeatures, added: Float32Array | undefined): TextFeatures {
  return { vectors: added ? vectors.map((value, i) => value + added[i]!) : vectors, tokens };
}

function classesIn(text: string | undefined): AdaptedPrompt["classes"] | undefined {
  try {
    return classesSchema.parse(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}
