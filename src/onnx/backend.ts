/** Who runs a model: ONNX Runtime in Node (`onnxruntime-node`) or in a page (`onnxruntime-web`), behind one interface. */

import type { InferenceSession as OrtSession } from "onnxruntime-common";
import { InputError } from "../errors.ts";
import { isNode, nativeRuntime, type Runtime, slowWords, webRuntime } from "./runtimes.ts";

export type Provider = "cpu" | "cuda" | "webgpu" | "coreml" | "dml" | "wasm";

export interface BackendOptions {
  provider?: Provider;
  /** Threads inside one operation; all cores when absent. */
  threads?: number;
  /** Threads that wait for work sleep instead of spinning: slower alone, much faster beside other work. */
  patient?: boolean;
  /** Writes a trace of every node to a file with this prefix. */
  profile?: string;
  /** "all" lets the runtime rearrange the graph; "none" runs it as written. */
  optimization?: "all" | "none";
  /** Rearrangements of the runtime to leave out, by its own names for them. */
  without?: readonly string[];
  /**
   * Gives the memory of a run back. Without it ONNX Runtime keeps all that it ever took, and a plan for each size of picture: fine for few
   * sessions, but a training on photos of twelve sizes took 5.3 GB in place of 0.9, in the same bits.
   */
  freesMemory?: boolean;
  /** The folder in which the files lie that baked weights name (Node only). */
  weightsFolder?: string;
}

let told = false;

/** ONNX Runtime for this place; in Node, too, the provider wasm is the web's, as is the CPU's where there is no native library. */
export async function runtime(provider: Provider = "cpu"): Promise<Runtime> {
  if (await isNative(provider)) return (await nativeRuntime())!;
  if (isNode() && provider !== "wasm" && !told) {
    told = true;
    process.stderr.write(slowWords());
  }
  return webRuntime();
}

/** Whether a provider is the native library's, whose sessions map weights from files. */
export async function isNative(provider: Provider = "cpu"): Promise<boolean> {
  return provider !== "wasm" && (await nativeRuntime()) !== undefined;
}

/** Prepares a model (its bytes, or the path of a file) for running. */
export async function createSession(
  model: Uint8Array<ArrayBuffer> | string,
  options: BackendOptions = {},
): Promise<OrtSession> {
  const { provider = "cpu", threads, profile, optimization = "all" } = options;
  const { without, patient, freesMemory, weightsFolder } = options;
  const ort = await runtime(provider);
  const extra = {
    ...(weightsFolder ? { model_external_initializers_file_folder_path: weightsFolder } : {}),
    ...(patient ? { intra_op: { allow_spinning: "0" } } : {}),
  };
  const settings: OrtSession.SessionOptions = {
    executionProviders: provider === "cpu" && !(await isNative(provider)) ? ["wasm"] : [provider],
    graphOptimizationLevel: optimization === "all" ? "all" : "disabled",
    logSeverityLevel: 3,
    ...(freesMemory ? { enableCpuMemArena: false, enableMemPattern: false } : {}),
    ...(threads ? { intraOpNumThreads: threads } : {}),
    extra: {
      session: extra,
      ...(without ? { optimization: { disable_specified_optimizers: without.join(";") } } : {}),
    },
    ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
  };
  try {
    return typeof model === "string"
      ? await ort.InferenceSession.create(model, settings)
      : await ort.InferenceSession.create(model, settings);
  } catch (error) {
    if (provider === "cpu") throw error;
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new InputError(
      `provider ${provider} is not to be had here (${why}); leave the provider out to run on the CPU`,
    );
  }
}
