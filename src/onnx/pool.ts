/** Sessions in worker threads, for servers and parallel work, because ONNX Runtime's `run` blocks its thread. */

import { availableParallelism } from "node:os";
import { InputError } from "../errors.ts";
import { moduleBeside } from "../files/module-beside.ts";
import { type OpenWorker, openWorker } from "../files/open-worker.ts";
import type { Numbers } from "../tensor/index.ts";
import type { BackendOptions } from "./backend.ts";
import type { Lowered } from "./lower.ts";
import type { PoolAnswer, PoolRequest } from "./pool-worker.ts";
import { drawMasks, type Feeds, type RunOptions, type TraceRunner } from "./session.ts";

export interface PoolOptions extends BackendOptions {
  /** Number of worker threads, each with its own sessions; `threads` per operation default to the cores divided by this number. */
  workers: number;
}

interface PooledWorker {
  worker: OpenWorker<PoolRequest, PoolAnswer>;
  /** Traces that were sent to it. */
  known: WeakSet<Lowered>;
  busy: boolean;
}

interface Waiting {
  resolve(worker: PooledWorker): void;
  reject(error: Error): void;
}

/**
 * Runs traces in worker threads, each run in the first free one. It is best to bake weights from a file (`storeWeights`): fed arrays are
 * copied at each run, once over a `SharedArrayBuffer` and otherwise twice. Results are moved, or written to the given shared memory.
 */
export class SessionPool implements TraceRunner {
  private pooled: PooledWorker[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly keys = new WeakMap<Lowered, number>();
  private nextKey = 0;
  private disposed = false;

  constructor(private readonly options: PoolOptions) {}

  async run(trace: Lowered, feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Numbers>> {
    if (this.disposed) throw disposedError();
    const { weights, results, random = Math.random } = options;
    // Drawn before waiting for a worker, so that they depend on the order of runs and not on the workers' speed.
    const given = { ...feeds, ...drawMasks(trace, random) };
    const one = await this.freeWorker();
    try {
      return await this.answer(one, trace, {
        feeds: given,
        ...(weights ? { weights } : {}),
        ...(results ? { results } : {}),
      });
    } catch (error) {
      throw this.disposed ? disposedError() : error;
    } finally {
      one.busy = false;
      this.giveWorkers();
    }
  }

  /** Stops the workers when the current runs are done; these and waiting runs are rejected. */
  async dispose(): Promise<void> {
    this.disposed = true;
    for (const { reject } of this.waiting.splice(0)) reject(disposedError());
    await Promise.all(this.pooled.splice(0).map(({ worker }) => worker.close()));
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async answer(
    { worker, known }: PooledWorker,
    trace: Lowered,
    asked: Omit<PoolRequest, "key" | "trace">,
  ): Promise<Record<string, Numbers>> {
    const key = this.keys.get(trace) ?? this.nextKey++;
    this.keys.set(trace, key);
    const answer = known.has(trace) ? await worker.ask({ key, ...asked }) : "unknown trace";
    if (answer !== "unknown trace") return answer;
    known.add(trace);
    return (await worker.ask({ key, trace, ...asked })) as Record<string, Numbers>;
  }

  private freeWorker(): Promise<PooledWorker> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.giveWorkers();
    });
  }

  private giveWorkers(): void {
    while (this.waiting.length > 0) {
      // A worker that died is replaced.
      this.pooled = this.pooled.filter(({ worker }) => worker.isOpen);
      let one = this.pooled.find(({ busy }) => !busy);
      if (!one && this.pooled.length < this.options.workers) one = this.start();
      if (!one) return;
      one.busy = true;
      this.waiting.shift()!.resolve(one);
    }
  }

  private start(): PooledWorker {
    const { workers, ...rest } = this.options;
    const threads = rest.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
    const module = moduleBeside("./pool-worker", import.meta.url);
    const worker = openWorker<typeof import("./pool-worker.ts")>("session worker", module, { ...rest, threads });
    const one: PooledWorker = { worker, known: new WeakSet(), busy: false };
    this.pooled.push(one);
    return one;
  }
}

function disposedError(): InputError {
  return new InputError("the pool of sessions was disposed");
}
