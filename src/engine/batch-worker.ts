/** The program of a worker thread: loads the composer's module and answers each job number with its batch. */

import { on } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import type { ComposerModule, WorkerAnswer } from "./batch-source.ts";

const { module, setup } = workerData as { module: string; setup: unknown };
const port = parentPort!;
const jobs = on(port, "message");
const { createComposer } = (await import(module)) as ComposerModule<unknown>;
const composer = await createComposer(setup);

for await (const [job] of jobs) {
  try {
    const batch = await composer.compose(job);
    port.postMessage({ job, batch } satisfies WorkerAnswer, composer.transfer?.(batch) ?? []);
  } catch (error) {
    const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    port.postMessage({ job, error: { name, message, stack } } satisfies WorkerAnswer);
  }
}
