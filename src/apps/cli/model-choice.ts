/** The model that a command runs: a folder, a checkpoint file, the built-in one, or one of the zoo. */

import type { Command } from "commander";
import { exitingWhenInterrupted } from "../../learning/interruption.ts";
import type { FetchingOptions } from "../../weights/zoo.ts";
import { ProgressBar } from "../progress/progress-bar.ts";

export interface ModelChoice {
  model?: string;
  offline?: true;
  quiet?: boolean;
}

/** Adds the options that say which model. */
export function addModelOptions(command: Command): Command {
  return command
    .option(
      "--model <path or name>",
      "model folder, checkpoint file or a name of groundling models (default: built in)",
    )
    .option("--offline", "fetch no model; take what is there");
}

/** Calls `load`, which fetches a model that is not in the cache, and draws the progress; Ctrl-C ends the process. */
export async function fetchingWithProgress<Loaded>(
  { model, offline, quiet }: ModelChoice,
  load: (fetching: FetchingOptions) => Promise<Loaded>,
): Promise<Loaded> {
  const bar = new ProgressBar({ ...(model === undefined ? {} : { label: model }), unit: "MB", quiet });
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const progress = (done: number, total: number | undefined) => {
    if (!bar.isActive) bar.start(megabytes(total ?? done));
    bar.update(megabytes(done));
    if (done === total) bar.stop();
  };
  try {
    return await exitingWhenInterrupted(() => load({ offline: offline === true, progress }));
  } finally {
    bar.stop();
  }
}
