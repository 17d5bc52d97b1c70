/** The worker threads of a model: tasks wait in one queue, and free workers take several at once. */

import { moduleBeside } from "../../../files/module-beside.ts";
import { type OpenWorker, openWorker } from "../../../files/open-worker.ts";
import { revivedError } from "../../../files/plain-error.ts";
import type { WorkerAnswer, WorkerRequest } from "./model-worker.ts";
import type { ModelFacts, ModelSetup, Outcome, Task } from "./task.ts";

/** The most tasks that a worker takes at once. */
const MOST_AT_ONCE = 4;

/** A worker ended, twice for the same task. */
export class WorkerEnded extends Error {
  override readonly name = "WorkerEnded";
}

export interface PoolSettings {
  /** Name of the model, for errors. */
  readonly name: string;
  readonly workers: number;
  readonly setup: ModelSetup;
  /** The module of the workers; default: model-worker. */
  readonly module?: URL;
  /** Called when a worker has ended unexpectedly. */
  readonly onEnded?: (error: Error) => void;
}

export interface ModelPool {
  readonly facts: ModelFacts;
  /** Tasks that wait for a worker. */
  readonly waiting: number;
  /** Answers a task. Throws its error, the signal's reason if it is aborted, and WorkerEnded. */
  run(task: TaskWithoutFlag, signal: AbortSignal): Promise<unknown>;
  /** Ends the workers when their current tasks are done. */
  close(): Promise<void>;
}

type WithoutFlag<Of> = Of extends Task ? Omit<Of, "left"> : never;
/** A task before it is queued. */
export type TaskWithoutFlag = WithoutFlag<Task>;

interface Job {
  readonly task: Task;
  /** Runs alone if a worker ended with it. */
  tried: boolean;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

type Worker = OpenWorker<WorkerRequest, WorkerAnswer>;

/** Starts the workers and loads the model in each. Throws the error of loading. */
export async function openPool({ name, workers, setup, module, onEnded }: PoolSettings): Promise<ModelPool> {
  const program = module ?? moduleBeside("./model-worker", import.meta.url);
  const start = (): Worker =>
    openWorker<typeof import("./model-worker.ts")>(`worker of the model ${name}`, program, setup);
  const free = Array.from({ length: workers }, start);
  const all = new Set(free);
  const closeAll = () => Promise.all([...all].map((worker) => worker.close()));
  const facts = await Promise.all(free.map(factsOf)).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  const jobs: Job[] = [];
  let closed = false;

  function dispatch(): void {
    while (jobs.length > 0 && free.length > 0) void serve(free.shift()!, takeJobs(jobs, free.length + 1));
  }

  async function serve(worker: Worker, taken: readonly Job[]): Promise<void> {
    try {
      const answer = await worker.ask({ tasks: taken.map(({ task }) => task) });
      settle(taken, (answer as { outcomes: readonly Outcome[] }).outcomes);
      free.push(worker);
    } catch (error) {
      all.delete(worker);
      void worker.close().catch(() => {});
      if (!closed) {
        onEnded?.(error as Error);
        const next = start();
        all.add(next);
        free.push(next);
      }
      retryOrFail(jobs, taken, error);
    }
    dispatch();
  }

  return {
    facts: facts[0]!,
    get waiting() {
      return jobs.length;
    },
    run: async (given, signal) => {
      signal.throwIfAborted();
      const task = { ...given, left: new Int32Array(new SharedArrayBuffer(4)) } as Task;
      let leave = () => {};
      const answer = new Promise((resolve, reject) => {
        const job: Job = { task, tried: false, resolve, reject };
        leave = () => {
          Atomics.store(task.left, 0, 1);
          const place = jobs.indexOf(job);
          if (place >= 0) jobs.splice(place, 1);
          reject(signal.reason);
        };
        jobs.push(job);
      });
      signal.addEventListener("abort", leave);
      dispatch();
      // A listener would keep the picture for as long as the signal is kept.
      return answer.finally(() => signal.removeEventListener("abort", leave));
    },
    close: async () => {
      closed = true;
      for (const { reject } of jobs.splice(0)) reject(new WorkerEnded("the service has ended"));
      await closeAll();
    },
  };
}

async function factsOf(worker: Worker): Promise<ModelFacts> {
  return ((await worker.ask("facts")) as { facts: ModelFacts }).facts;
}

/** The next jobs for one of several free workers: its part of what waits. */
function takeJobs(jobs: Job[], freeWorkers: number): Job[] {
  const alone = jobs.findIndex(({ tried }) => tried);
  const together = alone < 0 ? jobs.length : Math.max(1, alone);
  return jobs.splice(0, Math.min(MOST_AT_ONCE, together, Math.ceil(jobs.length / freeWorkers)));
}

function settle(jobs: readonly Job[], outcomes: readonly Outcome[]): void {
  for (const [i, { resolve, reject }] of jobs.entries()) {
    const outcome = outcomes[i]!;
    if ("error" in outcome) reject(revivedError(outcome.error));
    else resolve(outcome.answer);
  }
}

/** Puts jobs whose worker ended back at the front, once. */
function retryOrFail(jobs: Job[], taken: readonly Job[], error: unknown): void {
  for (const job of [...taken].reverse()) {
    if (job.tried) job.reject(new WorkerEnded("the worker ended while it answered; try again", { cause: error }));
    else if (Atomics.load(job.task.left, 0) === 0) jobs.unshift(Object.assign(job, { tried: true }));
  }
}
