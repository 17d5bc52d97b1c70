/** The model that a command runs: a folder, a checkpoint file, the built-in one, or one of the zoo. */

import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { fetchModel, zoo } from "../../weights/zoo.ts";

export interface ModelChoice {
  model?: string;
  offline?: true;
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
export async function modelPath({ model, offline }: ModelChoice): Promise<string | undefined> {
  if (model === undefined || !Object.hasOwn(zoo, model)) return model;
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${model} {bar} {value}/{total} MB · {eta_formatted} left`,
    barsize: 20,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  try {
    return await fetchModel(model, {
      offline: offline === true,
      progress: (done, total = done) => {
        if (!bar.isActive) bar.start(megabytes(total), 0);
        bar.update(megabytes(done));
      },
    });
  } finally {
    bar.stop();
  }
}
