/** Which folders a model folder may take the place of. */

import { readdir } from "node:fs/promises";
import { InputError } from "../../errors.ts";

/** All that a model folder may hold. */
const files: ReadonlySet<string> = new Set([
  ...["config.json", "preprocessor_config.json", "vocab.txt", "README.md", "names.json"],
  ...["model.safetensors", "companion.safetensors"],
]);

/** Throws InputError where a folder holds anything but a model's files, as all of it would be gone. */
export async function refuseToReplaceOthers(folder: string): Promise<void> {
  const found = await readdir(folder).catch(() => []);
  const others = found.filter((name) => !files.has(name));
  if (others.length > 0)
    throw new InputError(
      `${folder} holds ${others[0]}${others.length > 1 ? ` and ${others.length - 1} more` : ""}, which a model folder would replace; ` +
        "name a folder that is not there, or one with a model alone",
    );
}
