/** Runs traces in a pool's worker thread. */

import type { Service } from "../files/open-worker.ts";
import type { Numbers } from "../tensor/index.ts";
import type { BackendOptions } from "./backend.ts";
import type { Lowered } from "./lower.ts";
import { RecentlyUsed } from "./recently-used.ts";
import { type Feeds, SessionCache } from "./session.ts";
import { KEPT_TRACES } from "./traces.ts";

export interface PoolRequest {
  /** Number of the trace. */
  key: number;
  /** Sent with the first request of its key, and again if the worker has dropped it. */
  trace?: Lowered;
  feeds: Feeds;
  weights?: ReadonlyMap<string, Float32Array>;
  /** Arrays in shared memory that outputs are written to. */
  results?: Readonly<Record<string, Float32Array>>;
}
/** The results of a run, or that the trace of its key is not kept. */
export type PoolAnswer = Record<string, Numbers> | "unknown trace";

export function open(options: BackendOptions): Service<PoolRequest, PoolAnswer> {
  const sessions = new SessionCache(options);
  const traces = new RecentlyUsed<number, Lowered>(KEPT_TRACES);
  return {
    answer({ key, trace = traces.get(key), feeds, ...options }) {
      if (!trace) return "unknown trace";
      traces.set(key, trace);
      traces.dropped();
      return sessions.run(trace, feeds, options);
    },
    transfer: (answer) => (answer === "unknown trace" ? [] : memoryOf(Object.values(answer))),
    dispose: () => sessions.dispose(),
  };
}

/** Each result has its own memory, unless it was given shared memory. */
function memoryOf(results: readonly Numbers[]): ArrayBuffer[] {
  return results.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}
