/** Writes the file of an adapted prompt. */

import { writeSafetensors } from "../../weights/write-safetensors.ts";
import type { AdaptedPrompt } from "./adapted-prompt.ts";
import { promptParts } from "./adapted-prompt-format.ts";

/** Writes a prompt's file, which gets its name when it is complete. */
export async function writeAdaptedPrompt(path: string, prompt: AdaptedPrompt): Promise<void> {
  const { tensor, metadata } = promptParts(prompt);
  await writeSafetensors(path, [tensor], metadata);
}
