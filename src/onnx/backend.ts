/** One interface for ONNX Runtime in Node (`onnxruntime-node`) and in a web page (`onnxruntime-web`). */

import type { InferenceSession as OrtSession } from "onnxruntime-common";
import { InputError } from "../errors.ts";
import { type FileState, refuseChanged } from "../files/file-state.ts";
import { bestDevice, type Device } from "./devices.ts";
import { isNode, nativeRuntime, type Runtime, slowWords, webRuntime } from "./runtimes.ts";

export { type Device, type DeviceTrial, devices } from "./devices.ts";

/** Where and how ONNX Runtime runs a model. */
export interface BackendOptions {
  /** Where the model runs (default "cpu"). InputError if ONNX Runtime does not have the device here. */
  device?: Device;
  /** Threads per operation. Default: all cores. */
  threads?: number;
  /** Lets waiting threads sleep instead of spinning: slower on an idle machine, much faster on a busy one. */
  patient?: boolean;
  /** Writes a trace of every node to a file with this prefix. */
  profile?: string;
  /** "all" lets the runtime rearrange the graph; "none" runs it as written. */
  optimization?: "all" | "none";
  /** Optimisations of the runtime to turn off, by the runtime's names. */
  without?: readonly string[];
  /** The folder of the files with baked weights (Node only). */
  weightsFolder?: string;
  /**
   * Files in it that others may write; a session is refused where one has changed.
   * @internal
   */
  weightsFiles?: readonly FileState[];
  /**
   * Names of nodes that run on the CPU if the device is webgpu.
   * @internal
   */
  notOnWebGpu?: readonly string[];
}

let told = false;

/** ONNX Runtime for this device. In Node, the device wasm uses the web runtime, and so does the CPU if there is no native library. */
export async function runtime(device: Device = "cpu"): Promise<Runtime> {
  if (await isNative(device)) return (await nativeRuntime())!;
  if (isNode() && device !== "wasm" && !told) {
    told = true;
    process.stderr.write(slowWords());
  }
  return webRuntime();
}

/** Whether a device uses the native library, whose sessions map weights from files. */
export async function isNative(device: Device = "cpu"): Promise<boolean> {
  return device !== "wasm" && (await nativeRuntime()) !== undefined;
}

/** Prepares a model (its bytes, or the path of a file) for running. */
export async function createSession(
  model: Uint8Array<ArrayBuffer> | string,
  options: BackendOptions = {},
): Promise<OrtSession> {
  const { threads, profile, optimization = "all" } = options;
  const { without, patient, weightsFolder, weightsFiles = [], notOnWebGpu = [] } = options;
  const device = options.device === "auto" ? await bestDevice() : (options.device ?? "cpu");
  const ort = await runtime(device);
  const extra = {
    ...(weightsFolder ? { model_external_initializers_file_folder_path: weightsFolder } : {}),
    ...(patient ? { intra_op: { allow_spinning: "0" } } : {}),
  };
  const provider =
    device === "webgpu" && notOnWebGpu.length > 0
      ? { name: device, forceCpuNodeNames: notOnWebGpu }
      : device === "cpu" && !(await isNative(device))
        ? "wasm"
        : device;
  const settings: OrtSession.SessionOptions = {
    executionProviders: [provider],
    graphOptimizationLevel: optimization === "all" ? "all" : "disabled",
    logSeverityLevel: 3,
    // A memory plan for each size of input would be kept for ever, and saves no time (docs/speed.md).
    enableMemPattern: false,
    ...(threads ? { intraOpNumThreads: threads } : {}),
    extra: {
      session: extra,
      ...(without ? { optimization: { disable_specified_optimizers: without.join(";") } } : {}),
    },
    ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
  };
  for (const file of weightsFiles) refuseChanged(file);
  try {
    return typeof model === "string"
      ? await ort.InferenceSession.create(model, settings)
      : await ort.InferenceSession.create(model, settings);
  } catch (error) {
    if (device === "cpu") throw error;
    throw new InputError(
      `device ${device} is not available here (${reasonOf(error)}); leave out the device to run on the CPU`,
    );
  }
}

/** Why ONNX Runtime refuses a device. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/Failed to get a WebGPU adapter/.test(text))
    return "ONNX Runtime finds no GPU with a driver for Vulkan, Metal or Direct3D 12";
  if (/Failed to load shared library/.test(text)) return "its library is not installed with ONNX Runtime";
  if (/backend not found/.test(text)) return "ONNX Runtime has no provider for it on this system";
  return text.split("\n")[0]!;
}
