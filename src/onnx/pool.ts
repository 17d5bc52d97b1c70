/** Sessions in worker threads, for servers and parallel work, because ONNX Runtime's `run` blocks its thread. */

import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { InputError, type PlainError, revivedError } from "../errors.ts";
import { moduleBeside, startWorker } from "../files/start-worker.ts";
import type { Numbers } from "../tensor/index.ts";
import type { BackendOptions } from "./backend.ts";
import type { Lowered } from "./lower.ts";
import { drawMasks, type Feeds, type RunOptions, type TraceRunner } from "./session.ts";

export interface PoolOptions extends BackendOptions {
  /** Worker threads, each with sessions of its own; `threads` inside an operation default to the cores shared out among them. */
  workers: number;
}

/** Asks a worker to run a trace, which it is given once. */
export interface PoolQuestion {
  key: number;
  trace?: Lowered;
  feeds: Feeds;
  weights?: ReadonlyMap<string, Float32Array>;
}
/** A message that tells a worker to stop. */
export const LEAVE = "leave";
export type PoolAnswer = { results: Record<string, Numbers> } | { error: PlainError };

interface Task {
  trace: Lowered;
  feeds: Feeds;
  weights: ReadonlyMap<string, Float32Array> | undefined;
  resolve: (results: Record<string, Numbers>) => void;
  reject: (error: Error) => void;
}
interface PooledWorker {
  worker: Worker;
  known: Set<number>;
  task?: Task;
}

/**
 * Runs traces in worker threads, each run in the first that is free. Best bake weights in from a file
 * (`storeWeights`): arrays that are fed are copied at each run, those over a `SharedArrayBuffer` once and others twice.
 */
export class SessionPool implements TraceRunner {
  private readonly pooled: PooledWorker[] = [];
  private readonly waiting: Task[] = [];
  private readonly keys = new WeakMap<Lowered, number>();
  private nextKey = 0;
  private disposed = false;

  constructor(private readonly options: PoolOptions) {}

  run(trace: Lowered, feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Numbers>> {
    if (this.disposed) return Promise.reject(new InputError("the pool of sessions was disposed"));
    const { weights, random = Math.random } = options;
    // Drawn here and now, so that the order of runs decides them and not the workers' haste.
    const given = { ...feeds, ...drawMasks(trace, random) };
    return new Promise((resolve, reject) => {
      this.waiting.push({ trace, feeds: given, weights, resolve, reject });
      this.sendWaiting();
    });
  }

  /** Stops the workers once the runs under way are done; these and those that wait are rejected. */
  async dispose(): Promise<void> {
    this.disposed = true;
    const stopped = new InputError("the pool of sessions was disposed");
    for (const task of this.waiting.splice(0)) task.reject(stopped);
    const pooled = this.pooled.splice(0);
    for (const one of pooled) one.task?.reject(stopped);
    await Promise.all(pooled.map((one) => ended(one.worker)));
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private sendWaiting(): void {
    while (this.waiting.length > 0) {
      let one = this.pooled.find((one) => !one.task);
      if (!one && this.pooled.length < this.options.workers) one = this.start();
      if (!one) return;
      this.send(one, this.waiting.shift()!);
    }
  }

  private start(): PooledWorker {
    const { workers, ...rest } = this.options;
    const threads = rest.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
    const worker = startWorker(moduleBeside("./pool-worker", import.meta.url), { ...rest, threads });
    const one: PooledWorker = { worker, known: new Set() };
    worker.on("message", (answer: PoolAnswer) => {
      const { task } = one;
      delete one.task;
      if (!this.disposed) worker.unref();
      if ("results" in answer) task?.resolve(answer.results);
      else task?.reject(revivedError(answer.error));
      this.sendWaiting();
    });
    worker.on("error", (error) => this.lose(one, error));
    worker.on("exit", () => this.lose(one, new Error("a session's worker thread ended")));
    this.pooled.push(one);
    return one;
  }

  private send(one: PooledWorker, task: Task): void {
    const key = this.keys.get(task.trace) ?? this.nextKey++;
    this.keys.set(task.trace, key);
    const { feeds, weights } = task;
    const question: PoolQuestion = {
      key,
      feeds,
      ...(weights ? { weights } : {}),
      ...(one.known.has(key) ? {} : { trace: task.trace }),
    };
    one.known.add(key);
    one.task = task;
    one.worker.ref();
    one.worker.postMessage(question);
  }

  private lose(one: PooledWorker, error: Error): void {
    const at = this.pooled.indexOf(one);
    if (at < 0) return;
    this.pooled.splice(at, 1);
    one.task?.reject(error);
    this.sendWaiting();
  }
}

/** Asks a worker to stop by itself, because terminating it inside ONNX Runtime crashes the process. */
function ended(worker: Worker): Promise<void> {
  const exit = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  worker.ref();
  worker.postMessage(LEAVE);
  return exit;
}
