/** The devices that models run on: which of them work here, and which is the fastest. */

import { moduleBeside } from "../files/module-beside.ts";
import { isNode } from "./runtimes.ts";

/** Devices by the names of ONNX Runtime's execution providers. */
export const devices = ["cpu", "webgpu", "cuda", "coreml", "dml"] as const;

/** Where a model runs. `wasm` is WebAssembly, also in Node; `auto` is the fastest device that works here. */
export type Device = (typeof devices)[number] | "wasm" | "auto";

/** How a device did when it was tried. */
export interface DeviceTrial {
  device: (typeof devices)[number];
  /** Why it cannot be used; absent if its results were right. */
  problem?: string;
  /** Milliseconds of a product of two 1024 × 1024 matrices in float32, with its way there and back. */
  milliseconds?: number;
}

/** Milliseconds after which a device is taken for broken. */
const PATIENCE = 120_000;

/** Tries a device in a process of its own, so that a driver may crash it or write to its stderr. Node only. */
export async function tryDevice(device: (typeof devices)[number]): Promise<DeviceTrial> {
  const { execFile } = process.getBuiltinModule("node:child_process");
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  const program = moduleBeside("./device-trial", import.meta.url);
  const loader = program.href.endsWith(".ts") ? ["--import", import.meta.resolve("tsx")] : [];
  const words = [...loader, fileURLToPath(program), device];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { timeout: PATIENCE }, (error, stdout) => {
      const last = stdout.trim().split("\n").at(-1)!;
      if (last.startsWith("{")) return resolve({ device, ...JSON.parse(last) });
      const why = error?.killed ? `gives no result within ${PATIENCE / 1000} s` : "ends ONNX Runtime's process";
      resolve({ device, problem: `device ${device} ${why}; update its driver, or use another device` });
    });
  });
}

let best: Promise<Device> | undefined;

/** The fastest device that works here, measured once per process; in a page WebGPU where there is an adapter. */
export function bestDevice(): Promise<Device> {
  best ??= isNode() ? fastest() : inPage();
  return best;
}

async function fastest(): Promise<Device> {
  const trials: DeviceTrial[] = [];
  // One after the other, because a second one would make both slower.
  for (const device of devices.filter(isOnPlatform)) trials.push(await tryDevice(device));
  const works = trials.filter(({ problem }) => problem === undefined);
  return works.sort((a, b) => a.milliseconds! - b.milliseconds!)[0]?.device ?? "cpu";
}

/** Whether ONNX Runtime can have the device on this system. */
export function isOnPlatform(device: (typeof devices)[number]): boolean {
  const only: Partial<Record<Device, string>> = { coreml: "darwin", dml: "win32" };
  return (
    (only[device] ?? process.platform) === process.platform && !(device === "cuda" && process.platform === "darwin")
  );
}

async function inPage(): Promise<Device> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  return (await gpu?.requestAdapter()) ? "webgpu" : "cpu";
}
