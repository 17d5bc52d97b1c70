/** What prompt tuning leaves: vectors for the words of one prompt, a few kB beside a model of any size. */

import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { type ClassPrompt, labelsOf, type Pass, type Prompt, promptOfClasses } from "../../inputs/words/prompts.ts";
import type { WordPieces } from "../../inputs/words/word-pieces.ts";
import type { Detector } from "../../models/parts/detector.ts";
import { jsonIn } from "../../weights/strict-json.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { type Base, baseMetadata, refuseOtherBase } from "./base-mark.ts";
import type { TextFeatures } from "./predictor.ts";
import { TUNABLE_PROMPT } from "./tunable-prompt.ts";

/** Classes asked for in this order, and what is learned for their caption's tokens [tokens, d]. */
export interface AdaptedPrompt extends TextFeatures {
  readonly classes: readonly (string | ClassPrompt)[];
  /** Whether the vectors stand in place of the words', so that nothing need be read, rather than being added to them. */
  readonly inPlace: boolean;
  /** The model that it was learned for. */
  readonly base: Base;
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

/** Writes a safetensors file with the rest in its metadata. */
export async function writeAdaptedPrompt(path: string, prompt: AdaptedPrompt): Promise<void> {
  const { classes, vectors, tokens, inPlace, base } = prompt;
  const tensor = {
    name: TUNABLE_PROMPT,
    dtype: "F32" as const,
    shape: [tokens, vectors.length / tokens],
    data: vectors,
  };
  const words = { classes: JSON.stringify(classes), in_place: String(inPlace) };
  await writeSafetensors(path, [tensor], { format: PROMPT_FORMAT, ...words, ...baseMetadata(base) });
}

/** The prompt of an open file. Throws WeightsError where it is malformed. */
export async function promptIn(file: WeightsFile, path: string): Promise<Omit<AdaptedPrompt, "base">> {
  const classes = jsonIn(file.metadata, "classes", classesSchema);
  const entry = file.entries.get(TUNABLE_PROMPT);
  if (!classes || entry?.shape.length !== 2)
    throw new WeightsError(`${path}: is a broken prompt; make it anew by groundling adapt --method prompt`);
  const inPlace = file.metadata.get("in_place") === "true";
  return { classes, vectors: await file.readFloat32(TUNABLE_PROMPT), tokens: entry.shape[0]!, inPlace };
}

/** How the model of a mark is asked by an adapted prompt. Throws WeightsError where it was learned for another model. */
export function promptOfAdapted(
  { pieces, model, mark }: { pieces: WordPieces; model: Pick<Detector, "maxTokens" | "textWidth">; mark: string },
  { classes, vectors, tokens, inPlace, base }: AdaptedPrompt,
): Prompt {
  refuseOtherBase(base, mark, `the adapted prompt for ${labelsOf(classes).join(", ")}`);
  const { maxTokens, textWidth } = model;
  const { labels, passes } = promptOfClasses(pieces, classes, { maxTokens });
  const pass = passes[0]!;
  if (passes.length > 1 || pass.ids.length !== tokens || vectors.length !== tokens * textWidth)
    throw new WeightsError(
      `the adapted prompt for ${labels.join(", ")} holds [${tokens}, ${vectors.length / tokens}] numbers where this model needs [${pass.ids.length}, ${textWidth}]; take the model that it was made for`,
    );
  return { labels, passes: [{ ...pass, learned: { vectors, inPlace } }] };
}

/** Vectors of a pass's words with what was learned for them; new ones, so that the words serve other prompts as before. */
export async function spoken(pass: Pass, read: (pass: Pass) => Promise<TextFeatures>): Promise<TextFeatures> {
  const { learned } = pass;
  if (learned?.inPlace) return { vectors: learned.vectors, tokens: pass.ids.length };
  const { vectors, tokens } = await read(pass);
  return { vectors: learned ? vectors.map((value, i) => value + learned.vectors[i]!) : vectors, tokens };
}
