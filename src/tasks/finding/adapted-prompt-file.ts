/** The file of an adapted prompt. */

import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { jsonIn } from "../../weights/strict-json.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import type { AdaptedPrompt } from "./adapted-prompt.ts";
import { baseMetadata } from "./base.ts";
import { TUNABLE_PROMPT } from "./tunable-prompt.ts";

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

/** Writes a safetensors file of the vectors, with everything else in its metadata. */
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

/** The prompt of an open file. Throws WeightsError if it is malformed. */
export async function promptIn(file: WeightsFile, path: string): Promise<Omit<AdaptedPrompt, "base">> {
  const classes = jsonIn(file.metadata, "classes", classesSchema);
  const entry = file.entries.get(TUNABLE_PROMPT);
  if (!classes || entry?.shape.length !== 2)
    throw new WeightsError(`${path}: is a malformed prompt; create it again with groundling adapt --method prompt`);
  const inPlace = file.metadata.get("in_place") === "true";
  return { classes, vectors: await file.readFloat32(TUNABLE_PROMPT), tokens: entry.shape[0]!, inPlace };
}
