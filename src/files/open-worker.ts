/** Worker threads that answer requests, one after another. All worker threads of Groundling use this protocol. */

import type { Transferable, Worker } from "node:worker_threads";
import { moduleBeside } from "./module-beside.ts";
import { type PlainError, revivedError } from "./plain-error.ts";
import { startWorker } from "./start-worker.ts";

/** What answers a worker's requests, in its thread. */
export interface Service<Request, Answer> {
  answer(request: Request): Answer | Promise<Answer>;
  /** The memory of an answer that is moved instead of copied; the service must not use it afterwards. */
  transfer?(answer: Answer): readonly Transferable[];
  /** Called before the thread ends, and never while a request is being answered. */
  dispose?(): Promise<void>;
}

/** A worker's module. It exports `open`, which is called once in the thread, with plain data; if it fails, so does each request. */
export interface WorkerModule {
  // The caller's types come from the module.
  open(setup: never): Service<never, unknown> | Promise<Service<never, unknown>>;
}
type ServiceOf<Module extends WorkerModule> = Awaited<ReturnType<Module["open"]>>;
type RequestOf<Module extends WorkerModule> = Parameters<ServiceOf<Module>["answer"]>[0];
type AnswerOf<Module extends WorkerModule> = Awaited<ReturnType<ServiceOf<Module>["answer"]>>;

/** A worker thread. It keeps the process running only while it has requests. */
export interface OpenWorker<Request, Answer> {
  /** False after `close`, and after the thread has ended. */
  readonly isOpen: boolean;
  /**
   * Answers come in the order of the requests. `transfer` lists memory of the request that is moved instead of copied.
   * @throws the service's error, with its class; an Error that names the worker if its thread ends.
   */
  ask(request: Request, transfer?: readonly Transferable[]): Promise<Answer>;
  /**
   * Rejects the requests without an answer, lets the worker finish the current one, and waits until its thread has ended by itself:
   * terminating a thread inside ONNX Runtime crashes the process.
   */
  close(): Promise<void>;
}

/** The module and data of a worker. */
export interface Opening {
  module: string;
  setup: unknown;
}
export type Message = { request: unknown } | "close";
export type Reply = { answer: unknown } | { error: PlainError };

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** Opens a module in a worker thread. `name` is the worker's name in errors. */
export function openWorker<Module extends WorkerModule>(
  name: string,
  module: URL,
  setup: Parameters<Module["open"]>[0],
): OpenWorker<RequestOf<Module>, AnswerOf<Module>> {
  const opening: Opening = { module: module.href, setup };
  const worker = startWorker(moduleBeside("./worker-program", import.meta.url), opening);
  worker.unref();
  const waiting: Waiting[] = [];
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  worker.on("message", (reply: Reply) => {
    const request = waiting.shift();
    if (waiting.length === 0 && !failure) worker.unref();
    if ("error" in reply) request?.reject(revivedError(reply.error));
    else request?.resolve(reply.answer);
  });
  const ended = endOf(worker, name).then(({ code, error }) => {
    fail(error);
    return code === 0 ? undefined : error;
  });
  return {
    get isOpen() {
      return failure === undefined;
    },
    ask: (request, transfer = []) =>
      new Promise((resolve, reject) => {
        if (failure) throw failure;
        worker.postMessage({ request } satisfies Message, transfer);
        waiting.push({ resolve: resolve as Waiting["resolve"], reject });
        worker.ref();
      }),
    close: async () => {
      const died = failure !== undefined;
      fail(new Error(`${name} was closed`));
      worker.ref();
      worker.postMessage("close" satisfies Message);
      const error = await ended;
      if (error && !died) throw error;
    },
  };
}

/** How a worker's thread ended: its exit code, and an error that says so. */
function endOf(worker: Worker, name: string): Promise<{ code: number; error: Error }> {
  return new Promise((resolve) => {
    let cause: Error | undefined;
    worker.once("error", (error) => {
      cause = error;
    });
    worker.once("exit", (code) => {
      const reason = cause ? `: ${cause.message}` : "";
      const error = new Error(`${name} ended with exit code ${code}${reason}`, cause ? { cause } : {});
      resolve({ code, error });
    });
  });
}
