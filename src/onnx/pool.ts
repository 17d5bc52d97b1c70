/** Sessions in worker threads, for servers and parallel work, because ONNX Runtime's `run` blocks its thread. */

import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { InputError } from "../errors.ts";
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
export type PoolAnswer = { results: Record<string, Numbers> } | { error: { name: string; message: string } };

interface Task {
  trace: Lowered;
  feeds: Feeds;
  weights: ReadonlyMap<string, Float32Array> | undefined;
  resolve: (results: Record<string, Numbers>) => void;
  reject: (error: Error) => void;
}
interface Hand {
  worker: Worker;
  known: Set<number>;
  task?: Task;
}

/**
 * Runs traces in worker threads, each run in the first that is free. Best bake weights in from a file
 * (`storeWeights`): arrays that are fed are copied at each run, those over a `SharedArrayBuffer` once and others twice.
 */
export class SessionPool implements TraceRunner {
  private readonly hands: Hand[] = [];
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
      this.handOut();
    });
  }

  /** Stops the workers once the runs under way are done; these and those that wait are rejected. */
  async dispose(): Promise<void> {
    this.disposed = true;
    const stopped = new InputError("the pool of sessions was disposed");
    for (const task of this.waiting.splice(0)) task.reject(stopped);
    const hands = this.hands.splice(0);
    for (const hand of hands) hand.task?.reject(stopped);
    await Promise.all(hands.map((hand) => ended(hand.worker)));
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private handOut(): void {
    while (this.waiting.length > 0) {
      let hand = this.hands.find((one) => !one.task);
      if (!hand && this.hands.length < this.options.workers) hand = this.hire();
      if (!hand) return;
      this.ask(hand, this.waiting.shift()!);
    }
  }

  private hire(): Hand {
    const { workers, ...rest } = this.options;
    const threads = rest.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
    const worker = startWorker(moduleBeside("./pool-worker", import.meta.url), { ...rest, threads });
    const hand: Hand = { worker, known: new Set() };
    worker.on("message", (answer: PoolAnswer) => {
      const { task } = hand;
      delete hand.task;
      if (!this.disposed) worker.unref();
      if ("results" in answer) task?.resolve(answer.results);
      else task?.reject(errorOf(answer.error));
      this.handOut();
    });
    worker.on("error", (error) => this.lose(hand, error));
    worker.on("exit", () => this.lose(hand, new Error("a session's worker thread ended")));
    this.hands.push(hand);
    return hand;
  }

  private ask(hand: Hand, task: Task): void {
    const key = this.keys.get(task.trace) ?? this.nextKey++;
    this.keys.set(task.trace, key);
    const { feeds, weights } = task;
    const question: PoolQuestion = {
      key,
      feeds,
      ...(weights ? { weights } : {}),
      ...(hand.known.has(key) ? {} : { trace: task.trace }),
    };
    hand.known.add(key);
    hand.task = task;
    hand.worker.ref();
    hand.worker.postMessage(question);
  }

  private lose(hand: Hand, error: Error): void {
    const at = this.hands.indexOf(hand);
    if (at < 0) return;
    this.hands.splice(at, 1);
    hand.task?.reject(error);
    this.handOut();
  }
}

/** Asks a worker to stop by itself, because terminating it inside ONNX Runtime crashes the process. */
function ended(worker: Worker): Promise<void> {
  const exit = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  worker.ref();
  worker.postMessage(LEAVE);
  return exit;
}

function errorOf({ name, message }: { name: string; message: string }): Error {
  return name === "InputError" ? new InputError(message) : new Error(message);
}
