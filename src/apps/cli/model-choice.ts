/** The options that choose a model: a folder, a checkpoint file, the built-in model, or a published model by name. */

import type { Command } from "commander";
import { exitingWhenInterrupted } from "../../learning/interruption.ts";
import type { Device } from "../../onnx/devices.ts";
import type { FetchingOptions } from "../../weights/zoo.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { chosenDevice, type DeviceChoice, deviceOption } from "./device.ts";

export interface ModelChoice extends DeviceChoice {
  model?: string;
  offline?: true;
}

/** How a model is fetched, and where it runs. */
export interface LoadingOptions extends FetchingOptions {
  device?: Device;
}

/** Adds the options that choose the model and where it runs. */
export function addModelOptions(command: Command): Command {
  return addModelChoice(command).addOption(deviceOption());
}

/** Adds the options that choose a model that is not run. */
export function addModelChoice(command: Command): Command {
  return command
    .option(
      "--model <path or name>",
      "model folder, checkpoint file, or a name listed by groundling models (default: the built-in model)",
    )
    .option("--offline", "fetch no model; use the cache only");
}

/** Tries the device, then calls `load`, which fetches a model that is not in the cache, and shows the progress; Ctrl-C ends the process. */
export async function fetchingWithProgress<Loaded>(
  { model, offline, quiet, ...choice }: ModelChoice,
  load: (loading: LoadingOptions) => Promise<Loaded>,
): Promise<Loaded> {
  const device = await chosenDevice({ ...choice, quiet: quiet === true });
  const bar = new ProgressBar({ ...(model === undefined ? {} : { label: model }), unit: "MB", quiet });
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const progress = (done: number, total: number | undefined) => {
    if (!bar.isActive) bar.start(megabytes(total ?? done));
    bar.update(megabytes(done));
    if (done === total) bar.stop();
  };
  try {
    return await exitingWhenInterrupted(() => load({ offline: offline === true, progress, ...device }));
  } finally {
    bar.stop();
  }
}
