/** The model that a command runs: a folder, a checkpoint file, the built-in one, or one of the zoo. */

import type { Command } from "commander";
import { exitingWhenInterrupted } from "../../learning/interruption.ts";
import { fetchModel, type ZooOptions, zoo } from "../../weights/zoo.ts";
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

/** The path of the model chosen, fetched first where it is one of the zoo; nothing for the built-in one. */
export async function modelPath({ model, offline, quiet }: ModelChoice): Promise<string | undefined> {
  if (model === undefined || !Object.hasOwn(zoo, model)) return model;
  return fetchedWithProgress(model, { offline: offline === true, quiet }, fetchModel);
}

/** Fetches a model and draws how far it is. */
export async function fetchedWithProgress(
  name: string,
  { offline, quiet }: { offline: boolean; quiet: boolean | undefined },
  fetch: (name: string, options: ZooOptions) => Promise<string>,
): Promise<string> {
  const bar = new ProgressBar({ label: name, unit: "MB", quiet });
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  try {
    return await exitingWhenInterrupted(() =>
      fetch(name, {
        offline,
        progress: (done, total = done) => {
          if (!bar.isActive) bar.start(megabytes(total));
          bar.update(megabytes(done));
        },
      }),
    );
  } finally {
    bar.stop();
  }
}
