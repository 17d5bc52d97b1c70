/** The option that says where a model runs; docs/devices.md has what each device can do. */

import { Option } from "commander";
import { InputError } from "../../errors.ts";
import { type Device, devices } from "../../onnx/devices.ts";
import { say } from "./writing.ts";

export interface DeviceChoice {
  device?: Exclude<Device, "wasm">;
  quiet?: boolean;
}

/** `--device NAME`. */
export function deviceOption(): Option {
  return new Option(
    "--device <name>",
    "where the model runs; auto takes the fastest device that works (default: cpu)",
  ).choices(["auto", ...devices]);
}

/** The device for `loadModel` and others, tried before anything is read. @throws InputError if it does not work here. */
export async function chosenDevice({ device, quiet }: DeviceChoice): Promise<{ device?: Device }> {
  if (device === undefined || device === "cpu") return {};
  const { bestDevice, tryDevice } = await import("../../onnx/devices.ts");
  if (device === "auto") {
    const best = await bestDevice();
    if (!quiet) say(`device: ${best}\n`);
    return { device: best };
  }
  const { problem } = await tryDevice(device);
  if (problem !== undefined) throw new InputError(problem);
  return { device };
}
