/** The folder of a training run, protected from other runs. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { checkpointFile } from "../../learning/train.ts";

/** The log of a run's steps and evaluations, JSON lines. */
export function logFile(folder: string): string {
  return join(folder, "log.jsonl");
}

/** Throws InputError if the folder contains the checkpoints or the log of a run. */
export function refuseOtherRun(folder: string): void {
  const files = [checkpointFile(folder, "last"), checkpointFile(folder, "best"), logFile(folder)];
  const found = files.find((file) => existsSync(file));
  if (found !== undefined)
    throw new InputError(
      `${folder} contains a run (${found}); continue it with --resume, or give another folder with --out`,
    );
}
