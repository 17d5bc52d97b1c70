/** Who runs a model: ONNX Runtime in Node (`onnxruntime-node`) or in a page (`onnxruntime-web`), behind one interface. */

import type { InferenceSession as OrtSession } from "onnxruntime-common";
import { InputError } from "../errors.ts";
import { telemetryOff } from "../files/telemetry.ts";

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
  /** The folder in which the files lie that baked weights name (Node only). */
  weightsFolder?: string;
}

type Ort = typeof import("onnxruntime-common");

/** ONNX Runtime for this place; in Node, too, the provider wasm is the web's. */
export async function runtime(provider: Provider = "cpu"): Promise<Ort> {
  if (!isNode() || provider === "wasm") return (await import("onnxruntime-web")) as Ort;
  telemetryOff();
  return await import("onnxruntime-node");
}

/** Prepares a model (its bytes, or the path of a file) for running. */
export async function createSession(
  model: Uint8Array<ArrayBuffer> | string,
  options: BackendOptions = {},
): Promise<OrtSession> {
  const { provider = "cpu", threads, profile, optimization = "all", without, patient, weightsFolder } = options;
  const ort = await runtime(provider);
  const extra = {
    ...(weightsFolder ? { model_external_initializers_file_folder_path: weightsFolder } : {}),
    ...(patient ? { intra_op: { allow_spinning: "0" } } : {}),
  };
  const settings: OrtSession.SessionOptions = {
    executionProviders: provider === "cpu" && !isNode() ? ["wasm"] : [provider],
    graphOptimizationLevel: optimization === "all" ? "all" : "disabled",
    logSeverityLevel: 3,
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

function isNode(): boolean {
  return typeof process === "object" && Boolean(process.versions?.node);
}
