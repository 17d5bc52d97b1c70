/** The form of an adapted prompt in a file: a safetensors file of its vectors, with everything else in its metadata. */

import { z } from "zod";
import { WeightsError } from "../../errors.ts";
import { type HeldTensor, safetensorsBytes } from "../../weights/safetensors-bytes.ts";
import { safetensorsIn } from "../../weights/safetensors-header.ts";
import { jsonIn } from "../../weights/strict-json.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { AdaptedPrompt } from "./adapted-prompt.ts";
import { baseIn, baseMetadata } from "./base.ts";
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

/** The tensor and the metadata of a prompt. */
export function promptParts({ classes, vectors, tokens, inPlace, base }: AdaptedPrompt): {
  tensor: HeldTensor;
  metadata: Record<string, string>;
} {
  const words = { classes: JSON.stringify(classes), in_place: String(inPlace) };
  return {
    tensor: { name: TUNABLE_PROMPT, dtype: "F32", shape: [tokens, vectors.length / tokens], data: vectors },
    metadata: { format: PROMPT_FORMAT, ...words, ...baseMetadata(base) },
  };
}

/** The bytes of a prompt's file, which `detect --adapted` and `readAdaptedPrompt` read. */
export function adaptedPromptBytes(prompt: AdaptedPrompt): Uint8Array<ArrayBuffer> {
  const { tensor, metadata } = promptParts(prompt);
  return safetensorsBytes([tensor], metadata);
}

/** Reads the bytes of a prompt's file; `name` is its name in errors. Throws WeightsError if they are something else. */
export async function readAdaptedPrompt(bytes: ArrayBuffer, name = "the adapted prompt"): Promise<AdaptedPrompt> {
  const file = await safetensorsIn(bytes, name);
  if (file.metadata.get("format") !== PROMPT_FORMAT)
    throw new WeightsError(`${name}: is not an adapted prompt; give a file that was saved as one`);
  return { ...(await promptIn(file, name)), base: baseIn(file.metadata, name) };
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
