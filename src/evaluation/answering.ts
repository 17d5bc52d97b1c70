/** Models that answer the requests of an evaluation, in this thread or in worker threads. */

import { moduleBeside } from "../files/module-beside.ts";
import { openWorker } from "../files/open-worker.ts";
import type { Device } from "../onnx/devices.ts";
import type { Asks } from "./protocols/protocol-row.ts";

/** The model (default: the built-in one), and the file of an adapted prompt or adapters. */
export interface ModelToAsk {
  model?: string | undefined;
  adapted?: string | undefined;
  /** Where it runs (default: cpu). */
  device?: Device | undefined;
}

export interface Answering<Kind extends keyof Asks = keyof Asks> {
  answer(request: Asks[Kind]["request"]): Promise<Asks[Kind]["answer"]>;
  dispose(): Promise<void>;
}

const kinds: { readonly [Kind in keyof Asks]: (asked: ModelToAsk) => Promise<Answering<Kind>> } = {
  detector: async (asked) => (await import("./detector.ts")).detectorHere(asked),
  encoder: async (asked) => (await import("./encoder.ts")).encoderHere(asked),
};

/** A model in this thread. */
export function modelHere({ kind, ...asked }: ModelToAsk & { kind: keyof Asks }): Promise<Answering> {
  return kinds[kind](asked);
}

/** Models in `count` worker threads. */
export function modelsInThreads(asked: ModelToAsk & { kind: keyof Asks }, count: number): Answering[] {
  const module = moduleBeside("./worker", import.meta.url);
  return Array.from({ length: count }, (_, index) => {
    const worker = openWorker<typeof import("./worker.ts")>(`evaluation worker ${index}`, module, asked);
    return { answer: (request) => worker.ask(request), dispose: () => worker.close() };
  });
}
