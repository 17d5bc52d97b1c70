/** Batches for training: made one after the other, or ahead of time in worker threads, always in the same order. */

import { InputError } from "../errors.ts";
import { moduleBeside } from "../files/module-beside.ts";
import { type OpenWorker, openWorker } from "../files/open-worker.ts";
import type { Json } from "./json.ts";

/** An endless sequence of batches, with a position that can be saved and restored. */
export interface BatchSource<Batch> {
  /** The next batch. */
  next(): Promise<Batch>;
  /** Position after the last batch that was returned; batches made ahead do not count. */
  position(): Json;
  /** Continues after a position that `position` returned. */
  restore(position: Json): void;
  /** Ends the worker threads, if there are any. */
  close(): Promise<void>;
}

/** Makes batch number `job` (0, 1, …), which must depend only on the number and the composer's setup. */
export interface Composer<Batch> {
  /** Makes one batch. */
  compose(job: number): Batch | Promise<Batch>;
  /** Buffers that may be moved to the trainer instead of copied; the composer must not use them afterwards. */
  transfer?(batch: Batch): ArrayBuffer[];
}

/** What a module for `workerBatchSource` exports. */
export interface ComposerModule<Batch> {
  /** Called once in each worker thread with the `setup` of `WorkerSourceOptions`. */
  createComposer(setup: unknown): Composer<Batch> | Promise<Composer<Batch>>;
}

/** The module that makes batches, and the number of threads. */
export interface WorkerSourceOptions {
  /** The module with `createComposer`, as `moduleBeside` names it. */
  module: URL;
  /** Given to `createComposer` in each worker; plain data. */
  setup: unknown;
  workers: number;
  /** Maximum number of batches in progress or waiting; default: twice the workers. */
  ahead?: number;
}

/** Makes batches in this thread when they are requested. */
export function localBatchSource<Batch>(composer: Composer<Batch>): BatchSource<Batch> {
  let job = 0;
  return {
    next: async () => composer.compose(job++),
    position: () => job,
    restore: (position) => {
      job = jobNumber(position);
    },
    close: async () => {},
  };
}

/** Makes batches in advance in worker threads; batches and order do not depend on the number of threads. */
export function workerBatchSource<Batch>(options: WorkerSourceOptions): BatchSource<Batch> {
  return new WorkerSource<Batch>(options);
}

class WorkerSource<Batch> implements BatchSource<Batch> {
  private readonly workers: OpenWorker<number, unknown>[];
  private readonly ahead: number;
  private readonly batches = new Map<number, Promise<unknown>>();
  private nextJob = 0;

  constructor({ module, setup, workers, ahead }: WorkerSourceOptions) {
    this.ahead = ahead ?? workers * 2;
    const program = moduleBeside("./batch-worker", import.meta.url);
    const composer = { module: module.href, setup };
    this.workers = Array.from({ length: workers }, (_, index) =>
      openWorker<typeof import("./batch-worker.ts")>(`batch worker ${index}`, program, composer),
    );
  }

  async next(): Promise<Batch> {
    const job = this.nextJob++;
    this.askUpTo(job + this.ahead);
    const batch = await this.batches.get(job)!;
    this.batches.delete(job);
    return batch as Batch;
  }

  position(): Json {
    return this.nextJob;
  }

  restore(position: Json): void {
    this.nextJob = jobNumber(position);
    for (const job of this.batches.keys()) if (job < this.nextJob) this.batches.delete(job);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }

  /** A worker gets its next jobs before it finishes one, so that it continues while the trainer blocks this thread. */
  private askUpTo(end: number): void {
    for (let job = this.nextJob - 1; job < end; job++) {
      if (this.batches.has(job)) continue;
      const batch = this.workers[job % this.workers.length]!.ask(job);
      // A batch made in advance may fail long before it is used; this is not an unhandled rejection.
      batch.catch(() => {});
      this.batches.set(job, batch);
    }
  }
}

function jobNumber(position: Json): number {
  if (typeof position === "number" && Number.isSafeInteger(position) && position >= 0) return position;
  throw new InputError(`data position ${JSON.stringify(position)} is not the number of a batch; start a new run`);
}
