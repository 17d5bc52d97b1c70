/** The folder of a training run, which no other run may overwrite. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { checkpointFile } from "../../learning/train.ts";

/** The log of a run's steps and evaluations. */
export function logFile(folder: string): string {
  return join(folder, "log.jsonl");
}

/** Throws InputError where the folder holds checkpoints or the log of a run. */
export function refuseOtherRun(folder: string): void {
  const files = [checkpointFile(folder, "last"), checkpointFile(folder, "best"), logFile(folder)];
  const found = files.find((file) => existsSync(file));
  if (found !== undefined)
    throw new InputError(
      `${folder} holds a run (${found}); go on with it by --resume, or give another folder by --out`,
    );
}
