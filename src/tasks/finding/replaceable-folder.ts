/** Which folders a model folder may replace. */

import { readdir } from "node:fs/promises";
import { InputError } from "../../errors.ts";

/** The files that a model folder can have. */
const files: ReadonlySet<string> = new Set([
  ...["config.json", "preprocessor_config.json", "vocab.txt", "README.md", "names.json"],
  ...["model.safetensors", "companion.safetensors"],
]);

/** Throws InputError if a folder has files that do not belong to a model, because they would be deleted. */
export async function refuseToReplaceOthers(folder: string): Promise<void> {
  const found = await readdir(folder).catch(() => []);
  const others = found.filter((name) => !files.has(name));
  if (others.length > 0)
    throw new InputError(
      `${folder} contains ${others[0]}${others.length > 1 ? ` and ${others.length - 1} more` : ""}, which would be deleted; ` +
        "give a new folder, or a folder with only a model",
    );
}
