/** Makes batches in a worker thread, with the composer of another module. */

import type { Service } from "../files/open-worker.ts";
import type { ComposerModule } from "./batch-source.ts";

export async function open({ module, setup }: { module: string; setup: unknown }): Promise<Service<number, unknown>> {
  const { createComposer }: ComposerModule<unknown> = await import(module);
  const composer = await createComposer(setup);
  return {
    answer: (job) => composer.compose(job),
    transfer: (batch) => composer.transfer?.(batch) ?? [],
  };
}
