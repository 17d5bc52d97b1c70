/** Program of a worker thread: loads the composer's module and returns a batch for each job number. */

import { on } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../errors.ts";
import type { ComposerModule, WorkerAnswer } from "./batch-source.ts";

const { module, setup } = workerData as { module: string; setup: unknown };
const port = parentPort!;
const jobs = on(port, "message");
const { createComposer } = (await import(module)) as ComposerModule<unknown>;
const composing = Promise.resolve(setup).then(createComposer);
// A composer that cannot be made fails each job.
composing.catch(() => {});

for await (const [job] of jobs) {
  try {
    const composer = await composing;
    const batch = await composer.compose(job);
    port.postMessage({ job, batch } satisfies WorkerAnswer, composer.transfer?.(batch) ?? []);
  } catch (error) {
    port.postMessage({ job, error: plainError(error) } satisfies WorkerAnswer);
  }
}
