/** The program of a pool's worker thread: answers each question with the results of a run. */

import { on } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../errors.ts";
import type { BackendOptions } from "./backend.ts";
import type { Lowered } from "./lower.ts";
import { LEAVE, type PoolAnswer, type PoolQuestion } from "./pool.ts";
import { SessionCache } from "./session.ts";

const port = parentPort!;
const questions = on(port, "message");
const sessions = new SessionCache(workerData as BackendOptions);
const traces = new Map<number, Lowered>();

for await (const [question] of questions) {
  if (question === LEAVE) break;
  const { key, trace, feeds, weights } = question as PoolQuestion;
  if (trace) traces.set(key, trace);
  try {
    const results = await sessions.run(traces.get(key)!, feeds, weights ? { weights } : {});
    port.postMessage({ results } satisfies PoolAnswer);
  } catch (error) {
    port.postMessage({ error: plainError(error) } satisfies PoolAnswer);
  }
}
await sessions.dispose();
port.close();
