/** The program of every worker thread: opens its module and answers requests until it is closed. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { Message, Opening, Reply, Service } from "./open-worker.ts";
import { plainError } from "./plain-error.ts";

/** Milliseconds after which a thread ends even if the module left something running. */
const PATIENCE = 1000;

const port = parentPort!;
let closing = false;
const opening = open(workerData as Opening);
let last: Promise<unknown> = opening.catch(() => {});

port.on("message", (message: Message) => {
  closing = message === "close";
  last = last.then(() => (message === "close" ? leave() : reply(message.request)));
});

async function open({ module, setup }: Opening): Promise<Service<unknown, unknown>> {
  const opened = await import(module);
  return opened.open(setup);
}

async function reply(request: unknown): Promise<void> {
  // Lets "close" arrive, which may be sent in the meantime.
  await nextTurn();
  if (closing) return;
  try {
    const service = await opening;
    const answer = await service.answer(request);
    port.postMessage({ answer } satisfies Reply, service.transfer?.(answer) ?? []);
  } catch (error) {
    port.postMessage({ error: plainError(error) } satisfies Reply);
  }
}

async function leave(): Promise<void> {
  const service = await opening.catch(() => undefined);
  await service?.dispose?.();
  port.close();
  setTimeout(() => process.exit(), PATIENCE).unref();
}
